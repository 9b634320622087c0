#pragma once
// A window that moves over an image: which elements it sees at which positions, and the matrix of
// all of them, [elements of the window, positions].

#include <reel/autograd/kernels/scratch.h>

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

/// Positions that lie in `rows` rows of `count` each, and the image's elements that one element of
/// the window sees there: from `image` on, along a row at the window's last stride.
struct Block {
  int64_t count, rows;
  int64_t position, position_step;  // the first one, and from row to row
  int64_t image, image_step;
};

/// For one element of the window and the positions in [begin, end) in row-major order: visits the
/// blocks of those where the element lies in the image, in order.
template <class Visit>
void for_each_block(const Window& window, const Element& element, int64_t begin, int64_t end,
                    Visit&& visit) {
  const auto& [depths, rows, columns] = element.axes;
  const int64_t width = window.positions[2], slice = window.positions[1] * width;
  const int64_t step = window.stride[1] * window.image[2];
  for (int64_t depth = std::max(depths.begin, begin > 0 ? begin / slice : 0); depth < depths.end;
       ++depth) {
    // What is left of [begin, end), counted from the start of the slice.
    const int64_t low = std::max<int64_t>(0, begin - depth * slice), high = end - depth * slice;
    if (high <= 0) return;
    const int64_t plane = (depth * window.stride[0] + depths.shift) * window.image[1] + rows.shift;
    const int64_t last = high >= slice ? rows.end : std::min(rows.end, (high - 1) / width + 1);
    for (int64_t row = std::max(rows.begin, low > 0 ? low / width : 0); row < last;) {
      const int64_t from = std::max(columns.begin, low - row * width);
      const int64_t to = std::min(columns.end, high - row * width);
      // A row that is cut stands alone; the others up to the last that is not cut are one block.
      const bool whole = from == columns.begin && to == columns.end;
      const int64_t next = !whole          ? row + 1
                           : high >= slice ? last
                                           : std::min(last, (high - columns.end) / width + 1);
      if (from < to) {
        visit(Block{to - from, next - row, depth * slice + row * width + from, width,
                    plane * window.image[2] + row * step + from * window.stride[2] + columns.shift,
                    step});
      }
      row = next;
    }
  }
}

/// `count` numbers of each of so many rows. Rows are short, often a dozen numbers, so that a call
/// of memcpy would cost more than what it copies: the last piece of a row overlaps the one before
/// it.
template <class T>
void copy_rows(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t rows,
               int64_t count);

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
