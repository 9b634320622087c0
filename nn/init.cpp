#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/linalg_decompose.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/nn/init.h>

#include <cmath>

namespace reel::nn::init {
namespace {

void check_floating(const char* name, const Tensor& x) {
  check(x.defined(), "{}: the tensor is undefined", name);
  check<TypeError>(x.is_floating_point(), "{}: expected a floating dtype, got {}", name, x.dtype());
}

void check_matrix(const char* name, const Tensor& x) {
  check(x.dim() == 2, "{}: expected a 2-d tensor, got shape {}", name, x.shape());
}

void check_not_negative(const char* name, const char* number, double value) {
  check(std::isfinite(value) && value >= 0, "{}: {} must be finite and not negative, got {}", name,
        number, value);
}

Fans fans_of(const char* name, const Tensor& x) {
  check_floating(name, x);
  check(x.dim() >= 2, "{}: fans need a tensor of at least 2 dims, got shape {}", name, x.shape());
  int64_t field = 1;
  for (int dim = 2; dim < x.dim(); ++dim) field *= x.size(dim);
  return {x.size(1) * field, x.size(0) * field};
}

double fan_of(const char* name, const Tensor& x, std::string_view mode, bool mean_too = false) {
  const Fans fans = fans_of(name, x);
  if (mode == "fan_in") return static_cast<double>(fans.in);
  if (mode == "fan_out") return static_cast<double>(fans.out);
  check(mean_too && mode == "fan_avg", "{}: mode must be {}, got \"{}\"", name,
        mean_too ? "\"fan_in\", \"fan_out\" or \"fan_avg\"" : "\"fan_in\" or \"fan_out\"", mode);
  return static_cast<double>(fans.in + fans.out) / 2;
}

// Mean 0, standard deviation `std`. Without elements a fan may be 0, and std infinite.
Tensor draw_uniform(Tensor x, double std) {
  NoGradGuard no_grad;
  const double bound = std::sqrt(3.0) * std;
  return x.numel() == 0 ? x : x.uniform_(-bound, bound);
}

Tensor draw_normal(Tensor x, double std) {
  NoGradGuard no_grad;
  return x.numel() == 0 ? x : x.normal_(0, std);
}

double xavier_std(const char* name, const Tensor& x, double gain) {
  const Fans fans = fans_of(name, x);
  check_not_negative(name, "gain", gain);
  return gain * std::sqrt(2.0 / static_cast<double>(fans.in + fans.out));
}

double kaiming_std(const char* name, const Tensor& x, const KaimingOptions& options) {
  const double fan = fan_of(name, x, options.mode);
  return calculate_gain(options.nonlinearity, options.a) / std::sqrt(fan);
}

double normal_below(double x) { return (1 + std::erf(x / std::sqrt(2.0))) / 2; }

}  // namespace

Fans calculate_fan_in_and_fan_out(const Tensor& x) {
  return fans_of("calculate_fan_in_and_fan_out", x);
}

double calculate_gain(std::string_view nonlinearity, std::optional<double> param) {
  for (const char* linear : {"linear", "sigmoid", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
                             "conv_transpose2d", "conv_transpose3d"}) {
    if (nonlinearity == linear) return 1;
  }
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "selu") return 3.0 / 4;
  check(nonlinearity == "leaky_relu", "calculate_gain: unknown nonlinearity \"{}\"", nonlinearity);
  const double slope = param.value_or(0.01);
  check(std::isfinite(slope), "calculate_gain: the slope of leaky_relu must be finite, got {}",
        slope);
  return std::sqrt(2 / (1 + slope * slope));
}

// ---- plain -----------------------------------------------------------------------------------------------

Tensor uniform_(Tensor x, double a, double b) {
  check_floating("uniform_", x);
  NoGradGuard no_grad;
  return x.uniform_(a, b);
}

Tensor normal_(Tensor x, double mean, double std) {
  check_floating("normal_", x);
  NoGradGuard no_grad;
  return x.normal_(mean, std);
}

Tensor trunc_normal_(Tensor x, double mean, double std, double a, double b) {
  check_floating("trunc_normal_", x);
  check(std::isfinite(mean), "trunc_normal_: mean must be finite, got {}", mean);
  check(std::isfinite(std) && std > 0, "trunc_normal_: std must be finite and positive, got {}",
        std);
  check(a < b, "trunc_normal_: a must be less than b, got {} and {}", a, b);
  // By the inverse of the distribution function: a uniform number between its values at a and b.
  const double low = 2 * normal_below((a - mean) / std) - 1;
  const double high = 2 * normal_below((b - mean) / std) - 1;
  check(low < high, "trunc_normal_: [{}, {}] lies too far from the mean {} for std {}", a, b, mean,
        std);
  NoGradGuard no_grad;
  x.uniform_(low, high).erfinv_().mul_(std * std::sqrt(2.0)).add_(mean);
  return x.clamp_({.min = a, .max = b});
}

Tensor constant_(Tensor x, double value) {
  check(x.defined(), "constant_: the tensor is undefined");
  NoGradGuard no_grad;
  return x.fill_(value);
}

Tensor ones_(Tensor x) { return constant_(std::move(x), 1); }
Tensor zeros_(Tensor x) { return constant_(std::move(x), 0); }

Tensor eye_(Tensor x) {
  check(x.defined(), "eye_: the tensor is undefined");
  check_matrix("eye_", x);
  NoGradGuard no_grad;
  return x.copy_(eye(x.size(0), x.size(1), {.dtype = x.dtype()}));
}

Tensor dirac_(Tensor x, int64_t groups) {
  check_floating("dirac_", x);
  check(x.dim() >= 3 && x.dim() <= 5, "dirac_: expected 3 to 5 dims, got shape {}", x.shape());
  check(groups >= 1 && x.size(0) % groups == 0,
        "dirac_: groups must be positive and divide size(0) = {}, got {}", x.size(0), groups);
  NoGradGuard no_grad;
  x.zero_();
  if (x.numel() == 0) return x;
  Tensor centre = x;  // [out, in] behind the middle of the window
  for (int dim = x.dim() - 1; dim >= 2; --dim) centre = select(centre, dim, x.size(dim) / 2);
  const int64_t outputs = x.size(0) / groups;
  for (int64_t group = 0; group < groups; ++group)
    narrow(centre, 0, group * outputs, outputs).fill_diagonal_(1);
  return x;
}

Tensor orthogonal_(Tensor x, double gain) {
  check_floating("orthogonal_", x);
  check(x.dim() >= 2, "orthogonal_: expected at least 2 dims, got shape {}", x.shape());
  check(std::isfinite(gain), "orthogonal_: gain must be finite, got {}", gain);
  if (x.numel() == 0) return x;
  NoGradGuard no_grad;
  const int64_t rows = x.size(0), columns = x.numel() / rows;
  Tensor flat = empty({rows, columns}, {.dtype = x.dtype()}).normal_();
  if (rows < columns) flat = flat.t();
  auto [q, r] = linalg::qr(flat);
  // Makes the distribution uniform over all orthogonal matrices (Mezzadri 2007).
  q = q * r.diagonal().sign();
  if (rows < columns) q = q.t();
  return x.copy_(q.reshape(x.shape()) * gain);
}

Tensor sparse_(Tensor x, double sparsity, double std) {
  check_floating("sparse_", x);
  check_matrix("sparse_", x);
  check(sparsity >= 0 && sparsity <= 1, "sparse_: sparsity must be in [0, 1], got {}", sparsity);
  check_not_negative("sparse_", "std", std);
  NoGradGuard no_grad;
  const int64_t rows = x.size(0);
  const auto zeros = static_cast<int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  x.normal_(0, std);
  for (int64_t column = 0; column < x.size(1); ++column)
    select(x, 1, column).index_fill_(0, narrow(randperm(rows), 0, 0, zeros), 0);
  return x;
}

// ---- by the fans -----------------------------------------------------------------------------------------

Tensor xavier_uniform_(Tensor x, double gain) {
  return draw_uniform(x, xavier_std("xavier_uniform_", x, gain));
}

Tensor xavier_normal_(Tensor x, double gain) {
  return draw_normal(x, xavier_std("xavier_normal_", x, gain));
}

Tensor kaiming_uniform_(Tensor x, const KaimingOptions& options) {
  return draw_uniform(x, kaiming_std("kaiming_uniform_", x, options));
}

Tensor kaiming_normal_(Tensor x, const KaimingOptions& options) {
  return draw_normal(x, kaiming_std("kaiming_normal_", x, options));
}

Tensor variance_scaling_(Tensor x, const VarianceScalingOptions& options) {
  const char* name = "variance_scaling_";
  const double fan = fan_of(name, x, options.mode, true);
  check_not_negative(name, "scale", options.scale);
  const double std = std::sqrt(options.scale / fan);
  if (options.distribution == "uniform") return draw_uniform(x, std);
  if (options.distribution == "normal") return draw_normal(x, std);
  check(options.distribution == "truncated_normal",
        "{}: distribution must be \"truncated_normal\", \"normal\" or \"uniform\", got \"{}\"",
        name, options.distribution);
  // The standard deviation of a standard normal variable within [-2, 2].
  constexpr double kTruncated = 0.87962566103423978;
  const double wide = std / kTruncated;
  if (x.numel() == 0) return x;
  return std == 0 ? zeros_(x) : trunc_normal_(x, 0, wide, -2 * wide, 2 * wide);
}

Tensor standard_uniform_(Tensor x) {
  const Fans fans = fans_of("standard_uniform_", x);
  return draw_uniform(x, std::sqrt(1.0 / 3 / static_cast<double>(fans.in)));
}

Tensor lecun_uniform_(Tensor x) {
  return variance_scaling_(std::move(x), {.distribution = "uniform"});
}

Tensor lecun_normal_(Tensor x) {
  return variance_scaling_(std::move(x), {.distribution = "normal"});
}

Tensor backward_uniform_(Tensor x) {
  return variance_scaling_(std::move(x), {.mode = "fan_out", .distribution = "uniform"});
}

Tensor xavier_sigmoid_uniform_(Tensor x) { return xavier_uniform_(std::move(x), 4); }
Tensor xavier_sigmoid_normal_(Tensor x) { return xavier_normal_(std::move(x), 4); }
Tensor he_mean_uniform_(Tensor x) { return xavier_uniform_(std::move(x), std::sqrt(2.0)); }
Tensor he_mean_normal_(Tensor x) { return xavier_normal_(std::move(x), std::sqrt(2.0)); }

}  // namespace reel::nn::init
