#pragma once
// The larger and the smaller of numbers, where NaN is both: of two, of two batches, of a row.

#include <cstdint>
#include <type_traits>
#include <xsimd/xsimd.hpp>

namespace reel::kernels {

/// Numbers in a batch.
template <class T>
constexpr int64_t width_of = static_cast<int64_t>(xsimd::batch<T>::size);

/// Also of a batch, lane by lane.
template <class V>
auto is_nan(const V& x) {
  if constexpr (std::is_integral_v<V>)
    return false;
  else if constexpr (std::is_arithmetic_v<V>)
    return x != x;
  else
    return xsimd::isnan(x);  // here x != x is false for NaN
}
struct Larger {
  auto operator()(const auto& x, const auto& y) const { return x > y; }
};
struct Smaller {
  auto operator()(const auto& x, const auto& y) const { return x < y; }
};

/// What beats the best so far: also a NaN, which nothing beats but another NaN.
template <class V, class Better>
V better_of(const V& x, const V& best, Better better) {
  if constexpr (std::is_arithmetic_v<V>)
    return better(x, best) || is_nan(x) ? x : best;
  else
    return xsimd::select(better(x, best) | is_nan(x), x, best);
}

/// The best of n > 0 numbers.
template <class T, class Better>
T best_of_row(int64_t n, const T* x, Better better) {
  int64_t i = 1;
  T best = x[0];
  if constexpr (std::is_floating_point_v<T>) {
    using Batch = xsimd::batch<T>;
    constexpr int64_t width = width_of<T>;
    if (n >= 2 * width) {
      Batch a = Batch::load_unaligned(x), b = Batch::load_unaligned(x + width);
      for (i = 2 * width; i + 2 * width <= n; i += 2 * width) {
        a = better_of(Batch::load_unaligned(x + i), a, better);
        b = better_of(Batch::load_unaligned(x + i + width), b, better);
      }
      alignas(64) T lanes[width];
      better_of(a, b, better).store_aligned(lanes);
      best = lanes[0];
      for (T lane : lanes) best = better_of(lane, best, better);
    }
  }
  for (; i < n; ++i) best = better_of(x[i], best, better);
  return best;
}

}  // namespace reel::kernels
