#pragma once
// Connectionist temporal classification: Graves et al., "Connectionist temporal classification",
// ICML 2006, section 4.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// The labels of each sample with blanks before, between and behind them, [N, 2 S + 1], S the
/// longest target; blank behind shorter ones. `targets` (int64) is [N, at least S], or 1-d with all
/// labels one behind the other; `lengths` [N], int64.
Array ctc_states(const Array& targets, const Array& lengths, int64_t blank);

struct CtcForward {
  Array losses;     // [N]
  Array log_alpha;  // [N, T, states], float64: log probability of all ways to be here by then
};
/// -log of the probability of each target, infinite where it does not fit into its frames.
/// log_probs [T, N, C]; frames and lengths [N], int64, at most T and (states - 1) / 2.
CtcForward ctc_loss(const Array& log_probs, const Array& states, const Array& frames,
                    const Array& lengths);
/// Its gradient with respect to log_probs: -g[n] times the probability, given the target, that
/// frame t of sample n shows class c. NaN in
/// samples of infinite loss unless g[n] is 0; 0 behind a sample's frames.
Array ctc_loss_backward(const Array& g, const Array& log_probs, const Array& log_alpha,
                        const Array& states, const Array& frames, const Array& lengths);

}  // namespace reel::kernels
