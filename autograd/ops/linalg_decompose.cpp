#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/linalg_decompose.h>
#include <reel/autograd/ops/linalg_solve.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <limits>

// A factorisation gives several tensors, and the rule of each needs them all, as functions of the
// matrix. They cannot hold each other, which would be a circle. So the rules keep the numbers, and
// record them anew as functions of the matrix when they are called: x_from(a, numbers).

namespace reel::linalg {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// x with infinity on its diagonal, as a divisor that gives 0 there.
Tensor infinite_diagonal(const Tensor& x) {
  return masked_fill(x, eye(x.size(-1), {.dtype = kBool}), kInfinity);
}

// x_j - x_i for all pairs.
Tensor differences(const Tensor& x) { return x.unsqueeze(-2) - x.unsqueeze(-1); }

Tensor antisymmetric(const Tensor& x) { return x - x.mT(); }

bool is_recorded(const Tensor& a) { return is_grad_enabled() && a.requires_grad(); }

bool reads_upper(const char* op, std::string_view uplo) {
  const bool upper = uplo == "U" || uplo == "u";
  check(upper || uplo == "L" || uplo == "l",
        "{}: a triangle \"L\" or \"U\" is required, got \"{}\"", op, uplo);
  return upper;
}

}  // namespace

// ---- Cholesky ------------------------------------------------------------------------------------------------

// Murray, Differentiation of the Cholesky Decomposition, 2016, eq. 10.
Tensor cholesky(const Tensor& a, const CholeskyOptions& options) {
  const char* op = "linalg::cholesky";
  kernels::check_square(op, a.array());
  const bool upper = options.upper;
  return record("cholesky", kernels::cholesky(op, a.array(), upper),
                wrt(a, [upper](const Tensor& g, const Tensor& y) {
                  const Tensor l = upper ? y.mT() : y;
                  const Tensor phi = matmul(l.mT(), upper ? g.mT() : g).tril();
                  const Tensor symmetric = (phi + phi.tril(-1).mT()) * 0.5;
                  const Tensor half = solve_triangular(l.mT(), symmetric, {.upper = true});
                  return solve_triangular(l, half, {.upper = false, .left = false});
                }));
}

// ---- QR ------------------------------------------------------------------------------------------------------

namespace {

// The gradient of a tall or square a, whose Q gets `g` and for which m = R gR^T - gQ^T Q (Walter
// and Lehmann, Algorithmic Differentiation of Linear Algebra Functions, 2010).
Tensor qr_backward(const Qr& y, const Tensor& g, const Tensor& m) {
  const Tensor symmetric = m.triu() + m.triu(1).mT();
  const Tensor inner = matmul(y.Q, symmetric);
  return solve_triangular(y.R.mT(), g.defined() ? g + inner : inner,
                          {.upper = false, .left = false});
}

Qr qr_from(const Tensor& a, const Qr& numbers) {
  const auto again = [&] {
    return [a = keep(a), q = keep(numbers.Q), r = keep(numbers.R)] {
      return qr_from(a(), {q(), r()});
    };
  };
  return {record("qr", Array(numbers.Q.array()),
                 wrt(a,
                     [again = again()](const Tensor& g) {
                       const Qr y = again();
                       return qr_backward(y, g, -matmul(y.Q.mT(), g));
                     })),
          record("qr", Array(numbers.R.array()), wrt(a, [again = again()](const Tensor& g) {
                   const Qr y = again();
                   return qr_backward(y, {}, matmul(g, y.R.mT()));
                 }))};
}

// Q has columns that any rotation could change.
Tensor without_gradient(const Tensor& a, Array&& y) {
  return record("qr", std::move(y), wrt(a, [](const Tensor& g) -> Tensor {
                  fail(
                      "linalg::qr: no gradient for mode \"complete\" and more rows than columns, "
                      "got one of shape {}",
                      g.shape());
                }));
}

}  // namespace

Qr qr(const Tensor& a, std::string_view mode) {
  const char* op = "linalg::qr";
  kernels::check_matrices(op, a.array());
  const bool complete = mode == "complete";
  check(complete || mode == "reduced" || mode == "r",
        "{}: a mode \"reduced\", \"complete\" or \"r\" is required, got \"{}\"", op, mode);
  if (mode == "r") return {zeros({0}, {.dtype = a.dtype()}), qr(a).R};
  const int64_t m = a.size(-2), n = a.size(-1);
  if (m < n) {
    // Q is that of the first m columns.
    const Qr square = qr(a.narrow(-1, 0, m));
    return {square.Q, cat({square.R, matmul(square.Q.mT(), a.narrow(-1, m, n - m))}, -1)};
  }
  kernels::Qr y = kernels::qr(op, a.array(), complete);
  if (complete && m > n)
    return {without_gradient(a, std::move(y.q)), without_gradient(a, std::move(y.r))};
  return qr_from(a, {Tensor(std::move(y.q)), Tensor(std::move(y.r))});
}

// ---- singular values -----------------------------------------------------------------------------------------

namespace {

// The part of a's gradient inside the spaces of U and Vh: U core Vh.
Tensor between(const Svd& y, const Tensor& core) { return matmul(matmul(y.U, core), y.Vh); }

// s_j^2 - s_i^2 without cancellation.
Tensor gaps(const Tensor& s) {
  return infinite_diagonal(differences(s) * (s.unsqueeze(-2) + s.unsqueeze(-1)));
}

// Townsend, Differentiating the Singular Value Decomposition, 2016, for each of the three.
Tensor backward_of_u(const Svd& y, const Tensor& g) {
  const Tensor along = matmul(y.U.mT(), g), s = y.S.unsqueeze(-2);
  const Tensor inside = between(y, antisymmetric(along) / gaps(y.S) * s);
  if (y.U.size(-2) == y.U.size(-1)) return inside;
  return inside + matmul((g - matmul(y.U, along)) / s, y.Vh);
}

Tensor backward_of_vh(const Svd& y, const Tensor& g) {
  const Tensor along = matmul(y.Vh, g.mT()), s = y.S.unsqueeze(-1);
  const Tensor inside = between(y, s * (antisymmetric(along) / gaps(y.S)));
  if (y.Vh.size(-2) == y.Vh.size(-1)) return inside;
  return inside + matmul(y.U, (g - matmul(along.mT(), y.Vh)) / s);
}

Tensor backward_of_s(const Svd& y, const Tensor& g) { return matmul(y.U * g.unsqueeze(-2), y.Vh); }

// The columns of U and rows of Vh that belong to singular values.
Tensor first(const Tensor& x, int dim, int64_t count) {
  return x.size(dim) == count ? x : x.narrow(dim, 0, count);
}

Svd svd_from(const Tensor& a, const Svd& numbers) {
  const int64_t k = numbers.S.size(-1);
  const auto again = [&] {
    return [a = keep(a), u = keep(numbers.U), s = keep(numbers.S), vh = keep(numbers.Vh), k] {
      return svd_from(a(), {first(u(), -1, k), s(), first(vh(), -2, k)});
    };
  };
  return {record("svd", Array(numbers.U.array()),
                 wrt(a, [again = again(),
                         k](const Tensor& g) { return backward_of_u(again(), first(g, -1, k)); })),
          record("svd", Array(numbers.S.array()),
                 wrt(a, [again = again()](const Tensor& g) { return backward_of_s(again(), g); })),
          record("svd", Array(numbers.Vh.array()), wrt(a, [again = again(), k](const Tensor& g) {
                   return backward_of_vh(again(), first(g, -2, k));
                 }))};
}

}  // namespace

Svd svd(const Tensor& a, const SvdOptions& options) {
  const char* op = "linalg::svd";
  kernels::check_matrices(op, a.array());
  kernels::Svd y = kernels::svd(op, a.array(), options.full_matrices);
  return svd_from(a, {Tensor(std::move(y.u)), Tensor(std::move(y.s)), Tensor(std::move(y.vh))});
}

Tensor svdvals(const Tensor& a) {
  kernels::check_matrices("linalg::svdvals", a.array());
  if (is_recorded(a)) return svd(a, {.full_matrices = false}).S;
  return Tensor(kernels::svdvals("linalg::svdvals", a.array()));
}

// ---- eigenvalues ---------------------------------------------------------------------------------------------

namespace {

Eigh eigh_from(const Tensor& a, const Eigh& numbers) {
  const auto again = [&] {
    return [a = keep(a), w = keep(numbers.eigenvalues), v = keep(numbers.eigenvectors)] {
      return eigh_from(a(), {w(), v()});
    };
  };
  return {record("eigh", Array(numbers.eigenvalues.array()),
                 wrt(a,
                     [again = again()](const Tensor& g) {
                       const Tensor v = again().eigenvectors;
                       return matmul(v * g.unsqueeze(-2), v.mT());
                     })),
          record("eigh", Array(numbers.eigenvectors.array()),
                 wrt(a, [again = again()](const Tensor& g) {
                   const Eigh y = again();
                   const Tensor v = y.eigenvectors, gaps = differences(y.eigenvalues);
                   const Tensor core = matmul(v.mT(), g) / infinite_diagonal(gaps);
                   return matmul(v, matmul(core, v.mT()));
                 }))};
}

}  // namespace

Eigh eigh(const Tensor& a, std::string_view uplo) {
  const char* op = "linalg::eigh";
  kernels::check_square(op, a.array());
  kernels::Eigh y = kernels::eigh(op, a.array(), reads_upper(op, uplo));
  return eigh_from(a, {Tensor(std::move(y.values)), Tensor(std::move(y.vectors))});
}

Tensor eigvalsh(const Tensor& a, std::string_view uplo) {
  const char* op = "linalg::eigvalsh";
  if (is_recorded(a)) return eigh(a, uplo).eigenvalues;
  kernels::check_square(op, a.array());
  return Tensor(kernels::eigvalsh(op, a.array(), reads_upper(op, uplo)));
}

}  // namespace reel::linalg
