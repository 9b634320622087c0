#pragma once
// Losses of numbers and of classes: how far an input is from its target. Those of margins stand in
// loss_margin.h, that of unaligned sequences in ctc.h. All are as in torch.nn.functional.

#include <reel/autograd/ops/reduction.h>

namespace reel {

// ---- numbers: operands broadcast -------------------------------------------------------------------------

struct SmoothL1LossOptions {
  Reduction reduction = Reduction::Mean;
  double beta = 1;  ///< the distance below which it is quadratic; 0: l1_loss
};
struct HuberLossOptions {
  Reduction reduction = Reduction::Mean;
  double delta = 1;  ///< the distance below which it is quadratic
};
struct PoissonNllLossOptions {
  bool log_input = true;  ///< input is the logarithm of the rate
  bool full = false;      ///< adds Stirling's approximation of log(target!) where target > 1
  double eps = 1e-8;      ///< keeps log(input + eps) finite where log_input is false
  Reduction reduction = Reduction::Mean;
};
struct GaussianNllLossOptions {
  bool full = false;  ///< adds log(2 pi) / 2
  double eps = 1e-6;  ///< a smaller variance counts as this, but keeps its gradient
  Reduction reduction = Reduction::Mean;
};

/// (input - target)^2; operands broadcast.
Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {});
/// |input - target|; operands broadcast.
Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {});
/// d^2 / (2 beta) for d = |input - target| < beta, else d - beta / 2. Throws unless beta >= 0.
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1LossOptions& options = {});
/// d^2 / 2 for d = |input - target| < delta, else delta * (d - delta / 2). Throws unless delta > 0.
Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossOptions& options = {});
/// exp(input) - target * input, or input - target * log(input + eps); operands broadcast.
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNllLossOptions& options = {});
/// (log(var) + (input - target)^2 / var) / 2. var has input's shape, or size 1 in the last dim, or
/// lacks the last dim. Throws for a negative variance.
Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                         const GaussianNllLossOptions& options = {});

// ---- probabilities ---------------------------------------------------------------------------------------

struct KlDivOptions {
  Reduction reduction = Reduction::Mean;  ///< BatchMean is the divergence's definition
  bool log_target = false;                ///< target holds logarithms too
};
struct BceWithLogitsOptions {
  Tensor weight = {};  ///< factors of the losses
  Reduction reduction = Reduction::Mean;
  Tensor pos_weight = {};  ///< factors of the target's share of the losses
};

/// target * (log(target) - input) for log probabilities `input`, 0 - target * input where target is
/// 0; operands broadcast. BatchMean divides the sum by size(0).
Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options = {});
/// -(target * log(input) + (1 - target) * log(1 - input)), logarithms no less than -100. Throws
/// unless the shapes are equal and input lies in [0, 1].
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const WeightedLossOptions& options = {});
/// binary_cross_entropy(sigmoid(input), target) without its loss of precision; shapes must be
/// equal, weights broadcast.
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceWithLogitsOptions& options = {});

// ---- classes ---------------------------------------------------------------------------------------------

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

/// -input[target] for log probabilities [C], [N, C] or [N, C, d1, ...] and class indices [], [N] or
/// [N, d1, ...] of an integer dtype. The mean is weighted: it divides by the sum of the targets'
/// weights. Throws IndexError for a target that is neither in [0, C) nor ignored.
Tensor nll_loss(const Tensor& input, const Tensor& target, const NllLossOptions& options = {});

/// nll_loss(log_softmax(input), target) for class indices as there, or, for a floating target of
/// input's shape, the cross entropy with these probabilities, whose mean is over the samples.
Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options = {});

}  // namespace reel
