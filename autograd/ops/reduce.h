#pragma once
// Reductions: many elements become one. An empty list of dims means all dims.

#include <reel/autograd/tensor.h>

namespace reel {

/// Sum over `dims`. Integers and bool give int64 unless options.dtype says otherwise; x is
/// converted first.
Tensor sum(const Tensor& x, const Dims& dims = {}, const ReduceOptions& options = {});
/// Sum divided by the number of elements; floating only. NaN over no elements.
Tensor mean(const Tensor& x, const Dims& dims = {}, const ReduceOptions& options = {});
/// x summed over what broadcasting `shape` to x's shape has repeated; x itself if the shapes are
/// equal.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// Largest (smallest) element; NaN propagates; equal ones share the gradient. Throws over no
/// elements.
Tensor amax(const Tensor& x, const Dims& dims = {}, const DimOptions& options = {});
Tensor amin(const Tensor& x, const Dims& dims = {}, const DimOptions& options = {});
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// Along one dim, with the index of the first largest (smallest), which alone gets the gradient.
ValuesAndIndices max(const Tensor& x, int dim, const DimOptions& options = {});
ValuesAndIndices min(const Tensor& x, int dim, const DimOptions& options = {});
/// The index of the first largest (smallest) element, int64: of the flattened x, or along `dim`.
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int dim, const DimOptions& options = {});
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, int dim, const DimOptions& options = {});

/// Whether every (any) element is nonzero; a bool tensor where dims are given. True (false) over no
/// elements.
bool all(const Tensor& x);
bool any(const Tensor& x);
Tensor all(const Tensor& x, const Dims& dims, const DimOptions& options = {});
Tensor any(const Tensor& x, const Dims& dims, const DimOptions& options = {});

}  // namespace reel
