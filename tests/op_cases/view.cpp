// The operations of ops/view.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

void view_rows(Rows& rows) {
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

// clang-format on

}  // namespace reel::testing
