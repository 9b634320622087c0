#pragma once
// The methods that change a tensor in place: x.exp_() makes x hold exp(x). What they compute stands
// at the functions, in ops/<family>.h; all obey the rules of ops/inplace.h.

#include <reel/autograd/options.h>
#include <reel/autograd/shape.h>

#include <initializer_list>
#include <optional>
#include <span>

namespace reel {

class Index;
class Tensor;

/// How a tensor changes. A part of Tensor, which derives from it.
class InPlaceMethods {
 public:
  // ---- numbers put in ----
  Tensor& copy_(const Tensor& source);
  Tensor& fill_(Scalar value);
  Tensor& zero_();
  Tensor& index_put_(std::initializer_list<Index> indices, const Tensor& value,
                     bool accumulate = false);
  Tensor& index_put_(std::initializer_list<Index> indices, Scalar value);
  Tensor& index_add_(int dim, const Tensor& index, const Tensor& source,
                     const AlphaOptions& options = {});
  Tensor& index_copy_(int dim, const Tensor& index, const Tensor& source);
  Tensor& index_fill_(int dim, const Tensor& index, Scalar value);
  Tensor& scatter_(int dim, const Tensor& index, const Tensor& src);
  Tensor& scatter_(int dim, const Tensor& index, Scalar value);
  Tensor& scatter_add_(int dim, const Tensor& index, const Tensor& src);
  Tensor& masked_fill_(const Tensor& mask, Scalar value);
  Tensor& masked_fill_(const Tensor& mask, const Tensor& value);
  Tensor& masked_scatter_(const Tensor& mask, const Tensor& source);
  Tensor& fill_diagonal_(Scalar value);
  Tensor& tril_(int64_t diagonal = 0);
  Tensor& triu_(int64_t diagonal = 0);

  // ---- random numbers put in ----
  Tensor& uniform_(double from = 0, double to = 1);
  Tensor& normal_(double mean = 0, double std = 1);
  Tensor& exponential_(double lambda = 1);
  Tensor& bernoulli_(double p = 0.5);
  Tensor& random_(int64_t low, int64_t high);

  // ---- elementwise ----
  Tensor& abs_();
  Tensor& neg_();
  Tensor& sign_();
  Tensor& exp_();
  Tensor& exp2_();
  Tensor& expm1_();
  Tensor& log_();
  Tensor& log1p_();
  Tensor& log2_();
  Tensor& log10_();
  Tensor& sqrt_();
  Tensor& rsqrt_();
  Tensor& square_();
  Tensor& reciprocal_();
  Tensor& sin_();
  Tensor& cos_();
  Tensor& tan_();
  Tensor& asin_();
  Tensor& acos_();
  Tensor& atan_();
  Tensor& sinh_();
  Tensor& cosh_();
  Tensor& tanh_();
  Tensor& asinh_();
  Tensor& acosh_();
  Tensor& atanh_();
  Tensor& sigmoid_();
  Tensor& erf_();
  Tensor& erfc_();
  Tensor& erfinv_();
  Tensor& lgamma_();
  Tensor& digamma_();
  Tensor& floor_();
  Tensor& ceil_();
  Tensor& trunc_();
  Tensor& frac_();
  Tensor& relu_();
  Tensor& round_(const RoundOptions& options = {});
  Tensor& logit_(const LogitOptions& options = {});
  Tensor& nan_to_num_(const NanToNumOptions& options = {});
  Tensor& clamp_(const ClampOptions& options);
  Tensor& clamp_(Scalar min, Scalar max);
  Tensor& clamp_min_(Scalar min);
  Tensor& clamp_max_(Scalar max);
  Tensor& add_(const Tensor& other, const AlphaOptions& options = {});
  Tensor& add_(Scalar other, const AlphaOptions& options = {});
  Tensor& sub_(const Tensor& other, const AlphaOptions& options = {});
  Tensor& sub_(Scalar other, const AlphaOptions& options = {});
  Tensor& mul_(const Tensor& other);
  Tensor& mul_(Scalar other);
  Tensor& div_(const Tensor& other, const DivOptions& options = {});
  Tensor& div_(Scalar other, const DivOptions& options = {});
  Tensor& floor_divide_(const Tensor& other);
  Tensor& pow_(const Tensor& exponent);
  Tensor& pow_(Scalar exponent);
  Tensor& fmod_(const Tensor& other);
  Tensor& remainder_(const Tensor& other);
  Tensor& atan2_(const Tensor& other);
  Tensor& hypot_(const Tensor& other);
  Tensor& heaviside_(const Tensor& values);
  Tensor& copysign_(const Tensor& other);
  Tensor& xlogy_(const Tensor& other);
  Tensor& lerp_(const Tensor& end, Scalar weight);
  Tensor& lerp_(const Tensor& end, const Tensor& weight);
  Tensor& addcmul_(const Tensor& tensor1, const Tensor& tensor2, const ValueOptions& options = {});
  Tensor& addcdiv_(const Tensor& tensor1, const Tensor& tensor2, const ValueOptions& options = {});
  Tensor& addmm_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {});
  Tensor& baddbmm_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {});
  Tensor& addbmm_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {});
  Tensor& addmv_(const Tensor& a, const Tensor& vector, const BetaAlphaOptions& options = {});
  Tensor& addr_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options = {});
  Tensor& renorm_(double p, int dim, double maxnorm);
  Tensor& cumsum_(int dim);
  Tensor& cumprod_(int dim);
  Tensor& eq_(const Tensor& other);
  Tensor& ne_(const Tensor& other);
  Tensor& lt_(const Tensor& other);
  Tensor& le_(const Tensor& other);
  Tensor& gt_(const Tensor& other);
  Tensor& ge_(const Tensor& other);
  Tensor& logical_and_(const Tensor& other);
  Tensor& logical_or_(const Tensor& other);
  Tensor& logical_xor_(const Tensor& other);
  Tensor& bitwise_and_(const Tensor& other);
  Tensor& bitwise_or_(const Tensor& other);
  Tensor& bitwise_xor_(const Tensor& other);
  Tensor& bitwise_left_shift_(const Tensor& other);
  Tensor& bitwise_right_shift_(const Tensor& other);
  Tensor& logical_not_();
  Tensor& bitwise_not_();

  // ---- operators ----
  Tensor& operator+=(const Tensor& other);
  Tensor& operator+=(Scalar other);
  Tensor& operator-=(const Tensor& other);
  Tensor& operator-=(Scalar other);
  Tensor& operator*=(const Tensor& other);
  Tensor& operator*=(Scalar other);
  Tensor& operator/=(const Tensor& other);
  Tensor& operator/=(Scalar other);

 private:
  Tensor& self();
};

}  // namespace reel
