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
  for (const double value : values_)
    reel::check(std::isfinite(value) && value >= 0,
                "{}: {} must be finite and not negative, got {}", schedule, name, value);
}

namespace {

// Momentum where the optimiser has it, else the first beta.
const char* momentum_name(Optimizer& optimizer) {
  return optimizer.has_number("momentum") ? "momentum" : "betas";
}

// Whether there is something to cycle between the bounds of these options.
template <class O>
void check_momentum(const char* schedule, Optimizer& optimizer, const O& options) {
  options.base_momentum.check(schedule, "base_momentum", optimizer.groups());
  options.max_momentum.check(schedule, "max_momentum", optimizer.groups());
  if (!options.cycle_momentum) return;
  check(optimizer.has_number(momentum_name(optimizer)),
        "{}: cycle_momentum needs an optimiser with momentum or betas, got {}", schedule,
        optimizer.name());
  for (size_t group = 0; group < optimizer.groups(); ++group) {
    const double low = options.base_momentum.at(group), high = options.max_momentum.at(group);
    check(low < 1 && high < 1, "{}: base_momentum and max_momentum must be below 1, got {} and {}",
          schedule, low, high);
  }
}

}  // namespace

// ---- up and down -----------------------------------------------------------------------------------------

CyclicLR::CyclicLR(Optimizer& optimizer, const CyclicLROptions& options)
    : LRScheduler(optimizer), options_(options), mode_(options.mode) {
  check(options.step_size_up > 0 && options.step_size_down >= 0,
        "CyclicLR: step sizes must be positive, got {} and {}", options.step_size_up,
        options.step_size_down);
  check(mode_ == "triangular" || mode_ == "triangular2" || mode_ == "exp_range",
        "CyclicLR: mode must be triangular, triangular2 or exp_range, got {}", options.mode);
  check(std::isfinite(options.gamma) && options.gamma > 0,
        "CyclicLR: gamma must be positive, got {}", options.gamma);
  options.base_lr.check("CyclicLR", "base_lr", optimizer.groups());
  options.max_lr.check("CyclicLR", "max_lr", optimizer.groups());
  check_momentum("CyclicLR", optimizer, options);
  for (size_t group = 0; group < base_lr_.size(); ++group)
    base_lr_[group] = options.base_lr.at(group);
  start();
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
    optimizer_.number(momentum_name(optimizer_), group) =
        high - (high - options_.base_momentum.at(group)) * height();
  }
}

void CyclicLR::apply() {
  LRScheduler::apply();
  set_momentum();
}

// ---- one cycle, and to the lr of averaging ----------------------------------------------------------------

Annealing::Annealing(const char* schedule, std::string_view strategy) : cosine_(strategy == "cos") {
  check(cosine_ || strategy == "linear", "{}: anneal_strategy must be cos or linear, got {}",
        schedule, strategy);
}

double Annealing::share(double time) const {
  return cosine_ ? (1 - std::cos(std::numbers::pi * time)) / 2 : time;
}

double Annealing::operator()(double from, double to, double time) const {
  return to * share(time) + from * (1 - share(time));
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options)
    : LRScheduler(optimizer), options_(options), annealing_("OneCycleLR", options.anneal_strategy) {
  if (options_.total_steps == 0) options_.total_steps = options.epochs * options.steps_per_epoch;
  check(options_.total_steps > 0,
        "OneCycleLR: total_steps, or epochs and steps_per_epoch, must be positive, got {}",
        options_.total_steps);
  check(options.pct_start >= 0 && options.pct_start <= 1,
        "OneCycleLR: pct_start must be in [0, 1], got {}", options.pct_start);
  options.max_lr.check("OneCycleLR", "max_lr", optimizer.groups());
  for (const double factor : {options.div_factor, options.final_div_factor})
    check(std::isfinite(factor) && factor > 0,
          "OneCycleLR: div_factor and final_div_factor must be positive, got {} and {}",
          options.div_factor, options.final_div_factor);
  check_momentum("OneCycleLR", optimizer, options);
  const double total = static_cast<double>(options_.total_steps), rise = options.pct_start * total;
  if (options.three_phase) {
    phases_ = {{rise - 1, 0, 1, 1, 0}, {2 * rise - 2, 1, 0, 0, 1}, {total - 1, 0, -1, 1, 1}};
  } else {
    phases_ = {{rise - 1, 0, 1, 1, 0}, {total - 1, 1, -1, 0, 1}};
  }
  for (size_t group = 0; group < base_lr_.size(); ++group) base_lr_[group] = lr_of(0, group);
  start();
}

OneCycleLR::Place OneCycleLR::place() const {
  double start = 0;
  for (size_t i = 0;; ++i) {
    const Phase& phase = phases_[i];
    // A phase without length is over.
    if (epoch() <= phase.end || i + 1 == phases_.size())
      return {phase, phase.end == start ? 1 : (epoch() - start) / (phase.end - start)};
    start = phase.end;
  }
}

double OneCycleLR::lr_of(int level, size_t group) const {
  const double top = options_.max_lr.at(group), first = top / options_.div_factor;
  return level > 0 ? top : level == 0 ? first : first / options_.final_div_factor;
}

double OneCycleLR::next_lr(double, size_t group) const {
  const auto [phase, share] = place();
  return annealing_(lr_of(phase.lr_from, group), lr_of(phase.lr_to, group), share);
}

void OneCycleLR::set_momentum() {
  if (!options_.cycle_momentum) return;
  const auto [phase, share] = place();
  for (size_t group = 0; group < base_lr_.size(); ++group) {
    const double ends[] = {options_.base_momentum.at(group), options_.max_momentum.at(group)};
    optimizer_.number(momentum_name(optimizer_), group) =
        annealing_(ends[phase.momentum_from], ends[phase.momentum_to], share);
  }
}

void OneCycleLR::step() {
  check(last_epoch_ + 1 <= options_.total_steps,
        "OneCycleLR: the schedule has {} steps, and step {} was asked for", options_.total_steps,
        last_epoch_ + 1);
  LRScheduler::step();
}

void OneCycleLR::apply() {
  LRScheduler::apply();
  set_momentum();
}

SWALR::SWALR(Optimizer& optimizer, const SWALROptions& options)
    : LRScheduler(optimizer), options_(options), annealing_("SWALR", options.anneal_strategy) {
  check(options.anneal_epochs >= 0, "SWALR: anneal_epochs must not be negative, got {}",
        options.anneal_epochs);
  options.swa_lr.check("SWALR", "swa_lr", optimizer.groups());
  start();
}

double SWALR::share(int64_t epoch) const {
  if (options_.anneal_epochs == 0) return 1;
  const double time = static_cast<double>(epoch) / static_cast<double>(options_.anneal_epochs);
  return annealing_.share(std::clamp(time, 0.0, 1.0));
}

// From the lr before, as in PyTorch: what another schedule has made of it until now is the start.
double SWALR::next_lr(double lr, size_t group) const {
  const double goal = options_.swa_lr.at(group), now = share(last_epoch_);
  if (now == 1) return goal;
  if (last_epoch_ == 0) return lr;
  const double before = share(last_epoch_ - 1), first = (lr - before * goal) / (1 - before);
  return goal * now + first * (1 - now);
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
  check(options.patience >= 0 && options.cooldown >= 0,
        "ReduceLROnPlateau: patience and cooldown must not be negative, got {} and {}",
        options.patience, options.cooldown);
  check(options.threshold >= 0 && options.eps >= 0,
        "ReduceLROnPlateau: threshold and eps must not be negative, got {} and {}",
        options.threshold, options.eps);
  options.min_lr.check("ReduceLROnPlateau", "min_lr", optimizer.groups());
}

void ReduceLROnPlateau::step() { fail("ReduceLROnPlateau: step() needs the metric"); }

bool ReduceLROnPlateau::is_better(double metric) const {
  // A relative margin of an infinite best is none.
  if (std::isinf(best_)) return maximize_ ? metric > best_ : metric < best_;
  const double sign = maximize_ ? 1 : -1, threshold = sign * options_.threshold;
  const double bound = relative_ ? best_ * (1 + threshold) : best_ + threshold;
  return maximize_ ? metric > bound : metric < bound;
}

void ReduceLROnPlateau::begin() {
  last_epoch_ = 0;
  best_ = (maximize_ ? -1 : 1) * std::numeric_limits<double>::infinity();
  bad_epochs_ = cooldown_left_ = 0;
}

void ReduceLROnPlateau::step(double metric) {
  all_or_nothing([&] { look_at(metric); });
}

void ReduceLROnPlateau::look_at(double metric) {
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

void check_list(const char* name, const SchedulerList& schedulers, const Optimizer& optimizer) {
  check(!schedulers.empty(), "{}: got an empty list of schedules", name);
  for (size_t i = 0; i < schedulers.size(); ++i) {
    check(schedulers[i] != nullptr, "{}: schedule {} is null", name, i);
    check(&schedulers[i]->optimizer() == &optimizer,
          "{}: all schedules must belong to the same optimiser, schedule {} does not", name, i);
    check(schedulers[i]->steps_alone(), "{}: schedule {} needs a metric; step it by itself", name,
          i);
  }
}

Optimizer& first_optimizer(const SchedulerList& schedulers) {
  check(!schedulers.empty() && schedulers[0] != nullptr,
        "ChainedScheduler: got an empty list of schedules");
  return schedulers[0]->optimizer();
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
  check_list("SequentialLR", schedulers_, optimizer);
  check(milestones_.size() + 1 == schedulers_.size(),
        "SequentialLR: expected one milestone less than {} schedules, got {}", schedulers_.size(),
        milestones_.size());
  check(std::is_sorted(milestones_.begin(), milestones_.end()),
        "SequentialLR: milestones must ascend");
  // Each has set lr when it was made; the first alone shall have.
  schedulers_[0]->restart();
}

void SequentialLR::step() {
  const int64_t epoch = last_epoch_ + 1;
  const auto next = std::upper_bound(milestones_.begin(), milestones_.end(), epoch);
  const auto current = static_cast<size_t>(next - milestones_.begin());
  if (current > 0 && milestones_[current - 1] == epoch)
    schedulers_[current]->restart();
  else
    schedulers_[current]->step();
  last_epoch_ = epoch;
}

void SequentialLR::begin() {
  last_epoch_ = 0;
  schedulers_[0]->restart();
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
  check_list("ChainedScheduler", schedulers_, optimizer);
}

ChainedScheduler::ChainedScheduler(SchedulerList schedulers)
    : ChainedScheduler(first_optimizer(schedulers), schedulers) {}

void ChainedScheduler::step() {
  all_or_nothing([&] {
    for (const auto& scheduler : schedulers_) scheduler->step();
    ++last_epoch_;
  });
}

void ChainedScheduler::begin() {
  last_epoch_ = 0;
  for (const auto& scheduler : schedulers_) scheduler->begin();
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
