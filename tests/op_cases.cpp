// The table of operations. `shapes` holds sets of inputs: plain, broadcast, empty and 0-d where
// they make sense.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {
namespace {

using std::vector;
using Values = std::vector<double>;
using Scalars = std::function<double(const Values&)>;

const vector<vector<Shape>> kUnary = {{{2, 3}}, {{}}, {{0, 2}}, {{1, 19}}};
const vector<vector<Shape>> kBinary = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{2, 1}, {1, 3}}, {{}, {2}},
                                       {{}, {}},         {{0, 3}, {3}}, {{17}, {1}}};

OpCase unary(std::string name, Tensor (*fn)(const Tensor&), double (*f)(double), double low = -2,
             double high = 2) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0]); },
          .shapes = kUnary,
          .low = low,
          .high = high,
          .scalar = [f](const Values& v) { return f(v[0]); }};
}

OpCase binary(std::string name, Tensor (*fn)(const Tensor&, const Tensor&),
              double (*f)(double, double), double low = -2, double high = 2) {
  return {.name = std::move(name),
          .fn = [fn](const Tensors& x) { return fn(x[0], x[1]); },
          .shapes = kBinary,
          .low = low,
          .high = high,
          .scalar = [f](const Values& v) { return f(v[0], v[1]); }};
}

// An operation that only moves elements: y[index] = x[from(index)].
OpCase moving(std::string name, std::string note, std::function<Tensor(const Tensor&)> fn,
              vector<Shape> from, Shape to, std::function<Index(const Index&)> source) {
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
             vector<vector<Shape>> shapes) {
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
                 double (*f)(const Values&), int dim, bool keepdim, vector<vector<Shape>> shapes) {
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

// A row a line, or as few as it takes.
// clang-format off

void elementwise_rows(vector<OpCase>& rows) {
  rows.push_back(binary("add", add, [](double a, double b) { return a + b; }));
  rows.push_back(binary("sub", sub, [](double a, double b) { return a - b; }));
  rows.push_back(binary("mul", mul, [](double a, double b) { return a * b; }));
  rows.push_back(binary("div", div, [](double a, double b) { return a / b; }, 0.5, 3));
  rows.push_back(binary("pow", pow, [](double a, double b) { return std::pow(a, b); }, 0.5, 3));
  rows.push_back(binary("maximum", maximum, [](double a, double b) { return a > b ? a : b; }));
  rows.push_back(binary("minimum", minimum, [](double a, double b) { return a < b ? a : b; }));
  for (double exponent : {0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 2.5}) {
    rows.push_back({.name = "pow", .fn = [exponent](const Tensors& x) { return pow(x[0], exponent); }, .shapes = kUnary,
                    .low = 0.5, .high = 2, .scalar = [exponent](const Values& v) { return std::pow(v[0], exponent); },
                    .note = fmt::format("exponent_{}", exponent)});
  }
  rows.push_back({.name = "pow", .fn = [](const Tensors& x) { return pow(2.5, x[0]); }, .shapes = kUnary,
                  .scalar = [](const Values& v) { return std::pow(2.5, v[0]); }, .note = "base"});
  rows.push_back({.name = "where", .fn = [](const Tensors& x) { return where(x[0] > x[1], x[0] * 2, x[1]); },
                  .shapes = kBinary, .scalar = [](const Values& v) { return v[0] > v[1] ? 2 * v[0] : v[1]; }});
  rows.push_back({.name = "clamp", .fn = [](const Tensors& x) { return clamp(x[0], {.min = -0.55, .max = 1}); },
                  .shapes = kUnary, .scalar = [](const Values& v) { return std::min(std::max(v[0], -0.55), 1.0); }});
  rows.push_back({.name = "clamp", .fn = [](const Tensors& x) { return clamp(x[0], {.min = 0.25}); },
                  .shapes = kUnary, .scalar = [](const Values& v) { return std::max(v[0], 0.25); }, .note = "min"});
  rows.push_back(unary("neg", neg, [](double x) { return -x; }));
  rows.push_back(unary("exp", exp, [](double x) { return std::exp(x); }));
  rows.push_back(unary("log", log, [](double x) { return std::log(x); }, 0.1, 3));
  rows.push_back(unary("sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.1, 3));
  rows.push_back(unary("square", square, [](double x) { return x * x; }));
  rows.push_back(unary("tanh", tanh, [](double x) { return std::tanh(x); }));
  rows.push_back(unary("sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -6, 6));
  rows.push_back(unary("relu", relu, [](double x) { return x > 0 ? x : 0; }));
  rows.push_back(unary("abs", abs, [](double x) { return std::fabs(x); }));
}

void shape_rows(vector<OpCase>& rows) {
  const Shape s{2, 3, 4};
  const auto same_order = [](Shape from, Shape to) { return [from, to](const Index& i) { return unflat(from, flat(to, i)); }; };
  rows.push_back(moving("reshape", "", [](const Tensor& x) { return reshape(x, {4, -1}); }, {s}, {4, 6}, same_order(s, {4, 6})));
  rows.push_back(moving("reshape", "transposed", [](const Tensor& x) { return reshape(x.transpose(0, 2), {6, 4}); }, {s}, {6, 4},
                        [](const Index& i) { const Index j = unflat({4, 3, 2}, flat({6, 4}, i)); return Index{j[2], j[1], j[0]}; }));
  rows.push_back(moving("view", "", [](const Tensor& x) { return view(x.contiguous(), {6, 4}); }, {s}, {6, 4}, same_order(s, {6, 4})));
  rows.push_back(moving("flatten", "", [](const Tensor& x) { return flatten(x, 1); }, {s}, {2, 12}, same_order(s, {2, 12})));
  rows.push_back(moving("flatten", "scalar", [](const Tensor& x) { return flatten(x); }, {Shape{}}, {1}, [](const Index&) { return Index{}; }));
  rows.push_back(moving("transpose", "", [](const Tensor& x) { return transpose(x, 0, -1); }, {s}, {4, 3, 2},
                        [](const Index& i) { return Index{i[2], i[1], i[0]}; }));
  rows.push_back(moving("t", "", [](const Tensor& x) { return t(x); }, {Shape{2, 3}}, {3, 2}, [](const Index& i) { return Index{i[1], i[0]}; }));
  rows.push_back(moving("permute", "", [](const Tensor& x) { return permute(x, {2, 0, -2}); }, {s}, {4, 2, 3},
                        [](const Index& i) { return Index{i[1], i[2], i[0]}; }));
  rows.push_back(moving("squeeze", "", [](const Tensor& x) { return squeeze(x); }, {Shape{1, 3, 1}}, {3}, [](const Index& i) { return Index{0, i[0], 0}; }));
  rows.push_back(moving("squeeze", "dim", [](const Tensor& x) { return squeeze(x, 0); }, {Shape{1, 3, 1}}, {3, 1}, [](const Index& i) { return Index{0, i[0], 0}; }));
  rows.push_back(moving("unsqueeze", "", [](const Tensor& x) { return unsqueeze(x, -1); }, {Shape{2, 3}}, {2, 3, 1}, [](const Index& i) { return Index{i[0], i[1]}; }));
  rows.push_back(moving("expand", "", [](const Tensor& x) { return expand(x, {2, -1, 4}); }, {Shape{3, 1}}, {2, 3, 4}, [](const Index& i) { return Index{i[1], 0}; }));
  rows.push_back(moving("expand", "empty", [](const Tensor& x) { return expand(x, {0, 3}); }, {Shape{1, 3}}, {0, 3}, [](const Index& i) { return Index{0, i[1]}; }));
  rows.push_back(moving("select", "", [](const Tensor& x) { return select(x, 1, -1); }, {s}, {2, 4}, [](const Index& i) { return Index{i[0], 2, i[1]}; }));
  rows.push_back(moving("slice", "", [](const Tensor& x) { return slice(x, 2, 1, {}, 2); }, {s}, {2, 3, 2}, [](const Index& i) { return Index{i[0], i[1], 1 + 2 * i[2]}; }));
  rows.push_back(moving("slice", "nothing", [](const Tensor& x) { return slice(x, 0, 5); }, {s}, {0, 3, 4}, [](const Index& i) { return i; }));
  rows.push_back(moving("narrow", "", [](const Tensor& x) { return narrow(x, 1, 1, 2); }, {s}, {2, 2, 4}, [](const Index& i) { return Index{i[0], i[1] + 1, i[2]}; }));
  rows.push_back(moving("diagonal", "", [](const Tensor& x) { return diagonal(x, 1); }, {Shape{3, 4}}, {3}, [](const Index& i) { return Index{i[0], i[0] + 1}; }));
  rows.push_back(moving("diag", "read", [](const Tensor& x) { return diag(x, -1); }, {Shape{3, 4}}, {2}, [](const Index& i) { return Index{i[0] + 1, i[0]}; }));
  rows.push_back({.name = "diag", .fn = [](const Tensors& x) { return diag(x[0], 1); }, .shapes = {{{3}}},
                  .reference = [](const Tensors& x) { return build({4, 4}, [&](const Index& i) { return i[1] == i[0] + 1 ? at(x[0], {i[0]}) : 0; }); }});
  rows.push_back(moving("as_strided", "overlapping", [](const Tensor& x) { return as_strided(x.contiguous() * 1, {3, 2}, {1, 2}, 1); }, {Shape{2, 3}}, {3, 2},
                        [](const Index& i) { return unflat({2, 3}, 1 + i[0] + 2 * i[1]); }));
  rows.push_back({.name = "as_strided_scatter", .fn = [](const Tensors& x) { return as_strided_scatter(x[0], x[1], {3, 1}, 1); }, .shapes = {{{2, 3}, {2, 2}}},
                  .reference = [](const Tensors& x) { return build({2, 3}, [&](const Index& i) { return i[1] > 0 ? at(x[1], {i[0], i[1] - 1}) : at(x[0], i); }); }});
  rows.push_back({.name = "cat", .fn = [](const Tensors& x) { return cat(x, 1); }, .shapes = {{{2, 3}, {2, 1}}, {{2, 0}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t n = x[0].size(1);
                    return build({2, n + x[1].size(1)}, [&](const Index& i) { return i[1] < n ? at(x[0], i) : at(x[1], {i[0], i[1] - n}); });
                  }});
  rows.push_back({.name = "stack", .fn = [](const Tensors& x) { return stack(x, -1); }, .shapes = {{{2, 3}, {2, 3}}, {{}, {}}},
                  .reference = [](const Tensors& x) {
                    Shape shape = x[0].shape();
                    shape.push_back(2);
                    return build(shape, [&](Index i) { const auto k = static_cast<size_t>(i.back()); i.pop_back(); return at(x[k], i); });
                  }});
}

void reduction_rows(vector<OpCase>& rows) {
  const vector<vector<Shape>> some = {{{2, 3}}, {{}}, {{37}}};
  const vector<vector<Shape>> with_dims = {{{3, 4}}, {{2, 3, 5}}, {{4, 19}}};
  const auto mean_of = [](const Values& v) { return sum_of(v) / static_cast<double>(v.size()); };
  rows.push_back(whole("sum", [](const Tensor& x) { return sum(x); }, sum_of, {{{2, 3}}, {{}}, {{37}}, {{0, 2}}}));
  rows.push_back(whole("mean", [](const Tensor& x) { return mean(x); }, mean_of, some));
  rows.push_back(whole("max", [](const Tensor& x) { return max(x); }, max_of, some));
  rows.push_back(whole("min", [](const Tensor& x) { return min(x); }, min_of, some));
  rows.push_back(whole("amax", [](const Tensor& x) { return amax(x); }, max_of, some));
  rows.push_back(whole("amin", [](const Tensor& x) { return amin(x); }, min_of, some));
  for (const int dim : {0, 1, -1}) {
    for (const bool keepdim : {false, true}) {
      const auto with = [&](const char* name, std::function<Tensor(const Tensor&)> fn, double (*f)(const Values&)) {
        rows.push_back(along_dim(name, std::move(fn), f, dim, keepdim, with_dims));
      };
      with("sum", [=](const Tensor& x) { return sum(x, dim, {.keepdim = keepdim}); }, sum_of);
      with("mean", [=](const Tensor& x) { return mean(x, dim, {.keepdim = keepdim}); }, mean_of);
      with("amax", [=](const Tensor& x) { return amax(x, dim, {.keepdim = keepdim}); }, max_of);
      with("amin", [=](const Tensor& x) { return amin(x, dim, {.keepdim = keepdim}); }, min_of);
      with("max", [=](const Tensor& x) { return max(x, dim, {.keepdim = keepdim}).values; }, max_of);
      with("min", [=](const Tensor& x) { return min(x, dim, {.keepdim = keepdim}).values; }, min_of);
    }
  }
  rows.push_back({.name = "sum", .fn = [](const Tensors& x) { return sum(x[0], {0, 2}); }, .shapes = {{{2, 3, 4}}, {{2, 3, 0}}},
                  .reference = [](const Tensors& x) {
                    return build({3}, [&](const Index& j) {
                      double s = 0;
                      for (int64_t i = 0; i < 2; ++i) for (int64_t k = 0; k < x[0].size(2); ++k) s += at(x[0], {i, j[0], k});
                      return s;
                    });
                  }, .note = "dims"});
  rows.push_back({.name = "sum_to", .fn = [](const Tensors& x) { return sum_to(x[0], {3, 1}); }, .shapes = {{{2, 3, 4}}},
                  .reference = [](const Tensors& x) {
                    return build({3, 1}, [&](const Index& j) {
                      double s = 0;
                      for (int64_t i = 0; i < 2; ++i) for (int64_t k = 0; k < 4; ++k) s += at(x[0], {i, j[0], k});
                      return s;
                    });
                  }});
}

void indexing_rows(vector<OpCase>& rows) {
  const auto indices = [](std::initializer_list<int64_t> values, const Shape& shape) { return from_vector(vector<int64_t>(values), shape); };
  rows.push_back(moving("index_select", "", [=](const Tensor& x) { return index_select(x, 1, indices({2, 0, 2}, {3})); }, {Shape{2, 4}}, {2, 3},
                        [](const Index& i) { return Index{i[0], i[1] == 1 ? 0 : 2}; }));
  rows.push_back(moving("gather", "", [=](const Tensor& x) { return gather(x, 1, indices({3, 3, 0, 1}, {2, 2})); }, {Shape{2, 4}}, {2, 2},
                        [](const Index& i) { const int64_t from[] = {3, 3, 0, 1}; return Index{i[0], from[2 * i[0] + i[1]]}; }));
  rows.push_back(moving("index", "mixed", [=](const Tensor& x) { return x.index({Slice(), indices({1, 0, 1}, {3}), Slice(0, 2)}); }, {Shape{2, 2, 3}}, {2, 3, 2},
                        [](const Index& i) { return Index{i[0], i[1] == 1 ? 0 : 1, i[2]}; }));
  rows.push_back({.name = "index_put", .fn = [=](const Tensors& x) { return index_put(x[0], {indices({1, 3}, {2}), 0}, x[1]); }, .shapes = {{{4, 2}, {2}}, {{4, 2}, {}}},
                  .reference = [](const Tensors& x) {
                    return build({4, 2}, [&](const Index& i) {
                      if (i[1] != 0 || i[0] % 2 == 0) return at(x[0], i);
                      return x[1].dim() == 0 ? at(x[1], {}) : at(x[1], {i[0] / 2});
                    });
                  }});
  rows.push_back({.name = "index_put", .fn = [=](const Tensors& x) { return index_put(x[0], {indices({1, 1, 3}, {3})}, x[1], true); }, .shapes = {{{4}, {3}}},
                  .reference = [](const Tensors& x) {
                    return build({4}, [&](const Index& i) {
                      return at(x[0], i) + (i[0] == 1 ? at(x[1], {0}) + at(x[1], {1}) : 0) + (i[0] == 3 ? at(x[1], {2}) : 0);
                    });
                  }, .note = "accumulate"});
  rows.push_back({.name = "index_copy", .fn = [=](const Tensors& x) { return index_copy(x[0], 1, indices({2, 0}, {2}), x[1]); }, .shapes = {{{2, 3}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) { return i[1] == 1 ? at(x[0], i) : at(x[1], {i[0], i[1] == 2 ? 0 : 1}); });
                  }});
  rows.push_back({.name = "index_fill", .fn = [=](const Tensors& x) { return index_fill(x[0], 0, indices({1}, {1}), 5); }, .shapes = {{{2, 3}}},
                  .reference = [](const Tensors& x) { return build({2, 3}, [&](const Index& i) { return i[0] == 1 ? 5 : at(x[0], i); }); }});
  const auto mask = [] { return from_vector(vector<int64_t>{1, 0, 0, 0, 1, 1}, {2, 3}) > 0; };
  rows.push_back(moving("masked_select", "", [=](const Tensor& x) { return masked_select(x, mask()); }, {Shape{2, 3}}, {3},
                        [](const Index& i) { return i[0] == 0 ? Index{0, 0} : Index{1, i[0]}; }));
  rows.push_back({.name = "masked_fill", .fn = [=](const Tensors& x) { return masked_fill(x[0], mask(), -3); }, .shapes = {{{2, 3}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) { return i[0] + i[1] == 0 || (i[0] == 1 && i[1] > 0) ? -3 : at(x[0], i); });
                  }});
  rows.push_back({.name = "scatter_add", .fn = [=](const Tensors& x) { return scatter_add(x[0], 1, indices({3, 3, 0, 1}, {2, 2}), x[1]); }, .shapes = {{{2, 4}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t to[2][2] = {{3, 3}, {0, 1}};
                    return build({2, 4}, [&](const Index& i) {
                      double s = at(x[0], i);
                      for (int64_t k = 0; k < 2; ++k) if (to[i[0]][k] == i[1]) s += at(x[1], {i[0], k});
                      return s;
                    });
                  }});
  rows.push_back({.name = "scatter", .fn = [=](const Tensors& x) { return scatter(x[0], 1, indices({3, 2, 0, 1}, {2, 2}), x[1]); }, .shapes = {{{2, 4}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t to[2][2] = {{3, 2}, {0, 1}};
                    return build({2, 4}, [&](const Index& i) {
                      for (int64_t k = 0; k < 2; ++k) if (to[i[0]][k] == i[1]) return at(x[1], {i[0], k});
                      return at(x[0], i);
                    });
                  }});
  rows.push_back({.name = "index_add", .fn = [=](const Tensors& x) { return index_add(x[0], 0, indices({2, 0, 2}, {3}), x[1]); }, .shapes = {{{4, 2}, {3, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t to[] = {2, 0, 2};
                    return build({4, 2}, [&](const Index& i) {
                      double s = at(x[0], i);
                      for (int64_t k = 0; k < 3; ++k) if (to[k] == i[0]) s += at(x[1], {k, i[1]});
                      return s;
                    });
                  }});
}

// a @ b for matrices in the last two dims; batch dims broadcast.
Tensor naive_matmul(const Tensor& a, const Tensor& b) {
  const Tensor x = a.dim() == 1 ? a.unsqueeze(0) : a, y = b.dim() == 1 ? b.unsqueeze(1) : b;
  Shape batch_a = x.shape(), batch_b = y.shape();
  for (int i = 0; i < 2; ++i) { batch_a.erase(batch_a.rank() - 1); batch_b.erase(batch_b.rank() - 1); }
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
    for (int64_t k = 0; k < x.size(-1); ++k) s += own(x, i, i[i.size() - 2], k) * own(y, i, k, i.back());
    return s;
  });
  if (b.dim() == 1) out = out.squeeze(-1);
  if (a.dim() == 1) out = b.dim() == 1 ? out.squeeze(0) : out.squeeze(-2);
  return out;
}

void matrix_rows(vector<OpCase>& rows) {
  rows.push_back({.name = "matmul", .fn = [](const Tensors& x) { return matmul(x[0], x[1]); },
                  .shapes = {{{3}, {3}}, {{2, 3}, {3}}, {{3}, {3, 2}}, {{2, 3}, {3, 4}}, {{2, 2, 3}, {3, 2}}, {{2, 3}, {2, 3, 2}},
                             {{2, 1, 2, 3}, {3, 3, 2}}, {{3}, {2, 3, 2}}, {{2, 2, 3}, {3}}, {{0, 3}, {3, 2}}, {{2, 0}, {0, 2}}},
                  .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "matmul", .fn = [](const Tensors& x) { return matmul(x[0].t(), x[1].t()); }, .shapes = {{{3, 2}, {4, 3}}},
                  .reference = [](const Tensors& x) { return naive_matmul(x[0].t(), x[1].t()); }, .note = "transposed"});
  rows.push_back({.name = "linear", .fn = [](const Tensors& x) { return linear(x[0], x[1], x[2]); }, .shapes = {{{2, 3}, {4, 3}, {4}}, {{3}, {4, 3}, {4}}, {{2, 2, 3}, {1, 3}, {1}}},
                  .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1].t()) + x[2]; }});
  rows.push_back({.name = "mm", .fn = [](const Tensors& x) { return mm(x[0], x[1]); }, .shapes = {{{2, 3}, {3, 4}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "mv", .fn = [](const Tensors& x) { return mv(x[0], x[1]); }, .shapes = {{{2, 3}, {3}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "dot", .fn = [](const Tensors& x) { return dot(x[0], x[1]); }, .shapes = {{{3}, {3}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "bmm", .fn = [](const Tensors& x) { return bmm(x[0], x[1]); }, .shapes = {{{2, 2, 3}, {2, 3, 2}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
}

double log_sum_exp(const Values& v) {
  double s = 0;
  for (double value : v) s += std::exp(value);
  return std::log(s);
}

// -log softmax(x)[row, c], the reference of the losses below.
double negative_log(const Tensor& x, int64_t row, int64_t c) { return log_sum_exp(along(x, 1, {row}, false)) - at(x, {row, c}); }

void softmax_rows(vector<OpCase>& rows) {
  for (const int dim : {1, 0, -1}) {
    const auto reference = [dim](const Tensors& x, bool log) {
      const int d = dim < 0 ? dim + x[0].dim() : dim;
      return build(x[0].shape(), [&](const Index& i) {
        const double y = at(x[0], i) - log_sum_exp(along(x[0], d, i, true));
        return log ? y : std::exp(y);
      });
    };
    const vector<vector<Shape>> shapes = {{{3, 5}}, {{2, 3, 4}}, {{2, 19}}, {{2, 0}}};
    rows.push_back({.name = "softmax", .fn = [dim](const Tensors& x) { return softmax(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, false); }, .note = fmt::format("dim{}", dim)});
    rows.push_back({.name = "log_softmax", .fn = [dim](const Tensors& x) { return log_softmax(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, true); }, .note = fmt::format("dim{}", dim)});
  }
}

void loss_rows(vector<OpCase>& rows) {
  const int64_t classes[] = {2, 0, 1};
  const auto targets = [] { return from_vector(vector<int64_t>{2, 0, 1}, {3}); };
  for (const Reduction reduction : {Reduction::None, Reduction::Mean, Reduction::Sum}) {
    const std::string note = fmt::format("reduction{}", static_cast<int>(reduction));
    const auto reduce = [reduction](const Values& v) {
      if (reduction == Reduction::None) return build({static_cast<int64_t>(v.size())}, [&](const Index& i) { return v[static_cast<size_t>(i[0])]; });
      return build({}, [&](const Index&) { return sum_of(v) / (reduction == Reduction::Mean ? static_cast<double>(v.size()) : 1); });
    };
    rows.push_back({.name = "mse_loss", .fn = [=](const Tensors& x) { return mse_loss(x[0], x[1], {.reduction = reduction}); }, .shapes = {{{4}, {4}}},
                    .reference = [=](const Tensors& x) {
                      Values v;
                      for (int64_t i = 0; i < 4; ++i) v.push_back(std::pow(at(x[0], {i}) - at(x[1], {i}), 2));
                      return reduce(v);
                    }, .note = note});
    rows.push_back({.name = "l1_loss", .fn = [=](const Tensors& x) { return l1_loss(x[0], x[1], {.reduction = reduction}); }, .shapes = {{{4}, {4}}},
                    .reference = [=](const Tensors& x) {
                      Values v;
                      for (int64_t i = 0; i < 4; ++i) v.push_back(std::fabs(at(x[0], {i}) - at(x[1], {i})));
                      return reduce(v);
                    }, .note = note});
    rows.push_back({.name = "nll_loss", .fn = [=](const Tensors& x) { return nll_loss(x[0], targets(), {.reduction = reduction}); }, .shapes = {{{3, 4}}},
                    .reference = [=](const Tensors& x) {
                      Values v;
                      for (int64_t i = 0; i < 3; ++i) v.push_back(-at(x[0], {i, classes[i]}));
                      return reduce(v);
                    }, .note = note});
    rows.push_back({.name = "cross_entropy", .fn = [=](const Tensors& x) { return cross_entropy(x[0], targets(), {.reduction = reduction}); }, .shapes = {{{3, 4}}},
                    .reference = [=](const Tensors& x) {
                      Values v;
                      for (int64_t i = 0; i < 3; ++i) v.push_back(negative_log(x[0], i, classes[i]));
                      return reduce(v);
                    }, .note = note});
  }
  rows.push_back({.name = "cross_entropy", .fn = [=](const Tensors& x) {
                    return cross_entropy(x[0], targets(), {.weight = from_vector(Values{1, 2, 3, 4}, {4}).to(x[0].dtype()), .ignore_index = 0});
                  }, .shapes = {{{3, 4}}},
                  .reference = [](const Tensors& x) {
                    return build({}, [&](const Index&) { return (3 * negative_log(x[0], 0, 2) + 2 * negative_log(x[0], 2, 1)) / 5; });
                  }, .note = "weight_ignore"});
  rows.push_back({.name = "cross_entropy", .fn = [=](const Tensors& x) { return cross_entropy(x[0], targets(), {.label_smoothing = 0.3}); }, .shapes = {{{3, 4}}},
                  .reference = [=](const Tensors& x) {
                    return build({}, [&](const Index&) {
                      double s = 0;
                      for (int64_t i = 0; i < 3; ++i) {
                        s += 0.7 * negative_log(x[0], i, classes[i]);
                        for (int64_t c = 0; c < 4; ++c) s += 0.3 / 4 * negative_log(x[0], i, c);
                      }
                      return s / 3;
                    });
                  }, .note = "smoothing"});
}

// clang-format on

}  // namespace

const vector<OpCase>& op_cases() {
  static const vector<OpCase> table = [] {
    vector<OpCase> rows;
    elementwise_rows(rows);
    shape_rows(rows);
    reduction_rows(rows);
    indexing_rows(rows);
    matrix_rows(rows);
    softmax_rows(rows);
    loss_rows(rows);
    return rows;
  }();
  return table;
}

}  // namespace reel::testing
