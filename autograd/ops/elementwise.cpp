#include <reel/autograd/donate.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <numbers>

namespace reel {
namespace {

using detail::over;
using std::numbers::ln10;
using std::numbers::ln2;

// The rule of what is flat wherever it has a derivative: recorded, so that what depends on it has a
// zero gradient as in PyTorch.
constexpr auto flat = [](const Tensor& g) { return zeros_like(g); };

}  // namespace

// ---- arithmetic ------------------------------------------------------------------------------------------

Tensor neg(const Tensor& x) {
  return record("neg", kernels::neg(x.array()), wrt(x, [](const Tensor& g) { return -g; }));
}

Tensor abs(const Tensor& x) {
  return record("abs", kernels::abs(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * sign(x()); }));
}

Tensor sign(const Tensor& x) { return record("sign", kernels::sign(x.array()), wrt(x, flat)); }

Tensor square(const Tensor& x) {
  if (x.dtype() == kBool) return square(x.to(kInt64));
  return record("square", kernels::square(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * (2 * x()); }));
}

// g where y > 0: one pass instead of a comparison and a choice.
static Tensor threshold_backward(const Tensor& g, const Tensor& y) {
  return record("threshold_backward", kernels::threshold_backward(g.array(), y.array()),
                wrt(g, [y = keep(y)](const Tensor& gg) { return threshold_backward(gg, y()); }));
}

Tensor relu(Tensor x) {
  const auto rule = [](Tensor&& g, const Tensor& y) {
    return over(g, g, y, kernels::threshold_backward, threshold_backward);
  };
  if (detail::gives_memory(x)) {
    const auto compute = [&] { kernels::relu(x.array(), x.array()); };
    return record_over("relu", std::move(x), compute, wrt(x, rule));
  }
  Array result = Array::empty(x.shape(), x.dtype());
  kernels::relu(x.array(), result);
  return record("relu", std::move(result), wrt(x, rule));
}

// ---- powers and logarithms -------------------------------------------------------------------------------

Tensor exp(const Tensor& x) {
  if (!x.is_floating_point()) return exp(as_floating(x));
  return record("exp", kernels::exp(x.array()),
                wrt(x, [](Tensor&& g, const Tensor& y) { return std::move(g) * y; }));
}

Tensor exp2(const Tensor& x) {
  if (!x.is_floating_point()) return exp2(as_floating(x));
  return record("exp2", kernels::exp2(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (y * ln2); }));
}

Tensor expm1(const Tensor& x) {
  if (!x.is_floating_point()) return expm1(as_floating(x));
  return record("expm1", kernels::expm1(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (y + 1); }));
}

Tensor log(const Tensor& x) {
  if (!x.is_floating_point()) return log(as_floating(x));
  return record("log", kernels::log(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / x(); }));
}

Tensor log2(const Tensor& x) {
  if (!x.is_floating_point()) return log2(as_floating(x));
  return record("log2", kernels::log2(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / (x() * ln2); }));
}

Tensor log10(const Tensor& x) {
  if (!x.is_floating_point()) return log10(as_floating(x));
  return record("log10", kernels::log10(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / (x() * ln10); }));
}

Tensor log1p(const Tensor& x) {
  if (!x.is_floating_point()) return log1p(as_floating(x));
  return record("log1p", kernels::log1p(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / (x() + 1); }));
}

Tensor sqrt(const Tensor& x) {
  if (!x.is_floating_point()) return sqrt(as_floating(x));
  return record("sqrt", kernels::sqrt(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g / (2 * y); }));
}

Tensor rsqrt(const Tensor& x) {
  if (!x.is_floating_point()) return rsqrt(as_floating(x));
  return record("rsqrt", kernels::rsqrt(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (pow(y, 3) * -0.5); }));
}

Tensor reciprocal(const Tensor& x) {
  if (!x.is_floating_point()) return reciprocal(as_floating(x));
  return record("reciprocal", kernels::reciprocal(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return -g * square(y); }));
}

// ---- angles ----------------------------------------------------------------------------------------------

Tensor sin(const Tensor& x) {
  if (!x.is_floating_point()) return sin(as_floating(x));
  return record("sin", kernels::sin(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * cos(x()); }));
}

Tensor cos(const Tensor& x) {
  if (!x.is_floating_point()) return cos(as_floating(x));
  return record("cos", kernels::cos(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return -g * sin(x()); }));
}

Tensor tan(const Tensor& x) {
  if (!x.is_floating_point()) return tan(as_floating(x));
  return record("tan", kernels::tan(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (1 + square(y)); }));
}

Tensor asin(const Tensor& x) {
  if (!x.is_floating_point()) return asin(as_floating(x));
  return record("asin", kernels::asin(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * rsqrt(1 - square(x())); }));
}

Tensor acos(const Tensor& x) {
  if (!x.is_floating_point()) return acos(as_floating(x));
  return record("acos", kernels::acos(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return -g * rsqrt(1 - square(x())); }));
}

Tensor atan(const Tensor& x) {
  if (!x.is_floating_point()) return atan(as_floating(x));
  return record("atan", kernels::atan(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / (1 + square(x())); }));
}

// ---- hyperbolic functions --------------------------------------------------------------------------------

Tensor sinh(const Tensor& x) {
  if (!x.is_floating_point()) return sinh(as_floating(x));
  return record("sinh", kernels::sinh(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * cosh(x()); }));
}

Tensor cosh(const Tensor& x) {
  if (!x.is_floating_point()) return cosh(as_floating(x));
  return record("cosh", kernels::cosh(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * sinh(x()); }));
}

// g * (1 - y^2) in one pass.
static Tensor tanh_backward(const Tensor& g, const Tensor& y) {
  return record(
      "tanh_backward", kernels::tanh_backward(g.array(), y.array()),
      wrt(g, [y = keep(y)](const Tensor& gg) { return tanh_backward(gg, y()); }),
      wrt(y, [g = keep(g), y = keep(y)](const Tensor& gg) { return -2 * gg * g() * y(); }));
}

Tensor tanh(const Tensor& x) {
  if (!x.is_floating_point()) return tanh(as_floating(x));
  return record("tanh", kernels::tanh(x.array()), wrt(x, [](Tensor&& g, const Tensor& y) {
                  return over(g, g, y, kernels::tanh_backward, tanh_backward);
                }));
}

Tensor asinh(const Tensor& x) {
  if (!x.is_floating_point()) return asinh(as_floating(x));
  return record("asinh", kernels::asinh(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * rsqrt(square(x()) + 1); }));
}

Tensor acosh(const Tensor& x) {
  if (!x.is_floating_point()) return acosh(as_floating(x));
  return record("acosh", kernels::acosh(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * rsqrt(square(x()) - 1); }));
}

Tensor atanh(const Tensor& x) {
  if (!x.is_floating_point()) return atanh(as_floating(x));
  return record("atanh", kernels::atanh(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / (1 - square(x())); }));
}

// g * y (1 - y) in one pass.
static Tensor sigmoid_backward(const Tensor& g, const Tensor& y) {
  return record(
      "sigmoid_backward", kernels::sigmoid_backward(g.array(), y.array()),
      wrt(g, [y = keep(y)](const Tensor& gg) { return sigmoid_backward(gg, y()); }),
      wrt(y, [g = keep(g), y = keep(y)](const Tensor& gg) { return gg * g() * (1 - 2 * y()); }));
}

Tensor sigmoid(const Tensor& x) {
  if (!x.is_floating_point()) return sigmoid(as_floating(x));
  return record("sigmoid", kernels::sigmoid(x.array()), wrt(x, [](Tensor&& g, const Tensor& y) {
                  return over(g, g, y, kernels::sigmoid_backward, sigmoid_backward);
                }));
}

Tensor logit(const Tensor& x, const LogitOptions& options) {
  if (!x.is_floating_point()) return logit(as_floating(x), options);
  if (options.eps) return logit(clamp(x, {.min = *options.eps, .max = 1 - *options.eps}));
  return record("logit", kernels::logit(x.array()), wrt(x, [x = keep(x)](const Tensor& g) {
                  const Tensor inside = (x() >= 0) & (x() <= 1);
                  return where(inside, g / (x() * (1 - x())), NAN);
                }));
}

// ---- rounding and limits ---------------------------------------------------------------------------------

Tensor floor(const Tensor& x) { return record("floor", kernels::floor(x.array()), wrt(x, flat)); }

Tensor ceil(const Tensor& x) { return record("ceil", kernels::ceil(x.array()), wrt(x, flat)); }

Tensor trunc(const Tensor& x) { return record("trunc", kernels::trunc(x.array()), wrt(x, flat)); }

Tensor round(const Tensor& x, const RoundOptions& options) {
  return record("round", kernels::round(x.array(), options.decimals), wrt(x, flat));
}

Tensor frac(const Tensor& x) {
  return record("frac", kernels::frac(x.array()), wrt(x, [](const Tensor& g) { return g; }));
}

// g where x is within the bounds: one pass instead of comparisons and a choice.
static Tensor clamp_backward(const Tensor& g, const Tensor& x, const ClampOptions& options) {
  return record(
      "clamp_backward", kernels::clamp_backward(g.array(), x.array(), options.min, options.max),
      wrt(g,
          [x = keep(x), options](const Tensor& gg) { return clamp_backward(gg, x(), options); }));
}

Tensor clamp(const Tensor& x, const ClampOptions& options) {
  const auto& [min, max] = options;
  check(min || max, "clamp: at least one of min and max must be given");
  if (!x.is_floating_point() && ((min && min->is_floating()) || (max && max->is_floating())))
    return clamp(as_floating(x), options);
  return record(
      "clamp", kernels::clamp(x.array(), min, max),
      wrt(x, [x = keep(x), options](const Tensor& g) { return clamp_backward(g, x(), options); }));
}

Tensor clamp(const Tensor& x, Scalar min, Scalar max) { return clamp(x, {.min = min, .max = max}); }

Tensor clamp_min(const Tensor& x, Scalar min) { return clamp(x, {.min = min}); }

Tensor clamp_max(const Tensor& x, Scalar max) { return clamp(x, {.max = max}); }

Tensor nan_to_num(const Tensor& x, const NanToNumOptions& options) {
  return record("nan_to_num",
                kernels::nan_to_num(x.array(), options.nan, options.posinf, options.neginf),
                wrt(x, [x = keep(x)](const Tensor& g) { return where(isfinite(x()), g, 0); }));
}

// ---- method forms ----------------------------------------------------------------------------------------

Tensor MathMethods::operator-() const { return reel::neg(self()); }
Tensor MathMethods::abs() const { return reel::abs(self()); }
Tensor MathMethods::neg() const { return reel::neg(self()); }
Tensor MathMethods::sign() const { return reel::sign(self()); }
Tensor MathMethods::exp() const { return reel::exp(self()); }
Tensor MathMethods::exp2() const { return reel::exp2(self()); }
Tensor MathMethods::expm1() const { return reel::expm1(self()); }
Tensor MathMethods::log() const { return reel::log(self()); }
Tensor MathMethods::log1p() const { return reel::log1p(self()); }
Tensor MathMethods::log2() const { return reel::log2(self()); }
Tensor MathMethods::log10() const { return reel::log10(self()); }
Tensor MathMethods::sqrt() const { return reel::sqrt(self()); }
Tensor MathMethods::rsqrt() const { return reel::rsqrt(self()); }
Tensor MathMethods::square() const { return reel::square(self()); }
Tensor MathMethods::reciprocal() const { return reel::reciprocal(self()); }
Tensor MathMethods::sin() const { return reel::sin(self()); }
Tensor MathMethods::cos() const { return reel::cos(self()); }
Tensor MathMethods::tan() const { return reel::tan(self()); }
Tensor MathMethods::asin() const { return reel::asin(self()); }
Tensor MathMethods::acos() const { return reel::acos(self()); }
Tensor MathMethods::atan() const { return reel::atan(self()); }
Tensor MathMethods::sinh() const { return reel::sinh(self()); }
Tensor MathMethods::cosh() const { return reel::cosh(self()); }
Tensor MathMethods::tanh() const { return reel::tanh(self()); }
Tensor MathMethods::asinh() const { return reel::asinh(self()); }
Tensor MathMethods::acosh() const { return reel::acosh(self()); }
Tensor MathMethods::atanh() const { return reel::atanh(self()); }
Tensor MathMethods::sigmoid() const { return reel::sigmoid(self()); }
Tensor MathMethods::floor() const { return reel::floor(self()); }
Tensor MathMethods::ceil() const { return reel::ceil(self()); }
Tensor MathMethods::trunc() const { return reel::trunc(self()); }
Tensor MathMethods::frac() const { return reel::frac(self()); }
Tensor MathMethods::relu() const { return reel::relu(self()); }
Tensor MathMethods::round(const RoundOptions& options) const {
  return reel::round(self(), options);
}
Tensor MathMethods::logit(const LogitOptions& options) const {
  return reel::logit(self(), options);
}
Tensor MathMethods::nan_to_num(const NanToNumOptions& options) const {
  return reel::nan_to_num(self(), options);
}
Tensor MathMethods::clamp(const ClampOptions& options) const {
  return reel::clamp(self(), options);
}
Tensor MathMethods::clamp(Scalar min, Scalar max) const { return reel::clamp(self(), min, max); }
Tensor MathMethods::clamp_min(Scalar min) const { return reel::clamp_min(self(), min); }
Tensor MathMethods::clamp_max(Scalar max) const { return reel::clamp_max(self(), max); }

Tensor& InPlaceMethods::abs_() { return rebind_inplace("abs_", self(), reel::abs(former(self()))); }
Tensor& InPlaceMethods::neg_() { return rebind_inplace("neg_", self(), reel::neg(former(self()))); }
Tensor& InPlaceMethods::sign_() {
  return rebind_inplace("sign_", self(), reel::sign(former(self())));
}
Tensor& InPlaceMethods::exp_() { return rebind_inplace("exp_", self(), reel::exp(former(self()))); }
Tensor& InPlaceMethods::exp2_() {
  return rebind_inplace("exp2_", self(), reel::exp2(former(self())));
}
Tensor& InPlaceMethods::expm1_() {
  return rebind_inplace("expm1_", self(), reel::expm1(former(self())));
}
Tensor& InPlaceMethods::log_() { return rebind_inplace("log_", self(), reel::log(former(self()))); }
Tensor& InPlaceMethods::log1p_() {
  return rebind_inplace("log1p_", self(), reel::log1p(former(self())));
}
Tensor& InPlaceMethods::log2_() {
  return rebind_inplace("log2_", self(), reel::log2(former(self())));
}
Tensor& InPlaceMethods::log10_() {
  return rebind_inplace("log10_", self(), reel::log10(former(self())));
}
Tensor& InPlaceMethods::sqrt_() {
  return rebind_inplace("sqrt_", self(), reel::sqrt(former(self())));
}
Tensor& InPlaceMethods::rsqrt_() {
  return rebind_inplace("rsqrt_", self(), reel::rsqrt(former(self())));
}
Tensor& InPlaceMethods::square_() {
  return rebind_inplace("square_", self(), reel::square(former(self())));
}
Tensor& InPlaceMethods::reciprocal_() {
  return rebind_inplace("reciprocal_", self(), reel::reciprocal(former(self())));
}
Tensor& InPlaceMethods::sin_() { return rebind_inplace("sin_", self(), reel::sin(former(self()))); }
Tensor& InPlaceMethods::cos_() { return rebind_inplace("cos_", self(), reel::cos(former(self()))); }
Tensor& InPlaceMethods::tan_() { return rebind_inplace("tan_", self(), reel::tan(former(self()))); }
Tensor& InPlaceMethods::asin_() {
  return rebind_inplace("asin_", self(), reel::asin(former(self())));
}
Tensor& InPlaceMethods::acos_() {
  return rebind_inplace("acos_", self(), reel::acos(former(self())));
}
Tensor& InPlaceMethods::atan_() {
  return rebind_inplace("atan_", self(), reel::atan(former(self())));
}
Tensor& InPlaceMethods::sinh_() {
  return rebind_inplace("sinh_", self(), reel::sinh(former(self())));
}
Tensor& InPlaceMethods::cosh_() {
  return rebind_inplace("cosh_", self(), reel::cosh(former(self())));
}
Tensor& InPlaceMethods::tanh_() {
  return rebind_inplace("tanh_", self(), reel::tanh(former(self())));
}
Tensor& InPlaceMethods::asinh_() {
  return rebind_inplace("asinh_", self(), reel::asinh(former(self())));
}
Tensor& InPlaceMethods::acosh_() {
  return rebind_inplace("acosh_", self(), reel::acosh(former(self())));
}
Tensor& InPlaceMethods::atanh_() {
  return rebind_inplace("atanh_", self(), reel::atanh(former(self())));
}
Tensor& InPlaceMethods::sigmoid_() {
  return rebind_inplace("sigmoid_", self(), reel::sigmoid(former(self())));
}
Tensor& InPlaceMethods::floor_() {
  return rebind_inplace("floor_", self(), reel::floor(former(self())));
}
Tensor& InPlaceMethods::ceil_() {
  return rebind_inplace("ceil_", self(), reel::ceil(former(self())));
}
Tensor& InPlaceMethods::trunc_() {
  return rebind_inplace("trunc_", self(), reel::trunc(former(self())));
}
Tensor& InPlaceMethods::frac_() {
  return rebind_inplace("frac_", self(), reel::frac(former(self())));
}
Tensor& InPlaceMethods::relu_() {
  return rebind_inplace("relu_", self(), reel::relu(former(self())));
}
Tensor& InPlaceMethods::round_(const RoundOptions& options) {
  return rebind_inplace("round_", self(), reel::round(former(self()), options));
}
Tensor& InPlaceMethods::logit_(const LogitOptions& options) {
  return rebind_inplace("logit_", self(), reel::logit(former(self()), options));
}
Tensor& InPlaceMethods::nan_to_num_(const NanToNumOptions& options) {
  return rebind_inplace("nan_to_num_", self(), reel::nan_to_num(former(self()), options));
}
Tensor& InPlaceMethods::clamp_(const ClampOptions& options) {
  return rebind_inplace("clamp_", self(), reel::clamp(former(self()), options));
}
Tensor& InPlaceMethods::clamp_(Scalar min, Scalar max) { return clamp_({.min = min, .max = max}); }
Tensor& InPlaceMethods::clamp_min_(Scalar min) {
  return rebind_inplace("clamp_min_", self(), reel::clamp_min(former(self()), min));
}
Tensor& InPlaceMethods::clamp_max_(Scalar max) {
  return rebind_inplace("clamp_max_", self(), reel::clamp_max(former(self()), max));
}

}  // namespace reel
