#pragma once
// Groups of elements brought to mean 0 and variance 1.

#include <reel/autograd/array.h>

namespace reel::kernels {

struct Standardized {
  Array y;               // as x
  Array mean, variance;  // [B]; the variance is that of the elements, divided by their number
};

/// Of a row-major x [A, B, C]: (x - mean) / sqrt(variance + eps) with statistics of their own for
/// every b.
Standardized standardize(const Array& x, double eps);
/// The gradient of x, from that of y and what standardize() gave: (g - mean(g) - y mean(g y)) /
/// sqrt(variance + eps).
Array standardize_backward(const Array& g, const Array& y, const Array& variance, double eps);

}  // namespace reel::kernels
