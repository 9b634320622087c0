#pragma once
// When a loop of steps has come to its end.

#include <reel/optim/optimizer.h>

#include <limits>

namespace reel::optim {

struct StoppingOptions {
  int64_t max_iterations = std::numeric_limits<int64_t>::max();
  double precision = 0;  ///< stops when the 2-norm of a step is below it
  /// Stops when the loss has not fallen by more than min_delta for so many iterations; 0: never.
  int64_t patience = 0;
  double min_delta = 0;
};

/// When to end a loop: while (stopping.goes_on(loss)) { ... optimizer.step(); }, asked once an
/// iteration, before it. Throws for options that are negative.
class Stopping {
 public:
  explicit Stopping(const Optimizer& optimizer, const StoppingOptions& options = {});
  /// Whether there is another iteration. `loss` is that of the last one, for patience; the first
  /// call, before which there was none, does not look at it.
  bool goes_on(double loss = 0);
  int64_t iterations() const { return iterations_; }
  /// The 2-norm of the last step; infinite before there was one, and without a precision.
  double last_step() const { return last_step_; }

 private:
  double step_since_last() const;
  void remember();

  std::vector<Tensor> parameters_, before_;
  StoppingOptions options_;
  int64_t iterations_ = 0, bad_ = 0;
  double last_step_ = std::numeric_limits<double>::infinity();
  double best_ = std::numeric_limits<double>::infinity();
};

}  // namespace reel::optim
