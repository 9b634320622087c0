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
  for (double value : expected) {
    const double got = flat[i++].item<double>();
    if (got == value) continue;  // infinities have no difference
    EXPECT_NEAR(got, value, tolerance) << "element " << i - 1;
  }
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

TEST(Losses, of_nothing_have_a_mean_of_nan_and_a_sum_of_zero) {
  const Tensor none = zeros({0, 3}, {.dtype = kFloat64});
  const Tensor classes = zeros({0}, {.dtype = kInt64});
  for (const Reduction reduction : {Reduction::Mean, Reduction::Sum}) {
    const Tensor all[] = {
        l1_loss(none, none, {.reduction = reduction}),
        huber_loss(none, none, {.reduction = reduction}),
        smooth_l1_loss(none, none, {.reduction = reduction}),
        kl_div(none, none, {.reduction = reduction}),
        binary_cross_entropy(none, none, {.reduction = reduction}),
        binary_cross_entropy_with_logits(none, none, {.reduction = reduction}),
        poisson_nll_loss(none, none, {.reduction = reduction}),
        gaussian_nll_loss(none, none, none, {.reduction = reduction}),
        soft_margin_loss(none, none, {.reduction = reduction}),
        hinge_embedding_loss(none, none, {.reduction = reduction}),
        nll_loss(none, classes, {.reduction = reduction}),
        cross_entropy(none, classes, {.reduction = reduction}),
        cross_entropy(none, none, {.reduction = reduction}),
        multi_margin_loss(none, classes, {.reduction = reduction}),
        multilabel_margin_loss(none, none.to(kInt64), {.reduction = reduction}),
        multilabel_soft_margin_loss(none, none, {.reduction = reduction}),
        triplet_margin_loss(none, none, none, {.reduction = reduction}),
    };
    for (const Tensor& loss : all) {
      const double value = loss.item<double>();
      EXPECT_TRUE(reduction == Reduction::Mean ? std::isnan(value) : value == 0) << value;
    }
  }
}

TEST(Losses, differentiate_by_class_weights_too) {
  manual_seed(6);
  const Tensor x = randn({3, 4}, {.dtype = kFloat64, .requires_grad = true});
  const Tensor weight = (rand({4}, {.dtype = kFloat64}) + 0.5).requires_grad_();
  for (const double smoothing : {0.0, 0.2}) {
    const auto f = [smoothing](const std::vector<Tensor>& in) {
      return cross_entropy(in[0], indices({2, 0, 1}),
                           {.weight = in[1], .ignore_index = 0, .label_smoothing = smoothing});
    };
    EXPECT_TRUE(autograd::gradcheck(f, {x, weight}));
  }
}

TEST(HuberLoss, has_the_slope_delta_at_the_kink_and_beyond) {
  const Tensor x = numbers({0, 2, -2, 1, 1e300, -kInfinity}, {6}).requires_grad_();
  const Tensor cost = huber_loss(x, zeros_like(x), {.reduction = Reduction::None, .delta = 2});
  expect_near(cost, {0, 2, 2, 0.5, 2e300, kInfinity}, 1e285);
  cost.sum().backward();
  expect_near(x.grad(), {0, 2, -2, 1, 2, -2});
  EXPECT_TRUE(all(isnan(huber_loss(numbers({NAN}, {1}), zeros({1})))));
}

TEST(BinaryCrossEntropy, stays_finite_at_zero_and_one) {
  const Tensor x = numbers({0, 1, 0, 1}, {4}).requires_grad_();
  const Tensor cost =
      binary_cross_entropy(x, numbers({0, 1, 1, 0}, {4}), {.reduction = Reduction::None});
  expect_near(cost, {0, 0, 100, 100});
  cost.sum().backward();
  expect_near(x.grad(), {0, 0, -1e12, 1e12}, 1e5);
  EXPECT_THROW(binary_cross_entropy(numbers({NAN}, {1}), ones({1})), Error);
  const Tensor tiny = numbers({1e-40, 1e-38, 0.25}, {3}).to(kFloat32);
  expect_near(binary_cross_entropy(tiny, ones({3}), {.reduction = Reduction::None}),
              {-std::log(1e-40), -std::log(1e-38), -std::log(0.25)}, 2e-5);
  const Tensor least = numbers({1e-310, 4e-43}, {2});
  expect_near(binary_cross_entropy(least, ones({2}), {.reduction = Reduction::None}),
              {100, -std::log(4e-43)}, 1e-13);
}

TEST(BinaryCrossEntropyWithLogits, keeps_its_digits_far_from_zero) {
  for (const double x : {-1000.0, -80.0, -20.0, -1.0, 0.0, 1e-3, 1.0, 20.0, 80.0, 1000.0}) {
    const auto loss = [&](double target, Dtype dtype) {
      return binary_cross_entropy_with_logits(full({1}, x, {.dtype = dtype}),
                                              full({1}, target, {.dtype = dtype}))
          .to(kFloat64)
          .item<double>();
    };
    const double one = std::max(-x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    const double zero = std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    EXPECT_NEAR(loss(1, kFloat64), one, 4e-16 * one) << x;
    EXPECT_NEAR(loss(0, kFloat64), zero, 4e-16 * zero) << x;
    EXPECT_NEAR(loss(1, kFloat32), one, 3e-7 * one) << x;
    EXPECT_NEAR(loss(0, kFloat32), zero, 3e-7 * zero) << x;
  }
  expect_near(soft_margin_loss(numbers({kInfinity, -kInfinity, -1e308}, {3}), ones({3}),
                               {.reduction = Reduction::None}),
              {0, kInfinity, 1e308}, 1e293);
  EXPECT_TRUE(
      all(isnan(binary_cross_entropy_with_logits(numbers({NAN, NAN}, {2}), numbers({0, 1}, {2})))));
}

TEST(KlDiv, counts_zero_log_zero_as_zero) {
  const Tensor x = numbers({-1, -2}, {2}).requires_grad_();
  const Tensor target = numbers({0, 0.5}, {2}).requires_grad_();
  const Tensor cost = kl_div(x, target, {.reduction = Reduction::Sum});
  expect_near(cost, {0.5 * (std::log(0.5) + 2)});
  cost.backward();
  expect_near(x.grad(), {0, -0.5});
  EXPECT_FALSE(any(isnan(target.grad())));
}

TEST(GaussianNllLoss, clamps_a_variance_but_not_its_gradient) {
  const Tensor var = numbers({0, 1}, {2}).requires_grad_();
  const Tensor cost = gaussian_nll_loss(zeros({2}).to(kFloat64), ones({2}).to(kFloat64), var,
                                        {.eps = 0.1, .reduction = Reduction::Sum});
  expect_near(cost, {0.5 * (std::log(0.1) + 10) + 0.5});
  cost.backward();
  expect_near(var.grad(), {0.5 * (10 - 100), 0}, 1e-13);
}

TEST(PoissonNllLoss, has_finite_gradients_where_stirling_is_left_out) {
  const Tensor target = numbers({0, 1, 3}, {3}).requires_grad_();
  poisson_nll_loss(numbers({1, 1, 1}, {3}), target, {.full = true}).backward();
  EXPECT_FALSE(any(isnan(target.grad())));
}

TEST(MarginLosses, choose_the_slopes_of_pytorch_at_their_kinks) {
  const Tensor hinge = numbers({1, 0}, {2}).requires_grad_();
  hinge_embedding_loss(hinge, numbers({-1, 1}, {2}), {.reduction = Reduction::Sum}).backward();
  expect_near(hinge.grad(), {-1, 1});
  const Tensor x = numbers({1, 0, 2}, {1, 3}).requires_grad_();  // the gap of class 1 is 0
  multi_margin_loss(x, indices({0})).backward();
  expect_near(x.grad(), {-1.0 / 3, 0, 1.0 / 3});
  const Tensor z = numbers({1, 0, 2}, {3}).requires_grad_();
  multilabel_margin_loss(z, indices({0, -1, 1})).backward();
  expect_near(z.grad(), {-1.0 / 3, 0, 1.0 / 3});
}

TEST(Distances, have_finite_gradients_at_zero) {
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, kInfinity}) {
    const Tensor x = numbers({1, 2, 1, 2}, {2, 2}).requires_grad_();
    pairwise_distance(x, numbers({1, 2}, {2}), {.p = p, .eps = 0}).sum().backward();
    expect_near(x.grad(), {0, 0, 0, 0});
  }
  const Tensor x = numbers({0, 0}, {1, 2}).requires_grad_();
  const Tensor y = cosine_similarity(x, numbers({3, 4}, {1, 2}));
  expect_near(y, {0});
  y.backward();
  expect_near(x.grad(), {0.6e8, 0.8e8}, 1e-7);
}
