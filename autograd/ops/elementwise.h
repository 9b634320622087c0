#pragma once
// Operations that act on each element by itself. Here those of one operand; of two and three,
// truths and bits, and the special functions come with it. Integers become float32 where a
// function's values are real numbers.

#include <reel/autograd/ops/binary.h>
#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/comparison.h>
#include <reel/autograd/ops/special.h>

namespace reel {

/// -x. Bools are refused.
Tensor neg(const Tensor& x);
/// |x| with derivative 0 at 0.
Tensor abs(const Tensor& x);
/// -1, 0 or 1; 0 for NaN.
Tensor sign(const Tensor& x);
/// x * x.
Tensor square(const Tensor& x);
/// max(x, 0) with derivative 0 at 0.
Tensor relu(Tensor x);

/// e^x, 2^x, and e^x - 1 without its cancellation near 0.
Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor expm1(const Tensor& x);
/// The logarithms to the bases e, 2 and 10, and that of 1 + x, exact also near 0. NaN below 0.
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor log1p(const Tensor& x);
/// The square root, 1 / sqrt(x), and 1 / x.
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);

/// Trigonometric functions, in radians, and their inverses: NaN outside of [-1, 1] where they are
/// not defined.
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
/// Hyperbolic functions and their inverses.
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);
/// 1 / (1 + exp(-x)), finite for every x.
Tensor sigmoid(const Tensor& x);
/// log(x / (1 - x)), the inverse of sigmoid; x is first limited to [eps, 1 - eps] if eps is given,
/// else the result is NaN outside of [0, 1].
Tensor logit(const Tensor& x, const LogitOptions& options = {});

/// Down, up, towards zero to a whole number; integers stay as they are. The gradient is 0.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor trunc(const Tensor& x);
/// To the nearest number of so many decimals (negative: to tens, hundreds ...), halves to even. The
/// gradient is 0.
Tensor round(const Tensor& x, const RoundOptions& options = {});
/// x - trunc(x).
Tensor frac(const Tensor& x);

/// x limited to [min, max]; a bound may be absent; max where they cross. The gradient passes where
/// min <= x <= max. Integers with a floating bound become float32.
Tensor clamp(const Tensor& x, const ClampOptions& options);
Tensor clamp(const Tensor& x, Scalar min, Scalar max);
Tensor clamp_min(const Tensor& x, Scalar min);
Tensor clamp_max(const Tensor& x, Scalar max);
/// NaN and the infinities replaced by numbers; the gradient there is 0.
Tensor nan_to_num(const Tensor& x, const NanToNumOptions& options = {});

}  // namespace reel
