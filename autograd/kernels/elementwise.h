#pragma once
// Elementwise kernels. Operands of two-operand kernels have one dtype and broadcast.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// a op b, into `into` (of the broadcast shape and the same dtype) if it is given, else into a new
/// array.
Array add(const Array& a, const Array& b, const Array* into = nullptr);
Array sub(const Array& a, const Array& b, const Array* into = nullptr);
Array mul(const Array& a, const Array& b, const Array* into = nullptr);
/// Floating only.
Array div(const Array& a, const Array& b, const Array* into = nullptr);
Array pow(const Array& a, const Array& b);
Array maximum(const Array& a, const Array& b);
Array minimum(const Array& a, const Array& b);
Array where(const Array& condition, const Array& a, const Array& b);
/// g where y > 0, else 0.
Array threshold_backward(const Array& g, const Array& y);

Array eq(const Array& a, const Array& b);
Array ne(const Array& a, const Array& b);
Array lt(const Array& a, const Array& b);
Array le(const Array& a, const Array& b);
Array logical_and(const Array& a, const Array& b);
Array logical_or(const Array& a, const Array& b);
Array logical_not(const Array& x);
Array isnan(const Array& x);

Array neg(const Array& x);
Array abs(const Array& x);
Array sign(const Array& x);
Array square(const Array& x);
Array relu(const Array& x);
/// Floating only.
Array sqrt(const Array& x);
Array exp(const Array& x);
Array log(const Array& x);
Array tanh(const Array& x);
Array sigmoid(const Array& x);

}  // namespace reel::kernels
