#pragma once
// What all optimisers share: parameters, their state, the loop over them and the step counter.

#include <reel/autograd/tensor.h>

namespace reel::optim {

/// Base of the optimisers. A derived class owns one function, the update formula of one parameter.
class Optimizer {
 public:
  /// Throws unless `parameters` are leaves, at least one, and no two the same.
  explicit Optimizer(const char* name, std::vector<Tensor> parameters);
  virtual ~Optimizer() = default;
  Optimizer(Optimizer&&) = default;

  /// Updates every parameter that has a gradient. Throws before anything changes if a gradient is
  /// not of its parameter's shape, or if a parameter's shape or dtype changed since its first
  /// update.
  void step();
  /// Calls `closure`, which computes the loss and its gradients, then steps; returns the loss.
  Tensor step(const std::function<Tensor()>& closure);
  /// Forgets the gradients, or fills them with zeros.
  void zero_grad(bool set_to_none = true);

  const std::vector<Tensor>& parameters() const { return parameters_; }
  virtual double lr() const = 0;
  virtual void set_lr(double lr) = 0;
  /// Steps taken so far.
  int64_t steps() const { return steps_; }

 protected:
  /// Updates the numbers of the i-th parameter in place. Grad mode is off; both arrays are
  /// row-major.
  virtual void update(size_t i, const Array& parameter, const Array& g) = 0;
  /// Throws unless lr is finite and not negative.
  static double checked_lr(const char* name, double lr);

 private:
  // What a parameter was like at its first update, when its state was made.
  struct Form {
    bool updated = false;
    Shape shape = {};
    Dtype dtype = {};
  };
  void check_step() const;

  const char* name_;
  std::vector<Tensor> parameters_;
  std::vector<Form> forms_;  // by parameter
  int64_t steps_ = 0;
};

}  // namespace reel::optim
