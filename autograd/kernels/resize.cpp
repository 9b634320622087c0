#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/resize.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace reel::kernels {

// ---- maps ------------------------------------------------------------------------------------------------

void AxisMap::add_sum(int64_t begin, int64_t count, double divisor) {
  if (static_cast<size_t>(count) > weights.size()) weights.resize(static_cast<size_t>(count), 1.0);
  runs.push_back({begin, count, 0, divisor});
}

void AxisMap::add_clamped(int64_t begin, std::span<const double> given) {
  sums = false;
  const int64_t count = static_cast<int64_t>(given.size());
  const int64_t first = std::clamp<int64_t>(begin, 0, size - 1);
  const int64_t last = std::clamp<int64_t>(begin + count - 1, 0, size - 1);
  const int64_t weight = static_cast<int64_t>(weights.size());
  weights.resize(weights.size() + static_cast<size_t>(last - first + 1), 0.0);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = std::clamp<int64_t>(begin + i, 0, size - 1) - first;
    weights[static_cast<size_t>(weight + place)] += given[static_cast<size_t>(i)];
  }
  runs.push_back({first, last - first + 1, weight, 1});
}

bool AxisMap::is_identity() const {
  if (!sums || static_cast<int64_t>(runs.size()) != size) return false;
  for (int64_t i = 0; i < size; ++i) {
    const Run& run = runs[static_cast<size_t>(i)];
    if (run.begin != i || run.count != 1 || run.divisor != 1) return false;
  }
  return true;
}

AxisMap transposed(const AxisMap& map) {
  AxisMap result;
  const size_t count = map.runs.size();
  result.size = static_cast<int64_t>(count);
  result.sums = false;
  result.runs.reserve(static_cast<size_t>(map.size));
  // The weights of sums depend on the run alone, so that all elements share them.
  for (size_t i = 0; map.sums && i < count; ++i) result.weights.push_back(1 / map.runs[i].divisor);
  size_t first = 0, last = 0;  // the runs that reach element j
  for (int64_t j = 0; j < map.size; ++j) {
    while (first < count && map.runs[first].end() <= j) ++first;
    last = std::max(first, last);
    while (last < count && map.runs[last].begin <= j) ++last;
    const size_t weight = map.sums ? first : result.weights.size();
    result.runs.push_back({static_cast<int64_t>(first), static_cast<int64_t>(last - first),
                           static_cast<int64_t>(weight), 1});
    for (size_t i = first; !map.sums && i < last; ++i) {
      const AxisMap::Run& run = map.runs[i];
      result.weights.push_back(map.weights[static_cast<size_t>(run.weight + j - run.begin)]);
    }
  }
  return result;
}

// ---- their application -----------------------------------------------------------------------------------

namespace {

constexpr int64_t kChunk = 256;
constexpr int64_t kBlock = 1 << 15;  // multiplications, about
constexpr int64_t kFew = 4;          // terms that are summed in the tensor's own dtype

// One row of the output, `width` elements that have the same weights. Many terms are summed in
// double, without a rounding at each.
template <class T, class Sum>
void map_row(const T* x, T* y, int64_t width, const AxisMap::Run& run, const double* weights) {
  if (run.count == 1 && weights[0] == 1) {
    std::copy_n(x, width, y);
  } else if (run.count == 2) {
    const Sum first = static_cast<Sum>(weights[0]), second = static_cast<Sum>(weights[1]);
    for (int64_t i = 0; i < width; ++i)
      y[i] =
          static_cast<T>(first * static_cast<Sum>(x[i]) + second * static_cast<Sum>(x[width + i]));
  } else {
    Sum sums[kChunk];
    for (int64_t begin = 0; begin < width; begin += kChunk) {
      const int64_t n = std::min(kChunk, width - begin);
      std::fill_n(sums, n, Sum(0));
      for (int64_t k = 0; k < run.count; ++k) {
        const Sum weight = static_cast<Sum>(weights[k]);
        const T* row = x + k * width + begin;
        for (int64_t i = 0; i < n; ++i) sums[i] += weight * static_cast<Sum>(row[i]);
      }
      for (int64_t i = 0; i < n; ++i) y[begin + i] = static_cast<T>(sums[i]);
    }
  }
  if (run.divisor == 1) return;
  const T divisor = static_cast<T>(run.divisor);
  for (int64_t i = 0; i < width; ++i) y[i] /= divisor;
}

// The same where rows have one element: one line after the other.
template <class T, class Sum>
void map_line(const T* x, T* y, const AxisMap& map, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const AxisMap::Run& run = map.runs[static_cast<size_t>(i)];
    const double* weights = map.weights.data() + run.weight;
    const T* from = x + run.begin;
    Sum sum = 0;
    for (int64_t k = 0; k < run.count; ++k)
      sum += static_cast<Sum>(weights[k]) * static_cast<Sum>(from[k]);
    y[i] = run.divisor == 1 ? static_cast<T>(sum)
                            : static_cast<T>(sum / static_cast<Sum>(run.divisor));
  }
}

template <class T, class Sum>
void map_block(const T* x, T* y, int64_t width, const AxisMap& map, int64_t begin, int64_t end) {
  const int64_t count = static_cast<int64_t>(map.runs.size());
  for (int64_t row = begin; row < end;) {
    const int64_t plane = row / count, i = row % count;
    const int64_t until = std::min(count, i + end - row);
    const T* from = x + plane * map.size * width;
    T* to = y + plane * count * width;
    row += until - i;
    if (width == 1) {
      map_line<T, Sum>(from, to, map, i, until);
      continue;
    }
    for (int64_t k = i; k < until; ++k) {
      const AxisMap::Run& run = map.runs[static_cast<size_t>(k)];
      map_row<T, Sum>(from + run.begin * width, to + k * width, width, run,
                      map.weights.data() + run.weight);
    }
  }
}

// x is row-major.
template <class T>
Array map_axis(const Array& x, int dim, const AxisMap& map) {
  Shape shape = x.shape();
  const int64_t count = static_cast<int64_t>(map.runs.size());
  shape[dim] = count;
  Array y = Array::empty(shape, x.dtype());
  int64_t outer = 1, width = 1, reached = 0, most = 0;
  for (int i = 0; i < x.rank(); ++i) (i < dim ? outer : width) *= i == dim ? 1 : x.size(i);
  if (y.numel() == 0) return y;
  for (const AxisMap::Run& run : map.runs) {
    reached += run.count;
    most = std::max(most, run.count);
  }
  const int64_t rows = outer * count, work = std::max<int64_t>(reached / count, 1) * width;
  const int64_t per_block = std::max<int64_t>(kBlock / work, 1);
  const auto map_blocks = [&]<class Sum>(TypeTag<Sum>) {
    parallel_for((rows + per_block - 1) / per_block, [&](int64_t block) {
      map_block<T, Sum>(x.data<T>(), y.data<T>(), width, map, block * per_block,
                        std::min((block + 1) * per_block, rows));
    });
  };
  most <= kFew ? map_blocks(TypeTag<T>()) : map_blocks(TypeTag<double>());
  return y;
}

}  // namespace

Array map_axes(const char* op, const Array& x, const List<AxisMap>& maps) {
  const int axes = static_cast<int>(maps.size());
  return dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    Array y;
    const auto apply = [&](int axis, bool shrinks) {
      const AxisMap& map = maps[static_cast<size_t>(axis)];
      if ((static_cast<int64_t>(map.runs.size()) <= map.size) != shrinks) return;
      if (map.is_identity()) return;
      y = map_axis<T>(y.defined() ? y : contiguous(x), x.rank() - axes + axis, map);
    };
    // Whole rows are quicker than single elements: what shrinks does so before the last dim is
    // mapped, what grows does so after it.
    for (int axis = 0; axis < axes; ++axis) apply(axis, true);
    for (int axis = axes - 1; axis >= 0; --axis) apply(axis, false);
    return y.defined() ? y : clone(x);
  });
}

// ---- interpolation ---------------------------------------------------------------------------------------

namespace {

// The cubic convolution kernel (Keys 1981, equation 4) at distance x.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return a * (((x - 5) * x + 8) * x - 4);
  return 0;
}

double triangle(double x) { return std::max(1 - std::fabs(x), 0.0); }

// How far the source moves where the output moves by one.
double scale_of(const Resizing& how) {
  const double from = static_cast<double>(how.from), to = static_cast<double>(how.to);
  if (how.align_corners) return how.to > 1 ? (from - 1) / (to - 1) : 0;
  return how.scale_factor > 0 ? 1 / how.scale_factor : from / to;
}

// The source of element i in float, where nearby products of the scale round to whole numbers.
int64_t nearest(const Resizing& how, double scale, int64_t i) {
  const double shift = how.mode == Interpolation::NearestExact ? 0.5 : 0;
  const double place = (static_cast<double>(i) + shift) * scale;
  return std::min(static_cast<int64_t>(std::floor(static_cast<float>(place))), how.from - 1);
}

void add_interpolated(AxisMap& map, const Resizing& how, double scale, int64_t i) {
  const bool linear = how.mode == Interpolation::Linear;
  double place = static_cast<double>(i) * scale;
  if (!how.align_corners) place = (static_cast<double>(i) + 0.5) * scale - 0.5;
  if (linear) place = std::max(place, 0.0);
  const int64_t first = std::min(static_cast<int64_t>(std::floor(place)), how.from - 1);
  const double t = std::clamp(place - static_cast<double>(first), 0.0, 1.0);
  if (linear) return map.add_clamped(first, std::array{1 - t, t});
  constexpr double a = -0.75;
  map.add_clamped(first - 1,
                  std::array{cubic(t + 1, a), cubic(t, a), cubic(1 - t, a), cubic(2 - t, a)});
}

// The filter is widened by the scale where the output is smaller, and covers what it reaches.
void add_antialiased(AxisMap& map, const Resizing& how, double scale, int64_t i) {
  const bool linear = how.mode == Interpolation::Linear;
  const double widening = std::max(scale, 1.0), support = (linear ? 1 : 2) * widening;
  const double center = scale * (static_cast<double>(i) + 0.5);
  const int64_t begin =
      std::clamp<int64_t>(static_cast<int64_t>(center - support + 0.5), 0, how.from - 1);
  const int64_t end = std::clamp<int64_t>(static_cast<int64_t>(center + support + 0.5), begin + 1,
                                          std::max(how.from, begin + 1));
  List<double> weights;
  double total = 0;
  for (int64_t j = begin; j < end; ++j) {
    const double distance = (static_cast<double>(j) - center + 0.5) / widening;
    weights.push_back(linear ? triangle(distance) : cubic(distance, -0.5));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  map.add_clamped(begin, weights);
}

}  // namespace

AxisMap resizing_map(const Resizing& how) {
  AxisMap map;
  map.size = how.from;
  map.runs.reserve(static_cast<size_t>(how.to));
  const double scale = scale_of(how);
  for (int64_t i = 0; i < how.to; ++i) {
    if (how.mode == Interpolation::Nearest || how.mode == Interpolation::NearestExact)
      map.add_sum(nearest(how, scale, i), 1, 1);
    else if (how.antialias)
      add_antialiased(map, how, scale, i);
    else
      add_interpolated(map, how, scale, i);
  }
  return map;
}

}  // namespace reel::kernels
