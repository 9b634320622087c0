// The operations of ops/activation.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>
#include <numbers>

namespace reel::testing {
namespace {

using std::vector;
using One = Tensor (*)(const Tensor&);
using Change = Tensor& (*)(Tensor&);

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_of(double x) { return std::log(1 + std::exp(x)); }

// clang-format off

// The function with certain options, a form in place if it has one, and one element of it.
OpCase with(const char* name, const char* note, One fn, Change change, double (*f)(double), double low = -2, double high = 2) {
  OpCase row = unary(name, fn, f, low, high);
  if (change) row.in_place = [change](Tensor& z, const Tensors&) -> Tensor& { return change(z); };
  row.note = note;
  return row;
}

// The same numbers each time: those that are not positive are multiplied by draws from [0.1, 0.4).
OpCase random_slopes() {
  return {.name = "rrelu",
          .fn = [](const Tensors& x) { Generator own(5); return rrelu(x[0], {.lower = 0.1, .upper = 0.4, .training = true}, own); },
          .shapes = kUnary,
          .reference = [](const Tensors& x) {
            Generator own(5);
            return build(x[0].shape(), [&](const Index& i) {
              const double v = at(x[0], i);
              return v <= 0 ? v * (0.1 + 0.3 * own.uniform<double>()) : v;
            });
          },
          .note = "training",
          .in_place = [](Tensor& z, const Tensors&) -> Tensor& { Generator own(5); return rrelu_(z, {.lower = 0.1, .upper = 0.4, .training = true}, own); }};
}

OpCase prelu_row() {
  return {.name = "prelu", .fn = [](const Tensors& x) { return prelu(x[0], x[1]); },
          .shapes = {{{2, 3}, {3}}, {{2, 3}, {1}}, {{5}, {1}}, {{2, 3, 2}, {3}}, {{2, 2}, {}}, {{}, {1}}, {{0, 3}, {3}}},
          .reference = [](const Tensors& x) {
            return build(x[0].shape(), [&](const Index& i) {
              const Values weights = all_of(x[1]);
              const double v = at(x[0], i), w = weights[weights.size() > 1 ? static_cast<size_t>(i[1]) : 0];
              return v > 0 ? v : w * v;
            });
          }};
}

void straight_rows(Rows& rows) {
  const auto add = [&](OpCase row) { rows.push_back(std::move(row)); };
  add(with("relu6", "", relu6, nullptr, [](double x) { return std::min(std::max(x, 0.0), 6.0); }, -4, 10));
  add(with("hardtanh", "", [](const Tensor& x) { return hardtanh(x); }, [](Tensor& x) -> Tensor& { return hardtanh_(x); },
           [](double x) { return std::min(std::max(x, -1.0), 1.0); }));
  add(with("hardtanh", "bounds", [](const Tensor& x) { return hardtanh(x, {.min_val = -0.5, .max_val = 1.25}); },
           [](Tensor& x) -> Tensor& { return hardtanh_(x, {.min_val = -0.5, .max_val = 1.25}); }, [](double x) { return std::min(std::max(x, -0.5), 1.25); }));
  add(with("leaky_relu", "", [](const Tensor& x) { return leaky_relu(x); }, [](Tensor& x) -> Tensor& { return leaky_relu_(x); },
           [](double x) { return x > 0 ? x : 0.01 * x; }));
  add(with("leaky_relu", "slope", [](const Tensor& x) { return leaky_relu(x, {.negative_slope = 0.3}); },
           [](Tensor& x) -> Tensor& { return leaky_relu_(x, {.negative_slope = 0.3}); }, [](double x) { return x > 0 ? x : 0.3 * x; }));
  add(prelu_row());
  add(with("rrelu", "", [](const Tensor& x) { return rrelu(x); }, [](Tensor& x) -> Tensor& { return rrelu_(x); },
           [](double x) { return x > 0 ? x : x * 11 / 48; }));
  add(random_slopes());
  add(with("threshold", "", [](const Tensor& x) { return threshold(x, 0.25, -3); }, [](Tensor& x) -> Tensor& { return threshold_(x, 0.25, -3); },
           [](double x) { return x > 0.25 ? x : -3.0; }));
  add(with("hardsigmoid", "", hardsigmoid, nullptr, [](double x) { return std::min(std::max(x / 6 + 0.5, 0.0), 1.0); }, -5, 5));
  add(with("hardswish", "", hardswish, nullptr, [](double x) { return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0); }, -5, 5));
  add(with("hardshrink", "", [](const Tensor& x) { return hardshrink(x); }, nullptr, [](double x) { return std::fabs(x) > 0.5 ? x : 0; }));
  add(with("hardshrink", "lambd", [](const Tensor& x) { return hardshrink(x, {.lambd = 1.1}); }, nullptr, [](double x) { return std::fabs(x) > 1.1 ? x : 0; }));
  add(with("softshrink", "", [](const Tensor& x) { return softshrink(x); }, nullptr,
           [](double x) { return std::copysign(std::max(std::fabs(x) - 0.5, 0.0), x); }));
  add(with("softshrink", "lambd", [](const Tensor& x) { return softshrink(x, {.lambd = 1.1}); }, nullptr,
           [](double x) { return std::copysign(std::max(std::fabs(x) - 1.1, 0.0), x); }));
}

void smooth_rows(Rows& rows) {
  const auto add = [&](OpCase row) { rows.push_back(std::move(row)); };
  add(with("elu", "", [](const Tensor& x) { return elu(x); }, [](Tensor& x) -> Tensor& { return elu_(x); }, [](double x) { return x > 0 ? x : std::exp(x) - 1; }));
  add(with("elu", "alpha", [](const Tensor& x) { return elu(x, {.alpha = 0.6}); }, [](Tensor& x) -> Tensor& { return elu_(x, {.alpha = 0.6}); },
           [](double x) { return x > 0 ? x : 0.6 * (std::exp(x) - 1); }));
  add(with("celu", "", [](const Tensor& x) { return celu(x); }, [](Tensor& x) -> Tensor& { return celu_(x); }, [](double x) { return x > 0 ? x : std::exp(x) - 1; }));
  add(with("celu", "alpha", [](const Tensor& x) { return celu(x, {.alpha = 1.7}); }, [](Tensor& x) -> Tensor& { return celu_(x, {.alpha = 1.7}); },
           [](double x) { return x > 0 ? x : 1.7 * (std::exp(x / 1.7) - 1); }));
  add(with("selu", "", selu, selu_, [](double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (std::exp(x) - 1)); }));
  add(with("gelu", "", [](const Tensor& x) { return gelu(x); }, nullptr, [](double x) { return x / 2 * (1 + std::erf(x / std::numbers::sqrt2)); }, -4, 4));
  add(with("gelu", "tanh", [](const Tensor& x) { return gelu(x, {.approximate = "tanh"}); }, nullptr,
           [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))); }, -4, 4));
  add(with("silu", "", silu, nullptr, [](double x) { return x * sigmoid_of(x); }, -5, 5));
  add(with("mish", "", mish, nullptr, [](double x) { return x * std::tanh(softplus_of(x)); }, -5, 5));
  add(with("softplus", "", [](const Tensor& x) { return softplus(x); }, nullptr, softplus_of, -5, 5));
  add(with("softplus", "beta", [](const Tensor& x) { return softplus(x, {.beta = 2.5, .threshold = 2}); }, nullptr,
           [](double x) { return 2.5 * x > 2 ? x : softplus_of(2.5 * x) / 2.5; }));
  add(with("logsigmoid", "", logsigmoid, nullptr, [](double x) { return std::log(sigmoid_of(x)); }, -5, 5));
  add(with("softsign", "", softsign, nullptr, [](double x) { return x / (1 + std::fabs(x)); }));
  add(with("tanhshrink", "", tanhshrink, nullptr, [](double x) { return x - std::tanh(x); }));
}

// The noise is -log(-log(1 - u)) in row-major order.
Tensor gumbel_reference(const Tensor& x, int dim, double tau) {
  Generator own(9);
  const Tensor z = build(x.shape(), [&](const Index& i) { return (at(x, i) - std::log(-std::log(1 - own.uniform<double>()))) / tau; });
  return build(x.shape(), [&](const Index& i) { return std::exp(at(z, i) - log_sum_exp(along(z, dim, i, true))); });
}

void dim_rows(Rows& rows) {
  const vector<vector<Shape>> shapes = {{{3, 5}}, {{2, 3, 4}}, {{2, 19}}, {{2, 0}}};
  for (const int dim : {1, 0, -1}) {
    const auto reference = [dim](const Tensors& x, double sign, bool log) {
      const int d = dim < 0 ? dim + x[0].dim() : dim;
      return build(x[0].shape(), [&](const Index& i) {
        Values others = along(x[0], d, i, true);
        for (double& other : others) other *= sign;
        const double y = sign * at(x[0], i) - log_sum_exp(others);
        return log ? y : std::exp(y);
      });
    };
    const std::string note = fmt::format("dim{}", dim);
    rows.push_back({.name = "softmax", .fn = [dim](const Tensors& x) { return softmax(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, 1, false); }, .note = note});
    rows.push_back({.name = "log_softmax", .fn = [dim](const Tensors& x) { return log_softmax(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, 1, true); }, .note = note});
    rows.push_back({.name = "softmin", .fn = [dim](const Tensors& x) { return softmin(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, -1, false); }, .note = note});
  }
  rows.push_back({.name = "gumbel_softmax", .fn = [](const Tensors& x) { Generator own(9); return gumbel_softmax(x[0], {.tau = 0.7, .dim = 1}, own); },
                  .shapes = {{{3, 5}}, {{2, 3, 2}}, {{2, 0}}}, .reference = [](const Tensors& x) { return gumbel_reference(x[0], 1, 0.7); }});
  for (const int dim : {1, 0, -1}) {
    rows.push_back({.name = "glu", .fn = [dim](const Tensors& x) { return glu(x[0], dim); }, .shapes = {{{4, 2}}, {{2, 6, 4}}, {{2, 0}}},
                    .reference = [dim](const Tensors& x) {
                      const int d = dim < 0 ? dim + x[0].dim() : dim;
                      Shape shape = x[0].shape();
                      shape[d] /= 2;
                      return build(shape, [&](Index i) {
                        const double a = at(x[0], i);
                        i[static_cast<size_t>(d)] += shape[d];
                        return a * sigmoid_of(at(x[0], i));
                      });
                    }, .note = fmt::format("dim{}", dim)});
  }
}

}  // namespace

void activation_rows(Rows& rows) {
  straight_rows(rows);
  smooth_rows(rows);
  dim_rows(rows);
}

// clang-format on

}  // namespace reel::testing
