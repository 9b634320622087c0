#pragma once
// Activations as modules.

#include <reel/nn/handle.h>

namespace reel::nn {

class ReLUImpl : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x.relu(); }
};
using ReLU = Handle<ReLUImpl>;

class TanhImpl : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x.tanh(); }
};
using Tanh = Handle<TanhImpl>;

class SigmoidImpl : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x.sigmoid(); }
};
using Sigmoid = Handle<SigmoidImpl>;

/// Over `dim`.
class SoftmaxImpl : public Module {
 public:
  explicit SoftmaxImpl(int over) : dim(over) {}
  Tensor forward(const Tensor& x) override { return x.softmax(dim); }
  std::string extra_repr() const override { return "dim=" + std::to_string(dim); }
  const int dim;
};
using Softmax = Handle<SoftmaxImpl>;

/// Over `dim`.
class LogSoftmaxImpl : public Module {
 public:
  explicit LogSoftmaxImpl(int over) : dim(over) {}
  Tensor forward(const Tensor& x) override { return x.log_softmax(dim); }
  std::string extra_repr() const override { return "dim=" + std::to_string(dim); }
  const int dim;
};
using LogSoftmax = Handle<LogSoftmaxImpl>;

}  // namespace reel::nn
