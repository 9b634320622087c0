#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/tape.h>
#include <reel/optim/stopping.h>

#include <cmath>

namespace reel::optim {

Stopping::Stopping(const Optimizer& optimizer, const StoppingOptions& options)
    : parameters_(optimizer.parameters()), options_(options) {
  check(options.max_iterations >= 0 && options.precision >= 0 && options.patience >= 0 &&
            options.min_delta >= 0,
        "Stopping: options must not be negative, got {}, {}, {} and {}", options.max_iterations,
        options.precision, options.patience, options.min_delta);
  remember();
}

void Stopping::remember() {
  NoGradGuard no_grad;
  before_.clear();
  for (const Tensor& parameter : parameters_) before_.push_back(parameter.detach().clone());
}

double Stopping::step_since_last() const {
  NoGradGuard no_grad;
  double squares = 0;
  for (size_t i = 0; i < parameters_.size(); ++i)
    squares += (parameters_[i] - before_[i]).to(kFloat64).square().sum().item<double>();
  return std::sqrt(squares);
}

bool Stopping::goes_on(double loss) {
  if (iterations_ > 0) {
    if (options_.precision > 0) last_step_ = step_since_last();
    bad_ = loss < best_ - options_.min_delta ? 0 : bad_ + 1;
    best_ = std::min(best_, loss);
  }
  const bool ends = iterations_ >= options_.max_iterations || last_step_ < options_.precision ||
                    (options_.patience > 0 && bad_ >= options_.patience);
  if (ends) return false;
  if (options_.precision > 0) remember();
  ++iterations_;
  return true;
}

}  // namespace reel::optim
