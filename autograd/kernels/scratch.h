#pragma once
// Memory that a kernel needs while it computes. It comes from the cache that tensors use, so that a
// repeated step takes none from the system.

#include <reel/autograd/array.h>

#include <vector>

namespace reel::kernels {

/// Numbers for a block of work, uninitialised.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t size) : array_(Array::empty(size, dtype_of<T>)) {}
  T* data() const { return array_.template data<T>(); }

 private:
  Array array_;
};

template <class T>
struct CacheAllocator {
  using value_type = T;

  CacheAllocator() = default;
  template <class U>
  CacheAllocator(const CacheAllocator<U>&) {}
  T* allocate(size_t n) {
    return static_cast<T*>(memory::allocate(n * sizeof(T), memory::Kind::Storage));
  }
  void deallocate(T* block, size_t n) noexcept {
    memory::deallocate(block, n * sizeof(T), memory::Kind::Storage);
  }
  friend bool operator==(CacheAllocator, CacheAllocator) { return true; }
};

/// A std::vector in such memory.
template <class T>
using List = std::vector<T, CacheAllocator<T>>;

}  // namespace reel::kernels
