#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/embedding.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace reel::kernels {

void add_rows(const Array& table, const Array& given_index, const Array& given_rows, int64_t skip) {
  const Array index = contiguous(given_index), rows = contiguous(given_rows);
  const int64_t n = index.numel(), width = table.size(1);
  const int64_t* at = index.data<int64_t>();
  // Threads take columns, so that each number is summed in the order of the index.
  constexpr int64_t kColumns = 64, kSmall = 1 << 15;
  const int64_t columns = n * width <= kSmall ? std::max<int64_t>(width, 1) : kColumns;
  dispatch_float(table.dtype(), "embedding", [&]<class T>(TypeTag<T>) {
    parallel_for((width + columns - 1) / columns, [&](int64_t block) {
      const int64_t first = block * columns, count = std::min(columns, width - first);
      for (int64_t i = 0; i < n; ++i) {
        if (at[i] == skip) continue;
        const T* from = rows.data<T>() + i * width + first;
        T* to = table.data<T>() + at[i] * width + first;
#pragma GCC ivdep
        for (int64_t j = 0; j < count; ++j) to[j] += from[j];
      }
    });
  });
}

void renorm_rows(const Array& table, const Array& given_index, double max_norm, double norm_type) {
  const Array index = contiguous(given_index);
  std::vector<int64_t> used(index.data<int64_t>(), index.data<int64_t>() + index.numel());
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  const int64_t width = table.size(1), step = table.strides()[1];
  dispatch_float(table.dtype(), "embedding", [&]<class T>(TypeTag<T>) {
    for (int64_t row : used) {
      T* x = table.data<T>() + row * table.strides()[0];
      double norm = 0;
      for (int64_t j = 0; j < width; ++j) {
        const double size = std::fabs(static_cast<double>(x[j * step]));
        if (std::isinf(norm_type))
          norm = std::max(norm, size);
        else
          norm += std::pow(size, norm_type);
      }
      if (!std::isinf(norm_type)) norm = std::pow(norm, 1 / norm_type);
      if (norm <= max_norm) continue;
      const T factor = static_cast<T>(max_norm / (norm + 1e-7));
      for (int64_t j = 0; j < width; ++j) x[j * step] *= factor;
    }
  });
}

Array largest_rows(const Array& given_table, const Array& given_index, const Array& given_ends,
                   int64_t skip) {
  const Array table = contiguous(given_table), index = contiguous(given_index);
  const Array ends = contiguous(given_ends);
  const int64_t width = table.size(1), bags = ends.numel();
  Array places = Array::full({bags, width}, -1, kInt64);
  dispatch_float(table.dtype(), "embedding_bag", [&]<class T>(TypeTag<T>) {
    const T* x = table.data<T>();
    int64_t begin = 0;
    for (int64_t b = 0; b < bags; ++b) {
      int64_t* best = places.data<int64_t>() + b * width;
      const int64_t end = ends.data<int64_t>()[b];
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = index.data<int64_t>()[i];
        if (row == skip) continue;
        for (int64_t j = 0; j < width; ++j) {
          if (best[j] < 0 || x[row * width + j] > x[best[j] * width + j]) best[j] = row;
        }
      }
      begin = end;
    }
  });
  return places;
}

}  // namespace reel::kernels
