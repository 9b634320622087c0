#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/map.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace reel::kernels {
namespace {

template <class F>
Array numbers(const char* op, const Array& a, const Array& b, const Array* into, F f) {
  return dispatch_number(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    return map<T>(
        op, a, b, [f](T x, T y) { return static_cast<T>(f(x, y)); }, into);
  });
}

template <class F>
Array anything(const char* op, const Array& a, const Array& b, const Array* into, F f) {
  return dispatch_any(a.dtype(), [&]<class T>(TypeTag<T>) {
    return map<T>(
        op, a, b, [f](T x, T y) { return static_cast<T>(f(x, y)); }, into);
  });
}

template <class F>
Array predicate(const char* op, const Array& a, const Array& b, F f) {
  return dispatch_any(a.dtype(), [&]<class T>(TypeTag<T>) { return map<T, bool>(op, a, b, f); });
}

template <class F>
Array number(const char* op, const Array& x, F f) {
  return dispatch_number(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    return map<T>(x, [f](T v) { return static_cast<T>(f(v)); });
  });
}

// Functions that xsimd evaluates by whole vectors.
template <class F>
Array vectors(const char* op, const Array& x, F f) {
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    const Array source = contiguous(x);
    Array y = Array::empty(x.shape(), x.dtype());
    simd_row(x.numel(), source.data<T>(), y.data<T>(), f);
    return y;
  });
}

template <class T>
T integer_power(T base, T exponent) {
  T result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = static_cast<T>(result * base);
    base = static_cast<T>(base * base);
  }
  return result;
}

// The exponents that occur daily, without a call of pow.
template <class T>
Array float_power(const Array& a, const Array& b) {
  if (b.numel() == 1 && b.rank() <= a.rank()) {
    const T exponent = *b.data<T>();
    if (exponent == T{1}) return map<T>(a, [](T x) { return x; });
    if (exponent == T{2}) return map<T>(a, [](T x) { return x * x; });
    if (exponent == T{3}) return map<T>(a, [](T x) { return x * x * x; });
    if (exponent == T{-1}) return map<T>(a, [](T x) { return T{1} / x; });
    if (exponent == T{0.5}) return map<T>(a, [](T x) { return std::sqrt(x); });
  }
  return map<T>("pow", a, b, [](T x, T y) { return std::pow(x, y); });
}

}  // namespace

Array add(const Array& a, const Array& b, const Array* into) {
  return anything("add", a, b, into, [](auto x, auto y) { return x + y; });
}

Array sub(const Array& a, const Array& b, const Array* into) {
  return numbers("sub", a, b, into, [](auto x, auto y) { return x - y; });
}

Array mul(const Array& a, const Array& b, const Array* into) {
  return anything("mul", a, b, into, [](auto x, auto y) { return x * y; });
}

Array div(const Array& a, const Array& b, const Array* into) {
  return dispatch_float(a.dtype(), "div", [&]<class T>(TypeTag<T>) {
    return map<T>(
        "div", a, b, [](T x, T y) { return x / y; }, into);
  });
}

Array pow(const Array& a, const Array& b) {
  return dispatch_number(a.dtype(), "pow", [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_floating_point_v<T>) {
      return float_power<T>(a, b);
    } else {
      return map<T>("pow", a, b, [](T x, T y) {
        if constexpr (std::is_signed_v<T>)
          check(y >= 0, "pow: integers to negative integer powers are not allowed, got {}", y);
        return integer_power(x, y);
      });
    }
  });
}

Array maximum(const Array& a, const Array& b) {
  return anything("maximum", a, b, nullptr, [](auto x, auto y) { return x > y || x != x ? x : y; });
}

Array minimum(const Array& a, const Array& b) {
  return anything("minimum", a, b, nullptr, [](auto x, auto y) { return x < y || x != x ? x : y; });
}

Array where(const Array& condition, const Array& a, const Array& b) {
  const Shape shape =
      broadcast_shapes("where", broadcast_shapes("where", condition.shape(), a.shape()), b.shape());
  return dispatch_any(a.dtype(), [&]<class T>(TypeTag<T>) {
    Array y = Array::empty(shape, a.dtype());
    const auto expand = [&](const Array& x) {
      return expand_strides("where", x.shape(), x.strides(), shape);
    };
    for_each_row<4>(shape, {expand(condition), expand(a), expand(b), y.strides()},
                    [&](int64_t n, const auto& at, const auto& step) {
                      const bool* c = condition.data<bool>() + at[0];
                      const T *p = a.data<T>() + at[1], *q = b.data<T>() + at[2];
                      T* out = y.data<T>() + at[3];
                      for (int64_t i = 0; i < n; ++i)
                        out[i * step[3]] = c[i * step[0]] ? p[i * step[1]] : q[i * step[2]];
                    });
    return y;
  });
}

Array threshold_backward(const Array& g, const Array& y) {
  return numbers("relu", g, y, nullptr,
                 [](auto v, auto at) { return at <= 0 ? decltype(v){0} : v; });
}

Array eq(const Array& a, const Array& b) {
  return predicate("eq", a, b, [](auto x, auto y) { return x == y; });
}

Array ne(const Array& a, const Array& b) {
  return predicate("ne", a, b, [](auto x, auto y) { return x != y; });
}

Array lt(const Array& a, const Array& b) {
  return predicate("lt", a, b, [](auto x, auto y) { return x < y; });
}

Array le(const Array& a, const Array& b) {
  return predicate("le", a, b, [](auto x, auto y) { return x <= y; });
}

Array logical_and(const Array& a, const Array& b) {
  return predicate("logical_and", a, b, [](auto x, auto y) { return x != 0 && y != 0; });
}

Array logical_or(const Array& a, const Array& b) {
  return predicate("logical_or", a, b, [](auto x, auto y) { return x != 0 || y != 0; });
}

Array logical_not(const Array& x) {
  return dispatch_any(
      x.dtype(), [&]<class T>(TypeTag<T>) { return map<T, bool>(x, [](T v) { return v == 0; }); });
}

Array isnan(const Array& x) {
  return dispatch_any(
      x.dtype(), [&]<class T>(TypeTag<T>) { return map<T, bool>(x, [](T v) { return v != v; }); });
}

Array neg(const Array& x) {
  return number("neg", x, [](auto v) { return -v; });
}

Array abs(const Array& x) {
  return number("abs", x, [](auto v) {
    if constexpr (std::is_unsigned_v<decltype(v)>)
      return v;
    else
      return std::abs(v);
  });
}

Array sign(const Array& x) {
  // NaN has no sign and stays NaN through neither comparison: PyTorch gives 0.
  return number("sign", x, [](auto v) { return (v > 0) - (v < 0); });
}

Array square(const Array& x) {
  return number("square", x, [](auto v) { return v * v; });
}

Array relu(const Array& x) {
  return number("relu", x, [](auto v) { return v < 0 ? decltype(v){0} : v; });  // NaN stays NaN
}

Array sqrt(const Array& x) {
  return dispatch_float(x.dtype(), "sqrt", [&]<class T>(TypeTag<T>) {
    return map<T>(x, [](T v) { return std::sqrt(v); });
  });
}

Array exp(const Array& x) {
  return vectors("exp", x, [](auto v) { return xsimd::exp(v); });
}

Array log(const Array& x) {
  return vectors("log", x, [](auto v) {
    using Batch = decltype(v);
    using T = typename Batch::value_type;
    // xsimd's log is wrong for numbers below the normal range: they are raised into it first.
    constexpr int bits = std::numeric_limits<T>::digits;
    const auto tiny = v < Batch(std::numeric_limits<T>::min());
    const Batch raised = xsimd::select(tiny, v * Batch(std::ldexp(T{1}, bits)), v);
    return xsimd::log(raised) -
           xsimd::select(tiny, Batch(static_cast<T>(bits * std::numbers::ln2)), Batch(T{0}));
  });
}

Array tanh(const Array& x) {
  return vectors("tanh", x, [](auto v) { return xsimd::tanh(v); });
}

Array sigmoid(const Array& x) {
  return vectors("sigmoid", x,
                 [](auto v) { return decltype(v)(1) / (decltype(v)(1) + xsimd::exp(-v)); });
}

}  // namespace reel::kernels
