#include <reel/autograd/kernels/extremum.h>
#include <reel/autograd/kernels/reduce.h>
#include <reel/autograd/kernels/reduction.h>

namespace reel::kernels {
namespace {

// ---- values --------------------------------------------------------------------------------------------------

template <class T>
struct Value {
  T value;
};

template <class T, class Better>
struct Best {
  using Total = Value<T>;
  static constexpr Better better = {};

  Total row(int64_t n, const T* x, int64_t) const { return {best_of_row(n, x, better)}; }
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t,
               Total* totals) const {
    alignas(64) T best[kTileColumns];
    std::copy_n(x, columns, best);
    for (int64_t i = 1; i < rows; ++i) {
      const T* row = x + i * step;
      int64_t j = 0;
      if constexpr (std::is_floating_point_v<T>) {
        using Batch = xsimd::batch<T>;
        for (; j + width_of<T> <= columns; j += width_of<T>) {
          better_of(Batch::load_unaligned(row + j), Batch::load_aligned(best + j), better)
              .store_aligned(best + j);
        }
      }
      for (; j < columns; ++j) best[j] = better_of(row[j], best[j], better);
    }
    for (int64_t j = 0; j < columns; ++j) totals[j].value = best[j];
  }
  void merge(Total& total, const Total& later) const {
    total.value = better_of(later.value, total.value, better);
  }
};

// ---- and places ----------------------------------------------------------------------------------------------

// The first place of `value`, which is in the row.
template <class T>
int64_t place_in_row(int64_t n, const T* x, T value) {
  int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    using Batch = xsimd::batch<T>;
    const Batch wanted(value);
    while (i + width_of<T> <= n && !xsimd::any(Batch::load_unaligned(x + i) == wanted))
      i += width_of<T>;
    if (is_nan(value)) i = 0;
  }
  while (x[i] != value && !(is_nan(value) && is_nan(x[i]))) ++i;
  return i;
}

template <class T>
struct Placed {
  T value;
  int64_t place;
};

template <class T, class Better>
struct BestPlace {
  using Total = Placed<T>;
  static constexpr Better better = {};

  Total row(int64_t n, const T* x, int64_t first) const {
    const T best = best_of_row(n, x, better);
    return {best, first + place_in_row(n, x, best)};
  }
  // Places are counted in the tile, by numbers of the values' width: they are small enough for a
  // float.
  void columns(int64_t rows, int64_t columns, int64_t step, const T* x, int64_t first,
               Total* totals) const {
    using Place = std::conditional_t<std::is_floating_point_v<T>, T, int32_t>;
    alignas(64) T best[kTileColumns];
    alignas(64) Place places[kTileColumns] = {};
    std::copy_n(x, columns, best);
    for (int64_t i = 1; i < rows; ++i) {
      const T* row = x + i * step;
      int64_t j = 0;
      if constexpr (std::is_floating_point_v<T>) {
        using Batch = xsimd::batch<T>;
        const Batch here(static_cast<T>(i));
        for (; j + width_of<T> <= columns; j += width_of<T>) {
          const Batch value = Batch::load_unaligned(row + j),
                      before = Batch::load_aligned(best + j);
          const auto wins = better(value, before) | (xsimd::isnan(value) & !xsimd::isnan(before));
          xsimd::select(wins, value, before).store_aligned(best + j);
          xsimd::select(wins, here, Batch::load_aligned(places + j)).store_aligned(places + j);
        }
      }
      for (; j < columns; ++j) {
        if (!wins(row[j], best[j])) continue;
        best[j] = row[j];
        places[j] = static_cast<Place>(i);
      }
    }
    for (int64_t j = 0; j < columns; ++j)
      totals[j] = {best[j], first + static_cast<int64_t>(places[j])};
  }
  void merge(Total& total, const Total& later) const {
    if (wins(later.value, total.value)) total = later;
  }
  static bool wins(T value, T best) {
    return better(value, best) || (is_nan(value) && !is_nan(best));
  }
};

template <class Better>
Array best(const Array& x, uint64_t dims, const Shape& result) {
  Array y = Array::empty(result, x.dtype());
  if (x.numel() == 0) return y;
  const Arranged a = arrange(x, dims);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    reduce<T>(a, Best<T, Better>{},
              [&](int64_t at, const Value<T>& total) { y.data<T>()[at] = total.value; });
  });
  return y;
}

template <class Better>
Picked best_with_index(const Array& x, uint64_t dims, const Shape& result) {
  Picked y{Array::empty(result, x.dtype()), Array::empty(result, kInt64)};
  if (x.numel() == 0) return y;
  const Arranged a = arrange(x, dims, true);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    reduce<T>(a, BestPlace<T, Better>{}, [&](int64_t at, const Placed<T>& total) {
      y.values.data<T>()[at] = total.value;
      y.indices.data<int64_t>()[at] = total.place;
    });
  });
  return y;
}

}  // namespace

Array amax(const Array& x, uint64_t dims, const Shape& result) {
  return best<Larger>(x, dims, result);
}
Array amin(const Array& x, uint64_t dims, const Shape& result) {
  return best<Smaller>(x, dims, result);
}

Picked max_with_index(const Array& x, uint64_t dims, const Shape& result) {
  return best_with_index<Larger>(x, dims, result);
}
Picked min_with_index(const Array& x, uint64_t dims, const Shape& result) {
  return best_with_index<Smaller>(x, dims, result);
}

}  // namespace reel::kernels
