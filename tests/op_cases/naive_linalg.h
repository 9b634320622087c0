#pragma once
// References for linear algebra, by the schoolbook and in float64.

#include "op_cases.h"

namespace reel::testing::naive {

/// One matrix, row by row.
struct Matrix {
  int64_t rows, cols;
  Values values;
  double& operator()(int64_t i, int64_t j) { return values[static_cast<size_t>(i * cols + j)]; }
  double operator()(int64_t i, int64_t j) const {
    return values[static_cast<size_t>(i * cols + j)];
  }
};
Matrix zeros(int64_t rows, int64_t cols);
Matrix transpose(const Matrix& a);
Matrix product(const Matrix& a, const Matrix& b);
/// By Gauss and Jordan's elimination with pivots.
Matrix inverse(Matrix a);
/// By expansion along the first row.
double det(const Matrix& a);
/// L with a = L L^T.
Matrix cholesky(const Matrix& a);
/// Householder's reflections as matrices; the diagonal of R has the sign opposite to what it
/// replaces.
struct Qr {
  Matrix q, r;
};
Qr qr(const Matrix& a);
/// One-sided Jacobi rotations, for any shape; reduced.
struct Svd {
  Matrix u;
  Values s;
  Matrix vh;
};
Svd svd(const Matrix& a);
/// The series, of a / 2^10, squared ten times.
Matrix matrix_exp(const Matrix& a);

/// Applies f to each matrix of a batch, as a tensor of what it returns.
Tensor each_matrix(const Tensor& x, const std::function<Matrix(const Matrix&)>& f);
Tensor each_number(const Tensor& x, const std::function<double(const Matrix&)>& f);

/// An equation of letters only, "ij,jk->ik", by loops over all of them.
Tensor einsum(const std::string& equation, const Tensors& x);

}  // namespace reel::testing::naive
