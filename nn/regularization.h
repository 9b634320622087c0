#pragma once
// Penalties, which are added to a loss, and constraints, which are applied after a step:
//
//   (loss + nn::l2_penalty(nn::weights_only(*model), 1e-4)).backward();
//   optimizer.step();
//   nn::max_norm_(nn::weights_only(*model), 3);
//
// All take the parameters they are meant for: model->parameters() for all, with biases.

#include <reel/nn/parameters.h>

namespace reel::nn {

// ---- penalties: 0-d tensors that are differentiable by the parameters, 0 of none -----------------------------

/// factor * sum |w|; the gradient is factor * sign(w), 0 at 0.
Tensor l1_penalty(const std::vector<Tensor>& parameters, double factor);

struct L2PenaltyOptions {
  /// factor / 2 * sum w^2, whose gradient is factor * w: a step of SGD is then that of
  /// {.weight_decay = factor}. Otherwise, as in Keras, without the half.
  bool half = false;
};
/// factor * sum w^2.
Tensor l2_penalty(const std::vector<Tensor>& parameters, double factor,
                  const L2PenaltyOptions& options = {});

// ---- constraints: change parameters in place, without recording ----------------------------------------------

/// Which numbers make up a norm: those along these dims. Where none are given, all but the first:
/// the weights that lead to one output; of a 1-d parameter all. (Keras stores the transpose of a
/// dense layer's weights and so names axis 0 for the same.)
struct ConstraintOptions {
  Dims dims = {};
};
/// Scales what is longer than `max_value` to that length, the rest stays as it is. Srivastava et
/// al. 2014.
void max_norm_(const std::vector<Tensor>& parameters, double max_value = 2,
               const ConstraintOptions& options = {});
/// Scales to length 1. Zeros stay zeros.
void unit_norm_(const std::vector<Tensor>& parameters, const ConstraintOptions& options = {});

struct MinMaxNormOptions {
  double min_value = 0;
  double max_value = 1;
  double rate = 1;  ///< how much of the way to [min_value, max_value] is gone, in [0, 1]
  Dims dims = {};
};
/// Scales to a length within [min_value, max_value], or part of the way. Zeros stay zeros.
void min_max_norm_(const std::vector<Tensor>& parameters, const MinMaxNormOptions& options = {});
/// Negative numbers become 0.
void non_neg_(const std::vector<Tensor>& parameters);

}  // namespace reel::nn
