#pragma once
// Views: other shapes of a tensor, and parts of it. Those marked "view" share the memory of x, and
// with it the version that changes in place raise.

#include <reel/autograd/tensor.h>

namespace reel {

// ---- other shapes ----------------------------------------------------------------------------------------

/// x in another shape, row-major order kept; one size may be -1. A view if the strides allow it,
/// else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
/// View. As reshape, but throws where that would copy.
Tensor view(const Tensor& x, const Shape& shape);
/// Dims start_dim to end_dim become one; a 0-d x becomes 1-d. As reshape.
Tensor flatten(const Tensor& x, int start_dim = 0, int end_dim = -1);
/// View. `dim` becomes dims of these sizes, of which one may be -1; throws unless they multiply to
/// its size.
Tensor unflatten(const Tensor& x, int dim, const Shape& sizes);
/// All elements in row-major order, 1-d. As reshape.
Tensor ravel(const Tensor& x);
/// View. Two dims change places; swapaxes and swapdims are other names.
Tensor transpose(const Tensor& x, int dim0, int dim1);
Tensor swapaxes(const Tensor& x, int axis0, int axis1);
Tensor swapdims(const Tensor& x, int dim0, int dim1);
/// View. Transposes a 2-d tensor; fewer dims stay as they are. x.T() is the same.
Tensor t(const Tensor& x);
/// View. Dims in the order that `dims` lists; throws unless each is there once.
Tensor permute(const Tensor& x, const Dims& dims);
/// View. Each source dim moves to the destination listed at its place; the others keep their order.
Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination);
/// View. Without dims of size 1: all of them, or those of `dims` whose size is 1.
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, const Dims& dims);
/// View. A dim of size 1 at `dim`, which may be dim() too.
Tensor unsqueeze(const Tensor& x, int dim);
/// View. Repeats dims of size 1, and puts new ones in front; -1 keeps a size.
Tensor expand(const Tensor& x, const Shape& shape);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// Views. All tensors expanded to the shape they broadcast to.
std::vector<Tensor> broadcast_tensors(std::span<const Tensor> tensors);
std::vector<Tensor> broadcast_tensors(std::initializer_list<Tensor> tensors);

struct MeshgridOptions {
  std::string_view indexing = "ij";  ///< "xy": the first two dims of the grids change places
};
/// Views. The coordinates of a grid, one tensor of the grid's shape for each of the 0-d or 1-d
/// tensors, which must have one dtype.
std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, const MeshgridOptions& options = {});
std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors,
                             const MeshgridOptions& options = {});

// ---- parts -----------------------------------------------------------------------------------------------

/// View. x[..., index, ...] without that dim; negative indices count from the end. Throws
/// IndexError out of range.
Tensor select(const Tensor& x, int dim, int64_t index);
/// View. x[..., start:end:step, ...]; negative bounds count from the end, those beyond it are cut;
/// step > 0.
Tensor slice(const Tensor& x, int dim, std::optional<int64_t> start = {},
             std::optional<int64_t> end = {}, int64_t step = 1);
/// View. `length` entries of `dim` from `start`; throws IndexError if out of range.
Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length);
/// View. The elements with equal indices in two dims, as a last dim in place of those; `offset` > 0
/// above the main diagonal. No elements where the offset is out of range.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int dim1 = 0, int dim2 = 1);
/// View of any geometry into the memory of x; `offset` in elements from the start of x's storage,
/// that of x where absent.
Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides,
                  std::optional<int64_t> offset = {});

/// x (row-major) with `source` in place of what as_strided(x, source.shape(), strides, offset)
/// shows.
Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Strides& strides,
                          int64_t offset = 0);
/// A copy of x with `source`, of the shape and then in the dtype of that part, in place of
/// select(x, dim, index), of slice(x, dim, start, end, step) or of
/// diagonal(x, offset, dim1, dim2).
Tensor select_scatter(const Tensor& x, const Tensor& source, int dim, int64_t index);
Tensor slice_scatter(const Tensor& x, const Tensor& source, int dim = 0,
                     std::optional<int64_t> start = {}, std::optional<int64_t> end = {},
                     int64_t step = 1);
Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset = 0, int dim1 = 0,
                        int dim2 = 1);

}  // namespace reel
