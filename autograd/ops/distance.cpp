#include <reel/autograd/ops/detail/loss_parts.h>
#include <reel/autograd/ops/distance.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>

#include <cmath>

namespace reel {
namespace {

// f(x) where x is not 0, else 0: at 0 neither f nor its gradient is asked for.
template <class F>
Tensor except_at_zero(const Tensor& x, F f) {
  const Tensor zero = x == 0;
  return where(zero, Scalar(0.0), f(where(zero, Scalar(1.0), x)));
}

Tensor power_sum(const Tensor& size, double p, int dim, bool keepdim) {
  // The slope at 0 is infinite for p < 1, and PyTorch takes it as 0.
  const auto power = [p](const Tensor& x) { return pow(x, p); };
  const Tensor powers = p > 0 && p < 1 ? except_at_zero(size, power) : power(size);
  return powers.sum(dim, {.keepdim = keepdim});
}

// The p-norm along a dim; the gradient of a norm 0 is 0.
Tensor norm_along(const Tensor& x, double p, int dim, bool keepdim) {
  const auto sum = [&](const Tensor& terms) { return terms.sum(dim, {.keepdim = keepdim}); };
  if (p == 2) return except_at_zero(sum(square(x)), [](const Tensor& s) { return sqrt(s); });
  const Tensor size = abs(x);
  if (p == 1) return sum(size);
  if (p == 0) return sum(sign(size));
  if (std::isinf(p))
    return p > 0 ? amax(size, dim, {.keepdim = keepdim}) : amin(size, dim, {.keepdim = keepdim});
  return except_at_zero(power_sum(size, p, dim, keepdim),
                        [p](const Tensor& s) { return pow(s, 1 / p); });
}

// x divided by its norm along `dim` of a shape of `rank` dims, in which that dim has `size`
// entries.
Tensor normalized(const Tensor& x, int dim, int rank, int64_t size, double eps) {
  Shape shape = Shape::filled(rank, 1);
  for (int i = 0; i < x.dim(); ++i) shape[rank - x.dim() + i] = x.size(i);
  Tensor whole = x.reshape(shape);
  if (rank > 0) {
    shape[dim] = size;
    whole = whole.expand(shape);
  }
  return whole / detail::at_least(norm_along(whole, 2, dim, true), eps);
}

}  // namespace

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2,
                         const CosineSimilarityOptions& options) {
  const char* op = "cosine_similarity";
  const Shape shape = broadcast_shapes(op, x1.shape(), x2.shape());
  const int dim = wrap_dim(op, options.dim, shape.rank());
  check<TypeError>(x1.is_floating_point() || x2.is_floating_point(),
                   "{}: floating operands are required, got {} and {}", op, x1.dtype(), x2.dtype());
  const Dtype dtype = promote_types(x1.dtype(), x2.dtype());
  const int64_t size = shape.empty() ? 1 : shape[dim];
  const auto direction = [&](const Tensor& x) {
    return normalized(x.to(dtype), dim, shape.rank(), size, options.eps);
  };
  return (direction(x1) * direction(x2)).sum(dim);
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceOptions& options) {
  const char* op = "pairwise_distance";
  broadcast_shapes(op, x1.shape(), x2.shape());
  return norm_along(x1 - x2 + options.eps, options.p, -1, options.keepdim);
}

Tensor dist(const Tensor& x, const Tensor& other, double p) { return norm(x - other, p); }

Tensor MathMethods::dist(const Tensor& other, double p) const {
  return reel::dist(self(), other, p);
}

}  // namespace reel
