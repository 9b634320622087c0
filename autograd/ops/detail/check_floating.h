#pragma once
// Shared by operations on real numbers that refuse integers; not for users.

#include <reel/autograd/tensor.h>

namespace reel::detail {

inline void check_floating(const char* op, const Tensor& x) {
  check<TypeError>(x.is_floating_point(), "{}: expected a floating dtype, got {}", op, x.dtype());
}

}  // namespace reel::detail
