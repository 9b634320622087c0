// What rows of single operations do not show: numbers that are not finite, ties, threads, draws.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <limits>

using namespace reel;

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();
const double kNaN = std::nan("");

std::vector<int64_t> places(const Tensor& indices) {
  const std::span<int64_t> all = indices.span<int64_t>();
  return {all.begin(), all.end()};
}

}  // namespace

TEST(Pooling, an_image_of_minus_infinity_has_its_first_places) {
  const Tensor x = full({1, 3, 3}, -kInfinity, {.dtype = kFloat64});
  const auto [values, indices] = max_pool2d_with_indices(x, 2, {.stride = 1, .padding = 1});
  EXPECT_TRUE(equal(values, full({1, 4, 4}, -kInfinity, {.dtype = kFloat64})));
  EXPECT_EQ(places(indices),
            (std::vector<int64_t>{0, 0, 1, 2, 0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8}));
  const auto dilated = max_pool1d_with_indices(full({1, 5}, -kInfinity), 3,
                                               {.stride = 2, .padding = 1, .dilation = 2});
  EXPECT_EQ(places(dilated.indices), (std::vector<int64_t>{1, 1}));
}

TEST(Pooling, the_first_of_equals_and_the_last_nan_are_taken) {
  const Tensor x = tensor({1., 2., 2., kNaN, 3., kNaN, 4., 4.}).reshape({1, 8});
  const auto [values, indices] = max_pool1d_with_indices(x, 4, {.stride = 2});
  EXPECT_EQ(places(indices), (std::vector<int64_t>{3, 5, 5}));
  EXPECT_TRUE(isnan(values).all());
  EXPECT_EQ(places(max_pool1d_with_indices(x.slice(1, 0, 3), 3).indices), std::vector<int64_t>{1});
  EXPECT_EQ(places(adaptive_max_pool1d_with_indices(x, 2).indices), (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(places(adaptive_max_pool1d_with_indices(x, 8).indices),
            (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

// Rows of every length around those of vectors, with numbers that no comparison orders.
TEST(Pooling, pairs_of_rows_have_the_maxima_that_loops_find) {
  manual_seed(4);
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  constexpr double least = -std::numeric_limits<double>::infinity();
  for (int64_t width = 8; width < 40; ++width) {
    Tensor x = randint(0, 4, {3, 7, width}, {.dtype = kFloat64});
    x = where(x == 1, full({}, least, {.dtype = kFloat64}), x);
    if (width % 2) x = where(rand({3, 7, width}) < 0.1, full({}, none, {.dtype = kFloat64}), x);
    Tensor expected = zeros({3, 3, width / 2}, {.dtype = kFloat64});
    Tensor places = zeros({3, 3, width / 2}, {.dtype = kInt64});
    for (int64_t i = 0; i < expected.numel(); ++i) {
      const int64_t column = i % (width / 2), row = i / (width / 2) % 3;
      const double* plane = x.data<double>() + i / (width / 2) / 3 * 7 * width;
      int64_t place = 2 * row * width + 2 * column;
      for (const int64_t other : {place + 1, place + width, place + width + 1}) {
        if (plane[other] > plane[place] || std::isnan(plane[other])) place = other;
      }
      expected.data<double>()[i] = plane[place];
      places.data<int64_t>()[i] = place;
    }
    for (const Dtype dtype : {kFloat32, kFloat64}) {
      const auto [values, indices] = max_pool2d_with_indices(x.to(dtype), 2);
      EXPECT_TRUE(
          allclose(values.to(kFloat64), expected, {.rtol = 0, .atol = 0, .equal_nan = true}))
          << width;
      EXPECT_TRUE(equal(indices, places)) << width;
    }
    if (width % 2) continue;
    const Tensor counts = relu(x), most = relu(expected);
    for (const Dtype dtype : {kUInt8, kInt32, kInt64})
      EXPECT_TRUE(equal(max_pool2d(counts.to(dtype), 2), most.to(dtype))) << width;
  }
}

// max_pool2d keeps the places in the windows, max_pool2d_with_indices those in the image.
TEST(Pooling, pairs_of_rows_have_the_gradients_that_their_indices_say) {
  manual_seed(6);
  for (int64_t width = 8; width < 40; ++width) {
    for (const Dtype dtype : {kFloat32, kFloat64}) {
      const Tensor x = rand({2, 3, 7, width}, {.dtype = dtype}).requires_grad_();
      const auto [values, indices] = max_pool2d_with_indices(x.detach(), 2);
      const Tensor g = rand(values.shape(), {.dtype = dtype}).requires_grad_();
      const Tensor got =
          autograd::grad({max_pool2d(x, 2)}, {x}, {.grad_outputs = {g}, .create_graph = true})[0];
      EXPECT_TRUE(
          equal(got.detach(), max_unpool2d(g.detach(), indices, 2, {.output_size = {7, width}})))
          << width;
      const Tensor factors = rand(x.shape(), {.dtype = dtype});
      const Tensor expected = gather(flatten(factors, 2), 2, flatten(indices, 2));
      EXPECT_TRUE(
          equal(autograd::grad({(got * factors).sum()}, {g})[0], expected.reshape(g.shape())))
          << width;
    }
  }
}

TEST(Pooling, takes_integers_of_every_size) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  const Tensor x = from_vector(std::vector<int64_t>{least, least, 5, 7}, {1, 4});
  EXPECT_TRUE(equal(max_pool1d(x, 2), from_vector(std::vector<int64_t>{least, 7}, {1, 2})));
  const Tensor bytes = x.slice(1, 2, 4).to(kUInt8);
  EXPECT_EQ(max_pool1d(bytes, 2).item<uint8_t>(), 7);
}

TEST(Pooling, max_unpool_undoes_max_pool) {
  manual_seed(3);
  const Tensor x = rand({2, 3, 6, 4}) + 1;
  const auto [values, indices] = max_pool2d_with_indices(x, 2);
  const Tensor back = max_unpool2d(values, indices, 2);
  EXPECT_TRUE(equal(max_pool2d(back, 2), values));
  EXPECT_TRUE(equal(where(back > 0, x, zeros_like(x)), back));
}

TEST(Pooling, has_the_same_bits_for_any_number_of_threads) {
  manual_seed(4);
  const Tensor x = randn({3, 16, 40, 37}).requires_grad_();
  const auto all = [&] {
    std::vector<Tensor> results = {max_pool2d(x, 3, {.stride = 2, .padding = 1}),
                                   avg_pool2d(x, 5, {.stride = 1, .padding = 2}),
                                   adaptive_avg_pool2d(x, {7, 9}),
                                   interpolate(x, {.scale_factor = 1.5, .mode = "bicubic"})};
    for (size_t i = 0, n = results.size(); i < n; ++i)
      results.push_back(autograd::grad({results[i].square().sum()}, {x})[0]);
    return results;
  };
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<Tensor> one = all();
  set_num_threads(3);
  const std::vector<Tensor> three = all();
  set_num_threads(before);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(equal(one[i], three[i])) << i;
}

TEST(Pooling, averages_of_equal_numbers_are_that_number) {
  for (int64_t kernel = 1; kernel <= 12; ++kernel) {
    const Tensor x = full({1, 24}, 0.5);
    EXPECT_TRUE(equal(avg_pool1d(x, kernel), full({1, 24 / kernel}, 0.5))) << kernel;
    EXPECT_TRUE(equal(adaptive_avg_pool1d(x, kernel), full({1, kernel}, 0.5))) << kernel;
  }
}

TEST(Pooling, of_a_million_small_numbers_has_a_mean_of_them) {
  const Tensor x = full({1, 1000000}, 0.1);
  EXPECT_NEAR(adaptive_avg_pool1d(x, 1).item<float>(), 0.1, 1e-7);
  EXPECT_NEAR(avg_pool1d(x, 1000000).item<float>(), 0.1, 1e-7);
}

TEST(Pooling, has_third_derivatives) {
  manual_seed(5);
  const Tensor x = rand({1, 1, 4, 4}, {.dtype = kFloat64}).requires_grad_();
  const auto third = [&](const Tensor& y) {
    Tensor g = y.pow(3).sum();
    for (int order = 0; order < 3; ++order)
      g = autograd::grad({g}, {x}, {.create_graph = true})[0].sum();
    return g.item<double>();
  };
  EXPECT_NEAR(third(max_pool2d(x, 2)), 6 * 4, 1e-12);
  EXPECT_NEAR(third(avg_pool2d(x, 2)), 6 * 4, 1e-12);
  EXPECT_NEAR(third(interpolate(x, {.size = {3, 5}, .mode = "bilinear"})), 6 * 15, 1e-12);
}

TEST(Pooling, draws_fractional_windows_from_the_generator) {
  const Tensor x = randn({2, 2, 9, 9});
  const auto draw = [&] {
    return fractional_max_pool2d_with_indices(x, 2, {.output_size = {5, 4}});
  };
  manual_seed(6);
  const auto first = draw(), second = draw();
  manual_seed(6);
  const Tensor samples = rand({2, 2, 2});
  const auto given =
      fractional_max_pool2d_with_indices(x, 2, {.output_size = {5, 4}, .random_samples = samples});
  EXPECT_TRUE(equal(first.indices, given.indices));
  EXPECT_FALSE(equal(first.indices, second.indices));
  EXPECT_EQ(first.values.shape(), (Shape{2, 2, 5, 4}));
}

TEST(Pooling, an_adaptive_output_may_be_empty) {
  const Tensor x = randn({1, 2, 3, 4}).requires_grad_();
  for (const Tensor& y : {adaptive_avg_pool2d(x, {0, 2}), adaptive_max_pool2d(x, {0, 2})}) {
    EXPECT_EQ(y.shape(), (Shape{1, 2, 0, 2}));
    EXPECT_TRUE(equal(autograd::grad({y.sum()}, {x})[0], zeros({1, 2, 3, 4})));
  }
}
