#include <reel/autograd/kernels/activation.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/detail/check_floating.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reel {
namespace {

// A curve is a type with a name, its value and its gradient (g times its slope) as kernels, one
// pass each, and bend(x): the derivative of the slope, written with operations. One that is made of
// straight lines has no bend.
template <class Curve>
Tensor gradient_of(const Curve& curve, const Tensor& g, const Tensor& x) {
  const auto by_g = [&] {
    return wrt(g, [curve, x = keep(x)](const Tensor& gg) { return gradient_of(curve, gg, x()); });
  };
  Array y = curve.gradient(g.array(), x.array());
  if constexpr (requires { curve.bend(x); }) {
    return record(Curve::backward, std::move(y), by_g(),
                  wrt(x, [curve, g = keep(g), x = keep(x)](const Tensor& gg) {
                    return gg * (g() * curve.bend(x()));
                  }));
  } else {
    return record(Curve::backward, std::move(y), by_g());
  }
}

template <class Curve>
Tensor on_curve(const Curve& curve, const Tensor& x) {
  return record(Curve::name, curve.value(x.array()), wrt(x, [curve, x = keep(x)](const Tensor& g) {
                  return gradient_of(curve, g, x());
                }));
}

using detail::check_floating;

// Of operations that take integers as well: bools are refused, and constants that no integer is.
void check_number(const char* op, const Tensor& x, double first, double second) {
  check<TypeError>(x.dtype() != kBool, "{}: expected numbers, got {}", op, x.dtype());
  const double most = std::max(std::fabs(first), std::fabs(second));
  check(x.is_floating_point() || most < 0x1p63,
        "{}: {} needs constants in its range, got {} and {}", op, x.dtype(), first, second);
}

// ---- curves: made of straight lines ----------------------------------------------------------------------

struct LeakyRelu {
  static constexpr const char *name = "leaky_relu", *backward = "leaky_relu_backward";
  double factor;
  Array value(const Array& x) const { return kernels::leaky_relu(x, factor); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::leaky_relu_backward(g, x, factor);
  }
};

struct Hardtanh {
  static constexpr const char *name = "hardtanh", *backward = "hardtanh_backward";
  double min, max;
  Array value(const Array& x) const { return kernels::clamp(x, min, max); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::hardtanh_backward(g, x, min, max);
  }
};

struct Threshold {
  static constexpr const char *name = "threshold", *backward = "threshold_backward";
  double most, instead;
  Array value(const Array& x) const { return kernels::threshold(x, most, instead); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::threshold_backward(g, x, most);
  }
};

struct Hardsigmoid {
  static constexpr const char *name = "hardsigmoid", *backward = "hardsigmoid_backward";
  Array value(const Array& x) const { return kernels::hardsigmoid(x); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::hardsigmoid_backward(g, x);
  }
};

struct Hardswish {
  static constexpr const char *name = "hardswish", *backward = "hardswish_backward";
  Array value(const Array& x) const { return kernels::hardswish(x); }
  Array gradient(const Array& g, const Array& x) const { return kernels::hardswish_backward(g, x); }
  Tensor bend(const Tensor& x) const { return ((x > -3) & (x < 3)).to(x.dtype()) / 3; }
};

struct Hardshrink {
  static constexpr const char *name = "hardshrink", *backward = "hardshrink_backward";
  double lambd;
  Array value(const Array& x) const { return kernels::hardshrink(x, lambd); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::shrink_backward(g, x, lambd);
  }
};

struct Softshrink {
  static constexpr const char *name = "softshrink", *backward = "softshrink_backward";
  double lambd;
  Array value(const Array& x) const { return kernels::softshrink(x, lambd); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::shrink_backward(g, x, lambd);
  }
};

// ---- curves: smooth --------------------------------------------------------------------------------------

// scale x above 0, else depth (exp(rate x) - 1): elu, celu and selu.
struct Elu {
  static constexpr const char *name = "elu", *backward = "elu_backward";
  double depth, scale, rate;
  Array value(const Array& x) const { return kernels::elu(x, depth, scale, rate); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::elu_backward(g, x, depth, scale, rate);
  }
  Tensor bend(const Tensor& x) const {
    const Tensor below = x <= 0;  // nothing overflows above 0
    return where(below, exp(where(below, x * rate, 0)) * (depth * rate * rate), 0);
  }
};

struct Silu {
  static constexpr const char *name = "silu", *backward = "silu_backward";
  Array value(const Array& x) const { return kernels::silu(x); }
  Array gradient(const Array& g, const Array& x) const { return kernels::silu_backward(g, x); }
  Tensor bend(const Tensor& x) const {
    const Tensor s = sigmoid(x);
    return s * (1 - s) * (2 + x * (1 - 2 * s));
  }
};

struct Gelu {
  static constexpr const char *name = "gelu", *backward = "gelu_backward";
  Array value(const Array& x) const { return kernels::gelu(x, false); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::gelu_backward(g, x, false);
  }
  Tensor bend(const Tensor& x) const {
    const double factor = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    return exp(square(x) * -0.5) * factor * (2 - square(x));
  }
};

// x sigmoid(z(x)) with z(x) = linear x + cubic x^3.
struct GeluByTanh {
  static constexpr const char *name = "gelu", *backward = "gelu_backward";
  Array value(const Array& x) const { return kernels::gelu(x, true); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::gelu_backward(g, x, true);
  }
  Tensor bend(const Tensor& x) const {
    const double linear = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    const double cubic = 0.044715 * linear;
    const Tensor s = sigmoid(x * (linear + cubic * square(x)));
    const Tensor z1 = linear + 3 * cubic * square(x), z2 = 6 * cubic * x;
    return s * (1 - s) * (2 * z1 + x * (z2 + (1 - 2 * s) * square(z1)));
  }
};

struct Mish {
  static constexpr const char *name = "mish", *backward = "mish_backward";
  Array value(const Array& x) const { return kernels::mish(x); }
  Array gradient(const Array& g, const Array& x) const { return kernels::mish_backward(g, x); }
  Tensor bend(const Tensor& x) const {
    const Tensor s = sigmoid(x), t = tanh(softplus(x));
    return (1 - square(t)) * (2 * s + x * (s * (1 - s) - 2 * square(s) * t));
  }
};

struct Softplus {
  static constexpr const char *name = "softplus", *backward = "softplus_backward";
  double beta, threshold;
  Array value(const Array& x) const { return kernels::softplus(x, beta, threshold); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::softplus_backward(g, x, beta, threshold);
  }
  Tensor bend(const Tensor& x) const {
    const Tensor z = x * beta, s = sigmoid(z);
    return where(z > threshold, 0, s * (1 - s) * beta);
  }
};

struct Logsigmoid {
  static constexpr const char *name = "logsigmoid", *backward = "logsigmoid_backward";
  Array value(const Array& x) const { return kernels::logsigmoid(x); }
  Array gradient(const Array& g, const Array& x) const {
    return kernels::logsigmoid_backward(g, x);
  }
  Tensor bend(const Tensor& x) const { return -sigmoid(x) * sigmoid(-x); }
};

}  // namespace

// ---- made of straight lines ------------------------------------------------------------------------------

Tensor hardtanh(const Tensor& x, const HardtanhOptions& options) {
  const auto& [min, max] = options;
  check(min <= max, "hardtanh: min_val must not be more than max_val, got {} and {}", min, max);
  check_number("hardtanh", x, min, max);
  return on_curve(Hardtanh{min, max}, x);
}

Tensor relu6(const Tensor& x) {
  check_number("relu6", x, 0, 6);
  return on_curve(Hardtanh{0, 6}, x);
}

Tensor leaky_relu(const Tensor& x, const LeakyReluOptions& options) {
  check_floating("leaky_relu", x);
  return on_curve(LeakyRelu{options.negative_slope}, x);
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  check_floating("prelu", x);
  check<TypeError>(weight.dtype() == x.dtype(),
                   "prelu: weight must have the dtype of x, got {} and {}", weight.dtype(),
                   x.dtype());
  const int64_t channels = x.dim() > 1 ? x.size(1) : 1;
  check(weight.dim() <= 1 && (weight.numel() == 1 || weight.numel() == channels),
        "prelu: weight must hold 1 number or one for each of {} channels, got shape {}", channels,
        weight.shape());
  Shape aligned;
  if (x.dim() > 0) aligned = Shape(std::vector<int64_t>(static_cast<size_t>(x.dim()), 1));
  if (x.dim() > 1) aligned[1] = weight.numel();
  const Tensor w = weight.reshape(aligned);
  return record(
      "prelu", kernels::prelu(x.array(), w.array()),
      wrt(x, [x = keep(x), w = keep(w)](const Tensor& g) { return g * where(x() > 0, 1, w()); }),
      wrt(w, [x = keep(x)](const Tensor& g) { return g * clamp_max(x(), 0); }));
}

Tensor rrelu(const Tensor& x, const RreluOptions& options, Generator& generator) {
  const auto& [lower, upper, training] = options;
  check_floating("rrelu", x);
  check(lower <= upper, "rrelu: lower must not be more than upper, got {} and {}", lower, upper);
  if (!training) return on_curve(LeakyRelu{(lower + upper) / 2}, x);
  return x * Tensor(kernels::rrelu_slopes(x.array(), lower, upper, generator));
}

Tensor threshold(const Tensor& x, double threshold, double value) {
  check_number("threshold", x, threshold, value);
  return on_curve(Threshold{threshold, value}, x);
}

Tensor hardsigmoid(const Tensor& x) {
  check_floating("hardsigmoid", x);
  return on_curve(Hardsigmoid{}, x);
}

Tensor hardswish(const Tensor& x) {
  check_floating("hardswish", x);
  return on_curve(Hardswish{}, x);
}

Tensor hardshrink(const Tensor& x, const ShrinkOptions& options) {
  check_floating("hardshrink", x);
  return on_curve(Hardshrink{options.lambd}, x);
}

Tensor softshrink(const Tensor& x, const ShrinkOptions& options) {
  check_floating("softshrink", x);
  check(options.lambd >= 0, "softshrink: lambd must not be negative, got {}", options.lambd);
  return on_curve(Softshrink{options.lambd}, x);
}

// ---- smooth ----------------------------------------------------------------------------------------------

Tensor elu(const Tensor& x, const EluOptions& options) {
  check_floating("elu", x);
  return on_curve(Elu{options.alpha, 1, 1}, x);
}

Tensor celu(const Tensor& x, const EluOptions& options) {
  check_floating("celu", x);
  check(options.alpha != 0, "celu: alpha must not be 0, got {}", options.alpha);
  return on_curve(Elu{options.alpha, 1, 1 / options.alpha}, x);
}

Tensor selu(const Tensor& x) {
  constexpr double alpha = 1.6732632423543772848170429916717;
  constexpr double scale = 1.0507009873554804934193349852946;
  check_floating("selu", x);
  return on_curve(Elu{scale * alpha, scale, 1}, x);
}

Tensor gelu(const Tensor& x, const GeluOptions& options) {
  check_floating("gelu", x);
  check(options.approximate == "none" || options.approximate == "tanh",
        "gelu: approximate must be \"none\" or \"tanh\", got \"{}\"", options.approximate);
  return options.approximate == "tanh" ? on_curve(GeluByTanh{}, x) : on_curve(Gelu{}, x);
}

Tensor silu(const Tensor& x) {
  check_floating("silu", x);
  return on_curve(Silu{}, x);
}

Tensor mish(const Tensor& x) {
  check_floating("mish", x);
  return on_curve(Mish{}, x);
}

Tensor softplus(const Tensor& x, const SoftplusOptions& options) {
  check_floating("softplus", x);
  return on_curve(Softplus{options.beta, options.threshold}, x);
}

Tensor logsigmoid(const Tensor& x) {
  check_floating("logsigmoid", x);
  return on_curve(Logsigmoid{}, x);
}

Tensor softsign(const Tensor& x) { return x / (1 + abs(x)); }

Tensor tanhshrink(const Tensor& x) { return x - tanh(x); }

// ---- in place --------------------------------------------------------------------------------------------

Tensor& hardtanh_(Tensor& x, const HardtanhOptions& options) {
  return rebind_inplace("hardtanh_", x, hardtanh(former(x), options));
}
Tensor& leaky_relu_(Tensor& x, const LeakyReluOptions& options) {
  return rebind_inplace("leaky_relu_", x, leaky_relu(former(x), options));
}
Tensor& rrelu_(Tensor& x, const RreluOptions& options, Generator& generator) {
  check_inplace("rrelu_", x);  // before numbers are drawn
  return rebind_inplace("rrelu_", x, rrelu(former(x), options, generator));
}
Tensor& threshold_(Tensor& x, double threshold, double value) {
  return rebind_inplace("threshold_", x, reel::threshold(former(x), threshold, value));
}
Tensor& elu_(Tensor& x, const EluOptions& options) {
  return rebind_inplace("elu_", x, elu(former(x), options));
}
Tensor& celu_(Tensor& x, const EluOptions& options) {
  return rebind_inplace("celu_", x, celu(former(x), options));
}
Tensor& selu_(Tensor& x) { return rebind_inplace("selu_", x, selu(former(x))); }

}  // namespace reel
