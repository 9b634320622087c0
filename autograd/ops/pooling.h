#pragma once
// Pooling over the last one to three dims of an input [N, C, ...] or [C, ...]. Windows of
// kernel_size elements begin `stride` apart (kernel_size where that is not given), on an input with
// `padding` more elements on both sides, at most half of what a window spans. ceil_mode adds a last
// window that begins inside the input or the padding before it. Each op throws on other ranks,
// empty images, options that do not fit and empty outputs. Indices are int64, into the flattened
// image. max_pool2d(x, 2, {.stride = 1}) and max_pool2d(x, {.kernel_size = 2, .stride = 1}) are the
// same; that the latter is a template lets max_pool2d(x, {3, 2}) mean a kernel_size.

#include <reel/autograd/index.h>
#include <reel/autograd/ops/factors.h>
#include <reel/autograd/ops/window.h>

namespace reel {

struct MaxPoolOptions {
  IntList kernel_size = {};  ///< here or as an argument
  IntList stride = {};
  IntList padding = 0;   ///< as if of -inf
  IntList dilation = 1;  ///< from one element of a window to the next
  bool ceil_mode = false;
};
struct AvgPoolOptions {
  IntList kernel_size = {};  ///< here or as an argument
  IntList stride = {};
  IntList padding = 0;  ///< of zeros
  bool ceil_mode = false;
  bool count_include_pad = true;                 ///< whether an average is also over the padding
  std::optional<int64_t> divisor_override = {};  ///< of each sum, instead of its number of elements
};
struct LpPoolOptions {
  IntList stride = {};
  bool ceil_mode = false;
};
struct UnpoolOptions {
  IntList stride = {};
  IntList padding = 0;
  Shape output_size = {};  ///< of the image or of the output; absent: the smallest
};
struct FractionalMaxPoolOptions {
  IntList output_size = {};  ///< this or output_ratio, each below 1, must be given
  FactorList output_ratio = {};
  Tensor random_samples = {};  ///< [N, C, axes] in [0, 1); absent: drawn
};

/// One size of an output, or None (or std::nullopt): that of the input.
struct OptionalSize {
  template <std::integral T>
  OptionalSize(T given) : value(static_cast<int64_t>(given)) {}
  OptionalSize(NoneType) {}
  OptionalSize(std::nullopt_t) {}
  OptionalSize(std::optional<int64_t> given) : value(given) {}
  std::optional<int64_t> value;
};
/// One for all axes or one an axis: `5`, `{5, None}`.
class OutputSize {
 public:
  template <class T>
  requires std::convertible_to<T, OptionalSize> OutputSize(T size)
      : OutputSize(std::initializer_list<OptionalSize>{OptionalSize(size)}) {}
  OutputSize(std::initializer_list<OptionalSize> sizes);
  OutputSize(std::span<const OptionalSize> sizes);
  const std::vector<std::optional<int64_t>>& sizes() const { return sizes_; }

 private:
  std::vector<std::optional<int64_t>> sizes_;
};

/// The largest element of each window, the first among equals; NaN wins. Any dtype but bool.
Tensor max_pool1d(const Tensor& x, const IntList& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool2d(const Tensor& x, const IntList& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool3d(const Tensor& x, const IntList& kernel_size, const MaxPoolOptions& options = {});
template <std::same_as<MaxPoolOptions> Options = MaxPoolOptions>
Tensor max_pool1d(const Tensor& x, const Options& options) {
  return max_pool1d(x, options.kernel_size, options);
}
template <std::same_as<MaxPoolOptions> Options = MaxPoolOptions>
Tensor max_pool2d(const Tensor& x, const Options& options) {
  return max_pool2d(x, options.kernel_size, options);
}
template <std::same_as<MaxPoolOptions> Options = MaxPoolOptions>
Tensor max_pool3d(const Tensor& x, const Options& options) {
  return max_pool3d(x, options.kernel_size, options);
}
/// The same, and where it was found.
ValuesAndIndices max_pool1d_with_indices(const Tensor& x, const IntList& kernel_size,
                                         const MaxPoolOptions& options = {});
ValuesAndIndices max_pool2d_with_indices(const Tensor& x, const IntList& kernel_size,
                                         const MaxPoolOptions& options = {});
ValuesAndIndices max_pool3d_with_indices(const Tensor& x, const IntList& kernel_size,
                                         const MaxPoolOptions& options = {});

/// The mean of each window. Floating dtypes.
Tensor avg_pool1d(const Tensor& x, const IntList& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool2d(const Tensor& x, const IntList& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool3d(const Tensor& x, const IntList& kernel_size, const AvgPoolOptions& options = {});
template <std::same_as<AvgPoolOptions> Options = AvgPoolOptions>
Tensor avg_pool1d(const Tensor& x, const Options& options) {
  return avg_pool1d(x, options.kernel_size, options);
}
template <std::same_as<AvgPoolOptions> Options = AvgPoolOptions>
Tensor avg_pool2d(const Tensor& x, const Options& options) {
  return avg_pool2d(x, options.kernel_size, options);
}
template <std::same_as<AvgPoolOptions> Options = AvgPoolOptions>
Tensor avg_pool3d(const Tensor& x, const Options& options) {
  return avg_pool3d(x, options.kernel_size, options);
}

/// (sum of x^norm_type over each window)^(1 / norm_type), where a window that the border cuts
/// counts as if its rest had the mean of what it holds; 0 where the sum is negative. Floating
/// dtypes.
Tensor lp_pool1d(const Tensor& x, double norm_type, const IntList& kernel_size,
                 const LpPoolOptions& options = {});
Tensor lp_pool2d(const Tensor& x, double norm_type, const IntList& kernel_size,
                 const LpPoolOptions& options = {});
Tensor lp_pool3d(const Tensor& x, double norm_type, const IntList& kernel_size,
                 const LpPoolOptions& options = {});

/// Means over windows that make output_size elements of each axis: window i of n sees the elements
/// from floor(i size / n) to ceil((i + 1) size / n). Floating dtypes.
Tensor adaptive_avg_pool1d(const Tensor& x, const OutputSize& output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, const OutputSize& output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, const OutputSize& output_size);
/// Maxima over the same windows.
Tensor adaptive_max_pool1d(const Tensor& x, const OutputSize& output_size);
Tensor adaptive_max_pool2d(const Tensor& x, const OutputSize& output_size);
Tensor adaptive_max_pool3d(const Tensor& x, const OutputSize& output_size);
/// The same, and where they were found.
ValuesAndIndices adaptive_max_pool1d_with_indices(const Tensor& x, const OutputSize& output_size);
ValuesAndIndices adaptive_max_pool2d_with_indices(const Tensor& x, const OutputSize& output_size);
ValuesAndIndices adaptive_max_pool3d_with_indices(const Tensor& x, const OutputSize& output_size);

/// Maxima over windows at random distances (Graham 2014), by random_samples or drawn from
/// default_generator(), for each channel by itself.
Tensor fractional_max_pool2d(const Tensor& x, const IntList& kernel_size,
                             const FractionalMaxPoolOptions& options);
Tensor fractional_max_pool3d(const Tensor& x, const IntList& kernel_size,
                             const FractionalMaxPoolOptions& options);
/// The same, and where they were found.
ValuesAndIndices fractional_max_pool2d_with_indices(const Tensor& x, const IntList& kernel_size,
                                                    const FractionalMaxPoolOptions& options);
ValuesAndIndices fractional_max_pool3d_with_indices(const Tensor& x, const IntList& kernel_size,
                                                    const FractionalMaxPoolOptions& options);

/// Zeros with each element of x at its index, the last where several have one: undoes max_pool1d
/// but for what that dropped. IndexError for indices outside the output.
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const IntList& kernel_size,
                    const UnpoolOptions& options = {});
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const IntList& kernel_size,
                    const UnpoolOptions& options = {});
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const IntList& kernel_size,
                    const UnpoolOptions& options = {});

}  // namespace reel
