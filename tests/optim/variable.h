#pragma once
// What the tests of the optimisers share.
#include "../message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

namespace reel::tests {

/// Float64 numbers that require a gradient.
inline Tensor variable(std::initializer_list<double> values) {
  return from_vector(std::vector<double>(values), {static_cast<int64_t>(values.size())})
      .requires_grad_();
}

}  // namespace reel::tests
