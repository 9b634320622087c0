#pragma once
// Kernels of the error function, the gamma function and their kin. Floating only; float32 is
// computed in float64 where a comment in the source says nothing else.

#include <reel/autograd/array.h>

namespace reel::kernels {

Array erf(const Array& x);
Array erfc(const Array& x);
Array erfinv(const Array& x);
/// The logarithm of |gamma(x)|, its derivative, and the n-th derivative of that, n >= 1.
Array lgamma(const Array& x);
Array digamma(const Array& x);
Array polygamma(const Array& x, int64_t n);

}  // namespace reel::kernels
