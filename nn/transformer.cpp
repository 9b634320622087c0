#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/nn/container.h>
#include <reel/nn/init.h>
#include <reel/nn/transformer.h>

#include <limits>

namespace reel::nn {
namespace {

TransformerLayerOptions checked(const char* name, const TransformerLayerOptions& options) {
  check(options.d_model >= 1 && options.nhead >= 1 && options.dim_feedforward >= 1,
        "{}: d_model, nhead and dim_feedforward must be at least 1, got {}, {} and {}", name,
        options.d_model, options.nhead, options.dim_feedforward);
  check(options.d_model % options.nhead == 0, "{}: nhead must divide d_model, got {} and {}", name,
        options.nhead, options.d_model);
  check(options.dropout >= 0 && options.dropout <= 1, "{}: dropout must be in [0, 1], got {}", name,
        options.dropout);
  check(options.activation == "relu" || options.activation == "gelu",
        "{}: activation must be \"relu\" or \"gelu\", got \"{}\"", name, options.activation);
  check(options.layer_norm_eps >= 0, "{}: layer_norm_eps must not be negative, got {}", name,
        options.layer_norm_eps);
  return options;
}

MultiheadAttention attention_of(const TransformerLayerOptions& options) {
  return MultiheadAttention({.embed_dim = options.d_model,
                             .num_heads = options.nhead,
                             .dropout = options.dropout,
                             .batch_first = options.batch_first});
}

LayerNorm norm_of(int64_t d_model, double eps) {
  return LayerNorm({.normalized_shape = {d_model}, .eps = eps});
}

// x plus what the block makes of it, normalised before or after.
template <class Block>
Tensor residual(const Tensor& x, const LayerNorm& norm, bool norm_first, Block&& block) {
  return norm_first ? x + block(norm(x)) : norm(x + block(x));
}

template <class Layer>
Tensor feed_forward(const Layer& layer, const Tensor& x) {
  const Tensor inner = layer.linear1(x);
  return layer.linear2(
      layer.dropout(layer.options.activation == "relu" ? inner.relu() : gelu(inner)));
}

Tensor attend(const MultiheadAttention& attention, const Tensor& x, const Tensor& memory,
              const Tensor& mask, const Tensor& padding) {
  return attention(x, memory, memory,
                   {.key_padding_mask = padding, .need_weights = false, .attn_mask = mask})
      .output;
}

}  // namespace

// ---- layers ----------------------------------------------------------------------------------------------------

TransformerEncoderLayerImpl::TransformerEncoderLayerImpl(const TransformerLayerOptions& chosen)
    : options(checked("TransformerEncoderLayer", chosen)),
      self_attn(register_module("self_attn", attention_of(options))),
      linear1(register_module("linear1", Linear(options.d_model, options.dim_feedforward))),
      dropout(register_module("dropout", Dropout(options.dropout))),
      linear2(register_module("linear2", Linear(options.dim_feedforward, options.d_model))),
      norm1(register_module("norm1", norm_of(options.d_model, options.layer_norm_eps))),
      norm2(register_module("norm2", norm_of(options.d_model, options.layer_norm_eps))),
      dropout1(register_module("dropout1", Dropout(options.dropout))),
      dropout2(register_module("dropout2", Dropout(options.dropout))) {}

Tensor TransformerEncoderLayerImpl::forward(const Tensor& src,
                                            const TransformerEncoderLayerMasks& masks) {
  const Tensor x = residual(src, norm1, options.norm_first, [&](const Tensor& in) {
    return dropout1(attend(self_attn, in, in, masks.src_mask, masks.src_key_padding_mask));
  });
  return residual(x, norm2, options.norm_first,
                  [&](const Tensor& in) { return dropout2(feed_forward(*this, in)); });
}

TransformerDecoderLayerImpl::TransformerDecoderLayerImpl(const TransformerLayerOptions& chosen)
    : options(checked("TransformerDecoderLayer", chosen)),
      self_attn(register_module("self_attn", attention_of(options))),
      multihead_attn(register_module("multihead_attn", attention_of(options))),
      linear1(register_module("linear1", Linear(options.d_model, options.dim_feedforward))),
      dropout(register_module("dropout", Dropout(options.dropout))),
      linear2(register_module("linear2", Linear(options.dim_feedforward, options.d_model))),
      norm1(register_module("norm1", norm_of(options.d_model, options.layer_norm_eps))),
      norm2(register_module("norm2", norm_of(options.d_model, options.layer_norm_eps))),
      norm3(register_module("norm3", norm_of(options.d_model, options.layer_norm_eps))),
      dropout1(register_module("dropout1", Dropout(options.dropout))),
      dropout2(register_module("dropout2", Dropout(options.dropout))),
      dropout3(register_module("dropout3", Dropout(options.dropout))) {}

Tensor TransformerDecoderLayerImpl::forward(const Tensor& tgt, const Tensor& memory,
                                            const TransformerDecoderLayerMasks& masks) {
  Tensor x = residual(tgt, norm1, options.norm_first, [&](const Tensor& in) {
    return dropout1(attend(self_attn, in, in, masks.tgt_mask, masks.tgt_key_padding_mask));
  });
  x = residual(x, norm2, options.norm_first, [&](const Tensor& in) {
    return dropout2(
        attend(multihead_attn, in, memory, masks.memory_mask, masks.memory_key_padding_mask));
  });
  return residual(x, norm3, options.norm_first,
                  [&](const Tensor& in) { return dropout3(feed_forward(*this, in)); });
}

// ---- stacks ----------------------------------------------------------------------------------------------------

namespace {

// Deep copies, each with the numbers of `layer`.
template <class Layer>
std::vector<Layer> copies(const char* name, const Layer& layer, int64_t count) {
  check(count >= 1, "{}: num_layers must be at least 1, got {}", name, count);
  std::vector<Layer> list;
  for (int64_t i = 0; i < count; ++i) list.push_back(layer.clone());
  return list;
}

template <class Layer>
ModuleList listed(const std::vector<Layer>& layers) {
  ModuleList list;
  for (const Layer& layer : layers) list->push_back(layer);
  return list;
}

TransformerLayerOptions layer_options(const TransformerOptions& options) {
  return {.d_model = options.d_model,
          .nhead = options.nhead,
          .dim_feedforward = options.dim_feedforward,
          .dropout = options.dropout,
          .activation = options.activation,
          .layer_norm_eps = options.layer_norm_eps,
          .batch_first = options.batch_first,
          .norm_first = options.norm_first};
}

TransformerEncoder encoder_of(const TransformerOptions& options) {
  if (options.custom_encoder) return *options.custom_encoder;
  const TransformerEncoderLayer layer(layer_options(options));
  return TransformerEncoder(layer, options.num_encoder_layers,
                            norm_of(options.d_model, options.layer_norm_eps));
}

TransformerDecoder decoder_of(const TransformerOptions& options) {
  if (options.custom_decoder) return *options.custom_decoder;
  const TransformerDecoderLayer layer(layer_options(options));
  return TransformerDecoder(layer, options.num_decoder_layers,
                            norm_of(options.d_model, options.layer_norm_eps));
}

}  // namespace

TransformerEncoderImpl::TransformerEncoderImpl(const TransformerEncoderLayer& layer,
                                               int64_t num_layers, const ModulePtr& last)
    : layers(copies("TransformerEncoder", layer, num_layers)), norm(last) {
  register_module("layers", listed(layers));
  if (norm) add_child("norm", norm);
}

Tensor TransformerEncoderImpl::forward(const Tensor& src, const TransformerEncoderMasks& masks) {
  Tensor x = src;
  for (const TransformerEncoderLayer& layer : layers)
    x = layer(x, {.src_mask = masks.mask, .src_key_padding_mask = masks.src_key_padding_mask});
  return norm ? (*norm)(x) : x;
}

TransformerDecoderImpl::TransformerDecoderImpl(const TransformerDecoderLayer& layer,
                                               int64_t num_layers, const ModulePtr& last)
    : layers(copies("TransformerDecoder", layer, num_layers)), norm(last) {
  register_module("layers", listed(layers));
  if (norm) add_child("norm", norm);
}

Tensor TransformerDecoderImpl::forward(const Tensor& tgt, const Tensor& memory,
                                       const TransformerDecoderLayerMasks& masks) {
  Tensor x = tgt;
  for (const TransformerDecoderLayer& layer : layers) x = layer(x, memory, masks);
  return norm ? (*norm)(x) : x;
}

TransformerOptions TransformerOptions::cloned(Cloner& cloner) const {
  TransformerOptions copy = *this;
  copy.custom_encoder = cloner.argument(custom_encoder);
  copy.custom_decoder = cloner.argument(custom_decoder);
  return copy;
}

TransformerImpl::TransformerImpl(const TransformerOptions& chosen)
    : options(chosen),
      encoder(register_module("encoder", encoder_of(options))),
      decoder(register_module("decoder", decoder_of(options))) {
  for (Tensor& parameter : parameters()) {
    if (parameter.dim() > 1) init::xavier_uniform_(parameter);
  }
}

Tensor TransformerImpl::forward(const Tensor& src, const Tensor& tgt,
                                const TransformerMasks& masks) {
  check(src.dim() == tgt.dim() && (src.dim() == 2 || src.dim() == 3),
        "Transformer: src and tgt of 3 dims, or unbatched of 2, are required, got {} and {}",
        src.shape(), tgt.shape());
  check(src.size(-1) == options.d_model && tgt.size(-1) == options.d_model,
        "Transformer: src and tgt of {} features are required, got {} and {}", options.d_model,
        src.shape(), tgt.shape());
  const int batch = options.batch_first ? 0 : 1;
  check(src.dim() == 2 || src.size(batch) == tgt.size(batch),
        "Transformer: src and tgt of one batch size are required, got {} and {}", src.shape(),
        tgt.shape());
  const Tensor memory =
      encoder(src, {.mask = masks.src_mask, .src_key_padding_mask = masks.src_key_padding_mask});
  return decoder(tgt, memory,
                 {.tgt_mask = masks.tgt_mask,
                  .memory_mask = masks.memory_mask,
                  .tgt_key_padding_mask = masks.tgt_key_padding_mask,
                  .memory_key_padding_mask = masks.memory_key_padding_mask});
}

Tensor TransformerImpl::generate_square_subsequent_mask(int64_t size) {
  check(size >= 0, "Transformer: a mask's size must not be negative, got {}", size);
  return triu(full({size, size}, -std::numeric_limits<double>::infinity(), {.dtype = kFloat32}), 1);
}

}  // namespace reel::nn
