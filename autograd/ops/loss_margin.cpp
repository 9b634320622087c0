#include <reel/autograd/kernels/loss.h>
#include <reel/autograd/kernels/softmax.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/loss_parts.h>
#include <reel/autograd/ops/distance.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/loss_margin.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {

using detail::reduce_losses;

namespace {

// max(x, 0) with derivative 1 at 0, where relu has 0.
Tensor positive_part(const Tensor& x) { return clamp(x, {.min = 0}); }

void check_dims(const char* op, const Tensor& a, const Tensor& b, const Tensor& c) {
  check(a.dim() == b.dim() && a.dim() == c.dim(),
        "{}: operands of one number of dims are required, got shapes {}, {} and {}", op, a.shape(),
        b.shape(), c.shape());
}

void check_floating(const char* op, const Tensor& input) {
  check<TypeError>(input.is_floating_point(), "{}: a floating input is required, got {}", op,
                   input.dtype());
}

// Class indices as int64, for an input [N, C] or [C].
Tensor classes_of(const char* op, const Tensor& input, const Tensor& target) {
  check_floating(op, input);
  check((input.dim() == 1 || input.dim() == 2) && input.size(-1) > 0,
        "{}: an input [C] or [N, C] with at least one class is required, got {}", op,
        input.shape());
  check<TypeError>(is_integral(target.dtype()) && target.dtype() != kBool,
                   "{}: class indices of an integer dtype are required, got {}", op,
                   target.dtype());
  return target.detach().to(kInt64);
}

template <class Distance>
Tensor triplet(const char* op, const Tensor& anchor, const Tensor& positive, const Tensor& negative,
               const Distance& distance, double margin, bool swap, Reduction reduction) {
  check_dims(op, anchor, positive, negative);
  const Tensor near = distance(anchor, positive);
  Tensor far = distance(anchor, negative);
  if (swap) far = minimum(far, distance(positive, negative));
  return reduce_losses(op, positive_part(near - far + margin), reduction);
}

}  // namespace

// ---- pairs and triplets ------------------------------------------------------------------------------------

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                            const HingeEmbeddingLossOptions& options) {
  const char* op = "hinge_embedding_loss";
  broadcast_shapes(op, input.shape(), target.shape());
  const Tensor losses = where(target != 1, positive_part(options.margin - input), Scalar(0.0)) +
                        where(target != -1, input, Scalar(0.0));
  return reduce_losses(op, losses, options.reduction);
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const MarginLossOptions& options) {
  const char* op = "margin_ranking_loss";
  check_dims(op, input1, input2, target);
  broadcast_shapes(op, broadcast_shapes(op, input1.shape(), input2.shape()), target.shape());
  const Tensor losses = positive_part(target * (input2 - input1) + options.margin);
  return reduce_losses(op, losses, options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const MarginLossOptions& options) {
  const char* op = "cosine_embedding_loss";
  check(target.dim() <= 1 && input1.dim() == target.dim() + 1 && input2.dim() == input1.dim(),
        "{}: inputs [N, D] and a target [N], or [D] and [], are required, got {}, {} and {}", op,
        input1.shape(), input2.shape(), target.shape());
  const Shape shape = broadcast_shapes(op, input1.shape(), input2.shape());
  if (target.dim() == 1) broadcast_shapes(op, shape[0], target.shape());
  // Not cosine_similarity: PyTorch keeps these norms from 0 by another term.
  constexpr double epsilon = 1e-12;
  const Tensor squares1 = square(input1).sum(-1) + epsilon;
  const Tensor squares2 = square(input2).sum(-1) + epsilon;
  const Tensor cosine = (input1 * input2).sum(-1) / sqrt(squares1 * squares2);
  const Tensor losses = where(target == 1, 1 - cosine, Scalar(0.0)) +
                        where(target == -1, positive_part(cosine - options.margin), Scalar(0.0));
  return reduce_losses(op, losses, options.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& options) {
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return pairwise_distance(a, b, {.p = options.p, .eps = options.eps});
  };
  return triplet("triplet_margin_loss", anchor, positive, negative, distance, options.margin,
                 options.swap, options.reduction);
}

Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive,
                                         const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& options) {
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return options.distance_function ? options.distance_function(a, b) : pairwise_distance(a, b);
  };
  return triplet("triplet_margin_with_distance_loss", anchor, positive, negative, distance,
                 options.margin, options.swap, options.reduction);
}

// ---- classes -----------------------------------------------------------------------------------------------

Tensor multi_margin_loss(const Tensor& input, const Tensor& target,
                         const MultiMarginLossOptions& options) {
  const char* op = "multi_margin_loss";
  const Tensor index = classes_of(op, input, target);
  const int64_t classes = input.size(-1), samples = input.dim() == 1 ? 1 : input.size(0);
  check(target.shape() == Shape(samples) || (input.dim() == 1 && target.dim() == 0),
        "{}: a target of shape [{}] is required for an input of shape {}, got {}", op, samples,
        input.shape(), target.shape());
  check(options.p == 1 || options.p == 2, "{}: p must be 1 or 2, got {}", op, options.p);
  check(!options.weight.defined() || options.weight.shape() == Shape(classes),
        "{}: a weight of shape [{}] is required, got {}", op, classes,
        options.weight.defined() ? options.weight.shape() : Shape());
  kernels::check_targets(op, index.array(), classes, 0);

  const Tensor x = input.reshape({samples, classes}), own = index.reshape({samples, 1});
  const Tensor gap = options.margin - x.gather(1, own) + x;
  const Tensor counts = (gap > 0) & (arange(classes) != own);
  Tensor terms = where(counts, gap, Scalar(0.0));
  if (options.p == 2) terms = square(terms);
  Tensor losses = terms.sum(1) / classes;
  if (options.weight.defined())
    losses = losses * options.weight.to(x.dtype()).index_select(0, own.reshape({samples}));
  return reduce_losses(op, losses.reshape(target.shape()), options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target,
                              const LossOptions& options) {
  const char* op = "multilabel_margin_loss";
  const Tensor labels = classes_of(op, input, target);
  check(target.shape() == input.shape(), "{}: a target of input's shape {} is required, got {}", op,
        input.shape(), target.shape());
  const Shape rows = {input.dim() == 1 ? 1 : input.size(0), input.size(-1)};
  const Tensor x = input.reshape(rows);
  kernels::LossesAndSlopes made =
      kernels::multilabel_margin(x.array(), labels.reshape(rows).array());
  const Tensor losses = record(op, std::move(made.losses),
                               wrt(x, [slopes = keep(Tensor(std::move(made.slopes)))](
                                          const Tensor& g) { return g.unsqueeze(1) * slopes(); }));
  return reduce_losses(op, input.dim() == 1 ? losses.squeeze(0) : losses, options.reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target,
                                   const WeightedLossOptions& options) {
  const char* op = "multilabel_soft_margin_loss";
  check_floating(op, input);
  check(target.shape() == input.shape(), "{}: a target of input's shape {} is required, got {}", op,
        input.shape(), target.shape());
  const Tensor losses =
      detail::weighted(op, detail::logistic_loss(input, target.to(input.dtype())), options.weight);
  return reduce_losses(op, losses.mean(-1), options.reduction);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  const char* op = "soft_margin_loss";
  check_floating(op, input);
  broadcast_shapes(op, input.shape(), target.shape());
  return reduce_losses(op, -logsigmoid(input * target), options.reduction);
}

}  // namespace reel
