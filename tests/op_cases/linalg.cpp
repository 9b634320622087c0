// The operations of ops/linalg_*.h, a row a line, or as few as it takes.
#include "naive_linalg.h"
#include "op_cases.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reel::testing {
namespace {

using naive::each_matrix;
using naive::each_number;
using naive::Matrix;
using linalg::NormOrder;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Matrices that are far from singular, of inputs between -0.5 and 0.5.
Tensor regular(const Tensor& x) { return x + eye(x.size(-2), x.size(-1), {.dtype = x.dtype()}) * 2; }

// Symmetric, positive-definite, eigenvalues apart.
Tensor symmetric(const Tensor& x) {
  const Tensor steps = arange(1, x.size(-1) + 1, {.dtype = x.dtype()}) * 2;
  return (x + x.mT()) * 0.25 + eye(x.size(-1), {.dtype = x.dtype()}) * steps;
}

// Singular values apart.
Tensor spread(const Tensor& x) {
  const Tensor steps = arange(1, x.size(-1) + 1, {.dtype = x.dtype()}) * 2;
  return x + eye(x.size(-2), x.size(-1), {.dtype = x.dtype()}) * steps;
}

// f of matrices that `prepare` makes of the inputs, and its reference of one matrix.
template <class F>
OpCase of_matrix(std::string name, std::string note, F f, Tensor (*prepare)(const Tensor&),
                 std::function<Matrix(const Matrix&)> reference, std::vector<std::vector<Shape>> shapes) {
  return {.name = std::move(name),
          .fn = [f, prepare](const Tensors& x) { return f(prepare(x[0])); },
          .shapes = std::move(shapes),
          .low = -0.5,
          .high = 0.5,
          .reference = [prepare, reference](const Tensors& x) { return each_matrix(prepare(x[0]), reference); },
          .note = std::move(note)};
}

template <class F>
OpCase of_number(std::string name, std::string note, F f, Tensor (*prepare)(const Tensor&),
                 std::function<double(const Matrix&)> reference, std::vector<std::vector<Shape>> shapes) {
  return {.name = std::move(name),
          .fn = [f, prepare](const Tensors& x) { return f(prepare(x[0])); },
          .shapes = std::move(shapes),
          .low = -0.5,
          .high = 0.5,
          .reference = [prepare, reference](const Tensors& x) { return each_number(prepare(x[0]), reference); },
          .note = std::move(note)};
}

Matrix squares(Matrix a) {
  for (double& value : a.values) value *= value;
  return a;
}

Matrix triangle_of(Matrix a, bool upper, bool unit) {
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < a.cols; ++j) {
      if (upper ? i > j : i < j) a(i, j) = 0;
      if (unit && i == j) a(i, j) = 1;
    }
  }
  return a;
}

Tensor inverse_of(const Tensor& a) { return each_matrix(a, naive::inverse); }

// (a^T a)^-1 a^T, or a^T (a a^T)^-1.
Matrix pseudo_inverse(const Matrix& a) {
  const Matrix t = naive::transpose(a);
  return a.rows >= a.cols ? naive::product(naive::inverse(naive::product(t, a)), t)
                          : naive::product(t, naive::inverse(naive::product(a, t)));
}

double norm_of(const Values& values, double p) {
  double total = p == -kInfinity ? kInfinity : 0;
  for (double value : values) {
    const double size = std::fabs(value);
    if (std::isinf(p)) total = p > 0 ? std::max(total, size) : std::min(total, size);
    else total += p == 0 ? size != 0 : std::pow(size, p);
  }
  return p == 0 || std::isinf(p) ? total : std::pow(total, 1 / p);
}

// The largest (or smallest) sum of sizes along columns.
double sum_norm(const Matrix& a, double p) {
  Values sums;
  for (int64_t j = 0; j < a.cols; ++j) {
    double total = 0;
    for (int64_t i = 0; i < a.rows; ++i) total += std::fabs(a(i, j));
    sums.push_back(total);
  }
  return p > 0 ? max_of(sums) : min_of(sums);
}

Tensor same(const Tensor& x) { return x; }

}  // namespace

// clang-format off

void linalg_rows(Rows& rows) {
  const std::vector<std::vector<Shape>> sizes = {{{3, 3}}, {{1, 1}}, {{2, 2, 2}}, {{0, 0}}}, some = {{{3, 3}}, {{2, 2, 2}}}, any = {{{3, 3}}, {{4, 2}}, {{2, 4}}, {{2, 3, 2}}};
  // ---- inverses and determinants
  rows.push_back(of_matrix("inv", "", linalg::inv, regular, naive::inverse, sizes));
  rows.push_back(of_matrix("inverse", "", inverse, regular, naive::inverse, some));
  rows.push_back(of_number("det", "", [](const Tensor& a) { return det(a); }, regular, naive::det, sizes));
  rows.push_back(of_number("det", "linalg", linalg::det, same, naive::det, some));
  // Of singular matrices (the inputs are all 0), which have second derivatives, too: of no rank and of one less than full.
  rows.push_back({.name = "det", .fn = [](const Tensors& x) { return det(x[0]); }, .shapes = {{{2, 2}}, {{3, 3}}, {{2, 3, 3}}}, .low = 0, .high = 0,
                  .reference = [](const Tensors& x) { return x[0].dim() == 2 ? x[0].sum() * 0 : x[0].sum({1, 2}) * 0; }, .note = "zero"});
  rows.push_back({.name = "det", .fn = [](const Tensors& x) { return det(x[0] + tensor({{1, 2}, {2, 4}})) + det(x[1] + tensor({{1, 2, 3}, {0, 1, 1}, {1, 3, 4}})) + det(x[2] + diag(tensor({0, 1, 2, 3}))); },
                  .shapes = {{{2, 2}, {3, 3}, {4, 4}}}, .low = 0, .high = 0, .reference = [](const Tensors&) { return zeros({}, {.dtype = kFloat64}); }, .note = "singular"});
  rows.push_back(of_number("logdet", "", logdet, regular, [](const Matrix& a) { return std::log(naive::det(a)); }, sizes));
  rows.push_back(of_number("slogdet", "", [](const Tensor& a) { const auto y = slogdet(a); return y.sign * y.logabsdet; }, regular,
                           [](const Matrix& a) { return std::log(std::fabs(naive::det(a))); }, sizes));
  rows.push_back(of_number("slogdet", "negative", [](const Tensor& a) { const auto y = linalg::slogdet(-a); return y.sign * y.logabsdet; }, regular,
                           [](const Matrix& a) { const double d = (a.rows % 2 ? -1 : 1) * naive::det(a); return (d < 0 ? -1 : 1) * std::log(std::fabs(d)); }, some));
  // ---- systems of equations
  rows.push_back({.name = "solve", .fn = [](const Tensors& x) { return linalg::solve(regular(x[0]), x[1]); },
                  .shapes = {{{3, 3}, {3, 2}}, {{3, 3}, {3}}, {{2, 3, 3}, {2, 3, 2}}, {{3, 3}, {2, 3, 2}}, {{2, 1, 2, 2}, {3, 2, 1}}, {{2, 2, 2}, {2, 2}}, {{0, 0}, {0, 2}}},
                  .low = -0.5, .high = 0.5, .reference = [](const Tensors& x) {
                    const bool vectors = x[1].dim() == 1 || (x[1].dim() == x[0].dim() - 1 && x[1].dim() == 2);
                    const Tensor y = naive_matmul(inverse_of(regular(x[0])), vectors ? x[1].unsqueeze(-1) : x[1]);
                    return vectors ? y.squeeze(-1) : y;
                  }});
  rows.push_back({.name = "solve", .fn = [](const Tensors& x) { return linalg::solve(regular(x[0]), x[1], {.left = false}); }, .shapes = {{{3, 3}, {2, 3}}, {{2, 3, 3}, {1, 2, 3}}, {{2, 2}, {3, 1, 2}}},
                  .low = -0.5, .high = 0.5, .reference = [](const Tensors& x) { return naive_matmul(x[1], inverse_of(regular(x[0]))); }, .note = "right"});
  for (int kind = 0; kind < 8; ++kind) {
    const bool upper = kind & 1, left = kind & 2, unit = kind & 4;
    rows.push_back({.name = "solve_triangular",
                    .fn = [=](const Tensors& x) { return linalg::solve_triangular(regular(x[0]), x[1], {.upper = upper, .left = left, .unitriangular = unit}); },
                    .shapes = {{{3, 3}, left ? Shape{3, 2} : Shape{2, 3}}, {{2, 3, 3}, {3, 3}}, {{2, 2}, {2, 2, 2}}}, .low = -0.5, .high = 0.5,
                    .reference = [=](const Tensors& x) {
                      const Tensor inverse = each_matrix(regular(x[0]), [=](const Matrix& a) { return naive::inverse(triangle_of(a, upper, unit)); });
                      return left ? naive_matmul(inverse, x[1]) : naive_matmul(x[1], inverse);
                    }, .note = std::string(upper ? "upper" : "lower") + (left ? "left" : "right") + (unit ? "unit" : "")});
    rows.push_back({.name = "triangular_solve",
                    .fn = [=](const Tensors& x) { return triangular_solve(x[1], regular(x[0]), {.upper = upper, .transpose = left, .unitriangular = unit}).solution; },
                    .shapes = {{{3, 3}, {3, 2}}}, .low = -0.5, .high = 0.5,
                    .reference = [=](const Tensors& x) {
                      return naive_matmul(each_matrix(regular(x[0]), [=](const Matrix& a) {
                        const Matrix t = triangle_of(a, upper, unit);
                        return naive::inverse(left ? naive::transpose(t) : t);
                      }), x[1]);
                    }, .note = std::string(upper ? "upper" : "lower") + (left ? "transposed" : "") + (unit ? "unit" : "")});
  }
  for (bool upper : {false, true}) {
    rows.push_back({.name = "cholesky_solve", .fn = [=](const Tensors& x) { return cholesky_solve(x[0], regular(x[1]), {.upper = upper}); },
                    .shapes = {{{3, 2}, {3, 3}}, {{2, 2, 1}, {2, 2}}}, .low = -0.5, .high = 0.5,
                    .reference = [=](const Tensors& x) {
                      return naive_matmul(each_matrix(regular(x[1]), [=](const Matrix& a) {
                        const Matrix t = triangle_of(a, upper, false), l = upper ? naive::transpose(t) : t;
                        return naive::inverse(naive::product(l, naive::transpose(l)));
                      }), x[0]);
                    }, .note = upper ? "upper" : ""});
  }
  rows.push_back({.name = "lstsq", .fn = [](const Tensors& x) { return linalg::lstsq(regular(x[0]), x[1]).solution; },
                  .shapes = {{{4, 2}, {4, 3}}, {{2, 3}, {2, 1}}, {{3, 3}, {3, 2}}, {{2, 3, 2}, {2, 3, 1}}, {{3, 2}, {2, 3, 1}}, {{4, 2}, {4}}}, .low = -0.5, .high = 0.5,
                  .reference = [](const Tensors& x) { return naive_matmul(each_matrix(regular(x[0]), pseudo_inverse), x[1]); }});
  rows.push_back(of_number("lstsq", "residuals", [](const Tensor& a) { const Tensor b = ones({a.size(-2), 1}, {.dtype = a.dtype()}); return linalg::lstsq(a, b).residuals.sum(-1); }, regular,
                           [](const Matrix& a) {
                             Matrix b = naive::zeros(a.rows, 1);
                             for (double& value : b.values) value = 1;
                             const Matrix p = naive::product(a, naive::product(pseudo_inverse(a), b));
                             double total = 0;
                             for (int64_t i = 0; i < a.rows; ++i) total += std::pow(p(i, 0) - 1, 2);
                             return total;
                           }, {{{4, 2}}, {{2, 3, 2}}}));
  rows.push_back(of_matrix("pinv", "", [](const Tensor& a) { return linalg::pinv(a); }, regular, pseudo_inverse, any));
  rows.push_back(of_matrix("pinv", "hermitian", [](const Tensor& a) { return linalg::pinv(a, {.hermitian = true}); }, symmetric, naive::inverse, some));
  // ---- factorisations
  rows.push_back(of_matrix("cholesky", "", [](const Tensor& a) { return linalg::cholesky(a); }, symmetric, naive::cholesky, sizes));
  rows.push_back(of_matrix("cholesky", "upper", [](const Tensor& a) { return linalg::cholesky(a, {.upper = true}); }, symmetric,
                           [](const Matrix& a) { return naive::transpose(naive::cholesky(a)); }, some));
  rows.push_back(of_matrix("qr", "Q", [](const Tensor& a) { return linalg::qr(a).Q; }, regular, [](const Matrix& a) { return naive::qr(a).q; }, any));
  rows.push_back(of_matrix("qr", "R", [](const Tensor& a) { return linalg::qr(a, "r").R; }, regular, [](const Matrix& a) { return naive::qr(a).r; }, any));
  rows.push_back(of_matrix("qr", "product", [](const Tensor& a) { const auto y = linalg::qr(a, "complete"); return matmul(y.R.mT(), y.Q.mT()); }, regular,
                           [](const Matrix& a) { return naive::transpose(a); }, some));
  // The signs of U and Vh are open, so their squares are compared.
  rows.push_back(of_matrix("svd", "U", [](const Tensor& a) { return square(linalg::svd(a, {.full_matrices = false}).U); }, spread, [](const Matrix& a) { return squares(naive::svd(a).u); }, any));
  rows.push_back(of_matrix("svd", "Vh", [](const Tensor& a) { return square(linalg::svd(a, {.full_matrices = false}).Vh); }, spread, [](const Matrix& a) { return squares(naive::svd(a).vh); }, any));
  rows.push_back(of_matrix("svd", "U Vh", [](const Tensor& a) { const auto y = linalg::svd(a, {.full_matrices = false}); return matmul(y.U, y.Vh); }, spread,
                           [](const Matrix& a) { const auto y = naive::svd(a); return naive::product(y.u, y.vh); }, any));
  rows.push_back(of_matrix("svd", "full", [](const Tensor& a) {
                             const auto y = linalg::svd(a);
                             const int64_t k = std::min(a.size(-2), a.size(-1));
                             return matmul(y.U.narrow(-1, 0, k) * (y.S * y.S).unsqueeze(-2), y.Vh.narrow(-2, 0, k));
                           }, spread, [](const Matrix& a) {
                             auto y = naive::svd(a);
                             for (int64_t i = 0; i < y.u.rows; ++i) {
                               for (int64_t j = 0; j < y.u.cols; ++j) y.u(i, j) *= std::pow(y.s[static_cast<size_t>(j)], 2);
                             }
                             return naive::product(y.u, y.vh);
                           }, any));
  const auto singular_values = [](const Matrix& a) { const Values s = naive::svd(a).s; return Matrix{1, static_cast<int64_t>(s.size()), s}; };
  rows.push_back(of_matrix("svd", "S", [](const Tensor& a) { return linalg::svd(a).S.unsqueeze(-2); }, spread, singular_values, any));
  rows.push_back(of_matrix("svdvals", "", [](const Tensor& a) { return linalg::svdvals(a).unsqueeze(-2); }, spread, singular_values, any));
  const auto eigenvalues = [](const Matrix& a) { Values w = naive::svd(a).s; std::reverse(w.begin(), w.end()); return Matrix{1, static_cast<int64_t>(w.size()), w}; };
  const auto eigenvectors = [](const Matrix& a) {
    const Matrix u = naive::svd(a).u;
    Matrix v = u;
    for (int64_t i = 0; i < u.rows; ++i) {
      for (int64_t j = 0; j < u.cols; ++j) v(i, j) = std::pow(u(i, u.cols - 1 - j), 2);
    }
    return v;
  };
  for (const char* uplo : {"L", "U"}) {
    rows.push_back(of_matrix("eigh", std::string("values") + uplo, [=](const Tensor& a) { return linalg::eigh(a, uplo).eigenvalues.unsqueeze(-2); }, symmetric, eigenvalues, some));
    rows.push_back(of_matrix("eigh", std::string("vectors") + uplo, [=](const Tensor& a) { return square(linalg::eigh(a, uplo).eigenvectors); }, symmetric, eigenvectors, some));
    rows.push_back(of_matrix("eigvalsh", uplo, [=](const Tensor& a) { return linalg::eigvalsh(a, uplo).unsqueeze(-2); }, symmetric, eigenvalues, some));
  }
  // ---- norms
  for (const double p : {2.0, 1.0, 3.0, 0.5, 1.5, 3.5, -2.0, kInfinity, -kInfinity}) {
    const std::string note = std::to_string(static_cast<int>(std::clamp(p * 10, -99.0, 99.0)));
    rows.push_back({.name = "vector_norm", .fn = [=](const Tensors& x) { return linalg::vector_norm(x[0], p); }, .shapes = {{{2, 3}}, {{4}}}, .low = 0.3,
                    .reference = [=](const Tensors& x) { return build({}, [&](const Index&) { return norm_of(all_of(x[0]), p); }); }, .note = "all" + note});
    rows.push_back({.name = "norm", .fn = [=](const Tensors& x) { return linalg::norm(x[0], p, 1, {.keepdim = true}); }, .shapes = {{{2, 3}}, {{2, 3, 2}}}, .low = -2, .high = -0.3,
                    .reference = [=](const Tensors& x) {
                      Shape shape = x[0].shape();
                      shape[1] = 1;
                      return build(shape, [&](const Index& i) { return norm_of(along(x[0], 1, i, true), p); });
                    }, .note = "dim" + note});
  }
  rows.push_back({.name = "vector_norm", .fn = [](const Tensors& x) { return linalg::vector_norm(x[0], 0); }, .shapes = {{{2, 3}}, {{0}}},
                  .reference = [](const Tensors& x) { return build({}, [&](const Index&) { return norm_of(all_of(x[0]), 0); }); }, .note = "count"});
  rows.push_back({.name = "vector_norm", .fn = [](const Tensors& x) { return linalg::vector_norm(x[0]); }, .shapes = {{{0}}, {{2, 0}}, {{}}},
                  .reference = [](const Tensors& x) { return build({}, [&](const Index&) { return norm_of(all_of(x[0]), 2); }); }, .note = "empty"});
  rows.push_back({.name = "norm", .fn = [](const Tensors& x) { return linalg::norm(x[0]); }, .shapes = {{{2, 3}}, {{2, 2, 2}}, {{}}},
                  .reference = [](const Tensors& x) { return build({}, [&](const Index&) { return norm_of(all_of(x[0]), 2); }); }});
  const auto matrix_norm_row = [&](std::string note, NormOrder order, std::function<double(const Matrix&)> reference) {
    rows.push_back(of_number("matrix_norm", note, [=](const Tensor& a) { return linalg::matrix_norm(a, order); }, spread, reference, any));
    rows.push_back(of_number("norm", "matrix" + note, [=](const Tensor& a) { return linalg::norm(a, order, {-2, -1}); }, spread, reference, some));
    // The matrices lie in dims 2 and 0 here.
    rows.push_back({.name = "matrix_norm", .fn = [=](const Tensors& x) { return linalg::matrix_norm(spread(x[0]).permute({2, 0, 1}), order, {2, 0}, {.keepdim = true}); }, .shapes = {{{2, 3, 2}}},
                    .low = -0.5, .high = 0.5, .reference = [=](const Tensors& x) {
                      const Tensor y = each_number(spread(x[0]).mT(), [=](const Matrix& a) { return reference(naive::transpose(a)); });
                      return build({1, 2, 1}, [&](const Index& i) { return at(y, {i[1]}); });
                    }, .note = note + "dims"});
  };
  matrix_norm_row("fro", "fro", [](const Matrix& a) { return norm_of(a.values, 2); });
  matrix_norm_row("nuc", "nuc", [](const Matrix& a) { return sum_of(naive::svd(a).s); });
  for (const double p : {1.0, -1.0}) {
    const std::string sign = p < 0 ? "minus" : "";
    matrix_norm_row(sign + "1", p, [p](const Matrix& a) { return sum_norm(a, p); });
    matrix_norm_row(sign + "inf", p * kInfinity, [p](const Matrix& a) { return sum_norm(naive::transpose(a), p); });
    matrix_norm_row(sign + "2", 2 * p, [p](const Matrix& a) { const Values s = naive::svd(a).s; return p > 0 ? s.front() : s.back(); });
    rows.push_back(of_number("cond", sign + "2", [p](const Tensor& a) { return linalg::cond(a, 2 * p); }, spread, [p](const Matrix& a) { const Values s = naive::svd(a).s; return std::pow(s.front() / s.back(), p); }, any));
    rows.push_back(of_number("cond", sign + "1", [p](const Tensor& a) { return linalg::cond(a, p); }, spread, [p](const Matrix& a) { return sum_norm(a, p) * sum_norm(naive::inverse(a), p); }, some));
  }
  rows.push_back(of_number("cond", "", [](const Tensor& a) { return linalg::cond(a); }, spread, [](const Matrix& a) { const Values s = naive::svd(a).s; return s.front() / s.back(); }, any));
  OpCase rank = of_number("matrix_rank", "", [](const Tensor& a) { return linalg::matrix_rank(a); }, regular, [](const Matrix& a) { return static_cast<double>(std::min(a.rows, a.cols)); }, {{{3, 3}}, {{4, 2}}, {{2, 2, 3}}, {{0, 3}}});
  rank.differentiable = false;
  rows.push_back(rank);
  rank = of_number("matrix_rank", "deficient", [](const Tensor& a) { return linalg::matrix_rank(matmul(a, a.mT())); }, regular, [](const Matrix& a) { return static_cast<double>(a.cols); }, {{{4, 2}}, {{2, 3, 2}}});
  rank.differentiable = false;
  rows.push_back(rank);
  // ---- products, powers and functions
  rows.push_back({.name = "multi_dot", .fn = [](const Tensors& x) { return linalg::multi_dot(x); }, .shapes = {{{2, 3}, {3, 4}}, {{2, 3}, {3, 1}, {1, 4}, {4, 2}}, {{3, 1}, {1, 3}, {3, 2}}},
                  .reference = [](const Tensors& x) { Tensor y = x[0]; for (size_t i = 1; i < x.size(); ++i) y = naive_matmul(y, x[i]); return y; }});
  rows.push_back({.name = "multi_dot", .fn = [](const Tensors& x) { return linalg::multi_dot(x); }, .shapes = {{{3}, {3, 2}}, {{3}, {3, 2}, {2}}, {{2, 3}, {3, 2}, {2}}},
                  .reference = [](const Tensors& x) { Tensor y = x[0]; for (size_t i = 1; i < x.size(); ++i) y = naive_matmul(y, x[i]); return y; }, .note = "vectors"});
  for (const int n : {1, 2, 5, -1, -3})
    rows.push_back(of_matrix("matrix_power", (n < 0 ? "minus" : "") + std::to_string(std::abs(n)), [n](const Tensor& a) { return matrix_power(a, n); }, regular, [n](const Matrix& a) {
                     const Matrix factor = n < 0 ? naive::inverse(a) : a;
                     Matrix y = factor;
                     for (int i = 1; i < std::abs(n); ++i) y = naive::product(y, factor);
                     return y;
                   }, some));
  for (const double scale : {0.1, 1.0, 4.0})
    rows.push_back(of_matrix("matrix_exp", "times" + std::to_string(scale), [scale](const Tensor& a) { return matrix_exp(a * scale); }, same,
                             [scale](Matrix a) { for (double& value : a.values) value *= scale; return naive::matrix_exp(a); }, sizes));
  const auto cross_at = [](const Tensors& x, Index i, size_t dim) {
    const auto part = [&](size_t k, int64_t shift) { Index j = i; j[dim] = (i[dim] + shift) % 3; for (size_t d = 0; d < j.size(); ++d) j[d] %= x[k].size(static_cast<int>(d)); return at(x[k], j); };
    return part(0, 1) * part(1, 2) - part(0, 2) * part(1, 1);
  };
  rows.push_back({.name = "cross", .fn = [](const Tensors& x) { return linalg::cross(x[0], x[1]); }, .shapes = {{{3}, {3}}, {{2, 3}, {2, 3}}, {{2, 3}, {1, 3}}},
                  .reference = [=](const Tensors& x) { return build(x[0].shape(), [&](const Index& i) { return cross_at(x, i, i.size() - 1); }); }});
  rows.push_back({.name = "cross", .fn = [](const Tensors& x) { return cross(x[0], x[1]); }, .shapes = {{{2, 3, 4}, {2, 3, 4}}},
                  .reference = [=](const Tensors& x) { return build(x[0].shape(), [&](const Index& i) { return cross_at(x, i, 1); }); }, .note = "first"});
}

// clang-format on

}  // namespace reel::testing
