#pragma once
// Donation: a result takes the memory of an operand that nobody else can see.

#include <reel/autograd/rule.h>

namespace reel::detail {

/// Whether nobody but this handle can see the numbers, so that they may be overwritten.
inline bool owned_alone(const Tensor& x) {
  const TensorBody* body = x.body();
  return body->refs.unique() && body->array.storage()->refs.unique() && body->array.is_contiguous();
}

/// Whether the result of an operation may stand where x stands although x is recorded: the handle
/// is the last one, and no rule has kept x. The operation's own rule must not need x either.
inline bool gives_memory(const Tensor& x) {
  return x.defined() && owned_alone(x) && !x.body()->requires_grad && !x.body()->base;
}

/// Whether its body has nothing but numbers: a former leaf may have a .grad and hooks still.
inline bool only_numbers(const Tensor& x) {
  return !x.body()->needs_grad() && !x.body()->grad.defined() && !x.body()->hooks;
}

/// Whether the result of an elementwise operation of `x` and `other` has x's shape and dtype.
bool fits(const Tensor& x, const Tensor& other);

/// Whether an elementwise operation of `x` and `other` may put its result where x stands: nothing
/// is recorded, x fits, and it has no other owner.
bool may_overwrite(const Tensor& x, const Tensor& other);

/// operation(a, b), computed by `kernel` in the place of `x`, which is one of both, if it may.
Tensor over(Tensor& x, const Tensor& a, const Tensor& b,
            void (*kernel)(const Array&, const Array&, const Array& into),
            Tensor (*operation)(const Tensor&, const Tensor&));

}  // namespace reel::detail
