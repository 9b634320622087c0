#pragma once
// What the layers of a transformer are made of.

#include <reel/nn/handle.h>

namespace reel::nn {

struct LayerNormOptions {
  Shape normalized_shape;
  double eps = 1e-5;
  bool elementwise_affine = true;
};

/// layer_norm over the last dims. weight starts as 1, bias as 0.
class LayerNormImpl : public Module {
 public:
  using Options = LayerNormOptions;
  explicit LayerNormImpl(const LayerNormOptions& options);
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const LayerNormOptions options;
  Tensor weight, bias;
};
using LayerNorm = Handle<LayerNormImpl>;

/// dropout() while training.
class DropoutImpl : public Module {
 public:
  explicit DropoutImpl(double probability = 0.5);
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const double p;
};
using Dropout = Handle<DropoutImpl>;

}  // namespace reel::nn
