#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/nn/fuse.h>

namespace reel::nn::utils {
namespace {

void check_parts(const char* name, int64_t channels, const Tensor& bias, const BatchNormParts& bn) {
  const auto fits = [&](const char* part, const Tensor& x, bool optional) {
    check(optional || x.defined(), "{}: {} is undefined", name, part);
    check(!x.defined() || x.shape() == Shape{channels}, "{}: {} must have shape [{}], got {}", name,
          part, channels, x.defined() ? x.shape() : Shape());
  };
  fits("the layer's bias", bias, true);
  fits("running_mean", bn.running_mean, false);
  fits("running_var", bn.running_var, false);
  fits("the normalisation's weight", bn.weight, true);
  fits("the normalisation's bias", bn.bias, true);
  check(bn.eps >= 0, "{}: eps must not be negative, got {}", name, bn.eps);
}

// y = (x - mean) * scale + bias, for x = layer(input).
WeightAndBias fuse(const char* name, const Tensor& weight, const Tensor& bias,
                   const BatchNormParts& bn, const FuseOptions& options) {
  check(weight.defined(), "{}: the weight is undefined", name);
  check(weight.dim() >= 2, "{}: expected a weight of at least 2 dims, got shape {}", name,
        weight.shape());
  check(options.groups >= 1 && weight.size(0) % options.groups == 0,
        "{}: groups must be positive and divide {} channels, got {}", name, weight.size(0),
        options.groups);
  const int64_t channels = options.transpose ? weight.size(1) * options.groups : weight.size(0);
  check_parts(name, channels, bias, bn);
  Tensor scale = rsqrt(bn.running_var + bn.eps);
  if (bn.weight.defined()) scale = scale * bn.weight;
  Tensor shift = bias.defined() ? (bias - bn.running_mean) * scale : -bn.running_mean * scale;
  if (bn.bias.defined()) shift = shift + bn.bias;

  if (!options.transpose) {
    Shape column = Shape::filled(weight.dim(), 1);
    column[0] = channels;
    return {weight * scale.reshape(column), shift};
  }
  // [in, out / groups, ...] as [groups, in / groups, out / groups, ...].
  Shape column = Shape::filled(weight.dim() + 1, 1);
  column[0] = options.groups;
  column[2] = weight.size(1);
  const Tensor grouped = unflatten(weight, 0, {options.groups, -1});
  return {flatten(grouped * scale.reshape(column), 0, 1), shift};
}

}  // namespace

WeightAndBias fuse_conv_bn_weights(const Tensor& conv_w, const Tensor& conv_b,
                                   const BatchNormParts& bn, const FuseOptions& options) {
  return fuse("fuse_conv_bn_weights", conv_w, conv_b, bn, options);
}

WeightAndBias fuse_linear_bn_weights(const Tensor& linear_w, const Tensor& linear_b,
                                     const BatchNormParts& bn) {
  return fuse("fuse_linear_bn_weights", linear_w, linear_b, bn, {});
}

void detail::check_fusable(const char* name, const Module& layer, const Module& bn,
                           bool eps_outside_root) {
  check(!layer.is_training() && !bn.is_training(), "{}: {} and {} must be in eval mode", name,
        layer.name(), bn.name());
  check(!eps_outside_root, "{}: a {} with eps_outside_root cannot be folded", name, bn.name());
}

void detail::take(Module& layer, const WeightAndBias& parts) {
  layer.to(parts.weight.dtype()).eval();
  NoGradGuard no_grad;
  layer.get_parameter("weight").copy_(parts.weight);
  layer.get_parameter("bias").copy_(parts.bias);
}

}  // namespace reel::nn::utils
