#pragma once
// Maxima over windows of the last one to three dims, and moving numbers to and from their places.
// A place is an index into those dims, flattened.

#include <reel/autograd/kernels/scratch.h>

#include <array>

namespace reel::kernels {

/// What windows see along one axis.
struct PoolAxis {
  /// Elements begin, begin + step, ... before end; at least one, all of them inside the axis.
  struct Window {
    int64_t begin, end;
  };

  int64_t size = 1;
  int64_t step = 1;
  List<Window> windows = {{0, 1}};
  // Windows that begin `stride` apart, `padding` before the axis, and have `kernel` elements before
  // they are cut; kernel 0: they do not.
  int64_t kernel = 1, stride = 1, padding = 0;
};
/// Depth, height and width; those that are not there have one window of one element.
using PoolAxes = std::array<PoolAxis, 3>;

struct PooledMax {
  Array values, places;
};

/// Short places are indices, too, but where windows of 2 x 2 lie side by side: there they are the
/// place in the window, row by row, as uint8. An eighth of the memory traffic.
enum class Places { kNone, kShort, kIndices };

/// The largest element that each window sees and its place: the first among equals, the last NaN if
/// there are any. One entry of `axes` for all planes, or one a plane.
PooledMax max_pool(const char* op, const Array& x, int axes_count, const List<PoolAxes>& axes,
                   Places places);
/// Zeros of `shape` to which each element of g is added at its place, short or not.
Array max_pool_backward(const Array& g, const Array& places, const Shape& shape, int axes_count);
/// Places as indices into an image of `shape`.
Array indices_of(const Array& places, const Shape& shape);
/// Zeros of `shape` with each element of x at its place, the last where several have one. Throws
/// IndexError in the op's name.
Array max_unpool(const char* op, const Array& x, const Array& indices, const Shape& shape,
                 int axes_count);

}  // namespace reel::kernels
