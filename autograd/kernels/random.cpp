// One loop per distribution. Arithmetic is done in the type PyTorch uses for it, so that the
// numbers are the same.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/random.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

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

void permutation(const Array& out, Generator& generator) {
  dispatch_number(out.dtype(), "randperm", [&]<class T>(TypeTag<T>) {
    T* y = out.data<T>();
    const int64_t n = out.numel();
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(i);
    for (int64_t i = 0; i < n - 1; ++i) std::swap(y[i], y[i + generator.random() % (n - i)]);
  });
}

}  // namespace reel::kernels
