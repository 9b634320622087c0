#include <reel/autograd/kernels/softmax.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/loss.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {

using detail::reduce_losses;

namespace {

// ---- class indices -------------------------------------------------------------------------------------------

// Class indices, checked, and what follows from the ignored ones among them.
struct Classes {
  Tensor index;     // [N, d1, ...], int64, with 0 in place of ignored targets
  Tensor valid;     // bool of that shape; undefined if no target is ignored
  int64_t counted;  // targets that are not ignored
};

int class_dim(const Tensor& input) { return input.dim() == 1 ? 0 : 1; }

Classes classes_of(const char* op, const Tensor& input, const Tensor& target,
                   int64_t ignore_index) {
  check(input.dim() >= 1, "{}: an input [C], [N, C] or [N, C, d1, ...] is required, got {}", op,
        input.shape());
  Shape expected = input.shape();
  expected.erase(class_dim(input));
  check(target.shape() == expected,
        "{}: a target of shape {} is required for an input of shape {}, got {}", op, expected,
        input.shape(), target.shape());
  check<TypeError>(is_integral(target.dtype()) && target.dtype() != kBool,
                   "{}: class indices of an integer dtype are required, got {}", op,
                   target.dtype());
  const Tensor index = target.detach().to(kInt64);
  const int64_t classes = input.size(class_dim(input));
  const int64_t ignored = kernels::check_targets(op, index.array(), classes, ignore_index);
  if (ignored == 0) return {index, {}, index.numel()};
  const Tensor valid = index != ignore_index;
  return {where(valid, index, Scalar(0)), valid, index.numel() - ignored};
}

void check_weight(const char* op, const Tensor& input, const Tensor& weight) {
  if (!weight.defined()) return;
  const int64_t classes = input.size(class_dim(input));
  check(weight.shape() == Shape(classes), "{}: a weight of shape [{}] is required, got {}", op,
        classes, weight.shape());
}

// The factor of each target's loss: its class's weight, 0 if ignored. Undefined if all are 1.
Tensor factors_of(const Classes& classes, const Tensor& weight, Dtype dtype) {
  Tensor factors = classes.valid.defined() ? classes.valid.to(dtype) : Tensor();
  if (!weight.defined()) return factors;
  const Tensor flat =
      weight.to(dtype).index_select(0, classes.index.reshape({classes.index.numel()}));
  const Tensor picked = flat.reshape(classes.index.shape());
  return factors.defined() ? picked * factors : picked;
}

Tensor apply(const Tensor& losses, const Tensor& factors, const Classes& classes) {
  // Not a product alone: an infinite loss of an ignored target would become NaN.
  const Tensor kept = classes.valid.defined() ? where(classes.valid, losses, Scalar(0.0)) : losses;
  return factors.defined() ? kept * factors : kept;
}

// sum / sum of factors, which is NaN where nothing counts.
Tensor reduce_weighted(const char* op, const Tensor& losses, const Tensor& factors,
                       Reduction reduction) {
  if (reduction != Reduction::Mean || !factors.defined())
    return reduce_losses(op, losses, reduction);
  return losses.sum() / factors.sum();
}

Tensor pick(const Tensor& input, const Classes& classes) {
  const int dim = class_dim(input);
  return input.gather(dim, classes.index.unsqueeze(dim)).squeeze(dim);
}

Tensor nll(const char* op, const Tensor& log_probabilities, const Classes& classes,
           const Tensor& factors, Reduction reduction) {
  return reduce_weighted(op, apply(-pick(log_probabilities, classes), factors, classes), factors,
                         reduction);
}

// ---- cross entropy ---------------------------------------------------------------------------------------------

// One number a class, in a shape that broadcasts with `input`.
Tensor along_classes(const Tensor& weight, const Tensor& input) {
  Shape shape = Shape::filled(input.dim(), 1);
  shape[class_dim(input)] = weight.numel();
  return weight.to(input.dtype()).reshape(shape);
}

// PyTorch's: (1 - s) * nll + s / C * sum over classes of weight * -log softmax.
Tensor smoothed(const Tensor& input, const Classes& classes, const CrossEntropyOptions& options) {
  const int dim = class_dim(input);
  const double smoothing = options.label_smoothing;
  const Tensor logs = log_softmax(input, dim);
  const Tensor factors = factors_of(classes, options.weight, input.dtype());
  const Tensor weighted =
      options.weight.defined() ? logs * along_classes(options.weight, input) : logs;
  const Tensor spread = apply(-weighted.sum(dim), {}, classes);
  return nll("cross_entropy", logs, classes, factors, options.reduction) * (1 - smoothing) +
         reduce_weighted("cross_entropy", spread, factors, options.reduction) *
             (smoothing / static_cast<double>(input.size(dim)));
}

Tensor with_probabilities(const Tensor& input, const Tensor& target,
                          const CrossEntropyOptions& options) {
  const int dim = class_dim(input);
  const int64_t classes = input.size(dim);
  Tensor wanted = target;
  if (options.label_smoothing > 0) {
    wanted = target * (1 - options.label_smoothing) +
             options.label_smoothing / static_cast<double>(classes);
  }
  Tensor terms = log_softmax(input, dim) * wanted;
  if (options.weight.defined()) terms = terms * along_classes(options.weight, input);
  const Tensor losses = -terms.sum(dim);
  return reduce_losses("cross_entropy", losses, options.reduction);
}

// (softmax(x) - one_hot(target)) * g in each row; 0 in ignored rows.
Tensor cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& target,
                              int64_t ignore_index) {
  return record(
      "cross_entropy_backward",
      kernels::cross_entropy_backward(g.array(), x.array(), target.array(), ignore_index),
      wrt(g,
          [x = keep(x), target = keep(target), ignore_index](const Tensor& h) {
            const Tensor valid = target() != ignore_index;
            const Tensor index = where(valid, target(), Scalar(0)).unsqueeze(1);
            const Tensor picked = h.gather(1, index).squeeze(1);
            return where(valid, (h * softmax(x(), 1)).sum(1) - picked, Scalar(0.0));
          }),
      wrt(x, [x = keep(x), g = keep(g), target = keep(target), ignore_index](const Tensor& h) {
        const Tensor factor = where(target() != ignore_index, g(), Scalar(0.0)).unsqueeze(1);
        const Tensor y = softmax(x(), 1), u = h * factor;
        return y * (u - (u * y).sum(1, {.keepdim = true}));
      }));
}

// The losses of [N, C] and [N] without weights. Computed in one pass over x and kept without the
// probabilities.
Tensor cross_entropy_rows(const Tensor& x, const Tensor& target, int64_t ignore_index) {
  return record("cross_entropy", kernels::cross_entropy(x.array(), target.array(), ignore_index),
                wrt(x, [x = keep(x), target = keep(target), ignore_index](const Tensor& g) {
                  return cross_entropy_backward(g, x(), target(), ignore_index);
                }));
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const NllLossOptions& options) {
  check<TypeError>(input.is_floating_point(), "nll_loss: a floating input is required, got {}",
                   input.dtype());
  const Classes classes = classes_of("nll_loss", input, target, options.ignore_index);
  check_weight("nll_loss", input, options.weight);
  return nll("nll_loss", input, classes, factors_of(classes, options.weight, input.dtype()),
             options.reduction);
}

Tensor cross_entropy(const Tensor& input, const Tensor& target,
                     const CrossEntropyOptions& options) {
  const char* op = "cross_entropy";
  check<TypeError>(input.is_floating_point(), "{}: a floating input is required, got {}", op,
                   input.dtype());
  check(options.label_smoothing >= 0 && options.label_smoothing <= 1,
        "{}: label_smoothing must be between 0 and 1, got {}", op, options.label_smoothing);
  check(input.dim() >= 1, "{}: an input [C], [N, C] or [N, C, d1, ...] is required, got {}", op,
        input.shape());
  check_weight(op, input, options.weight);
  if (target.is_floating_point() && target.shape() == input.shape())
    return with_probabilities(input, target, options);
  const Classes classes = classes_of(op, input, target, options.ignore_index);
  if (options.label_smoothing > 0) return smoothed(input, classes, options);
  if (input.dim() != 2 || options.weight.defined()) {
    const Tensor factors = factors_of(classes, options.weight, input.dtype());
    return nll(op, log_softmax(input, class_dim(input)), classes, factors, options.reduction);
  }
  const Tensor losses = cross_entropy_rows(input, target.detach().to(kInt64), options.ignore_index);
  if (options.reduction != Reduction::Mean || !classes.valid.defined())
    return reduce_losses(op, losses, options.reduction);
  return losses.sum() / static_cast<double>(classes.counted);
}

}  // namespace reel
