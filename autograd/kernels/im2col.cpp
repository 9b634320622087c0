#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/im2col.h>
#include <reel/autograd/kernels/parallel.h>

#include <cstring>

namespace reel::kernels {
namespace {

// Runs are short, often a dozen numbers, so that a call of memcpy would cost more than what it
// copies. The last block of each size overlaps the one before it.
template <size_t N, class T>
void copy_blocks(const T* from, T* to, int64_t count) {
  constexpr int64_t block = N;
  for (int64_t i = 0; i + block < count; i += block) std::memcpy(to + i, from + i, N * sizeof(T));
  std::memcpy(to + count - block, from + count - block, N * sizeof(T));
}

template <class T>
[[gnu::always_inline]] inline void copy_run(const T* from, T* to, int64_t count) {
  if (count >= 16) {
    copy_blocks<16>(from, to, count);
  } else if (count >= 8) {
    copy_blocks<8>(from, to, count);
  } else if (count >= 4) {
    copy_blocks<4>(from, to, count);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

}  // namespace

template <class T>
void im2col(const Window& window, const T* images, int64_t channels, int64_t begin, int64_t end,
            T* columns, int64_t leading) {
  const int64_t elements = product(window.kernel), image = product(window.image);
  const int64_t stride = window.stride[2];
  for (int64_t k = 0; k < elements; ++k) {
    const Element element(window, k);
    for (int64_t channel = 0; channel < channels; ++channel) {
      const T* from = images + channel * image;
      T* to = columns + (channel * elements + k) * leading - begin;
      int64_t done = begin;
      for_each_run(window, element, begin, end, [&](int64_t at, int64_t first, int64_t count) {
        std::fill(to + done, to + at, T{0});
        done = at + count;
        if (stride == 1) {
          copy_run(from + first, to + at, count);
        } else {
          for (int64_t i = 0; i < count; ++i) to[at + i] = from[first + i * stride];
        }
      });
      std::fill(to + done, to + end, T{0});
    }
  }
}

template <class T>
void col2im(const Window& window, const T* columns, int64_t leading, int64_t channels,
            int64_t begin, int64_t end, T* images) {
  const int64_t elements = product(window.kernel), image = product(window.image);
  const int64_t stride = window.stride[2];
  for (int64_t k = 0; k < elements; ++k) {
    const Element element(window, k);
    for (int64_t channel = 0; channel < channels; ++channel) {
      T* to = images + channel * image;
      const T* from = columns + (channel * elements + k) * leading - begin;
      for_each_run(window, element, begin, end, [&](int64_t at, int64_t first, int64_t count) {
        if (stride == 1) {
#pragma GCC ivdep
          for (int64_t i = 0; i < count; ++i) to[first + i] += from[at + i];
        } else {
          for (int64_t i = 0; i < count; ++i) to[first + i * stride] += from[at + i];
        }
      });
    }
  }
}

template void im2col(const Window&, const float*, int64_t, int64_t, int64_t, float*, int64_t);
template void im2col(const Window&, const double*, int64_t, int64_t, int64_t, double*, int64_t);
template void col2im(const Window&, const float*, int64_t, int64_t, int64_t, int64_t, float*);
template void col2im(const Window&, const double*, int64_t, int64_t, int64_t, int64_t, double*);

Array unfold(const Array& x, const Window& window) {
  const int64_t elements = product(window.kernel), positions = product(window.positions);
  const int64_t batch = x.size(0), channels = x.size(1);
  Array y = Array::empty({batch, channels * elements, positions}, x.dtype());
  if (y.numel() == 0) return y;
  dispatch_float(x.dtype(), "unfold", [&]<class T>(TypeTag<T>) {
    const Array images = contiguous(x);
    parallel_for(batch * channels, [&](int64_t plane) {
      im2col(window, images.data<T>() + plane * product(window.image), 1, 0, positions,
             y.data<T>() + plane * elements * positions, positions);
    });
  });
  return y;
}

Array fold(const Array& columns, const Window& window) {
  const int64_t elements = product(window.kernel), positions = product(window.positions);
  const int64_t batch = columns.size(0), channels = columns.size(1) / elements;
  Array y = Array::full({batch, channels, window.image[1], window.image[2]}, 0, columns.dtype());
  if (y.numel() == 0) return y;
  dispatch_float(columns.dtype(), "fold", [&]<class T>(TypeTag<T>) {
    const Array rows = contiguous(columns);
    parallel_for(batch * channels, [&](int64_t plane) {
      col2im(window, rows.data<T>() + plane * elements * positions, positions, 1, 0, positions,
             y.data<T>() + plane * product(window.image));
    });
  });
  return y;
}

}  // namespace reel::kernels
