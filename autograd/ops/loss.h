#pragma once
// Losses: how far an input is from its target.

#include <reel/autograd/tensor.h>

namespace reel {

// GCC warns of reel::None (index.h), which a scoped name cannot hide.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/// What becomes of the losses of the single elements.
enum class Reduction { None, Mean, Sum };
#pragma GCC diagnostic pop

struct LossOptions {
  Reduction reduction = Reduction::Mean;
};
struct NllLossOptions {
  Tensor weight = {};           ///< one factor a class, [C]; undefined: all 1
  int64_t ignore_index = -100;  ///< targets of this value count for nothing
  Reduction reduction = Reduction::Mean;
};
struct CrossEntropyOptions {
  Tensor weight = {};
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::Mean;
  double label_smoothing = 0;  ///< in [0, 1]: the target's share that all classes get evenly
};

/// (input - target)^2; operands broadcast.
Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {});
/// |input - target|; operands broadcast.
Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {});

/// -input[target] for log probabilities [C], [N, C] or [N, C, d1, ...] and class indices [], [N] or
/// [N, d1, ...] of an integer dtype. The mean is weighted: it divides by the sum of the targets'
/// weights. Throws IndexError for a target that is neither in [0, C) nor ignored.
Tensor nll_loss(const Tensor& input, const Tensor& target, const NllLossOptions& options = {});

/// nll_loss(log_softmax(input), target) for class indices as there, or, for a floating target of
/// input's shape, the cross entropy with these probabilities, whose mean is over the samples. Same
/// as torch.nn.functional.cross_entropy.
Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options = {});

}  // namespace reel
