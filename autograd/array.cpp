#include <reel/autograd/array.h>

#include <algorithm>
#include <limits>

namespace reel {

bool is_contiguous(const Shape& shape, const Strides& strides) {
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != step) return false;
    step = wrapping_product(step, shape[i]);
  }
  return true;
}

Array::Array(const Shape& shape, Dtype dtype)
    : dtype_(dtype), shape_(shape), strides_(shape), numel_(shape.numel()) {
  check(numel_ <= std::numeric_limits<int64_t>::max() / int64_t{16},
        "tensor: a shape of {} has too many elements", shape);
  storage_ = Storage::make(static_cast<size_t>(numel_) * size_of(dtype));
  data_ = storage_->data;
  int64_t step = 1;
  int64_t* strides = strides_.data();
  for (int i = shape.rank() - 1; i >= 0; --i) {
    const int64_t size = strides[i];
    strides[i] = step;
    step = wrapping_product(step, std::max<int64_t>(size, 1));
  }
}

Array Array::empty(const Shape& shape, Dtype dtype) { return Array(shape, dtype); }

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

bool may_overlap(const Shape& shape, const Strides& strides) {
  uint64_t left = (uint64_t{1} << shape.rank()) - 1;
  int64_t reach = 0;  // of the dims with smaller strides
  while (left != 0) {
    int dim = -1;
    for (int i = 0; i < shape.rank(); ++i) {
      if ((left >> i & 1) != 0 && (dim < 0 || strides[i] < strides[dim])) dim = i;
    }
    left &= ~(uint64_t{1} << dim);
    if (shape[dim] <= 1) continue;
    if (strides[dim] <= reach) return true;
    reach += (shape[dim] - 1) * strides[dim];
  }
  return false;
}

}  // namespace reel
