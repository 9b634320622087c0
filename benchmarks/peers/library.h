#pragma once
// LibTorch as the cases see it: its own names, and functions for what reel spells differently.

#include <benchmark/benchmark.h>

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace library {

using namespace torch;
using Sizes = at::IntArrayRef;

/// LibTorch does not say what it holds.
inline int64_t bytes_held() { return 0; }
inline int64_t peak_bytes() { return 0; }
inline void reset_peak() {}

inline void add_context() {
  benchmark::AddCustomContext("library", "LibTorch " TORCH_VERSION);
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
}

inline Tensor sum(const Tensor& x, int64_t dim) { return x.sum(at::IntArrayRef(&dim, 1)); }
inline Tensor sum(const Tensor& x) { return x.sum(); }

inline Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t padding) {
  return torch::conv2d(x, weight, bias, /*stride=*/1, padding);
}

inline Tensor max_pool2d(const Tensor& x) { return torch::max_pool2d(x, 2); }

inline Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var,
                         const Tensor& weight, const Tensor& bias) {
  return torch::batch_norm(x, weight, bias, mean, var, /*training=*/true, 0.1, 1e-5, false);
}

inline Tensor cross_entropy(const Tensor& x, const Tensor& target) {
  return torch::cross_entropy_loss(x, target);
}

inline Tensor labels(int64_t size) { return torch::randint(0, 10, {size}); }

inline auto sgd(const std::vector<Tensor>& parameters, double momentum = 0) {
  return std::make_shared<optim::SGD>(parameters, optim::SGDOptions(1e-3).momentum(momentum));
}

inline auto adam(const std::vector<Tensor>& parameters) {
  return std::make_shared<optim::Adam>(parameters, optim::AdamOptions(1e-3));
}

inline void read_mnist(const std::string& root) {
  benchmark::DoNotOptimize(data::datasets::MNIST(root, data::datasets::MNIST::Mode::kTest));
}

inline std::function<void()> pass_over_mnist(const std::string& root, int64_t batch) {
  auto dataset = data::datasets::MNIST(root, data::datasets::MNIST::Mode::kTest)
                     .map(data::transforms::Stack<>());
  using Loader = decltype(data::make_data_loader<data::samplers::RandomSampler>(dataset, 1));
  const auto loader =
      std::make_shared<Loader>(data::make_data_loader<data::samplers::RandomSampler>(
          std::move(dataset), static_cast<size_t>(batch)));
  return [loader] {
    for (auto& samples : **loader) benchmark::DoNotOptimize(samples);
  };
}
inline std::function<void()> pass_over_digits(int64_t) { return {}; }

struct SequenceModel {
  std::vector<Tensor> parameters;
  std::function<Tensor(const Tensor&)> forward;
};
inline SequenceModel lstm(int64_t inputs, int64_t hidden) {
  nn::LSTM model(inputs, hidden);
  return {model->parameters(),
          [model](const Tensor& x) mutable { return std::get<0>(model->forward(x)); }};
}
inline SequenceModel attention(int64_t size, int64_t heads) {
  nn::MultiheadAttention model(size, heads);
  return {model->parameters(),
          [model](const Tensor& x) mutable { return std::get<0>(model->forward(x, x, x)); }};
}

}  // namespace library
