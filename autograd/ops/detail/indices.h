#pragma once
// Index tensors as kernels take them. Shared by the operations that take one; not for users.

#include <reel/autograd/tensor.h>

namespace reel::detail {

/// An index tensor as int64.
inline Tensor as_places(const char* op, const Tensor& index) {
  check<TypeError>(index.dtype() == kInt64 || index.dtype() == kInt32,
                   "{}: index must be int64 or int32, got {}", op, index.dtype());
  return index.to(kInt64);
}

inline Tensor zeros_of(const Shape& shape, Dtype dtype) {
  return Tensor(Array::full(shape, 0, dtype));
}

}  // namespace reel::detail
