#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/distance.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <cmath>

namespace reel::kernels {
namespace {

// Norms as what each difference adds, and what is made of the total; and the derivative by one
// difference d of a norm y > 0.
struct CountNorm {
  template <class T>
  T add(T total, T d) const {
    return total + (d != 0 ? T{1} : T{0});
  }
  template <class T>
  T finish(T total) const {
    return total;
  }
  template <class T>
  T slope(T, T) const {
    return 0;
  }
};
struct SumNorm {
  template <class T>
  T add(T total, T d) const {
    return total + std::fabs(d);
  }
  template <class T>
  T finish(T total) const {
    return total;
  }
  template <class T>
  T slope(T d, T) const {
    return static_cast<T>((d > 0) - (d < 0));
  }
};
struct EuclideanNorm {
  template <class T>
  T add(T total, T d) const {
    return total + d * d;
  }
  template <class T>
  T finish(T total) const {
    return std::sqrt(total);
  }
  template <class T>
  T slope(T d, T y) const {
    return d / y;
  }
};
struct LargestNorm {
  template <class T>
  T add(T total, T d) const {
    const T size = std::fabs(d);
    return size > total || std::isnan(size) ? size : total;
  }
  template <class T>
  T finish(T total) const {
    return total;
  }
  template <class T>
  T slope(T d, T y) const {
    return std::fabs(d) == y ? static_cast<T>((d > 0) - (d < 0)) : T{0};
  }
};
struct PowerNorm {
  double p;
  template <class T>
  T add(T total, T d) const {
    return total + std::pow(std::fabs(d), static_cast<T>(p));
  }
  template <class T>
  T finish(T total) const {
    return std::pow(total, static_cast<T>(1 / p));
  }
  template <class T>
  T slope(T d, T y) const {
    if (d == 0) return 0;
    return std::copysign(std::pow(std::fabs(d) / y, static_cast<T>(p - 1)), d);
  }
};

template <class F>
void with_norm(double p, F&& f) {
  if (p == 0) return f(CountNorm{});
  if (p == 1) return f(SumNorm{});
  if (p == 2) return f(EuclideanNorm{});
  if (std::isinf(p)) return f(LargestNorm{});
  f(PowerNorm{p});
}

// Several totals side by side, which fill the vector unit and keep long float32 sums accurate.
constexpr int64_t kLanes = 16;

template <class Norm, class T>
T distance(const Norm& norm, const T* a, const T* b, int64_t k) {
  T lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] = norm.add(lanes[lane], a[i + lane] - b[i + lane]);
  }
  for (int64_t lane = 0; i + lane < k; ++lane)
    lanes[lane] = norm.add(lanes[lane], a[i + lane] - b[i + lane]);
  if constexpr (std::is_same_v<Norm, LargestNorm>) {
    T total = 0;
    for (T lane : lanes) total = norm.add(total, lane);
    return total;
  } else {
    double total = 0;
    for (T lane : lanes) total += static_cast<double>(lane);
    return norm.finish(static_cast<T>(total));
  }
}

// Rows of x1 are shared out, at least some 20 us of them to a block.
template <class F>
void for_each_row_of(int64_t rows, int64_t work, F&& f) {
  const int64_t size = std::max<int64_t>(1, (int64_t{1} << 16) / std::max<int64_t>(1, work));
  const int64_t blocks = (rows + size - 1) / size;
  parallel_for(blocks, [&](int64_t block) {
    for (int64_t row = block * size; row < std::min(rows, (block + 1) * size); ++row) f(row);
  });
}

}  // namespace

Array cdist(const Array& x1, const Array& x2, double p) {
  const int64_t n = x1.size(x1.rank() - 2), m = x2.size(x2.rank() - 2), k = x1.shape().back();
  Shape shape = x1.shape();
  shape[x1.rank() - 1] = m;
  Array y = Array::empty(shape, x1.dtype());
  if (y.numel() == 0) return y;
  const Array a = contiguous(x1), b = contiguous(x2);
  dispatch_float(x1.dtype(), "cdist", [&]<class T>(TypeTag<T>) {
    with_norm(p, [&](const auto& norm) {
      for_each_row_of(y.numel() / m, m * k, [&](int64_t row) {
        const T* from = a.data<T>() + row * k;
        const T* to = b.data<T>() + row / n * m * k;
        for (int64_t j = 0; j < m; ++j)
          y.data<T>()[row * m + j] = distance(norm, from, to + j * k, k);
      });
    });
  });
  return y;
}

Array cdist_backward(const Array& g, const Array& x1, const Array& x2, const Array& y, double p) {
  const int64_t n = x1.size(x1.rank() - 2), m = x2.size(x2.rank() - 2), k = x1.shape().back();
  const Array result = Array::full(x1.shape(), 0, x1.dtype());
  if (result.numel() == 0 || m == 0) return result;
  const Array a = contiguous(x1), b = contiguous(x2), sizes = contiguous(y), starts = contiguous(g);
  dispatch_float(x1.dtype(), "cdist", [&]<class T>(TypeTag<T>) {
    with_norm(p, [&](const auto& norm) {
      for_each_row_of(result.numel() / k, m * k, [&](int64_t row) {
        const T* from = a.data<T>() + row * k;
        const T* to = b.data<T>() + row / n * m * k;
        T* out = result.data<T>() + row * k;
        for (int64_t j = 0; j < m; ++j, to += k) {
          const T size = sizes.data<T>()[row * m + j], start = starts.data<T>()[row * m + j];
          if (size == 0) continue;
          for (int64_t i = 0; i < k; ++i) out[i] += start * norm.slope(from[i] - to[i], size);
        }
      });
    });
  });
  return result;
}

}  // namespace reel::kernels
