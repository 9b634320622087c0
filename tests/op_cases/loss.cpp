// The operations of ops/loss.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

namespace {

// -log softmax(x)[row, c].
double negative_log(const Tensor& x, int64_t row, int64_t c) { return log_sum_exp(along(x, 1, {row}, false)) - at(x, {row, c}); }

}  // namespace

void loss_rows(Rows& rows) {
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

}  // namespace reel::testing
