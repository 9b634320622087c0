#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/reduce.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

bool is_reduced(uint64_t mask, int dim) { return (mask >> dim & 1) != 0; }

Shape reduced_shape(const Shape& shape, uint64_t mask, bool keepdim) {
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!is_reduced(mask, i))
      result.push_back(shape[i]);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

int64_t reduced_count(const Shape& shape, uint64_t mask) {
  int64_t count = 1;
  for (int i = 0; i < shape.rank(); ++i) count *= is_reduced(mask, i) ? shape[i] : 1;
  return count;
}

// What a reduction made of `shape`, with its reduced dims as dims of size 1.
Tensor restore_dims(const Tensor& reduced, uint64_t mask, const Shape& shape) {
  if (reduced.dim() == 0 || reduced.dim() == shape.rank()) return reduced;
  return reduced.reshape(reduced_shape(shape, mask, true));
}

Tensor spread(const Tensor& g, uint64_t mask, const Shape& shape) {
  return restore_dims(g, mask, shape).expand(shape);
}

void check_elements(const char* op, const Tensor& x, uint64_t mask) {
  check(reduced_count(x.shape(), mask) > 0, "{}: expected at least one element, got shape {}", op,
        x.shape());
}

using Reduction = Array (*)(const Array&, uint64_t, const Shape&);
using IndexedReduction = kernels::Extrema (*)(const Array&, uint64_t, const Shape&);

Tensor extremum(const char* op, Reduction reduce, const Tensor& x, const Dims& dims, bool keepdim) {
  const uint64_t mask = dims_mask(op, dims, x.dim());
  check_elements(op, x, mask);
  return record(op, reduce(x.array(), mask, reduced_shape(x.shape(), mask, keepdim)),
                wrt(x, [x = keep(x), mask](const Tensor& g, const Tensor& y) {
                  const Tensor best = restore_dims(y, mask, x().shape());
                  const Tensor ties = ((x() == best) | (isnan(x()) & isnan(best))).to(g.dtype());
                  return restore_dims(g, mask, x().shape()) * (ties / sum_to(ties, best.shape()));
                }));
}

ValuesAndIndices extremum_along(const char* op, IndexedReduction reduce, const Tensor& x, int dim,
                                bool keepdim) {
  const int wrapped = wrap_dim(op, dim, x.dim());
  const uint64_t mask = uint64_t{1} << wrapped;
  check_elements(op, x, mask);
  kernels::Extrema best = reduce(x.array(), mask, reduced_shape(x.shape(), mask, keepdim));
  const Tensor indices(std::move(best.indices));
  Tensor values =
      record(op, std::move(best.values),
             wrt(x, [indices = keep(indices), wrapped, mask](const Tensor& g, const Shape& shape) {
               const Tensor zeros(Array::full(shape, 0, g.dtype()));
               return scatter_add(zeros, wrapped, restore_dims(indices(), mask, shape),
                                  restore_dims(g, mask, shape));
             }));
  return {std::move(values), indices};
}

Tensor place(const char* op, IndexedReduction reduce, const Tensor& x, uint64_t mask,
             bool keepdim) {
  check_elements(op, x, mask);
  return Tensor(reduce(x.array(), mask, reduced_shape(x.shape(), mask, keepdim)).indices);
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
  const uint64_t mask = dims_mask("sum", dims, x.dim());
  return record(
      "sum", kernels::sum(x.array(), mask, reduced_shape(x.shape(), mask, options.keepdim)),
      wrt(x, [mask](const Tensor& g, const Shape& shape) { return spread(g, mask, shape); }));
}

Tensor mean(const Tensor& x, const Dims& dims, const ReduceOptions& options) {
  const Dtype dtype = options.dtype.value_or(x.dtype());
  check<TypeError>(is_floating(dtype), "mean: expected a floating dtype, got {}", dtype);
  if (dtype != x.dtype()) return mean(x.to(dtype), dims, {.keepdim = options.keepdim});
  const uint64_t mask = dims_mask("mean", dims, x.dim());
  const int64_t count = reduced_count(x.shape(), mask);
  const Array total =
      kernels::sum(x.array(), mask, reduced_shape(x.shape(), mask, options.keepdim));
  return record("mean", kernels::div(total, Array::full({}, count, dtype)),
                wrt(x, [mask, count](const Tensor& g, const Shape& shape) {
                  return spread(g / count, mask, shape);
                }));
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

// ---- extrema -------------------------------------------------------------------------------------------------

Tensor amax(const Tensor& x, const Dims& dims, const DimOptions& options) {
  return extremum("amax", kernels::amax, x, dims, options.keepdim);
}

Tensor amin(const Tensor& x, const Dims& dims, const DimOptions& options) {
  return extremum("amin", kernels::amin, x, dims, options.keepdim);
}

Tensor max(const Tensor& x) { return extremum("max", kernels::amax, x, {}, false); }

Tensor min(const Tensor& x) { return extremum("min", kernels::amin, x, {}, false); }

ValuesAndIndices max(const Tensor& x, int dim, const DimOptions& options) {
  return extremum_along("max", kernels::max_with_index, x, dim, options.keepdim);
}

ValuesAndIndices min(const Tensor& x, int dim, const DimOptions& options) {
  return extremum_along("min", kernels::min_with_index, x, dim, options.keepdim);
}

Tensor argmax(const Tensor& x) {
  return place("argmax", kernels::max_with_index, x, ~uint64_t{0}, false);
}

Tensor argmax(const Tensor& x, int dim, const DimOptions& options) {
  return place("argmax", kernels::max_with_index, x, dims_mask("argmax", dim, x.dim()),
               options.keepdim);
}

Tensor argmin(const Tensor& x) {
  return place("argmin", kernels::min_with_index, x, ~uint64_t{0}, false);
}

Tensor argmin(const Tensor& x, int dim, const DimOptions& options) {
  return place("argmin", kernels::min_with_index, x, dims_mask("argmin", dim, x.dim()),
               options.keepdim);
}

// ---- truth ---------------------------------------------------------------------------------------------------

bool all(const Tensor& x) { return all(x, {}).item<bool>(); }

bool any(const Tensor& x) { return any(x, {}).item<bool>(); }

Tensor all(const Tensor& x, const Dims& dims, const DimOptions& options) {
  return sum(x == false, dims, {.keepdim = options.keepdim}) == 0;
}

Tensor any(const Tensor& x, const Dims& dims, const DimOptions& options) {
  return sum(x != false, dims, {.keepdim = options.keepdim}) != 0;
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::sum(const Dims& dims, const ReduceOptions& options) const {
  return reel::sum(self(), dims, options);
}
Tensor MathMethods::mean(const Dims& dims, const ReduceOptions& options) const {
  return reel::mean(self(), dims, options);
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
bool MathMethods::all() const { return reel::all(self()); }
bool MathMethods::any() const { return reel::any(self()); }

}  // namespace reel
