#include <reel/autograd/kernels/direct_convolution.h>
#include <reel/autograd/kernels/lanes.h>
#include <reel/autograd/kernels/parallel.h>

#include <xsimd/xsimd.hpp>

namespace reel::kernels {
namespace {

template <class T>
using Batch = xsimd::batch<T>;
template <class T>
constexpr int64_t kWidth = static_cast<int64_t>(Batch<T>::size);

// Sums that a tile keeps in registers, of which AVX-512 has 32 and others 16.
constexpr int64_t kOuts = sizeof(Batch<float>) == 64 ? 8 : 4, kVectors = 3;
constexpr int64_t kTapsOfOne = 9, kTapsOfTwo = sizeof(Batch<float>) == 64 ? 8 : 4;

// A band of the image, laid out, has about so many numbers; they stay in a core's own cache.
constexpr int64_t kBandNumbers = int64_t{1} << 16;
// Enough blocks for some threads, where there is work for them.
constexpr int64_t kBlocks = 16, kBlockWork = int64_t{1} << 20;
// Partial sums of a weight's gradient hold no more numbers together.
constexpr int64_t kPartialNumbers = int64_t{1} << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

size_t outer_axis(const Window& window) {
  return window.positions[0] > 1 ? 0 : window.positions[1] > 1 ? 1 : 2;
}

// What the window sees at a band of positions: parts of the outermost axis that has several. There
// is a copy of the image for each column of the window, shifted and with zeros where it is outside,
// so that the rows of positions follow each other without gaps.
struct Layout {
  const Window& window;
  int64_t channels;
  size_t outer;
  int64_t band, bands;
  int64_t copies;         // of a channel: none needed where there is but one row
  Axes size;              // of a copy of a channel's band with its zeros
  int64_t plane;          // numbers of it
  List<int64_t> offsets;  // of each channel and element at the first position

  Layout(const Window& of, const DirectSizes& sizes)
      : window(of), channels(sizes.in), outer(outer_axis(of)) {
    const int64_t positions = window.positions[outer], units = sizes.batch * sizes.groups;
    const int64_t elements = product(window.kernel);
    const int64_t work = units * product(window.positions) * elements * sizes.in * sizes.out;
    copies = outer == 2 ? 1 : window.kernel[2];
    const int64_t spread = ceil_div(std::min(kBlocks, work / kBlockWork), units);
    const int64_t fit = ceil_div(product(window.image) * channels * copies, kBandNumbers);
    band = ceil_div(positions, std::clamp<int64_t>(std::max(spread, fit), 1, positions));
    bands = ceil_div(positions, band);
    for (size_t axis = 0; axis < 3; ++axis) {
      const bool copied = axis == 2 && outer != 2;
      size[axis] = extent(axis) + (copied ? 0 : (window.kernel[axis] - 1) * window.dilation[axis]);
    }
    plane = product(size);
    offsets.reserve(static_cast<size_t>(channels * elements));
    for (int64_t i = 0; i < channels * elements; ++i) {
      const int64_t column = i % window.kernel[2], row = i / window.kernel[2] % window.kernel[1];
      const int64_t depth = i % elements / (window.kernel[2] * window.kernel[1]);
      const int64_t shift = column * (outer == 2 ? window.dilation[2] : plane);
      offsets.push_back(i / elements * copies * plane + shift +
                        at(depth * window.dilation[0], row * window.dilation[1]));
    }
  }

  int64_t at(int64_t depth, int64_t row) const { return (depth * size[1] + row) * size[2]; }
  int64_t extent(size_t axis) const { return axis == outer ? band : window.positions[axis]; }
  // The positions of one band, the last of which may be shorter.
  Axes first(int64_t i) const {
    Axes begin{0, 0, 0};
    begin[outer] = i * band;
    return begin;
  }
  Axes extents(int64_t i) const {
    Axes part = window.positions;
    part[outer] = std::min(band, part[outer] - i * band);
    return part;
  }
  // Calls f(the number of the first position of a slice of rows, where that stands in the layout).
  template <class F>
  void for_each_slice(int64_t i, F f) const {
    const Axes begin = first(i), &all = window.positions;
    for (int64_t depth = 0; depth < extents(i)[0]; ++depth)
      f(((begin[0] + depth) * all[1] + begin[1]) * all[2] + begin[2], at(depth, 0));
  }

  // With a vector more, which is read but not used.
  template <class T>
  int64_t numbers() const {
    return channels * copies * plane + kWidth<T>;
  }
  // Where `clear` is not set, the zeros are there already.
  template <class T>
  void lay_out(const T* images, int64_t i, bool clear, T* to) const {
    if (clear) std::fill_n(to, numbers<T>(), T{0});
    for (int64_t copy = 0; copy < copies; ++copy) {
      Axes shift = first(i), begin, count;
      for (size_t axis = 0; axis < 3; ++axis) {
        shift[axis] += (axis == 2 ? copy * window.dilation[2] : 0) - window.padding[axis];
        begin[axis] = std::max<int64_t>(0, -shift[axis]);
        count[axis] = std::min(size[axis], window.image[axis] - shift[axis]) - begin[axis];
      }
      if (*std::min_element(count.begin(), count.end()) <= 0) continue;
      for (int64_t channel = 0; channel < channels; ++channel) {
        for (int64_t depth = begin[0]; depth < begin[0] + count[0]; ++depth) {
          const int64_t row = (depth + shift[0]) * window.image[1] + begin[1] + shift[1];
          copy_rows(images + channel * product(window.image) + row * window.image[2] + begin[2] +
                        shift[2],
                    window.image[2],
                    to + (channel * copies + copy) * plane + at(depth, begin[1]) + begin[2],
                    size[2], count[1], count[2]);
        }
      }
    }
  }
};

// What is read next is asked for, a part at a time, while the processor multiplies.
class Ahead {
 public:
  template <class T>
  Ahead(const T* data, int64_t count, int64_t parts)
      : next_(reinterpret_cast<const char*>(data)),
        end_(reinterpret_cast<const char*>(data + count)),
        step_(ceil_div((end_ - next_) / kLine, parts) * kLine) {}
  void ask() {
    const char* const end = std::min(end_, next_ + step_);
    for (; next_ < end; next_ += kLine) __builtin_prefetch(next_);
  }

 private:
  static constexpr int64_t kLine = 64;
  const char *next_, *end_;
  int64_t step_;
};

// ---- the map -----------------------------------------------------------------------------------------------

// kOuts output channels at V vectors of positions.
template <int64_t V, class B, class T>
void map_vectors(int64_t left, const List<int64_t>& offsets, const T* seen, const T* weight, T* to,
                 int64_t to_step) {
  if constexpr (V > 1) {
    if (left < V) return map_vectors<V - 1, B>(left, offsets, seen, weight, to, to_step);
  }
  constexpr int64_t width = static_cast<int64_t>(B::size);
  B sums[kOuts][V];
  for (int64_t out = 0; out < kOuts; ++out) {
    for (int64_t v = 0; v < V; ++v) {
      sums[out][v] = B(weight[out]);
      __builtin_prefetch(to + out * to_step + v * width, 1);
    }
  }
  for (const int64_t offset : offsets) {
    weight += kOuts;
    B image[V];
    for (int64_t v = 0; v < V; ++v) image[v] = B::load_unaligned(seen + offset + v * width);
    for (int64_t out = 0; out < kOuts; ++out) {
      const B factor(weight[out]);
      for (int64_t v = 0; v < V; ++v) sums[out][v] = xsimd::fma(factor, image[v], sums[out][v]);
    }
  }
  for (int64_t out = 0; out < kOuts; ++out) {
    for (int64_t v = 0; v < V; ++v) sums[out][v].store_unaligned(to + out * to_step + v * width);
  }
}

// All positions of a slice. The last vector is over some of those before it, and a short one where
// that is enough; what has no room for all that is computed is staged.
template <class T>
void map_slice(const List<int64_t>& offsets, const T* seen, const T* weight, int64_t count,
               int64_t outs, T* y, int64_t y_step, Ahead& ahead) {
  using Short =
      std::conditional_t<kWidth<T> >= 8, xsimd::make_sized_batch_t<T, kWidth<T> / 2>, Batch<T>>;
  constexpr int64_t width = kWidth<T>, half = static_cast<int64_t>(Short::size);
  const bool staged = outs < kOuts || count < width;
  for (int64_t i = 0; i < count;) {
    ahead.ask();
    const int64_t left = count - i, vectors = std::clamp<int64_t>(left / width, 1, kVectors);
    if (!staged && left <= half) {
      i = count - half;
      map_vectors<1, Short>(1, offsets, seen + i, weight, y + i, y_step);
      return;
    }
    if (!staged) {
      i = std::min(i, count - width);
      map_vectors<kVectors, Batch<T>>(vectors, offsets, seen + i, weight, y + i, y_step);
    } else {
      T stage[kOuts * kVectors * width];
      map_vectors<kVectors, Batch<T>>(vectors, offsets, seen + i, weight, stage, vectors * width);
      for (int64_t out = 0; out < outs; ++out)
        std::copy_n(stage + out * vectors * width, std::min(left, vectors * width),
                    y + out * y_step + i);
    }
    i += vectors * width;
  }
}

// kOuts channels after each other: for each its bias, then the weights of each offset in turn.
template <class T>
class PackedWeight {
 public:
  PackedWeight(const DirectSizes& s, int64_t elements, const DirectWeight<T>& weight, const T* bias)
      : blocks_(ceil_div(s.out, kOuts)),
        step_((s.in * elements + 1) * kOuts),
        numbers_(s.groups * blocks_ * step_) {
    std::fill_n(numbers_.data(), s.groups * blocks_ * step_, T{0});
    for (int64_t i = 0; i < s.groups * s.out; ++i) {
      const int64_t group = i / s.out, out = i % s.out;
      T* to = block(group, out / kOuts) + out % kOuts;
      if (bias) *to = bias[i];
      const T* from = weight.data + group * weight.group_step + out * weight.out_step;
      for (int64_t in = 0; in < s.in; ++in, from += weight.in_step) {
        for (int64_t k = 0; k < elements; ++k) {
          to += kOuts;
          *to = from[k * weight.element_step];
        }
      }
    }
  }
  T* block(int64_t group, int64_t i) const {
    return numbers_.data() + (group * blocks_ + i) * step_;
  }

 private:
  int64_t blocks_, step_;
  Scratch<T> numbers_;
};

// ---- the adjoint by the weight -----------------------------------------------------------------------------

// [outs, count], `from_step` apart, as [count, step]: a vector of rows at a time, the last of them
// over some of those before. Number by number it takes as long as the sums themselves.
template <class T>
void transpose_slice(const T* from, int64_t from_step, int64_t outs, int64_t count, T* to,
                     int64_t step) {
  constexpr int width = static_cast<int>(kWidth<T>);
  if (count < width) {
    std::fill_n(to, count * step, T{0});
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t out = 0; out < outs; ++out) to[i * step + out] = from[out * from_step + i];
    }
    return;
  }
  for (int64_t next = 0; next < count; next += width) {
    const int64_t i = std::min(next, count - width);
    for (int64_t out = 0; out < step; out += width) {
      Lanes<T, width> rows[width] = {};
      for (int64_t r = 0; r < std::min<int64_t>(width, outs - out); ++r)
        load_lanes(from + (out + r) * from_step + i, rows[r]);
      transpose(rows);
      for (int64_t r = 0; r < width; ++r) store_lanes(rows[r], to + (i + r) * step + out);
    }
  }
}

// to[tap][out] += the sum of image[offset of the tap + position] * g[position][out]: up to M
// elements of the window and V vectors of output channels. A function by itself: inlined, GCC 12
// keeps the rows' pointers in vector registers. The sums begin at zero: long sums round more.
template <int64_t M, int64_t V, class T>
[[gnu::noinline]] void add_taps(int64_t taps, const int64_t* offsets, const T* seen, const T* g,
                                int64_t step, int64_t count, T* to, const char* ahead,
                                int64_t ahead_step) {
  if constexpr (M > 1) {
    if (taps < M)
      return add_taps<M - 1, V>(taps, offsets, seen, g, step, count, to, ahead, ahead_step);
  }
  Batch<T> sums[M][V];
  const T* from[M];
  for (int64_t tap = 0; tap < M; ++tap) {
    from[tap] = seen + offsets[tap];
    for (int64_t v = 0; v < V; ++v) sums[tap][v] = Batch<T>(T{0});
  }
  for (int64_t i = 0; i < count; ++i, g += step, ahead += ahead_step) {
    __builtin_prefetch(ahead);
    Batch<T> factors[V];
    for (int64_t v = 0; v < V; ++v) factors[v] = Batch<T>::load_unaligned(g + v * kWidth<T>);
    for (int64_t tap = 0; tap < M; ++tap) {
      const Batch<T> image(from[tap][i]);
      for (int64_t v = 0; v < V; ++v) sums[tap][v] = xsimd::fma(image, factors[v], sums[tap][v]);
    }
  }
  for (int64_t tap = 0; tap < M; ++tap) {
    for (int64_t v = 0; v < V; ++v) {
      T* at = to + tap * step + v * kWidth<T>;
      (Batch<T>::load_unaligned(at) + sums[tap][v]).store_unaligned(at);
    }
  }
}

// What is read next, while the processor multiplies: a little of `gradient` at each position.
struct Next {
  Ahead image;
  const char* gradient;
  int64_t channel;  // bytes, or 0
};

// All elements of the window, up to M at a time, in tiles that are almost equal.
template <int64_t M, int64_t V, class T>
void add_all_taps(const List<int64_t>& offsets, const T* seen, const T* g, int64_t step,
                  int64_t positions, T* to, Next& next) {
  const int64_t count = static_cast<int64_t>(offsets.size()), tiles = ceil_div(count, M);
  const int64_t bytes = ceil_div(V * kWidth<T> * next.channel, tiles * positions);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    next.image.ask();
    const int64_t tap = count * tile / tiles, taps = count * (tile + 1) / tiles - tap;
    add_taps<M, V>(taps, offsets.data() + tap, seen, g, step, positions, to + tap * step,
                   next.gradient + tile * positions * bytes, bytes);
  }
  next.gradient += V * kWidth<T> * next.channel;
}

template <class T>
void add_slice(const List<int64_t>& offsets, const T* seen, const T* g, int64_t step, int64_t count,
               T* to, Next& next) {
  int64_t out = 0;
  for (; out + 2 * kWidth<T> <= step; out += 2 * kWidth<T>)
    add_all_taps<kTapsOfTwo, 2>(offsets, seen, g + out, step, count, to + out, next);
  if (out < step) add_all_taps<kTapsOfOne, 1>(offsets, seen, g + out, step, count, to + out, next);
}

// All sums of a group, [sums, taps, step], as [outs, taps]; into the first of them, too.
template <class T>
void add_up(T* partial, int64_t sums, int64_t taps, int64_t step, int64_t outs, T* weight) {
  const int64_t numbers = taps * step;
  for (int64_t sum = 1; sum < sums; ++sum) {
    for (int64_t i = 0; i < numbers; ++i) partial[i] += partial[sum * numbers + i];
  }
  for (int64_t out = 0; out < outs; ++out, weight += taps) {
    for (int64_t tap = 0; tap < taps; ++tap) weight[tap] = partial[tap * step + out];
  }
}

}  // namespace

bool suits_direct_convolution(const Window& window, const DirectSizes& sizes) {
  const Axes one{1, 1, 1};
  if (window.stride != one || window.kernel == one || sizes.out < kOuts / 2) return false;
  if (*std::min_element(window.padding.begin(), window.padding.end()) < 0) return false;
  if (product(window.positions) == 0 || sizes.in == 0) return false;
  // A slice is computed by whole vectors.
  const int64_t slice = window.positions[1] * window.positions[2];
  return 5 * slice >= 3 * round_up(slice, kWidth<float>);
}

template <class T>
void direct_convolution(const Window& window, const DirectSizes& s, const T* x,
                        const DirectWeight<T>& weight, const T* bias, T* y) {
  const Layout layout(window, s);
  const PackedWeight<T> packed(s, product(window.kernel), weight, bias);
  const int64_t positions = product(window.positions), units = s.batch * s.groups;
  // A few images each: their zeros are the same.
  const int64_t images = layout.bands > 1 ? 1 : std::clamp<int64_t>(2 * units / kBlocks, 1, 4);
  const int64_t image = s.in * product(window.image);
  const int64_t tiles = ceil_div(s.out, kOuts) * ceil_div(positions, kVectors * kWidth<T>);
  parallel_for(ceil_div(units * layout.bands, images), [&](int64_t block) {
    const int64_t begin = block * images, end = std::min(begin + images, units * layout.bands);
    const Scratch<T> seen(layout.numbers<T>());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t unit = i / layout.bands, band = i % layout.bands;
      layout.lay_out(x + unit * image, band, i == begin, seen.data());
      Ahead ahead(x + (unit + 1) * image, i + 1 < end ? image : 0, tiles);
      const Axes part = layout.extents(band);
      for (int64_t out = 0; out < s.out; out += kOuts) {
        const T* const start = packed.block(unit % s.groups, out / kOuts);
        layout.for_each_slice(band, [&](int64_t first, int64_t place) {
          map_slice(layout.offsets, seen.data() + place, start, part[1] * part[2],
                    std::min(kOuts, s.out - out), y + (unit * s.out + out) * positions + first,
                    positions, ahead);
        });
      }
    }
  });
}

template <class T>
void direct_convolution_weight(const Window& window, const DirectSizes& s, const T* g, const T* x,
                               T* weight) {
  const Layout layout(window, s);
  const int64_t taps = static_cast<int64_t>(layout.offsets.size());
  const int64_t step = round_up(s.out, kWidth<T>), numbers = taps * step;
  const int64_t positions = product(window.positions), bands = s.batch * layout.bands;
  const int64_t sums =
      std::clamp<int64_t>(kPartialNumbers / (s.groups * numbers), 1, std::min(kBlocks, bands));
  const Scratch<T> partial(s.groups * sums * numbers);
  parallel_for(s.groups * sums, [&](int64_t block) {
    const int64_t group = block / sums, sum = block % sums;
    const Scratch<T> seen(layout.numbers<T>());
    const Scratch<T> rows(product(layout.extents(0)) * step);
    T* const to = partial.data() + block * numbers;
    std::fill_n(to, numbers, T{0});
    const int64_t last = bands * (sum + 1) / sums, size = product(window.image);
    for (int64_t i = bands * sum / sums; i < last; ++i) {
      const int64_t unit = i / layout.bands * s.groups + group, band = i % layout.bands;
      const bool clear = layout.bands > 1 || i == bands * sum / sums;
      layout.lay_out(x + unit * s.in * size, band, clear, seen.data());
      const bool more = i + 1 < last && layout.bands == 1 && layout.outer > 0;
      Next next{
          Ahead(x + (unit + s.groups) * s.in * size, more ? s.in * size : 0,
                ceil_div(taps, kTapsOfTwo)),
          reinterpret_cast<const char*>(g + (unit + (more ? s.groups : 0)) * s.out * positions),
          more ? positions * static_cast<int64_t>(sizeof(T)) : 0};
      const Axes part = layout.extents(band);
      layout.for_each_slice(band, [&](int64_t first, int64_t place) {
        const int64_t count = part[1] * part[2];
        transpose_slice(g + unit * s.out * positions + first, positions, s.out, count, rows.data(),
                        step);
        add_slice(layout.offsets, seen.data() + place, rows.data(), step, count, to, next);
      });
    }
  });
  parallel_for(s.groups, [&](int64_t group) {
    add_up(partial.data() + group * sums * numbers, sums, taps, step, s.out,
           weight + group * s.out * taps);
  });
}

template void direct_convolution(const Window&, const DirectSizes&, const float*,
                                 const DirectWeight<float>&, const float*, float*);
template void direct_convolution(const Window&, const DirectSizes&, const double*,
                                 const DirectWeight<double>&, const double*, double*);
template void direct_convolution_weight(const Window&, const DirectSizes&, const float*,
                                        const float*, float*);
template void direct_convolution_weight(const Window&, const DirectSizes&, const double*,
                                        const double*, double*);

}  // namespace reel::kernels
