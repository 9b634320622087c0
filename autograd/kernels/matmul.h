#pragma once
// Products of matrices, through BLAS where the dtype is floating.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// a @ b for one dtype but bool, ranks from 1, as torch.matmul: a 1-d operand is a row (a) or a
/// column (b) whose dim vanishes from the result, batch dims broadcast. Operands with unit stride
/// in one of the last two dims are not copied. Throws if the inner sizes differ.
Array matmul(const Array& a, const Array& b);

/// x @ weight^T + bias for a floating dtype: x [..., in], weight [out, in], bias [out] or
/// undefined.
Array linear(const Array& x, const Array& weight, const Array& bias);

/// beta * x + alpha * (a @ b) for a floating dtype: a and b are both [n, k] and [k, m], or both
/// with one batch dim of the same size; x broadcasts to the result. x is not read where beta is 0.
Array add_product(const Array& x, const Array& a, const Array& b, double beta, double alpha);

}  // namespace reel::kernels
