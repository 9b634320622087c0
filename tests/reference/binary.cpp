// The family binary: two and three tensors, or tensors and a number.
#include "reference.h"

namespace reel::testing {
namespace {

using Function = Tensor (*)(const Tensor&, const Tensor&);
using WithNumber = Tensor (*)(const Tensor&, Scalar);

// Of two tensors, or of one and the number `other`.
Call either(Function f, WithNumber g) {
  return [f, g](const Tensors& x, const Args& args) {
    return Tensors{x.size() == 2 ? f(x[0], x[1]) : g(x.at(0), args.scalar("other"))};
  };
}

template <class F>
Call with_alpha(F f) {
  return [f](const Tensors& x, const Args& args) {
    AlphaOptions options;
    if (args.has("alpha")) options.alpha = args.scalar("alpha");
    return Tensors{x.size() == 2 ? f(x[0], x[1], options)
                                 : f(x.at(0), args.scalar("other"), options)};
  };
}

// PyTorch's default floating type was float64 when the cases were made; here it is float32.
Tensors divided(const Tensors& x, const Args& args) {
  const std::string mode = args.text("rounding_mode");
  const DivOptions options{.rounding_mode = mode};
  if (x.size() == 1) return {x[0].div(args.scalar("other"), options)};
  if (!mode.empty() || x.at(0).is_floating_point() || x.at(1).is_floating_point())
    return {x.at(0).div(x.at(1), options)};
  check(x[0].div(x[1], options).dtype() == kFloat32, "integers must become float32");
  return {x[0].to(kFloat64).div(x[1].to(kFloat64), options)};
}

Tensors multiplied(const Tensors& x, const Args& args) {
  if (x.size() == 2) return {x[0].mul(x[1])};
  const Scalar other = args.scalar("other");
  if (x.at(0).is_floating_point() || !other.is_floating()) return {x[0].mul(other)};
  check(x[0].mul(other).dtype() == kFloat32, "integers must become float32");
  return {x[0].to(kFloat64).mul(other)};
}

Tensors power(const Tensors& x, const Args& args) {
  if (args.has("exponent")) return {pow(x.at(0), args.scalar("exponent"))};
  if (args.has("base")) return {pow(args.scalar("base"), x.at(0))};
  return {pow(x.at(0), x.at(1))};
}

Tensors interpolated(const Tensors& x, const Args& args) {
  if (x.size() == 3) return {x[0].lerp(x[1], x[2])};
  return {x.at(0).lerp(x.at(1), args.scalar("weight"))};
}

ValueOptions value(const Args& args) {
  ValueOptions options;
  if (args.has("value")) options.value = args.scalar("value");
  return options;
}

CloseOptions close(const Args& args) {
  return {.rtol = args.number("rtol", 1e-5),
          .atol = args.number("atol", 1e-8),
          .equal_nan = args.flag("equal_nan")};
}

Tensors truth(bool value) { return {full({}, value, {.dtype = kBool})}; }

}  // namespace

// clang-format off

Family binary_family() {
  const char* const promotes = "integers become the default floating type, which was float64";
  return {
      .calls = {
          {"add", with_alpha([](const Tensor& a, const auto& b, const AlphaOptions& options) { return a.add(b, options); })},
          {"sub", with_alpha([](const Tensor& a, const auto& b, const AlphaOptions& options) { return a.sub(b, options); })},
          {"mul", multiplied}, {"div", divided}, {"pow", power}, {"floor_divide", either(floor_divide, floor_divide)},
          {"fmod", either(fmod, fmod)}, {"remainder", either(remainder, remainder)},
          {"maximum", two(maximum)}, {"minimum", two(minimum)}, {"fmax", two(fmax)}, {"fmin", two(fmin)},
          {"atan2", two(atan2)}, {"hypot", two(hypot)}, {"logaddexp", two(logaddexp)}, {"logaddexp2", two(logaddexp2)},
          {"xlogy", two(xlogy)}, {"copysign", two(copysign)}, {"lerp", interpolated},
          {"addcmul", [](const Tensors& x, const Args& args) { return Tensors{x.at(0).addcmul(x.at(1), x.at(2), value(args))}; }},
          {"addcdiv", [](const Tensors& x, const Args& args) { return Tensors{x.at(0).addcdiv(x.at(1), x.at(2), value(args))}; }},
          {"where", [](const Tensors& x, const Args&) { return Tensors{where(x.at(0), x.at(1), x.at(2))}; }},
          {"eq", either(eq, eq)}, {"ne", either(ne, ne)}, {"lt", either(lt, lt)}, {"le", either(le, le)},
          {"gt", either(gt, gt)}, {"ge", either(ge, ge)},
          {"logical_and", two(logical_and)}, {"logical_or", two(logical_or)}, {"logical_xor", two(logical_xor)},
          {"isclose", [](const Tensors& x, const Args& args) { return Tensors{x.at(0).isclose(x.at(1), close(args))}; }},
          {"allclose", [](const Tensors& x, const Args& args) { return truth(x.at(0).allclose(x.at(1), close(args))); }},
          {"equal", [](const Tensors& x, const Args&) { return truth(x.at(0).equal(x.at(1))); }},
      },
      .double_only = {
          {"div_int", promotes}, {"div_promote_bool_int", promotes}, {"div_mode_int_none", promotes},
          {"mul_int_float_number", promotes},
      },
  };
}

// clang-format on

}  // namespace reel::testing
