#include <reel/autograd/kernels/softmax.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <xsimd/xsimd.hpp>

#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/parallel.h>

namespace reel::kernels {
namespace {

template <class T>
using Batch = xsimd::batch<T>;
template <class T>
constexpr int64_t kWidth = static_cast<int64_t>(Batch<T>::size);
template <class T>
constexpr T kLowest = -std::numeric_limits<T>::infinity();

// Elements that make a block worth a thread's while: 10 to 20 us.
constexpr int64_t kBlockElements = 16384;

// Calls f(first, last) for ranges of `rows` rows of `length` elements.
template <class F>
void for_row_ranges(int64_t rows, int64_t length, F&& f) {
  const int64_t per_block = std::max<int64_t>(1, kBlockElements / std::max<int64_t>(1, length));
  parallel_for((rows + per_block - 1) / per_block, [&](int64_t block) {
    f(block * per_block, std::min(rows, (block + 1) * per_block));
  });
}

// ---- along consecutive elements --------------------------------------------------------------------------------

// The last n < width elements, and `filler` behind them: so all elements go through the same
// instructions.
template <class T>
Batch<T> load_part(const T* x, int64_t n, T filler) {
  alignas(64) T part[Batch<T>::size];
  for (int64_t i = 0; i < kWidth<T>; ++i) part[i] = i < n ? x[i] : filler;
  return Batch<T>::load_aligned(part);
}

template <class T>
void store_part(Batch<T> values, T* y, int64_t n) {
  alignas(64) T part[Batch<T>::size];
  values.store_aligned(part);
  std::copy(part, part + n, y);
}

// Halves again and again, in an order that depends on nothing.
template <class T, class F>
T fold(Batch<T> values, F f) {
  alignas(64) T lane[Batch<T>::size];
  values.store_aligned(lane);
  for (int64_t half = kWidth<T> / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lane[i] = f(lane[i], lane[i + half]);
  }
  return lane[0];
}

template <class T>
T largest(const T* x, int64_t n) {
  Batch<T> best(kLowest<T>);
  int64_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>)
    best = xsimd::max(best, Batch<T>::load_unaligned(x + i));
  if (i < n) best = xsimd::max(best, load_part(x + i, n - i, kLowest<T>));
  return fold(best, [](T a, T b) { return a > b ? a : b; });
}

// The sum of exp(x - shift), whose terms go into y unless it is null. Float sums of long rows are
// put together in float64.
template <class T>
T sum_of_exp(const T* x, int64_t n, T shift, T* y) {
  constexpr int64_t run = 256 * kWidth<T>;
  const Batch<T> shifts(shift);
  double total = 0;
  for (int64_t start = 0; start < n; start += run) {
    const int64_t end = std::min(n, start + run);
    Batch<T> sum(T{0});
    int64_t i = start;
    for (; i + kWidth<T> <= end; i += kWidth<T>) {
      const Batch<T> term = xsimd::exp(Batch<T>::load_unaligned(x + i) - shifts);
      if (y) term.store_unaligned(y + i);
      sum += term;
    }
    if (i < end) {
      const Batch<T> term = xsimd::exp(load_part(x + i, end - i, kLowest<T>) - shifts);
      if (y) store_part(term, y + i, end - i);
      sum += term;
    }
    total += static_cast<double>(fold(sum, [](T a, T b) { return a + b; }));
  }
  return static_cast<T>(total);
}

}  // namespace

template <class T>
void softmax_row(const T* x, int64_t n, T* y) {
  // Divisions by the sum, which is at least 1, would take as long as the exponentials.
  const T scale = 1 / sum_of_exp(x, n, largest(x, n), y);
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}
template void softmax_row(const float*, int64_t, float*);
template void softmax_row(const double*, int64_t, double*);

namespace {

template <class T>
void log_softmax_row(const T* x, int64_t n, T* y) {
  const T shift = largest(x, n);
  const T log_sum = std::log(sum_of_exp<T>(x, n, shift, nullptr));
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - shift) - log_sum;
}

// ---- along elements that are `step` apart: a batch of neighbours at a time --------------------------------------

template <class T>
struct Columns {
  int64_t count;  // how many of the batch's lanes are in use
  int64_t length, step;

  Batch<T> load(const T* x) const {
    return count == kWidth<T> ? Batch<T>::load_unaligned(x) : load_part(x, count, T{0});
  }
  void store(Batch<T> values, T* y) const {
    count == kWidth<T> ? values.store_unaligned(y) : store_part(values, y, count);
  }
  void run(const T* x, T* y, bool logarithm) const {
    Batch<T> shift(kLowest<T>), sum(T{0});
    for (int64_t i = 0; i < length; ++i) shift = xsimd::max(shift, load(x + i * step));
    for (int64_t i = 0; i < length; ++i) {
      const Batch<T> term = xsimd::exp(load(x + i * step) - shift);
      if (!logarithm) store(term, y + i * step);
      sum += term;
    }
    const Batch<T> log_sum = logarithm ? xsimd::log(sum) : sum;
    for (int64_t i = 0; i < length; ++i) {
      store(logarithm ? (load(x + i * step) - shift) - log_sum : load(y + i * step) / sum,
            y + i * step);
    }
  }
};

template <class T>
void softmax_columns(const T* x, T* y, int64_t length, int64_t step, bool logarithm) {
  for (int64_t i = 0; i < step; i += kWidth<T>) {
    Columns<T>{std::min(kWidth<T>, step - i), length, step}.run(x + i, y + i, logarithm);
  }
}

Array softmax_any(const char* op, const Array& x, int dim, bool logarithm) {
  return dispatch_float(x.dtype(), op, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array from = contiguous(x);
    Array y = Array::empty(x.shape(), x.dtype());
    if (x.numel() == 0) return y;
    const int64_t length = x.size(dim);
    int64_t step = 1;
    for (int i = dim + 1; i < x.rank(); ++i) step *= x.size(i);
    for_row_ranges(x.numel() / (length * step), length * step, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const T* in = from.data<T>() + row * length * step;
        T* out = y.data<T>() + row * length * step;
        if (step > 1)
          softmax_columns(in, out, length, step, logarithm);
        else if (logarithm)
          log_softmax_row(in, length, out);
        else
          softmax_row(in, length, out);
      }
    });
    return y;
  });
}

// ---- gradients -------------------------------------------------------------------------------------------------

struct SoftmaxSlope {
  template <class B>
  static B term(B g, B y) {
    return g * y;
  }
  template <class B>
  static B slope(B g, B y, B sum) {
    return y * (g - sum);
  }
};

struct LogSoftmaxSlope {
  template <class B>
  static B term(B g, B) {
    return g;
  }
  template <class B>
  static B slope(B g, B y, B sum) {
    return g - xsimd::exp(y) * sum;
  }
};

// Along consecutive elements. Sums of long rows are put together in float64.
template <class S, class T>
void backward_row(const T* g, const T* y, int64_t n, T* out) {
  constexpr int64_t run = 256 * kWidth<T>;
  double total = 0;
  for (int64_t start = 0; start < n; start += run) {
    const int64_t end = std::min(n, start + run);
    Batch<T> sum(T{0});
    int64_t i = start;
    for (; i + kWidth<T> <= end; i += kWidth<T>)
      sum += S::term(Batch<T>::load_unaligned(g + i), Batch<T>::load_unaligned(y + i));
    if (i < end) sum += S::term(load_part(g + i, end - i, T{0}), load_part(y + i, end - i, T{0}));
    total += static_cast<double>(fold(sum, [](T a, T b) { return a + b; }));
  }
  const Batch<T> sum(static_cast<T>(total));
  int64_t i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>)
    S::slope(Batch<T>::load_unaligned(g + i), Batch<T>::load_unaligned(y + i), sum)
        .store_unaligned(out + i);
  if (i < n)
    store_part(S::slope(load_part(g + i, n - i, T{0}), load_part(y + i, n - i, T{0}), sum), out + i,
               n - i);
}

// Along elements that are `step` apart.
template <class S, class T>
void backward_columns(const T* g, const T* y, int64_t length, int64_t step, T* out) {
  for (int64_t first = 0; first < step; first += kWidth<T>) {
    const Columns<T> columns{std::min(kWidth<T>, step - first), length, step};
    Batch<T> sum(T{0});
    for (int64_t i = first; i < length * step; i += step)
      sum += S::term(columns.load(g + i), columns.load(y + i));
    for (int64_t i = first; i < length * step; i += step)
      columns.store(S::slope(columns.load(g + i), columns.load(y + i), sum), out + i);
  }
}

template <class S>
Array backward_any(const char* op, const Array& g, const Array& y, int dim) {
  return dispatch_float(y.dtype(), op, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array given = contiguous(g), values = contiguous(y);
    Array out = Array::empty(y.shape(), y.dtype());
    if (y.numel() == 0) return out;
    const int64_t length = y.size(dim);
    int64_t step = 1;
    for (int i = dim + 1; i < y.rank(); ++i) step *= y.size(i);
    for_row_ranges(y.numel() / (length * step), length * step, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const int64_t at = row * length * step;
        const T *h = given.data<T>() + at, *v = values.data<T>() + at;
        if (step > 1)
          backward_columns<S>(h, v, length, step, out.data<T>() + at);
        else
          backward_row<S>(h, v, length, out.data<T>() + at);
      }
    });
    return out;
  });
}

}  // namespace

template <class T>
void softmax_backward_row(const T* g, const T* y, int64_t n, T* x) {
  backward_row<SoftmaxSlope>(g, y, n, x);
}
template void softmax_backward_row(const float*, const float*, int64_t, float*);
template void softmax_backward_row(const double*, const double*, int64_t, double*);

Array softmax(const Array& x, int dim) { return softmax_any("softmax", x, dim, false); }

Array log_softmax(const Array& x, int dim) { return softmax_any("log_softmax", x, dim, true); }

Array softmax_backward(const Array& g, const Array& y, int dim) {
  return backward_any<SoftmaxSlope>("softmax", g, y, dim);
}

Array log_softmax_backward(const Array& g, const Array& y, int dim) {
  return backward_any<LogSoftmaxSlope>("log_softmax", g, y, dim);
}

Array cross_entropy(const Array& x, const Array& target, int64_t ignore_index) {
  return dispatch_float(x.dtype(), "cross_entropy", [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array from = contiguous(x), wanted = contiguous(target);
    const int64_t classes = x.size(1);
    Array y = Array::empty(target.shape(), x.dtype());
    for_row_ranges(x.size(0), classes, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const T* in = from.data<T>() + row * classes;
        const int64_t c = wanted.data<int64_t>()[row];
        T& loss = y.data<T>()[row];
        loss = 0;
        if (c == ignore_index) continue;
        const T shift = largest(in, classes);
        loss = std::log(sum_of_exp<T>(in, classes, shift, nullptr)) - (in[c] - shift);
      }
    });
    return y;
  });
}

Array cross_entropy_backward(const Array& g, const Array& x, const Array& target,
                             int64_t ignore_index) {
  return dispatch_float(x.dtype(), "cross_entropy_backward", [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array from = contiguous(x), wanted = contiguous(target), factor = contiguous(g);
    const int64_t classes = x.size(1);
    Array y = Array::empty(x.shape(), x.dtype());
    for_row_ranges(x.size(0), classes, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        const T* in = from.data<T>() + row * classes;
        T* out = y.data<T>() + row * classes;
        const int64_t c = wanted.data<int64_t>()[row];
        if (c == ignore_index) {
          std::fill(out, out + classes, T{0});
          continue;
        }
        const T wish = factor.data<T>()[row];
        const T scale = wish / sum_of_exp(in, classes, largest(in, classes), out);
        for (int64_t i = 0; i < classes; ++i) out[i] *= scale;
        out[c] -= wish;
      }
    });
    return y;
  });
}

int64_t check_targets(const char* op, const Array& target, int64_t classes, int64_t ignore_index) {
  const Array row_major = contiguous(target);
  const int64_t* values = row_major.data<int64_t>();
  int64_t ignored = 0;
  for (int64_t i = 0; i < row_major.numel(); ++i) {
    if (values[i] == ignore_index) {
      ++ignored;
      continue;
    }
    check<IndexError>(values[i] >= 0 && values[i] < classes,
                      "{}: targets must be at least 0 and below {}, got {}", op, classes,
                      values[i]);
  }
  return ignored;
}

}  // namespace reel::kernels
