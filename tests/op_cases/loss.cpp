// The operations of ops/loss.h on numbers and probabilities, a row a line, or as few as it takes.
#include "losses.h"

#include <cmath>
#include <numbers>

namespace reel::testing {

using std::vector;

namespace {

constexpr double kPi = std::numbers::pi;

double softplus(double x) { return std::log1p(std::exp(-std::fabs(x))) + std::max(x, 0.0); }

}  // namespace

// clang-format off

static void number_rows(Rows& rows) {
  const vector<vector<Shape>> pairs = {{{4}, {4}}, {{2, 3}, {2, 3}}};
  const auto row = [&](const char* name, const char* note, std::function<Tensor(const Tensor&, const Tensor&, Reduction)> fn, double (*f)(double, double), double low = -2, double high = 2) {
    by_element(rows, name, note, [fn](const Tensors& x, Reduction r) { return fn(x[0], x[1], r); }, pairs, [f](const Values& v, int64_t) { return f(v[0], v[1]); }, low, high);
    rows.push_back({.name = name, .fn = [fn](const Tensors& x) { return fn(x[0], x[1], Reduction::None); }, .shapes = kBinary, .low = low, .high = high,
                    .scalar = [f](const Values& v) { return f(v[0], v[1]); }, .note = std::string(note) + "broadcast"});
  };
  row("mse_loss", "", [](const Tensor& x, const Tensor& t, Reduction r) { return mse_loss(x, t, {.reduction = r}); }, [](double x, double t) { return (x - t) * (x - t); });
  row("l1_loss", "", [](const Tensor& x, const Tensor& t, Reduction r) { return l1_loss(x, t, {.reduction = r}); }, [](double x, double t) { return std::fabs(x - t); });
  row("smooth_l1_loss", "", [](const Tensor& x, const Tensor& t, Reduction r) { return smooth_l1_loss(x, t, {.reduction = r}); },
      [](double x, double t) { const double d = std::fabs(x - t); return d < 1 ? d * d / 2 : d - 0.5; });
  row("smooth_l1_loss", "beta", [](const Tensor& x, const Tensor& t, Reduction r) { return smooth_l1_loss(x, t, {.reduction = r, .beta = 0.3}); },
      [](double x, double t) { const double d = std::fabs(x - t); return d < 0.3 ? d * d / 0.6 : d - 0.15; });
  row("smooth_l1_loss", "beta0", [](const Tensor& x, const Tensor& t, Reduction r) { return smooth_l1_loss(x, t, {.reduction = r, .beta = 0}); }, [](double x, double t) { return std::fabs(x - t); });
  row("huber_loss", "", [](const Tensor& x, const Tensor& t, Reduction r) { return huber_loss(x, t, {.reduction = r}); },
      [](double x, double t) { const double d = std::fabs(x - t); return d < 1 ? d * d / 2 : d - 0.5; });
  row("huber_loss", "delta", [](const Tensor& x, const Tensor& t, Reduction r) { return huber_loss(x, t, {.reduction = r, .delta = 2.5}); },
      [](double x, double t) { const double d = std::fabs(x - t); return d < 2.5 ? d * d / 2 : 2.5 * (d - 1.25); }, -3, 3);
  row("poisson_nll_loss", "log", [](const Tensor& x, const Tensor& t, Reduction r) { return poisson_nll_loss(x, t, {.reduction = r}); }, [](double x, double t) { return std::exp(x) - t * x; });
  row("poisson_nll_loss", "rate", [](const Tensor& x, const Tensor& t, Reduction r) { return poisson_nll_loss(x, t, {.log_input = false, .eps = 0.1, .reduction = r}); },
      [](double x, double t) { return x - t * std::log(x + 0.1); }, 0.2, 3);
  row("poisson_nll_loss", "full", [](const Tensor& x, const Tensor& t, Reduction r) { return poisson_nll_loss(x, t, {.full = true, .reduction = r}); },
      [](double x, double t) { return std::exp(x) - t * x + (t > 1 ? t * std::log(t) - t + std::log(2 * kPi * t) / 2 : 0); }, -1, 4);

  const auto gaussian = [](double x, double t, double v) { return (std::log(v) + (x - t) * (x - t) / v) / 2; };
  by_element(rows, "gaussian_nll_loss", "", [](const Tensors& x, Reduction r) { return gaussian_nll_loss(x[0], x[1], x[2], {.reduction = r}); },
             {{{2, 3}, {2, 3}, {2, 3}}, {{3}, {3}, {3}}, {{}, {}, {}}, {{0, 2}, {0, 2}, {0, 2}}}, [=](const Values& v, int64_t) { return gaussian(v[0], v[1], v[2]); }, 0.2, 2);
  by_element(rows, "gaussian_nll_loss", "full", [](const Tensors& x, Reduction r) { return gaussian_nll_loss(x[0], x[1], x[2], {.full = true, .reduction = r}); },
             {{{2, 3}, {2, 3}, {2, 3}}}, [=](const Values& v, int64_t) { return gaussian(v[0], v[1], v[2]) + std::log(2 * kPi) / 2; }, 0.2, 2);
  rows.push_back({.name = "gaussian_nll_loss", .fn = [](const Tensors& x) { return gaussian_nll_loss(x[0], x[1], x[2], {.reduction = Reduction::None}); },
                  .shapes = {{{2, 3}, {2, 3}, {2, 1}}, {{2, 3}, {2, 3}, {2}}, {{3}, {3}, {1}}, {{3}, {3}, {}}}, .low = 0.2,
                  .reference = [=](const Tensors& x) {
                    return build(x[0].shape(), [&](const Index& i) {
                      Index own = i;
                      if (x[2].dim() == x[0].dim()) own.back() = 0; else own.pop_back();
                      return gaussian(at(x[0], i), at(x[1], i), at(x[2], own));
                    });
                  }, .note = "one_variance_a_row"});
}

static void probability_rows(Rows& rows) {
  const vector<vector<Shape>> shapes = {{{4}, {4}}, {{2, 3}, {2, 3}}, {{}, {}}, {{0, 2}, {0, 2}}}, weighted = {{{2, 3}, {2, 3}, {2, 3}}};
  const auto bce = [](double x, double t) { return -(t * std::log(x) + (1 - t) * std::log(1 - x)); };
  by_element(rows, "binary_cross_entropy", "", [](const Tensors& x, Reduction r) { return binary_cross_entropy(x[0], x[1], {.reduction = r}); }, shapes, [=](const Values& v, int64_t) { return bce(v[0], v[1]); }, 0.1, 0.9);
  by_element(rows, "binary_cross_entropy", "weight", [](const Tensors& x, Reduction r) { return binary_cross_entropy(x[0], x[1], {.weight = x[2], .reduction = r}); }, weighted, [=](const Values& v, int64_t) { return bce(v[0], v[1]) * v[2]; }, 0.1, 0.9);
  rows.push_back({.name = "binary_cross_entropy", .fn = [](const Tensors& x) { return binary_cross_entropy(x[0], x[1], {.weight = x[2], .reduction = Reduction::None}); }, .shapes = {{{2, 3}, {2, 3}, {3}}, {{2, 3}, {2, 3}, {2, 1}}}, .low = 0.1, .high = 0.9,
                  .scalar = [=](const Values& v) { return bce(v[0], v[1]) * v[2]; }, .note = "weights_broadcast"});
  const auto logits = [](double x, double t, double p) { return p * t * softplus(-x) + (1 - t) * softplus(x); };
  by_element(rows, "binary_cross_entropy_with_logits", "", [](const Tensors& x, Reduction r) { return binary_cross_entropy_with_logits(x[0], x[1], {.reduction = r}); }, shapes, [=](const Values& v, int64_t) { return logits(v[0], v[1], 1); });
  by_element(rows, "binary_cross_entropy_with_logits", "far", [](const Tensors& x, Reduction r) { return binary_cross_entropy_with_logits(x[0] * 20, x[1], {.reduction = r}); }, {{{31}, {31}}}, [=](const Values& v, int64_t) { return logits(20 * v[0], v[1], 1); });
  by_element(rows, "binary_cross_entropy_with_logits", "weight", [](const Tensors& x, Reduction r) { return binary_cross_entropy_with_logits(x[0], x[1], {.weight = x[2], .reduction = r}); }, weighted, [=](const Values& v, int64_t) { return logits(v[0], v[1], 1) * v[2]; });
  rows.push_back({.name = "binary_cross_entropy_with_logits", .fn = [](const Tensors& x) { return binary_cross_entropy_with_logits(x[0], x[1], {.weight = x[2], .reduction = Reduction::None, .pos_weight = x[3]}); }, .shapes = {{{2, 3}, {2, 3}, {2, 1}, {3}}, {{2, 3}, {2, 3}, {}, {2, 3}}},
                  .scalar = [=](const Values& v) { return logits(v[0], v[1], v[3]) * v[2]; }, .note = "pos_weight"});
  const auto kl = [](const Values& v, int64_t) { return v[1] * (std::log(v[1]) - v[0]); };
  const auto log_kl = [](const Values& v, int64_t) { return std::exp(v[1]) * (v[1] - v[0]); };
  by_element(rows, "kl_div", "", [](const Tensors& x, Reduction r) { return kl_div(x[0], x[1], {.reduction = r}); }, shapes, kl, 0.1, 2);
  by_element(rows, "kl_div", "log", [](const Tensors& x, Reduction r) { return kl_div(x[0], x[1], {.reduction = r, .log_target = true}); }, shapes, log_kl);
  rows.push_back({.name = "kl_div", .fn = [](const Tensors& x) { return kl_div(x[0], x[1], {.reduction = Reduction::None}); }, .shapes = {{{2, 3}, {3}}, {{3}, {2, 1}}}, .low = 0.1, .scalar = [=](const Values& v) { return kl(v, 0); }, .note = "broadcast"});
  rows.push_back({.name = "kl_div", .fn = [](const Tensors& x) { return kl_div(x[0], x[1], {.reduction = Reduction::BatchMean}); }, .shapes = {{{2, 3}, {2, 3}}, {{4}, {4}}, {{0, 2}, {0, 2}}}, .low = 0.1,
                  .reference = [=](const Tensors& x) {
                    const Values a = all_of(x[0]), b = all_of(x[1]);
                    double s = 0;
                    for (size_t i = 0; i < a.size(); ++i) s += kl({a[i], b[i]}, 0);
                    return build({}, [&](const Index&) { return s / std::max(1.0, static_cast<double>(x[0].size(0))); });
                  }, .note = "batchmean"});
}

void loss_rows(Rows& rows) {
  number_rows(rows);
  probability_rows(rows);
}

// clang-format on

}  // namespace reel::testing
