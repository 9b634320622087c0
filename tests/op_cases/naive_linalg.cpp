#include "naive_linalg.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace reel::testing::naive {

Matrix zeros(int64_t rows, int64_t cols) {
  return {rows, cols, Values(static_cast<size_t>(rows * cols), 0.0)};
}

Matrix transpose(const Matrix& a) {
  Matrix y = zeros(a.cols, a.rows);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < a.cols; ++j) y(j, i) = a(i, j);
  }
  return y;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix y = zeros(a.rows, b.cols);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < b.cols; ++j) {
      for (int64_t k = 0; k < a.cols; ++k) y(i, j) += a(i, k) * b(k, j);
    }
  }
  return y;
}

Matrix inverse(Matrix a) {
  const int64_t n = a.rows;
  Matrix y = zeros(n, n);
  for (int64_t i = 0; i < n; ++i) y(i, i) = 1;
  for (int64_t col = 0; col < n; ++col) {
    int64_t pivot = col;
    for (int64_t i = col; i < n; ++i) {
      if (std::fabs(a(i, col)) > std::fabs(a(pivot, col))) pivot = i;
    }
    for (int64_t j = 0; j < n; ++j) {
      std::swap(a(col, j), a(pivot, j));
      std::swap(y(col, j), y(pivot, j));
    }
    const double first = a(col, col);
    for (int64_t j = 0; j < n; ++j) {
      a(col, j) /= first;
      y(col, j) /= first;
    }
    for (int64_t i = 0; i < n; ++i) {
      const double factor = a(i, col);
      for (int64_t j = 0; i != col && j < n; ++j) {
        a(i, j) -= factor * a(col, j);
        y(i, j) -= factor * y(col, j);
      }
    }
  }
  return y;
}

double det(const Matrix& a) {
  if (a.rows == 0) return 1;
  double total = 0;
  for (int64_t col = 0; col < a.cols; ++col) {
    Matrix minor = zeros(a.rows - 1, a.cols - 1);
    for (int64_t i = 1; i < a.rows; ++i) {
      for (int64_t j = 0; j < a.cols - 1; ++j) minor(i - 1, j) = a(i, j < col ? j : j + 1);
    }
    total += (col % 2 == 0 ? 1 : -1) * a(0, col) * det(minor);
  }
  return total;
}

Matrix cholesky(const Matrix& a) {
  Matrix l = zeros(a.rows, a.rows);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double rest = a(i, j);
      for (int64_t k = 0; k < j; ++k) rest -= l(i, k) * l(j, k);
      l(i, j) = i == j ? std::sqrt(rest) : rest / l(j, j);
    }
  }
  return l;
}

Qr qr(const Matrix& a) {
  const int64_t m = a.rows, n = a.cols, k = std::min(m, n);
  Matrix q = zeros(m, m), r = a;
  for (int64_t i = 0; i < m; ++i) q(i, i) = 1;
  for (int64_t col = 0; col < std::min(k, m - 1); ++col) {
    double norm = 0;
    for (int64_t i = col; i < m; ++i) norm += r(i, col) * r(i, col);
    Values v(static_cast<size_t>(m), 0.0);
    for (int64_t i = col; i < m; ++i) v[static_cast<size_t>(i)] = r(i, col);
    v[static_cast<size_t>(col)] += std::copysign(std::sqrt(norm), r(col, col));
    const double square = std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
    Matrix reflection = zeros(m, m);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < m; ++j)
        reflection(i, j) =
            (i == j) - 2 * v[static_cast<size_t>(i)] * v[static_cast<size_t>(j)] / square;
    }
    r = product(reflection, r);
    q = product(q, reflection);
  }
  Qr y{zeros(m, k), zeros(k, n)};
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < k; ++j) y.q(i, j) = q(i, j);
  }
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = i; j < n; ++j) y.r(i, j) = r(i, j);
  }
  return y;
}

namespace {

// Rotates columns p and q of w, and of v, until those of w are orthogonal.
void rotate(Matrix& w, Matrix& v, int64_t p, int64_t q) {
  double alpha = 0, beta = 0, gamma = 0;
  for (int64_t i = 0; i < w.rows; ++i) {
    alpha += w(i, p) * w(i, p);
    beta += w(i, q) * w(i, q);
    gamma += w(i, p) * w(i, q);
  }
  if (std::fabs(gamma) < 1e-300) return;
  const double zeta = (beta - alpha) / (2 * gamma);
  const double t = std::copysign(1, zeta) / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta));
  const double c = 1 / std::sqrt(1 + t * t), s = c * t;
  for (Matrix* x : {&w, &v}) {
    for (int64_t i = 0; i < x->rows; ++i) {
      const double first = (*x)(i, p), second = (*x)(i, q);
      (*x)(i, p) = c * first - s * second;
      (*x)(i, q) = s * first + c * second;
    }
  }
}

}  // namespace

Svd svd(const Matrix& a) {
  if (a.rows < a.cols) {
    const Svd turned = svd(transpose(a));
    return {transpose(turned.vh), turned.s, transpose(turned.u)};
  }
  const int64_t m = a.rows, n = a.cols;
  Matrix w = a, v = zeros(n, n);
  for (int64_t i = 0; i < n; ++i) v(i, i) = 1;
  for (int round = 0; round < 60; ++round) {
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) rotate(w, v, p, q);
    }
  }
  std::vector<std::pair<double, int64_t>> order;
  for (int64_t j = 0; j < n; ++j) {
    double norm = 0;
    for (int64_t i = 0; i < m; ++i) norm += w(i, j) * w(i, j);
    order.push_back({-std::sqrt(norm), j});
  }
  std::sort(order.begin(), order.end());
  Svd y{zeros(m, n), {}, zeros(n, n)};
  for (int64_t k = 0; k < n; ++k) {
    const auto [negative, from] = order[static_cast<size_t>(k)];
    y.s.push_back(-negative);
    for (int64_t i = 0; i < m; ++i) y.u(i, k) = w(i, from) / -negative;
    for (int64_t i = 0; i < n; ++i) y.vh(k, i) = v(i, from);
  }
  return y;
}

Matrix matrix_exp(const Matrix& a) {
  Matrix scaled = a, term = zeros(a.rows, a.rows);
  for (double& value : scaled.values) value /= 1024;
  for (int64_t i = 0; i < a.rows; ++i) term(i, i) = 1;
  Matrix y = term;
  for (int k = 1; k < 20; ++k) {
    term = product(term, scaled);
    for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += term.values[i] /= k;
  }
  for (int k = 0; k < 10; ++k) y = product(y, y);
  return y;
}

namespace {

Matrix matrix_at(const Tensor& x, const Index& batch) {
  Matrix matrix = zeros(x.size(-2), x.size(-1));
  Index index = batch;
  index.insert(index.end(), 2, 0);
  for (int64_t i = 0; i < matrix.rows; ++i) {
    for (int64_t j = 0; j < matrix.cols; ++j) {
      index[batch.size()] = i;
      index[batch.size() + 1] = j;
      matrix(i, j) = at(x, index);
    }
  }
  return matrix;
}

Shape batch_of(const Tensor& x) {
  Shape shape = x.shape();
  shape.erase(shape.rank() - 1);
  shape.erase(shape.rank() - 1);
  return shape;
}

}  // namespace

Tensor each_matrix(const Tensor& x, const std::function<Matrix(const Matrix&)>& f) {
  const Tensor plain = x.detach();
  Shape shape = batch_of(plain);
  const Matrix first = f(matrix_at(plain, Index(shape.size(), 0)));
  const size_t rank = shape.size();
  shape.push_back(first.rows);
  shape.push_back(first.cols);
  return build(shape, [&](const Index& i) {
    const auto split = i.begin() + static_cast<std::ptrdiff_t>(rank);
    return f(matrix_at(plain, Index(i.begin(), split)))(i[rank], i[rank + 1]);
  });
}

Tensor each_number(const Tensor& x, const std::function<double(const Matrix&)>& f) {
  const Tensor plain = x.detach();
  return build(batch_of(plain), [&](const Index& i) { return f(matrix_at(plain, i)); });
}

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

}  // namespace

Tensor einsum(const std::string& equation, const Tensors& x) {
  const size_t arrow = equation.find("->");
  const std::string output = equation.substr(arrow + 2);
  const std::vector<std::string> inputs = split(equation.substr(0, arrow));
  std::map<char, int64_t> sizes;
  for (size_t k = 0; k < x.size(); ++k) {
    for (size_t d = 0; d < inputs[k].size(); ++d) {
      int64_t& size = sizes.try_emplace(inputs[k][d], 1).first->second;
      if (size == 1) size = x[k].size(static_cast<int>(d));
    }
  }
  std::string summed;
  Shape shape, summed_shape;
  for (char c : output) shape.push_back(sizes[c]);
  for (const auto& [c, size] : sizes) {
    if (output.find(c) != output.npos) continue;
    summed += c;
    summed_shape.push_back(size);
  }
  return build(shape, [&](const Index& i) {
    double total = 0;
    for (int64_t n = 0; n < summed_shape.numel(); ++n) {
      const Index rest = unflat(summed_shape, n);
      std::map<char, int64_t> place;
      for (size_t d = 0; d < output.size(); ++d) place[output[d]] = i[d];
      for (size_t d = 0; d < summed.size(); ++d) place[summed[d]] = rest[d];
      double value = 1;
      for (size_t k = 0; k < x.size(); ++k) {
        Index own;
        for (size_t d = 0; d < inputs[k].size(); ++d)
          own.push_back(x[k].size(static_cast<int>(d)) == 1 ? 0 : place[inputs[k][d]]);
        value *= at(x[k], own);
      }
      total += value;
    }
    return total;
  });
}

}  // namespace reel::testing::naive
