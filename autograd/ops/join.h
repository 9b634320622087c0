#pragma once
// Joining tensors, and cutting one into pieces.

#include <reel/autograd/tensor.h>

namespace reel {

/// The tensors one behind the other along `dim`; other sizes equal, dtypes promoted. 1-d tensors
/// without elements are passed over.
Tensor cat(std::span<const Tensor> tensors, int dim = 0);
Tensor cat(std::initializer_list<Tensor> tensors, int dim = 0);
/// Another name of cat.
Tensor concat(std::span<const Tensor> tensors, int dim = 0);
Tensor concat(std::initializer_list<Tensor> tensors, int dim = 0);
/// The tensors, all of one shape, along a new dim.
Tensor stack(std::span<const Tensor> tensors, int dim = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int dim = 0);
/// The tensors side by side: cat along dim 1, or along dim 0 where they are 1-d; 0-d count as 1-d.
Tensor hstack(std::span<const Tensor> tensors);
Tensor hstack(std::initializer_list<Tensor> tensors);
/// The tensors below each other: cat along dim 0; 1-d tensors count as rows.
Tensor vstack(std::span<const Tensor> tensors);
Tensor vstack(std::initializer_list<Tensor> tensors);
/// The tensors behind each other: cat along dim 2; [n] counts as [1, n, 1], [n, m] as [n, m, 1].
Tensor dstack(std::span<const Tensor> tensors);
Tensor dstack(std::initializer_list<Tensor> tensors);

/// Matrices along the diagonal of one that is 0 elsewhere; 0-d and 1-d tensors count as rows.
Tensor block_diag(std::span<const Tensor> tensors);
Tensor block_diag(std::initializer_list<Tensor> tensors);
/// All combinations of elements of 1-d tensors, a row each, the last one changing fastest; of one
/// tensor the tensor itself.
Tensor cartesian_prod(std::span<const Tensor> tensors);
Tensor cartesian_prod(std::initializer_list<Tensor> tensors);

// The pieces are views of x. Their gradients are joined, so that backward passes over x once.

/// Pieces of `split_size` along `dim`, the last one smaller if it does not divide the size.
std::vector<Tensor> split(const Tensor& x, int64_t split_size, int dim = 0);
/// Pieces of these sizes, which must sum to that of `dim`.
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& split_sizes, int dim = 0);
std::vector<Tensor> split(const Tensor& x, std::initializer_list<int64_t> split_sizes, int dim = 0);
/// At most `chunks` pieces of one size, the last one smaller if need be.
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int dim = 0);
/// `sections` pieces, the first ones larger by one if need be.
std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int dim = 0);
/// The slices between these indices, read as slice() reads its bounds: :i0, i0:i1, ..., ik:.
std::vector<Tensor> tensor_split(const Tensor& x, const std::vector<int64_t>& indices, int dim = 0);
std::vector<Tensor> tensor_split(const Tensor& x, std::initializer_list<int64_t> indices,
                                 int dim = 0);
/// All select(x, dim, i).
std::vector<Tensor> unbind(const Tensor& x, int dim = 0);

}  // namespace reel
