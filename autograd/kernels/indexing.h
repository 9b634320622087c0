#pragma once
// Picking elements by index, and putting them back. Index arrays are int64; indices count from 0
// unless said.

#include <reel/autograd/array.h>

#include <span>

namespace reel::kernels {

/// y[.., i, ..] = x[.., index[.., i, ..], ..] along `dim`, in index's shape; sizes of x elsewhere
/// are >= index's.
Array gather(const Array& x, int dim, const Array& index);
/// A copy of x with y[.., index[.., i, ..], ..] = source[.., i, ..] (or added to it), for every
/// element of index.
Array scatter(const char* op, const Array& x, int dim, const Array& index, const Array& source,
              bool accumulate);
/// The slices of x along `dim` that a 1-d index names.
Array index_select(const Array& x, int dim, const Array& index);
/// A copy of x with the slices of source put (or added) where a 1-d index says, in order.
Array index_put(const char* op, const Array& x, int dim, const Array& index, const Array& source,
                bool accumulate);

/// Places of the nonzero elements, row-major: [count, rank], int64.
Array nonzero(const Array& x);
/// Row-major offsets into dims of these sizes from one index array a dim, which broadcast. Negative
/// indices count from the end; `first_dim` is what errors call the first of them. Throws
/// IndexError.
Array linear_index(const char* op, std::span<const Array> indices, std::span<const int64_t> sizes,
                   int first_dim);

}  // namespace reel::kernels
