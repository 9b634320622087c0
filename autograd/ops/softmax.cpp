// The activation functions along a dim.
#include <reel/autograd/kernels/random.h>
#include <reel/autograd/kernels/softmax.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/check_floating.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

// A 0-d tensor counts as one row of one element.
Array along(Array (*kernel)(const Array&, int), const Array& x, int dim) {
  if (x.rank() > 0) return kernel(x, dim);
  return kernel(x.view({1}, {1}), 0).view({}, {});
}
Array along(Array (*kernel)(const Array&, const Array&, int), const Array& g, const Array& y,
            int dim) {
  if (y.rank() > 0) return kernel(g, y, dim);
  return kernel(g.view({1}, {1}), y.view({1}, {1}), 0).view({}, {});
}

using detail::check_floating;

Tensor softmax_backward(const Tensor& g, const Tensor& y, int dim) {
  return record(
      "softmax_backward", along(kernels::softmax_backward, g.array(), y.array(), dim),
      wrt(g, [y = keep(y), dim](const Tensor& gg) { return softmax_backward(gg, y(), dim); }),
      wrt(y, [g = keep(g), y = keep(y), dim](const Tensor& gg) {
        const Tensor mean = (g() * y()).sum(dim, {.keepdim = true});
        return gg * (g() - mean) - g() * (gg * y()).sum(dim, {.keepdim = true});
      }));
}

Tensor log_softmax_backward(const Tensor& g, const Tensor& y, int dim) {
  return record(
      "log_softmax_backward", along(kernels::log_softmax_backward, g.array(), y.array(), dim),
      wrt(g, [y = keep(y),
              dim](const Tensor& gg) { return gg - (gg * exp(y())).sum(dim, {.keepdim = true}); }),
      wrt(y, [g = keep(g), y = keep(y), dim](const Tensor& gg) {
        return -gg * exp(y()) * g().sum(dim, {.keepdim = true});
      }));
}

}  // namespace

Tensor softmax(const Tensor& input, int dim, const DtypeOptions& options) {
  const Tensor x = input.to(options.dtype.value_or(input.dtype()));
  check_floating("softmax", x);
  dim = wrap_dim("softmax", dim, x.dim());
  return record(
      "softmax", along(kernels::softmax, x.array(), dim),
      wrt(x, [dim](const Tensor& g, const Tensor& y) { return softmax_backward(g, y, dim); }));
}

Tensor log_softmax(const Tensor& input, int dim, const DtypeOptions& options) {
  const Tensor x = input.to(options.dtype.value_or(input.dtype()));
  check_floating("log_softmax", x);
  dim = wrap_dim("log_softmax", dim, x.dim());
  return record(
      "log_softmax", along(kernels::log_softmax, x.array(), dim),
      wrt(x, [dim](const Tensor& g, const Tensor& y) { return log_softmax_backward(g, y, dim); }));
}

Tensor softmin(const Tensor& input, int dim, const DtypeOptions& options) {
  const Tensor x = input.to(options.dtype.value_or(input.dtype()));
  check_floating("softmin", x);
  return softmax(-x, wrap_dim("softmin", dim, x.dim()));
}

Tensor gumbel_softmax(const Tensor& x, const GumbelSoftmaxOptions& options, Generator& generator) {
  check_floating("gumbel_softmax", x);
  const int dim = wrap_dim("gumbel_softmax", options.dim, x.dim());
  check(options.tau > 0, "gumbel_softmax: tau must be positive, got {}", options.tau);
  const Array waits = Array::empty(x.shape(), x.dtype());
  kernels::exponential(waits, 1, generator);
  const Tensor soft = softmax((x - log(Tensor(waits))) / options.tau, dim);
  if (!options.hard || x.numel() == 0) return soft;
  const Tensor place = argmax(soft.detach(), dim, {.keepdim = true});
  const Tensor hard = scatter(zeros_like(soft.detach()), dim, place, 1);
  return hard - soft.detach() + soft;
}

Tensor glu(const Tensor& x, int dim) {
  check_floating("glu", x);
  check(x.dim() > 0, "glu: expected at least 1 dim, got shape {}", x.shape());
  dim = wrap_dim("glu", dim, x.dim());
  const int64_t size = x.size(dim);
  check(size % 2 == 0, "glu: dim {} must be of even size, got {}", dim, size);
  return narrow(x, dim, 0, size / 2) * sigmoid(narrow(x, dim, size / 2, size / 2));
}

Tensor MathMethods::softmax(int dim) const { return reel::softmax(self(), dim); }
Tensor MathMethods::log_softmax(int dim) const { return reel::log_softmax(self(), dim); }

}  // namespace reel
