#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/kernels/vector_math.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace reel::kernels {
namespace {

template <class F>
Array number(const char* op, const Array& x, F f) {
  return dispatch_number(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    return map<T>(x, [f](T v) { return static_cast<T>(f(v)); });
  });
}

template <class F>
Array floats(const char* op, const Array& x, F f) {
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) { return map<T>(x, f); });
}

// Functions that xsimd evaluates by whole vectors.
template <class F>
Array vectors(const char* op, const Array& x, F f) {
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) { return map_batches<T>(x, f); });
}

// Exponentials, where xsimd stops before the ends of the range: what lies there is computed one by
// one.
template <class F, class G>
Array exponential(const char* op, const Array& x, F f, G one) {
  return dispatch_float(
      x.dtype(), op, [&]<class T>(TypeTag<T>) { return map_batches<T>(x, f, kExpRange<T>, one); });
}

// Integers are whole already.
template <class F>
Array rounded(const char* op, const Array& x, F f) {
  return number(op, x, [f](auto v) {
    if constexpr (std::is_floating_point_v<decltype(v)>)
      return f(v);
    else
      return v;
  });
}

template <class F>
Array truth(const Array& x, F f) {
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) { return map<T, bool>(x, f); });
}

// A bound as a T: an integer takes what of it is in its range.
template <class T>
T bound(const std::optional<Scalar>& value, T otherwise) {
  using Limits = std::numeric_limits<T>;
  if (!value) return otherwise;
  if constexpr (std::is_floating_point_v<T>) {
    return value->to<T>();
  } else {
    const int64_t wide = value->to<int64_t>();
    if (wide < static_cast<int64_t>(Limits::min())) return Limits::min();
    return wide > static_cast<int64_t>(Limits::max()) ? Limits::max() : static_cast<T>(wide);
  }
}

template <class T>
std::pair<T, T> bounds(const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_floating_point_v<T>)
    return {bound(min, -Limits::infinity()), bound(max, Limits::infinity())};
  else
    return {bound(min, Limits::min()), bound(max, Limits::max())};
}

}  // namespace

// ---- every number ----------------------------------------------------------------------------------------

Array neg(const Array& x) {
  return number("neg", x, [](auto v) {
    if constexpr (std::is_integral_v<decltype(v)>)
      return 0 - static_cast<std::make_unsigned_t<decltype(v)>>(v);  // the lowest wraps around
    else
      return -v;
  });
}

Array abs(const Array& x) {
  return number("abs", x, [](auto v) {
    if constexpr (std::is_floating_point_v<decltype(v)>) {
      return std::abs(v);
    } else {
      const auto bits = static_cast<std::make_unsigned_t<decltype(v)>>(v);
      return static_cast<decltype(v)>(v < 0 ? 0 - bits : bits);
    }
  });
}

Array sign(const Array& x) {
  // NaN has no sign and stays NaN through neither comparison: PyTorch gives 0.
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    return map<T>(x, [](T v) {
      if constexpr (std::is_same_v<T, bool>)
        return v;
      else
        return static_cast<T>((v > 0) - (v < 0));
    });
  });
}

Array square(const Array& x) {
  return number("square", x, [](auto v) {
    if constexpr (std::is_integral_v<decltype(v)>) {
      const auto bits = static_cast<std::make_unsigned_t<decltype(v)>>(v);
      return bits * bits;
    } else {
      return v * v;
    }
  });
}

void relu(const Array& x, const Array& into) {
  dispatch_number(x.dtype(), "relu", [&]<class T>(TypeTag<T>) {
    map_into<T>(
        x, [](T v) { return v < 0 ? T{0} : v; }, into);  // NaN stays NaN
  });
}

Array floor(const Array& x) {
  return rounded("floor", x, [](auto v) { return std::floor(v); });
}

Array ceil(const Array& x) {
  return rounded("ceil", x, [](auto v) { return std::ceil(v); });
}

Array trunc(const Array& x) {
  return rounded("trunc", x, [](auto v) { return std::trunc(v); });
}

Array round(const Array& x, int decimals) {
  if (decimals == 0) return rounded("round", x, [](auto v) { return std::nearbyint(v); });
  return dispatch_float(x.dtype(), "round", [&]<class T>(TypeTag<T>) {
    const T power = static_cast<T>(std::pow(10.0, std::abs(decimals)));
    if (decimals < 0) return map<T>(x, [power](T v) { return std::nearbyint(v / power) * power; });
    return map<T>(x, [power](T v) { return std::nearbyint(v * power) / power; });
  });
}

Array nan_to_num(const Array& x, double nan, std::optional<double> posinf,
                 std::optional<double> neginf) {
  if (!is_floating(x.dtype())) return clone(x);
  return dispatch_float(x.dtype(), "nan_to_num", [&]<class T>(TypeTag<T>) {
    using Limits = std::numeric_limits<T>;
    const T none = static_cast<T>(nan);
    const T most = posinf ? static_cast<T>(*posinf) : Limits::max();
    const T least = neginf ? static_cast<T>(*neginf) : Limits::lowest();
    return map<T>(x, [=](T v) {
      if (v != v) return none;
      return v == Limits::infinity() ? most : v == -Limits::infinity() ? least : v;
    });
  });
}

Array clamp(const Array& x, std::optional<Scalar> min, std::optional<Scalar> max) {
  return dispatch_number(x.dtype(), "clamp", [&]<class T>(TypeTag<T>) {
    const auto [low, high] = bounds<T>(min, max);
    if (low != low || high != high) return Array::full(x.shape(), NAN, x.dtype());
    return map<T>(x, [low = low, high = high](T v) {
      const T above = v < low ? low : v;
      return above > high ? high : above;
    });
  });
}

Array clamp_backward(const Array& g, const Array& x, std::optional<Scalar> min,
                     std::optional<Scalar> max) {
  return dispatch_float(x.dtype(), "clamp", [&]<class T>(TypeTag<T>) {
    const auto [low, high] = bounds<T>(min, max);
    return map<T>("clamp", g, x, [low = low, high = high](T v, T at) {
      return low <= at && at <= high ? v : T{0};
    });
  });
}

// ---- truths and bits -------------------------------------------------------------------------------------

Array logical_not(const Array& x) {
  return truth(x, [](auto v) { return v == 0; });
}

Array isnan(const Array& x) {
  return truth(x, [](auto v) { return v != v; });
}

Array isinf(const Array& x) {
  return truth(x, [](auto v) {
    if constexpr (std::is_floating_point_v<decltype(v)>)
      return std::isinf(v);
    else
      return false;
  });
}

Array isfinite(const Array& x) {
  return truth(x, [](auto v) {
    if constexpr (std::is_floating_point_v<decltype(v)>)
      return std::isfinite(v);
    else
      return true;
  });
}

Array bitwise_not(const Array& x) {
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) -> Array {
    if constexpr (std::is_same_v<T, bool>)
      return map<T>(x, [](T v) { return !v; });
    else if constexpr (std::is_integral_v<T>)
      return map<T>(x, [](T v) { return static_cast<T>(~v); });
    else
      fail<TypeError>("bitwise_not: expected an integer or bool dtype, got {}", x.dtype());
  });
}

// ---- real functions --------------------------------------------------------------------------------------

Array frac(const Array& x) {
  return floats("frac", x, [](auto v) { return v - std::trunc(v); });
}

Array sqrt(const Array& x) {
  return floats("sqrt", x, [](auto v) { return std::sqrt(v); });
}

Array rsqrt(const Array& x) {
  return floats("rsqrt", x, [](auto v) { return 1 / std::sqrt(v); });
}

Array reciprocal(const Array& x) {
  return floats("reciprocal", x, [](auto v) { return 1 / v; });
}

Array exp(const Array& x) {
  return exponential(
      "exp", x, [](auto v) { return xsimd::exp(v); }, [](auto v) { return std::exp(v); });
}

Array exp2(const Array& x) {
  return exponential(
      "exp2", x, [](auto v) { return xsimd::exp2(v); }, [](auto v) { return std::exp2(v); });
}

Array expm1(const Array& x) {
  return exponential(
      "expm1", x, [](auto v) { return xsimd::expm1(v); }, [](auto v) { return std::expm1(v); });
}

Array log(const Array& x) {
  return vectors("log", x, [](auto v) {
    return vector_log(
        v, [](auto u) { return xsimd::log(u); }, std::numbers::ln2);
  });
}

Array log1p(const Array& x) {
  return vectors("log1p", x, [](auto v) { return xsimd::log1p(v); });
}

Array log2(const Array& x) {
  return vectors("log2", x, [](auto v) {
    return vector_log(
        v, [](auto u) { return xsimd::log2(u); }, 1);
  });
}

Array log10(const Array& x) {
  return vectors("log10", x, [](auto v) {
    return vector_log(
        v, [](auto u) { return xsimd::log10(u); }, std::numbers::ln2 / std::numbers::ln10);
  });
}

Array sin(const Array& x) {
  return vectors("sin", x, [](auto v) {
    return vector_periodic(
        v, [](auto u) { return xsimd::sin(u); }, [](auto u) { return std::sin(u); });
  });
}

Array cos(const Array& x) {
  return vectors("cos", x, [](auto v) {
    return vector_periodic(
        v, [](auto u) { return xsimd::cos(u); }, [](auto u) { return std::cos(u); });
  });
}

Array tan(const Array& x) {
  return vectors("tan", x, [](auto v) {
    return vector_periodic(
        v, [](auto u) { return xsimd::tan(u); }, [](auto u) { return std::tan(u); });
  });
}

Array asin(const Array& x) {
  return vectors("asin", x, [](auto v) { return xsimd::asin(v); });
}

Array acos(const Array& x) {
  return vectors("acos", x, [](auto v) { return xsimd::acos(v); });
}

Array atan(const Array& x) {
  return vectors("atan", x, [](auto v) { return xsimd::atan(v); });
}

Array sinh(const Array& x) {
  return exponential(
      "sinh", x, [](auto v) { return xsimd::sinh(v); }, [](auto v) { return std::sinh(v); });
}

Array cosh(const Array& x) {
  return exponential(
      "cosh", x, [](auto v) { return xsimd::cosh(v); }, [](auto v) { return std::cosh(v); });
}

Array tanh(const Array& x) {
  return vectors("tanh", x, [](auto v) { return xsimd::tanh(v); });
}

Array asinh(const Array& x) {
  return vectors("asinh", x, [](auto v) { return xsimd::asinh(v); });
}

Array acosh(const Array& x) {
  return vectors("acosh", x, [](auto v) {
    using Batch = decltype(v);  // xsimd's is not NaN for every number below 1
    return xsimd::select(v < Batch(1), Batch(NAN), xsimd::acosh(v));
  });
}

Array atanh(const Array& x) {
  return vectors("atanh", x, [](auto v) { return xsimd::atanh(v); });
}

Array sigmoid(const Array& x) {
  return exponential(
      "sigmoid", x, [](auto v) { return decltype(v)(1) / (decltype(v)(1) + xsimd::exp(-v)); },
      [](auto v) { return v > 0 ? decltype(v){1} : std::exp(v); });
}

Array logit(const Array& x) {
  return vectors("logit", x, [](auto v) {
    return vector_log(
        v / (decltype(v)(1) - v), [](auto u) { return xsimd::log(u); }, std::numbers::ln2);
  });
}

}  // namespace reel::kernels
