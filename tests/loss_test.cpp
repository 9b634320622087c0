// Softmax and losses: values computed by hand, extreme inputs, errors.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <limits>

using namespace reel;
using reel::tests::message_of;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor numbers(std::initializer_list<double> values, const Shape& shape) {
  return from_vector(std::vector<double>(values), shape);
}

Tensor indices(std::initializer_list<int64_t> values) {
  return from_vector(std::vector<int64_t>(values), {static_cast<int64_t>(values.size())});
}

// Logits whose softmax is 1/2, 1/4, 1/4.
Tensor logits() { return numbers({std::log(2.0), 0, 0}, {1, 3}); }

void expect_near(const Tensor& actual, std::initializer_list<double> expected,
                 double tolerance = 1e-15) {
  ASSERT_EQ(actual.numel(), static_cast<int64_t>(expected.size()));
  const Tensor flat = actual.detach().to(kFloat64).reshape({-1});
  int64_t i = 0;
  for (double value : expected)
    EXPECT_NEAR(flat[i++].item<double>(), value, tolerance) << "element " << i - 1;
}

}  // namespace

TEST(Softmax, is_the_same_along_any_dim) {
  manual_seed(3);
  for (const int64_t length : {1, 2, 15, 16, 17, 40, 5000}) {
    const Tensor x = randn({3, length}) * 5;
    const Tensor rows = softmax(x, 1), columns = softmax(x.t().contiguous(), 0).t();
    EXPECT_TRUE(allclose(rows, columns, {.rtol = 1e-5, .atol = 0})) << length;
    EXPECT_TRUE(allclose(rows.sum(1), ones({3}), {.rtol = 1e-5})) << length;
    EXPECT_TRUE(allclose(log_softmax(x, -1), log(softmax(x.to(kFloat64), 1)).to(kFloat32),
                         {.rtol = 1e-5, .atol = 1e-5}));
  }
}

TEST(Softmax, does_not_depend_on_where_an_element_stands) {
  manual_seed(4);
  const Tensor x = randn({1, 21}), many = x.expand({37, 21}).contiguous();
  const Tensor y = softmax(x, 1), ys = softmax(many, 1), down = softmax(many.t().contiguous(), 0);
  for (int64_t row = 0; row < 37; ++row) {
    EXPECT_TRUE(equal(ys[row], y[0]));
    EXPECT_TRUE(equal(down.select(1, row), down.select(1, 0)));
  }
}

TEST(Softmax, stays_finite_for_large_numbers_and_takes_minus_infinity_as_zero) {
  expect_near(softmax(numbers({1000, 1000, -kInfinity}, {3}), 0), {0.5, 0.5, 0});
  expect_near(log_softmax(numbers({1e5, -1e5}, {2}), 0), {0, -2e5});
  EXPECT_TRUE(all(isnan(softmax(numbers({-kInfinity, -kInfinity}, {2}), 0))));
}

TEST(CrossEntropy, picks_the_target_and_reduces) {
  const Tensor x = numbers({std::log(2.0), 0, 0, 0, std::log(2.0), 0}, {2, 3});
  const double one = std::log(4.0), zero = std::log(2.0);
  expect_near(cross_entropy(x, indices({0, 2}), {.reduction = Reduction::None}), {zero, one});
  expect_near(cross_entropy(x, indices({0, 2})), {(zero + one) / 2});
  expect_near(cross_entropy(x, indices({0, 2}), {.reduction = Reduction::Sum}), {zero + one});
  expect_near(cross_entropy(x, indices({0, 2}).to(kInt32)), {(zero + one) / 2});
  expect_near(cross_entropy(x, indices({0, 2}).to(kUInt8)), {(zero + one) / 2});
  expect_near(cross_entropy(x[0], tensor(2)), {one});
}

TEST(CrossEntropy, has_the_gradient_softmax_minus_one_hot) {
  const Tensor x = logits().requires_grad_();
  cross_entropy(x, indices({1})).backward();
  expect_near(x.grad(), {0.5, -0.75, 0.25});
}

TEST(CrossEntropy, ignores_targets_in_value_gradient_and_mean) {
  const Tensor x = cat({logits(), logits(), logits()}, 0).requires_grad_();
  const Tensor cost = cross_entropy(x, indices({1, -100, 0}));
  expect_near(cost, {(std::log(4.0) + std::log(2.0)) / 2});
  cost.backward();
  expect_near(x.grad(), {0.25, -0.375, 0.125, 0, 0, 0, -0.25, 0.125, 0.125});
  EXPECT_TRUE(
      std::isnan(cross_entropy(logits(), indices({7}), {.ignore_index = 7}).item<double>()));
  expect_near(
      cross_entropy(logits(), indices({7}), {.ignore_index = 7, .reduction = Reduction::Sum}), {0});
}

TEST(CrossEntropy, weighs_classes_and_divides_by_the_weights) {
  const Tensor x = cat({logits(), logits()}, 0), weight = numbers({1, 3, 5}, {3});
  expect_near(cross_entropy(x, indices({0, 1}), {.weight = weight}),
              {(std::log(2.0) + 3 * std::log(4.0)) / 4});
  expect_near(
      nll_loss(log_softmax(x, 1), indices({0, 1}), {.weight = weight, .reduction = Reduction::Sum}),
      {std::log(2.0) + 3 * std::log(4.0)});
}

TEST(CrossEntropy, smooths_labels) {
  const double mean_of_all = (std::log(2.0) + 2 * std::log(4.0)) / 3;
  expect_near(cross_entropy(logits(), indices({0}), {.label_smoothing = 0.3}),
              {0.7 * std::log(2.0) + 0.3 * mean_of_all});
  expect_near(cross_entropy(logits(), numbers({1, 0, 0}, {1, 3}), {.label_smoothing = 0.3}),
              {0.7 * std::log(2.0) + 0.3 * mean_of_all});
}

TEST(CrossEntropy, takes_probabilities_and_further_dims) {
  expect_near(cross_entropy(logits(), numbers({0.5, 0.25, 0.25}, {1, 3})),
              {0.5 * std::log(2.0) + 0.5 * std::log(4.0)});
  const Tensor x = logits().unsqueeze(2).expand({1, 3, 2});
  expect_near(cross_entropy(x, indices({0, 1}).unsqueeze(0), {.reduction = Reduction::None}),
              {std::log(2.0), std::log(4.0)});
}

TEST(CrossEntropy, has_second_derivatives_on_its_fast_path) {
  manual_seed(5);
  const Tensor x = randn({4, 3}, {.dtype = kFloat64, .requires_grad = true});
  for (const Reduction reduction : {Reduction::None, Reduction::Mean, Reduction::Sum}) {
    const auto f = [reduction](const std::vector<Tensor>& in) {
      return cross_entropy(in[0], indices({2, -100, 0, 1}), {.reduction = reduction});
    };
    EXPECT_TRUE(autograd::gradcheck(f, {x}));
    EXPECT_TRUE(autograd::gradgradcheck(f, {x}));
  }
}

TEST(CrossEntropy, explains_what_does_not_fit) {
  EXPECT_EQ(message_of([] {
              cross_entropy(zeros({2, 3}), indices({0, 3}));
            }),
            "cross_entropy: targets must be at least 0 and below 3, got 3");
  EXPECT_THROW(cross_entropy(zeros({2, 3}), indices({0, -1})), IndexError);
  EXPECT_EQ(message_of([] {
              nll_loss(zeros({2, 3}), indices({0, 1, 2}));
            }),
            "nll_loss: a target of shape [2] is required for an input of shape [2, 3], got [3]");
  EXPECT_EQ(message_of([] {
              cross_entropy(zeros({2, 3}), zeros({2}));
            }),
            "cross_entropy: class indices of an integer dtype are required, got float32");
  EXPECT_EQ(message_of([] {
              cross_entropy(zeros({2, 3}), indices({0, 1}), {.weight = ones({2})});
            }),
            "cross_entropy: a weight of shape [3] is required, got [2]");
  EXPECT_EQ(message_of([] {
              cross_entropy(zeros({2, 3}), indices({0, 1}), {.label_smoothing = 2});
            }),
            "cross_entropy: label_smoothing must be between 0 and 1, got 2");
  EXPECT_THROW(cross_entropy(zeros({2, 3}, {.dtype = kInt64}), indices({0, 1})), TypeError);
  EXPECT_THROW(softmax(zeros({2}), 1), IndexError);
}

TEST(MseLoss, averages_squares_and_broadcasts) {
  const Tensor x = numbers({1, 2, 4}, {3}).requires_grad_(), target = numbers({0, 0, 1}, {3});
  mse_loss(x, target).backward();
  expect_near(x.grad(), {2.0 / 3, 4.0 / 3, 2});
  EXPECT_EQ(mse_loss(x, target).item<double>(), 14.0 / 3);
  EXPECT_EQ(mse_loss(x, numbers({1}, {1}), {.reduction = Reduction::Sum}).item<double>(), 10);
  EXPECT_TRUE(equal(mse_loss(x, target, {.reduction = Reduction::None}), numbers({1, 4, 9}, {3})));
  EXPECT_THROW(mse_loss(zeros({2}), zeros({3})), Error);
}

TEST(L1Loss, averages_distances) {
  const Tensor x = numbers({1, -2, 4}, {3}).requires_grad_(), target = numbers({1, 0, 1}, {3});
  const Tensor cost = l1_loss(x, target);
  EXPECT_EQ(cost.item<double>(), 5.0 / 3);
  cost.backward();
  expect_near(x.grad(), {0, -1.0 / 3, 1.0 / 3});
}
