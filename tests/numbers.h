#pragma once
// Small tensors with known numbers, and their comparison.

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <initializer_list>
#include <vector>

namespace reel::tests {

inline constexpr double kNan = NAN;
inline constexpr uint64_t kSeedStep = 0x9E3779B97F4A7C15u;

inline Tensor numbers(std::initializer_list<double> values, const Shape& shape) {
  return from_vector(std::vector<double>(values), shape);
}

inline Tensor variable(std::initializer_list<double> values, const Shape& shape) {
  return numbers(values, shape).requires_grad_();
}

inline void expect_is(const Tensor& actual, std::initializer_list<double> expected,
                      const Shape& shape) {
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
inline std::vector<float> noise(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  uint64_t state = 1;
  for (float& value : values) {
    state = state * kSeedStep + 12345;
    value = static_cast<float>(static_cast<double>(state >> 11) / 4503599627370496.0 - 1);
  }
  return values;
}

}  // namespace reel::tests
