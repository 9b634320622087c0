#include <reel/autograd/kernels/softmax.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/elementwise.h>
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

}  // namespace

Tensor softmax(const Tensor& x, int dim) {
  dim = wrap_dim("softmax", dim, x.dim());
  return record("softmax", along(kernels::softmax, x.array(), dim),
                wrt(x, [dim](const Tensor& g, const Tensor& y) {
                  return y * (g - (g * y).sum(dim, {.keepdim = true}));
                }));
}

Tensor log_softmax(const Tensor& x, int dim) {
  dim = wrap_dim("log_softmax", dim, x.dim());
  return record("log_softmax", along(kernels::log_softmax, x.array(), dim),
                wrt(x, [dim](const Tensor& g, const Tensor& y) {
                  return g - exp(y) * g.sum(dim, {.keepdim = true});
                }));
}

Tensor MathMethods::softmax(int dim) const { return reel::softmax(self(), dim); }
Tensor MathMethods::log_softmax(int dim) const { return reel::log_softmax(self(), dim); }

}  // namespace reel
