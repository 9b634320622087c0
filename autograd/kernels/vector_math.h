#pragma once
// Functions of xsimd batches, right also at the ends of the range, where xsimd's own stop too
// early.

#include <cmath>
#include <limits>
#include <xsimd/xsimd.hpp>

// GCC 12 warns of its own AVX-512 header (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace reel::kernels {

/// Where xsimd's exponentials may stop, though T goes further; in units of x and of x / log(2).
template <class T>
inline constexpr T kExpRange = std::is_same_v<T, float> ? T{87} : T{708};
template <class T>
inline constexpr T kExp2Range = std::is_same_v<T, float> ? T{126} : T{1022};

/// f(x), and in the lanes where |x| > range what `beyond` makes of f(|x| / 2).
template <class Batch, class F, class G>
Batch with_range(Batch x, typename Batch::value_type range, F f, G beyond) {
  const Batch y = f(x);
  const auto far = xsimd::abs(x) > Batch(range);
  return xsimd::any(far) ? xsimd::select(far, beyond(x), y) : y;
}

/// exp and 2^x from the smallest number below the normal range to the largest: beyond xsimd's own
/// range as the square of half the way.
template <class Batch>
Batch vector_exp(Batch x) {
  using T = typename Batch::value_type;
  return with_range(
      x, kExpRange<T>, [](Batch v) { return xsimd::exp(v); },
      [](Batch v) {
        const Batch half = xsimd::exp(v * Batch(T(0.5)));
        return half * half;
      });
}

template <class Batch>
Batch vector_exp2(Batch x) {
  using T = typename Batch::value_type;
  return with_range(
      x, kExp2Range<T>, [](Batch v) { return xsimd::exp2(v); },
      [](Batch v) {
        const Batch half = xsimd::exp2(v * Batch(T(0.5)));
        return half * half;
      });
}

template <class Batch>
Batch vector_expm1(Batch x) {
  using T = typename Batch::value_type;
  return with_range(
      x, kExpRange<T>, [](Batch v) { return xsimd::expm1(v); },
      [](Batch v) { return vector_exp(v) - Batch(T(1)); });
}

/// exp(|x|) / 2 without its overflow: what sinh and cosh are where exp(-|x|) does not count.
template <class Batch>
Batch half_exp(Batch x) {
  using T = typename Batch::value_type;
  const Batch half = xsimd::exp(xsimd::abs(x) * Batch(T(0.5)));
  return half * Batch(T(0.5)) * half;
}

template <class Batch>
Batch vector_sinh(Batch x) {
  return with_range(
      x, kExpRange<typename Batch::value_type>, [](Batch v) { return xsimd::sinh(v); },
      [](Batch v) { return xsimd::copysign(half_exp(v), v); });
}

template <class Batch>
Batch vector_cosh(Batch x) {
  return with_range(
      x, kExpRange<typename Batch::value_type>, [](Batch v) { return xsimd::cosh(v); },
      [](Batch v) { return half_exp(v); });
}

/// 1 / (1 + exp(-x)), with the digits of exp(x) where that is small.
template <class Batch>
Batch vector_sigmoid(Batch x) {
  const Batch one(1), e = vector_exp(-xsimd::abs(x));
  return xsimd::select(x >= Batch(0), one, e) / (one + e);
}

/// A logarithm: xsimd's are wrong for numbers below the normal range, which are raised into it
/// first. `factor` is the logarithm of 2.
template <class Batch, class F>
Batch vector_log(Batch x, F log, double factor) {
  using T = typename Batch::value_type;
  constexpr int bits = std::numeric_limits<T>::digits;
  const auto tiny = x < Batch(std::numeric_limits<T>::min());
  const Batch raised = xsimd::select(tiny, x * Batch(std::ldexp(T{1}, bits)), x);
  return log(raised) - xsimd::select(tiny, Batch(static_cast<T>(bits * factor)), Batch(T{0}));
}

}  // namespace reel::kernels

#pragma GCC diagnostic pop
