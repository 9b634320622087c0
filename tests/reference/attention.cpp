// How the operations of attention.json are called: through the modules, with the recorded weights.
#include "reference.h"

#include "../with_parameters.h"

namespace reel::testing {
namespace {

void give_weights(nn::Module& module, const Tensors& x, const Args& args) {
  const auto names = args.json("weights").get<std::vector<std::string>>();
  tests::compute_with(module, names,
                      Tensors(x.end() - static_cast<std::ptrdiff_t>(names.size()), x.end()));
}

// The inputs that stand one behind the other, each if its argument is there.
class Inputs {
 public:
  Inputs(const Tensors& x, const Args& args, size_t first) : x_(x), args_(args), next_(first) {}
  Tensor next(const char* name) { return args_.has(name) ? x_.at(next_++) : Tensor(); }

 private:
  const Tensors& x_;
  const Args& args_;
  size_t next_;
};

Tensors attention(const Tensors& x, const Args& args) {
  return {scaled_dot_product_attention(
      x[0], x[1], x[2],
      {.attn_mask = Inputs(x, args, 3).next("mask"), .is_causal = args.flag("is_causal")})};
}

Tensors multihead_attention(const Tensors& x, const Args& args) {
  const nn::MultiheadAttention module({.embed_dim = args.integer("embed_dim"),
                                       .num_heads = args.integer("num_heads"),
                                       .bias = args.flag("bias", true),
                                       .add_bias_kv = args.flag("add_bias_kv"),
                                       .add_zero_attn = args.flag("add_zero_attn"),
                                       .kdim = args.maybe<int64_t>("kdim"),
                                       .vdim = args.maybe<int64_t>("vdim"),
                                       .batch_first = args.flag("batch_first")});
  give_weights(*module, x, args);
  const bool self = args.flag("self_attention");
  Inputs masks(x, args, self ? 1 : 3);
  const Tensor padding = masks.next("key_padding_mask"), mask = masks.next("attn_mask");
  const bool need_weights = args.flag("need_weights", true);
  const auto [output, weights] =
      module(x[0], x[self ? 0 : 1], x[self ? 0 : 2],
             {.key_padding_mask = padding,
              .need_weights = need_weights,
              .attn_mask = mask,
              .average_attn_weights = args.flag("average_attn_weights", true)});
  return need_weights ? Tensors{output, weights} : Tensors{output};
}

nn::TransformerLayerOptions layer(const Args& args) {
  return {.d_model = args.integer("d_model"),
          .nhead = args.integer("nhead"),
          .dim_feedforward = args.integer("dim_feedforward", 2048),
          .activation = args.text("activation", "relu"),
          .layer_norm_eps = args.number("layer_norm_eps", 1e-5),
          .batch_first = args.flag("batch_first"),
          .norm_first = args.flag("norm_first")};
}

Tensors encoder_layer(const Tensors& x, const Args& args) {
  const nn::TransformerEncoderLayer module(layer(args));
  module->train(args.flag("training", true));
  give_weights(*module, x, args);
  Inputs masks(x, args, 1);
  const Tensor mask = masks.next("src_mask"), padding = masks.next("src_key_padding_mask");
  return {module(x[0], {.src_mask = mask, .src_key_padding_mask = padding})};
}

Tensors decoder_layer(const Tensors& x, const Args& args) {
  const nn::TransformerDecoderLayer module(layer(args));
  module->train(args.flag("training", true));
  give_weights(*module, x, args);
  Inputs masks(x, args, 2);
  const Tensor tgt = masks.next("tgt_mask"), memory = masks.next("memory_mask"),
               tgt_padding = masks.next("tgt_key_padding_mask"),
               memory_padding = masks.next("memory_key_padding_mask");
  return {module(x[0], x[1],
                 {.tgt_mask = tgt,
                  .memory_mask = memory,
                  .tgt_key_padding_mask = tgt_padding,
                  .memory_key_padding_mask = memory_padding})};
}

}  // namespace

Family attention_family() {
  Family family;
  family.calls = {{"scaled_dot_product_attention", attention},
                  {"MultiheadAttention", multihead_attention},
                  {"TransformerEncoderLayer", encoder_layer},
                  {"TransformerDecoderLayer", decoder_layer}};
  return family;
}

}  // namespace reel::testing
