#pragma once
// Reductions: sums, extrema and where they lie. Bits depend neither on threads nor on alignment.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// Sum over the dims whose bits are set in `dims`, as an array of shape `result` (the other dims in
/// order, with or without dims of size 1). Integers and bool give int64; floats are summed in
/// blocks whose totals are float64.
Array sum(const Array& x, uint64_t dims, const Shape& result);
/// Largest (smallest) over `dims`; NaN propagates. The reduced dims must have elements.
Array amax(const Array& x, uint64_t dims, const Shape& result);
Array amin(const Array& x, uint64_t dims, const Shape& result);

struct Extrema {
  Array values;
  Array indices;  // int64; the first place, where NaN counts as the extremum
};
/// The same over one dim, or over all (`dims` with every bit), with the place counted row-major.
Extrema max_with_index(const Array& x, uint64_t dims, const Shape& result);
Extrema min_with_index(const Array& x, uint64_t dims, const Shape& result);

}  // namespace reel::kernels
