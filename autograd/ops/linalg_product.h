#pragma once
// Products, powers and functions of matrices.

#include <reel/autograd/tensor.h>

#include <optional>

namespace reel {

namespace linalg {

/// The product of a chain of matrices, in the order that costs least; the first may be a row and
/// the last a column, both 1-d, whose dims vanish.
Tensor multi_dot(std::span<const Tensor> tensors);
Tensor multi_dot(std::initializer_list<Tensor> tensors);
/// a multiplied by itself n times; the inverse's power for negative n, the identity for 0.
Tensor matrix_power(const Tensor& a, int64_t n);
/// 1 + a + a^2 / 2 + a^3 / 6 + ...
Tensor matrix_exp(const Tensor& a);
/// The cross products of vectors of 3 in `dim`; the other dims broadcast.
Tensor cross(const Tensor& a, const Tensor& b, int dim = -1);

}  // namespace linalg

/// linalg::matrix_power.
Tensor matrix_power(const Tensor& a, int64_t n);
/// linalg::matrix_exp.
Tensor matrix_exp(const Tensor& a);
/// linalg::cross in `dim`, or else in the first dim of size 3.
Tensor cross(const Tensor& a, const Tensor& b, std::optional<int> dim = {});

}  // namespace reel
