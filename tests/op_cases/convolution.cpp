// The operations of ops/convolution.h, against sums written down element by element.
#include "op_cases.h"

namespace reel::testing {
namespace {

// What moves a window, an entry an axis; `before` and `total` are zeros at the start and in all.
struct How {
  Index stride, before, total, dilation;
  int64_t groups = 1;
};

// The next index below `sizes`, in row-major order; false after the last.
bool advance(Index& index, const Index& sizes) {
  for (size_t d = index.size(); d-- > 0;) {
    if (++index[d] < sizes[d]) return true;
    index[d] = 0;
  }
  return false;
}

Index last(const Shape& shape, size_t count) { return Index(shape.end() - count, shape.end()); }

// Where element `k` of a window at position `p` lies in the image; empty if in the padding.
Index place(const How& how, const Index& p, const Index& k, const Index& image) {
  Index index;
  for (size_t d = 0; d < p.size(); ++d) {
    index.push_back(p[d] * how.stride[d] + k[d] * how.dilation[d] - how.before[d]);
    if (index[d] < 0 || index[d] >= image[d]) return {};
  }
  return index;
}

Index joined(Index a, const Index& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Tensor naive_conv(const Tensors& x, const How& how) {
  const size_t axes = how.stride.size();
  if (x[0].dim() == static_cast<int>(axes) + 1)
    return naive_conv({x[0].unsqueeze(0), x[1], x.size() > 2 ? x[2] : Tensor()}, how).squeeze(0);
  const Index image = last(x[0].shape(), axes), kernel = last(x[1].shape(), axes);
  Shape shape{x[0].size(0), x[1].size(0)};
  for (size_t d = 0; d < axes; ++d)
    shape.push_back((image[d] + how.total[d] - how.dilation[d] * (kernel[d] - 1) - 1) / how.stride[d] + 1);
  const int64_t in = x[1].size(1), out = x[1].size(0) / how.groups;
  return build(shape, [&](const Index& i) {
    double sum = x.size() > 2 && x[2].defined() ? at(x[2], {i[1]}) : 0;
    const Index position(i.begin() + 2, i.end());
    for (int64_t c = 0; c < in; ++c) {
      Index k(axes, 0);
      do {
        const Index from = place(how, position, k, image);
        if (!from.empty())
          sum += at(x[1], joined({i[1], c}, k)) * at(x[0], joined({i[0], i[1] / out * in + c}, from));
      } while (advance(k, kernel));
    }
    return sum;
  });
}

// Every input number stamps the weight on the output; `added` is the output_padding.
Tensor naive_transpose(const Tensors& x, const How& how, const Index& added) {
  const size_t axes = how.stride.size();
  if (x[0].dim() == static_cast<int>(axes) + 1)
    return naive_transpose({x[0].unsqueeze(0), x[1], x.size() > 2 ? x[2] : Tensor()}, how, added).squeeze(0);
  const Index positions = last(x[0].shape(), axes), kernel = last(x[1].shape(), axes);
  Index image;
  for (size_t d = 0; d < axes; ++d)
    image.push_back((positions[d] - 1) * how.stride[d] - 2 * how.before[d] + how.dilation[d] * (kernel[d] - 1) + added[d] + 1);
  const int64_t in = x[1].size(0) / how.groups, out = x[1].size(1);
  const Tensor y = build(Shape(joined({x[0].size(0), out * how.groups}, image)),
                         [&](const Index& i) { return x.size() > 2 && x[2].defined() ? at(x[2], {i[1]}) : 0; });
  for (int64_t n = 0; n < x[0].numel(); ++n) {
    const Index i = unflat(x[0].shape(), n), position(i.begin() + 2, i.end());
    for (int64_t o = 0; o < out; ++o) {
      Index k(axes, 0);
      do {
        const Index to = place(how, position, k, image);
        if (!to.empty())
          y.data<double>()[flat(y.shape(), joined({i[0], i[1] / in * out + o}, to))] += at(x[0], i) * at(x[1], joined({i[1], o}, k));
      } while (advance(k, kernel));
    }
  }
  return y;
}

// A patch is what a convolution with a weight of one 1 sees.
Tensor naive_unfold(const Tensor& x, const Index& kernel, const How& how) {
  if (x.dim() == 3) return naive_unfold(x.unsqueeze(0), kernel, how).squeeze(0);
  const Index image = last(x.shape(), 2);
  Index positions;
  for (size_t d = 0; d < 2; ++d)
    positions.push_back((image[d] + how.total[d] - how.dilation[d] * (kernel[d] - 1) - 1) / how.stride[d] + 1);
  const int64_t elements = kernel[0] * kernel[1];
  return build({x.size(0), x.size(1) * elements, positions[0] * positions[1]}, [&](const Index& i) {
    const int64_t k = i[1] % elements;
    const Index from = place(how, {i[2] / positions[1], i[2] % positions[1]}, {k / kernel[1], k % kernel[1]}, image);
    return from.empty() ? 0 : at(x, joined({i[0], i[1] / elements}, from));
  });
}

Tensor naive_fold(const Tensor& x, const Index& image, const Index& kernel, const How& how) {
  if (x.dim() == 2) return naive_fold(x.unsqueeze(0), image, kernel, how).squeeze(0);
  const int64_t elements = kernel[0] * kernel[1];
  const int64_t width = (image[1] + how.total[1] - how.dilation[1] * (kernel[1] - 1) - 1) / how.stride[1] + 1;
  const Tensor y = zeros({x.size(0), x.size(1) / elements, image[0], image[1]}, {.dtype = kFloat64});
  for (int64_t n = 0; n < x.numel(); ++n) {
    const Index i = unflat(x.shape(), n);
    const int64_t k = i[1] % elements;
    const Index to = place(how, {i[2] / width, i[2] % width}, {k / kernel[1], k % kernel[1]}, image);
    if (!to.empty()) y.data<double>()[flat(y.shape(), joined({i[0], i[1] / elements}, to))] += at(x, i);
  }
  return y;
}

using Conv = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&);
using Transpose = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvTransposeOptions&);

OpCase row(std::string name, std::string note, Conv f, ConvOptions options, How how, std::vector<std::vector<Shape>> shapes) {
  return {.name = std::move(name),
          .fn = [=](const Tensors& x) { return f(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), options); },
          .shapes = std::move(shapes),
          .reference = [=](const Tensors& x) { return naive_conv(x, how); },
          .note = std::move(note)};
}

OpCase row(std::string name, std::string note, Transpose f, ConvTransposeOptions options, How how, Index added, std::vector<std::vector<Shape>> shapes) {
  return {.name = std::move(name),
          .fn = [=](const Tensors& x) { return f(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), options); },
          .shapes = std::move(shapes),
          .reference = [=](const Tensors& x) { return naive_transpose(x, how, added); },
          .note = std::move(note)};
}

OpCase row(std::string note, UnfoldOptions options, Index kernel, How how, std::vector<std::vector<Shape>> shapes) {
  return {.name = "unfold",
          .fn = [=](const Tensors& x) { return unfold(x[0], options); },
          .shapes = std::move(shapes),
          .reference = [=](const Tensors& x) { return naive_unfold(x[0], kernel, how); },
          .note = std::move(note)};
}

OpCase row(std::string note, Index image, UnfoldOptions options, Index kernel, How how, std::vector<std::vector<Shape>> shapes) {
  return {.name = "fold",
          .fn = [=](const Tensors& x) { return fold(x[0], image, options); },
          .shapes = std::move(shapes),
          .reference = [=](const Tensors& x) { return naive_fold(x[0], image, kernel, how); },
          .note = std::move(note)};
}

}  // namespace

// clang-format off

void convolution_rows(Rows& rows) {
  const Index ones{1, 1}, none{0, 0};
  rows.push_back(row("conv1d", "", conv1d, {}, {{1}, {0}, {0}, {1}}, {{{2, 2, 5}, {3, 2, 2}, {3}}, {{2, 4}, {1, 2, 3}}, {{0, 2, 4}, {3, 2, 2}, {3}}, {{1, 1, 1}, {1, 1, 1}}}));
  rows.push_back(row("conv1d", "all", conv1d, {.stride = 2, .padding = 3, .dilation = 2, .groups = 2}, {{2}, {3}, {6}, {2}, 2}, {{{1, 4, 5}, {2, 2, 3}, {2}}, {{2, 2, 3}, {4, 1, 2}}}));
  rows.push_back(row("conv1d", "same", conv1d, {.padding = "same", .dilation = 3}, {{1}, {1}, {3}, {3}}, {{{2, 1, 5}, {2, 1, 2}, {2}}}));
  rows.push_back(row("conv2d", "", conv2d, {}, {ones, none, none, ones}, {{{2, 2, 3, 4}, {3, 2, 2, 2}, {3}}, {{2, 3, 3}, {2, 2, 3, 1}}, {{2, 3, 2, 3}, {4, 3, 1, 1}, {4}}, {{0, 1, 3, 3}, {2, 1, 2, 2}, {2}}}));
  rows.push_back(row("conv2d", "all", conv2d, {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2}, {{2, 1}, {1, 2}, {2, 4}, {1, 2}, 2}, {{{2, 4, 4, 3}, {2, 2, 3, 2}, {2}}}));
  rows.push_back(row("conv2d", "wide groups", conv2d, {.padding = 1, .groups = 2}, {ones, ones, {2, 2}, ones, 2}, {{{1, 6, 2, 3}, {6, 3, 2, 2}, {6}}}));
  rows.push_back(row("conv2d", "depthwise", conv2d, {.stride = 2, .padding = 1, .groups = 3}, {{2, 2}, ones, {2, 2}, ones, 3}, {{{2, 3, 4, 5}, {6, 1, 3, 3}, {6}}}));
  rows.push_back(row("conv2d", "same", conv2d, {.padding = "same"}, {ones, {0, 1}, {1, 2}, ones}, {{{1, 2, 3, 4}, {1, 2, 2, 3}, {1}}, {{2, 2, 2}, {1, 2, 2, 3}}}));
  rows.push_back(row("conv2d", "valid", conv2d, {.stride = 3, .padding = "valid"}, {{3, 3}, none, none, ones}, {{{1, 1, 5, 4}, {2, 1, 2, 2}}}));
  rows.push_back(row("conv3d", "", conv3d, {.stride = {1, 2, 1}, .padding = {0, 1, 1}, .dilation = {2, 1, 1}}, {{1, 2, 1}, {0, 1, 1}, {0, 2, 2}, {2, 1, 1}}, {{{1, 2, 3, 3, 2}, {2, 2, 2, 2, 2}, {2}}, {{1, 4, 2, 2}, {1, 1, 2, 1, 3}}}));
  rows.push_back(row("conv_transpose1d", "", conv_transpose1d, {}, {{1}, {0}, {0}, {1}}, {0}, {{{2, 2, 3}, {2, 3, 2}, {3}}, {{2, 3}, {2, 1, 3}}, {{0, 2, 3}, {2, 3, 2}, {3}}}));
  rows.push_back(row("conv_transpose1d", "all", conv_transpose1d, {.stride = 3, .padding = 2, .output_padding = 2, .groups = 2, .dilation = 2}, {{3}, {2}, {4}, {2}, 2}, {2}, {{{2, 4, 3}, {4, 1, 3}, {2}}}));
  rows.push_back(row("conv_transpose2d", "", conv_transpose2d, {.stride = 2, .padding = 1, .output_padding = {1, 0}}, {{2, 2}, ones, {2, 2}, ones}, {1, 0}, {{{2, 2, 2, 3}, {2, 3, 3, 2}, {3}}, {{2, 2, 2}, {2, 1, 3, 3}}}));
  rows.push_back(row("conv_transpose2d", "groups", conv_transpose2d, {.groups = 2, .dilation = {1, 2}}, {ones, none, none, {1, 2}, 2}, none, {{{1, 2, 3, 2}, {2, 2, 2, 2}, {4}}, {{1, 6, 2, 2}, {6, 3, 2, 2}, {6}}}));
  rows.push_back(row("conv_transpose2d", "pointwise", conv_transpose2d, {}, {ones, none, none, ones}, none, {{{2, 3, 2, 2}, {3, 2, 1, 1}, {2}}, {{1, 3, 2, 2}, {3, 2, 1, 1}}}));
  rows.push_back(row("conv_transpose3d", "", conv_transpose3d, {.stride = {1, 2, 1}, .padding = {0, 1, 0}, .output_padding = {0, 1, 0}}, {{1, 2, 1}, {0, 1, 0}, {0, 2, 0}, {1, 1, 1}}, {0, 1, 0}, {{{1, 2, 2, 2, 2}, {2, 1, 1, 3, 2}, {1}}}));
  rows.push_back(row("", {.kernel_size = 2}, {2, 2}, {ones, none, none, ones}, {{{2, 2, 3, 4}}, {{2, 3, 3}}, {{0, 2, 3, 3}}}));
  rows.push_back(row("all", {.kernel_size = {2, 3}, .dilation = {2, 1}, .padding = {1, 2}, .stride = {2, 3}}, {2, 3}, {{2, 3}, {1, 2}, {2, 4}, {2, 1}}, {{{2, 2, 5, 4}}}));
  rows.push_back(row("", {3, 4}, {.kernel_size = 2}, {2, 2}, {ones, none, none, ones}, {{{2, 8, 6}}, {{4, 6}}, {{0, 4, 6}}}));
  rows.push_back(row("all", {5, 4}, {.kernel_size = {2, 3}, .dilation = {2, 1}, .padding = {1, 2}, .stride = {2, 3}}, {2, 3}, {{2, 3}, {1, 2}, {2, 4}, {2, 1}}, {{{2, 12, 6}}}));
}

// clang-format on

}  // namespace reel::testing
