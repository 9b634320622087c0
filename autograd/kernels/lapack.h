#pragma once
// Factorisations of matrices through LAPACK: float32 and float64, the last two dims being the
// matrices, any number of batch dims before them. Results are row-major. `op` is whose name errors
// carry.

#include <reel/autograd/array.h>

#include <vector>

namespace reel::kernels {

/// Throws unless `a` holds floating matrices, or square ones.
void check_matrices(const char* op, const Array& a);
void check_square(const char* op, const Array& a);

/// The LU factorisation with row interchanges of the transpose of each matrix [n, n] (the transpose
/// because LAPACK reads a row-major matrix so).
struct Lu {
  Array factors;  // [..., n, n]
  Array pivots;   // [..., n], int32, counted from 1
  Array info;     // [...], int32: the first pivot that is 0, counted from 1, or 0
};
Lu lu_factor(const char* op, const Array& a);
/// Throws for the first singular matrix.
void check_regular(const char* op, const Lu& lu);
/// The places in the batch where a pivot is 0 or as good as that next to the largest one.
std::vector<int64_t> nearly_singular(const Lu& lu);
/// X with a X = b, or a^T X = b; b is [..., n, k], its batch dims broadcast with those of a.
/// Infinite or NaN where a is singular.
Array lu_solve(const Lu& lu, const Array& b, bool transpose);
/// Infinity in all places of a singular matrix.
Array lu_inverse(const Lu& lu);
Array lu_det(const Lu& lu);
/// The sign of the determinant (0 if it is 0) and the logarithm of its size.
struct SignAndLog {
  Array sign, log;
};
SignAndLog lu_slogdet(const Lu& lu);

/// How a triangular matrix is used.
struct Triangle {
  bool upper;
  bool left;           // a X = b, otherwise X a = b
  bool unitriangular;  // the diagonal is taken as ones
};
/// Reads only the triangle that it names; batch dims broadcast.
Array solve_triangular(const Array& a, const Array& b, const Triangle& triangle);

/// L with a = L L^T, or U with a = U^T U; reads only that triangle. Throws unless a is positive
/// definite.
Array cholesky(const char* op, const Array& a, bool upper);

/// a = q r by Householder reflections; q is [m, min(m, n)], or [m, m] if `complete`.
struct Qr {
  Array q, r;
};
Qr qr(const char* op, const Array& a, bool complete);

/// a = u diag(s) vh with s descending; u [m, k] and vh [k, n] with k = min(m, n), or square if
/// `full`. Throws for numbers that are not finite.
struct Svd {
  Array u, s, vh;
};
Svd svd(const char* op, const Array& a, bool full);
Array svdvals(const char* op, const Array& a);

/// Eigenvalues, ascending, and eigenvectors, the columns of `vectors`, of symmetric matrices of
/// which one triangle is read. Throws for numbers that are not finite.
struct Eigh {
  Array values, vectors;
};
Eigh eigh(const char* op, const Array& a, bool upper);
Array eigvalsh(const char* op, const Array& a, bool upper);

/// The smallest X [n, k] of those that minimise |a X - b|; a is [m, n] and b [m, k], of equal
/// batch dims. Singular values below rcond times the largest count as 0. Throws for numbers that
/// are not finite.
struct LeastSquares {
  Array solution;
  Array rank;  // int64
  Array singular_values;
};
LeastSquares lstsq(const char* op, const Array& a, const Array& b, double rcond);

/// exp(a) = 1 + a + a^2 / 2 + ..., by a Taylor polynomial of a / 2^s that is squared s times.
Array matrix_exp(const Array& a);

}  // namespace reel::kernels
