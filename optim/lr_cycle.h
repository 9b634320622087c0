#pragma once
// Schedules that set lr and momentum together, end at an lr of their own, look at a metric, or are
// made of other schedules.

#include <reel/optim/lr_scheduler.h>

namespace reel::optim {

/// One number for all groups, or one a group.
class PerGroup {
 public:
  PerGroup(double value) : values_{value} {}
  PerGroup(std::initializer_list<double> values) : values_(values) {}
  PerGroup(std::vector<double> values) : values_(std::move(values)) {}
  double at(size_t group) const { return values_.size() == 1 ? values_[0] : values_.at(group); }
  /// Throws unless there is one number, or one for each of the groups, finite and not negative.
  void check(const char* schedule, const char* name, size_t groups) const;

 private:
  std::vector<double> values_;
};

struct CyclicLROptions {
  PerGroup base_lr = 1e-3;
  PerGroup max_lr = 1e-2;
  int64_t step_size_up = 2000;
  int64_t step_size_down = 0;            ///< 0: as step_size_up
  std::string_view mode = "triangular";  ///< "triangular", "triangular2" or "exp_range"
  double gamma = 1;                      ///< of exp_range
  bool cycle_momentum = true;  ///< moves momentum (or beta1) against lr; the optimiser must have it
  PerGroup base_momentum = 0.8;
  PerGroup max_momentum = 0.9;
};
/// lr goes up and down between two bounds (Smith 2017). Same as torch.optim.lr_scheduler.CyclicLR.
class CyclicLR : public LRScheduler {
 public:
  CyclicLR(Optimizer& optimizer, const CyclicLROptions& options);

 protected:
  void apply() override;
  double next_lr(double lr, size_t group) const override;

 private:
  double height() const;
  void set_momentum();

  CyclicLROptions options_;
  std::string mode_;  // options_.mode may see a text that is gone
};

/// The way from one number to another, in a line or in half a cosine.
class Annealing {
 public:
  /// Throws unless the strategy is "cos" or "linear".
  Annealing(const char* schedule, std::string_view strategy);
  /// How much of the way is done after this share of the time.
  double share(double time) const;
  double operator()(double from, double to, double time) const;

 private:
  bool cosine_;
};

struct OneCycleLROptions {
  PerGroup max_lr = 1e-2;
  int64_t total_steps = 0;  ///< or epochs * steps_per_epoch
  int64_t epochs = 0, steps_per_epoch = 0;
  double pct_start = 0.3;                    ///< share of the steps in which lr rises
  std::string_view anneal_strategy = "cos";  ///< or "linear"
  bool cycle_momentum = true;
  PerGroup base_momentum = 0.85;
  PerGroup max_momentum = 0.95;
  double div_factor = 25;         ///< max_lr / first lr
  double final_div_factor = 1e4;  ///< first lr / last lr
  bool three_phase = false;
};
/// lr rises to max_lr and falls far below where it began, momentum the other way (Smith and Topin
/// 2018). Same as torch.optim.lr_scheduler.OneCycleLR; step() throws beyond total_steps.
class OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options);
  void step() override;

 protected:
  void apply() override;
  double next_lr(double lr, size_t group) const override;

 private:
  // From one share of the rise to another: 0 is the first value, 1 the peak, -1 the last value.
  struct Phase {
    double end;
    int lr_from, lr_to, momentum_from, momentum_to;
  };
  struct Place {
    Phase phase;
    double share;
  };
  Place place() const;
  double lr_of(int level, size_t group) const;
  void set_momentum();

  OneCycleLROptions options_;
  Annealing annealing_;
  std::vector<Phase> phases_;
};

struct SWALROptions {
  PerGroup swa_lr = {};  ///< must be given
  int64_t anneal_epochs = 10;
  std::string_view anneal_strategy = "cos";  ///< or "linear"
};
/// From the lr there is when it first steps to swa_lr in anneal_epochs epochs, and no further: for
/// the epochs whose weights are averaged. Same as torch.optim.swa_utils.SWALR.
class SWALR : public LRScheduler {
 public:
  SWALR(Optimizer& optimizer, const SWALROptions& options);

 protected:
  double next_lr(double lr, size_t group) const override;

 private:
  double share(int64_t epoch) const;

  SWALROptions options_;
  Annealing annealing_;
};

struct ReduceLROnPlateauOptions {
  std::string_view mode = "min";  ///< or "max": what counts as better
  double factor = 0.1;
  int64_t patience = 10;  ///< epochs without improvement that are borne
  double threshold = 1e-4;
  std::string_view threshold_mode = "rel";  ///< or "abs"
  int64_t cooldown = 0;                     ///< epochs after a reduction in which none are counted
  PerGroup min_lr = 0.0;
  double eps = 1e-8;  ///< smaller changes of lr are left out
};
/// lr * factor when a metric has stopped improving. Same as
/// torch.optim.lr_scheduler.ReduceLROnPlateau.
class ReduceLROnPlateau : public LRScheduler {
 public:
  ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});
  void step() override;  ///< throws: a metric is needed
  void step(double metric);
  void begin() override;
  bool steps_alone() const override { return false; }
  double best() const { return best_; }

 protected:
  double next_lr(double lr, size_t group) const override;
  void each_number(const std::function<void(const char*, double&)>& f) override;

 private:
  bool is_better(double metric) const;
  void look_at(double metric);

  ReduceLROnPlateauOptions options_;
  bool maximize_, relative_;
  double best_, bad_epochs_ = 0, cooldown_left_ = 0;
};

using SchedulerList = std::vector<std::shared_ptr<LRScheduler>>;

/// One schedule after the other: the i-th from milestones[i - 1] on, each from its epoch 0.
class SequentialLR : public LRScheduler {
 public:
  /// Throws for schedules of other optimisers, and for those that need a metric.
  SequentialLR(Optimizer& optimizer, SchedulerList schedulers, std::vector<int64_t> milestones);
  void step() override;
  void begin() override;
  StateDict state_dict() const override;
  void load_state_dict(const StateDict& state) override;

 protected:
  double next_lr(double lr, size_t) const override { return lr; }

 private:
  SchedulerList schedulers_;
  std::vector<int64_t> milestones_;
};

/// Several schedules at once, whose factors multiply.
class ChainedScheduler : public LRScheduler {
 public:
  /// Throws for schedules of other optimisers, and for those that need a metric.
  ChainedScheduler(Optimizer& optimizer, SchedulerList schedulers);
  /// As PyTorch has it: for the optimiser of the first.
  explicit ChainedScheduler(SchedulerList schedulers);
  void step() override;
  void begin() override;
  StateDict state_dict() const override;
  void load_state_dict(const StateDict& state) override;

 protected:
  double next_lr(double lr, size_t) const override { return lr; }

 private:
  SchedulerList schedulers_;
};

}  // namespace reel::optim
