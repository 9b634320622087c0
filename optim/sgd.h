#pragma once

#include <reel/optim/optimizer.h>

namespace reel::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
};

/// Stochastic gradient descent: d = g + weight_decay * p; with momentum, b = momentum * b + (1 -
/// dampening) * d (b = d at first) and d = b, or d + momentum * b with nesterov; p = p - lr * d.
/// Same as torch.optim.SGD. Throws for negative or non-finite options, and for nesterov without
/// momentum or with dampening.
class SGD : public Optimizer {
 public:
  SGD(std::vector<Tensor> parameters, const SGDOptions& options = {});

  const SGDOptions& options() const { return options_; }
  double lr() const override { return options_.lr; }
  void set_lr(double lr) override { options_.lr = checked_lr("SGD", lr); }

 protected:
  void update(size_t i, const Array& parameter, const Array& g) override;

 private:
  SGDOptions options_;
  std::vector<Array> momentum_;  // by parameter; made at its first update
};

}  // namespace reel::optim
