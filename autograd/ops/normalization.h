#pragma once
// Normalisation, as the functions of these names in torch.nn.functional. Floating tensors; x,
// weight and bias promote. Each op throws if a rank, a size or a dtype does not fit.

#include <reel/autograd/tensor.h>

namespace reel {

struct BatchNormOptions {
  bool training = false;
  double momentum = 0.1;  ///< the share of this batch in the new running statistics
  double eps = 1e-5;
};
struct InstanceNormOptions {
  bool use_input_stats = true;
  double momentum = 0.1;
  double eps = 1e-5;
};
struct NormalizationOptions {
  double eps = 1e-5;
};
struct LocalResponseNormOptions {
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1;
};
struct NormalizeOptions {
  double p = 2;
  Dims dim = 1;
  double eps = 1e-12;
};

/// (x - mean) / sqrt(variance + eps) * weight + bias for x [N, C] or [N, C, ...], the others [C] or
/// undefined. In training mean and variance (divided by N) are those of a channel's elements, more
/// than one of them, and move what is defined of running_mean and running_var (which takes the
/// unbiased variance) by `momentum` towards them, in place. Otherwise they are the running ones,
/// which count as constants. (Ioffe and Szegedy 2015)
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {},
                  const BatchNormOptions& options = {});
/// The same with statistics of each channel of each sample, more than one element; the running ones
/// move towards the mean of the samples' statistics. They are used where not `use_input_stats`.
/// (Ulyanov and others 2016)
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {},
                     const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, const InstanceNormOptions& options = {});
/// The same with statistics over the last dims, whose sizes `normalized_shape` repeats; weight and
/// bias have this shape or are undefined. (Ba and others 2016)
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, const NormalizationOptions& options = {});
/// The same with statistics of each sample of x [N, C, ...] over C / num_groups channels in a row;
/// weight and bias [C] or undefined. (Wu and He 2018)
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, const NormalizationOptions& options = {});
/// x [N, C, ...] divided by (k + alpha / size * s) ^ beta, s being the sum of squares over a window
/// of `size` channels that begins size / 2 channels before; at least 3 dims.
Tensor local_response_norm(const Tensor& x, int64_t size,
                           const LocalResponseNormOptions& options = {});
/// x divided by its p-norm over `dim`, or by eps where that is larger.
Tensor normalize(const Tensor& x, const NormalizeOptions& options = {});
/// x with each slice along `dim` whose p-norm is larger than maxnorm scaled down to that, as
/// torch.renorm; at least 2 dims.
Tensor renorm(const Tensor& x, double p, int dim, double maxnorm);

}  // namespace reel
