#include <reel/autograd/array.h>

#include <algorithm>

namespace reel {

bool is_contiguous(const Shape& shape, const Strides& strides) {
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != step) return false;
    step *= shape[i];
  }
  return true;
}

Array Array::empty(const Shape& shape, Dtype dtype) {
  Array array;
  array.numel_ = shape.numel();
  array.storage_ = Storage::make(static_cast<size_t>(array.numel_) * size_of(dtype));
  array.data_ = array.storage_->data;
  array.dtype_ = dtype;
  array.shape_ = shape;
  array.strides_ = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    array.strides_[i] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return array;
}

Array Array::full(const Shape& shape, Scalar value, Dtype dtype) {
  Array array = empty(shape, dtype);
  dispatch_any(dtype, [&]<class T>(TypeTag<T>) {
    std::fill_n(array.data<T>(), array.numel(), value.to<T>());
  });
  return array;
}

Array Array::view(const Shape& shape, const Strides& strides, int64_t offset) const {
  Array array;
  array.storage_ = storage_;
  array.data_ = data_ + offset * static_cast<int64_t>(size_of(dtype_));
  array.numel_ = shape.numel();
  array.dtype_ = dtype_;
  array.contiguous_ = reel::is_contiguous(shape, strides);
  array.shape_ = shape;
  array.strides_ = strides;
  return array;
}

}  // namespace reel
