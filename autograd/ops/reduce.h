#pragma once
// Reductions: many elements become one. An empty list of dims means all dims.

#include <reel/autograd/tensor.h>

namespace reel {

struct VarAndMean {
  Tensor var, mean;
};
struct StdAndMean {
  Tensor std, mean;
};
struct MinAndMax {
  Tensor min, max;
};

/// Sum over `dims`. Integers and bool give int64 unless options.dtype says otherwise; x is
/// converted first.
Tensor sum(const Tensor& x, const Dims& dims = {}, const ReduceOptions& options = {});
/// The same, with NaN counting as 0.
Tensor nansum(const Tensor& x, const Dims& dims = {}, const ReduceOptions& options = {});
/// Sum divided by the number of elements; floating only. NaN over no elements.
Tensor mean(const Tensor& x, const Dims& dims = {}, const ReduceOptions& options = {});
/// The mean of the elements that are not NaN; floating only. NaN where there are none.
Tensor nanmean(const Tensor& x, const Dims& dims = {}, const ReduceOptions& options = {});
/// Product of all elements, or along `dim`; dtypes as for sum. 1 over no elements.
Tensor prod(const Tensor& x, const ReduceOptions& options = {});
Tensor prod(const Tensor& x, int dim, const ReduceOptions& options = {});
/// The integral along `dim` by the trapezoidal rule: of values dx apart, or at the places x, 1-d or
/// broadcast against y.
Tensor trapezoid(const Tensor& y, Scalar dx = 1, int dim = -1);
Tensor trapezoid(const Tensor& y, const Tensor& x, int dim = -1);
/// x summed over what broadcasting `shape` to x's shape has repeated; x itself if the shapes are
/// equal.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// Sum of squared distances from the mean by N - 1, N if not `unbiased`, or N - correction; floating
/// only. NaN where that is 0 / 0.
Tensor var(const Tensor& x, const Dims& dims = {}, const VarOptions& options = {});
/// Square root of var; its gradient is 0 where it is 0.
Tensor std(const Tensor& x, const Dims& dims = {}, const VarOptions& options = {});
/// Both at once.
VarAndMean var_mean(const Tensor& x, const Dims& dims = {}, const VarOptions& options = {});
StdAndMean std_mean(const Tensor& x, const Dims& dims = {}, const VarOptions& options = {});

/// log(sum of exp(x)) without overflow; integers become float32. -inf over no elements.
Tensor logsumexp(const Tensor& x, const Dims& dims, const DimOptions& options = {});
/// (sum of |x|^p)^(1/p) of a floating x; for p = 0 how many are not 0, for infinite p the largest
/// (smallest) |x|, whose ties share the gradient. The gradient is 0 at 0. Throws over no elements
/// if p < 0 or p is infinite.
Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, const DimOptions& options = {});

/// Largest (smallest) element; NaN propagates; equal ones share the gradient, which is NaN where
/// the result is. Throws over no elements.
Tensor amax(const Tensor& x, const Dims& dims = {}, const DimOptions& options = {});
Tensor amin(const Tensor& x, const Dims& dims = {}, const DimOptions& options = {});
/// amin and amax, of all elements or along `dim`.
MinAndMax aminmax(const Tensor& x, const DimOptions& options = {});
MinAndMax aminmax(const Tensor& x, int dim, const DimOptions& options = {});
/// Of all elements; equal ones, or all that are NaN, share the gradient.
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// Along one dim, with the index of the first largest (smallest), which alone gets the gradient.
ValuesAndIndices max(const Tensor& x, int dim, const DimOptions& options = {});
ValuesAndIndices min(const Tensor& x, int dim, const DimOptions& options = {});
/// The index of the first largest (smallest) element, int64: of the flattened x, or along `dim`.
Tensor argmax(const Tensor& x, const DimOptions& options = {});
Tensor argmax(const Tensor& x, int dim, const DimOptions& options = {});
Tensor argmin(const Tensor& x, const DimOptions& options = {});
Tensor argmin(const Tensor& x, int dim, const DimOptions& options = {});

/// The lower of the two middle elements; NaN if there is one. Of all elements, where equal ones
/// share the gradient (NaN of no floating elements), or along `dim` with the index of the first of
/// them, which alone gets it (throws over no elements). Not for bool.
Tensor median(const Tensor& x);
ValuesAndIndices median(const Tensor& x, int dim, const DimOptions& options = {});
/// The same of the elements that are not NaN, if there are any.
Tensor nanmedian(const Tensor& x);
ValuesAndIndices nanmedian(const Tensor& x, int dim, const DimOptions& options = {});
/// The most frequent element along `dim`, of several the smallest, and its last index. Throws over
/// no elements.
ValuesAndIndices mode(const Tensor& x, int dim = -1, const DimOptions& options = {});

/// Whether every (any) element is nonzero; a bool tensor where dims are given. True (false) over no
/// elements.
bool all(const Tensor& x);
bool any(const Tensor& x);
Tensor all(const Tensor& x, const Dims& dims, const DimOptions& options = {});
Tensor any(const Tensor& x, const Dims& dims, const DimOptions& options = {});
/// How many elements are nonzero (NaN is), int64.
Tensor count_nonzero(const Tensor& x, const Dims& dims = {});

}  // namespace reel
