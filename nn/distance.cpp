#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/nn/distance.h>
#include <reel/nn/repr.h>

#include <cmath>

namespace reel::nn {

BilinearImpl::BilinearImpl(const BilinearOptions& chosen) : options(chosen) {
  check(options.in1_features >= 1 && options.in2_features >= 1 && options.out_features >= 1,
        "Bilinear: in1_features, in2_features and out_features must be at least 1, got {}, {} and "
        "{}",
        options.in1_features, options.in2_features, options.out_features);
  const double bound = 1 / std::sqrt(static_cast<double>(options.in1_features));
  weight = empty({options.out_features, options.in1_features, options.in2_features});
  weight.uniform_(-bound, bound);
  register_parameter("weight", weight);
  if (options.bias) {
    bias = empty({options.out_features});
    bias.uniform_(-bound, bound);
  }
  register_parameter("bias", bias);
}

Tensor BilinearImpl::forward(const Tensor& x1, const Tensor& x2) {
  return bilinear(x1, x2, weight, bias);
}

int64_t BilinearImpl::multiply_adds(const std::vector<Tensor>&, const Tensor& output) const {
  return output.numel() * options.in1_features * options.in2_features;
}

std::string BilinearImpl::extra_repr() const {
  return fmt::format("in1_features={}, in2_features={}, out_features={}, bias={}",
                     options.in1_features, options.in2_features, options.out_features,
                     repr(options.bias));
}

}  // namespace reel::nn
