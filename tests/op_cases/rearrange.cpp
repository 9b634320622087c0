// The operations of ops/rearrange.h and ops/pad.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>

namespace reel::testing {
namespace {

Tensor longs(std::vector<int64_t> values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}

// Places [2, count] of a rows x cols matrix for which `holds`, in order.
Tensor places_where(int64_t rows, int64_t cols, bool (*holds)(int64_t, int64_t)) {
  std::vector<int64_t> row, col;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      if (!holds(i, j)) continue;
      row.push_back(i);
      col.push_back(j);
    }
  }
  const auto n = static_cast<int64_t>(row.size());
  return build({2, n}, [&](const Index& i) {
    return static_cast<double>((i[0] == 0 ? row : col)[static_cast<size_t>(i[1])]);
  });
}

// x where `holds` of the last two indices, else 0.
std::function<Tensor(const Tensors&)> where_last(bool (*holds)(int64_t, int64_t)) {
  return [holds](const Tensors& x) {
    return build(x[0].shape(), [&](const Index& i) {
      return holds(i[i.size() - 2], i.back()) ? at(x[0], i) : 0;
    });
  };
}

// Place i of a padded dim of this size, walked step by step from the edge.
int64_t reflected(int64_t i, int64_t n) {
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * n - 2 - i;
  return i;
}
int64_t replicated(int64_t i, int64_t n) {
  while (i < 0) ++i;
  while (i >= n) --i;
  return i;
}
int64_t circled(int64_t i, int64_t n) {
  while (i < 0) i += n;
  while (i >= n) i -= n;
  return i;
}

// A padding of the last dims by what `source` says; the pads are in the order of pad().
OpCase edges(std::string mode, std::string note, Shape from, std::vector<int64_t> pads,
             int64_t (*source)(int64_t, int64_t)) {
  Shape to = from;
  for (size_t k = 0; k < pads.size() / 2; ++k)
    to[from.rank() - 1 - static_cast<int>(k)] += pads[2 * k] + pads[2 * k + 1];
  return moving(
      "pad", mode + note, [mode, pads](const Tensor& x) { return pad(x, pads, {.mode = mode}); },
      {from}, to,
      [from, pads, source](const Index& i) {
        Index j = i;
        for (size_t k = 0; k < pads.size() / 2; ++k) {
          const size_t d = i.size() - 1 - k;
          j[d] = source(i[d] - pads[2 * k], from[static_cast<int>(d)]);
        }
        return j;
      });
}

OpCase constant(std::string note, std::vector<std::vector<Shape>> shapes, std::vector<int64_t> pads,
                double value) {
  return {.name = "pad",
          .fn = [pads, value](const Tensors& x) { return pad(x[0], pads, {.value = value}); },
          .shapes = std::move(shapes),
          .reference =
              [pads, value](const Tensors& x) {
                Shape to = x[0].shape();
                for (size_t k = 0; k < pads.size() / 2; ++k)
                  to[to.rank() - 1 - static_cast<int>(k)] += pads[2 * k] + pads[2 * k + 1];
                return build(to, [&](Index i) {
                  for (size_t k = 0; k < pads.size() / 2; ++k) {
                    const size_t d = i.size() - 1 - k;
                    i[d] -= pads[2 * k];
                    if (i[d] < 0 || i[d] >= x[0].size(static_cast<int>(d))) return value;
                  }
                  return at(x[0], i);
                });
              },
          .note = std::move(note)};
}

}  // namespace

// clang-format off

void rearrange_rows(Rows& rows) {
  const Shape s{2, 3, 4};
  rows.push_back(moving("flip", "", [](const Tensor& x) { return flip(x, {0, -1}); }, {s}, s, [](const Index& i) { return Index{1 - i[0], i[1], 3 - i[2]}; }));
  rows.push_back(moving("flip", "nothing", [](const Tensor& x) { return flip(x, 0); }, {Shape{0, 3}}, {0, 3}, [](const Index& i) { return i; }));
  rows.push_back(moving("flip", "scalar", [](const Tensor& x) { return flip(x, 0); }, {Shape{}}, {}, [](const Index& i) { return i; }));
  rows.push_back(moving("flip", "no dims", [](const Tensor& x) { return flip(x, Dims{}); }, {Shape{2, 3}}, {2, 3}, [](const Index& i) { return i; }));
  rows.push_back(moving("fliplr", "", [](const Tensor& x) { return fliplr(x); }, {s}, s, [](const Index& i) { return Index{i[0], 2 - i[1], i[2]}; }));
  rows.push_back(moving("flipud", "", [](const Tensor& x) { return flipud(x); }, {s}, s, [](const Index& i) { return Index{1 - i[0], i[1], i[2]}; }));
  rows.push_back(moving("roll", "", [](const Tensor& x) { return roll(x, 1, 1); }, {s}, s, [](const Index& i) { return Index{i[0], (i[1] + 2) % 3, i[2]}; }));
  rows.push_back(moving("roll", "two", [](const Tensor& x) { return roll(x, {-1, 6}, {0, -1}); }, {s}, s, [](const Index& i) { return Index{(i[0] + 1) % 2, i[1], (i[2] + 2) % 4}; }));
  rows.push_back(moving("roll", "flattened", [](const Tensor& x) { return roll(x, 5); }, {Shape{2, 4}}, {2, 4}, [](const Index& i) { return unflat({2, 4}, (flat({2, 4}, i) + 3) % 8); }));
  rows.push_back(moving("roll", "far", [](const Tensor& x) { return roll(x, INT64_MIN, 0); }, {Shape{3}}, {3}, [](const Index& i) { return Index{(i[0] + 2) % 3}; }));
  rows.push_back(moving("roll", "nothing", [](const Tensor& x) { return roll(x, {1, 1}, {0, 1}); }, {Shape{0, 2}}, {0, 2}, [](const Index& i) { return i; }));
  rows.push_back(moving("rot90", "", [](const Tensor& x) { return rot90(x); }, {Shape{2, 3}}, {3, 2}, [](const Index& i) { return Index{i[1], 2 - i[0]}; }));
  rows.push_back(moving("rot90", "half", [](const Tensor& x) { return rot90(x, -2, {1, 2}); }, {s}, s, [](const Index& i) { return Index{i[0], 2 - i[1], 3 - i[2]}; }));
  rows.push_back(moving("rot90", "back", [](const Tensor& x) { return rot90(x, -1); }, {Shape{2, 3}}, {3, 2}, [](const Index& i) { return Index{1 - i[1], i[0]}; }));
  rows.push_back(moving("rot90", "whole", [](const Tensor& x) { return rot90(x, 4); }, {Shape{2, 3}}, {2, 3}, [](const Index& i) { return i; }));

  rows.push_back(moving("repeat", "", [](const Tensor& x) { return repeat(x, {2, 1, 3}); }, {Shape{2, 4}}, {2, 2, 12}, [](const Index& i) { return Index{i[1], i[2] % 4}; }));
  rows.push_back(moving("repeat", "once", [](const Tensor& x) { return repeat(x, {1, 1}); }, {Shape{2, 3}}, {2, 3}, [](const Index& i) { return i; }));
  rows.push_back(moving("repeat", "never", [](const Tensor& x) { return repeat(x, {0, 2}); }, {Shape{2, 3}}, {0, 6}, [](const Index& i) { return i; }));
  rows.push_back(moving("repeat", "scalar", [](const Tensor& x) { return repeat(x, {3}); }, {Shape{}}, {3}, [](const Index&) { return Index{}; }));
  rows.push_back(moving("tile", "", [](const Tensor& x) { return tile(x, {2}); }, {Shape{3, 2}}, {3, 4}, [](const Index& i) { return Index{i[0], i[1] % 2}; }));
  rows.push_back(moving("tile", "more", [](const Tensor& x) { return tile(x, {2, 1, 2}); }, {Shape{3, 2}}, {2, 3, 4}, [](const Index& i) { return Index{i[1], i[2] % 2}; }));
  rows.push_back(moving("repeat_interleave", "", [](const Tensor& x) { return repeat_interleave(x, 2, -2); }, {Shape{3, 2}}, {6, 2}, [](const Index& i) { return Index{i[0] / 2, i[1]}; }));
  rows.push_back(moving("repeat_interleave", "flattened", [](const Tensor& x) { return repeat_interleave(x, 3); }, {Shape{2, 2}}, {12}, [](const Index& i) { return unflat({2, 2}, i[0] / 3); }));
  rows.push_back(moving("repeat_interleave", "scalar", [](const Tensor& x) { return repeat_interleave(x, 2, 0); }, {Shape{}}, {2}, [](const Index&) { return Index{}; }));
  rows.push_back(moving("repeat_interleave", "never", [](const Tensor& x) { return repeat_interleave(x, 0, 1); }, {Shape{2, 3}}, {2, 0}, [](const Index& i) { return i; }));
  rows.push_back(moving("repeat_interleave", "counts", [](const Tensor& x) { return repeat_interleave(x, longs({2, 0, 1}), 0); }, {Shape{3, 2}}, {3, 2}, [](const Index& i) { return Index{i[0] < 2 ? 0 : 2, i[1]}; }));
  rows.push_back(moving("repeat_interleave", "one count", [](const Tensor& x) { return repeat_interleave(x, longs({2})); }, {Shape{3, 2}}, {12}, [](const Index& i) { return unflat({3, 2}, i[0] / 2); }));
  rows.push_back({.name = "repeat_interleave", .fn = [](const Tensors&) { return repeat_interleave(longs({2, 0, 3})); }, .shapes = {{{1}}},
                  .reference = [](const Tensors&) { return build({5}, [](const Index& i) { return i[0] < 2 ? 0 : 2; }); }, .note = "index", .differentiable = false});

  rows.push_back({.name = "tril", .fn = [](const Tensors& x) { return tril(x[0]); }, .shapes = {{{3, 3}}, {{2, 4}}, {{2, 4, 2}}, {{0, 3}}, {{2, 0}}},
                  .reference = where_last([](int64_t i, int64_t j) { return j <= i; }), .in_place = [](Tensor& x, const Tensors&) -> Tensor& { return x.tril_(); }});
  rows.push_back({.name = "tril", .fn = [](const Tensors& x) { return tril(x[0], -1); }, .shapes = {{{3, 3}}, {{2, 4}}, {{2, 4, 2}}},
                  .reference = where_last([](int64_t i, int64_t j) { return j < i; }), .note = "below", .in_place = [](Tensor& x, const Tensors&) -> Tensor& { return x.tril_(-1); }});
  rows.push_back({.name = "tril", .fn = [](const Tensors& x) { return tril(x[0], INT64_MAX) + tril(x[0], INT64_MIN); }, .shapes = {{{3, 2}}}, .reference = where_last([](int64_t, int64_t) { return true; }), .note = "far"});
  rows.push_back({.name = "triu", .fn = [](const Tensors& x) { return triu(x[0]); }, .shapes = {{{3, 3}}, {{2, 4}}, {{2, 4, 2}}, {{0, 3}}},
                  .reference = where_last([](int64_t i, int64_t j) { return j >= i; }), .in_place = [](Tensor& x, const Tensors&) -> Tensor& { return x.triu_(); }});
  rows.push_back({.name = "triu", .fn = [](const Tensors& x) { return triu(x[0], 2); }, .shapes = {{{3, 3}}, {{2, 4}}, {{2, 4, 2}}},
                  .reference = where_last([](int64_t i, int64_t j) { return j >= i + 2; }), .note = "above", .in_place = [](Tensor& x, const Tensors&) -> Tensor& { return x.triu_(2); }});
  rows.push_back({.name = "triu", .fn = [](const Tensors& x) { return triu(x[0], INT64_MIN) + triu(x[0], INT64_MAX); }, .shapes = {{{3, 2}}}, .reference = where_last([](int64_t, int64_t) { return true; }), .note = "far"});
  rows.push_back({.name = "tril_indices", .fn = [](const Tensors&) { return tril_indices(3, 4, -1); }, .shapes = {{{1}}},
                  .reference = [](const Tensors&) { return places_where(3, 4, [](int64_t i, int64_t j) { return j <= i - 1; }); }, .differentiable = false});
  rows.push_back({.name = "triu_indices", .fn = [](const Tensors&) { return triu_indices(4, 3, 1, {.dtype = kInt32}); }, .shapes = {{{1}}},
                  .reference = [](const Tensors&) { return places_where(4, 3, [](int64_t i, int64_t j) { return j >= i + 1; }); }, .differentiable = false});

  rows.push_back(moving("diag", "read", [](const Tensor& x) { return diag(x, -1); }, {Shape{3, 4}}, {2}, [](const Index& i) { return Index{i[0] + 1, i[0]}; }));
  rows.push_back({.name = "diag", .fn = [](const Tensors& x) { return diag(x[0], 1); }, .shapes = {{{3}}, {{0}}},
                  .reference = [](const Tensors& x) { const int64_t n = x[0].numel() + 1; return build({n, n}, [&](const Index& i) { return i[1] == i[0] + 1 ? at(x[0], {i[0]}) : 0; }); }});
  rows.push_back({.name = "diag_embed", .fn = [](const Tensors& x) { return diag_embed(x[0]); }, .shapes = {{{2, 3}}, {{0, 2}}},
                  .reference = [](const Tensors& x) { const int64_t n = x[0].size(1); return build({x[0].size(0), n, n}, [&](const Index& i) { return i[1] == i[2] ? at(x[0], {i[0], i[1]}) : 0; }); }});
  rows.push_back({.name = "diag_embed", .fn = [](const Tensors& x) { return diag_embed(x[0], -1, 2, 0); }, .shapes = {{{2, 3}}},
                  .reference = [](const Tensors& x) { return build({4, 2, 4}, [&](const Index& i) { return i[2] == i[0] + 1 ? at(x[0], {i[1], i[0]}) : 0; }); }, .note = "dims"});

  rows.push_back(constant("constant", {{{2, 3}}, {{0, 2}}, {{1, 2, 3}}}, {1, 2, 0, 1}, 1.5));
  rows.push_back(constant("constant cut", {{{3, 4}}, {{1, 2}}}, {-2, 1, 1, -1}, -1));
  rows.push_back(constant("constant last", {{{3}}, {{2, 2, 1}}}, {2, 0}, 0));
  rows.push_back(constant("constant nothing", {{{3}}, {{}}}, {}, 0));
  rows.push_back(edges("reflect", "1", {2, 4}, {3, 2}, reflected));
  rows.push_back(edges("reflect", "2", {1, 2, 3, 4}, {1, 0, 2, 1}, reflected));
  rows.push_back(edges("reflect", "3", {1, 2, 3, 2}, {1, 1, 2, 0, 0, 1}, reflected));
  rows.push_back(edges("reflect", "cut", {2, 5}, {2, -3}, reflected));
  rows.push_back(edges("reflect", "no batch", {0, 2, 3}, {1, 1}, reflected));
  rows.push_back(edges("replicate", "1", {1, 1, 2}, {3, 2}, replicated));
  rows.push_back(edges("replicate", "2", {2, 2, 3}, {0, 2, 1, 1}, replicated));
  rows.push_back(edges("replicate", "3", {1, 2, 1, 2, 2}, {1, 1, 0, 2, 1, 0}, replicated));
  rows.push_back(edges("replicate", "cut", {1, 2, 4}, {-2, 2}, replicated));
  rows.push_back(edges("circular", "1", {2, 1, 3}, {3, 2}, circled));
  rows.push_back(edges("circular", "2", {1, 1, 2, 3}, {1, 0, 2, 1}, circled));
  rows.push_back(edges("circular", "3", {1, 1, 2, 2, 2}, {1, 2, 0, 1, 1, 0}, circled));
  // What is cut is gone before the rest goes round.
  rows.push_back(moving("pad", "circular cut", [](const Tensor& x) { return pad(x, {-1, 2}, {.mode = "circular"}); }, {Shape{1, 1, 4}}, {1, 1, 5}, [](const Index& i) { return Index{0, 0, 1 + i[2] % 3}; }));
}

// clang-format on

}  // namespace reel::testing
