#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/scan.h>

#include <algorithm>
#include <cmath>

namespace reel::kernels {
namespace {

constexpr int64_t kColumns = 256;     // neighbouring lines that are walked side by side
constexpr int64_t kElements = 32768;  // that make a block worth a thread's while

// Walks every line along `dim` of a row-major array of this shape: step(state, at, i) for each
// element, whose offset is `at` and whose number in the line, counted in the order of the walk, is
// i. A line begins with `start`.
template <class State, class Step>
void scan(const Shape& shape, int dim, bool reverse, State start, const Step& step) {
  const int64_t numel = shape.numel();
  if (numel == 0) return;
  const int64_t n = shape.empty() ? 1 : shape[dim];
  int64_t inner = 1;
  for (int i = dim + 1; i < shape.rank(); ++i) inner *= shape[i];
  const int64_t outer = numel / (n * inner), chunks = (inner + kColumns - 1) / kColumns;
  const int64_t per_block = std::max<int64_t>(1, kElements / (n * std::min(inner, kColumns)));
  const auto walk = [&](int64_t at, int64_t columns) {
    const int64_t first = reverse ? at + (n - 1) * inner : at, stride = reverse ? -inner : inner;
    if (columns == 1) {
      State state = start;
      for (int64_t i = 0; i < n; ++i) step(state, first + i * stride, i);
      return;
    }
    State states[kColumns];
    std::fill_n(states, columns, start);
    for (int64_t i = 0; i < n; ++i) {
#pragma GCC ivdep
      for (int64_t j = 0; j < columns; ++j) step(states[j], first + i * stride + j, i);
    }
  };
  parallel_for((outer * chunks + per_block - 1) / per_block, [&](int64_t block) {
    const int64_t end = std::min(outer * chunks, (block + 1) * per_block);
    for (int64_t line = block * per_block; line < end; ++line) {
      const int64_t column = line % chunks * kColumns;
      walk(line / chunks * n * inner + column, std::min(kColumns, inner - column));
    }
  });
}

// Integers are totalled without a sign, so that what does not fit wraps around.
template <class T>
using Total = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
template <class T>
using Result = std::conditional_t<std::is_floating_point_v<T>, T, int64_t>;

template <class Add>
Array accumulate(const Array& x, int dim, bool reverse, int start, Add add) {
  const Array from = contiguous(x);
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    Array result = Array::empty(x.shape(), dtype_of<Result<T>>);
    const T* in = from.data<T>();
    Result<T>* out = result.data<Result<T>>();
    scan(x.shape(), dim, reverse, static_cast<Total<T>>(start),
         [=](Total<T>& total, int64_t at, int64_t) {
           total = add(total, static_cast<Total<T>>(in[at]));
           out[at] = static_cast<Result<T>>(total);
         });
    return result;
  });
}

// log(exp(x) + exp(y)).
double add_exponentials(double x, double y) {
  const double large = x > y || x != x ? x : y, small = x > y || x != x ? y : x;
  return std::isfinite(large) ? large + std::log1p(std::exp(small - large)) : large;
}

template <class Keeps>
Picked extremum_so_far(const Array& x, int dim, Keeps keeps) {
  const Array from = contiguous(x);
  Picked y{Array::empty(x.shape(), x.dtype()), Array::empty(x.shape(), kInt64)};
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    struct Best {
      T value;
      int64_t place;
    };
    const T* in = from.data<T>();
    T* values = y.values.data<T>();
    int64_t* places = y.indices.data<int64_t>();
    scan(x.shape(), dim, false, Best{}, [=](Best& best, int64_t at, int64_t i) {
      if (i == 0 || !keeps(best.value, in[at])) best = {in[at], i};
      values[at] = best.value;
      places[at] = best.place;
    });
  });
  return y;
}

}  // namespace

Array cumsum(const Array& x, int dim, bool reverse) {
  return accumulate(x, dim, reverse, 0, [](auto total, auto v) { return total + v; });
}

Array cumprod(const Array& x, int dim) {
  return accumulate(x, dim, false, 1, [](auto total, auto v) { return total * v; });
}

Array logcumsumexp(const Array& x, int dim) {
  const Array from = contiguous(x);
  Array y = Array::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "logcumsumexp", [&]<class T>(TypeTag<T>) {
    const T* in = from.data<T>();
    T* out = y.data<T>();
    scan(x.shape(), dim, false, 0.0, [=](double& total, int64_t at, int64_t i) {
      const double v = static_cast<double>(in[at]);
      total = i == 0 ? v : add_exponentials(total, v);
      out[at] = static_cast<T>(total);
    });
  });
  return y;
}

Picked cummax(const Array& x, int dim) {
  // Neither a smaller number nor, behind a NaN, any number takes the place.
  return extremum_so_far(x, dim,
                         [](auto best, auto v) { return v == v && (best > v || best != best); });
}
Picked cummin(const Array& x, int dim) {
  return extremum_so_far(x, dim,
                         [](auto best, auto v) { return v == v && (best < v || best != best); });
}

Array recurrence(const Array& a, const Array& b, int dim, bool reverse) {
  const Array factors = contiguous(a), terms = contiguous(b);
  Array result = Array::empty(b.shape(), b.dtype());
  dispatch_float(b.dtype(), "recurrence", [&]<class T>(TypeTag<T>) {
    const T *factor = factors.data<T>(), *term = terms.data<T>();
    T* y = result.data<T>();
    if (reverse) {
      scan(b.shape(), dim, true, 0.0, [=](double& carried, int64_t at, int64_t i) {
        const double v = static_cast<double>(term[at]) + (i == 0 ? 0 : carried);
        y[at] = static_cast<T>(v);
        carried = static_cast<double>(factor[at]) * v;
      });
    } else {
      scan(b.shape(), dim, false, 0.0, [=](double& v, int64_t at, int64_t i) {
        v = static_cast<double>(term[at]) + (i == 0 ? 0 : static_cast<double>(factor[at]) * v);
        y[at] = static_cast<T>(v);
      });
    }
  });
  return result;
}

}  // namespace reel::kernels
