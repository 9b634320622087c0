// Limits on gradients, parameters as a vector, frozen parameters, penalties, constraints, folded
// batch normalisation.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using autograd::gradcheck;
using reel::tests::message_of;

namespace {

constexpr TensorOptions kDouble{.dtype = kFloat64};

Tensor numbers(std::vector<double> values, const Shape& shape) {
  return from_vector(values, shape);
}

// A parameter with this gradient.
Tensor with_gradient(std::vector<double> g, const Shape& shape, Dtype dtype = kFloat64) {
  Tensor parameter = ones(shape, {.dtype = dtype}).requires_grad_();
  parameter.mutable_grad() = numbers(std::move(g), shape).to(dtype);
  return parameter;
}

bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-12) {
  return a.shape() == b.shape() && allclose(a.detach(), b.detach(), {.rtol = 0, .atol = tolerance});
}

struct Refused {
  std::function<void()> call;
  const char* text;
};

void expect_refused(std::initializer_list<Refused> rows) {
  for (const Refused& row : rows) EXPECT_EQ(message_of(row.call), row.text);
}

}  // namespace

// ---- clipping: B9.9 --------------------------------------------------------------------------------------

TEST(Clip, by_value) {
  const Tensor x = with_gradient({3, -0.5}, {2}), without = ones(2).requires_grad_();
  const Tensor g = x.grad();
  nn::utils::clip_grad_value_({x, without}, 1);
  EXPECT_TRUE(equal(x.grad(), numbers({1, -0.5}, {2})));
  EXPECT_TRUE(equal(g, x.grad()));  // in place
  EXPECT_FALSE(without.grad().defined());
}

TEST(Clip, by_norm_over_all_parameters) {
  const Tensor x = with_gradient({3}, {1}), y = with_gradient({4}, {1, 1});
  const Tensor g = x.grad();
  EXPECT_EQ(nn::utils::clip_grad_norm_({x, ones(2), y}, 1).item<double>(), 5);
  EXPECT_NEAR(g.item<double>(), 0.6, 2e-7);
  EXPECT_EQ(x.grad().item<double>(), 3 * (1 / (5 + 1e-6)));
  EXPECT_EQ(y.grad().item<double>(), 4 * (1 / (5 + 1e-6)));
  // Short enough: not a bit changes.
  const Tensor z = with_gradient({3, 4}, {2}, kFloat32);
  const Tensor norm = nn::utils::clip_grad_norm_({z}, 5.1);
  EXPECT_EQ(norm.item<double>(), 5);
  EXPECT_EQ(norm.dtype(), kFloat32);
  EXPECT_TRUE(equal(z.grad(), tensor({3., 4.})));
  EXPECT_EQ(nn::utils::clip_grad_norm_({ones(2)}, 1).item<double>(), 0);
}

TEST(Clip, by_other_norms) {
  const double infinity = INFINITY;
  const auto norm = [](double order) {
    const Tensor x = with_gradient({1, -2}, {2}), y = with_gradient({-3}, {1});
    return nn::utils::clip_grad_norm_({x, y}, 1e9, {.norm_type = order}).item<double>();
  };
  EXPECT_EQ(norm(1), 6);
  EXPECT_NEAR(norm(3), std::cbrt(36), 1e-12);
  EXPECT_EQ(norm(infinity), 3);
  const Tensor x = with_gradient({1, -4}, {2});
  nn::utils::clip_grad_norm_({x}, 2, {.norm_type = infinity});
  EXPECT_TRUE(near(x.grad(), numbers({0.5, -2}, {2}), 1e-6));
}

TEST(Clip, of_what_is_not_finite) {
  const Tensor x = with_gradient({INFINITY, 1}, {2}), y = with_gradient({1}, {1});
  EXPECT_EQ(
      message_of([&] {
        nn::utils::clip_grad_norm_({x, y}, 1, {.error_if_nonfinite = true});
      }),
      "get_total_norm: the norm of order 2 is inf; without error_if_nonfinite it would be used");
  EXPECT_EQ(x.grad()[1].item<double>(), 1);
  // As in PyTorch: everything is divided by infinity.
  nn::utils::clip_grad_norm_({x, y}, 1);
  EXPECT_TRUE(std::isnan(x.grad()[0].item<double>()));
  EXPECT_EQ(y.grad().item<double>(), 0);
  const Tensor z = with_gradient({NAN, 1}, {2});
  nn::utils::clip_grad_norm_({z}, 1);
  EXPECT_TRUE(std::isnan(z.grad()[1].item<double>()));
}

TEST(Clip, of_a_gradient_that_shows_one_number_in_many_places) {
  const Tensor x = ones({2, 2}, kDouble).requires_grad_();
  x.mutable_grad() = numbers({2}, {1, 1}).expand({2, 2});
  nn::utils::clip_grad_norm_({x}, 2);
  EXPECT_TRUE(near(x.grad(), ones({2, 2}, kDouble), 1e-6));
}

TEST(Clip, says_what_is_wrong) {
  const Tensor x = with_gradient({3, 4}, {2});
  expect_refused({{[&] { nn::utils::clip_grad_norm_({x}, -1); },
                   "clip_grad_norm_: max_norm must not be negative, got -1"},
                  {[&] { nn::utils::clip_grad_norm_({x}, NAN); },
                   "clip_grad_norm_: max_norm must not be negative, got nan"},
                  {[&] { nn::utils::clip_grad_norm_({x}, 1, {.norm_type = -2}); },
                   "get_total_norm: norm_type must not be negative, got -2"},
                  {[&] {
                     nn::utils::clip_grad_norm_({x, Tensor()}, 1);
                   },
                   "clip_grad_norm_: a parameter is undefined"},
                  {[&] {
                     nn::utils::clip_grad_value_({x, Tensor()}, 1);
                   },
                   "clip_grad_value_: a parameter is undefined"},
                  {[&] { nn::utils::clip_grad_value_({x}, -1); },
                   "clip_grad_value_: clip_value must not be negative, got -1"}});
  EXPECT_TRUE(equal(x.grad(), numbers({3, 4}, {2})));
}

// ---- parameters as a vector, frozen parameters -----------------------------------------------------------

TEST(Parameters, as_a_vector_and_back) {
  const Tensor x = numbers({1, 2, 3, 4}, {2, 2}).requires_grad_(),
               y = numbers({5}, {}).requires_grad_();
  const Tensor flat = nn::utils::parameters_to_vector({x.t(), y});
  EXPECT_TRUE(equal(flat, numbers({1, 3, 2, 4, 5}, {5})));
  (flat * numbers({1, 2, 3, 4, 5}, {5})).sum().backward();
  EXPECT_TRUE(equal(x.grad(), numbers({1, 3, 2, 4}, {2, 2})));
  nn::utils::vector_to_parameters(numbers({9, 8, 7, 6, 5.5}, {5}), {x, y});
  EXPECT_TRUE(equal(x, numbers({9, 8, 7, 6}, {2, 2})));
  EXPECT_EQ(y.item<double>(), 5.5);
  EXPECT_TRUE(x.is_leaf() && x.requires_grad());
  expect_refused(
      {{[&] {
          nn::utils::vector_to_parameters(ones(4, kDouble), {x, y});
        },
        "vector_to_parameters: expected a vector of 5 numbers, got shape [4]"},
       {[&] {
          nn::utils::vector_to_parameters(ones({5, 1}, kDouble), {x, y});
        },
        "vector_to_parameters: expected a vector of 5 numbers, got shape [5, 1]"},
       {[&] {
          nn::utils::vector_to_parameters(ones(5), {x, Tensor()});
        },
        "vector_to_parameters: a parameter is undefined"},
       {[&] { nn::utils::parameters_to_vector({}); },
        "parameters_to_vector: got an empty list of parameters"},
       {[&] {
          nn::utils::parameters_to_vector({x, Tensor()});
        },
        "parameters_to_vector: a parameter is undefined"},
       {[&] {
          nn::utils::parameters_to_vector({x, ones(2)});
        },
        "parameters_to_vector: parameters must have one dtype, got float64 and float32"}});
  EXPECT_TRUE(equal(x, numbers({9, 8, 7, 6}, {2, 2})));
}

TEST(Parameters, that_are_frozen_stay_as_they_are) {
  manual_seed(0);
  const nn::Sequential model(std::pair{"encoder", nn::Sequential(nn::Linear(4, 3), nn::Tanh())},
                             std::pair{"encoder2", nn::Linear(3, 3)});
  optim::SGD sgd(model->parameters(), {.lr = 1, .momentum = 0.9});
  const auto step = [&] {
    sgd.zero_grad();
    model(ones({2, 4})).square().sum().backward();
    sgd.step();
  };
  step();
  model(ones({2, 4})).sum().backward();
  nn::freeze(*model, "encoder");
  const auto before = model->parameters();
  std::vector<Tensor> numbers;
  for (const Tensor& parameter : before) numbers.push_back(parameter.detach().clone());
  EXPECT_FALSE(before[0].grad().defined());
  step();
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(equal(before[i], numbers[i]), i < 2) << i;
  nn::unfreeze(*model, "encoder.0.bias");
  EXPECT_EQ(before[0].requires_grad(), false);
  EXPECT_EQ(before[1].requires_grad(), true);
  nn::freeze(*model);
  EXPECT_FALSE(model(ones({2, 4})).requires_grad());
  expect_refused(
      {{[&] { nn::freeze(*model, "enc"); }, "freeze: Sequential has no parameters named \"enc\""},
       {[&] { nn::unfreeze(*model, "encoder.1"); },
        "unfreeze: Sequential has no parameters named \"encoder.1\""}});
}

// ---- penalties -------------------------------------------------------------------------------------------

TEST(Penalty, values_and_gradients) {
  const Tensor w = numbers({1, -2, 0, 3}, {2, 2}).requires_grad_(),
               b = numbers({4}, {1}).requires_grad_();
  const Tensor l1 = nn::l1_penalty({w, b}, 0.5), l2 = nn::l2_penalty({w}, 0.5);
  EXPECT_EQ(l1.item<double>(), 5);
  EXPECT_EQ(l2.item<double>(), 7);
  EXPECT_EQ(nn::l2_penalty({w}, 0.5, {.half = true}).item<double>(), 3.5);
  l1.backward();
  EXPECT_TRUE(equal(w.grad(), numbers({0.5, -0.5, 0, 0.5}, {2, 2})));  // sign(0) = 0
  w.mutable_grad() = Tensor();
  l2.backward();
  EXPECT_TRUE(equal(w.grad(), numbers({1, -2, 0, 3}, {2, 2})));
  EXPECT_EQ(nn::l1_penalty({}, 1).item<double>(), 0);
  const auto both = [](const std::vector<Tensor>& x) {
    return nn::l2_penalty(x, 0.7) + nn::l1_penalty(x, 0.3);
  };
  const Tensor away = numbers({1, -2, 0.5}, {3}).requires_grad_();
  EXPECT_TRUE(gradcheck(both, {away}) && autograd::gradgradcheck(both, {away}));
}

TEST(Penalty, weights_only_leaves_out_biases_and_single_rows) {
  const nn::Sequential model(nn::Linear(4, 3), nn::Tanh(), nn::Linear(3, 2));
  const std::vector<Tensor> weights = nn::weights_only(*model);
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_EQ(weights[1].body(), model[2].as<nn::LinearImpl>()->weight.body());
}

// A4.1: W - lr (dJ/dW + lambda W), and the same as weight_decay.
TEST(Penalty, a_step_with_l2_is_weight_decay) {
  const double lr = 0.1, lambda = 0.25;
  const Tensor x = numbers({1, 2, -1, 0.5, 3, 1}, {2, 3}), target = numbers({1, -1}, {2, 1});
  const auto step = [&](Tensor& w, bool penalty) {
    optim::SGD sgd({w}, {.lr = lr, .weight_decay = penalty ? 0 : lambda});
    Tensor loss = mse_loss(matmul(x, w), target);
    if (penalty) loss = loss + nn::l2_penalty({w}, lambda, {.half = true});
    loss.backward();
    sgd.step();
  };
  Tensor w = numbers({0.3, -0.2, 0.9}, {3, 1}).requires_grad_(),
         v = w.detach().clone().requires_grad_();
  const Tensor start = w.detach().clone();
  step(w, true);
  step(v, false);
  const Tensor slope = matmul(x.t(), matmul(x, start) - target);  // 2/2 x' (x w - t)
  EXPECT_TRUE(near(w, start * (1 - lr * lambda) - slope * lr, 1e-15));
  EXPECT_TRUE(near(w, v, 1e-15));
}

// B8.3: 6 hidden layers of 100 units between 784 inputs and 10 classes.
TEST(Penalty, of_the_courses_network_at_the_start) {
  manual_seed(0);
  std::vector<Tensor> weights{empty({100, 784})};
  for (int i = 0; i < 5; ++i) weights.push_back(empty({100, 100}));
  weights.push_back(empty({10, 100}));
  int64_t count = 0;
  for (const Tensor& w : weights) {
    nn::init::uniform_(w, -1, 1);
    count += w.numel();
  }
  EXPECT_EQ(count, 129400);
  EXPECT_NEAR(nn::l1_penalty(weights, 1e-4).item<double>(), 6.470, 4 * 0.0104);
  EXPECT_NEAR(nn::l2_penalty(weights, 1e-4).item<double>(), 4.313, 4 * 0.0107);
}

TEST(Penalty, says_what_is_wrong) {
  const Tensor w = ones(2);
  expect_refused({{[&] { nn::l1_penalty({w}, -1); },
                   "l1_penalty: factor must be finite and not negative, got -1"},
                  {[&] { nn::l2_penalty({w}, NAN); },
                   "l2_penalty: factor must be finite and not negative, got nan"},
                  {[&] {
                     nn::l2_penalty({w, Tensor()}, 1);
                   },
                   "l2_penalty: a parameter is undefined"},
                  {[&] { nn::l1_penalty({arange(3)}, 1); },
                   "l1_penalty: expected floating parameters, got int64"}});
}

// ---- constraints -----------------------------------------------------------------------------------------

TEST(Constraint, max_norm) {
  const Tensor w = numbers({3, 4, 0.3, 0.4, 0, 0}, {3, 2}).requires_grad_();
  nn::max_norm_({w}, 1);
  EXPECT_TRUE(near(w, numbers({0.6, 0.8, 0.3, 0.4, 0, 0}, {3, 2}), 1e-15));
  EXPECT_EQ(w[1][0].item<double>(), 0.3);
  EXPECT_TRUE(w.is_leaf() && w.requires_grad());
  const Tensor columns = numbers({3, 0.5, 4, 0}, {2, 2});
  nn::max_norm_({columns}, 1, {.dims = {0}});
  EXPECT_TRUE(near(columns, numbers({0.6, 0.5, 0.8, 0}, {2, 2}), 1e-15));
  // A kernel of a convolution is one part, a vector too.
  const Tensor kernel = full({2, 2, 1, 2}, 2, kDouble), bias = numbers({3, 4}, {2});
  nn::max_norm_({kernel, bias}, 1);
  EXPECT_TRUE(near(kernel, full({2, 2, 1, 2}, 0.5, kDouble), 1e-15));
  EXPECT_TRUE(near(bias, numbers({0.6, 0.8}, {2}), 1e-15));
}

TEST(Constraint, unit_norm_min_max_norm_and_non_neg) {
  const Tensor w = numbers({3, 4, 0, 0, 0.6, 0.8}, {3, 2});
  nn::unit_norm_({w});
  EXPECT_TRUE(near(w, numbers({0.6, 0.8, 0, 0, 0.6, 0.8}, {3, 2}), 1e-15));
  const auto limited = [](double rate) {
    const Tensor x = numbers({6, 8, 0.3, 0.4, 0, 3}, {3, 2});
    nn::min_max_norm_({x}, {.min_value = 1, .max_value = 5, .rate = rate});
    return x;
  };
  EXPECT_TRUE(near(limited(1), numbers({3, 4, 0.6, 0.8, 0, 3}, {3, 2}), 1e-14));
  // Half of the way: lengths 10 -> 7.5, 0.5 -> 0.75.
  EXPECT_TRUE(near(limited(0.5), numbers({4.5, 6, 0.45, 0.6, 0, 3}, {3, 2}), 1e-14));
  const Tensor x = numbers({-1, 0, 2}, {3}).requires_grad_();
  nn::non_neg_({x});
  EXPECT_TRUE(equal(x, numbers({0, 0, 2}, {3})));
}

// A1.12
TEST(Constraint, holds_after_each_step) {
  manual_seed(1);
  nn::Linear fc(5, 4);
  optim::SGD sgd(fc->parameters(), {.lr = 5, .momentum = 0.9});
  for (int i = 0; i < 5; ++i) {
    sgd.zero_grad();
    (fc(randn({8, 5})) - 3).square().mean().backward();
    sgd.step();
    nn::max_norm_(nn::weights_only(*fc), 0.5);
    nn::non_neg_({fc->bias});
    EXPECT_LE(max(linalg::vector_norm(fc->weight.detach(), 2, {1})).item<double>(), 0.5 + 1e-6);
    EXPECT_GE(min(fc->bias.detach()).item<double>(), 0);
  }
}

TEST(Constraint, says_what_is_wrong_and_changes_nothing) {
  const Tensor w = full({2, 2}, 9.0);
  expect_refused({{[&] { nn::max_norm_({w}, -1); },
                   "max_norm_: max_value must be finite and not negative, got -1"},
                  {[&] {
                     nn::max_norm_({w, Tensor()}, 1);
                   },
                   "max_norm_: a parameter is undefined"},
                  {[&] {
                     nn::max_norm_({w, arange(3)}, 1);
                   },
                   "max_norm_: expected floating parameters, got int64"},
                  {[&] {
                     nn::max_norm_({w, tensor(1.)}, 1);
                   },
                   "max_norm_: a parameter without dims has no norms"},
                  {[&] {
                     nn::unit_norm_({w, ones(2)}, {.dims = {1}});
                   },
                   "unit_norm_: dim must be in [-1, 0], got 1"},
                  {[&] { nn::min_max_norm_({w}, {.min_value = 2}); },
                   "min_max_norm_: min_value must not be more than max_value, got 2 and 1"},
                  {[&] { nn::min_max_norm_({w}, {.min_value = -2}); },
                   "min_max_norm_: min_value must be finite and not negative, got -2"},
                  {[&] { nn::min_max_norm_({w}, {.rate = 2}); },
                   "min_max_norm_: rate must be in [0, 1], got 2"},
                  {[&] {
                     nn::non_neg_({w, arange(3)});
                   },
                   "non_neg_: expected floating parameters, got int64"}});
  EXPECT_TRUE(equal(w, full({2, 2}, 9.0)));
}

// ---- folded batch normalisation --------------------------------------------------------------------------

namespace {

nn::utils::BatchNormParts random_parts(int64_t channels, bool affine = true) {
  nn::utils::BatchNormParts bn{.running_mean = randn({channels}, kDouble),
                               .running_var = rand({channels}, kDouble) + 0.1,
                               .eps = 1e-3};
  if (affine) {
    bn.weight = randn({channels}, kDouble);
    bn.bias = randn({channels}, kDouble);
  }
  return bn;
}

Tensor normalised(const Tensor& x, const nn::utils::BatchNormParts& bn) {
  return batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, {.eps = bn.eps});
}

}  // namespace

TEST(Fuse, a_convolution_and_its_normalisation) {
  manual_seed(0);
  for (const bool affine : {true, false}) {
    const auto bn = random_parts(6, affine);
    const Tensor bias = affine ? randn({6}, kDouble) : Tensor();
    const Tensor x = randn({2, 4, 7, 8}, kDouble), w = randn({6, 2, 3, 3}, kDouble);
    const auto fused = nn::utils::fuse_conv_bn_weights(w, bias, bn);
    EXPECT_TRUE(near(conv2d(x, fused.weight, fused.bias, {.groups = 2}),
                     normalised(conv2d(x, w, bias, {.groups = 2}), bn)));
    const Tensor v = randn({4, 3, 3, 3}, kDouble);
    const auto back =
        nn::utils::fuse_conv_bn_weights(v, bias, bn, {.transpose = true, .groups = 2});
    EXPECT_TRUE(near(conv_transpose2d(x, back.weight, back.bias, {.stride = 2, .groups = 2}),
                     normalised(conv_transpose2d(x, v, bias, {.stride = 2, .groups = 2}), bn)));
    const Tensor rows = randn({5, 3}, kDouble), u = randn({6, 3}, kDouble);
    const auto dense = nn::utils::fuse_linear_bn_weights(u, bias, bn);
    EXPECT_TRUE(
        near(linear(rows, dense.weight, dense.bias), normalised(linear(rows, u, bias), bn)));
  }
}

namespace {

// A normalisation that has seen something and has weights of its own.
template <class Norm>
Norm seen(Norm norm, const Shape& shape) {
  norm->to(kFloat64);
  norm(randn(shape, kDouble) * 2 + 1);
  NoGradGuard no_grad;
  norm->weight.normal_();
  norm->bias.normal_();
  norm->eval();
  return norm;
}

}  // namespace

TEST(Fuse, convolutions_with_their_normalisation) {
  manual_seed(0);
  const auto expect_same = [](auto conv, const auto& bn, const Tensor& x) {
    SCOPED_TRACE(conv->to_string());
    conv->to(kFloat64).eval();
    const auto fused = nn::utils::fuse_conv_bn_eval(conv, bn);
    EXPECT_TRUE(near(fused(x), bn(conv(x))));
    EXPECT_FALSE(fused->is_training());
  };
  const nn::BatchNorm2d bn = seen(nn::BatchNorm2d(6), {4, 6, 3, 3});
  const Tensor image = randn({2, 4, 7, 8}, kDouble);
  for (const bool bias : {true, false}) {
    expect_same(nn::Conv2d({.in_channels = 4,
                            .out_channels = 6,
                            .kernel_size = 3,
                            .stride = 2,
                            .padding = 1,
                            .groups = 2,
                            .bias = bias,
                            .padding_mode = nn::PaddingMode::Reflect}),
                bn, image);
    expect_same(nn::ConvTranspose2d({.in_channels = 4,
                                     .out_channels = 6,
                                     .kernel_size = 3,
                                     .stride = 2,
                                     .output_padding = 1,
                                     .groups = 2,
                                     .bias = bias}),
                bn, image);
  }
  expect_same(nn::Conv1d(4, 6, 3), seen(nn::BatchNorm1d(6), {4, 6, 3}), randn({2, 4, 7}, kDouble));
  expect_same(nn::ConvTranspose3d(4, 6, 2), seen(nn::BatchNorm3d(6), {2, 6, 2, 2, 2}),
              randn({1, 4, 3, 2, 3}, kDouble));
}

TEST(Fuse, a_linear_layer_with_its_normalisation) {
  manual_seed(0);
  nn::Linear fc({.in_features = 3, .out_features = 6, .bias = false});
  const nn::BatchNorm1d bn = seen(nn::BatchNorm1d(6), {5, 6});
  fc->to(kFloat64);
  EXPECT_EQ(message_of([&] { nn::utils::fuse_linear_bn_eval(fc, bn); }),
            "fuse_linear_bn_eval: Linear and BatchNorm1d must be in eval mode");
  fc->eval();
  const Tensor weight = fc->weight.detach().clone(), x = randn({5, 3}, kDouble);
  Generator before = default_generator();
  const nn::Linear fused = nn::utils::fuse_linear_bn_eval(fc, bn);
  EXPECT_EQ(before.random64(), Generator(default_generator()).random64());
  EXPECT_TRUE(near(fused(x), bn(fc(x))));
  EXPECT_TRUE(equal(fc->weight, weight));
  EXPECT_FALSE(fused->is_training());
  EXPECT_EQ(fused->parameters().size(), 2u);
  EXPECT_EQ(fused->bias.dtype(), kFloat64);
}

TEST(Fuse, refuses_a_normalisation_of_another_definition_or_without_statistics) {
  nn::Linear fc(3, 6);
  nn::BatchNorm1d outside({.num_features = 6, .eps_outside_root = true});
  nn::BatchNorm1d none({.num_features = 6, .track_running_stats = false});
  fc->eval(), outside->eval(), none->eval();
  expect_refused({{[&] { nn::utils::fuse_linear_bn_eval(fc, outside); },
                   "fuse_linear_bn_eval: a BatchNorm1d with eps_outside_root cannot be folded"},
                  {[&] { nn::utils::fuse_linear_bn_eval(fc, none); },
                   "fuse_conv_bn_weights: running_mean is undefined"}});
}

TEST(Fuse, says_what_is_wrong) {
  const auto bn = random_parts(6);
  const Tensor w = ones({6, 2, 3, 3}, kDouble);
  auto broken = bn;
  broken.running_var = Tensor();
  auto short_bias = bn;
  short_bias.bias = ones(5);
  expect_refused(
      {{[&] { nn::utils::fuse_conv_bn_weights(Tensor(), {}, bn); },
        "fuse_conv_bn_weights: the weight is undefined"},
       {[&] { nn::utils::fuse_conv_bn_weights(ones(6), {}, bn); },
        "fuse_conv_bn_weights: expected a weight of at least 2 dims, got shape [6]"},
       {[&] {
          nn::utils::fuse_conv_bn_weights(ones({5, 2}), {}, bn);
        },
        "fuse_conv_bn_weights: running_mean must have shape [5], got [6]"},
       {[&] { nn::utils::fuse_conv_bn_weights(w, ones(2), bn); },
        "fuse_conv_bn_weights: the layer's bias must have shape [6], got [2]"},
       {[&] { nn::utils::fuse_conv_bn_weights(w, {}, broken); },
        "fuse_conv_bn_weights: running_var is undefined"},
       {[&] { nn::utils::fuse_conv_bn_weights(w, {}, bn, {.transpose = true, .groups = 4}); },
        "fuse_conv_bn_weights: groups must be positive and divide 6 channels, got 4"},
       {[&] {
          nn::utils::fuse_linear_bn_weights(ones({6, 2}), {}, short_bias);
        },
        "fuse_linear_bn_weights: the normalisation's bias must have shape [6], got [5]"}});
}

// ---- running statistics anew -----------------------------------------------------------------------------

TEST(UpdateBn, takes_the_means_over_all_batches) {
  manual_seed(1);
  nn::Sequential model(nn::BatchNorm1d(2), nn::Dropout(0.5),
                       nn::Sequential(nn::BatchNorm1d({.num_features = 2, .affine = false})));
  model->to(kFloat64).eval();
  model[1]->train();
  const nn::BatchNorm1d first = model[0].as<nn::BatchNorm1d>();
  std::vector<std::pair<Tensor, Tensor>> batches;
  Tensor mean = zeros({2}, kDouble), variance = mean;
  for (int i = 0; i < 3; ++i) {
    const Tensor x = randn({5, 2}, kDouble) * (i + 1) + i;
    batches.emplace_back(x, Tensor());
    mean = mean + x.mean(0) / 3;
    variance = variance + square(x - x.mean(0)).sum(0) / 4 / 3;
  }
  nn::utils::update_bn(batches, *model);
  EXPECT_TRUE(near(first->running_mean, mean));
  EXPECT_TRUE(near(first->running_var, variance));
  EXPECT_EQ(first->num_batches_tracked.item<int64_t>(), 3);
  EXPECT_EQ(first->momentum, 0.1);
  EXPECT_FALSE(model->is_training());
  EXPECT_TRUE(model[1]->is_training());
  EXPECT_FALSE(model[2].as<nn::Sequential>()[0]->is_training());
  EXPECT_FALSE(first->weight.grad().defined());

  // Nothing stays of one that fails.
  const nn::StateDict before = model->state_dict().clone();
  const std::vector<Tensor> bad{randn({5, 2}, kDouble), randn({5, 3}, kDouble)};
  EXPECT_NE(message_of([&] { nn::utils::update_bn(bad, *model); }), "nothing was thrown");
  for (const auto& [name, value] : model->state_dict()) EXPECT_TRUE(equal(value, before.at(name)));
  EXPECT_EQ(first->momentum, 0.1);
  EXPECT_FALSE(model->is_training());
  EXPECT_EQ(message_of([&] { nn::utils::update_bn(bad, *nn::LazyBatchNorm1d()); }),
            "update_bn: a LazyBatchNorm1d waits for its first input");
  nn::utils::update_bn(bad, *nn::Linear(7, 7));  // has none: not even called
}
