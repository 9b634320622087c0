#pragma once
// Operations that act on each element by itself. Operands broadcast and promote as in PyTorch.

#include <reel/autograd/tensor.h>

namespace reel {

/// a + b, a - b, a * b, a / b (true division: integers become float32).
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// a to the power of b. Negative integer powers of integers are refused.
Tensor pow(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& a, Scalar exponent);
Tensor pow(Scalar base, const Tensor& exponent);
/// The larger (smaller) of both; NaN propagates; equal operands share the gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// a where the bool `condition` holds, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, Scalar b);
Tensor where(const Tensor& condition, Scalar a, const Tensor& b);
/// x limited to [min, max]; a bound may be absent. The gradient passes where min <= x <= max.
Tensor clamp(const Tensor& x, const ClampOptions& options);

Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor tanh(const Tensor& x);
/// 1 / (1 + exp(-x)), finite for every x.
Tensor sigmoid(const Tensor& x);
/// max(x, 0) with derivative 0 at 0.
Tensor relu(const Tensor& x);
/// |x| with derivative 0 at 0.
Tensor abs(const Tensor& x);
/// -1, 0 or 1.
Tensor sign(const Tensor& x);

/// Comparisons give bool tensors and are never recorded.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
/// Truth of nonzero; also for bool operands.
Tensor logical_not(const Tensor& x);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor isnan(const Tensor& x);

/// Whether |a - b| <= atol + rtol * |b| everywhere.
bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options = {});
/// Whether shape and every element are the same.
bool equal(const Tensor& a, const Tensor& b);

/// A 0-d tensor of `value` in the dtype that `x op value` computes in (a number never widens within
/// its kind).
Tensor scalar_like(const Tensor& x, Scalar value);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }

inline Tensor operator+(const Tensor& a, Scalar b) { return add(a, scalar_like(a, b)); }
inline Tensor operator-(const Tensor& a, Scalar b) { return sub(a, scalar_like(a, b)); }
inline Tensor operator*(const Tensor& a, Scalar b) { return mul(a, scalar_like(a, b)); }
inline Tensor operator/(const Tensor& a, Scalar b) { return div(a, scalar_like(a, b)); }
inline Tensor operator==(const Tensor& a, Scalar b) { return eq(a, scalar_like(a, b)); }
inline Tensor operator!=(const Tensor& a, Scalar b) { return ne(a, scalar_like(a, b)); }
inline Tensor operator<(const Tensor& a, Scalar b) { return lt(a, scalar_like(a, b)); }
inline Tensor operator<=(const Tensor& a, Scalar b) { return le(a, scalar_like(a, b)); }
inline Tensor operator>(const Tensor& a, Scalar b) { return gt(a, scalar_like(a, b)); }
inline Tensor operator>=(const Tensor& a, Scalar b) { return ge(a, scalar_like(a, b)); }

inline Tensor operator+(Scalar a, const Tensor& b) { return add(scalar_like(b, a), b); }
inline Tensor operator-(Scalar a, const Tensor& b) { return sub(scalar_like(b, a), b); }
inline Tensor operator*(Scalar a, const Tensor& b) { return mul(scalar_like(b, a), b); }
inline Tensor operator/(Scalar a, const Tensor& b) { return div(scalar_like(b, a), b); }
inline Tensor operator!(const Tensor& x) { return logical_not(x); }
inline Tensor operator&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
inline Tensor operator|(const Tensor& a, const Tensor& b) { return logical_or(a, b); }

}  // namespace reel
