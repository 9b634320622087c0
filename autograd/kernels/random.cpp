// One loop per distribution. Arithmetic is done in the type PyTorch uses for it, so that the
// numbers are the same.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

namespace reel::kernels {
namespace {

constexpr int64_t kBlock = 16;

// `out` with its dims in the order of its memory, the longest stride first.
Array in_memory_order(const Array& out) {
  int dims[kMaxRank];
  std::iota(dims, dims + out.rank(), 0);
  std::stable_sort(dims, dims + out.rank(),
                   [&](int a, int b) { return out.strides()[a] > out.strides()[b]; });
  Shape shape = out.shape();
  Strides strides = out.strides();
  for (int i = 0; i < out.rank(); ++i) {
    shape[i] = out.shape()[dims[i]];
    strides[i] = out.strides()[dims[i]];
  }
  return out.view(shape, strides);
}

// Calls fill(T*, n) on the memory of `out`, or on a row-major array that is then copied there.
template <class T, class Fill>
void fill_ordered(const Array& out, Fill&& fill) {
  if (out.is_contiguous()) return fill(out.data<T>(), out.numel());
  const Array target = in_memory_order(out);
  const Array values = Array::empty(target.shape(), out.dtype());
  fill(values.data<T>(), values.numel());
  copy(values, target);
}

// Fills with draw() one element after the other.
template <class T, class Draw>
void fill_each(const Array& out, Draw&& draw) {
  fill_ordered<T>(out, [&](T* y, int64_t n) {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(draw());
  });
}

template <class T>
void fill_uniform(T* y, int64_t n, Generator& generator) {
  for (int64_t i = 0; i < n; ++i) y[i] = generator.uniform<T>();
}

// Box-Muller in a block of 16 uniforms: the first half gives the radii, the second the angles.
template <class T>
void normal_block(T* y, T mean, T std) {
  constexpr int64_t kHalf = kBlock / 2;
  for (int64_t j = 0; j < kHalf; ++j) {
    const T radius = std::sqrt(T{-2} * std::log(T{1} - y[j]));
    const T angle = T{2} * std::numbers::pi_v<T> * y[j + kHalf];
    y[j] = std::fma(radius * std::cos(angle), std, mean);
    y[j + kHalf] = std::fma(radius * std::sin(angle), std, mean);
  }
}

template <class T>
void normal_blocks(T* y, int64_t n, T mean, T std, Generator& generator) {
  fill_uniform(y, n, generator);
  for (int64_t i = 0; i + kBlock <= n; i += kBlock) normal_block(y + i, mean, std);
  if (n % kBlock == 0) return;
  // The last block overlaps the one before it and is drawn afresh.
  fill_uniform(y + n - kBlock, kBlock, generator);
  normal_block(y + n - kBlock, mean, std);
}

// W. Hoermann, "The transformed rejection method for generating Poisson random variables",
// Insurance: Mathematics and Economics 12 (1993): algorithm PTRS, for means of 10 and more.
double large_poisson(double mean, Generator& generator) {
  const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = generator.uniform<double>() - 0.5, v = generator.uniform<double>();
    const double from_edge = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / from_edge + b) * u + mean + 0.43);
    if (from_edge >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (from_edge < 0.013 && v > from_edge)) continue;
    const double hat =
        std::log(v) + std::log(inverse_alpha) - std::log(a / (from_edge * from_edge) + b);
    if (hat <= -mean + k * std::log(mean) - std::lgamma(k + 1)) return k;
  }
}

// Counts uniforms until their product falls below exp(-mean).
double small_poisson(double mean, Generator& generator) {
  const double limit = std::exp(-mean);
  double count = 0, product = 1;
  for (;;) {
    product *= generator.uniform<double>();
    if (product <= limit) return count;
    ++count;
  }
}

}  // namespace

void uniform(const Array& out, double from, double to, Generator& generator) {
  dispatch_float(out.dtype(), "uniform_", [&]<class T>(TypeTag<T>) {
    const T low = static_cast<T>(from), range = static_cast<T>(to) - low;
    // Fused, as PyTorch's build rounds it.
    fill_each<T>(out, [&] { return std::fma(generator.uniform<T>(), range, low); });
  });
}

void normal(const Array& out, double mean, double std, Generator& generator) {
  dispatch_float(out.dtype(), "normal_", [&]<class T>(TypeTag<T>) {
    if (out.numel() >= kBlock && out.is_contiguous()) {
      return normal_blocks(out.data<T>(), out.numel(), static_cast<T>(mean), static_cast<T>(std),
                           generator);
    }
    fill_each<T>(out, [&] { return std::fma(generator.normal(), std, mean); });
  });
}

void exponential(const Array& out, double lambda, Generator& generator) {
  dispatch_float(out.dtype(), "exponential_", [&]<class T>(TypeTag<T>) {
    fill_each<T>(out, [&] { return -1 / lambda * std::log(1 - generator.uniform<double>()); });
  });
}

void log_normal(const Array& out, double mean, double std, Generator& generator) {
  dispatch_float(out.dtype(), "log_normal_", [&]<class T>(TypeTag<T>) {
    fill_each<T>(out, [&] { return std::exp(std::fma(generator.normal(), std, mean)); });
  });
}

void cauchy(const Array& out, double median, double sigma, Generator& generator) {
  dispatch_float(out.dtype(), "cauchy_", [&]<class T>(TypeTag<T>) {
    fill_each<T>(out, [&] {
      const double angle = std::numbers::pi * (generator.uniform<double>() - 0.5);
      return median + sigma * std::tan(angle);
    });
  });
}

void geometric(const Array& out, double p, Generator& generator) {
  dispatch_number(out.dtype(), "geometric_", [&]<class T>(TypeTag<T>) {
    fill_each<T>(
        out, [&] { return std::ceil(std::log(generator.uniform<double>()) / std::log(1 - p)); });
  });
}

void poisson(const Array& out, const Array& rates, Generator& generator) {
  dispatch_float(out.dtype(), "poisson", [&]<class T>(TypeTag<T>) {
    const T* rate = rates.data<T>();
    fill_each<T>(out, [&] {
      const double mean = *rate++;
      if (mean == 0) return 0.0;
      return mean < 10 ? small_poisson(mean, generator) : large_poisson(mean, generator);
    });
  });
}

void bernoulli(const Array& out, double p, Generator& generator) {
  dispatch_any(out.dtype(), [&]<class T>(TypeTag<T>) {
    fill_each<T>(out, [&] { return generator.uniform<double>() < p; });
  });
}

void bernoulli(const Array& out, const Array& p, Generator& generator) {
  dispatch_float(p.dtype(), "bernoulli", [&]<class P>(TypeTag<P>) {
    const P* probability = p.data<P>();
    dispatch_any(out.dtype(), [&]<class T>(TypeTag<T>) {
      fill_each<T>(out, [&] { return generator.uniform<P>() < *probability++; });
    });
  });
}

void random(const Array& out, int64_t low, int64_t high, Generator& generator) {
  const uint64_t base = static_cast<uint64_t>(low), range = static_cast<uint64_t>(high) - base;
  const bool wide = range >> 32 != 0;
  dispatch_any(out.dtype(), [&]<class T>(TypeTag<T>) {
    fill_each<T>(out, [&] {
      const uint64_t bits = wide ? generator.random64() : generator.random();
      return static_cast<int64_t>(bits % range + base);
    });
  });
}

void random(const Array& out, Generator& generator) {
  dispatch_any(out.dtype(), [&]<class T>(TypeTag<T>) {
    using Limits = std::numeric_limits<T>;
    constexpr uint64_t range = (uint64_t{1} << Limits::digits) + !Limits::is_integer;
    fill_each<T>(out, [&] {
      const uint64_t bits = Limits::digits > 32 ? generator.random64() : generator.random();
      return static_cast<int64_t>(bits % range);
    });
  });
}

Array multinomial(const Array& weights, int64_t count, Generator& generator) {
  const int64_t rows = weights.size(0), places = weights.size(1);
  Array drawn = Array::empty({rows, count}, kInt64);
  dispatch_float(weights.dtype(), "multinomial", [&]<class T>(TypeTag<T>) {
    std::vector<T> cumulative(static_cast<size_t>(places));
    for (int64_t row = 0; row < rows; ++row) {
      const T* weight = weights.data<T>() + row * places;
      T sum = 0;
      for (int64_t i = 0; i < places; ++i) cumulative[static_cast<size_t>(i)] = sum += weight[i];
      for (T& value : cumulative) value /= sum;
      cumulative.back() = 1;
      for (int64_t i = 0; i < count; ++i) {
        const double u = generator.uniform<double>();
        const auto found = std::lower_bound(cumulative.begin(), cumulative.end(), u,
                                            [](T value, double at) { return value < at; });
        drawn.data<int64_t>()[row * count + i] = found - cumulative.begin();
      }
    }
  });
  return drawn;
}

void permutation(const Array& out, Generator& generator) {
  dispatch_number(out.dtype(), "randperm", [&]<class T>(TypeTag<T>) {
    T* y = out.data<T>();
    const int64_t n = out.numel();
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(i);
    for (int64_t i = 0; i < n - 1; ++i) std::swap(y[i], y[i + generator.random() % (n - i)]);
  });
}

}  // namespace reel::kernels
