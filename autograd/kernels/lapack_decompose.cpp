#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/kernels/lapack_routines.h>

#include <vector>

namespace reel::kernels {

using namespace lapack;

namespace {

double cost(double m, double n) { return m * n * std::min(m, n); }

// Sets what lies above (or below) the diagonal of row-major [rows, cols] matrices to 0.
template <class T>
void clear_triangle(const Array& x, bool above) {
  const int64_t rows = x.size(x.rank() - 2), cols = x.size(x.rank() - 1);
  if (x.numel() == 0) return;
  for (int64_t line = 0; line < x.numel() / cols; ++line) {
    T* row = x.data<T>() + line * cols;
    const int64_t i = line % rows;
    if (above) {
      std::fill(row + std::min(i + 1, cols), row + cols, T{0});
    } else {
      std::fill(row, row + std::min(i, cols), T{0});
    }
  }
}

}  // namespace

// ---- Cholesky ------------------------------------------------------------------------------------------------

Array cholesky(const char* op, const Array& a, bool upper) {
  return dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    const int n = lapack_int(op, a.shape().back());
    Array y = clone(a);
    if (y.numel() == 0) return y;
    const Array info = Array::full(batch_of(a.shape()), 0, kInt32);
    for_each_part(info.numel(), cost(n, n), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        // Our lower triangle is the upper one of the transpose that LAPACK sees.
        Routines<T>::potrf(upper ? "L" : "U", &n, y.data<T>() + i * n * n, &n,
                           info.data<int32_t>() + i, 1);
      }
    });
    check_info(op, info, [](int order) {
      return fmt::format("is not positive-definite: its leading minor of order {} is not positive",
                         order);
    });
    clear_triangle<T>(y, !upper);
    return y;
  });
}

// ---- QR ------------------------------------------------------------------------------------------------------

// a = q r is a^T = r^T q^T, and a^T is what LAPACK sees: an LQ factorisation without a copy.
Qr qr(const char* op, const Array& a, bool complete) {
  return dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    const Shape batch = batch_of(a.shape());
    const int m = lapack_int(op, a.size(a.rank() - 2)), n = lapack_int(op, a.size(a.rank() - 1));
    const int k = std::min(m, n), width = complete ? m : k;
    const Array factored = clone(a);
    Qr y{Array::full(with(batch, {m, width}), 0, a.dtype()),
         Array::full(with(batch, {width, n}), 0, a.dtype())};
    if (k == 0) {
      // A factor without reflections is the identity.
      for (int64_t i = 0; width > 0 && i < batch.numel(); ++i) {
        for (int64_t j = 0; j < width; ++j) y.q.data<T>()[(i * m + j) * width + j] = 1;
      }
      return y;
    }
    for_each_part(batch.numel(), 4 * cost(m, n), [&](int64_t begin, int64_t end) {
      T asked = 0, asked_too = 0;
      int info = 0, query = -1;
      Routines<T>::gelqf(&n, &m, nullptr, &n, nullptr, &asked, &query, &info);
      Routines<T>::orglq(&width, &m, &k, nullptr, &width, nullptr, &asked_too, &query, &info);
      const int size = std::max(work_size(asked), work_size(asked_too));
      std::vector<T> work(static_cast<size_t>(size)), tau(static_cast<size_t>(k));
      for (int64_t i = begin; i < end; ++i) {
        T* matrix = factored.data<T>() + i * m * n;
        T* q = y.q.data<T>() + i * m * width;
        Routines<T>::gelqf(&n, &m, matrix, &n, tau.data(), work.data(), &size, &info);
        std::copy(matrix, matrix + k * n, y.r.data<T>() + i * width * n);
        for (int64_t row = 0; row < m; ++row)
          std::copy(matrix + row * n, matrix + row * n + k, q + row * width);
        Routines<T>::orglq(&width, &m, &k, q, &width, tau.data(), work.data(), &size, &info);
      }
    });
    clear_triangle<T>(y.r, false);
    return y;
  });
}

// ---- singular values -----------------------------------------------------------------------------------------

namespace {

// a = u s vh is a^T = vh^T s u^T, and a^T is what LAPACK sees: our vh is its u and the other way
// round.
Svd singular_values(const char* op, const Array& a, const char* job) {
  return dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    check_finite(op, a);
    const Shape batch = batch_of(a.shape());
    const int m = lapack_int(op, a.size(a.rank() - 2)), n = lapack_int(op, a.size(a.rank() - 1));
    const int k = std::min(m, n);
    const bool vectors = *job != 'N', full = *job == 'A';
    const int64_t u_size = vectors ? (full ? m : k) : 0, vh_size = vectors ? (full ? n : k) : 0;
    const int ldu = leading(n), ldvt = leading(static_cast<int>(u_size));
    Svd y{Array::full(with(batch, {m, u_size}), 0, a.dtype()),
          Array::empty(with(batch, {k}), a.dtype()),
          Array::full(with(batch, {vh_size, n}), 0, a.dtype())};
    if (k == 0) {
      for (int64_t i = 0; i < batch.numel(); ++i) {
        for (int64_t j = 0; j < u_size; ++j) y.u.data<T>()[(i * m + j) * u_size + j] = 1;
        for (int64_t j = 0; j < vh_size; ++j) y.vh.data<T>()[(i * vh_size + j) * n + j] = 1;
      }
      return y;
    }
    const Array work_on = clone(a);
    const Array info = Array::full(batch, 0, kInt32);
    for_each_part(batch.numel(), 16 * cost(m, n), [&](int64_t begin, int64_t end) {
      T asked = 0;
      int code = 0, query = -1;
      std::vector<int> integers(static_cast<size_t>(8 * k));
      Routines<T>::gesdd(job, &n, &m, nullptr, &n, nullptr, nullptr, &ldu, nullptr, &ldvt, &asked,
                         &query, integers.data(), &code, 1);
      const int size = work_size(asked);
      std::vector<T> work(static_cast<size_t>(size));
      for (int64_t i = begin; i < end; ++i) {
        Routines<T>::gesdd(job, &n, &m, work_on.data<T>() + i * m * n, &n, y.s.data<T>() + i * k,
                           y.vh.data<T>() + i * vh_size * n, &ldu, y.u.data<T>() + i * m * u_size,
                           &ldvt, work.data(), &size, integers.data(), info.data<int32_t>() + i, 1);
      }
    });
    check_info(op, info, [](int) { return "has singular values that did not converge"; });
    return y;
  });
}

}  // namespace

Svd svd(const char* op, const Array& a, bool full) {
  return singular_values(op, a, full ? "A" : "S");
}

Array svdvals(const char* op, const Array& a) { return singular_values(op, a, "N").s; }

// ---- eigenvalues ---------------------------------------------------------------------------------------------

namespace {

Eigh eigenvalues(const char* op, const Array& a, bool upper, const char* job) {
  return dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    check_finite(op, a);
    const Shape batch = batch_of(a.shape());
    const int n = lapack_int(op, a.shape().back());
    Eigh y{Array::empty(with(batch, {n}), a.dtype()), clone(a)};
    if (a.numel() == 0) return y;
    const Array info = Array::full(batch, 0, kInt32);
    const char* uplo = upper ? "L" : "U";  // of the transpose
    for_each_part(batch.numel(), 8 * cost(n, n), [&](int64_t begin, int64_t end) {
      T asked = 0;
      int code = 0, query = -1, integers_asked = 0;
      Routines<T>::syevd(job, uplo, &n, nullptr, &n, nullptr, &asked, &query, &integers_asked,
                         &query, &code, 1, 1);
      const int size = work_size(asked);
      std::vector<T> work(static_cast<size_t>(size));
      std::vector<int> integers(static_cast<size_t>(integers_asked));
      for (int64_t i = begin; i < end; ++i) {
        Routines<T>::syevd(job, uplo, &n, y.vectors.data<T>() + i * n * n, &n,
                           y.values.data<T>() + i * n, work.data(), &size, integers.data(),
                           &integers_asked, info.data<int32_t>() + i, 1, 1);
      }
    });
    check_info(op, info, [](int) { return "has eigenvalues that did not converge"; });
    return y;
  });
}

}  // namespace

Eigh eigh(const char* op, const Array& a, bool upper) {
  Eigh y = eigenvalues(op, a, upper, "V");
  y.vectors = contiguous(transposed(y.vectors));  // LAPACK leaves a vector a row of ours
  return y;
}

Array eigvalsh(const char* op, const Array& a, bool upper) {
  return eigenvalues(op, a, upper, "N").values;
}

}  // namespace reel::kernels
