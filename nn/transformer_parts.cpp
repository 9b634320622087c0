#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/dropout.h>
#include <reel/autograd/ops/normalization.h>
#include <reel/nn/transformer_parts.h>

namespace reel::nn {

LayerNormImpl::LayerNormImpl(const LayerNormOptions& chosen) : options(chosen) {
  if (!options.elementwise_affine) return;
  weight = register_parameter("weight", ones(options.normalized_shape));
  bias = register_parameter("bias", zeros(options.normalized_shape));
}

Tensor LayerNormImpl::forward(const Tensor& x) {
  return layer_norm(x, options.normalized_shape, weight, bias, {.eps = options.eps});
}

std::string LayerNormImpl::extra_repr() const {
  std::string sizes;
  for (int64_t size : options.normalized_shape) sizes += fmt::format("{}, ", size);
  sizes.resize(sizes.size() - (options.normalized_shape.rank() == 1 ? 1 : 2));
  std::string eps = fmt::format("{}", options.eps);
  return fmt::format("({}), eps={}, elementwise_affine={}", sizes, eps,
                     options.elementwise_affine ? "True" : "False");
}

DropoutImpl::DropoutImpl(double probability) : p(probability) {
  check(p >= 0 && p <= 1, "Dropout: p must be in [0, 1], got {}", p);
}

Tensor DropoutImpl::forward(const Tensor& x) {
  return dropout(x, {.p = p, .training = is_training()});
}

std::string DropoutImpl::extra_repr() const { return fmt::format("p={}, inplace=False", p); }

}  // namespace reel::nn
