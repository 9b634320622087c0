#pragma once
// Products of vectors and matrices. Operands promote; bool is refused.

#include <reel/autograd/tensor.h>

namespace reel {

/// a @ b, as torch.matmul: dot product of two 1-d tensors, matrix products over the last two dims
/// otherwise; batch dims broadcast, and a 1-d operand counts as a row (a) or a column (b).
/// Transposed operands are not copied.
Tensor matmul(const Tensor& a, const Tensor& b);
/// The same for ranks 2 and 2, 2 and 1, 1 and 1, 3 and 3 (of one batch size) only.
Tensor mm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& x);
Tensor dot(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
/// input @ weight^T + bias: input [..., in], weight [out, in] or [in], bias [out] or undefined.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});

}  // namespace reel
