#pragma once
// reel as the cases see it: its own names, and functions for what LibTorch spells differently.

#include <benchmark/benchmark.h>

#include <reel/reel.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace library {

using namespace reel;
using Sizes = Shape;

/// What the allocator holds, in use or for reuse.
inline int64_t bytes_held() {
  const memory::Stats stats = memory::stats();
  return stats.in_use + stats.cached;
}

/// The most bytes in use since reset_peak().
inline int64_t peak_bytes() { return memory::stats().peak; }
inline void reset_peak() { memory::reset_peak(); }

/// One entry for each line of config(), "BLAS: OpenBLAS ..." under its name.
inline void add_context() {
  std::istringstream lines(config());
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) {
      benchmark::AddCustomContext("library", line);
    } else {
      benchmark::AddCustomContext(line.substr(0, colon), line.substr(colon + 2));
    }
  }
}

inline Tensor sum(const Tensor& x, int dim) { return reel::sum(x, {dim}); }
inline Tensor sum(const Tensor& x) { return reel::sum(x); }

inline Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t padding) {
  return reel::conv2d(x, weight, bias, {.padding = padding});
}

inline Tensor max_pool2d(const Tensor& x) { return reel::max_pool2d(x, 2); }

inline Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var,
                         const Tensor& weight, const Tensor& bias) {
  return reel::batch_norm(x, mean, var, weight, bias, {.training = true});
}

inline Tensor labels(int64_t size) { return randint(0, 10, {size}); }

inline auto sgd(const std::vector<Tensor>& parameters, double momentum = 0) {
  return std::make_shared<optim::SGD>(parameters,
                                      optim::SGDOptions{.lr = 1e-3, .momentum = momentum});
}

inline auto adam(const std::vector<Tensor>& parameters) {
  return std::make_shared<optim::Adam>(parameters);
}

inline void read_mnist(const std::string& root) {
  benchmark::DoNotOptimize(datasets::MNIST(root, {.train = false}));
}

template <class Dataset>
std::function<void()> pass_over(const Dataset& dataset, int64_t batch) {
  const datasets::DataLoaderOptions options = {.batch_size = batch, .shuffle = true};
  const auto loader = std::make_shared<datasets::DataLoader>(dataset, options);
  return [loader] {
    for (auto& samples : *loader) benchmark::DoNotOptimize(samples);
  };
}
inline std::function<void()> pass_over_mnist(const std::string& root, int64_t batch) {
  return pass_over(datasets::MNIST(root, {.train = false}), batch);
}
inline std::function<void()> pass_over_digits(int64_t batch) {
  return pass_over(datasets::Digits(), batch);
}

struct SequenceModel {
  std::vector<Tensor> parameters;
  std::function<Tensor(const Tensor&)> forward;
};
inline SequenceModel lstm(int64_t inputs, int64_t hidden) {
  const nn::LSTM model(inputs, hidden);
  return {model->parameters(), [model](const Tensor& x) { return model(x).output; }};
}
inline SequenceModel attention(int64_t size, int64_t heads) {
  const nn::MultiheadAttention model(size, heads);
  return {model->parameters(), [model](const Tensor& x) { return model(x, x, x).output; }};
}

}  // namespace library
