// The family activation.
#include "reference.h"

namespace reel::testing {
namespace {

Call call(Tensor (*f)(const Tensor& x, const Args& args)) {
  return [f](const Tensors& x, const Args& args) { return Tensors{f(x.at(0), args)}; };
}

// As a function and as a module without options.
template <class M>
void add(Family& family, const char* name, Tensor (*f)(const Tensor&)) {
  family.calls[name] = one(f);
  family.modules[name] = [](const Tensors& x, const Args&) { return Tensors{M()(x.at(0))}; };
}
// With options.
template <class M, class O>
void add(Family& family, const char* name, Tensor (*f)(const Tensor&, const O&),
         typename M::ImplType::Options (*options)(const Args&)) {
  family.calls[name] = [=](const Tensors& x, const Args& args) {
    return Tensors{f(x.at(0), options(args))};
  };
  family.modules[name] = [=](const Tensors& x, const Args& args) {
    return Tensors{M(options(args))(x.at(0))};
  };
}

}  // namespace

// clang-format off

Family activation_family() {
  Family family;
  add<nn::ReLU>(family, "relu", [](const Tensor& x) { return relu(x); });
  add<nn::ReLU6>(family, "relu6", relu6);
  add<nn::SELU>(family, "selu", selu);
  add<nn::SiLU>(family, "silu", silu);
  add<nn::Mish>(family, "mish", mish);
  add<nn::Softsign>(family, "softsign", softsign);
  add<nn::Hardsigmoid>(family, "hardsigmoid", hardsigmoid);
  add<nn::Hardswish>(family, "hardswish", hardswish);
  add<nn::Tanhshrink>(family, "tanhshrink", tanhshrink);
  add<nn::LogSigmoid>(family, "logsigmoid", logsigmoid);
  add<nn::LeakyReLU>(family, "leaky_relu", leaky_relu, [](const Args& args) { return LeakyReluOptions{.negative_slope = args.number("negative_slope", 0.01)}; });
  add<nn::ELU>(family, "elu", elu, [](const Args& args) { return EluOptions{.alpha = args.number("alpha", 1)}; });
  add<nn::CELU>(family, "celu", celu, [](const Args& args) { return EluOptions{.alpha = args.number("alpha", 1)}; });
  add<nn::Softplus>(family, "softplus", softplus, [](const Args& args) { return SoftplusOptions{.beta = args.number("beta", 1), .threshold = args.number("threshold", 20)}; });
  add<nn::Hardtanh>(family, "hardtanh", hardtanh, [](const Args& args) { return HardtanhOptions{.min_val = args.number("min_val", -1), .max_val = args.number("max_val", 1)}; });
  add<nn::Hardshrink>(family, "hardshrink", hardshrink, [](const Args& args) { return ShrinkOptions{.lambd = args.number("lambd", 0.5)}; });
  add<nn::Softshrink>(family, "softshrink", softshrink, [](const Args& args) { return ShrinkOptions{.lambd = args.number("lambd", 0.5)}; });
  auto& calls = family.calls;
  calls["prelu"] = two(prelu);
  calls["gelu"] = call([](const Tensor& x, const Args& args) { return gelu(x, {.approximate = args.text("approximate", "none")}); });
  calls["threshold"] = call([](const Tensor& x, const Args& args) { return threshold(x, args.number("threshold"), args.number("value")); });
  calls["rrelu"] = call([](const Tensor& x, const Args& args) { return rrelu(x, {.lower = args.number("lower", 1.0 / 8), .upper = args.number("upper", 1.0 / 3)}); });
  calls["glu"] = call([](const Tensor& x, const Args& args) { return glu(x, args.dim()); });
  calls["softmax"] = call([](const Tensor& x, const Args& args) { return softmax(x, args.dim()); });
  calls["softmin"] = call([](const Tensor& x, const Args& args) { return softmin(x, args.dim()); });
  calls["log_softmax"] = call([](const Tensor& x, const Args& args) { return log_softmax(x, args.dim()); });
  auto& modules = family.modules;
  modules["prelu"] = [](const Tensors& x, const Args&) {
    nn::PReLU module(x.at(1).numel());
    module->weight = x[1];
    return Tensors{module(x[0])};
  };
  modules["gelu"] = call([](const Tensor& x, const Args& args) { return nn::GELU({.approximate = args.text("approximate", "none")})(x); });
  modules["threshold"] = call([](const Tensor& x, const Args& args) { return nn::Threshold(args.number("threshold"), args.number("value"))(x); });
  modules["rrelu"] = call([](const Tensor& x, const Args& args) {
    nn::RReLU module(args.number("lower", 1.0 / 8), args.number("upper", 1.0 / 3));
    module->eval();
    return module(x);
  });
  modules["glu"] = call([](const Tensor& x, const Args& args) { return nn::GLU(args.dim())(x); });
  modules["softmax"] = call([](const Tensor& x, const Args& args) { return nn::Softmax(args.dim())(x); });
  modules["softmin"] = call([](const Tensor& x, const Args& args) { return nn::Softmin(args.dim())(x); });
  modules["log_softmax"] = call([](const Tensor& x, const Args& args) { return nn::LogSoftmax(args.dim())(x); });
  // PyTorch's gradients have 1 / 6 and 1 / alpha rounded to float32, also in float64.
  family.bounds = {{"hardsigmoid", {.float64 = 5e-8}}, {"celu", {.float64 = 5e-7}}};
  return family;
}

// clang-format on

}  // namespace reel::testing
