#pragma once
// Normalisation as modules; see ops/normalization.h.

#include <reel/autograd/ops/normalization.h>
#include <reel/nn/handle.h>

namespace reel::nn {

struct BatchNormNdOptions {
  int64_t num_features = 0;
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  ///< none: running statistics are the mean of all batches'
  bool affine = true;
  bool track_running_stats = true;
  /// Divides by sqrt(variance) + eps instead of sqrt(variance + eps), and lets running_var follow
  /// the square of a running deviation with 1/N: another definition that textbooks have.
  bool eps_outside_root = false;
};
struct InstanceNormNdOptions {
  int64_t num_features = 0;
  double eps = 1e-5;
  double momentum = 0.1;
  bool affine = false;
  bool track_running_stats = false;
};

/// weight (ones) and bias (zeros) [num_features] if affine; running_mean (zeros), running_var
/// (ones) and num_batches_tracked (int64) if they are tracked. Throws unless num_features is at
/// least 1, eps not negative and momentum in [0, 1]. A lazy one takes num_features from its first
/// input.
class NormBase : public Module {
 public:
  Tensor weight, bias;
  Tensor running_mean, running_var, num_batches_tracked;

 protected:
  NormBase(const char* module, const BatchNormNdOptions& options, bool lazy);
  /// Throws unless dim 1 of x has the channels that this module has; a lazy one takes those of x.
  void take_channels(const Tensor& x);
  /// 0 while not known.
  int64_t num_features() const;
  std::string describe(BatchNormNdOptions options) const;

  const char* const module_;  // "BatchNorm2d"

 private:
  void settle(const Tensor& x);

  const int64_t given_features_;
};

/// Statistics of the batch while training, or if none are tracked; the running ones otherwise.
/// Throws for inputs of other ranks or channels, and, as PyTorch, where the batch has one value
/// per channel; nothing is changed then.
class BatchNormBase : public NormBase {
 public:
  using Options = BatchNormNdOptions;
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;
  /// As at the start.
  void reset_running_stats();

  const Options options;
  std::optional<double> momentum;  ///< that of the options until it is set

 protected:
  BatchNormBase(int axes, const Options& chosen, bool lazy = false);

 private:
  Tensor with_eps_outside(const Tensor& x, bool by_batch, double share);

  const int axes_;
};

/// Each sample by itself; x [N, C, ...] or [C, ...].
class InstanceNormBase : public NormBase {
 public:
  using Options = InstanceNormNdOptions;
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const Options options;

 protected:
  InstanceNormBase(int axes, const Options& chosen, bool lazy = false);

 private:
  const int axes_;
};

template <class Base, int Axes>
struct NormNd : Base {
  using Options = typename Base::Options;
  explicit NormNd(const Options& chosen) : Base(Axes, chosen) {}
  explicit NormNd(int64_t num_features) : NormNd(Options{num_features}) {}
};

/// x [N, C] or [N, C, L].
struct BatchNorm1dImpl : NormNd<BatchNormBase, 1> {
  using NormNd::NormNd;
};
/// x [N, C, H, W].
struct BatchNorm2dImpl : NormNd<BatchNormBase, 2> {
  using NormNd::NormNd;
};
/// x [N, C, D, H, W].
struct BatchNorm3dImpl : NormNd<BatchNormBase, 3> {
  using NormNd::NormNd;
};
struct InstanceNorm1dImpl : NormNd<InstanceNormBase, 1> {
  using NormNd::NormNd;
};
struct InstanceNorm2dImpl : NormNd<InstanceNormBase, 2> {
  using NormNd::NormNd;
};
struct InstanceNorm3dImpl : NormNd<InstanceNormBase, 3> {
  using NormNd::NormNd;
};
using BatchNorm1d = Handle<BatchNorm1dImpl>;
using BatchNorm2d = Handle<BatchNorm2dImpl>;
using BatchNorm3d = Handle<BatchNorm3dImpl>;
using InstanceNorm1d = Handle<InstanceNorm1dImpl>;
using InstanceNorm2d = Handle<InstanceNorm2dImpl>;
using InstanceNorm3d = Handle<InstanceNorm3dImpl>;

// ---- without running statistics --------------------------------------------------------------------------

struct LayerNormOptions {
  Shape normalized_shape = {};  ///< one number or a list: the sizes of the last dims
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;
};
/// weight (ones) and bias (zeros) of normalized_shape. Throws unless that has a dim, all of them at
/// least 1.
class LayerNormImpl : public Module {
 public:
  using Options = LayerNormOptions;
  explicit LayerNormImpl(const Options& chosen);
  explicit LayerNormImpl(int64_t size) : LayerNormImpl(Options{.normalized_shape = size}) {}
  explicit LayerNormImpl(const Shape& normalized_shape)
      : LayerNormImpl(Options{.normalized_shape = normalized_shape}) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const Options options;
  Tensor weight, bias;
};
using LayerNorm = Handle<LayerNormImpl>;

struct GroupNormOptions {
  int64_t num_groups = 0;
  int64_t num_channels = 0;
  double eps = 1e-5;
  bool affine = true;
};
/// weight (ones) and bias (zeros) [num_channels]. Throws unless num_groups divides num_channels.
class GroupNormImpl : public Module {
 public:
  using Options = GroupNormOptions;
  explicit GroupNormImpl(const Options& chosen);
  GroupNormImpl(int64_t num_groups, int64_t num_channels)
      : GroupNormImpl(Options{num_groups, num_channels}) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const Options options;
  Tensor weight, bias;
};
using GroupNorm = Handle<GroupNormImpl>;

struct LocalResponseNormLayerOptions {
  int64_t size = 0;
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1;
};
/// Throws unless size is at least 1.
class LocalResponseNormImpl : public Module {
 public:
  using Options = LocalResponseNormLayerOptions;
  explicit LocalResponseNormImpl(const Options& chosen);
  explicit LocalResponseNormImpl(int64_t size) : LocalResponseNormImpl(Options{size}) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const Options options;
};
using LocalResponseNorm = Handle<LocalResponseNormImpl>;

}  // namespace reel::nn
