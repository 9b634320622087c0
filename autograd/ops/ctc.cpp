#include <reel/autograd/kernels/ctc.h>
#include <reel/autograd/kernels/softmax.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/ctc.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>
#include <limits>

namespace reel {
namespace {

constexpr const char* kOp = "ctc_loss";
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What a batch is compared with; int64 and without gradient.
struct Batch {
  Tensor states;   // [N, 2 S + 1]: labels among blanks
  Tensor frames;   // [N]
  Tensor lengths;  // [N]: labels of each target
};

// ---- checks --------------------------------------------------------------------------------------------------

Tensor lengths_of(const char* what, const Tensor& lengths, int64_t samples, int64_t most) {
  check<TypeError>(is_integral(lengths.dtype()) && lengths.dtype() != kBool,
                   "{}: {} of an integer dtype are required, got {}", kOp, what, lengths.dtype());
  check(lengths.numel() == samples && lengths.dim() <= 1,
        "{}: {} of shape [{}] are required, got {}", kOp, what, samples, lengths.shape());
  const Tensor list = lengths.detach().to(kInt64).reshape({samples}).contiguous();
  for (int64_t length : list.span<int64_t>())
    check(length >= 0 && length <= most, "{}: {} must be between 0 and {}, got {}", kOp, what, most,
          length);
  return list;
}

Batch batch_of(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
               const Tensor& target_lengths, int64_t blank) {
  check<TypeError>(log_probs.is_floating_point(), "{}: floating log_probs are required, got {}",
                   kOp, log_probs.dtype());
  check(log_probs.dim() == 3, "{}: log_probs [T, N, C] or [T, C] are required, got {}", kOp,
        log_probs.shape());
  check<TypeError>(is_integral(targets.dtype()) && targets.dtype() != kBool,
                   "{}: targets of an integer dtype are required, got {}", kOp, targets.dtype());
  const int64_t samples = log_probs.size(1), classes = log_probs.size(2);
  check<IndexError>(blank >= 0 && blank < classes,
                    "{}: blank must be at least 0 and below {}, got {}", kOp, classes, blank);
  const bool padded = targets.dim() == 2;
  check(targets.dim() == 1 || (padded && targets.size(0) == samples),
        "{}: targets [{}, S] or all in one dim are required, got {}", kOp, samples,
        targets.shape());
  const Tensor frames = lengths_of("input_lengths", input_lengths, samples, log_probs.size(0));
  const Tensor lengths = lengths_of("target_lengths", target_lengths, samples, targets.size(-1));
  if (!padded) {
    const auto total = lengths.sum().item<int64_t>();
    check(targets.numel() == total, "{}: {} targets are required by target_lengths, got {}", kOp,
          total, targets.numel());
  }
  const Array labels = targets.detach().to(kInt64).array();
  Array states = kernels::ctc_states(labels, lengths.array(), blank);
  kernels::check_targets(kOp, states, classes, blank);
  return {Tensor(std::move(states)), frames, lengths};
}

// ---- the gradient, for derivatives of higher order -------------------------------------------------------------

// A log probability that is as good as none and, other than -infinity, can be subtracted.
constexpr double kNever = -1e30;

Tensor log_add(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Tensor largest = maximum(maximum(a, b), c).detach();
  return largest + log(exp(a - largest) + exp(b - largest) + exp(c - largest));
}

// x [N, states] moved by `places` towards later states, or earlier ones if negative.
Tensor moved(const Tensor& x, int64_t places, Scalar filler) {
  const int64_t count = x.size(1), gap = std::min(std::abs(places), count);
  const Tensor edge = full({x.size(0), gap}, filler, {.dtype = x.dtype()});
  if (places > 0) return cat({edge, x.slice(1, 0, count - gap)}, 1);
  return cat({x.slice(1, gap, count), edge}, 1);
}

// The kernel's recursions (equations 6, 10 and 14 of the paper) in operations that are
// differentiable themselves. One list entry a frame.
class Recursion {
 public:
  Recursion(const Tensor& log_probs, const Batch& batch)
      : batch_(batch), place_(arange(batch.states.size(1)).unsqueeze(0)) {
    for (int64_t t = 0; t < log_probs.size(0); ++t) {
      shown_.push_back(clamp(log_probs.select(0, t).gather(1, batch.states), {.min = kNever}));
    }
    skips_ = batch.states != moved(batch.states, 2, -1);
  }

  std::vector<Tensor> alphas() const {
    std::vector<Tensor> list = {where(place_ < 2, shown_[0], Scalar(kNever))};
    for (size_t t = 1; t < shown_.size(); ++t) {
      const Tensor& before = list.back();
      const Tensor skipped = where(skips_, moved(before, 2, kNever), Scalar(kNever));
      list.push_back(shown_[t] + log_add(before, moved(before, 1, kNever), skipped));
    }
    return list;
  }
  // Of what follows a state; from the last frame to the first.
  std::vector<Tensor> betas() const {
    const Tensor last = (batch_.lengths * 2).unsqueeze(1);
    const Tensor ends = (place_ == last) | (place_ == last - 1);
    const Tensor end = where(ends, zeros_like(shown_[0].detach()), Scalar(kNever));
    std::vector<Tensor> list = {end};
    for (size_t t = shown_.size() - 1; t-- > 0;) {
      const Tensor next = list.back() + shown_[t + 1];
      const Tensor skipped = moved(where(skips_, next, Scalar(kNever)), -2, kNever);
      const Tensor is_last = (batch_.frames == static_cast<int64_t>(t + 1)).unsqueeze(1);
      list.push_back(where(is_last, end, log_add(next, moved(next, -1, kNever), skipped)));
    }
    return list;
  }

 private:
  const Batch& batch_;
  Tensor place_, skips_;
  std::vector<Tensor> shown_;  // [N, states]: log probability of what each state shows
};

Tensor composed_backward(const Tensor& g, const Tensor& x, const Tensor& y, const Batch& batch) {
  const Tensor nothing = zeros({x.size(1), x.size(2)}, {.dtype = x.dtype()});
  if (x.size(0) == 0) return nothing.expand(x.shape());
  const Recursion recursion(x, batch);
  const std::vector<Tensor> alphas = recursion.alphas(), betas = recursion.betas();
  const Tensor infinite = (y == kInfinity).unsqueeze(1), scale = -g.unsqueeze(1);
  const Tensor losses = where(infinite, Scalar(0.0), y.unsqueeze(1));
  std::vector<Tensor> frames;
  for (size_t t = 0; t < alphas.size(); ++t) {
    const Tensor inside = (batch.frames > static_cast<int64_t>(t)).unsqueeze(1);
    const Tensor share = exp(alphas[t] + betas[alphas.size() - 1 - t] + losses) * scale;
    const Tensor given = where(infinite & (scale != 0), Scalar(kNan), share);
    frames.push_back(scatter_add(nothing, 1, batch.states, where(inside, given, Scalar(0.0))));
  }
  return stack(frames);
}

// ---- the operation ---------------------------------------------------------------------------------------------

Tensor ctc_loss_backward(const Tensor& g, const Tensor& x, const Tensor& y, const Tensor& alpha,
                         const Batch& batch) {
  if (is_grad_enabled()) return composed_backward(g, x, y, batch);
  return Tensor(kernels::ctc_loss_backward(g.array(), x.array(), alpha.array(),
                                           batch.states.array(), batch.frames.array(),
                                           batch.lengths.array()));
}

Tensor ctc_losses(const Tensor& x, const Batch& batch) {
  kernels::CtcForward made = kernels::ctc_loss(x.array(), batch.states.array(),
                                               batch.frames.array(), batch.lengths.array());
  return record(kOp, std::move(made.losses),
                wrt(x, [x = keep(x), alpha = keep(Tensor(std::move(made.log_alpha))),
                        states = keep(batch.states), frames = keep(batch.frames),
                        lengths = keep(batch.lengths)](const Tensor& g, const Tensor& y) {
                  return ctc_loss_backward(g, x(), y, alpha(), {states(), frames(), lengths()});
                }));
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcLossOptions& options) {
  const bool single = log_probs.dim() == 2;
  const Tensor x = single ? log_probs.unsqueeze(1) : log_probs;
  const Batch batch = batch_of(x, targets, input_lengths, target_lengths, options.blank);
  Tensor losses = ctc_losses(x, batch);
  if (options.zero_infinity) losses = where(losses == kInfinity, Scalar(0.0), losses);
  if (options.reduction == Reduction::Mean)
    losses = losses / clamp(batch.lengths, {.min = 1}).to(losses.dtype());
  losses = detail::reduce_losses(kOp, losses, options.reduction);
  return single && losses.dim() == 1 ? losses.squeeze(0) : losses;
}

}  // namespace reel
