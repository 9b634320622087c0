#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/reduce.h>

#include <algorithm>
#include <xsimd/xsimd.hpp>

namespace reel::kernels {
namespace {

// ---- every reduction as (outer, n, inner), reduced over the middle -------------------------------------------

struct Arranged {
  Array x;  // row-major
  int64_t outer = 1, n = 1, inner = 1;
};

bool is_reduced(uint64_t dims, int dim) { return (dims >> dim & 1) != 0; }

// The sizes before, in and behind the reduced dims; false if those do not lie next to each other.
bool split(const Shape& shape, uint64_t dims, Arranged& out) {
  bool inside = false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    if (is_reduced(dims, i)) {
      if (inside && out.inner != 1) return false;
      inside = true;
      out.n *= shape[i];
    } else {
      (inside ? out.inner : out.outer) *= shape[i];
    }
  }
  return true;
}

Arranged arrange(const Array& x, uint64_t dims) {
  Arranged out{.x = x};
  if (x.is_contiguous() && split(x.shape(), dims, out)) return out;
  Shape shape;
  Strides strides;
  out = {};
  for (const bool reduced : {false, true}) {
    for (int i = 0; i < x.rank(); ++i) {
      if (is_reduced(dims, i) != reduced) continue;
      shape.push_back(x.size(i));
      strides.push_back(x.strides()[i]);
      (reduced ? out.n : out.outer) *= x.size(i);
    }
  }
  out.x = contiguous(x.view(shape, strides));
  return out;
}

// ---- sums ----------------------------------------------------------------------------------------------------

// So many numbers are added in their own type before their sum goes into a float64 total: the error
// of a sum of any length is that of a short one.
constexpr int64_t kRun = 16;

template <class T>
constexpr int64_t width_of = static_cast<int64_t>(xsimd::batch<T>::size);

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

// The sum of at most kRun numbers: of one column or of a batch of columns side by side.
template <class V, class Load>
V sum_run(int64_t rows, Load load) {
  V even(0), odd(0);
  int64_t i = 0;
  for (; i + 2 <= rows; i += 2) {
    even += load(i);
    odd += load(i + 1);
  }
  if (i < rows) even += load(i);
  return even + odd;
}

template <class T>
void add_run(int64_t rows, int64_t columns, int64_t step, const T* x, double* totals) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = width_of<T>;
  alignas(64) T lanes[width];
  int64_t j = 0;
  for (; j + width <= columns; j += width) {
    const T* column = x + j;
    sum_run<Batch>(rows, [=](int64_t i) {
      return Batch::load_unaligned(column + i * step);
    }).store_aligned(lanes);
    for (int64_t lane = 0; lane < width; ++lane)
      totals[j + lane] += static_cast<double>(lanes[lane]);
  }
  for (; j < columns; ++j) {
    const T* column = x + j;
    totals[j] += static_cast<double>(sum_run<T>(rows, [=](int64_t i) { return column[i * step]; }));
  }
}

// Column sums of n rows: rows are read whole, in runs, while the totals of a chunk of columns stay
// in cache.
template <class T>
void sum_columns(int64_t n, int64_t inner, const T* x, T* y) {
  constexpr int64_t chunk = 1024;
  alignas(64) double totals[chunk];
  for (int64_t j = 0; j < inner; j += chunk) {
    const int64_t columns = std::min(chunk, inner - j);
    std::fill_n(totals, columns, 0.0);
    for (int64_t i = 0; i < n; i += kRun)
      add_run(std::min(kRun, n - i), columns, inner, x + i * inner + j, totals);
    for (int64_t k = 0; k < columns; ++k) y[j + k] = static_cast<T>(totals[k]);
  }
}

template <class T>
void sum_floats(const Arranged& a, T* y) {
  const T* x = a.x.data<T>();
  if (a.inner == 1) {
    for (int64_t o = 0; o < a.outer; ++o) y[o] = static_cast<T>(sum_row(a.n, x + o * a.n));
  } else {
    for (int64_t o = 0; o < a.outer; ++o)
      sum_columns(a.n, a.inner, x + o * a.n * a.inner, y + o * a.inner);
  }
}

template <class T>
void sum_integers(const Arranged& a, int64_t* y) {
  const T* x = a.x.data<T>();
  for (int64_t o = 0; o < a.outer; ++o, y += a.inner) {
    std::fill_n(y, a.inner, int64_t{0});
    for (int64_t i = 0; i < a.n; ++i, x += a.inner) {
      for (int64_t j = 0; j < a.inner; ++j) y[j] += static_cast<int64_t>(x[j]);
    }
  }
}

// ---- extrema -------------------------------------------------------------------------------------------------

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

// What beats the best so far: also a NaN, which nothing beats but another NaN.
template <class V, class Better>
V better_of(const V& x, const V& best, Better better) {
  if constexpr (std::is_arithmetic_v<V>)
    return better(x, best) || is_nan(x) ? x : best;
  else
    return xsimd::select(better(x, best) | is_nan(x), x, best);
}

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

// The first place of `value`, which is in the row.
template <class T>
int64_t place_in_row(int64_t n, const T* x, T value) {
  int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    using Batch = xsimd::batch<T>;
    const Batch wanted(value);
    while (i + width_of<T> <= n && !xsimd::any(Batch::load_unaligned(x + i) == wanted))
      i += width_of<T>;
    if (is_nan(value)) i = 0;
  }
  while (x[i] != value && !(is_nan(value) && is_nan(x[i]))) ++i;
  return i;
}

template <class T, class Better>
void best_of_columns(int64_t n, int64_t inner, const T* x, T* y, Better better) {
  std::copy_n(x, inner, y);
  for (int64_t i = 1; i < n; ++i) {
    const T* row = x + i * inner;
    int64_t j = 0;
    if constexpr (std::is_floating_point_v<T>) {
      using Batch = xsimd::batch<T>;
      for (; j + width_of<T> <= inner; j += width_of<T>) {
        better_of(Batch::load_unaligned(row + j), Batch::load_unaligned(y + j), better)
            .store_unaligned(y + j);
      }
    }
    for (; j < inner; ++j) y[j] = better_of(row[j], y[j], better);
  }
}

template <class T, class Better>
void places_of_columns(int64_t n, int64_t inner, const T* x, T* y, int64_t* places, Better better) {
  std::copy_n(x, inner, y);
  std::fill_n(places, inner, int64_t{0});
  for (int64_t i = 1; i < n; ++i) {
    const T* row = x + i * inner;
    for (int64_t j = 0; j < inner; ++j) {
      if (better(row[j], y[j]) || (is_nan(row[j]) && !is_nan(y[j]))) {
        y[j] = row[j];
        places[j] = i;
      }
    }
  }
}

template <class Better>
Array best(const Array& x, uint64_t dims, const Shape& result, Better better) {
  Array y = Array::empty(result, x.dtype());
  if (x.numel() == 0) return y;
  const Arranged a = arrange(x, dims);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = a.x.data<T>();
    T* to = y.data<T>();
    for (int64_t o = 0; o < a.outer; ++o, from += a.n * a.inner, to += a.inner) {
      if (a.inner == 1)
        *to = best_of_row(a.n, from, better);
      else
        best_of_columns(a.n, a.inner, from, to, better);
    }
  });
  return y;
}

template <class Better>
Extrema best_with_index(const Array& x, uint64_t dims, const Shape& result, Better better) {
  Extrema y{Array::empty(result, x.dtype()), Array::empty(result, kInt64)};
  if (x.numel() == 0) return y;
  const Arranged a = arrange(x, dims);
  int64_t* places = y.indices.data<int64_t>();
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = a.x.data<T>();
    T* to = y.values.data<T>();
    for (int64_t o = 0; o < a.outer; ++o, from += a.n * a.inner, to += a.inner, places += a.inner) {
      if (a.inner == 1) {
        *to = best_of_row(a.n, from, better);
        *places = place_in_row(a.n, from, *to);
      } else {
        places_of_columns(a.n, a.inner, from, to, places, better);
      }
    }
  });
  return y;
}

}  // namespace

Array sum(const Array& x, uint64_t dims, const Shape& result) {
  const bool floating = is_floating(x.dtype());
  if (x.numel() == 0) return Array::full(result, 0, floating ? x.dtype() : kInt64);
  Array y = Array::empty(result, floating ? x.dtype() : kInt64);
  const Arranged a = arrange(x, dims);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_floating_point_v<T>)
      sum_floats<T>(a, y.data<T>());
    else
      sum_integers<T>(a, y.data<int64_t>());
  });
  return y;
}

Array amax(const Array& x, uint64_t dims, const Shape& result) {
  return best(x, dims, result, Larger{});
}
Array amin(const Array& x, uint64_t dims, const Shape& result) {
  return best(x, dims, result, Smaller{});
}

Extrema max_with_index(const Array& x, uint64_t dims, const Shape& result) {
  return best_with_index(x, dims, result, Larger{});
}
Extrema min_with_index(const Array& x, uint64_t dims, const Shape& result) {
  return best_with_index(x, dims, result, Smaller{});
}

}  // namespace reel::kernels
