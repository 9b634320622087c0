#include <reel/nn/pooling.h>
#include <reel/nn/repr.h>

namespace reel::nn::detail {
namespace {

// "MaxPool2d", for errors.
struct Name {
  Name(const char* kind, int axes) : text(fmt::format("{}{}d", kind, axes)) {}
  operator const char*() const { return text.c_str(); }
  const std::string text;
};

// The kernel and what moves it.
void check_windows(const char* module, int axes, const IntList& kernel_size,
                   const IntList& stride = {}, const IntList& padding = 0,
                   const IntList& dilation = 1) {
  const Shape kernel = kernel_size.expand(module, "kernel_size", axes, 1);
  if (!stride.empty()) stride.expand(module, "stride", axes, 1);
  const Shape reach = dilation.expand(module, "dilation", axes, 1);
  const Shape pads = padding.expand(module, "padding", axes, 0);
  for (int i = 0; i < axes; ++i) {
    check(2 * pads[i] <= (kernel[i] - 1) * reach[i] + 1,
          "{}: padding must be at most half of what the kernel spans, got {} for a kernel_size of "
          "{} with dilation {}",
          module, pads, kernel, reach);
  }
}

const IntList& stride_of(const IntList& stride, const IntList& kernel_size) {
  return stride.empty() ? kernel_size : stride;
}
std::string tuple(const IntList& values, int axes) { return repr(values.expand("", "", axes, 0)); }

template <class F>
F by_axes(int axes, F one, F two, F three) {
  return axes == 1 ? one : axes == 2 ? two : three;
}

std::string repr(const std::optional<int64_t>& size) {
  return size ? std::to_string(*size) : "None";
}
std::string describe_size(const OutputSize& size) {
  if (size.sizes().size() == 1) return "output_size=" + repr(size.sizes()[0]);
  std::string text;
  for (const auto& each : size.sizes()) text += (text.empty() ? "" : ", ") + repr(each);
  return fmt::format("output_size=({})", text);
}
void check_size(const Name& module, const OutputSize& output_size, int axes) {
  const size_t count = output_size.sizes().size();
  check(count == 1 || count == static_cast<size_t>(axes),
        "{}: output_size must be one number (or None) or {} of them, got {} of them", module.text,
        axes, count);
  for (const auto& size : output_size.sizes())
    check(!size || *size >= 1, "{}: output_size must be at least 1, got {}", module.text,
          size.value_or(0));
}

}  // namespace

// ---- options -------------------------------------------------------------------------------------------------

void check_options(const MaxPoolOptions& o, int axes) {
  check_windows(Name("MaxPool", axes), axes, o.kernel_size, o.stride, o.padding, o.dilation);
}
void check_options(const AvgPoolOptions& o, int axes) {
  const Name module("AvgPool", axes);
  check_windows(module, axes, o.kernel_size, o.stride, o.padding);
  check(o.divisor_override.value_or(1) != 0, "{}: divisor_override must not be 0", module.text);
}
void check_options(const LPPoolOptions& o, int axes) {
  const Name module("LPPool", axes);
  check(o.norm_type != 0, "{}: norm_type must not be 0", module.text);
  check_windows(module, axes, o.kernel_size, o.stride);
}
void check_options(const AdaptiveAvgPoolOptions& o, int axes) {
  check_size(Name("AdaptiveAvgPool", axes), o.output_size, axes);
}
void check_options(const AdaptiveMaxPoolOptions& o, int axes) {
  check_size(Name("AdaptiveMaxPool", axes), o.output_size, axes);
}
void check_options(const FractionalPoolOptions& o, int axes) {
  const Name module("FractionalMaxPool", axes);
  check_windows(module, axes, o.kernel_size);
  check(o.output_size.empty() != o.output_ratio.empty(),
        "{}: output_size or output_ratio must be given, got {}", module.text,
        o.output_size.empty() ? "neither" : "both");
  if (!o.output_size.empty()) {
    o.output_size.expand(module, "output_size", axes, 1);
    return;
  }
  o.output_ratio.expand(module, "output_ratio", axes);
  for (double ratio : o.output_ratio.values())
    check(ratio < 1, "{}: output_ratio must be between 0 and 1, got {}", module.text, ratio);
}
void check_options(const MaxUnpoolOptions& o, int axes) {
  check_windows(Name("MaxUnpool", axes), axes, o.kernel_size, o.stride, o.padding);
}

// As PyTorch prints them: some as they were given, some as one number an axis.
std::string describe(const MaxPoolOptions& o, int) {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                     nn::repr(o.kernel_size), nn::repr(stride_of(o.stride, o.kernel_size)),
                     nn::repr(o.padding), nn::repr(o.dilation), nn::repr(o.ceil_mode));
}
std::string describe(const AvgPoolOptions& o, int axes) {
  const auto text = [axes](const IntList& values) {
    return axes == 1 ? tuple(values, 1) : nn::repr(values);
  };
  return fmt::format("kernel_size={}, stride={}, padding={}", text(o.kernel_size),
                     text(stride_of(o.stride, o.kernel_size)), text(o.padding));
}
std::string describe(const LPPoolOptions& o, int) {
  return fmt::format("norm_type={}, kernel_size={}, stride={}, ceil_mode={}", o.norm_type,
                     nn::repr(o.kernel_size), o.stride.empty() ? "None" : nn::repr(o.stride),
                     nn::repr(o.ceil_mode));
}
std::string describe(const AdaptiveAvgPoolOptions& o, int) { return describe_size(o.output_size); }
std::string describe(const AdaptiveMaxPoolOptions& o, int) { return describe_size(o.output_size); }
std::string describe(const FractionalPoolOptions&, int) { return ""; }
std::string describe(const MaxUnpoolOptions& o, int axes) {
  return fmt::format("kernel_size={}, stride={}, padding={}", tuple(o.kernel_size, axes),
                     tuple(stride_of(o.stride, o.kernel_size), axes), tuple(o.padding, axes));
}

// ---- forward -------------------------------------------------------------------------------------------------

Tensor pool(const Tensor& x, const MaxPoolOptions& o, int axes) {
  using F = Tensor (*)(const Tensor&, const IntList&, const MaxPoolOptions&);
  return by_axes<F>(axes, max_pool1d, max_pool2d, max_pool3d)(x, o.kernel_size, o);
}
Tensor pool(const Tensor& x, const AvgPoolOptions& o, int axes) {
  using F = Tensor (*)(const Tensor&, const IntList&, const AvgPoolOptions&);
  return by_axes<F>(axes, avg_pool1d, avg_pool2d, avg_pool3d)(x, o.kernel_size, o);
}
Tensor pool(const Tensor& x, const LPPoolOptions& o, int axes) {
  return by_axes(axes, lp_pool1d, lp_pool2d, lp_pool3d)(
      x, o.norm_type, o.kernel_size, {.stride = o.stride, .ceil_mode = o.ceil_mode});
}
Tensor pool(const Tensor& x, const AdaptiveAvgPoolOptions& o, int axes) {
  return by_axes(axes, adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)(
      x, o.output_size);
}
Tensor pool(const Tensor& x, const AdaptiveMaxPoolOptions& o, int axes) {
  return by_axes(axes, adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)(
      x, o.output_size);
}
Tensor pool(const Tensor& x, const FractionalPoolOptions& o, int axes) {
  return (axes == 2 ? fractional_max_pool2d : fractional_max_pool3d)(
      x, o.kernel_size, {o.output_size, o.output_ratio, o.random_samples});
}
ValuesAndIndices pool_with_indices(const Tensor& x, const MaxPoolOptions& o, int axes) {
  return by_axes(axes, max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices)(
      x, o.kernel_size, o);
}
ValuesAndIndices pool_with_indices(const Tensor& x, const AdaptiveMaxPoolOptions& o, int axes) {
  return by_axes(axes, adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices,
                 adaptive_max_pool3d_with_indices)(x, o.output_size);
}
ValuesAndIndices pool_with_indices(const Tensor& x, const FractionalPoolOptions& o, int axes) {
  return (axes == 2 ? fractional_max_pool2d_with_indices : fractional_max_pool3d_with_indices)(
      x, o.kernel_size, {o.output_size, o.output_ratio, o.random_samples});
}
Tensor unpool(const Tensor& x, const Tensor& indices, const Shape& output_size,
              const MaxUnpoolOptions& o, int axes) {
  return by_axes(axes, max_unpool1d, max_unpool2d, max_unpool3d)(
      x, indices, o.kernel_size,
      {.stride = o.stride, .padding = o.padding, .output_size = output_size});
}

}  // namespace reel::nn::detail
