#pragma once
// Losses in one pass over their operands.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// d^2 / 2 where |d| < delta, else delta * (|d| - delta / 2); floating. Infinite d stay infinite.
Array huber(const Array& d, double delta);

/// -(t * log(x) + (1 - t) * log(1 - x)) with logarithms no less than -100; operands of one floating
/// dtype and shape. Throws for an x outside of [0, 1].
Array binary_cross_entropy(const Array& x, const Array& t);

/// t * log(1 + exp(-x)) + (1 - t) * log(1 + exp(x)); operands of one floating dtype broadcast.
Array logistic_loss(const Array& x, const Array& t);

struct LossesAndSlopes {
  Array losses;  // [N]
  Array slopes;  // of x's shape: what the losses change by with each element
};
/// For x [N, C] and target [N, C] (int64), whose rows name classes up to the first -1: the sum over
/// named y and unnamed i of max(0, 1 - x[y] + x[i]), divided by C. Throws IndexError for a class
/// that is neither -1 nor in [0, C).
LossesAndSlopes multilabel_margin(const Array& x, const Array& target);

}  // namespace reel::kernels
