#pragma once
// The methods about shapes and places: x.permute(dims) is permute(x, dims). What they do stands at
// the functions, in ops/<family>.h.

#include <reel/autograd/options.h>
#include <reel/autograd/shape.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace reel {

class Index;
class Tensor;
struct ValuesAndIndices;

/// How a tensor is looked at and picked from. A part of Tensor, which derives from it.
class ShapeMethods {
 public:
  // ---- shapes: see ops/view.h, join.h and rearrange.h ----
  Tensor operator[](int64_t index) const;
  /// x[mask] or x[places]: a copy, hence const: what changes it would not change x. That is
  /// index_put_({mask}, value).
  const Tensor operator[](const Tensor& index) const;
  Tensor index(std::initializer_list<Index> indices) const;
  Tensor index(std::span<const Index> indices) const;
  Tensor select(int dim, int64_t index) const;
  Tensor slice(int dim, std::optional<int64_t> start = {}, std::optional<int64_t> end = {},
               int64_t step = 1) const;
  Tensor narrow(int dim, int64_t start, int64_t length) const;
  Tensor reshape(const Shape& shape) const;
  Tensor reshape_as(const Tensor& other) const;
  Tensor view(const Shape& shape) const;
  Tensor view_as(const Tensor& other) const;
  Tensor flatten(int start_dim = 0, int end_dim = -1) const;
  Tensor unflatten(int dim, const Shape& sizes) const;
  Tensor ravel() const;
  Tensor transpose(int dim0, int dim1) const;
  Tensor swapaxes(int dim0, int dim1) const;
  Tensor t() const;
  Tensor T() const;
  Tensor mT() const;
  Tensor permute(const Dims& dims) const;
  Tensor movedim(const Dims& source, const Dims& destination) const;
  Tensor squeeze() const;
  Tensor squeeze(const Dims& dims) const;
  Tensor unsqueeze(int dim) const;
  Tensor expand(const Shape& shape) const;
  Tensor expand_as(const Tensor& other) const;
  Tensor broadcast_to(const Shape& shape) const;
  Tensor repeat(const Shape& repeats) const;
  Tensor tile(const Shape& repeats) const;
  Tensor repeat_interleave(int64_t repeats, std::optional<int> dim = {}) const;
  Tensor repeat_interleave(const Tensor& repeats, std::optional<int> dim = {}) const;
  std::vector<Tensor> split(int64_t split_size, int dim = 0) const;
  std::vector<Tensor> split(const std::vector<int64_t>& split_sizes, int dim = 0) const;
  std::vector<Tensor> split(std::initializer_list<int64_t> split_sizes, int dim = 0) const;
  std::vector<Tensor> chunk(int64_t chunks, int dim = 0) const;
  std::vector<Tensor> tensor_split(int64_t sections, int dim = 0) const;
  std::vector<Tensor> tensor_split(const std::vector<int64_t>& indices, int dim = 0) const;
  std::vector<Tensor> tensor_split(std::initializer_list<int64_t> indices, int dim = 0) const;
  std::vector<Tensor> unbind(int dim = 0) const;
  Tensor unfold(int dim, int64_t size, int64_t step) const;
  Tensor as_strided(const Shape& shape, const Strides& strides,
                    std::optional<int64_t> offset = {}) const;
  Tensor flip(const Dims& dims) const;
  Tensor roll(const std::vector<int64_t>& shifts, const Dims& dims = {}) const;
  Tensor roll(int64_t shift, const Dims& dims = {}) const;
  Tensor rot90(int64_t k = 1, const Dims& dims = {0, 1}) const;
  Tensor tril(int64_t diagonal = 0) const;
  Tensor triu(int64_t diagonal = 0) const;
  Tensor diag(int64_t diagonal = 0) const;
  Tensor diagonal(int64_t offset = 0, int dim1 = 0, int dim2 = 1) const;
  Tensor diag_embed(int64_t offset = 0, int dim1 = -2, int dim2 = -1) const;

  // ---- picking and placing: see ops/indexing.h and ops/sorting.h ----
  Tensor index_select(int dim, const Tensor& index) const;
  Tensor gather(int dim, const Tensor& index) const;
  Tensor take(const Tensor& index) const;
  Tensor take_along_dim(const Tensor& indices, std::optional<int> dim = {}) const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor masked_fill(const Tensor& mask, Scalar value) const;
  Tensor masked_fill(const Tensor& mask, const Tensor& value) const;
  Tensor index_put(std::initializer_list<Index> indices, const Tensor& value,
                   bool accumulate = false) const;
  Tensor index_add(int dim, const Tensor& index, const Tensor& source,
                   const AlphaOptions& options = {}) const;
  Tensor index_copy(int dim, const Tensor& index, const Tensor& source) const;
  Tensor index_fill(int dim, const Tensor& index, Scalar value) const;
  Tensor scatter(int dim, const Tensor& index, const Tensor& src) const;
  Tensor scatter(int dim, const Tensor& index, Scalar value) const;
  Tensor scatter_add(int dim, const Tensor& index, const Tensor& src) const;
  Tensor masked_scatter(const Tensor& mask, const Tensor& source) const;
  ValuesAndIndices sort(int dim = -1, const SortOptions& options = {}) const;
  Tensor argsort(int dim = -1, const SortOptions& options = {}) const;
  Tensor msort() const;
  ValuesAndIndices topk(int64_t k, int dim = -1, const TopkOptions& options = {}) const;
  Tensor nonzero() const;
  Tensor unique(bool sorted = true) const;
  Tensor bincount(int64_t minlength = 0) const;

  // ---- new tensors, of its dtype unless told otherwise ----
  Tensor new_zeros(const Shape& shape, const TensorOptions& options = {}) const;
  Tensor new_ones(const Shape& shape, const TensorOptions& options = {}) const;
  Tensor new_empty(const Shape& shape, const TensorOptions& options = {}) const;
  Tensor new_full(const Shape& shape, Scalar value, const TensorOptions& options = {}) const;

 private:
  const Tensor& self() const;
};

}  // namespace reel
