#pragma once
// Losses that ask for a margin between what belongs together and what does not, as in
// torch.nn.functional. Operands broadcast where nothing else is said.

#include <reel/autograd/ops/reduction.h>

#include <functional>

namespace reel {

struct HingeEmbeddingLossOptions {
  double margin = 1;
  Reduction reduction = Reduction::Mean;
};
struct MarginLossOptions {
  double margin = 0;
  Reduction reduction = Reduction::Mean;
};
struct TripletMarginLossOptions {
  double margin = 1;
  double p = 2;
  double eps = 1e-6;
  bool swap = false;  ///< the negative's distance to the positive counts where it is smaller
  Reduction reduction = Reduction::Mean;
};
struct TripletMarginWithDistanceLossOptions {
  std::function<Tensor(const Tensor&, const Tensor&)> distance_function =
      {};  ///< pairwise_distance where absent
  double margin = 1;
  bool swap = false;
  Reduction reduction = Reduction::Mean;
};
struct MultiMarginLossOptions {
  int p = 1;  ///< 1 or 2
  double margin = 1;
  Tensor weight = {};  ///< one factor a class, [C]
  Reduction reduction = Reduction::Mean;
};

/// input where target is 1, max(0, margin - input) where it is -1.
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingLossOptions& options = {});
/// max(0, -target * (input1 - input2) + margin), target 1 or -1; all of one number of dims.
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginLossOptions& options = {});
/// 1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1, for inputs
/// [N, D] and a target [N], or [D] and [].
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const MarginLossOptions& options = {});
/// max(0, d(anchor, positive) - d(anchor, negative) + margin), d the pairwise_distance; all of one
/// number of dims.
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& options = {});
/// The same for any distance.
Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive,
                                         const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& options = {});

/// The sum over classes i other than the target y of max(0, margin - input[y] + input[i])^p,
/// divided by C, for [N, C] and class indices [N], or [C] and [] or [1]. Throws IndexError for a
/// target outside of [0, C).
Tensor multi_margin_loss(const Tensor& input, const Tensor& target,
                         const MultiMarginLossOptions& options = {});
/// The sum over named classes y and others i of max(0, 1 - input[y] + input[i]), divided by C, for
/// [N, C] or [C] and an integer target of that shape, which names classes up to the first -1 of a
/// row. Throws IndexError for a target outside of [-1, C).
Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target,
                              const LossOptions& options = {});
/// The mean over the last dim of binary_cross_entropy_with_logits, weighted by class; shapes must
/// be equal.
Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target,
                                   const WeightedLossOptions& options = {});
/// log(1 + exp(-target * input)), target 1 or -1; finite for every finite input.
Tensor soft_margin_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {});

}  // namespace reel
