#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/loss.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>
#include <xsimd/xsimd.hpp>

namespace reel::kernels {
namespace {

// max(x, 0) - x t + log(1 + exp(-|x|)). A share of 0 is not multiplied: x may be infinite.
template <class T>
struct Logistic {
  using Batch = xsimd::batch<T>;
  Batch operator()(const Batch& x, const Batch& t) const {
    const Batch share = xsimd::select(x > Batch(T{0}), Batch(T{1}) - t, -t);
    const Batch straight = xsimd::select(share == Batch(T{0}), Batch(T{0}), x * share);
    return straight + xsimd::log1p(xsimd::exp(-xsimd::abs(x)));
  }
};

template <class T>
struct BinaryCrossEntropy {
  using Batch = xsimd::batch<T>;
  Batch operator()(const Batch& p, const Batch& t) const {
    const Batch least(T{-100}), one(T{1});
    const Batch yes = xsimd::max(log_of(p), least), no = xsimd::max(xsimd::log1p(-p), least);
    return (t - one) * no - t * yes;
  }

 private:
  // xsimd's logarithm is wrong below the normal numbers; there p is scaled first.
  static Batch log_of(const Batch& p) {
    constexpr int bits = sizeof(T) == 4 ? 30 : 60;
    const auto small = p < Batch(std::numeric_limits<T>::min());
    const Batch scaled = xsimd::select(small, p * Batch(std::ldexp(T{1}, bits)), p);
    const Batch shift(static_cast<T>(bits * std::numbers::ln2));
    return xsimd::log(scaled) - xsimd::select(small, shift, Batch(T{0}));
  }
};

// y = f(x, t) for rows of n; the rest goes through padded batches, so that an element's bits do not
// depend on where it stands.
template <class T, class F>
void pair_run(int64_t n, const T* x, const T* t, T* y, F f) {
  using Batch = xsimd::batch<T>;
  constexpr int64_t width = static_cast<int64_t>(Batch::size);
  int64_t i = 0;
  for (; i + width <= n; i += width)
    f(Batch::load_unaligned(x + i), Batch::load_unaligned(t + i)).store_unaligned(y + i);
  if (i == n) return;
  alignas(64) T a[Batch::size] = {}, b[Batch::size] = {};
  std::copy(x + i, x + n, a);
  std::copy(t + i, t + n, b);
  f(Batch::load_aligned(a), Batch::load_aligned(b)).store_aligned(a);
  std::copy(a, a + (n - i), y + i);
}

// f of x and t, which broadcast, by whole vectors and on several threads.
template <class T, class F>
Array pairs(const char* op, const Array& x, const Array& t, F f) {
  const Shape shape = broadcast_shapes(op, x.shape(), t.shape());
  const auto row_major = [&](const Array& each) {
    return contiguous(each.view(shape, expand_strides(op, each.shape(), each.strides(), shape)));
  };
  const Array from = row_major(x), wanted = row_major(t);
  Array y = Array::empty(shape, x.dtype());
  constexpr int64_t block = 8192;  // a multiple of every vector's width
  const int64_t n = y.numel();
  parallel_for((n + block - 1) / block, [&](int64_t i) {
    const int64_t first = i * block;
    pair_run(std::min(block, n - first), from.data<T>() + first, wanted.data<T>() + first,
             y.data<T>() + first, f);
  });
  return y;
}

template <class T>
void check_probabilities(const Array& x) {
  map<T, bool>(x, [](T p) {
    check(p >= 0 && p <= 1, "binary_cross_entropy: inputs must be between 0 and 1, got {}", p);
    return true;
  });
}

// The loss of one row; its slopes go into `slope`. `named` is room for a flag a class.
template <class T>
double margin_row(const T* x, const int64_t* target, int64_t classes, T* slope,
                  std::vector<char>& named) {
  std::fill(slope, slope + classes, T{0});
  std::fill(named.begin(), named.end(), 0);
  int64_t labels = 0;
  for (; labels < classes && target[labels] >= 0; ++labels)
    named[static_cast<size_t>(target[labels])] = 1;
  double sum = 0;
  for (int64_t k = 0; k < labels; ++k) {
    const int64_t y = target[k];
    for (int64_t i = 0; i < classes; ++i) {
      const T gap = 1 - x[y] + x[i];
      if (named[static_cast<size_t>(i)] || !(gap > 0)) continue;
      sum += static_cast<double>(gap);
      slope[i] += 1;
      slope[y] -= 1;
    }
  }
  for (int64_t i = 0; i < classes; ++i) slope[i] /= static_cast<T>(classes);
  return sum / static_cast<double>(classes);
}

}  // namespace

Array huber(const Array& d, double delta) {
  return dispatch_float(d.dtype(), "huber_loss", [&]<class T>(TypeTag<T>) {
    const T most = static_cast<T>(delta), least = -most;
    return map<T>(d, [=](T v) {
      const T limited = v < least ? least : v > most ? most : v;
      return limited * (v - limited / 2);
    });
  });
}

Array binary_cross_entropy(const Array& x, const Array& t) {
  return dispatch_float(x.dtype(), "binary_cross_entropy", [&]<class T>(TypeTag<T>) {
    check_probabilities<T>(x);
    return pairs<T>("binary_cross_entropy", x, t, BinaryCrossEntropy<T>());
  });
}

Array logistic_loss(const Array& x, const Array& t) {
  return dispatch_float(x.dtype(), "logistic_loss", [&]<class T>(TypeTag<T>) {
    return pairs<T>("logistic_loss", x, t, Logistic<T>());
  });
}

LossesAndSlopes multilabel_margin(const Array& x, const Array& target) {
  return dispatch_float(x.dtype(), "multilabel_margin_loss", [&]<class T>(TypeTag<T>) {
    const Array from = contiguous(x), wanted = contiguous(target);
    const int64_t rows = x.size(0), classes = x.size(1);
    for (int64_t i = 0; i < wanted.numel(); ++i) {
      const int64_t c = wanted.data<int64_t>()[i];
      check<IndexError>(c >= -1 && c < classes,
                        "multilabel_margin_loss: targets must be at least -1 and below {}, got {}",
                        classes, c);
    }
    LossesAndSlopes result = {Array::empty({rows}, x.dtype()), Array::empty(x.shape(), x.dtype())};
    parallel_for(rows, [&](int64_t row) {
      std::vector<char> named(static_cast<size_t>(classes));
      const int64_t at = row * classes;
      result.losses.data<T>()[row] =
          static_cast<T>(margin_row(from.data<T>() + at, wanted.data<int64_t>() + at, classes,
                                    result.slopes.data<T>() + at, named));
    });
    return result;
  });
}

}  // namespace reel::kernels
