#include <reel/autograd/kernels/order.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <vector>

#include <reel/autograd/kernels/rows.h>

namespace reel::kernels {
namespace {

constexpr int64_t kElements = 16384;  // that make a block worth a thread's while

template <class T>
struct Line {
  const T* x;
  int64_t n, step;
  T operator[](int64_t i) const { return x[i * step]; }
};

template <class T>
struct Choice {
  T value;
  int64_t place;
};

template <class T>
bool is_nan(T x) {
  return x != x;
}

// Calls choose(line, buffer) for each line along `dim` and puts together what it chooses. The
// buffer, of as many elements, holds what the line before has left.
template <class T, class Element, class Choose>
Picked choose_along(const Array& x, int dim, const Choose& choose) {
  Shape result = x.shape();
  const int64_t n = x.rank() == 0 ? 1 : x.size(dim), step = x.rank() == 0 ? 1 : x.strides()[dim];
  if (x.rank() > 0) result[dim] = 1;
  Picked y{Array::empty(result, x.dtype()), Array::empty(result, kInt64)};
  std::vector<int64_t> starts;
  starts.reserve(static_cast<size_t>(result.numel()));
  for_each_row<1>(result, {x.strides()}, [&](int64_t rows, const auto& at, const auto& stride) {
    for (int64_t i = 0; i < rows; ++i) starts.push_back(at[0] + i * stride[0]);
  });
  const int64_t lines = result.numel(), per_block = std::max<int64_t>(1, kElements / n);
  parallel_for((lines + per_block - 1) / per_block, [&](int64_t block) {
    std::vector<Element> buffer(static_cast<size_t>(n));
    for (int64_t i = block * per_block; i < std::min(lines, (block + 1) * per_block); ++i) {
      const Line<T> line{x.data<T>() + starts[static_cast<size_t>(i)], n, step};
      const Choice<T> choice = choose(line, buffer.data());
      y.values.data<T>()[i] = choice.value;
      y.indices.data<int64_t>()[i] = choice.place;
    }
  });
  return y;
}

// Of equal numbers the one in front is the smaller: then there is one order.
template <class T>
bool before(const Choice<T>& a, const Choice<T>& b) {
  if (a.value < b.value || b.value < a.value) return a.value < b.value;
  if (is_nan(a.value) != is_nan(b.value)) return is_nan(b.value);
  return a.place < b.place;
}

template <class T>
Choice<T> median_of(const Line<T>& line, T* buffer, bool ignore_nan) {
  int64_t count = 0, place = 0;
  for (int64_t i = 0; i < line.n; ++i) {
    if (!is_nan(line[i]))
      buffer[count++] = line[i];
    else if (!ignore_nan)
      return {line[i], i};
  }
  if (count == 0) return {line[0], 0};
  T* middle = buffer + (count - 1) / 2;
  std::nth_element(buffer, middle, buffer + count);
  while (line[place] != *middle) ++place;
  return {line[place], place};
}

template <class T>
Choice<T> mode_of(const Line<T>& line, Choice<T>* buffer) {
  for (int64_t i = 0; i < line.n; ++i) buffer[i] = {line[i], i};
  std::sort(buffer, buffer + line.n, before<T>);
  Choice<T> best = buffer[0];
  int64_t most = 0;
  for (int64_t i = 0, first = 0; i < line.n; ++i) {
    if (i + 1 < line.n && buffer[i].value == buffer[i + 1].value) continue;
    if (i + 1 - first > most) {
      most = i + 1 - first;
      best = buffer[i];
    }
    first = i + 1;
  }
  return best;
}

}  // namespace

Picked median(const char* op, const Array& x, int dim, bool ignore_nan) {
  return dispatch_number(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    return choose_along<T, T>(x, dim, [=](const Line<T>& line, T* buffer) {
      return median_of(line, buffer, ignore_nan);
    });
  });
}

Picked mode(const Array& x, int dim) {
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    return choose_along<T, Choice<T>>(
        x, dim, [](const Line<T>& line, Choice<T>* buffer) { return mode_of(line, buffer); });
  });
}

}  // namespace reel::kernels
