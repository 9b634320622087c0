#pragma once
// The loops over elements, written once: an operation contributes only its formula for one element.

#include <reel/autograd/kernels/map_rows.h>
#include <reel/autograd/kernels/parallel.h>

namespace reel::kernels {

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
  if (x.is_contiguous() && y.is_contiguous() && x.numel() <= kCheapPiece) {
    const T* from = x.data<T>();
    R* to = y.data<R>();
    if (x.numel() == 1)
      *to = f(*from);
    else
      map_row_apart(f, x.numel(), from, int64_t{1}, to, int64_t{1});
    return;
  }
  map_rows("map", std::array{&x, &y},
           RowFunction<2>([f](int64_t n, const auto& at, const auto& step) {
             map_row_apart(f, n, reinterpret_cast<const T*>(at[0]), step[0],
                           reinterpret_cast<R*>(at[1]), step[1]);
           }));
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
    const T *from_a = a.data<T>(), *from_b = b.data<T>();
    R* to = y.data<R>();
    if (count == 1)
      *to = f(*from_a, *from_b);
    else
      map_row_apart(f, count, from_a, int64_t{a_whole}, from_b, int64_t{b_whole}, to, int64_t{1});
    return;
  }
  check(broadcast_shapes(op, a.shape(), b.shape()) == y.shape(),
        "{}: the result of shapes {} and {} does not fit a tensor of shape {}", op, a.shape(),
        b.shape(), y.shape());
  map_rows(op, std::array{&a, &b, &y},
           RowFunction<3>([f](int64_t n, const auto& at, const auto& step) {
             map_row_apart(f, n, reinterpret_cast<const T*>(at[0]), step[0],
                           reinterpret_cast<const T*>(at[1]), step[1], reinterpret_cast<R*>(at[2]),
                           step[2]);
           }));
}

/// Elementwise f of a and b, which broadcast, as an array of R.
template <class T, class R = T, class F>
Array map(const char* op, const Array& a, const Array& b, F f) {
  Array y = empty_broadcast(op, a, b, dtype_of<R>);
  map_into<T, R>(op, a, b, f, y);
  return y;
}

}  // namespace reel::kernels
