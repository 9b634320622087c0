#pragma once
// xsimd's functions, made right also at the ends of the range.

#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/map.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <xsimd/xsimd.hpp>

namespace reel::kernels {

/// One loop for whole and padded batches: a second copy of f may be compiled to other roundings.
template <class T, class F>
[[gnu::noinline]] void simd_batches(int64_t n, const T* x, T* y, F f) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = static_cast<int64_t>(Batch::size);
  for (int64_t i = 0; i < n; i += width) f(Batch::load_unaligned(x + i)).store_unaligned(y + i);
}

/// y[i] = f(x[i]) where f takes and returns xsimd batches. The rest of a row goes through a padded
/// batch, so that an element's bits do not depend on where it stands.
template <class T, class F>
void simd_row(int64_t n, const T* x, T* y, F f) {
  constexpr int64_t width = static_cast<int64_t>(xsimd::batch<T>::size);
  const int64_t rest = n % width, whole = n - rest;
  if (whole > 0) simd_batches(whole, x, y, f);
  if (rest == 0) return;
  alignas(64) T padded[width] = {};
  for (int64_t k = 0; k < rest; ++k) padded[k] = x[whole + k];
  simd_batches(rest, padded, padded, f);
  for (int64_t k = 0; k < rest; ++k) y[whole + k] = padded[k];
}

/// Up to here xsimd's exponentials are right, to the base 2 as well: some stop a little later,
/// though T goes further.
template <class T>
inline constexpr T kExpRange = std::is_same_v<T, float> ? T{87} : T{708};

/// Whether one of |x[i]| is more than `range`; NaN is not.
template <class T>
bool any_beyond(int64_t n, const T* x, T range) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = static_cast<int64_t>(Batch::size);
  const auto beyond = [&](int64_t at) {
    return xsimd::abs(Batch::load_unaligned(x + at)) > Batch(range);
  };
  int64_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    if (xsimd::any((beyond(i) || beyond(i + width)) ||
                   (beyond(i + 2 * width) || beyond(i + 3 * width))))
      return true;
  }
  for (; i < n; ++i) {
    if (std::abs(x[i]) > range) return true;
  }
  return false;
}

template <class T, class G>
[[gnu::noinline]] void replace_beyond(int64_t n, const T* x, T* y, T range, G one) {
  for (int64_t i = 0; i < n; ++i) {
    if (std::abs(x[i]) > range) y[i] = one(x[i]);
  }
}

/// y[i] = f(x[i]) by batches, and one(x[i]) by itself where |x[i]| > range. The rare case is looked
/// for behind the loop over batches, which it would slow down, in blocks that are still in cache.
template <class T, class F, class G>
void simd_row(int64_t n, const T* x, T* y, F f, T range, G one) {
  constexpr int64_t block = 1024;
  for (int64_t start = 0; start < n; start += block) {
    const int64_t count = std::min(n - start, block);
    simd_row(count, x + start, y + start, f);
    if (any_beyond(count, x + start, range)) [[unlikely]]
      replace_beyond(count, x + start, y + start, range, one);
  }
}

/// Elementwise f of x, whose elements are T, by one of the two forms of simd_row: f, or f, range
/// and one.
template <class T, class... F>
Array map_batches(const Array& x, F... f) {
  const Array source = contiguous(x);
  Array y = Array::empty(x.shape(), dtype_of<T>);
  const T* from = source.data<T>();
  T* to = y.data<T>();
  for_pieces(x.numel(), kCostlyPiece,
             [&](int64_t i, int64_t n) { simd_row(n, from + i, to + i, f...); });
  return y;
}

/// sin, cos or tan by its batch form f and its scalar form `one`. xsimd reduces all lanes as the
/// largest of them needs; here each is reduced as it needs itself, so that its bits do not depend
/// on its neighbours.
template <class Batch, class F, class G>
Batch vector_periodic(Batch x, F f, G one) {
  using T = typename Batch::value_type;
  constexpr T near = 62, far = std::is_same_v<T, float> ? near : T{8e5};  // below 20 pi, 2^18 pi
  const Batch size = xsimd::abs(x);
  const auto is_near = size <= Batch(near), is_far = !(size <= Batch(far));  // NaN is far
  Batch y = f(xsimd::select(is_near, x, Batch(0)));
  if (xsimd::all(is_near)) return y;
  if constexpr (far > near) {
    const auto between = !(is_near || is_far);
    y = xsimd::select(between, f(xsimd::select(between, x, Batch(far))), y);
  }
  if (xsimd::any(is_far)) {
    alignas(64) T from[Batch::size], to[Batch::size];
    x.store_aligned(from);
    y.store_aligned(to);
    for (size_t i = 0; i < Batch::size; ++i) {
      if (!(std::abs(from[i]) <= far)) to[i] = one(from[i]);
    }
    y = Batch::load_aligned(to);
  }
  return y;
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
