#pragma once
// Schedules of the learning rate. Each is made for an optimiser, which must outlive it, sets the lr
// of every group at once, and again whenever step() is called, once an epoch (or once a batch).

#include <reel/optim/optimizer.h>

#include <memory>

namespace reel::optim {

/// Base of the schedules; a derived class says what the lr of a group becomes.
class LRScheduler {
 public:
  explicit LRScheduler(Optimizer& optimizer);
  virtual ~LRScheduler() = default;
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  /// The next epoch. Throws, and changes nothing, if lr would not be finite or be negative.
  virtual void step();
  /// Epoch 0 again, from the initial lr. Throws, and changes nothing, as step() does.
  void restart();
  /// Epoch 0 again, from the lr there is.
  virtual void begin();
  /// Whether step() is called without a metric.
  virtual bool steps_alone() const { return true; }
  int64_t last_epoch() const { return last_epoch_; }
  std::vector<double> get_last_lr() const;
  Optimizer& optimizer() const { return optimizer_; }
  /// What changes from epoch to epoch; options are those of the constructor. Loading throws, and
  /// changes nothing, unless all that was saved is there; lr comes with the optimiser's state.
  virtual StateDict state_dict() const;
  virtual void load_state_dict(const StateDict& state);

 protected:
  /// The lr of a group in epoch last_epoch(), which may depend on the lr it has.
  virtual double next_lr(double lr, size_t group) const = 0;
  /// Sets what next_lr() says; throws, and sets nothing, if that is no lr.
  virtual void apply();
  /// Epoch 0, for the derived constructor.
  void start();
  /// Calls f; if that throws, this schedule and the optimiser's options are as they were before.
  void all_or_nothing(const std::function<void()>& f);
  /// Calls f(name, number) for what a schedule remembers besides the epoch.
  virtual void each_number(const std::function<void(const char*, double&)>&) {}

  double initial(size_t group) const { return base_lr_[group]; }
  double epoch() const { return static_cast<double>(last_epoch_); }

  Optimizer& optimizer_;
  int64_t last_epoch_ = 0;
  std::vector<double> base_lr_;  // by group
};

/// A factor for each epoch; one function for all groups, or one a group.
using LambdaList = std::vector<std::function<double(int64_t)>>;

/// initial lr * f(epoch).
class LambdaLR : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> f);
  LambdaLR(Optimizer& optimizer, LambdaList functions);

 protected:
  double next_lr(double lr, size_t group) const override;
  LambdaList functions_;
};

/// lr * f(epoch), from epoch 1 on.
class MultiplicativeLR : public LRScheduler {
 public:
  MultiplicativeLR(Optimizer& optimizer, std::function<double(int64_t)> f);
  MultiplicativeLR(Optimizer& optimizer, LambdaList functions);

 protected:
  double next_lr(double lr, size_t group) const override;
  LambdaList functions_;
};

/// What a formula knows of a group.
struct Moment {
  double lr, initial;
  int64_t epoch;
};

/// A schedule that is a formula: the options' next() gives the lr, and their check() throws on what
/// makes no sense.
template <class O>
class FormulaLR : public LRScheduler {
 public:
  /// Throws for options that make no sense.
  FormulaLR(Optimizer& optimizer, const O& options) : LRScheduler(optimizer), options_(options) {
    options_.check();
    start();
  }

 protected:
  double next_lr(double lr, size_t group) const override {
    return options_.next({.lr = lr, .initial = initial(group), .epoch = last_epoch_});
  }
  O options_;
};

struct StepLROptions {
  int64_t step_size = 1;
  double gamma = 0.1;
  void check() const;
  double next(const Moment& now) const;
};
/// lr * gamma every step_size epochs.
using StepLR = FormulaLR<StepLROptions>;

struct MultiStepLROptions {
  std::vector<int64_t> milestones = {};
  double gamma = 0.1;
  void check() const;
  double next(const Moment& now) const;
};
/// lr * gamma at each milestone.
using MultiStepLR = FormulaLR<MultiStepLROptions>;

struct ConstantLROptions {
  double factor = 1.0 / 3;
  int64_t total_iters = 5;
  void check() const;
  double next(const Moment& now) const;
};
/// lr * factor until total_iters epochs have passed.
using ConstantLR = FormulaLR<ConstantLROptions>;

struct LinearLROptions {
  double start_factor = 1.0 / 3;
  double end_factor = 1;
  int64_t total_iters = 5;
  void check() const;
  double next(const Moment& now) const;
};
/// A factor that goes from start_factor to end_factor in total_iters epochs.
using LinearLR = FormulaLR<LinearLROptions>;

struct ExponentialLROptions {
  double gamma = 0.1;
  void check() const;
  double next(const Moment& now) const;
};
/// lr * gamma every epoch. The lecture's 10^(-t / T) is gamma = 10^(-1 / T).
using ExponentialLR = FormulaLR<ExponentialLROptions>;

struct PolynomialLROptions {
  int64_t total_iters = 5;
  double power = 1;
  void check() const;
  double next(const Moment& now) const;
};
/// initial lr * (1 - epoch / total_iters)^power.
using PolynomialLR = FormulaLR<PolynomialLROptions>;

struct CosineAnnealingLROptions {
  int64_t T_max = 1;
  double eta_min = 0;
  void check() const;
  double next(const Moment& now) const;
};
/// Half a cosine from the initial lr to eta_min in T_max epochs, and back (Loshchilov and Hutter
/// 2017, eq. 5, without restarts).
using CosineAnnealingLR = FormulaLR<CosineAnnealingLROptions>;

struct PowerLROptions {
  double decay_steps = 1;
  double power = 1;
  void check() const;
  double next(const Moment& now) const;
};
/// initial lr / (1 + epoch / decay_steps)^power: the lecture's power schedule.
using PowerLR = FormulaLR<PowerLROptions>;

struct PiecewiseConstantLROptions {
  std::vector<int64_t> boundaries = {};  ///< ascending epochs
  std::vector<double> factors = {};      ///< one more than boundaries
  void check() const;
  double next(const Moment& now) const;
};
/// initial lr * factors[i] from boundaries[i - 1] to before boundaries[i].
using PiecewiseConstantLR = FormulaLR<PiecewiseConstantLROptions>;

struct WarmRestartsOptions {
  int64_t T_0 = 1;
  int64_t T_mult = 1;
  double eta_min = 0;
};
/// Half a cosine from the initial lr to eta_min, again and again, each T_mult times as long as the
/// one before; the first takes T_0 epochs (Loshchilov and Hutter 2017, eq. 5). Same as
/// torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.
class CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(Optimizer& optimizer, const WarmRestartsOptions& options);
  void step() override;
  /// To a place between two epochs, epoch + batch / batches. Throws if it is negative.
  void step(double epoch);
  void begin() override;

 protected:
  double next_lr(double lr, size_t group) const override;
  void each_number(const std::function<void(const char*, double&)>& f) override;

 private:
  WarmRestartsOptions options_;
  double length_, passed_ = 0;
};

}  // namespace reel::optim
