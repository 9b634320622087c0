#pragma once
// Walking several arrays of one shape together, row by row.

#include <reel/autograd/array.h>

#include <array>

namespace reel::kernels {

/// Arrays of one shape as rows of the longest pieces in which each of them has one stride: dims
/// that lie behind each other in all of them are one.
template <size_t N>
class Rows {
 public:
  using Places = std::array<int64_t, N>;

  // Not inlined: it would stand in every operation.
  [[gnu::noinline]] Rows(const Shape& shape, const std::array<Strides, N>& strides) {
    for (int i = 0; i < shape.rank(); ++i) {
      if (shape[i] == 1) continue;
      bool merges = rank_ > 0;
      for (size_t k = 0; k < N && merges; ++k)
        merges = steps_[k][rank_ - 1] == strides[k][i] * shape[i];
      if (!merges) sizes_[rank_++] = 1;
      sizes_[rank_ - 1] *= shape[i];
      for (size_t k = 0; k < N; ++k) steps_[k][rank_ - 1] = strides[k][i];
    }
    for (int i = 0; i < rank_ - 1; ++i) count_ *= sizes_[i];
    if (rank_ == 0) return;
    length_ = sizes_[rank_ - 1];
    for (size_t k = 0; k < N; ++k) inner_[k] = steps_[k][rank_ - 1];
  }
  int64_t count() const { return count_; }
  int64_t length() const { return length_; }
  const Places& inner() const { return inner_; }
  int rank() const { return rank_; }
  int64_t size(int dim) const { return sizes_[dim]; }
  int64_t step(size_t array, int dim) const { return steps_[array][dim]; }

  /// For the rows from `first` up to `last`, those along the last dim but one at once:
  /// block(rows, steps from row to row, length, offsets, strides), all in elements.
  template <class Block>
  void each(int64_t first, int64_t last, Block&& block) const {
    if (length_ == 0 || first >= last) return;
    Places offsets{}, steps{};
    if (rank_ < 2) return block(int64_t{1}, steps, length_, offsets, inner_);
    const int along = rank_ - 2;
    for (size_t k = 0; k < N; ++k) steps[k] = steps_[k][along];
    int64_t index[kMaxRank] = {};
    for (int64_t left = first, dim = along; left > 0; left /= sizes_[dim--]) {
      index[dim] = left % sizes_[dim];
      for (size_t k = 0; k < N; ++k) offsets[k] += index[dim] * steps_[k][dim];
    }
    for (int64_t i = first; i < last;) {
      const int64_t rows = std::min(last - i, sizes_[along] - index[along]);
      block(rows, steps, length_, offsets, inner_);
      i += rows;
      index[along] += rows;
      for (size_t k = 0; k < N; ++k) offsets[k] += rows * steps[k];
      for (int dim = along; dim > 0 && index[dim] == sizes_[dim]; --dim) {
        index[dim] = 0;
        ++index[dim - 1];
        for (size_t k = 0; k < N; ++k)
          offsets[k] += steps_[k][dim - 1] - steps_[k][dim] * sizes_[dim];
      }
    }
  }

 private:
  int64_t sizes_[kMaxRank];
  int64_t steps_[N][kMaxRank];
  int rank_ = 0;
  int64_t count_ = 1, length_ = 1;
  Places inner_{};
};

/// Walks arrays of one shape row by row, in order. Calls row(n, offsets, strides), both in
/// elements.
template <size_t N, class Row>
void for_each_row(const Shape& shape, const std::array<Strides, N>& strides, Row&& row) {
  const Rows<N> rows(shape, strides);
  rows.each(0, rows.count(),
            [&](int64_t count, const auto& steps, int64_t n, auto offsets, const auto& step) {
              for (int64_t i = 0; i < count; ++i) {
                row(n, offsets, step);
                for (size_t k = 0; k < N; ++k) offsets[k] += steps[k];
              }
            });
}

}  // namespace reel::kernels
