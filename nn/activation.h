#pragma once
// Activations as modules; ops/activation.h has the formulas. There is no option `inplace`: the
// results are the same without.

#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/nn/function_module.h>

namespace reel::nn {

struct HeavisideOptions {
  double values = 1;  ///< what 0 becomes
};
struct ThresholdOptions {
  double threshold = 0;
  double value = 0;
};
struct GluOptions {
  int dim = -1;
};
struct SoftmaxOptions {
  std::optional<int> dim = {};  ///< must be given
};
struct RReLUOptions {
  double lower = 1.0 / 8;
  double upper = 1.0 / 3;
};
struct PReLUOptions {
  int64_t num_parameters = 1;
  double init = 0.25;
};

// clang-format off
template <> struct OptionsText<HeavisideOptions> { static void check(const HeavisideOptions&) {} static std::string repr(const HeavisideOptions& options); };
template <> struct OptionsText<ThresholdOptions> { static void check(const ThresholdOptions&) {} static std::string repr(const ThresholdOptions& options); };
template <> struct OptionsText<GluOptions> { static void check(const GluOptions&) {} static std::string repr(const GluOptions& options); };
template <> struct OptionsText<SoftmaxOptions> { static void check(const SoftmaxOptions&) {} static std::string repr(const SoftmaxOptions& options); };
template <> struct OptionsText<LeakyReluOptions> { static void check(const LeakyReluOptions&) {} static std::string repr(const LeakyReluOptions& options); };
template <> struct OptionsText<EluOptions> { static void check(const EluOptions&) {} static std::string repr(const EluOptions& options); };
template <> struct OptionsText<SoftplusOptions> { static void check(const SoftplusOptions&) {} static std::string repr(const SoftplusOptions& options); };
template <> struct OptionsText<HardtanhOptions> { static void check(const HardtanhOptions& options); static std::string repr(const HardtanhOptions& options); };
template <> struct OptionsText<ShrinkOptions> { static void check(const ShrinkOptions&) {} static std::string repr(const ShrinkOptions& options); };
// clang-format on

namespace detail {
Tensor heaviside(const Tensor& x, const HeavisideOptions& options);
Tensor threshold(const Tensor& x, const ThresholdOptions& options);
Tensor glu(const Tensor& x, const GluOptions& options);
Tensor softmax(const Tensor& x, const SoftmaxOptions& options);
Tensor log_softmax(const Tensor& x, const SoftmaxOptions& options);
Tensor softmin(const Tensor& x, const SoftmaxOptions& options);
Tensor softmax2d(const Tensor& x);
/// The options. Throws, in the module's name, unless dim is given.
const SoftmaxOptions& with_dim(const SoftmaxOptions& options, const std::type_info& module);
}  // namespace detail

// ---- without options -------------------------------------------------------------------------------------

struct ReLUImpl : FunctionModule<NoOptions, reel::relu> {};
struct ReLU6Impl : FunctionModule<NoOptions, reel::relu6> {};
struct SigmoidImpl : FunctionModule<NoOptions, reel::sigmoid> {};
struct TanhImpl : FunctionModule<NoOptions, reel::tanh> {};
struct LogSigmoidImpl : FunctionModule<NoOptions, reel::logsigmoid> {};
struct SELUImpl : FunctionModule<NoOptions, reel::selu> {};
struct SiLUImpl : FunctionModule<NoOptions, reel::silu> {};
struct MishImpl : FunctionModule<NoOptions, reel::mish> {};
struct SoftsignImpl : FunctionModule<NoOptions, reel::softsign> {};
struct TanhshrinkImpl : FunctionModule<NoOptions, reel::tanhshrink> {};
struct HardsigmoidImpl : FunctionModule<NoOptions, reel::hardsigmoid> {};
struct HardswishImpl : FunctionModule<NoOptions, reel::hardswish> {};
/// softmax over the channels of [N, C, H, W] or [C, H, W].
struct Softmax2dImpl : FunctionModule<NoOptions, detail::softmax2d> {};
using ReLU = Handle<ReLUImpl>;
using ReLU6 = Handle<ReLU6Impl>;
using Sigmoid = Handle<SigmoidImpl>;
using Tanh = Handle<TanhImpl>;
using LogSigmoid = Handle<LogSigmoidImpl>;
using SELU = Handle<SELUImpl>;
using SiLU = Handle<SiLUImpl>;
using Mish = Handle<MishImpl>;
using Softsign = Handle<SoftsignImpl>;
using Tanhshrink = Handle<TanhshrinkImpl>;
using Hardsigmoid = Handle<HardsigmoidImpl>;
using Hardswish = Handle<HardswishImpl>;
using Softmax2d = Handle<Softmax2dImpl>;

// ---- with options ----------------------------------------------------------------------------------------

/// 0 for x < 0, 1 for x > 0; its derivative is 0.
struct HeavisideImpl : FunctionModule<HeavisideOptions, detail::heaviside> {
  using FunctionModule::FunctionModule;
};
struct LeakyReLUImpl : FunctionModule<LeakyReluOptions, reel::leaky_relu> {
  using FunctionModule::FunctionModule;
};
struct ThresholdImpl : FunctionModule<ThresholdOptions, detail::threshold> {
  using FunctionModule::FunctionModule;
};
struct ELUImpl : FunctionModule<EluOptions, reel::elu> {
  using FunctionModule::FunctionModule;
};
struct CELUImpl : FunctionModule<EluOptions, reel::celu> {
  using FunctionModule::FunctionModule;
};
struct SoftplusImpl : FunctionModule<SoftplusOptions, reel::softplus> {
  using FunctionModule::FunctionModule;
};
struct HardtanhImpl : FunctionModule<HardtanhOptions, reel::hardtanh> {
  using FunctionModule::FunctionModule;
};
struct HardshrinkImpl : FunctionModule<ShrinkOptions, reel::hardshrink> {
  using FunctionModule::FunctionModule;
};
struct SoftshrinkImpl : FunctionModule<ShrinkOptions, reel::softshrink> {
  using FunctionModule::FunctionModule;
};
struct GLUImpl : FunctionModule<GluOptions, detail::glu> {
  using FunctionModule::FunctionModule;
};
/// Throws unless dim is given.
template <class Impl, auto F>
struct SoftmaxBase : FunctionModule<SoftmaxOptions, F> {
  explicit SoftmaxBase(const SoftmaxOptions& chosen = {})
      : FunctionModule<SoftmaxOptions, F>(detail::with_dim(chosen, typeid(Impl))) {}
  explicit SoftmaxBase(int dim) : SoftmaxBase(SoftmaxOptions{dim}) {}
};
struct SoftmaxImpl : SoftmaxBase<SoftmaxImpl, detail::softmax> {
  using SoftmaxBase::SoftmaxBase;
};
struct LogSoftmaxImpl : SoftmaxBase<LogSoftmaxImpl, detail::log_softmax> {
  using SoftmaxBase::SoftmaxBase;
};
struct SoftminImpl : SoftmaxBase<SoftminImpl, detail::softmin> {
  using SoftmaxBase::SoftmaxBase;
};
using Heaviside = Handle<HeavisideImpl>;
using LeakyReLU = Handle<LeakyReLUImpl>;
using Threshold = Handle<ThresholdImpl>;
using ELU = Handle<ELUImpl>;
using CELU = Handle<CELUImpl>;
using Softplus = Handle<SoftplusImpl>;
using Hardtanh = Handle<HardtanhImpl>;
using Hardshrink = Handle<HardshrinkImpl>;
using Softshrink = Handle<SoftshrinkImpl>;
using GLU = Handle<GLUImpl>;
using Softmax = Handle<SoftmaxImpl>;
using LogSoftmax = Handle<LogSoftmaxImpl>;
using Softmin = Handle<SoftminImpl>;

struct GELUOptions {
  std::string approximate = "none";  ///< or "tanh"
};
/// Throws unless approximate is "none" or "tanh".
class GELUImpl : public Module {
 public:
  using Options = GELUOptions;
  explicit GELUImpl(const Options& chosen = {});
  explicit GELUImpl(const char* approximate) : GELUImpl(Options{approximate}) {}
  Tensor forward(const Tensor& x) override { return gelu(x, {.approximate = options.approximate}); }
  std::string extra_repr() const override;

  const Options options;
};
using GELU = Handle<GELUImpl>;

/// Draws its slopes while training. Throws unless lower <= upper.
class RReLUImpl : public Module {
 public:
  using Options = RReLUOptions;
  explicit RReLUImpl(const Options& chosen = {});
  RReLUImpl(double lower, double upper) : RReLUImpl(Options{lower, upper}) {}
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const Options options;
};
using RReLU = Handle<RReLUImpl>;

/// Learns its slope: one, or one for each channel (dim 1). Throws unless num_parameters is at
/// least 1.
class PReLUImpl : public Module {
 public:
  using Options = PReLUOptions;
  explicit PReLUImpl(const Options& chosen = {});
  explicit PReLUImpl(int64_t num_parameters, double init = 0.25)
      : PReLUImpl(Options{num_parameters, init}) {}
  Tensor forward(const Tensor& x) override { return prelu(x, weight); }
  std::string extra_repr() const override;

  const Options options;
  Tensor weight;
};
using PReLU = Handle<PReLUImpl>;

}  // namespace reel::nn
