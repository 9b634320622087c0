// The elementwise kernels of two and three operands.
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/map.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace reel::kernels {
namespace {

template <class F>
void numbers(const char* op, const Array& a, const Array& b, const Array& into, F f) {
  dispatch_number(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    map_into<T>(
        op, a, b, [f](T x, T y) { return static_cast<T>(f(x, y)); }, into);
  });
}

template <class F>
Array numbers(const char* op, const Array& a, const Array& b, F f) {
  Array y = empty_broadcast(op, a, b, a.dtype());
  numbers(op, a, b, y, f);
  return y;
}

template <class F>
void anything(const char* op, const Array& a, const Array& b, const Array& into, F f) {
  dispatch_any(a.dtype(), [&]<class T>(TypeTag<T>) {
    map_into<T>(
        op, a, b, [f](T x, T y) { return static_cast<T>(f(x, y)); }, into);
  });
}

template <class F>
Array anything(const char* op, const Array& a, const Array& b, F f) {
  Array y = empty_broadcast(op, a, b, a.dtype());
  anything(op, a, b, y, f);
  return y;
}

template <class F>
void floats(const char* op, const Array& a, const Array& b, const Array& into, F f) {
  dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) { map_into<T>(op, a, b, f, into); });
}

template <class F>
Array floats(const char* op, const Array& a, const Array& b, F f) {
  Array y = empty_broadcast(op, a, b, a.dtype());
  floats(op, a, b, y, f);
  return y;
}

template <class F>
Array predicate(const char* op, const Array& a, const Array& b, F f) {
  return dispatch_any(a.dtype(), [&]<class T>(TypeTag<T>) { return map<T, bool>(op, a, b, f); });
}

// What a kernel that writes into an array gives as a new one.
Array fresh(const char* op, void (*kernel)(const Array&, const Array&, const Array& into),
            const Array& a, const Array& b) {
  Array y = empty_broadcast(op, a, b, a.dtype());
  kernel(a, b, y);
  return y;
}

// Formulas of integers that floating types are not asked for.
template <class F>
auto on_integers(F f) {
  return [f](auto x, auto y) {
    if constexpr (std::is_integral_v<decltype(x)>)
      return f(x, y);
    else
      return x;
  };
}

template <class F>
Array bits(const char* op, const Array& a, const Array& b, F f) {
  check<TypeError>(!is_floating(a.dtype()), "{}: expected an integer or bool dtype, got {}", op,
                   a.dtype());
  return anything(op, a, b, on_integers(f));
}

template <class F>
Array shift(const char* op, const Array& a, const Array& b, F f) {
  check<TypeError>(!is_floating(a.dtype()), "{}: expected an integer dtype, got {}", op, a.dtype());
  return numbers(op, a, b, on_integers(f));
}

// What integers are added and multiplied in, so that they wrap around.
template <class T>
struct Unsigned : std::make_unsigned<T> {};
template <>
struct Unsigned<bool> {
  using type = bool;
};
template <class T>
auto wrapping(T x) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<typename Unsigned<T>::type>(x);
  else
    return x;
}

template <class T>
T divisor(const char* op, T y) {
  check(y != 0, "{}: an integer cannot be divided by zero", op);
  return y;
}

// x / y for integers; the lowest by -1 wraps around.
template <class T>
T quotient(const char* op, T x, T y) {
  if constexpr (std::is_signed_v<T>) {
    if (y == -1) return static_cast<T>(0 - wrapping(x));
  }
  return static_cast<T>(x / divisor(op, y));
}

template <class T>
T rest(const char* op, T x, T y) {
  if constexpr (std::is_signed_v<T>) {
    if (y == -1) return 0;
  }
  return static_cast<T>(x % divisor(op, y));
}

// The rest of x / y that has y's sign.
template <class T>
T remainder_of(T x, T y) {
  T r;
  if constexpr (std::is_floating_point_v<T>)
    r = std::fmod(x, y);
  else
    r = rest("remainder", x, y);
  return r != 0 && (r < 0) != (y < 0) ? static_cast<T>(r + y) : r;
}

// From the rest, which is exact: x / y itself may have been rounded up to a whole number.
template <class T>
T floor_of_quotient(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    if (y == 0) return x / y;
    const T r = std::fmod(x, y);
    const T whole = (x - r) / y - (r != 0 && (r < 0) != (y < 0) ? T{1} : T{0});
    return whole == 0 ? std::copysign(T{0}, x / y) : std::nearbyint(whole);
  } else {
    const T whole = quotient("floor_divide", x, y);
    return static_cast<T>(whole - (rest("floor_divide", x, y) != 0 && (x < 0) != (y < 0)));
  }
}

template <class T>
T integer_power(T base, T exponent) {
  auto result = wrapping(T{1}), factor = wrapping(base);
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = static_cast<decltype(result)>(result * factor);
    factor = static_cast<decltype(factor)>(factor * factor);
  }
  return static_cast<T>(result);
}

// The exponents that occur daily, without a call of pow.
template <class T>
Array float_power(const Array& a, const Array& b) {
  if (b.numel() == 1 && b.rank() <= a.rank()) {
    const T exponent = *b.data<T>();
    if (exponent == T{0}) return map<T>(a, [](T) { return T{1}; });
    if (exponent == T{1}) return map<T>(a, [](T x) { return x; });
    if (exponent == T{2}) return map<T>(a, [](T x) { return x * x; });
    if (exponent == T{3}) return map<T>(a, [](T x) { return x * x * x; });
    if (exponent == T{-1}) return map<T>(a, [](T x) { return T{1} / x; });
    if (exponent == T{0.5}) return map<T>(a, [](T x) { return std::sqrt(x); });
  }
  return map<T>("pow", a, b, [](T x, T y) { return std::pow(x, y); });
}

}  // namespace

// ---- arithmetic ------------------------------------------------------------------------------------------

void add(const Array& a, const Array& b, const Array& into) {
  anything("add", a, b, into, [](auto x, auto y) { return wrapping(x) + wrapping(y); });
}

void sub(const Array& a, const Array& b, const Array& into) {
  numbers("sub", a, b, into, [](auto x, auto y) { return wrapping(x) - wrapping(y); });
}

void mul(const Array& a, const Array& b, const Array& into) {
  anything("mul", a, b, into, [](auto x, auto y) { return wrapping(x) * wrapping(y); });
}

void div(const Array& a, const Array& b, const Array& into) {
  floats("div", a, b, into, [](auto x, auto y) { return x / y; });
}

Array add(const Array& a, const Array& b) { return fresh("add", add, a, b); }
Array sub(const Array& a, const Array& b) { return fresh("sub", sub, a, b); }
Array mul(const Array& a, const Array& b) { return fresh("mul", mul, a, b); }
Array div(const Array& a, const Array& b) { return fresh("div", div, a, b); }

Array floor_divide(const Array& a, const Array& b) {
  return numbers("floor_divide", a, b, [](auto x, auto y) { return floor_of_quotient(x, y); });
}

Array trunc_divide(const Array& a, const Array& b) {
  return numbers("div", a, b, [](auto x, auto y) {
    if constexpr (std::is_floating_point_v<decltype(x)>)
      return std::trunc(x / y);
    else
      return quotient("div", x, y);
  });
}

Array remainder(const Array& a, const Array& b) {
  return numbers("remainder", a, b, [](auto x, auto y) { return remainder_of(x, y); });
}

Array fmod(const Array& a, const Array& b) {
  return numbers("fmod", a, b, [](auto x, auto y) {
    if constexpr (std::is_floating_point_v<decltype(x)>)
      return std::fmod(x, y);
    else
      return rest("fmod", x, y);
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
  return anything("maximum", a, b, [](auto x, auto y) { return x > y || x != x ? x : y; });
}

Array minimum(const Array& a, const Array& b) {
  return anything("minimum", a, b, [](auto x, auto y) { return x < y || x != x ? x : y; });
}

Array fmax(const Array& a, const Array& b) {
  return anything("fmax", a, b, [](auto x, auto y) { return x > y || y != y ? x : y; });
}

Array fmin(const Array& a, const Array& b) {
  return anything("fmin", a, b, [](auto x, auto y) { return x < y || y != y ? x : y; });
}

Array heaviside(const Array& a, const Array& b) {
  return anything("heaviside", a, b,
                  [](auto x, auto y) { return x == 0 ? y : static_cast<decltype(y)>(x > 0); });
}

// ---- gradients -------------------------------------------------------------------------------------------

void threshold_backward(const Array& g, const Array& y, const Array& into) {
  numbers("relu", g, y, into, [](auto v, auto at) { return at <= 0 ? decltype(v){0} : v; });
}

void tanh_backward(const Array& g, const Array& y, const Array& into) {
  floats("tanh", g, y, into, [](auto v, auto at) { return v * (1 - at * at); });
}

void sigmoid_backward(const Array& g, const Array& y, const Array& into) {
  floats("sigmoid", g, y, into, [](auto v, auto at) { return v * (at * (1 - at)); });
}

Array threshold_backward(const Array& g, const Array& y) {
  return fresh("relu", threshold_backward, g, y);
}
Array tanh_backward(const Array& g, const Array& y) { return fresh("tanh", tanh_backward, g, y); }
Array sigmoid_backward(const Array& g, const Array& y) {
  return fresh("sigmoid", sigmoid_backward, g, y);
}

// ---- real functions --------------------------------------------------------------------------------------

Array atan2(const Array& a, const Array& b) {
  return floats("atan2", a, b, [](auto x, auto y) { return std::atan2(x, y); });
}

Array hypot(const Array& a, const Array& b) {
  return floats("hypot", a, b, [](auto x, auto y) { return std::hypot(x, y); });
}

Array copysign(const Array& a, const Array& b) {
  return floats("copysign", a, b, [](auto x, auto y) { return std::copysign(x, y); });
}

// Equal operands include equal infinities, whose difference would be NaN.
Array logaddexp(const Array& a, const Array& b) {
  return floats("logaddexp", a, b, [](auto x, auto y) {
    using T = decltype(x);
    if (x == y) return x + std::numbers::ln2_v<T>;
    return (x > y ? x : y) + std::log1p(std::exp(-std::abs(x - y)));
  });
}

Array logaddexp2(const Array& a, const Array& b) {
  return floats("logaddexp2", a, b, [](auto x, auto y) {
    using T = decltype(x);
    if (x == y) return x + T{1};
    const T small = std::log1p(std::exp2(-std::abs(x - y)));
    return (x > y ? x : y) + small / std::numbers::ln2_v<T>;
  });
}

Array xlogy(const Array& a, const Array& b) {
  return floats("xlogy", a, b, [](auto x, auto y) {
    if (y != y) return y;
    return x == 0 ? decltype(x){0} : x * std::log(y);
  });
}

// ---- three operands --------------------------------------------------------------------------------------

Array where(const Array& condition, const Array& a, const Array& b) {
  // Read as bytes: GCC 12 does not vectorise a choice by bools.
  return dispatch_any(a.dtype(), [&]<class T>(TypeTag<T>) {
    return map<uint8_t, T>("where", condition, a, b,
                           [](uint8_t c, T x, T y) { return c != 0 ? x : y; });
  });
}

Array lerp(const Array& start, const Array& end, const Array& weight) {
  // From the nearer end, so that the weights 0 and 1 are exact.
  return dispatch_float(start.dtype(), "lerp", [&]<class T>(TypeTag<T>) {
    return map<T, T>("lerp", start, end, weight, [](T x, T y, T w) {
      return std::abs(w) < T{0.5} ? x + w * (y - x) : y - (y - x) * (1 - w);
    });
  });
}

Array addcmul(const Array& x, const Array& a, const Array& b, Scalar value) {
  return dispatch_number(x.dtype(), "addcmul", [&]<class T>(TypeTag<T>) {
    const auto factor = wrapping(value.to<T>());
    return map<T, T>("addcmul", x, a, b, [factor](T v, T p, T q) {
      return static_cast<T>(wrapping(v) + factor * wrapping(p) * wrapping(q));
    });
  });
}

Array addcdiv(const Array& x, const Array& a, const Array& b, Scalar value) {
  return dispatch_float(x.dtype(), "addcdiv", [&]<class T>(TypeTag<T>) {
    const T factor = value.to<T>();
    return map<T, T>("addcdiv", x, a, b, [factor](T v, T p, T q) { return v + factor * p / q; });
  });
}

// ---- truths ----------------------------------------------------------------------------------------------

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

Array isclose(const Array& a, const Array& b, double rtol, double atol, bool equal_nan) {
  return predicate("isclose", a, b, [=](auto x, auto y) {
    if (x == y) return true;
    if (x != x || y != y) return equal_nan && x != x && y != y;
    const double wanted = static_cast<double>(y);
    const double error = std::abs(static_cast<double>(x) - wanted);
    return std::isfinite(error) && error <= atol + std::abs(rtol * wanted);
  });
}

Array logical_and(const Array& a, const Array& b) {
  return predicate("logical_and", a, b, [](auto x, auto y) { return x != 0 && y != 0; });
}

Array logical_or(const Array& a, const Array& b) {
  return predicate("logical_or", a, b, [](auto x, auto y) { return x != 0 || y != 0; });
}

Array logical_xor(const Array& a, const Array& b) {
  return predicate("logical_xor", a, b, [](auto x, auto y) { return (x != 0) != (y != 0); });
}

// ---- bits ------------------------------------------------------------------------------------------------

Array bitwise_and(const Array& a, const Array& b) {
  return bits("bitwise_and", a, b, [](auto x, auto y) { return x & y; });
}

Array bitwise_or(const Array& a, const Array& b) {
  return bits("bitwise_or", a, b, [](auto x, auto y) { return x | y; });
}

Array bitwise_xor(const Array& a, const Array& b) {
  return bits("bitwise_xor", a, b, [](auto x, auto y) { return x ^ y; });
}

Array bitwise_left_shift(const Array& a, const Array& b) {
  return shift("bitwise_left_shift", a, b, [](auto x, auto y) {
    const bool in_range = y >= 0 && static_cast<uint64_t>(y) < 8 * sizeof(x);
    return in_range ? wrapping(x) << y : decltype(wrapping(x) << y){0};
  });
}

Array bitwise_right_shift(const Array& a, const Array& b) {
  return shift("bitwise_right_shift", a, b, [](auto x, auto y) {
    constexpr auto most = static_cast<decltype(y)>(8 * sizeof(x) - 1);
    return x >> (y >= 0 && y < most ? y : most);
  });
}

}  // namespace reel::kernels
