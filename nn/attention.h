#pragma once
// Attention of several heads (Vaswani et al. 2017, section 3.2).

#include <reel/nn/linear.h>

#include <optional>

namespace reel::nn {

/// PyTorch's class of an attention's last layer; only its name differs from Linear's.
class NonDynamicallyQuantizableLinearImpl : public LinearImpl {
 public:
  using LinearImpl::LinearImpl;
};
using NonDynamicallyQuantizableLinear = Handle<NonDynamicallyQuantizableLinearImpl>;

struct MultiheadAttentionOptions {
  int64_t embed_dim = 0;
  int64_t num_heads = 0;
  double dropout = 0;  ///< share of the attention weights that become 0 while training
  bool bias = true;
  bool add_bias_kv = false;                     ///< a learned key and value behind the others
  bool add_zero_attn = false;                   ///< a key and value of zeros behind those
  std::optional<int64_t> kdim = {}, vdim = {};  ///< widths of key and value; embed_dim if absent
  bool batch_first = false;
};

/// Masks of bools, which are true where attention is not allowed, or of floats, which are added to
/// the scores.
struct MultiheadAttentionForwardOptions {
  Tensor key_padding_mask = {};      ///< [N, S]; unbatched [S]
  bool need_weights = true;          ///< otherwise the weights are undefined
  Tensor attn_mask = {};             ///< [L, S] or [N * num_heads, L, S]
  bool average_attn_weights = true;  ///< over the heads; otherwise the weights are [N, heads, L, S]
};

struct MultiheadAttentionOutput {
  Tensor output;   ///< of query's shape
  Tensor weights;  ///< [N, L, S], after dropout; unbatched [L, S]
};

/// query [L, N, embed_dim], key [S, N, kdim] and value [S, N, vdim]; with batch_first [N, L, ...];
/// unbatched [L, ...]. Fastest where all three are one tensor. Parameters, their initial numbers
/// and their names are those of torch.nn.MultiheadAttention: in_proj_weight (or q_, k_ and
/// v_proj_weight where kdim or vdim differ), in_proj_bias, bias_k, bias_v, out_proj. A query whose
/// keys are all masked gets NaN. Throws on options and shapes that do not fit.
class MultiheadAttentionImpl : public Module {
 public:
  using Options = MultiheadAttentionOptions;
  using ForwardOptions = MultiheadAttentionForwardOptions;
  explicit MultiheadAttentionImpl(const MultiheadAttentionOptions& options);
  MultiheadAttentionImpl(int64_t embed_dim, int64_t num_heads)
      : MultiheadAttentionImpl(
            MultiheadAttentionOptions{.embed_dim = embed_dim, .num_heads = num_heads}) {}

  using Module::forward;
  MultiheadAttentionOutput forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const MultiheadAttentionForwardOptions& chosen = {});
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

  const MultiheadAttentionOptions options;
  // Undefined where the options ask for none.
  Tensor in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias;
  Tensor bias_k, bias_v;
  NonDynamicallyQuantizableLinear out_proj;

 private:
  MultiheadAttentionOutput unbatched(const Tensor& query, const Tensor& key, const Tensor& value,
                                     MultiheadAttentionForwardOptions chosen);
  void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value) const;
  std::vector<Tensor> projected(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Tensor noise_for(const Shape& shape, Dtype dtype) const;
  void extend(std::vector<Tensor>& sequences, Tensor& mask, Tensor& padding) const;
};
using MultiheadAttention = Handle<MultiheadAttentionImpl>;

}  // namespace reel::nn
