#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/kernels/special.h>
#include <reel/autograd/kernels/vector_math.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace reel::kernels {
namespace {

using std::numbers::pi;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class F>
Array in_double(const char* op, const Array& x, F f) {
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    return map<T>(x, [&f](T v) { return static_cast<T>(f(static_cast<double>(v))); });
  });
}

// The Bernoulli numbers B2, B4, ... of the asymptotic series below.
constexpr double kBernoulli[] = {
    1.0 / 6, -1.0 / 30,     1.0 / 42,      -1.0 / 30,       5.0 / 66,       -691.0 / 2730,
    7.0 / 6, -3617.0 / 510, 43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730};

// A first guess within 0.3 % (Winitzki, "A handy approximation for the error function and its
// inverse", 2008), made exact by steps of Halley, which triple the digits each.
double erfinv_of(double x) {
  const double size = std::fabs(x);
  if (!(size < 1)) return size == 1 ? std::copysign(kInfinity, x) : std::nan("");
  double y = size * (std::sqrt(pi) / 2) * (1 + size * size * (pi / 12));
  if (size > 0.1) {
    const double log = std::log1p(-size) + std::log1p(size);
    const double half = 2 / (pi * 0.147) + log / 2;
    y = std::sqrt(std::sqrt(half * half - log / 0.147) - half);
  }
  for (int i = 0; i < 3; ++i) {
    // 1 - size is exact from 0.5 on, and erfc keeps its digits where erf has none left.
    const double error = size < 0.5 ? std::erf(y) - size : (1 - size) - std::erfc(y);
    const double step = error / (2 / std::sqrt(pi) * std::exp(-y * y));
    y -= step / (1 + y * step);
  }
  return std::copysign(y, x);
}

double lgamma_of(double x) {
  int sign;
  return ::lgamma_r(x, &sign);  // std::lgamma writes a global variable
}

// Recurrence up to 10, then the asymptotic series (Abramowitz and Stegun, 6.3.6 and 6.3.18);
// reflection (6.3.7) for negative numbers.
double digamma_of(double x) {
  if (x == 0) return std::copysign(kInfinity, -x);
  if (x < 0) {
    if (x == std::trunc(x)) return std::nan("");
    return digamma_of(1 - x) - pi / std::tan(pi * (x - std::nearbyint(x)));
  }
  double result = 0;
  for (; x < 10; ++x) result -= 1 / x;
  const double inverse = 1 / (x * x);
  double power = inverse, series = 0;
  for (int k = 1; k <= 8; ++k, power *= inverse) series += kBernoulli[k - 1] / (2 * k) * power;
  return result + std::log(x) - 0.5 / x - series;
}

// x to the power -n.
double inverse_power(double x, int64_t n) {
  if (n > 8) return std::pow(x, -static_cast<double>(n));
  double power = 1;
  for (int64_t i = 0; i < n; ++i) power *= x;
  return 1 / power;
}

// The sum of (x + k)^-s over k >= 0 for x > 0 and s >= 2: the first terms one by one, the rest by
// the formula of Euler and Maclaurin.
double hurwitz_zeta(int64_t s, double x) {
  if (std::isinf(x)) return 0;
  const double order = static_cast<double>(s);
  double sum = 0;
  for (; x < 12 + order; ++x) {
    const double term = inverse_power(x, s);
    sum += term;
    if (term < 1e-20 * sum) return sum;
  }
  const double last = inverse_power(x, s);
  sum += inverse_power(x, s - 1) / (order - 1) + last / 2;
  double factor = order * last / x / 2;  // s (s + 1) ... (s + 2k - 2) / (2k)! x^-(s + 2k - 1)
  for (int k = 1; k <= 12; ++k) {
    sum += kBernoulli[k - 1] * factor;
    factor *= (order + 2 * k - 1) * (order + 2 * k) / ((2 * k + 1) * (2 * k + 2) * x * x);
  }
  return sum;
}

// The n-th derivative of pi cot(pi x) is pi^(n + 1) p(cot(pi x)) with p = t for n = 0 and then
// -(1 + t^2) p'. These are the coefficients of p.
std::vector<double> cotangent_derivative(int64_t n) {
  std::vector<double> p = {0, 1};
  for (int64_t i = 0; i < n; ++i) {
    std::vector<double> next(p.size() + 1, 0.0);
    for (size_t k = 1; k < p.size(); ++k) {
      next[k - 1] -= static_cast<double>(k) * p[k];
      next[k + 1] -= static_cast<double>(k) * p[k];
    }
    p = std::move(next);
  }
  return p;
}

double polynomial(const std::vector<double>& p, double t) {
  double value = 0;
  for (size_t k = p.size(); k-- > 0;) value = value * t + p[k];
  return value;
}

}  // namespace

Array erf(const Array& x) {
  if (x.dtype() != kFloat32) return in_double("erf", x, [](double v) { return std::erf(v); });
  // xsimd's has float32's digits, not float64's.
  return map_batches<float>(x, [](auto v) { return xsimd::erf(v); });
}

Array erfc(const Array& x) {
  return in_double("erfc", x, [](double v) { return std::erfc(v); });
}

Array erfinv(const Array& x) { return in_double("erfinv", x, erfinv_of); }

Array lgamma(const Array& x) { return in_double("lgamma", x, lgamma_of); }

Array digamma(const Array& x) { return in_double("digamma", x, digamma_of); }

// Abramowitz and Stegun, 6.4.10 and, for negative numbers, the reflection 6.4.7.
Array polygamma(const Array& x, int64_t n) {
  const double factorial = std::tgamma(static_cast<double>(n) + 1);
  const double sign = n % 2 == 0 ? -1 : 1;
  const std::vector<double> reflection = cotangent_derivative(n);
  const double scale = std::pow(pi, static_cast<double>(n) + 1);
  return in_double("polygamma", x, [&](double v) {
    if (v > 0) return sign * factorial * hurwitz_zeta(n + 1, v);
    if (v == std::trunc(v)) return v == -kInfinity ? std::nan("") : sign * kInfinity;
    const double cotangent = 1 / std::tan(pi * (v - std::nearbyint(v)));
    return -factorial * hurwitz_zeta(n + 1, 1 - v) - scale * polynomial(reflection, cotangent);
  });
}

}  // namespace reel::kernels
