#pragma once
// What reductions have in common. For the sources of operations; a user needs none of it.

#include <reel/autograd/tensor.h>

namespace reel {

/// The dims that a reduction removes. Trivially copied, so a rule that captures it retains nothing.
class ReducedDims {
 public:
  /// An empty list means all dims; throws IndexError in the op's name.
  ReducedDims(const char* op, const Dims& dims, int rank) : mask_(dims_mask(op, dims, rank)) {}

  /// A bit for each dim, as kernels take them.
  uint64_t mask() const { return mask_; }
  /// How many elements become one.
  int64_t count(const Shape& shape) const;
  /// The shape that is left of `shape`.
  Shape result(const Shape& shape, bool keepdim) const;
  /// A result with the removed dims back, as dims of size 1.
  Tensor restore(const Tensor& result, const Shape& shape) const;
  /// Throws where no element would become one.
  void check_elements(const char* op, const Tensor& x) const;

 private:
  uint64_t mask_;
};

}  // namespace reel
