#include <reel/autograd/kernels/normalization.h>

#include <algorithm>
#include <cmath>

#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/normalization_columns.h>
#include <reel/autograd/kernels/parallel.h>

namespace reel::kernels {
namespace {

// Elements that make a block worth a thread's while.
constexpr int64_t kBlockElements = 16384;

// ---- all groups ------------------------------------------------------------------------------------------------

// Rows shorter than this are read side by side, see Columns.
constexpr int64_t kShortRow = 16;

bool is_scattered(const Groups& how) { return how.outer > 1 && how.inner < kShortRow; }

// Row-major, or `value` everywhere where only the other one of weight and bias is defined.
Array affine(const Array& x, const Array& other, Dtype dtype, const Groups& how, double value) {
  if (x.defined()) return contiguous(x);
  return other.defined() ? Array::full(how.channels, value, dtype) : Array();
}

template <class T>
const T* data_or_null(const Array& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

// Calls f(first group, groups) for blocks of them.
template <class F>
void for_groups(const Groups& how, int64_t at_once, F f) {
  parallel_for((how.groups + at_once - 1) / at_once, [&](int64_t block) {
    const int64_t first = block * at_once;
    f(first, std::min(at_once, how.groups - first));
  });
}

// The statistics of all groups, as they are handed on.
struct StatisticsOf {
  double* means;
  int64_t groups;
  StatisticsOf(const Array& statistics)
      : means(statistics.data<double>()), groups(statistics.size(1)) {}
  Statistics operator[](int64_t group) const { return {means[group], means[groups + group]}; }
  void set(int64_t group, const Statistics& of) const {
    means[group] = of.mean;
    means[groups + group] = of.variance;
  }
};

// y with f(work or columns, statistics, y) called for all groups: for one, or some side by side.
template <class F>
Array map_groups(const Array& x, const Array& weight, const Array& bias,
                 const StatisticsOf& statistics, const Groups& how, F f) {
  return dispatch_float(x.dtype(), "normalize", [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array y = Array::empty(x.shape(), x.dtype());
    if (x.numel() == 0) return y;
    const Array from = contiguous(x);
    const Array weights = affine(weight, bias, x.dtype(), how, 1);
    const Array biases = affine(bias, weight, x.dtype(), how, 0);
    const Work<T> work{how, from.data<T>(), data_or_null<T>(weights), data_or_null<T>(biases)};
    if (is_scattered(how)) {
      for_groups(how, Columns<T>::groups_at_once(how), [&](int64_t first, int64_t count) {
        Statistics of[Columns<T>::kMost];
        for (int64_t i = 0; i < count; ++i) of[i] = statistics[first + i];
        f(Columns<T>{work, first, count}, first, count, of, y.data<T>());
      });
      return y;
    }
    const int64_t at_once = std::max<int64_t>(1, kBlockElements / work.count());
    for_groups(how, at_once, [&](int64_t first, int64_t count) {
      for (int64_t group = first; group < first + count; ++group) {
        Statistics of = statistics[group];
        f(OneGroup<T>{work, group}, group, 1, &of, y.data<T>());
      }
    });
    return y;
  });
}

}  // namespace

Normalized normalize(const Array& x, const Array& weight, const Array& bias, const Groups& groups) {
  const Array statistics = Array::full({2, groups.groups}, 0, kFloat64);
  const StatisticsOf all(statistics);
  Array y =
      map_groups(x, weight, bias, all, groups,
                 [&](const auto& part, int64_t first, int64_t count, Statistics* of, auto* to) {
                   part.statistics(of);
                   for (int64_t i = 0; i < count; ++i) all.set(first + i, of[i]);
                   part.normalize(of, to);
                 });
  return {std::move(y), statistics};
}

Array normalize_by(const Array& statistics, const Array& x, const Array& weight, const Array& bias,
                   const Groups& groups) {
  return map_groups(x, weight, bias, statistics, groups,
                    [](const auto& part, int64_t, int64_t, const Statistics* of, auto* to) {
                      part.normalize(of, to);
                    });
}

Array normalize_input_gradient(const Array& g, const Array& x, const Array& weight,
                               const Array& statistics, const Groups& groups) {
  const Array slopes = contiguous(g);
  return map_groups(x, weight, {}, statistics, groups,
                    [&](const auto& part, int64_t, int64_t, const Statistics* of, auto* to) {
                      using T = std::remove_pointer_t<decltype(to)>;
                      part.input_gradient(of, slopes.data<T>(), to);
                    });
}

// ---- the weight ------------------------------------------------------------------------------------------------

namespace {

// The elements with the numbers (repetition * channels + channel) * run and the next ones have one
// channel.
template <class T>
struct WeightGradient {
  Groups how;
  const T* x;
  const T* g;
  StatisticsOf statistics;
  int64_t repetitions;

  int64_t group_of(int64_t element) const { return element / how.inner % how.groups; }
  double scale(int64_t group) const { return 1 / std::sqrt(statistics[group].variance + how.eps); }

  T of_runs(int64_t channel) const {
    double total = 0;
    for (int64_t r = 0; r < repetitions; ++r) {
      const int64_t first = (r * how.channels + channel) * how.run;
      const int64_t group = group_of(first);
      const Center<T> center(statistics[group].mean);
      const T *from = x + first, *slope = g + first;
      total += scale(group) * sum_pairs<T>(how.run, [=](auto at) {
                                const auto term = at(slope) * center(at(from));
                                return Terms<std::decay_t<decltype(term)>>{term, term};
                              }).first;
    }
    return static_cast<T>(total);
  }

  // Of up to kColumns channels of one group, a row after the other.
  static constexpr int64_t kColumns = 256;
  void of_columns(int64_t channel, int64_t count, T* y) const {
    double total[kColumns] = {};
    for (int64_t r = 0; r < repetitions; ++r) {
      const int64_t first = r * how.channels + channel, group = group_of(first);
      const Center<T> center(statistics[group].mean);
      const T scale = static_cast<T>(this->scale(group));
      const T *from = x + first, *slope = g + first;
      for (int64_t i = 0; i < count; ++i)
        total[i] += static_cast<double>(slope[i] * (center(from[i]) * scale));
    }
    for (int64_t i = 0; i < count; ++i) y[channel + i] = static_cast<T>(total[i]);
  }

  void all(T* y) const {
    if (how.run > 1) {
      const int64_t per_block = std::max<int64_t>(1, kBlockElements / (how.run * repetitions));
      parallel_for((how.channels + per_block - 1) / per_block, [&](int64_t block) {
        const int64_t last = std::min(how.channels, (block + 1) * per_block);
        for (int64_t c = block * per_block; c < last; ++c) y[c] = of_runs(c);
      });
      return;
    }
    // A block lies within the channels of one group.
    const int64_t a_group = (how.inner + kColumns - 1) / kColumns;
    parallel_for(how.channels / how.inner * a_group, [&](int64_t block) {
      const int64_t from = block / a_group * how.inner, at = block % a_group * kColumns;
      of_columns(from + at, std::min(kColumns, how.inner - at), y);
    });
  }
};

}  // namespace

Array normalize_weight_gradient(const Array& g, const Array& x, const Array& statistics,
                                const Groups& groups) {
  return dispatch_float(x.dtype(), "normalize", [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (x.numel() == 0) return Array::full(groups.channels, 0, x.dtype());
    const Array from = contiguous(x), slopes = contiguous(g);
    const Array y = Array::empty(groups.channels, x.dtype());
    const StatisticsOf all(statistics);
    if (is_scattered(groups)) {
      const Work<T> work{groups, from.data<T>(), nullptr, nullptr};
      for_groups(groups, Columns<T>::groups_at_once(groups), [&](int64_t first, int64_t count) {
        Statistics of[Columns<T>::kMost];
        for (int64_t i = 0; i < count; ++i) of[i] = all[first + i];
        Columns<T>{work, first, count}.weight_gradient(of, slopes.data<T>(), y.data<T>());
      });
      return y;
    }
    WeightGradient<T>{groups, from.data<T>(), slopes.data<T>(), all,
                      x.numel() / (groups.channels * groups.run)}
        .all(y.data<T>());
    return y;
  });
}

}  // namespace reel::kernels
