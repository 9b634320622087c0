#pragma once
// The loops over elements, written once: an operation contributes only its formula for one element.

#include <reel/autograd/kernels/map_rows.h>
#include <reel/autograd/kernels/parallel.h>

#include <type_traits>
#include <utility>

namespace reel::kernels {

/// Numbers that lie `step` from each other; a step of 0 repeats one.
template <class T>
struct Row {
  T* data;
  int64_t step;

  T& operator[](int64_t i) const { return data[i * step]; }
};

/// y[i] = f(x[i]) along one row.
template <class T, class R, class F>
void map_row(int64_t n, F f, Row<const T> x, Row<R> y) {
  if (x.step == 1 && y.step == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(x.data[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
  }
}

/// y[i] = f(a[i], b[i]) along one row.
template <class T, class R, class F>
void map_row(int64_t n, F f, Row<const T> a, Row<const T> b, Row<R> y) {
  if (y.step == 1 && a.step == 1 && b.step == 1) {
#pragma GCC ivdep
#pragma GCC unroll 4  // so that a row of a thousand ends without a wrong guess (5 % of "add a row")
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(a.data[i], b.data[i]);
  } else if (y.step == 1 && a.step == 1 && b.step == 0) {
    const T value = *b.data;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(a.data[i], value);
  } else if (y.step == 1 && a.step == 0 && b.step == 1) {
    const T value = *a.data;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(value, b.data[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  }
}

/// y[i] = f(a[i], b[i], c[i]) along one row.
template <class A, class T, class R, class F>
void map_row(int64_t n, F f, Row<const A> a, Row<const T> b, Row<const T> c, Row<R> y) {
  const bool rows = a.step == 1 && y.step == 1;
  if (rows && b.step == 1 && c.step == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(a.data[i], b.data[i], c.data[i]);
  } else if (rows && b.step == 1 && c.step == 0) {
    const T value = *c.data;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(a.data[i], b.data[i], value);
  } else if (rows && b.step == 0 && c.step == 1) {
    const T value = *b.data;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y.data[i] = f(a.data[i], value, c.data[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i], c[i]);
  }
}

/// map_row as a function of its own: both ways into the loops share one copy of them.
template <class F, class... T>
[[gnu::noinline]] void map_row_apart(int64_t n, F f, Row<T>... row) {
  map_row(n, f, row...);
}

/// What computes rows of the last array from those of the others, whose elements are T.
template <class... T, class F, size_t... k>
auto rows_of(F f, std::index_sequence<k...>) {
  return [f](int64_t count, const auto& apart, int64_t n, const auto& at, const auto& step) {
    for (int64_t i = 0; i < count; ++i)
      map_row_apart(n, f, Row<T>{reinterpret_cast<T*>(at[k] + i * apart[k]), step[k]}...);
  };
}

/// f of the elements of all arrays but the last, which are T and expand to its shape, into the
/// last.
template <class... T, class F>
void map_arrays(const char* op, const std::array<const Array*, sizeof...(T)>& arrays, F f) {
  const auto rows = rows_of<T...>(f, std::index_sequence_for<T...>());
  map_rows(op, arrays, RowFunction<sizeof...(T)>(rows));
}

/// Elementwise f of x, whose elements are T, into an array of R of its shape.
template <class T, class R = T, class F>
void map_into(const Array& x, F f, const Array& y) {
  if (x.is_contiguous() && y.is_contiguous() && x.numel() <= kCheapPiece) {
    const Row<const T> from{x.data<T>(), 1};
    const Row<R> to{y.data<R>(), 1};
    return x.numel() == 1 ? void(*to.data = f(*from.data)) : map_row_apart(x.numel(), f, from, to);
  }
  map_arrays<const T, R>("map", {&x, &y}, f);
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
  const int64_t count = y.numel();
  if ((a_whole ? a.is_contiguous() : a.numel() == 1 && a.rank() <= y.rank()) &&
      (b_whole ? b.is_contiguous() : b.numel() == 1 && b.rank() <= y.rank()) &&
      (a_whole || b_whole) && y.is_contiguous() && count <= kCheapPiece) {
    const Row<const T> from_a{a.data<T>(), a_whole}, from_b{b.data<T>(), b_whole};
    const Row<R> to{y.data<R>(), 1};
    return count == 1 ? void(*to.data = f(*from_a.data, *from_b.data))
                      : map_row_apart(count, f, from_a, from_b, to);
  }
  check(broadcast_shapes(op, a.shape(), b.shape()) == y.shape(),
        "{}: the result of shapes {} and {} does not fit a tensor of shape {}", op, a.shape(),
        b.shape(), y.shape());
  map_arrays<const T, const T, R>(op, {&a, &b, &y}, f);
}

/// Elementwise f of a and b, which broadcast, as an array of R.
template <class T, class R = T, class F>
Array map(const char* op, const Array& a, const Array& b, F f) {
  Array y = empty_broadcast(op, a, b, dtype_of<R>);
  map_into<T, R>(op, a, b, f, y);
  return y;
}

/// Elementwise f of an array of A and two of T, which broadcast, as an array of T.
template <class A, class T, class F>
Array map(const char* op, const Array& a, const Array& b, const Array& c, F f) {
  const Shape shape = broadcast_shapes(op, broadcast_shapes(op, a.shape(), b.shape()), c.shape());
  const Array y = Array::empty(shape, dtype_of<T>);
  map_arrays<const A, const T, const T, T>(op, {&a, &b, &c, &y}, f);
  return y;
}

}  // namespace reel::kernels
