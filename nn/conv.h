#pragma once
// Convolutions over one to three dims. Inputs [N, C, ...] or [C, ...]; the formulas and sizes are
// in ops/convolution.h.

#include <reel/autograd/ops/convolution.h>
#include <reel/nn/padding.h>

namespace reel::nn {

/// Lists are one number for all dims or one a dim.
struct ConvNdOptions {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  IntList kernel_size = {};
  IntList stride = 1;
  Padding padding = 0;  ///< numbers, "valid" or "same"
  IntList dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  PaddingMode padding_mode = PaddingMode::Zeros;
};

struct ConvTransposeNdOptions {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  IntList kernel_size = {};
  IntList stride = 1;
  IntList padding = 0;
  IntList output_padding = 0;
  int64_t groups = 1;
  bool bias = true;
  IntList dilation = 1;
};

/// What convolutions and transposed ones share: a weight and perhaps a bias, both uniform in
/// +-1/sqrt(weight.size(1) * elements of the kernel) and drawn in this order, as PyTorch does.
/// Throws unless channels, kernel, stride and dilation are at least 1 and groups divides both
/// channels; forward throws on inputs of other ranks or channels.
template <class O>
class ConvBase : public Module {
 public:
  using Options = O;
  std::string extra_repr() const override;

  const O options;
  Tensor weight, bias;

 protected:
  /// `lazy`: in_channels is 0 and will be that of the first input.
  ConvBase(const char* module, int axes, const O& chosen, bool lazy);
  virtual Shape weight_shape(int64_t in_channels) const = 0;
  virtual int64_t in_channels() const = 0;  // 0 while not known
  void register_parameters(bool lazy);
  void check_input(const Tensor& x) const;
  /// If the input channels are not known yet, takes those of x and draws the parameters.
  void settle(const Tensor& x);

  const char* const module_;  // "Conv2d"
  const int axes_;
  const Shape kernel_, stride_, dilation_;

 private:
  void check_groups(int64_t in_channels) const;
  void draw();
};

/// weight [out, in / groups, ...], bias [out]. Padding "same" requires a stride of 1.
template <int Axes>
class ConvNd : public ConvBase<ConvNdOptions> {
 public:
  explicit ConvNd(const ConvNdOptions& chosen) : ConvNd(chosen, false) {}
  ConvNd(int64_t in_channels, int64_t out_channels, const IntList& kernel_size)
      : ConvNd(ConvNdOptions{in_channels, out_channels, kernel_size}) {}

  Tensor forward(const Tensor& x) override;
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

 protected:
  ConvNd(const ConvNdOptions& chosen, bool lazy);
  Shape weight_shape(int64_t in_channels) const override;
  int64_t in_channels() const override;

 private:
  ConvOptions how_;
  Shape pads_;  // of modes other than zeros, as pad() takes them
};

/// weight [in, out / groups, ...], bias [out].
template <int Axes>
class ConvTransposeNd : public ConvBase<ConvTransposeNdOptions> {
 public:
  explicit ConvTransposeNd(const ConvTransposeNdOptions& chosen) : ConvTransposeNd(chosen, false) {}
  ConvTransposeNd(int64_t in_channels, int64_t out_channels, const IntList& kernel_size)
      : ConvTransposeNd(ConvTransposeNdOptions{in_channels, out_channels, kernel_size}) {}

  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  /// With an output of this size, one number a dim (N and C before them are allowed), instead of
  /// the smallest, which output_padding adds to. Throws if no output padding makes that size.
  Tensor forward(const Tensor& x, const Shape& output_size);
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

 protected:
  ConvTransposeNd(const ConvTransposeNdOptions& chosen, bool lazy);
  Shape weight_shape(int64_t in_channels) const override;
  int64_t in_channels() const override;

 private:
  Shape output_padding(const Tensor& x, const Shape& output_size) const;
  ConvTransposeOptions how_;
};

struct Conv1dImpl : ConvNd<1> {
  using ConvNd::ConvNd;
};
struct Conv2dImpl : ConvNd<2> {
  using ConvNd::ConvNd;
};
struct Conv3dImpl : ConvNd<3> {
  using ConvNd::ConvNd;
};
struct ConvTranspose1dImpl : ConvTransposeNd<1> {
  using ConvTransposeNd::ConvTransposeNd;
};
struct ConvTranspose2dImpl : ConvTransposeNd<2> {
  using ConvTransposeNd::ConvTransposeNd;
};
struct ConvTranspose3dImpl : ConvTransposeNd<3> {
  using ConvTransposeNd::ConvTransposeNd;
};
using Conv1d = Handle<Conv1dImpl>;
using Conv2d = Handle<Conv2dImpl>;
using Conv3d = Handle<Conv3dImpl>;
using ConvTranspose1d = Handle<ConvTranspose1dImpl>;
using ConvTranspose2d = Handle<ConvTranspose2dImpl>;
using ConvTranspose3d = Handle<ConvTranspose3dImpl>;

}  // namespace reel::nn
