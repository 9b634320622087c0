#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/rule.h>
#include <reel/nn/normalization.h>
#include <reel/nn/repr.h>

#include <cmath>

namespace reel::nn {
namespace {

constexpr const char* kBatchNorms[] = {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"};
constexpr const char* kInstanceNorms[] = {"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"};

void check_eps(const char* module, double eps) {
  check(eps >= 0, "{}: eps must not be negative, got {}", module, eps);
}

BatchNormNdOptions as_batch(const InstanceNormNdOptions& options) {
  return {.num_features = options.num_features,
          .eps = options.eps,
          .momentum = options.momentum,
          .affine = options.affine,
          .track_running_stats = options.track_running_stats};
}

}  // namespace

// ---- what has channels -----------------------------------------------------------------------------------

NormBase::NormBase(const char* module, const BatchNormNdOptions& options, bool lazy)
    : module_(module), given_features_(options.num_features) {
  check(lazy || options.num_features >= 1, "{}: num_features must be at least 1, got {}", module,
        options.num_features);
  check(!lazy || options.num_features == 0,
        "Lazy{}: num_features is that of the first input, got {} beforehand", module,
        options.num_features);
  check_eps(module, options.eps);
  check(!options.momentum || (*options.momentum >= 0 && *options.momentum <= 1),
        "{}: momentum must be in [0, 1] or absent, got {}", module, options.momentum.value_or(0));
  const Shape shape(options.num_features);
  if (options.affine) {
    weight = lazy ? register_lazy_parameter("weight") : register_parameter("weight", ones(shape));
    bias = lazy ? register_lazy_parameter("bias") : register_parameter("bias", zeros(shape));
  }
  if (options.track_running_stats) {
    running_mean =
        lazy ? register_lazy_buffer("running_mean") : register_buffer("running_mean", zeros(shape));
    running_var =
        lazy ? register_lazy_buffer("running_var") : register_buffer("running_var", ones(shape));
    num_batches_tracked = register_buffer("num_batches_tracked", zeros(Shape{}, {.dtype = kInt64}));
  }
}

int64_t NormBase::num_features() const {
  const Tensor& of = weight.defined() ? weight : running_mean;
  return of.defined() ? of.numel() : given_features_;
}

void NormBase::take_channels(const Tensor& x) {
  if (has_uninitialized()) settle(x);
  const int64_t channels = num_features();
  check(x.size(1) == channels || (channels == 0 && x.size(1) >= 1),
        "{}: expected an input with {} channels, got shape {}", module_, channels, x.shape());
}

void NormBase::settle(const Tensor& x) {
  const int64_t channels = x.size(1);
  check(channels >= 1 && x.is_floating_point(),
        "Lazy{}: a floating input with channels is required, got {} {}", module_, x.dtype(),
        x.shape());
  const NoGradGuard guard;
  const auto fill = [&](const char* name, const Tensor& tensor, double value) {
    if (tensor.defined()) materialize(name, {channels}).fill_(value);
  };
  fill("weight", weight, 1);
  fill("bias", bias, 0);
  fill("running_mean", running_mean, 0);
  fill("running_var", running_var, 1);
}

std::string NormBase::describe(BatchNormNdOptions options) const {
  options.num_features = num_features();
  std::string text = fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}",
                                 options.num_features, repr(options.eps),
                                 options.momentum ? repr(*options.momentum) : "None",
                                 repr(options.affine), repr(options.track_running_stats));
  if (options.eps_outside_root) text += ", eps_outside_root=True";
  return text;
}

// ---- batches ---------------------------------------------------------------------------------------------

BatchNormBase::BatchNormBase(int axes, const Options& chosen, bool lazy)
    : NormBase(kBatchNorms[axes - 1], chosen, lazy),
      options(chosen),
      momentum(chosen.momentum),
      axes_(axes) {}

std::string BatchNormBase::extra_repr() const {
  Options shown = options;
  shown.momentum = momentum;
  return describe(shown);
}

void BatchNormBase::reset_running_stats() {
  if (!options.track_running_stats) return;
  const NoGradGuard guard;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

Tensor BatchNormBase::forward(const Tensor& x) {
  const bool fits = x.dim() == axes_ + 2 || (axes_ == 1 && x.dim() == 2);
  check(fits, "{}: expected {}{} dims, got shape {}", module_, axes_ == 1 ? "2 or " : "", axes_ + 2,
        x.shape());
  const bool moves = is_training() && options.track_running_stats;
  const bool by_batch = is_training() || !options.track_running_stats;
  check(!by_batch || x.size(1) == 0 || x.numel() / x.size(1) != 1,
        "{}: expected more than 1 value per channel when training, got input size {}", module_,
        x.shape());
  take_channels(x);
  double share = momentum.value_or(0);
  if (moves && !momentum) share = 1 / static_cast<double>(num_batches_tracked.item<int64_t>() + 1);
  const Tensor none;
  Tensor y = options.eps_outside_root
                 ? with_eps_outside(x, by_batch, share)
                 : batch_norm(x, moves || !by_batch ? running_mean : none,
                              moves || !by_batch ? running_var : none, weight, bias,
                              {.training = by_batch, .momentum = share, .eps = options.eps});
  if (moves) {
    const NoGradGuard guard;
    num_batches_tracked.add_(1);
  }
  return y;
}

// (x - mean) / (deviation + eps). The deviation is a norm, whose gradient is finite also at 0.
Tensor BatchNormBase::with_eps_outside(const Tensor& x, bool by_batch, double share) {
  Shape shape = Shape::filled(x.dim(), 1);
  shape[1] = x.size(1);
  const auto broadcast = [&](const Tensor& each) { return each.to(x.dtype()).reshape(shape); };
  Tensor normal;
  if (by_batch) {
    const int64_t count = x.numel() / x.size(1);
    const Tensor rows = x.transpose(0, 1).reshape({x.size(1), count});
    const Tensor mean = rows.mean(1);
    const Tensor deviation =
        norm(rows - mean.unsqueeze(1), 2, 1) / std::sqrt(static_cast<double>(count));
    normal = (x - broadcast(mean)) / (broadcast(deviation) + options.eps);
    if (is_training() && options.track_running_stats && count > 0) {
      const NoGradGuard guard;
      running_mean.copy_(running_mean * (1 - share) + mean * share);
      running_var.copy_(square(sqrt(running_var) * (1 - share) + deviation * share));
    }
  } else {
    normal = (x - broadcast(running_mean)) / (broadcast(sqrt(running_var)) + options.eps);
  }
  return weight.defined() ? normal * broadcast(weight) + broadcast(bias) : normal;
}

// ---- instances -------------------------------------------------------------------------------------------

InstanceNormBase::InstanceNormBase(int axes, const Options& chosen, bool lazy)
    : NormBase(kInstanceNorms[axes - 1], as_batch(chosen), lazy), options(chosen), axes_(axes) {}

Tensor InstanceNormBase::forward(const Tensor& x) {
  check(x.dim() == axes_ + 1 || x.dim() == axes_ + 2, "{}: expected {} or {} dims, got shape {}",
        module_, axes_ + 1, axes_ + 2, x.shape());
  const bool one = x.dim() == axes_ + 1;
  const Tensor batch = one ? x.unsqueeze(0) : x;
  // As in PyTorch, num_features says nothing where there is nothing of that size.
  if (options.affine || options.track_running_stats) take_channels(batch);
  const Tensor y = instance_norm(batch, running_mean, running_var, weight, bias,
                                 {.use_input_stats = is_training() || !options.track_running_stats,
                                  .momentum = options.momentum,
                                  .eps = options.eps});
  return one ? y.squeeze(0) : y;
}

std::string InstanceNormBase::extra_repr() const { return describe(as_batch(options)); }

// ---- without running statistics --------------------------------------------------------------------------

LayerNormImpl::LayerNormImpl(const Options& chosen) : options(chosen) {
  const Shape& shape = options.normalized_shape;
  bool fits = shape.rank() > 0;
  for (int i = 0; i < shape.rank(); ++i) fits = fits && shape[i] >= 1;
  check(fits, "LayerNorm: normalized_shape must have sizes of at least 1, got {}", shape);
  check_eps("LayerNorm", options.eps);
  if (!options.elementwise_affine) return;
  weight = register_parameter("weight", ones(shape));
  if (options.bias) bias = register_parameter("bias", zeros(shape));
}
Tensor LayerNormImpl::forward(const Tensor& x) {
  return layer_norm(x, options.normalized_shape, weight, bias, {.eps = options.eps});
}
std::string LayerNormImpl::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}", repr(options.normalized_shape),
                     repr(options.eps), repr(options.elementwise_affine));
}

GroupNormImpl::GroupNormImpl(const Options& chosen) : options(chosen) {
  check(options.num_groups >= 1 && options.num_channels >= 1 &&
            options.num_channels % options.num_groups == 0,
        "GroupNorm: num_groups must divide num_channels, got {} and {}", options.num_groups,
        options.num_channels);
  check_eps("GroupNorm", options.eps);
  if (!options.affine) return;
  weight = register_parameter("weight", ones({options.num_channels}));
  bias = register_parameter("bias", zeros({options.num_channels}));
}
Tensor GroupNormImpl::forward(const Tensor& x) {
  check(x.dim() >= 2 && x.size(1) == options.num_channels,
        "GroupNorm: expected an input [N, {}, ...], got shape {}", options.num_channels, x.shape());
  return group_norm(x, options.num_groups, weight, bias, {.eps = options.eps});
}
std::string GroupNormImpl::extra_repr() const {
  return fmt::format("{}, {}, eps={}, affine={}", options.num_groups, options.num_channels,
                     repr(options.eps), repr(options.affine));
}

LocalResponseNormImpl::LocalResponseNormImpl(const Options& chosen) : options(chosen) {
  check(options.size >= 1, "LocalResponseNorm: size must be at least 1, got {}", options.size);
}
Tensor LocalResponseNormImpl::forward(const Tensor& x) {
  return local_response_norm(x, options.size,
                             {.alpha = options.alpha, .beta = options.beta, .k = options.k});
}
std::string LocalResponseNormImpl::extra_repr() const {
  return fmt::format("{}, alpha={}, beta={}, k={}", options.size, repr(options.alpha),
                     repr(options.beta), repr(options.k));
}

}  // namespace reel::nn
