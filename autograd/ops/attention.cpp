#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/attention.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/dropout.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/autograd/ops/view.h>

#include <cmath>
#include <limits>

namespace reel {

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options) {
  constexpr const char* op = "scaled_dot_product_attention";
  constexpr double infinity = std::numeric_limits<double>::infinity();
  check(query.dim() >= 2 && key.dim() >= 2 && value.dim() >= 2 && query.size(-1) == key.size(-1) &&
            key.size(-2) == value.size(-2),
        "{}: query [..., L, E], key [..., S, E] and value [..., S, V] are required, got {}, {} and "
        "{}",
        op, query.shape(), key.shape(), value.shape());
  check<TypeError>(query.is_floating_point(), "{}: floating tensors are required, got {}", op,
                   query.dtype());
  check(options.dropout_p >= 0 && options.dropout_p < 1, "{}: dropout_p must be in [0, 1), got {}",
        op, options.dropout_p);
  const Tensor& mask = options.attn_mask;
  check(!options.is_causal || !mask.defined(), "{}: is_causal excludes an attn_mask", op);
  check<TypeError>(!mask.defined() || mask.dtype() == kBool || mask.is_floating_point(),
                   "{}: attn_mask must be bool or floating, got {}", op,
                   mask.defined() ? mask.dtype() : kBool);
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  Tensor scores = matmul(query * scale, key.mT());
  if (options.is_causal) {
    const Tensor seen = ones({query.size(-2), key.size(-2)}, {.dtype = kBool}).tril();
    scores = where(seen, scores, -infinity);
  } else if (mask.defined()) {
    scores = mask.dtype() == kBool ? where(mask, scores, -infinity) : scores + mask;
  }
  Tensor weights = softmax(scores, -1);
  if (options.dropout_p > 0) weights = dropout(weights, {.p = options.dropout_p});
  return matmul(weights, value);
}

}  // namespace reel
