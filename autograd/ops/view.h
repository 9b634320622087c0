#pragma once
// Operations on shapes. Those marked "view" share the memory of x.

#include <reel/autograd/tensor.h>

namespace reel {

/// x in another shape, row-major order kept; one size may be -1. A view if the strides allow it,
/// else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
/// View. As reshape, but throws where that would copy.
Tensor view(const Tensor& x, const Shape& shape);
/// Dims start_dim to end_dim become one.
Tensor flatten(const Tensor& x, int start_dim = 0, int end_dim = -1);
/// View. Two dims change places.
Tensor transpose(const Tensor& x, int dim0, int dim1);
/// View. Transposes a 2-d tensor; fewer dims stay as they are.
Tensor t(const Tensor& x);
/// View. Dims in the order that `dims` lists.
Tensor permute(const Tensor& x, const Dims& dims);
/// View. Without dims of size 1: all of them, or `dim` if its size is 1.
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int dim);
/// View. A dim of size 1 at `dim`, which may be dim() too.
Tensor unsqueeze(const Tensor& x, int dim);
/// View. Repeats dims of size 1; -1 keeps a size.
Tensor expand(const Tensor& x, const Shape& shape);
/// View. x[..., index, ...] without that dim; negative indices count from the end.
Tensor select(const Tensor& x, int dim, int64_t index);
/// View. x[..., start:end:step, ...]; out-of-range bounds are clamped, step > 0.
Tensor slice(const Tensor& x, int dim, std::optional<int64_t> start = {},
             std::optional<int64_t> end = {}, int64_t step = 1);
/// View. `length` entries of `dim` from `start`; throws if out of range.
Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length);
/// View. The diagonal of a 2-d x; `offset` > 0 above the main one.
Tensor diagonal(const Tensor& x, int64_t offset = 0);
/// A square matrix with the 1-d x on a diagonal, or the diagonal of the 2-d x, copied.
Tensor diag(const Tensor& x, int64_t offset = 0);
/// View of any geometry into the memory of x; `offset` in elements from the start of x's storage.
Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset = 0);
/// x (row-major) with `source` in place of what as_strided(x, source.shape(), strides, offset)
/// shows.
Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Strides& strides,
                          int64_t offset = 0);

/// The tensors one behind the other along `dim`; other sizes equal, dtypes promoted.
Tensor cat(std::span<const Tensor> tensors, int dim = 0);
Tensor cat(std::initializer_list<Tensor> tensors, int dim = 0);
/// The tensors, all of one shape, along a new dim.
Tensor stack(std::span<const Tensor> tensors, int dim = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int dim = 0);

}  // namespace reel
