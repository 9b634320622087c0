#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/im2col.h>
#include <reel/autograd/kernels/parallel.h>

#include <cstring>

namespace reel::kernels {
namespace {

template <size_t N, class T>
void copy_pieces(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t rows,
                 int64_t count) {
  constexpr int64_t piece = N;
  const int64_t last = count - piece;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < last; i += piece) std::memcpy(to + i, from + i, N * sizeof(T));
    std::memcpy(to + last, from + last, N * sizeof(T));
    from += from_step;
    to += to_step;
  }
}

template <class T>
void copy_block(const T* from, T* to, const Block& block, int64_t stride) {
  if (stride == 1)
    return copy_rows(from, block.image_step, to, block.position_step, block.rows, block.count);
  for (int64_t row = 0; row < block.rows; ++row) {
    for (int64_t i = 0; i < block.count; ++i) to[i] = from[i * stride];
    from += block.image_step;
    to += block.position_step;
  }
}

// Between the rows of a block; there are but a few zeros in a row.
template <class T>
void clear_gaps(T* to, const Block& block) {
  for (int64_t i = block.count; i < block.position_step; ++i) {
    for (int64_t row = 0; row < block.rows - 1; ++row) to[row * block.position_step + i] = T{0};
  }
}

template <class T>
void add_block(const T* from, T* to, const Block& block, int64_t stride) {
  for (int64_t row = 0; row < block.rows; ++row) {
    if (stride == 1) {
#pragma GCC ivdep
      for (int64_t i = 0; i < block.count; ++i) to[i] += from[i];
    } else {
      for (int64_t i = 0; i < block.count; ++i) to[i * stride] += from[i];
    }
    from += block.position_step;
    to += block.image_step;
  }
}

}  // namespace

template <class T>
void copy_rows(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t rows,
               int64_t count) {
  if (count >= 16) return copy_pieces<16>(from, from_step, to, to_step, rows, count);
  if (count >= 8) return copy_pieces<8>(from, from_step, to, to_step, rows, count);
  if (count >= 4) return copy_pieces<4>(from, from_step, to, to_step, rows, count);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < count; ++i) to[row * to_step + i] = from[row * from_step + i];
  }
}

template <class T>
void im2col(const Window& window, const T* images, int64_t channels, int64_t begin, int64_t end,
            T* columns, int64_t leading) {
  const int64_t elements = product(window.kernel), image = product(window.image);
  for (int64_t k = 0; k < elements; ++k) {
    const Element element(window, k);
    for (int64_t channel = 0; channel < channels; ++channel) {
      T* to = columns + (channel * elements + k) * leading - begin;
      int64_t done = begin;
      for_each_block(window, element, begin, end, [&](const Block& block) {
        std::fill(to + done, to + block.position, T{0});
        copy_block(images + channel * image + block.image, to + block.position, block,
                   window.stride[2]);
        clear_gaps(to + block.position, block);
        done = block.position + (block.rows - 1) * block.position_step + block.count;
      });
      std::fill(to + done, to + end, T{0});
    }
  }
}

template <class T>
void col2im(const Window& window, const T* columns, int64_t leading, int64_t channels,
            int64_t begin, int64_t end, T* images) {
  const int64_t elements = product(window.kernel), image = product(window.image);
  for (int64_t k = 0; k < elements; ++k) {
    const Element element(window, k);
    for (int64_t channel = 0; channel < channels; ++channel) {
      const T* from = columns + (channel * elements + k) * leading - begin;
      for_each_block(window, element, begin, end, [&](const Block& block) {
        add_block(from + block.position, images + channel * image + block.image, block,
                  window.stride[2]);
      });
    }
  }
}

template void copy_rows(const float*, int64_t, float*, int64_t, int64_t, int64_t);
template void copy_rows(const double*, int64_t, double*, int64_t, int64_t, int64_t);
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
