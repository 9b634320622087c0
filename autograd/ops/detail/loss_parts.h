#pragma once
// Operations that several losses are made of. Internal.

#include <reel/autograd/tensor.h>

namespace reel::detail {

/// target * log(1 + exp(-x)) + (1 - target) * log(1 + exp(x)), exact for large |x|; operands of one
/// floating dtype broadcast.
Tensor logistic_loss(const Tensor& x, const Tensor& target);

/// losses * weight, which broadcast, in the name of `op`; the losses if there is no weight.
Tensor weighted(const char* op, const Tensor& losses, const Tensor& weight);

/// max(x, least) with the gradient of x itself, as where PyTorch clamps a value outside its tape.
Tensor at_least(const Tensor& x, double least);

}  // namespace reel::detail
