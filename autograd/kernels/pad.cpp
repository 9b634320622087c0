#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/pad.h>

#include <algorithm>

namespace reel::kernels {
namespace {

int dim_of_pad(const Shape& shape, int k) { return shape.rank() - 1 - k; }

// Where each place along one padded dim comes from.
std::vector<int64_t> sources(int64_t size, int64_t before, int64_t after, PadMode mode) {
  const int64_t cut = std::max<int64_t>(-before, 0);
  const int64_t kept = size - cut - std::max<int64_t>(-after, 0);
  std::vector<int64_t> from;
  for (int64_t i = -before; i < size + after; ++i) {
    if (mode == PadMode::Reflect)
      from.push_back(i < 0 ? -i : i < size ? i : 2 * (size - 1) - i);
    else if (mode == PadMode::Replicate)
      from.push_back(std::clamp<int64_t>(i, 0, size - 1));
    else  // it goes on with what is left after cutting
      from.push_back(i < cut ? i + kept : i < cut + kept ? i : i - kept);
  }
  return from;
}

// Calls row(offset in y, offset in x) for each row along the last dim of three padded dims.
template <class Row>
void for_each_padded_row(const Shape& shape, const Shape& y, const Shape& pads, PadMode mode,
                         Row&& row) {
  std::vector<int64_t> from[2];  // of the second and third dim from the end
  int64_t sizes[2] = {1, 1}, padded[2] = {1, 1};
  for (int k = 1; k < 3; ++k) {
    const int dim = dim_of_pad(shape, k);
    const bool pads_it = 2 * k < pads.rank();
    from[k - 1] = {0};
    if (!pads_it) continue;
    sizes[k - 1] = shape[dim];
    padded[k - 1] = y[dim];
    from[k - 1] = sources(shape[dim], pads[2 * k], pads[2 * k + 1], mode);
  }
  int64_t outer = 1;
  for (int i = 0; i < shape.rank() - pads.rank() / 2; ++i) outer *= shape[i];
  const int64_t width = shape.back(), y_width = y.back();
  int64_t to = 0;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < padded[1]; ++i) {
      for (int64_t j = 0; j < padded[0]; ++j, to += y_width) {
        const int64_t plane = o * sizes[1] + from[1][static_cast<size_t>(i)];
        row(to, (plane * sizes[0] + from[0][static_cast<size_t>(j)]) * width);
      }
    }
  }
}

// The run of places of a padded row that x itself lies on.
struct Run {
  int64_t to, from, count;
  Run(int64_t size, int64_t before, int64_t after)
      : to(std::max<int64_t>(before, 0)),
        from(std::max<int64_t>(-before, 0)),
        count(size - from - std::max<int64_t>(-after, 0)) {}
};

}  // namespace

Shape padded_shape(const Shape& shape, const Shape& pads) {
  Shape y = shape;
  for (int k = 0; k < pads.rank() / 2; ++k)
    y[dim_of_pad(shape, k)] += pads[2 * k] + pads[2 * k + 1];
  return y;
}

Array pad_constant(const Array& x, const Shape& pads, Scalar value) {
  const Shape shape = padded_shape(x.shape(), pads);
  const Array y = Array::full(shape, value, x.dtype());
  Shape part = x.shape();
  int64_t from = 0, to = 0;
  for (int k = 0; k < pads.rank() / 2; ++k) {
    const int dim = dim_of_pad(shape, k);
    const Run run(x.size(dim), pads[2 * k], pads[2 * k + 1]);
    part[dim] = run.count;
    from += run.from * x.strides()[dim];
    to += run.to * y.strides()[dim];
  }
  if (part.numel() > 0) copy(x.view(part, x.strides(), from), y.view(part, y.strides(), to));
  return y;
}

Array pad_edges(const Array& given, const Shape& pads, PadMode mode) {
  const Array x = contiguous(given);
  Array y = Array::empty(padded_shape(x.shape(), pads), x.dtype());
  const std::vector<int64_t> last = sources(x.shape().back(), pads[0], pads[1], mode);
  const Run run(x.shape().back(), pads[0], pads[1]);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    for_each_padded_row(x.shape(), y.shape(), pads, mode, [&](int64_t to_row, int64_t from_row) {
      T* to = y.data<T>() + to_row;
      const T* from = x.data<T>() + from_row;
      const auto pick = [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) to[i] = from[last[i]];
      };
      pick(0, static_cast<size_t>(run.to));
      std::copy_n(from + run.from, run.count, to + run.to);
      pick(static_cast<size_t>(run.to + run.count), last.size());
    });
  });
  return y;
}

Array pad_edges_backward(const Array& given, const Shape& shape, const Shape& pads, PadMode mode) {
  const Array g = contiguous(given);
  Array y = Array::full(shape, 0, g.dtype());
  const std::vector<int64_t> last = sources(shape.back(), pads[0], pads[1], mode);
  const Run run(shape.back(), pads[0], pads[1]);
  dispatch_float(g.dtype(), "pad", [&]<class T>(TypeTag<T>) {
    for_each_padded_row(shape, g.shape(), pads, mode, [&](int64_t from_row, int64_t to_row) {
      const T* from = g.data<T>() + from_row;
      T* to = y.data<T>() + to_row;
      const auto put = [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) to[last[i]] += from[i];
      };
      put(0, static_cast<size_t>(run.to));
      for (int64_t i = 0; i < run.count; ++i) to[run.from + i] += from[run.to + i];
      put(static_cast<size_t>(run.to + run.count), last.size());
    });
  });
  return y;
}

}  // namespace reel::kernels
