#pragma once
// Convolutions over the last one to three dims, and the patches that they see. Inputs [N, C, ...]
// or [C, ...]; floating dtypes, which promote. Each op throws if channels, groups, ranks or options
// do not fit, or if the window is larger than the padded input.

#include <reel/autograd/ops/window.h>
#include <reel/autograd/tensor.h>

#include <string>
#include <string_view>

namespace reel {

/// Zeros around the input: as many on both sides, or "valid" (none), or "same" (so many that the
/// output is as large as the input, an odd one at the end; stride 1 only).
class Padding {
 public:
  template <std::integral T>
  Padding(T both_sides) : ints_(both_sides) {}
  Padding(std::initializer_list<int64_t> an_axis) : ints_(an_axis) {}
  Padding(const IntList& ints) : ints_(ints) {}
  Padding(const char* text) : text_(text) {}
  Padding(std::string_view text) : text_(text) {}
  Padding(const std::string& text) : text_(text) {}

  const IntList& ints() const { return ints_; }
  const std::string& text() const { return text_; }

 private:
  IntList ints_ = 0;
  std::string text_;
};

struct ConvOptions {
  IntList stride = 1;
  Padding padding = 0;
  IntList dilation = 1;
  int64_t groups = 1;  ///< a group's outputs see only its inputs
};
struct ConvTransposeOptions {
  IntList stride = 1;
  IntList padding = 0;         ///< cut off on both sides
  IntList output_padding = 0;  ///< added at the end; less than the stride or the dilation
  int64_t groups = 1;
  IntList dilation = 1;
};
struct UnfoldOptions {
  IntList kernel_size = {};  ///< must be given
  IntList dilation = 1;
  IntList padding = 0;
  IntList stride = 1;
};

/// Cross-correlation of x [N, C, L] with weight [O, C / groups, K], plus bias [O]: [N, O, M] where
/// M = (L + 2 padding - dilation (K - 1) - 1) / stride + 1. Same as torch.nn.functional.conv1d.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
/// The same over two dims: x [N, C, H, W], weight [O, C / groups, KH, KW].
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
/// The same over three dims: x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW].
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});

/// The adjoint of conv1d by its input, plus bias [O]: x [N, C, L] and weight [C, O / groups, K]
/// give [N, O, M] where M = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
/// The same over two dims.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
/// The same over three dims.
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});

/// The patches of x [N, C, H, W] as columns: [N, C * KH * KW, positions]. Same as
/// torch.nn.functional.unfold.
Tensor unfold(const Tensor& x, const UnfoldOptions& options);
/// The adjoint of unfold: columns [N, C * KH * KW, positions] added up to [N, C, H, W], where
/// output_size is [H, W].
Tensor fold(const Tensor& columns, const IntList& output_size, const UnfoldOptions& options);

}  // namespace reel
