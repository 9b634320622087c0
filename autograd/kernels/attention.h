#pragma once
// Attention of many heads at once: softmax(scale query key' + masks) value, with all that belongs
// to one head done while it is in the cache.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// One floating dtype. The sequences are views [N, heads, length, width] whose last stride is 1.
struct AttentionOperands {
  Array query, key, value;
  Array mask, padding;  ///< are added to the scores: views [N, heads, L, S], or undefined
  Array noise;          ///< factors of the weights [N, heads, L, S], row-major, or undefined
  double scale;
};

/// Writes the weights before the noise [N, heads, L, S], row-major, and the output, a view
/// [N, heads, L, width of value] whose last stride is 1.
void attention(const AttentionOperands& x, const Array& weights, const Array& output);

/// Views like those of the operands; scores is row-major. Undefined where not wanted.
struct AttentionGradients {
  Array query, key, value, scores;
};
/// Writes what a gradient g of the output and one of the weights (row-major, or undefined) give.
void attention_backward(const AttentionOperands& x, const Array& weights, const Array& g,
                        const Array& g_weights, const AttentionGradients& results);

}  // namespace reel::kernels
