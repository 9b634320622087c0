#pragma once
// Moving numbers between arrays: copies, conversions, row-major forms.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// Writes `from`, broadcast and converted, into the memory of `to`. The two must not overlap unless
/// they are equal.
void copy(const Array& from, const Array& to);
/// A new row-major array of the same numbers.
Array clone(const Array& x);
/// `x` itself if it is row-major, else a row-major copy.
Array contiguous(const Array& x);
/// `x` itself if it has this dtype, else a converted copy. Floats to integers truncate.
Array cast(const Array& x, Dtype dtype);
/// Sets every element.
void fill(const Array& x, Scalar value);

}  // namespace reel::kernels
