#pragma once
// Picking and placing elements by index. Index tensors are int64 or int32 and are counted from 0
// unless said; where a place is named twice, the last value stays, or all are added.

#include <reel/autograd/index.h>
#include <reel/autograd/tensor.h>

#include <string_view>

namespace reel {

// ---- x[indices] ------------------------------------------------------------------------------------------

/// x[indices], as PyTorch reads it: a view of x unless masks or index tensors take part. Negative
/// indices count from the end.
Tensor index(const Tensor& x, std::span<const Index> indices);
Tensor index(const Tensor& x, std::initializer_list<Index> indices);
/// A copy of x with x[indices] = value (or += value); value broadcasts and is converted to x's
/// dtype.
Tensor index_put(const Tensor& x, std::span<const Index> indices, const Tensor& value,
                 bool accumulate = false);
Tensor index_put(const Tensor& x, std::initializer_list<Index> indices, const Tensor& value,
                 bool accumulate = false);
/// The same in place.
Tensor& index_put_(Tensor& x, std::span<const Index> indices, const Tensor& value,
                   bool accumulate = false);

// ---- slices along a dim ----------------------------------------------------------------------------------

/// The slices of x along `dim` that a 0-d or 1-d index names.
Tensor index_select(const Tensor& x, int dim, const Tensor& index);
/// A copy of x with alpha * source added to (or: with source put in) the slices along `dim` that
/// index names; source has the shape of index_select(x, dim, index) and x's dtype.
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source,
                 const AlphaOptions& options = {});
Tensor index_copy(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
/// A copy of x with `value`, a number or a 0-d tensor, in the slices along `dim` that index names;
/// negative indices count from the end.
Tensor index_fill(const Tensor& x, int dim, const Tensor& index, Scalar value);
Tensor index_fill(const Tensor& x, int dim, const Tensor& index, const Tensor& value);

// ---- single elements -------------------------------------------------------------------------------------

struct ScatterOptions {
  std::string_view reduce = {};  ///< "add", "multiply", or nothing: src is put there
};

/// y[i][j] = x[index[i][j]][j] for dim 0, and so on; index has x's rank and y its shape.
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// A copy of x with y[index[i][j]][j] = src[i][j] for dim 0, and so on; src, of x's dtype, is at
/// least as large as index. The reductions take what is in x along.
Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& src,
               const ScatterOptions& options = {});
Tensor scatter(const Tensor& x, int dim, const Tensor& index, Scalar value,
               const ScatterOptions& options = {});
/// The same with y[index[i][j]][j] += src[i][j].
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src);
/// Elements of the flattened x, in index's shape; negative indices count from the end.
Tensor take(const Tensor& x, const Tensor& index);
/// gather() where x and indices broadcast in the other dims; without dim, from the flattened x.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int> dim = {});

// ---- masks and classes -----------------------------------------------------------------------------------

/// Places of the nonzero elements, one row each: [count, x.dim()], int64.
Tensor nonzero(const Tensor& x);
/// The same as one tensor a dim, so that x.index({places[0], places[1]}) are these elements; a 0-d
/// condition counts as 1-d.
std::vector<Tensor> where(const Tensor& condition);
/// The elements of x where the bool mask holds, as a 1-d tensor; the two broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// x with `value`, a number or a 0-d tensor, where the bool mask holds; the two broadcast.
Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);
/// x with the first elements of `source`, in order, where the bool mask holds; x and mask
/// broadcast. Source has x's dtype and enough elements.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);
/// A last dim of num_classes with 1 at the index and 0 elsewhere, int64; -1: one more than the
/// largest index.
Tensor one_hot(const Tensor& index, int64_t num_classes = -1);

}  // namespace reel
