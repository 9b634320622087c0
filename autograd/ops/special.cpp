#include <reel/autograd/kernels/special.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <numbers>

namespace reel {

static const double kSqrtPi = std::sqrt(std::numbers::pi);

Tensor erf(const Tensor& x) {
  if (!x.is_floating_point()) return erf(as_floating(x));
  return record("erf", kernels::erf(x.array()), wrt(x, [x = keep(x)](const Tensor& g) {
                  return g * (2 / kSqrtPi * exp(-square(x())));
                }));
}

Tensor erfc(const Tensor& x) {
  if (!x.is_floating_point()) return erfc(as_floating(x));
  return record("erfc", kernels::erfc(x.array()), wrt(x, [x = keep(x)](const Tensor& g) {
                  return g * (-2 / kSqrtPi * exp(-square(x())));
                }));
}

Tensor erfinv(const Tensor& x) {
  if (!x.is_floating_point()) return erfinv(as_floating(x));
  return record("erfinv", kernels::erfinv(x.array()), wrt(x, [](const Tensor& g, const Tensor& y) {
                  return g * (kSqrtPi / 2 * exp(square(y)));
                }));
}

Tensor lgamma(const Tensor& x) {
  if (!x.is_floating_point()) return lgamma(as_floating(x));
  return record("lgamma", kernels::lgamma(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * digamma(x()); }));
}

Tensor digamma(const Tensor& x) {
  if (!x.is_floating_point()) return digamma(as_floating(x));
  return record("digamma", kernels::digamma(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * polygamma(1, x()); }));
}

Tensor polygamma(int64_t n, const Tensor& x) {
  check(n >= 0, "polygamma: the order must not be negative, got {}", n);
  if (n == 0) return digamma(x);
  if (!x.is_floating_point()) return polygamma(n, as_floating(x));
  return record("polygamma", kernels::polygamma(x.array(), n),
                wrt(x, [x = keep(x), n](const Tensor& g) { return g * polygamma(n + 1, x()); }));
}

// ---- method forms ----------------------------------------------------------------------------------------

Tensor MathMethods::erf() const { return reel::erf(self()); }
Tensor MathMethods::erfc() const { return reel::erfc(self()); }
Tensor MathMethods::erfinv() const { return reel::erfinv(self()); }
Tensor MathMethods::lgamma() const { return reel::lgamma(self()); }
Tensor MathMethods::digamma() const { return reel::digamma(self()); }

Tensor& InPlaceMethods::erf_() { return rebind_inplace("erf_", self(), reel::erf(former(self()))); }
Tensor& InPlaceMethods::erfc_() {
  return rebind_inplace("erfc_", self(), reel::erfc(former(self())));
}
Tensor& InPlaceMethods::erfinv_() {
  return rebind_inplace("erfinv_", self(), reel::erfinv(former(self())));
}
Tensor& InPlaceMethods::lgamma_() {
  return rebind_inplace("lgamma_", self(), reel::lgamma(former(self())));
}
Tensor& InPlaceMethods::digamma_() {
  return rebind_inplace("digamma_", self(), reel::digamma(former(self())));
}

}  // namespace reel
