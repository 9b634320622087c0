#pragma once
// A matrix that many products share on their right side, laid out for them once.

#include <reel/autograd/array.h>

#include <algorithm>
#include <xsimd/xsimd.hpp>

namespace reel::kernels {

/// b [k, n] in panels that are two vectors wide: what the innermost loop reads lies in its order.
/// BLAS lays b out anew for every call, which costs as much as a product with a few rows.
template <class T>
class PackedMatrix {
 public:
  /// b[i][j] stands at data[i * row_step + j * col_step].
  PackedMatrix(int64_t k, int64_t n, const T* data, int64_t row_step, int64_t col_step)
      : k_(k),
        n_(n),
        numbers_(Array::empty({(n + kPanel - 1) / kPanel * kPanel * k}, dtype_of<T>)) {
    T* to = numbers_.data<T>();
    for (int64_t start = 0; start < n; start += kPanel) {
      const int64_t width = std::min(kPanel, n - start);
      for (int64_t i = 0; i < k; ++i, to += kPanel) {
        const T* from = data + i * row_step + start * col_step;
        for (int64_t j = 0; j < width; ++j) to[j] = from[j * col_step];
        std::fill(to + width, to + kPanel, T{0});
      }
    }
  }

  /// c = a b, or c += a b: a [m, k] and c [m, n] in rows that lie so far apart. An element's bits
  /// do not depend on the rows above and below it.
  void multiply(int64_t m, const T* a, int64_t a_step, T* c, int64_t c_step, bool add) const {
    for (int64_t start = 0; start < n_; start += kPanel) {
      const T* panel = numbers_.data<T>() + start * k_;
      const Tile tile{panel, k_, std::min(kPanel, n_ - start), a_step, c_step, add};
      for (int64_t row = 0; row < m; row += kRows)
        tile.template rows<kRows>(std::min(kRows, m - row), a + row * a_step,
                                  c + row * c_step + start);
    }
  }

 private:
  using Batch = xsimd::batch<T>;
  static constexpr int64_t kWidth = static_cast<int64_t>(Batch::size);
  static constexpr int64_t kPanel = 2 * kWidth;
  // Two sums a row: half of the registers, of which AVX-512 has 32.
  static constexpr int64_t kRows = sizeof(Batch) == 64 ? 8 : 4;

  struct Tile {
    const T* panel;
    int64_t k, width, a_step, c_step;
    bool add;

    // `count` rows, at most R of them.
    template <int64_t R>
    void rows(int64_t count, const T* a, T* c) const {
      if constexpr (R > 1) {
        if (count < R) return rows<R - 1>(count, a, c);
      }
      Batch sums[R][2];
      for (int64_t r = 0; r < R; ++r) sums[r][0] = sums[r][1] = Batch(T{0});
      for (int64_t i = 0; i < k; ++i) {
        const Batch left = Batch::load_unaligned(panel + i * kPanel);
        const Batch right = Batch::load_unaligned(panel + i * kPanel + kWidth);
        for (int64_t r = 0; r < R; ++r) {
          const Batch factor(a[r * a_step + i]);
          sums[r][0] = xsimd::fma(factor, left, sums[r][0]);
          sums[r][1] = xsimd::fma(factor, right, sums[r][1]);
        }
      }
      for (int64_t r = 0; r < R; ++r) store(sums[r], c + r * c_step);
    }
    void store(const Batch (&sums)[2], T* c) const {
      alignas(64) T part[kPanel];
      T* to = width == kPanel ? c : part;
      if (add && to == part) std::copy(c, c + width, part);
      for (int64_t v = 0; v < 2; ++v) {
        T* at = to + v * kWidth;
        (add ? Batch::load_unaligned(at) + sums[v] : sums[v]).store_unaligned(at);
      }
      if (to == part) std::copy(part, part + width, c);
    }
  };

  int64_t k_, n_;
  Array numbers_;  // 0 where the last panel has no column
};

}  // namespace reel::kernels
