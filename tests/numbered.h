#pragma once
// Tensors by their numbers, for tests of what goes where.

#include <gtest/gtest.h>

#include <reel/autograd/ops/creation.h>

namespace reel::tests {

inline Tensor numbers(std::initializer_list<double> values, const Shape& shape) {
  return from_vector(std::vector<double>(values), shape);
}

inline Tensor places(std::initializer_list<int64_t> values, const Shape& shape) {
  return from_vector(std::vector<int64_t>(values), shape);
}

inline Tensor places(std::initializer_list<int64_t> values) {
  return places(values, {static_cast<int64_t>(values.size())});
}

/// 0, 1, 2, ... in float64, so that an element's value says where it came from.
inline Tensor counted(const Shape& shape) {
  return arange(shape.numel(), {.dtype = kFloat64}).reshape(shape);
}

inline void expect_is(const Tensor& actual, std::initializer_list<double> expected,
                      const Shape& shape) {
  ASSERT_TRUE(actual.defined());
  ASSERT_EQ(actual.shape(), shape) << to_string(actual.shape());
  const Tensor flat = actual.detach().to(kFloat64).contiguous();
  int64_t i = 0;
  for (double value : expected) EXPECT_EQ(flat.data<double>()[i++], value) << "element " << i - 1;
}

}  // namespace reel::tests
