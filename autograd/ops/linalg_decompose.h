#pragma once
// Factorisations of matrices. Their results are recorded one by one, each a function of the matrix.

#include <reel/autograd/tensor.h>

#include <string_view>

namespace reel::linalg {

struct CholeskyOptions {
  bool upper = false;  ///< U with a = U^T U, read from the upper triangle, in place of L
};
struct SvdOptions {
  bool full_matrices = true;  ///< square U and Vh, otherwise with min(m, n) columns and rows
};
struct Qr {
  Tensor Q, R;
};
struct Svd {
  Tensor U, S, Vh;
};
struct Eigh {
  Tensor eigenvalues, eigenvectors;
};

/// L with a = L L^T. Throws, with the order of the leading minor, unless a is positive-definite.
/// One triangle is read; the gradient is symmetric.
Tensor cholesky(const Tensor& a, const CholeskyOptions& options = {});
/// a = Q R by Householder reflections, as LAPACK chooses their signs. mode "reduced": Q
/// [..., m, min(m, n)]; "complete": Q [..., m, m]; "r": R alone, Q has no elements. Gradients need
/// linearly independent columns, and there are none for "complete" with m > n.
Qr qr(const Tensor& a, std::string_view mode = "reduced");
/// a = U diag(S) Vh, S descending. The gradients of U and Vh are infinite or NaN where singular
/// values are equal, and none flows through the columns that full_matrices adds.
Svd svd(const Tensor& a, const SvdOptions& options = {});
/// S alone, without the cost of U and Vh unless it is recorded.
Tensor svdvals(const Tensor& a);
/// a = V diag(w) V^T with w ascending for symmetric a, of which one triangle is read, "L" or "U".
/// The gradient of V is infinite or NaN where eigenvalues are equal.
Eigh eigh(const Tensor& a, std::string_view uplo = "L");
/// w alone, without the cost of V unless it is recorded.
Tensor eigvalsh(const Tensor& a, std::string_view uplo = "L");

}  // namespace reel::linalg
