#include <reel/autograd/kernels/order.h>
#include <reel/autograd/kernels/reduce.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/detail/reduced_dims.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <limits>

namespace reel {
namespace {

using Reduction = Array (*)(const Array&, uint64_t, const Shape&);
using IndexedReduction = kernels::Picked (*)(const Array&, uint64_t, const Shape&);

Tensor extremum(const char* op, Reduction reduce, const Tensor& x, const Dims& dims, bool keepdim) {
  const ReducedDims reduced(op, dims, x.dim());
  reduced.check_elements(op, x);
  return record(op, reduce(x.array(), reduced.mask(), reduced.result(x.shape(), keepdim)),
                wrt(x, [x = keep(x), reduced](const Tensor& g, const Tensor& y) {
                  const Tensor best = reduced.restore(y, x().shape());
                  const Tensor ties = (x() == best).to(g.dtype());
                  return ties * (reduced.restore(g, x().shape()) / sum_to(ties, best.shape()));
                }));
}

// One element chosen from all; those equal to it share the gradient.
Tensor choice_of_all(const char* op, Array&& value, const Tensor& x) {
  return record(op, std::move(value), wrt(x, [x = keep(x)](const Tensor& g, const Tensor& y) {
                  const Tensor ties = (x() == y) | (isnan(x()) & isnan(y));
                  return where(ties, g / sum(ties), 0);
                }));
}

Tensor extremum_of_all(const char* op, Reduction reduce, const Tensor& x) {
  ReducedDims(op, {}, x.dim()).check_elements(op, x);
  return choice_of_all(op, reduce(x.array(), ~uint64_t{0}, {}), x);
}

// One element chosen along `dim`, which alone gets the gradient.
ValuesAndIndices choice_along(const char* op, kernels::Picked&& picked, const Tensor& x, int dim,
                              const ReducedDims& reduced) {
  const Tensor indices(std::move(picked.indices));
  Tensor values =
      record(op, std::move(picked.values),
             wrt(x, [indices = keep(indices), dim, reduced](const Tensor& g, const Shape& shape) {
               const Tensor zeros(Array::full(shape, 0, g.dtype()));
               return scatter_add(zeros, dim, reduced.restore(indices(), shape),
                                  reduced.restore(g, shape));
             }));
  return {std::move(values), indices};
}

ValuesAndIndices extremum_along(const char* op, IndexedReduction reduce, const Tensor& x, int dim,
                                bool keepdim) {
  const int wrapped = wrap_dim(op, dim, x.dim());
  const ReducedDims reduced(op, wrapped, x.dim());
  reduced.check_elements(op, x);
  return choice_along(op, reduce(x.array(), reduced.mask(), reduced.result(x.shape(), keepdim)), x,
                      wrapped, reduced);
}

Tensor place(const char* op, IndexedReduction reduce, const Tensor& x, const Dims& dims,
             bool keepdim) {
  const ReducedDims reduced(op, dims, x.dim());
  reduced.check_elements(op, x);
  return Tensor(reduce(x.array(), reduced.mask(), reduced.result(x.shape(), keepdim)).indices);
}

// ---- order ---------------------------------------------------------------------------------------------------

void check_ordered(const char* op, const Tensor& x) {
  check<TypeError>(x.dtype() != kBool, "{}: expected a numeric dtype, got {}", op, x.dtype());
}

Array reshaped(const Array& x, const Shape& shape) {
  return x.view(shape, contiguous_strides(shape));
}

Tensor median_of_all(const char* op, const Tensor& x, bool ignore_nan) {
  check_ordered(op, x);
  if (x.numel() == 0) {
    check(x.is_floating_point(), "{}: expected at least one element, got shape {}", op, x.shape());
    return choice_of_all(op, Array::full({}, std::numeric_limits<double>::quiet_NaN(), x.dtype()),
                         x);
  }
  const Array flat = x.detach().reshape({-1}).array();
  return choice_of_all(op, reshaped(kernels::median(op, flat, 0, ignore_nan).values, {}), x);
}

// Of kernels that keep the dim.
ValuesAndIndices ordered_along(const char* op, kernels::Picked (*choose)(const Array&, int),
                               const Tensor& x, int dim, bool keepdim) {
  const int wrapped = wrap_dim(op, dim, x.dim());
  const ReducedDims reduced(op, wrapped, x.dim());
  reduced.check_elements(op, x);
  const kernels::Picked picked = choose(x.array(), wrapped);
  const Shape shape = reduced.result(x.shape(), keepdim);
  return choice_along(op, {reshaped(picked.values, shape), reshaped(picked.indices, shape)}, x,
                      wrapped, reduced);
}

}  // namespace

// ---- extrema -------------------------------------------------------------------------------------------------

Tensor amax(const Tensor& x, const Dims& dims, const DimOptions& options) {
  return extremum("amax", kernels::amax, x, dims, options.keepdim);
}

Tensor amin(const Tensor& x, const Dims& dims, const DimOptions& options) {
  return extremum("amin", kernels::amin, x, dims, options.keepdim);
}

MinAndMax aminmax(const Tensor& x, const DimOptions& options) {
  return {extremum("aminmax", kernels::amin, x, {}, options.keepdim),
          extremum("aminmax", kernels::amax, x, {}, options.keepdim)};
}

MinAndMax aminmax(const Tensor& x, int dim, const DimOptions& options) {
  return {extremum("aminmax", kernels::amin, x, dim, options.keepdim),
          extremum("aminmax", kernels::amax, x, dim, options.keepdim)};
}

Tensor max(const Tensor& x) { return extremum_of_all("max", kernels::amax, x); }

Tensor min(const Tensor& x) { return extremum_of_all("min", kernels::amin, x); }

ValuesAndIndices max(const Tensor& x, int dim, const DimOptions& options) {
  return extremum_along("max", kernels::max_with_index, x, dim, options.keepdim);
}

ValuesAndIndices min(const Tensor& x, int dim, const DimOptions& options) {
  return extremum_along("min", kernels::min_with_index, x, dim, options.keepdim);
}

Tensor argmax(const Tensor& x, const DimOptions& options) {
  return place("argmax", kernels::max_with_index, x, {}, options.keepdim);
}

Tensor argmax(const Tensor& x, int dim, const DimOptions& options) {
  return place("argmax", kernels::max_with_index, x, dim, options.keepdim);
}

Tensor argmin(const Tensor& x, const DimOptions& options) {
  return place("argmin", kernels::min_with_index, x, {}, options.keepdim);
}

Tensor argmin(const Tensor& x, int dim, const DimOptions& options) {
  return place("argmin", kernels::min_with_index, x, dim, options.keepdim);
}

// ---- median and mode -----------------------------------------------------------------------------------------

Tensor median(const Tensor& x) { return median_of_all("median", x, false); }

Tensor nanmedian(const Tensor& x) { return median_of_all("nanmedian", x, true); }

ValuesAndIndices median(const Tensor& x, int dim, const DimOptions& options) {
  check_ordered("median", x);
  return ordered_along(
      "median", [](const Array& a, int d) { return kernels::median("median", a, d, false); }, x,
      dim, options.keepdim);
}

ValuesAndIndices nanmedian(const Tensor& x, int dim, const DimOptions& options) {
  check_ordered("nanmedian", x);
  return ordered_along(
      "nanmedian", [](const Array& a, int d) { return kernels::median("nanmedian", a, d, true); },
      x, dim, options.keepdim);
}

ValuesAndIndices mode(const Tensor& x, int dim, const DimOptions& options) {
  return ordered_along("mode", kernels::mode, x, dim, options.keepdim);
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::amax(const Dims& dims, const DimOptions& options) const {
  return reel::amax(self(), dims, options);
}
Tensor MathMethods::amin(const Dims& dims, const DimOptions& options) const {
  return reel::amin(self(), dims, options);
}
Tensor MathMethods::max() const { return reel::max(self()); }
Tensor MathMethods::min() const { return reel::min(self()); }
ValuesAndIndices MathMethods::max(int dim, const DimOptions& options) const {
  return reel::max(self(), dim, options);
}
ValuesAndIndices MathMethods::min(int dim, const DimOptions& options) const {
  return reel::min(self(), dim, options);
}
Tensor MathMethods::argmax() const { return reel::argmax(self()); }
Tensor MathMethods::argmax(int dim, const DimOptions& options) const {
  return reel::argmax(self(), dim, options);
}
Tensor MathMethods::argmin() const { return reel::argmin(self()); }
Tensor MathMethods::argmin(int dim, const DimOptions& options) const {
  return reel::argmin(self(), dim, options);
}
Tensor MathMethods::median() const { return reel::median(self()); }
ValuesAndIndices MathMethods::median(int dim, const DimOptions& options) const {
  return reel::median(self(), dim, options);
}
ValuesAndIndices MathMethods::mode(int dim, const DimOptions& options) const {
  return reel::mode(self(), dim, options);
}

}  // namespace reel
