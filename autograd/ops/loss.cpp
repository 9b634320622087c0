#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/loss.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/detail/loss_parts.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/loss.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <numbers>

namespace reel {

using detail::reduce_losses;

Tensor detail::reduce_losses(const char* op, const Tensor& losses, Reduction reduction) {
  check(reduction != Reduction::BatchMean, "{}: the reduction is None, Mean or Sum, got BatchMean",
        op);
  check<TypeError>(reduction != Reduction::Mean || losses.is_floating_point(),
                   "{}: a mean needs a floating dtype, got {}", op, losses.dtype());
  if (reduction == Reduction::Mean) return losses.mean();
  return reduction == Reduction::Sum ? losses.sum() : losses;
}

namespace {

// The error of shapes that do not broadcast names the loss.
Tensor difference(const char* op, const Tensor& input, const Tensor& target) {
  if (input.shape() != target.shape()) broadcast_shapes(op, input.shape(), target.shape());
  return input - target;
}

void check_same_shape(const char* op, const Tensor& input, const Tensor& target) {
  check(input.shape() == target.shape(), "{}: a target of input's shape {} is required, got {}", op,
        input.shape(), target.shape());
}

void check_floating(const char* op, const Tensor& input) {
  check<TypeError>(input.is_floating_point(), "{}: a floating input is required, got {}", op,
                   input.dtype());
}

// d^2 / 2 up to |d| = delta and straight from there.
Tensor huber(const char* op, const Tensor& d, double delta) {
  check_floating(op, d);
  return record(op, kernels::huber(d.array(), delta), wrt(d, [d = keep(d), delta](const Tensor& g) {
                  return g * clamp(d(), {.min = -delta, .max = delta});
                }));
}

}  // namespace

// ---- numbers -----------------------------------------------------------------------------------------------

Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  const char* op = "mse_loss";
  return reduce_losses(op, square(difference(op, input, target)), options.reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options) {
  const char* op = "l1_loss";
  return reduce_losses(op, abs(difference(op, input, target)), options.reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      const SmoothL1LossOptions& options) {
  const char* op = "smooth_l1_loss";
  check(options.beta >= 0, "{}: beta must be at least 0, got {}", op, options.beta);
  const Tensor d = difference(op, input, target);
  const Tensor losses = options.beta == 0 ? abs(d) : huber(op, d, options.beta) / options.beta;
  return reduce_losses(op, losses, options.reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossOptions& options) {
  const char* op = "huber_loss";
  check(options.delta > 0, "{}: delta must be above 0, got {}", op, options.delta);
  return reduce_losses(op, huber(op, difference(op, input, target), options.delta),
                       options.reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target,
                        const PoissonNllLossOptions& options) {
  const char* op = "poisson_nll_loss";
  broadcast_shapes(op, input.shape(), target.shape());
  Tensor losses =
      options.log_input ? exp(input) - target * input : input - target * log(input + options.eps);
  if (options.full) {
    // 1 in place of the targets that need no term: the gradient there must not become 0 * inf.
    const Tensor large = target > 1, n = where(large, target, Scalar(1));
    const Tensor stirling = n * log(n) - n + 0.5 * log(2 * std::numbers::pi * n);
    losses = losses + where(large, stirling, Scalar(0.0));
  }
  return reduce_losses(op, losses, options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                         const GaussianNllLossOptions& options) {
  const char* op = "gaussian_nll_loss";
  check<TypeError>(var.is_floating_point(), "{}: a floating variance is required, got {}", op,
                   var.dtype());
  Shape without_last = input.shape(), single = input.shape();
  if (input.dim() > 0) {
    without_last.erase(input.dim() - 1);
    single[input.dim() - 1] = 1;
  }
  check(var.shape() == input.shape() || var.shape() == without_last || var.shape() == single,
        "{}: a variance of shape {}, {} or {} is required, got {}", op, input.shape(), single,
        without_last, var.shape());
  {
    NoGradGuard no_grad;
    check(!any(var < 0), "{}: variances must be at least 0, got {}", op, var);
  }
  const Tensor shaped = var.dim() < input.dim() ? var.unsqueeze(-1) : var;
  const Tensor spread = detail::at_least(shaped, options.eps);
  Tensor losses = (log(spread) + square(difference(op, input, target)) / spread) * 0.5;
  if (options.full) losses = losses + 0.5 * std::log(2 * std::numbers::pi);
  return reduce_losses(op, losses, options.reduction);
}

// ---- probabilities -----------------------------------------------------------------------------------------

Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options) {
  const char* op = "kl_div";
  broadcast_shapes(op, input.shape(), target.shape());
  const bool by_batch = options.reduction == Reduction::BatchMean;
  check(!by_batch || input.dim() > 0,
        "{}: BatchMean needs an input of at least 1 dim, got shape {}", op, input.shape());
  // 0 log 0 = 0, and without a gradient of 0 * inf.
  const Tensor losses = options.log_target
                            ? exp(target) * (target - input)
                            : target * log(where(target == 0, Scalar(1), target)) - target * input;
  if (!by_batch) return reduce_losses(op, losses, options.reduction);
  const int64_t samples = input.size(0);
  return samples > 0 ? losses.sum() / samples : losses.sum();
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                            const WeightedLossOptions& options) {
  const char* op = "binary_cross_entropy";
  check_floating(op, input);
  check_same_shape(op, input, target);
  const Tensor x = input, t = target.to(input.dtype());
  // PyTorch's gradient: finite at 0 and 1 by a bound of the denominator (there a float, in float64
  // too), not by those of the logarithms.
  constexpr double least = 1e-12F;
  const Tensor losses =
      record(op, kernels::binary_cross_entropy(x.array(), t.array()),
             wrt(x,
                 [x = keep(x), t = keep(t)](const Tensor& g) {
                   return g * ((x() - t()) / clamp(x() * (1 - x()), {.min = least}));
                 }),
             wrt(t, [x = keep(x)](const Tensor& g) {
               return g * (clamp(log(1 - x()), {.min = -100}) - clamp(log(x()), {.min = -100}));
             }));
  return reduce_losses(op, detail::weighted(op, losses, options.weight), options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const BceWithLogitsOptions& options) {
  const char* op = "binary_cross_entropy_with_logits";
  check_floating(op, input);
  check_same_shape(op, input, target);
  const Tensor t = target.to(input.dtype());
  Tensor losses = detail::logistic_loss(input, t);
  if (options.pos_weight.defined()) {
    const Tensor more = detail::weighted(op, t, options.pos_weight - 1);
    losses = losses - more * logsigmoid(input);
  }
  return reduce_losses(op, detail::weighted(op, losses, options.weight), options.reduction);
}

// ---- parts ---------------------------------------------------------------------------------------------------

namespace detail {

Tensor logistic_loss(const Tensor& x, const Tensor& target) {
  return record(
      "logistic_loss", kernels::logistic_loss(x.array(), target.array()),
      wrt(x, [x = keep(x), t = keep(target)](const Tensor& g) { return g * (sigmoid(x()) - t()); }),
      wrt(target, [x = keep(x)](const Tensor& g) { return -g * x(); }));
}

Tensor weighted(const char* op, const Tensor& losses, const Tensor& weight) {
  if (!weight.defined()) return losses;
  broadcast_shapes(op, losses.shape(), weight.shape());
  return losses * weight;
}

Tensor at_least(const Tensor& x, double least) {
  return record("at_least", kernels::maximum(x.array(), scalar_like(x, least).array()),
                wrt(x, [](const Tensor& g) { return g; }));
}

}  // namespace detail

}  // namespace reel
