#pragma once
// Linear maps along the last dims of a tensor, as an operation. For the sources of operations; a
// user needs none of it.

#include <reel/autograd/kernels/resize.h>
#include <reel/autograd/tensor.h>

namespace reel::detail {

struct AxisMaps {
  const char* op;
  const char* backward;  // the name of the adjoint
  kernels::List<kernels::AxisMap> maps;
};
/// The maps applied to x. The gradient is their adjoint and the other way round, so that all orders
/// share one set of maps.
Tensor map_axes(const Tensor& x, AxisMaps&& maps);

/// `value` that an axis of some size or window has; at most what products of two such numbers fit.
inline constexpr int64_t kMostOfAxis = (int64_t{1} << 31) - 1;
void check_at_most(const char* op, const char* what, const Shape& values);

}  // namespace reel::detail
