#pragma once
// The methods that compute: x.exp() is exp(x). What they do stands at the functions, in
// ops/<family>.h.

#include <reel/autograd/options.h>
#include <reel/autograd/shape.h>

namespace reel {

class Tensor;
struct CovOptions;
struct ValuesAndIndices;

/// What a tensor computes. A part of Tensor, which derives from it.
class MathMethods {
 public:
  // ---- elementwise: see ops/elementwise.h ----
  Tensor operator-() const;
  Tensor abs() const;
  Tensor neg() const;
  Tensor sign() const;
  Tensor exp() const;
  Tensor exp2() const;
  Tensor expm1() const;
  Tensor log() const;
  Tensor log1p() const;
  Tensor log2() const;
  Tensor log10() const;
  Tensor sqrt() const;
  Tensor rsqrt() const;
  Tensor square() const;
  Tensor reciprocal() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor tan() const;
  Tensor asin() const;
  Tensor acos() const;
  Tensor atan() const;
  Tensor sinh() const;
  Tensor cosh() const;
  Tensor tanh() const;
  Tensor asinh() const;
  Tensor acosh() const;
  Tensor atanh() const;
  Tensor sigmoid() const;
  Tensor erf() const;
  Tensor erfc() const;
  Tensor erfinv() const;
  Tensor lgamma() const;
  Tensor digamma() const;
  Tensor floor() const;
  Tensor ceil() const;
  Tensor trunc() const;
  Tensor frac() const;
  Tensor relu() const;
  Tensor round(const RoundOptions& options = {}) const;
  Tensor logit(const LogitOptions& options = {}) const;
  Tensor nan_to_num(const NanToNumOptions& options = {}) const;
  Tensor clamp(const ClampOptions& options) const;
  Tensor clamp(Scalar min, Scalar max) const;
  Tensor clamp_min(Scalar min) const;
  Tensor clamp_max(Scalar max) const;
  Tensor clamp(const Tensor& min, const Tensor& max) const;
  Tensor add(const Tensor& other, const AlphaOptions& options = {}) const;
  Tensor add(Scalar other, const AlphaOptions& options = {}) const;
  Tensor sub(const Tensor& other, const AlphaOptions& options = {}) const;
  Tensor sub(Scalar other, const AlphaOptions& options = {}) const;
  Tensor mul(const Tensor& other) const;
  Tensor mul(Scalar other) const;
  Tensor div(const Tensor& other, const DivOptions& options = {}) const;
  Tensor div(Scalar other, const DivOptions& options = {}) const;
  Tensor floor_divide(const Tensor& other) const;
  Tensor floor_divide(Scalar other) const;
  Tensor pow(const Tensor& exponent) const;
  Tensor pow(Scalar exponent) const;
  Tensor float_power(const Tensor& exponent) const;
  Tensor float_power(Scalar exponent) const;
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;
  Tensor fmax(const Tensor& other) const;
  Tensor fmin(const Tensor& other) const;
  Tensor fmod(const Tensor& other) const;
  Tensor fmod(Scalar other) const;
  Tensor remainder(const Tensor& other) const;
  Tensor remainder(Scalar other) const;
  Tensor atan2(const Tensor& other) const;
  Tensor hypot(const Tensor& other) const;
  Tensor logaddexp(const Tensor& other) const;
  Tensor xlogy(const Tensor& other) const;
  Tensor copysign(const Tensor& other) const;
  Tensor heaviside(const Tensor& values) const;
  Tensor lerp(const Tensor& end, Scalar weight) const;
  Tensor lerp(const Tensor& end, const Tensor& weight) const;
  Tensor addcmul(const Tensor& tensor1, const Tensor& tensor2,
                 const ValueOptions& options = {}) const;
  Tensor addcdiv(const Tensor& tensor1, const Tensor& tensor2,
                 const ValueOptions& options = {}) const;
  Tensor where(const Tensor& condition, const Tensor& other) const;
  Tensor where(const Tensor& condition, Scalar other) const;
  Tensor softmax(int dim) const;
  Tensor log_softmax(int dim) const;
  Tensor isnan() const;
  Tensor isinf() const;
  Tensor isfinite() const;
  Tensor signbit() const;
  Tensor logical_not() const;
  Tensor bitwise_not() const;
  Tensor eq(const Tensor& other) const;
  Tensor eq(Scalar other) const;
  Tensor ne(const Tensor& other) const;
  Tensor ne(Scalar other) const;
  Tensor lt(const Tensor& other) const;
  Tensor lt(Scalar other) const;
  Tensor le(const Tensor& other) const;
  Tensor le(Scalar other) const;
  Tensor gt(const Tensor& other) const;
  Tensor gt(Scalar other) const;
  Tensor ge(const Tensor& other) const;
  Tensor ge(Scalar other) const;
  Tensor logical_and(const Tensor& other) const;
  Tensor logical_or(const Tensor& other) const;
  Tensor logical_xor(const Tensor& other) const;
  Tensor bitwise_and(const Tensor& other) const;
  Tensor bitwise_or(const Tensor& other) const;
  Tensor bitwise_xor(const Tensor& other) const;
  Tensor bitwise_left_shift(const Tensor& other) const;
  Tensor bitwise_right_shift(const Tensor& other) const;
  Tensor isclose(const Tensor& other, const CloseOptions& options = {}) const;
  bool allclose(const Tensor& other, const CloseOptions& options = {}) const;
  bool equal(const Tensor& other) const;

  // ---- reductions and scans: see ops/reduce.h and ops/scan.h ----
  Tensor sum(const Dims& dims = {}, const ReduceOptions& options = {}) const;
  Tensor nansum(const Dims& dims = {}, const ReduceOptions& options = {}) const;
  Tensor mean(const Dims& dims = {}, const ReduceOptions& options = {}) const;
  Tensor prod(const ReduceOptions& options = {}) const;
  Tensor prod(int dim, const ReduceOptions& options = {}) const;
  Tensor var(const Dims& dims = {}, const VarOptions& options = {}) const;
  Tensor std(const Dims& dims = {}, const VarOptions& options = {}) const;
  Tensor amax(const Dims& dims = {}, const DimOptions& options = {}) const;
  Tensor amin(const Dims& dims = {}, const DimOptions& options = {}) const;
  Tensor max() const;
  Tensor min() const;
  ValuesAndIndices max(int dim, const DimOptions& options = {}) const;
  ValuesAndIndices min(int dim, const DimOptions& options = {}) const;
  Tensor argmax() const;
  Tensor argmax(int dim, const DimOptions& options = {}) const;
  Tensor argmin() const;
  Tensor argmin(int dim, const DimOptions& options = {}) const;
  Tensor median() const;
  ValuesAndIndices median(int dim, const DimOptions& options = {}) const;
  Tensor quantile(const Tensor& q, std::optional<int> dim = {},
                  const QuantileOptions& options = {}) const;
  Tensor quantile(double q, std::optional<int> dim = {}, const QuantileOptions& options = {}) const;
  Tensor nanquantile(const Tensor& q, std::optional<int> dim = {},
                     const QuantileOptions& options = {}) const;
  Tensor nanquantile(double q, std::optional<int> dim = {},
                     const QuantileOptions& options = {}) const;
  Tensor cov() const;
  Tensor cov(const CovOptions& options) const;
  Tensor corrcoef() const;
  Tensor histc(int64_t bins = 100, Scalar min = 0, Scalar max = 0) const;
  ValuesAndIndices mode(int dim = -1, const DimOptions& options = {}) const;
  ValuesAndIndices kthvalue(int64_t k, int dim = -1, const DimOptions& options = {}) const;
  Tensor logsumexp(const Dims& dims, const DimOptions& options = {}) const;
  Tensor norm(double p = 2, const Dims& dims = {}, const DimOptions& options = {}) const;
  Tensor dist(const Tensor& other, double p = 2) const;
  Tensor renorm(double p, int dim, double maxnorm) const;
  bool all() const;
  bool any() const;
  Tensor all(const Dims& dims, const DimOptions& options = {}) const;
  Tensor any(const Dims& dims, const DimOptions& options = {}) const;
  Tensor count_nonzero(const Dims& dims = {}) const;
  Tensor cumsum(int dim, const DtypeOptions& options = {}) const;
  Tensor cumprod(int dim, const DtypeOptions& options = {}) const;
  Tensor logcumsumexp(int dim) const;
  Tensor diff(int64_t n = 1, int dim = -1) const;
  Tensor diff(int64_t n, int dim, const Tensor& prepend, const Tensor& append) const;
  ValuesAndIndices cummax(int dim) const;
  ValuesAndIndices cummin(int dim) const;

  // ---- products: see ops/matmul.h and ops/linalg.h ----
  Tensor matmul(const Tensor& other) const;
  Tensor mm(const Tensor& other) const;
  Tensor mv(const Tensor& vector) const;
  Tensor bmm(const Tensor& other) const;
  Tensor dot(const Tensor& other) const;
  Tensor outer(const Tensor& other) const;
  Tensor addmm(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {}) const;
  Tensor baddbmm(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {}) const;
  Tensor addbmm(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {}) const;
  Tensor addmv(const Tensor& a, const Tensor& vector, const BetaAlphaOptions& options = {}) const;
  Tensor addr(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {}) const;
  Tensor trace() const;
  Tensor det() const;
  Tensor inverse() const;

 private:
  const Tensor& self() const;
};

}  // namespace reel
