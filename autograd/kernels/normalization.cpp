#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/normalization.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace reel::kernels {
namespace {

// Where the elements of the groups of x [A, B, C] lie. Groups are shared out among threads by
// blocks that depend on the shape alone.
struct Groups {
  explicit Groups(const Array& x) : rows(x.size(0)), groups(x.size(1)), columns(x.size(2)) {}

  int64_t count() const { return rows * columns; }

  // Calls f(first, last) for ranges of groups.
  template <class F>
  void parallel(F f) const {
    const int64_t wanted = std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(count(), 1));
    // Narrow groups lie side by side: a block of them fills whole cache lines.
    const int64_t block = columns == 1 ? std::max<int64_t>(wanted, 64) : wanted;
    const int64_t blocks = (groups + block - 1) / block;
    const auto run = [&](int64_t i) { f(i * block, std::min((i + 1) * block, groups)); };
    if (blocks == 1) return run(0);
    parallel_for(blocks, run);
  }
  // Calls f(group, offset, length) for every run of neighbours in these groups.
  template <class F>
  void runs(int64_t first, int64_t last, F f) const {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t group = first; group < last; ++group)
        f(group, (row * groups + group) * columns, columns);
    }
  }

  int64_t rows, groups, columns;
};

// Eight sums side by side: vectorised, and in double so that long groups lose nothing.
template <class T, class F>
double sum_of(int64_t n, F value) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int64_t k = 0; k < 8; ++k) sums[k] += value(i + k);
  }
  for (; i < n; ++i) sums[i % 8] += value(i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace

Standardized standardize(const Array& x, double eps) {
  return dispatch_float(x.dtype(), "normalization", [&]<class T>(TypeTag<T>) {
    const Groups groups(x);
    Standardized result{Array::empty(x.shape(), x.dtype()), Array::empty(groups.groups, x.dtype()),
                        Array::empty(groups.groups, x.dtype())};
    const T* from = x.data<T>();
    T* to = result.y.data<T>();
    const double count = static_cast<double>(groups.count());
    groups.parallel([&](int64_t first, int64_t last) {
      const auto at = [&](int64_t group) { return static_cast<size_t>(group - first); };
      std::vector<double> mean(at(last)), variance(at(last));
      groups.runs(first, last, [&](int64_t group, int64_t offset, int64_t n) {
        mean[at(group)] += sum_of<T>(n, [&](int64_t i) { return double{from[offset + i]}; });
      });
      for (double& value : mean) value /= count;
      groups.runs(first, last, [&](int64_t group, int64_t offset, int64_t n) {
        const double centre = mean[at(group)];
        variance[at(group)] += sum_of<T>(n, [&](int64_t i) {
          const double distance = from[offset + i] - centre;
          return distance * distance;
        });
      });
      for (int64_t group = first; group < last; ++group) {
        variance[at(group)] /= count;
        result.mean.data<T>()[group] = static_cast<T>(mean[at(group)]);
        result.variance.data<T>()[group] = static_cast<T>(variance[at(group)]);
      }
      groups.runs(first, last, [&](int64_t group, int64_t offset, int64_t n) {
        const T centre = static_cast<T>(mean[at(group)]);
        const T scale = static_cast<T>(1 / std::sqrt(variance[at(group)] + eps));
        for (int64_t i = offset; i < offset + n; ++i) to[i] = (from[i] - centre) * scale;
      });
    });
    return result;
  });
}

Array standardize_backward(const Array& given, const Array& y, const Array& variance, double eps) {
  const Array g = contiguous(given);
  return dispatch_float(y.dtype(), "normalization", [&]<class T>(TypeTag<T>) {
    const Groups groups(y);
    Array result = Array::empty(y.shape(), y.dtype());
    const T *gradient = g.data<T>(), *normal = y.data<T>(), *spread = variance.data<T>();
    T* to = result.data<T>();
    const double count = static_cast<double>(groups.count());
    groups.parallel([&](int64_t first, int64_t last) {
      const auto at = [&](int64_t group) { return static_cast<size_t>(group - first); };
      std::vector<double> mean(at(last)), product(at(last));
      groups.runs(first, last, [&](int64_t group, int64_t offset, int64_t n) {
        mean[at(group)] += sum_of<T>(n, [&](int64_t i) { return double{gradient[offset + i]}; });
        product[at(group)] += sum_of<T>(
            n, [&](int64_t i) { return double{gradient[offset + i]} * normal[offset + i]; });
      });
      groups.runs(first, last, [&](int64_t group, int64_t offset, int64_t n) {
        const T centre = static_cast<T>(mean[at(group)] / count);
        const T slope = static_cast<T>(product[at(group)] / count);
        const T scale = static_cast<T>(1 / std::sqrt(spread[group] + eps));
        for (int64_t i = offset; i < offset + n; ++i)
          to[i] = (gradient[i] - centre - normal[i] * slope) * scale;
      });
    });
    return result;
  });
}

}  // namespace reel::kernels
