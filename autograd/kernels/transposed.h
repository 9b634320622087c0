#pragma once
// A transposed copy, in tiles that are turned in registers.

#include <reel/autograd/kernels/lanes.h>

#include <algorithm>

namespace reel::kernels {

/// So many rows and columns are turned in registers at once.
inline constexpr int kTurned = 8;

/// to[i * to_row + j] = from[j * from_row + i] for i < rows and j < cols: reads along one dim and
/// writes along another, in blocks that keep the lines of both in cache.
template <class T>
void copy_transposed(const T* from, int64_t from_row, T* to, int64_t to_row, int64_t rows,
                     int64_t cols) {
  constexpr int64_t block = 64;
  for (int64_t j0 = 0; j0 < cols; j0 += block) {
    const int64_t j1 = std::min(j0 + block, cols);
    for (int64_t i = 0; i < rows; i += kTurned) {
      int64_t j = j0;
      for (; i + kTurned <= rows && j + kTurned <= j1; j += kTurned) {
        Lanes<T, kTurned> lines[kTurned];
        for (int k = 0; k < kTurned; ++k) load_lanes(from + (j + k) * from_row + i, lines[k]);
        transpose(lines);
        for (int k = 0; k < kTurned; ++k) store_lanes(lines[k], to + (i + k) * to_row + j);
      }
      for (; j < j1; ++j) {
        for (int64_t k = i; k < std::min<int64_t>(i + kTurned, rows); ++k)
          to[k * to_row + j] = from[j * from_row + k];
      }
    }
  }
}

}  // namespace reel::kernels
