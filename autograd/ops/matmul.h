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
/// input1^T weight[o] input2 + bias[o] for every o: inputs [..., in1] and [..., in2] of the same
/// leading dims, weight [out, in1, in2], bias [out] or undefined.
Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias = {});

// beta * x + alpha * (a product), in one pass where floating; x broadcasts to the product's shape
// and is not read where beta is 0. Integers take integer factors only.

/// The product a @ b of [n, k] and [k, m].
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b,
             const BetaAlphaOptions& options = {});
/// The products of [b, n, k] and [b, k, m].
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b,
               const BetaAlphaOptions& options = {});
/// The sum of the b products of [b, n, k] and [b, k, m].
Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b,
              const BetaAlphaOptions& options = {});
/// The product of a matrix [n, k] and a vector [k].
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& vector,
             const BetaAlphaOptions& options = {});
/// The outer product of [n] and [m].
Tensor addr(const Tensor& x, const Tensor& a, const Tensor& b,
            const BetaAlphaOptions& options = {});

/// a[i] * b[j] as a matrix, of two 1-d tensors.
Tensor outer(const Tensor& a, const Tensor& b);
/// Sums of products over the last dims of both; a product where one is 0-d.
Tensor inner(const Tensor& a, const Tensor& b);
/// Sums of products over the last `dims` dims of a and the first of b; 0 is the outer product.
Tensor tensordot(const Tensor& a, const Tensor& b, int dims = 2);
/// The same over pairs of dims; where one of a pair has size 1, it broadcasts.
Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& a_dims, const Dims& b_dims);
/// The Kronecker product: every element of a times the whole of b, in a's place; ranks may differ.
Tensor kron(const Tensor& a, const Tensor& b);
/// The sum of the diagonal of a matrix.
Tensor trace(const Tensor& x);
/// The product of a chain of 2-d tensors, in the order that costs least.
Tensor chain_matmul(std::span<const Tensor> matrices);
Tensor chain_matmul(std::initializer_list<Tensor> matrices);

/// Sums of products as the equation says: "bij,bjk->bik". A letter names a dim; named twice in one
/// operand it takes the diagonal; what the output does not name is summed. "..." stands for dims
/// that broadcast. Without "->" the output has the dims of "..." and the letters that occur once,
/// in alphabetical order. Operands are contracted from left to right, by matmul.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands);
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands);

/// Distances of the rows of x1 [..., n, k] from those of x2 [..., m, k] in the p-norm, p >= 0:
/// [..., n, m]; batch dims broadcast. Computed from the differences, so close points lose no
/// digits. The derivative at distance 0 is 0.
Tensor cdist(const Tensor& x1, const Tensor& x2, double p = 2);

}  // namespace reel
