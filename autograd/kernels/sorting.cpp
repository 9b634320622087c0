// Slices are sorted one by one as lists of keys and places. A key is an unsigned integer that rises
// with the value; NaN has the largest, and in descending order all bits are turned over. Thus items
// differ always, and equal values stay in the order of their places.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/sorting.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <compare>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

namespace reel::kernels {
namespace {

template <class T>
bool is_nan(T value) {
  return value != value;
}

template <class T>
using KeyOf = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T>
KeyOf<T> key_of(T value) {
  using Key = KeyOf<T>;
  constexpr Key sign = Key{1} << (8 * sizeof(Key) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return ~Key{0};
    const Key bits = std::bit_cast<Key>(value + T{0});  // of -0 as of 0
    return bits & sign ? ~bits : bits | sign;
  } else {
    return static_cast<Key>(value) ^ sign;
  }
}

template <class Key>
struct Item {
  Key key;
  uint32_t place;
  auto operator<=>(const Item&) const = default;
};

// One slice as a list, and room to sort it.
template <class Key>
class Slice {
 public:
  template <class T>
  void load(const T* x, int64_t size, int64_t step, bool descending) {
    items_.resize(static_cast<size_t>(size));
    const Key turn = descending ? ~Key{0} : Key{0};
    for (int64_t i = 0; i < size; ++i)
      items_[static_cast<size_t>(i)] = {key_of(x[i * step]) ^ turn, static_cast<uint32_t>(i)};
  }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  void store(int64_t count, int64_t* to, int64_t step) const {
    for (int64_t i = 0; i < count; ++i) to[i * step] = items_[static_cast<size_t>(i)].place;
  }
  void sort() {
    constexpr size_t kLong = 512;
    if (items_.size() < kLong)
      std::sort(items_.begin(), items_.end());
    else
      sort_by_digits();
  }

 private:
  static constexpr size_t kDigits = sizeof(Key), kValues = 256;
  static size_t digit(Key key, size_t d) { return key >> (8 * d) & (kValues - 1); }

  // By one byte of the keys after the other, the lowest first; bytes that are all the same are left
  // out. Each pass keeps what it finds equal in order.
  void sort_by_digits() {
    std::array<std::array<size_t, kValues>, kDigits> counts{};
    for (const Item<Key>& item : items_) {
      for (size_t d = 0; d < kDigits; ++d) ++counts[d][digit(item.key, d)];
    }
    spare_.resize(items_.size());
    for (size_t d = 0; d < kDigits; ++d) {
      std::array<size_t, kValues>& next = counts[d];
      if (next[digit(items_[0].key, d)] == items_.size()) continue;
      size_t start = 0;
      for (size_t& count : next) start += std::exchange(count, start);
      for (const Item<Key>& item : items_) spare_[next[digit(item.key, d)]++] = item;
      items_.swap(spare_);
    }
  }

  std::vector<Item<Key>> items_, spare_;
};

// Calls f(slice, to, step) for every slice along `dim`; `to` points to its places in the result,
// which has `count` of them along `dim`.
template <class F>
Array for_each_slice(const Array& given, int dim, int64_t count, bool descending, F f) {
  const Array x = contiguous(given);
  Shape shape = x.shape();
  int64_t slices = 1, inner = 1;
  for (int d = 0; d < x.rank(); ++d) {
    if (d != dim) slices *= x.size(d);
    if (d > dim) inner *= x.size(d);
  }
  const int64_t size = x.rank() == 0 ? 1 : x.size(dim);
  check(size <= std::numeric_limits<uint32_t>::max(),
        "sort: at most 2^32 - 1 elements can be sorted along a dim, got {}", size);
  if (x.rank() > 0) shape[dim] = count;
  Array y = Array::empty(shape, kInt64);
  if (y.numel() == 0) return y;
  constexpr int64_t kBlock = 1 << 14;  // elements
  const int64_t per_block = std::max<int64_t>(1, kBlock / size);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    parallel_for((slices + per_block - 1) / per_block, [&](int64_t block) {
      Slice<KeyOf<T>> slice;
      const int64_t last = std::min(slices, (block + 1) * per_block);
      for (int64_t i = block * per_block; i < last; ++i) {
        const int64_t outer = i / inner, offset = i % inner;
        slice.load(x.data<T>() + outer * size * inner + offset, size, inner, descending);
        f(slice, y.data<int64_t>() + outer * count * inner + offset, inner);
      }
    });
  });
  return y;
}

}  // namespace

Array argsort(const Array& x, int dim, bool descending) {
  const int64_t size = x.rank() == 0 ? 1 : x.size(dim);
  return for_each_slice(x, dim, size, descending, [&](auto& slice, int64_t* to, int64_t step) {
    slice.sort();
    slice.store(size, to, step);
  });
}

Array topk(const Array& x, int dim, int64_t k, bool largest) {
  return for_each_slice(x, dim, k, largest, [&](auto& slice, int64_t* to, int64_t step) {
    const auto middle = slice.begin() + k;
    if (k < (slice.end() - slice.begin()) / 64) {  // a heap of few is passed by quickly
      std::partial_sort(slice.begin(), middle, slice.end());
    } else {
      if (middle < slice.end()) std::nth_element(slice.begin(), middle, slice.end());
      std::sort(slice.begin(), middle);
    }
    slice.store(k, to, step);
  });
}

Array kth(const Array& x, int dim, int64_t k) {
  return for_each_slice(x, dim, 1, false, [&](auto& slice, int64_t* to, int64_t) {
    std::nth_element(slice.begin(), slice.begin() + k, slice.end());
    *to = (slice.begin() + k)->place;
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
