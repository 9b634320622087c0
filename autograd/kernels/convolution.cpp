#include <reel/autograd/kernels/convolution.h>
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/direct_convolution.h>
#include <reel/autograd/kernels/gemm.h>
#include <reel/autograd/kernels/parallel.h>

namespace reel::kernels {
namespace {

// ---- sizes and how the work is cut -------------------------------------------------------------------------

struct Sizes {
  const Window& window;
  int64_t batch, groups;
  int64_t in, out;  // channels of one group
  int64_t elements, image, positions;
  bool pointwise;  // the matrix of what the window sees is the image itself

  Sizes(int64_t n, int64_t c, int64_t o, const Convolution& how)
      : window(how.window),
        batch(n),
        groups(how.groups),
        in(c / groups),
        out(o / groups),
        elements(product(how.window.kernel)),
        image(product(how.window.image)),
        positions(product(how.window.positions)),
        pointwise(elements == 1 && how.window.stride == Axes{1, 1, 1} &&
                  how.window.padding == Axes{0, 0, 0} && image == positions) {}

  int64_t rows() const { return in * elements; }
  int64_t weights() const { return groups * out * rows(); }
  // A few channels a group are quicker one by one than as products of matrices.
  bool few_channels() const { return groups > 1 && in * out <= 8; }
};

// What the window sees is laid out for this many bytes at a time, less than a core's own cache.
constexpr int64_t kColumnBytes = int64_t{1} << 19;
// But for no fewer positions, because products of thin matrices are slow.
constexpr int64_t kLeastPositions = 64;
// Images with so many positions are multiplied one by one, where they lie.
constexpr int64_t kWhole = 256;
// Enough blocks for some threads, where there is work for them.
constexpr int64_t kBlocks = 16;
constexpr int64_t kBlockWork = int64_t{1} << 20;
// Partial sums of a weight's gradient hold no more numbers together.
constexpr int64_t kPartialNumbers = int64_t{1} << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Whole images, or a part of the positions of one image.
struct Tile {
  int64_t image, images;
  int64_t begin, end;

  int64_t length() const { return end - begin; }
  int64_t width() const { return images * length(); }
};

class Tiles {
 public:
  Tiles(const Sizes& s, size_t bytes) : batch_(s.batch), positions_(s.positions) {
    const int64_t fit = kColumnBytes / (s.rows() * static_cast<int64_t>(bytes));
    const int64_t spread = ceil_div(s.batch * s.positions, kBlocks);
    const int64_t width = std::max(kLeastPositions, std::min(fit, std::max<int64_t>(256, spread)));
    images_ = s.positions < kWhole ? std::clamp<int64_t>(width / s.positions, 1, s.batch) : 1;
    length_ = s.positions;
    if (images_ == 1 && width < s.positions) {
      // Parts of one size but for the last, whose rows begin where vectors do.
      length_ = ceil_div(ceil_div(s.positions, ceil_div(s.positions, width)), 16) * 16;
    }
  }
  int64_t parts() const { return ceil_div(positions_, length_); }
  int64_t count() const { return ceil_div(batch_, images_) * parts(); }
  int64_t width() const { return images_ * std::min(length_, positions_); }
  Tile operator[](int64_t i) const {
    const int64_t image = i / parts() * images_, begin = i % parts() * length_;
    return {image, std::min(images_, batch_ - image), begin, std::min(begin + length_, positions_)};
  }

 private:
  int64_t batch_, positions_;
  int64_t images_, length_;
};

// How many ranges `channels` are cut into, so that there are blocks for some threads: each of them
// pays for its columns (or its share of the packing) once more.
int64_t ranges_of(const Sizes& s, int64_t channels, int64_t blocks) {
  const int64_t work = s.batch * s.positions * s.weights();
  const int64_t wanted = std::min(kBlocks, work / kBlockWork);
  return std::clamp<int64_t>(wanted / std::max<int64_t>(1, blocks), 1,
                             std::max<int64_t>(1, channels / 16));
}

// ---- matrices of a tile ------------------------------------------------------------------------------------

// Channels of [N, total, size] planes: `first` and those after it.
template <class T>
struct Planes {
  T* data;
  int64_t total, size;
  int64_t first, channels;

  T* at(int64_t image, int64_t channel = 0) const {
    return data + (image * total + first + channel) * size;
  }
};

// The planes as a matrix [channels, positions of the tile], in `buffer` if they do not lie so.
template <class T>
Operand<T> matrix_of(const Planes<const T>& planes, const Tile& tile, T* buffer) {
  if (tile.images == 1) return {planes.at(tile.image) + tile.begin, planes.size};
  for (int64_t channel = 0; channel < planes.channels; ++channel) {
    for (int64_t i = 0; i < tile.images; ++i) {
      std::copy_n(planes.at(tile.image + i, channel), planes.size,
                  buffer + channel * tile.width() + i * planes.size);
    }
  }
  return {buffer, tile.width()};
}

// What the window sees of the planes: [channels * elements, positions of the tile].
template <class T>
Operand<T> columns_of(const Sizes& s, const Planes<const T>& planes, const Tile& tile, T* buffer) {
  if (s.pointwise) return matrix_of(planes, tile, buffer);
  for (int64_t i = 0; i < tile.images; ++i) {
    im2col(s.window, planes.at(tile.image + i), planes.channels, tile.begin, tile.end,
           buffer + i * tile.length(), tile.width());
  }
  return {buffer, tile.width()};
}

template <class T>
void fill_planes(const Planes<T>& planes, int64_t image, const T* bias) {
  for (int64_t channel = 0; channel < planes.channels; ++channel) {
    std::fill_n(planes.at(image, channel), planes.size, bias ? bias[planes.first + channel] : T{0});
  }
}

// ---- the map -----------------------------------------------------------------------------------------------

template <class T>
void map_tile(const Sizes& s, const Planes<const T>& x, const T* weight, const T* bias,
              const Tile& tile, const Planes<T>& y) {
  const Scratch<T> seen(s.pointwise && tile.images == 1 ? 1 : s.rows() * tile.width());
  const Scratch<T> staged(tile.images == 1 ? 1 : y.channels * tile.width());
  const Operand<T> columns = columns_of(s, x, tile, seen.data());
  T* const to = tile.images == 1 ? y.at(tile.image) + tile.begin : staged.data();
  const int64_t leading = tile.images == 1 ? y.size : tile.width();
  for (int64_t channel = 0; bias && channel < y.channels; ++channel)
    std::fill_n(to + channel * leading, tile.width(), bias[y.first + channel]);
  gemm(y.channels, tile.width(), s.rows(), Operand<T>{weight + y.first * s.rows(), s.rows()},
       columns, T(bias ? 1 : 0), to, leading);
  if (tile.images == 1) return;
  for (int64_t channel = 0; channel < y.channels; ++channel) {
    for (int64_t i = 0; i < tile.images; ++i) {
      std::copy_n(to + channel * leading + i * y.size, y.size, y.at(tile.image + i, channel));
    }
  }
}

// Every weight of a group by itself, without a matrix: visit(element, in, out, weight) with
// channels counted within the group.
template <class Visit>
void for_each_weight(const Sizes& s, int64_t group, Visit visit) {
  for (int64_t k = 0; k < s.elements; ++k) {
    const Element element(s.window, k);
    for (int64_t out = 0; out < s.out; ++out) {
      for (int64_t in = 0; in < s.in; ++in) {
        const int64_t weight = (group * s.out + out) * s.rows() + in * s.elements + k;
        visit(element, in, out, weight);
      }
    }
  }
}

template <class T>
void map_planes(const Sizes& s, const Planes<const T>& x, const T* weight, const T* bias,
                int64_t image, const Planes<T>& y) {
  const int64_t stride = s.window.stride[2];
  fill_planes(y, image, bias);
  for_each_weight(s, y.first / s.out, [&](const Element& e, int64_t in, int64_t out, int64_t at) {
    const T factor = weight[at];
    for_each_block(s.window, e, 0, s.positions, [&](const Block& block) {
      const T* from = x.at(image, in) + block.image;
      T* to = y.at(image, out) + block.position;
      for (int64_t row = 0; row < block.rows; ++row) {
#pragma GCC ivdep
        for (int64_t i = 0; i < block.count; ++i) to[i] += factor * from[i * stride];
        from += block.image_step;
        to += block.position_step;
      }
    });
  });
}

// ---- its adjoint by the image ------------------------------------------------------------------------------

// x: some channels of one group, g: all of that group.
template <class T>
void input_tile(const Sizes& s, const Planes<const T>& g, const T* weight, const Tile& tile,
                const Planes<T>& x, bool accumulate) {
  const bool direct = s.pointwise && tile.images == 1;
  const int64_t rows = x.channels * s.elements;
  const Scratch<T> seen(direct ? 1 : rows * tile.width());
  const Scratch<T> staged(tile.images == 1 ? 1 : g.channels * tile.width());
  const Operand<T> matrix = matrix_of(g, tile, staged.data());
  const Operand<T> transposed{weight + g.first * s.rows() + x.first % s.in * s.elements, s.rows(),
                              true};
  if (direct) {
    gemm(rows, tile.width(), s.out, transposed, matrix, T(accumulate ? 1 : 0),
         x.at(tile.image) + tile.begin, x.size);
    return;
  }
  gemm(rows, tile.width(), s.out, transposed, matrix, T{0}, seen.data(), tile.width());
  for (int64_t i = 0; i < tile.images; ++i) {
    col2im(s.window, seen.data() + i * tile.length(), tile.width(), x.channels, tile.begin,
           tile.end, x.at(tile.image + i));
  }
}

template <class T>
void input_planes(const Sizes& s, const Planes<const T>& g, const T* weight, int64_t image,
                  const Planes<T>& x) {
  const int64_t stride = s.window.stride[2];
  for_each_weight(s, x.first / s.in, [&](const Element& e, int64_t in, int64_t out, int64_t at) {
    const T factor = weight[at];
    for_each_block(s.window, e, 0, s.positions, [&](const Block& block) {
      const T* from = g.at(image, out) + block.position;
      T* to = x.at(image, in) + block.image;
      for (int64_t row = 0; row < block.rows; ++row) {
#pragma GCC ivdep
        for (int64_t i = 0; i < block.count; ++i) to[i * stride] += factor * from[i];
        from += block.position_step;
        to += block.image_step;
      }
    });
  });
}

// ---- its adjoint by the weight -----------------------------------------------------------------------------

// The sum over some tiles, in order, into the columns of `to` that belong to x's channels.
template <class T>
void weight_tiles(const Sizes& s, const Planes<const T>& g, const Planes<const T>& x,
                  const Tiles& tiles, int64_t begin, int64_t end, T* to) {
  const int64_t rows = x.channels * s.elements;
  const Scratch<T> seen(rows * tiles.width()), staged(g.channels * tiles.width());
  for (int64_t i = begin; i < end; ++i) {
    const Tile tile = tiles[i];
    const Operand<T> matrix = matrix_of(g, tile, staged.data());
    Operand<T> columns = columns_of(s, x, tile, seen.data());
    columns.transposed = true;
    gemm(s.out, rows, tile.width(), matrix, columns, T(i > begin ? 1 : 0),
         to + g.first * s.rows() + x.first % s.in * s.elements, s.rows());
  }
}

// Running sums of a[i] * b[i * stride], so many that a processor adds them side by side. Blocks of
// another size have sums of their own: a wide read of what was just written narrowly would wait.
template <class T>
struct Dot {
  T blocks[16] = {}, halves[8] = {}, rest = 0;

  void add(const T* a, const T* b, int64_t stride, int64_t count) {
    int64_t i = 0;
    if (stride == 1) {
      for (; i + 16 <= count; i += 16) add_block(a + i, b + i, blocks);
      for (; i + 8 <= count; i += 8) add_block(a + i, b + i, halves);
    }
    for (; i < count; ++i) rest += a[i] * b[i * stride];
  }
  double total() const {
    double sum = static_cast<double>(rest);
    for (const T lane : blocks) sum += static_cast<double>(lane);
    for (const T lane : halves) sum += static_cast<double>(lane);
    return sum;
  }

 private:
  template <size_t N>
  static void add_block(const T* a, const T* b, T (&sums)[N]) {
    for (size_t lane = 0; lane < N; ++lane) sums[lane] += a[lane] * b[lane];
  }
};

template <class T>
void weight_planes(const Sizes& s, const Planes<const T>& g, const Planes<const T>& x, T* to) {
  for_each_weight(s, g.first / s.out, [&](const Element& e, int64_t in, int64_t out, int64_t at) {
    double sum = 0;
    for (int64_t image = 0; image < s.batch; ++image) {
      Dot<T> dot;
      for_each_block(s.window, e, 0, s.positions, [&](const Block& block) {
        const T *a = g.at(image, out) + block.position, *b = x.at(image, in) + block.image;
        for (int64_t row = 0; row < block.rows; ++row) {
          dot.add(a, b, s.window.stride[2], block.count);
          a += block.position_step;
          b += block.image_step;
        }
      });
      sum += dot.total();
    }
    to[at] = static_cast<T>(sum);
  });
}

// ---- the three as a whole ----------------------------------------------------------------------------------

// [N, channels, sizes] with as many of the three axes as the caller has, or a weight.
Array make(const Array& like, int64_t lead, int64_t channels, const Axes& sizes, int axes) {
  Shape shape{lead, channels};
  for (int axis = 3 - axes; axis < 3; ++axis) shape.push_back(sizes[static_cast<size_t>(axis)]);
  return Array::empty(shape, like.dtype());
}

template <class T>
const T* data_or_null(const Array& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

Array contiguous_or_none(const Array& x) { return x.defined() ? contiguous(x) : x; }

template <class T>
void map_all(const Sizes& s, const T* x, const T* weight, const T* bias, T* y) {
  const auto image_planes = [&](int64_t group) {
    return Planes<const T>{x, s.groups * s.in, s.image, group * s.in, s.in};
  };
  const Planes<T> all{y, s.groups * s.out, s.positions, 0, s.groups * s.out};
  if (s.rows() == 0) {
    for (int64_t image = 0; image < s.batch; ++image) fill_planes(all, image, bias);
    return;
  }
  if (s.few_channels()) {
    return parallel_for(s.batch * s.groups, [&](int64_t block) {
      const int64_t group = block % s.groups;
      const Planes<T> to{y, all.total, all.size, group * s.out, s.out};
      map_planes(s, image_planes(group), weight, bias, block / s.groups, to);
    });
  }
  if (const DirectSizes sizes{s.batch, s.groups, s.in, s.out};
      suits_direct_convolution(s.window, sizes)) {
    const DirectWeight<T> factors{weight, s.out * s.rows(), s.rows(), s.elements, 1};
    return direct_convolution(s.window, sizes, x, factors, bias, y);
  }
  const Tiles tiles(s, sizeof(T));
  const int64_t ranges = ranges_of(s, s.out, tiles.count() * s.groups);
  parallel_for(tiles.count() * s.groups * ranges, [&](int64_t block) {
    const int64_t group = block / ranges % s.groups, range = block % ranges;
    const int64_t begin = s.out * range / ranges, end = s.out * (range + 1) / ranges;
    map_tile(s, image_planes(group), weight, bias, tiles[block / ranges / s.groups],
             Planes<T>{y, all.total, all.size, group * s.out + begin, end - begin});
  });
}

Window turned(const Window& window) {
  Window turned = window;
  std::swap(turned.image, turned.positions);
  for (size_t axis = 0; axis < 3; ++axis)
    turned.padding[axis] = (window.kernel[axis] - 1) * window.dilation[axis] - window.padding[axis];
  return turned;
}

template <class T>
void input_all(const Sizes& s, const T* g, const T* weight, const T* bias, T* x) {
  const auto position_planes = [&](int64_t group) {
    return Planes<const T>{g, s.groups * s.out, s.positions, group * s.out, s.out};
  };
  const Planes<T> all{x, s.groups * s.in, s.image, 0, s.groups * s.in};
  if (s.few_channels()) {
    return parallel_for(s.batch * s.groups, [&](int64_t block) {
      const int64_t group = block % s.groups, image = block / s.groups;
      const Planes<T> to{x, all.total, all.size, group * s.in, s.in};
      fill_planes(to, image, bias);
      input_planes(s, position_planes(group), weight, image, to);
    });
  }
  // At stride 1 the adjoint is a convolution by itself, with the window turned around.
  const DirectSizes sizes{s.batch, s.groups, s.out, s.in};
  if (const Window window = turned(s.window); suits_direct_convolution(window, sizes)) {
    const DirectWeight<T> factors{weight + s.elements - 1, s.out * s.rows(), s.elements, s.rows(),
                                  -1};
    return direct_convolution(window, sizes, g, factors, bias, x);
  }
  // The parts of one image overlap, so that one block sees to all of them.
  const Tiles tiles(s, sizeof(T));
  const int64_t chunks = tiles.count() / tiles.parts();
  const int64_t ranges = ranges_of(s, s.in, chunks * s.groups);
  parallel_for(chunks * s.groups * ranges, [&](int64_t block) {
    const int64_t group = block / ranges % s.groups, range = block % ranges;
    const int64_t begin = s.in * range / ranges, end = s.in * (range + 1) / ranges;
    const Planes<T> to{x, all.total, all.size, group * s.in + begin, end - begin};
    const int64_t first = block / ranges / s.groups * tiles.parts();
    const bool fills = !s.pointwise || bias || s.out == 0 || tiles[first].images > 1;
    for (int64_t i = 0; fills && i < tiles[first].images; ++i)
      fill_planes(to, tiles[first].image + i, bias);
    for (int64_t part = 0; s.out > 0 && part < tiles.parts(); ++part)
      input_tile(s, position_planes(group), weight, tiles[first + part], to, fills);
  });
}

template <class T>
void weight_all(const Sizes& s, const T* g, const T* x, T* weight) {
  const auto position_planes = [&](int64_t group) {
    return Planes<const T>{g, s.groups * s.out, s.positions, group * s.out, s.out};
  };
  const auto image_planes = [&](int64_t first, int64_t channels) {
    return Planes<const T>{x, s.groups * s.in, s.image, first, channels};
  };
  if (s.few_channels()) {
    return parallel_for(s.groups, [&](int64_t group) {
      weight_planes(s, position_planes(group), image_planes(group * s.in, s.in), weight);
    });
  }
  if (const DirectSizes sizes{s.batch, s.groups, s.in, s.out};
      suits_direct_convolution(s.window, sizes)) {
    return direct_convolution_weight(s.window, sizes, g, x, weight);
  }
  const Tiles tiles(s, sizeof(T));
  const int64_t sums =
      std::clamp<int64_t>(kPartialNumbers / s.weights(), 1, std::min(kBlocks, tiles.count()));
  const Scratch<T> partial(sums > 1 ? (sums - 1) * s.weights() : 1);
  const int64_t ranges = ranges_of(s, s.in, sums * s.groups);
  parallel_for(sums * s.groups * ranges, [&](int64_t block) {
    const int64_t group = block / ranges % s.groups, range = block % ranges;
    const int64_t begin = s.in * range / ranges, end = s.in * (range + 1) / ranges;
    const int64_t sum = block / ranges / s.groups;
    weight_tiles(s, position_planes(group), image_planes(group * s.in + begin, end - begin), tiles,
                 tiles.count() * sum / sums, tiles.count() * (sum + 1) / sums,
                 sum == 0 ? weight : partial.data() + (sum - 1) * s.weights());
  });
  for (int64_t sum = 0; sum < sums - 1; ++sum) {
    const T* from = partial.data() + sum * s.weights();
    for (int64_t i = 0; i < s.weights(); ++i) weight[i] += from[i];
  }
}

}  // namespace

Array convolution(const Array& x, const Array& weight, const Array& bias, const Convolution& how) {
  const Sizes s(x.size(0), x.size(1), weight.size(0), how);
  const Array y = make(x, s.batch, weight.size(0), how.window.positions, how.window.axes);
  if (y.numel() == 0) return y;
  dispatch_float(x.dtype(), "convolution", [&]<class T>(TypeTag<T>) {
    const Array images = contiguous(x), factors = contiguous(weight);
    const Array added = contiguous_or_none(bias);
    map_all(s, images.data<T>(), factors.data<T>(), data_or_null<T>(added), y.data<T>());
  });
  return y;
}

Array convolution_input(const Array& g, const Array& weight, const Array& bias,
                        const Convolution& how) {
  const int64_t channels = weight.size(1) * how.groups;
  const Sizes s(g.size(0), channels, weight.size(0), how);
  const Array x = make(g, s.batch, channels, how.window.image, how.window.axes);
  if (x.numel() == 0) return x;
  dispatch_float(g.dtype(), "convolution", [&]<class T>(TypeTag<T>) {
    const Array given = contiguous(g), factors = contiguous(weight);
    const Array added = contiguous_or_none(bias);
    input_all(s, given.data<T>(), factors.data<T>(), data_or_null<T>(added), x.data<T>());
  });
  return x;
}

Array convolution_weight(const Array& g, const Array& x, const Convolution& how) {
  const Sizes s(x.size(0), x.size(1), g.size(1), how);
  const Array weight = make(g, g.size(1), s.in, how.window.kernel, how.window.axes);
  if (weight.numel() == 0) return weight;
  if (s.batch == 0) {
    fill(weight, 0);
    return weight;
  }
  dispatch_float(g.dtype(), "convolution", [&]<class T>(TypeTag<T>) {
    const Array given = contiguous(g), images = contiguous(x);
    weight_all(s, given.data<T>(), images.data<T>(), weight.data<T>());
  });
  return weight;
}

}  // namespace reel::kernels
