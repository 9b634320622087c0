// The operations of ops/indexing.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

void indexing_rows(Rows& rows) {
  const auto indices = [](std::initializer_list<int64_t> values, const Shape& shape) { return from_vector(vector<int64_t>(values), shape); };
  rows.push_back(moving("index_select", "", [=](const Tensor& x) { return index_select(x, 1, indices({2, 0, 2}, {3})); }, {Shape{2, 4}}, {2, 3},
                        [](const Index& i) { return Index{i[0], i[1] == 1 ? 0 : 2}; }));
  rows.push_back(moving("gather", "", [=](const Tensor& x) { return gather(x, 1, indices({3, 3, 0, 1}, {2, 2})); }, {Shape{2, 4}}, {2, 2},
                        [](const Index& i) { const int64_t from[] = {3, 3, 0, 1}; return Index{i[0], from[2 * i[0] + i[1]]}; }));
  rows.push_back(moving("index", "mixed", [=](const Tensor& x) { return x.index({Slice(), indices({1, 0, 1}, {3}), Slice(0, 2)}); }, {Shape{2, 2, 3}}, {2, 3, 2},
                        [](const Index& i) { return Index{i[0], i[1] == 1 ? 0 : 1, i[2]}; }));
  rows.push_back(moving("index", "apart", [=](const Tensor& x) { return x.index({indices({1, 0}, {2}), Slice(), None, indices({2, 1}, {2})}); }, {Shape{2, 2, 3}}, {2, 2, 1},
                        [](const Index& i) { return Index{1 - i[0], i[1], 2 - i[0]}; }));
  rows.push_back(moving("index", "pair of a slice", [=](const Tensor& x) { return x.index({Slice(1, 4, 2), indices({1, 0, 1}, {3, 1}), indices({2, 0}, {2})}); }, {Shape{4, 2, 3}}, {2, 3, 2},
                        [](const Index& i) { return Index{1 + 2 * i[0], i[1] == 1 ? 0 : 1, 2 - 2 * i[2]}; }));
  rows.push_back({.name = "index_put", .fn = [=](const Tensors& x) { return index_put(x[0], {indices({1, 3}, {2}), 0}, x[1]); }, .shapes = {{{4, 2}, {2}}, {{4, 2}, {}}},
                  .reference = [](const Tensors& x) {
                    return build({4, 2}, [&](const Index& i) {
                      if (i[1] != 0 || i[0] % 2 == 0) return at(x[0], i);
                      return x[1].dim() == 0 ? at(x[1], {}) : at(x[1], {i[0] / 2});
                    });
                  }, .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.index_put_({indices({1, 3}, {2}), 0}, x[1]); }});
  rows.push_back({.name = "index_put", .fn = [=](const Tensors& x) { return index_put(x[0], {indices({1, 1, 3}, {3})}, x[1], true); }, .shapes = {{{4}, {3}}},
                  .reference = [](const Tensors& x) {
                    return build({4}, [&](const Index& i) {
                      return at(x[0], i) + (i[0] == 1 ? at(x[1], {0}) + at(x[1], {1}) : 0) + (i[0] == 3 ? at(x[1], {2}) : 0);
                    });
                  }, .note = "accumulate",
                  .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.index_put_({indices({1, 1, 3}, {3})}, x[1], true); }});
  rows.push_back({.name = "index_copy", .fn = [=](const Tensors& x) { return index_copy(x[0], 1, indices({2, 0}, {2}), x[1]); }, .shapes = {{{2, 3}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) { return i[1] == 1 ? at(x[0], i) : at(x[1], {i[0], i[1] == 2 ? 0 : 1}); });
                  }, .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.index_copy_(1, indices({2, 0}, {2}), x[1]); }});
  rows.push_back({.name = "index_fill", .fn = [=](const Tensors& x) { return index_fill(x[0], 0, indices({-1}, {1}), 5); }, .shapes = {{{2, 3}}},
                  .reference = [](const Tensors& x) { return build({2, 3}, [&](const Index& i) { return i[0] == 1 ? 5 : at(x[0], i); }); },
                  .in_place = [=](Tensor& z, const Tensors&) -> Tensor& { return z.index_fill_(0, indices({-1}, {1}), 5); }});
  rows.push_back({.name = "index_fill", .fn = [=](const Tensors& x) { return index_fill(x[0], 1, indices({0, 2}, {2}), x[1]); }, .shapes = {{{2, 3}, {}}},
                  .reference = [](const Tensors& x) { return build({2, 3}, [&](const Index& i) { return i[1] == 1 ? at(x[0], i) : at(x[1], {}); }); }, .note = "tensor"});
  const auto mask = [] { return from_vector(vector<int64_t>{1, 0, 0, 0, 1, 1}, {2, 3}) > 0; };
  rows.push_back(moving("masked_select", "", [=](const Tensor& x) { return masked_select(x, mask()); }, {Shape{2, 3}}, {3},
                        [](const Index& i) { return i[0] == 0 ? Index{0, 0} : Index{1, i[0]}; }));
  rows.push_back({.name = "masked_fill", .fn = [=](const Tensors& x) { return masked_fill(x[0], mask(), -3); }, .shapes = {{{2, 3}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) { return i[0] + i[1] == 0 || (i[0] == 1 && i[1] > 0) ? -3 : at(x[0], i); });
                  }, .in_place = [=](Tensor& z, const Tensors&) -> Tensor& { return z.masked_fill_(mask(), -3); }});
  rows.push_back({.name = "masked_fill", .fn = [=](const Tensors& x) { return masked_fill(x[0], mask(), x[1]); }, .shapes = {{{2, 3}, {}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) { return i[0] + i[1] == 0 || (i[0] == 1 && i[1] > 0) ? at(x[1], {}) : at(x[0], i); });
                  }, .note = "tensor", .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.masked_fill_(mask(), x[1]); }});
  rows.push_back({.name = "masked_scatter", .fn = [=](const Tensors& x) { return masked_scatter(x[0], mask(), x[1]); }, .shapes = {{{2, 3}, {2, 2}}, {{2, 3}, {3}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) {
                      const int64_t place = i[0] == 0 ? (i[1] == 0 ? 0 : -1) : i[1];  // of the source, if any
                      return place < 0 || (i[0] == 1 && i[1] == 0) ? at(x[0], i) : at(x[1], unflat(x[1].shape(), place));
                    });
                  }, .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.masked_scatter_(mask(), x[1]); }});
  rows.push_back({.name = "masked_scatter", .fn = [](const Tensors& x) { return masked_scatter(x[0], tensor(true), x[1]) * 2; }, .shapes = {{{}, {2}}, {{2}, {3}}},
                  .reference = [](const Tensors& x) { return build(x[0].shape(), [&](const Index& i) { return 2 * at(x[1], {i.empty() ? 0 : i[0]}); }); }, .note = "broadcast"});
  rows.push_back(moving("index", "brackets with a mask", [=](const Tensor& x) { return x[mask()]; }, {Shape{2, 3}}, {3},
                        [](const Index& i) { return i[0] == 0 ? Index{0, 0} : Index{1, i[0]}; }));
  rows.push_back(moving("index", "brackets with places", [=](const Tensor& x) { return x[indices({2, 0, -1}, {3})]; }, {Shape{3, 2}}, {3, 2},
                        [](const Index& i) { return Index{i[0] == 1 ? 0 : 2, i[1]}; }));
  rows.push_back({.name = "where", .fn = [](const Tensors& x) { return stack(where(x[0] > 0), 1); }, .shapes = {{{3, 4}}, {{}}, {{0, 2}}, {{7}}},
                  .reference = [](const Tensors& x) {
                    Values places;
                    for (int64_t n = 0; n < x[0].numel(); ++n)
                      if (Index i = unflat(x[0].shape(), n); at(x[0], i) > 0) { if (i.empty()) i = {0}; places.insert(places.end(), i.begin(), i.end()); }
                    const int64_t width = std::max(x[0].dim(), 1);
                    return from_vector(places, {static_cast<int64_t>(places.size()) / width, width});
                  }, .note = "condition", .differentiable = false});
  rows.push_back({.name = "nonzero", .fn = [](const Tensors& x) { return nonzero(x[0] > 0); }, .shapes = {{{3, 4}}, {{}}, {{0, 2}}, {{7}}},
                  .reference = [](const Tensors& x) {
                    Values places;
                    for (int64_t n = 0; n < x[0].numel(); ++n)
                      if (const Index i = unflat(x[0].shape(), n); at(x[0], i) > 0) places.insert(places.end(), i.begin(), i.end());
                    const int64_t count = x[0].dim() == 0 ? at(x[0], {}) > 0 : static_cast<int64_t>(places.size()) / x[0].dim();
                    return from_vector(places, {count, x[0].dim()});
                  }, .differentiable = false});
  rows.push_back({.name = "one_hot", .fn = [](const Tensors& x) { return one_hot(x[0].to(kInt64), 4); }, .shapes = {{{3, 2}}, {{}}, {{0}}}, .low = 0, .high = 4,
                  .reference = [](const Tensors& x) {
                    Shape shape = x[0].shape();
                    shape.push_back(4);
                    return build(shape, [&](const Index& i) { return std::floor(at(x[0], Index(i.begin(), i.end() - 1))) == static_cast<double>(i.back()); });
                  }, .differentiable = false});
  rows.push_back({.name = "scatter_add", .fn = [=](const Tensors& x) { return scatter_add(x[0], 1, indices({3, 3, 0, 1}, {2, 2}), x[1]); }, .shapes = {{{2, 4}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t to[2][2] = {{3, 3}, {0, 1}};
                    return build({2, 4}, [&](const Index& i) {
                      double s = at(x[0], i);
                      for (int64_t k = 0; k < 2; ++k) if (to[i[0]][k] == i[1]) s += at(x[1], {i[0], k});
                      return s;
                    });
                  }, .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.scatter_add_(1, indices({3, 3, 0, 1}, {2, 2}), x[1]); }});
  rows.push_back({.name = "scatter", .fn = [=](const Tensors& x) { return scatter(x[0], 1, indices({3, 2, 0, 1}, {2, 2}), x[1]); }, .shapes = {{{2, 4}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t to[2][2] = {{3, 2}, {0, 1}};
                    return build({2, 4}, [&](const Index& i) {
                      for (int64_t k = 0; k < 2; ++k) if (to[i[0]][k] == i[1]) return at(x[1], {i[0], k});
                      return at(x[0], i);
                    });
                  }, .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.scatter_(1, indices({3, 2, 0, 1}, {2, 2}), x[1]); }});
  // Row 0 of dim 0 gets two factors (or summands), row 2 one, row 1 none.
  const auto reduced = [=](const char* reduce, double (*combine)(double, double)) {
    return OpCase{.name = "scatter", .fn = [=](const Tensors& x) { return scatter(x[0], 0, indices({0, 2, 0, 0, 2, 0}, {3, 2}), x[1], {.reduce = reduce}); }, .shapes = {{{3, 2}, {3, 2}}, {{3, 2}, {4, 3}}},
                  .reference = [=](const Tensors& x) {
                    const int64_t to[3][2] = {{0, 2}, {0, 0}, {2, 0}};
                    return build({3, 2}, [&](const Index& i) {
                      double y = at(x[0], i);
                      for (int64_t k = 0; k < 3; ++k) if (to[k][i[1]] == i[0]) y = combine(y, at(x[1], {k, i[1]}));
                      return y;
                    });
                  }, .note = reduce};
  };
  rows.push_back(reduced("add", [](double a, double b) { return a + b; }));
  rows.push_back(reduced("multiply", [](double a, double b) { return a * b; }));
  // At zeros (the inputs are all 0): place 0 has two of three factors and place 1 two of two; place 2 is zero, too; place 3 has three.
  const auto shifted = [](const Tensor& x, const vector<double>& by) { return x + from_vector(by, {static_cast<int64_t>(by.size())}).to(x.dtype()); };
  rows.push_back({.name = "scatter", .fn = [=](const Tensors& x) {
                    return scatter(shifted(x[0], {1.5, -2, 0, 3}), 0, indices({0, 1, 0, 0, 2, 1, 3, 3, 3}, {9}), shifted(x[1], {0, 0, 2.5, 0, 0, 0, 0, 0, 0}), {.reduce = "multiply"});
                  }, .shapes = {{{4}, {9}}}, .low = 0, .high = 0,
                  .reference = [](const Tensors&) { return build({4}, [](const Index&) { return 0; }); }, .note = "zeros"});
  rows.push_back({.name = "scatter", .fn = [=](const Tensors& x) { return scatter(x[0], 0, indices({2, 0}, {2}), 7); }, .shapes = {{{4}}},
                  .reference = [](const Tensors& x) { return build({4}, [&](const Index& i) { return i[0] % 2 == 0 ? 7 : at(x[0], i); }); }, .note = "value",
                  .in_place = [=](Tensor& z, const Tensors&) -> Tensor& { return z.scatter_(0, indices({2, 0}, {2}), 7); }});
  rows.push_back(moving("take", "", [=](const Tensor& x) { return take(x, indices({5, 0, -2, 5}, {2, 2})); }, {Shape{2, 3}}, {2, 2},
                        [](const Index& i) { const int64_t from[] = {5, 0, 4, 5}; return unflat({2, 3}, from[2 * i[0] + i[1]]); }));
  rows.push_back(moving("take_along_dim", "broadcast", [=](const Tensor& x) { return take_along_dim(x, indices({2, 0}, {1, 2}), 1); }, {Shape{2, 3}}, {2, 2},
                        [](const Index& i) { return Index{i[0], i[1] == 0 ? 2 : 0}; }));
  rows.push_back(moving("take_along_dim", "flat", [=](const Tensor& x) { return take_along_dim(x, indices({4, 1}, {2})); }, {Shape{2, 3}}, {2},
                        [](const Index& i) { return i[0] == 0 ? Index{1, 1} : Index{0, 1}; }));
  rows.push_back({.name = "index_add", .fn = [=](const Tensors& x) { return index_add(x[0], 0, indices({2, 0, 2}, {3}), x[1]); }, .shapes = {{{4, 2}, {3, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t to[] = {2, 0, 2};
                    return build({4, 2}, [&](const Index& i) {
                      double s = at(x[0], i);
                      for (int64_t k = 0; k < 3; ++k) if (to[k] == i[0]) s += at(x[1], {k, i[1]});
                      return s;
                    });
                  }, .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.index_add_(0, indices({2, 0, 2}, {3}), x[1]); }});
  rows.push_back({.name = "index_add", .fn = [=](const Tensors& x) { return index_add(x[0], -1, indices({1, 1}, {2}), x[1], {.alpha = -2}); }, .shapes = {{{2, 3}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    return build({2, 3}, [&](const Index& i) { return at(x[0], i) - (i[1] == 1 ? 2 * (at(x[1], {i[0], 0}) + at(x[1], {i[0], 1})) : 0); });
                  }, .note = "alpha", .in_place = [=](Tensor& z, const Tensors& x) -> Tensor& { return z.index_add_(-1, indices({1, 1}, {2}), x[1], {.alpha = -2}); }});
}

// clang-format on

}  // namespace reel::testing
