#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/lanes.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/pooling.h>

#include <algorithm>
#include <limits>
#include <type_traits>

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

// Calls f(begin, end) for ranges of planes that each cost about `work`.
template <class F>
void for_planes(int64_t planes, int64_t work, F f) {
  const int64_t per_block = std::max<int64_t>(kBlock / std::max<int64_t>(work, 1), 1);
  parallel_for((planes + per_block - 1) / per_block, [&](int64_t block) {
    f(block * per_block, std::min((block + 1) * per_block, planes));
  });
}

template <class T>
constexpr T kLeast = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                          : std::numeric_limits<T>::lowest();

// The first among equals, the last NaN.
template <class T>
bool is_better(T value, T best) {
  return static_cast<bool>(static_cast<int>(value > best) | static_cast<int>(value != value));
}

// ---- windows of any kind: element by element -------------------------------------------------------------

template <class T>
void pool_plane(const PoolAxes& axes, const T* x, T* values, int64_t* indices) {
  const PoolAxis &depth = axes[0], &height = axes[1], &width = axes[2];
  for (const Window& z : depth.windows) {
    for (const Window& y : height.windows) {
      for (const Window& w : width.windows) {
        T best = kLeast<T>;
        int64_t place = (z.begin * height.size + y.begin) * width.size + w.begin;
        for (int64_t k = z.begin; k < z.end; k += depth.step) {
          for (int64_t j = y.begin; j < y.end; j += height.step) {
            const int64_t row = (k * height.size + j) * width.size;
            for (int64_t i = row + w.begin; i < row + w.end; i += width.step) {
              if (!is_better(x[i], best)) continue;
              best = x[i];
              place = i;
            }
          }
        }
        *values++ = best;
        if (indices) *indices++ = place;
      }
    }
  }
}

// ---- small windows at fixed distances: a row of results at a time ----------------------------------------

constexpr int64_t kLanes = 16;
constexpr int64_t kSmall = 1024;  // elements of a window

int64_t round_up(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// A row of x is laid out so that what each tap sees lies side by side: the padding before it, then
// every stride-th element, then those behind these. All results of a row then try one tap at once.
template <class T>
class RowPooling {
 public:
  explicit RowPooling(const PoolAxes& axes)
      : axes_(axes),
        width_(axes[2]),
        count_(window_count(width_)),
        lanes_(round_up(count_)),
        phase_(lanes_ + (width_.kernel - 1) * width_.step / width_.stride + 1),
        row_(static_cast<size_t>(phase_ * width_.stride), kLeast<T>),
        best_(static_cast<size_t>(lanes_)),
        taken_(static_cast<size_t>(lanes_)) {
    const PoolAxis &depth = axes[0], &height = axes[1];
    for (int64_t k = 0; k < depth.kernel; ++k) {
      for (int64_t j = 0; j < height.kernel; ++j) {
        for (int64_t i = 0; i < width_.kernel; ++i)
          offsets_.push_back(((k * depth.step) * height.size + j * height.step) * width_.size +
                             i * width_.step);
      }
    }
  }

  static bool serves(const PoolAxes& axes) {
    int64_t volume = 1;
    for (const PoolAxis& axis : axes) {
      if (axis.kernel == 0 || axis.kernel > kSmall) return false;
      volume *= axis.kernel;
    }
    const PoolAxis& width = axes[2];
    return volume <= kSmall && (width.kernel - 1) * width.step <= kSmall && width.stride <= kSmall;
  }

  void pool_plane(const T* x, T* values, int64_t* indices) {
    const PoolAxis &depth = axes_[0], &height = axes_[1];
    for (size_t z = 0; z < depth.windows.size(); ++z) {
      for (size_t y = 0; y < height.windows.size(); ++y) {
        const int64_t first_z = static_cast<int64_t>(z) * depth.stride - depth.padding;
        const int64_t first_y = static_cast<int64_t>(y) * height.stride - height.padding;
        pool_row(x, depth.windows[z], first_z, height.windows[y], first_y);
        std::copy_n(best_.data(), count_, values);
        values += count_;
        if (indices) {
          const int64_t first = (first_z * height.size + first_y) * width_.size - width_.padding;
          for (int64_t i = 0; i < count_; ++i)
            indices[i] = first + i * width_.stride +
                         offsets_[static_cast<size_t>(taken_[static_cast<size_t>(i)])];
          indices += count_;
        }
      }
    }
  }

 private:
  // As wide as the values, so that both fill vectors alike. It is kept where nobody asks for places
  // too: without it GCC 12 makes branches of the choice, which takes three times as long.
  using Tap = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;

  void pool_row(const T* x, const Window& z, int64_t first_z, const Window& y, int64_t first_y) {
    const PoolAxis &depth = axes_[0], &height = axes_[1];
    std::fill(best_.begin(), best_.end(), kLeast<T>);
    const auto tap_of = [&](int64_t k, int64_t j) {
      return ((k - first_z) / depth.step * height.kernel + (j - first_y) / height.step) *
             width_.kernel;
    };
    start(tap_of(z.begin, y.begin));
    for (int64_t k = z.begin; k < z.end; k += depth.step) {
      for (int64_t j = y.begin; j < y.end; j += height.step) {
        lay_out(x + (k * height.size + j) * width_.size);
        for (int64_t i = 0; i < width_.kernel; ++i) try_tap(i, static_cast<Tap>(tap_of(k, j) + i));
      }
    }
  }

  // What is taken where nothing is better than the least: the first element that a window sees.
  void start(int64_t tap) {
    for (int64_t i = 0; i < count_; ++i) {
      const int64_t first = i * width_.stride - width_.padding;
      const int64_t skipped =
          first < 0 ? (width_.windows[static_cast<size_t>(i)].begin - first) / width_.step : 0;
      taken_[static_cast<size_t>(i)] = static_cast<Tap>(tap + skipped);
    }
  }

  void lay_out(const T* x) {
    const int64_t stride = width_.stride, padding = width_.padding;
    // The last elements may be beyond every window.
    const int64_t end = std::min(width_.size, phase_ * stride - padding);
    for (int64_t phase = 0; phase < stride; ++phase) {
      const int64_t skipped = std::max<int64_t>(padding - phase + stride - 1, 0) / stride;
      const int64_t first = phase + skipped * stride - padding;
      T* to = row_.data() + phase * phase_ + skipped;
      if (stride == 2) {
        for (int64_t i = first, n = 0; i < end; i += 2) to[n++] = x[i];
      } else {
        for (int64_t i = first, n = 0; i < end; i += stride) to[n++] = x[i];
      }
    }
  }

  void try_tap(int64_t tap, Tap number) {
    const int64_t offset = tap * width_.step;
    const T* from = row_.data() + offset % width_.stride * phase_ + offset / width_.stride;
    T* best = best_.data();
    Tap* taken = taken_.data();
    for (int64_t begin = 0; begin < lanes_; begin += kLanes) {
#pragma GCC ivdep
      for (int64_t i = begin; i < begin + kLanes; ++i) {
        const bool better = is_better(from[i], best[i]);
        best[i] = better ? from[i] : best[i];
        taken[i] = better ? number : taken[i];
      }
    }
  }

  const PoolAxes& axes_;
  const PoolAxis& width_;
  int64_t count_, lanes_;
  int64_t phase_;  // elements of each phase of the row that is laid out
  List<T> row_, best_;
  List<Tap> taken_;
  List<int64_t> offsets_;  // of each tap of a window from the window's first place
};

// ---- windows of 2 x 2 side by side, what most networks have ----------------------------------------------

bool in_pairs(const PoolAxes& axes) {
  const auto pairs = [](const PoolAxis& axis) {
    return axis.kernel == 2 && axis.stride == 2 && axis.step == 1 && axis.padding == 0 &&
           axis.windows.back().end <= axis.size && 2 * window_count(axis) <= axis.size;
  };
  return window_count(axes[0]) == 1 && axes[0].size == 1 && pairs(axes[1]) && pairs(axes[2]) &&
         window_count(axes[2]) >= 4;
}

// N results at once, the last N of a row over some of those before them. Left to the compiler, the
// choices become branches that the processor mispredicts. Ten times as fast as RowPooling.
template <int64_t N, class T, class Place>
void pool_pairs(const PoolAxes& axes, const T* x, T* values, Place* places) {
  using V = Lanes<T, N>;
  using Taps = decltype(V{} > V{});
  using Tap = std::remove_cvref_t<decltype(Taps{}[0])>;
  using Row = Lanes<Place, N>;
  constexpr auto each = std::make_integer_sequence<int, N>();
  const int64_t width = axes[2].size, count = window_count(axes[2]);
  Lanes<int64_t, N> steps;
  for (int64_t j = 0; j < N; ++j) steps[j] = 2 * j;
  for (int64_t row = 0; row < window_count(axes[1]); ++row) {
    for (int64_t next = 0; next < count; next += N) {
      const int64_t i = std::min(next, count - N), first = 2 * (row * width + i);
      const T *upper = x + first, *lower = upper + width;
      V seen[4];
      for (int64_t tap = 0; tap < 4; ++tap)
        load_lanes((tap < 2 ? upper : lower) + tap % 2 * N, seen[tap]);
      deinterleave(seen[0], seen[1], each);
      deinterleave(seen[2], seen[3], each);
      V best = seen[0];
      Taps taken{};
      for (int tap = 1; tap < 4; ++tap) {
        const Taps better = (seen[tap] > best) | (seen[tap] != seen[tap]);
        best = better ? seen[tap] : best;
        taken = better ? Taps{} + static_cast<Tap>(tap) : taken;
      }
      store_lanes(best, values + i);
      if (!places) continue;
      Row seen_at = __builtin_convertvector(taken, Row);
      if constexpr (std::is_same_v<Place, int64_t>)
        seen_at = first + steps + (seen_at & 1) + (seen_at >> 1) * width;
      store_lanes(seen_at, places + i);
    }
    values += count;
    if (places) places += count;
  }
}

template <class T, class Place>
void pool_pairs(const PoolAxes& axes, const T* x, T* values, Place* places) {
  if (window_count(axes[2]) >= 8) return pool_pairs<8>(axes, x, values, places);
  pool_pairs<4>(axes, x, values, places);
}

// Every element of the image is written once.
template <int64_t N, class T>
void unpool_pairs(const T* g, const uint8_t* taps, int64_t rows, int64_t count, int64_t width,
                  T* to) {
  using Taps = decltype(Lanes<T, N>{} > Lanes<T, N>{});
  using Tap = std::remove_cvref_t<decltype(Taps{}[0])>;
  constexpr auto each = std::make_integer_sequence<int, N>();
  for (int64_t row = 0; row < rows; ++row, to += 2 * width, g += count, taps += count) {
    for (int64_t next = 0; next < count; next += N) {
      const int64_t i = std::min(next, count - N);
      Lanes<T, N> given, parts[4];
      Tap places[N];  // GCC 12 widens vectors of bytes one by one, but not a loop over them
      for (int64_t j = 0; j < N; ++j) places[j] = taps[i + j];
      Taps taken;
      load_lanes(g + i, given);
      load_lanes(places, taken);
      for (int tap = 0; tap < 4; ++tap) parts[tap] = taken == tap ? given : Lanes<T, N>{};
      interleave(parts[0], parts[1], each);
      interleave(parts[2], parts[3], each);
      for (int part = 0; part < 4; ++part)
        store_lanes(parts[part], to + part / 2 * width + 2 * i + part % 2 * N);
    }
    for (int64_t i = 2 * count; i < width; ++i) to[i] = to[width + i] = T(0);
  }
}

template <class T>
void put_pairs(const T* g, const uint8_t* taps, const Shape& pooled, const Shape& shape,
               int64_t begin, int64_t end, T* to) {
  const int rank = shape.rank();
  const int64_t rows = pooled[rank - 2], count = pooled[rank - 1];
  const int64_t height = shape[rank - 2], width = shape[rank - 1];
  for (int64_t plane = begin; plane < end; ++plane) {
    const T* from = g + plane * rows * count;
    const uint8_t* places = taps + plane * rows * count;
    T* const image = to + plane * height * width;
    if (count >= 8) {
      unpool_pairs<8>(from, places, rows, count, width, image);
    } else {
      unpool_pairs<4>(from, places, rows, count, width, image);
    }
    std::fill(image + 2 * rows * width, image + height * width, T(0));
  }
}

template <class T>
void pool_planes(const List<PoolAxes>& axes, int64_t begin, int64_t end, int64_t size,
                 int64_t pooled, const T* x, T* values, int64_t* indices) {
  const auto each = [&](auto pool) {
    for (int64_t plane = begin; plane < end; ++plane)
      pool(plane, x + plane * size, values + plane * pooled,
           indices ? indices + plane * pooled : nullptr);
  };
  if (axes.size() > 1 || !RowPooling<T>::serves(axes[0])) {
    each([&](int64_t plane, const T* from, T* to, int64_t* places) {
      pool_plane(axes[axes.size() > 1 ? static_cast<size_t>(plane) : 0], from, to, places);
    });
  } else if (in_pairs(axes[0])) {
    each([&](int64_t, const T* from, T* to, int64_t* places) {
      pool_pairs(axes[0], from, to, places);
    });
  } else {
    each([rows = RowPooling<T>(axes[0])](int64_t, const T* from, T* to, int64_t* places) mutable {
      rows.pool_plane(from, to, places);
    });
  }
}

}  // namespace

PooledMax max_pool(const char* op, const Array& given, int axes_count, const List<PoolAxes>& axes,
                   Places places) {
  const Array x = contiguous(given);
  Shape shape = x.shape();
  int64_t pooled = 1;
  for (int i = 0; i < axes_count; ++i) {
    const int64_t count = window_count(axes[0][static_cast<size_t>(3 - axes_count + i)]);
    shape[shape.rank() - axes_count + i] = count;
    pooled *= count;
  }
  const bool is_short = places == Places::kShort && is_floating(x.dtype()) && axes_count == 2 &&
                        axes.size() == 1 && pooled > 0 && in_pairs(axes[0]);
  PooledMax best{Array::empty(shape, x.dtype()), {}};
  if (places != Places::kNone) best.places = Array::empty(shape, is_short ? kUInt8 : kInt64);
  if (best.values.numel() == 0) return best;
  const int64_t size = plane_size(x.shape(), axes_count), planes = best.values.numel() / pooled;
  if (is_short) {
    dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) {
      for_planes(planes, size + pooled, [&](int64_t begin, int64_t end) {
        for (int64_t plane = begin; plane < end; ++plane)
          pool_pairs(axes[0], x.data<T>() + plane * size, best.values.data<T>() + plane * pooled,
                     best.places.data<uint8_t>() + plane * pooled);
      });
    });
    return best;
  }
  dispatch_number(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    for_planes(planes, size + pooled, [&](int64_t begin, int64_t end) {
      pool_planes(axes, begin, end, size, pooled, x.data<T>(), best.values.data<T>(),
                  places == Places::kNone ? nullptr : best.places.data<int64_t>());
    });
  });
  return best;
}

Array max_pool_backward(const Array& given, const Array& given_places, const Shape& shape,
                        int axes_count) {
  const Array g = contiguous(given), places = contiguous(given_places);
  Array y = Array::empty(shape, g.dtype());
  if (y.numel() == 0) return y;
  const int64_t size = plane_size(shape, axes_count), planes = y.numel() / size;
  const int64_t pooled = g.numel() / planes;
  dispatch_float(g.dtype(), "max_pool_backward", [&]<class T>(TypeTag<T>) {
    for_planes(planes, size + pooled, [&](int64_t begin, int64_t end) {
      if (places.dtype() == kUInt8) {
        return put_pairs(g.data<T>(), places.data<uint8_t>(), g.shape(), shape, begin, end,
                         y.data<T>());
      }
      for (int64_t plane = begin; plane < end; ++plane) {
        T* to = y.data<T>() + plane * size;
        const T* from = g.data<T>() + plane * pooled;
        const int64_t* indices = places.data<int64_t>() + plane * pooled;
        std::fill_n(to, size, T(0));
        for (int64_t i = 0; i < pooled; ++i) to[indices[i]] += from[i];
      }
    });
  });
  return y;
}

Array indices_of(const Array& given, const Shape& shape) {
  if (given.dtype() != kUInt8) return given;
  const Array places = contiguous(given);
  Array y = Array::empty(places.shape(), kInt64);
  const int rank = shape.rank();
  const int64_t rows = places.size(rank - 2), count = places.size(rank - 1);
  const int64_t width = shape[rank - 1];
  for (int64_t i = 0; i < y.numel(); ++i) {
    const int64_t tap = places.data<uint8_t>()[i], row = i / count % rows;
    y.data<int64_t>()[i] = (2 * row + tap / 2) * width + 2 * (i % count) + tap % 2;
  }
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
