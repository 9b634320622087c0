#include <reel/autograd/ops/creation.h>
#include <reel/optim/lr_cycle.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace reel::optim {

void PerGroup::check(const char* schedule, const char* name, size_t groups) const {
  reel::check(values_.size() == 1 || values_.size() == groups,
              "{}: {} must be one number, or one for each of {} groups, got {}", schedule, name,
              groups, values_.size());
}

namespace {

// Momentum where the optimiser has it, else the first beta.
const char* momentum_name(const char* schedule, Optimizer& optimizer) {
  if (optimizer.has_number("momentum")) return "momentum";
  check(optimizer.has_number("betas"),
        "{}: cycle_momentum needs an optimiser with momentum or betas, got {}", schedule,
        optimizer.name());
  return "betas";
}

}  // namespace

// ---- up and down -----------------------------------------------------------------------------------------

CyclicLR::CyclicLR(Optimizer& optimizer, const CyclicLROptions& options)
    : LRScheduler(optimizer), options_(options), mode_(options.mode) {
  check(options.step_size_up > 0 && options.step_size_down >= 0,
        "CyclicLR: step sizes must be positive, got {} and {}", options.step_size_up,
        options.step_size_down);
  check(mode_ == "triangular" || mode_ == "triangular2" || mode_ == "exp_range",
        "CyclicLR: mode must be triangular, triangular2 or exp_range, got {}", mode_);
  options.base_lr.check("CyclicLR", "base_lr", optimizer.groups());
  options.max_lr.check("CyclicLR", "max_lr", optimizer.groups());
  options.base_momentum.check("CyclicLR", "base_momentum", optimizer.groups());
  options.max_momentum.check("CyclicLR", "max_momentum", optimizer.groups());
  if (options.cycle_momentum) momentum_name("CyclicLR", optimizer);
  for (size_t group = 0; group < base_lr_.size(); ++group)
    optimizer.initial_lr(group) = base_lr_[group] = options.base_lr.at(group);
  apply();
  set_momentum();
}

// Share of the way from the lower to the upper bound.
double CyclicLR::height() const {
  const double up = static_cast<double>(options_.step_size_up);
  const double down = options_.step_size_down ? static_cast<double>(options_.step_size_down) : up;
  const double total = up + down, turn = up / total;
  const double cycle = std::floor(1 + epoch() / total), x = 1 + epoch() / total - cycle;
  const double triangle = x <= turn ? x / turn : (x - 1) / (turn - 1);
  if (mode_ == "triangular2") return triangle / std::pow(2, cycle - 1);
  return mode_ == "exp_range" ? triangle * std::pow(options_.gamma, epoch()) : triangle;
}

double CyclicLR::next_lr(double, size_t group) const {
  const double low = options_.base_lr.at(group);
  return low + (options_.max_lr.at(group) - low) * height();
}

void CyclicLR::set_momentum() {
  if (!options_.cycle_momentum) return;
  for (size_t group = 0; group < base_lr_.size(); ++group) {
    const double high = options_.max_momentum.at(group);
    optimizer_.number(momentum_name("CyclicLR", optimizer_), group) =
        high - (high - options_.base_momentum.at(group)) * height();
  }
}

void CyclicLR::step() {
  LRScheduler::step();
  set_momentum();
}

// ---- one cycle -------------------------------------------------------------------------------------------

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options)
    : LRScheduler(optimizer), options_(options), cosine_(options.anneal_strategy == "cos") {
  if (options_.total_steps == 0) options_.total_steps = options.epochs * options.steps_per_epoch;
  check(options_.total_steps > 0,
        "OneCycleLR: total_steps, or epochs and steps_per_epoch, must be positive, got {}",
        options_.total_steps);
  check(options.pct_start >= 0 && options.pct_start <= 1,
        "OneCycleLR: pct_start must be in [0, 1], got {}", options.pct_start);
  check(cosine_ || options.anneal_strategy == "linear",
        "OneCycleLR: anneal_strategy must be cos or linear, got {}", options.anneal_strategy);
  options.max_lr.check("OneCycleLR", "max_lr", optimizer.groups());
  options.base_momentum.check("OneCycleLR", "base_momentum", optimizer.groups());
  options.max_momentum.check("OneCycleLR", "max_momentum", optimizer.groups());
  if (options.cycle_momentum) momentum_name("OneCycleLR", optimizer);
  const double total = static_cast<double>(options_.total_steps), rise = options.pct_start * total;
  if (options.three_phase) {
    phases_ = {{rise - 1, 0, 1, 1, 0}, {2 * rise - 2, 1, 0, 0, 1}, {total - 1, 0, -1, 1, 1}};
  } else {
    phases_ = {{rise - 1, 0, 1, 1, 0}, {total - 1, 1, -1, 0, 1}};
  }
  for (size_t group = 0; group < base_lr_.size(); ++group)
    optimizer.initial_lr(group) = base_lr_[group] = lr_of(0, group);
  apply();
  set_momentum();
}

OneCycleLR::Place OneCycleLR::place() const {
  double start = 0;
  for (size_t i = 0;; ++i) {
    const Phase& phase = phases_[i];
    if (epoch() <= phase.end || i + 1 == phases_.size())
      return {phase, (epoch() - start) / (phase.end - start)};
    start = phase.end;
  }
}

double OneCycleLR::between(double from, double to, double share) const {
  if (!cosine_) return (to - from) * share + from;
  return to + (from - to) / 2 * (std::cos(std::numbers::pi * share) + 1);
}

double OneCycleLR::lr_of(int level, size_t group) const {
  const double top = options_.max_lr.at(group), first = top / options_.div_factor;
  return level > 0 ? top : level == 0 ? first : first / options_.final_div_factor;
}

double OneCycleLR::next_lr(double, size_t group) const {
  const auto [phase, share] = place();
  return between(lr_of(phase.lr_from, group), lr_of(phase.lr_to, group), share);
}

void OneCycleLR::set_momentum() {
  if (!options_.cycle_momentum) return;
  const auto [phase, share] = place();
  for (size_t group = 0; group < base_lr_.size(); ++group) {
    const double ends[] = {options_.base_momentum.at(group), options_.max_momentum.at(group)};
    optimizer_.number(momentum_name("OneCycleLR", optimizer_), group) =
        between(ends[phase.momentum_from], ends[phase.momentum_to], share);
  }
}

void OneCycleLR::step() {
  check(last_epoch_ + 1 <= options_.total_steps,
        "OneCycleLR: the schedule has {} steps, and step {} was asked for", options_.total_steps,
        last_epoch_ + 1);
  LRScheduler::step();
  set_momentum();
}

// ---- by a metric -----------------------------------------------------------------------------------------

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : LRScheduler(optimizer),
      options_(options),
      maximize_(options.mode == "max"),
      relative_(options.threshold_mode == "rel"),
      best_(maximize_ ? -std::numeric_limits<double>::infinity()
                      : std::numeric_limits<double>::infinity()) {
  check(options.factor < 1 && options.factor >= 0,
        "ReduceLROnPlateau: factor must be in [0, 1), got {}", options.factor);
  check(maximize_ || options.mode == "min", "ReduceLROnPlateau: mode must be min or max, got {}",
        options.mode);
  check(relative_ || options.threshold_mode == "abs",
        "ReduceLROnPlateau: threshold_mode must be rel or abs, got {}", options.threshold_mode);
  options.min_lr.check("ReduceLROnPlateau", "min_lr", optimizer.groups());
}

void ReduceLROnPlateau::step() { fail("ReduceLROnPlateau: step() needs the metric"); }

bool ReduceLROnPlateau::is_better(double metric) const {
  const double margin = relative_ ? options_.threshold * best_ : options_.threshold;
  // A relative margin of an infinite best is none.
  if (std::isinf(best_)) return maximize_ ? metric > best_ : metric < best_;
  return maximize_ ? metric > best_ + margin : metric < best_ - margin;
}

void ReduceLROnPlateau::step(double metric) {
  ++last_epoch_;
  if (is_better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ <= static_cast<double>(options_.patience)) return;
  apply();
  cooldown_left_ = static_cast<double>(options_.cooldown);
  bad_epochs_ = 0;
}

double ReduceLROnPlateau::next_lr(double lr, size_t group) const {
  const double reduced = std::max(lr * options_.factor, options_.min_lr.at(group));
  return lr - reduced > options_.eps ? reduced : lr;
}

void ReduceLROnPlateau::each_number(const std::function<void(const char*, double&)>& f) {
  f("best", best_);
  f("num_bad_epochs", bad_epochs_);
  f("cooldown_counter", cooldown_left_);
}

// ---- made of others --------------------------------------------------------------------------------------

namespace {

void check_list(const char* name, const SchedulerList& schedulers) {
  check(!schedulers.empty(), "{}: got an empty list of schedules", name);
  for (const auto& scheduler : schedulers)
    check(scheduler != nullptr, "{}: a schedule is null", name);
}

void save_all(const SchedulerList& schedulers, StateDict& into) {
  for (size_t i = 0; i < schedulers.size(); ++i) {
    for (const auto& [name, value] : schedulers[i]->state_dict())
      into[fmt::format("schedulers.{}.{}", i, name)] = value;
  }
}

StateDict part_of(const StateDict& state, size_t i) {
  StateDict part;
  const std::string prefix = fmt::format("schedulers.{}.", i);
  for (const auto& [name, value] : state) {
    if (name.starts_with(prefix)) part[name.substr(prefix.size())] = value;
  }
  return part;
}

void load_all(const SchedulerList& schedulers, const StateDict& state) {
  std::vector<StateDict> before;
  try {
    for (size_t i = 0; i < schedulers.size(); ++i) {
      before.push_back(schedulers[i]->state_dict());
      schedulers[i]->load_state_dict(part_of(state, i));
    }
  } catch (const Error&) {
    for (size_t i = 0; i + 1 < before.size(); ++i) schedulers[i]->load_state_dict(before[i]);
    throw;
  }
}

}  // namespace

SequentialLR::SequentialLR(Optimizer& optimizer, SchedulerList schedulers,
                           std::vector<int64_t> milestones)
    : LRScheduler(optimizer),
      schedulers_(std::move(schedulers)),
      milestones_(std::move(milestones)) {
  check_list("SequentialLR", schedulers_);
  check(milestones_.size() + 1 == schedulers_.size(),
        "SequentialLR: expected one milestone less than {} schedules, got {}", schedulers_.size(),
        milestones_.size());
  check(std::is_sorted(milestones_.begin(), milestones_.end()),
        "SequentialLR: milestones must ascend");
  // Each has set lr when it was made; the first alone shall have.
  schedulers_[0]->restart();
}

void SequentialLR::step() {
  ++last_epoch_;
  const auto next = std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_);
  const auto current = static_cast<size_t>(next - milestones_.begin());
  if (current > 0 && milestones_[current - 1] == last_epoch_)
    schedulers_[current]->restart();
  else
    schedulers_[current]->step();
}

StateDict SequentialLR::state_dict() const {
  StateDict state = LRScheduler::state_dict();
  save_all(schedulers_, state);
  return state;
}

void SequentialLR::load_state_dict(const StateDict& state) {
  load_all(schedulers_, state);
  LRScheduler::load_state_dict(state);
}

ChainedScheduler::ChainedScheduler(Optimizer& optimizer, SchedulerList schedulers)
    : LRScheduler(optimizer), schedulers_(std::move(schedulers)) {
  check_list("ChainedScheduler", schedulers_);
}

void ChainedScheduler::step() {
  ++last_epoch_;
  for (const auto& scheduler : schedulers_) scheduler->step();
}

StateDict ChainedScheduler::state_dict() const {
  StateDict state = LRScheduler::state_dict();
  save_all(schedulers_, state);
  return state;
}

void ChainedScheduler::load_state_dict(const StateDict& state) {
  load_all(schedulers_, state);
  LRScheduler::load_state_dict(state);
}

}  // namespace reel::optim
