#include <reel/autograd/donate.h>

namespace reel::detail {

bool fits(const Tensor& x, const Tensor& other) {
  const Array &to = x.array(), &from = other.array();
  return to.dtype() == from.dtype() && is_floating(to.dtype()) &&
         (from.shape() == to.shape() || (from.numel() == 1 && from.rank() <= to.rank()));
}

bool may_overwrite(const Tensor& x, const Tensor& other) {
  if (!x.defined() || !other.defined() || !owned_alone(x) || !only_numbers(x)) return false;
  if (is_grad_enabled() && other.requires_grad()) return false;
  return fits(x, other);
}

Tensor over(Tensor& x, const Tensor& a, const Tensor& b,
            void (*kernel)(const Array&, const Array&, const Array& into),
            Tensor (*operation)(const Tensor&, const Tensor&)) {
  if (!may_overwrite(x, &x == &a ? b : a)) return operation(a, b);
  kernel(a.array(), b.array(), x.array());
  return std::move(x);
}

}  // namespace reel::detail
