#pragma once
// Layers that take the number of their inputs from the first input. Until then their parameters
// have no shape, and they print as Lazy...; then they draw the numbers that the plain layer starts
// with, and print as that.

#include <reel/nn/conv.h>
#include <reel/nn/linear.h>
#include <reel/nn/normalization.h>

namespace reel::nn {

struct LazyLinearOptions {
  int64_t out_features = 0;
  bool bias = true;
};

/// Linear whose in_features is the last size of the first input.
class LazyLinearImpl : public Module {
 public:
  using Options = LazyLinearOptions;
  explicit LazyLinearImpl(const LazyLinearOptions& chosen);
  explicit LazyLinearImpl(int64_t out_features) : LazyLinearImpl(LazyLinearOptions{out_features}) {}

  Tensor forward(const Tensor& x) override;
  std::string name() const override { return has_uninitialized() ? "LazyLinear" : "Linear"; }
  std::string extra_repr() const override;
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

  const LazyLinearOptions options;
  Tensor weight, bias;
};

/// A convolution whose in_channels, which must not be given, is that of the first input.
template <class Conv>
class LazyConv : public Conv {
 public:
  using Options = typename Conv::Options;
  explicit LazyConv(const Options& chosen) : Conv(chosen, true) {}
  LazyConv(int64_t out_channels, const IntList& kernel_size)
      : LazyConv(Options{.out_channels = out_channels, .kernel_size = kernel_size}) {}

  Tensor forward(const Tensor& x) override {
    this->settle(x);
    return Conv::forward(x);
  }
  /// Of transposed ones.
  Tensor forward(const Tensor& x, const Shape& output_size) requires requires(Conv& conv) {
    conv.forward(x, output_size);
  }
  {
    this->settle(x);
    return Conv::forward(x, output_size);
  }
  std::string name() const override {
    return this->has_uninitialized() ? std::string("Lazy") + this->module_ : this->module_;
  }
};

/// A normalisation whose num_features, which must not be given, is the number of channels of the
/// first input.
template <class Norm, int Axes>
class LazyNorm : public Norm {
 public:
  using Options = typename Norm::Options;
  explicit LazyNorm(const Options& chosen = {}) : Norm(Axes, chosen, true) {}

  std::string name() const override {
    return this->has_uninitialized() ? std::string("Lazy") + this->module_ : this->module_;
  }
};

struct LazyConv1dImpl : LazyConv<ConvNd<1>> {
  using LazyConv::LazyConv;
};
struct LazyConv2dImpl : LazyConv<ConvNd<2>> {
  using LazyConv::LazyConv;
};
struct LazyConv3dImpl : LazyConv<ConvNd<3>> {
  using LazyConv::LazyConv;
};
struct LazyConvTranspose1dImpl : LazyConv<ConvTransposeNd<1>> {
  using LazyConv::LazyConv;
};
struct LazyConvTranspose2dImpl : LazyConv<ConvTransposeNd<2>> {
  using LazyConv::LazyConv;
};
struct LazyConvTranspose3dImpl : LazyConv<ConvTransposeNd<3>> {
  using LazyConv::LazyConv;
};
struct LazyBatchNorm1dImpl : LazyNorm<BatchNormBase, 1> {
  using LazyNorm::LazyNorm;
};
struct LazyBatchNorm2dImpl : LazyNorm<BatchNormBase, 2> {
  using LazyNorm::LazyNorm;
};
struct LazyBatchNorm3dImpl : LazyNorm<BatchNormBase, 3> {
  using LazyNorm::LazyNorm;
};
struct LazyInstanceNorm1dImpl : LazyNorm<InstanceNormBase, 1> {
  using LazyNorm::LazyNorm;
};
struct LazyInstanceNorm2dImpl : LazyNorm<InstanceNormBase, 2> {
  using LazyNorm::LazyNorm;
};
struct LazyInstanceNorm3dImpl : LazyNorm<InstanceNormBase, 3> {
  using LazyNorm::LazyNorm;
};
using LazyLinear = Handle<LazyLinearImpl>;
using LazyConv1d = Handle<LazyConv1dImpl>;
using LazyConv2d = Handle<LazyConv2dImpl>;
using LazyConv3d = Handle<LazyConv3dImpl>;
using LazyConvTranspose1d = Handle<LazyConvTranspose1dImpl>;
using LazyConvTranspose2d = Handle<LazyConvTranspose2dImpl>;
using LazyConvTranspose3d = Handle<LazyConvTranspose3dImpl>;
using LazyBatchNorm1d = Handle<LazyBatchNorm1dImpl>;
using LazyBatchNorm2d = Handle<LazyBatchNorm2dImpl>;
using LazyBatchNorm3d = Handle<LazyBatchNorm3dImpl>;
using LazyInstanceNorm1d = Handle<LazyInstanceNorm1dImpl>;
using LazyInstanceNorm2d = Handle<LazyInstanceNorm2dImpl>;
using LazyInstanceNorm3d = Handle<LazyInstanceNorm3dImpl>;

}  // namespace reel::nn
