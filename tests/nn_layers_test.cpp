// Modules of normalisation, dropout, embedding, activation and loss: gradients in both modes, how
// they print, what they refuse, and the numbers of the course. The families of reference_test go
// through them too.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <array>
#include <cmath>

using namespace reel;
using reel::tests::message_of;

namespace {

using Tensors = std::vector<Tensor>;

Tensor doubles(const Shape& shape) { return randn(shape, {.dtype = kFloat64}); }
Tensor between(double low, double high, const Shape& shape) {
  return low + (high - low) * rand(shape, {.dtype = kFloat64});
}
Tensor whole(std::vector<int64_t> values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}
// 1 and -1.
Tensor signs(const Shape& shape) {
  return where(doubles(shape) > 0, ones(shape, {.dtype = kFloat64}), -1.0);
}

// ---- gradients -------------------------------------------------------------------------------------------

struct Row {
  nn::ModulePtr module;
  Tensors inputs;  // differentiable
  std::function<Tensor(const Tensors&)> call;
};

template <class M>
Row row(const M& module, Tensors inputs) {
  return {module, std::move(inputs), [module](const Tensors& x) { return module(x[0]); }};
}
// A loss of `inputs` and of what has no gradient.
template <size_t count = 1, class M, class... Constants>
Row loss(const M& module, std::array<Tensor, count> inputs, const Constants&... constants) {
  return {module, Tensors(inputs.begin(), inputs.end()), [=](const Tensors& x) {
            if constexpr (count == 3)
              return module(x[0], x[1], x[2], constants...);
            else if constexpr (count == 2)
              return module(x[0], x[1], constants...);
            else
              return module(x[0], constants...);
          }};
}

std::vector<Row> normalization_rows() {
  using namespace nn;
  return {
      row(BatchNorm1d(3), {doubles({4, 3})}),
      row(BatchNorm1d({.num_features = 3, .momentum = {}}), {doubles({2, 3, 4})}),
      row(BatchNorm2d(2), {doubles({2, 2, 3, 2})}),
      row(BatchNorm2d({.num_features = 2, .track_running_stats = false}), {doubles({2, 2, 2, 2})}),
      row(BatchNorm2d({.num_features = 2, .eps_outside_root = true}), {doubles({2, 2, 2, 3})}),
      row(BatchNorm3d({.num_features = 2, .affine = false}), {doubles({2, 2, 2, 1, 2})}),
      row(InstanceNorm1d(2), {doubles({2, 5})}),
      row(InstanceNorm2d({.num_features = 2, .affine = true, .track_running_stats = true}),
          {doubles({2, 2, 2, 3})}),
      row(InstanceNorm3d(2), {doubles({1, 2, 2, 2, 2})}),
      row(LayerNorm(4), {doubles({3, 4})}),
      row(LayerNorm({.normalized_shape = {2, 3}, .bias = false}), {doubles({2, 2, 3})}),
      row(GroupNorm(2, 4), {doubles({2, 4, 3})}),
      row(LocalResponseNorm({.size = 3, .alpha = 0.5}), {doubles({2, 4, 2})}),
      row(Dropout(0.4), {doubles({3, 4})}),
      row(Dropout1d(0.4), {doubles({2, 3, 2})}),
      row(Dropout2d(0.4), {doubles({2, 3, 2, 2})}),
      row(Dropout3d(0.4), {doubles({2, 3, 2, 1, 2})}),
      row(AlphaDropout(0.4), {doubles({3, 4})}),
      row(FeatureAlphaDropout(0.4), {doubles({2, 3, 2})}),
  };
}

std::vector<Row> activation_rows() {
  using namespace nn;
  const Tensor x = doubles({3, 4});
  return {
      row(ReLU(), {x}),
      row(ReLU6(), {x}),
      row(Sigmoid(), {x}),
      row(Tanh(), {x}),
      row(LogSigmoid(), {x}),
      row(SELU(), {x}),
      row(SiLU(), {x}),
      row(Mish(), {x}),
      row(Softsign(), {x}),
      row(Tanhshrink(), {x}),
      row(Hardsigmoid(), {x}),
      row(Hardswish(), {x}),
      row(Heaviside(), {x}),
      row(LeakyReLU(0.2), {x}),
      row(Threshold(0.1, 20), {x}),
      row(ELU(0.7), {x}),
      row(CELU(0.7), {x}),
      row(Softplus(2, 1), {x}),
      row(Hardtanh(-0.5, 0.7), {x}),
      row(Hardshrink(0.3), {x}),
      row(Softshrink(0.3), {x}),
      row(GLU(), {x}),
      row(GLU(1), {x}),
      row(Softmax(1), {x}),
      row(LogSoftmax(0), {x}),
      row(Softmin(1), {x}),
      row(Softmax2d(), {doubles({2, 3, 2, 2})}),
      row(GELU(), {x}),
      row(GELU("tanh"), {x}),
      row(RReLU(), {x}),
      row(PReLU(), {x}),
      row(PReLU(4), {x}),
  };
}

std::vector<Row> embedding_rows() {
  using namespace nn;
  // The rows of a table: the weight is all there is to differentiate.
  const auto of = [](const auto& module, const Tensor& input) {
    return Row{module, {}, [=](const Tensors&) { return module(input); }};
  };
  const Tensor pairs = whole({1, 0, 3, 2}).reshape({2, 2});
  EmbeddingBag weighted({.num_embeddings = 4, .embedding_dim = 3, .mode = "sum"});
  const Tensor factors = doubles({5});
  return {
      of(Embedding(4, 3), whole({1, 3, 1})),
      of(Embedding({.num_embeddings = 4, .embedding_dim = 2, .padding_idx = -1}), pairs * 0 + 1),
      of(EmbeddingBag(4, 3), pairs),
      of(EmbeddingBag({.num_embeddings = 4, .embedding_dim = 3, .mode = "max"}), pairs),
      {weighted,
       {factors},
       [=](const Tensors& x) {
         return weighted(whole({0, 1, 1, 2, 3}), whole({0, 2}), x[0]);
       }},
  };
}

std::vector<Row> loss_rows() {
  using namespace nn;
  const Tensor x = doubles({4, 3}), y = doubles({4, 3}), shares = between(0.1, 0.9, {4, 3});
  const Tensor classes = whole({0, 2, 1, 2}), weight = between(0.5, 2, {3});
  const auto one = [](const Shape& shape) { return doubles(shape); };
  return {
      loss<2>(L1Loss(), {x, y}),
      loss<2>(MSELoss({.reduction = Reduction::Sum}), {x, y}),
      loss<2>(SmoothL1Loss({.beta = 0.5}), {x, y}),
      loss<2>(HuberLoss({.delta = 0.5}), {x, y}),
      loss(PoissonNLLLoss(), {x}, between(1, 3, {4, 3})),
      loss<2>(KLDivLoss({.reduction = Reduction::BatchMean}), {x, shares}),
      loss(BCELoss({.weight = weight}), {shares}, between(0, 1, {4, 3})),
      loss(BCEWithLogitsLoss({.pos_weight = weight}), {x}, shares),
      loss(NLLLoss({.weight = weight}), {x}, classes),
      loss(NLLLoss2d({.reduction = Reduction::None}), {one({1, 3, 2, 2})},
           classes.reshape({1, 2, 2})),
      loss(CrossEntropyLoss({.weight = weight, .label_smoothing = 0.1}), {x}, classes),
      loss(HingeEmbeddingLoss(), {x}, signs({4, 3})),
      loss(SoftMarginLoss(), {x}, signs({4, 3})),
      loss(MultiMarginLoss({.p = 2, .weight = weight}), {x}, classes),
      loss(MultiLabelMarginLoss(), {x},
           whole({0, -1, 1, 2, 0, -1, 1, -1, 0, 2, 1, 0}).reshape({4, 3})),
      loss(MultiLabelSoftMarginLoss({.weight = weight}), {x}, shares),
      loss<3>(GaussianNLLLoss(), {x, y, between(0.5, 2, {4, 3})}),
      loss<2>(MarginRankingLoss(0.3), {one({5}), one({5})}, signs({5})),
      loss<2>(CosineEmbeddingLoss(0.1), {x, y}, signs({4})),
      loss<3>(TripletMarginLoss({.margin = 2, .swap = true}), {x, y, one({4, 3})}),
      loss<3>(TripletMarginWithDistanceLoss({.margin = 2}), {x, y, one({4, 3})}),
      loss(CTCLoss(), {log_softmax(one({5, 2, 3}), -1)}, whole({1, 2, 2, 1}).reshape({2, 2}),
           whole({5, 4}), whole({2, 1})),
  };
}

class Gradients : public testing::TestWithParam<std::vector<Row> (*)()> {};

TEST_P(Gradients, are_right_while_training_and_in_evaluation) {
  manual_seed(11);
  for (Row& each : GetParam()()) {
    each.module->to(kFloat64);
    Tensors inputs;
    for (const Tensor& x : each.inputs) inputs.push_back(x.detach().clone().requires_grad_());
    for (const Tensor& parameter : each.module->parameters()) inputs.push_back(parameter);
    for (const bool training : {true, false}) {
      SCOPED_TRACE(fmt::format("{} {}", *each.module, training ? "training" : "in evaluation"));
      each.module->train(training);
      const auto f = [&](const Tensors& x) {
        manual_seed(5);  // what is drawn stays the same
        return each.call(x);
      };
      EXPECT_TRUE(autograd::gradcheck(f, inputs));
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Modules, Gradients,
                         testing::Values(normalization_rows, activation_rows, embedding_rows,
                                         loss_rows));

}  // namespace

// ---- printing --------------------------------------------------------------------------------------------

TEST(Layers, print_as_pytorchs) {
  using namespace nn;
  // clang-format off
  const std::vector<std::pair<ModulePtr, const char*>> rows = {
      {ReLU(), "ReLU()"}, {ReLU6(), "ReLU6()"}, {LeakyReLU(), "LeakyReLU(negative_slope=0.01)"}, {ELU(), "ELU(alpha=1.0)"}, {CELU({.alpha = 0.5}), "CELU(alpha=0.5)"},
      {Softplus(), "Softplus(beta=1.0, threshold=20.0)"}, {Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"}, {Hardshrink(), "Hardshrink(0.5)"}, {Softshrink(2), "Softshrink(2.0)"},
      {Threshold(0.1, 20), "Threshold(threshold=0.1, value=20.0)"}, {GLU(), "GLU(dim=-1)"}, {Softmax(1), "Softmax(dim=1)"}, {LogSoftmax({.dim = 0}), "LogSoftmax(dim=0)"}, {Softmin(-1), "Softmin(dim=-1)"},
      {Softmax2d(), "Softmax2d()"}, {GELU(), "GELU(approximate='none')"}, {PReLU(), "PReLU(num_parameters=1)"}, {RReLU(), "RReLU(lower=0.125, upper=0.3333333333333333)"}, {LogSigmoid(), "LogSigmoid()"},
      {BatchNorm1d(100), "BatchNorm1d(100, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"},
      {BatchNorm2d({.num_features = 3, .momentum = {}, .affine = false}), "BatchNorm2d(3, eps=1e-05, momentum=None, affine=False, track_running_stats=True)"},
      {InstanceNorm3d(3), "InstanceNorm3d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)"},
      {LayerNorm(10), "LayerNorm((10,), eps=1e-05, elementwise_affine=True)"}, {LayerNorm(Shape{2, 3}), "LayerNorm((2, 3), eps=1e-05, elementwise_affine=True)"},
      {GroupNorm(3, 6), "GroupNorm(3, 6, eps=1e-05, affine=True)"}, {LocalResponseNorm(2), "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)"},
      {Dropout(0.2), "Dropout(p=0.2, inplace=False)"}, {FeatureAlphaDropout(), "FeatureAlphaDropout(p=0.5, inplace=False)"},
      {Embedding(10, 3), "Embedding(10, 3)"}, {Embedding({.num_embeddings = 10, .embedding_dim = 3, .padding_idx = -1, .max_norm = 1}), "Embedding(10, 3, padding_idx=9, max_norm=1.0)"},
      {EmbeddingBag(10, 3), "EmbeddingBag(10, 3, mode='mean')"},
      {MSELoss(), "MSELoss()"}, {CrossEntropyLoss(), "CrossEntropyLoss()"}, {CTCLoss(), "CTCLoss()"},
  };
  // clang-format on
  for (const auto& [module, text] : rows) EXPECT_EQ(module->to_string(), text);
}

// ---- bad input -------------------------------------------------------------------------------------------

TEST(Layers, refuse_options_and_inputs_that_make_no_sense) {
  using namespace nn;
  struct Bad {
    const char* text;
    std::function<void()> call;
  };
  // clang-format off
  const Bad rows[] = {
      {"Dropout: the probability p must be between 0 and 1, got 1.5", [] { Dropout(1.5); }},
      {"Dropout2d: the probability p must be between 0 and 1, got -1", [] { Dropout2d(-1); }},
      {"AlphaDropout: the probability p must be between 0 and 1, got nan", [] { AlphaDropout(std::nan("")); }},
      {"Softmax: the dim it is taken over must be given", [] { Softmax(); }},
      {"LogSoftmax: the dim it is taken over must be given", [] { LogSoftmax(); }},
      {"Softmin: the dim it is taken over must be given", [] { Softmin(); }},
      {"got -0.1", [] { AlphaDropout({.p = -0.1}); }},
      {"dropout1d: expected 2 or 3 dims, got shape [2]", [] { Dropout1d()(zeros({2})); }},
      {"BatchNorm1d: num_features must be at least 1, got 0", [] { BatchNorm1d(0); }},
      {"BatchNorm2d: eps must not be negative, got -1", [] { BatchNorm2d({.num_features = 2, .eps = -1}); }},
      {"BatchNorm3d: momentum must be in [0, 1] or absent, got 2", [] { BatchNorm3d({.num_features = 2, .momentum = 2}); }},
      {"BatchNorm1d: expected 2 or 3 dims, got shape [2, 3, 1, 1]", [] { BatchNorm1d(3)(zeros({2, 3, 1, 1})); }},
      {"BatchNorm2d: expected 4 dims, got shape [2, 3]", [] { BatchNorm2d(3)(zeros({2, 3})); }},
      {"BatchNorm2d: expected an input with 3 channels, got shape [2, 4, 1, 1]", [] { BatchNorm2d(3)(zeros({2, 4, 1, 1})); }},
      {"expected more than 1 value per channel when training, got input size [1, 3]", [] { BatchNorm1d(3)(zeros({1, 3})); }},
      {"BatchNorm1d: expected more than 1 value per channel", [] { BatchNorm1d({.num_features = 3, .eps_outside_root = true})(zeros({1, 3})); }},
      {"InstanceNorm1d: expected 2 or 3 dims, got shape [3]", [] { InstanceNorm1d(3)(zeros({3})); }},
      {"InstanceNorm2d: expected an input with 3 channels", [] { InstanceNorm2d({.num_features = 3, .affine = true})(zeros({2, 4, 2, 2})); }},
      {"LayerNorm: normalized_shape must have sizes of at least 1", [] { LayerNorm(0); }},
      {"layer_norm: the input's last dims must be normalized_shape [3], got [2, 4]", [] { LayerNorm(3)(zeros({2, 4})); }},
      {"GroupNorm: num_groups must divide num_channels, got 2 and 3", [] { GroupNorm(2, 3); }},
      {"GroupNorm: expected an input [N, 4, ...], got shape [2, 6]", [] { GroupNorm(2, 4)(zeros({2, 6})); }},
      {"LocalResponseNorm: size must be at least 1, got 0", [] { LocalResponseNorm(0); }},
      {"Embedding: num_embeddings and embedding_dim must be at least 1, got 0 and 3", [] { Embedding(0, 3); }},
      {"Embedding: padding_idx must be one of the 4 rows, got 4", [] { Embedding({.num_embeddings = 4, .embedding_dim = 3, .padding_idx = 4}); }},
      {"4", [] { Embedding(4, 3)(whole({4})); }},
      {"Embedding: from_pretrained expects a floating table [V, D], got float32 [3]", [] { EmbeddingImpl::from_pretrained(zeros({3})); }},
      {"EmbeddingBag: mode must be", [] { EmbeddingBag({.num_embeddings = 4, .embedding_dim = 3, .mode = "median"}); }},
      {"EmbeddingBag: scale_grad_by_freq", [] { EmbeddingBag({.num_embeddings = 4, .embedding_dim = 3, .scale_grad_by_freq = true, .mode = "max"}); }},
      {"the dim it is taken over must be given", [] { Softmax(); }},
      {"Softmax2d: expected 3 or 4 dims, got shape [2]", [] { Softmax2d()(zeros({2})); }},
      {"Hardtanh: min_val must be less than max_val, got 1 and -1", [] { Hardtanh(1, -1); }},
      {"RReLU: lower must not be more than upper, got 1 and 0", [] { RReLU(1, 0); }},
      {"GELU: approximate must be \"none\" or \"tanh\", got \"exact\"", [] { GELU("exact"); }},
      {"PReLU: num_parameters must be at least 1, got 0", [] { PReLU(0); }},
      {"prelu", [] { PReLU(3)(zeros({2, 2})); }},
      {"SmoothL1Loss: beta must not be negative, got -1", [] { SmoothL1Loss({.beta = -1}); }},
      {"HuberLoss: delta must be positive, got 0", [] { HuberLoss({.delta = 0}); }},
      {"CrossEntropyLoss: label_smoothing must be in [0, 1], got 2", [] { CrossEntropyLoss({.label_smoothing = 2}); }},
      {"MultiMarginLoss: p must be 1 or 2, got 3", [] { MultiMarginLoss({.p = 3}); }},
      {"MSELoss: forward(const Tensor&) is not defined", [] { static_cast<Module&>(*MSELoss()).forward(zeros({2})); }},
  };
  // clang-format on
  for (const Bad& bad : rows) {
    const std::string said = message_of(bad.call);
    EXPECT_NE(said.find(bad.text), std::string::npos)
        << "wanted: " << bad.text << "\nsaid: " << said;
  }
}

TEST(BatchNorm, an_input_that_is_refused_changes_nothing) {
  for (const bool outside : {false, true}) {
    nn::BatchNorm1d norm({.num_features = 2, .eps_outside_root = outside});
    for (const Tensor& wrong : {zeros({1, 2}), zeros({3, 4}), zeros({3})})
      EXPECT_THROW(norm(wrong), Error);
    for (const Tensor& buffer : norm->buffers()) EXPECT_EQ(buffer.version(), 0);
  }
}

// ---- normalisation ---------------------------------------------------------------------------------------

TEST(BatchNorm, an_empty_batch_leaves_the_running_statistics) {
  for (const bool outside : {false, true}) {
    const nn::BatchNorm1d bn({.num_features = 2, .eps_outside_root = outside});
    EXPECT_EQ(bn(zeros({0, 2})).shape(), (Shape{0, 2}));
    EXPECT_TRUE(equal(bn->running_mean, zeros({2})));
    EXPECT_TRUE(equal(bn->running_var, ones({2})));
  }
}

TEST(BatchNorm, gives_the_courses_numbers_in_both_forms) {
  for (const bool outside : {false, true}) {
    nn::BatchNorm1d norm({.num_features = 1, .eps = 0, .eps_outside_root = outside});
    norm->to(kFloat64);
    {
      NoGradGuard guard;
      norm->weight.fill_(2);
      norm->bias.fill_(1);
    }
    const Tensor x = tensor({{1.0}, {2.0}, {3.0}, {4.0}}, {.dtype = kFloat64}).requires_grad_();
    const Tensor y = norm(x);
    const auto same = [](const Tensor& actual, std::vector<double> expected) {
      EXPECT_TRUE(allclose(actual.detach().flatten(),
                           from_vector(expected, {static_cast<int64_t>(expected.size())}),
                           {.rtol = 1e-9}));
    };
    same(y, {-1.6832815730, 0.1055728090, 1.8944271910, 3.6832815730});
    y.backward(tensor({{1.0}, {0.0}, {0.0}, {0.0}}, {.dtype = kFloat64}));
    same(x.grad(), {0.5366563146, -0.7155417528, -0.1788854382, 0.3577708764});
    same(norm->weight.grad(), {-1.3416407865});
    same(norm->bias.grad(), {1});
    {  // gamma = sigma and beta = mu give the input back
      NoGradGuard guard;
      norm->weight.fill_(1.118033988749895);
      norm->bias.fill_(2.5);
    }
    same(norm(x), {1, 2, 3, 4});
  }
}

TEST(BatchNorm, eps_outside_the_root_and_a_running_deviation) {
  nn::BatchNorm1d norm({.num_features = 1, .eps = 0.5, .momentum = 0.2, .eps_outside_root = true});
  norm->to(kFloat64);
  const Tensor x = tensor({{1.0}, {2.0}, {3.0}, {4.0}}, {.dtype = kFloat64});
  const double deviation = std::sqrt(1.25), running = 0.8 + 0.2 * deviation;
  EXPECT_NEAR(norm(x)[0].item<double>(), -1.5 / (deviation + 0.5), 1e-12);
  EXPECT_NEAR(norm->running_var.item<double>(), running * running, 1e-12);
  norm->eval();
  EXPECT_NEAR(norm(x)[0].item<double>(), (1 - 0.2 * 2.5) / (running + 0.5), 1e-12);
}

TEST(BatchNorm, without_momentum_the_running_statistics_are_means_of_all_batches) {
  nn::BatchNorm1d norm({.num_features = 2, .momentum = {}});
  const Tensor x = randn({3, 4, 2});
  for (int i = 0; i < 3; ++i) norm(x[i]);
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 3);
  EXPECT_TRUE(allclose(norm->running_mean, x.mean({0, 1}), {.atol = 1e-6}));
  EXPECT_TRUE(allclose(norm->running_var, x.var(1).mean(0), {.atol = 1e-6}));
  norm->eval();
  const Tensor y = norm(x[0]);
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 3);
  EXPECT_TRUE(
      allclose(y, (x[0] - norm->running_mean) / sqrt(norm->running_var + 1e-5), {.atol = 1e-5}));
  std::vector<std::string> names;
  for (const auto& buffer : norm->named_buffers()) names.push_back(buffer.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"running_mean", "running_var", "num_batches_tracked"}));
}

TEST(InstanceNorm, takes_a_sample_alone) {
  const Tensor x = randn({3, 4, 5});
  nn::InstanceNorm1d norm(4);
  EXPECT_TRUE(allclose(norm(x[1]), norm(x)[1]));
}

// ---- dropout ---------------------------------------------------------------------------------------------

// The mean over 1e5 draws is within three standard errors of the input (A4.5).
TEST(Dropout, keeps_the_expectation) {
  constexpr int64_t draws = 100000;
  for (const double p : {0.2, 0.5, 0.8}) {
    manual_seed(1);
    nn::Dropout dropout(p);
    const double error = std::sqrt(p / (1 - p) / draws);
    EXPECT_NEAR(dropout(ones({draws})).mean().item<float>(), 1, 3 * error) << p;
    // A channel is one draw.
    nn::Dropout2d channels(p);
    EXPECT_NEAR(channels(ones({draws, 1, 2, 2})).mean().item<float>(), 1, 3 * error) << p;
    nn::AlphaDropout alpha(p);
    const Tensor x = randn({draws}), y = alpha(x);
    EXPECT_NEAR(y.mean().item<float>(), 0, 0.02);
    EXPECT_NEAR(y.var().item<float>(), 1, 0.03);
  }
}

TEST(Dropout, is_the_identity_in_evaluation_and_its_mask_serves_backward) {
  const Tensor x = randn({50, 2, 2}).requires_grad_();
  nn::Dropout dropout(0.5);
  const Tensor y = dropout(x);
  y.sum().backward();
  EXPECT_TRUE(equal(x.grad() * x.detach(), y.detach()));
  dropout->eval();
  EXPECT_EQ(dropout(x).body(), x.body());
  nn::FeatureAlphaDropout features;
  features->eval();
  EXPECT_EQ(features(x).body(), x.body());
}

// ---- embedding -------------------------------------------------------------------------------------------

TEST(Embedding, starts_with_pytorchs_numbers) {
  manual_seed(0);
  nn::Embedding few(2, 3);
  EXPECT_TRUE(allclose(few->weight.detach(),
                       tensor({{1.5410f, -0.2934f, -2.1788f}, {0.5684f, -1.0845f, -1.3986f}}),
                       {.atol = 6e-5}));
  manual_seed(0);
  nn::Embedding many({.num_embeddings = 10, .embedding_dim = 3, .padding_idx = -10});
  EXPECT_TRUE(equal(many->weight[0].detach(), zeros({3})));
  manual_seed(0);
  const Tensor normal = randn({10, 3});
  EXPECT_TRUE(equal(many->weight.slice(0, 1, 10).detach(), normal.slice(0, 1, 10)));
  EXPECT_NEAR(normal[0][0].item<float>(), -1.1258, 6e-5);
}

TEST(Embedding, the_padding_row_gets_no_gradient) {
  nn::Embedding table({.num_embeddings = 4, .embedding_dim = 2, .padding_idx = -1});
  table(whole({3, 1, 1})).sum().backward();
  EXPECT_TRUE(
      equal(table->weight.grad(), tensor({{0.f, 0.f}, {2.f, 2.f}, {0.f, 0.f}, {0.f, 0.f}})));
}

TEST(Embedding, takes_a_given_table) {
  const Tensor table = randn({5, 2});
  const nn::Embedding frozen = nn::EmbeddingImpl::from_pretrained(table);
  EXPECT_FALSE(frozen->weight.requires_grad());
  EXPECT_TRUE(equal(frozen(whole({4})), table.slice(0, 4, 5)));
  EXPECT_EQ(frozen->options.num_embeddings, 5);
  const nn::EmbeddingBag bag = nn::EmbeddingBagImpl::from_pretrained(table, false);
  EXPECT_TRUE(bag->weight.requires_grad());
  EXPECT_TRUE(
      allclose(bag(whole({1, 2, 3}), whole({0, 1}))[1].detach(), table.slice(0, 2, 4).mean(0)));
}

// ---- activations -----------------------------------------------------------------------------------------

// The formulas of the course's table on -30, ..., 30.
TEST(Activation, values_and_derivatives_are_the_formulas) {
  struct Formula {
    std::function<Tensor(const Tensor&)> module;
    double (*value)(double);
    double (*slope)(double);
  };
  static const auto logistic = [](double z) { return 1 / (1 + std::exp(-z)); };
  const Formula rows[] = {
      {nn::Heaviside(), [](double z) { return z >= 0 ? 1.0 : 0.0; }, [](double) { return 0.0; }},
      {nn::Sigmoid(), [](double z) { return logistic(z); },
       [](double z) { return logistic(z) * logistic(-z); }},
      {nn::Tanh(), [](double z) { return std::tanh(z); },
       [](double z) { return 4 / std::pow(std::exp(z) + std::exp(-z), 2); }},
      {nn::ReLU(), [](double z) { return std::max(0.0, z); },
       [](double z) { return z > 0 ? 1.0 : 0.0; }},
      {nn::LeakyReLU(0.01), [](double z) { return std::max(0.01 * z, z); },
       [](double z) { return z > 0 ? 1.0 : 0.01; }},
      {nn::ELU(), [](double z) { return z < 0 ? std::exp(z) - 1 : z; },
       [](double z) { return z < 0 ? std::exp(z) : 1.0; }},
      {nn::Identity(), [](double z) { return z; }, [](double) { return 1.0; }},
  };
  for (const Formula& row : rows) {
    const Tensor z = arange(-30, 31, {.dtype = kFloat64}).requires_grad_();
    const Tensor y = row.module(z);
    y.sum().backward();
    for (int i = 0; i <= 60; ++i) {
      EXPECT_NEAR(y[i].item<double>(), row.value(i - 30.0), 1e-12) << i - 30;
      EXPECT_NEAR(z.grad()[i].item<double>(), row.slope(i - 30.0), 1e-12) << i - 30;
    }
  }
}

TEST(Activation, is_finite_for_large_numbers_and_softmax_rows_sum_to_1) {
  const Tensor z = tensor({{-1e4f, 0, 1e4f}, {1e4f, 1e4f, -1e4f}, {-30, 0.5f, 30}});
  for (const nn::ModulePtr& module : std::vector<nn::ModulePtr>{
           nn::Sigmoid(), nn::Softmax(1), nn::LogSoftmax(1), nn::LogSigmoid()}) {
    const Tensor x = z.clone().requires_grad_();
    const Tensor y = module->forward(x);
    y.sum().backward();
    EXPECT_TRUE(isfinite(y).all()) << module->to_string();
    EXPECT_TRUE(isfinite(x.grad()).all()) << module->to_string();
  }
  EXPECT_TRUE(allclose(nn::Softmax(1)(z).sum(1), ones({3}), {.rtol = 0, .atol = 1e-6}));
}

// B9.6
TEST(Activation, repeated_sigmoid_goes_to_its_fixed_point) {
  Tensor x = tensor({-5.0, 0.0, 8.0}, {.dtype = kFloat64});
  for (int i = 0; i < 60; ++i) x = nn::Sigmoid()(x);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(x[i].item<double>(), 0.6590460684074066, 1e-15);
  const Tensor z = x.clone().requires_grad_();
  nn::Sigmoid()(z).sum().backward();
  EXPECT_NEAR(z.grad()[0].item<double>(), 0.224704, 5e-7);
}

TEST(RReLU, draws_its_slopes_while_training_only) {
  manual_seed(2);
  nn::RReLU rrelu(0.1, 0.3);
  const Tensor slopes = rrelu(full({1000}, -1.0)).neg();
  EXPECT_TRUE(((slopes >= 0.1) & (slopes < 0.3 + 1e-6)).all());
  EXPECT_GT(slopes.std().item<float>(), 0.05);
  rrelu->eval();
  EXPECT_TRUE(allclose(rrelu(full({3}, -1.0)), full({3}, -0.2)));
}

// ---- losses ----------------------------------------------------------------------------------------------

TEST(Loss, class_weights_are_buffers_of_the_module) {
  const Tensor weight = tensor({1.f, 3.f}), positive = tensor({2.f, 2.f});
  nn::CrossEntropyLoss entropy({.weight = weight});
  ASSERT_EQ(entropy->named_buffers().size(), 1u);
  EXPECT_EQ(entropy->named_buffers()[0].name, "weight");
  entropy->to(kFloat64);
  EXPECT_EQ(entropy->options.weight.dtype(), kFloat64);
  EXPECT_EQ(weight.dtype(), kFloat32);
  EXPECT_NEAR(entropy(zeros({2, 2}, {.dtype = kFloat64}), whole({0, 1})).item<double>(),
              std::log(2.0), 1e-12);
  nn::BCEWithLogitsLoss logits({.weight = weight, .pos_weight = positive});
  EXPECT_EQ(logits->named_buffers()[1].name, "pos_weight");
  EXPECT_TRUE(nn::CrossEntropyLoss()->named_buffers().empty());
}

// B9.12: softmax before CrossEntropyLoss.
TEST(Loss, a_double_softmax_cannot_fall_below_its_bound) {
  const Tensor certain = eye(10, {.dtype = kFloat64}) * 1e4;
  const Tensor target = arange(10, {.dtype = kInt64});
  nn::CrossEntropyLoss entropy;
  EXPECT_NEAR(entropy(nn::Softmax(1)(certain), target).item<double>(), 1.461150, 5e-7);
  EXPECT_NEAR(entropy(certain * 0, target).item<double>(), std::log(10.0), 1e-12);
}
