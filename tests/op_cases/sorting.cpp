// The operations of ops/sorting.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace reel::testing {
namespace {

// The place of the n-th element in order among v.
size_t nth_place(const Values& v, int64_t n, bool descending) {
  std::vector<size_t> places;
  for (size_t i = 0; i < v.size(); ++i) places.push_back(i);
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) { return descending ? v[a] > v[b] : v[a] < v[b]; });
  return places[static_cast<size_t>(n)];
}

// The n-th of each slice along dim, n = first, ..., first + count - 1, or its place.
Tensor in_order(const Tensor& x, int dim, int64_t first, int64_t count, bool descending, bool as_places) {
  if (x.dim() == 0) return build({}, [&](const Index&) { return as_places ? 0 : at(x, {}); });
  const int d = dim < 0 ? dim + x.dim() : dim;
  Shape shape = x.shape();
  shape[d] = count;
  return build(shape, [&](const Index& i) {
    Index start = i;
    start[static_cast<size_t>(d)] = 0;
    const Values slice = along(x, d, start, true);
    const size_t place = nth_place(slice, first + i[static_cast<size_t>(d)], descending);
    return as_places ? static_cast<double>(place) : slice[place];
  });
}

Tensor list(const Values& values) { return from_vector(values, {static_cast<int64_t>(values.size())}); }

// Few different numbers, as many operations here need.
Tensor coarse(const Tensor& x) { return (x * 2).to(kInt64); }

double coarse(double x) { return std::trunc(2 * x); }

// How many elements of `of`, sorted, are before value.
double count_before(Values of, double value, bool right) {
  double n = 0;
  for (double element : of) n += right ? element <= value : element < value;
  return n;
}

}  // namespace

// clang-format off

void sorting_rows(Rows& rows) {
  for (const int dim : {0, -1}) {
    for (const bool descending : {false, true}) {
      const std::string note = std::string(dim == 0 ? "first" : "last") + (descending ? "down" : "up");
      rows.push_back({.name = "sort", .fn = [=](const Tensors& x) { return sort(x[0], dim, {.descending = descending}).values; }, .shapes = {{{4, 3}}, {{}}, {{0, 2}}, {{2, 3, 5}}},
                      .reference = [=](const Tensors& x) { return in_order(x[0], dim, 0, x[0].dim() == 0 ? 1 : x[0].size(dim), descending, false); }, .note = note});
      rows.push_back({.name = "argsort", .fn = [=](const Tensors& x) { return argsort(coarse(x[0]), dim, {.descending = descending}); }, .shapes = {{{7, 2}}, {{}}, {{0, 2}}, {{2, 3, 9}}},
                      .reference = [=](const Tensors& x) { return in_order(coarse(x[0]).to(kFloat64), dim, 0, x[0].dim() == 0 ? 1 : x[0].size(dim), descending, true); }, .note = note, .differentiable = false});
      rows.push_back({.name = "topk", .fn = [=](const Tensors& x) { return topk(x[0], 2, dim, {.largest = descending}).values; }, .shapes = {{{4, 3}}, {{2, 3, 5}}, {{9}}},
                      .reference = [=](const Tensors& x) { return in_order(x[0], dim, 0, 2, descending, false); }, .note = note});
      rows.push_back({.name = "topk", .fn = [=](const Tensors& x) { return topk(coarse(x[0]), 2, dim, {.largest = descending}).indices; }, .shapes = {{{4, 3}}, {{9}}},
                      .reference = [=](const Tensors& x) { return in_order(coarse(x[0]).to(kFloat64), dim, 0, 2, descending, true); }, .note = note + "places", .differentiable = false});
    }
    rows.push_back({.name = "kthvalue", .fn = [=](const Tensors& x) { return kthvalue(x[0], 2, dim, {.keepdim = true}).values; }, .shapes = {{{4, 3}}, {{2, 3, 5}}, {{9}}},
                    .reference = [=](const Tensors& x) { return in_order(x[0], dim, 1, 1, false, false); }, .note = dim == 0 ? "first" : "last"});
  }
  rows.push_back({.name = "kthvalue", .fn = [](const Tensors& x) { return kthvalue(x[0], 3, 0).indices; }, .shapes = {{{5}}, {{4, 2}}},
                  .reference = [](const Tensors& x) { return in_order(x[0], 0, 2, 1, false, true).squeeze(0); }, .note = "places", .differentiable = false});
  rows.push_back({.name = "msort", .fn = [](const Tensors& x) { return msort(x[0]); }, .shapes = {{{4, 3}}, {{5}}, {{}}, {{0, 2}}},
                  .reference = [](const Tensors& x) { return in_order(x[0], 0, 0, x[0].dim() == 0 ? 1 : x[0].size(0), false, false); }});
  for (const bool invert : {false, true}) {
    rows.push_back({.name = "isin", .fn = [=](const Tensors& x) { return isin(coarse(x[0]), coarse(x[1]), {.invert = invert}); }, .shapes = {{{3, 4}, {2, 2}}, {{}, {3}}, {{5}, {0}}, {{0, 2}, {3}}, {{4}, {}}},
                    .reference = [=](const Tensors& x) {
                      Values tests;
                      for (double value : all_of(x[1])) tests.push_back(coarse(value));
                      return build(x[0].shape(), [&](const Index& i) { return (std::find(tests.begin(), tests.end(), coarse(at(x[0], i))) != tests.end()) != invert; });
                    }, .note = invert ? "invert" : "", .differentiable = false});
  }
  rows.push_back({.name = "isin", .fn = [](const Tensors& x) { return isin(coarse(x[0]), 1); }, .shapes = {{{3, 4}}},
                  .reference = [](const Tensors& x) { return build(x[0].shape(), [&](const Index& i) { return coarse(at(x[0], i)) == 1; }); }, .note = "number", .differentiable = false});
  const std::vector<std::vector<Shape>> lists = {{{12}}, {{3, 5}}, {{0}}, {{}}};
  const auto counted = [](const Tensors& x) {
    std::map<double, double> counts;
    for (double value : all_of(x[0])) ++counts[coarse(value)];
    return counts;
  };
  const auto pairs = [](const UniqueValues& found) { return stack({found.values, found.counts}); };
  rows.push_back({.name = "unique", .fn = [=](const Tensors& x) { return pairs(unique(coarse(x[0]), {.return_counts = true})); }, .shapes = lists,
                  .reference = [=](const Tensors& x) {
                    Values values, counts;
                    for (const auto& [value, count] : counted(x)) values.push_back(value), counts.push_back(count);
                    return stack({list(values), list(counts)});
                  }, .note = "counts", .differentiable = false});
  rows.push_back({.name = "unique", .fn = [](const Tensors& x) { return unique(coarse(x[0]), {.return_inverse = true}).inverse_indices; }, .shapes = lists,
                  .reference = [=](const Tensors& x) {
                    const auto counts = counted(x);
                    return build(x[0].shape(), [&](const Index& i) { return static_cast<double>(std::distance(counts.begin(), counts.find(coarse(at(x[0], i))))); });
                  }, .note = "inverse", .differentiable = false});
  rows.push_back({.name = "unique", .fn = [](const Tensors& x) { return unique(x[0].to(kInt64), {.dim = 1}).values; }, .shapes = {{{2, 9}}},
                  .reference = [](const Tensors& x) {
                    std::map<Values, int> columns;
                    for (int64_t j = 0; j < x[0].size(1); ++j) columns[{std::trunc(at(x[0], {0, j})), std::trunc(at(x[0], {1, j}))}] = 1;
                    Values flat;
                    for (const auto& [column, one] : columns) flat.insert(flat.end(), column.begin(), column.end());
                    return from_vector(flat, {static_cast<int64_t>(columns.size()), 2}).t();
                  }, .note = "dim", .differentiable = false});
  rows.push_back({.name = "unique_consecutive", .fn = [=](const Tensors& x) { return pairs(unique_consecutive(x[0].to(kInt64), {.return_counts = true})); }, .shapes = lists,
                  .reference = [](const Tensors& x) {
                    Values values, counts;
                    for (double value : all_of(x[0])) {
                      if (values.empty() || values.back() != std::trunc(value)) values.push_back(std::trunc(value)), counts.push_back(0);
                      ++counts.back();
                    }
                    return stack({list(values), list(counts)});
                  }, .differentiable = false});
  rows.push_back({.name = "bincount", .fn = [](const Tensors& x) { return bincount(x[0].to(kInt64), 6); }, .shapes = {{{20}}, {{0}}}, .low = 0, .high = 5,
                  .reference = [](const Tensors& x) {
                    return build({6}, [&](const Index& i) { double n = 0; for (double v : all_of(x[0])) n += std::trunc(v) == static_cast<double>(i[0]); return n; });
                  }, .differentiable = false});
  rows.push_back({.name = "bincount", .fn = [](const Tensors& x) { return bincount(tensor({3, 0, 3, 1}), x[0]); }, .shapes = {{{4}}},
                  .reference = [](const Tensors& x) { return list({at(x[0], {1}), at(x[0], {3}), 0, at(x[0], {0}) + at(x[0], {2})}); }, .note = "weights"});
  for (const bool right : {false, true}) {
    const std::string note = right ? "right" : "left";
    rows.push_back({.name = "searchsorted", .fn = [=](const Tensors& x) { return searchsorted(sort(coarse(x[0])).values, coarse(x[1]), {.right = right}); }, .shapes = {{{8}, {2, 5}}, {{8}, {}}, {{2, 7}, {2, 3}}, {{0}, {3}}},
                    .reference = [=](const Tensors& x) {
                      return build(x[1].shape(), [&](const Index& i) {
                        const Values row = x[0].dim() == 1 ? all_of(x[0]) : along(x[0], 1, {i[0], 0}, true);
                        Values numbers;
                        for (double value : row) numbers.push_back(coarse(value));
                        return count_before(numbers, coarse(at(x[1], i)), right);
                      });
                    }, .note = note, .differentiable = false});
    rows.push_back({.name = "bucketize", .fn = [=](const Tensors& x) { return bucketize(coarse(x[0]), sort(coarse(x[1])).values, {.right = right}); }, .shapes = {{{3, 4}, {6}}},
                    .reference = [=](const Tensors& x) {
                      Values numbers;
                      for (double value : all_of(x[1])) numbers.push_back(coarse(value));
                      return build(x[0].shape(), [&](const Index& i) { return count_before(numbers, coarse(at(x[0], i)), right); });
                    }, .note = note, .differentiable = false});
  }
}

// clang-format on

}  // namespace reel::testing
