#pragma once
// Array: numbers without gradients. Kernels know only this, so a kernel cannot record.

#include <reel/autograd/dtype.h>
#include <reel/autograd/shape.h>
#include <reel/autograd/storage.h>

namespace reel {

class Array {
 public:
  Array() = default;
  /// Row-major and uninitialised.
  static Array empty(const Shape& shape, Dtype dtype);
  static Array full(const Shape& shape, Scalar value, Dtype dtype);
  /// Another view of the same memory; `offset` is in elements from the start of this one.
  Array view(const Shape& shape, const Strides& strides, int64_t offset = 0) const;

  bool defined() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  const Strides& strides() const { return strides_; }
  Dtype dtype() const { return dtype_; }
  int64_t numel() const { return numel_; }
  int rank() const { return shape_.rank(); }
  int64_t size(int dim) const { return shape_[dim]; }
  bool is_contiguous() const { return contiguous_; }
  /// Elements from the start of the storage.
  int64_t offset() const {
    return (data_ - storage_->data) / static_cast<int64_t>(size_of(dtype_));
  }
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(data_);
  }
  const Ref<Storage>& storage() const { return storage_; }
  uint32_t version() const { return storage_->version.load(std::memory_order_relaxed); }

 private:
  Array(const Shape& shape, Dtype dtype);

  // In this order no two words stand side by side: the compiler would copy them with one wide load,
  // which has to wait for the two stores that wrote them.
  Ref<Storage> storage_;
  Dtype dtype_ = Dtype::Float32;
  bool contiguous_ = true;
  std::byte* data_ = nullptr;
  Shape shape_;
  Strides strides_;
  int64_t numel_ = 0;
};

/// Whether two places of a view may be one number in memory; may say so where they are not.
bool may_overlap(const Shape& shape, const Strides& strides);
/// Whether row-major strides are what `strides` are, dims of size 1 aside.
bool is_contiguous(const Shape& shape, const Strides& strides);

}  // namespace reel
