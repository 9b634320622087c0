#include <reel/autograd/kernels/distance.h>
#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/linalg_decompose.h>
#include <reel/autograd/ops/linalg_norm.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <limits>

namespace reel {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The derivative of a norm y of order p at x, both broadcast: sign(x) (|x| / y)^(p - 1), 0 where
// that has no limit.
Tensor direction(const Tensor& x, const Tensor& y, double p) {
  if (p == 0) return zeros_like(x);
  const Tensor size = masked_fill(y, y == 0, kInfinity);
  if (p == 2) return x / size;
  Tensor ratio = abs(x) / size;
  if (p < 1) ratio = masked_fill(ratio, x == 0, 1);
  return sign(x) * pow(ratio, p - 1);
}

}  // namespace

namespace linalg {

// ---- vectors -------------------------------------------------------------------------------------------------

Tensor vector_norm(const Tensor& x, double ord, const Dims& dims, const ReduceOptions& options) {
  const char* op = "linalg::vector_norm";
  const Dtype dtype = options.dtype.value_or(x.dtype());
  check<TypeError>(is_floating(dtype) && is_floating(x.dtype()),
                   "{}: a floating dtype is required, got {}", op,
                   x.is_floating_point() ? dtype : x.dtype());
  if (dtype != x.dtype()) return vector_norm(x.to(dtype), ord, dims, {.keepdim = options.keepdim});
  return reel::norm(x, ord, dims, {.keepdim = options.keepdim});
}

// ---- matrices ------------------------------------------------------------------------------------------------

namespace {

// Sums of absolute values along one of two dims, the largest (or smallest) along the other.
Tensor sum_norm(const Tensor& a, int summed, int compared, bool largest, bool keepdim) {
  const Tensor sums = sum(abs(a), summed, {.keepdim = true});
  const Tensor y =
      largest ? amax(sums, compared, {.keepdim = true}) : amin(sums, compared, {.keepdim = true});
  if (keepdim) return y;
  return y.squeeze(std::max(summed, compared)).squeeze(std::min(summed, compared));
}

// What f makes of the singular values of the matrices in two dims.
template <class F>
Tensor spectral_norm(const Tensor& a, int row, int col, bool keepdim, F&& f) {
  Dims order;
  for (int i = 0; i < a.dim(); ++i) {
    if (i != row && i != col) order.push_back(i);
  }
  order.push_back(row);
  order.push_back(col);
  const Tensor y = f(svdvals(a.permute(order)));
  if (!keepdim) return y;
  return y.unsqueeze(std::min(row, col)).unsqueeze(std::max(row, col));
}

}  // namespace

Tensor matrix_norm(const Tensor& a, NormOrder ord, const Dims& dims, const ReduceOptions& options) {
  const char* op = "linalg::matrix_norm";
  kernels::check_matrices(op, a.array());
  check(dims.size() == 2, "{}: two dims are required, got {}", op, dims.size());
  dims_mask(op, dims, a.dim());
  const Dtype dtype = options.dtype.value_or(a.dtype());
  check<TypeError>(is_floating(dtype), "{}: a floating dtype is required, got {}", op, dtype);
  if (dtype != a.dtype()) return matrix_norm(a.to(dtype), ord, dims, {.keepdim = options.keepdim});
  const int row = wrap_dim(op, dims[0], a.dim()), col = wrap_dim(op, dims[1], a.dim());
  const bool keepdim = options.keepdim;
  if (!ord.is_number()) {
    check(ord.name() == "fro" || ord.name() == "nuc",
          "{}: an order \"fro\", \"nuc\", 1, 2, infinity or one of their negatives is required, "
          "got \"{}\"",
          op, ord.name());
    if (ord.name() == "fro") return vector_norm(a, 2, dims, {.keepdim = keepdim});
    return spectral_norm(a, row, col, keepdim, [](const Tensor& s) { return s.sum(-1); });
  }
  const double p = ord.number(), size = std::fabs(p);
  check(
      size == 1 || size == 2 || std::isinf(p),
      "{}: an order \"fro\", \"nuc\", 1, 2, infinity or one of their negatives is required, got {}",
      op, p);
  const int64_t compared =
      size == 2 ? std::min(a.size(row), a.size(col)) : a.size(std::isinf(p) ? row : col);
  check(compared > 0, "{}: order {} of a matrix without elements does not exist, got shape {}", op,
        p, a.shape());
  if (size == 1) return sum_norm(a, row, col, p > 0, keepdim);
  if (std::isinf(p)) return sum_norm(a, col, row, p > 0, keepdim);
  return spectral_norm(a, row, col, keepdim,
                       [p](const Tensor& s) { return p > 0 ? amax(s, -1) : amin(s, -1); });
}

Tensor norm(const Tensor& x, std::optional<NormOrder> ord, const Dims& dims,
            const ReduceOptions& options) {
  if (!ord) return vector_norm(x, 2, dims, options);
  if (dims.size() == 2) return matrix_norm(x, *ord, dims, options);
  if (dims.empty() && x.dim() == 2) return matrix_norm(x, *ord, {-2, -1}, options);
  check(dims.size() == 1 || (dims.empty() && x.dim() == 1),
        "linalg::norm: an order needs one dim or two, got {} dims of shape {}", dims.size(),
        x.shape());
  check(ord->is_number(), "linalg::norm: a number is required as the order for vectors, got \"{}\"",
        ord->name());
  return vector_norm(x, ord->number(), dims, options);
}

}  // namespace linalg

// ---- distances -----------------------------------------------------------------------------------------------

namespace {

// All differences x1_i - x2_j.
Tensor pairs(const Tensor& x1, const Tensor& x2) { return x1.unsqueeze(-2) - x2.unsqueeze(-3); }

// What x1 gets from the distances' g, written out for the derivatives of higher order.
Tensor distance_gradient(const Tensor& g, const Tensor& x1, const Tensor& x2, const Tensor& y,
                         double p) {
  const Tensor d = pairs(x1, x2), g_each = g.unsqueeze(-1), y_each = y.unsqueeze(-1);
  if (p == 1) return sum(g_each * sign(d), -2);
  if (std::isinf(p)) return sum(g_each * sign(d) * (abs(d) == y_each).to(d.dtype()), -2);
  return sum(g_each * direction(d, y_each, p), -2);
}

// The same in one pass where no derivative of it will be asked for: no array of all pairs.
Tensor cdist_backward(const Tensor& g, const Tensor& x1, const Tensor& x2, const Tensor& y,
                      double p) {
  if (is_grad_enabled()) return distance_gradient(g, x1, x2, y, p);
  return Tensor(kernels::cdist_backward(g.array(), x1.array(), x2.array(), y.array(), p));
}

Tensor with_batch(const Tensor& x, Shape batch) {
  batch.push_back(x.size(-2));
  batch.push_back(x.size(-1));
  return x.expand(batch);
}

}  // namespace

Tensor cdist(const Tensor& x1, const Tensor& x2, double p) {
  check(x1.dim() >= 2 && x2.dim() >= 2 && x1.size(-1) == x2.size(-1),
        "cdist: rows of one length are required, got {} and {}", x1.shape(), x2.shape());
  check(p >= 0, "cdist: an order of at least 0 is required, got {}", p);
  const Dtype dtype = promote_types(x1.dtype(), x2.dtype());
  check<TypeError>(is_floating(dtype), "cdist: a floating dtype is required, got {}", dtype);
  const auto batch_of = [](const Tensor& x) {
    return Shape(std::span<const int64_t>(x.shape().data(), x.shape().size() - 2));
  };
  const Shape batch = broadcast_shapes("cdist", batch_of(x1), batch_of(x2));
  const Tensor a = with_batch(x1.to(dtype), batch), b = with_batch(x2.to(dtype), batch);
  return record(
      "cdist", kernels::cdist(a.array(), b.array(), p),
      wrt(a, [a = keep(a), b = keep(b), p](
                 const Tensor& g, const Tensor& y) { return cdist_backward(g, a(), b(), y, p); }),
      wrt(b, [a = keep(a), b = keep(b), p](const Tensor& g, const Tensor& y) {
        return cdist_backward(g.mT(), b(), a(), y.mT(), p);
      }));
}

}  // namespace reel
