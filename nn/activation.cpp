#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/creation.h>
#include <reel/nn/activation.h>
#include <reel/nn/repr.h>

namespace reel::nn {

namespace detail {

Tensor heaviside(const Tensor& x, const HeavisideOptions& options) {
  return reel::heaviside(x, full({}, options.values, {.dtype = x.dtype()}));
}
Tensor threshold(const Tensor& x, const ThresholdOptions& options) {
  return reel::threshold(x, options.threshold, options.value);
}
Tensor glu(const Tensor& x, const GluOptions& options) { return reel::glu(x, options.dim); }
Tensor softmax(const Tensor& x, const SoftmaxOptions& options) {
  return reel::softmax(x, *options.dim);
}
Tensor log_softmax(const Tensor& x, const SoftmaxOptions& options) {
  return reel::log_softmax(x, *options.dim);
}
Tensor softmin(const Tensor& x, const SoftmaxOptions& options) {
  return reel::softmin(x, *options.dim);
}
Tensor softmax2d(const Tensor& x) {
  check(x.dim() == 3 || x.dim() == 4, "Softmax2d: expected 3 or 4 dims, got shape {}", x.shape());
  return reel::softmax(x, -3);
}

}  // namespace detail

// ---- options ---------------------------------------------------------------------------------------------

std::string OptionsText<HeavisideOptions>::repr(const HeavisideOptions& options) {
  return "values=" + nn::repr(options.values);
}
std::string OptionsText<ThresholdOptions>::repr(const ThresholdOptions& options) {
  return fmt::format("threshold={}, value={}", nn::repr(options.threshold),
                     nn::repr(options.value));
}
std::string OptionsText<GluOptions>::repr(const GluOptions& options) {
  return fmt::format("dim={}", options.dim);
}
std::string OptionsText<SoftmaxOptions>::repr(const SoftmaxOptions& options) {
  return fmt::format("dim={}", *options.dim);
}
const SoftmaxOptions& detail::with_dim(const SoftmaxOptions& options,
                                       const std::type_info& module) {
  reel::check(options.dim.has_value(), "{}: the dim it is taken over must be given",
              class_name(module));
  return options;
}
std::string OptionsText<LeakyReluOptions>::repr(const LeakyReluOptions& options) {
  return "negative_slope=" + nn::repr(options.negative_slope);
}
std::string OptionsText<EluOptions>::repr(const EluOptions& options) {
  return "alpha=" + nn::repr(options.alpha);
}
std::string OptionsText<SoftplusOptions>::repr(const SoftplusOptions& options) {
  return fmt::format("beta={}, threshold={}", nn::repr(options.beta), nn::repr(options.threshold));
}
void OptionsText<HardtanhOptions>::check(const HardtanhOptions& options) {
  reel::check(options.min_val < options.max_val,
              "Hardtanh: min_val must be less than max_val, got {} and {}", options.min_val,
              options.max_val);
}
std::string OptionsText<HardtanhOptions>::repr(const HardtanhOptions& options) {
  return fmt::format("min_val={}, max_val={}", nn::repr(options.min_val),
                     nn::repr(options.max_val));
}
std::string OptionsText<ShrinkOptions>::repr(const ShrinkOptions& options) {
  return nn::repr(options.lambd);
}

// ---- modules ---------------------------------------------------------------------------------------------

GELUImpl::GELUImpl(const Options& chosen) : options(chosen) {
  check(options.approximate == "none" || options.approximate == "tanh",
        "GELU: approximate must be \"none\" or \"tanh\", got \"{}\"", options.approximate);
}
std::string GELUImpl::extra_repr() const {
  return fmt::format("approximate='{}'", options.approximate);
}

RReLUImpl::RReLUImpl(const Options& chosen) : options(chosen) {
  check(options.lower <= options.upper, "RReLU: lower must not be more than upper, got {} and {}",
        options.lower, options.upper);
}
Tensor RReLUImpl::forward(const Tensor& x) {
  return rrelu(x, {.lower = options.lower, .upper = options.upper, .training = is_training()});
}
std::string RReLUImpl::extra_repr() const {
  return fmt::format("lower={}, upper={}", repr(options.lower), repr(options.upper));
}

PReLUImpl::PReLUImpl(const Options& chosen) : options(chosen) {
  check(options.num_parameters >= 1, "PReLU: num_parameters must be at least 1, got {}",
        options.num_parameters);
  weight = register_parameter("weight", full({options.num_parameters}, options.init));
}
std::string PReLUImpl::extra_repr() const {
  return fmt::format("num_parameters={}", options.num_parameters);
}

}  // namespace reel::nn
