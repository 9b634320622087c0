#pragma once
// Orders, groups, counts and searches. NaN counts as larger than every number.

#include <reel/autograd/tensor.h>

#include <string_view>

namespace reel {

// ---- orders ----------------------------------------------------------------------------------------------

/// x sorted along `dim`, with the places its elements came from; equal ones stay in their order.
/// The values have gradients.
ValuesAndIndices sort(const Tensor& x, int dim = -1, const SortOptions& options = {});
/// The values of sort() along the first dim.
Tensor msort(const Tensor& x);
/// The indices of sort().
Tensor argsort(const Tensor& x, int dim = -1, const SortOptions& options = {});
/// The k largest (smallest) along `dim`, sorted, with their places; the first of equal ones first.
/// The values have gradients.
ValuesAndIndices topk(const Tensor& x, int64_t k, int dim = -1, const TopkOptions& options = {});
/// The k-th smallest along `dim`, counted from 1, with its place. The value has a gradient.
ValuesAndIndices kthvalue(const Tensor& x, int64_t k, int dim = -1, const DimOptions& options = {});

// ---- groups of equal elements ----------------------------------------------------------------------------

struct UniqueOptions {
  bool sorted = true;           ///< the result is always sorted; accepted as in PyTorch
  bool return_inverse = false;  ///< inverse_indices is undefined otherwise
  bool return_counts = false;   ///< counts is undefined otherwise
  std::optional<int> dim = {};  ///< groups slices along it; absent: elements of the flattened x
};
struct UniqueConsecutiveOptions {
  bool return_inverse = false, return_counts = false;
  std::optional<int> dim = {};
};
struct UniqueValues {
  Tensor values;           ///< one of each group
  Tensor inverse_indices;  ///< the group of each element (of x's shape) or slice
  Tensor counts;           ///< how many each group has
};
/// The different elements (or slices), in ascending (lexicographic) order. Never recorded; every
/// NaN is a group of its own.
UniqueValues unique(const Tensor& x, const UniqueOptions& options = {});
/// The same without sorting: only equal neighbours are a group.
UniqueValues unique_consecutive(const Tensor& x, const UniqueConsecutiveOptions& options = {});

// ---- counts and searches ---------------------------------------------------------------------------------

/// How often each number from 0 on occurs in a 1-d integer x, for minlength numbers at least:
/// int64.
Tensor bincount(const Tensor& x, int64_t minlength = 0);
/// The same with weights[i] counted for x[i]: float32 where weights are, else float64.
Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength = 0);

struct SearchsortedOptions {
  bool right = false;          ///< behind equal elements, not before
  std::string_view side = {};  ///< "left" or "right" says the same
  Tensor sorter = {};          ///< the order that sorts the sequence, as argsort() gives it
};
/// Where in a sequence, sorted along its last dim, to insert each value so that it stays sorted:
/// int64. The sequence is 1-d or has the other dims of values; both are of one dtype.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values,
                    const SearchsortedOptions& options = {});
Tensor searchsorted(const Tensor& sorted_sequence, Scalar value,
                    const SearchsortedOptions& options = {});

struct BucketizeOptions {
  bool right = false;  ///< buckets hold their left boundary, not their right one
};
/// searchsorted() in 1-d boundaries.
Tensor bucketize(const Tensor& x, const Tensor& boundaries, const BucketizeOptions& options = {});

struct IsinOptions {
  bool assume_unique = false;  ///< makes no difference; accepted as in PyTorch
  bool invert = false;         ///< whether it is none of them
};
/// Whether each element is one of test_elements; bool. NaN is none of them.
Tensor isin(const Tensor& elements, const Tensor& test_elements, const IsinOptions& options = {});
Tensor isin(const Tensor& elements, Scalar test_element, const IsinOptions& options = {});

}  // namespace reel
