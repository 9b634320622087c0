#pragma once
// Attention.

#include <reel/autograd/tensor.h>

namespace reel {

struct AttentionOptions {
  Tensor attn_mask =
      {};  ///< broadcasts to [..., L, S]: bool (true takes part) or floating (is added)
  double dropout_p = 0;    ///< share of the weights that become 0
  bool is_causal = false;  ///< query i sees the keys up to i; excludes attn_mask
};

/// softmax(query key' / sqrt(E) + mask) value for query [..., L, E], key [..., S, E] and value
/// [..., S, V] (Vaswani et al. 2017, eq. 1). Same as
/// torch.nn.functional.scaled_dot_product_attention of 2.0.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {});

}  // namespace reel
