#include <reel/autograd/kernels/gemm.h>

#include <algorithm>
#include <complex>
#include <limits>

// First: without what it defines the wrappers fall back to slow loops of their own, in silence.
#include <xtensor-blas/xblas_config.hpp>

#include <xflens/cxxblas/cxxblas.cxx>

#include <reel/autograd/error.h>
#include <reel/autograd/kernels/blas.h>

namespace reel::kernels {
namespace {

using BlasInt = xt::blas_index_t;

BlasInt blas_int(int64_t size) { return static_cast<BlasInt>(size); }

cxxblas::Transpose trans(bool transposed) { return transposed ? cxxblas::Trans : cxxblas::NoTrans; }

template <class T>
void multiply(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b, T beta,
              T* c, int64_t c_leading) {
  constexpr int64_t most = std::numeric_limits<BlasInt>::max();
  const int64_t largest = std::max({m, n, k, a.leading, b.leading, c_leading});
  check(largest <= most, "gemm: sizes up to {} are possible, got {}", most, largest);
  keep_blas_single_threaded();
  cxxblas::gemm(cxxblas::RowMajor, trans(a.transposed), trans(b.transposed), blas_int(m),
                blas_int(n), blas_int(k), T{1}, a.data, blas_int(a.leading), b.data,
                blas_int(b.leading), beta, c, blas_int(c_leading));
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, Operand<float> a, Operand<float> b, float beta, float* c,
          int64_t c_leading) {
  multiply(m, n, k, a, b, beta, c, c_leading);
}

void gemm(int64_t m, int64_t n, int64_t k, Operand<double> a, Operand<double> b, double beta,
          double* c, int64_t c_leading) {
  multiply(m, n, k, a, b, beta, c, c_leading);
}

}  // namespace reel::kernels
