// Initial values: PyTorch's recorded numbers, moments, bounds, and what layers make of them.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace reel;
using reel::tests::message_of;
namespace init = nn::init;

namespace {

constexpr TensorOptions kDouble{.dtype = kFloat64};

Tensor numbers(std::vector<double> values, const Shape& shape) {
  return from_vector(values, shape);
}

double mean_of(const Tensor& x) { return x.to(kFloat64).mean().item<double>(); }
double mean_square(const Tensor& x) { return mean_of(x.to(kFloat64).square()); }

}  // namespace

// ---- the recorded streams --------------------------------------------------------------------------------

TEST(Init, draws_pytorchs_recorded_numbers) {
  const char* chosen = std::getenv("REEL_REFERENCE_DIR");
  std::ifstream file(std::string(chosen ? chosen : "") + "/random.json");
  if (!file) file = std::ifstream(REEL_TEST_DATA_DIR "/reference/random.json");
  const auto streams = nlohmann::json::parse(file);
  int served = 0;
  for (const auto& entry : streams["cases"]) {
    if (!entry["name"].get<std::string>().starts_with("init")) continue;
    manual_seed(entry["seed"].get<uint64_t>());
    Tensor bias;
    for (const auto& step : entry["calls"]) {
      const std::string call = step["call"];
      const Shape shape(step["result"]["shape"].get<std::vector<int64_t>>());
      Tensor x = empty(shape);
      if (call.starts_with("Linear(") || call.starts_with("Conv2d(")) {
        init::kaiming_uniform_(x, {.a = std::sqrt(5.0)});
        const double bound =
            1 / std::sqrt(static_cast<double>(init::calculate_fan_in_and_fan_out(x).in));
        bias = init::uniform_(empty(shape[0]), -bound, bound);
      } else if (call == "the same module's bias") {
        x = bias;
      } else if (call.starts_with("Embedding(")) {
        init::normal_(x);
      } else if (call.starts_with("xavier_normal_")) {
        init::xavier_normal_(x);
      } else if (call.starts_with("kaiming_normal_")) {
        init::kaiming_normal_(x);
      } else {
        FAIL() << "unknown call: " << call;
      }
      const auto expected = step["result"]["data"].get<std::vector<double>>();
      ASSERT_EQ(expected.size(), static_cast<size_t>(x.numel())) << call;
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(x.data<float>()[i], expected[i], 1e-6 * std::abs(expected[i]) + 1e-9)
            << entry["name"] << ": " << call << ", element " << i;
      }
      ++served;
    }
  }
  EXPECT_GT(served, 0);
}

TEST(Init, standard_uniform_is_what_linear_draws) {
  manual_seed(3);
  const nn::Linear linear(7, 5);
  manual_seed(3);
  const Tensor weight = init::standard_uniform_(empty({5, 7}));
  EXPECT_TRUE(allclose(linear->weight.detach(), weight, {.rtol = 1e-6}));
}

// ---- moments and bounds ----------------------------------------------------------------------------------

namespace {

// 500 inputs and 2000 outputs: a million numbers.
constexpr double kIn = 500, kOut = 2000;

struct Scheme {
  const char* name;
  std::function<Tensor(Tensor)> draw;
  double variance;
  double bound = INFINITY;  // never exceeded, and nearly reached
  double mean = 0;
  double fourth = 3;  // the fourth central moment over the square of the variance
};

Scheme uniform_in(const char* name, std::function<Tensor(Tensor)> draw, double r) {
  return {name, std::move(draw), r * r / 3, r, 0, 1.8};
}

Scheme normal_with(const char* name, std::function<Tensor(Tensor)> draw, double std) {
  return {name, std::move(draw), std * std};
}

// Variance and kurtosis of a standard normal variable within [-2, 2], by Simpson's rule.
std::pair<double, double> truncated_moments() {
  double mass = 0, second = 0, fourth = 0;
  const int n = 4000;
  for (int i = 0; i <= n; ++i) {
    const double x = -2 + 4.0 * i / n;
    const double weight = (i == 0 || i == n ? 1 : i % 2 ? 4 : 2) * std::exp(-x * x / 2);
    mass += weight, second += weight * x * x, fourth += weight * x * x * x * x;
  }
  return {second / mass, fourth / mass / (second / mass) / (second / mass)};
}

std::vector<Scheme> schemes() {
  using namespace init;
  const auto [second, fourth] = truncated_moments();
  const double sum = kIn + kOut, root2 = std::sqrt(2.0);
  const auto he = [](const char* mode, const char* nonlinearity, double a = 0) {
    return KaimingOptions{.a = a, .mode = mode, .nonlinearity = nonlinearity};
  };
  std::vector<Scheme> all{
      {"uniform_", [](Tensor x) { return init::uniform_(x, 1, 4); }, 0.75, INFINITY, 2.5, 1.8},
      {"normal_", [](Tensor x) { return init::normal_(x, -3, 0.5); }, 0.25, INFINITY, -3},
      {"trunc_normal_", [](Tensor x) { return trunc_normal_(x); }, second, 2, 0, fourth},
      // A5.1 to A5.7
      uniform_in("standard_uniform_", standard_uniform_, 1 / std::sqrt(kIn)),
      uniform_in("lecun_uniform_", lecun_uniform_, std::sqrt(3 / kIn)),
      uniform_in("backward_uniform_", backward_uniform_, std::sqrt(3 / kOut)),
      uniform_in(
          "xavier_uniform_", [](Tensor x) { return xavier_uniform_(x); }, std::sqrt(6 / sum)),
      uniform_in(
          "xavier_uniform_, gain", [](Tensor x) { return xavier_uniform_(x, 5. / 3); },
          5. / 3 * std::sqrt(6 / sum)),
      normal_with(
          "xavier_normal_", [](Tensor x) { return xavier_normal_(x); }, std::sqrt(2 / sum)),
      uniform_in("xavier_sigmoid_uniform_", xavier_sigmoid_uniform_, 4 * std::sqrt(6 / sum)),
      normal_with("xavier_sigmoid_normal_", xavier_sigmoid_normal_, 4 * std::sqrt(2 / sum)),
      uniform_in("he_mean_uniform_", he_mean_uniform_, root2 * std::sqrt(6 / sum)),
      normal_with("he_mean_normal_", he_mean_normal_, root2 * std::sqrt(2 / sum)),
      normal_with("lecun_normal_", lecun_normal_, 1 / std::sqrt(kIn)),
      // PyTorch's He
      uniform_in(
          "kaiming_uniform_, relu",
          [=](Tensor x) { return kaiming_uniform_(x, he("fan_in", "relu")); }, std::sqrt(6 / kIn)),
      uniform_in(
          "kaiming_uniform_, fan_out",
          [=](Tensor x) { return kaiming_uniform_(x, he("fan_out", "linear")); },
          std::sqrt(3 / kOut)),
      normal_with(
          "kaiming_normal_, leaky_relu",
          [=](Tensor x) { return kaiming_normal_(x, he("fan_in", "leaky_relu", 0.5)); },
          std::sqrt(2 / 1.25 / kIn)),
      normal_with(
          "kaiming_normal_, fan_out",
          [=](Tensor x) { return kaiming_normal_(x, he("fan_out", "relu")); }, std::sqrt(2 / kOut)),
  };
  // Keras': the variance is that of the formula although the numbers are cut off.
  const auto keras = [&](const char* name, VarianceScalingOptions options, double variance) {
    const double bound = 2 * std::sqrt(variance / second);
    all.push_back({name, [=](Tensor x) { return variance_scaling_(x, options); }, variance, bound,
                   0, fourth});
  };
  keras("lecun_normal", {}, 1 / kIn);
  keras("he_normal", {.scale = 2}, 2 / kIn);
  keras("glorot_normal", {.mode = "fan_avg"}, 2 / sum);
  keras("fan_out", {.mode = "fan_out"}, 1 / kOut);
  return all;
}

}  // namespace

TEST(Init, moments_are_those_of_the_formula_and_bounds_hold) {
  const double n = kIn * kOut;
  for (const Scheme& scheme : schemes()) {
    SCOPED_TRACE(scheme.name);
    manual_seed(1);
    Tensor x = scheme.draw(
        empty({static_cast<int64_t>(kOut), static_cast<int64_t>(kIn)}).requires_grad_());
    EXPECT_TRUE(x.requires_grad() && x.is_leaf());
    x = x.detach().to(kFloat64);
    EXPECT_NEAR(mean_of(x), scheme.mean, 4 * std::sqrt(scheme.variance / n));
    const double variance = mean_square(x - scheme.mean);
    EXPECT_NEAR(variance, scheme.variance,
                4 * scheme.variance * std::sqrt((scheme.fourth - 1) / n));
    EXPECT_LE(max(abs(x)).item<double>(), scheme.bound * (1 + 1e-6));
    if (std::isfinite(scheme.bound)) {
      EXPECT_GT(max(abs(x)).item<double>(), scheme.bound * 0.999);
    }
    // Seeded.
    manual_seed(1);
    EXPECT_TRUE(equal(scheme.draw(empty(x.shape())).to(kFloat64), x));
    EXPECT_FALSE(equal(scheme.draw(empty(x.shape())).to(kFloat64), x));
  }
}

TEST(Init, trunc_normal_is_the_inverse_of_the_distribution_function) {
  manual_seed(5);
  const Tensor x = init::trunc_normal_(empty({400}, kDouble), 1, 2, 0, 4);
  manual_seed(5);
  const auto below = [](double t) { return 0.5 * std::erfc(-t / std::sqrt(2.0)); };
  const double low = below(-0.5), high = below(1.5);
  const Tensor u = rand({400}, kDouble);
  for (int64_t i = 0; i < 400; ++i) {
    const double value = x.data<double>()[i];
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 4);
    EXPECT_NEAR(below((value - 1) / 2), low + (high - low) * u.data<double>()[i], 1e-12);
  }
}

// A5's criterion: 8 layers of 500 tanh units.
TEST(Init, xavier_keeps_activations_and_gradients_and_the_standard_scheme_does_not) {
  struct Row {
    std::function<Tensor(Tensor)> draw;
    double low, high;
  };
  for (const Row& row : {Row{[](Tensor x) { return init::xavier_uniform_(x); }, 0.85, 1.15},
                         Row{[](Tensor x) { return init::xavier_normal_(x); }, 0.85, 1.15},
                         Row{init::standard_uniform_, 0.54, 0.61}}) {
    manual_seed(2);
    // Small activations, so that tanh is nearly linear.
    Tensor x = (randn({400, 500}) * 0.1).requires_grad_();
    std::vector<Tensor> activations{x};
    for (int layer = 0; layer < 8; ++layer) {
      activations.push_back(tanh(linear(activations.back(), row.draw(empty({500, 500})))));
      activations.back().retain_grad();
    }
    activations.back().backward(randn({400, 500}));
    for (size_t layer = 1; layer < activations.size(); ++layer) {
      const Tensor &a = activations[layer - 1], &b = activations[layer];
      const double forward = std::sqrt(mean_square(b.detach()) / mean_square(a.detach()));
      const double back = std::sqrt(mean_square(a.grad()) / mean_square(b.grad()));
      EXPECT_GT(forward, row.low) << layer;
      EXPECT_LT(forward, row.high) << layer;
      EXPECT_GT(back, row.low) << layer;
      EXPECT_LT(back, row.high) << layer;
    }
  }
}

// ---- structure -------------------------------------------------------------------------------------------

TEST(Init, gains_and_fans) {
  EXPECT_EQ(init::calculate_gain("linear"), 1);
  EXPECT_EQ(init::calculate_gain("conv_transpose2d"), 1);
  EXPECT_EQ(init::calculate_gain("sigmoid"), 1);
  EXPECT_EQ(init::calculate_gain("tanh"), 5. / 3);
  EXPECT_EQ(init::calculate_gain("relu"), std::sqrt(2.));
  EXPECT_EQ(init::calculate_gain("leaky_relu"), std::sqrt(2 / (1 + 0.01 * 0.01)));
  EXPECT_EQ(init::calculate_gain("leaky_relu", 3), std::sqrt(0.2));
  EXPECT_EQ(init::calculate_gain("selu"), 0.75);
  const auto [in, out] = init::calculate_fan_in_and_fan_out(empty({16, 3, 5, 7}));
  EXPECT_EQ(in, 105);
  EXPECT_EQ(out, 560);
}

TEST(Init, constants) {
  const Tensor x = empty({3}).requires_grad_();
  EXPECT_TRUE(equal(init::constant_(x, 2.5), full({3}, 2.5)));
  EXPECT_TRUE(equal(x, full({3}, 2.5)));
  EXPECT_TRUE(equal(init::ones_(x), ones({3})));
  EXPECT_TRUE(equal(init::zeros_(x), zeros({3})));
  EXPECT_TRUE(x.is_leaf() && x.requires_grad());
  EXPECT_TRUE(equal(init::eye_(empty({2, 3}, kDouble)), numbers({1, 0, 0, 0, 1, 0}, {2, 3})));
  EXPECT_EQ(init::kaiming_normal_(empty({0, 3})).numel(), 0);
  EXPECT_EQ(init::orthogonal_(empty({3, 0})).numel(), 0);
}

TEST(Init, orthogonal_rows_or_columns) {
  manual_seed(0);
  struct Row {
    Shape shape;
    int64_t rows, columns;
  };
  for (const Row& row : {Row{{6, 4}, 6, 4}, Row{{4, 6}, 4, 6}, Row{{5, 5}, 5, 5},
                         Row{{4, 2, 3, 3}, 4, 18}, Row{{9, 2, 2}, 9, 4}}) {
    Tensor x = init::orthogonal_(empty(row.shape, kDouble).requires_grad_(), 1.5).detach();
    x = x.reshape({row.rows, row.columns});
    const Tensor product = row.rows < row.columns ? matmul(x, x.t()) : matmul(x.t(), x);
    EXPECT_TRUE(allclose(product, eye(product.size(0), kDouble) * 2.25, {.rtol = 0, .atol = 1e-12}))
        << to_string(row.shape);
  }
}

// The sign fix: Q' A has a positive diagonal, where A is the matrix that was drawn.
TEST(Init, orthogonal_is_q_of_the_drawn_matrix) {
  manual_seed(9);
  const Tensor x = init::orthogonal_(empty({3, 5}, kDouble));
  manual_seed(9);
  const Tensor drawn = randn({3, 5}, kDouble);
  const Tensor r = matmul(x, drawn.t());  // x' is Q of drawn'
  for (int i = 0; i < 3; ++i) {
    EXPECT_GT(r[i][i].item<double>(), 0);
    for (int j = 0; j < i; ++j) EXPECT_NEAR(r[i][j].item<double>(), 0, 1e-13);
  }
}

TEST(Init, dirac_hands_channels_on) {
  manual_seed(0);
  const Tensor x = randn({2, 4, 5, 6}, kDouble);
  const Tensor weight = init::dirac_(empty({4, 4, 3, 5}, kDouble));
  EXPECT_TRUE(equal(conv2d(x, weight, {}, {.padding = {1, 2}}), x));
  const Tensor grouped = init::dirac_(empty({4, 2, 3, 3}, kDouble).requires_grad_(), 2);
  EXPECT_TRUE(equal(conv2d(x, grouped, {}, {.padding = 1, .groups = 2}), x));
  // Three outputs for two inputs in each group: the third gets nothing.
  const Tensor wide = init::dirac_(empty({6, 2, 3}, kDouble), 2);
  const Tensor y = conv1d(x[0].reshape({1, 4, 30}), wide, {}, {.padding = 1, .groups = 2});
  EXPECT_TRUE(equal(y[0][0], x[0][0].reshape(30)));
  EXPECT_TRUE(equal(y[0][2], zeros(30, kDouble)));
  EXPECT_TRUE(equal(y[0][4], x[0][3].reshape(30)));
  EXPECT_EQ(init::dirac_(empty({2, 2, 3, 3, 3})).sum().item<double>(), 2);
}

TEST(Init, sparse_columns) {
  manual_seed(4);
  const Tensor x = init::sparse_(empty({10, 200}, kDouble).requires_grad_(), 0.31, 2).detach();
  EXPECT_TRUE(equal((x == 0).to(kInt64).sum(0), full({200}, 4)));
  EXPECT_NEAR(mean_square(x), 4 * 0.6, 4 * 4 * std::sqrt(2.4 / 2000));
  manual_seed(4);
  const Tensor drawn = randn({10, 200}, kDouble) * 2;
  EXPECT_TRUE(
      equal(index_select(drawn, 1, tensor({0})).index_fill_(0, randperm(10).narrow(0, 0, 4), 0),
            x.narrow(1, 0, 1)));
}

TEST(Init, changes_are_not_recorded_but_seen) {
  Tensor w = ones({2, 2}).requires_grad_();
  const Tensor y = w * w;
  init::xavier_normal_(w);
  EXPECT_EQ(w.version(), 1);
  EXPECT_THROW(y.sum().backward(), Error);
  EXPECT_TRUE(is_grad_enabled());
}

// ---- what is refused -------------------------------------------------------------------------------------

TEST(Init, says_what_is_wrong_and_changes_nothing) {
  const Tensor matrix = ones({2, 3}), vector = ones({3}), whole = ones({2, 3}, {.dtype = kInt64});
  const Tensor window = ones({4, 2, 3});
  struct Row {
    std::function<void()> call;
    const char* text;
  };
  const Row rows[] = {
      {[&] { init::uniform_(Tensor()); }, "uniform_: the tensor is undefined"},
      {[&] { init::uniform_(whole); }, "uniform_: expected a floating dtype, got int64"},
      {[&] { init::uniform_(matrix, 2, 1); },
       "uniform_: from must not be more than to, got 2 and 1"},
      {[&] { init::normal_(whole); }, "normal_: expected a floating dtype, got int64"},
      {[&] { init::normal_(matrix, 0, -1); }, "normal_: std must not be negative, got -1"},
      {[&] { init::trunc_normal_(matrix, 0, 0); },
       "trunc_normal_: std must be finite and positive, got 0"},
      {[&] { init::trunc_normal_(matrix, NAN); }, "trunc_normal_: mean must be finite, got nan"},
      {[&] { init::trunc_normal_(matrix, 0, 1, 2, 2); },
       "trunc_normal_: a must be less than b, got 2 and 2"},
      {[&] { init::trunc_normal_(matrix, 0, 1, 40, 50); },
       "trunc_normal_: [40, 50] lies too far from the mean 0 for std 1"},
      {[&] { init::constant_(Tensor(), 1); }, "constant_: the tensor is undefined"},
      {[&] { init::eye_(vector); }, "eye_: expected a 2-d tensor, got shape [3]"},
      {[&] { init::eye_(Tensor()); }, "eye_: the tensor is undefined"},
      {[&] { init::dirac_(matrix); }, "dirac_: expected 3 to 5 dims, got shape [2, 3]"},
      {[&] { init::dirac_(window, 3); },
       "dirac_: groups must be positive and divide size(0) = 4, got 3"},
      {[&] { init::dirac_(window, 0); },
       "dirac_: groups must be positive and divide size(0) = 4, got 0"},
      {[&] { init::xavier_uniform_(vector); },
       "xavier_uniform_: fans need a tensor of at least 2 dims, got shape [3]"},
      {[&] { init::xavier_normal_(matrix, -1); },
       "xavier_normal_: gain must be finite and not negative, got -1"},
      {[&] { init::kaiming_uniform_(matrix, {.mode = "fan_avg"}); },
       "kaiming_uniform_: mode must be \"fan_in\" or \"fan_out\", got \"fan_avg\""},
      {[&] { init::kaiming_normal_(matrix, {.nonlinearity = "gelu"}); },
       "calculate_gain: unknown nonlinearity \"gelu\""},
      {[&] { init::kaiming_normal_(matrix, {.a = NAN}); },
       "calculate_gain: the slope of leaky_relu must be finite, got nan"},
      {[&] { init::kaiming_normal_(whole); },
       "kaiming_normal_: expected a floating dtype, got int64"},
      {[&] { init::calculate_gain("Tanh"); }, "calculate_gain: unknown nonlinearity \"Tanh\""},
      {[&] { init::calculate_fan_in_and_fan_out(vector); },
       "calculate_fan_in_and_fan_out: fans need a tensor of at least 2 dims, got shape [3]"},
      {[&] { init::orthogonal_(vector); }, "orthogonal_: expected at least 2 dims, got shape [3]"},
      {[&] { init::orthogonal_(matrix, INFINITY); }, "orthogonal_: gain must be finite, got inf"},
      {[&] { init::sparse_(window, 0.5); }, "sparse_: expected a 2-d tensor, got shape [4, 2, 3]"},
      {[&] { init::sparse_(matrix, 1.5); }, "sparse_: sparsity must be in [0, 1], got 1.5"},
      {[&] { init::sparse_(matrix, 0.5, -1); },
       "sparse_: std must be finite and not negative, got -1"},
      {[&] { init::variance_scaling_(matrix, {.mode = "mean"}); },
       "variance_scaling_: mode must be \"fan_in\", \"fan_out\" or \"fan_avg\", got \"mean\""},
      {[&] { init::variance_scaling_(matrix, {.scale = -1}); },
       "variance_scaling_: scale must be finite and not negative, got -1"},
      {[&] { init::variance_scaling_(matrix, {.distribution = "cauchy"}); },
       "variance_scaling_: distribution must be \"truncated_normal\", \"normal\" or \"uniform\", "
       "got \"cauchy\""},
      {[&] { init::standard_uniform_(vector); },
       "standard_uniform_: fans need a tensor of at least 2 dims, got shape [3]"},
  };
  Generator before = default_generator();
  for (const Row& row : rows) EXPECT_EQ(message_of(row.call), row.text);
  EXPECT_EQ(before.random64(), Generator(default_generator()).random64());
  EXPECT_TRUE(equal(matrix, ones({2, 3})) && equal(vector, ones({3})));
  EXPECT_TRUE(equal(window, ones({4, 2, 3})) && equal(whole, ones({2, 3}, {.dtype = kInt64})));
  EXPECT_EQ(matrix.version() + vector.version() + window.version() + whole.version(), 0);
}
