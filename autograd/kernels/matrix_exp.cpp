#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/kernels/lapack_routines.h>

#include <cblas.h>

#include <array>
#include <vector>

namespace reel::kernels {

using namespace lapack;

namespace {

void multiply(int n, const float* a, const float* b, float* c, float beta) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, beta, c, n);
}
void multiply(int n, const double* a, const double* b, double* c, double beta) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, beta, c, n);
}

// The degree of the polynomial and the norm up to which it is exact to the last digits of float64
// (Higham and Al-Mohy, Computing the Action of the Matrix Exponential, 2011, table 3.1, between
// degrees 15 and 20).
constexpr int kDegree = 16;
constexpr double kLargestNorm = 0.64;

// Largest column sum.
template <class T>
double norm_of(const T* a, int64_t n) {
  double largest = 0;
  for (int64_t j = 0; j < n; ++j) {
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += std::fabs(static_cast<double>(a[i * n + j]));
    if (!(total <= largest)) largest = total;
  }
  return largest;
}

// Room for the powers 1 to 4 of a matrix and for two sums.
template <class T>
struct Powers {
  explicit Powers(int size)
      : n(size), length(static_cast<size_t>(size) * static_cast<size_t>(size)) {
    for (auto& each : power) each.resize(length);
    sum.resize(length);
    product.resize(length);
  }
  int n;
  size_t length;
  std::array<std::vector<T>, 4> power;
  std::vector<T> sum, product;
};

// c[first] + c[first + 1] B + ... + c[first + 3] B^3, added to `to`.
template <class T>
void add_terms(const Powers<T>& room, const std::array<T, kDegree + 1>& c, size_t first,
               std::vector<T>& to) {
  for (size_t i = 0; i < room.length; ++i) {
    to[i] += c[first + 1] * room.power[0][i] + c[first + 2] * room.power[1][i] +
             c[first + 3] * room.power[2][i];
  }
  const auto n = static_cast<size_t>(room.n);
  for (size_t i = 0; i < n; ++i) to[i * n + i] += c[first];
}

// The polynomial by Paterson and Stockmeyer's scheme: a polynomial in B^4 whose coefficients are
// polynomials in B.
template <class T>
void exponential(const T* a, T* y, Powers<T>& room) {
  const double norm = norm_of(a, room.n);
  if (!std::isfinite(norm))
    return std::fill(y, y + room.length, std::numeric_limits<T>::quiet_NaN());
  const int squarings =
      norm > kLargestNorm ? static_cast<int>(std::ceil(std::log2(norm / kLargestNorm))) : 0;
  const double scale = std::exp2(-squarings);
  for (size_t i = 0; i < room.length; ++i)
    room.power[0][i] = static_cast<T>(static_cast<double>(a[i]) * scale);
  for (size_t k = 1; k < 4; ++k)
    multiply(room.n, room.power[k - 1].data(), room.power[0].data(), room.power[k].data(), 0);
  std::array<T, kDegree + 1> c;
  double factorial = 1;
  for (size_t k = 0; k <= kDegree; ++k) {
    if (k > 0) factorial *= static_cast<double>(k);
    c[k] = static_cast<T>(1 / factorial);
  }
  for (size_t i = 0; i < room.length; ++i) room.sum[i] = c[kDegree] * room.power[3][i];
  add_terms(room, c, kDegree - 4, room.sum);
  for (size_t first = kDegree - 4; first >= 4;) {
    first -= 4;
    multiply(room.n, room.sum.data(), room.power[3].data(), room.product.data(), 0);
    add_terms(room, c, first, room.product);
    std::swap(room.sum, room.product);
  }
  for (int k = 0; k < squarings; ++k) {
    multiply(room.n, room.sum.data(), room.sum.data(), room.product.data(), 0);
    std::swap(room.sum, room.product);
  }
  std::copy(room.sum.begin(), room.sum.end(), y);
}

}  // namespace

Array matrix_exp(const Array& a) {
  return dispatch_float(a.dtype(), "matrix_exp", [&]<class T>(TypeTag<T>) {
    const int n = lapack_int("matrix_exp", a.shape().back());
    Array y = Array::empty(a.shape(), a.dtype());
    if (y.numel() == 0) return y;
    const Array rows = contiguous(a);
    const double each = 8.0 * n * n * n;
    for_each_part(batch_of(a.shape()).numel(), each, [&](int64_t begin, int64_t end) {
      Powers<T> room(n);
      for (int64_t i = begin; i < end; ++i)
        exponential(rows.data<T>() + i * n * n, y.data<T>() + i * n * n, room);
    });
    return y;
  });
}

}  // namespace reel::kernels
