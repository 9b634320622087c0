#pragma once
// Elementwise operations of two and three operands, which broadcast and promote as in PyTorch.

#include <reel/autograd/ops/promotion.h>

namespace reel {

// ---- arithmetic ----

/// a + b, a - b, a * b, a / b (true division: integers become float32).
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// a + alpha * b and a - alpha * b; alpha is a whole number where both are.
Tensor add(const Tensor& a, const Tensor& b, const AlphaOptions& options);
Tensor sub(const Tensor& a, const Tensor& b, const AlphaOptions& options);
/// a / b rounded down ("floor") or towards zero ("trunc"), in the operands' dtype and with gradient
/// 0. Integers are not divided by zero.
Tensor div(const Tensor& a, const Tensor& b, const DivOptions& options);
/// a / b rounded down.
Tensor floor_divide(const Tensor& a, const Tensor& b);
/// What a division leaves that rounds down (its sign is b's), or towards zero (its sign is a's).
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor fmod(const Tensor& a, const Tensor& b);
/// a to the power of b. Negative integer powers of integers are refused.
Tensor pow(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& a, Scalar exponent);
Tensor pow(Scalar base, const Tensor& exponent);
/// pow(a, b) in float64.
Tensor float_power(const Tensor& a, const Tensor& b);
Tensor float_power(const Tensor& a, Scalar exponent);
Tensor float_power(Scalar base, const Tensor& exponent);

// ---- the one or the other ----

/// The larger (smaller) of both; NaN propagates; equal operands share the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// The larger (smaller) of both; a number wins over NaN; the gradient at equal operands is a's.
Tensor fmax(const Tensor& a, const Tensor& b);
Tensor fmin(const Tensor& a, const Tensor& b);
/// x limited to [min, max], elementwise; either may be an undefined tensor; max where they cross.
/// The gradient passes to x where min <= x <= max, else to the bound.
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max);
Tensor clamp_min(const Tensor& x, const Tensor& min);
Tensor clamp_max(const Tensor& x, const Tensor& max);
/// a where the bool `condition` holds, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, Scalar b);
Tensor where(const Tensor& condition, Scalar a, const Tensor& b);
Tensor where(const Tensor& condition, Scalar a, Scalar b);
/// 0 where x < 0, 1 where x > 0, `values` where x is 0. Both must have one dtype.
Tensor heaviside(const Tensor& x, const Tensor& values);
/// |a| with the sign of b, that of zeros included.
Tensor copysign(const Tensor& a, const Tensor& b);

// ---- real functions ----

/// The angle of the point (b, a), in (-pi, pi].
Tensor atan2(const Tensor& a, const Tensor& b);
/// sqrt(a^2 + b^2) without its overflow. Floating only.
Tensor hypot(const Tensor& a, const Tensor& b);
/// log(e^a + e^b) and log2(2^a + 2^b) without their overflow. Floating only.
Tensor logaddexp(const Tensor& a, const Tensor& b);
Tensor logaddexp2(const Tensor& a, const Tensor& b);
/// a * log(b), 0 where a is 0 unless b is NaN.
Tensor xlogy(const Tensor& a, const Tensor& b);

// ---- three operands ----

/// start + weight * (end - start), exact at the weights 0 and 1. Floating only.
Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight);
Tensor lerp(const Tensor& start, const Tensor& end, Scalar weight);
/// x + value * a * b, and x + value * a / b (floating only).
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, const ValueOptions& options = {});
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, const ValueOptions& options = {});

// ---- with a number ----

inline Tensor add(const Tensor& a, Scalar b) { return add(a, scalar_like(a, b)); }
inline Tensor sub(const Tensor& a, Scalar b) { return sub(a, scalar_like(a, b)); }
inline Tensor mul(const Tensor& a, Scalar b) { return mul(a, scalar_like(a, b)); }
inline Tensor div(const Tensor& a, Scalar b) { return div(a, scalar_like(a, b)); }
inline Tensor add(const Tensor& a, Scalar b, const AlphaOptions& options) {
  return add(a, scalar_like(a, b), options);
}
inline Tensor sub(const Tensor& a, Scalar b, const AlphaOptions& options) {
  return sub(a, scalar_like(a, b), options);
}
inline Tensor div(const Tensor& a, Scalar b, const DivOptions& options) {
  return div(a, scalar_like(a, b), options);
}
inline Tensor floor_divide(const Tensor& a, Scalar b) { return floor_divide(a, scalar_like(a, b)); }
inline Tensor remainder(const Tensor& a, Scalar b) { return remainder(a, scalar_like(a, b)); }
inline Tensor remainder(Scalar a, const Tensor& b) { return remainder(scalar_like(b, a), b); }
inline Tensor fmod(const Tensor& a, Scalar b) { return fmod(a, scalar_like(a, b)); }
inline Tensor copysign(const Tensor& a, Scalar b) { return copysign(a, scalar_like(a, b)); }
inline Tensor xlogy(const Tensor& a, Scalar b) { return xlogy(a, scalar_like(a, b)); }
inline Tensor xlogy(Scalar a, const Tensor& b) { return xlogy(scalar_like(b, a), b); }

}  // namespace reel
