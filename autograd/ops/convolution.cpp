#include <reel/autograd/kernels/convolution.h>
#include <reel/autograd/ops/convolution.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

using kernels::Axes;
using kernels::Convolution;
using kernels::Window;

// ---- the map and its two adjoints, each with rules made of the others --------------------------------------

struct Names {
  const char *map, *input, *weight, *transpose;
};
constexpr Names kNames[] = {
    {"conv1d", "conv1d_input_grad", "conv1d_weight_grad", "conv_transpose1d"},
    {"conv2d", "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d"},
    {"conv3d", "conv3d_input_grad", "conv3d_weight_grad", "conv_transpose3d"}};

const Names& names_of(const Convolution& how) { return kNames[how.window.axes - 1]; }

Array array_or_none(const Tensor& x) { return x.defined() ? x.array() : Array(); }

// What every channel gets of a gradient [N, channels, ...].
Tensor sum_of_channels(const Tensor& g) {
  Dims dims = 0;
  for (int dim = 2; dim < g.dim(); ++dim) dims.push_back(dim);
  return g.sum(dims);
}

Tensor map(const Convolution& how, const Tensor& x, const Tensor& weight, const Tensor& bias = {});
Tensor adjoint(const char* op, const Convolution& how, const Tensor& x, const Tensor& weight,
               const Tensor& bias = {});
Tensor weight_grad(const Convolution& how, const Tensor& g, const Tensor& x);

Tensor map(const Convolution& how, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return record(
      names_of(how).map, kernels::convolution(x.array(), weight.array(), array_or_none(bias), how),
      wrt(x, [weight = keep(weight),
              how](const Tensor& g) { return adjoint(names_of(how).input, how, g, weight()); }),
      wrt(weight, [x = keep(x), how](const Tensor& g) { return weight_grad(how, g, x()); }),
      wrt(bias, [](const Tensor& g) { return sum_of_channels(g); }));
}

// x has the shape of the map's output, the result that of its input.
Tensor adjoint(const char* op, const Convolution& how, const Tensor& x, const Tensor& weight,
               const Tensor& bias) {
  return record(
      op, kernels::convolution_input(x.array(), weight.array(), array_or_none(bias), how),
      wrt(x, [weight = keep(weight), how](const Tensor& g) { return map(how, g, weight()); }),
      wrt(weight, [x = keep(x), how](const Tensor& g) { return weight_grad(how, x(), g); }),
      wrt(bias, [](const Tensor& g) { return sum_of_channels(g); }));
}

Tensor weight_grad(const Convolution& how, const Tensor& g, const Tensor& x) {
  return record(names_of(how).weight, kernels::convolution_weight(g.array(), x.array(), how),
                wrt(g, [x = keep(x), how](const Tensor& gg) { return map(how, x(), gg); }),
                wrt(x, [g = keep(g), how](const Tensor& gg) {
                  return adjoint(names_of(how).input, how, g(), gg);
                }));
}

// ---- what both kinds of convolution require ----------------------------------------------------------------

struct Call {
  const char* op;
  int axes;
  const Tensor &x, &weight, &bias;
  int64_t groups;

  bool batched() const { return x.dim() == axes + 2; }
};

size_t axis_of(const Window& window, int i) { return static_cast<size_t>(3 - window.axes + i); }

// Sizes of the last dims, where the three axes of a window have them.
Axes last_sizes(const Window& window, const Shape& sizes) {
  Axes axes{1, 1, 1};
  for (int i = 0; i < window.axes; ++i)
    axes[axis_of(window, i)] = sizes[sizes.rank() - window.axes + i];
  return axes;
}

void check_ranks(const Call& call) {
  check(call.batched() || call.x.dim() == call.axes + 1,
        "{}: an input of {} or {} dims is required, got {}", call.op, call.axes + 1, call.axes + 2,
        call.x.shape());
  bool whole = call.weight.dim() == call.axes + 2;
  for (int dim = 2; whole && dim < call.weight.dim(); ++dim) whole = call.weight.size(dim) > 0;
  check(whole, "{}: a weight of {} dims, none of the last {} empty, is required, got {}", call.op,
        call.axes + 2, call.axes, call.weight.shape());
}

// A weight [divided, other] makes divided channels of other * groups of them, or the reverse.
void check_channels(const Call& call, bool transposed) {
  check(call.groups > 0, "{}: groups of at least 1 are required, got {}", call.op, call.groups);
  const int64_t divided = call.weight.size(0), other = call.weight.size(1) * call.groups;
  check(divided % call.groups == 0,
        "{}: a weight whose first dim {} groups divide is required, got {}", call.op, call.groups,
        call.weight.shape());
  const int64_t in = transposed ? divided : other, out = transposed ? other : divided;
  check(call.x.size(-1 - call.axes) == in,
        "{}: an input of {} channels is required by weight {} with {} groups, got {}", call.op, in,
        call.weight.shape(), call.groups, call.x.shape());
  if (!call.bias.defined()) return;
  check(call.bias.shape() == Shape(out), "{}: bias of shape [{}] is required, got {}", call.op, out,
        call.bias.shape());
}

Dtype common_dtype(const Call& call) {
  Dtype dtype = promote_types(call.x.dtype(), call.weight.dtype());
  check<TypeError>(is_floating(call.x.dtype()) && is_floating(call.weight.dtype()),
                   "{}: floating dtypes are required, got {} and {}", call.op, call.x.dtype(),
                   call.weight.dtype());
  return call.bias.defined() ? promote_types(dtype, call.bias.dtype()) : dtype;
}

// Throws if a result of `channels` of these sizes could not be.
void check_result(const Call& call, int64_t channels, const Axes& sizes) {
  const int64_t batch = call.batched() ? call.x.size(0) : 1;
  check_sizes(call.op, {batch, channels, sizes[0], sizes[1], sizes[2]});
}

// apply(x, weight, bias) with all in one dtype, and with a batch of one for an x that has none.
template <class Apply>
Tensor in_batches(const Call& call, Apply apply) {
  const Dtype dtype = common_dtype(call);
  const Tensor x = call.batched() ? call.x : call.x.unsqueeze(0);
  const Tensor bias = call.bias.defined() ? call.bias.to(dtype) : call.bias;
  const Tensor y = apply(x.to(dtype), call.weight.to(dtype), bias);
  return call.batched() ? y : y.squeeze(0);
}

Window window_of(const char* op, int axes, const Shape& kernel, const IntList& stride,
                 const IntList& dilation) {
  Window window{.axes = axes};
  window.kernel = last_sizes(window, kernel);
  window.stride = last_sizes(window, stride.expand(op, "stride", axes, 1));
  window.dilation = last_sizes(window, dilation.expand(op, "dilation", axes, 1));
  return window;
}

// Places the window in the image, with `before` zeros at the beginning of each axis and `total`
// zeros at both ends together.
void place(const char* op, Window& window, const Axes& before, const Axes& total) {
  window.padding = before;
  for (size_t axis = 0; axis < 3; ++axis) {
    const int64_t reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    const int64_t padded = window.image[axis] + total[axis];
    check(window.image[axis] > 0 && reach <= padded,
          "{}: a window of {} elements does not fit into a padded input of {}, axis {} of {}", op,
          reach, padded, static_cast<int>(axis) + window.axes - 3, window.axes);
    window.positions[axis] = (padded - reach) / window.stride[axis] + 1;
  }
}

// The same number of zeros at both ends.
void place(const char* op, Window& window, const IntList& padding) {
  Axes before{}, total{};
  const Shape sizes = padding.expand(op, "padding", window.axes, 0);
  for (int i = 0; i < window.axes; ++i) {
    before[axis_of(window, i)] = sizes[i];
    total[axis_of(window, i)] = 2 * sizes[i];
  }
  place(op, window, before, total);
}

// As many zeros as make the output as large as the input.
void place_same(const char* op, Window& window) {
  check(window.stride == Axes{1, 1, 1},
        "{}: padding \"same\" requires a stride of 1, got {}, {}, {} along the axes", op,
        window.stride[0], window.stride[1], window.stride[2]);
  Axes before{}, total{};
  for (size_t axis = 0; axis < 3; ++axis) {
    total[axis] = window.dilation[axis] * (window.kernel[axis] - 1);
    before[axis] = total[axis] / 2;
  }
  place(op, window, before, total);
}

// ---- convolutions ------------------------------------------------------------------------------------------

Window conv_window(const Call& call, const ConvOptions& options) {
  Window window =
      window_of(call.op, call.axes, call.weight.shape(), options.stride, options.dilation);
  window.image = last_sizes(window, call.x.shape());
  const std::string& text = options.padding.text();
  check(text.empty() || text == "valid" || text == "same",
        "{}: padding of ints, \"same\" or \"valid\" is required, got \"{}\"", call.op, text);
  if (text == "same")
    place_same(call.op, window);
  else
    place(call.op, window, options.padding.ints());
  return window;
}

Tensor conv(int axes, const Tensor& x, const Tensor& weight, const Tensor& bias,
            const ConvOptions& options) {
  const Call call{kNames[axes - 1].map, axes, x, weight, bias, options.groups};
  check_ranks(call);
  check_channels(call, false);
  const Convolution how{conv_window(call, options), options.groups};
  check_result(call, weight.size(0), how.window.positions);
  return in_batches(call, [&](const Tensor& batch, const Tensor& factors, const Tensor& added) {
    return map(how, batch, factors, added);
  });
}

// The window of the convolution whose adjoint is meant: its image is the output.
Window transpose_window(const Call& call, const ConvTransposeOptions& options) {
  Window window =
      window_of(call.op, call.axes, call.weight.shape(), options.stride, options.dilation);
  window.positions = last_sizes(window, call.x.shape());
  const Shape padding = options.padding.expand(call.op, "padding", call.axes, 0);
  const Shape added = options.output_padding.expand(call.op, "output_padding", call.axes, 0);
  for (int i = 0; i < call.axes; ++i) {
    const size_t axis = axis_of(window, i);
    const int64_t stride = window.stride[axis], dilation = window.dilation[axis];
    check(added[i] < std::max(stride, dilation),
          "{}: an output_padding below the stride {} or the dilation {} is required, got {}",
          call.op, stride, dilation, added);
    window.padding[axis] = padding[i];
    window.image[axis] = (window.positions[axis] - 1) * stride - 2 * padding[i] +
                         dilation * (window.kernel[axis] - 1) + added[i] + 1;
    check(window.positions[axis] > 0 && window.image[axis] > 0,
          "{}: padding that leaves an output of input {} with weight {} is required, got {}",
          call.op, call.x.shape(), call.weight.shape(), padding);
  }
  return window;
}

Tensor conv_transpose(int axes, const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvTransposeOptions& options) {
  const Call call{kNames[axes - 1].transpose, axes, x, weight, bias, options.groups};
  check_ranks(call);
  check_channels(call, true);
  const Convolution how{transpose_window(call, options), options.groups};
  check_result(call, weight.size(1) * options.groups, how.window.image);
  return in_batches(call, [&](const Tensor& batch, const Tensor& factors, const Tensor& added) {
    return adjoint(call.op, how, batch, factors, added);
  });
}

// ---- patches -----------------------------------------------------------------------------------------------

Window patch_window(const char* op, const Shape& image, const UnfoldOptions& options) {
  const Shape kernel = options.kernel_size.expand(op, "kernel_size", 2, 1);
  Window window = window_of(op, 2, kernel, options.stride, options.dilation);
  window.image = last_sizes(window, image);
  place(op, window, options.padding);
  return window;
}

Tensor fold_patches(const Tensor& columns, const Window& window);

Tensor unfold_patches(const Tensor& x, const Window& window) {
  return record("unfold", kernels::unfold(x.array(), window),
                wrt(x, [window](const Tensor& g) { return fold_patches(g, window); }));
}

Tensor fold_patches(const Tensor& columns, const Window& window) {
  return record("fold", kernels::fold(columns.array(), window),
                wrt(columns, [window](const Tensor& g) { return unfold_patches(g, window); }));
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  return conv(1, x, weight, bias, options);
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  return conv(2, x, weight, bias, options);
}

Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  return conv(3, x, weight, bias, options);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return conv_transpose(1, x, weight, bias, options);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return conv_transpose(2, x, weight, bias, options);
}

Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return conv_transpose(3, x, weight, bias, options);
}

Tensor unfold(const Tensor& x, const UnfoldOptions& options) {
  check(x.dim() == 3 || x.dim() == 4, "unfold: an input of 3 or 4 dims is required, got {}",
        x.shape());
  check<TypeError>(x.is_floating_point(), "unfold: a floating dtype is required, got {}",
                   x.dtype());
  const Window window = patch_window("unfold", x.shape(), options);
  const Axes &kernel = window.kernel, &positions = window.positions;
  check_sizes("unfold", {x.numel() / (x.size(-1) * x.size(-2)), kernel[1], kernel[2], positions[1],
                         positions[2]});
  return x.dim() == 3 ? unfold_patches(x.unsqueeze(0), window).squeeze(0)
                      : unfold_patches(x, window);
}

Tensor fold(const Tensor& columns, const IntList& output_size, const UnfoldOptions& options) {
  check(columns.dim() == 2 || columns.dim() == 3,
        "fold: an input of 2 or 3 dims is required, got {}", columns.shape());
  check<TypeError>(columns.is_floating_point(), "fold: a floating dtype is required, got {}",
                   columns.dtype());
  const Window window =
      patch_window("fold", output_size.expand("fold", "output_size", 2, 1), options);
  const int64_t elements = kernels::product(window.kernel);
  const int64_t positions = kernels::product(window.positions);
  check(columns.size(-2) % elements == 0 && columns.size(-1) == positions,
        "fold: an input [..., a multiple of {}, {}] is required, got {}", elements, positions,
        columns.shape());
  check_sizes("fold", {columns.numel() / (elements * positions), window.image[1], window.image[2]});
  return columns.dim() == 2 ? fold_patches(columns.unsqueeze(0), window).squeeze(0)
                            : fold_patches(columns, window);
}

}  // namespace reel
