// scaled_dot_product_attention: dropout. Values and gradients are compared in reference_test.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;

TEST(Attention, dropout_removes_weights_and_scales_the_others) {
  manual_seed(1);
  const Tensor query = zeros({1, 2}), key = zeros({1000, 2}), value = ones({1000, 1});
  const Tensor y = scaled_dot_product_attention(query, key, value, {.dropout_p = 0.25});
  // Each weight is 1 / 1000, and becomes 0 or 1 / 750: the sum counts how many are left.
  const double left = y.item<double>() * 750;
  EXPECT_NEAR(left, std::round(left), 1e-2);
  EXPECT_NEAR(left, 750, 60);
}
