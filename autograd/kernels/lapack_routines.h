#pragma once
// LAPACK as OpenBLAS exports it, and the loop over a batch of matrices. Only lapack_*.cpp include
// this. LAPACK stores matrices column by column, so it sees the transposes of ours.

#include <reel/autograd/array.h>
#include <reel/autograd/kernels/blas.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace reel::kernels::lapack {

// The types of the routines, T being float or double. A text argument adds its length at the end,
// which Fortran compilers pass without saying so.
using In = const int*;
using Char = const char*;
template <class T>
using Getrf = void(In m, In n, T* a, In lda, int* pivots, int* info);
template <class T>
using Getrs = void(Char trans, In n, In nrhs, const T* a, In lda, In pivots, T* b, In ldb,
                   int* info, size_t);
template <class T>
using Getri = void(In n, T* a, In lda, In pivots, T* work, In lwork, int* info);
template <class T>
using Potrf = void(Char uplo, In n, T* a, In lda, int* info, size_t);
template <class T>
using Gelqf = void(In m, In n, T* a, In lda, T* tau, T* work, In lwork, int* info);
template <class T>
using Orglq = void(In m, In n, In k, T* a, In lda, const T* tau, T* work, In lwork, int* info);
template <class T>
using Gesdd = void(Char job, In m, In n, T* a, In lda, T* s, T* u, In ldu, T* vt, In ldvt, T* work,
                   In lwork, int* iwork, int* info, size_t);
template <class T>
using Syevd = void(Char job, Char uplo, In n, T* a, In lda, T* w, T* work, In lwork, int* iwork,
                   In liwork, int* info, size_t, size_t);
template <class T>
using Gelsd = void(In m, In n, In nrhs, T* a, In lda, T* b, In ldb, T* s, const T* rcond, int* rank,
                   T* work, In lwork, int* iwork, int* info);

extern "C" {
Getrf<float> sgetrf_;
Getrf<double> dgetrf_;
Getrs<float> sgetrs_;
Getrs<double> dgetrs_;
Getri<float> sgetri_;
Getri<double> dgetri_;
Potrf<float> spotrf_;
Potrf<double> dpotrf_;
Gelqf<float> sgelqf_;
Gelqf<double> dgelqf_;
Orglq<float> sorglq_;
Orglq<double> dorglq_;
Gesdd<float> sgesdd_;
Gesdd<double> dgesdd_;
Syevd<float> ssyevd_;
Syevd<double> dsyevd_;
Gelsd<float> sgelsd_;
Gelsd<double> dgelsd_;
}

/// The routines for numbers of type T.
template <class T>
struct Routines;
template <>
struct Routines<float> {
  static constexpr auto* getrf = sgetrf_;
  static constexpr auto* getrs = sgetrs_;
  static constexpr auto* getri = sgetri_;
  static constexpr auto* potrf = spotrf_;
  static constexpr auto* gelqf = sgelqf_;
  static constexpr auto* orglq = sorglq_;
  static constexpr auto* gesdd = sgesdd_;
  static constexpr auto* syevd = ssyevd_;
  static constexpr auto* gelsd = sgelsd_;
};
template <>
struct Routines<double> {
  static constexpr auto* getrf = dgetrf_;
  static constexpr auto* getrs = dgetrs_;
  static constexpr auto* getri = dgetri_;
  static constexpr auto* potrf = dpotrf_;
  static constexpr auto* gelqf = dgelqf_;
  static constexpr auto* orglq = dorglq_;
  static constexpr auto* gesdd = dgesdd_;
  static constexpr auto* syevd = dsyevd_;
  static constexpr auto* gelsd = dgelsd_;
};

/// A size as LAPACK takes it.
inline int lapack_int(const char* op, int64_t size) {
  check(size <= std::numeric_limits<int>::max(), "{}: sizes up to {} are possible, got {}", op,
        std::numeric_limits<int>::max(), size);
  return static_cast<int>(size);
}
/// A leading dim, which must not be 0.
inline int leading(int size) { return std::max(1, size); }
/// The length of the work space that a routine has asked for; a float holds it rounded.
template <class T>
int work_size(T asked) {
  return std::max(1,
                  static_cast<int>(std::ceil(asked * (T{1} + std::numeric_limits<T>::epsilon()))));
}

/// The sizes in front of the last `last` ones.
inline Shape batch_of(const Shape& shape, int last = 2) {
  return Shape(std::span<const int64_t>(shape.data(), static_cast<size_t>(shape.rank() - last)));
}
inline Shape with(Shape batch, std::initializer_list<int64_t> sizes) {
  for (int64_t size : sizes) batch.push_back(size);
  return batch;
}
/// A view with the last two dims exchanged.
inline Array transposed(const Array& x) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  std::swap(shape[x.rank() - 1], shape[x.rank() - 2]);
  std::swap(strides[x.rank() - 1], strides[x.rank() - 2]);
  return x.view(shape, strides);
}

/// Calls f(begin, end) for parts of a batch, on several threads. `work` is about what one matrix
/// costs, in multiplications.
template <class F>
void for_each_part(int64_t items, double work, F&& f) {
  keep_blas_single_threaded();
  constexpr double least = 1 << 17;  // some 20 us of small matrices
  const int64_t size = std::max<int64_t>(1, static_cast<int64_t>(least / std::max(1.0, work)));
  const int64_t parts = (items + size - 1) / size;
  if (parts == 1) return f(int64_t{0}, items);
  parallel_for(parts, [&](int64_t part) { f(part * size, std::min(items, (part + 1) * size)); });
}

/// Throws unless every number is finite: some routines would never come back. x is row-major or is
/// copied.
void check_finite(const char* op, const Array& x);

/// Throws in the op's name for the first matrix of a batch whose info is not 0; `why` tells from
/// that number what was wrong.
template <class Why>
void check_info(const char* op, const Array& info, Why&& why) {
  for (int64_t i = 0; i < info.numel(); ++i) {
    const int code = info.data<int32_t>()[i];
    if (code == 0) continue;
    if (info.rank() == 0) fail("{}: the matrix {}", op, why(code));
    Shape index = info.shape();
    for (int64_t dim = index.rank() - 1, rest = i; dim >= 0; --dim) {
      const int64_t size = info.size(static_cast<int>(dim));
      index[static_cast<int>(dim)] = rest % size;
      rest /= size;
    }
    fail("{}: matrix {} of the batch {}", op, index, why(code));
  }
}

}  // namespace reel::kernels::lapack
