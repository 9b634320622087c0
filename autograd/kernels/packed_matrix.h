#pragma once
// The right side of products, laid out as their innermost loop reads it.

#include <reel/autograd/array.h>
#include <reel/autograd/kernels/transposed.h>

#include <xsimd/xsimd.hpp>

namespace reel::kernels {

/// b [k, n] in panels that are two vectors wide, for all rows that are multiplied with it. BLAS
/// lays b out anew for every call, which costs as much as a product with a few rows.
template <class T>
class PackedMatrix {
  using Batch = xsimd::batch<T>;
  static constexpr int64_t kWidth = static_cast<int64_t>(Batch::size);

 public:
  static constexpr int64_t kPanel = 2 * kWidth;  // columns
  /// Rows that are multiplied at once, two sums each: these take half of the registers, of which
  /// AVX-512 has 32.
  static constexpr int64_t kRows = sizeof(Batch) == 64 ? 8 : 4;

  /// b[i][j] stands at data[i * row_step + j * col_step]; one of the steps is 1.
  PackedMatrix(int64_t k, int64_t n, const T* data, int64_t row_step, int64_t col_step)
      : k_(k),
        n_(n),
        numbers_(Array::empty({(n + kPanel - 1) / kPanel * kPanel * k}, dtype_of<T>)) {
    for (int64_t start = 0; start < n; start += kPanel)
      pack(start, data + start * col_step, row_step, col_step);
  }

  /// How many numbers so many rows of a become in group_rows.
  static int64_t grouped_size(int64_t rows, int64_t k) {
    return (rows + kRows - 1) / kRows * kRows * k;
  }
  /// Lays out a [m, k] by groups of kRows, column by column. a[i][j] stands at
  /// data[i * row_step + j * col_step]; one of the steps is 1.
  static void group_rows(int64_t m, int64_t k, const T* data, int64_t row_step, int64_t col_step,
                         T* to) {
    for (int64_t row = 0; row < m; row += kRows, to += kRows * k)
      copy_lines<kRows>(k, std::min(kRows, m - row), data + row * row_step, col_step, row_step, to);
  }

  /// c = a b, or c += a b: a [m, k] and c [m, n] in rows that lie so far apart. An element's bits
  /// do not depend on the rows above and below it.
  void multiply(int64_t m, const T* a, int64_t a_step, T* c, int64_t c_step, bool add) const {
    multiply<Straight>(m, {a, a_step}, c, c_step, add);
  }
  /// The same for an a that group_rows has laid out.
  void multiply_grouped(int64_t m, const T* a, T* c, int64_t c_step, bool add) const {
    multiply<Grouped>(m, {a, k_}, c, c_step, add);
  }

 private:
  // How the rows of a lie.
  struct Straight {
    const T* data;
    int64_t step;
    const T* from(int64_t row) const { return data + row * step; }
    const T& at(const T* rows, int64_t row, int64_t i) const { return rows[row * step + i]; }
  };
  struct Grouped {
    const T* data;
    int64_t k;
    const T* from(int64_t row) const { return data + row * k; }
    const T& at(const T* rows, int64_t row, int64_t i) const { return rows[i * kRows + row]; }
  };

  // to[i * Step + j] = from[i * row_step + j * col_step], where one of both steps is 1.
  template <int64_t Step>
  static void copy_lines(int64_t rows, int64_t cols, const T* from, int64_t row_step,
                         int64_t col_step, T* to) {
    if (col_step != 1) return copy_transposed(from, col_step, to, Step, rows, cols);
    for (int64_t i = 0; i < rows; ++i, from += row_step, to += Step) {
      if (cols == Step)
        std::copy_n(from, Step, to);  // without a call
      else
        std::copy_n(from, cols, to);
    }
  }
  void pack(int64_t start, const T* from, int64_t row_step, int64_t col_step) {
    T* to = numbers_.data<T>() + start * k_;
    const int64_t width = std::min(kPanel, n_ - start);
    copy_lines<kPanel>(k_, width, from, row_step, col_step, to);
    for (int64_t i = 0; width < kPanel && i < k_; ++i)
      std::fill(to + i * kPanel + width, to + (i + 1) * kPanel, T{0});
  }

  template <class Rows>
  void multiply(int64_t m, Rows a, T* c, int64_t c_step, bool add) const {
    for (int64_t row = 0; row < m; row += kRows) {
      for (int64_t start = 0; start < n_; start += kPanel) {
        const T* panel = numbers_.data<T>() + start * k_;
        const Tile<Rows> tile{a, panel, k_, std::min(kPanel, n_ - start), c_step, add};
        tile.template rows<kRows>(std::min(kRows, m - row), a.from(row), c + row * c_step + start);
      }
    }
  }

  template <class Rows>
  struct Tile {
    Rows layout;
    const T* panel;
    int64_t k, width, c_step;
    bool add;

    // `count` rows, at most R of them.
    template <int64_t R>
    void rows(int64_t count, const T* a, T* c) const {
      if constexpr (R > 1) {
        if (count < R) return rows<R - 1>(count, a, c);
      }
      // What is far away comes while the sums are computed.
      for (int64_t r = 0; r < R; ++r) prefetch(c + r * c_step);
      Batch sums[R][2];
      for (int64_t r = 0; r < R; ++r) sums[r][0] = sums[r][1] = Batch(T{0});
      for (int64_t i = 0; i < k; ++i) {
        const Batch left = Batch::load_unaligned(panel + i * kPanel);
        const Batch right = Batch::load_unaligned(panel + i * kPanel + kWidth);
        for (int64_t r = 0; r < R; ++r) {
          const Batch factor(layout.at(a, r, i));
          sums[r][0] = xsimd::fma(factor, left, sums[r][0]);
          sums[r][1] = xsimd::fma(factor, right, sums[r][1]);
        }
      }
      for (int64_t r = 0; r < R; ++r) store(sums[r], c + r * c_step);
    }
    static void prefetch(const T* c) {
      __builtin_prefetch(c, 1);
      __builtin_prefetch(c + kWidth, 1);
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
