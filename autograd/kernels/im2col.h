#pragma once
// A window that moves over an image: which elements it sees at which positions, and the matrix of
// all of them, [elements of the window, positions].

#include <reel/autograd/array.h>

#include <algorithm>
#include <array>

namespace reel::kernels {

using Axes = std::array<int64_t, 3>;

inline int64_t product(const Axes& sizes) { return sizes[0] * sizes[1] * sizes[2]; }

/// Always three axes: with fewer, the leading ones have size 1. Zeros surround the image: `padding`
/// of them come before it, and as many after it as the positions reach.
struct Window {
  int axes = 3;  // that the caller's tensors have
  Axes image{1, 1, 1}, kernel{1, 1, 1}, positions{1, 1, 1};
  Axes stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};
};

/// One element of the window: along each axis the positions at which it lies in the image.
struct Element {
  struct Range {
    int64_t begin, end;
    int64_t shift;  // position p sees image element p * stride + shift
  };
  std::array<Range, 3> axes;

  Element(const Window& window, int64_t index) {
    for (size_t axis = 3; axis-- > 0; index /= window.kernel[axis])
      axes[axis] = inside(window, axis, index % window.kernel[axis]);
  }

 private:
  static Range inside(const Window& window, size_t axis, int64_t k) {
    const int64_t stride = window.stride[axis], size = window.positions[axis];
    const int64_t shift = k * window.dilation[axis] - window.padding[axis];
    const int64_t room = window.image[axis] - shift;
    const int64_t begin = shift >= 0 ? 0 : std::min(size, (-shift + stride - 1) / stride);
    const int64_t end = room <= 0 ? 0 : std::min(size, (room - 1) / stride + 1);
    return {begin, std::max(begin, end), shift};
  }
};

/// For one element of the window and the positions in [begin, end) in row-major order: calls
/// run(position, image, count) for runs of `count` positions that lie behind each other, the first
/// of which sees the image's element `image`, the others those that follow at the last axis'
/// stride. Positions where the element lies in the padding are left out.
template <class Run>
void for_each_run(const Window& window, const Element& element, int64_t begin, int64_t end,
                  Run&& run) {
  const auto& [depths, rows, columns] = element.axes;
  const int64_t width = window.positions[2], slice = window.positions[1] * width;
  const int64_t stride = window.stride[2];
  const int64_t first_depth = begin > 0 ? begin / slice : 0;
  for (int64_t depth = std::max(depths.begin, first_depth); depth < depths.end; ++depth) {
    const int64_t before = depth * slice;
    const int64_t first_row = begin > before ? (begin - before) / width : 0;
    int64_t row = std::max(rows.begin, first_row);
    int64_t line = ((depth * window.stride[0] + depths.shift) * window.image[1] +
                    row * window.stride[1] + rows.shift) *
                       window.image[2] +
                   columns.shift;
    for (; row < rows.end; ++row, line += window.stride[1] * window.image[2]) {
      const int64_t start = before + row * width;
      if (start >= end) return;
      const int64_t from = std::max(columns.begin, begin - start);
      const int64_t to = std::min(columns.end, end - start);
      if (from < to) run(start + from, line + from * stride, to - from);
    }
  }
}

/// What the window sees of `channels` images at the positions in [begin, end): a row for each
/// channel and element of the window, `leading` numbers apart.
template <class T>
void im2col(const Window& window, const T* images, int64_t channels, int64_t begin, int64_t end,
            T* columns, int64_t leading);
/// The adjoint: adds every number to the element of `images` that it would have been read from.
template <class T>
void col2im(const Window& window, const T* columns, int64_t leading, int64_t channels,
            int64_t begin, int64_t end, T* images);

/// x [N, C, H, W] -> [N, C * elements of the window, positions].
Array unfold(const Array& x, const Window& window);
/// The adjoint: [N, C * elements, positions] -> [N, C, H, W].
Array fold(const Array& columns, const Window& window);

}  // namespace reel::kernels
