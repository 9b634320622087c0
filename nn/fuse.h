#pragma once
// Batch normalisation folded into the layer before it, for inference. Same as
// torch.nn.utils.fusion.

#include <reel/autograd/generator.h>
#include <reel/nn/handle.h>

namespace reel::nn::utils {

/// What a batch normalisation in eval mode computes with. Its weight and bias may be absent.
struct BatchNormParts {
  Tensor running_mean, running_var;
  Tensor weight = {}, bias = {};
  double eps = 1e-5;
};
struct WeightAndBias {
  Tensor weight, bias;
};

struct FuseOptions {
  bool transpose =
      false;           ///< the weight is that of a transposed convolution, [in, out / groups, ...]
  int64_t groups = 1;  ///< of the transposed convolution
};
/// Weight and bias of a convolution that does what this one (its bias may be absent) does followed
/// by the batch normalisation. Throws unless every part has one number per output channel.
WeightAndBias fuse_conv_bn_weights(const Tensor& conv_w, const Tensor& conv_b,
                                   const BatchNormParts& bn, const FuseOptions& options = {});
/// The same for a linear layer.
WeightAndBias fuse_linear_bn_weights(const Tensor& linear_w, const Tensor& linear_b,
                                     const BatchNormParts& bn);

namespace detail {

/// Throws unless both are in eval mode, and the normalisation's eps under its root.
void check_fusable(const char* name, const Module& layer, const Module& bn, bool eps_outside_root);
/// Gives the layer these numbers, in their dtype.
void take(Module& layer, const WeightAndBias& parts);

template <class Layer, class Norm>
Handle<Layer> fused(const char* name, const Handle<Layer>& layer, const Handle<Norm>& bn) {
  bool eps_outside_root = false;
  if constexpr (requires { bn->options.eps_outside_root; })
    eps_outside_root = bn->options.eps_outside_root;
  check_fusable(name, *layer, *bn, eps_outside_root);
  FuseOptions how;
  how.transpose = requires { layer->options.output_padding; };
  if constexpr (requires { layer->options.groups; }) how.groups = layer->options.groups;
  const WeightAndBias parts = fuse_conv_bn_weights(layer->weight, layer->bias,
                                                   {.running_mean = bn->running_mean,
                                                    .running_var = bn->running_var,
                                                    .weight = bn->weight,
                                                    .bias = bn->bias,
                                                    .eps = bn->options.eps},
                                                   how);
  auto options = layer->options;
  options.bias = true;
  // Its constructor draws numbers that it does not keep.
  const Generator before = default_generator();
  Handle<Layer> made(options);
  default_generator() = before;
  take(*made, parts);
  return made;
}

}  // namespace detail

/// A new convolution (or transposed one), in eval mode, that does what the two in eval mode do one
/// after the other.
template <class Conv, class Norm>
Handle<Conv> fuse_conv_bn_eval(const Handle<Conv>& conv, const Handle<Norm>& bn) {
  return detail::fused("fuse_conv_bn_eval", conv, bn);
}
/// The same for a linear layer.
template <class Layer, class Norm>
Handle<Layer> fuse_linear_bn_eval(const Handle<Layer>& linear, const Handle<Norm>& bn) {
  return detail::fused("fuse_linear_bn_eval", linear, bn);
}

}  // namespace reel::nn::utils
