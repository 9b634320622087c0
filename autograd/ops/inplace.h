#pragma once
// Changes in place: the rules that all of them obey.

#include <reel/autograd/tensor.h>

namespace reel {

/// Throws if `x` is expanded, or if this thread records and `x` is a leaf that requires grad, a view
/// of one, or a view of a recorded tensor that was made under NoGradGuard.
void check_inplace(const char* op, const Tensor& x);
/// Whether a change of `x` by these tensors would have to be recorded.
bool records_inplace(const Tensor& x, std::initializer_list<const Tensor*> others);
/// What x holds before it changes, for rules that need it: a copy where this thread records.
Tensor former(const Tensor& x);
/// Makes `x` hold the numbers of `result` (broadcast to x's shape, converted to its dtype) and,
/// where recording, its node: x becomes what computed `result`, from former(x). A view passes the
/// change on to its base, as in PyTorch.
Tensor& rebind_inplace(const char* op, Tensor& x, const Tensor& result);

}  // namespace reel
