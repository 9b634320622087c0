// Sums and extrema: values, dtypes, ties, NaN, nothing to reduce, any dims of any view, accuracy.
#include "message_of.h"
#include "numbers.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

using namespace reel;
using namespace reel::tests;

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
  const std::vector<int64_t> order = {2, 0, 1}, first = {0, 1};  // as computed dims often are
  expect_is(x.permute(order).sum(first), {60, 92, 124}, {3});
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

// ---- dims in every order -------------------------------------------------------------------------------------

// The sum of products with odd numbers, so that every element counts in its place.
TEST(Reductions, read_any_dims_of_any_view) {
  const Tensor x = from_vector(noise(2 * 3 * 4 * 5), {2, 3, 4, 5}).to(kFloat64);
  const std::vector<Dims> orders = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1},
                                    {0, 2, 1, 3}, {1, 0, 2, 3}, {0, 1, 3, 2}};
  for (const Dims& order : orders) {
    const Tensor view = x.permute(order);
    for (const Tensor& seen : {view, view.slice(2, 0, view.size(2), 2), view.slice(0, 1)}) {
      const Tensor copy = seen.contiguous().clone();
      for (int bits = 1; bits < 16; ++bits) {
        Dims dims;
        for (int d = 0; d < 4; ++d) {
          if (bits >> d & 1) dims.push_back(d);
        }
        // One dim at a time, of a row-major copy: the least that can go wrong.
        Tensor total = copy, most = copy;
        for (int d = 3; d >= 0; --d) {
          if ((bits >> d & 1) == 0) continue;
          total = total.sum(d);
          most = amax(most, d);
        }
        EXPECT_TRUE(allclose(seen.sum(dims), total, {.rtol = 1e-13, .atol = 1e-13})) << bits;
        EXPECT_TRUE(equal(amax(seen, dims), most)) << bits;
        EXPECT_TRUE(allclose(var(seen, dims, {.unbiased = false}),
                             (seen.square().mean(dims) - seen.mean(dims).square()),
                             {.rtol = 1e-9, .atol = 1e-12}))
            << bits;
      }
      for (int d = 0; d < 4; ++d) {
        EXPECT_TRUE(equal(seen.argmax(d), copy.argmax(d)));
        EXPECT_TRUE(equal(seen.max(d).values, amax(seen, d)));
      }
      EXPECT_TRUE(equal(seen.argmax(), copy.argmax()));
    }
  }
}

TEST(Reductions, of_more_than_a_tile_put_their_pieces_together) {
  for (const Shape& shape :
       {Shape{3, 70001}, Shape{70001, 3}, Shape{70, 1100}, Shape{2, 40, 1100}}) {
    const Tensor x = from_vector(noise(shape.numel()), shape).to(kFloat64), t = x + 2;
    const Tensor columns = x.dim() == 3 ? x.select(0, 1) : x;
    for (int d = 0; d < 2; ++d) {
      Tensor total = columns.select(d, 0).clone();
      for (int64_t i = 1; i < columns.size(d); ++i) total.add_(columns.select(d, i));
      EXPECT_TRUE(allclose(columns.sum(d), total, {.rtol = 1e-11, .atol = 1e-11}));
      const Tensor mean = columns.mean(d).unsqueeze(d), squares = (columns - mean).square();
      EXPECT_TRUE(allclose(columns.var(d), squares.sum(d) / (columns.size(d) - 1)));
      EXPECT_TRUE(allclose(logsumexp(columns, d), log(exp(columns).sum(d))));
      const auto [values, indices] = columns.max(d);
      EXPECT_TRUE(equal(gather(columns, d, indices.unsqueeze(d)).squeeze(d), values));
      EXPECT_TRUE(equal((columns > values.unsqueeze(d)).sum(d), zeros_like(indices)));
    }
    EXPECT_NEAR(t.norm().item<double>(), std::sqrt((t * t).sum().item<double>()), 1e-9);
    EXPECT_NEAR(x.logsumexp({}).item<double>(), std::log(exp(x).sum().item<double>()), 1e-12);
    EXPECT_EQ(x.reshape({-1})[x.argmax().item<int64_t>()].item<double>(), x.max().item<double>());
  }
}

TEST(Reductions, have_the_same_bits_on_any_number_of_threads) {
  const Tensor x = from_vector(noise(300000), {300, 1000});
  const auto results = [&] {
    return std::vector<Tensor>{x.sum(),         x.sum(0),  x.sum(1),     x.var(),     x.var(0),
                               x.logsumexp({}), x.norm(3), x.t().sum(0), x.cumsum(0), x.cumsum(1)};
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = results();
  set_num_threads(2);
  const auto together = results();
  set_num_threads(before);
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(equal(alone[i], together[i])) << i;
}

// ---- float32 -------------------------------------------------------------------------------------------------

TEST(Accuracy, a_million_floats_are_reduced_to_seven_digits) {
  const int64_t n = 1000000;
  const double each = static_cast<double>(0.1f), count = static_cast<double>(n);
  const Tensor row = full({n}, 0.1f), columns = full({n, 3}, 0.1f), strided = columns.select(1, 1);
  const auto expect_near = [](const Tensor& got, double exact) {
    EXPECT_NEAR(got.item<float>(), exact, 1e-6 * std::fabs(exact));
  };
  for (const Tensor& x : {row, columns.t().contiguous()[2], strided, full({1}, 0.1f).expand({n})}) {
    expect_near(x.sum(), count * each);
    expect_near(nansum(x), count * each);
    expect_near(x.mean(), each);
    expect_near(nanmean(x), each);
    expect_near(x.norm(), std::sqrt(count) * each);
    expect_near(x.norm(1), count * each);
    expect_near(x.norm(3), std::cbrt(count) * each);
    expect_near(x.logsumexp({}), each + std::log(count));
    expect_near(x.cumsum(0)[n - 1], count * each);
    expect_near(logcumsumexp(x, 0)[n - 1], each + std::log(count));
    expect_near((x * 0 + 1.00001f).cumprod(0)[n / 10], std::pow(1.00001f, n / 10 + 1));
  }
  for (const Tensor& x : {columns.sum(0), columns.t().sum(1), columns.cumsum(0)[n - 1]})
    expect_near(x[1], count * each);
  expect_near(columns.mean(0)[2], each);
  expect_near(columns.norm(2, 0)[0], std::sqrt(count) * each);
}

TEST(Accuracy, a_small_spread_around_a_large_mean_is_found) {
  std::vector<float> values;
  for (int i = 0; i < 200000; ++i) values.push_back(4096.0f + static_cast<float>(i % 4) * 0.25f);
  const Tensor x = from_vector(values, {200000});
  // 0, 1/4, 1/2 and 3/4 in equal parts.
  for (const Tensor& got :
       {x.var({}, {.unbiased = false}), x.reshape({50000, 4}).t().var({}, {.unbiased = false}),
        stack({x, x}, 1).var(0, {.unbiased = false})[1]}) {
    EXPECT_NEAR(got.item<float>(), 5.0 / 64, 1e-8);
  }
  EXPECT_NEAR(x.std({}, {.unbiased = false}).item<float>(), std::sqrt(5.0 / 64), 1e-7);
}

TEST(Accuracy, norms_neither_overflow_nor_vanish) {
  EXPECT_FLOAT_EQ(full({4}, 1e30f).norm().item<float>(), 2e30f);
  EXPECT_FLOAT_EQ(full({4, 2}, 1e-30f).norm(2, 0)[1].item<float>(), 2e-30f);
}
