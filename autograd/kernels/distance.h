#pragma once
// Distances of all pairs of rows.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// The p-norms of x1_i - x2_j: x1 [..., n, k], x2 [..., m, k] of equal batch dims -> [..., n, m].
Array cdist(const Array& x1, const Array& x2, double p);
/// What x1 gets from the gradient g of the distances y.
Array cdist_backward(const Array& g, const Array& x1, const Array& x2, const Array& y, double p);

}  // namespace reel::kernels
