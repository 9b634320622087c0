// The operations of ops/indexing.h, a row a line, or as few as it takes.
#include "op_cases.h"

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

// clang-format on

}  // namespace reel::testing
