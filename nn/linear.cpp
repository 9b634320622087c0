#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/view.h>
#include <reel/nn/linear.h>

#include <cmath>

namespace reel::nn {

LinearImpl::LinearImpl(const LinearOptions& chosen) : options(chosen) {
  check(options.in_features >= 1 && options.out_features >= 1,
        "Linear: in_features and out_features must be at least 1, got {} and {}",
        options.in_features, options.out_features);
  // kaiming_uniform_(a = sqrt(5)) comes to this bound; the weight is drawn before the bias, as
  // PyTorch does.
  const double bound = 1 / std::sqrt(static_cast<double>(options.in_features));
  weight = empty({options.out_features, options.in_features});
  weight.uniform_(-bound, bound);
  register_parameter("weight", weight);
  if (options.bias) {
    bias = empty({options.out_features});
    bias.uniform_(-bound, bound);
  }
  register_parameter("bias", bias);
}

Tensor LinearImpl::forward(const Tensor& x) { return linear(x, weight, bias); }

std::string LinearImpl::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}", options.in_features,
                     options.out_features, options.bias ? "True" : "False");
}

int64_t LinearImpl::multiply_adds(const std::vector<Tensor>&, const Tensor& output) const {
  return output.numel() * options.in_features;
}

Tensor FlattenImpl::forward(const Tensor& x) {
  return flatten(x, options.start_dim, options.end_dim);
}

std::string FlattenImpl::extra_repr() const {
  return fmt::format("start_dim={}, end_dim={}", options.start_dim, options.end_dim);
}

}  // namespace reel::nn
