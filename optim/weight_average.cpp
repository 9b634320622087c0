#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/tape.h>
#include <reel/optim/weight_average.h>

namespace reel::optim {

WeightAverage::WeightAverage(std::vector<Tensor> parameters, const WeightAverageOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  check(!parameters_.empty(), "WeightAverage: got an empty list of parameters");
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

StateDict WeightAverage::state_dict() const {
  NoGradGuard no_grad;
  StateDict state;
  state["updates"] = full({}, updates_);
  for (size_t i = 0; i < averages_.size(); ++i)
    state[fmt::format("averages.{}", i)] = averages_[i].clone();
  return state;
}

void WeightAverage::load_state_dict(const StateDict& state) {
  NoGradGuard no_grad;
  const auto find = [&](const std::string& key) -> const Tensor& {
    const auto found = state.find(key);
    check(found != state.end(), "WeightAverage: load_state_dict: {} is missing", key);
    return found->second;
  };
  std::vector<Tensor> averages;
  for (size_t i = 0; i < averages_.size(); ++i) {
    const Tensor& saved = find(fmt::format("averages.{}", i));
    check(saved.shape() == averages_[i].shape(),
          "WeightAverage: load_state_dict: average {} must have shape {}, got {}", i,
          averages_[i].shape(), saved.shape());
    averages.push_back(saved.clone().to(averages_[i].dtype()));
  }
  updates_ = find("updates").item<int64_t>();
  averages_ = std::move(averages);
}

GradientAccumulation::GradientAccumulation(Optimizer& optimizer, int64_t batches)
    : optimizer_(optimizer), batches_(batches) {
  check(batches >= 1, "GradientAccumulation: batches must be at least 1, got {}", batches);
}

bool GradientAccumulation::step() {
  if (gathered_ + 1 < batches_) return ++gathered_, false;
  NoGradGuard no_grad;
  const std::vector<Tensor> parameters = optimizer_.parameters();
  std::vector<Tensor> sums;
  for (const Tensor& parameter : parameters) {
    Tensor& g = parameter.mutable_grad();
    sums.push_back(g);
    if (g.defined()) g = g.detach() / static_cast<double>(batches_);
  }
  try {
    optimizer_.step();
  } catch (...) {
    for (size_t i = 0; i < sums.size(); ++i) parameters[i].mutable_grad() = sums[i];
    throw;
  }
  optimizer_.zero_grad();
  gathered_ = 0;
  return true;
}

}  // namespace reel::optim
