#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/linalg_decompose.h>
#include <reel/autograd/ops/linalg_product.h>
#include <reel/autograd/ops/linalg_solve.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <limits>

namespace reel {
namespace linalg {
namespace {

// One number a matrix, so that it multiplies matrices.
Tensor per_matrix(const Tensor& x) { return x.unsqueeze(-1).unsqueeze(-1); }

Shape without_last(const Tensor& x, int count) {
  Shape shape = x.shape();
  for (int i = 0; i < count; ++i) shape.erase(shape.rank() - 1);
  return shape;
}

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  check<TypeError>(a.dtype() == b.dtype(), "{}: tensors of one dtype are required, got {} and {}",
                   op, a.dtype(), b.dtype());
}

// Whether b is a batch of vectors for a.
bool is_vector(const Tensor& a, const Tensor& b) {
  return b.dim() == 1 || (b.dim() == a.dim() - 1 && b.shape() == without_last(a, 1));
}

// The rules of this section capture the factors as plain numbers: nobody else sees them, and they
// serve derivatives of every order, because what is computed from them is recorded as a function
// of `a`.

// The inverse of a, factorised; infinity where a is singular.
Tensor inverse_from(const Tensor& a, const kernels::Lu& lu) {
  return record("inv", kernels::lu_inverse(lu), wrt(a, [](const Tensor& g, const Tensor& y) {
                  return -matmul(y.mT(), matmul(g, y.mT()));
                }));
}

// X with a X = b or a^T X = b.
Tensor solve_from(const Tensor& a, const kernels::Lu& lu, const Tensor& b, bool transpose) {
  return record("solve", kernels::lu_solve(lu, b.array(), transpose),
                wrt(a,
                    [a = keep(a), lu, transpose](const Tensor& g, const Tensor& y) {
                      const Tensor gb = solve_from(a(), lu, g, !transpose);
                      return transpose ? -matmul(y, gb.mT()) : -matmul(gb, y.mT());
                    }),
                wrt(b, [a = keep(a), lu, transpose](const Tensor& g) {
                  return solve_from(a(), lu, g, !transpose);
                }));
}

// ---- the gradient of the determinant -------------------------------------------------------------------------

// The product of all singular values but one, for each: [..., n] -> [..., n].
Tensor products_of_others(const Tensor& s) {
  const int64_t n = s.size(-1);
  const Tensor others = where(eye(n, {.dtype = kBool}), scalar_like(s, 1), s.unsqueeze(-2));
  Tensor product = others.select(-1, 0);
  for (int64_t i = 1; i < n; ++i) product = product * others.select(-1, i);
  return product;
}

// Cofactors without a division, exact where a is singular: written out for sizes 2 and 3, with
// derivatives of every order; else from a = U diag(s) Vh as det(U) det(Vh) U diag(products of the
// other s) Vh, whose derivatives are NaN where singular values are equal.
Tensor cofactors_of_singular(const Tensor& a) {
  if (a.size(-1) == 2) {
    const Tensor signs = tensor({{1, -1}, {-1, 1}}, {.dtype = a.dtype()});
    return flip(a, {-2, -1}) * signs;
  }
  // Row i is the cross product of the two rows behind it.
  if (a.size(-1) == 3) return linalg::cross(roll(a, -1, -2), roll(a, -2, -2));
  const Svd y = svd(a, {.full_matrices = false});
  const Tensor sign = linalg::det(y.U.detach()) * linalg::det(y.Vh.detach());
  const Tensor s = per_matrix(sign).squeeze(-1) * products_of_others(y.S);
  return matmul(y.U * s.unsqueeze(-2), y.Vh);
}

// det(a) a^-T, by the singular values where a is singular or nearly so.
Tensor cofactors(const Tensor& a, const kernels::Lu& lu, const Tensor& det) {
  const std::vector<int64_t> places = kernels::nearly_singular(lu);
  if (places.empty()) return per_matrix(det) * inverse_from(a, lu).mT();
  const Tensor matrices = a.reshape({lu.info.numel(), a.size(-1), a.size(-1)});
  std::vector<int64_t> others;
  for (int64_t i = 0, k = 0; i < lu.info.numel(); ++i) {
    if (k < std::ssize(places) && places[static_cast<size_t>(k)] == i)
      ++k;
    else
      others.push_back(i);
  }
  const Tensor singular = tensor(places), regular = tensor(others);
  const Tensor first = index_select(matrices, 0, singular);
  Tensor result = index_copy(zeros_like(matrices), 0, singular, cofactors_of_singular(first));
  if (!others.empty()) {
    const Tensor dets = index_select(det.reshape({lu.info.numel()}), 0, regular);
    const Tensor inverses = inv(index_select(matrices, 0, regular));
    result = index_copy(result, 0, regular, per_matrix(dets) * inverses.mT());
  }
  return result.reshape(a.shape());
}

}  // namespace

// ---- inverse and determinant ---------------------------------------------------------------------------------

Tensor inv(const Tensor& a) {
  kernels::check_square("linalg::inv", a.array());
  const kernels::Lu lu = kernels::lu_factor("linalg::inv", a.array());
  kernels::check_regular("linalg::inv", lu);
  return inverse_from(a, lu);
}

Tensor det(const Tensor& a) {
  kernels::check_square("linalg::det", a.array());
  const kernels::Lu lu = kernels::lu_factor("linalg::det", a.array());
  return record("det", kernels::lu_det(lu),
                wrt(a, [a = keep(a), lu](const Tensor& g, const Tensor& y) {
                  return per_matrix(g) * cofactors(a(), lu, y);
                }));
}

Slogdet slogdet(const Tensor& a) {
  kernels::check_square("linalg::slogdet", a.array());
  const kernels::Lu lu = kernels::lu_factor("linalg::slogdet", a.array());
  kernels::SignAndLog y = kernels::lu_slogdet(lu);
  return {Tensor(std::move(y.sign)),
          record("slogdet", std::move(y.log), wrt(a, [a = keep(a), lu](const Tensor& g) {
                   return per_matrix(g) * inverse_from(a(), lu).mT();
                 }))};
}

// ---- systems of equations ------------------------------------------------------------------------------------

Tensor solve(const Tensor& a, const Tensor& b, const SolveOptions& options) {
  const char* op = "linalg::solve";
  kernels::check_square(op, a.array());
  check_same_dtype(op, a, b);
  if (is_vector(a, b)) {
    check(options.left, "{}: vectors b of shape {} can be solved for from the left only", op,
          b.shape());
    check(b.size(-1) == a.size(-1), "{}: as many rows of b as of a are required, got {} and {}", op,
          a.shape(), b.shape());
    return solve(a, b.unsqueeze(-1)).squeeze(-1);
  }
  if (!options.left) return solve(a.mT(), b.mT()).mT();
  check(b.dim() >= 2 && b.size(-2) == a.size(-1),
        "{}: as many rows of b as of a are required, got {} and {}", op, a.shape(), b.shape());
  broadcast_shapes(op, without_last(a, 2), without_last(b, 2));
  const kernels::Lu lu = kernels::lu_factor(op, a.array());
  kernels::check_regular(op, lu);
  return solve_from(a, lu, b, false);
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, const SolveTriangularOptions& options) {
  const char* op = "linalg::solve_triangular";
  kernels::check_square(op, a.array());
  check_same_dtype(op, a, b);
  check(b.dim() >= 2 && b.size(options.left ? -2 : -1) == a.size(-1),
        "{}: as many {} of b as of a are required, got {} and {}", op,
        options.left ? "rows" : "columns", a.shape(), b.shape());
  broadcast_shapes(op, without_last(a, 2), without_last(b, 2));
  SolveTriangularOptions turned = options;
  turned.upper = !options.upper;
  const kernels::Triangle triangle{options.upper, options.left, options.unitriangular};
  return record("solve_triangular", kernels::solve_triangular(a.array(), b.array(), triangle),
                wrt(a,
                    [a = keep(a), options, turned](const Tensor& g, const Tensor& y) {
                      const Tensor gb = solve_triangular(a().mT(), g, turned);
                      const Tensor ga = options.left ? -matmul(gb, y.mT()) : -matmul(y.mT(), gb);
                      const int beside = options.unitriangular ? 1 : 0;
                      return options.upper ? ga.triu(beside) : ga.tril(-beside);
                    }),
                wrt(b, [a = keep(a), turned](const Tensor& g) {
                  return solve_triangular(a().mT(), g, turned);
                }));
}

// ---- least squares -------------------------------------------------------------------------------------------

namespace {

double default_rtol(const Tensor& a) {
  const double epsilon = a.dtype() == kFloat32 ? std::numeric_limits<float>::epsilon()
                                               : std::numeric_limits<double>::epsilon();
  return epsilon * static_cast<double>(std::max(a.size(-2), a.size(-1)));
}

// What `sizes`, the singular values of a, must exceed to count, one number a matrix.
Tensor smallest_counted(const Tensor& a, const Tensor& sizes, const RankOptions& options) {
  const double atol = options.atol.value_or(0);
  const double rtol = options.rtol.value_or(atol > 0 ? 0 : default_rtol(a));
  if (sizes.size(-1) == 0) return zeros(without_last(sizes, 1), {.dtype = sizes.dtype()});
  return maximum(amax(sizes, -1) * rtol, scalar_like(sizes, atol));
}

// The gradient of the pseudo-inverse p of a, where the rank does not change (Golub and Pereyra, The
// Differentiation of Pseudo-Inverses, 1973, eq. 4.12).
Tensor pinv_backward(const Tensor& g, const Tensor& p, const Tensor& a) {
  const Tensor pt = p.mT(), gt = g.mT();
  if (a.size(-2) <= a.size(-1)) {
    const Tensor k = matmul(gt, p), kpt = matmul(k, pt);
    return matmul(matmul(pt, p), gt - matmul(k, a)) - matmul(p, k).mT() + kpt -
           matmul(matmul(a, p), kpt);
  }
  const Tensor k = matmul(p, gt), ptk = matmul(pt, k);
  return matmul(gt - matmul(a, k), matmul(p, pt)) - matmul(k, p).mT() + ptk -
         matmul(matmul(ptk, p), a);
}

}  // namespace

Lstsq lstsq(const Tensor& a, const Tensor& b, const LstsqOptions& options) {
  const char* op = "linalg::lstsq";
  kernels::check_matrices(op, a.array());
  check_same_dtype(op, a, b);
  if (is_vector(a, b)) {
    Lstsq y = lstsq(a, b.unsqueeze(-1), options);
    y.solution = y.solution.squeeze(-1);
    if (y.residuals.numel() > 0) y.residuals = y.residuals.squeeze(-1);
    return y;
  }
  check(b.dim() >= 2 && b.size(-2) == a.size(-2),
        "{}: as many rows of b as of a are required, got {} and {}", op, a.shape(), b.shape());
  const Shape batch = broadcast_shapes(op, without_last(a, 2), without_last(b, 2));
  Shape a_shape = batch, b_shape = batch;
  for (int dim : {-2, -1}) {
    a_shape.push_back(a.size(dim));
    b_shape.push_back(b.size(dim));
  }
  const Tensor from = a.expand(a_shape), to = b.expand(b_shape);
  const double rtol = options.rcond.value_or(default_rtol(a));
  kernels::LeastSquares y = kernels::lstsq(op, from.array(), to.array(), rtol);
  const Tensor rank(std::move(y.rank));
  const auto inverse = [rtol](const Tensor& x) { return pinv(x, {.rtol = rtol}); };
  const Tensor solution = record(
      "lstsq", std::move(y.solution),
      wrt(from,
          [a = keep(from), b = keep(to), inverse](const Tensor& g) {
            return pinv_backward(matmul(g, b().mT()), inverse(a()), a());
          }),
      wrt(to, [a = keep(from), inverse](const Tensor& g) { return matmul(inverse(a()).mT(), g); }));
  const bool determined = a.size(-2) > a.size(-1) && reel::all(rank == a.size(-1));
  Tensor residuals =
      determined ? square(matmul(from, solution) - to).sum(-2) : zeros({0}, {.dtype = a.dtype()});
  return {solution, std::move(residuals), rank, Tensor(std::move(y.singular_values))};
}

Tensor pinv(const Tensor& a, const RankOptions& options) {
  kernels::check_matrices("linalg::pinv", a.array());
  if (options.hermitian) kernels::check_square("linalg::pinv", a.array());
  Tensor y;
  {
    const NoGradGuard no_grad;
    Tensor left, values, right;  // a = left diag(values) right
    if (options.hermitian) {
      const Eigh parts = eigh(a);
      left = parts.eigenvectors, values = parts.eigenvalues, right = left.mT();
    } else {
      const Svd parts = svd(a, {.full_matrices = false});
      left = parts.U, values = parts.S, right = parts.Vh;
    }
    const Tensor kept = abs(values) > smallest_counted(a, abs(values), options).unsqueeze(-1);
    const Tensor reciprocals = where(kept, scalar_like(values, 1) / values, 0);
    y = matmul(right.mT() * reciprocals.unsqueeze(-2), left.mT());
  }
  return record("pinv", Array(y.array()), wrt(a, [a = keep(a)](const Tensor& g, const Tensor& p) {
                  return pinv_backward(g, p, a());
                }));
}

// ---- rank and condition ---------------------------------------------------------------------------------------

Tensor cond(const Tensor& a, std::optional<NormOrder> p) {
  const char* op = "linalg::cond";
  kernels::check_matrices(op, a.array());
  if (!p || (p->is_number() && std::fabs(p->number()) == 2)) {
    check(a.numel() > 0, "{}: matrices with elements are required, got shape {}", op, a.shape());
    const Tensor s = svdvals(a), largest = s.select(-1, 0), smallest = s.select(-1, s.size(-1) - 1);
    return p && p->number() < 0 ? smallest / largest : largest / smallest;
  }
  kernels::check_square(op, a.array());
  return matrix_norm(a, *p) * matrix_norm(inverse_from(a, kernels::lu_factor(op, a.array())), *p);
}

Tensor matrix_rank(const Tensor& a, const RankOptions& options) {
  const char* op = "linalg::matrix_rank";
  kernels::check_matrices(op, a.array());
  if (options.hermitian) kernels::check_square(op, a.array());
  const NoGradGuard no_grad;
  const Tensor s = options.hermitian ? abs(eigvalsh(a)) : svdvals(a);
  return sum(s > smallest_counted(a, s, options).unsqueeze(-1), -1);
}

}  // namespace linalg

// ---- the functions of torch itself ---------------------------------------------------------------------------

Tensor inverse(const Tensor& a) { return linalg::inv(a); }

Tensor det(const Tensor& a) { return linalg::det(a); }

linalg::Slogdet slogdet(const Tensor& a) { return linalg::slogdet(a); }

Tensor logdet(const Tensor& a) {
  const linalg::Slogdet y = linalg::slogdet(a);
  return where(y.sign < 0, std::numeric_limits<double>::quiet_NaN(), y.logabsdet);
}

Tensor cholesky_solve(const Tensor& b, const Tensor& factor, const UpperOptions& options) {
  const bool upper = options.upper;
  const Tensor half = linalg::solve_triangular(upper ? factor.mT() : factor, b, {.upper = false});
  return linalg::solve_triangular(upper ? factor : factor.mT(), half, {.upper = true});
}

TriangularSolution triangular_solve(const Tensor& b, const Tensor& a,
                                    const TriangularOptions& options) {
  Tensor solution = linalg::solve_triangular(
      options.transpose ? a.mT() : a, b,
      {.upper = options.upper != options.transpose, .unitriangular = options.unitriangular});
  return {std::move(solution), a.clone()};
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::det() const { return linalg::det(self()); }
Tensor MathMethods::inverse() const { return linalg::inv(self()); }

}  // namespace reel
