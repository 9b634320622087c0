#pragma once
// Elementwise kernels. Operands of kernels of several have one dtype and broadcast.

#include <reel/autograd/array.h>

#include <optional>

namespace reel::kernels {

// ---- two operands ----

/// a op b, as a new array or into one of the broadcast shape and the same dtype. Integers wrap
/// around; div is for floating dtypes only.
Array add(const Array& a, const Array& b);
Array sub(const Array& a, const Array& b);
Array mul(const Array& a, const Array& b);
Array div(const Array& a, const Array& b);
void add(const Array& a, const Array& b, const Array& into);
void sub(const Array& a, const Array& b, const Array& into);
void mul(const Array& a, const Array& b, const Array& into);
void div(const Array& a, const Array& b, const Array& into);
/// The gradients of relu, tanh and sigmoid from g and their result y, of one shape: g where y > 0,
/// g (1 - y^2), g y (1 - y).
Array threshold_backward(const Array& g, const Array& y);
Array tanh_backward(const Array& g, const Array& y);
Array sigmoid_backward(const Array& g, const Array& y);
void threshold_backward(const Array& g, const Array& y, const Array& into);
void tanh_backward(const Array& g, const Array& y, const Array& into);
void sigmoid_backward(const Array& g, const Array& y, const Array& into);
/// The quotient rounded down, or towards zero. Integers are not divided by zero.
Array floor_divide(const Array& a, const Array& b);
Array trunc_divide(const Array& a, const Array& b);
/// What such a division leaves: with the sign of b, or of a.
Array remainder(const Array& a, const Array& b);
Array fmod(const Array& a, const Array& b);
Array pow(const Array& a, const Array& b);
Array maximum(const Array& a, const Array& b);
Array minimum(const Array& a, const Array& b);
Array fmax(const Array& a, const Array& b);
Array fmin(const Array& a, const Array& b);
Array heaviside(const Array& a, const Array& b);
/// Floating only.
Array atan2(const Array& a, const Array& b);
Array hypot(const Array& a, const Array& b);
Array copysign(const Array& a, const Array& b);
Array logaddexp(const Array& a, const Array& b);
Array logaddexp2(const Array& a, const Array& b);
Array xlogy(const Array& a, const Array& b);

// ---- three operands ----

Array where(const Array& condition, const Array& a, const Array& b);
Array lerp(const Array& start, const Array& end, const Array& weight);
Array addcmul(const Array& x, const Array& a, const Array& b, Scalar value);
Array addcdiv(const Array& x, const Array& a, const Array& b, Scalar value);

// ---- truths ----

Array eq(const Array& a, const Array& b);
Array ne(const Array& a, const Array& b);
Array lt(const Array& a, const Array& b);
Array le(const Array& a, const Array& b);
Array isclose(const Array& a, const Array& b, double rtol, double atol, bool equal_nan);
Array logical_and(const Array& a, const Array& b);
Array logical_or(const Array& a, const Array& b);
Array logical_xor(const Array& a, const Array& b);
Array logical_not(const Array& x);
Array isnan(const Array& x);
Array isinf(const Array& x);
Array isfinite(const Array& x);

// ---- bits of integers and bools ----

Array bitwise_and(const Array& a, const Array& b);
Array bitwise_or(const Array& a, const Array& b);
Array bitwise_xor(const Array& a, const Array& b);
Array bitwise_not(const Array& x);
/// Integers only. A shift by all bits or more leaves nothing, or the sign.
Array bitwise_left_shift(const Array& a, const Array& b);
Array bitwise_right_shift(const Array& a, const Array& b);

// ---- one operand ----

Array neg(const Array& x);
Array abs(const Array& x);
Array sign(const Array& x);
Array square(const Array& x);
/// Into an array of x's shape and dtype, which may be x.
void relu(const Array& x, const Array& into);
Array floor(const Array& x);
Array ceil(const Array& x);
Array trunc(const Array& x);
/// To `decimals` places; halves to even.
Array round(const Array& x, int decimals);
Array nan_to_num(const Array& x, double nan, std::optional<double> posinf,
                 std::optional<double> neginf);
/// x limited to [min, max], max where they cross; and g where x is within, else 0.
Array clamp(const Array& x, std::optional<Scalar> min, std::optional<Scalar> max);
Array clamp_backward(const Array& g, const Array& x, std::optional<Scalar> min,
                     std::optional<Scalar> max);
/// Floating only, all below.
Array frac(const Array& x);
Array sqrt(const Array& x);
Array rsqrt(const Array& x);
Array reciprocal(const Array& x);
Array exp(const Array& x);
Array exp2(const Array& x);
Array expm1(const Array& x);
Array log(const Array& x);
Array log1p(const Array& x);
Array log2(const Array& x);
Array log10(const Array& x);
Array sin(const Array& x);
Array cos(const Array& x);
Array tan(const Array& x);
Array asin(const Array& x);
Array acos(const Array& x);
Array atan(const Array& x);
Array sinh(const Array& x);
Array cosh(const Array& x);
Array tanh(const Array& x);
Array asinh(const Array& x);
Array acosh(const Array& x);
Array atanh(const Array& x);
Array sigmoid(const Array& x);
Array logit(const Array& x);

}  // namespace reel::kernels
