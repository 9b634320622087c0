#pragma once
// Averages of the weights along the way, and gradients gathered over several batches.

#include <reel/optim/optimizer.h>

namespace reel::optim {

struct WeightAverageOptions {
  /// average = decay * average + (1 - decay) * weight; absent: the plain mean of all (stochastic
  /// weight averaging, Izmailov et al. 2018).
  std::optional<double> decay = {};
};

/// An average of parameters that is kept beside them. Same as torch.optim.swa_utils.AveragedModel,
/// for the parameters given; SWALR (lr_cycle.h) is the schedule that goes with it.
class WeightAverage {
 public:
  /// Throws unless there are parameters, and decay is in [0, 1].
  explicit WeightAverage(std::vector<Tensor> parameters, const WeightAverageOptions& options = {});
  /// Takes in the parameters as they are; the first time they are the average.
  void update();
  /// Parameters and average change places: to evaluate with the average, and again to go on.
  void swap();
  const std::vector<Tensor>& averages() const { return averages_; }
  int64_t updates() const { return updates_; }
  /// The averages and their count. Loading throws, and changes nothing, unless shapes fit.
  StateDict state_dict() const;
  void load_state_dict(const StateDict& state);

 private:
  std::vector<Tensor> parameters_, averages_;
  WeightAverageOptions options_;
  int64_t updates_ = 0;
};

/// Steps once every `batches` calls, with the mean of the gradients that these have accumulated:
///   accumulation.step();  // after each backward(), in place of step() and zero_grad()
class GradientAccumulation {
 public:
  /// Throws unless batches >= 1.
  GradientAccumulation(Optimizer& optimizer, int64_t batches);
  /// Whether the optimiser has stepped. If it throws, gradients and count are as before.
  bool step();

 private:
  Optimizer& optimizer_;
  int64_t batches_, gathered_ = 0;
};

}  // namespace reel::optim
