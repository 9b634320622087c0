// The operations of ops/elementwise.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {
namespace {

using Change = Tensor& (InPlaceMethods::*)();

// clang-format off

OpCase changing(OpCase row, Change change) {
  row.in_place = [change](Tensor& z, const Tensors&) -> Tensor& { return (z.*change)(); };
  return row;
}

// A row of an operation with options, whose form in place takes the same.
OpCase with(const char* name, const char* note, Tensor (*fn)(const Tensor&), Tensor& (*change)(Tensor&), double (*f)(double),
            double low = -2, double high = 2) {
  OpCase row = unary(name, fn, f, low, high);
  if (change) row.in_place = [change](Tensor& z, const Tensors&) -> Tensor& { return change(z); };
  row.note = note;
  return row;
}

void arithmetic_rows(Rows& rows) {
  const auto add = [&](OpCase row, Change change) { rows.push_back(changing(std::move(row), change)); };
  add(unary("neg", neg, [](double x) { return -x; }), &Tensor::neg_);
  add(unary("abs", abs, [](double x) { return std::fabs(x); }), &Tensor::abs_);
  add(unary("sign", sign, [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }), &Tensor::sign_);
  add(unary("square", square, [](double x) { return x * x; }), &Tensor::square_);
  add(unary("relu", [](const Tensor& x) { return relu(x); }, [](double x) { return x > 0 ? x : 0; }), &Tensor::relu_);
  add(unary("exp", exp, [](double x) { return std::exp(x); }), &Tensor::exp_);
  add(unary("exp2", exp2, [](double x) { return std::exp2(x); }), &Tensor::exp2_);
  add(unary("expm1", expm1, [](double x) { return std::expm1(x); }), &Tensor::expm1_);
  add(unary("log", log, [](double x) { return std::log(x); }, 0.1, 3), &Tensor::log_);
  add(unary("log2", log2, [](double x) { return std::log2(x); }, 0.1, 3), &Tensor::log2_);
  add(unary("log10", log10, [](double x) { return std::log10(x); }, 0.1, 3), &Tensor::log10_);
  add(unary("log1p", log1p, [](double x) { return std::log1p(x); }, -0.7, 3), &Tensor::log1p_);
  add(unary("sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.1, 3), &Tensor::sqrt_);
  add(unary("rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, 0.3, 3), &Tensor::rsqrt_);
  add(unary("reciprocal", reciprocal, [](double x) { return 1 / x; }, 0.4, 3), &Tensor::reciprocal_);
}

void angle_rows(Rows& rows) {
  const auto add = [&](OpCase row, Change change) { rows.push_back(changing(std::move(row), change)); };
  add(unary("sin", sin, [](double x) { return std::sin(x); }, -5, 5), &Tensor::sin_);
  add(unary("cos", cos, [](double x) { return std::cos(x); }, -5, 5), &Tensor::cos_);
  add(unary("tan", tan, [](double x) { return std::tan(x); }, -1.2, 1.2), &Tensor::tan_);
  add(unary("asin", asin, [](double x) { return std::asin(x); }, -0.9, 0.9), &Tensor::asin_);
  add(unary("acos", acos, [](double x) { return std::acos(x); }, -0.9, 0.9), &Tensor::acos_);
  add(unary("atan", atan, [](double x) { return std::atan(x); }, -3, 3), &Tensor::atan_);
  add(unary("sinh", sinh, [](double x) { return std::sinh(x); }), &Tensor::sinh_);
  add(unary("cosh", cosh, [](double x) { return std::cosh(x); }), &Tensor::cosh_);
  add(unary("tanh", tanh, [](double x) { return std::tanh(x); }), &Tensor::tanh_);
  add(unary("asinh", asinh, [](double x) { return std::asinh(x); }), &Tensor::asinh_);
  add(unary("acosh", acosh, [](double x) { return std::acosh(x); }, 1.2, 4), &Tensor::acosh_);
  add(unary("atanh", atanh, [](double x) { return std::atanh(x); }, -0.9, 0.9), &Tensor::atanh_);
  add(unary("sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -6, 6), &Tensor::sigmoid_);
  rows.push_back(with("logit", "", [](const Tensor& x) { return logit(x); }, [](Tensor& z) -> Tensor& { return z.logit_(); },
                      [](double x) { return std::log(x) - std::log1p(-x); }, 0.1, 0.9));
  rows.push_back(with("logit", "eps", [](const Tensor& x) { return logit(x, {.eps = 0.2}); }, [](Tensor& z) -> Tensor& { return z.logit_({.eps = 0.2}); },
                      [](double x) { const double p = std::min(std::max(x, 0.2), 0.8); return std::log(p / (1 - p)); }, -0.3, 1.3));
}

void rounding_rows(Rows& rows) {
  const auto add = [&](OpCase row, Change change) { rows.push_back(changing(std::move(row), change)); };
  add(unary("floor", floor, [](double x) { return std::floor(x); }, -5, 5), &Tensor::floor_);
  add(unary("ceil", ceil, [](double x) { return std::ceil(x); }, -5, 5), &Tensor::ceil_);
  add(unary("trunc", trunc, [](double x) { return std::trunc(x); }, -5, 5), &Tensor::trunc_);
  add(unary("frac", frac, [](double x) { return x - std::trunc(x); }, -5, 5), &Tensor::frac_);
  rows.push_back(with("round", "", [](const Tensor& x) { return round(x); }, [](Tensor& z) -> Tensor& { return z.round_(); },
                      [](double x) { return std::round(x); }, -5, 5));
  rows.push_back(with("round", "decimals", [](const Tensor& x) { return round(x, {.decimals = 1}); }, [](Tensor& z) -> Tensor& { return z.round_({.decimals = 1}); },
                      [](double x) { return std::round(x * 10) / 10; }, -5, 5));
  rows.push_back(with("round", "tens", [](const Tensor& x) { return round(x, {.decimals = -1}); }, [](Tensor& z) -> Tensor& { return z.round_({.decimals = -1}); },
                      [](double x) { return std::round(x / 10) * 10; }, -50, 50));
  rows.push_back(with("clamp", "", [](const Tensor& x) { return clamp(x, {.min = -0.55, .max = 1}); },
                      [](Tensor& z) -> Tensor& { return z.clamp_({.min = -0.55, .max = 1}); }, [](double x) { return std::min(std::max(x, -0.55), 1.0); }));
  rows.push_back(with("clamp", "min", [](const Tensor& x) { return clamp(x, {.min = 0.25}); }, [](Tensor& z) -> Tensor& { return z.clamp_({.min = 0.25}); },
                      [](double x) { return std::max(x, 0.25); }));
  rows.push_back(with("clamp", "numbers", [](const Tensor& x) { return clamp(x, -0.55, 1); }, [](Tensor& z) -> Tensor& { return z.clamp_(-0.55, 1); },
                      [](double x) { return std::min(std::max(x, -0.55), 1.0); }));
  rows.push_back(with("clamp_min", "", [](const Tensor& x) { return x.clamp_min(0.25); }, [](Tensor& z) -> Tensor& { return z.clamp_min_(0.25); }, [](double x) { return std::max(x, 0.25); }));
  rows.push_back(with("clamp_max", "", [](const Tensor& x) { return x.clamp_max(0.25); }, [](Tensor& z) -> Tensor& { return z.clamp_max_(0.25); }, [](double x) { return std::min(x, 0.25); }));
  rows.push_back(with("nan_to_num", "", [](const Tensor& x) { return nan_to_num(where(x < 1, x, NAN), {.nan = 0.5}); }, nullptr,
                      [](double x) { return x < 1 ? x : 0.5; }));
  rows.push_back(with("nan_to_num", "infinities", [](const Tensor& x) { return nan_to_num(where(x < 1, x, INFINITY), {.posinf = 7}); },
                      [](Tensor& z) -> Tensor& { return z.copy_(where(z < 1, z.clone(), INFINITY)).nan_to_num_({.posinf = 7}); },
                      [](double x) { return x < 1 ? x : 7; }));
}

// clang-format on

}  // namespace

void elementwise_rows(Rows& rows) {
  arithmetic_rows(rows);
  angle_rows(rows);
  rounding_rows(rows);
}

}  // namespace reel::testing
