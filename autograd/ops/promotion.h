#pragma once
// The dtype in which an operation of several operands computes.

#include <reel/autograd/tensor.h>

#include <initializer_list>

namespace reel {

/// The dtype of a op b, as torch.result_type: a 0-d tensor counts only where it is of a higher kind
/// (bool, integer, floating) than the tensors with dims.
Dtype result_type(const Tensor& a, const Tensor& b);
/// The same for any number of operands.
Dtype result_type(std::initializer_list<const Tensor*> operands);

/// A 0-d tensor of `value` in the dtype that `x op value` computes in (a number never widens within
/// its kind).
Tensor scalar_like(const Tensor& x, Scalar value);

/// op(a, b) with both operands in their result_type.
Tensor promoted(Tensor (*op)(const Tensor&, const Tensor&), const Tensor& a, const Tensor& b);
/// x if it is floating, else as the default floating type: functions of real numbers take integers
/// so.
Tensor as_floating(const Tensor& x);

}  // namespace reel
