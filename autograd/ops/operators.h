#pragma once
// Operators. A temporary that nobody else can see gives its memory to the result where nothing is
// recorded: (1 - y * y) takes one buffer, not two. A sum takes that of a recorded one, too.

#include <reel/autograd/ops/binary.h>

#include <utility>

namespace reel {

// ---- of two tensors ----

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
/// As Python's: remainder().
inline Tensor operator%(const Tensor& a, const Tensor& b) { return remainder(a, b); }

Tensor operator+(Tensor&& a, const Tensor& b);
Tensor operator+(const Tensor& a, Tensor&& b);
Tensor operator+(Tensor&& a, Tensor&& b);
Tensor operator-(Tensor&& a, const Tensor& b);
Tensor operator-(const Tensor& a, Tensor&& b);
Tensor operator-(Tensor&& a, Tensor&& b);
Tensor operator*(Tensor&& a, const Tensor& b);
Tensor operator*(const Tensor& a, Tensor&& b);
Tensor operator*(Tensor&& a, Tensor&& b);
Tensor operator/(Tensor&& a, const Tensor& b);
Tensor operator/(const Tensor& a, Tensor&& b);
Tensor operator/(Tensor&& a, Tensor&& b);

// ---- of a tensor and a number ----

inline Tensor operator+(const Tensor& a, Scalar b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, Scalar b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, Scalar b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, Scalar b) { return div(a, b); }
inline Tensor operator%(const Tensor& a, Scalar b) { return remainder(a, b); }
inline Tensor operator+(Scalar a, const Tensor& b) { return scalar_like(b, a) + b; }
inline Tensor operator-(Scalar a, const Tensor& b) { return scalar_like(b, a) - b; }
inline Tensor operator*(Scalar a, const Tensor& b) { return scalar_like(b, a) * b; }
inline Tensor operator/(Scalar a, const Tensor& b) { return scalar_like(b, a) / b; }
inline Tensor operator%(Scalar a, const Tensor& b) { return remainder(a, b); }

inline Tensor operator+(Tensor&& a, Scalar b) { return std::move(a) + scalar_like(a, b); }
inline Tensor operator-(Tensor&& a, Scalar b) { return std::move(a) - scalar_like(a, b); }
inline Tensor operator*(Tensor&& a, Scalar b) { return std::move(a) * scalar_like(a, b); }
inline Tensor operator/(Tensor&& a, Scalar b) { return std::move(a) / scalar_like(a, b); }
inline Tensor operator+(Scalar a, Tensor&& b) { return scalar_like(b, a) + std::move(b); }
inline Tensor operator-(Scalar a, Tensor&& b) { return scalar_like(b, a) - std::move(b); }
inline Tensor operator*(Scalar a, Tensor&& b) { return scalar_like(b, a) * std::move(b); }
inline Tensor operator/(Scalar a, Tensor&& b) { return scalar_like(b, a) / std::move(b); }

}  // namespace reel
