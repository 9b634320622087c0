#pragma once
// Transformers (Vaswani et al. 2017): layers of attention and feed-forward nets, as in torch.nn.
// Sequences are [length, N, d_model], with batch_first [N, length, d_model], unbatched [length,
// d_model]. Masks are those of MultiheadAttention: true or -inf where attention is not allowed;
// a key_padding_mask is [N, length].

#include <reel/nn/attention.h>
#include <reel/nn/dropout.h>
#include <reel/nn/linear.h>
#include <reel/nn/normalization.h>

namespace reel::nn {

struct TransformerLayerOptions {
  int64_t d_model = 0;
  int64_t nhead = 0;
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";  ///< or "gelu"
  double layer_norm_eps = 1e-5;
  bool batch_first = false;
  bool norm_first = false;  ///< normalises what goes into a block, not what comes out of its sum
};

struct TransformerEncoderLayerMasks {
  Tensor src_mask = {};
  Tensor src_key_padding_mask = {};
};

/// Attention of src to itself, then two linear layers; each added to what went in. Throws on
/// options that make no sense.
class TransformerEncoderLayerImpl : public Module {
 public:
  using Options = TransformerLayerOptions;
  using ForwardOptions = TransformerEncoderLayerMasks;
  explicit TransformerEncoderLayerImpl(const TransformerLayerOptions& options);
  TransformerEncoderLayerImpl(int64_t d_model, int64_t nhead)
      : TransformerEncoderLayerImpl(TransformerLayerOptions{.d_model = d_model, .nhead = nhead}) {}

  Tensor forward(const Tensor& src) override { return forward(src, {}); }
  Tensor forward(const Tensor& src, const TransformerEncoderLayerMasks& masks);

  const TransformerLayerOptions options;
  MultiheadAttention self_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;
};
using TransformerEncoderLayer = Handle<TransformerEncoderLayerImpl>;

struct TransformerDecoderLayerMasks {
  Tensor tgt_mask = {};
  Tensor memory_mask = {};
  Tensor tgt_key_padding_mask = {};
  Tensor memory_key_padding_mask = {};
};

/// Attention of tgt to itself, then to memory, then two linear layers; each added to what went in.
class TransformerDecoderLayerImpl : public Module {
 public:
  using Options = TransformerLayerOptions;
  using ForwardOptions = TransformerDecoderLayerMasks;
  explicit TransformerDecoderLayerImpl(const TransformerLayerOptions& options);
  TransformerDecoderLayerImpl(int64_t d_model, int64_t nhead)
      : TransformerDecoderLayerImpl(TransformerLayerOptions{.d_model = d_model, .nhead = nhead}) {}

  using Module::forward;
  Tensor forward(const Tensor& tgt, const Tensor& memory,
                 const TransformerDecoderLayerMasks& masks = {});

  const TransformerLayerOptions options;
  MultiheadAttention self_attn, multihead_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;
};
using TransformerDecoderLayer = Handle<TransformerDecoderLayerImpl>;

struct TransformerEncoderMasks {
  Tensor mask = {};
  Tensor src_key_padding_mask = {};
};

/// num_layers copies of a layer, each starting with its numbers, and a last normalisation if one
/// is given.
class TransformerEncoderImpl : public Module {
 public:
  using ForwardOptions = TransformerEncoderMasks;
  TransformerEncoderImpl(const TransformerEncoderLayer& layer, int64_t num_layers,
                         const ModulePtr& norm = nullptr);

  Tensor forward(const Tensor& src) override { return forward(src, {}); }
  Tensor forward(const Tensor& src, const TransformerEncoderMasks& masks);

  const std::vector<TransformerEncoderLayer> layers;
  const ModulePtr norm;
};
using TransformerEncoder = Handle<TransformerEncoderImpl>;

/// The same of decoder layers.
class TransformerDecoderImpl : public Module {
 public:
  using ForwardOptions = TransformerDecoderLayerMasks;
  TransformerDecoderImpl(const TransformerDecoderLayer& layer, int64_t num_layers,
                         const ModulePtr& norm = nullptr);

  using Module::forward;
  Tensor forward(const Tensor& tgt, const Tensor& memory,
                 const TransformerDecoderLayerMasks& masks = {});

  const std::vector<TransformerDecoderLayer> layers;
  const ModulePtr norm;
};
using TransformerDecoder = Handle<TransformerDecoderImpl>;

struct TransformerOptions {
  int64_t d_model = 512;
  int64_t nhead = 8;
  int64_t num_encoder_layers = 6;
  int64_t num_decoder_layers = 6;
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";
  std::optional<TransformerEncoder> custom_encoder = {};
  std::optional<TransformerDecoder> custom_decoder = {};
  double layer_norm_eps = 1e-5;
  bool batch_first = false;
  bool norm_first = false;
  TransformerOptions cloned(Cloner& cloner) const;
};

struct TransformerMasks {
  Tensor src_mask = {};
  Tensor tgt_mask = {};
  Tensor memory_mask = {};
  Tensor src_key_padding_mask = {};
  Tensor tgt_key_padding_mask = {};
  Tensor memory_key_padding_mask = {};
};

/// An encoder of src and a decoder of tgt that attends to what the encoder gives, each with a last
/// LayerNorm. All parameters of two dims or more start as xavier_uniform_ draws them.
class TransformerImpl : public Module {
 public:
  using Options = TransformerOptions;
  using ForwardOptions = TransformerMasks;
  explicit TransformerImpl(const TransformerOptions& options = {});

  using Module::forward;
  Tensor forward(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks = {});
  /// [size, size]: -inf above the diagonal, else 0, so that no position sees a later one.
  static Tensor generate_square_subsequent_mask(int64_t size);

  const TransformerOptions options;
  TransformerEncoder encoder;
  TransformerDecoder decoder;
};
using Transformer = Handle<TransformerImpl>;

}  // namespace reel::nn
