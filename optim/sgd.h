#pragma once
// Gradient descent, with momentum in its several forms, and with an average of the path.

#include <reel/optim/optimizer_of.h>

namespace reel::optim {

struct SGDOptions {
  static constexpr const char* name = "SGD";
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  /// Looks ahead along the buffer, with the gradient where the parameter is.
  bool nesterov = false;
  bool maximize = false;
  double decay = 0;  ///< Keras: lr / (1 + decay * steps taken before)
  /// The lecture's and Keras' momentum: lr enters the buffer with its gradient.
  bool lr_inside = false;
  /// Nesterov (1983) as the lecture prints it: step(closure) has the gradient computed at
  /// parameter - momentum * buffer. Needs lr_inside.
  bool evaluate_ahead = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("momentum", o.momentum);
    f("dampening", o.dampening);
    f("weight_decay", o.weight_decay);
    f("nesterov", o.nesterov);
    f("maximize", o.maximize);
    f("decay", o.decay);
    f("lr_inside", o.lr_inside);
    f("evaluate_ahead", o.evaluate_ahead);
  }
};

extern template class OptimizerOf<SGDOptions>;

/// Stochastic gradient descent: d = g + weight_decay * p; with momentum, b = momentum * b + (1 -
/// dampening) * d (b = d at first) and d = b, or d + momentum * b with nesterov; p = p - lr * d.
/// Same as torch.optim.SGD. With lr_inside b = momentum * b + lr * d and p = p - b, which differs
/// once lr changes. Throws for negative or non-finite options, and for nesterov without momentum or
/// with dampening.
class SGD : public OptimizerOf<SGDOptions> {
 public:
  using OptimizerOf::OptimizerOf;

  using Optimizer::step;
  Tensor step(const std::function<Tensor()>& closure) override;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const SGDOptions& o) override;
};

struct ASGDOptions {
  static constexpr const char* name = "ASGD";
  double lr = 1e-2;
  double lambd = 1e-4;  ///< decay of the parameters
  double alpha = 0.75;  ///< power of the decay of lr
  double t0 = 1e6;      ///< step at which averaging begins
  double weight_decay = 0;
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("lambd", o.lambd);
    f("alpha", o.alpha);
    f("t0", o.t0);
    f("weight_decay", o.weight_decay);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<ASGDOptions>;

/// Averaged stochastic gradient descent (Polyak and Juditsky 1992); the average stands in the state
/// "ax". Same as torch.optim.ASGD.
class ASGD : public OptimizerOf<ASGDOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const ASGDOptions& o) override;
};

}  // namespace reel::optim
