// The operations of ops/elementwise.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

void elementwise_rows(Rows& rows) {
  rows.push_back(binary("add", add, [](double a, double b) { return a + b; }));
  rows.push_back(binary("sub", sub, [](double a, double b) { return a - b; }));
  rows.push_back(binary("mul", mul, [](double a, double b) { return a * b; }));
  rows.push_back(binary("div", div, [](double a, double b) { return a / b; }, 0.5, 3));
  rows.push_back(binary("pow", pow, [](double a, double b) { return std::pow(a, b); }, 0.5, 3));
  rows.push_back(binary("maximum", maximum, [](double a, double b) { return a > b ? a : b; }));
  rows.push_back(binary("minimum", minimum, [](double a, double b) { return a < b ? a : b; }));
  for (double exponent : {0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 2.5}) {
    rows.push_back({.name = "pow", .fn = [exponent](const Tensors& x) { return pow(x[0], exponent); }, .shapes = kUnary,
                    .low = 0.5, .high = 2, .scalar = [exponent](const Values& v) { return std::pow(v[0], exponent); },
                    .note = fmt::format("exponent_{}", exponent)});
  }
  rows.push_back({.name = "pow", .fn = [](const Tensors& x) { return pow(2.5, x[0]); }, .shapes = kUnary,
                  .scalar = [](const Values& v) { return std::pow(2.5, v[0]); }, .note = "base"});
  rows.push_back({.name = "where", .fn = [](const Tensors& x) { return where(x[0] > x[1], x[0] * 2, x[1]); },
                  .shapes = kBinary, .scalar = [](const Values& v) { return v[0] > v[1] ? 2 * v[0] : v[1]; }});
  rows.push_back({.name = "clamp", .fn = [](const Tensors& x) { return clamp(x[0], {.min = -0.55, .max = 1}); },
                  .shapes = kUnary, .scalar = [](const Values& v) { return std::min(std::max(v[0], -0.55), 1.0); }});
  rows.push_back({.name = "clamp", .fn = [](const Tensors& x) { return clamp(x[0], {.min = 0.25}); },
                  .shapes = kUnary, .scalar = [](const Values& v) { return std::max(v[0], 0.25); }, .note = "min"});
  rows.push_back(unary("neg", neg, [](double x) { return -x; }));
  rows.push_back(unary("exp", exp, [](double x) { return std::exp(x); }));
  rows.push_back(unary("log", log, [](double x) { return std::log(x); }, 0.1, 3));
  rows.push_back(unary("sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.1, 3));
  rows.push_back(unary("square", square, [](double x) { return x * x; }));
  rows.push_back(unary("tanh", tanh, [](double x) { return std::tanh(x); }));
  rows.push_back(unary("sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -6, 6));
  rows.push_back(unary("relu", relu, [](double x) { return x > 0 ? x : 0; }));
  rows.push_back(unary("abs", abs, [](double x) { return std::fabs(x); }));
}

// clang-format on

}  // namespace reel::testing
