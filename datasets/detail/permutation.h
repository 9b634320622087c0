#pragma once
// Random orders of samples (internal).

#include <reel/autograd/generator.h>

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace reel::datasets {

/// 0 to size - 1 in random order, the one that torch.randperm(size, generator=generator) gives.
inline std::vector<int64_t> permutation(int64_t size, Generator& generator) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    std::swap(order[i], order[i + generator.random() % (order.size() - i)]);
  }
  return order;
}

}  // namespace reel::datasets
