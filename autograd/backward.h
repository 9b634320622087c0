#pragma once
// cost.backward(): gradients of everything a tensor was computed from.

#include <reel/autograd/tensor.h>

namespace reel {

struct BackwardOptions {
  std::optional<bool> retain_graph =
      {};  ///< keep what the rules remember, for another walk; create_graph where absent
  bool create_graph = false;        ///< record the walk itself, for derivatives of higher order
  std::vector<Tensor> inputs = {};  ///< accumulate into these leaves only; empty: into all
};

/// Adds d(sum of outputs * gradients)/d(leaf) into .grad of every leaf that requires grad.
/// Threads may sweep graphs of their own at once, also ones that share leaves; not one and the same
/// graph. A gradient may be undefined where its output has one element. Same as
/// torch.autograd.backward.
void backward(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients = {},
              const BackwardOptions& options = {});

}  // namespace reel
