#pragma once
// Statistics of samples. Mean, variance and median are reductions: ops/reduce.h.

#include <reel/autograd/tensor.h>

namespace reel {

struct CovOptions {
  double correction = 1;  ///< divides by N - correction
  Tensor fweights = {};   ///< how often each observation was made, integers
  Tensor aweights = {};   ///< how important each observation is, floating
};

/// What a share of q in [0, 1] of the elements, along `dim` or of all, lies below; NaN where one is
/// NaN. A 1-d q adds a first dim. Floating x and q of one dtype; throws over no elements.
Tensor quantile(const Tensor& x, const Tensor& q, std::optional<int> dim = {},
                const QuantileOptions& options = {});
Tensor quantile(const Tensor& x, double q, std::optional<int> dim = {},
                const QuantileOptions& options = {});
/// The same of the elements that are not NaN, if there are any.
Tensor nanquantile(const Tensor& x, const Tensor& q, std::optional<int> dim = {},
                   const QuantileOptions& options = {});
Tensor nanquantile(const Tensor& x, double q, std::optional<int> dim = {},
                   const QuantileOptions& options = {});
/// Covariances [V, V] of V variables, the rows of x, each with N observations; 0-d for one
/// variable. Integers become float32.
Tensor cov(const Tensor& x, const CovOptions& options = {});
/// The same divided by both standard deviations: correlations, limited to [-1, 1].
Tensor corrcoef(const Tensor& x);
/// How many elements of a floating x lie in each of `bins` intervals of one width from min to max,
/// the last one with its end; in x's dtype. Equal bounds stand for the least and largest element.
Tensor histc(const Tensor& x, int64_t bins = 100, Scalar min = 0, Scalar max = 0);

}  // namespace reel
