#pragma once
// Reductions over the dims whose bits are set in `dims`, as arrays of shape `result` (the other
// dims in order, with or without dims of size 1). Bits depend neither on threads nor on alignment.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// Integers and bool give int64; floats are summed in short runs whose totals are float64.
Array sum(const Array& x, uint64_t dims, const Shape& result);
/// The same for products; floats are multiplied in float64.
Array prod(const Array& x, uint64_t dims, const Shape& result);
/// How many are not zero, int64.
Array count_nonzero(const Array& x, uint64_t dims, const Shape& result);
/// (sum of |x|^p)^(1/p), the number of nonzeros for p = 0, the largest or smallest |x| for infinite
/// p; in float64. Floating only; infinite p needs elements.
Array norm(const Array& x, double p, uint64_t dims, const Shape& result);
/// log(sum of exp(x)), floating only; -inf over no elements.
Array logsumexp(const Array& x, uint64_t dims, const Shape& result);

struct Moments {
  Array var;   // the sum of squared distances from the mean, divided by `divisor`
  Array mean;  // NaN over no elements
};
/// In float64, floating only.
Moments moments(const Array& x, double divisor, uint64_t dims, const Shape& result);

/// Largest (smallest); NaN propagates. The reduced dims must have elements.
Array amax(const Array& x, uint64_t dims, const Shape& result);
Array amin(const Array& x, uint64_t dims, const Shape& result);

struct Picked {
  Array values;
  Array indices;  // int64
};
/// The same over one dim, or over all (`dims` with every bit), with the first place, row-major,
/// where NaN counts as the extremum.
Picked max_with_index(const Array& x, uint64_t dims, const Shape& result);
Picked min_with_index(const Array& x, uint64_t dims, const Shape& result);

}  // namespace reel::kernels
