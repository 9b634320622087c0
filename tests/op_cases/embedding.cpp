// The operations of ops/embedding.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>

namespace reel::testing {
namespace {

const std::vector<int64_t> kInput = {2, 0, 2, 4, 1, 1, 0};

Tensor input() { return from_vector(kInput, 7); }

// The bags [0, 3), [3, 3) and [3, 7) of kInput reduced column by column.
Tensor bags(const Tensor& weight, double (*reduce)(const Values&), int64_t left_out, const Tensor& factors = {}) {
  const int64_t begins[] = {0, 3, 3, 7};
  return build({3, weight.size(1)}, [&](const Index& i) {
    Values column;
    for (int64_t k = begins[i[0]]; k < begins[i[0] + 1]; ++k) {
      const int64_t row = kInput[static_cast<size_t>(k)];
      if (row != left_out) column.push_back(at(weight, {row, i[1]}) * (factors.defined() ? at(factors, {k}) : 1));
    }
    return column.empty() ? 0 : reduce(column);
  });
}

double mean_of(const Values& v) { return sum_of(v) / static_cast<double>(v.size()); }

}  // namespace

// clang-format off

void embedding_rows(Rows& rows) {
  rows.push_back(moving("embedding", "", [](const Tensor& x) { return embedding(from_vector(std::vector<int64_t>{2, 0, 2, 1}, {2, 2}), x); }, {Shape{3, 4}}, {2, 2, 4},
                        [](const Index& i) { const int64_t from[] = {2, 0, 2, 1}; return Index{from[2 * i[0] + i[1]], i[2]}; }));
  rows.push_back(moving("embedding", "one", [](const Tensor& x) { return embedding(full({}, 1), x); }, {Shape{3, 2}}, {2}, [](const Index& i) { return Index{1, i[0]}; }));
  const auto offsets = [] { return from_vector(std::vector<int64_t>{0, 3, 3}, 3); };
  const std::pair<const char*, double (*)(const Values&)> modes[] = {{"sum", sum_of}, {"mean", mean_of}, {"max", max_of}};
  for (const auto& [mode, reduce] : modes) {
    rows.push_back({.name = "embedding_bag", .fn = [=](const Tensors& x) { return embedding_bag(input(), x[0], offsets(), {.mode = mode}); }, .shapes = {{{5, 3}}},
                    .reference = [=, reduce = reduce](const Tensors& x) { return bags(x[0], reduce, -1); }, .note = mode});
  }
  rows.push_back({.name = "embedding_bag", .fn = [=](const Tensors& x) { return embedding_bag(input(), x[0], offsets(), {.mode = "sum", .per_sample_weights = x[1]}); }, .shapes = {{{5, 3}, {7}}},
                  .reference = [](const Tensors& x) { return bags(x[0], sum_of, -1, x[1]); }, .note = "weighted"});
  rows.push_back({.name = "embedding_bag", .fn = [](const Tensors& x) { return embedding_bag(from_vector(std::vector<int64_t>{1, 0, 2, 2}, {2, 2}), x[0]); }, .shapes = {{{3, 2}}},
                  .reference = [](const Tensors& x) { return build({2, 2}, [&](const Index& i) { return i[0] == 1 ? at(x[0], {2, i[1]}) : (at(x[0], {0, i[1]}) + at(x[0], {1, i[1]})) / 2; }); }, .note = "rows"});
}

// clang-format on

}  // namespace reel::testing
