#pragma once
// Batches of a data set, one epoch at a time.

#include <reel/datasets/dataset.h>

#include <iterator>

namespace reel {
class Generator;
}

namespace reel::datasets {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;    ///< a new order every epoch
  bool drop_last = false;  ///< leave out a last batch that is not full
  std::optional<uint64_t> seed =
      {};  ///< of a generator of its own; without it the default generator is used
};

/// Gives the samples of a data set in batches, each sample once an epoch:
/// for (auto& [images, labels] : loader) ...
/// After the same manual_seed the order is that of torch.utils.data.DataLoader.
class DataLoader {
 public:
  class Iterator;

  /// Throws unless batch_size > 0, and if there is nothing to shuffle.
  DataLoader(std::shared_ptr<const Dataset> dataset, const DataLoaderOptions& options = {});
  template <std::derived_from<Dataset> D>
  explicit DataLoader(const D& dataset, const DataLoaderOptions& options = {})
      : DataLoader(share(dataset), options) {}

  /// Batches an epoch.
  int64_t size() const;
  const Dataset& dataset() const { return *dataset_; }
  const DataLoaderOptions& options() const { return options_; }

  /// Starts an epoch: draws its order.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  std::vector<int64_t> draw_order();

  std::shared_ptr<const Dataset> dataset_;
  DataLoaderOptions options_;
  std::shared_ptr<Generator> generator_;  // null: the default one
};

/// A place in an epoch; it holds one batch, which the next step replaces.
class DataLoader::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using difference_type = std::ptrdiff_t;
  using value_type = Batch;

  Batch& operator*() const { return batch_; }
  Batch* operator->() const { return &batch_; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& iterator, std::default_sentinel_t) {
    return iterator.left_ == 0;
  }

 private:
  friend class DataLoader;
  Iterator(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> order, int64_t batch_size,
           int64_t batches);
  void fetch();

  std::shared_ptr<const Dataset> dataset_;
  std::vector<int64_t> order_;
  int64_t batch_size_;
  int64_t left_;          // batches, the present one included
  int64_t position_ = 0;  // in order_, of the present batch
  mutable Batch batch_;
};

}  // namespace reel::datasets
