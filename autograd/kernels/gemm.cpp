#include <reel/autograd/kernels/gemm.h>

#include <algorithm>
#include <complex>
#include <limits>
#include <string_view>

// First: without what it defines the wrappers fall back to slow loops of their own, in silence.
#include <xtensor-blas/xblas_config.hpp>

#include <xflens/cxxblas/cxxblas.cxx>

#include <reel/autograd/error.h>
#include <reel/autograd/kernels/blas.h>

#include <xsimd/xsimd.hpp>

namespace reel::kernels {
namespace {

using BlasInt = xt::blas_index_t;

BlasInt blas_int(int64_t size) { return static_cast<BlasInt>(size); }

cxxblas::Transpose trans(bool transposed) { return transposed ? cxxblas::Trans : cxxblas::NoTrans; }

// Up to 10^6 multiplications OpenBLAS' kernels for AVX-512 read both operands where they lie.
// Larger products are laid out anew first. A product in tiles of that size reaches 105 to 115
// of 118 GFLOP/s where one call reaches 90 to 105, and 45 to 80 if a size is below 32.
constexpr int64_t kUnpackedWork = 1'000'000;
// Beyond this the operands would have to be read from memory too often.
constexpr int64_t kLargestUnpacked = int64_t{1} << 28;
// The kernels for a transposed b sum up along vectors: this pays for long rows only.
constexpr int64_t kLongRow = 192;

bool has_unpacked_kernels() {
  static const bool found = [] {
    const std::string_view core = openblas_get_corename();
    return core == "SkylakeX" || core == "Cooperlake" || core == "SapphireRapids";
  }();
  return found;
}

// What a product costs: with a small size it waits for memory, and takes as long as with this.
constexpr int64_t kSmall = 8;
int64_t cost(int64_t m, int64_t n, int64_t k) {
  return std::max(m, kSmall) * std::max(n, kSmall) * std::max(k, kSmall);
}

// Lines that lie a multiple of a page apart push each other out of the cache.
template <class T>
bool clashes(const Operand<T>& operand) {
  return operand.leading % (4096 / static_cast<int64_t>(sizeof(T))) == 0;
}

// Whether a product is best made of tiles whose operands BLAS reads where they lie.
template <class T>
bool in_place(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b) {
  const int64_t work = cost(m, n, k);
  if (work <= kUnpackedWork) return true;
  if (!has_unpacked_kernels() || work > kLargestUnpacked || clashes(b)) return false;
  return !b.transposed || !(clashes(a) || a.transposed || k < kLongRow);
}

// For BLAS that lays out its operands: halved across the longer side, again for every eightfold of
// the work, which keeps what is laid out twice below a tenth (1024^3: 16 tiles cost 12 %).
Tiles few_tiles(int64_t m, int64_t n, int64_t k) {
  int64_t rows = 1, cols = 1;
  for (int64_t least = int64_t{1} << 21; m * n * k >= least && rows * cols < 16; least *= 8) {
    const bool by_rows = m / rows >= n / cols;
    if ((by_rows ? m / rows : n / cols) < 32) break;
    (by_rows ? rows : cols) *= 2;
  }
  return {even_part(m, (m + rows - 1) / rows, 4), even_part(n, (n + cols - 1) / cols, 4), k};
}

template <class T>
void multiply(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b, T beta,
              T* c, int64_t c_leading) {
  constexpr int64_t most = std::numeric_limits<BlasInt>::max();
  const int64_t largest = std::max({m, n, k, a.leading, b.leading, c_leading});
  check(largest <= most, "gemm: sizes up to {} are possible, got {}", most, largest);
  keep_blas_single_threaded();
  const Tiles tiles = tiles_of(m, n, k, a, b);
  for (int64_t i = 0; i < m; i += tiles.rows) {
    for (int64_t j = 0; j < n; j += tiles.cols) {
      for (int64_t l = 0; l < k; l += tiles.inner) {
        cxxblas::gemm(cxxblas::RowMajor, trans(a.transposed), trans(b.transposed),
                      blas_int(std::min(tiles.rows, m - i)), blas_int(std::min(tiles.cols, n - j)),
                      blas_int(std::min(tiles.inner, k - l)), T{1}, a.at(i, l), blas_int(a.leading),
                      b.at(l, j), blas_int(b.leading), l > 0 ? T{1} : beta, c + i * c_leading + j,
                      blas_int(c_leading));
      }
    }
  }
}

}  // namespace

template <class T>
bool packs(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b) {
  // OpenBLAS packs as well and does better without AVX-512. Its kernels reach 101 of 118 GFLOP/s
  // with 1024^3 here, ours 108.
  constexpr int64_t least = 32;
  return sizeof(xsimd::batch<T>) == 64 && std::min({m, n, k}) >= least && !in_place(m, n, k, a, b);
}
template bool packs(int64_t, int64_t, int64_t, const Operand<float>&, const Operand<float>&);
template bool packs(int64_t, int64_t, int64_t, const Operand<double>&, const Operand<double>&);

template <class T>
bool turns(int64_t m, int64_t n, int64_t k, const Operand<T>& b) {
  constexpr int64_t least = 16;
  return b.transposed && k < kLongRow && std::min({m, n, k}) >= least &&
         m * n * k <= kUnpackedWork && has_unpacked_kernels();
}
template bool turns(int64_t, int64_t, int64_t, const Operand<float>&);
template bool turns(int64_t, int64_t, int64_t, const Operand<double>&);

template <class T>
Tiles tiles_of(int64_t m, int64_t n, int64_t k, const Operand<T>& a, const Operand<T>& b) {
  const int64_t work = cost(m, n, k);
  if (work <= kUnpackedWork) return {m, n, k};
  if (!in_place(m, n, k, a, b)) return few_tiles(m, n, k);
  const int64_t rows = even_part(m, b.transposed ? 32 : 48, 8);
  const int64_t inner = even_part(k, b.transposed ? kUnpackedWork / (32 * 32) : 256, 8);
  // At least eight tiles, which two threads share evenly.
  const int64_t limit = std::clamp<int64_t>(work / 8, kUnpackedWork / 8, kUnpackedWork);
  const int64_t column = std::max(rows, kSmall) * std::max(inner, kSmall);
  const int64_t cols = b.transposed ? 32 : limit / column / 16 * 16;
  return {rows, even_part(n, std::max<int64_t>(16, cols), 16), inner};
}
template Tiles tiles_of(int64_t, int64_t, int64_t, const Operand<float>&, const Operand<float>&);
template Tiles tiles_of(int64_t, int64_t, int64_t, const Operand<double>&, const Operand<double>&);

void gemm(int64_t m, int64_t n, int64_t k, Operand<float> a, Operand<float> b, float beta, float* c,
          int64_t c_leading) {
  multiply(m, n, k, a, b, beta, c, c_leading);
}

void gemm(int64_t m, int64_t n, int64_t k, Operand<double> a, Operand<double> b, double beta,
          double* c, int64_t c_leading) {
  multiply(m, n, k, a, b, beta, c, c_leading);
}

}  // namespace reel::kernels
