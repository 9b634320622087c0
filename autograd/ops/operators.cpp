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

// Its rules need neither operand, so a sum may stand where a temporary stood that is recorded.
bool takes_sum(const Tensor& x, const Tensor& other) {
  return detail::gives_memory(x) && other.defined() && detail::fits(x, other);
}

constexpr auto to_first = [](const Tensor& g) { return g; };
constexpr auto to_second = [](Tensor&& g) { return std::move(g); };

Tensor sum_over(Tensor& x, const Tensor& a, const Tensor& b) {
  if (!takes_sum(x, &x == &a ? b : a)) return add(a, b);
  const auto compute = [&] { kernels::add(a.array(), b.array(), x.array()); };
  return record_over("add", std::move(x), compute, wrt(a, to_first), wrt(b, to_second));
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) return promoted(add, a, b);
  return record("add", kernels::add(a.array(), b.array()), wrt(a, to_first), wrt(b, to_second));
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
