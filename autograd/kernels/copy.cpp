#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/map.h>

#include <algorithm>
#include <cstring>

namespace reel::kernels {
namespace {

// A transposed copy reads along one dim and writes along another: blocks keep both in cache.
template <class T>
void copy_transposed(const T* from, int64_t from_row, T* to, int64_t to_row, int64_t rows,
                     int64_t cols) {
  constexpr int64_t block = 32;
  for (int64_t i0 = 0; i0 < rows; i0 += block) {
    for (int64_t j0 = 0; j0 < cols; j0 += block) {
      for (int64_t i = i0; i < std::min(i0 + block, rows); ++i) {
        for (int64_t j = j0; j < std::min(j0 + block, cols); ++j)
          to[i * to_row + j] = from[j * from_row + i];
      }
    }
  }
}

template <class From, class To>
void convert(const Array& from, const Array& to) {
  if (from.shape() == to.shape() && from.is_contiguous() && to.is_contiguous()) {
    if constexpr (std::is_same_v<From, To>) {
      if (from.numel() > 0)
        std::memmove(to.data<To>(), from.data<From>(),
                     static_cast<size_t>(to.numel()) * sizeof(To));
    } else {
      map_row(to.numel(), from.data<From>(), 1, to.data<To>(), 1,
              [](From x) { return static_cast<To>(x); });
    }
    return;
  }
  if (std::is_same_v<From, To> && from.shape() == to.shape() && to.rank() == 2 &&
      to.strides()[1] == 1 && from.strides()[0] == 1) {
    copy_transposed(from.data<To>(), from.strides()[1], to.data<To>(), to.strides()[0], to.size(0),
                    to.size(1));
    return;
  }
  const Strides expanded = expand_strides("copy", from.shape(), from.strides(), to.shape());
  for_each_row<2>(to.shape(), {expanded, to.strides()},
                  [&](int64_t n, const auto& at, const auto& step) {
                    map_row(n, from.data<From>() + at[0], step[0], to.data<To>() + at[1], step[1],
                            [](From x) { return static_cast<To>(x); });
                  });
}

}  // namespace

void copy(const Array& from, const Array& to) {
  dispatch_any(from.dtype(), [&]<class From>(TypeTag<From>) {
    dispatch_any(to.dtype(), [&]<class To>(TypeTag<To>) { convert<From, To>(from, to); });
  });
}

Array clone(const Array& x) {
  Array y = Array::empty(x.shape(), x.dtype());
  copy(x, y);
  return y;
}

Array contiguous(const Array& x) { return x.is_contiguous() ? x : clone(x); }

Array cast(const Array& x, Dtype dtype) {
  if (x.dtype() == dtype) return x;
  Array y = Array::empty(x.shape(), dtype);
  copy(x, y);
  return y;
}

void fill(const Array& x, Scalar value) { copy(Array::full({}, value, x.dtype()), x); }

}  // namespace reel::kernels
