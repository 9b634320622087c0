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

  int64_t row_step() const { return transposed ? 1 : leading; }
  int64_t col_step() const { return transposed ? leading : 1; }
  const T* at(int64_t row, int64_t col) const { return data + row * row_step() + col * col_step(); }
};

/// Parts of `size`, as equal as multiples of `unit` are; none longer than `most`, if that is a
/// multiple.
inline int64_t even_part(int64_t size, int64_t most, int64_t unit) {
  const int64_t parts = (size + most - 1) / most;
  return ((size + parts - 1) / parts + unit - 1) / unit * unit;
}

/// Into tiles of how many rows and columns c = a b is best cut, and its inner size; the last ones
/// are smaller.
struct Tiles {
  int64_t rows, cols, inner;
};

/// The tiles of [m, k] times [k, n] for this machine's BLAS; by sizes and layout alone.
template <class T>
Tiles tiles_of(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b);

/// Whether that product had better lay out both (PackedMatrix) than be cut into tiles for BLAS.
template <class T>
bool packs(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b);

/// Whether a transposed b is better turned first. BLAS lays out both operands of such small
/// products, or adds up along short vectors.
template <class T>
bool turns(int64_t m, int64_t n, int64_t k, const Operand<T>& b);

/// c = a b + beta c: [m, k] times [k, n], all sizes at least 1, into rows of c that lie c_leading
/// numbers apart. c is not read where beta is 0.
void gemm(int64_t m, int64_t n, int64_t k, Operand<float> a, Operand<float> b, float beta, float* c,
          int64_t c_leading);
void gemm(int64_t m, int64_t n, int64_t k, Operand<double> a, Operand<double> b, double beta,
          double* c, int64_t c_leading);

}  // namespace reel::kernels
