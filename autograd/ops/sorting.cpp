// The kernels say only where elements go; gather() and index_select() take them there, so values
// have the gradients of those.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/kernels/sorting.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/indices.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <limits>
#include <utility>

namespace reel {
namespace {

ValuesAndIndices picked(const Tensor& x, int dim, Array&& places) {
  const Tensor indices(std::move(places));
  return {gather(x, dim, indices), indices};
}

int64_t size_along(const Tensor& x, int dim) { return x.dim() == 0 ? 1 : x.size(dim); }

}  // namespace

// ---- orders --------------------------------------------------------------------------------------------------

ValuesAndIndices sort(const Tensor& x, int dim, const SortOptions& options) {
  const int wrapped = wrap_dim("sort", dim, x.dim());
  return picked(x, wrapped, kernels::argsort(x.array(), wrapped, options.descending));
}

Tensor msort(const Tensor& x) { return sort(x, 0).values; }

Tensor argsort(const Tensor& x, int dim, const SortOptions& options) {
  const int wrapped = wrap_dim("argsort", dim, x.dim());
  return Tensor(kernels::argsort(x.array(), wrapped, options.descending));
}

ValuesAndIndices topk(const Tensor& x, int64_t k, int dim, const TopkOptions& options) {
  const int wrapped = wrap_dim("topk", dim, x.dim());
  const int64_t size = size_along(x, wrapped);
  check(k >= 0 && k <= size, "topk: k must be from 0 to {}, the size of dim {}, got {}", size,
        wrapped, k);
  if (x.dim() == 0 && k == 0)
    return picked(x.expand({1}).narrow(0, 0, 0), 0, Array::empty(0, kInt64));
  return picked(x, wrapped, kernels::topk(x.array(), wrapped, k, options.largest));
}

ValuesAndIndices kthvalue(const Tensor& x, int64_t k, int dim, const DimOptions& options) {
  const int wrapped = wrap_dim("kthvalue", dim, x.dim());
  const int64_t size = size_along(x, wrapped);
  check(k >= 1 && k <= size, "kthvalue: k must be from 1 to {}, the size of dim {}, got {}", size,
        wrapped, k);
  ValuesAndIndices kth = picked(x, wrapped, kernels::kth(x.array(), wrapped, k - 1));
  if (options.keepdim || x.dim() == 0) return kth;
  return {kth.values.squeeze(wrapped), kth.indices.squeeze(wrapped)};
}

// ---- groups --------------------------------------------------------------------------------------------------

namespace {

using Order = Array (*)(const Array& rows);

UniqueValues grouped(const char* op, const Tensor& x, std::optional<int> dim, Order order,
                     bool inverse, bool counts) {
  NoGradGuard no_grad;  // which elements differ has no derivative
  const int wrapped = dim ? wrap_dim(op, *dim, x.dim()) : 0;
  const bool slices = dim && x.dim() > 0;
  const int64_t n = slices ? x.size(wrapped) : x.numel();
  check(!slices || x.numel() > 0 || n == 0,
        "{}: slices without elements cannot be told apart, got shape {}", op, x.shape());
  Dims order_of_dims(wrapped);
  for (int i = 0; i < x.dim(); ++i) {
    if (i != wrapped) order_of_dims.push_back(i);
  }
  const Tensor front = slices ? permute(x, order_of_dims) : x;
  const Tensor rows = reshape(front, {n, n == 0 ? 1 : x.numel() / n});
  kernels::Groups groups = kernels::group_rows(rows.array(), order(rows.array()));
  UniqueValues result;
  result.values = slices ? index_select(x.detach(), wrapped, Tensor(groups.first))
                         : index_select(reshape(rows, {-1}), 0, Tensor(groups.first));
  if (inverse) {
    result.inverse_indices =
        Tensor(slices ? std::move(groups.inverse)
                      : groups.inverse.view(x.shape(), contiguous_strides(x.shape())));
  }
  if (counts) result.counts = Tensor(std::move(groups.counts));
  return result;
}

}  // namespace

UniqueValues unique(const Tensor& x, const UniqueOptions& options) {
  return grouped("unique", x, options.dim, kernels::argsort_rows, options.return_inverse,
                 options.return_counts);
}

UniqueValues unique_consecutive(const Tensor& x, const UniqueConsecutiveOptions& options) {
  const auto as_they_are = [](const Array& rows) { return arange(rows.size(0)).array(); };
  return grouped("unique_consecutive", x, options.dim, as_they_are, options.return_inverse,
                 options.return_counts);
}

// ---- counts and searches -------------------------------------------------------------------------------------

namespace {

// How many counters x needs, after checks.
int64_t counters(const Tensor& x, int64_t minlength) {
  check<TypeError>(is_integral(x.dtype()) && x.dtype() != kBool,
                   "bincount: expected integers, got {}", x.dtype());
  check(x.dim() == 1, "bincount: expected a 1-d tensor, got shape {}", x.shape());
  check(minlength >= 0, "bincount: minlength must not be negative, got {}", minlength);
  if (x.numel() == 0) return minlength;
  const int64_t smallest = min(x).to(kInt64).item<int64_t>();
  const int64_t largest = max(x).to(kInt64).item<int64_t>();
  check(smallest >= 0, "bincount: numbers must not be negative, got {}", smallest);
  check(largest < std::numeric_limits<int64_t>::max(), "bincount: too many counters for {}",
        largest);
  check_sizes("bincount", {largest + 1});
  return std::max(minlength, largest + 1);
}

}  // namespace

Tensor bincount(const Tensor& x, int64_t minlength) {
  const Array counts = Array::full({counters(x, minlength)}, 0, kInt64);
  const Array places = kernels::cast(x.array(), kInt64), one = Array::full({}, 1, kInt64);
  kernels::place("bincount", counts, {1, 0}, places, one, kernels::Put::Add);
  return Tensor(counts);
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  const int64_t count = counters(x, minlength);
  check(weights.shape() == x.shape(), "bincount: weights must have shape {}, got {}", x.shape(),
        weights.shape());
  const Tensor numbers = weights.dtype() == kFloat32 ? weights : weights.to(kFloat64);
  return index_add(detail::zeros_of({count}, numbers.dtype()), 0, x.to(kInt64), numbers);
}

Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values,
                    const SearchsortedOptions& options) {
  const Tensor& s = sorted_sequence;
  check<TypeError>(s.dtype() == values.dtype(),
                   "searchsorted: the sequence and the values must have one dtype, got {} and {}",
                   s.dtype(), values.dtype());
  check(options.side.empty() || options.side == "left" || options.side == "right",
        "searchsorted: side must be \"left\" or \"right\", got \"{}\"",
        std::string(options.side).c_str());
  check(!(options.right && options.side == "left"),
        "searchsorted: side and right must not disagree, got side \"left\" and right");
  bool fits = s.dim() == 1 || (s.dim() > 1 && s.dim() == values.dim());
  for (int i = 0; fits && s.dim() > 1 && i < s.dim() - 1; ++i) fits = s.size(i) == values.size(i);
  check(fits, "searchsorted: the sequence must be 1-d or fit {} except in the last dim, got {}",
        values.shape(), s.shape());
  const bool right = options.right || options.side == "right";
  const Array sequence =
      options.sorter.defined() ? gather(s.detach(), -1, options.sorter).array() : s.array();
  return Tensor(kernels::searchsorted(sequence, values.array(), right));
}

Tensor searchsorted(const Tensor& sorted_sequence, Scalar value,
                    const SearchsortedOptions& options) {
  return searchsorted(sorted_sequence, Tensor(Array::full({}, value, sorted_sequence.dtype())),
                      options);
}

Tensor bucketize(const Tensor& x, const Tensor& boundaries, const BucketizeOptions& options) {
  check(boundaries.dim() == 1, "bucketize: boundaries must be 1-d, got shape {}",
        boundaries.shape());
  return searchsorted(boundaries, x, {.right = options.right});
}

Tensor isin(const Tensor& elements, const Tensor& test_elements, const IsinOptions& options) {
  Dtype dtype = result_type(elements, test_elements);
  if (dtype == kBool) dtype = kUInt8;
  if (test_elements.numel() == 0) return full(elements.shape(), options.invert, {.dtype = kBool});
  const Tensor x = elements.detach().to(dtype), tests = test_elements.detach().to(dtype);
  const Tensor sorted = msort(tests.reshape({-1}));
  const Tensor places = clamp_max(searchsorted(sorted, x), sorted.numel() - 1);
  const Tensor nearest = take(sorted, places);
  return options.invert ? nearest != x : nearest == x;
}

Tensor isin(const Tensor& elements, Scalar test_element, const IsinOptions& options) {
  return isin(elements, scalar_like(elements, test_element), options);
}

// ---- method forms --------------------------------------------------------------------------------------------

ValuesAndIndices ShapeMethods::sort(int dim, const SortOptions& options) const {
  return reel::sort(self(), dim, options);
}
Tensor ShapeMethods::msort() const { return reel::msort(self()); }
Tensor ShapeMethods::argsort(int dim, const SortOptions& options) const {
  return reel::argsort(self(), dim, options);
}
ValuesAndIndices ShapeMethods::topk(int64_t k, int dim, const TopkOptions& options) const {
  return reel::topk(self(), k, dim, options);
}
ValuesAndIndices MathMethods::kthvalue(int64_t k, int dim, const DimOptions& options) const {
  return reel::kthvalue(self(), k, dim, options);
}
Tensor ShapeMethods::unique(bool sorted) const {
  return reel::unique(self(), {.sorted = sorted}).values;
}
Tensor ShapeMethods::bincount(int64_t minlength) const { return reel::bincount(self(), minlength); }

}  // namespace reel
