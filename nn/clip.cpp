#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/linalg_norm.h>
#include <reel/autograd/ops/promotion.h>
#include <reel/autograd/tape.h>
#include <reel/nn/clip.h>

#include <cmath>

namespace reel::nn::utils {
namespace {

std::vector<Tensor> gradients_of(const char* name, const std::vector<Tensor>& parameters) {
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : parameters) {
    check(parameter.defined(), "{}: a parameter is undefined", name);
    Tensor& g = parameter.mutable_grad();
    if (!g.defined()) continue;
    // One that shows a number in many places cannot be changed.
    if (!g.is_contiguous()) g = g.detach().contiguous();
    gradients.push_back(g);
  }
  return gradients;
}

void check_limit(const char* name, const char* limit, double value) {
  check(value >= 0, "{}: {} must not be negative, got {}", name, limit, value);
}

}  // namespace

double clip_coefficient(double max_norm, double total_norm) {
  const double coefficient = max_norm / (total_norm + 1e-6);
  return coefficient > 1 ? 1 : coefficient;
}

Tensor get_total_norm(const std::vector<Tensor>& tensors, const ClipNormOptions& options) {
  NoGradGuard no_grad;
  const double order = options.norm_type;
  check(order >= 0, "get_total_norm: norm_type must not be negative, got {}", order);
  std::vector<double> norms;
  Dtype dtype = tensors.empty() ? kFloat32 : tensors.front().dtype();
  for (const Tensor& tensor : tensors) {
    dtype = promote_types(dtype, tensor.dtype());
    if (tensor.numel() > 0)
      norms.push_back(linalg::vector_norm(tensor, order, {}, {.dtype = kFloat64}).item<double>());
  }
  const Tensor total =
      norms.empty()
          ? zeros({}, {.dtype = kFloat64})
          : linalg::vector_norm(from_vector(norms, {static_cast<int64_t>(norms.size())}), order);
  check(!options.error_if_nonfinite || std::isfinite(total.item<double>()),
        "get_total_norm: the norm of order {} is {}; without error_if_nonfinite it would be used",
        order, total.item<double>());
  return total.to(dtype);
}

Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                       const ClipNormOptions& options) {
  check_limit("clip_grad_norm_", "max_norm", max_norm);
  NoGradGuard no_grad;
  std::vector<Tensor> gradients = gradients_of("clip_grad_norm_", parameters);
  const Tensor total = get_total_norm(gradients, options);
  const double coefficient = clip_coefficient(max_norm, total.item<double>());
  if (coefficient == 1) return total;
  for (const Tensor& g : gradients) g.detach().mul_(coefficient);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value) {
  check_limit("clip_grad_value_", "clip_value", clip_value);
  NoGradGuard no_grad;
  for (const Tensor& g : gradients_of("clip_grad_value_", parameters))
    g.detach().clamp_({.min = -clip_value, .max = clip_value});
}

}  // namespace reel::nn::utils
