// MultiheadAttention and the transformers made of it.
#include "message_of.h"
#include "with_parameters.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <limits>

using namespace reel;
using reel::tests::compute_with;
using reel::tests::message_of;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor doubles(const Shape& shape) { return randn(shape, {.dtype = kFloat64}); }

bool close(const Tensor& a, const Tensor& b) {
  return allclose(a.detach(), b.detach(), {.rtol = 1e-9, .atol = 1e-12, .equal_nan = true});
}

nn::MultiheadAttention in_float64(const nn::MultiheadAttentionOptions& options) {
  nn::MultiheadAttention module(options);
  module->to(kFloat64);
  // Biases start as 0, which would hide where they are used.
  NoGradGuard no_grad;
  for (auto& [name, parameter] : module->named_parameters()) {
    if (parameter.dim() == 1) parameter.normal_();
  }
  return module;
}

// True above the diagonal.
Tensor later(int64_t targets, int64_t sources) {
  return triu(ones({targets, sources}), 1).to(kBool);
}

std::vector<std::string> names_of(const nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& entry : module.named_parameters()) names.push_back(entry.name);
  return names;
}

int64_t count(const nn::Module& module) {
  int64_t total = 0;
  for (const Tensor& parameter : module.parameters()) total += parameter.numel();
  return total;
}

}  // namespace

// ---- derivatives -----------------------------------------------------------------------------------------------

namespace {

struct Derivative {
  const char* name;
  std::function<std::shared_ptr<nn::Module>()> make;
  std::vector<Shape> inputs;
  // What the module makes of its inputs; a gradient goes through every output.
  std::function<std::vector<Tensor>(nn::Module&, const std::vector<Tensor>&)> call;
};

template <class Impl>
Impl& as(nn::Module& module) {
  return dynamic_cast<Impl&>(module);
}

Derivative attention(const char* name, const nn::MultiheadAttentionOptions& options,
                     std::vector<Shape> inputs, bool average = true, bool floats = false) {
  return {name, [options] { return nn::MultiheadAttention(options).ptr(); }, std::move(inputs),
          [=](nn::Module& module, const std::vector<Tensor>& x) {
            const size_t sequences = x.size() - (floats ? 1 : 0);
            const Tensor &key = x[sequences > 1 ? 1 : 0], &value = x[sequences > 1 ? 2 : 0];
            const auto result = as<nn::MultiheadAttentionImpl>(module).forward(
                x[0], key, value,
                {.attn_mask = floats ? x.back() : Tensor(), .average_attn_weights = average});
            return std::vector<Tensor>{result.output, result.weights};
          }};
}

template <class Module>
Derivative layer(const char* name, const nn::TransformerLayerOptions& options) {
  return {name, [options] { return Module(options).ptr(); },
          std::is_same_v<Module, nn::TransformerEncoderLayer>
              ? std::vector<Shape>{{2, 2, 2}}
              : std::vector<Shape>{{2, 2, 2}, {3, 2, 2}},
          [](nn::Module& module, const std::vector<Tensor>& x) {
            auto& layer = as<typename Module::ImplType>(module);
            if constexpr (std::is_same_v<Module, nn::TransformerEncoderLayer>)
              return std::vector<Tensor>{layer.forward(x[0], {.src_mask = later(2, 2)})};
            else
              return std::vector<Tensor>{layer.forward(x[0], x[1], {.tgt_mask = later(2, 2)})};
          }};
}

std::vector<Derivative> derivatives() {
  const nn::TransformerLayerOptions small{
      .d_model = 2, .nhead = 1, .dim_feedforward = 2, .dropout = 0.3, .activation = "gelu"};
  nn::TransformerLayerOptions first = small;
  first.norm_first = true;
  return {
      attention("self", {.embed_dim = 4, .num_heads = 2, .dropout = 0.3}, {{2, 2, 4}}),
      attention("self, float mask", {.embed_dim = 2, .num_heads = 1, .batch_first = true},
                {{2, 3, 2}, {3, 3}}, true, true),
      attention("per head", {.embed_dim = 4, .num_heads = 2, .dropout = 0.3}, {{2, 2, 4}}, false),
      attention("memory", {.embed_dim = 2, .num_heads = 2, .dropout = 0.3},
                {{2, 1, 2}, {3, 1, 2}, {3, 1, 2}}),
      attention("other widths",
                {.embed_dim = 2, .num_heads = 1, .bias = false, .kdim = 3, .vdim = 1},
                {{2, 2, 2}, {2, 2, 3}, {2, 2, 1}}),
      attention("more keys",
                {.embed_dim = 2, .num_heads = 1, .add_bias_kv = true, .add_zero_attn = true},
                {{2, 1, 2}}),
      layer<nn::TransformerEncoderLayer>("encoder layer", small),
      layer<nn::TransformerEncoderLayer>("encoder layer, norm first", first),
      layer<nn::TransformerDecoderLayer>("decoder layer", small),
      layer<nn::TransformerDecoderLayer>("decoder layer, norm first", first),
      {"transformer",
       [] {
         return nn::Transformer({.d_model = 2,
                                 .nhead = 1,
                                 .num_encoder_layers = 1,
                                 .num_decoder_layers = 1,
                                 .dim_feedforward = 1,
                                 .dropout = 0,
                                 .activation = "gelu"})
             .ptr();
       },
       {{2, 1, 2}, {2, 1, 2}},
       [](nn::Module& module, const std::vector<Tensor>& x) {
         return std::vector<Tensor>{as<nn::TransformerImpl>(module).forward(x[0], x[1])};
       }},
  };
}

}  // namespace

// By the inputs and by all parameters, while training with the same numbers dropped each time.
TEST(AttentionModules, have_the_derivatives_of_what_they_compute) {
  for (const Derivative& row : derivatives()) {
    for (const bool training : {false, true}) {
      SCOPED_TRACE(fmt::format("{}{}", row.name, training ? ", training" : ""));
      manual_seed(3);
      const auto module = row.make();
      module->to(kFloat64);
      module->train(training);
      const std::vector<std::string> names = names_of(*module);
      std::vector<Tensor> inputs;
      for (const Shape& shape : row.inputs) inputs.push_back(doubles(shape).requires_grad_());
      for (const Tensor& parameter : module->parameters())
        inputs.push_back((parameter.detach() + doubles(parameter.shape()) * 0.3).requires_grad_());
      const auto function = [&](const std::vector<Tensor>& x) {
        const auto split = x.begin() + static_cast<std::ptrdiff_t>(row.inputs.size());
        compute_with(*module, names, {split, x.end()});
        manual_seed(11);
        return row.call(*module, {x.begin(), split});
      };
      EXPECT_TRUE(autograd::gradcheck(autograd::TensorsFunction(function), inputs));
      EXPECT_TRUE(autograd::gradgradcheck(autograd::TensorsFunction(function), inputs));
    }
  }
}

// ---- the formula -----------------------------------------------------------------------------------------------

TEST(MultiheadAttention, with_one_head_is_the_formula) {
  manual_seed(1);
  const auto module = in_float64({.embed_dim = 3, .num_heads = 1, .batch_first = true});
  const Tensor query = doubles({2, 4, 3}), memory = doubles({2, 5, 3});
  const auto weights = module->in_proj_weight.chunk(3), biases = module->in_proj_bias.chunk(3);
  const Tensor q = matmul(query, weights[0].t()) + biases[0],
               k = matmul(memory, weights[1].t()) + biases[1],
               v = matmul(memory, weights[2].t()) + biases[2];
  const Tensor shares = softmax(matmul(q, k.mT()) / std::sqrt(3.0), -1);
  const auto [output, seen] = module(query, memory, memory);
  EXPECT_TRUE(close(seen, shares));
  EXPECT_TRUE(close(
      output, matmul(matmul(shares, v), module->out_proj->weight.t()) + module->out_proj->bias));
}

// Heads are slices of the features: each by itself through the operation of autograd.
TEST(MultiheadAttention, computes_each_head_as_scaled_dot_product_attention_does) {
  manual_seed(2);
  const auto module = in_float64({.embed_dim = 6, .num_heads = 3});
  const Tensor x = doubles({4, 2, 6});
  const Tensor all = matmul(x, module->in_proj_weight.t()) + module->in_proj_bias;
  std::vector<Tensor> heads;
  for (int64_t head = 0; head < 3; ++head) {
    const auto part = [&](int64_t which) {
      return all.narrow(-1, which * 6 + head * 2, 2).transpose(0, 1);
    };
    heads.push_back(scaled_dot_product_attention(part(0), part(1), part(2), {.is_causal = true}));
  }
  const Tensor joined = cat(heads, -1).transpose(0, 1);
  EXPECT_TRUE(close(module(x, x, x, {.attn_mask = later(4, 4)}).output,
                    matmul(joined, module->out_proj->weight.t()) + module->out_proj->bias));
}

TEST(MultiheadAttention, gives_the_same_for_one_tensor_as_for_equal_ones) {
  manual_seed(3);
  const auto module = in_float64({.embed_dim = 4, .num_heads = 2});
  Tensor x = doubles({5, 2, 4}).requires_grad_();
  const Tensor g = doubles({5, 2, 4});
  const auto gradients = [&](const Tensor& key, const Tensor& value) {
    const Tensor y = module(x, key, value).output;
    std::vector<Tensor> result{y.detach()};
    for (const Tensor& grad : autograd::grad({y}, {x, module->in_proj_weight, module->in_proj_bias},
                                             {.grad_outputs = {g}}))
      result.push_back(grad);
    return result;
  };
  const auto one = gradients(x, x), several = gradients(x * 1, x * 1);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(close(one[i], several[i])) << i;
}

TEST(MultiheadAttention, gives_the_same_bits_for_any_number_of_threads) {
  const int before = num_threads();
  manual_seed(4);
  const nn::MultiheadAttention module({.embed_dim = 64, .num_heads = 4});
  const Tensor x = randn({70, 3, 64}).requires_grad_();
  std::vector<Tensor> outputs, gradients;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const Tensor y = module(x, x, x).output;
    outputs.push_back(y.detach());
    gradients.push_back(autograd::grad({y.square().sum()}, {x})[0]);
  }
  set_num_threads(before);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_TRUE(equal(outputs[0], outputs[i]));
    EXPECT_TRUE(equal(gradients[0], gradients[i]));
  }
}

// ---- masks -----------------------------------------------------------------------------------------------------

TEST(MultiheadAttention, takes_bools_for_minus_infinity) {
  manual_seed(5);
  const auto module = in_float64({.embed_dim = 4, .num_heads = 2, .batch_first = true});
  const Tensor x = doubles({2, 3, 4});
  const Tensor hidden = later(3, 3);
  const Tensor added = zeros({3, 3}, {.dtype = kFloat64}).masked_fill(hidden, -kInfinity);
  const auto bools = module(x, x, x, {.attn_mask = hidden}),
             floats = module(x, x, x, {.attn_mask = added}),
             each = module(x, x, x, {.attn_mask = hidden.expand({4, 3, 3})});
  EXPECT_TRUE(close(bools.output, floats.output));
  EXPECT_TRUE(close(bools.output, each.output));
  EXPECT_TRUE(close(bools.weights, each.weights));
  EXPECT_EQ(bools.weights.detach()[0][0][1].item<double>(), 0);
}

// A hidden key is as good as absent; each sample hides its own.
TEST(MultiheadAttention, leaves_padding_out) {
  manual_seed(6);
  const auto module = in_float64({.embed_dim = 4, .num_heads = 2, .batch_first = true});
  const Tensor query = doubles({2, 3, 4}), memory = doubles({2, 5, 4});
  const Tensor padding =
      tensor({{false, false, false, true, true}, {false, false, false, false, false}});
  const auto [output, weights] = module(query, memory, memory, {.key_padding_mask = padding});
  const Tensor shorter = memory.narrow(0, 0, 1).narrow(1, 0, 3);
  EXPECT_TRUE(close(output[0], module(query.narrow(0, 0, 1), shorter, shorter).output[0]));
  EXPECT_TRUE(close(output[1], module(query, memory, memory).output[1]));
  EXPECT_TRUE(equal(weights.detach()[0].narrow(1, 3, 2), zeros({3, 2}, {.dtype = kFloat64})));
  const Tensor added = zeros({2, 5}, {.dtype = kFloat64}).masked_fill(padding, -kInfinity);
  EXPECT_TRUE(close(output, module(query, memory, memory, {.key_padding_mask = added}).output));
}

// As PyTorch 1.13: softmax over nothing.
TEST(MultiheadAttention, gives_nan_where_every_key_is_hidden) {
  manual_seed(7);
  const auto module = in_float64({.embed_dim = 4, .num_heads = 2});
  const Tensor x = doubles({3, 1, 4});
  const Tensor mask = tensor({{true, true, true}, {false, true, true}, {false, false, false}});
  const auto [output, weights] = module(x, x, x, {.attn_mask = mask});
  EXPECT_TRUE(output.detach()[0].isnan().all());
  EXPECT_TRUE(weights.detach()[0][0].isnan().all());
  EXPECT_FALSE(output.detach().narrow(0, 1, 2).isnan().any());
}

// ---- layouts and outputs ---------------------------------------------------------------------------------------

TEST(MultiheadAttention, takes_the_batch_first_or_not_at_all) {
  const nn::MultiheadAttentionOptions options{.embed_dim = 4, .num_heads = 2};
  nn::MultiheadAttentionOptions first = options;
  first.batch_first = true;
  manual_seed(8);
  const auto module = in_float64(options);
  manual_seed(8);
  const auto other = in_float64(first);
  const Tensor x = doubles({3, 2, 4}), memory = doubles({5, 2, 4});
  const Tensor padding = later(2, 5);
  const auto result = module(x, memory, memory, {.key_padding_mask = padding});
  const auto turned = other(x.transpose(0, 1), memory.transpose(0, 1), memory.transpose(0, 1),
                            {.key_padding_mask = padding});
  EXPECT_TRUE(close(result.output, turned.output.transpose(0, 1)));
  EXPECT_TRUE(close(result.weights, turned.weights));
  for (const auto& each : {module, other}) {
    const Tensor keys = memory.select(1, 1);
    const auto alone = each(x.select(1, 1), keys, keys, {.key_padding_mask = padding[1]});
    EXPECT_TRUE(close(alone.output, result.output.select(1, 1)));
    EXPECT_TRUE(close(alone.weights, result.weights[1]));
  }
}

TEST(MultiheadAttention, gives_the_weights_that_are_asked_for) {
  manual_seed(9);
  const auto module = in_float64({.embed_dim = 4, .num_heads = 2});
  const Tensor x = doubles({3, 2, 4});
  EXPECT_FALSE(module(x, x, x, {.need_weights = false}).weights.defined());
  const Tensor heads = module(x, x, x, {.average_attn_weights = false}).weights;
  EXPECT_EQ(heads.shape(), Shape({2, 2, 3, 3}));
  EXPECT_TRUE(close(heads.mean(1), module(x, x, x).weights));
  EXPECT_TRUE(close(heads.sum(-1), ones({2, 2, 3}, {.dtype = kFloat64})));
}

TEST(MultiheadAttention, drops_weights_while_training_only) {
  manual_seed(10);
  const auto module = in_float64({.embed_dim = 4, .num_heads = 1, .dropout = 0.5});
  const Tensor x = doubles({20, 1, 4});
  const Tensor dropped = module(x, x, x).weights.detach();
  module->eval();
  const Tensor kept = module(x, x, x).weights.detach();
  const double share = dropped.eq(0).to(kFloat64).mean().item<double>();
  EXPECT_NEAR(share, 0.5, 0.1);
  EXPECT_TRUE(close(dropped, where(dropped.eq(0), dropped, kept * 2)));
}

TEST(MultiheadAttention, takes_sequences_without_entries) {
  const auto module = in_float64({.embed_dim = 4, .num_heads = 2});
  const Tensor none = zeros({0, 2, 4}, {.dtype = kFloat64}), x = doubles({3, 2, 4});
  EXPECT_EQ(module(none, x, x).output.shape(), Shape({0, 2, 4}));
  EXPECT_EQ(module(none, none, none).output.shape(), Shape({0, 2, 4}));
}

// ---- parameters ------------------------------------------------------------------------------------------------

// PyTorch draws out_proj as a Linear, then in_proj_weight, bias_k, bias_v.
TEST(MultiheadAttention, draws_its_numbers_in_pytorchs_order) {
  manual_seed(0);
  const nn::MultiheadAttention module({.embed_dim = 4, .num_heads = 2, .add_bias_kv = true});
  EXPECT_EQ(names_of(*module),
            (std::vector<std::string>{"in_proj_weight", "in_proj_bias", "bias_k", "bias_v",
                                      "out_proj.weight", "out_proj.bias"}));
  manual_seed(0);
  const nn::Linear out(4, 4);
  const double bound = std::sqrt(6.0 / 16);
  const Tensor weight = empty({12, 4}).uniform_(-bound, bound);
  const Tensor bias_k = empty({1, 1, 4}).normal_(0, 0.5), bias_v = empty({1, 1, 4}).normal_(0, 0.5);
  EXPECT_TRUE(equal(module->out_proj->weight.detach(), out->weight.detach()));
  EXPECT_TRUE(equal(module->in_proj_weight.detach(), weight));
  EXPECT_TRUE(equal(module->bias_k.detach(), bias_k));
  EXPECT_TRUE(equal(module->bias_v.detach(), bias_v));
  EXPECT_TRUE(equal(module->in_proj_bias.detach(), zeros({12})));
  EXPECT_TRUE(equal(module->out_proj->bias.detach(), zeros({4})));
}

TEST(MultiheadAttention, names_separate_weights_as_pytorch_does) {
  const nn::MultiheadAttention module({.embed_dim = 4, .num_heads = 2, .kdim = 3});
  EXPECT_EQ(names_of(*module),
            (std::vector<std::string>{"q_proj_weight", "k_proj_weight", "v_proj_weight",
                                      "in_proj_bias", "out_proj.weight", "out_proj.bias"}));
  EXPECT_EQ(module->k_proj_weight.shape(), Shape({4, 3}));
  EXPECT_EQ(names_of(*nn::MultiheadAttention({.embed_dim = 4, .num_heads = 2, .bias = false})),
            (std::vector<std::string>{"in_proj_weight", "out_proj.weight"}));
}

TEST(Transformer, has_pytorchs_parameters) {
  const nn::Transformer module;
  EXPECT_EQ(count(*module), 44140544);
  const auto names = names_of(*module);
  EXPECT_EQ(names.size(), size_t{6 * 12 + 2 + 6 * 18 + 2});
  EXPECT_EQ(names[0], "encoder.layers.0.self_attn.in_proj_weight");
  EXPECT_EQ(names[73], "encoder.norm.bias");
  EXPECT_EQ(names[78], "decoder.layers.0.multihead_attn.in_proj_weight");
  EXPECT_EQ(names.back(), "decoder.norm.bias");
}

// Layers are copies of one, which costs no random numbers; then all weights are drawn anew.
TEST(Transformer, draws_its_numbers_in_pytorchs_order) {
  const nn::TransformerOptions options{.d_model = 4,
                                       .nhead = 2,
                                       .num_encoder_layers = 2,
                                       .num_decoder_layers = 1,
                                       .dim_feedforward = 3};
  manual_seed(1);
  const nn::Transformer module(options);
  manual_seed(1);
  const nn::TransformerEncoderLayer encoder({.d_model = 4, .nhead = 2, .dim_feedforward = 3});
  const nn::TransformerDecoderLayer decoder({.d_model = 4, .nhead = 2, .dim_feedforward = 3});
  for (const auto& [name, parameter] : module->named_parameters()) {
    SCOPED_TRACE(name);
    Tensor expected = parameter.detach().clone();
    if (parameter.dim() > 1) {
      const double bound =
          std::sqrt(6.0 / static_cast<double>(parameter.size(0) + parameter.size(1)));
      expected.uniform_(-bound, bound);
    } else if (name.find("linear1.bias") != std::string::npos) {
      expected = (name[0] == 'e' ? encoder->linear1 : decoder->linear1)->bias;
    }
    EXPECT_TRUE(equal(parameter.detach(), expected.detach()));
  }
}

TEST(TransformerEncoder, starts_with_copies_of_its_layer) {
  manual_seed(2);
  const nn::TransformerEncoderLayer layer({.d_model = 4, .nhead = 2, .dim_feedforward = 3});
  const Generator before = default_generator();
  const nn::TransformerEncoder encoder(layer, 3);
  Generator now = default_generator(), then = before;
  EXPECT_EQ(now.random(), then.random());
  EXPECT_EQ(encoder->parameters().size(), size_t{3 * 12});
  for (const auto& copy : encoder->layers) {
    for (size_t i = 0; i < 12; ++i) {
      EXPECT_TRUE(equal(copy->parameters()[i].detach(), layer->parameters()[i].detach()));
      EXPECT_NE(copy->parameters()[i].body(), layer->parameters()[i].body());
    }
  }
}

// ---- transformers ----------------------------------------------------------------------------------------------

TEST(TransformerEncoderLayer, prints_as_pytorch_does) {
  const nn::TransformerEncoderLayer layer({.d_model = 4, .nhead = 2, .dim_feedforward = 8});
  EXPECT_EQ(fmt::format("{}", layer),
            "TransformerEncoderLayer(\n"
            "  (self_attn): MultiheadAttention(\n"
            "    (out_proj): NonDynamicallyQuantizableLinear(in_features=4, out_features=4, "
            "bias=True)\n"
            "  )\n"
            "  (linear1): Linear(in_features=4, out_features=8, bias=True)\n"
            "  (dropout): Dropout(p=0.1, inplace=False)\n"
            "  (linear2): Linear(in_features=8, out_features=4, bias=True)\n"
            "  (norm1): LayerNorm((4,), eps=1e-05, elementwise_affine=True)\n"
            "  (norm2): LayerNorm((4,), eps=1e-05, elementwise_affine=True)\n"
            "  (dropout1): Dropout(p=0.1, inplace=False)\n"
            "  (dropout2): Dropout(p=0.1, inplace=False)\n"
            ")");
}

TEST(TransformerEncoderLayer, normalises_behind_or_before_its_blocks) {
  for (const bool first : {false, true}) {
    manual_seed(3);
    const nn::TransformerEncoderLayer layer(
        {.d_model = 4, .nhead = 2, .dim_feedforward = 3, .norm_first = first});
    layer->eval().to(kFloat64);
    const Tensor x = doubles({3, 2, 4});
    const auto attend = [&](const Tensor& in) { return layer->self_attn(in, in, in).output; };
    const auto feed = [&](const Tensor& in) { return layer->linear2(relu(layer->linear1(in))); };
    const auto &norm1 = layer->norm1, &norm2 = layer->norm2;
    Tensor y = first ? x + attend(norm1(x)) : norm1(x + attend(x));
    y = first ? y + feed(norm2(y)) : norm2(y + feed(y));
    EXPECT_TRUE(close(layer(x), y));
  }
}

// PyTorch drops after the attention's weights, the activation and both blocks: with everything
// dropped, only the residual is left.
TEST(TransformerEncoderLayer, drops_what_its_blocks_give) {
  const nn::TransformerEncoderLayer layer(
      {.d_model = 4, .nhead = 2, .dim_feedforward = 3, .dropout = 1, .norm_first = true});
  const Tensor x = randn({3, 2, 4});
  EXPECT_TRUE(equal(layer(x), x));
  layer->eval();
  EXPECT_FALSE(equal(layer(x), x));
}

TEST(Transformer, is_its_encoder_and_its_decoder) {
  manual_seed(4);
  const nn::Transformer module({.d_model = 4,
                                .nhead = 2,
                                .num_encoder_layers = 2,
                                .num_decoder_layers = 2,
                                .dim_feedforward = 3,
                                .batch_first = true});
  module->eval().to(kFloat64);
  const Tensor src = doubles({2, 5, 4}), tgt = doubles({2, 3, 4});
  const Tensor mask = nn::TransformerImpl::generate_square_subsequent_mask(3);
  EXPECT_TRUE(equal(mask, zeros({3, 3}).masked_fill(later(3, 3), -kInfinity)));
  const Tensor padding =
      tensor({{false, false, false, false, true}, {false, false, false, true, true}});
  Tensor memory = src;
  for (const auto& layer : module->encoder->layers)
    memory = layer(memory, {.src_key_padding_mask = padding});
  memory = module->encoder->norm->forward(memory);
  Tensor y = tgt;
  for (const auto& layer : module->decoder->layers)
    y = layer(y, memory, {.tgt_mask = mask, .memory_key_padding_mask = padding});
  y = module->decoder->norm->forward(y);
  const Tensor got = module(
      src, tgt,
      {.tgt_mask = mask, .src_key_padding_mask = padding, .memory_key_padding_mask = padding});
  EXPECT_TRUE(close(got, y));
  // No position sees what comes after it.
  const Tensor other = cat({tgt.narrow(1, 0, 2), doubles({2, 1, 4})}, 1);
  EXPECT_TRUE(close(module(src, other, {.tgt_mask = mask}).narrow(1, 0, 2),
                    module(src, tgt, {.tgt_mask = mask}).narrow(1, 0, 2)));
}

TEST(Transformer, takes_an_encoder_of_ones_own) {
  const nn::TransformerEncoder encoder(
      nn::TransformerEncoderLayer({.d_model = 4, .nhead = 2, .dim_feedforward = 3}), 1,
      nn::LayerNorm({.normalized_shape = {4}, .eps = 0.5}));
  const nn::Transformer module({.d_model = 4,
                                .nhead = 2,
                                .num_decoder_layers = 1,
                                .dim_feedforward = 3,
                                .custom_encoder = encoder});
  EXPECT_EQ(module->encoder.ptr(), encoder.ptr());
  EXPECT_EQ(module->parameters().size(), size_t{12 + 2 + 18 + 2});
}

// ---- what is refused -------------------------------------------------------------------------------------------

TEST(AttentionModules, refuse_options_that_make_no_sense) {
  const auto layer = [](const nn::TransformerLayerOptions& options) {
    return [options] { nn::TransformerEncoderLayer{options}; };
  };
  const nn::TransformerEncoderLayer encoder(4, 2);
  const nn::TransformerDecoderLayer decoder(4, 2);
  const std::vector<std::pair<std::function<void()>, const char*>> rows = {
      {[] { nn::MultiheadAttention(6, 4); },
       "MultiheadAttention: num_heads must divide embed_dim, got 4 and 6"},
      {[] { nn::MultiheadAttention(4, 0); },
       "MultiheadAttention: embed_dim, num_heads, kdim and vdim must be at least 1, got 4, 0, 4 "
       "and 4"},
      {[] { nn::MultiheadAttention({.embed_dim = 4, .num_heads = 2, .dropout = 1.5}); },
       "MultiheadAttention: dropout must be in [0, 1], got 1.5"},
      {[] { nn::MultiheadAttention({.embed_dim = 4, .num_heads = 2, .vdim = -1}); },
       "must be at least 1, got 4, 2, 4 and -1"},
      {layer({.d_model = 4, .nhead = 3}),
       "TransformerEncoderLayer: nhead must divide d_model, got 3 and 4"},
      {layer({.d_model = 4, .nhead = 2, .dim_feedforward = 0}),
       "d_model, nhead and dim_feedforward must be at least 1, got 4, 2 and 0"},
      {layer({.d_model = 4, .nhead = 2, .dropout = -0.1}), "dropout must be in [0, 1], got -0.1"},
      {layer({.d_model = 4, .nhead = 2, .activation = "tanh"}),
       "activation must be \"relu\" or \"gelu\", got \"tanh\""},
      {layer({.d_model = 4, .nhead = 2, .layer_norm_eps = -1}),
       "layer_norm_eps must not be negative, got -1"},
      {[&] { nn::TransformerEncoder(encoder, 0); },
       "TransformerEncoder: num_layers must be at least 1, got 0"},
      {[&] { nn::TransformerDecoder(decoder, -1); },
       "TransformerDecoder: num_layers must be at least 1, got -1"},
      {[] { nn::Transformer({.d_model = 10, .nhead = 4}); }, "nhead must divide d_model"},
      {[] { nn::TransformerImpl::generate_square_subsequent_mask(-1); },
       "a mask's size must not be negative, got -1"},
  };
  for (const auto& [call, text] : rows) {
    const Generator before = default_generator();
    const std::string message = message_of(call);
    EXPECT_NE(message.find(text), std::string::npos) << message;
    Generator now = default_generator(), then = before;
    EXPECT_EQ(now.random(), then.random()) << text << ": random numbers were drawn";
  }
}

TEST(AttentionModules, refuse_inputs_that_do_not_fit) {
  const nn::MultiheadAttention module({.embed_dim = 4, .num_heads = 2});
  const nn::Transformer transformer({.d_model = 4,
                                     .nhead = 2,
                                     .num_encoder_layers = 1,
                                     .num_decoder_layers = 1,
                                     .dim_feedforward = 3});
  const Tensor x = randn({3, 2, 4}), memory = randn({5, 2, 4});
  const auto with_mask = [&](const Tensor& mask) {
    return [&module, x, memory, mask] { module(x, memory, memory, {.attn_mask = mask}); };
  };
  const auto with_padding = [&](const Tensor& mask) {
    return [&module, x, memory, mask] { module(x, memory, memory, {.key_padding_mask = mask}); };
  };
  const std::vector<std::pair<std::function<void()>, const char*>> rows = {
      {[&] { module(x[0][0], x, x); }, "of 3 dims, or unbatched of 2, are required"},
      {[&] { module(x, memory[0], memory[0]); }, "of 3 dims, or unbatched of 2, are required"},
      {[&] {
         module(randn({3, 2, 5}), x, x);
       },
       "query, key and value of 4, 4 and 4 features are required, got [3, 2, 5]"},
      {[&] { module(x, memory, x); }, "key and value of one length"},
      {[&] {
         module(x, randn({5, 3, 4}), randn({5, 3, 4}));
       },
       "batches of one size"},
      {with_mask(zeros({3, 4}, {.dtype = kBool})),
       "attn_mask of shape [3, 5] is required, got [3, 4]"},
      {with_mask(zeros({2, 3, 5})), "attn_mask of shape [4, 3, 5] is required, got [2, 3, 5]"},
      {with_mask(zeros({3, 5}, {.dtype = kInt64})),
       "attn_mask must be bool or floating, got int64"},
      {with_padding(zeros({2, 3}, {.dtype = kBool})),
       "key_padding_mask of shape [2, 5] is required, got [2, 3]"},
      {with_padding(zeros({2, 5}, {.dtype = kInt32})),
       "key_padding_mask must be bool or floating, got int32"},
      {[&] {
         module(x.select(1, 0), x.select(1, 0), x.select(1, 0),
                {.key_padding_mask = zeros({1, 3})});
       },
       "unbatched inputs take a key_padding_mask of shape [3], got [1, 3]"},
      {[&] { module->forward(x); }, "MultiheadAttention: forward(const Tensor&) is not defined"},
      {[&] {
         transformer(x, randn({3, 1, 4}));
       },
       "src and tgt of one batch size are required"},
      {[&] {
         transformer(x, randn({3, 2, 5}));
       },
       "src and tgt of 4 features are required"},
      {[&] { transformer(x, x[0]); }, "src and tgt of 3 dims, or unbatched of 2, are required"},
  };
  for (const auto& [call, text] : rows) {
    const std::string message = message_of(call);
    EXPECT_NE(message.find(text), std::string::npos) << message;
  }
  EXPECT_FALSE(module(x, x, x).output.detach().isnan().any());
}
