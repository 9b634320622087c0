// Slices are sorted one by one as lists of pairs (value, place). NaN is set apart first, so that
// the rest can be compared with <.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/sorting.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace reel::kernels {
namespace {

template <class T>
struct Item {
  T value;
  int64_t place;
};

template <class T>
bool is_nan(T value) {
  return value != value;
}

// Ascending or descending, equal ones by their places.
template <class T>
struct Before {
  bool descending;
  bool operator()(const Item<T>& a, const Item<T>& b) const {
    if (a.value == b.value) return a.place < b.place;
    return descending ? b.value < a.value : a.value < b.value;
  }
};

// A slice as a list: NaN first or last, the numbers between begin and end in the order of places.
template <class T>
struct Slice {
  std::vector<Item<T>> items;
  int64_t begin = 0, end = 0;

  void load(const T* x, int64_t size, int64_t step, bool nan_first) {
    items.clear();
    for (int pass = 0; pass < 2; ++pass) {
      const bool nans = nan_first == (pass == 0);
      if (!nans) begin = static_cast<int64_t>(items.size());
      for (int64_t i = 0; i < size; ++i) {
        if (is_nan(x[i * step]) == nans) items.push_back({x[i * step], i});
      }
      if (!nans) end = static_cast<int64_t>(items.size());
    }
  }
  auto at(int64_t i) { return items.begin() + i; }
};

// Calls f(slice, to, step) for every slice along `dim`; `to` points to its places in the result,
// which has `count` of them along `dim`.
template <class F>
Array for_each_slice(const Array& given, int dim, int64_t count, bool nan_first, F f) {
  const Array x = contiguous(given);
  Shape shape = x.shape();
  int64_t slices = 1, inner = 1;
  for (int d = 0; d < x.rank(); ++d) {
    if (d != dim) slices *= x.size(d);
    if (d > dim) inner *= x.size(d);
  }
  const int64_t size = x.rank() == 0 ? 1 : x.size(dim);
  if (x.rank() > 0) shape[dim] = count;
  Array y = Array::empty(shape, kInt64);
  if (y.numel() == 0) return y;
  constexpr int64_t kBlock = 1 << 14;  // elements
  const int64_t per_block = std::max<int64_t>(1, kBlock / size);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    parallel_for((slices + per_block - 1) / per_block, [&](int64_t block) {
      Slice<T> slice;
      const int64_t last = std::min(slices, (block + 1) * per_block);
      for (int64_t i = block * per_block; i < last; ++i) {
        const int64_t outer = i / inner, offset = i % inner;
        slice.load(x.data<T>() + outer * size * inner + offset, size, inner, nan_first);
        f(slice, y.data<int64_t>() + outer * count * inner + offset, inner);
      }
    });
  });
  return y;
}

template <class T>
void store(Slice<T>& slice, int64_t count, int64_t* to, int64_t step) {
  for (int64_t i = 0; i < count; ++i) to[i * step] = slice.at(i)->place;
}

}  // namespace

Array argsort(const Array& x, int dim, bool descending) {
  const int64_t size = x.rank() == 0 ? 1 : x.size(dim);
  return for_each_slice(
      x, dim, size, descending, [&]<class T>(Slice<T>& slice, int64_t* to, int64_t step) {
        if (descending) {
          std::stable_sort(slice.at(slice.begin), slice.at(slice.end),
                           [](const Item<T>& a, const Item<T>& b) { return b.value < a.value; });
        } else {
          std::stable_sort(slice.at(slice.begin), slice.at(slice.end),
                           [](const Item<T>& a, const Item<T>& b) { return a.value < b.value; });
        }
        store(slice, size, to, step);
      });
}

Array topk(const Array& x, int dim, int64_t k, bool largest) {
  return for_each_slice(x, dim, k, largest,
                        [&]<class T>(Slice<T>& slice, int64_t* to, int64_t step) {
                          const auto middle = std::clamp(k, slice.begin, slice.end);
                          std::partial_sort(slice.at(slice.begin), slice.at(middle),
                                            slice.at(slice.end), Before<T>{largest});
                          store(slice, k, to, step);
                        });
}

Array kth(const Array& x, int dim, int64_t k) {
  return for_each_slice(x, dim, 1, false, [&]<class T>(Slice<T>& slice, int64_t* to, int64_t) {
    if (k < slice.end) {
      std::nth_element(slice.at(slice.begin), slice.at(k), slice.at(slice.end), Before<T>{false});
    }
    *to = slice.at(k)->place;
  });
}

Array argsort_rows(const Array& given) {
  const Array rows = contiguous(given);
  const int64_t n = rows.size(0), m = rows.size(1);
  if (m == 1) return argsort(rows.view({n}, {1}), 0, false);
  Array order = Array::empty({n}, kInt64);
  int64_t* at = order.data<int64_t>();
  std::iota(at, at + n, int64_t{0});
  dispatch_any(rows.dtype(), [&]<class T>(TypeTag<T>) {
    const T* x = rows.data<T>();
    std::stable_sort(at, at + n, [&](int64_t a, int64_t b) {
      for (int64_t j = 0; j < m; ++j) {
        const T p = x[a * m + j], q = x[b * m + j];
        if (p < q || (is_nan(q) && !is_nan(p))) return true;
        if (q < p || is_nan(p)) return false;
      }
      return false;
    });
  });
  return order;
}

Groups group_rows(const Array& given, const Array& order) {
  const Array rows = contiguous(given);
  const int64_t n = rows.size(0), m = rows.size(1);
  const int64_t* at = order.data<int64_t>();
  std::vector<int64_t> first, counts;
  Array inverse = Array::empty({n}, kInt64);
  dispatch_any(rows.dtype(), [&]<class T>(TypeTag<T>) {
    const T* x = rows.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      const T* row = x + at[i] * m;
      if (i == 0 || !std::equal(row, row + m, x + at[i - 1] * m)) {
        first.push_back(at[i]);
        counts.push_back(0);
      }
      ++counts.back();
      inverse.data<int64_t>()[at[i]] = static_cast<int64_t>(first.size()) - 1;
    }
  });
  const auto array_of = [](const std::vector<int64_t>& values) {
    Array array = Array::empty({static_cast<int64_t>(values.size())}, kInt64);
    std::copy(values.begin(), values.end(), array.data<int64_t>());
    return array;
  };
  return {array_of(first), std::move(inverse), array_of(counts)};
}

Array searchsorted(const Array& given_sequence, const Array& given_values, bool right) {
  const Array sequence = contiguous(given_sequence), values = contiguous(given_values);
  Array y = Array::empty(values.shape(), kInt64);
  const int64_t length = sequence.size(sequence.rank() - 1);
  const bool shared = sequence.rank() == 1;
  const int64_t per_row = shared || values.rank() == 0 ? std::max<int64_t>(values.numel(), 1)
                                                       : values.size(values.rank() - 1);
  dispatch_number(values.dtype(), "searchsorted", [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < values.numel(); ++i) {
      const T* row = sequence.data<T>() + (shared ? 0 : i / per_row * length);
      const T value = values.data<T>()[i];
      // Written so that a value that is NaN comes after everything.
      const auto before = [&](T element) {
        return right ? !(element > value) : !(element >= value);
      };
      y.data<int64_t>()[i] = std::partition_point(row, row + length, before) - row;
    }
  });
  return y;
}

}  // namespace reel::kernels
