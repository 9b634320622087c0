// The operations of ops/resize.h: interpolation as a sum over the whole input, each element
// weighted by its distance, and moved channels.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {
namespace {

// clang-format off

double triangle(double d) { return std::max(1 - std::fabs(d), 0.0); }

// The cubic through four neighbours with parameter a, by the distance of the element.
double cubic(double d, double a) {
  d = std::fabs(d);
  if (d >= 2) return 0;
  return d <= 1 ? (a + 2) * std::pow(d, 3) - (a + 3) * std::pow(d, 2) + 1
                : a * std::pow(d, 3) - 5 * a * std::pow(d, 2) + 8 * a * d - 4 * a;
}

// The weight of element j (of `from`) in element i (of `to`).
using Weight = std::function<double(int64_t i, int64_t j, int64_t from, int64_t to)>;

// Where element i lies among those of the input; scale 0: as the sizes are.
double place(int64_t i, int64_t from, int64_t to, double scale, bool aligned) {
  const double n = static_cast<double>(from), m = static_cast<double>(to), k = static_cast<double>(i);
  if (aligned) return m > 1 ? k * (n - 1) / (m - 1) : 0;
  return (k + 0.5) * (scale > 0 ? 1 / scale : n / m) - 0.5;
}

Weight nearest(double shift) {
  return [shift](int64_t i, int64_t j, int64_t from, int64_t to) {
    const double at = (static_cast<double>(i) + shift) * static_cast<double>(from) / static_cast<double>(to);
    return static_cast<int64_t>(at) == j ? 1.0 : 0.0;
  };
}

// Elements beyond the ends are those at the ends.
Weight continued(double (*f)(double), double scale, bool aligned) {
  return [=](int64_t i, int64_t j, int64_t from, int64_t to) {
    const double at = place(i, from, to, scale, aligned);
    double weight = 0;
    for (int64_t k = -4; k < from + 4; ++k) {
      if (std::clamp<int64_t>(k, 0, from - 1) == j) weight += f(at - static_cast<double>(k));
    }
    return weight;
  };
}
Weight linear(double scale = 0, bool aligned = false) { return continued(triangle, scale, aligned); }
Weight bicubic(bool aligned = false) {
  return continued([](double d) { return cubic(d, -0.75); }, 0, aligned);
}

// The filter as wide as the ratio of the sizes, of weights that sum to 1.
Weight antialiased(double (*f)(double)) {
  return [=](int64_t i, int64_t j, int64_t from, int64_t to) {
    const double wide = std::max(static_cast<double>(from) / static_cast<double>(to), 1.0);
    const double at = place(i, from, to, 0, false);
    double sum = 0;
    for (int64_t k = 0; k < from; ++k) sum += f((at - static_cast<double>(k)) / wide);
    return f((at - static_cast<double>(j)) / wide) / sum;
  };
}

Weight share() {  // of what element i covers
  return [](int64_t i, int64_t j, int64_t from, int64_t to) {
    const int64_t begin = i * from / to, end = ((i + 1) * from + to - 1) / to;
    return j >= begin && j < end ? 1.0 / static_cast<double>(end - begin) : 0.0;
  };
}

Tensor weighed(const Tensor& x, const Shape& sizes, const Weight& weight) {
  Shape shape{x.size(0), x.size(1)}, image;
  for (int d = 0; d < sizes.rank(); ++d) {
    shape.push_back(sizes[d]);
    image.push_back(x.size(d + 2));
  }
  return build(shape, [&](const Index& i) {
    double sum = 0;
    for (int64_t n = 0; n < image.numel(); ++n) {
      double product = 1;
      Index from{i[0], i[1]};
      for (int64_t j : unflat(image, n)) {
        const int d = static_cast<int>(from.size()) - 2;
        product *= weight(i[from.size()], j, image[d], sizes[d]);
        from.push_back(j);
      }
      sum += product * at(x, from);
    }
    return sum;
  });
}

OpCase row(std::string note, const InterpolateOptions& how, Shape sizes, Weight weight, std::vector<std::vector<Shape>> shapes) {
  return {.name = "interpolate", .fn = [how](const Tensors& x) { return interpolate(x[0], how); }, .shapes = std::move(shapes),
          .reference = [=](const Tensors& x) { return weighed(x[0], sizes, weight); }, .note = std::move(note)};
}

void interpolate_rows(Rows& rows) {
  const std::vector<std::vector<Shape>> line = {{{2, 1, 5}}}, image = {{{1, 2, 4, 5}}, {{0, 2, 4, 5}}, {{2, 0, 4, 5}}}, volume = {{{1, 1, 2, 3, 2}}};
  rows.push_back(row("nearest1d", {.size = 7}, {7}, nearest(0), line));
  rows.push_back(row("nearest", {.size = {3, 8}, .mode = "nearest"}, {3, 8}, nearest(0), image));
  rows.push_back(row("nearestscaled", {.scale_factor = 2}, {8, 10}, nearest(0), image));
  rows.push_back(row("nearest3d", {.scale_factor = {2, 1, 1.5}}, {4, 3, 3}, nearest(0), volume));
  rows.push_back(row("exact", {.size = {3, 8}, .mode = "nearest-exact"}, {3, 8}, nearest(0.5), image));
  rows.push_back(row("area", {.size = {3, 2}, .mode = "area"}, {3, 2}, share(), image));
  rows.push_back(row("area1d", {.size = 3, .mode = "area"}, {3}, share(), line));
  rows.push_back(row("area3d", {.size = {1, 2, 3}, .mode = "area"}, {1, 2, 3}, share(), volume));
  rows.push_back(row("linear", {.size = 8, .mode = "linear"}, {8}, linear(), line));
  rows.push_back(row("linearaligned", {.size = 3, .mode = "linear", .align_corners = true}, {3}, linear(0, true), line));
  rows.push_back(row("bilinear", {.size = {3, 8}, .mode = "bilinear", .align_corners = false}, {3, 8}, linear(), image));
  rows.push_back(row("bilinearaligned", {.size = {7, 1}, .mode = "bilinear", .align_corners = true}, {7, 1}, linear(0, true), image));
  rows.push_back(row("bilinearscaled", {.scale_factor = 1.7, .mode = "bilinear"}, {6, 8}, linear(1.7), image));
  rows.push_back(row("bilinearrecomputed", {.scale_factor = 1.7, .mode = "bilinear", .recompute_scale_factor = true}, {6, 8}, linear(), image));
  rows.push_back(row("bilinearantialiased", {.size = {2, 8}, .mode = "bilinear", .antialias = true}, {2, 8}, antialiased(triangle), image));
  rows.push_back(row("trilinear", {.size = {3, 2, 4}, .mode = "trilinear"}, {3, 2, 4}, linear(), volume));
  rows.push_back(row("bicubic", {.size = {3, 8}, .mode = "bicubic"}, {3, 8}, bicubic(), image));
  rows.push_back(row("bicubicaligned", {.size = {6, 3}, .mode = "bicubic", .align_corners = true}, {6, 3}, bicubic(true), image));
  rows.push_back(row("bicubicantialiased", {.size = {2, 3}, .mode = "bicubic", .antialias = true}, {2, 3}, antialiased([](double d) { return cubic(d, -0.5); }), image));
}

// y[..., c, h, w] of a shuffle by r, and its inverse.
Index shuffled_from(const Index& i, int64_t r) {
  Index from = i;
  const size_t c = i.size() - 3, h = c + 1, w = c + 2;
  from[c] = (i[c] * r + i[h] % r) * r + i[w] % r;
  from[h] = i[h] / r;
  from[w] = i[w] / r;
  return from;
}
Index unshuffled_from(const Index& i, int64_t r) {
  Index from = i;
  const size_t c = i.size() - 3, h = c + 1, w = c + 2;
  from[c] = i[c] / (r * r);
  from[h] = i[h] * r + i[c] / r % r;
  from[w] = i[w] * r + i[c] % r;
  return from;
}

}  // namespace

void resize_rows(Rows& rows) {
  interpolate_rows(rows);
  rows.push_back(moving("pixel_shuffle", "", [](const Tensor& x) { return pixel_shuffle(x, 2); }, {{2, 8, 2, 3}}, {2, 2, 4, 6}, [](const Index& i) { return shuffled_from(i, 2); }));
  rows.push_back(moving("pixel_shuffle", "unbatched", [](const Tensor& x) { return pixel_shuffle(x, 3); }, {{9, 1, 2}}, {1, 3, 6}, [](const Index& i) { return shuffled_from(i, 3); }));
  rows.push_back(moving("pixel_shuffle", "nobatch", [](const Tensor& x) { return pixel_shuffle(x, 2); }, {{0, 4, 1, 2}}, {0, 1, 2, 4}, [](const Index& i) { return i; }));
  rows.push_back(moving("pixel_unshuffle", "", [](const Tensor& x) { return pixel_unshuffle(x, 2); }, {{2, 2, 4, 6}}, {2, 8, 2, 3}, [](const Index& i) { return unshuffled_from(i, 2); }));
  rows.push_back(moving("pixel_unshuffle", "leading", [](const Tensor& x) { return pixel_unshuffle(x, 3); }, {{2, 1, 1, 3, 6}}, {2, 1, 9, 1, 2}, [](const Index& i) { return unshuffled_from(i, 3); }));
  rows.push_back(moving("channel_shuffle", "", [](const Tensor& x) { return channel_shuffle(x, 2); }, {{2, 6, 2, 3}}, {2, 6, 2, 3}, [](const Index& i) { return Index{i[0], i[1] % 2 * 3 + i[1] / 2, i[2], i[3]}; }));
  rows.push_back(moving("channel_shuffle", "1d", [](const Tensor& x) { return channel_shuffle(x, 3); }, {{1, 6, 2}}, {1, 6, 2}, [](const Index& i) { return Index{i[0], i[1] % 3 * 2 + i[1] / 3, i[2]}; }));
}

// clang-format on

}  // namespace reel::testing
