#pragma once
// Batch normalisation folded into the layer before it, for inference. Same as
// torch.nn.utils.fusion.

#include <reel/autograd/tensor.h>

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

}  // namespace reel::nn::utils
