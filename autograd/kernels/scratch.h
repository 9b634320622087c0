#pragma once
// Memory that a kernel needs while it computes.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// Memory for a block of work, uninitialised.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t size) : array_(Array::empty(size, dtype_of<T>)) {}
  T* data() const { return array_.template data<T>(); }

 private:
  Array array_;
};

}  // namespace reel::kernels
