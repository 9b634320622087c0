#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/comparison.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/linalg_norm.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/tape.h>
#include <reel/nn/regularization.h>

#include <cmath>

namespace reel::nn {
namespace {

void check_parameters(const char* name, const std::vector<Tensor>& parameters) {
  for (const Tensor& parameter : parameters) {
    check(parameter.defined(), "{}: a parameter is undefined", name);
    check<TypeError>(parameter.is_floating_point(), "{}: expected floating parameters, got {}",
                     name, parameter.dtype());
  }
}

void check_number(const char* name, const char* number, double value) {
  check(std::isfinite(value) && value >= 0, "{}: {} must be finite and not negative, got {}", name,
        number, value);
}

template <class F>
Tensor penalty(const char* name, const std::vector<Tensor>& parameters, double factor, F&& f) {
  check_parameters(name, parameters);
  check_number(name, "factor", factor);
  Tensor total;
  for (const Tensor& parameter : parameters)
    total = total.defined() ? total + f(parameter) : f(parameter);
  return total.defined() ? total * factor : zeros({});
}

// The dims that a norm of `parameter` is taken over.
Dims norm_dims(const char* name, const Tensor& parameter, const Dims& chosen) {
  check(parameter.dim() >= 1, "{}: a parameter without dims has no norms", name);
  Dims dims = chosen;
  for (int dim : dims) wrap_dim(name, dim, parameter.dim());
  if (!dims.empty()) return dims;
  if (parameter.dim() == 1) return {0};
  for (int dim = 1; dim < parameter.dim(); ++dim) dims.push_back(dim);
  return dims;
}

// Scales each part of the parameters to the length that desired(lengths) says.
template <class F>
void rescale(const char* name, const std::vector<Tensor>& parameters, const Dims& chosen,
             F&& desired) {
  check_parameters(name, parameters);
  std::vector<Dims> dims;
  for (const Tensor& parameter : parameters) dims.push_back(norm_dims(name, parameter, chosen));
  NoGradGuard no_grad;
  for (size_t i = 0; i < parameters.size(); ++i) {
    Tensor parameter = parameters[i];
    if (parameter.numel() == 0) continue;
    const Tensor length = linalg::vector_norm(parameter, 2, dims[i], {.keepdim = true});
    const Tensor wanted = desired(length);
    // What is long enough, or has no direction, keeps its bits.
    const Tensor kept = logical_or(wanted == length, length == 0);
    parameter.mul_(where(kept, 1, wanted / length));
  }
}

}  // namespace

Tensor l1_penalty(const std::vector<Tensor>& parameters, double factor) {
  return penalty("l1_penalty", parameters, factor, [](const Tensor& w) { return sum(abs(w)); });
}

Tensor l2_penalty(const std::vector<Tensor>& parameters, double factor,
                  const L2PenaltyOptions& options) {
  return penalty("l2_penalty", parameters, options.half ? factor / 2 : factor,
                 [](const Tensor& w) { return sum(square(w)); });
}

void max_norm_(const std::vector<Tensor>& parameters, double max_value,
               const ConstraintOptions& options) {
  check_number("max_norm_", "max_value", max_value);
  rescale("max_norm_", parameters, options.dims,
          [&](const Tensor& length) { return clamp(length, {.max = max_value}); });
}

void unit_norm_(const std::vector<Tensor>& parameters, const ConstraintOptions& options) {
  rescale("unit_norm_", parameters, options.dims,
          [](const Tensor& length) { return ones_like(length); });
}

void min_max_norm_(const std::vector<Tensor>& parameters, const MinMaxNormOptions& options) {
  const char* name = "min_max_norm_";
  check_number(name, "min_value", options.min_value);
  check_number(name, "max_value", options.max_value);
  check(options.min_value <= options.max_value,
        "{}: min_value must not be more than max_value, got {} and {}", name, options.min_value,
        options.max_value);
  check(options.rate >= 0 && options.rate <= 1, "{}: rate must be in [0, 1], got {}", name,
        options.rate);
  rescale(name, parameters, options.dims, [&](const Tensor& length) {
    return lerp(length, clamp(length, {.min = options.min_value, .max = options.max_value}),
                options.rate);
  });
}

void non_neg_(const std::vector<Tensor>& parameters) {
  check_parameters("non_neg_", parameters);
  NoGradGuard no_grad;
  for (Tensor parameter : parameters) parameter.clamp_({.min = 0});
}

}  // namespace reel::nn
