#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/tape.h>
#include <reel/nn/lazy.h>
#include <reel/nn/repr.h>

#include <cmath>

namespace reel::nn {

LazyLinearImpl::LazyLinearImpl(const LazyLinearOptions& chosen) : options(chosen) {
  check(options.out_features >= 1, "LazyLinear: out_features must be at least 1, got {}",
        options.out_features);
  weight = register_lazy_parameter("weight");
  if (options.bias)
    bias = register_lazy_parameter("bias");
  else
    register_parameter("bias", Tensor());
}

Tensor LazyLinearImpl::forward(const Tensor& x) {
  if (has_uninitialized()) {
    check(x.dim() >= 1 && x.size(-1) >= 1,
          "LazyLinear: an input [..., features] is required, got {}", x.shape());
    NoGradGuard no_grad;
    const double bound = 1 / std::sqrt(static_cast<double>(x.size(-1)));
    materialize("weight", {options.out_features, x.size(-1)}).uniform_(-bound, bound);
    if (options.bias) materialize("bias", {options.out_features}).uniform_(-bound, bound);
  }
  return linear(x, weight, bias);
}

int64_t LazyLinearImpl::multiply_adds(const std::vector<Tensor>&, const Tensor& output) const {
  return output.numel() * weight.size(1);
}

std::string LazyLinearImpl::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}",
                     weight.dim() == 2 ? weight.size(1) : 0, options.out_features,
                     repr(options.bias));
}

}  // namespace reel::nn
