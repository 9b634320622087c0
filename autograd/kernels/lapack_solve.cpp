#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/kernels/lapack_routines.h>

#include <cblas.h>

#include <vector>

namespace reel::kernels {

using namespace lapack;

void lapack::check_finite(const char* op, const Array& x) {
  const Array rows = contiguous(x);
  dispatch_float(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    const T* values = rows.data<T>();
    for (int64_t i = 0; i < rows.numel(); ++i)
      check(std::isfinite(values[i]), "{}: finite numbers are required, got {}", op, values[i]);
  });
}

namespace {

double cube(int64_t n) { return static_cast<double>(n) * static_cast<double>(n * n); }

// Which matrix of a batch of shape `own` meets item `item` of the broadcast batch.
class Partner {
 public:
  Partner(const Shape& own, const Shape& batch)
      : batch_(batch),
        same_(own == batch),
        steps_(expand_strides("batch", own, contiguous_strides(own), batch)) {}
  int64_t operator()(int64_t item) const {
    if (same_) return item;
    int64_t index = 0;
    for (int dim = batch_.rank() - 1; dim >= 0; --dim) {
      index += item % batch_[dim] * steps_[dim];
      item /= batch_[dim];
    }
    return index;
  }

 private:
  Shape batch_;
  bool same_;
  Strides steps_;
};

}  // namespace

// ---- what is required ----------------------------------------------------------------------------------------

void check_matrices(const char* op, const Array& a) {
  check<TypeError>(is_floating(a.dtype()), "{}: a floating dtype is required, got {}", op,
                   a.dtype());
  check(a.rank() >= 2, "{}: matrices, at least 2 dims, are required, got shape {}", op, a.shape());
}

void check_square(const char* op, const Array& a) {
  check_matrices(op, a);
  check(a.size(a.rank() - 2) == a.size(a.rank() - 1),
        "{}: square matrices are required, got shape {}", op, a.shape());
}

// ---- LU ------------------------------------------------------------------------------------------------------

Lu lu_factor(const char* op, const Array& a) {
  return dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    const Shape batch = batch_of(a.shape());
    const int n = lapack_int(op, a.shape().back());
    Lu lu{clone(a), Array::empty(with(batch, {n}), kInt32), Array::full(batch, 0, kInt32)};
    if (a.numel() == 0) return lu;
    for_each_part(batch.numel(), cube(n), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Routines<T>::getrf(&n, &n, lu.factors.data<T>() + i * n * n, &n,
                           lu.pivots.data<int32_t>() + i * n, lu.info.data<int32_t>() + i);
      }
    });
    return lu;
  });
}

void check_regular(const char* op, const Lu& lu) {
  check_info(op, lu.info, [](int pivot) {
    return fmt::format("is singular: pivot {} of its LU factorisation is 0", pivot);
  });
}

Array lu_solve(const Lu& lu, const Array& b, bool transpose) {
  return dispatch_float(b.dtype(), "solve", [&]<class T>(TypeTag<T>) {
    const Shape own = batch_of(lu.factors.shape());
    const Shape batch = broadcast_shapes("solve", own, batch_of(b.shape()));
    const int n = lapack_int("solve", b.size(b.rank() - 2));
    const int k = lapack_int("solve", b.size(b.rank() - 1));
    const Array columns = Array::empty(with(batch, {k, n}), b.dtype());
    if (columns.numel() == 0) return Array::empty(with(batch, {n, k}), b.dtype());
    copy(transposed(b), columns);
    const char* trans = transpose ? "N" : "T";  // the factors are those of the transpose
    const Partner partner(own, batch);
    for_each_part(batch.numel(), static_cast<double>(n) * n * k, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = partner(i);
        int info = 0;
        Routines<T>::getrs(trans, &n, &k, lu.factors.data<T>() + at * n * n, &n,
                           lu.pivots.data<int32_t>() + at * n, columns.data<T>() + i * n * k, &n,
                           &info, 1);
      }
    });
    return contiguous(transposed(columns));
  });
}

Array lu_inverse(const Lu& lu) {
  return dispatch_float(lu.factors.dtype(), "inv", [&]<class T>(TypeTag<T>) {
    const int n = lapack_int("inv", lu.factors.shape().back());
    Array y = clone(lu.factors);
    if (y.numel() == 0) return y;
    for_each_part(lu.info.numel(), cube(n), [&](int64_t begin, int64_t end) {
      T asked = 0;
      int info = 0, query = -1;
      Routines<T>::getri(&n, nullptr, &n, nullptr, &asked, &query, &info);
      const int size = work_size(asked);
      std::vector<T> work(static_cast<size_t>(size));
      for (int64_t i = begin; i < end; ++i) {
        T* matrix = y.data<T>() + i * n * n;
        if (lu.info.data<int32_t>()[i] != 0) {
          std::fill(matrix, matrix + n * n, std::numeric_limits<T>::infinity());
        } else {
          Routines<T>::getri(&n, matrix, &n, lu.pivots.data<int32_t>() + i * n, work.data(), &size,
                             &info);
        }
      }
    });
    return y;
  });
}

namespace {

// Calls f(item, sign of the interchanges, diagonal, step) for each factorisation.
template <class T, class F>
void each_diagonal(const Lu& lu, F&& f) {
  const int64_t n = lu.factors.shape().back();
  for (int64_t i = 0; i < lu.info.numel(); ++i) {
    int sign = 1;
    for (int64_t k = 0; k < n; ++k) {
      if (lu.pivots.data<int32_t>()[i * n + k] != k + 1) sign = -sign;
    }
    f(i, sign, lu.factors.data<T>() + i * n * n);
  }
}

}  // namespace

std::vector<int64_t> nearly_singular(const Lu& lu) {
  return dispatch_float(lu.factors.dtype(), "det", [&]<class T>(TypeTag<T>) {
    const int64_t n = lu.factors.shape().back();
    std::vector<int64_t> places;
    each_diagonal<T>(lu, [&](int64_t i, int, const T* u) {
      T smallest = std::numeric_limits<T>::infinity(), largest = 0;
      for (int64_t k = 0; k < n; ++k) {
        smallest = std::min(smallest, std::fabs(u[k * n + k]));
        largest = std::max(largest, std::fabs(u[k * n + k]));
      }
      if (n > 0 && smallest <= 100 * std::numeric_limits<T>::epsilon() * largest)
        places.push_back(i);
    });
    return places;
  });
}

Array lu_det(const Lu& lu) {
  return dispatch_float(lu.factors.dtype(), "det", [&]<class T>(TypeTag<T>) {
    const int64_t n = lu.factors.shape().back();
    Array y = Array::empty(lu.info.shape(), lu.factors.dtype());
    each_diagonal<T>(lu, [&](int64_t i, int sign, const T* u) {
      double product = sign;
      for (int64_t k = 0; k < n; ++k) product *= static_cast<double>(u[k * n + k]);
      y.data<T>()[i] = static_cast<T>(product);
    });
    return y;
  });
}

SignAndLog lu_slogdet(const Lu& lu) {
  return dispatch_float(lu.factors.dtype(), "slogdet", [&]<class T>(TypeTag<T>) {
    const int64_t n = lu.factors.shape().back();
    SignAndLog y{Array::empty(lu.info.shape(), lu.factors.dtype()),
                 Array::empty(lu.info.shape(), lu.factors.dtype())};
    each_diagonal<T>(lu, [&](int64_t i, int sign, const T* u) {
      double total = 0;
      for (int64_t k = 0; k < n; ++k) {
        const double value = static_cast<double>(u[k * n + k]);
        sign = value == 0 ? 0 : value < 0 ? -sign : sign;
        total += std::log(std::fabs(value));
      }
      y.sign.data<T>()[i] = std::isnan(total) ? static_cast<T>(total) : static_cast<T>(sign);
      y.log.data<T>()[i] = static_cast<T>(total);
    });
    return y;
  });
}

// ---- triangles -----------------------------------------------------------------------------------------------

namespace {

void solve_with(CBLAS_SIDE side, CBLAS_UPLO triangle, CBLAS_TRANSPOSE trans, CBLAS_DIAG diagonal,
                int rows, int cols, const float* a, int n, float* x) {
  cblas_strsm(CblasRowMajor, side, triangle, trans, diagonal, rows, cols, 1, a, n, x, cols);
}
void solve_with(CBLAS_SIDE side, CBLAS_UPLO triangle, CBLAS_TRANSPOSE trans, CBLAS_DIAG diagonal,
                int rows, int cols, const double* a, int n, double* x) {
  cblas_dtrsm(CblasRowMajor, side, triangle, trans, diagonal, rows, cols, 1, a, n, x, cols);
}

}  // namespace

Array solve_triangular(const Array& a, const Array& b, const Triangle& triangle) {
  return dispatch_float(b.dtype(), "solve_triangular", [&]<class T>(TypeTag<T>) {
    const Shape own = batch_of(a.shape());
    const Shape batch = broadcast_shapes("solve_triangular", own, batch_of(b.shape()));
    const int rows = lapack_int("solve_triangular", b.size(b.rank() - 2));
    const int cols = lapack_int("solve_triangular", b.size(b.rank() - 1));
    const int n = triangle.left ? rows : cols;
    Array x = Array::empty(with(batch, {rows, cols}), b.dtype());
    if (x.numel() == 0) return x;
    copy(b, x);
    // A transposed matrix is read where it lies.
    const bool turned = !a.is_contiguous() && transposed(a).is_contiguous();
    const Array matrices = turned ? transposed(a) : contiguous(a);
    const CBLAS_UPLO uplo = triangle.upper != turned ? CblasUpper : CblasLower;
    const Partner partner(own, batch);
    for_each_part(
        batch.numel(), static_cast<double>(n) * rows * cols, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            solve_with(triangle.left ? CblasLeft : CblasRight, uplo,
                       turned ? CblasTrans : CblasNoTrans,
                       triangle.unitriangular ? CblasUnit : CblasNonUnit, rows, cols,
                       matrices.data<T>() + partner(i) * n * n, n, x.data<T>() + i * rows * cols);
          }
        });
    return x;
  });
}

// ---- least squares -------------------------------------------------------------------------------------------

LeastSquares lstsq(const char* op, const Array& a, const Array& b, double rcond) {
  return dispatch_float(a.dtype(), op, [&]<class T>(TypeTag<T>) {
    const Shape batch = batch_of(a.shape());
    const int m = lapack_int(op, a.size(a.rank() - 2)), n = lapack_int(op, a.size(a.rank() - 1));
    const int k = lapack_int(op, b.size(b.rank() - 1)), longest = std::max(m, n);
    const int values = std::min(m, n), ldb = leading(longest), lda = leading(m);
    check_finite(op, a);
    check_finite(op, b);
    const Array columns = clone(transposed(a));  // LAPACK overwrites both
    const Array x = Array::full(with(batch, {k, longest}), 0, a.dtype());
    copy(transposed(b), x.view(with(batch, {k, m}), x.strides()));
    LeastSquares y{x, Array::full(batch, 0, kInt64),
                   Array::full(with(batch, {values}), 0, a.dtype())};
    const Array info = Array::full(batch, 0, kInt32);
    if (values > 0) {
      const T limit = static_cast<T>(rcond);
      for_each_part(batch.numel(), 8 * cube(longest), [&](int64_t begin, int64_t end) {
        T asked = 0;
        int query = -1, asked_int = 1, rank = 0, code = 0;
        Routines<T>::gelsd(&m, &n, &k, nullptr, &lda, nullptr, &ldb, nullptr, &limit, &rank, &asked,
                           &query, &asked_int, &code);
        const int size = work_size(asked);
        std::vector<T> work(static_cast<size_t>(size));
        std::vector<int> integers(static_cast<size_t>(std::max(1, asked_int)));
        for (int64_t i = begin; i < end; ++i) {
          Routines<T>::gelsd(&m, &n, &k, columns.data<T>() + i * m * n, &lda,
                             x.data<T>() + i * k * longest, &ldb,
                             y.singular_values.data<T>() + i * values, &limit, &rank, work.data(),
                             &size, integers.data(), info.data<int32_t>() + i);
          y.rank.data<int64_t>()[i] = rank;
        }
      });
      check_info(op, info, [](int) { return "has singular values that did not converge"; });
    } else {
      fill(x, 0);
    }
    y.solution = contiguous(transposed(x.view(with(batch, {k, n}), x.strides())));
    return y;
  });
}

}  // namespace reel::kernels
