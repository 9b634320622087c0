// The order of an epoch and its batches.
#include <reel/datasets/data_loader.h>

#include <reel/datasets/detail/permutation.h>

#include <algorithm>

namespace reel::datasets {

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, const DataLoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  check(dataset_ != nullptr, "DataLoader: a data set is required, got none");
  check(options.batch_size > 0, "DataLoader: batch_size must be at least 1, got {}",
        options.batch_size);
  check(!options.shuffle || dataset_->size() > 0,
        "DataLoader: shuffle requires samples, the data set has none");
  if (options.seed) generator_ = std::make_shared<Generator>(*options.seed);
}

int64_t DataLoader::size() const {
  const int64_t samples = dataset_->size(), whole = samples / options_.batch_size;
  return options_.drop_last || samples % options_.batch_size == 0 ? whole : whole + 1;
}

std::vector<int64_t> DataLoader::draw_order() {
  // PyTorch's loader draws a seed for its workers before the sampler draws: without it the streams
  // would part.
  (generator_ ? *generator_ : default_generator()).random64();
  const int64_t samples = dataset_->size();
  if (!options_.shuffle) {
    std::vector<int64_t> order(static_cast<size_t>(samples));
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  if (generator_) return permutation(samples, *generator_);
  // Without a generator of its own PyTorch's sampler seeds a new one for the epoch.
  Generator epoch(default_generator().random64());
  return permutation(samples, epoch);
}

DataLoader::Iterator DataLoader::begin() {
  return Iterator(dataset_, draw_order(), options_.batch_size, size());
}

DataLoader::Iterator::Iterator(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> order,
                               int64_t batch_size, int64_t batches)
    : dataset_(std::move(dataset)),
      order_(std::move(order)),
      batch_size_(batch_size),
      left_(batches) {
  fetch();
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  position_ += batch_size_;
  --left_;
  fetch();
  return *this;
}

void DataLoader::Iterator::fetch() {
  // The old batch goes first: its memory serves for the new one.
  batch_ = {};
  if (left_ == 0) return;
  const auto start = static_cast<size_t>(position_);
  const size_t count = std::min(static_cast<size_t>(batch_size_), order_.size() - start);
  batch_ = dataset_->get_batch(std::span(order_).subspan(start, count));
}

}  // namespace reel::datasets
