#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/reduce.h>
#include <reel/autograd/ops/detail/reduced_dims.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/scan.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>
#include <cmath>

namespace reel {

// ---- dims ----------------------------------------------------------------------------------------------------

int64_t ReducedDims::count(const Shape& shape) const {
  int64_t count = 1;
  for (int i = 0; i < shape.rank(); ++i) count *= (mask_ >> i & 1) != 0 ? shape[i] : 1;
  return count;
}

Shape ReducedDims::result(const Shape& shape, bool keepdim) const {
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if ((mask_ >> i & 1) == 0)
      result.push_back(shape[i]);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

Tensor ReducedDims::restore(const Tensor& result, const Shape& shape) const {
  // A 0-d tensor broadcasts as it is.
  if (result.dim() == 0 || result.dim() == shape.rank()) return result;
  return result.reshape(this->result(shape, true));
}

void ReducedDims::check_elements(const char* op, const Tensor& x) const {
  check(count(x.shape()) > 0, "{}: expected at least one element, got shape {}", op, x.shape());
}

namespace {

void check_floating(const char* op, Dtype dtype) {
  check<TypeError>(is_floating(dtype), "{}: expected a floating dtype, got {}", op, dtype);
}

}  // namespace

// ---- sums ----------------------------------------------------------------------------------------------------

Tensor sum(const Tensor& x, const Dims& dims, const ReduceOptions& options) {
  if (options.dtype) {
    return sum(x.to(*options.dtype), dims, {.keepdim = options.keepdim}).to(*options.dtype);
  }
  if (dims.empty() && !options.keepdim) {
    return record("sum", kernels::sum(x.array(), ~uint64_t{0}, {}),
                  wrt(x, [](const Tensor& g, const Shape& shape) { return g.expand(shape); }));
  }
  const ReducedDims reduced("sum", dims, x.dim());
  return record("sum",
                kernels::sum(x.array(), reduced.mask(), reduced.result(x.shape(), options.keepdim)),
                wrt(x, [reduced](const Tensor& g, const Shape& shape) {
                  return reduced.restore(g, shape).expand(shape);
                }));
}

Tensor nansum(const Tensor& x, const Dims& dims, const ReduceOptions& options) {
  if (!x.is_floating_point()) return sum(x, dims, options);
  return sum(where(isnan(x), 0, x), dims, options);
}

Tensor mean(const Tensor& x, const Dims& dims, const ReduceOptions& options) {
  const Dtype dtype = options.dtype.value_or(x.dtype());
  check_floating("mean", dtype);
  if (dtype != x.dtype()) return mean(x.to(dtype), dims, {.keepdim = options.keepdim});
  const ReducedDims reduced("mean", dims, x.dim());
  const int64_t count = reduced.count(x.shape());
  const Array total =
      kernels::sum(x.array(), reduced.mask(), reduced.result(x.shape(), options.keepdim));
  return record("mean", kernels::div(total, Array::full({}, count, dtype)),
                wrt(x, [reduced, count](const Tensor& g, const Shape& shape) {
                  return reduced.restore(g / count, shape).expand(shape);
                }));
}

Tensor nanmean(const Tensor& x, const Dims& dims, const ReduceOptions& options) {
  check_floating("nanmean", x.dtype());
  const Tensor numbers = sum(!isnan(x), dims, {.keepdim = options.keepdim});
  const Tensor total = nansum(x, dims, options);
  return total / numbers.to(total.dtype());
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int shift = x.dim() - shape.rank();
  bool fits = shift >= 0;
  uint64_t mask = 0;
  for (int i = 0; fits && i < x.dim(); ++i) {
    const int64_t wanted = i < shift ? 1 : shape[i - shift], got = x.shape()[i];
    fits = wanted == 1 || wanted == got;
    if (i < shift || wanted != got) mask |= uint64_t{1} << i;
  }
  check(fits, "sum_to: shape {} must expand to that of the tensor, got {}", shape, x.shape());
  return record("sum_to", kernels::sum(x.array(), mask, shape),
                wrt(x, [](const Tensor& g, const Shape& input) { return g.expand(input); }));
}

namespace {

// Twice the height in the middle of each step along dim.
Tensor heights(const char* op, const Tensor& y, int dim) {
  check(y.dim() > 0, "{}: expected at least 1 dim, got a 0-d tensor", op);
  return y.slice(dim, 1) + y.slice(dim, 0, -1);
}

}  // namespace

Tensor trapezoid(const Tensor& y, Scalar dx, int dim) {
  return sum(heights("trapezoid", y, dim), dim) * (dx.to<double>() / 2);
}

Tensor trapezoid(const Tensor& y, const Tensor& x, int dim) {
  const Tensor high = heights("trapezoid", y, dim);
  const int wrapped = wrap_dim("trapezoid", dim, y.dim());
  Tensor steps;
  if (x.dim() == 1) {
    check(x.size(0) == y.size(wrapped), "trapezoid: {} places are required, got {}",
          y.size(wrapped), x.size(0));
    Shape shape = Shape::filled(y.dim(), 1);
    steps = diff(x);
    shape[wrapped] = steps.size(0);
    steps = steps.reshape(shape);
  } else {
    check(x.dim() == y.dim(), "trapezoid: places must have 1 or {} dims, got shape {}", y.dim(),
          x.shape());
    steps = diff(x, 1, wrapped);
  }
  return sum(high * steps, wrapped) / 2;
}

// ---- moments -------------------------------------------------------------------------------------------------

namespace {

// What var and std share: the numbers of one reduction, and what they are recorded with.
struct Variance {
  Variance(const char* op, const Tensor& x, const Dims& dims, const VarOptions& options)
      : reduced(op, dims, x.dim()),
        count(static_cast<double>(reduced.count(x.shape()))),
        divisor(std::max(count - options.correction.value_or(options.unbiased ? 1 : 0), 0.0)) {
    check_floating(op, x.dtype());
    numbers = kernels::moments(x.array(), divisor, reduced.mask(),
                               reduced.result(x.shape(), options.keepdim));
  }
  ReducedDims reduced;
  double count, divisor;
  kernels::Moments numbers;
};

// Distances from the mean, divided by what var divides by.
Tensor distances(const Tensor& x, const ReducedDims& reduced, double divisor) {
  const Shape kept = reduced.result(x.shape(), true);
  const double count = static_cast<double>(reduced.count(x.shape()));
  return (x - sum_to(x, kept) / count) / divisor;
}

Tensor record_var(const Tensor& x, Variance& v) {
  return record("var", std::move(v.numbers.var),
                wrt(x, [x = keep(x), reduced = v.reduced, divisor = v.divisor](const Tensor& g) {
                  return reduced.restore(g, x().shape()) * 2 * distances(x(), reduced, divisor);
                }));
}

Tensor record_std(const Tensor& x, Variance& v) {
  return record("std", kernels::sqrt(v.numbers.var),
                wrt(x, [x = keep(x), reduced = v.reduced, divisor = v.divisor](const Tensor& g,
                                                                               const Tensor& y) {
                  const Tensor flat = y == 0;
                  const Tensor slope = where(flat, 0, g / where(flat, 1, y));
                  return reduced.restore(slope, x().shape()) * distances(x(), reduced, divisor);
                }));
}

Tensor record_mean(const Tensor& x, Variance& v) {
  return record("mean", std::move(v.numbers.mean),
                wrt(x, [reduced = v.reduced, count = v.count](const Tensor& g, const Shape& shape) {
                  return reduced.restore(g / count, shape).expand(shape);
                }));
}

}  // namespace

Tensor var(const Tensor& x, const Dims& dims, const VarOptions& options) {
  Variance variance("var", x, dims, options);
  return record_var(x, variance);
}

Tensor std(const Tensor& x, const Dims& dims, const VarOptions& options) {
  Variance variance("std", x, dims, options);
  return record_std(x, variance);
}

VarAndMean var_mean(const Tensor& x, const Dims& dims, const VarOptions& options) {
  Variance variance("var_mean", x, dims, options);
  return {record_var(x, variance), record_mean(x, variance)};
}

StdAndMean std_mean(const Tensor& x, const Dims& dims, const VarOptions& options) {
  Variance variance("std_mean", x, dims, options);
  return {record_std(x, variance), record_mean(x, variance)};
}

// ---- logsumexp and norms -------------------------------------------------------------------------------------

Tensor logsumexp(const Tensor& x, const Dims& dims, const DimOptions& options) {
  if (!x.is_floating_point()) return logsumexp(x.to(kFloat32), dims, options);
  const ReducedDims reduced("logsumexp", dims, x.dim());
  return record(
      "logsumexp",
      kernels::logsumexp(x.array(), reduced.mask(), reduced.result(x.shape(), options.keepdim)),
      wrt(x, [x = keep(x), reduced](const Tensor& g, const Tensor& y) {
        const Shape& shape = x().shape();
        return reduced.restore(g, shape) * exp(x() - reduced.restore(y, shape));
      }));
}

namespace {

// The gradient of the p-norm y with respect to x. Numbers that a slope is undefined for are
// replaced before it is computed: what where() drops must not be infinite either, or the next
// derivative would be NaN.
Tensor norm_slope(const Tensor& x, const Tensor& y, double p) {
  if (p == 0) return Tensor(Array::full(x.shape(), 0, x.dtype()));
  if (p == 1) return sign(x);
  if (std::isinf(p)) {
    const Tensor ties = ((abs(x) == y) | isnan(x)).to(x.dtype());
    return sign(x) * (ties / sum_to(ties, y.shape()));
  }
  const Tensor nothing = y == 0, size = where(nothing, 1, y);
  if (p == 2) return where(nothing, 0, x / size);
  return where(nothing, 0, sign(x) * pow(where(x == 0, 1, abs(x)) / size, p - 1));
}

}  // namespace

Tensor norm(const Tensor& x, double p, const Dims& dims, const DimOptions& options) {
  check_floating("norm", x.dtype());
  check(!std::isnan(p), "norm: p must be a number, got {}", p);
  const ReducedDims reduced("norm", dims, x.dim());
  check((p >= 0 && !std::isinf(p)) || reduced.count(x.shape()) > 0,
        "norm: expected at least one element for p = {}, got shape {}", p, x.shape());
  return record(
      "norm",
      kernels::norm(x.array(), p, reduced.mask(), reduced.result(x.shape(), options.keepdim)),
      wrt(x, [x = keep(x), reduced, p](const Tensor& g, const Tensor& y) {
        const Shape& shape = x().shape();
        return reduced.restore(g, shape) * norm_slope(x(), reduced.restore(y, shape), p);
      }));
}

// ---- truth ---------------------------------------------------------------------------------------------------

Tensor count_nonzero(const Tensor& x, const Dims& dims) {
  const ReducedDims reduced("count_nonzero", dims, x.dim());
  return Tensor(
      kernels::count_nonzero(x.array(), reduced.mask(), reduced.result(x.shape(), false)));
}

bool all(const Tensor& x) { return all(x, {}).item<bool>(); }

bool any(const Tensor& x) { return any(x, {}).item<bool>(); }

Tensor all(const Tensor& x, const Dims& dims, const DimOptions& options) {
  const ReducedDims reduced("all", dims, x.dim());
  return Tensor(kernels::count_nonzero(x.array(), reduced.mask(),
                                       reduced.result(x.shape(), options.keepdim))) ==
         reduced.count(x.shape());
}

Tensor any(const Tensor& x, const Dims& dims, const DimOptions& options) {
  const ReducedDims reduced("any", dims, x.dim());
  return Tensor(kernels::count_nonzero(x.array(), reduced.mask(),
                                       reduced.result(x.shape(), options.keepdim))) != 0;
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::sum(const Dims& dims, const ReduceOptions& options) const {
  return reel::sum(self(), dims, options);
}
Tensor MathMethods::nansum(const Dims& dims, const ReduceOptions& options) const {
  return reel::nansum(self(), dims, options);
}
Tensor MathMethods::mean(const Dims& dims, const ReduceOptions& options) const {
  return reel::mean(self(), dims, options);
}
Tensor MathMethods::var(const Dims& dims, const VarOptions& options) const {
  return reel::var(self(), dims, options);
}
Tensor MathMethods::std(const Dims& dims, const VarOptions& options) const {
  return reel::std(self(), dims, options);
}
Tensor MathMethods::logsumexp(const Dims& dims, const DimOptions& options) const {
  return reel::logsumexp(self(), dims, options);
}
Tensor MathMethods::norm(double p, const Dims& dims, const DimOptions& options) const {
  return reel::norm(self(), p, dims, options);
}
bool MathMethods::all() const { return reel::all(self()); }
bool MathMethods::any() const { return reel::any(self()); }
Tensor MathMethods::all(const Dims& dims, const DimOptions& options) const {
  return reel::all(self(), dims, options);
}
Tensor MathMethods::any(const Dims& dims, const DimOptions& options) const {
  return reel::any(self(), dims, options);
}
Tensor MathMethods::count_nonzero(const Dims& dims) const {
  return reel::count_nonzero(self(), dims);
}

}  // namespace reel
