#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/binary.h>
#include <reel/autograd/ops/comparison.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

bool differ(const Tensor& a, const Tensor& b) { return a.dtype() != b.dtype(); }

void check_one_dtype(const char* op, const Tensor& a, const Tensor& b) {
  check<TypeError>(!differ(a, b), "{}: both must have one dtype, got {} and {}", op, a.dtype(),
                   b.dtype());
}

Tensor close(const char* op, const Tensor& a, const Tensor& b, const CloseOptions& options) {
  check_one_dtype(op, a, b);
  check(options.rtol >= 0 && options.atol >= 0,
        "{}: rtol and atol must not be negative, got {} and {}", op, options.rtol, options.atol);
  return record(
      op, kernels::isclose(a.array(), b.array(), options.rtol, options.atol, options.equal_nan));
}

}  // namespace

// ---- comparisons -----------------------------------------------------------------------------------------

Tensor eq(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(eq, a, b);
  return record("eq", kernels::eq(a.array(), b.array()));
}

Tensor ne(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(ne, a, b);
  return record("ne", kernels::ne(a.array(), b.array()));
}

Tensor lt(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(lt, a, b);
  return record("lt", kernels::lt(a.array(), b.array()));
}

Tensor le(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(le, a, b);
  return record("le", kernels::le(a.array(), b.array()));
}

Tensor gt(const Tensor& a, const Tensor& b) { return lt(b, a); }

Tensor ge(const Tensor& a, const Tensor& b) { return le(b, a); }

Tensor isclose(const Tensor& a, const Tensor& b, const CloseOptions& options) {
  return close("isclose", a, b, options);
}

bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options) {
  return close("allclose", a, b, options).all();
}

bool equal(const Tensor& a, const Tensor& b) {
  check_one_dtype("equal", a, b);
  return a.shape() == b.shape() && (a == b).all();
}

// ---- truths ----------------------------------------------------------------------------------------------

Tensor logical_not(const Tensor& x) {
  return record("logical_not", kernels::logical_not(x.array()));
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(logical_and, a, b);
  return record("logical_and", kernels::logical_and(a.array(), b.array()));
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(logical_or, a, b);
  return record("logical_or", kernels::logical_or(a.array(), b.array()));
}

Tensor logical_xor(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(logical_xor, a, b);
  return record("logical_xor", kernels::logical_xor(a.array(), b.array()));
}

Tensor isnan(const Tensor& x) { return record("isnan", kernels::isnan(x.array())); }

Tensor isinf(const Tensor& x) { return record("isinf", kernels::isinf(x.array())); }

Tensor signbit(const Tensor& x) {
  const Tensor numbers = x.detach();
  if (!x.is_floating_point()) return numbers < 0;
  return copysign(scalar_like(numbers, 1), numbers) < 0;
}
Tensor isfinite(const Tensor& x) { return record("isfinite", kernels::isfinite(x.array())); }

// ---- bits ------------------------------------------------------------------------------------------------

Tensor bitwise_not(const Tensor& x) {
  return record("bitwise_not", kernels::bitwise_not(x.array()));
}

Tensor bitwise_and(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(bitwise_and, a, b);
  return record("bitwise_and", kernels::bitwise_and(a.array(), b.array()));
}

Tensor bitwise_or(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(bitwise_or, a, b);
  return record("bitwise_or", kernels::bitwise_or(a.array(), b.array()));
}

Tensor bitwise_xor(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(bitwise_xor, a, b);
  return record("bitwise_xor", kernels::bitwise_xor(a.array(), b.array()));
}

Tensor bitwise_left_shift(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(bitwise_left_shift, a, b);
  return record("bitwise_left_shift", kernels::bitwise_left_shift(a.array(), b.array()));
}

Tensor bitwise_right_shift(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return promoted(bitwise_right_shift, a, b);
  return record("bitwise_right_shift", kernels::bitwise_right_shift(a.array(), b.array()));
}

// ---- method forms ----------------------------------------------------------------------------------------

Tensor MathMethods::isnan() const { return reel::isnan(self()); }
Tensor MathMethods::isinf() const { return reel::isinf(self()); }
Tensor MathMethods::signbit() const { return reel::signbit(self()); }
Tensor MathMethods::isfinite() const { return reel::isfinite(self()); }
Tensor MathMethods::logical_not() const { return reel::logical_not(self()); }
Tensor MathMethods::bitwise_not() const { return reel::bitwise_not(self()); }
Tensor MathMethods::eq(const Tensor& other) const { return reel::eq(self(), other); }
Tensor MathMethods::eq(Scalar other) const { return reel::eq(self(), other); }
Tensor MathMethods::ne(const Tensor& other) const { return reel::ne(self(), other); }
Tensor MathMethods::ne(Scalar other) const { return reel::ne(self(), other); }
Tensor MathMethods::lt(const Tensor& other) const { return reel::lt(self(), other); }
Tensor MathMethods::lt(Scalar other) const { return reel::lt(self(), other); }
Tensor MathMethods::le(const Tensor& other) const { return reel::le(self(), other); }
Tensor MathMethods::le(Scalar other) const { return reel::le(self(), other); }
Tensor MathMethods::gt(const Tensor& other) const { return reel::gt(self(), other); }
Tensor MathMethods::gt(Scalar other) const { return reel::gt(self(), other); }
Tensor MathMethods::ge(const Tensor& other) const { return reel::ge(self(), other); }
Tensor MathMethods::ge(Scalar other) const { return reel::ge(self(), other); }
Tensor MathMethods::logical_and(const Tensor& other) const {
  return reel::logical_and(self(), other);
}
Tensor MathMethods::logical_or(const Tensor& other) const {
  return reel::logical_or(self(), other);
}
Tensor MathMethods::logical_xor(const Tensor& other) const {
  return reel::logical_xor(self(), other);
}
Tensor MathMethods::bitwise_and(const Tensor& other) const {
  return reel::bitwise_and(self(), other);
}
Tensor MathMethods::bitwise_or(const Tensor& other) const {
  return reel::bitwise_or(self(), other);
}
Tensor MathMethods::bitwise_xor(const Tensor& other) const {
  return reel::bitwise_xor(self(), other);
}
Tensor MathMethods::bitwise_left_shift(const Tensor& other) const {
  return reel::bitwise_left_shift(self(), other);
}
Tensor MathMethods::bitwise_right_shift(const Tensor& other) const {
  return reel::bitwise_right_shift(self(), other);
}
Tensor MathMethods::isclose(const Tensor& other, const CloseOptions& options) const {
  return reel::isclose(self(), other, options);
}
bool MathMethods::allclose(const Tensor& other, const CloseOptions& options) const {
  return reel::allclose(self(), other, options);
}
bool MathMethods::equal(const Tensor& other) const { return reel::equal(self(), other); }

Tensor& InPlaceMethods::eq_(const Tensor& other) {
  return rebind_inplace("eq_", self(), reel::eq(former(self()), other));
}
Tensor& InPlaceMethods::ne_(const Tensor& other) {
  return rebind_inplace("ne_", self(), reel::ne(former(self()), other));
}
Tensor& InPlaceMethods::lt_(const Tensor& other) {
  return rebind_inplace("lt_", self(), reel::lt(former(self()), other));
}
Tensor& InPlaceMethods::le_(const Tensor& other) {
  return rebind_inplace("le_", self(), reel::le(former(self()), other));
}
Tensor& InPlaceMethods::gt_(const Tensor& other) {
  return rebind_inplace("gt_", self(), reel::gt(former(self()), other));
}
Tensor& InPlaceMethods::ge_(const Tensor& other) {
  return rebind_inplace("ge_", self(), reel::ge(former(self()), other));
}
Tensor& InPlaceMethods::logical_and_(const Tensor& other) {
  return rebind_inplace("logical_and_", self(), reel::logical_and(former(self()), other));
}
Tensor& InPlaceMethods::logical_or_(const Tensor& other) {
  return rebind_inplace("logical_or_", self(), reel::logical_or(former(self()), other));
}
Tensor& InPlaceMethods::logical_xor_(const Tensor& other) {
  return rebind_inplace("logical_xor_", self(), reel::logical_xor(former(self()), other));
}
Tensor& InPlaceMethods::bitwise_left_shift_(const Tensor& other) {
  return rebind_inplace("bitwise_left_shift_", self(),
                        reel::bitwise_left_shift(former(self()), other));
}
Tensor& InPlaceMethods::bitwise_right_shift_(const Tensor& other) {
  return rebind_inplace("bitwise_right_shift_", self(),
                        reel::bitwise_right_shift(former(self()), other));
}
Tensor& InPlaceMethods::bitwise_and_(const Tensor& other) {
  return rebind_inplace("bitwise_and_", self(), reel::bitwise_and(former(self()), other));
}
Tensor& InPlaceMethods::bitwise_or_(const Tensor& other) {
  return rebind_inplace("bitwise_or_", self(), reel::bitwise_or(former(self()), other));
}
Tensor& InPlaceMethods::bitwise_xor_(const Tensor& other) {
  return rebind_inplace("bitwise_xor_", self(), reel::bitwise_xor(former(self()), other));
}
Tensor& InPlaceMethods::logical_not_() {
  return rebind_inplace("logical_not_", self(), reel::logical_not(former(self())));
}
Tensor& InPlaceMethods::bitwise_not_() {
  return rebind_inplace("bitwise_not_", self(), reel::bitwise_not(former(self())));
}

}  // namespace reel
