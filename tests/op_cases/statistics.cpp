// The operations of ops/statistics.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {
namespace {

using std::string;

// The quantile of v, from its definition.
double quantile_of(Values v, double q, const string& interpolation) {
  std::sort(v.begin(), v.end());
  const double rank = q * static_cast<double>(v.size() - 1);
  const double below = v[static_cast<size_t>(std::floor(rank))],
               above = v[static_cast<size_t>(std::ceil(rank))];
  const double share = rank - std::floor(rank);
  if (interpolation == "lower") return below;
  if (interpolation == "higher") return above;
  if (interpolation == "nearest") return share < 0.5 ? below : above;
  if (interpolation == "midpoint") return (below + above) / 2;
  return below + share * (above - below);
}

// Weighted covariance of the rows a and b of x.
double covariance(const Tensor& x, int64_t a, int64_t b, const Values& weights, double divisor) {
  double total = 0, mean_a = 0, mean_b = 0, s = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    total += weights[i];
    mean_a += weights[i] * at(x, {a, place});
    mean_b += weights[i] * at(x, {b, place});
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    s += weights[i] * (at(x, {a, place}) - mean_a / total) * (at(x, {b, place}) - mean_b / total);
  }
  return s / divisor;
}

// clang-format off

void quantile_rows(Rows& rows) {
  for (const char* way : {"linear", "lower", "higher", "midpoint"}) {
    for (const double q : {0.0, 0.3, 0.5, 1.0}) {
      rows.push_back({.name = "quantile", .fn = [=](const Tensors& x) { return quantile(x[0], q, {}, {.interpolation = way}); }, .shapes = {{{7}}, {{2, 3}}, {{}}},
                      .reference = [=](const Tensors& x) { return build({}, [&](const Index&) { return quantile_of(all_of(x[0]), q, way); }); }, .note = fmt::format("{}{}", way, q)});
    }
  }
  for (const bool keepdim : {false, true}) {
    const string note = keepdim ? "keep" : "";
    rows.push_back({.name = "quantile", .fn = [=](const Tensors& x) { return quantile(x[0], 0.4, 1, {.keepdim = keepdim, .interpolation = "nearest"}); }, .shapes = {{{2, 5}}, {{2, 4, 3}}},
                    .reference = [=](const Tensors& x) {
                      Shape shape = x[0].shape();
                      keepdim ? void(shape[1] = 1) : shape.erase(1);
                      return build(shape, [&](const Index& i) { return quantile_of(along(x[0], 1, i, keepdim), 0.4, "nearest"); });
                    }, .note = note + "dim"});
    rows.push_back({.name = "quantile", .fn = [=](const Tensors& x) { return quantile(x[0], tensor({0.9, 0.25}, {.dtype = x[0].dtype()}), 0, {.keepdim = keepdim}); }, .shapes = {{{5, 2}}, {{4}}},
                    .reference = [=](const Tensors& x) {
                      Shape shape = x[0].shape();
                      keepdim ? void(shape[0] = 1) : shape.erase(0);
                      shape.insert(0, 2);
                      return build(shape, [&](Index i) {
                        const double q = i[0] == 0 ? 0.9 : 0.25;
                        i.erase(i.begin());
                        return quantile_of(along(x[0], 0, i, keepdim), q, "linear");
                      });
                    }, .note = note + "several"});
    rows.push_back({.name = "quantile", .fn = [=](const Tensors& x) { return quantile(x[0], x[1].clamp(0.1, 0.9), {}, {.keepdim = keepdim}); }, .shapes = {{{2, 4}, {3}}}, .low = 0.12, .high = 0.32,
                    .reference = [=](const Tensors& x) {
                      return build(keepdim ? Shape{3, 1, 1} : Shape{3}, [&](const Index& i) { return quantile_of(all_of(x[0]), at(x[1], {i[0]}), "linear"); });
                    }, .note = note + "of q"});
  }
  // Numbers above 1 are NaN.
  rows.push_back({.name = "nanquantile", .fn = [](const Tensors& x) { return nan_to_num(nanquantile(where(x[0] > 1, NAN, x[0]), 0.6, -1), {.nan = 9}); }, .shapes = {{{3, 6}}, {{4, 2}}},
                  .reference = [](const Tensors& x) {
                    return build({x[0].size(0)}, [&](const Index& i) {
                      Values v = along(x[0], 1, i, false);
                      std::erase_if(v, [](double value) { return value > 1; });
                      return v.empty() ? 9 : quantile_of(v, 0.6, "linear");
                    });
                  }});
  rows.push_back({.name = "nanquantile", .fn = [](const Tensors& x) { return nanquantile(x[0], tensor({0.5, 0.1}, {.dtype = x[0].dtype()})); }, .shapes = {{{2, 3}}},
                  .reference = [](const Tensors& x) { return build({2}, [&](const Index& i) { return quantile_of(all_of(x[0]), i[0] == 0 ? 0.5 : 0.1, "linear"); }); }, .note = "without"});
  rows.push_back({.name = "quantile", .fn = [](const Tensors& x) { return isnan(quantile(where(x[0] > 1, NAN, x[0]), 0.1, -1)); }, .shapes = {{{6, 2}}},
                  .reference = [](const Tensors& x) { return build({6}, [&](const Index& i) { return max_of(along(x[0], 1, i, false)) > 1; }); }, .note = "nan", .differentiable = false});
}

void covariance_rows(Rows& rows) {
  for (const double correction : {1.0, 0.0}) {
    rows.push_back({.name = "cov", .fn = [=](const Tensors& x) { return cov(x[0], {.correction = correction}); }, .shapes = {{{3, 4}}, {{2, 7}}},
                    .reference = [=](const Tensors& x) {
                      const Values ones(static_cast<size_t>(x[0].size(1)), 1);
                      return build({x[0].size(0), x[0].size(0)}, [&](const Index& i) { return covariance(x[0], i[0], i[1], ones, static_cast<double>(ones.size()) - correction); });
                    }, .note = fmt::format("correction{}", correction)});
  }
  rows.push_back({.name = "cov", .fn = [](const Tensors& x) { return cov(x[0]); }, .shapes = {{{5}}},
                  .reference = [](const Tensors& x) { const Tensor row = x[0].unsqueeze(0); return build({}, [&](const Index&) { return covariance(row, 0, 0, Values(5, 1), 4); }); }, .note = "one"});
  const Values f = {2, 1, 0, 3}, a = {0.5, 1, 2, 0.25};
  rows.push_back({.name = "cov", .fn = [=](const Tensors& x) { return cov(x[0], {.fweights = tensor({2, 1, 0, 3})}); }, .shapes = {{{3, 4}}},
                  .reference = [=](const Tensors& x) { return build({3, 3}, [&](const Index& i) { return covariance(x[0], i[0], i[1], f, 5); }); }, .note = "fweights"});
  rows.push_back({.name = "cov", .fn = [=](const Tensors& x) { return cov(x[0], {.fweights = tensor({2, 1, 0, 3}), .aweights = tensor({0.5, 1.0, 2.0, 0.25})}); }, .shapes = {{{3, 4}}},
                  .reference = [=](const Tensors& x) {
                    Values w;
                    double total = 0, squares = 0;
                    for (size_t i = 0; i < 4; ++i) w.push_back(f[i] * a[i]), total += w[i], squares += w[i] * a[i];
                    return build({3, 3}, [&](const Index& i) { return covariance(x[0], i[0], i[1], w, total - squares / total); });
                  }, .note = "both"});
  rows.push_back({.name = "corrcoef", .fn = [](const Tensors& x) { return corrcoef(x[0]); }, .shapes = {{{3, 4}}, {{2, 6}}},
                  .reference = [](const Tensors& x) {
                    const Values ones(static_cast<size_t>(x[0].size(1)), 1);
                    const auto c = [&](int64_t i, int64_t j) { return covariance(x[0], i, j, ones, 1); };
                    return build({x[0].size(0), x[0].size(0)}, [&](const Index& i) { return c(i[0], i[1]) / std::sqrt(c(i[0], i[0]) * c(i[1], i[1])); });
                  }});
}

// clang-format on

}  // namespace

void statistics_rows(Rows& rows) {
  quantile_rows(rows);
  covariance_rows(rows);
  // clang-format off
  for (const bool bounds : {false, true}) {
    rows.push_back({.name = "histc", .fn = [=](const Tensors& x) { return bounds ? histc(x[0], 5, -1, 1.5) : histc(x[0], 4); }, .shapes = {{{40}}, {{5, 6}}},
                    .reference = [=](const Tensors& x) {
                      const Values v = all_of(x[0]);
                      const int64_t bins = bounds ? 5 : 4;
                      const double low = bounds ? -1 : min_of(v), high = bounds ? 1.5 : max_of(v), width = (high - low) / static_cast<double>(bins);
                      return build({bins}, [&](const Index& i) {
                        const double from = low + width * static_cast<double>(i[0]), to = from + width;
                        return static_cast<double>(std::count_if(v.begin(), v.end(), [&](double value) { return value >= from && (i[0] + 1 == bins ? value <= high : value < to); }));
                      });
                    }, .note = bounds ? "bounds" : "", .differentiable = false});
  }
  // clang-format on
}

}  // namespace reel::testing
