#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/tape.h>

#include <cmath>

namespace reel {
namespace {

bool differ(const Tensor& a, const Tensor& b) { return a.dtype() != b.dtype(); }

Tensor zero_like(const Tensor& x) { return scalar_like(x, 0); }

// g where the condition holds, else nothing.
Tensor only(const Tensor& condition, const Tensor& g) { return where(condition, g, zero_like(g)); }

// The rule of what is flat wherever it has a derivative.
constexpr auto flat = [](const Tensor& g) { return zeros_like(g); };

// alpha * b in the dtype that a + alpha * b has.
Tensor scaled(const char* op, const Tensor& a, const Tensor& b, Scalar alpha) {
  const Dtype dtype = result_type(a, b);
  check<TypeError>(is_floating(dtype) || !alpha.is_floating(),
                   "{}: alpha must be a whole number for operands of dtype {}, got {}", op, dtype,
                   alpha.to<double>());
  return alpha.to<double>() == 1 ? b : (b.to(dtype) * alpha).to(dtype);
}

}  // namespace

// ---- arithmetic ------------------------------------------------------------------------------------------

Tensor sub(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(sub, a, b);
  return record("sub", kernels::sub(a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [](const Tensor& g) { return -g; }));
}

Tensor add(const Tensor& a, const Tensor& b, const AlphaOptions& options) {
  return add(a, scaled("add", a, b, options.alpha));
}

Tensor sub(const Tensor& a, const Tensor& b, const AlphaOptions& options) {
  return sub(a, scaled("sub", a, b, options.alpha));
}

Tensor mul(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(mul, a, b);
  return record("mul", kernels::mul(a.array(), b.array()),
                wrt(a, [b = keep(b)](const Tensor& g) { return g * b(); }),
                wrt(b, [a = keep(a)](Tensor&& g) { return std::move(g) * a(); }));
}

Tensor div(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(div, a, b);
  if (!a.is_floating_point()) return div(as_floating(a), as_floating(b));
  return record(
      "div", kernels::div(a.array(), b.array()),
      wrt(a, [b = keep(b)](const Tensor& g) { return g / b(); }),
      wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) { return -g * (a() / b() / b()); }));
}

Tensor div(const Tensor& a, const Tensor& b, const DivOptions& options) {
  const std::string_view mode = options.rounding_mode;
  if (mode.empty()) return div(a, b);
  check(mode == "floor" || mode == "trunc",
        "div: rounding_mode must be \"floor\", \"trunc\" or empty, got \"{}\"", mode);
  if (differ(a, b)) {
    const Dtype dtype = result_type(a, b);
    return div(a.to(dtype), b.to(dtype), options);
  }
  const auto divide = mode == "floor" ? kernels::floor_divide : kernels::trunc_divide;
  return record("div", divide(a.array(), b.array()), wrt(a, flat), wrt(b, flat));
}

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return div(a, b, {.rounding_mode = "floor"});
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(remainder, a, b);
  return record("remainder", kernels::remainder(a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return -g * div(a(), b(), {.rounding_mode = "floor"});
                }));
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(fmod, a, b);
  return record("fmod", kernels::fmod(a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return -g * div(a(), b(), {.rounding_mode = "trunc"});
                }));
}

Tensor pow(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(pow, a, b);
  return record("pow", kernels::pow(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      // a^0 is 1 also at 0 and at NaN: the derivative must not become 0 * inf.
                      const Tensor flat_there = (b() == 0) & !(abs(a()) > 0);
                      const Tensor exponent = where(flat_there, zero_like(g), b() - 1);
                      return g * (b() * pow(a(), exponent));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g, const Tensor& y) {
                  const Tensor flat_there = (a() == 0) & (b() >= 0);
                  return g * (y * log(where(flat_there, 1, a())));
                }));
}

// A rule of its own: no exponent to compare element by element, and none that turns 0 into NaN.
Tensor pow(const Tensor& a, Scalar exponent) {
  const Tensor b = scalar_like(a, exponent);
  if (differ(a, b)) return pow(a.to(b.dtype()), exponent);
  check(is_floating(a.dtype()) || exponent.to<int64_t>() >= 0,
        "pow: integers to negative integer powers are not allowed, got {}", exponent.to<int64_t>());
  return record("pow", kernels::pow(a.array(), b.array()),
                wrt(a, [a = keep(a), n = exponent.to<double>()](const Tensor& g) {
                  if (n == 0) return zeros_like(g);
                  return g * (n == 2 ? 2 * a() : n * pow(a(), n - 1));
                }));
}

Tensor pow(Scalar base, const Tensor& exponent) {
  const Tensor a = scalar_like(exponent, base);
  if (differ(a, exponent)) return pow(base, exponent.to(a.dtype()));
  const double size = base.to<double>();
  if (size == 0) return pow(a, exponent);  // whose derivative depends on the exponent's sign
  return record(
      "pow", kernels::pow(a.array(), exponent.array()),
      wrt(exponent, [size](const Tensor& g, const Tensor& y) { return g * (y * std::log(size)); }));
}

Tensor float_power(const Tensor& a, const Tensor& b) { return pow(a.to(kFloat64), b.to(kFloat64)); }
Tensor float_power(const Tensor& a, Scalar exponent) { return pow(a.to(kFloat64), exponent); }
Tensor float_power(Scalar base, const Tensor& exponent) { return pow(base, exponent.to(kFloat64)); }

// ---- the one or the other --------------------------------------------------------------------------------

Tensor maximum(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(maximum, a, b);
  return record("maximum", kernels::maximum(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      return where(a() < b(), zero_like(g), where(a() == b(), g / 2, g));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return where(b() < a(), zero_like(g), where(a() == b(), g / 2, g));
                }));
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(minimum, a, b);
  return record("minimum", kernels::minimum(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      return where(a() > b(), zero_like(g), where(a() == b(), g / 2, g));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return where(b() > a(), zero_like(g), where(a() == b(), g / 2, g));
                }));
}

Tensor fmax(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(fmax, a, b);
  return record("fmax", kernels::fmax(a.array(), b.array()),
                wrt(a, [a = keep(a), b = keep(b)](
                           const Tensor& g) { return only((a() >= b()) | isnan(b()), g); }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return only(!((a() >= b()) | isnan(b())), g);
                }));
}

Tensor fmin(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(fmin, a, b);
  return record("fmin", kernels::fmin(a.array(), b.array()),
                wrt(a, [a = keep(a), b = keep(b)](
                           const Tensor& g) { return only((a() <= b()) | isnan(b()), g); }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return only(!((a() <= b()) | isnan(b())), g);
                }));
}

Tensor clamp_min(const Tensor& x, const Tensor& min) {
  if (differ(x, min)) return promoted(clamp_min, x, min);
  return record(
      "clamp_min", kernels::maximum(x.array(), min.array()),
      wrt(x, [x = keep(x), min = keep(min)](const Tensor& g) { return only(x() >= min(), g); }),
      wrt(min, [x = keep(x), min = keep(min)](const Tensor& g) { return only(x() < min(), g); }));
}

Tensor clamp_max(const Tensor& x, const Tensor& max) {
  if (differ(x, max)) return promoted(clamp_max, x, max);
  return record(
      "clamp_max", kernels::minimum(x.array(), max.array()),
      wrt(x, [x = keep(x), max = keep(max)](const Tensor& g) { return only(x() <= max(), g); }),
      wrt(max, [x = keep(x), max = keep(max)](const Tensor& g) { return only(x() > max(), g); }));
}

Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  check(min.defined() || max.defined(), "clamp: at least one of min and max must be given");
  if (!max.defined()) return clamp_min(x, min);
  if (!min.defined()) return clamp_max(x, max);
  if (differ(x, min) || differ(x, max)) {
    const Dtype dtype = result_type({&x, &min, &max});
    return clamp(x.to(dtype), min.to(dtype), max.to(dtype));
  }
  return record("clamp", kernels::minimum(kernels::maximum(x.array(), min.array()), max.array()),
                wrt(x, [x = keep(x), min = keep(min), max = keep(max)](
                           const Tensor& g) { return only((x() >= min()) & (x() <= max()), g); }),
                wrt(min, [x = keep(x), min = keep(min), max = keep(max)](
                             const Tensor& g) { return only((x() < min()) & (min() < max()), g); }),
                wrt(max, [x = keep(x), min = keep(min), max = keep(max)](const Tensor& g) {
                  return only((x() > max()) | (max() < min()), g);
                }));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check<TypeError>(condition.dtype() == kBool, "where: the condition must be bool, got {}",
                   condition.dtype());
  if (differ(a, b)) {
    const Dtype dtype = result_type(a, b);
    return where(condition, a.to(dtype), b.to(dtype));
  }
  return record(
      "where", kernels::where(condition.array(), a.array(), b.array()),
      wrt(a, [c = keep(condition)](const Tensor& g) { return where(c(), g, zero_like(g)); }),
      wrt(b, [c = keep(condition)](const Tensor& g) { return where(c(), zero_like(g), g); }));
}

Tensor where(const Tensor& condition, const Tensor& a, Scalar b) {
  return where(condition, a, scalar_like(a, b));
}

Tensor where(const Tensor& condition, Scalar a, const Tensor& b) {
  return where(condition, scalar_like(b, a), b);
}

Tensor where(const Tensor& condition, Scalar a, Scalar b) {
  return where(condition, Tensor(Array::full({}, a, promote_types(a.dtype(), b.dtype()))), b);
}

Tensor heaviside(const Tensor& x, const Tensor& values) {
  check<TypeError>(!differ(x, values), "heaviside: both must have one dtype, got {} and {}",
                   x.dtype(), values.dtype());
  return record("heaviside", kernels::heaviside(x.array(), values.array()), wrt(x, flat),
                wrt(values, [x = keep(x)](const Tensor& g) { return only(x() == 0, g); }));
}

Tensor copysign(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(copysign, a, b);
  if (!a.is_floating_point()) return copysign(as_floating(a), as_floating(b));
  return record(
      "copysign", kernels::copysign(a.array(), b.array()),
      wrt(a, [a = keep(a), b = keep(b)](
                 const Tensor& g) { return g * (sign(a()) * copysign(scalar_like(b(), 1), b())); }),
      wrt(b, flat));
}

// ---- real functions --------------------------------------------------------------------------------------

Tensor atan2(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(atan2, a, b);
  if (!a.is_floating_point()) return atan2(as_floating(a), as_floating(b));
  return record("atan2", kernels::atan2(a.array(), b.array()),
                wrt(a, [a = keep(a), b = keep(b)](
                           const Tensor& g) { return g * (b() / (a() * a() + b() * b())); }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return -g * (a() / (a() * a() + b() * b()));
                }));
}

Tensor hypot(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(hypot, a, b);
  return record("hypot", kernels::hypot(a.array(), b.array()),
                wrt(a, [a = keep(a)](const Tensor& g, const Tensor& y) { return g * (a() / y); }),
                wrt(b, [b = keep(b)](const Tensor& g, const Tensor& y) { return g * (b() / y); }));
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(logaddexp, a, b);
  return record(
      "logaddexp", kernels::logaddexp(a.array(), b.array()),
      wrt(a, [a = keep(a), b = keep(b)](const Tensor& g) { return g * sigmoid(a() - b()); }),
      wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) { return g * sigmoid(b() - a()); }));
}

Tensor logaddexp2(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(logaddexp2, a, b);
  constexpr double ln2 = std::numbers::ln2;
  return record("logaddexp2", kernels::logaddexp2(a.array(), b.array()),
                wrt(a, [a = keep(a),
                        b = keep(b)](const Tensor& g) { return g * sigmoid((a() - b()) * ln2); }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return g * sigmoid((b() - a()) * ln2);
                }));
}

Tensor xlogy(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(xlogy, a, b);
  if (!a.is_floating_point()) return xlogy(as_floating(a), as_floating(b));
  return record("xlogy", kernels::xlogy(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      // 0 log(b) is 0 also where b has no logarithm.
                      return xlogy(g, where((a() == 0) & (b() <= 0), 1, b()));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) { return g * (a() / b()); }));
}

// ---- three operands --------------------------------------------------------------------------------------

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  if (differ(start, end) || differ(start, weight)) {
    const Dtype dtype = result_type({&start, &end, &weight});
    return lerp(start.to(dtype), end.to(dtype), weight.to(dtype));
  }
  return record("lerp", kernels::lerp(start.array(), end.array(), weight.array()),
                wrt(start, [w = keep(weight)](const Tensor& g) { return g * (1 - w()); }),
                wrt(end, [w = keep(weight)](const Tensor& g) { return g * w(); }),
                wrt(weight, [start = keep(start), end = keep(end)](const Tensor& g) {
                  return g * (end() - start());
                }));
}

Tensor lerp(const Tensor& start, const Tensor& end, Scalar weight) {
  return lerp(start, end, scalar_like(start, weight));
}

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, const ValueOptions& options) {
  const Scalar value = options.value;
  if (differ(x, a) || differ(x, b)) {
    const Dtype dtype = result_type({&x, &a, &b});
    return addcmul(x.to(dtype), a.to(dtype), b.to(dtype), options);
  }
  check<TypeError>(x.is_floating_point() || !value.is_floating(),
                   "addcmul: value must be a whole number for operands of dtype {}, got {}",
                   x.dtype(), value.to<double>());
  return record("addcmul", kernels::addcmul(x.array(), a.array(), b.array(), value),
                wrt(x, [](const Tensor& g) { return g; }),
                wrt(a, [b = keep(b), value](const Tensor& g) { return g * (b() * value); }),
                wrt(b, [a = keep(a), value](const Tensor& g) { return g * (a() * value); }));
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, const ValueOptions& options) {
  const Scalar value = options.value;
  if (differ(x, a) || differ(x, b)) {
    const Dtype dtype = result_type({&x, &a, &b});
    return addcdiv(x.to(dtype), a.to(dtype), b.to(dtype), options);
  }
  return record("addcdiv", kernels::addcdiv(x.array(), a.array(), b.array(), value),
                wrt(x, [](const Tensor& g) { return g; }),
                wrt(a, [b = keep(b), value](const Tensor& g) { return g * (value / b()); }),
                wrt(b, [a = keep(a), b = keep(b), value](const Tensor& g) {
                  return -g * (value * a() / (b() * b()));
                }));
}

// ---- method forms ----------------------------------------------------------------------------------------

Tensor MathMethods::clamp(const Tensor& min, const Tensor& max) const {
  return reel::clamp(self(), min, max);
}
Tensor MathMethods::add(const Tensor& other, const AlphaOptions& options) const {
  return reel::add(self(), other, options);
}
Tensor MathMethods::add(Scalar other, const AlphaOptions& options) const {
  return reel::add(self(), other, options);
}
Tensor MathMethods::sub(const Tensor& other, const AlphaOptions& options) const {
  return reel::sub(self(), other, options);
}
Tensor MathMethods::sub(Scalar other, const AlphaOptions& options) const {
  return reel::sub(self(), other, options);
}
Tensor MathMethods::mul(const Tensor& other) const { return reel::mul(self(), other); }
Tensor MathMethods::mul(Scalar other) const { return reel::mul(self(), other); }
Tensor MathMethods::div(const Tensor& other, const DivOptions& options) const {
  return reel::div(self(), other, options);
}
Tensor MathMethods::div(Scalar other, const DivOptions& options) const {
  return reel::div(self(), other, options);
}
Tensor MathMethods::floor_divide(const Tensor& other) const {
  return reel::floor_divide(self(), other);
}
Tensor MathMethods::floor_divide(Scalar other) const { return reel::floor_divide(self(), other); }
Tensor MathMethods::pow(const Tensor& exponent) const { return reel::pow(self(), exponent); }
Tensor MathMethods::pow(Scalar exponent) const { return reel::pow(self(), exponent); }
Tensor MathMethods::float_power(const Tensor& exponent) const {
  return reel::float_power(self(), exponent);
}
Tensor MathMethods::float_power(Scalar exponent) const {
  return reel::float_power(self(), exponent);
}
Tensor MathMethods::maximum(const Tensor& other) const { return reel::maximum(self(), other); }
Tensor MathMethods::minimum(const Tensor& other) const { return reel::minimum(self(), other); }
Tensor MathMethods::fmax(const Tensor& other) const { return reel::fmax(self(), other); }
Tensor MathMethods::fmin(const Tensor& other) const { return reel::fmin(self(), other); }
Tensor MathMethods::fmod(const Tensor& other) const { return reel::fmod(self(), other); }
Tensor MathMethods::fmod(Scalar other) const { return reel::fmod(self(), other); }
Tensor MathMethods::remainder(const Tensor& other) const { return reel::remainder(self(), other); }
Tensor MathMethods::remainder(Scalar other) const { return reel::remainder(self(), other); }
Tensor MathMethods::atan2(const Tensor& other) const { return reel::atan2(self(), other); }
Tensor MathMethods::hypot(const Tensor& other) const { return reel::hypot(self(), other); }
Tensor MathMethods::logaddexp(const Tensor& other) const { return reel::logaddexp(self(), other); }
Tensor MathMethods::xlogy(const Tensor& other) const { return reel::xlogy(self(), other); }
Tensor MathMethods::copysign(const Tensor& other) const { return reel::copysign(self(), other); }
Tensor MathMethods::heaviside(const Tensor& values) const {
  return reel::heaviside(self(), values);
}
Tensor MathMethods::lerp(const Tensor& end, Scalar weight) const {
  return reel::lerp(self(), end, weight);
}
Tensor MathMethods::lerp(const Tensor& end, const Tensor& weight) const {
  return reel::lerp(self(), end, weight);
}
Tensor MathMethods::addcmul(const Tensor& tensor1, const Tensor& tensor2,
                            const ValueOptions& options) const {
  return reel::addcmul(self(), tensor1, tensor2, options);
}
Tensor MathMethods::addcdiv(const Tensor& tensor1, const Tensor& tensor2,
                            const ValueOptions& options) const {
  return reel::addcdiv(self(), tensor1, tensor2, options);
}
Tensor MathMethods::where(const Tensor& condition, const Tensor& other) const {
  return reel::where(condition, self(), other);
}
Tensor MathMethods::where(const Tensor& condition, Scalar other) const {
  return reel::where(condition, self(), other);
}

Tensor& InPlaceMethods::floor_divide_(const Tensor& other) {
  return rebind_inplace("floor_divide_", self(), reel::floor_divide(former(self()), other));
}
Tensor& InPlaceMethods::pow_(const Tensor& exponent) {
  return rebind_inplace("pow_", self(), reel::pow(former(self()), exponent));
}
Tensor& InPlaceMethods::pow_(Scalar exponent) {
  return rebind_inplace("pow_", self(), reel::pow(former(self()), exponent));
}
Tensor& InPlaceMethods::fmod_(const Tensor& other) {
  return rebind_inplace("fmod_", self(), reel::fmod(former(self()), other));
}
Tensor& InPlaceMethods::remainder_(const Tensor& other) {
  return rebind_inplace("remainder_", self(), reel::remainder(former(self()), other));
}
Tensor& InPlaceMethods::atan2_(const Tensor& other) {
  return rebind_inplace("atan2_", self(), reel::atan2(former(self()), other));
}
Tensor& InPlaceMethods::hypot_(const Tensor& other) {
  return rebind_inplace("hypot_", self(), reel::hypot(former(self()), other));
}
Tensor& InPlaceMethods::heaviside_(const Tensor& values) {
  return rebind_inplace("heaviside_", self(), reel::heaviside(former(self()), values));
}
Tensor& InPlaceMethods::copysign_(const Tensor& other) {
  return rebind_inplace("copysign_", self(), reel::copysign(former(self()), other));
}
Tensor& InPlaceMethods::xlogy_(const Tensor& other) {
  return rebind_inplace("xlogy_", self(), reel::xlogy(former(self()), other));
}
Tensor& InPlaceMethods::lerp_(const Tensor& end, Scalar weight) {
  return rebind_inplace("lerp_", self(), reel::lerp(former(self()), end, weight));
}
Tensor& InPlaceMethods::lerp_(const Tensor& end, const Tensor& weight) {
  return rebind_inplace("lerp_", self(), reel::lerp(former(self()), end, weight));
}
Tensor& InPlaceMethods::addcmul_(const Tensor& tensor1, const Tensor& tensor2,
                                 const ValueOptions& options) {
  return rebind_inplace("addcmul_", self(),
                        reel::addcmul(former(self()), tensor1, tensor2, options));
}
Tensor& InPlaceMethods::addcdiv_(const Tensor& tensor1, const Tensor& tensor2,
                                 const ValueOptions& options) {
  return rebind_inplace("addcdiv_", self(),
                        reel::addcdiv(former(self()), tensor1, tensor2, options));
}

}  // namespace reel
