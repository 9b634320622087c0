// The family activation.
#include "reference.h"

namespace reel::testing {
namespace {

// A call of what takes one tensor and the case's arguments.
Call call(Tensor (*f)(const Tensor& x, const Args& args)) {
  return [f](const Tensors& x, const Args& args) { return Tensors{f(x.at(0), args)}; };
}

}  // namespace

// clang-format off

Family activation_family() {
  return {
      .calls = {
          {"relu", one(relu)}, {"relu6", one(relu6)}, {"selu", one(selu)}, {"silu", one(silu)}, {"mish", one(mish)},
          {"softsign", one(softsign)}, {"hardsigmoid", one(hardsigmoid)}, {"hardswish", one(hardswish)},
          {"tanhshrink", one(tanhshrink)}, {"logsigmoid", one(logsigmoid)}, {"prelu", two(prelu)},
          {"leaky_relu", call([](const Tensor& x, const Args& args) { return leaky_relu(x, {.negative_slope = args.number("negative_slope", 0.01)}); })},
          {"elu", call([](const Tensor& x, const Args& args) { return elu(x, {.alpha = args.number("alpha", 1)}); })},
          {"celu", call([](const Tensor& x, const Args& args) { return celu(x, {.alpha = args.number("alpha", 1)}); })},
          {"gelu", call([](const Tensor& x, const Args& args) { return gelu(x, {.approximate = args.text("approximate", "none")}); })},
          {"softplus", call([](const Tensor& x, const Args& args) { return softplus(x, {.beta = args.number("beta", 1), .threshold = args.number("threshold", 20)}); })},
          {"hardtanh", call([](const Tensor& x, const Args& args) { return hardtanh(x, {.min_val = args.number("min_val", -1), .max_val = args.number("max_val", 1)}); })},
          {"hardshrink", call([](const Tensor& x, const Args& args) { return hardshrink(x, {.lambd = args.number("lambd", 0.5)}); })},
          {"softshrink", call([](const Tensor& x, const Args& args) { return softshrink(x, {.lambd = args.number("lambd", 0.5)}); })},
          {"threshold", call([](const Tensor& x, const Args& args) { return threshold(x, args.number("threshold"), args.number("value")); })},
          {"rrelu", call([](const Tensor& x, const Args& args) { return rrelu(x, {.lower = args.number("lower", 1.0 / 8), .upper = args.number("upper", 1.0 / 3)}); })},
          {"glu", call([](const Tensor& x, const Args& args) { return glu(x, args.dim()); })},
          {"softmax", call([](const Tensor& x, const Args& args) { return softmax(x, args.dim()); })},
          {"softmin", call([](const Tensor& x, const Args& args) { return softmin(x, args.dim()); })},
          {"log_softmax", call([](const Tensor& x, const Args& args) { return log_softmax(x, args.dim()); })},
      },
      .bounds = {
          // PyTorch's gradients have 1 / 6 and 1 / alpha rounded to float32, also in float64.
          {"hardsigmoid", {.float64 = 5e-8}}, {"celu", {.float64 = 5e-7}},
      },
  };
}

// clang-format on

}  // namespace reel::testing
