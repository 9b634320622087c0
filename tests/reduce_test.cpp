// Sums and extrema: values, dtypes, ties, NaN, nothing to reduce, and their gradients.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>

using namespace reel;
using reel::tests::message_of;

namespace {

constexpr double kNan = NAN;
constexpr uint64_t kSeedStep = 0x9E3779B97F4A7C15u;

Tensor numbers(std::initializer_list<double> values, const Shape& shape) {
  return from_vector(std::vector<double>(values), shape);
}

Tensor variable(std::initializer_list<double> values, const Shape& shape) {
  return numbers(values, shape).requires_grad_();
}

void expect_is(const Tensor& actual, std::initializer_list<double> expected, const Shape& shape) {
  ASSERT_TRUE(actual.defined());
  ASSERT_EQ(actual.shape(), shape) << to_string(actual.shape());
  const Tensor flat = actual.detach().to(kFloat64).contiguous();
  int64_t i = 0;
  for (double value : expected) {
    const double got = flat.data<double>()[i++];
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(got)) << "element " << i - 1 << " is " << got;
    else
      EXPECT_EQ(got, value) << "element " << i - 1;
  }
}

// Reproducible numbers in [-1, 1) whose exact sums a test can form in long double.
std::vector<float> noise(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  uint64_t state = 1;
  for (float& value : values) {
    state = state * kSeedStep + 12345;
    value = static_cast<float>(static_cast<double>(state >> 11) / 4503599627370496.0 - 1);
  }
  return values;
}

}  // namespace

// ---- sum -----------------------------------------------------------------------------------------------------

TEST(Sum, reduces_all_or_some_dims) {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  expect_is(x.sum(), {21}, {});
  expect_is(x.sum(0), {5, 7, 9}, {3});
  expect_is(x.sum(-1), {6, 15}, {2});
  expect_is(x.sum({0, 1}), {21}, {});
  expect_is(x.sum({1}, {.keepdim = true}), {6, 15}, {2, 1});
  expect_is(x.sum({}, {.keepdim = true}), {21}, {1, 1});
  expect_is(numbers({3}, {}).sum(0), {3}, {});
}

TEST(Sum, reduces_dims_that_do_not_lie_side_by_side) {
  const Tensor x = arange(24, {.dtype = kFloat64}).reshape({2, 3, 4});
  expect_is(x.sum({0, 2}), {60, 92, 124}, {3});
  expect_is(x.sum({0, 1}), {60, 66, 72, 78}, {4});
  expect_is(x.sum(1), {12, 15, 18, 21, 48, 51, 54, 57}, {2, 4});
  expect_is(x.permute({2, 0, 1}).sum({0, 1}), {60, 92, 124}, {3});
  expect_is(x.slice(2, 0, 4, 2).sum(2), {2, 10, 18, 26, 34, 42}, {2, 3});
  expect_is(x.select(0, 1).t().sum(1), {48, 51, 54, 57}, {4});
}

TEST(Sum, of_integers_and_bool_is_int64) {
  const Tensor bytes = full({300}, 200, {.dtype = kUInt8});
  EXPECT_EQ(bytes.sum().dtype(), kInt64);
  EXPECT_EQ(bytes.sum().item<int64_t>(), 60000);
  EXPECT_EQ((bytes == 200).sum().item<int64_t>(), 300);
  EXPECT_EQ(bytes.sum({}, {.dtype = kFloat32}).dtype(), kFloat32);
  EXPECT_EQ(full({2}, 1, {.dtype = kInt32}).sum({}, {.dtype = kInt32}).dtype(), kInt32);
}

TEST(Sum, of_nothing_is_zero) {
  expect_is(zeros({0}).sum(), {0}, {});
  expect_is(zeros({2, 0}).sum(1), {0, 0}, {2});
  expect_is(zeros({2, 0}).sum(0), {}, {0});
}

TEST(Sum, of_a_million_floats_is_accurate_along_every_axis) {
  const double exact = 1e6 * static_cast<double>(0.1f);
  const Tensor x = full({1000000}, 0.1f);
  EXPECT_NEAR(x.sum().item<float>(), exact, 1e-6 * exact);
  EXPECT_NEAR(x.reshape({1000000, 1}).expand({1000000, 2}).contiguous().sum(0)[1].item<float>(),
              exact, 1e-6 * exact);
  EXPECT_NEAR(x.reshape({1000, 1000}).sum({0, 1}).item<float>(), exact, 1e-6 * exact);
}

TEST(Sum, of_any_length_agrees_with_long_double) {
  for (int64_t n : {1, 7, 15, 16, 17, 31, 32, 33, 63, 100, 1023, 5000, 100003}) {
    const std::vector<float> values = noise(n);
    long double exact = 0, size = 0;
    for (float value : values) exact += value, size += std::fabs(value);
    const Tensor x = from_vector(values, {n});
    const double bound = static_cast<double>(1e-6L * size);
    EXPECT_NEAR(x.sum().item<float>(), static_cast<double>(exact), bound) << n;
    EXPECT_NEAR(stack({x, x, x}, 1).sum(0)[2].item<float>(), static_cast<double>(exact), bound)
        << n;
  }
}

TEST(Sum, has_bits_that_do_not_depend_on_where_the_numbers_lie) {
  const Tensor x = from_vector(noise(10001), {10001});
  const Tensor shifted = cat({zeros({3}), x}).slice(0, 3);
  EXPECT_EQ(x.sum().item<float>(), shifted.sum().item<float>());
  const Tensor wide = from_vector(noise(50 * 37), {50, 37}),
               narrow = wide.slice(1, 36).contiguous();
  EXPECT_EQ(wide.sum(0)[36].item<float>(), cat({narrow, narrow}, 1).sum(0)[0].item<float>());
}

TEST(Sum, gives_its_gradient_to_every_element) {
  const Tensor x = variable({1, 2, 3, 4, 5, 6}, {2, 3});
  x.sum().backward();
  expect_is(x.grad(), {1, 1, 1, 1, 1, 1}, {2, 3});
  (x.sum(0) * numbers({1, 2, 3}, {3})).sum().backward();
  expect_is(x.grad(), {2, 3, 4, 2, 3, 4}, {2, 3});
  (x.sum(1, {.keepdim = true}) * numbers({10, 20}, {2, 1})).sum().backward();
  expect_is(x.grad(), {12, 13, 14, 22, 23, 24}, {2, 3});
}

TEST(SumTo, undoes_broadcasting) {
  const Tensor x = variable({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(sum_to(x, {2, 3}).body(), x.body());
  expect_is(sum_to(x, {3}), {5, 7, 9}, {3});
  expect_is(sum_to(x, {2, 1}), {6, 15}, {2, 1});
  expect_is(sum_to(x, {}), {21}, {});
  sum_to(x, {2, 1}).backward(numbers({1, 2}, {2, 1}));
  expect_is(x.grad(), {1, 1, 1, 2, 2, 2}, {2, 3});
  EXPECT_EQ(message_of([&] { sum_to(x, {2}); }),
            "sum_to: shape [2] must expand to that of the tensor, got [2, 3]");
  EXPECT_THROW(sum_to(x, {1, 2, 3}), Error);
}

TEST(Mean, divides_by_the_number_of_elements) {
  const Tensor x = variable({1, 2, 3, 4, 5, 9}, {2, 3});
  expect_is(x.mean(), {4}, {});
  expect_is(x.mean(1), {2, 6}, {2});
  x.mean(0).backward(numbers({2, 4, 6}, {3}));
  expect_is(x.grad(), {1, 2, 3, 1, 2, 3}, {2, 3});
  expect_is(zeros({0}).mean(), {kNan}, {});
  EXPECT_EQ(message_of([] { ones({2}, {.dtype = kInt64}).mean(); }),
            "mean: expected a floating dtype, got int64");
  expect_is(full({2}, 3, {.dtype = kInt64}).mean({}, {.dtype = kFloat64}), {3}, {});
}

// ---- extrema -------------------------------------------------------------------------------------------------

TEST(Max, of_all_elements_shares_the_gradient_among_ties) {
  const Tensor x = variable({3, 1, 3, 2}, {2, 2});
  expect_is(x.max(), {3}, {});
  x.max().backward();
  expect_is(x.grad(), {0.5, 0, 0.5, 0}, {2, 2});
  const Tensor y = variable({3, 1, 3, 1}, {4});
  y.min().backward();
  expect_is(y.grad(), {0, 0.5, 0, 0.5}, {4});
}

TEST(Max, lets_nan_win) {
  const Tensor x = variable({1, kNan, 5, kNan}, {4});
  expect_is(x.max(), {kNan}, {});
  expect_is(x.min(), {kNan}, {});
  EXPECT_EQ(x.argmax().item<int64_t>(), 1);
  EXPECT_EQ(x.min(0).indices.item<int64_t>(), 1);
  x.max().backward();
  expect_is(x.grad(), {0, 0.5, 0, 0.5}, {4});
  for (int64_t at : {0, 5, 31, 40, 64, 99}) {
    Tensor row = arange(100, {.dtype = kFloat32});
    row[at].fill_(kNan);
    EXPECT_TRUE(std::isnan(row.max().item<float>())) << at;
    EXPECT_EQ(row.argmax().item<int64_t>(), at);
    EXPECT_EQ(argmin(row).item<int64_t>(), at);
    const Tensor columns = stack({arange(100, {.dtype = kFloat32}), row});
    EXPECT_TRUE(std::isnan(amax(columns, 0)[at].item<float>()));
    EXPECT_EQ(amax(columns, 0)[98 - at / 99].item<float>(), static_cast<float>(98 - at / 99));
    EXPECT_EQ(columns.max(0).indices[at].item<int64_t>(), 1);
  }
}

TEST(Max, along_a_dim_gives_the_gradient_to_the_first) {
  const Tensor x = variable({1, 7, 7, 4, 2, 4}, {2, 3});
  const auto [values, indices] = x.max(1);
  expect_is(values, {7, 4}, {2});
  expect_is(indices, {1, 0}, {2});
  EXPECT_EQ(indices.dtype(), kInt64);
  values.backward(numbers({10, 20}, {2}));
  expect_is(x.grad(), {0, 10, 0, 20, 0, 0}, {2, 3});
  const auto low = x.min(0, {.keepdim = true});
  expect_is(low.values, {1, 2, 4}, {1, 3});
  expect_is(low.indices, {0, 1, 1}, {1, 3});
  low.values.sum().backward();
  expect_is(x.grad(), {1, 10, 0, 20, 1, 1}, {2, 3});
}

TEST(Max, of_a_single_number_is_the_number) {
  const Tensor x = variable({5}, {});
  const auto [values, indices] = x.max(0);
  expect_is(values, {5}, {});
  expect_is(indices, {0}, {});
  values.backward();
  expect_is(x.grad(), {1}, {});
  EXPECT_EQ(x.argmax(-1).item<int64_t>(), 0);
}

TEST(Max, of_other_dtypes_and_strides) {
  const Tensor x = from_vector(std::vector<int64_t>{-4, 9, 2, -7, 9, 0}, {2, 3});
  EXPECT_EQ(x.max().item<int64_t>(), 9);
  EXPECT_EQ(x.min().item<int64_t>(), -7);
  expect_is(x.t().max(1).indices, {0, 0, 0}, {3});
  expect_is(x.t().max(1).values, {-4, 9, 2}, {3});
  expect_is(x.t().argmax(0), {1, 1}, {2});
  EXPECT_EQ(x.t().argmax().item<int64_t>(), 2);
  EXPECT_TRUE((x > 8).max().item<bool>());
}

TEST(Max, of_nothing_is_an_error) {
  EXPECT_EQ(message_of([] { zeros({0}).max(); }),
            "max: expected at least one element, got shape [0]");
  EXPECT_EQ(message_of([] {
              zeros({2, 0}).max(1);
            }),
            "max: expected at least one element, got shape [2, 0]");
  EXPECT_EQ(message_of([] { zeros({0}).argmax(); }),
            "argmax: expected at least one element, got shape [0]");
  expect_is(zeros({2, 0}).max(0).values, {}, {0});
  EXPECT_THROW(zeros({2}).max(1), IndexError);
}

TEST(Amax, shares_the_gradient_among_ties_of_each_row) {
  const Tensor x = variable({1, 7, 7, 4, 2, 1}, {2, 3});
  amax(x, 1).backward(numbers({10, 20}, {2}));
  expect_is(x.grad(), {0, 5, 5, 20, 0, 0}, {2, 3});
  expect_is(amin(x, {0, 1}), {1}, {});
  expect_is(amax(x, 0, {.keepdim = true}), {4, 7, 7}, {1, 3});
  expect_is(amin(x.t(), 0), {1, 1}, {2});
}

TEST(Argmax, finds_the_first_of_equals_in_rows_of_any_length) {
  for (int64_t n : {2, 8, 17, 64, 130}) {
    for (int64_t at = 0; at < n; at += 5) {
      Tensor row = zeros({n});
      row[at].fill_(1);
      row[n - 1].fill_(1);
      EXPECT_EQ(row.argmax().item<int64_t>(), at) << n;
      EXPECT_EQ(row.neg().min(0).indices.item<int64_t>(), at) << n;
      EXPECT_EQ(stack({row, row}, 1).argmax(0)[1].item<int64_t>(), at) << n;
    }
  }
}

TEST(AllAny, ask_whether_elements_are_nonzero) {
  const Tensor x = numbers({0, 1, 2, 3}, {2, 2});
  EXPECT_FALSE(x.all());
  EXPECT_TRUE(x.any());
  expect_is(all(x, 1), {0, 1}, {2});
  expect_is(any(x, 0, {.keepdim = true}), {1, 1}, {1, 2});
  EXPECT_TRUE(zeros({0}).all());
  EXPECT_FALSE(zeros({0}).any());
  EXPECT_TRUE(numbers({kNan}, {1}).all());
  EXPECT_TRUE((x == x).all());
}
