// The family elementwise: one tensor, element by element. Called in the method form where there is
// one; the tables of op_cases/ call the functions.
#include "reference.h"

namespace reel::testing {
namespace {

using Method = Tensor (MathMethods::*)() const;

Call method(Method f) {
  return [f](const Tensors& x, const Args&) { return Tensors{(x.at(0).*f)()}; };
}

// PyTorch's default floating type was float64 when the cases were made; here it is float32.
Call real(Method f) {
  return [f](const Tensors& x, const Args&) {
    const Tensor& input = x.at(0);
    if (input.is_floating_point()) return Tensors{(input.*f)()};
    check((input.*f)().dtype() == kFloat32, "integers must become float32");
    return Tensors{(input.to(kFloat64).*f)()};
  };
}

Tensors clamped(const Tensors& x, const Args& args) {
  ClampOptions options;
  if (args.has("min")) options.min = args.scalar("min");
  if (args.has("max")) options.max = args.scalar("max");
  return {x.at(0).clamp(options)};
}

Tensors without_nan(const Tensors& x, const Args& args) {
  return {x.at(0).nan_to_num({.nan = args.number("nan"),
                              .posinf = args.maybe<double>("posinf"),
                              .neginf = args.maybe<double>("neginf")})};
}

Tensors rounded(const Tensors& x, const Args& args) {
  return {x.at(0).round({.decimals = static_cast<int>(args.integer("decimals"))})};
}

Tensors logits(const Tensors& x, const Args& args) {
  return {x.at(0).logit({.eps = args.maybe<double>("eps")})};
}

}  // namespace

// clang-format off

Family elementwise_family() {
  const char* const promotes = "integers become the default floating type, which was float64";
  return {
      .calls = {
          {"abs", method(&Tensor::abs)}, {"neg", method(&Tensor::neg)}, {"sign", method(&Tensor::sign)},
          {"square", method(&Tensor::square)}, {"reciprocal", real(&Tensor::reciprocal)},
          {"exp", real(&Tensor::exp)}, {"exp2", real(&Tensor::exp2)}, {"expm1", real(&Tensor::expm1)},
          {"log", real(&Tensor::log)}, {"log1p", real(&Tensor::log1p)}, {"log2", real(&Tensor::log2)},
          {"log10", real(&Tensor::log10)}, {"sqrt", real(&Tensor::sqrt)}, {"rsqrt", real(&Tensor::rsqrt)},
          {"sin", real(&Tensor::sin)}, {"cos", real(&Tensor::cos)}, {"tan", real(&Tensor::tan)},
          {"asin", real(&Tensor::asin)}, {"acos", real(&Tensor::acos)}, {"atan", real(&Tensor::atan)},
          {"sinh", real(&Tensor::sinh)}, {"cosh", real(&Tensor::cosh)}, {"tanh", real(&Tensor::tanh)},
          {"asinh", real(&Tensor::asinh)}, {"acosh", real(&Tensor::acosh)}, {"atanh", real(&Tensor::atanh)},
          {"sigmoid", real(&Tensor::sigmoid)}, {"erf", real(&Tensor::erf)}, {"erfc", real(&Tensor::erfc)},
          {"erfinv", real(&Tensor::erfinv)}, {"lgamma", real(&Tensor::lgamma)}, {"digamma", real(&Tensor::digamma)},
          {"floor", method(&Tensor::floor)}, {"ceil", method(&Tensor::ceil)}, {"trunc", method(&Tensor::trunc)},
          {"frac", method(&Tensor::frac)}, {"round", rounded}, {"logit", logits}, {"clamp", clamped},
          {"nan_to_num", without_nan}, {"isnan", method(&Tensor::isnan)}, {"isinf", method(&Tensor::isinf)},
          {"isfinite", method(&Tensor::isfinite)}, {"logical_not", method(&Tensor::logical_not)},
      },
      .double_only = {
          {"exp_int64_promotes", promotes}, {"sin_int64_promotes", promotes},
          {"sqrt_int64_promotes", promotes}, {"sigmoid_int64_promotes", promotes},
          {"erfinv_tails", "float32 keeps too few digits of 1 - |x| for an x this near to 1"},
      },
  };
}

// clang-format on

}  // namespace reel::testing
