#pragma once
// Normalisation: elements brought to mean 0 and variance 1, or to length 1. Floating dtypes.
// `weight` and `bias`, which may be undefined, scale and shift the result.

#include <reel/autograd/tensor.h>

namespace reel {

struct BatchNormOptions {
  bool training = false;  ///< statistics of the batch, otherwise the running ones
  double momentum = 0.1;  ///< weight of the batch in the running statistics
  double eps = 1e-5;      ///< is added to the variance
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
  double alpha = 1e-4, beta = 0.75, k = 1;
};
struct NormalizeOptions {
  double p = 2;
  int dim = 1;
  double eps = 1e-12;  ///< a smaller norm counts as this
};

/// Every channel of x [N, C, ...] by the mean and variance of its elements in the whole batch
/// (Ioffe and Szegedy 2015, alg. 1). Running statistics [C], if defined, are updated in place while
/// training, with the unbiased variance. weight, bias [C]. Throws while training on one value a
/// channel.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {},
                  const BatchNormOptions& options = {});
/// The same for every sample by itself; x [N, C, d1, ...]. Running statistics take the mean of the
/// samples' statistics.
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {},
                     const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, const InstanceNormOptions& options = {});
/// Over the last dims of x, whose sizes are normalized_shape, as those of weight and bias (Ba et
/// al. 2016).
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, const NormalizationOptions& options = {});
/// Over groups of neighbouring channels of x [N, C, ...] (Wu and He 2018); weight, bias [C]. Throws
/// unless num_groups divides C.
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, const NormalizationOptions& options = {});
/// x / (k + alpha m)^beta, m the mean of the squares of `size` neighbouring channels of x [N, C,
/// ...], zeros beyond the ends (Krizhevsky et al. 2012, section 3.3).
Tensor local_response_norm(const Tensor& x, int64_t size,
                           const LocalResponseNormOptions& options = {});
/// x / max(norm, eps) with the p-norm along `dim`.
Tensor normalize(const Tensor& x, const NormalizeOptions& options = {});

}  // namespace reel
