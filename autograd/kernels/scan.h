#pragma once
// Scans: every element becomes a total of those before it along a dim (0 <= dim < rank; a 0-d array
// is a line of one). Floats are totalled in float64.

#include <reel/autograd/kernels/reduce.h>

namespace reel::kernels {

/// y[i] = x[0] + .. + x[i], or with `reverse` x[i] + .. + x[n - 1]. Integers and bool give int64.
Array cumsum(const Array& x, int dim, bool reverse = false);
Array cumprod(const Array& x, int dim);
/// log(exp(x[0]) + .. + exp(x[i])), floating only.
Array logcumsumexp(const Array& x, int dim);
/// The largest (smallest) so far and its last place; NaN counts as the extremum.
Picked cummax(const Array& x, int dim);
Picked cummin(const Array& x, int dim);
/// y[i] = b[i] + a[i] * y[i - 1], y[0] = b[0]; with `reverse` y[i] = b[i] + a[i + 1] * y[i + 1],
/// y[n - 1] = b[n - 1]. Equal shapes and dtypes, floating only.
Array recurrence(const Array& a, const Array& b, int dim, bool reverse);

}  // namespace reel::kernels
