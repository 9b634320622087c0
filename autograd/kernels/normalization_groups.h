#pragma once
// The groups that normalization.cpp works on: their statistics, and what is computed with them. For
// kernels only.

#include <reel/autograd/kernels/normalization.h>

#include <algorithm>
#include <cmath>

#include <xsimd/xsimd.hpp>

namespace reel::kernels {

// ---- sums of two things at once --------------------------------------------------------------------------------

struct Pair {
  double first = 0, second = 0;
  Pair& operator+=(const Pair& other) {
    first += other.first;
    second += other.second;
    return *this;
  }
};

template <class V>
struct Terms {
  V first, second;
};
template <class V>
Terms(V, V) -> Terms<V>;

// What is at a place: a number, or a batch of them.
template <class V>
struct Place {
  int64_t i;
  template <class T>
  V operator()(const T* p) const {
    if constexpr (std::is_same_v<V, T>)
      return p[i];
    else
      return V::load_unaligned(p + i);
  }
};

// Halves again and again, in an order that depends on nothing.
template <class T>
double fold(const xsimd::batch<T>& values) {
  alignas(64) T lane[xsimd::batch<T>::size];
  values.store_aligned(lane);
  for (int64_t half = static_cast<int64_t>(xsimd::batch<T>::size) / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return static_cast<double>(lane[0]);
}

// The sums of terms(place) over n places: short runs in T, whose totals are put together in
// float64.
template <class T, class F>
Pair sum_pairs(int64_t n, F terms) {
  using V = xsimd::batch<T>;
  constexpr int64_t width = static_cast<int64_t>(xsimd::batch<T>::size), run = 128 * width;
  Pair total;
  int64_t i = 0;
  while (i + width <= n) {
    const int64_t end = std::min(n, i + run);
    V a(T{0}), b(T{0}), c(T{0}), d(T{0});
    for (; i + 2 * width <= end; i += 2 * width) {
      const Terms<V> one = terms(Place<V>{i}), two = terms(Place<V>{i + width});
      a += one.first;
      b += one.second;
      c += two.first;
      d += two.second;
    }
    for (; i + width <= end; i += width) {
      const Terms<V> one = terms(Place<V>{i});
      a += one.first;
      b += one.second;
    }
    total += {fold<T>(a + c), fold<T>(b + d)};
  }
  for (; i < n; ++i) {
    const Terms<T> one = terms(Place<T>{i});
    total += {static_cast<double>(one.first), static_cast<double>(one.second)};
  }
  return total;
}

// ---- one group -------------------------------------------------------------------------------------------------

// Distances from a mean that T cannot hold exactly.
template <class T>
struct Center {
  T high, low;
  explicit Center(double mean) : high(static_cast<T>(mean)), low(static_cast<T>(mean - high)) {}
  template <class V>
  V operator()(const V& x) const {
    return (x - V(high)) - V(low);
  }
};

struct Statistics {
  double mean, variance;
};

// From the sums of the distances from a number near the mean, and of their squares.
template <class T>
Statistics statistics_of(T rough, const Pair& about, double n) {
  const double shift = about.first / n;
  return {static_cast<double>(rough) + shift, std::max(0.0, about.second / n - shift * shift)};
}

// What is the same for all elements of a call, with operands in row-major order.
template <class T>
struct Work {
  Groups how;
  const T* x;
  const T* weight;  // null: 1
  const T* bias;    // null only with weight

  int64_t count() const { return how.outer * how.inner; }
  bool each_its_own() const { return weight && how.run == 1; }

  // Calls f(first element) for the rows of a group.
  template <class F>
  void rows(int64_t group, F f) const {
    for (int64_t a = 0; a < how.outer; ++a) f((a * how.groups + group) * how.inner);
  }
  // Calls f(first element, its weight's place, elements): elements with one weight, or with one
  // each, as each_its_own() says.
  template <class F>
  void segments(int64_t group, F f) const {
    const int64_t length = weight && how.run > 1 ? how.run : how.inner;
    rows(group, [&](int64_t row) {
      for (int64_t at = row; at < row + how.inner; at += length)
        f(at, at / how.run % how.channels, length);
    });
  }

  // The mean first, then squares of distances from it, which shows also how far it was rounded.
  Statistics statistics(int64_t group) const {
    const double n = static_cast<double>(count());
    double sum = 0;
    rows(group, [&](int64_t row) {
      sum += sum_pairs<T>(how.inner, [p = x + row](auto at) {
               const auto value = at(p);
               return Terms<decltype(at(p))>{value, value};
             }).first;
    });
    const T rough = static_cast<T>(sum / n);
    Pair about;
    rows(group, [&](int64_t row) {
      about += sum_pairs<T>(how.inner, [p = x + row, rough](auto at) {
        using V = decltype(at(p));
        const V distance = at(p) - V(rough);
        return Terms<V>{distance, distance * distance};
      });
    });
    return statistics_of(rough, about, n);
  }

  void normalize(int64_t group, const Statistics& of, T* y) const {
    const Center<T> center(of.mean);
    const T scale = static_cast<T>(1 / std::sqrt(of.variance + how.eps));
    segments(group, [&](int64_t first, int64_t c, int64_t n) {
      const T* from = x + first;
      T* to = y + first;
      if (each_its_own()) {
        const T *w = weight + c, *b = bias + c;
        for (int64_t i = 0; i < n; ++i) to[i] = center(from[i]) * scale * w[i] + b[i];
      } else {
        const T w = weight ? scale * weight[c] : scale, b = weight ? bias[c] : T{0};
        for (int64_t i = 0; i < n; ++i) to[i] = center(from[i]) * w + b;
      }
    });
  }

  // The sums of q = g * weight and of q * distance from the mean.
  Pair sums(int64_t group, const Center<T>& center, const T* g) const {
    Pair total;
    segments(group, [&](int64_t first, int64_t c, int64_t n) {
      const T *from = x + first, *slope = g + first;
      if (each_its_own()) {
        total += sum_pairs<T>(n, [=, w = weight + c](auto at) {
          const auto q = at(slope) * at(w);
          return Terms<std::decay_t<decltype(q)>>{q, q * center(at(from))};
        });
      } else {
        const Pair part = sum_pairs<T>(n, [=](auto at) {
          const auto q = at(slope);
          return Terms<std::decay_t<decltype(q)>>{q, q * center(at(from))};
        });
        const double w = weight ? static_cast<double>(weight[c]) : 1;
        total += {w * part.first, w * part.second};
      }
    });
    return total;
  }

  // (q - mean(q) - h * mean(q * h)) / deviation, h being the normalised x.
  void input_gradient(int64_t group, const Statistics& of, const T* g, T* y) const {
    const Center<T> center(of.mean);
    const Pair total = sums(group, center, g);
    const double squared = 1 / (of.variance + how.eps), n = static_cast<double>(count());
    const T scale = static_cast<T>(std::sqrt(squared)), mean = static_cast<T>(total.first / n);
    const T slant = static_cast<T>(total.second / n * squared);
    segments(group, [&](int64_t first, int64_t c, int64_t length) {
      const T *from = x + first, *slope = g + first;
      T* to = y + first;
      if (each_its_own()) {
        const T* w = weight + c;
        for (int64_t i = 0; i < length; ++i)
          to[i] = (slope[i] * w[i] - mean - center(from[i]) * slant) * scale;
      } else {
        const T w = weight ? weight[c] : T{1};
        for (int64_t i = 0; i < length; ++i)
          to[i] = (slope[i] * w - mean - center(from[i]) * slant) * scale;
      }
    });
  }
};

// One group, called as Columns are.
template <class T>
struct OneGroup {
  const Work<T>& work;
  int64_t group;
  void statistics(Statistics* of) const { *of = work.statistics(group); }
  void normalize(const Statistics* of, T* y) const { work.normalize(group, *of, y); }
  void input_gradient(const Statistics* of, const T* g, T* y) const {
    work.input_gradient(group, *of, g, y);
  }
};

}  // namespace reel::kernels
