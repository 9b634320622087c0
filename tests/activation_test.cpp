// What the tables of op_cases/ do not say about activations and dropout: ends of the range, kinks,
// what is drawn and when, and what is done in one pass.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <functional>
#include <limits>

using namespace reel;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor row(std::initializer_list<double> values, Dtype dtype = kFloat64) {
  return from_vector(std::vector<double>(values), {static_cast<int64_t>(values.size())}).to(dtype);
}

using Function = std::function<Tensor(const Tensor&)>;

// The curves with a kernel of their own, with the options that bend them most.
const std::vector<std::pair<std::string, Function>>& curves() {
  static const std::vector<std::pair<std::string, Function>> list = {
      {"relu6", relu6},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, {.negative_slope = 0.2}); }},
      {"hardtanh", [](const Tensor& x) { return hardtanh(x); }},
      {"hardsigmoid", hardsigmoid},
      {"hardswish", hardswish},
      {"hardshrink", [](const Tensor& x) { return hardshrink(x); }},
      {"softshrink", [](const Tensor& x) { return softshrink(x); }},
      {"threshold", [](const Tensor& x) { return threshold(x, 0.1, 2); }},
      {"elu", [](const Tensor& x) { return elu(x, {.alpha = 0.7}); }},
      {"celu", [](const Tensor& x) { return celu(x, {.alpha = 1.7}); }},
      {"selu", selu},
      {"gelu", [](const Tensor& x) { return gelu(x); }},
      {"gelu_tanh", [](const Tensor& x) { return gelu(x, {.approximate = "tanh"}); }},
      {"silu", silu},
      {"mish", mish},
      {"softplus", [](const Tensor& x) { return softplus(x, {.beta = 2, .threshold = 5}); }},
      {"logsigmoid", logsigmoid},
  };
  return list;
}

}  // namespace

TEST(Activation, is_finite_with_its_first_and_second_derivative_for_large_numbers) {
  for (const Dtype dtype : {kFloat32, kFloat64}) {
    for (const auto& [name, f] : curves()) {
      const Tensor x =
          row({-1e6, -800, -100, -88.5, -30, 30, 88.5, 100, 800, 1e6}, dtype).requires_grad_();
      const Tensor y = f(x);
      EXPECT_TRUE(all(isfinite(y))) << name << " of " << name_of(dtype);
      const Tensor first = autograd::grad({y.sum()}, {x}, {.create_graph = true})[0];
      EXPECT_TRUE(all(isfinite(first))) << name << " of " << name_of(dtype);
      if (!first.requires_grad()) continue;
      const Tensor second =
          autograd::grad({first.sum()}, {x}, {.create_graph = true, .allow_unused = true})[0];
      if (!second.defined()) continue;
      EXPECT_TRUE(all(isfinite(second))) << name << " of " << name_of(dtype);
    }
  }
}

TEST(Activation, is_one_node) {
  for (const auto& [name, f] : curves()) {
    const Tensor x = rand({3}, {.dtype = kFloat64, .requires_grad = true});
    const int64_t before = memory::stats().live_nodes;
    const Tensor y = f(x);
    EXPECT_EQ(memory::stats().live_nodes, before + 1) << name;
  }
}

TEST(Activation, has_the_same_bits_wherever_an_element_stands) {
  manual_seed(0);
  const Tensor x = randn({20000}, {.dtype = kFloat32}) * 3;
  for (const auto& [name, f] : curves()) {
    const Tensor whole = x.detach().requires_grad_();
    const Tensor shorter = x.slice(0, 3, 9000).clone().requires_grad_();
    const Tensor y = f(whole), z = f(shorter);
    y.backward(ones_like(y.detach()));
    z.backward(ones_like(z.detach()));
    EXPECT_TRUE(equal(y.detach().slice(0, 3, 9000), z.detach())) << name;
    EXPECT_TRUE(equal(whole.grad().slice(0, 3, 9000), shorter.grad())) << name;
  }
}

TEST(Activation, takes_a_gradient_that_is_infinite_only_where_it_is_not_flat) {
  const Tensor g = row({kInfinity, kInfinity});
  const auto gradient = [&](const Function& f) {
    const Tensor x = row({-5, 5}).requires_grad_();
    f(x).backward(g);
    return x.grad();
  };
  EXPECT_TRUE(equal(gradient(relu6), row({0, kInfinity})));
  EXPECT_TRUE(
      equal(gradient([](const Tensor& x) { return threshold(x, 0, 1); }), row({0, kInfinity})));
  EXPECT_TRUE(equal(gradient(hardswish), row({0, kInfinity})));
  EXPECT_TRUE(equal(gradient(hardsigmoid), row({0, 0})));
}

TEST(Activation, limits_integers_to_integers) {
  const Tensor x = from_vector(std::vector<int64_t>{-3, 0, 4, 9}, {4});
  EXPECT_TRUE(equal(relu6(x), from_vector(std::vector<int64_t>{0, 0, 4, 6}, {4})));
  EXPECT_TRUE(equal(hardtanh(x), from_vector(std::vector<int64_t>{-1, 0, 1, 1}, {4})));
  EXPECT_TRUE(equal(threshold(x, 3.5, 1), from_vector(std::vector<int64_t>{1, 1, 4, 9}, {4})));
  EXPECT_TRUE(equal(threshold(x, 0, -7), from_vector(std::vector<int64_t>{-7, -7, 4, 9}, {4})));
}

TEST(Activation, prelu_gives_each_channel_its_gradient) {
  const Tensor x = row({-1, 2, -3, 4, -5, -6}).reshape({1, 2, 3}).requires_grad_();
  const Tensor weight = row({0.5, 0.25}).requires_grad_();
  prelu(x, weight).sum().backward();
  EXPECT_TRUE(equal(weight.grad(), row({-4, -11})));
  EXPECT_TRUE(equal(x.grad(), row({0.5, 1, 0.5, 1, 0.25, 0.25}).reshape({1, 2, 3})));
  const Tensor infinite = row({kInfinity, -1}).requires_grad_();
  const Tensor one = row({0.5}).requires_grad_();
  prelu(infinite, one).backward(row({1, 1}));
  EXPECT_TRUE(equal(one.grad(), row({-1})));
}

TEST(Activation, rrelu_draws_within_its_bounds_only_in_training) {
  manual_seed(4);
  const Tensor x = full({2000}, -1, {.dtype = kFloat64});
  const Tensor y = -rrelu(x, {.training = true});
  EXPECT_GE(y.min().item<double>(), 1.0 / 8);
  EXPECT_LT(y.max().item<double>(), 1.0 / 3);
  EXPECT_NEAR(y.mean().item<double>(), 11.0 / 48, 0.01);
  manual_seed(4);
  rrelu(x);
  rrelu(-x, {.training = true});  // nothing is drawn for what is positive
  EXPECT_TRUE(equal(-rrelu(x, {.training = true}), y));
}

TEST(Activation, softmax_takes_the_dtype_to_compute_in) {
  const Tensor x = from_vector(std::vector<int64_t>{1, 2, 3}, {3});
  EXPECT_EQ(softmax(x, 0, {.dtype = kFloat32}).dtype(), kFloat32);
  EXPECT_TRUE(allclose(log_softmax(x, 0, {.dtype = kFloat64}), log_softmax(row({1, 2, 3}), 0)));
  EXPECT_TRUE(allclose(softmin(x, 0, {.dtype = kFloat64}), softmax(row({3, 2, 1}), 0)));
  const Tensor single = ones({3}).requires_grad_();
  softmax(single, 0, {.dtype = kFloat64}).sum().backward();
  EXPECT_EQ(single.grad().dtype(), kFloat32);
}

TEST(Activation, gumbel_softmax_samples_classes_with_their_probabilities) {
  manual_seed(1);
  const Tensor logits = log(row({0.5, 0.3, 0.2})).expand({20000, 3});
  const Tensor y = gumbel_softmax(logits, {.hard = true});
  EXPECT_TRUE(allclose(y.mean(0), row({0.5, 0.3, 0.2}), {.rtol = 0, .atol = 0.02}));
  EXPECT_TRUE(allclose(y.sum(1), ones({20000}, {.dtype = kFloat64})));
}

TEST(Activation, a_hard_gumbel_sample_has_the_gradient_of_the_soft_one) {
  const Tensor weight = row({1, 2, 3, 4, 5, 6}).reshape({2, 3});
  Tensor gradients[2];
  for (const bool hard : {false, true}) {
    manual_seed(2);
    const Tensor x = row({1, 2, 0, -1, 0, 1}).reshape({2, 3}).requires_grad_();
    (gumbel_softmax(x, {.tau = 2, .hard = hard}) * weight).sum().backward();
    gradients[hard] = x.grad();
  }
  EXPECT_TRUE(allclose(gradients[0], gradients[1]));
}

TEST(Dropout, leaves_alone_what_it_does_not_drop_and_draws_nothing) {
  manual_seed(8);
  const Tensor expected = rand({3});
  manual_seed(8);
  const Tensor x = rand({2, 3}, {.dtype = kFloat64}), n = from_vector(std::vector<int64_t>{1}, {1});
  manual_seed(8);
  EXPECT_EQ(dropout(x, {.training = false}).body(), x.body());
  EXPECT_EQ(dropout(x, {.p = 0}).body(), x.body());
  EXPECT_EQ(dropout(n, {.training = false}).body(), n.body());
  EXPECT_EQ(dropout1d(x, {.p = 0}).body(), x.body());
  EXPECT_EQ(alpha_dropout(x).body(), x.body());
  EXPECT_EQ(feature_alpha_dropout(x, {.p = 0, .training = true}).body(), x.body());
  EXPECT_TRUE(equal(dropout(x, {.p = 1}), zeros_like(x)));
  EXPECT_TRUE(equal(alpha_dropout(x, {.p = 1, .training = true}), zeros_like(x)));
  EXPECT_TRUE(equal(rand({3}), expected));
}

TEST(Dropout, keeps_the_mean_and_alpha_dropout_the_variance_too) {
  manual_seed(3);
  const Tensor x = randn({100000}, {.dtype = kFloat64}) + 2;
  EXPECT_NEAR(dropout(x, {.p = 0.3}).mean().item<double>(), 2, 0.03);
  const Tensor y = alpha_dropout(x - 2, {.p = 0.3, .training = true});
  EXPECT_NEAR(y.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(y.var().item<double>(), 1, 0.02);
}

TEST(Dropout, of_features_drops_whole_channels) {
  manual_seed(6);
  const Tensor y = dropout2d(ones({8, 16, 3, 3}), {.p = 0.5});
  const Tensor sums = y.sum({2, 3});
  EXPECT_TRUE(all((sums == 0) | (sums == 18)));
  EXPECT_TRUE(any(sums == 0) && any(sums == 18));
}
