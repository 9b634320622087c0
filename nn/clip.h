#pragma once
// Limits on gradients, set between backward() and step(). optim::GradientOptions does the same
// inside the step.

#include <reel/autograd/tensor.h>

namespace reel::nn::utils {

struct ClipNormOptions {
  double norm_type = 2;  ///< infinity: the largest absolute value
  bool error_if_nonfinite = false;
};

/// The norm of all elements of these tensors together, 0-d, of the dtype they promote to; 0 of
/// none. Throws on a norm that is NaN or infinite if options.error_if_nonfinite. Same as
/// torch.nn.utils.get_total_norm of 2.6.
Tensor get_total_norm(const std::vector<Tensor>& tensors, const ClipNormOptions& options = {});

/// By what tensors of that norm are multiplied so that it is at most `max_norm`: max_norm /
/// (total_norm + 1e-6), at most 1. NaN where the norm is.
double clip_coefficient(double max_norm, double total_norm);

/// Scales the gradients of these parameters, all by one factor and in place, so that their norm is
/// at most `max_norm`. Returns the norm they had. Parameters without a gradient are passed over.
/// Same as torch.nn.utils.clip_grad_norm_.
Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm,
                       const ClipNormOptions& options = {});

/// Limits every element of the gradients to [-clip_value, clip_value], in place.
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);

}  // namespace reel::nn::utils
