#pragma once
// The loss of sequences whose labels are not aligned to their frames.

#include <reel/autograd/ops/reduction.h>

namespace reel {

struct CtcLossOptions {
  int64_t blank = 0;
  Reduction reduction = Reduction::Mean;  ///< Mean divides each loss by its target's length first
  bool zero_infinity = false;             ///< 0 in place of infinite losses and their gradients
};

/// -log of the probability that log_probs [T, N, C] (or [T, C]) show each target, over all ways to
/// place its labels among blanks (Graves et al., ICML 2006). targets are integers [N, S], or 1-d
/// and one behind the other; input_lengths and target_lengths [N] (or []). The loss is infinite
/// where a target does not fit. Gradients of every order, those of log_probs as independent
/// numbers. Throws IndexError for labels outside of [0, C). Same as
/// torch.nn.functional.ctc_loss.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcLossOptions& options = {});

}  // namespace reel
