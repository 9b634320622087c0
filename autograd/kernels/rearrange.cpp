#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/rearrange.h>

#include <algorithm>

namespace reel::kernels {

Array flip(const Array& x, uint64_t mask) {
  if (x.numel() == 0) return clone(x);
  Strides strides = x.strides();
  int64_t last = 0;
  for (int i = 0; i < x.rank(); ++i) {
    if ((mask >> i & 1) == 0) continue;
    last += (x.size(i) - 1) * strides[i];
    strides[i] = -strides[i];
  }
  return clone(x.view(x.shape(), strides, last));
}

Array roll(const Array& x, int dim, int64_t shift) {
  Array y = Array::empty(x.shape(), x.dtype());
  const auto move = [&](int64_t from, int64_t to, int64_t count) {
    Shape part = x.shape();
    part[dim] = count;
    if (part.numel() == 0) return;
    copy(x.view(part, x.strides(), from * x.strides()[dim]),
         y.view(part, y.strides(), to * y.strides()[dim]));
  };
  const int64_t size = x.size(dim);
  move(0, shift, size - shift);
  move(size - shift, 0, shift);
  return y;
}

Array triangle(const Array& given, int64_t diagonal, bool lower) {
  const Array x = contiguous(given);
  Array y = Array::empty(x.shape(), x.dtype());
  const int64_t rows = x.size(x.rank() - 2), cols = x.size(x.rank() - 1);
  const int64_t offset = std::clamp(diagonal, -rows, cols);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    for (int64_t done = 0; done < x.numel(); done += cols, from += cols, to += cols) {
      const int64_t row = done / cols % rows;
      // Where the kept part of the row ends (or, of an upper triangle, begins).
      const int64_t border = std::clamp<int64_t>(row + offset + lower, 0, cols);
      const int64_t begin = lower ? 0 : border, end = lower ? border : cols;
      for (int64_t i = 0; i < cols; ++i) to[i] = i >= begin && i < end ? from[i] : T{};
    }
  });
  return y;
}

}  // namespace reel::kernels
