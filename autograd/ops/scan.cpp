#include <reel/autograd/kernels/reduce.h>
#include <reel/autograd/kernels/scan.h>
#include <reel/autograd/ops/detail/reduced_dims.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/scan.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <limits>

namespace reel {
namespace {

// With `first`, of size 1 along `dim`, before x and without the last slice of x.
Tensor behind(const Tensor& first, const Tensor& x, int dim) {
  if (x.dim() == 0 || x.size(dim) == 0) return x.dim() == 0 ? first : x;
  return cat({first, x.narrow(dim, 0, x.size(dim) - 1)}, dim);
}

// A constant for one end of x.
Tensor edge(const Tensor& x, int dim, Scalar value) {
  Shape shape = x.shape();
  if (x.dim() > 0) shape[dim] = 1;
  return Tensor(Array::full(shape, value, x.dtype()));
}

Tensor shifted(const Tensor& x, int dim, Scalar first) {
  return behind(edge(x, dim, first), x, dim);
}

// y[i] = term[i] + factor[i] y[i - 1], or in reverse y[i] = term[i] + factor[i + 1] y[i + 1]. Each
// of the two is the other's gradient, so what is written with them has derivatives of every order,
// and none of them divides.
Tensor recurrence(const Tensor& factor, const Tensor& term, int dim, bool reverse) {
  return record("recurrence", kernels::recurrence(factor.array(), term.array(), dim, reverse),
                wrt(factor,
                    [factor = keep(factor), dim, reverse](const Tensor& g, const Tensor& y) {
                      const Tensor total = recurrence(factor(), g, dim, !reverse);
                      return reverse ? shifted(total, dim, 0) * y : total * shifted(y, dim, 0);
                    }),
                wrt(term, [factor = keep(factor), dim, reverse](const Tensor& g) {
                  return recurrence(factor(), g, dim, !reverse);
                }));
}

Tensor running_sum(const Tensor& x, int dim, bool reverse) {
  return record("cumsum", kernels::cumsum(x.array(), dim, reverse),
                wrt(x, [dim, reverse](const Tensor& g) { return running_sum(g, dim, !reverse); }));
}

// a - b, but 0 between equal infinities.
Tensor difference(const Tensor& a, const Tensor& b) {
  const double infinity = std::numeric_limits<double>::infinity();
  return where((a == b) & (abs(a) == infinity), 0, a - b);
}

ValuesAndIndices extremum_so_far(const char* op, kernels::Picked (*scan)(const Array&, int),
                                 const Tensor& x, int dim) {
  const int wrapped = wrap_dim(op, dim, x.dim());
  kernels::Picked picked = scan(x.array(), wrapped);
  const Tensor indices(std::move(picked.indices));
  Tensor values =
      record(op, std::move(picked.values),
             wrt(x, [indices = keep(indices), wrapped](const Tensor& g, const Shape& shape) {
               return scatter_add(Tensor(Array::full(shape, 0, g.dtype())), wrapped, indices(), g);
             }));
  return {std::move(values), indices};
}

}  // namespace

// ---- scans ---------------------------------------------------------------------------------------------------

Tensor cumsum(const Tensor& x, int dim, const DtypeOptions& options) {
  if (options.dtype) return cumsum(x.to(*options.dtype), dim).to(*options.dtype);
  return running_sum(x, wrap_dim("cumsum", dim, x.dim()), false);
}

Tensor cumprod(const Tensor& x, int dim, const DtypeOptions& options) {
  if (options.dtype) return cumprod(x.to(*options.dtype), dim).to(*options.dtype);
  const int wrapped = wrap_dim("cumprod", dim, x.dim());
  // The derivative of y[j] by x[i] is y[i - 1] times what x[i + 1] to x[j] make: no division, so
  // zeros need no care.
  return record("cumprod", kernels::cumprod(x.array(), wrapped),
                wrt(x, [x = keep(x), wrapped](const Tensor& g, const Tensor& y) {
                  return recurrence(x(), g, wrapped, true) * shifted(y, wrapped, 1);
                }));
}

Tensor logcumsumexp(const Tensor& x, int dim) {
  const int wrapped = wrap_dim("logcumsumexp", dim, x.dim());
  check<TypeError>(x.is_floating_point(), "logcumsumexp: expected a floating dtype, got {}",
                   x.dtype());
  // The sum of g[j] exp(x[i] - y[j]) over j >= i, in steps whose exponents are never positive.
  return record("logcumsumexp", kernels::logcumsumexp(x.array(), wrapped),
                wrt(x, [x = keep(x), wrapped](const Tensor& g, const Tensor& y) {
                  if (y.numel() == 0) return g;
                  const Tensor first = y.dim() == 0 ? y : y.narrow(wrapped, 0, 1);
                  const Tensor step = exp(difference(behind(first, y, wrapped), y));
                  return recurrence(step, g, wrapped, true) * exp(difference(x(), y));
                }));
}

ValuesAndIndices cummax(const Tensor& x, int dim) {
  return extremum_so_far("cummax", kernels::cummax, x, dim);
}

ValuesAndIndices cummin(const Tensor& x, int dim) {
  return extremum_so_far("cummin", kernels::cummin, x, dim);
}

// ---- products: their gradient is made of running ones ----------------------------------------------------------

Tensor prod(const Tensor& x, const ReduceOptions& options) {
  const Tensor y = prod(x.reshape({-1}), 0, {.dtype = options.dtype});
  return options.keepdim ? y.reshape(Shape::filled(x.dim(), 1)) : y;
}

Tensor prod(const Tensor& x, int dim, const ReduceOptions& options) {
  if (options.dtype) {
    return prod(x.to(*options.dtype), dim, {.keepdim = options.keepdim}).to(*options.dtype);
  }
  const int wrapped = wrap_dim("prod", dim, x.dim());
  if (x.dim() == 0) return prod(x.reshape({1}), 0);
  const ReducedDims reduced("prod", wrapped, x.dim());
  return record(
      "prod", kernels::prod(x.array(), reduced.mask(), reduced.result(x.shape(), options.keepdim)),
      wrt(x, [x = keep(x), wrapped, reduced](const Tensor& g, const Shape& shape) {
        if (shape.numel() == 0) return Tensor(Array::full(shape, 0, g.dtype()));
        // The product of those before each element, times g times the product of those behind it.
        const Tensor last = reduced.restore(g, shape).reshape(reduced.result(shape, true));
        Shape rest = shape;
        rest[wrapped] -= 1;
        const Tensor ends = cat({Tensor(Array::full(rest, 0, g.dtype())), last}, wrapped);
        return recurrence(x(), ends, wrapped, true) * shifted(cumprod(x(), wrapped), wrapped, 1);
      }));
}

// ---- differences ---------------------------------------------------------------------------------------------

Tensor diff(const Tensor& x, int64_t n, int dim, const Tensor& prepend, const Tensor& append) {
  check(x.dim() > 0, "diff: expected at least 1 dim, got a 0-d tensor");
  check(n >= 0, "diff: n must not be negative, got {}", n);
  const int wrapped = wrap_dim("diff", dim, x.dim());
  if (n == 0) return x.clone();
  std::vector<Tensor> parts;
  for (const Tensor& part : {prepend, x, append}) {
    if (!part.defined()) continue;
    check(part.dim() == x.dim(), "diff: what is joined to x must have {} dims, got shape {}",
          x.dim(), part.shape());
    parts.push_back(part);
  }
  Tensor y = parts.size() == 1 ? x : cat(parts, wrapped);
  if (y.size(wrapped) == 0) return y.clone();
  const bool truth = y.dtype() == kBool;
  // No more often than there is something left.
  for (int64_t i = std::min(n, y.size(wrapped)); i > 0; --i) {
    const Tensor next = y.slice(wrapped, 1), last = y.slice(wrapped, 0, -1);
    y = truth ? next != last : next - last;
  }
  return y;
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::prod(const ReduceOptions& options) const { return reel::prod(self(), options); }
Tensor MathMethods::prod(int dim, const ReduceOptions& options) const {
  return reel::prod(self(), dim, options);
}
Tensor MathMethods::cumsum(int dim, const DtypeOptions& options) const {
  return reel::cumsum(self(), dim, options);
}
Tensor MathMethods::cumprod(int dim, const DtypeOptions& options) const {
  return reel::cumprod(self(), dim, options);
}
Tensor MathMethods::logcumsumexp(int dim) const { return reel::logcumsumexp(self(), dim); }
ValuesAndIndices MathMethods::cummax(int dim) const { return reel::cummax(self(), dim); }
ValuesAndIndices MathMethods::cummin(int dim) const { return reel::cummin(self(), dim); }

Tensor& InPlaceMethods::cumsum_(int dim) {
  return rebind_inplace("cumsum_", self(), reel::cumsum(former(self()), dim));
}
Tensor& InPlaceMethods::cumprod_(int dim) {
  return rebind_inplace("cumprod_", self(), reel::cumprod(former(self()), dim));
}

Tensor MathMethods::diff(int64_t n, int dim) const { return reel::diff(self(), n, dim); }
Tensor MathMethods::diff(int64_t n, int dim, const Tensor& prepend, const Tensor& append) const {
  return reel::diff(self(), n, dim, prepend, append);
}

}  // namespace reel
