#pragma once
// Elementwise truths and bits: results without a gradient. Operands broadcast and promote as in
// PyTorch.

#include <reel/autograd/ops/promotion.h>

namespace reel {

/// Comparisons give bool tensors and are never recorded.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
/// Truth of nonzero, NaN included, of any dtype.
Tensor logical_not(const Tensor& x);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_xor(const Tensor& a, const Tensor& b);
/// Integers are never NaN nor infinite.
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

/// Whether a number has a minus sign, as -0.0 has.
Tensor signbit(const Tensor& x);
/// Bit by bit, of integers and bools; floating tensors are refused.
Tensor bitwise_not(const Tensor& x);
Tensor bitwise_and(const Tensor& a, const Tensor& b);
Tensor bitwise_or(const Tensor& a, const Tensor& b);
Tensor bitwise_xor(const Tensor& a, const Tensor& b);
/// a * 2^b and floor(a / 2^b), of integers.
Tensor bitwise_left_shift(const Tensor& a, const Tensor& b);
Tensor bitwise_right_shift(const Tensor& a, const Tensor& b);

/// Whether |a - b| <= atol + rtol * |b|; infinities are close to themselves only, NaN to NaN if
/// equal_nan. Both must have one dtype.
Tensor isclose(const Tensor& a, const Tensor& b, const CloseOptions& options = {});
/// Whether isclose holds everywhere.
bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options = {});
/// Whether shape and every element are the same.
bool equal(const Tensor& a, const Tensor& b);

// ---- with a number ----

inline Tensor eq(const Tensor& a, Scalar b) { return eq(a, scalar_like(a, b)); }
inline Tensor ne(const Tensor& a, Scalar b) { return ne(a, scalar_like(a, b)); }
inline Tensor lt(const Tensor& a, Scalar b) { return lt(a, scalar_like(a, b)); }
inline Tensor le(const Tensor& a, Scalar b) { return le(a, scalar_like(a, b)); }
inline Tensor gt(const Tensor& a, Scalar b) { return gt(a, scalar_like(a, b)); }
inline Tensor ge(const Tensor& a, Scalar b) { return ge(a, scalar_like(a, b)); }
inline Tensor bitwise_and(const Tensor& a, Scalar b) { return bitwise_and(a, scalar_like(a, b)); }
inline Tensor bitwise_or(const Tensor& a, Scalar b) { return bitwise_or(a, scalar_like(a, b)); }
inline Tensor bitwise_xor(const Tensor& a, Scalar b) { return bitwise_xor(a, scalar_like(a, b)); }
inline Tensor bitwise_left_shift(const Tensor& a, Scalar b) {
  return bitwise_left_shift(a, scalar_like(a, b));
}
inline Tensor bitwise_right_shift(const Tensor& a, Scalar b) {
  return bitwise_right_shift(a, scalar_like(a, b));
}

// ---- operators ----

inline Tensor operator==(const Tensor& a, const Tensor& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return ge(a, b); }
inline Tensor operator==(const Tensor& a, Scalar b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, Scalar b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, Scalar b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, Scalar b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, Scalar b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, Scalar b) { return ge(a, b); }
inline Tensor operator!(const Tensor& x) { return logical_not(x); }
/// Bitwise, which for bools is logical.
inline Tensor operator~(const Tensor& x) { return bitwise_not(x); }
inline Tensor operator&(const Tensor& a, const Tensor& b) { return bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, const Tensor& b) { return bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, const Tensor& b) { return bitwise_xor(a, b); }
inline Tensor operator&(const Tensor& a, Scalar b) { return bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, Scalar b) { return bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, Scalar b) { return bitwise_xor(a, b); }

}  // namespace reel
