#pragma once
// What all optimisers share: groups of parameters, their state, the loop over them, what is done to
// gradients on the way, and the step counter.

#include <reel/optim/state.h>

namespace reel::optim {

/// What happens to gradients before an update sees them. They themselves stay as they are.
struct GradientOptions {
  /// All gradients together are scaled to at most this 2-norm. Neither limit is negative.
  std::optional<double> clip_norm = {};
  /// Every element is limited to [-clip_value, clip_value].
  std::optional<double> clip_value = {};
  /// step() throws on a gradient with NaN or infinity, and says whose it is.
  bool check_finite = false;
};

/// Base of the optimisers; derive from OptimizerOf, which knows the options.
class Optimizer {
 public:
  virtual ~Optimizer();
  // A copy would share the states.
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;

  /// Updates every parameter that has a gradient. Throws before anything changes if a gradient, or
  /// the state, is not of its parameter's shape.
  virtual void step();
  /// Calls `closure`, which forgets the gradients, computes the loss and its gradients, then steps;
  /// returns the loss.
  virtual Tensor step(const std::function<Tensor()>& closure);
  /// Forgets the gradients, or fills them with zeros.
  void zero_grad(bool set_to_none = true);
  /// Steps taken so far.
  int64_t steps() const { return steps_; }

  /// All parameters, or those of one group.
  std::vector<Tensor> parameters() const;
  const std::vector<Tensor>& parameters(size_t group) const { return groups_.at(group); }
  size_t groups() const { return groups_.size(); }
  /// The lr of a group.
  double lr(size_t group = 0) { return number("lr", group); }
  /// Of all groups, or of one. Throws unless lr is finite and not negative.
  void set_lr(double lr);
  void set_lr(double lr, size_t group);
  /// A number among a group's options, by name; of betas the first. Throws if there is none.
  double& number(std::string_view name, size_t group);
  bool has_number(std::string_view name) { return option(name, 0) != nullptr; }
  /// The lr a schedule starts from: a group's when the first schedule was made.
  double initial_lr(size_t group);
  void set_initial_lr(double lr, size_t group) { initial_lr_.at(group) = lr; }

  /// Throws for limits that are negative or NaN.
  void set_gradient_options(const GradientOptions& options);
  /// Names for messages, one for each of parameters(); "parameter 3" where there are none.
  void set_names(std::vector<std::string> names);
  const char* name() const { return name_; }

  /// Options, counters and states: a copy that load_state_dict() takes. Loading throws, and changes
  /// nothing, unless it fits these parameters; afterwards the trajectory goes on bit for bit.
  /// States of another dtype take that of their parameter, as in PyTorch.
  virtual StateDict state_dict() const;
  virtual void load_state_dict(const StateDict& state);

 protected:
  explicit Optimizer(const char* name);
  /// Throws unless there are some.
  void check_groups(size_t groups) const;
  /// Throws unless they are floating leaves, at least one, and none is here already.
  void check_parameters(const std::vector<Tensor>& parameters) const;
  void add_parameters(std::vector<Tensor> parameters);
  /// Updates one parameter in place. Grad mode is off; parameter and gradient are row-major and of
  /// one dtype.
  virtual void update(Tensor& parameter, const Tensor& g, State& state, size_t group) = 0;
  /// A number among a group's options, or null.
  virtual double* option(std::string_view name, size_t group) = 0;
  virtual void save_options(size_t group, StateDict& into) const = 0;
  virtual void load_options(size_t group, const StateDict& from) = 0;
  /// A function that sets all options to what they are now.
  virtual std::function<void()> options_now() = 0;
  /// Calls f(parameter, state, group) for every parameter.
  template <class F>
  void each_state(F f) {
    size_t place = 0;
    for (size_t group = 0; group < groups_.size(); ++group) {
      for (Tensor& parameter : groups_[group]) f(parameter, states_[place++], group);
    }
  }
  /// What step() looks at before it changes anything.
  void check_gradients() const;
  /// With check_finite, throws with the parameter's name unless all of g is finite.
  void check_finite(const Tensor& g, size_t place) const;
  /// For those that look along a line: what is clipped is no slope of the loss.
  void refuse_clipping() const;

  int64_t steps_ = 0;

 private:
  friend class LRScheduler;  // puts options back when a step is refused
  std::string name_of_parameter(size_t place) const;
  double clip_factor() const;
  Tensor prepared(const Tensor& parameter, double factor) const;

  const char* name_;
  std::vector<std::vector<Tensor>> groups_;
  std::vector<State> states_;  // in the order of parameters()
  std::vector<double> initial_lr_;
  std::vector<std::string> names_;
  GradientOptions gradients_;
};

}  // namespace reel::optim
