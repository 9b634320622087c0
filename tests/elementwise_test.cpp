// Elementwise operations at the edges of their ranges, and the dtypes they compute in.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

using namespace reel;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Function = Tensor (*)(const Tensor&);

// The function of the standard library, everywhere within a few units in the last place.
void expect_like(Function f, double (*reference)(double), std::vector<double> at,
                 double bound = 1e-15) {
  const Tensor x = from_vector(at, {static_cast<int64_t>(at.size())});
  const Tensor y = f(x);
  for (size_t i = 0; i < at.size(); ++i) {
    const double expected = reference(at[i]), actual = y.data<double>()[i];
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(actual)) << at[i] << " gave " << actual;
    } else {
      EXPECT_TRUE(actual == expected || std::fabs(actual - expected) <= bound * std::fabs(expected))
          << at[i] << " gave " << actual << ", expected " << expected;
    }
  }
}

// The same in float32; below the normal range within one of the steps there.
void expect_like_in_float(Function f, double (*reference)(double), std::vector<double> at) {
  const Tensor x = from_vector(at, {static_cast<int64_t>(at.size())}).to(kFloat32);
  const Tensor y = f(x);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const float expected = static_cast<float>(reference(static_cast<double>(x.data<float>()[i])));
    const float actual = y.data<float>()[i];
    const float bound = std::max(4e-7F * std::fabs(expected), 1.5e-45F);
    EXPECT_TRUE(actual == expected || std::fabs(actual - expected) <= bound ||
                (std::isnan(actual) && std::isnan(expected)))
        << x.data<float>()[i] << " gave " << actual << ", expected " << expected;
  }
}

// The n-th derivative of f at x.
double derivative(int n, const std::function<Tensor(const Tensor&)>& f, double x) {
  const Tensor at = tensor(x, {.dtype = kFloat64, .requires_grad = true});
  Tensor y = f(at);
  for (int i = 0; i < n; ++i) {
    if (!y.requires_grad()) return 0;
    y = autograd::grad({y}, {at}, {.create_graph = true, .allow_unused = true})[0];
    if (!y.defined()) return 0;
  }
  return y.item<double>();
}

std::vector<double> grid(double low, double high) {
  std::vector<double> values;
  for (int i = 0; i <= 2000; ++i) values.push_back(low + (high - low) * i / 2000);
  return values;
}

// From the smallest to the largest numbers, of both signs, a step a factor.
std::vector<double> magnitudes(double smallest = 1e-300, double largest = 1e300) {
  std::vector<double> values;
  for (double v = smallest; v < largest; v *= 1.7) values.insert(values.end(), {v, -v});
  return values;
}

const std::vector<double> kEdges = {kInf,     -kInf, kNan, 0.0, -0.0, 1e-310, 5e-324,
                                    2.3e-308, -1.0,  1.0,  2.0, -2.0, 0.5};

}  // namespace

TEST(Elementwise, follows_the_standard_library) {
  expect_like(exp, std::exp, grid(-700, 700));
  expect_like(log, std::log, grid(1e-3, 100));
  expect_like(tanh, std::tanh, grid(-30, 30));
  expect_like(sqrt, std::sqrt, grid(0, 1e6));
}

TEST(Elementwise, follows_the_standard_library_over_the_whole_range) {
  struct Pair {
    Function f;
    double (*reference)(double);
    double bound = 1e-15;
  };
  for (const Pair& each : {Pair{exp, std::exp}, {exp2, std::exp2},
                           {expm1, std::expm1}, {log, std::log},
                           {log2, std::log2},   {log10, std::log10},
                           {log1p, std::log1p}, {sin, std::sin},
                           {cos, std::cos},     {tan, std::tan},
                           {asin, std::asin},   {acos, std::acos},
                           {atan, std::atan},   {sinh, std::sinh},
                           {cosh, std::cosh},   {tanh, std::tanh},
                           {asinh, std::asinh}, {acosh, std::acosh},
                           {atanh, std::atanh}, {erf, std::erf},
                           {erfc, std::erfc},   {lgamma, std::lgamma, 1e-14}}) {
    for (const auto& at : {grid(-1, 1), grid(-30, 30), grid(-760, 720), magnitudes(), kEdges})
      expect_like(each.f, each.reference, at, each.bound);
    for (const auto& at : {grid(-1, 1), grid(-30, 30), grid(-110, 90), magnitudes(1e-44, 1e38)})
      expect_like_in_float(each.f, each.reference, at);
  }
}

TEST(Elementwise, exponentials_reach_the_ends_of_the_range) {
  EXPECT_GT(exp(tensor(88.7)).item<float>(), 3.3e38F);
  EXPECT_GT(exp(tensor(709.7, {.dtype = kFloat64})).item<double>(), 1.6e308);
  EXPECT_EQ(exp(tensor(-103.0)).item<float>(), std::exp(-103.0F));
  EXPECT_EQ(exp(tensor(88.73)).item<float>(), std::numeric_limits<float>::infinity());
  const auto logistic = [](double x) {
    return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
  };
  expect_like_in_float(sigmoid, logistic, grid(-104, -80));
  expect_like_in_float(sigmoid, logistic, grid(-30, 30));
  expect_like(sigmoid, logistic, grid(-745, 745));
}

TEST(Elementwise, inverse_error_function_undoes_the_error_function) {
  for (const auto& at : {grid(-5, 5), magnitudes(1e-300, 1)}) {
    const Tensor x = from_vector(at, {static_cast<int64_t>(at.size())});
    const Tensor y = erf(x), back = erf(erfinv(y));
    EXPECT_TRUE(allclose(back, y, {.rtol = 4e-16, .atol = 0}));
    EXPECT_TRUE(allclose(erfinv(erf(x / 10)), x / 10, {.rtol = 1e-15, .atol = 0}));
  }
  EXPECT_TRUE(
      equal(isinf(erfinv(tensor({1.0, -1.0, 1.5, kNan}))), tensor({true, true, false, false})));
}

TEST(Elementwise, gamma_functions_hold_their_recurrences_and_special_values) {
  const Tensor x = from_vector(grid(-20.03, 40.02), {2001});
  EXPECT_TRUE(allclose(digamma(x + 1) - 1 / x, digamma(x), {.rtol = 1e-11, .atol = 1e-12}));
  for (int64_t n = 1; n < 6; ++n) {
    const double factor = (n % 2 == 0 ? 1 : -1) * std::tgamma(static_cast<double>(n) + 1);
    EXPECT_TRUE(allclose(polygamma(n, x + 1) - factor / pow(x, n + 1), polygamma(n, x),
                         {.rtol = 1e-10, .atol = 1e-10}))
        << n;
  }
  const double pi = std::numbers::pi;
  EXPECT_NEAR(polygamma(1, tensor(1.0, {.dtype = kFloat64})).item<double>(), pi * pi / 6, 1e-15);
  EXPECT_NEAR(polygamma(3, tensor(1.0, {.dtype = kFloat64})).item<double>(), std::pow(pi, 4) / 15,
              1e-14);
  EXPECT_EQ(digamma(tensor(0.0)).item<double>(), -kInf);
  EXPECT_EQ(digamma(tensor(-0.0)).item<double>(), kInf);
  EXPECT_TRUE(std::isnan(digamma(tensor(-3.0)).item<double>()));
  EXPECT_EQ(polygamma(1, tensor(-3.0)).item<double>(), kInf);
  EXPECT_EQ(polygamma(2, tensor(kInf)).item<double>(), 0);
  EXPECT_NEAR(derivative(
                  4, [](const Tensor& t) { return lgamma(t); }, 1.5),
              polygamma(3, tensor(1.5, {.dtype = kFloat64})).item<double>(), 1e-13);
}

TEST(Elementwise, is_right_at_infinities_nan_zeros_and_below_the_normal_range) {
  expect_like(exp, std::exp, kEdges);
  expect_like(log, std::log, kEdges);
  expect_like(tanh, std::tanh, kEdges);
  expect_like(sqrt, std::sqrt, kEdges);
  expect_like(
      sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, kEdges);
  EXPECT_TRUE(std::signbit(tanh(tensor({-0.0})).item<float>()));
}

TEST(Elementwise, an_elements_bits_do_not_depend_on_its_place) {
  manual_seed(3);
  const CloseOptions same{.rtol = 0, .atol = 0, .equal_nan = true};
  for (const Dtype dtype : {kFloat32, kFloat64}) {
    const Tensor x = randn({67}, {.dtype = dtype}) * exp(randn({67}, {.dtype = dtype}) * 4);
    for (const auto f : {exp, tanh, sigmoid, sin, cos, tan, log, log1p, cosh, acosh, erf}) {
      const Tensor whole = f(x);
      for (int64_t i = 0; i < x.numel(); ++i)
        EXPECT_TRUE(allclose(f(x[i].clone()), whole[i], same)) << x[i].item<double>();
      EXPECT_TRUE(allclose(f(stack({x, x}, 1).select(1, 0)), whole, same));
    }
  }
}

// Results of 32 MiB and more are written past the caches, some lines at a time.
TEST(Elementwise, large_results_are_those_of_their_parts) {
  const int64_t n = (int64_t{1} << 23) + 37, part = 30011;
  const Tensor a = randn({n}), b = a.flip({0}), is_small = a < 0.5;
  const auto expect_parts = [&](const char* what, const Tensor& y, auto f) {
    for (int64_t first = 0; first < n; first += part) {
      const auto of = [&](const Tensor& x) {
        return x.narrow(0, first, std::min(part, n - first));
      };
      ASSERT_TRUE(equal(of(y), f(of(a), of(b), of(is_small)))) << what << " from " << first;
    }
  };
  using T = const Tensor&;
  expect_parts("a + b", a + b, [](T x, T y, T) { return x + y; });
  expect_parts("1 - a", 1 - a, [](T x, T, T) { return 1 - x; });
  expect_parts("where", where(is_small, a, b), [](T x, T y, T c) { return where(c, x, y); });
  expect_parts("to", a.to(kFloat64), [](T x, T, T) { return x.to(kFloat64); });
  Tensor in_place = a.clone(), lies_apart = empty({n + 1}, {.dtype = kFloat64}).narrow(0, 1, n);
  in_place.mul_(b);
  lies_apart.copy_(b);
  expect_parts("mul_", in_place, [](T x, T y, T) { return x * y; });
  expect_parts("copy_", lies_apart, [](T, T y, T) { return y.to(kFloat64); });
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

TEST(Elementwise, powers_at_zero_have_derivatives_of_every_order) {
  const auto power = [](double n) { return [n](const Tensor& x) { return pow(x, n); }; };
  const auto tensor_power = [](double n) {
    return [n](const Tensor& x) { return pow(x, tensor(n, {.dtype = kFloat64})); };
  };
  for (int n = 0; n <= 3; ++n) {
    double expected = 1;  // n! for the n-th derivative, else 0
    for (int i = 2; i <= n; ++i) expected *= i;
    for (int order = 1; order <= 5; ++order) {
      EXPECT_EQ(derivative(order, power(n), 0), order == n ? expected : 0) << n << " " << order;
      EXPECT_EQ(derivative(order, tensor_power(n), 0), order == n ? expected : 0)
          << n << " " << order;
    }
  }
  EXPECT_NEAR(derivative(3, power(-1), 0.5), -6 / std::pow(0.5, 4), 1e-12);
  EXPECT_EQ(derivative(
                1, [](const Tensor& x) { return pow(0.0, x); }, 2),
            0);
  EXPECT_EQ(derivative(
                2, [](const Tensor& x) { return pow(0.0, x); }, 2),
            0);
  EXPECT_EQ(derivative(
                1, [](const Tensor& x) { return pow(x, 0); }, kNan),
            0);
}

TEST(Elementwise, xlogy_has_no_nan_where_a_zero_is_multiplied) {
  const Tensor x = tensor({0.0, 0.0, 2.0}, {.requires_grad = true}), y = tensor({0.0, 3.0, 0.5});
  xlogy(x, y).sum().backward();
  EXPECT_TRUE(allclose(x.grad(), tensor({0.0, std::log(3.0), std::log(0.5)})));
}

TEST(Elementwise, a_number_wins_over_nan_in_fmax_and_fmin) {
  const Tensor x = tensor({kNan, 1.0, kNan}, {.requires_grad = true}),
               y = tensor({0.0, kNan, kNan}, {.requires_grad = true});
  EXPECT_TRUE(allclose(fmax(x, y).detach(), tensor({0.0, 1.0, kNan}), {.equal_nan = true}));
  fmin(x, y).sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({0.0, 1.0, 1.0})));
  EXPECT_TRUE(equal(y.grad(), tensor({1.0, 0.0, 0.0})));
}

TEST(Elementwise, bounds_that_are_tensors_get_the_gradient_of_what_they_limit) {
  const Tensor x = tensor({-1.0, 0.5, 3.0, 0.5, 0.0}, {.requires_grad = true}),
               low = tensor({0.0, 0.0, 0.0, 2.0, 0.0}, {.requires_grad = true}),
               high = ones({5}, {.requires_grad = true});
  const Tensor y = clamp(x, low, high);
  EXPECT_TRUE(equal(y.detach(), tensor({0.0, 0.5, 1.0, 1.0, 0.0})));
  y.sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({0.0, 1.0, 0.0, 0.0, 1.0})));
  EXPECT_TRUE(equal(low.grad(), tensor({1.0, 0.0, 0.0, 0.0, 0.0})));
  EXPECT_TRUE(equal(high.grad(), tensor({0.0, 0.0, 1.0, 1.0, 0.0})));
}

TEST(Elementwise, halves_are_rounded_to_even) {
  EXPECT_TRUE(
      equal(round(tensor({0.5, 1.5, 2.5, -0.5, -1.5})), tensor({0.0, 2.0, 2.0, -0.0, -2.0})));
  EXPECT_TRUE(allclose(round(tensor({0.125, 2.675}), {.decimals = 2}), tensor({0.12, 2.68})));
  EXPECT_TRUE(equal(round(tensor({25.0, 35.0}), {.decimals = -1}), tensor({20.0, 40.0})));
  EXPECT_TRUE(equal(floor(arange(3)), arange(3)));
}

TEST(Integers, are_divided_as_in_pytorch) {
  const Tensor a = tensor({7, -7, 7, -7}), b = tensor({2, 2, -2, -2});
  EXPECT_TRUE(equal(a.div(b, {.rounding_mode = "floor"}), tensor({3, -4, -4, 3})));
  EXPECT_TRUE(equal(a.div(b, {.rounding_mode = "trunc"}), tensor({3, -3, -3, 3})));
  EXPECT_TRUE(equal(floor_divide(a, b), tensor({3, -4, -4, 3})));
  EXPECT_TRUE(equal(remainder(a, b), tensor({1, 1, -1, -1})));
  EXPECT_TRUE(equal(fmod(a, b), tensor({1, -1, 1, -1})));
  EXPECT_TRUE(equal(a.remainder(4), tensor({3, 1, 3, 1})));
  EXPECT_TRUE(equal(remainder(7, b), tensor({1, 1, -1, -1})));
  Tensor c = a.clone();
  c.div_(b, {.rounding_mode = "trunc"}).floor_divide_(tensor(2));
  EXPECT_TRUE(equal(c, tensor({1, -2, -2, 1})));
  // The quotients themselves are rounded to 3, -3 and 10.
  EXPECT_TRUE(equal(floor_divide(tensor({0.3, -0.3, 1.0}, {.dtype = kFloat64}), 0.1),
                    tensor({2.0, -3.0, 9.0}, {.dtype = kFloat64})));
}

TEST(Integers, wrap_around) {
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  const Tensor x = from_vector(std::vector<int64_t>{lowest}, {1});
  EXPECT_TRUE(equal(-x, x));
  EXPECT_TRUE(equal(abs(x), x));
  EXPECT_TRUE(equal(x - 1 + 1, x));
  EXPECT_TRUE(equal(x * 3, x));
  EXPECT_TRUE(equal(floor_divide(x, -1), x));
  EXPECT_TRUE(equal(remainder(x, -1), x * 0));
  EXPECT_TRUE(equal(pow(x, 2), x * 0));
  EXPECT_TRUE(equal(tensor({250}).to(kUInt8) + 10, tensor({4}).to(kUInt8)));
}

TEST(Integers, have_bits) {
  const Tensor a = tensor({12, -12, 5}), b = tensor({10, 10, 70});
  EXPECT_TRUE(equal(a & b, tensor({12 & 10, -12 & 10, 5 & 70})));
  EXPECT_TRUE(equal(a | 3, tensor({12 | 3, -12 | 3, 5 | 3})));
  EXPECT_TRUE(equal(a ^ b, tensor({12 ^ 10, -12 ^ 10, 5 ^ 70})));
  EXPECT_TRUE(equal(~a, tensor({-13, 11, -6})));
  EXPECT_TRUE(equal(bitwise_left_shift(a, b), tensor({12 << 10, -12 * 1024, 0})));
  EXPECT_TRUE(equal(bitwise_right_shift(a, 2), tensor({3, -3, 1})));
  EXPECT_TRUE(equal(bitwise_right_shift(a, 100), tensor({0, -1, 0})));
  const Tensor yes = tensor({true, false});
  EXPECT_TRUE(equal(~yes, !yes));
  EXPECT_EQ((yes ^ yes).dtype(), kBool);
}

TEST(Integers, are_neither_nan_nor_infinite) {
  const Tensor x = arange(3);
  EXPECT_TRUE(equal(isnan(x), x != x));
  EXPECT_TRUE(equal(isinf(x), x != x));
  EXPECT_TRUE(equal(isfinite(x), x == x));
  EXPECT_TRUE(equal(nan_to_num(x), x));
}

TEST(Integers, are_limited_in_their_dtype_or_become_floats) {
  const Tensor x = arange(4);
  EXPECT_TRUE(equal(clamp(x, {.min = 1, .max = 2}), tensor({1, 1, 2, 2})));
  EXPECT_TRUE(equal(clamp(x, {.min = 0.5}), tensor({0.5, 1.0, 2.0, 3.0})));
  EXPECT_EQ(clamp(x, {.min = 0.5}).dtype(), kFloat32);
  EXPECT_TRUE(equal(clamp(x.to(kUInt8), {.min = -5, .max = 300}), x.to(kUInt8)));
}

TEST(Integers, take_a_factor_without_losing_digits) {
  Tensor x = zeros({2}, {.dtype = kFloat64});
  EXPECT_TRUE(equal(x.add(arange(2), {.alpha = 0.1}), tensor({0.0, 0.1}, {.dtype = kFloat64})));
  x.add_(arange(2), {.alpha = 0.1});
  EXPECT_TRUE(equal(x, tensor({0.0, 0.1}, {.dtype = kFloat64})));
  EXPECT_TRUE(equal(arange(3).sub(arange(3), {.alpha = 2}), -arange(3)));
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
  EXPECT_EQ(where(integers > 0, 1, 0).dtype(), kInt64);
  EXPECT_EQ(where(integers > 0, 1, 0.5).dtype(), kFloat32);
  EXPECT_EQ(addcmul(integers, bytes, wide).dtype(), kFloat64);
  EXPECT_EQ(lerp(floats, floats, wide).dtype(), kFloat32);
  EXPECT_EQ(square(integers == 1).dtype(), kInt64);
  EXPECT_EQ(pow(integers, 2.0).dtype(), kFloat32);
  EXPECT_EQ(atan2(integers, bytes).dtype(), kFloat32);
  EXPECT_EQ(bitwise_and(integers, integers == 1).dtype(), kInt64);
  EXPECT_EQ(integers.add(integers, {.alpha = 2}).dtype(), kInt64);
}
