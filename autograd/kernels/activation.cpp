#include <reel/autograd/kernels/activation.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/vector_math.h>

// GCC 12 warns of its own AVX-512 header (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace reel::kernels {
namespace {

// One loop for whole and padded batches: a second copy of f may be compiled to other roundings.
template <class T, class F>
[[gnu::noinline]] void slope_batches(int64_t n, const T* g, const T* x, T* y, F f) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = static_cast<int64_t>(Batch::size);
  for (int64_t i = 0; i < n; i += width)
    f(Batch::load_unaligned(g + i), Batch::load_unaligned(x + i)).store_unaligned(y + i);
}

template <class T, class F>
void slope_row(int64_t n, const T* g, const T* x, T* y, F f) {
  constexpr int64_t width = static_cast<int64_t>(xsimd::batch<T>::size);
  const int64_t rest = n % width, whole = n - rest;
  slope_batches(whole, g, x, y, f);
  if (rest == 0) return;
  alignas(64) T a[width] = {}, b[width] = {};
  std::copy(g + whole, g + n, a);
  std::copy(x + whole, x + n, b);
  slope_batches(width, a, b, a, f);
  std::copy(a, a + rest, y + whole);
}

// f(x) by whole vectors.
template <class F>
Array curve(const char* op, const Array& x, F f) {
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) { return map_batches<T>(x, f); });
}

// f(g, x) by whole vectors.
template <class F>
Array slope(const char* op, const Array& g, const Array& x, F f) {
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    const Array given = contiguous(g), source = contiguous(x);
    Array y = Array::empty(x.shape(), x.dtype());
    const T *factor = given.data<T>(), *from = source.data<T>();
    T* to = y.data<T>();
    for_pieces(x.numel(), kCostlyPiece,
               [&](int64_t i, int64_t n) { slope_row(n, factor + i, from + i, to + i, f); });
    return y;
  });
}

// ---- formulas for whole vectors ----------------------------------------------------------------------------

template <class B>
B all(double value) {
  return B(static_cast<typename B::value_type>(value));
}

// Finite for every x: an exponential of nothing above 0.
template <class B>
B sigmoid_of(B x) {
  const B power = xsimd::exp(-xsimd::abs(x));
  return xsimd::select(x < all<B>(0), power, all<B>(1)) / (all<B>(1) + power);
}

// log(1 + exp(-|x|)).
template <class B>
B softplus_of_minus_abs(B x) {
  return xsimd::log1p(xsimd::exp(-xsimd::abs(x)));
}

// tanh(log(1 + exp(x))) = ((1 + exp(x))^2 - 1) / ((1 + exp(x))^2 + 1), with exp(-2 x) taken out of
// both above 0: nothing overflows and nothing cancels.
template <class B>
B tanh_of_softplus(B x) {
  const B e = xsimd::exp(-xsimd::abs(x)), one = all<B>(1), two = all<B>(2);
  const auto below = x < all<B>(0);
  const B top = xsimd::select(below, e * (e + two), one + two * e);
  return top / (top + two * xsimd::select(below, one, e * e));
}

// The normal distribution. xsimd's erf has float32's digits, not float64's.
template <class B>
B normal_cdf(B x) {
  const B y = x * all<B>(1 / std::numbers::sqrt2);
  if constexpr (sizeof(typename B::value_type) == sizeof(float)) {
    return all<B>(0.5) * (all<B>(1) + xsimd::erf(y));
  } else {
    alignas(64) double lanes[B::size];
    y.store_aligned(lanes);
    for (double& lane : lanes) lane = 0.5 * std::erfc(-lane);
    return B::load_aligned(lanes);
  }
}

template <class B>
B normal_density(B x) {
  const double factor = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return xsimd::exp(x * x * all<B>(-0.5)) * all<B>(factor);
}

// gelu by tanh is x sigmoid(kLinear x + kCubic x^3).
constexpr double kLinear = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
constexpr double kCubic = 0.044715 * kLinear;

}  // namespace

// ---- smooth ------------------------------------------------------------------------------------------------

Array silu(const Array& x) {
  return curve("silu", x, [](auto v) { return v * sigmoid_of(v); });
}

Array silu_backward(const Array& g, const Array& x) {
  return slope("silu", g, x, []<class B>(B h, B v) {
    const B s = sigmoid_of(v);
    return h * (s * (all<B>(1) + v * (all<B>(1) - s)));
  });
}

Array gelu(const Array& x, bool tanh) {
  if (!tanh) return curve("gelu", x, [](auto v) { return v * normal_cdf(v); });
  return curve("gelu", x, []<class B>(B v) {
    return v * sigmoid_of(v * (all<B>(kLinear) + all<B>(kCubic) * v * v));
  });
}

Array gelu_backward(const Array& g, const Array& x, bool tanh) {
  if (!tanh) {
    return slope("gelu", g, x,
                 [](auto h, auto v) { return h * (normal_cdf(v) + v * normal_density(v)); });
  }
  return slope("gelu", g, x, []<class B>(B h, B v) {
    const B square = v * v, s = sigmoid_of(v * (all<B>(kLinear) + all<B>(kCubic) * square));
    const B inner = all<B>(kLinear) + all<B>(3 * kCubic) * square;
    return h * (s + v * (s * (all<B>(1) - s)) * inner);
  });
}

Array mish(const Array& x) {
  return curve("mish", x, [](auto v) { return v * tanh_of_softplus(v); });
}

Array mish_backward(const Array& g, const Array& x) {
  return slope("mish", g, x, []<class B>(B h, B v) {
    const B t = tanh_of_softplus(v);
    return h * (t + v * sigmoid_of(v) * (all<B>(1) - t * t));
  });
}

Array logsigmoid(const Array& x) {
  return curve("logsigmoid", x, []<class B>(B v) {
    return xsimd::select(v < all<B>(0), v, all<B>(0)) - softplus_of_minus_abs(v);
  });
}

Array logsigmoid_backward(const Array& g, const Array& x) {
  return slope("logsigmoid", g, x, [](auto h, auto v) { return h * sigmoid_of(-v); });
}

Array softplus(const Array& x, double beta, double threshold) {
  return curve("softplus", x, [=]<class B>(B v) {
    const B z = v * all<B>(beta);
    const B rising = xsimd::select(z > all<B>(0), z, all<B>(0));
    return xsimd::select(z > all<B>(threshold), v,
                         (rising + softplus_of_minus_abs(z)) / all<B>(beta));
  });
}

Array softplus_backward(const Array& g, const Array& x, double beta, double threshold) {
  return slope("softplus", g, x, [=]<class B>(B h, B v) {
    const B z = v * all<B>(beta);
    return xsimd::select(z > all<B>(threshold), h, h * sigmoid_of(z));
  });
}

// xsimd's expm1 ends with float32's or float64's range; there the value has long been -1.
Array elu(const Array& x, double depth, double scale, double rate) {
  return curve("elu", x, [=]<class B>(B v) {
    const B least(-kExpRange<typename B::value_type>);
    const auto below = v <= all<B>(0);
    const B z = xsimd::select(below, v * all<B>(rate), all<B>(0));
    const B bent = xsimd::expm1(xsimd::select(z < least, least, z)) * all<B>(depth);
    return xsimd::select(below, bent, v * all<B>(scale));
  });
}

Array elu_backward(const Array& g, const Array& x, double depth, double scale, double rate) {
  return slope("elu", g, x, [=]<class B>(B h, B v) {
    const auto below = v <= all<B>(0);
    const B z = xsimd::select(below, v * all<B>(rate), all<B>(0));
    return h * xsimd::select(below, xsimd::exp(z) * all<B>(depth * rate), all<B>(scale));
  });
}

// ---- made of straight lines ----------------------------------------------------------------------------------

Array leaky_relu(const Array& x, double factor) {
  return curve("leaky_relu", x,
               [=]<class B>(B v) { return xsimd::select(v > all<B>(0), v, v * all<B>(factor)); });
}

Array leaky_relu_backward(const Array& g, const Array& x, double factor) {
  return slope("leaky_relu", g, x, [=]<class B>(B h, B v) {
    return xsimd::select(v > all<B>(0), h, h * all<B>(factor));
  });
}

Array hardtanh_backward(const Array& g, const Array& x, double min, double max) {
  return slope("hardtanh", g, x, [=]<class B>(B h, B v) {
    return xsimd::select(v <= all<B>(min) || v >= all<B>(max), all<B>(0), h);
  });
}

namespace {

template <class B>
B from_0_to_6(B x) {
  const B positive = xsimd::select(x < all<B>(0), all<B>(0), x);
  return xsimd::select(positive > all<B>(6), all<B>(6), positive);
}

}  // namespace

Array hardsigmoid(const Array& x) {
  return curve("hardsigmoid", x,
               []<class B>(B v) { return from_0_to_6(v + all<B>(3)) / all<B>(6); });
}

Array hardsigmoid_backward(const Array& g, const Array& x) {
  return slope("hardsigmoid", g, x, []<class B>(B h, B v) {
    return xsimd::select(v > all<B>(-3) && v < all<B>(3), h / all<B>(6), all<B>(0));
  });
}

Array hardswish(const Array& x) {
  return curve("hardswish", x,
               []<class B>(B v) { return v * from_0_to_6(v + all<B>(3)) / all<B>(6); });
}

Array hardswish_backward(const Array& g, const Array& x) {
  return slope("hardswish", g, x, []<class B>(B h, B v) {
    const B bent = h * (v / all<B>(3) + all<B>(0.5));
    return xsimd::select(v < all<B>(-3), all<B>(0), xsimd::select(v <= all<B>(3), bent, h));
  });
}

Array hardshrink(const Array& x, double lambd) { return shrink_backward(x, x, lambd); }

Array softshrink(const Array& x, double lambd) {
  return curve("softshrink", x, [=]<class B>(B v) {
    const B width = all<B>(lambd), rest = xsimd::select(v < -width, v + width, all<B>(0));
    return xsimd::select(v > width, v - width, rest);
  });
}

Array shrink_backward(const Array& g, const Array& x, double lambd) {
  return slope("hardshrink", g, x, [=]<class B>(B h, B v) {
    return xsimd::select(v >= all<B>(-lambd) && v <= all<B>(lambd), all<B>(0), h);
  });
}

Array threshold(const Array& x, double threshold, double value) {
  return dispatch_number(x.dtype(), "threshold", [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_integral_v<T>) {  // the threshold may lie between two integers
      const T instead = static_cast<T>(static_cast<int64_t>(value));
      return map<T>(x, [=](T v) { return static_cast<double>(v) <= threshold ? instead : v; });
    } else {
      const T most = static_cast<T>(threshold), instead = static_cast<T>(value);
      return map<T>(x, [=](T v) { return v <= most ? instead : v; });
    }
  });
}

Array threshold_backward(const Array& g, const Array& x, double threshold) {
  return slope("threshold", g, x, [=]<class B>(B h, B v) {
    return xsimd::select(v <= all<B>(threshold), all<B>(0), h);
  });
}

Array prelu(const Array& x, const Array& weight) {
  return dispatch_float(x.dtype(), "prelu", [&]<class T>(TypeTag<T>) {
    return map<T>("prelu", x, weight, [](T v, T w) { return v > 0 ? v : w * v; });
  });
}

Array rrelu_slopes(const Array& x, double lower, double upper, Generator& generator) {
  return dispatch_float(x.dtype(), "rrelu", [&]<class T>(TypeTag<T>) {
    const Array source = contiguous(x);
    Array y = Array::empty(x.shape(), x.dtype());
    for (int64_t i = 0; i < x.numel(); ++i) {
      const bool drawn = source.data<T>()[i] <= 0;
      y.data<T>()[i] =
          drawn ? static_cast<T>(generator.uniform<double>() * (upper - lower) + lower) : T{1};
    }
    return y;
  });
}

}  // namespace reel::kernels
