#pragma once
// Elements in other places, repeated, or left out. All of these copy.

#include <reel/autograd/tensor.h>

namespace reel {

/// x with the order along each of `dims` reversed.
Tensor flip(const Tensor& x, const Dims& dims);
/// flip along dim 1 of a tensor of at least two dims, or along dim 0 of one of at least one.
Tensor fliplr(const Tensor& x);
Tensor flipud(const Tensor& x);
/// x moved on by shifts[i] places along dims[i], those that fall out at the end put in at the
/// start; without dims the flattened x is.
Tensor roll(const Tensor& x, const std::vector<int64_t>& shifts, const Dims& dims = {});
Tensor roll(const Tensor& x, int64_t shift, const Dims& dims = {});
/// Turned by k quarters from the first of two dims towards the second.
Tensor rot90(const Tensor& x, int64_t k = 1, const Dims& dims = {0, 1});

/// x repeated repeats[i] times along dim i; more repeats than dims put dims in front.
Tensor repeat(const Tensor& x, const Shape& repeats);
/// As repeat, but fewer repeats than dims are those of the last dims.
Tensor tile(const Tensor& x, const Shape& repeats);
/// Every element along `dim`, or of the flattened x, `repeats` times in a row.
Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int> dim = {});
/// The i-th element repeats[i] times; `repeats` is int64 or int32, with one element an entry of
/// `dim` or one for all.
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<int> dim = {});
/// Each index of the 1-d `repeats` as often as it says, int64.
Tensor repeat_interleave(const Tensor& repeats);

/// x with zeros above (below) a diagonal of the last two dims; `diagonal` > 0 above the main one.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// Rows and columns, [2, count] and int64, of the elements that tril (triu) keeps of a row by col
/// matrix.
Tensor tril_indices(int64_t row, int64_t col, int64_t offset = 0, const DtypeOptions& options = {});
Tensor triu_indices(int64_t row, int64_t col, int64_t offset = 0, const DtypeOptions& options = {});
/// A square matrix with the 1-d x on a diagonal, or the diagonal of the 2-d x, copied.
Tensor diag(const Tensor& x, int64_t diagonal = 0);
/// Zeros with the last dim of x on a diagonal of the two dims dim1 and dim2 of the result.
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int dim1 = -2, int dim2 = -1);

}  // namespace reel
