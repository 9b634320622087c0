#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/normalization.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/normalization.h>
#include <reel/autograd/ops/pad.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>

namespace reel {
namespace {

void check_floating(const char* op, const Tensor& x) {
  check<TypeError>(x.is_floating_point(), "{}: a floating tensor is required, got {}", op,
                   x.dtype());
}

void check_eps(const char* op, double eps) {
  check(eps >= 0, "{}: eps must not be negative, got {}", op, eps);
}

void check_like(const char* op, const char* name, const Tensor& given, const Shape& shape) {
  check(!given.defined() || given.shape() == shape, "{}: {} of shape {} is required, got {}", op,
        name, shape, given.defined() ? given.shape() : Shape());
}

struct Statistics {
  Tensor y, mean, variance;
};

// x [A, B, C] with statistics of its own for every b. The gradient is one pass; where it is itself
// recorded it is put together from operations, so that there are derivatives of every order.
Statistics standardize(const char* op, const Tensor& x, double eps) {
  const Tensor rows = x.contiguous();
  kernels::Standardized result = kernels::standardize(rows.array(), eps);
  const Tensor mean(std::move(result.mean)), variance(std::move(result.variance));
  Tensor normal = record(
      op, std::move(result.y),
      wrt(rows, [x = keep(rows), variance = keep(variance), eps](const Tensor& g, const Tensor& y) {
        if (!is_grad_enabled())
          return Tensor(
              kernels::standardize_backward(g.array(), y.array(), variance().array(), eps));
        const Dims over{0, 2};
        const Tensor scale = rsqrt(x().var(over, {.unbiased = false, .keepdim = true}) + eps);
        const Tensor slope = (g * y).mean(over, {.keepdim = true});
        return scale * (g - g.mean(over, {.keepdim = true}) - y * slope);
      }));
  return {std::move(normal), mean, variance};
}

// y * weight + bias, where either may be absent; both are seen in a shape that broadcasts to y's.
Tensor affine(const Tensor& y, const Tensor& weight, const Tensor& bias, const Shape& shape) {
  if (weight.defined() && bias.defined())
    return addcmul(bias.reshape(shape), y, weight.reshape(shape));
  if (weight.defined()) return y * weight.reshape(shape);
  return bias.defined() ? y + bias.reshape(shape) : y;
}

// [1, C, 1, ...], which broadcasts to x [N, C, ...].
Shape channel_shape(const Tensor& x) {
  Shape shape = Shape::filled(x.dim(), 1);
  shape[1] = x.size(1);
  return shape;
}

void check_channels(const char* op, const Tensor& x, const Tensor& running_mean,
                    const Tensor& running_var, const Tensor& weight, const Tensor& bias) {
  const Shape channels(x.size(1));
  check_like(op, "running_mean", running_mean, channels);
  check_like(op, "running_var", running_var, channels);
  check_like(op, "weight", weight, channels);
  check_like(op, "bias", bias, channels);
}

// running = (1 - momentum) running + momentum now.
void update_running(const Tensor& running, const Tensor& now, double momentum) {
  NoGradGuard no_grad;
  if (!running.defined()) return;
  Tensor(running).mul_(1 - momentum).add_(now.to(running.dtype()), {.alpha = momentum});
}

// With the given statistics in place of x's own.
Tensor normalize_by(const char* op, const Tensor& x, const Tensor& mean, const Tensor& var,
                    const Tensor& weight, const Tensor& bias, double eps) {
  check(mean.defined() && var.defined(),
        "{}: running_mean and running_var are required where the input's statistics are not used",
        op);
  const Shape shape = channel_shape(x);
  const Tensor scale = rsqrt(var.reshape(shape) + eps);
  return affine((x - mean.reshape(shape)) * scale, weight, bias, shape);
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
  check_floating("batch_norm", x);
  check(x.dim() >= 2, "batch_norm: an input [N, C, ...] is required, got {}", x.shape());
  check_channels("batch_norm", x, running_mean, running_var, weight, bias);
  check_eps("batch_norm", options.eps);
  if (!options.training)
    return normalize_by("batch_norm", x, running_mean, running_var, weight, bias, options.eps);
  const int64_t channels = x.size(1), count = x.numel() / std::max<int64_t>(channels, 1);
  check(count > 1,
        "batch_norm: expected more than 1 value per channel when training, got input size {}",
        x.shape());
  const Tensor grouped = x.reshape({x.size(0), channels, count / x.size(0)});
  const auto [y, mean, variance] = standardize("batch_norm", grouped, options.eps);
  update_running(running_mean, mean, options.momentum);
  const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
  update_running(running_var, variance * unbiased, options.momentum);
  return affine(y.reshape(x.shape()), weight, bias, channel_shape(x));
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& options) {
  check_floating("instance_norm", x);
  check(x.dim() >= 3, "instance_norm: an input [N, C, d1, ...] is required, got {}", x.shape());
  check_channels("instance_norm", x, running_mean, running_var, weight, bias);
  check_eps("instance_norm", options.eps);
  if (!options.use_input_stats)
    return normalize_by("instance_norm", x, running_mean, running_var, weight, bias, options.eps);
  const int64_t samples = x.size(0), channels = x.size(1);
  int64_t count = 1;
  for (int i = 2; i < x.dim(); ++i) count *= x.size(i);
  check(count > 1,
        "instance_norm: expected more than 1 spatial element when training, got input size {}",
        x.shape());
  const Tensor grouped = x.reshape({1, samples * channels, count});
  const auto [y, mean, variance] = standardize("instance_norm", grouped, options.eps);
  const Shape table{samples, channels};
  const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
  update_running(running_mean, mean.reshape(table).mean(0), options.momentum);
  update_running(running_var, variance.reshape(table).mean(0) * unbiased, options.momentum);
  return affine(y.reshape(x.shape()), weight, bias, channel_shape(x));
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, const NormalizationOptions& options) {
  check_floating("layer_norm", x);
  check_eps("layer_norm", options.eps);
  const int kept = x.dim() - normalized_shape.rank();
  bool fits = normalized_shape.rank() > 0 && kept >= 0;
  for (int i = 0; fits && i < normalized_shape.rank(); ++i)
    fits = x.size(kept + i) == normalized_shape[i];
  check(fits, "layer_norm: an input whose last sizes are {} is required, got {}", normalized_shape,
        x.shape());
  check_like("layer_norm", "weight", weight, normalized_shape);
  check_like("layer_norm", "bias", bias, normalized_shape);
  const int64_t count = normalized_shape.numel();
  const Tensor grouped = x.reshape({1, count > 0 ? x.numel() / count : 0, count});
  const Tensor y = standardize("layer_norm", grouped, options.eps).y.reshape(x.shape());
  return affine(y, weight, bias, normalized_shape);
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  const NormalizationOptions& options) {
  check_floating("group_norm", x);
  check(x.dim() >= 2, "group_norm: an input [N, C, ...] is required, got {}", x.shape());
  check(num_groups > 0 && x.size(1) % num_groups == 0,
        "group_norm: num_groups must divide the {} channels, got {}", x.size(1), num_groups);
  check_channels("group_norm", x, {}, {}, weight, bias);
  check_eps("group_norm", options.eps);
  const int64_t groups = x.size(0) * num_groups;
  const Tensor grouped = x.reshape({1, groups, groups > 0 ? x.numel() / groups : 0});
  const Tensor y = standardize("group_norm", grouped, options.eps).y.reshape(x.shape());
  return affine(y, weight, bias, channel_shape(x));
}

Tensor local_response_norm(const Tensor& x, int64_t size, const LocalResponseNormOptions& options) {
  check_floating("local_response_norm", x);
  check(x.dim() >= 2, "local_response_norm: an input [N, C, ...] is required, got {}", x.shape());
  check(size > 0, "local_response_norm: size must be positive, got {}", size);
  // Channels last, so that the window is over the last dim; then back.
  const Tensor squares = x.square().transpose(1, -1);
  const Tensor windows = pad(squares, {size / 2, (size - 1) / 2}).unfold(-1, size, 1);
  const Tensor mean = windows.mean(-1).transpose(1, -1);
  return x / pow(mean * options.alpha + options.k, options.beta);
}

Tensor normalize(const Tensor& x, const NormalizeOptions& options) {
  check_floating("normalize", x);
  check_eps("normalize", options.eps);
  const Tensor length = norm(x, options.p, options.dim, {.keepdim = true});
  return x / length.clamp({.min = options.eps});
}

}  // namespace reel
