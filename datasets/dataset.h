#pragma once
// Data sets: samples by index, fetched singly or in batches; whole, in part, or split at random.

#include <reel/autograd/tensor.h>

#include <array>
#include <concepts>
#include <memory>
#include <string>
#include <utility>

namespace reel::datasets {

/// One sample.
struct Example {
  Tensor data;
  Tensor target;
};

/// Samples along the first dim of both tensors.
struct Batch {
  Tensor data;
  Tensor target;
};

/// What a data set of one's own derives from: it says its size and gives one sample. Data sets are
/// values whose copies share their tensors; loaders, subsets and splits hold such a copy.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// The sample at 0 <= index < size().
  virtual Example get(int64_t index) const = 0;
  /// The samples at `indices`, which must not be empty, in this order; stacks what get() gives.
  virtual Batch get_batch(std::span<const int64_t> indices) const;
  /// All samples in order.
  virtual Batch all() const;
};

/// Rows of two tensors: sample i is data[i] and target[i]. What is fetched is no part of a graph.
class TensorDataset : public Dataset {
 public:
  /// Throws unless both have a first dim, of one size, and neither requires grad.
  TensorDataset(const Tensor& data, const Tensor& target);
  explicit TensorDataset(const Batch& samples) : TensorDataset(samples.data, samples.target) {}
  int64_t size() const override { return data_.array().size(0); }
  /// Views of one row each. Throws IndexError.
  Example get(int64_t index) const override;
  /// Copies of the rows. Throws IndexError.
  Batch get_batch(std::span<const int64_t> indices) const override;
  /// The two tensors themselves.
  Batch all() const override { return {data_, target_}; }

 private:
  Tensor data_;
  Tensor target_;
};

/// Samples with labels, int64 [N], and the names of their classes.
class LabelledDataset : public TensorDataset {
 public:
  /// Throws unless every label is at least 0 and below the number of classes.
  LabelledDataset(const Batch& samples, std::vector<std::string> classes);
  int64_t num_classes() const { return static_cast<int64_t>(classes_->size()); }
  /// The classes' names, by label.
  const std::vector<std::string>& classes() const { return *classes_; }

 private:
  std::shared_ptr<const std::vector<std::string>> classes_;
};

/// A handle to a copy of `dataset`, of whatever class.
template <std::derived_from<Dataset> D>
std::shared_ptr<const Dataset> share(const D& dataset) {
  return std::make_shared<const D>(dataset);
}

/// Some samples of a data set, in an order of their own. Copies share everything.
class Subset : public Dataset {
 public:
  /// Sample i is that at indices[i] of `dataset`. Throws IndexError.
  Subset(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> indices);
  template <std::derived_from<Dataset> D>
  Subset(const D& dataset, std::vector<int64_t> indices)
      : Subset(share(dataset), std::move(indices)) {}
  int64_t size() const override { return static_cast<int64_t>(indices_->size()); }
  Example get(int64_t index) const override;
  Batch get_batch(std::span<const int64_t> indices) const override;
  /// Where the samples are in the data set they come from.
  std::span<const int64_t> indices() const;

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::shared_ptr<const std::vector<int64_t>> indices_;
};

struct SplitOptions {
  std::optional<uint64_t> seed =
      {};  ///< of a generator of its own; without it the default generator is used
};

/// Disjoint random parts of these sizes, which must sum to dataset->size().
std::vector<Subset> random_split(const std::shared_ptr<const Dataset>& dataset,
                                 std::span<const int64_t> lengths,
                                 const SplitOptions& options = {});
/// Sizes of parts of `size` samples, which may be given as integers. From fractions: size *
/// fraction rounded down, and what remains handed out one by one from the first part on. Throws
/// unless the fractions are within [0, 1] and sum to 1.
std::vector<int64_t> split_lengths(int64_t size, std::span<const Scalar> parts);

/// Disjoint random parts, as fractions {0.8, 0.2} or as numbers of samples {1500, 297}; the same
/// parts as torch.utils.data.random_split gives after the same manual_seed: auto [train, test] =
/// random_split(digits, {0.8, 0.2});
template <std::derived_from<Dataset> D, size_t N>
std::array<Subset, N> random_split(const D& dataset, const Scalar (&parts)[N],
                                   const SplitOptions& options = {}) {
  std::vector<Subset> subsets =
      random_split(share(dataset), split_lengths(dataset.size(), parts), options);
  return [&]<size_t... I>(std::index_sequence<I...>) {
    return std::array<Subset, N>{std::move(subsets[I])...};
  }
  (std::make_index_sequence<N>());
}

}  // namespace reel::datasets
