#pragma once
// Order statistics along one dim (0 <= dim < rank, which has elements; a 0-d array is a line of
// one). The results have size 1 there.

#include <reel/autograd/kernels/reduce.h>

namespace reel::kernels {

/// The lower of the two middle elements and its first place. With a NaN that NaN, unless NaNs are
/// to be ignored and there are other numbers. Any dtype but bool.
Picked median(const char* op, const Array& x, int dim, bool ignore_nan);
/// The element that occurs most often, of several the smallest, and its last place. NaNs count as
/// largest and as different.
Picked mode(const Array& x, int dim);

}  // namespace reel::kernels
