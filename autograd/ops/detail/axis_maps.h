#pragma once
// Linear maps along the last dims of a tensor, as an operation. For the sources of operations; a
// user needs none of it.

#include <reel/autograd/kernels/resize.h>
#include <reel/autograd/tensor.h>

#include <memory>
#include <vector>

namespace reel::detail {

struct AxisMaps {
  const char* op;
  const char* backward;  // the name of the adjoint
  std::vector<kernels::AxisMap> maps;
};
/// The maps, or their adjoint, applied to x. The gradient of either is the other, so that all
/// orders share one set of maps.
Tensor map_axes(const Tensor& x, std::shared_ptr<const AxisMaps> maps, bool transposed = false);

/// `value` that an axis of some size or window has; at most what products of two such numbers fit.
inline constexpr int64_t kMostOfAxis = (int64_t{1} << 31) - 1;
void check_at_most(const char* op, const char* what, const Shape& values);

}  // namespace reel::detail
