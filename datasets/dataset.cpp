// Fetching samples: row copies where a data set is made of tensors, stacking where it is not.
#include <reel/datasets/dataset.h>

#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/view.h>
#include <reel/datasets/detail/permutation.h>

#include <cmath>
#include <cstring>

namespace reel::datasets {
namespace {

void check_index(const char* op, int64_t index, int64_t size) {
  check<IndexError>(index >= 0 && index < size,
                    "{}: the index must be at least 0 and below {}, got {}", op, size, index);
}

/// The rows of a row-major array at `indices`, which have been checked.
Tensor gather_rows(const Array& from, std::span<const int64_t> indices) {
  Shape shape = from.shape();
  shape[0] = static_cast<int64_t>(indices.size());
  const Array rows = Array::empty(shape, from.dtype());
  const size_t row_bytes = static_cast<size_t>(from.numel() / from.size(0)) * size_of(from.dtype());
  const std::byte* source = from.data<std::byte>();
  std::byte* out = rows.data<std::byte>();
  for (const int64_t index : indices) {
    std::memcpy(out, source + static_cast<size_t>(index) * row_bytes, row_bytes);
    out += row_bytes;
  }
  return Tensor(rows);
}

}  // namespace

Batch Dataset::get_batch(std::span<const int64_t> indices) const {
  check(!indices.empty(), "get_batch: at least one index is required, got none");
  std::vector<Tensor> data, targets;
  data.reserve(indices.size());
  targets.reserve(indices.size());
  for (const int64_t index : indices) {
    auto [sample, target] = get(index);
    data.push_back(std::move(sample));
    targets.push_back(std::move(target));
  }
  return {stack(data), stack(targets)};
}

Batch Dataset::all() const {
  std::vector<int64_t> indices(static_cast<size_t>(size()));
  std::iota(indices.begin(), indices.end(), 0);
  return get_batch(indices);
}

TensorDataset::TensorDataset(const Tensor& data, const Tensor& target) {
  check(data.dim() > 0 && target.dim() > 0 && data.size(0) == target.size(0),
        "TensorDataset: data and target must have a first dim of one size, got {} and {}",
        data.shape(), target.shape());
  check(
      !data.requires_grad() && !target.requires_grad(),
      "TensorDataset: batches are not recorded, so data and target must not require grad; detach() "
      "them");
  data_ = Tensor(kernels::contiguous(data.array()));
  target_ = Tensor(kernels::contiguous(target.array()));
}

Example TensorDataset::get(int64_t index) const {
  check_index("TensorDataset::get", index, size());
  return {select(data_, 0, index), select(target_, 0, index)};
}

Batch TensorDataset::get_batch(std::span<const int64_t> indices) const {
  check(!indices.empty(), "get_batch: at least one index is required, got none");
  for (const int64_t index : indices) check_index("TensorDataset::get_batch", index, size());
  return {gather_rows(data_.array(), indices), gather_rows(target_.array(), indices)};
}

LabelledDataset::LabelledDataset(const Batch& samples, std::vector<std::string> classes)
    : TensorDataset(samples) {
  const Tensor& target = samples.target;
  const auto count = static_cast<int64_t>(classes.size());
  check<TypeError>(target.dtype() == kInt64 && target.dim() == 1,
                   "LabelledDataset: labels must be 1-d and int64, got {} and {}", target.shape(),
                   target.dtype());
  const std::span<const int64_t> labels = all().target.span<int64_t>();
  for (size_t i = 0; i < labels.size(); ++i) {
    check(labels[i] >= 0 && labels[i] < count,
          "LabelledDataset: labels must be at least 0 and below {}, sample {} has {}", count, i,
          labels[i]);
  }
  classes_ = std::make_shared<const std::vector<std::string>>(std::move(classes));
}

Subset::Subset(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> indices) {
  check(dataset != nullptr, "Subset: a data set is required, got none");
  for (const int64_t index : indices) check_index("Subset", index, dataset->size());
  dataset_ = std::move(dataset);
  indices_ = std::make_shared<const std::vector<int64_t>>(std::move(indices));
}

std::span<const int64_t> Subset::indices() const { return *indices_; }

Example Subset::get(int64_t index) const {
  check_index("Subset::get", index, size());
  return dataset_->get((*indices_)[static_cast<size_t>(index)]);
}

Batch Subset::get_batch(std::span<const int64_t> indices) const {
  std::vector<int64_t> inner;
  inner.reserve(indices.size());
  for (const int64_t index : indices) {
    check_index("Subset::get_batch", index, size());
    inner.push_back((*indices_)[static_cast<size_t>(index)]);
  }
  return dataset_->get_batch(inner);
}

std::vector<int64_t> split_lengths(int64_t size, std::span<const Scalar> parts) {
  std::vector<double> fractions;
  std::vector<int64_t> lengths;
  for (const Scalar part : parts) {
    if (part.is_floating())
      fractions.push_back(part.to<double>());
    else
      lengths.push_back(part.to<int64_t>());
  }
  check(
      fractions.empty() || lengths.empty(),
      "random_split: parts must be all fractions or all numbers of samples, got {} and {} of them",
      fractions.size(), lengths.size());
  if (fractions.empty()) return lengths;
  double sum = 0;
  for (const double fraction : fractions) {
    check(fraction >= 0 && fraction <= 1, "random_split: fractions must be between 0 and 1, got {}",
          fraction);
    sum += fraction;
  }
  check(std::abs(sum - 1) <= 1e-9, "random_split: fractions must sum to 1, got {}", sum);
  int64_t rest = size;
  for (const double fraction : fractions) {
    lengths.push_back(static_cast<int64_t>(std::floor(static_cast<double>(size) * fraction)));
    rest -= lengths.back();
  }
  for (size_t i = 0; rest > 0; --rest, ++i) ++lengths[i % lengths.size()];
  return lengths;
}

std::vector<Subset> random_split(const std::shared_ptr<const Dataset>& dataset,
                                 std::span<const int64_t> lengths, const SplitOptions& options) {
  check(dataset != nullptr && dataset->size() > 0,
        "random_split: a data set with samples is required, got none");
  int64_t sum = 0;
  for (const int64_t length : lengths) {
    check(length >= 0 && length <= dataset->size() - sum,
          "random_split: lengths must be at least 0 and sum to the data set's size {}, got {} "
          "after {}",
          dataset->size(), length, sum);
    sum += length;
  }
  check(sum == dataset->size(), "random_split: lengths must sum to the data set's size {}, got {}",
        dataset->size(), sum);
  std::optional<Generator> own;
  if (options.seed) own.emplace(*options.seed);
  const std::vector<int64_t> order = permutation(dataset->size(), own ? *own : default_generator());
  std::vector<Subset> subsets;
  auto start = order.begin();
  for (const int64_t length : lengths) {
    subsets.emplace_back(dataset, std::vector<int64_t>(start, start + length));
    start += length;
  }
  return subsets;
}

}  // namespace reel::datasets
