// The operations of ops/pooling.h, against windows looked at element by element.
#include "op_cases.h"

#include <cmath>
#include <limits>

namespace reel::testing {
namespace {

// clang-format off

// The places along one axis that one window looks at; some may lie outside.
using Places = std::function<Index(int64_t i, int64_t size)>;

struct Axis {
  std::function<int64_t(int64_t size)> count;
  Places places;
};
using Image = std::vector<Axis>;

Axis sliding(int64_t kernel, int64_t stride, int64_t padding = 0, int64_t dilation = 1, bool ceil_mode = false) {
  const auto count = [=](int64_t size) {
    const double room = static_cast<double>(size + 2 * padding - dilation * (kernel - 1) - 1) / static_cast<double>(stride);
    int64_t n = static_cast<int64_t>(ceil_mode ? std::ceil(room) : std::floor(room)) + 1;
    while (ceil_mode && (n - 1) * stride - padding >= size) --n;
    return n;
  };
  const auto places = [=](int64_t i, int64_t) {
    Index result;
    for (int64_t k = 0; k < kernel; ++k) result.push_back(i * stride - padding + k * dilation);
    return result;
  };
  return {count, places};
}

// A window of `n` for one axis sees what the fraction from i / n to (i + 1) / n touches.
Axis adaptive(int64_t n) {
  const auto places = [n](int64_t i, int64_t size) {
    Index result;
    for (int64_t k = 0; k < size; ++k) {
      if ((k + 1) * n > i * size && k * n < (i + 1) * size) result.push_back(k);
    }
    return result;
  };
  return {[n](int64_t) { return n; }, places};
}

Axis whole_axis() { return {[](int64_t size) { return size; }, [](int64_t i, int64_t) { return Index{i}; }}; }

Axis at_begins(Index begins, int64_t kernel) {
  const int64_t n = static_cast<int64_t>(begins.size());
  return {[n](int64_t) { return n; }, [=](int64_t i, int64_t) {
            Index result;
            for (int64_t k = 0; k < kernel; ++k) result.push_back(begins[static_cast<size_t>(i)] + k);
            return result;
          }};
}

struct Seen {
  Index inside;      // places in the flattened image, in order
  Values values;     // there
  int64_t all = 1;   // elements of the window, outside or not
};

// What the window behind one element of the result sees of its plane.
Seen seen(const Tensor& x, const Image& image, const Index& index) {
  const size_t axes = image.size(), before = index.size() - axes;
  const Index sizes(x.shape().end() - axes, x.shape().end());
  std::vector<Index> places;
  Seen result;
  for (size_t d = 0; d < axes; ++d) {
    places.push_back(image[d].places(index[before + d], sizes[d]));
    result.all *= static_cast<int64_t>(places[d].size());
  }
  for (int64_t n = 0; n < result.all; ++n) {
    Index place(index.begin(), index.begin() + static_cast<int64_t>(before));
    Index own(axes);
    int64_t rest = n;
    for (size_t d = axes; d-- > 0;) {
      const int64_t count = static_cast<int64_t>(places[d].size());
      own[d] = places[d][static_cast<size_t>(rest % count)];
      rest /= count;
    }
    bool inside = true;
    int64_t flattened = 0;
    for (size_t d = 0; d < axes; ++d) {
      inside = inside && own[d] >= 0 && own[d] < sizes[d];
      flattened = flattened * sizes[d] + own[d];
      place.push_back(own[d]);
    }
    if (!inside) continue;
    result.inside.push_back(flattened);
    result.values.push_back(at(x, place));
  }
  return result;
}

Tensor pooled(const Tensor& x, const Image& image, const std::function<double(const Seen&)>& f) {
  Shape shape = x.shape();
  for (size_t d = 0; d < image.size(); ++d) {
    int64_t& size = shape[shape.rank() - static_cast<int>(image.size() - d)];
    size = image[d].count(size);
  }
  return build(shape, [&](const Index& index) { return f(seen(x, image, index)); });
}

double maximum(const Seen& s) { return max_of(s.values); }
double place_of_maximum(const Seen& s) {
  for (size_t i = 0; i < s.values.size(); ++i) {
    if (s.values[i] == maximum(s)) return static_cast<double>(s.inside[i]);
  }
  return -1;
}
double mean_of_inside(const Seen& s) { return sum_of(s.values) / static_cast<double>(s.values.size()); }
double mean_of_all(const Seen& s) { return sum_of(s.values) / static_cast<double>(s.all); }

using Fn = std::function<Tensor(const Tensor&)>;
using FnWithIndices = std::function<ValuesAndIndices(const Tensor&)>;
using Sets = std::vector<std::vector<Shape>>;

OpCase row(const std::string& name, const std::string& note, const Fn& fn, const Image& image,
           double (*f)(const Seen&), const Sets& shapes) {
  return {.name = name, .fn = [fn](const Tensors& x) { return fn(x[0]); }, .shapes = shapes,
          .reference = [image, f](const Tensors& x) { return pooled(x[0], image, f); }, .note = note};
}

// Values and places of a maximum.
void add_max(Rows& rows, const std::string& name, const std::string& note, const FnWithIndices& fn,
             const Image& image, const Sets& shapes) {
  rows.push_back(row(name, note, [fn](const Tensor& x) { return fn(x).values; }, image, maximum, shapes));
  OpCase places = row(name, note + "places", [fn](const Tensor& x) { return fn(x).indices; }, image, place_of_maximum, shapes);
  places.differentiable = false;
  rows.push_back(places);
}

const Sets kLines = {{{2, 2, 7}}, {{3, 6}}, {{0, 2, 5}}, {{2, 0, 5}}};
const Sets kImages = {{{2, 1, 5, 6}}, {{2, 6, 5}}, {{0, 2, 4, 4}}, {{1, 1, 12, 19}}};
const Sets kVolumes = {{{1, 2, 4, 3, 5}}, {{1, 3, 4, 3}}, {{0, 1, 3, 3, 3}}};

// The largest kernel of the rows sees 3 elements of an axis, dilated ones 3 of 5.
void max_rows(Rows& rows) {
  const Image line{sliding(2, 2)}, image{sliding(2, 2), sliding(2, 2)}, volume{sliding(2, 2), sliding(2, 2), sliding(2, 2)};
  rows.push_back(row("max_pool1d", "", [](const Tensor& x) { return max_pool1d(x, 2); }, line, maximum, kLines));
  rows.push_back(row("max_pool2d", "", [](const Tensor& x) { return max_pool2d(x, 2); }, image, maximum, kImages));
  rows.push_back(row("max_pool3d", "", [](const Tensor& x) { return max_pool3d(x, 2); }, volume, maximum, kVolumes));
  rows.push_back(row("max_pool2d", "overlap", [](const Tensor& x) { return max_pool2d(x, 3, {.stride = 1, .padding = 1}); }, {sliding(3, 1, 1), sliding(3, 1, 1)}, maximum, kImages));
  add_max(rows, "max_pool1d_with_indices", "dilated", [](const Tensor& x) { return max_pool1d_with_indices(x, 3, {.stride = 1, .padding = 1, .dilation = 2}); }, {sliding(3, 1, 1, 2)}, kLines);
  add_max(rows, "max_pool1d_with_indices", "far", [](const Tensor& x) { return max_pool1d_with_indices(x, 2, {.stride = 3, .ceil_mode = true}); }, {sliding(2, 3, 0, 1, true)}, kLines);
  add_max(rows, "max_pool1d_with_indices", "large", [](const Tensor& x) { return max_pool1d_with_indices(x, 1030, {.stride = 1}); }, {sliding(1030, 1)}, {{{1, 1, 1031}}});
  add_max(rows, "max_pool1d_with_indices", "padded", [](const Tensor& x) { return max_pool1d_with_indices(x, 7, {.stride = 5, .padding = 3, .ceil_mode = true}); }, {sliding(7, 5, 3, 1, true)}, {{{2, 4}}, {{1, 1, 93}}});
  add_max(rows, "max_pool2d_with_indices", "", [](const Tensor& x) { return max_pool2d_with_indices(x, 2); }, image, kImages);
  add_max(rows, "max_pool2d_with_indices", "ceil", [](const Tensor& x) { return max_pool2d_with_indices(x, {2, 3}, {.stride = {3, 2}, .padding = {0, 1}, .ceil_mode = true}); }, {sliding(2, 3, 0, 1, true), sliding(3, 2, 1, 1, true)}, kImages);
  add_max(rows, "max_pool2d_with_indices", "dilated", [](const Tensor& x) { return max_pool2d_with_indices(x, 2, {.stride = {1, 2}, .padding = 1, .dilation = {2, 3}}); }, {sliding(2, 1, 1, 2), sliding(2, 2, 1, 3)}, kImages);
  add_max(rows, "max_pool3d_with_indices", "rect", [](const Tensor& x) { return max_pool3d_with_indices(x, {1, 2, 3}, {.stride = {2, 1, 2}, .padding = {0, 1, 1}}); }, {sliding(1, 2), sliding(2, 1, 1), sliding(3, 2, 1)}, kVolumes);
}

void mean_rows(Rows& rows) {
  const Image line{sliding(2, 2)}, image{sliding(2, 2), sliding(2, 2)}, volume{sliding(2, 2), sliding(2, 2), sliding(2, 2)};
  rows.push_back(row("avg_pool1d", "", [](const Tensor& x) { return avg_pool1d(x, 2); }, line, mean_of_all, kLines));
  rows.push_back(row("avg_pool1d", "padded", [](const Tensor& x) { return avg_pool1d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}); }, {sliding(3, 2, 1, 1, true)}, mean_of_inside, kLines));
  rows.push_back(row("avg_pool2d", "", [](const Tensor& x) { return avg_pool2d(x, 2); }, image, mean_of_all, kImages));
  rows.push_back(row("avg_pool2d", "padded", [](const Tensor& x) { return avg_pool2d(x, {2, 3}, {.stride = {3, 1}, .padding = 1}); }, {sliding(2, 3, 1), sliding(3, 1, 1)}, mean_of_all, kImages));
  rows.push_back(row("avg_pool2d", "divisor", [](const Tensor& x) { return avg_pool2d(x, 3, {.stride = 1, .padding = 1, .divisor_override = 4}); }, {sliding(3, 1, 1), sliding(3, 1, 1)}, [](const Seen& s) { return sum_of(s.values) / 4; }, kImages));
  rows.push_back(row("avg_pool3d", "", [](const Tensor& x) { return avg_pool3d(x, 2); }, volume, mean_of_all, kVolumes));
  rows.push_back(row("avg_pool3d", "padded", [](const Tensor& x) { return avg_pool3d(x, {1, 3, 2}, {.stride = 2, .padding = {0, 1, 1}, .count_include_pad = false}); }, {sliding(1, 2), sliding(3, 2, 1), sliding(2, 2, 1)}, mean_of_inside, kVolumes));
  const auto norm = [](const Seen& s) { double sum = 0; for (double v : s.values) sum += v * v * v; return std::cbrt(sum); };
  for (int axes = 1; axes <= 3; ++axes) {
    const auto fn = [axes](const Tensor& x) { return axes == 1 ? lp_pool1d(x, 3, 2) : axes == 2 ? lp_pool2d(x, 3, 2) : lp_pool3d(x, 3, 2); };
    OpCase lp = row("lp_pool" + std::to_string(axes) + "d", "", fn, axes == 1 ? line : axes == 2 ? image : volume, norm, axes == 1 ? kLines : axes == 2 ? kImages : kVolumes);
    lp.low = 0.5;
    rows.push_back(lp);
  }
}

void adaptive_rows(Rows& rows) {
  const Image line{adaptive(3)}, image{adaptive(7), adaptive(2)}, volume{adaptive(2), whole_axis(), adaptive(1)};
  rows.push_back(row("adaptive_avg_pool1d", "", [](const Tensor& x) { return adaptive_avg_pool1d(x, 3); }, line, mean_of_inside, kLines));
  rows.push_back(row("adaptive_avg_pool2d", "", [](const Tensor& x) { return adaptive_avg_pool2d(x, {7, 2}); }, image, mean_of_inside, kImages));
  rows.push_back(row("adaptive_avg_pool3d", "", [](const Tensor& x) { return adaptive_avg_pool3d(x, {2, None, 1}); }, volume, mean_of_inside, kVolumes));
  rows.push_back(row("adaptive_max_pool1d", "", [](const Tensor& x) { return adaptive_max_pool1d(x, 3); }, line, maximum, kLines));
  rows.push_back(row("adaptive_max_pool2d", "", [](const Tensor& x) { return adaptive_max_pool2d(x, {7, 2}); }, image, maximum, kImages));
  rows.push_back(row("adaptive_max_pool3d", "", [](const Tensor& x) { return adaptive_max_pool3d(x, {2, std::nullopt, 1}); }, volume, maximum, kVolumes));
  add_max(rows, "adaptive_max_pool1d_with_indices", "", [](const Tensor& x) { return adaptive_max_pool1d_with_indices(x, 3); }, line, kLines);
  add_max(rows, "adaptive_max_pool2d_with_indices", "", [](const Tensor& x) { return adaptive_max_pool2d_with_indices(x, {7, 2}); }, image, kImages);
  add_max(rows, "adaptive_max_pool3d_with_indices", "", [](const Tensor& x) { return adaptive_max_pool3d_with_indices(x, {2, None, 1}); }, volume, kVolumes);
}

// Samples that put the windows of 2 elements where the lists of begins say, worked out by hand:
// begin i is floor((i + sample) a) - floor(sample a), a = (size - 2) / (count - 1); the last begins at the end.
void fractional_rows(Rows& rows) {
  // Height 7 in 4: a = 5 / 3, sample 0.5: 2.5, 4.17 less 0. Width 6 in 3: a = 2, sample 0.75: 3 less 1.
  const auto flat_samples = [](const Tensor& x) {
    return (zeros({x.size(0), x.size(1), 2}, {.dtype = x.dtype()}) + tensor({0.75, 0.5}).to(x.dtype()));
  };
  const Image image{at_begins({0, 2, 4, 5}, 2), at_begins({0, 2, 4}, 2)};
  const Sets images = {{{2, 2, 7, 6}}, {{0, 2, 7, 6}}};
  rows.push_back(row("fractional_max_pool2d", "", [=](const Tensor& x) { return fractional_max_pool2d(x, 2, {.output_size = {4, 3}, .random_samples = flat_samples(x)}); }, image, maximum, images));
  add_max(rows, "fractional_max_pool2d_with_indices", "", [=](const Tensor& x) { return fractional_max_pool2d_with_indices(x, 2, {.output_ratio = {0.6, 0.5}, .random_samples = flat_samples(x)}); }, image, images);
  // Depth 4 in 2: a = 2, then height and width as above.
  const auto deep_samples = [](const Tensor& x) {
    return (zeros({1, x.size(0), 3}, {.dtype = x.dtype()}) + tensor({0.0, 0.5, 0.75}).to(x.dtype()));
  };
  const Image volume{at_begins({0, 2}, 2), image[0], image[1]};
  const Sets volumes = {{{2, 4, 7, 6}}};
  rows.push_back(row("fractional_max_pool3d", "", [=](const Tensor& x) { return fractional_max_pool3d(x, 2, {.output_size = {2, 4, 3}, .random_samples = deep_samples(x)}); }, volume, maximum, volumes));
  add_max(rows, "fractional_max_pool3d_with_indices", "", [=](const Tensor& x) { return fractional_max_pool3d_with_indices(x, 2, {.output_size = {2, 4, 3}, .random_samples = deep_samples(x)}); }, volume, volumes);
}

// Element n of a plane goes to `places[n]` of an image of `sizes`.
OpCase unpool_row(const std::string& name, const std::function<Tensor(const Tensor&, const Tensor&)>& fn, const Index& places,
                  const Shape& sizes, const Sets& shapes) {
  const auto indices = [places](const Tensor& x) {
    Shape plane = x.shape();
    for (int i = 0; i < 2; ++i) plane[i] = 1;
    return from_vector(places, plane).expand(x.shape());
  };
  const auto reference = [places, sizes](const Tensors& x) {
    Shape shape{x[0].size(0), x[0].size(1)}, plane = x[0].shape();
    for (int64_t size : sizes) shape.push_back(size);
    for (int i = 0; i < 2; ++i) plane.erase(0);
    return build(shape, [&](const Index& i) {
      const int64_t place = flat(sizes, Index(i.begin() + 2, i.end()));
      for (size_t n = 0; n < places.size(); ++n) {
        if (places[n] != place) continue;
        Index from{i[0], i[1]};
        for (int64_t k : unflat(plane, static_cast<int64_t>(n))) from.push_back(k);
        return at(x[0], from);
      }
      return 0.0;
    });
  };
  return {.name = name, .fn = [=](const Tensors& x) { return fn(x[0], indices(x[0])); }, .shapes = shapes, .reference = reference};
}

void unpool_rows(Rows& rows) {
  rows.push_back(unpool_row("max_unpool1d", [](const Tensor& x, const Tensor& i) { return max_unpool1d(x, i, 2, {.output_size = 7}); }, {1, 2, 6}, {7}, {{{2, 3, 3}}, {{0, 2, 3}}}));
  rows.push_back(unpool_row("max_unpool2d", [](const Tensor& x, const Tensor& i) { return max_unpool2d(x, i, {2, 3}, {.padding = {1, 0}}); }, {7, 2, 8, 11}, {2, 6}, {{{2, 1, 2, 2}}}));
  rows.push_back(unpool_row("max_unpool3d", [](const Tensor& x, const Tensor& i) { return max_unpool3d(x, i, 2, {.stride = 1}); }, {0, 11, 5, 6}, {2, 3, 3}, {{{1, 2, 1, 2, 2}}}));
}

}  // namespace

void pooling_rows(Rows& rows) {
  max_rows(rows);
  mean_rows(rows);
  adaptive_rows(rows);
  fractional_rows(rows);
  unpool_rows(rows);
}

// clang-format on

}  // namespace reel::testing
