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
  rows.push_back(moving("flatten", "transposed", [](const Tensor& x) { return flatten(x.transpose(0, 1), 0, 1); }, {s}, {6, 4}, [](const Index& i) { return Index{i[0] % 2, i[0] / 2, i[1]}; }));
  rows.push_back(moving("ravel", "", [](const Tensor& x) { return ravel(x); }, {s}, {24}, same_order(s, {24})));
  rows.push_back(moving("unflatten", "", [](const Tensor& x) { return unflatten(x, -1, {2, -1}); }, {s}, {2, 3, 2, 2}, same_order(s, {2, 3, 2, 2})));
  rows.push_back(moving("unflatten", "transposed", [](const Tensor& x) { return unflatten(x.t(), 0, {2, 2}); }, {Shape{3, 4}}, {2, 2, 3}, [](const Index& i) { return Index{i[2], 2 * i[0] + i[1]}; }));
  rows.push_back(moving("transpose", "", [](const Tensor& x) { return transpose(x, 0, -1); }, {s}, {4, 3, 2},
                        [](const Index& i) { return Index{i[2], i[1], i[0]}; }));
  rows.push_back(moving("swapaxes", "", [](const Tensor& x) { return swapaxes(x, 1, -1); }, {s}, {2, 4, 3}, [](const Index& i) { return Index{i[0], i[2], i[1]}; }));
  rows.push_back(moving("swapdims", "", [](const Tensor& x) { return swapdims(x, 1, 0); }, {s}, {3, 2, 4}, [](const Index& i) { return Index{i[1], i[0], i[2]}; }));
  rows.push_back(moving("movedim", "", [](const Tensor& x) { return movedim(x, 0, -1); }, {s}, {3, 4, 2}, [](const Index& i) { return Index{i[2], i[0], i[1]}; }));
  rows.push_back(moving("movedim", "two", [](const Tensor& x) { return movedim(x, {0, 1}, {-1, 0}); }, {s}, {3, 4, 2}, [](const Index& i) { return Index{i[2], i[0], i[1]}; }));
  rows.push_back(moving("t", "", [](const Tensor& x) { return t(x); }, {Shape{2, 3}}, {3, 2}, [](const Index& i) { return Index{i[1], i[0]}; }));
  rows.push_back(moving("permute", "", [](const Tensor& x) { return permute(x, {2, 0, -2}); }, {s}, {4, 2, 3},
                        [](const Index& i) { return Index{i[1], i[2], i[0]}; }));
  rows.push_back(moving("squeeze", "", [](const Tensor& x) { return squeeze(x); }, {Shape{1, 3, 1}}, {3}, [](const Index& i) { return Index{0, i[0], 0}; }));
  rows.push_back(moving("squeeze", "dim", [](const Tensor& x) { return squeeze(x, 0); }, {Shape{1, 3, 1}}, {3, 1}, [](const Index& i) { return Index{0, i[0], 0}; }));
  rows.push_back(moving("squeeze", "dims", [](const Tensor& x) { return squeeze(x, {0, -2, 1}); }, {Shape{1, 3, 1, 1}}, {3, 1}, [](const Index& i) { return Index{0, i[0], 0, 0}; }));
  rows.push_back(moving("unsqueeze", "", [](const Tensor& x) { return unsqueeze(x, -1); }, {Shape{2, 3}}, {2, 3, 1}, [](const Index& i) { return Index{i[0], i[1]}; }));
  rows.push_back(moving("expand", "", [](const Tensor& x) { return expand(x, {2, -1, 4}); }, {Shape{3, 1}}, {2, 3, 4}, [](const Index& i) { return Index{i[1], 0}; }));
  rows.push_back(moving("expand", "empty", [](const Tensor& x) { return expand(x, {0, 3}); }, {Shape{1, 3}}, {0, 3}, [](const Index& i) { return Index{0, i[1]}; }));
  rows.push_back(moving("expand", "scalar", [](const Tensor& x) { return expand(x, {2, 3}); }, {Shape{}}, {2, 3}, [](const Index&) { return Index{}; }));
  rows.push_back(moving("broadcast_to", "", [](const Tensor& x) { return broadcast_to(x, {2, 3, 4}); }, {Shape{3, 1}}, {2, 3, 4}, [](const Index& i) { return Index{i[1], 0}; }));
  // Operations with several results: a row a result, and one of all that weighs each differently.
  rows.push_back({.name = "broadcast_tensors", .fn = [](const Tensors& x) { const auto y = broadcast_tensors(x); return y[0] * 2 - y[1]; }, .shapes = {{{3, 1}, {4}}, {{}, {2}}, {{0, 1}, {2}}},
                  .scalar = [](const Values& v) { return 2 * v[0] - v[1]; }});
  rows.push_back({.name = "meshgrid", .fn = [](const Tensors& x) { const auto y = meshgrid(x); return y[0] * 2 - y[1] * y[2]; }, .shapes = {{{2}, {3}, {4}}, {{2}, {}, {1}}, {{0}, {2}, {1}}},
                  .reference = [](const Tensors& x) {
                    return build({x[0].numel(), x[1].numel(), x[2].numel()}, [&](const Index& i) { return 2 * x[0].data<double>()[i[0]] - x[1].data<double>()[i[1]] * x[2].data<double>()[i[2]]; });
                  }, .note = "ij"});
  rows.push_back({.name = "meshgrid", .fn = [](const Tensors& x) { const auto y = meshgrid(x, {.indexing = "xy"}); return y[0] * 2 - y[1] * y[2]; }, .shapes = {{{2}, {3}, {4}}},
                  .reference = [](const Tensors& x) {
                    return build({3, 2, 4}, [&](const Index& i) { return 2 * at(x[0], {i[1]}) - at(x[1], {i[0]}) * at(x[2], {i[2]}); });
                  }, .note = "xy"});
  rows.push_back(moving("select", "", [](const Tensor& x) { return select(x, 1, -1); }, {s}, {2, 4}, [](const Index& i) { return Index{i[0], 2, i[1]}; }));
  rows.push_back(moving("slice", "", [](const Tensor& x) { return slice(x, 2, 1, {}, 2); }, {s}, {2, 3, 2}, [](const Index& i) { return Index{i[0], i[1], 1 + 2 * i[2]}; }));
  rows.push_back(moving("slice", "nothing", [](const Tensor& x) { return slice(x, 0, 5); }, {s}, {0, 3, 4}, [](const Index& i) { return i; }));
  rows.push_back(moving("slice", "long step", [](const Tensor& x) { return slice(x, 1, 1, {}, INT64_MAX); }, {s}, {2, 1, 4}, [](const Index& i) { return Index{i[0], 1, i[2]}; }));
  rows.push_back(moving("slice", "negative bounds", [](const Tensor& x) { return slice(x, 0, -4, -1, 2); }, {Shape{7, 2}}, {2, 2}, [](const Index& i) { return Index{3 + 2 * i[0], i[1]}; }));
  rows.push_back(moving("narrow", "", [](const Tensor& x) { return narrow(x, 1, 1, 2); }, {s}, {2, 2, 4}, [](const Index& i) { return Index{i[0], i[1] + 1, i[2]}; }));
  rows.push_back(moving("diagonal", "", [](const Tensor& x) { return diagonal(x, 1); }, {Shape{3, 4}}, {3}, [](const Index& i) { return Index{i[0], i[0] + 1}; }));
  rows.push_back(moving("diagonal", "dims", [](const Tensor& x) { return diagonal(x, -1, 2, 0); }, {Shape{3, 2, 4}}, {2, 3}, [](const Index& i) { return Index{i[1], i[0], i[1] + 1}; }));
  rows.push_back(moving("diagonal", "far above", [](const Tensor& x) { return diagonal(x, INT64_MAX); }, {Shape{3, 4}}, {0}, [](const Index& i) { return i; }));
  rows.push_back(moving("diagonal", "far below", [](const Tensor& x) { return diagonal(x, INT64_MIN); }, {Shape{3, 4}}, {0}, [](const Index& i) { return i; }));
  rows.push_back(moving("unfold", "method", [](const Tensor& x) { return x.unfold(0, 3, 1); }, {Shape{5, 2}}, {3, 2, 3}, [](const Index& i) { return Index{i[0] + i[2], i[1]}; }));
  rows.push_back(moving("unfold", "method steps", [](const Tensor& x) { return x.unfold(-1, 2, 3); }, {Shape{2, 8}}, {2, 3, 2}, [](const Index& i) { return Index{i[0], 3 * i[1] + i[2]}; }));
  rows.push_back(moving("unfold", "method scalar", [](const Tensor& x) { return x.unfold(0, 1, 1); }, {Shape{}}, {1}, [](const Index&) { return Index{}; }));
  rows.push_back(moving("as_strided", "apart", [](const Tensor& x) { return as_strided(x.contiguous() * 1, {2, 2}, {1, 3}, 1); }, {Shape{2, 3}}, {2, 2},
                        [](const Index& i) { return unflat({2, 3}, 1 + i[0] + 3 * i[1]); }));
  rows.push_back(moving("as_strided", "overlapping", [](const Tensor& x) { return as_strided(x.contiguous() * 1, {3, 2}, {1, 2}, 1); }, {Shape{2, 3}}, {3, 2},
                        [](const Index& i) { return unflat({2, 3}, 1 + i[0] + 2 * i[1]); }));
  rows.push_back({.name = "as_strided_scatter", .fn = [](const Tensors& x) { return as_strided_scatter(x[0], x[1], {3, 1}, 1); }, .shapes = {{{2, 3}, {2, 2}}},
                  .reference = [](const Tensors& x) { return build({2, 3}, [&](const Index& i) { return i[1] > 0 ? at(x[1], {i[0], i[1] - 1}) : at(x[0], i); }); }});
  rows.push_back({.name = "select_scatter", .fn = [](const Tensors& x) { return select_scatter(x[0], x[1], 1, -1); }, .shapes = {{{2, 3, 2}, {2, 2}}},
                  .reference = [](const Tensors& x) { return build({2, 3, 2}, [&](const Index& i) { return i[1] == 2 ? at(x[1], {i[0], i[2]}) : at(x[0], i); }); }});
  rows.push_back({.name = "slice_scatter", .fn = [](const Tensors& x) { return slice_scatter(x[0], x[1], 0, 1, {}, 2); }, .shapes = {{{6, 2}, {3, 2}}},
                  .reference = [](const Tensors& x) { return build({6, 2}, [&](const Index& i) { return i[0] % 2 == 1 ? at(x[1], {i[0] / 2, i[1]}) : at(x[0], i); }); }});
  rows.push_back({.name = "slice_scatter", .fn = [](const Tensors& x) { return slice_scatter(x[0], x[1], 0, 2, 2); }, .shapes = {{{3, 2}, {0, 2}}},
                  .reference = [](const Tensors& x) { return build({3, 2}, [&](const Index& i) { return at(x[0], i); }); }, .note = "nothing"});
  rows.push_back({.name = "diagonal_scatter", .fn = [](const Tensors& x) { return diagonal_scatter(x[0], x[1], 1, 2, 0); }, .shapes = {{{3, 2, 2}, {2, 2}}},
                  .reference = [](const Tensors& x) { return build({3, 2, 2}, [&](const Index& i) { return i[0] == i[2] + 1 ? at(x[1], {i[1], i[2]}) : at(x[0], i); }); }});
  // The change in place that diagonal_scatter carries out on all dims.
  rows.push_back({.name = "fill_diagonal_", .fn = [](const Tensors& x) { return x[0] * (1 - eye(x[0].size(0), x[0].size(1), {.dtype = kFloat64})).to(x[0].dtype()) + eye(x[0].size(0), x[0].size(1)).to(x[0].dtype()) * 3; },
                  .shapes = {{{3, 4}}, {{4, 2}}, {{1, 1}}, {{0, 2}}},
                  .reference = [](const Tensors& x) { return build(x[0].shape(), [&](const Index& i) { return i[0] == i[1] ? 3 : at(x[0], i); }); },
                  .in_place = [](Tensor& x, const Tensors&) -> Tensor& { return x.fill_diagonal_(3); }});
}

// clang-format on

}  // namespace reel::testing
