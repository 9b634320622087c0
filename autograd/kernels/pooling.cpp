#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/pooling.h>

#include <algorithm>
#include <limits>

namespace reel::kernels {
namespace {

using Window = PoolAxis::Window;

constexpr int64_t kBlock = 1 << 14;  // elements of a block, about

int64_t window_count(const PoolAxis& axis) { return static_cast<int64_t>(axis.windows.size()); }

int64_t plane_size(const Shape& shape, int axes_count) {
  int64_t size = 1;
  for (int i = shape.rank() - axes_count; i < shape.rank(); ++i) size *= shape[i];
  return size;
}

// Calls f(plane) for planes that each cost about `work`, some to a block.
template <class F>
void for_each_plane(int64_t planes, int64_t work, F f) {
  const int64_t per_block = std::max<int64_t>(kBlock / std::max<int64_t>(work, 1), 1);
  parallel_for((planes + per_block - 1) / per_block, [&](int64_t block) {
    const int64_t end = std::min((block + 1) * per_block, planes);
    for (int64_t plane = block * per_block; plane < end; ++plane) f(plane);
  });
}

// A row of results, on which elements are tried in the order of their places.
template <class T, bool kIndexed>
struct BestRow {
  T* values;
  int64_t* indices;

  void start(int64_t i, int64_t place) const {
    values[i] = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                     : std::numeric_limits<T>::lowest();
    if constexpr (kIndexed) indices[i] = place;
  }
  void offer(int64_t i, T value, int64_t place) const {
    const bool better = value > values[i] || value != value;
    values[i] = better ? value : values[i];
    if constexpr (kIndexed) indices[i] = better ? place : indices[i];
  }
  // x[place] to the first of n results, and so on in steps of the stride.
  template <class Stride>
  void offer_row(int64_t begin, int64_t n, const T* x, int64_t place, Stride stride) const {
    const BestRow row{values + begin, kIndexed ? indices + begin : nullptr};
    const T* from = x + place;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) row.offer(i, from[i * stride], place + i * stride);
  }
};

// What the windows of one row of results see in the row of x that begins at `start`.
template <class T, bool kIndexed>
void offer_row(const BestRow<T, kIndexed>& best, const PoolAxis& axis, const T* x, int64_t start) {
  const auto singly = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Window& window = axis.windows[static_cast<size_t>(i)];
      for (int64_t k = window.begin; k < window.end; k += axis.step)
        best.offer(i, x[start + k], start + k);
    }
  };
  const int64_t begin = axis.regular_begin, end = axis.regular_end;
  singly(0, begin);
  for (int64_t tap = 0; begin < end && tap < axis.taps; ++tap) {
    const int64_t place = start + axis.windows[static_cast<size_t>(begin)].begin + tap * axis.step;
    // Strides that the compiler knows are walked several elements at a time.
    if (axis.stride == 1)
      best.offer_row(begin, end - begin, x, place, std::integral_constant<int64_t, 1>());
    else if (axis.stride == 2)
      best.offer_row(begin, end - begin, x, place, std::integral_constant<int64_t, 2>());
    else
      best.offer_row(begin, end - begin, x, place, axis.stride);
  }
  singly(end, window_count(axis));
}

template <class T, bool kIndexed>
void pool_plane(const PoolAxes& axes, const T* x, T* values, int64_t* indices) {
  const PoolAxis &depth = axes[0], &height = axes[1], &width = axes[2];
  const int64_t n = window_count(width);
  BestRow<T, kIndexed> best{values, indices};
  for (const Window& z : depth.windows) {
    for (const Window& y : height.windows) {
      const int64_t first = (z.begin * height.size + y.begin) * width.size;
      for (int64_t i = 0; i < n; ++i)
        best.start(i, first + width.windows[static_cast<size_t>(i)].begin);
      for (int64_t k = z.begin; k < z.end; k += depth.step) {
        for (int64_t j = y.begin; j < y.end; j += height.step)
          offer_row(best, width, x, (k * height.size + j) * width.size);
      }
      best.values += n;
      if constexpr (kIndexed) best.indices += n;
    }
  }
}

}  // namespace

PooledMax max_pool(const char* op, const Array& given, int axes_count,
                   const std::vector<PoolAxes>& axes, bool indexed) {
  const Array x = contiguous(given);
  Shape shape = x.shape();
  int64_t pooled = 1;
  for (int i = 0; i < axes_count; ++i) {
    const int64_t count = window_count(axes[0][static_cast<size_t>(3 - axes_count + i)]);
    shape[shape.rank() - axes_count + i] = count;
    pooled *= count;
  }
  PooledMax best{Array::empty(shape, x.dtype()), {}};
  if (indexed) best.indices = Array::empty(shape, kInt64);
  if (best.values.numel() == 0) return best;
  const int64_t size = plane_size(x.shape(), axes_count), planes = best.values.numel() / pooled;
  dispatch_number(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    for_each_plane(planes, size + pooled, [&](int64_t plane) {
      const PoolAxes& own = axes[axes.size() > 1 ? static_cast<size_t>(plane) : 0];
      const T* from = x.data<T>() + plane * size;
      T* values = best.values.data<T>() + plane * pooled;
      if (indexed)
        pool_plane<T, true>(own, from, values, best.indices.data<int64_t>() + plane * pooled);
      else
        pool_plane<T, false>(own, from, values, nullptr);
    });
  });
  return best;
}

Array max_pool_backward(const Array& given, const Array& given_indices, const Shape& shape,
                        int axes_count) {
  const Array g = contiguous(given), indices = contiguous(given_indices);
  Array y = Array::empty(shape, g.dtype());
  if (y.numel() == 0) return y;
  const int64_t size = plane_size(shape, axes_count), planes = y.numel() / size;
  const int64_t pooled = g.numel() / planes;
  dispatch_float(g.dtype(), "max_pool_backward", [&]<class T>(TypeTag<T>) {
    for_each_plane(planes, size + pooled, [&](int64_t plane) {
      T* to = y.data<T>() + plane * size;
      const T* from = g.data<T>() + plane * pooled;
      const int64_t* places = indices.data<int64_t>() + plane * pooled;
      std::fill_n(to, size, T(0));
      for (int64_t i = 0; i < pooled; ++i) to[places[i]] += from[i];
    });
  });
  return y;
}

Array max_unpool(const char* op, const Array& given, const Array& given_indices, const Shape& shape,
                 int axes_count) {
  const Array x = contiguous(given), indices = contiguous(given_indices);
  const int64_t size = plane_size(shape, axes_count);
  const int64_t* places = indices.data<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    check<IndexError>(places[i] >= 0 && places[i] < size,
                      "{}: index {} is out of range for {} elements of the output, size {}", op,
                      places[i], size, shape);
  }
  Array y = Array::full(shape, 0, x.dtype());
  if (x.numel() == 0) return y;
  const int64_t planes = y.numel() / size, pooled = x.numel() / planes;
  dispatch_number(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < x.numel(); ++i)
      y.data<T>()[i / pooled * size + places[i]] = x.data<T>()[i];
  });
  return y;
}

}  // namespace reel::kernels
