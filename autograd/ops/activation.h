#pragma once
// Activation functions that look at more than one element.

#include <reel/autograd/tensor.h>

namespace reel {

/// exp(x) divided by its sum along `dim`. Same as torch.softmax.
Tensor softmax(const Tensor& x, int dim);
/// log(softmax(x, dim)), without its loss of precision.
Tensor log_softmax(const Tensor& x, int dim);

}  // namespace reel
