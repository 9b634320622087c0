// Sums, and the operators of temporaries.
#include <reel/autograd/donate.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/operators.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

using Kernel = void (*)(const Array&, const Array&, const Array& into);
using Operation = Tensor (*)(const Tensor&, const Tensor&);

Tensor over_either(Tensor& a, Tensor& b, Kernel kernel, Operation operation) {
  return detail::over(detail::may_overwrite(a, b) ? a : b, a, b, kernel, operation);
}

// The sum, recorded.
Tensor record_sum(Array&& sum, const Tensor& a, const Tensor& b) {
  return record("add", std::move(sum), wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [](Tensor&& g) { return std::move(g); }));
}

// Its rules need neither operand, so a sum may stand where a temporary stood that is recorded.
bool takes_sum(const Tensor& x, const Tensor& other) {
  return detail::gives_memory(x) && other.defined() && detail::fits(x, other);
}

Tensor sum_over(Tensor& x, const Tensor& a, const Tensor& b) {
  const Tensor& other = &x == &a ? b : a;
  if (!takes_sum(x, other)) return add(a, b);
  kernels::add(a.array(), b.array(), x.array());
  if (detail::only_numbers(x) && !(is_grad_enabled() && other.requires_grad())) return std::move(x);
  return record_sum(Array(x.array()), a, b);
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) return promoted(add, a, b);
  return record_sum(kernels::add(a.array(), b.array()), a, b);
}

Tensor operator+(Tensor&& a, const Tensor& b) { return sum_over(a, a, b); }
Tensor operator+(const Tensor& a, Tensor&& b) { return sum_over(b, a, b); }
Tensor operator+(Tensor&& a, Tensor&& b) { return sum_over(takes_sum(a, b) ? a : b, a, b); }

Tensor operator-(Tensor&& a, const Tensor& b) { return detail::over(a, a, b, kernels::sub, sub); }
Tensor operator-(const Tensor& a, Tensor&& b) { return detail::over(b, a, b, kernels::sub, sub); }
Tensor operator-(Tensor&& a, Tensor&& b) { return over_either(a, b, kernels::sub, sub); }

Tensor operator*(Tensor&& a, const Tensor& b) { return detail::over(a, a, b, kernels::mul, mul); }
Tensor operator*(const Tensor& a, Tensor&& b) { return detail::over(b, a, b, kernels::mul, mul); }
Tensor operator*(Tensor&& a, Tensor&& b) { return over_either(a, b, kernels::mul, mul); }

Tensor operator/(Tensor&& a, const Tensor& b) { return detail::over(a, a, b, kernels::div, div); }
Tensor operator/(const Tensor& a, Tensor&& b) { return detail::over(b, a, b, kernels::div, div); }
Tensor operator/(Tensor&& a, Tensor&& b) { return over_either(a, b, kernels::div, div); }

}  // namespace reel
