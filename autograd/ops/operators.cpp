// Operators of temporaries; sums are in binary.cpp.
#include <reel/autograd/donate.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/operators.h>

namespace reel {
namespace {

using Kernel = void (*)(const Array&, const Array&, const Array& into);
using Operation = Tensor (*)(const Tensor&, const Tensor&);

Tensor over_either(Tensor& a, Tensor& b, Kernel kernel, Operation operation) {
  return detail::over(detail::may_overwrite(a, b) ? a : b, a, b, kernel, operation);
}

}  // namespace

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
