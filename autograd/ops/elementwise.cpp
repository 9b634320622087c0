#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <tuple>
#include <utility>

namespace reel {
namespace {

int kind(Dtype dtype) { return dtype == kBool ? 0 : is_integral(dtype) ? 1 : 2; }

// torch.result_type: a 0-d tensor counts only where it is of a higher kind than a tensor with dims.
Dtype result_type(const Tensor& a, const Tensor& b) {
  if ((a.dim() == 0) == (b.dim() == 0)) return promote_types(a.dtype(), b.dtype());
  const Tensor& with_dims = a.dim() > 0 ? a : b;
  const Tensor& single = a.dim() > 0 ? b : a;
  if (kind(single.dtype()) <= kind(with_dims.dtype())) return with_dims.dtype();
  return promote_types(a.dtype(), b.dtype());
}

bool differ(const Tensor& a, const Tensor& b) { return a.dtype() != b.dtype(); }

std::pair<Tensor, Tensor> promote(const Tensor& a, const Tensor& b) {
  const Dtype dtype = result_type(a, b);
  return {a.to(dtype), b.to(dtype)};
}

// Functions of real numbers take integers as the default floating type.
Tensor real(const Tensor& x) { return x.is_floating_point() ? x : x.to(kFloat32); }

Tensor zero_like(const Tensor& x) { return scalar_like(x, 0); }

}  // namespace

Tensor scalar_like(const Tensor& x, Scalar value) {
  const int needed = value.is_bool() ? 0 : value.is_integral() ? 1 : 2;
  return Tensor(Array::full({}, value, kind(x.dtype()) >= needed ? x.dtype() : value.dtype()));
}

// ---- two operands ----------------------------------------------------------------------------------------

Tensor add(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(add, promote(a, b));
  return record("add", kernels::add(a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [](const Tensor& g) { return g; }));
}

Tensor sub(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(sub, promote(a, b));
  return record("sub", kernels::sub(a.array(), b.array()),
                wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, [](const Tensor& g) { return -g; }));
}

Tensor mul(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(mul, promote(a, b));
  return record("mul", kernels::mul(a.array(), b.array()),
                wrt(a, [b = keep(b)](const Tensor& g) { return g * b(); }),
                wrt(b, [a = keep(a)](const Tensor& g) { return g * a(); }));
}

Tensor div(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(div, promote(a, b));
  if (!a.is_floating_point()) return div(real(a), real(b));
  return record(
      "div", kernels::div(a.array(), b.array()),
      wrt(a, [b = keep(b)](const Tensor& g) { return g / b(); }),
      wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) { return -g * (a() / b() / b()); }));
}

Tensor pow(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) {
    const auto [x, exponent] = promote(a, b);
    return pow(x, exponent);
  }
  return record("pow", kernels::pow(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      // x^0 is 1 everywhere: its derivative must not become 0 * inf at x = 0.
                      return where(b() == 0, zero_like(g), g * (b() * pow(a(), b() - 1)));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g, const Tensor& y) {
                  return where((a() == 0) & (b() >= 0), zero_like(g), g * (y * log(a())));
                }));
}

Tensor pow(const Tensor& a, Scalar exponent) {
  if (is_integral(a.dtype()) && exponent.is_integral()) {
    check(exponent.to<int64_t>() >= 0,
          "pow: integers to negative integer powers are not allowed, got {}",
          exponent.to<int64_t>());
  }
  return pow(a, scalar_like(a, exponent));
}

Tensor pow(Scalar base, const Tensor& exponent) {
  return pow(scalar_like(exponent, base), exponent);
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(maximum, promote(a, b));
  return record("maximum", kernels::maximum(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      return where(a() < b(), zero_like(g), where(a() == b(), g / 2, g));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return where(b() < a(), zero_like(g), where(a() == b(), g / 2, g));
                }));
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(minimum, promote(a, b));
  return record("minimum", kernels::minimum(a.array(), b.array()),
                wrt(a,
                    [a = keep(a), b = keep(b)](const Tensor& g) {
                      return where(a() > b(), zero_like(g), where(a() == b(), g / 2, g));
                    }),
                wrt(b, [a = keep(a), b = keep(b)](const Tensor& g) {
                  return where(b() > a(), zero_like(g), where(a() == b(), g / 2, g));
                }));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check<TypeError>(condition.dtype() == kBool, "where: the condition must be bool, got {}",
                   condition.dtype());
  if (differ(a, b)) {
    const auto [x, y] = promote(a, b);
    return where(condition, x, y);
  }
  return record(
      "where", kernels::where(condition.array(), a.array(), b.array()),
      wrt(a, [c = keep(condition)](const Tensor& g) { return where(c(), g, zero_like(g)); }),
      wrt(b, [c = keep(condition)](const Tensor& g) { return where(c(), zero_like(g), g); }));
}

Tensor where(const Tensor& condition, const Tensor& a, Scalar b) {
  return where(condition, a, scalar_like(a, b));
}

Tensor where(const Tensor& condition, Scalar a, const Tensor& b) {
  return where(condition, scalar_like(b, a), b);
}

Tensor clamp(const Tensor& x, const ClampOptions& options) {
  check(options.min || options.max, "clamp: at least one of min and max must be given");
  Array y = x.array();
  Array within = Array::full({}, true, kBool);
  const auto limit = [&](Scalar bound, bool below) {
    const Array b = scalar_like(x, bound).array();
    check<TypeError>(b.dtype() == x.dtype(),
                     "clamp: a floating bound needs a floating tensor, got {}", x.dtype());
    within =
        kernels::logical_and(within, below ? kernels::le(b, x.array()) : kernels::le(x.array(), b));
    y = below ? kernels::maximum(y, b) : kernels::minimum(y, b);
  };
  if (options.min) limit(*options.min, true);
  if (options.max) limit(*options.max, false);
  return record("clamp", std::move(y), wrt(x, [within = Tensor(within)](const Tensor& g) {
                  return where(within, g, zero_like(g));
                }));
}

// ---- one operand -----------------------------------------------------------------------------------------

Tensor neg(const Tensor& x) {
  return record("neg", kernels::neg(x.array()), wrt(x, [](const Tensor& g) { return -g; }));
}

Tensor exp(const Tensor& x) {
  if (!x.is_floating_point()) return exp(real(x));
  return record("exp", kernels::exp(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * y; }));
}

Tensor log(const Tensor& x) {
  if (!x.is_floating_point()) return log(real(x));
  return record("log", kernels::log(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g / x(); }));
}

Tensor sqrt(const Tensor& x) {
  if (!x.is_floating_point()) return sqrt(real(x));
  return record("sqrt", kernels::sqrt(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g / (2 * y); }));
}

Tensor square(const Tensor& x) {
  return record("square", kernels::square(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * (2 * x()); }));
}

Tensor tanh(const Tensor& x) {
  if (!x.is_floating_point()) return tanh(real(x));
  return record("tanh", kernels::tanh(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (1 - y * y); }));
}

Tensor sigmoid(const Tensor& x) {
  if (!x.is_floating_point()) return sigmoid(real(x));
  return record("sigmoid", kernels::sigmoid(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return g * (y * (1 - y)); }));
}

// g where y > 0: one pass instead of a comparison and a choice.
static Tensor threshold_backward(const Tensor& g, const Tensor& y) {
  return record("threshold_backward", kernels::threshold_backward(g.array(), y.array()),
                wrt(g, [y = keep(y)](const Tensor& gg) { return threshold_backward(gg, y()); }));
}

Tensor relu(const Tensor& x) {
  return record("relu", kernels::relu(x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) { return threshold_backward(g, y); }));
}

Tensor abs(const Tensor& x) {
  return record("abs", kernels::abs(x.array()),
                wrt(x, [x = keep(x)](const Tensor& g) { return g * sign(x()); }));
}

// Flat wherever it has a derivative: recorded, so that what depends on it has a zero gradient as in
// PyTorch.
Tensor sign(const Tensor& x) {
  return record("sign", kernels::sign(x.array()),
                wrt(x, [](const Tensor& g) { return zeros_like(g); }));
}

// ---- comparisons -----------------------------------------------------------------------------------------

Tensor eq(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(eq, promote(a, b));
  return record("eq", kernels::eq(a.array(), b.array()));
}

Tensor ne(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(ne, promote(a, b));
  return record("ne", kernels::ne(a.array(), b.array()));
}

Tensor lt(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(lt, promote(a, b));
  return record("lt", kernels::lt(a.array(), b.array()));
}

Tensor le(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(le, promote(a, b));
  return record("le", kernels::le(a.array(), b.array()));
}

Tensor gt(const Tensor& a, const Tensor& b) { return lt(b, a); }

Tensor ge(const Tensor& a, const Tensor& b) { return le(b, a); }

Tensor logical_not(const Tensor& x) {
  return record("logical_not", kernels::logical_not(x.array()));
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(logical_and, promote(a, b));
  return record("logical_and", kernels::logical_and(a.array(), b.array()));
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  if (differ(a, b)) return std::apply(logical_or, promote(a, b));
  return record("logical_or", kernels::logical_or(a.array(), b.array()));
}

Tensor isnan(const Tensor& x) { return record("isnan", kernels::isnan(x.array())); }

bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options) {
  NoGradGuard no_grad;
  const Tensor x = a.to(kFloat64), y = b.to(kFloat64);
  check<TypeError>(a.dtype() == b.dtype(), "allclose: both must have one dtype, got {} and {}",
                   a.dtype(), b.dtype());
  const Tensor within = abs(x - y) <= options.atol + options.rtol * abs(y);
  Tensor close = (x == y) | (within & (abs(y) < INFINITY));
  if (options.equal_nan) close = close | (isnan(x) & isnan(y));
  return close.all();
}

bool equal(const Tensor& a, const Tensor& b) {
  check<TypeError>(a.dtype() == b.dtype(), "equal: both must have one dtype, got {} and {}",
                   a.dtype(), b.dtype());
  return a.shape() == b.shape() && (a == b).all();
}

// ---- method forms ----------------------------------------------------------------------------------------

Tensor MathMethods::operator-() const { return reel::neg(self()); }
Tensor MathMethods::neg() const { return reel::neg(self()); }
Tensor MathMethods::exp() const { return reel::exp(self()); }
Tensor MathMethods::log() const { return reel::log(self()); }
Tensor MathMethods::sqrt() const { return reel::sqrt(self()); }
Tensor MathMethods::square() const { return reel::square(self()); }
Tensor MathMethods::tanh() const { return reel::tanh(self()); }
Tensor MathMethods::sigmoid() const { return reel::sigmoid(self()); }
Tensor MathMethods::relu() const { return reel::relu(self()); }
Tensor MathMethods::abs() const { return reel::abs(self()); }
Tensor MathMethods::add(const Tensor& other, const AlphaOptions& options) const {
  return reel::add(self(), other * options.alpha);
}
Tensor MathMethods::add(Scalar other, const AlphaOptions& options) const {
  return add(scalar_like(self(), other), options);
}
Tensor MathMethods::sub(const Tensor& other, const AlphaOptions& options) const {
  return reel::sub(self(), other * options.alpha);
}
Tensor MathMethods::sub(Scalar other, const AlphaOptions& options) const {
  return sub(scalar_like(self(), other), options);
}
Tensor MathMethods::mul(Scalar other) const { return self() * other; }
Tensor MathMethods::mul(const Tensor& other) const { return reel::mul(self(), other); }
Tensor MathMethods::div(const Tensor& other, const DivOptions&) const {
  return reel::div(self(), other);
}
Tensor MathMethods::div(Scalar other, const DivOptions& options) const {
  return div(scalar_like(self(), other), options);
}
Tensor MathMethods::pow(const Tensor& exponent) const { return reel::pow(self(), exponent); }
Tensor MathMethods::pow(Scalar exponent) const { return reel::pow(self(), exponent); }
Tensor MathMethods::maximum(const Tensor& other) const { return reel::maximum(self(), other); }
Tensor MathMethods::minimum(const Tensor& other) const { return reel::minimum(self(), other); }
Tensor MathMethods::clamp(const ClampOptions& options) const {
  return reel::clamp(self(), options);
}

}  // namespace reel
