#pragma once
// Special functions, elementwise. Integers become float32.

#include <reel/autograd/tensor.h>

namespace reel {

/// The error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x, and 1 - erf(x), exact also
/// where that is small.
Tensor erf(const Tensor& x);
Tensor erfc(const Tensor& x);
/// The inverse of erf: infinite at -1 and 1, NaN beyond.
Tensor erfinv(const Tensor& x);
/// log |gamma(x)|, infinite at 0 and the negative integers.
Tensor lgamma(const Tensor& x);
/// The derivative of lgamma: NaN at the negative integers.
Tensor digamma(const Tensor& x);
/// The n-th derivative of digamma, n >= 0.
Tensor polygamma(int64_t n, const Tensor& x);

}  // namespace reel
