#pragma once
// The loops over elements, written once: an operation contributes only its formula for one element.

#include <reel/autograd/array.h>
#include <reel/autograd/kernels/parallel.h>

#include <array>

namespace reel::kernels {

/// Arrays of one shape as rows of the longest pieces in which each of them has one stride: dims
/// that lie behind each other in all of them are one.
template <size_t N>
class Rows {
 public:
  // Not inlined: it would stand in every operation.
  [[gnu::noinline]] Rows(const Shape& shape, const std::array<Strides, N>& strides) {
    for (int i = 0; i < shape.rank(); ++i) {
      if (shape[i] == 1) continue;
      bool merges = rank_ > 0;
      for (size_t k = 0; k < N && merges; ++k)
        merges = steps_[k][rank_ - 1] == strides[k][i] * shape[i];
      if (!merges) sizes_[rank_++] = 1;
      sizes_[rank_ - 1] *= shape[i];
      for (size_t k = 0; k < N; ++k) steps_[k][rank_ - 1] = strides[k][i];
    }
    for (int i = 0; i < rank_ - 1; ++i) count_ *= sizes_[i];
    if (rank_ == 0) return;
    length_ = sizes_[rank_ - 1];
    for (size_t k = 0; k < N; ++k) inner_[k] = steps_[k][rank_ - 1];
  }
  int64_t count() const { return count_; }
  int64_t length() const { return length_; }
  const std::array<int64_t, N>& inner() const { return inner_; }
  int rank() const { return rank_; }
  int64_t size(int dim) const { return sizes_[dim]; }
  int64_t step(size_t array, int dim) const { return steps_[array][dim]; }

  /// row(length, offsets, strides), both in elements, for the rows from `first` up to `last`.
  template <class Row>
  void each(int64_t first, int64_t last, Row&& row) const {
    if (length_ == 0) return;
    std::array<int64_t, N> offsets{};
    int64_t index[kMaxRank] = {};
    for (int64_t left = first, dim = rank_ - 2; left > 0; left /= sizes_[dim--]) {
      index[dim] = left % sizes_[dim];
      for (size_t k = 0; k < N; ++k) offsets[k] += index[dim] * steps_[k][dim];
    }
    for (int64_t i = first; i < last; ++i) {
      row(length_, offsets, inner_);
      for (int dim = rank_ - 2; dim >= 0; --dim) {
        for (size_t k = 0; k < N; ++k) offsets[k] += steps_[k][dim];
        if (++index[dim] < sizes_[dim]) break;
        index[dim] = 0;
        for (size_t k = 0; k < N; ++k) offsets[k] -= steps_[k][dim] * sizes_[dim];
      }
    }
  }

 private:
  int64_t sizes_[kMaxRank];
  int64_t steps_[N][kMaxRank];
  int rank_ = 0;
  int64_t count_ = 1, length_ = 1;
  std::array<int64_t, N> inner_{};
};

/// Walks arrays of one shape row by row, in order. Calls row(n, offsets, strides), both in
/// elements.
template <size_t N, class Row>
void for_each_row(const Shape& shape, const std::array<Strides, N>& strides, Row&& row) {
  const Rows<N> rows(shape, strides);
  rows.each(0, rows.count(), row);
}

/// A function of a row, seen through two pointers. It does not own what it refers to.
template <size_t N>
class RowFunction {
 public:
  using Places = std::array<int64_t, N>;
  template <class F>
  explicit RowFunction(const F& f)
      : object_(&f), call_([](const void* object, int64_t n, const Places& at, const Places& step) {
          (*static_cast<const F*>(object))(n, at, step);
        }) {}
  void operator()(int64_t n, const Places& at, const Places& step) const {
    call_(object_, n, at, step);
  }

 private:
  const void* object_;
  void (*call_)(const void*, int64_t, const Places&, const Places&);
};

/// Calls row for all rows, on several threads: in any order, long ones in pieces.
template <size_t N>
[[gnu::noinline]] void walk_rows(const Rows<N>& rows, RowFunction<N> row) {
  if (rows.count() > 1) {
    const int64_t piece = std::max<int64_t>(1, kCheapPiece / std::max<int64_t>(1, rows.length()));
    return for_pieces(rows.count(), piece,
                      [&](int64_t first, int64_t n) { rows.each(first, first + n, row); });
  }
  for_pieces(rows.count() * rows.length(), kCheapPiece, [&](int64_t first, int64_t n) {
    std::array<int64_t, N> offsets = rows.inner();
    for (int64_t& offset : offsets) offset *= first;
    row(n, offsets, rows.inner());
  });
}

/// for_each_row on several threads.
template <size_t N, class Row>
void for_each_row_parallel(const Shape& shape, const std::array<Strides, N>& strides,
                           const Row& row) {
  walk_rows(Rows<N>(shape, strides), RowFunction<N>(row));
}

/// y[i] = f(x[i]) along one row.
template <class T, class R, class F>
void map_row(int64_t n, const T* x, int64_t x_step, R* y, int64_t y_step, F f) {
  if (x_step == 1 && y_step == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * y_step] = f(x[i * x_step]);
  }
}

/// y[i] = f(a[i], b[i]) along one row; a step of 0 repeats a number.
template <class T, class R, class F>
void map_row(int64_t n, const T* a, int64_t a_step, const T* b, int64_t b_step, R* y,
             int64_t y_step, F f) {
  if (y_step == 1 && a_step == 1 && b_step == 1) {
#pragma GCC ivdep
#pragma GCC unroll 4  // so that a row of a thousand ends without a wrong guess (5 % of "add a row")
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  } else if (y_step == 1 && a_step == 1 && b_step == 0) {
    const T value = *b;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], value);
  } else if (y_step == 1 && a_step == 0 && b_step == 1) {
    const T value = *a;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = f(value, b[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * y_step] = f(a[i * a_step], b[i * b_step]);
  }
}

/// map_row as a function of its own: all ways into the loops share one copy of them, which would
/// otherwise stand in the library five times for each operation and type.
template <class F, class... Row>
[[gnu::noinline]] void map_row_apart(F f, Row... row) {
  map_row(row..., f);
}

/// Elementwise f of x, whose elements are T, into an array of R of its shape.
template <class T, class R = T, class F>
void map_into(const Array& x, F f, const Array& y) {
  if (x.is_contiguous() && y.is_contiguous()) {
    const int64_t count = x.numel();
    const T* from = x.data<T>();
    R* to = y.data<R>();
    if (count == 1) {
      *to = f(*from);
    } else {
      for_pieces(count, kCheapPiece, [from, to, f](int64_t i, int64_t n) {
        map_row_apart(f, n, from + i, int64_t{1}, to + i, int64_t{1});
      });
    }
    return;
  }
  for_each_row_parallel<2>(
      x.shape(), {x.strides(), y.strides()}, [&](int64_t n, const auto& at, const auto& step) {
        map_row_apart(f, n, x.data<T>() + at[0], step[0], y.data<R>() + at[1], step[1]);
      });
}

/// Elementwise f of x, whose elements are T, as an array of R.
template <class T, class R = T, class F>
Array map(const Array& x, F f) {
  Array y = Array::empty(x.shape(), dtype_of<R>);
  map_into<T, R>(x, f, y);
  return y;
}

/// An uninitialised array for what is computed from a and b, which broadcast.
inline Array empty_broadcast(const char* op, const Array& a, const Array& b, Dtype dtype) {
  if (a.shape() == b.shape() || (b.numel() == 1 && a.rank() >= b.rank()))
    return Array::empty(a.shape(), dtype);
  return Array::empty(broadcast_shapes(op, a.shape(), b.shape()), dtype);
}

/// Elementwise f of a and b, whose elements are T and which broadcast, into an array of R.
template <class T, class R = T, class F>
void map_into(const char* op, const Array& a, const Array& b, F f, const Array& y) {
  const bool a_whole = a.shape() == y.shape(), b_whole = b.shape() == y.shape();
  if ((a_whole ? a.is_contiguous() : a.numel() == 1 && a.rank() <= y.rank()) &&
      (b_whole ? b.is_contiguous() : b.numel() == 1 && b.rank() <= y.rank()) &&
      (a_whole || b_whole) && y.is_contiguous()) {
    const int64_t count = y.numel(), a_step = a_whole, b_step = b_whole;
    const T *from_a = a.data<T>(), *from_b = b.data<T>();
    R* to = y.data<R>();
    if (count == 1) {
      *to = f(*from_a, *from_b);
    } else {
      for_pieces(count, kCheapPiece, [=](int64_t i, int64_t n) {
        map_row_apart(f, n, from_a + i * a_step, a_step, from_b + i * b_step, b_step, to + i,
                      int64_t{1});
      });
    }
    return;
  }
  const Shape& shape = y.shape();
  check(broadcast_shapes(op, a.shape(), b.shape()) == shape,
        "{}: the result of shapes {} and {} does not fit a tensor of shape {}", op, a.shape(),
        b.shape(), shape);
  for_each_row_parallel<3>(shape,
                           {expand_strides(op, a.shape(), a.strides(), shape),
                            expand_strides(op, b.shape(), b.strides(), shape), y.strides()},
                           [&](int64_t n, const auto& at, const auto& step) {
                             map_row_apart(f, n, a.data<T>() + at[0], step[0], b.data<T>() + at[1],
                                           step[1], y.data<R>() + at[2], step[2]);
                           });
}

/// Elementwise f of a and b, which broadcast, as an array of R.
template <class T, class R = T, class F>
Array map(const char* op, const Array& a, const Array& b, F f) {
  Array y = empty_broadcast(op, a, b, dtype_of<R>);
  map_into<T, R>(op, a, b, f, y);
  return y;
}

}  // namespace reel::kernels
