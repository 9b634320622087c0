#pragma once
// Operations that several losses are made of. Internal.

#include <reel/autograd/tensor.h>

namespace reel::detail {

/// target * log(1 + exp(-x)) + (1 - target) * log(1 + exp(x)), exact for large |x|; operands of one
/// floating dtype broadcast.
Tensor logistic_loss(const Tensor& x, const Tensor& target);
/// The same for target 1: -log(sigmoid(x)).
Tensor logistic_loss(const Tensor& x);

/// max(x, least) with the gradient of x itself, as where PyTorch clamps a value outside its tape.
Tensor raise(const Tensor& x, double least);

}  // namespace reel::detail
