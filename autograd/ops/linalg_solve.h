#pragma once
// Inverses, determinants, systems of linear equations, and how well they are posed.

#include <reel/autograd/ops/linalg_norm.h>
#include <reel/autograd/tensor.h>

#include <optional>

namespace reel {

namespace linalg {

struct SolveOptions {
  bool left = true;  ///< a X = b, otherwise X a = b
};
struct SolveTriangularOptions {
  bool upper;  ///< which triangle of a is read; to be given
  bool left = true;
  bool unitriangular = false;  ///< the diagonal is not read but taken as ones
};
/// From which size singular values count: the larger of atol and rtol times the largest. Where
/// neither is given, rtol is max(m, n) times the dtype's epsilon; where only atol is, it is 0.
struct RankOptions {
  std::optional<double> atol = {}, rtol = {};
  bool hermitian = false;  ///< a is symmetric; its lower triangle is read
};
struct LstsqOptions {
  std::optional<double> rcond = {};  ///< as rtol in RankOptions
};
struct Slogdet {
  Tensor sign;       ///< -1, 0 or 1; never recorded
  Tensor logabsdet;  ///< log |det|, -inf where the matrix is singular
};
struct Lstsq {
  Tensor solution;
  Tensor residuals;        ///< squared, one a column of b; no elements unless m > n and rank n
  Tensor rank;             ///< int64
  Tensor singular_values;  ///< never recorded
};

/// The inverse of square matrices. Throws for a singular one.
Tensor inv(const Tensor& a);
/// The determinant, 1 of a [0, 0]. Its gradient exists for singular matrices, too; the second one
/// is NaN for singular ones larger than [3, 3] that have equal singular values.
Tensor det(const Tensor& a);
/// The determinant as sign and logarithm, safe from overflow.
Slogdet slogdet(const Tensor& a);
/// X with a X = b for square a, by LU. b is a matrix, or a vector if it is 1-d or has the shape of
/// a without its last dim; batch dims broadcast. Throws for a singular a.
Tensor solve(const Tensor& a, const Tensor& b, const SolveOptions& options = {});
/// The same for a triangular a, of which only the named triangle is read and gets a gradient.
/// Infinite or NaN where a is singular. b is a matrix.
Tensor solve_triangular(const Tensor& a, const Tensor& b, const SolveTriangularOptions& options);
/// The X of least norm among those that minimise |a X - b|; a [..., m, n], b [..., m, k] or
/// [..., m].
Lstsq lstsq(const Tensor& a, const Tensor& b, const LstsqOptions& options = {});
/// The Moore-Penrose inverse [..., n, m] of a [..., m, n].
Tensor pinv(const Tensor& a, const RankOptions& options = {});
/// The condition number: the largest singular value by the smallest (or, for -2, the other way
/// round); for other norms than 2 and -2 norm(a) norm(a^-1), infinity where a is singular.
Tensor cond(const Tensor& a, std::optional<NormOrder> p = {});
/// How many singular values count, int64.
Tensor matrix_rank(const Tensor& a, const RankOptions& options = {});

}  // namespace linalg

struct TriangularOptions {
  bool upper = true;
  bool transpose = false;  ///< a^T X = b
  bool unitriangular = false;
};
struct UpperOptions {
  bool upper = false;  ///< which triangle is meant
};
struct TriangularSolution {
  Tensor solution, cloned_coefficient;
};

/// linalg::inv.
Tensor inverse(const Tensor& a);
/// linalg::det.
Tensor det(const Tensor& a);
/// linalg::slogdet.
linalg::Slogdet slogdet(const Tensor& a);
/// log(det(a)), NaN where that is negative.
Tensor logdet(const Tensor& a);
/// X with a X = b, `factor` being the Cholesky factor of a, of which one triangle is read.
Tensor cholesky_solve(const Tensor& b, const Tensor& factor, const UpperOptions& options = {});
/// linalg::solve_triangular(a, b), and a copy of a.
TriangularSolution triangular_solve(const Tensor& b, const Tensor& a,
                                    const TriangularOptions& options = {});

}  // namespace reel
