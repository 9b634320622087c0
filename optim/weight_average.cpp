#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/tape.h>
#include <reel/optim/weight_average.h>

namespace reel::optim {

WeightAverage::WeightAverage(std::vector<Tensor> parameters, const WeightAverageOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  check(!options.decay || (*options.decay >= 0 && *options.decay <= 1),
        "WeightAverage: decay must be in [0, 1], got {}", options.decay.value_or(0));
  NoGradGuard no_grad;
  for (const Tensor& parameter : parameters_) averages_.push_back(parameter.detach().clone());
}

void WeightAverage::update() {
  NoGradGuard no_grad;
  const double share = updates_ == 0    ? 1
                       : options_.decay ? 1 - *options_.decay
                                        : 1 / static_cast<double>(updates_ + 1);
  for (size_t i = 0; i < parameters_.size(); ++i)
    averages_[i].add_(parameters_[i].detach() - averages_[i], {.alpha = share});
  ++updates_;
}

void WeightAverage::swap() {
  NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor weights = parameters_[i].detach().clone();
    parameters_[i].copy_(averages_[i]);
    averages_[i].copy_(weights);
  }
}

GradientAccumulation::GradientAccumulation(Optimizer& optimizer, int64_t batches)
    : optimizer_(optimizer), batches_(batches) {
  check(batches >= 1, "GradientAccumulation: batches must be at least 1, got {}", batches);
}

bool GradientAccumulation::step() {
  if (++gathered_ < batches_) return false;
  NoGradGuard no_grad;
  for (const Tensor& parameter : optimizer_.parameters()) {
    Tensor& g = parameter.mutable_grad();
    if (g.defined()) g = g.detach() / static_cast<double>(batches_);
  }
  optimizer_.step();
  optimizer_.zero_grad();
  gathered_ = 0;
  return true;
}

}  // namespace reel::optim
