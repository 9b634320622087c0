#pragma once
// Normalisation of many small groups side by side. For kernels only.

#include <reel/autograd/kernels/normalization_groups.h>

namespace reel::kernels {

// Some groups whose rows are short, so that a pass over [outer, groups, inner] reads a part of it
// with all of them. A weight serves a group here.
template <class T>
struct Columns {
  static constexpr int64_t kMost = 64;
  const Work<T>& work;
  int64_t first, groups;  // groups * inner <= kMost

  static int64_t groups_at_once(const Groups& how) { return kMost / how.inner; }
  int64_t inner() const { return work.how.inner; }
  int64_t count() const { return groups * inner(); }
  // The first element of these groups in a row.
  int64_t start(int64_t row) const { return (row * work.how.groups + first) * inner(); }

  // Calls f(column, element) for all elements, a row of columns after the other.
  template <class F>
  void each(F f) const {
    for (int64_t a = 0; a < work.how.outer; ++a) {
      const int64_t row = start(a), columns = count();
#pragma GCC ivdep
      for (int64_t i = 0; i < columns; ++i) f(i, row + i);
    }
  }
  // sums[group] of terms(column, element), which are the places of a number or of a batch.
  template <class F>
  void sum(Pair* sums, F terms) const {
    constexpr int64_t width = static_cast<int64_t>(xsimd::batch<T>::size);
    Pair columns[kMost];
    int64_t i = 0;
    if (count() >= width) {
      // The last batch goes over some columns once more.
      for (; i < count(); i += width)
        sum_columns<xsimd::batch<T>>(std::min(i, count() - width), columns, terms);
    }
    for (; i < count(); ++i) sum_columns<T>(i, columns, terms);
    for (int64_t group = 0; group < groups; ++group) {
      for (int64_t k = 0; k < inner(); ++k) sums[group] += columns[group * inner() + k];
    }
  }
  // The columns of a V: short runs in T, whose totals are put together in float64.
  template <class V, class F>
  void sum_columns(int64_t column, Pair* sums, F terms) const {
    constexpr int64_t run = 64, width = static_cast<int64_t>(sizeof(V) / sizeof(T));
    double one[width] = {}, two[width] = {};
    for (int64_t a = 0; a < work.how.outer;) {
      V sum(T{0}), other(T{0});
      for (const int64_t end = std::min(work.how.outer, a + run); a < end; ++a) {
        const Terms<V> term = terms(Place<V>{column}, Place<V>{start(a) + column});
        sum += term.first;
        other += term.second;
      }
      T lanes[2][width];
      store(sum, lanes[0]);
      store(other, lanes[1]);
      for (int64_t k = 0; k < width; ++k) {
        one[k] += static_cast<double>(lanes[0][k]);
        two[k] += static_cast<double>(lanes[1][k]);
      }
    }
    for (int64_t k = 0; k < width; ++k) sums[column + k] = {one[k], two[k]};
  }
  static void store(const T& value, T* to) { *to = value; }
  static void store(const xsimd::batch<T>& values, T* to) { values.store_unaligned(to); }

  // A number of each group, for each of its columns.
  template <class F>
  void spread(T* columns, F number) const {
    for (int64_t group = 0; group < groups; ++group)
      std::fill_n(columns + group * inner(), inner(), static_cast<T>(number(group)));
  }
  double weight(int64_t group) const {
    return work.weight ? static_cast<double>(work.weight[first + group]) : 1;
  }
  double bias(int64_t group) const {
    return work.weight ? static_cast<double>(work.bias[first + group]) : 0;
  }

  void statistics(Statistics* of) const {
    const double n = static_cast<double>(work.count());
    const T* x = work.x;
    Pair sums[kMost], about[kMost];
    sum(sums, [x](auto, auto at) { return Terms{at(x), at(x)}; });
    T rough[kMost];
    spread(rough, [&](int64_t group) { return sums[group].first / n; });
    sum(about, [&rough, x](auto column, auto at) {
      const auto distance = at(x) - column(rough);
      return Terms{distance, distance * distance};
    });
    for (int64_t group = 0; group < groups; ++group)
      of[group] = statistics_of(rough[group * inner()], about[group], n);
  }

  // Distances from the mean, by column.
  struct Centers {
    T high[kMost], low[kMost];
    template <class V>
    V operator()(Place<V> column, const V& x) const {
      return (x - column(high)) - column(low);
    }
  };
  Centers centers(const Statistics* of) const {
    Centers result;
    spread(result.high, [&](int64_t group) { return Center<T>(of[group].mean).high; });
    spread(result.low, [&](int64_t group) { return Center<T>(of[group].mean).low; });
    return result;
  }
  double scale(const Statistics& of) const { return 1 / std::sqrt(of.variance + work.how.eps); }

  void normalize(const Statistics* of, T* y) const {
    const Centers center = centers(of);
    T w[kMost], b[kMost];
    spread(w, [&](int64_t group) { return scale(of[group]) * weight(group); });
    spread(b, [&](int64_t group) { return bias(group); });
    each([&, x = work.x](int64_t i, int64_t at) {
      y[at] = center(Place<T>{i}, x[at]) * w[i] + b[i];
    });
  }

  void input_gradient(const Statistics* of, const T* g, T* y) const {
    const Centers center = centers(of);
    const double n = static_cast<double>(work.count());
    const T* x = work.x;
    Pair sums[kMost];
    sum(sums, [&center, g, x](auto column, auto at) {
      return Terms{at(g), at(g) * center(column, at(x))};
    });
    T mean[kMost], slant[kMost], w[kMost];
    spread(mean, [&](int64_t group) { return sums[group].first / n; });
    spread(slant, [&](int64_t group) {
      return sums[group].second / n / (of[group].variance + work.how.eps);
    });
    spread(w, [&](int64_t group) { return scale(of[group]) * weight(group); });
    each([&](int64_t i, int64_t at) {
      y[at] = (g[at] - mean[i] - center(Place<T>{i}, x[at]) * slant[i]) * w[i];
    });
  }

  void weight_gradient(const Statistics* of, const T* g, T* y) const {
    const Centers center = centers(of);
    Pair sums[kMost];
    sum(sums, [&center, g, x = work.x](auto column, auto at) {
      const auto term = at(g) * center(column, at(x));
      return Terms{term, term};
    });
    for (int64_t group = 0; group < groups; ++group)
      y[first + group] = static_cast<T>(sums[group].first * scale(of[group]));
  }
};

}  // namespace reel::kernels
