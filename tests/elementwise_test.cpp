// Elementwise operations at the edges of their ranges, and the dtypes they compute in.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <limits>

using namespace reel;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The function of the standard library, everywhere within a few units in the last place.
void expect_like(Tensor (*f)(const Tensor&), double (*reference)(double), std::vector<double> at) {
  const Tensor x = from_vector(at, {static_cast<int64_t>(at.size())});
  const Tensor y = f(x);
  for (size_t i = 0; i < at.size(); ++i) {
    const double expected = reference(at[i]), actual = y.data<double>()[i];
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(actual)) << at[i] << " gave " << actual;
    } else {
      EXPECT_TRUE(actual == expected || std::fabs(actual - expected) <= 1e-15 * std::fabs(expected))
          << at[i] << " gave " << actual << ", expected " << expected;
    }
  }
}

std::vector<double> grid(double low, double high) {
  std::vector<double> values;
  for (int i = 0; i <= 2000; ++i) values.push_back(low + (high - low) * i / 2000);
  return values;
}

}  // namespace

TEST(Elementwise, follows_the_standard_library) {
  expect_like(exp, std::exp, grid(-700, 700));
  expect_like(log, std::log, grid(1e-3, 100));
  expect_like(tanh, std::tanh, grid(-30, 30));
  expect_like(sqrt, std::sqrt, grid(0, 1e6));
}

TEST(Elementwise, is_right_at_infinities_nan_zeros_and_below_the_normal_range) {
  const std::vector<double> edges = {kInf, -kInf, kNan, 0.0, -0.0, 1e-310, 5e-324, 2.3e-308, -1.0};
  expect_like(exp, std::exp, edges);
  expect_like(log, std::log, edges);
  expect_like(tanh, std::tanh, edges);
  expect_like(sqrt, std::sqrt, edges);
  expect_like(
      sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, edges);
  EXPECT_TRUE(std::signbit(tanh(tensor({-0.0})).item<float>()));
}

TEST(Elementwise, an_elements_bits_do_not_depend_on_its_place) {
  manual_seed(3);
  const Tensor x = randn({67});
  for (const auto f : {exp, tanh, sigmoid}) {
    const Tensor whole = f(x);
    for (int64_t i = 0; i < x.numel(); ++i) EXPECT_TRUE(equal(f(x[i].clone()), whole[i]));
    EXPECT_TRUE(equal(f(stack({x, x}, 1).select(1, 0)), whole));
  }
}

TEST(Elementwise, sigmoid_stays_finite_where_exp_does_not) {
  const Tensor x = tensor({-1e4, -100.0, 0.0, 100.0, 1e4}, {.requires_grad = true});
  const Tensor y = sigmoid(x);
  EXPECT_TRUE(allclose(y.detach(), tensor({0.0, 0.0, 0.5, 1.0, 1.0})));
  y.sum().backward();
  EXPECT_TRUE(allclose(x.grad(), tensor({0.0, 0.0, 0.25, 0.0, 0.0})));
}

TEST(Elementwise, nan_wins_in_maximum_and_minimum) {
  const Tensor x = tensor({kNan, 1.0, 2.0}), y = tensor({0.0, kNan, 1.0});
  for (const auto f : {maximum, minimum}) {
    EXPECT_TRUE(std::isnan(f(x, y)[0].item<float>()));
    EXPECT_TRUE(std::isnan(f(x, y)[1].item<float>()));
  }
}

TEST(Elementwise, equal_operands_share_the_gradient) {
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true}),
               y = tensor({1.0, 3.0}, {.requires_grad = true});
  maximum(x, y).sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({0.5, 0.0})));
  EXPECT_TRUE(equal(y.grad(), tensor({0.5, 1.0})));
}

TEST(Elementwise, kinks_have_pytorchs_derivatives) {
  const auto derivative_at_0 = [](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor x = tensor({0.0}, {.requires_grad = true});
    f(x).sum().backward();
    return x.grad().item<double>();
  };
  EXPECT_EQ(derivative_at_0([](const Tensor& x) { return relu(x); }), 0);
  EXPECT_EQ(derivative_at_0([](const Tensor& x) { return abs(x); }), 0);
  EXPECT_EQ(derivative_at_0([](const Tensor& x) { return clamp(x, {.min = 0}); }), 1);
  EXPECT_EQ(derivative_at_0([](const Tensor& x) { return pow(x, 0); }), 0);
  EXPECT_EQ(derivative_at_0([](const Tensor& x) { return pow(x, 1); }), 1);
}

TEST(Promotion, is_pytorchs) {
  const Tensor integers = arange(3), bytes = integers.to(kUInt8), floats = ones({3});
  const Tensor wide = tensor(2.5, {.dtype = kFloat64});
  EXPECT_EQ((integers + 1).dtype(), kInt64);
  EXPECT_EQ((integers + 1.5).dtype(), kFloat32);
  EXPECT_EQ((integers / 2).dtype(), kFloat32);
  EXPECT_EQ((bytes + integers.to(kInt32)).dtype(), kInt32);
  EXPECT_EQ((bytes * 2).dtype(), kUInt8);
  EXPECT_EQ((integers + wide).dtype(), kFloat64);  // 0-d, but of a higher kind
  EXPECT_EQ((floats + wide).dtype(), kFloat32);    // 0-d and of the same kind
  EXPECT_EQ((floats + wide.reshape({1})).dtype(), kFloat64);
  EXPECT_EQ(((integers == 1) + (integers == 2)).dtype(), kBool);
  EXPECT_EQ(((integers == 1) * 3).dtype(), kInt64);
  EXPECT_EQ(exp(integers).dtype(), kFloat32);
  EXPECT_EQ(where(integers > 0, integers, 0.5).dtype(), kFloat32);
}
