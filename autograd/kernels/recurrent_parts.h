#pragma once
// What the two passes over a recurrent layer share: where rows lie, and vectors of a row.

#include <reel/autograd/kernels/recurrent.h>

#include <algorithm>
#include <xsimd/xsimd.hpp>

namespace reel::kernels {

/// The sizes of a layer, and where its steps and blocks begin.
struct RecurrentLayout {
  int64_t batch, rows, hidden, state, gates;  // gates: of all hidden numbers together
  std::vector<int64_t> first_row;             // of each step

  RecurrentLayout(const RecurrentArrays& inputs, const RecurrentSteps& steps)
      : batch(steps.batch_sizes.front()),
        rows(inputs.x.size(0)),
        hidden(inputs.weight_hh.size(0) / gates_of(steps.cell)),
        state(inputs.weight_hh.size(1)),
        gates(inputs.weight_hh.size(0)) {
    int64_t row = 0;
    for (int64_t size : steps.batch_sizes) {
      first_row.push_back(row);
      row += size;
    }
  }

  /// Sequences do not meet, so that blocks of them can go through all steps side by side.
  int64_t block_size() const {
    constexpr int64_t least_work = int64_t{1} << 21, least = 16, most_blocks = 16;
    if (rows * gates * state < least_work) return std::max<int64_t>(batch, 1);
    const int64_t size = (batch + most_blocks - 1) / most_blocks;
    return (size + least - 1) / least * least;
  }
  int64_t blocks() const { return (batch + block_size() - 1) / block_size(); }
};

/// Calls f(step, row, count) for the rows of one block at each step, in the order of time or
/// against it; steps without a row are left out. `row` counts from the start of the sequence.
template <class F>
void for_each_step(const RecurrentLayout& layout, const RecurrentSteps& steps, int64_t block,
                   bool against, F&& f) {
  const int64_t first = block * layout.block_size(), size = layout.block_size();
  const auto count = static_cast<int64_t>(steps.batch_sizes.size());
  for (int64_t i = 0; i < count; ++i) {
    const auto step = static_cast<size_t>(steps.reverse != against ? count - 1 - i : i);
    const int64_t here = std::min(steps.batch_sizes[step] - first, size);
    if (here > 0) f(i, layout.first_row[step] + first, here);
  }
}

/// A vector's worth of a row, the last of which may be short.
template <class T>
struct RowBatch {
  using Batch = xsimd::batch<T>;
  static constexpr int64_t width = static_cast<int64_t>(Batch::size);

  int64_t at, count;

  Batch load(const T* row) const {
    if (count == width) [[likely]]
      return Batch::load_unaligned(row + at);
    alignas(64) T padded[width] = {};
    std::copy(row + at, row + at + count, padded);
    return Batch::load_aligned(padded);
  }
  void store(T* row, Batch value) const {
    if (count == width) [[likely]]
      return value.store_unaligned(row + at);
    alignas(64) T padded[width];
    value.store_aligned(padded);
    std::copy(padded, padded + count, row + at);
  }
};

template <class T, class F>
void for_each_row_batch(int64_t n, F&& f) {
  for (int64_t at = 0; at < n; at += RowBatch<T>::width)
    f(RowBatch<T>{at, std::min(RowBatch<T>::width, n - at)});
}

/// 1 / (1 + exp(-x)); far below 0 it is 0 where exp has overflowed.
template <class Batch>
Batch logistic(Batch x) {
  return Batch(1) / (Batch(1) + xsimd::exp(-x));
}

}  // namespace reel::kernels
