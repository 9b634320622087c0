#pragma once
// Initial values of parameters. Every function changes its tensor in place without recording, also
// a leaf that requires grad, and returns it. The same seed gives the numbers of torch.nn.init.
//
// n_in and n_out are the fans: how many numbers feed an output of the layer, and how many outputs
// a number feeds. U(r) is uniform in [-r, r), N(s) normal with standard deviation s. Fans need two
// dims at least; tensors must be floating; those without elements stay as they are.

#include <reel/autograd/tensor.h>

#include <string_view>

namespace reel::nn::init {

struct Fans {
  int64_t in, out;
};
/// Of a weight [out, in, ...]: size(1) and size(0), each times the product of the other sizes.
Fans calculate_fan_in_and_fan_out(const Tensor& x);

/// The factor by which PyTorch widens weights before this activation: 1 for "linear", "sigmoid",
/// "conv1d" ... "conv_transpose3d", 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + param^2)) for
/// "leaky_relu" (param, its slope, is 0.01 where absent), 3/4 for "selu".
double calculate_gain(std::string_view nonlinearity, std::optional<double> param = {});

// ---- plain -----------------------------------------------------------------------------------------------

/// Uniform in [a, b).
Tensor uniform_(Tensor x, double a = 0, double b = 1);
Tensor normal_(Tensor x, double mean = 0, double std = 1);
/// Normal numbers as they are distributed within [a, b].
Tensor trunc_normal_(Tensor x, double mean = 0, double std = 1, double a = -2, double b = 2);
Tensor constant_(Tensor x, double value);
Tensor ones_(Tensor x);
Tensor zeros_(Tensor x);
/// A 2-d x becomes the identity, cut off or filled up with zeros.
Tensor eye_(Tensor x);
/// The weight of a convolution (3-d to 5-d) that hands its input on, in each group as many channels
/// as there are. `groups` must divide size(0).
Tensor dirac_(Tensor x, int64_t groups = 1);
/// Rows, or columns if these are fewer, of length `gain` at right angles: Q of a normal matrix, its
/// signs such that R's diagonal is positive (Saxe et al. 2014). Dims beyond the first count as one.
Tensor orthogonal_(Tensor x, double gain = 1);
/// N(std) with ceil(sparsity * rows) zeros in each column of a 2-d x (Martens 2010).
Tensor sparse_(Tensor x, double sparsity, double std = 0.01);

// ---- by the fans -----------------------------------------------------------------------------------------

/// U(gain sqrt(6 / (n_in + n_out))) and N(gain sqrt(2 / (n_in + n_out))): Glorot and Bengio 2010,
/// eq. 16 and 12.
Tensor xavier_uniform_(Tensor x, double gain = 1);
Tensor xavier_normal_(Tensor x, double gain = 1);

struct KaimingOptions {
  double a = 0;                                  ///< the slope of leaky_relu
  std::string_view mode = "fan_in";              ///< or "fan_out"
  std::string_view nonlinearity = "leaky_relu";  ///< as calculate_gain() takes it
};
/// U(gain sqrt(3 / n)) and N(gain / sqrt(n)) where n is the fan `mode`: He et al. 2015, eq. 10 and
/// 14.
Tensor kaiming_uniform_(Tensor x, const KaimingOptions& options = {});
Tensor kaiming_normal_(Tensor x, const KaimingOptions& options = {});

struct VarianceScalingOptions {
  double scale = 1;
  std::string_view mode = "fan_in";  ///< or "fan_out", or "fan_avg", the mean of both
  /// or "normal", or "uniform". Truncated at two standard deviations, then widened so that the
  /// variance is as asked for.
  std::string_view distribution = "truncated_normal";
};
/// Mean 0 and variance scale / n where n is the fan `mode`, as Keras' VarianceScaling, of which its
/// others are cases: glorot_normal is {.mode = "fan_avg"}, he_normal {.scale = 2}, lecun_normal {}.
Tensor variance_scaling_(Tensor x, const VarianceScalingOptions& options = {});

// Schemes of the literature that PyTorch has under no name, or with another factor.

/// U(1 / sqrt(n_in)): the usual choice up to 2010, Glorot and Bengio 2010, eq. 1. What nn::Linear
/// and convolutions draw their weights from.
Tensor standard_uniform_(Tensor x);
/// U(sqrt(3 / n_in)) and N(1 / sqrt(n_in)): activations keep their variance on the way forward.
/// LeCun et al. 1998, "Efficient BackProp", eq. 16.
Tensor lecun_uniform_(Tensor x);
Tensor lecun_normal_(Tensor x);
/// U(sqrt(3 / n_out)): gradients keep their variance on the way back. Glorot and Bengio 2010, eq.
/// 11.
Tensor backward_uniform_(Tensor x);
/// U(4 sqrt(6 / (n_in + n_out))) and N(4 sqrt(2 / (n_in + n_out))): Xavier's for sigmoids, whose
/// slope at 0 is 1/4. (PyTorch's gain for them is 1.)
Tensor xavier_sigmoid_uniform_(Tensor x);
Tensor xavier_sigmoid_normal_(Tensor x);
/// U(sqrt(2) sqrt(6 / (n_in + n_out))) and N(sqrt(2) sqrt(2 / (n_in + n_out))): He's for ReLU with
/// the mean of both fans in place of one.
Tensor he_mean_uniform_(Tensor x);
Tensor he_mean_normal_(Tensor x);

}  // namespace reel::nn::init
