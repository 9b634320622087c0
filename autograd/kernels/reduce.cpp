#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/extremum.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/kernels/reduce.h>
#include <reel/autograd/kernels/reduction.h>
#include <reel/autograd/kernels/vector_math.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace reel::kernels {
namespace {

// So many numbers are added in their own type before their sum goes into a float64 total: the error
// of a sum of any length is that of a short one.
constexpr int64_t kRun = 16;
// So many numbers are computed into a buffer before they are added.
constexpr int64_t kBuffer = 512;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- sums ----------------------------------------------------------------------------------------------------

template <class T>
double sum_row(int64_t n, const T* x) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = width_of<T>;
  double total = 0;
  int64_t i = 0;
  if (n >= 2 * width) {
    alignas(64) T lanes[width];
    double totals[width] = {};
    const int64_t whole = n - n % width;
    while (i < whole) {
      Batch a(T{0}), b(T{0}), c(T{0}), d(T{0});
      const int64_t end = std::min(whole, i + 4 * kRun * width);
      for (; i + 4 * width <= end; i += 4 * width) {
        a += Batch::load_unaligned(x + i);
        b += Batch::load_unaligned(x + i + width);
        c += Batch::load_unaligned(x + i + 2 * width);
        d += Batch::load_unaligned(x + i + 3 * width);
      }
      for (; i < end; i += width) a += Batch::load_unaligned(x + i);
      ((a + b) + (c + d)).store_aligned(lanes);
      for (int64_t lane = 0; lane < width; ++lane) totals[lane] += static_cast<double>(lanes[lane]);
    }
    for (double lane : totals) total += lane;
  }
  for (; i < n; ++i) total += static_cast<double>(x[i]);
  return total;
}

// Adds the sums of at most kRun rows of N neighbours, each a number or a batch of them: the even
// and the odd rows' apart.
template <class V, int64_t N, class T>
void add_neighbours(int64_t rows, int64_t step, const T* x, double* totals) {
  constexpr int64_t width = static_cast<int64_t>(sizeof(V) / sizeof(T));
  const auto load = [](const T* from) {
    if constexpr (width == 1)
      return *from;
    else
      return V::load_unaligned(from);
  };
  V even[N], odd[N];
  for (int64_t k = 0; k < N; ++k) even[k] = odd[k] = V(0);
  int64_t i = 0;
  for (; i + 2 <= rows; i += 2, x += 2 * step) {
    for (int64_t k = 0; k < N; ++k) {
      even[k] += load(x + k * width);
      odd[k] += load(x + step + k * width);
    }
  }
  for (int64_t k = 0; k < N && i < rows; ++k) even[k] += load(x + k * width);
  alignas(64) T lanes[width];
  for (int64_t k = 0; k < N; ++k) {
    const V sum = even[k] + odd[k];
    std::memcpy(lanes, &sum, sizeof(V));
    for (int64_t lane = 0; lane < width; ++lane)
      totals[k * width + lane] += static_cast<double>(lanes[lane]);
  }
}

template <class T>
void add_run(int64_t rows, int64_t columns, int64_t step, const T* x, double* totals) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = width_of<T>, wide = 8 * width;  // some lines of memory at a time
  int64_t j = 0;
  for (; j + wide <= columns; j += wide) add_neighbours<Batch, 8>(rows, step, x + j, totals + j);
  for (; j + width <= columns; j += width) add_neighbours<Batch, 1>(rows, step, x + j, totals + j);
  for (; j < columns; ++j) add_neighbours<T, 1>(rows, step, x + j, totals + j);
}

// Rows are read whole, in runs, while the totals stay in cache.
template <class T>
void sum_columns(int64_t rows, int64_t columns, int64_t step, const T* x, double* totals) {
  std::fill_n(totals, columns, 0.0);
  for (int64_t i = 0; i < rows; i += kRun)
    add_run(std::min(kRun, rows - i), columns, step, x + i * step, totals);
}

template <class T>
struct FloatSum {
  using Total = double;
  double row(int64_t n, const T* x, int64_t) const { return sum_row(n, x); }
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t,
               double* totals) const {
    sum_columns(rows, columns, step, x, totals);
  }
  void merge(double& total, double later) const { total += later; }
};

// The sum of f(x), computed in R.
template <class T, class R, class F>
struct SumOf {
  using Total = R;
  F f;
  R row(int64_t n, const T* x, int64_t) const {
    alignas(64) R buffer[kBuffer];
    R total = 0;
    for (int64_t i = 0; i < n; i += kBuffer) {
      const int64_t end = std::min(kBuffer, n - i);
      map_row(end, f, Row<const T>{x + i, 1}, Row<R>{buffer, 1});
      if constexpr (std::is_floating_point_v<R>) {
        total += sum_row(end, buffer);
      } else {
        for (int64_t k = 0; k < end; ++k) total += buffer[k];
      }
    }
    return total;
  }
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t, R* totals) const {
    std::fill_n(totals, columns, R{0});
    for (int64_t i = 0; i < rows; ++i, x += step) {
#pragma GCC ivdep
      for (int64_t j = 0; j < columns; ++j) totals[j] += f(x[j]);
    }
  }
  void merge(R& total, R later) const { total += later; }
};

// Reduces with SumOf f; `finish` makes an element of y, of type To, from a total.
template <class T, class R, class To, class F, class Finish>
void sum_of(const Arranged& a, const Array& y, F f, Finish finish) {
  reduce<T>(a, SumOf<T, R, F>{f},
            [&](int64_t at, R total) { y.data<To>()[at] = static_cast<To>(finish(total)); });
}

// ---- products ------------------------------------------------------------------------------------------------

template <class T>
using Factor = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

template <class T>
struct Product {
  using Total = Factor<T>;
  Total row(int64_t n, const T* x, int64_t) const {
    Total a = 1, b = 1, c = 1, d = 1;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
      a *= static_cast<Total>(x[i]);
      b *= static_cast<Total>(x[i + 1]);
      c *= static_cast<Total>(x[i + 2]);
      d *= static_cast<Total>(x[i + 3]);
    }
    for (; i < n; ++i) a *= static_cast<Total>(x[i]);
    return (a * b) * (c * d);
  }
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t,
               Total* totals) const {
    std::fill_n(totals, columns, Total{1});
    for (int64_t i = 0; i < rows; ++i, x += step) {
#pragma GCC ivdep
      for (int64_t j = 0; j < columns; ++j) totals[j] *= static_cast<Total>(x[j]);
    }
  }
  void merge(Total& total, Total later) const { total *= later; }
};

// ---- moments -------------------------------------------------------------------------------------------------

struct Spread {
  double n, mean, squares;  // how many, their mean, the sum of squared distances from it
};

template <class T>
struct Moment {
  using Total = Spread;
  Spread row(int64_t n, const T* x, int64_t) const {
    const double count = static_cast<double>(n), mean = sum_row(n, x) / count;
    const auto square = [mean](T v) {
      const double distance = static_cast<double>(v) - mean;
      return distance * distance;
    };
    return {count, mean, SumOf<T, double, decltype(square)>{square}.row(n, x, 0)};
  }
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t,
               Spread* totals) const {
    double mean[kTileColumns], squares[kTileColumns] = {};
    const double count = static_cast<double>(rows);
    sum_columns(rows, columns, step, x, mean);
    for (int64_t j = 0; j < columns; ++j) mean[j] /= count;
    for (int64_t i = 0; i < rows; ++i, x += step) {
#pragma GCC ivdep
      for (int64_t j = 0; j < columns; ++j) {
        const double distance = static_cast<double>(x[j]) - mean[j];
        squares[j] += distance * distance;
      }
    }
    for (int64_t j = 0; j < columns; ++j) totals[j] = {count, mean[j], squares[j]};
  }
  // Chan, Golub and LeVeque 1983.
  void merge(Spread& total, const Spread& later) const {
    const double n = total.n + later.n, distance = later.mean - total.mean;
    total.squares += later.squares + distance * distance * (total.n * later.n / n);
    total.mean += distance * (later.n / n);
    total.n = n;
  }
};

// ---- logsumexp -----------------------------------------------------------------------------------------------

// The sum of exp(x - largest). Where the largest is not finite, it is the result by itself.
struct Scaled {
  double largest, sum;
};

template <class T>
struct LogSumExp {
  using Total = Scaled;
  static constexpr auto exponential = [](const auto& v) { return xsimd::exp(v); };

  Scaled row(int64_t n, const T* x, int64_t) const {
    const T largest = best_of_row(n, x, Larger{});
    if (!std::isfinite(largest)) return {static_cast<double>(largest), 0};
    alignas(64) T buffer[kBuffer];
    double sum = 0;
    for (int64_t i = 0; i < n; i += kBuffer) {
      const int64_t end = std::min(kBuffer, n - i);
      const auto less = [largest](T v) { return v - largest; };
      map_row(end, less, Row<const T>{x + i, 1}, Row<T>{buffer, 1});
      simd_row(end, buffer, buffer, exponential);
      sum += sum_row(end, buffer);
    }
    return {static_cast<double>(largest), sum};
  }
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t,
               Scaled* totals) const {
    alignas(64) T largest[kTileColumns], buffer[kTileColumns];
    double sum[kTileColumns] = {};
    std::copy_n(x, columns, largest);
    for (int64_t i = 1; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j)
        largest[j] = better_of(x[i * step + j], largest[j], Larger{});
    }
    for (int64_t i = 0; i < rows; ++i, x += step) {
      for (int64_t j = 0; j < columns; ++j) buffer[j] = x[j] - largest[j];
      simd_row(columns, buffer, buffer, exponential);
      for (int64_t j = 0; j < columns; ++j) sum[j] += static_cast<double>(buffer[j]);
    }
    for (int64_t j = 0; j < columns; ++j)
      totals[j] = {static_cast<double>(largest[j]), std::isfinite(largest[j]) ? sum[j] : 0};
  }
  void merge(Scaled& total, const Scaled& later) const {
    const double largest = better_of(later.largest, total.largest, Larger{});
    const auto rescaled = [largest](const Scaled& s) {
      return s.sum * std::exp(s.largest - largest);
    };
    total = {largest, std::isfinite(largest) ? rescaled(total) + rescaled(later) : 0};
  }
};

// ---- norms ---------------------------------------------------------------------------------------------------

template <class T>
void finite_norm(const Arranged& a, double p, const Array& y) {
  const auto itself = [](double total) { return total; };
  if (p == 0) {
    sum_of<T, double, T>(
        a, y, [](T v) { return v != 0 ? 1.0 : 0.0; }, itself);
  } else if (p == 1) {
    sum_of<T, double, T>(
        a, y, [](T v) { return static_cast<double>(std::fabs(v)); }, itself);
  } else if (p == 2) {
    sum_of<T, double, T>(
        a, y, [](T v) { return static_cast<double>(v) * static_cast<double>(v); },
        [](double total) { return std::sqrt(total); });
  } else {
    sum_of<T, double, T>(
        a, y, [p](T v) { return std::pow(std::fabs(static_cast<double>(v)), p); },
        [p](double total) { return std::pow(total, 1 / p); });
  }
}

Dtype total_dtype(const Array& x) { return is_floating(x.dtype()) ? x.dtype() : kInt64; }

}  // namespace

Array sum(const Array& x, uint64_t dims, const Shape& result) {
  if (x.numel() == 0) return Array::full(result, 0, total_dtype(x));
  Array y = Array::empty(result, total_dtype(x));
  const Arranged a = arrange(x, dims);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_floating_point_v<T>) {
      reduce<T>(a, FloatSum<T>{},
                [&](int64_t at, double total) { y.data<T>()[at] = static_cast<T>(total); });
    } else {
      // Unsigned: a sum that does not fit wraps around.
      sum_of<T, uint64_t, int64_t>(
          a, y, [](T v) { return static_cast<uint64_t>(v); }, [](uint64_t total) { return total; });
    }
  });
  return y;
}

Array prod(const Array& x, uint64_t dims, const Shape& result) {
  if (x.numel() == 0) return Array::full(result, 1, total_dtype(x));
  Array y = Array::empty(result, total_dtype(x));
  const Arranged a = arrange(x, dims);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    using To = std::conditional_t<std::is_floating_point_v<T>, T, int64_t>;
    reduce<T>(a, Product<T>{},
              [&](int64_t at, Factor<T> total) { y.data<To>()[at] = static_cast<To>(total); });
  });
  return y;
}

Array count_nonzero(const Array& x, uint64_t dims, const Shape& result) {
  if (x.numel() == 0) return Array::full(result, 0, kInt64);
  Array y = Array::empty(result, kInt64);
  const Arranged a = arrange(x, dims);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    sum_of<T, uint64_t, int64_t>(
        a, y, [](T v) { return static_cast<uint64_t>(v != 0); },
        [](uint64_t total) { return total; });
  });
  return y;
}

Array norm(const Array& x, double p, uint64_t dims, const Shape& result) {
  if (p == kInfinity) return amax(abs(x), dims, result);
  if (p == -kInfinity) return amin(abs(x), dims, result);
  if (x.numel() == 0) return Array::full(result, 0, x.dtype());
  Array y = Array::empty(result, x.dtype());
  const Arranged a = arrange(x, dims);
  dispatch_float(x.dtype(), "norm", [&]<class T>(TypeTag<T>) { finite_norm<T>(a, p, y); });
  return y;
}

Array logsumexp(const Array& x, uint64_t dims, const Shape& result) {
  if (x.numel() == 0) return Array::full(result, -kInfinity, x.dtype());
  Array y = Array::empty(result, x.dtype());
  const Arranged a = arrange(x, dims);
  dispatch_float(x.dtype(), "logsumexp", [&]<class T>(TypeTag<T>) {
    reduce<T>(a, LogSumExp<T>{}, [&](int64_t at, const Scaled& s) {
      y.data<T>()[at] =
          static_cast<T>(std::isfinite(s.largest) ? s.largest + std::log(s.sum) : s.largest);
    });
  });
  return y;
}

Moments moments(const Array& x, double divisor, uint64_t dims, const Shape& result) {
  if (x.numel() == 0) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {Array::full(result, nan, x.dtype()), Array::full(result, nan, x.dtype())};
  }
  Moments y{Array::empty(result, x.dtype()), Array::empty(result, x.dtype())};
  const Arranged a = arrange(x, dims);
  dispatch_float(x.dtype(), "var", [&]<class T>(TypeTag<T>) {
    reduce<T>(a, Moment<T>{}, [&](int64_t at, const Spread& spread) {
      y.var.data<T>()[at] = static_cast<T>(spread.squares / divisor);
      y.mean.data<T>()[at] = static_cast<T>(spread.mean);
    });
  });
  return y;
}

}  // namespace reel::kernels
