#pragma once
// One product of matrices on the calling thread, for kernels that split their work by themselves.

#include <cstdint>

namespace reel::kernels {

/// A matrix as BLAS reads it: rows that lie `leading` numbers apart or, if `transposed`, columns
/// that do.
template <class T>
struct Operand {
  const T* data;
  int64_t leading;
  bool transposed = false;
};

/// c = a b + beta c: [m, k] times [k, n], all sizes at least 1, into rows of c that lie c_leading
/// numbers apart. c is not read where beta is 0.
void gemm(int64_t m, int64_t n, int64_t k, Operand<float> a, Operand<float> b, float beta, float* c,
          int64_t c_leading);
void gemm(int64_t m, int64_t n, int64_t k, Operand<double> a, Operand<double> b, double beta,
          double* c, int64_t c_leading);

}  // namespace reel::kernels
