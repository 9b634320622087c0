// The table, its families one after the other, and what its rows are made of.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {

const Rows& op_cases() {
  static const Rows table = [] {
    Rows rows;
    activation_rows(rows);
    ctc_rows(rows);
    distance_rows(rows);
    dropout_rows(rows);
    binary_rows(rows);
    comparison_rows(rows);
    convolution_rows(rows);
    elementwise_rows(rows);
    embedding_rows(rows);
    indexing_rows(rows);
    join_rows(rows);
    linalg_rows(rows);
    loss_rows(rows);
    loss_class_rows(rows);
    loss_margin_rows(rows);
    matmul_rows(rows);
    pooling_rows(rows);
    rearrange_rows(rows);
    normalization_rows(rows);
    recurrent_rows(rows);
    reduce_rows(rows);
    sorting_rows(rows);
    statistics_rows(rows);
    scan_rows(rows);
    special_rows(rows);
    resize_rows(rows);
    view_rows(rows);
    return rows;
  }();
  return table;
}

// ---- rows ------------------------------------------------------------------------------------------------

const std::vector<std::vector<Shape>> kUnary = {{{2, 3}}, {{}}, {{0, 2}}, {{1, 19}}};
const std::vector<std::vector<Shape>> kBinary = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{2, 1}, {1, 3}},
                                                 {{}, {2}},        {{}, {}},      {{0, 3}, {3}},
                                                 {{17}, {1}}};

OpCase unary(std::string name, Tensor (*fn)(const Tensor&), double (*f)(double), double low,
             double high) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0]); },
          .shapes = kUnary,
          .low = low,
          .high = high,
          .scalar = [f](const Values& v) { return f(v[0]); }};
}

OpCase binary(std::string name, Tensor (*fn)(const Tensor&, const Tensor&),
              double (*f)(double, double), double low, double high) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0], x[1]); },
          .shapes = kBinary,
          .low = low,
          .high = high,
          .scalar = [f](const Values& v) { return f(v[0], v[1]); }};
}

// An operation that only moves elements: y[index] = x[from(index)].
OpCase moving(std::string name, std::string note, std::function<Tensor(const Tensor&)> fn,
              std::vector<Shape> from, Shape to, std::function<Index(const Index&)> source) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0]); },
          .shapes = {std::move(from)},
          .reference =
              [to, source](const Tensors& x) {
                return build(to, [&](const Index& i) { return at(x[0], source(i)); });
              },
          .note = std::move(note)};
}

int64_t flat(const Shape& shape, const Index& index) {
  int64_t n = 0;
  for (size_t d = 0; d < index.size(); ++d) n = n * shape[static_cast<int>(d)] + index[d];
  return n;
}

Index unflat(const Shape& shape, int64_t n) {
  Index index(shape.size(), 0);
  for (size_t d = index.size(); d-- > 0;) {
    index[d] = n % shape[static_cast<int>(d)];
    n /= shape[static_cast<int>(d)];
  }
  return index;
}

// All elements of x along `dim` that lie behind one index of the result.
Values along(const Tensor& x, int dim, Index index, bool kept) {
  const auto d = static_cast<Index::difference_type>(dim);
  if (!kept) index.insert(index.begin() + d, 0);
  Values values;
  for (int64_t i = 0; i < x.size(dim); ++i) {
    index[static_cast<size_t>(dim)] = i;
    values.push_back(at(x, index));
  }
  return values;
}

double sum_of(const Values& v) {
  double s = 0;
  for (double value : v) s += value;
  return s;
}

double max_of(const Values& v) { return *std::max_element(v.begin(), v.end()); }
double min_of(const Values& v) { return *std::min_element(v.begin(), v.end()); }

Values all_of(const Tensor& x) {
  Values values;
  for (int64_t n = 0; n < x.numel(); ++n) values.push_back(at(x, unflat(x.shape(), n)));
  return values;
}

// A reduction of everything, and one along a dim with and without keepdim.
OpCase whole(std::string name, Tensor (*fn)(const Tensor&), double (*f)(const Values&),
             std::vector<std::vector<Shape>> shapes) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0]); },
          .shapes = std::move(shapes),
          .reference =
              [f](const Tensors& x) {
                return build({}, [&](const Index&) { return f(all_of(x[0])); });
              },
          .note = "all"};
}

OpCase along_dim(std::string name, std::function<Tensor(const Tensor&)> fn,
                 double (*f)(const Values&), int dim, bool keepdim,
                 std::vector<std::vector<Shape>> shapes) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0]); },
          .shapes = std::move(shapes),
          .reference =
              [f, dim, keepdim](const Tensors& x) {
                const int d = dim < 0 ? dim + x[0].dim() : dim;
                Shape shape = x[0].shape();
                if (keepdim)
                  shape[d] = 1;
                else
                  shape.erase(d);
                return build(shape, [&](const Index& i) { return f(along(x[0], d, i, keepdim)); });
              },
          .note = "dim" + std::to_string(dim) + (keepdim ? "keep" : "")};
}

Tensor build(const Shape& shape, const std::function<double(const Index&)>& f) {
  const Tensor out = zeros(shape, {.dtype = kFloat64});
  double* to = out.data<double>();
  Index index(shape.size(), 0);
  for (int64_t n = 0; n < out.numel(); ++n) {
    to[n] = f(index);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < shape[static_cast<int>(d)]) break;
      index[d] = 0;
    }
  }
  return out;
}

double at(const Tensor& tensor, const Index& index) {
  int64_t offset = 0;
  for (size_t d = 0; d < index.size(); ++d)
    offset += index[d] * tensor.strides()[static_cast<int>(d)];
  return tensor.data<double>()[offset];
}

double log_sum_exp(const Values& v) {
  double s = 0;
  for (double value : v) s += std::exp(value);
  return std::log(s);
}

// a @ b for matrices in the last two dims; batch dims broadcast.
Tensor naive_matmul(const Tensor& a, const Tensor& b) {
  const Tensor x = a.dim() == 1 ? a.unsqueeze(0) : a, y = b.dim() == 1 ? b.unsqueeze(1) : b;
  Shape batch_a = x.shape(), batch_b = y.shape();
  for (int i = 0; i < 2; ++i) {
    batch_a.erase(batch_a.rank() - 1);
    batch_b.erase(batch_b.rank() - 1);
  }
  Shape shape = broadcast_shapes("reference", batch_a, batch_b);
  shape.push_back(x.size(-2));
  shape.push_back(y.size(-1));
  const auto own = [](const Tensor& of, const Index& i, int64_t row, int64_t col) {
    Index index(of.shape().size());
    for (int d = 0; d < of.dim() - 2; ++d) {
      const size_t from = i.size() - static_cast<size_t>(of.dim() - d);
      index[static_cast<size_t>(d)] = of.size(d) == 1 ? 0 : i[from];
    }
    index[index.size() - 2] = row;
    index[index.size() - 1] = col;
    return at(of, index);
  };
  Tensor out = build(shape, [&](const Index& i) {
    double s = 0;
    for (int64_t k = 0; k < x.size(-1); ++k)
      s += own(x, i, i[i.size() - 2], k) * own(y, i, k, i.back());
    return s;
  });
  if (b.dim() == 1) out = out.squeeze(-1);
  if (a.dim() == 1) out = b.dim() == 1 ? out.squeeze(0) : out.squeeze(-2);
  return out;
}

}  // namespace reel::testing
