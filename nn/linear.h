#pragma once
// Layers that map features to features.

#include <reel/nn/handle.h>

namespace reel::nn {

struct LinearOptions {
  int64_t in_features = 0;
  int64_t out_features = 0;
  bool bias = true;
};

/// x @ weight^T + bias over the last dim. weight is [out, in], bias [out], both uniform in
/// +-1/sqrt(in), as torch.nn.Linear draws them. Throws unless both sizes are at least 1.
class LinearImpl : public Module {
 public:
  using Options = LinearOptions;
  explicit LinearImpl(const LinearOptions& options);
  LinearImpl(int64_t in_features, int64_t out_features, bool with_bias = true)
      : LinearImpl(LinearOptions{in_features, out_features, with_bias}) {}

  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

  const LinearOptions options;
  Tensor weight, bias;
};
using Linear = Handle<LinearImpl>;

struct FlattenOptions {
  int start_dim = 1;
  int end_dim = -1;
};

/// Dims start_dim to end_dim become one.
class FlattenImpl : public Module {
 public:
  using Options = FlattenOptions;
  explicit FlattenImpl(const FlattenOptions& chosen = {}) : options(chosen) {}

  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const FlattenOptions options;
};
using Flatten = Handle<FlattenImpl>;

/// x itself.
class IdentityImpl : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
};
using Identity = Handle<IdentityImpl>;

}  // namespace reel::nn
