#pragma once
// Activation functions, as in torch.nn.functional; relu, sigmoid and tanh are in elementwise.h.
// They act on each element by itself where nothing else is said and take floating tensors; what
// does not name another derivative at a kink has PyTorch's.

#include <reel/autograd/generator.h>
#include <reel/autograd/tensor.h>

namespace reel {

struct LeakyReluOptions {
  double negative_slope = 0.01;
};
struct RreluOptions {
  double lower = 1.0 / 8;
  double upper = 1.0 / 3;
  bool training = false;
};
struct EluOptions {
  double alpha = 1;  ///< how far below 0 it comes
};
struct GeluOptions {
  std::string_view approximate = "none";  ///< or "tanh"
};
struct SoftplusOptions {
  double beta = 1;
  double threshold = 20;  ///< x itself where beta x is more
};
struct HardtanhOptions {
  double min_val = -1;
  double max_val = 1;
};
struct ShrinkOptions {
  double lambd = 0.5;
};
struct GumbelSoftmaxOptions {
  double tau = 1;
  bool hard = false;  ///< one-hot, with the gradient of the soft result
  int dim = -1;
};

// ---- made of straight lines ------------------------------------------------------------------------------

/// x limited to [0, 6], and to [min_val, max_val]; any number dtype. The gradient passes inside.
Tensor relu6(const Tensor& x);
Tensor hardtanh(const Tensor& x, const HardtanhOptions& options = {});
/// x where it is positive, else negative_slope * x.
Tensor leaky_relu(const Tensor& x, const LeakyReluOptions& options = {});
/// x where it is positive, else weight * x: one weight, or one for each channel (dim 1).
Tensor prelu(const Tensor& x, const Tensor& weight);
/// x where it is positive, else x times a slope: in training drawn from [lower, upper) for each
/// element, otherwise the middle of the two.
Tensor rrelu(const Tensor& x, const RreluOptions& options = {},
             Generator& generator = default_generator());
/// x where it is more than `threshold`, else `value`; any number dtype.
Tensor threshold(const Tensor& x, double threshold, double value);
/// x / 6 + 1 / 2 limited to [0, 1], and x times that.
Tensor hardsigmoid(const Tensor& x);
Tensor hardswish(const Tensor& x);
/// 0 within [-lambd, lambd]; elsewhere x, and x moved by lambd towards 0.
Tensor hardshrink(const Tensor& x, const ShrinkOptions& options = {});
Tensor softshrink(const Tensor& x, const ShrinkOptions& options = {});

// ---- smooth ----------------------------------------------------------------------------------------------

/// x where it is positive, else alpha (exp(x) - 1), and alpha (exp(x / alpha) - 1).
Tensor elu(const Tensor& x, const EluOptions& options = {});
Tensor celu(const Tensor& x, const EluOptions& options = {});
/// scale * elu with the constants of Klambauer et al., "Self-normalizing neural networks", 2017.
Tensor selu(const Tensor& x);
/// x times the normal distribution function at x, or its approximation with tanh.
Tensor gelu(const Tensor& x, const GeluOptions& options = {});
/// x sigmoid(x).
Tensor silu(const Tensor& x);
/// x tanh(softplus(x)).
Tensor mish(const Tensor& x);
/// log(1 + exp(beta x)) / beta.
Tensor softplus(const Tensor& x, const SoftplusOptions& options = {});
/// log(sigmoid(x)), finite for every finite x.
Tensor logsigmoid(const Tensor& x);
/// x / (1 + |x|); integers become float32.
Tensor softsign(const Tensor& x);
/// x - tanh(x); integers become float32.
Tensor tanhshrink(const Tensor& x);

// ---- along a dim -----------------------------------------------------------------------------------------

/// The first half along `dim` times the sigmoid of the second.
Tensor glu(const Tensor& x, int dim = -1);
/// exp(x) divided by its sum along `dim`, its logarithm without loss of precision, and the same of
/// -x; computed in `dtype` if it is given. NaN where nothing but -inf lies along `dim`.
Tensor softmax(const Tensor& x, int dim, const DtypeOptions& options = {});
Tensor log_softmax(const Tensor& x, int dim, const DtypeOptions& options = {});
Tensor softmin(const Tensor& x, int dim, const DtypeOptions& options = {});
/// softmax of (x + noise of the standard Gumbel distribution) / tau: a sample of the classes that x
/// has the unnormalised log probabilities of.
Tensor gumbel_softmax(const Tensor& x, const GumbelSoftmaxOptions& options = {},
                      Generator& generator = default_generator());

// ---- in place: the same rules as for all changes in place ------------------------------------------------

Tensor& hardtanh_(Tensor& x, const HardtanhOptions& options = {});
Tensor& leaky_relu_(Tensor& x, const LeakyReluOptions& options = {});
Tensor& rrelu_(Tensor& x, const RreluOptions& options = {},
               Generator& generator = default_generator());
Tensor& threshold_(Tensor& x, double threshold, double value);
Tensor& elu_(Tensor& x, const EluOptions& options = {});
Tensor& celu_(Tensor& x, const EluOptions& options = {});
Tensor& selu_(Tensor& x);

}  // namespace reel
