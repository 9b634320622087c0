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

  // Calls f(column, element) for all elements, a row of columns after the other.
  template <class F>
  void each(F f) const {
    const int64_t count = groups * inner();
    for (int64_t a = 0; a < work.how.outer; ++a) {
      const int64_t row = (a * work.how.groups + first) * inner();
      for (int64_t i = 0; i < count; ++i) f(i, row + i);
    }
  }
  // sums[group] of terms(column, element).
  template <class F>
  void sum(Pair* sums, F terms) const {
    double one[kMost] = {}, two[kMost] = {};
    each([&](int64_t i, int64_t element) {
      const Terms<T> term = terms(i, element);
      one[i] += static_cast<double>(term.first);
      two[i] += static_cast<double>(term.second);
    });
    for (int64_t i = 0; i < groups * inner(); ++i) sums[i / inner()] += {one[i], two[i]};
  }
  // A number of each group, for each of its columns.
  template <class F>
  void spread(T* columns, F number) const {
    for (int64_t i = 0; i < groups * inner(); ++i) columns[i] = static_cast<T>(number(i / inner()));
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
    sum(sums, [=](int64_t, int64_t at) { return Terms<T>{x[at], T{0}}; });
    T rough[kMost];
    spread(rough, [&](int64_t group) { return sums[group].first / n; });
    sum(about, [&](int64_t i, int64_t at) {
      const T distance = x[at] - rough[i];
      return Terms<T>{distance, distance * distance};
    });
    for (int64_t group = 0; group < groups; ++group)
      of[group] = statistics_of(rough[group * inner()], about[group], n);
  }

  // Distances from the mean, by column.
  struct Centers {
    T high[kMost], low[kMost];
    T operator()(int64_t i, T x) const { return (x - high[i]) - low[i]; }
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
    each([&, x = work.x](int64_t i, int64_t at) { y[at] = center(i, x[at]) * w[i] + b[i]; });
  }

  void input_gradient(const Statistics* of, const T* g, T* y) const {
    const Centers center = centers(of);
    const double n = static_cast<double>(work.count());
    const T* x = work.x;
    Pair sums[kMost];
    sum(sums, [&](int64_t i, int64_t at) { return Terms<T>{g[at], g[at] * center(i, x[at])}; });
    T mean[kMost], slant[kMost], w[kMost];
    spread(mean, [&](int64_t group) { return sums[group].first / n; });
    spread(slant, [&](int64_t group) {
      return sums[group].second / n / (of[group].variance + work.how.eps);
    });
    spread(w, [&](int64_t group) { return scale(of[group]) * weight(group); });
    each([&](int64_t i, int64_t at) {
      y[at] = (g[at] - mean[i] - center(i, x[at]) * slant[i]) * w[i];
    });
  }

  void weight_gradient(const Statistics* of, const T* g, T* y) const {
    const Centers center = centers(of);
    Pair sums[kMost];
    sum(sums, [&, x = work.x](int64_t i, int64_t at) {
      return Terms<T>{g[at] * center(i, x[at]), T{0}};
    });
    for (int64_t group = 0; group < groups; ++group)
      y[first + group] = static_cast<T>(sums[group].first * scale(of[group]));
  }
};

}  // namespace reel::kernels
