// Products, moments, norms, order statistics and scans: corner cases and the gradients there.
#include "numbers.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

using namespace reel;
using namespace reel::tests;

// ---- products ------------------------------------------------------------------------------------------------

TEST(Prod, has_the_dtype_of_sum) {
  const Tensor x = from_vector(std::vector<int32_t>{2, -3, 4}, {3});
  EXPECT_EQ(x.prod().dtype(), kInt64);
  EXPECT_EQ(x.prod().item<int64_t>(), -24);
  EXPECT_EQ((x > 0).prod().item<int64_t>(), 0);
  EXPECT_EQ(x.prod({.dtype = kFloat64}).item<double>(), -24);
  EXPECT_EQ(x.cumprod(0).dtype(), kInt64);
  EXPECT_EQ(x.cumsum(0, {.dtype = kFloat32}).dtype(), kFloat32);
  expect_is((x > 0).cumsum(0), {1, 1, 2}, {3});
  expect_is(numbers({2, 3, 4, 5}, {2, 2}).prod({.keepdim = true}), {120}, {1, 1});
  expect_is(zeros({0}).prod(), {1}, {});
}

TEST(Prod, is_differentiable_at_zeros_to_every_order) {
  const Tensor x = variable({2, 0, 3}, {3});
  const auto first = autograd::grad({x.prod()}, {x}, {.create_graph = true})[0];
  expect_is(first, {0, 6, 0}, {3});
  const auto second = autograd::grad({first[1]}, {x}, {.create_graph = true})[0];
  expect_is(second, {3, 0, 2}, {3});
  expect_is(autograd::grad({second[0]}, {x})[0], {0, 0, 1}, {3});
  const Tensor y = variable({2, 0, 0}, {3});
  const auto slope = autograd::grad({y.prod()}, {y}, {.create_graph = true})[0];
  expect_is(slope, {0, 0, 0}, {3});
  expect_is(autograd::grad({slope[2]}, {y})[0], {0, 2, 0}, {3});
}

// ---- moments and norms ---------------------------------------------------------------------------------------

TEST(Var, of_one_element_is_nan_and_so_is_its_gradient) {
  const Tensor x = variable({3}, {1});
  expect_is(x.var(), {kNan}, {});
  x.var().backward();
  expect_is(x.grad(), {kNan}, {1});
  expect_is(x.var({}, {.unbiased = false}), {0}, {});
  expect_is(zeros({0}).var(), {kNan}, {});
  expect_is(zeros({2, 0}).std(1), {kNan, kNan}, {2});
}

TEST(Std, of_equal_elements_has_gradient_zero) {
  const Tensor x = variable({3, 3, 3}, {3});
  const auto first = autograd::grad({x.std()}, {x}, {.create_graph = true})[0];
  expect_is(first, {0, 0, 0}, {3});
  expect_is(autograd::grad({first.sum()}, {x})[0], {0, 0, 0}, {3});
}

TEST(Norm, has_the_subgradients_of_pytorch) {
  const double inf = INFINITY;
  for (const double p : {0., 0.5, 1., 1.5, 2., 2.5, 3., inf, -1., -inf}) {
    const Tensor x = variable({0, 0, 0}, {3});
    x.norm(p).backward();
    expect_is(x.grad(), {0, 0, 0}, {3});
  }
  const Tensor x = variable({0, -4, 4, 3}, {4});
  x.norm(INFINITY).backward();
  expect_is(x.grad(), {0, -0.5, 0.5, 0}, {4});
  const Tensor y = variable({0, 3, 4}, {3});
  y.norm().backward();
  expect_is(y.grad(), {0, 0.6, 0.8}, {3});
  expect_is(numbers({0, 3, kNan}, {3}).norm(0), {2}, {});
  expect_is(numbers({1, kNan}, {2}).norm(INFINITY), {kNan}, {});
  expect_is(zeros({0}).norm(), {0}, {});
}

TEST(Norm, has_finite_second_derivatives_where_all_is_zero) {
  for (const double p : {1.5, 2., 2.5, 3.}) {
    const Tensor x = variable({0, 0}, {2});
    const auto first = autograd::grad({x.norm(p)}, {x}, {.create_graph = true})[0];
    expect_is(autograd::grad({first.sum()}, {x})[0], {0, 0}, {2});
  }
}

TEST(LogSumExp, holds_at_infinities) {
  const double inf = INFINITY;
  expect_is(numbers({-inf, -inf, inf, 1, kNan, inf, -inf, 0, 1000, -inf}, {5, 2}).logsumexp(1),
            {-inf, inf, kNan, 0, 1000}, {5});
  expect_is(zeros({0}).logsumexp(0), {-inf}, {});
  expect_is(numbers({-inf, -inf, inf, 1, -inf, kNan}, {6}).slice(0, 0, 4).unsqueeze(1).logsumexp(0),
            {inf}, {1});
  const Tensor x = variable({-inf, -inf, 0, 0}, {4}), y = logcumsumexp(x, 0);
  expect_is(y.slice(0, 0, 3), {-inf, -inf, 0}, {3});
  y.slice(0, 2).sum().backward();
  expect_is(x.grad(), {0, 0, 1.5, 0.5}, {4});
}

TEST(NanSum, leaves_nan_out) {
  const Tensor x = variable({1, kNan, 3, kNan, kNan, 2}, {2, 3});
  expect_is(nansum(x, 1), {4, 2}, {2});
  expect_is(nanmean(x, 1), {2, 2}, {2});
  nanmean(x, 1).sum().backward();
  expect_is(x.grad(), {0.5, 0, 0.5, 0, 0, 1}, {2, 3});
  expect_is(nanmean(numbers({kNan}, {1})), {kNan}, {});
}

// ---- order ---------------------------------------------------------------------------------------------------

TEST(Amax, gives_nan_to_all_where_it_is_nan) {
  const Tensor x = variable({1, kNan, 2, 3}, {2, 2});
  amax(x, 1).sum().backward();
  expect_is(x.grad(), {kNan, kNan, 0, 1}, {2, 2});
}

TEST(AminMax, is_both) {
  const Tensor x = numbers({3, 1, 2, 5, 4, 6}, {2, 3});
  const auto [low, high] = aminmax(x, 1);
  expect_is(low, {1, 4}, {2});
  expect_is(high, {3, 6}, {2});
  expect_is(aminmax(x, {.keepdim = true}).max, {6}, {1, 1});
  expect_is(argmax(x, {.keepdim = true}), {5}, {1, 1});
}

TEST(Median, is_the_lower_of_two) {
  const Tensor x = variable({4, 1, 3, 3, 2, 2, 2, 9}, {2, 4});
  const auto [values, indices] = x.median(1);
  expect_is(values, {3, 2}, {2});
  expect_is(indices, {2, 0}, {2});
  values.sum().backward();
  expect_is(x.grad(), {0, 0, 1, 0, 1, 0, 0, 0}, {2, 4});
  const Tensor y = variable({2, 7, 2, 1}, {4});
  y.median().backward();
  expect_is(y.grad(), {0.5, 0, 0.5, 0}, {4});
  expect_is(zeros({0}).median(), {kNan}, {});
  expect_is(x.t().median(0, {.keepdim = true}).values, {3, 2}, {1, 2});
}

TEST(Median, of_nan_is_nan_unless_it_is_to_be_ignored) {
  const Tensor x = numbers({4, kNan, 1, kNan, kNan, kNan}, {2, 3});
  expect_is(x.median(1).values, {kNan, kNan}, {2});
  expect_is(x.median(1).indices, {1, 0}, {2});
  expect_is(nanmedian(x, 1).values, {1, kNan}, {2});
  expect_is(nanmedian(x, 1).indices, {2, 0}, {2});
  expect_is(nanmedian(x), {1}, {});
  expect_is(x.median(), {kNan}, {});
}

TEST(Mode, is_the_smallest_of_the_most_frequent) {
  const Tensor x = variable({3, 1, 3, 1, 2, 5, 5, 5, 1, 1}, {2, 5});
  const auto [values, indices] = x.mode();
  expect_is(values, {1, 5}, {2});
  expect_is(indices, {3, 2}, {2});
  values.sum().backward();
  expect_is(x.grad(), {0, 0, 0, 1, 0, 0, 0, 1, 0, 0}, {2, 5});
  expect_is(numbers({kNan, 2, kNan, 2}, {4}).mode().values, {2}, {});
  EXPECT_TRUE((numbers({0, 1, 1}, {3}) > 0).mode().values.item<bool>());
}

TEST(CountNonzero, counts_nan) {
  const Tensor x = numbers({0, kNan, 2, 0}, {2, 2});
  expect_is(x.count_nonzero(), {2}, {});
  expect_is(x.count_nonzero(0), {1, 1}, {2});
  EXPECT_EQ(x.count_nonzero().dtype(), kInt64);
}

// ---- scans ---------------------------------------------------------------------------------------------------

TEST(CumMax, takes_the_last_of_equals_and_keeps_nan) {
  const Tensor x = variable({1, 3, 3, 2, kNan, 5, kNan}, {7});
  const auto [values, indices] = x.cummax(0);
  expect_is(values, {1, 3, 3, 3, kNan, kNan, kNan}, {7});
  expect_is(indices, {0, 1, 2, 2, 4, 4, 6}, {7});
  values.slice(0, 0, 4).sum().backward();
  expect_is(x.grad(), {1, 1, 2, 0, 0, 0, 0}, {7});
  expect_is(x.detach().slice(0, 0, 4).cummin(0).indices, {0, 0, 0, 0}, {4});
}

TEST(CumSum, changes_integers_in_place_and_keeps_their_dtype) {
  Tensor x = from_vector(std::vector<int32_t>{1, 2, 3, 4}, {2, 2});
  x.cumsum_(1);
  EXPECT_EQ(x.dtype(), kInt32);
  expect_is(x, {1, 3, 3, 7}, {2, 2});
  x.t().cumprod_(1);
  expect_is(x, {1, 3, 3, 21}, {2, 2});
}
