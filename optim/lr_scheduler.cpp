#include <reel/autograd/ops/creation.h>
#include <reel/optim/lr_scheduler.h>
#include <reel/optim/optimizer_of.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace reel::optim {

using std::numbers::pi;

// ---- the base --------------------------------------------------------------------------------------------

LRScheduler::LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {
  for (size_t group = 0; group < optimizer.groups(); ++group)
    base_lr_.push_back(optimizer.initial_lr(group));
}

void LRScheduler::apply() {
  std::vector<double> next;
  for (size_t group = 0; group < base_lr_.size(); ++group) {
    next.push_back(next_lr(optimizer_.lr(group), group));
    detail::check_option(optimizer_.name(), "lr", next[group], next[group] >= 0, "not negative");
  }
  for (size_t group = 0; group < next.size(); ++group) optimizer_.set_lr(next[group], group);
}

void LRScheduler::start() {
  apply();
  for (size_t group = 0; group < base_lr_.size(); ++group)
    optimizer_.set_initial_lr(base_lr_[group], group);
}

void LRScheduler::step() {
  ++last_epoch_;
  try {
    apply();
  } catch (...) {
    --last_epoch_;
    throw;
  }
}

void LRScheduler::all_or_nothing(const std::function<void()>& f) {
  const StateDict before = state_dict();
  const std::function<void()> put_back = optimizer_.options_now();
  try {
    f();
  } catch (...) {
    load_state_dict(before);
    put_back();
    throw;
  }
}

void LRScheduler::restart() {
  all_or_nothing([&] {
    for (size_t group = 0; group < base_lr_.size(); ++group)
      optimizer_.set_lr(base_lr_[group], group);
    begin();
  });
}

void LRScheduler::begin() {
  last_epoch_ = 0;
  apply();
}

std::vector<double> LRScheduler::get_last_lr() const {
  std::vector<double> list;
  for (size_t group = 0; group < base_lr_.size(); ++group) list.push_back(optimizer_.lr(group));
  return list;
}

StateDict LRScheduler::state_dict() const {
  StateDict state;
  state["last_epoch"] = full({}, last_epoch_);
  state["base_lr"] = from_vector(base_lr_, {static_cast<int64_t>(base_lr_.size())});
  // Listing changes nothing.
  const_cast<LRScheduler*>(this)->each_number(
      [&](const char* name, double& value) { state[name] = full({}, value, {.dtype = kFloat64}); });
  return state;
}

void LRScheduler::load_state_dict(const StateDict& state) {
  const auto find = [&](const std::string& key) -> const Tensor& {
    const auto found = state.find(key);
    check(found != state.end(), "LRScheduler: load_state_dict: {} is missing", key);
    return found->second;
  };
  const Tensor& base = find("base_lr");
  const auto groups = static_cast<int64_t>(base_lr_.size());
  check(base.shape() == Shape{groups} && base.dtype() == kFloat64,
        "LRScheduler: load_state_dict: base_lr must be {} float64 numbers, got {} of shape {}",
        groups, base.dtype(), base.shape());
  const int64_t epoch = find("last_epoch").item<int64_t>();
  each_number([&](const char* name, double&) { find(name).item<double>(); });
  each_number([&](const char* name, double& value) { value = find(name).item<double>(); });
  last_epoch_ = epoch;
  base_lr_.assign(base.data<double>(), base.data<double>() + groups);
}

// ---- functions -------------------------------------------------------------------------------------------

namespace {

LambdaList checked(const char* schedule, LambdaList functions, const Optimizer& optimizer) {
  check(functions.size() == 1 || functions.size() == optimizer.groups(),
        "{}: expected one function, or one for each of {} groups, got {}", schedule,
        optimizer.groups(), functions.size());
  for (const auto& f : functions) check(f != nullptr, "{}: a function is empty", schedule);
  return functions;
}

double factor(const LambdaList& functions, size_t group, int64_t epoch) {
  return functions[functions.size() == 1 ? 0 : group](epoch);
}

}  // namespace

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> f)
    : LambdaLR(optimizer, LambdaList{std::move(f)}) {}

LambdaLR::LambdaLR(Optimizer& optimizer, LambdaList functions)
    : LRScheduler(optimizer), functions_(checked("LambdaLR", std::move(functions), optimizer)) {
  start();
}

double LambdaLR::next_lr(double, size_t group) const {
  return initial(group) * factor(functions_, group, last_epoch_);
}

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::function<double(int64_t)> f)
    : MultiplicativeLR(optimizer, LambdaList{std::move(f)}) {}

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, LambdaList functions)
    : LRScheduler(optimizer),
      functions_(checked("MultiplicativeLR", std::move(functions), optimizer)) {
  start();
}

double MultiplicativeLR::next_lr(double lr, size_t group) const {
  return last_epoch_ == 0 ? lr : lr * factor(functions_, group, last_epoch_);
}

// ---- formulas: from the lr before, so that schedules can be chained --------------------------------------

namespace {

void check_positive(const char* schedule, const char* name, double value) {
  check(std::isfinite(value) && value > 0, "{}: {} must be positive, got {}", schedule, name,
        value);
}
void check_not_negative(const char* schedule, const char* name, double value) {
  check(std::isfinite(value) && value >= 0, "{}: {} must be finite and not negative, got {}",
        schedule, name, value);
}

}  // namespace

void StepLROptions::check() const {
  check_positive("StepLR", "step_size", static_cast<double>(step_size));
  check_positive("StepLR", "gamma", gamma);
}
double StepLROptions::next(const Moment& now) const {
  return now.epoch == 0 || now.epoch % step_size != 0 ? now.lr : now.lr * gamma;
}

void MultiStepLROptions::check() const { check_positive("MultiStepLR", "gamma", gamma); }
double MultiStepLROptions::next(const Moment& now) const {
  const auto times = std::count(milestones.begin(), milestones.end(), now.epoch);
  return now.lr * std::pow(gamma, static_cast<double>(times));
}

void ConstantLROptions::check() const {
  check_positive("ConstantLR", "factor", factor);
  reel::check(factor <= 1, "ConstantLR: factor must be at most 1, got {}", factor);
}
double ConstantLROptions::next(const Moment& now) const {
  if (now.epoch == 0) return now.lr * factor;
  return now.epoch == total_iters ? now.lr * (1 / factor) : now.lr;
}

void LinearLROptions::check() const {
  check_positive("LinearLR", "start_factor", start_factor);
  reel::check(start_factor <= 1 && end_factor >= 0 && end_factor <= 1,
              "LinearLR: factors must be in (0, 1] and [0, 1], got {} and {}", start_factor,
              end_factor);
}
double LinearLROptions::next(const Moment& now) const {
  if (now.epoch == 0) return now.lr * start_factor;
  if (now.epoch > total_iters) return now.lr;
  const double rise = end_factor - start_factor;
  const double before =
      static_cast<double>(total_iters) * start_factor + static_cast<double>(now.epoch - 1) * rise;
  return now.lr * (1 + rise / before);
}

void ExponentialLROptions::check() const { check_positive("ExponentialLR", "gamma", gamma); }
double ExponentialLROptions::next(const Moment& now) const {
  return now.epoch == 0 ? now.lr : now.lr * gamma;
}

void PolynomialLROptions::check() const {
  check_positive("PolynomialLR", "total_iters", static_cast<double>(total_iters));
  check_not_negative("PolynomialLR", "power", power);
}
double PolynomialLROptions::next(const Moment& now) const {
  if (now.epoch == 0 || now.epoch > total_iters) return now.lr;
  const auto left = [&](int64_t epoch) {
    return 1 - static_cast<double>(epoch) / static_cast<double>(total_iters);
  };
  return now.lr * std::pow(left(now.epoch) / left(now.epoch - 1), power);
}

void CosineAnnealingLROptions::check() const {
  check_positive("CosineAnnealingLR", "T_max", static_cast<double>(T_max));
  check_not_negative("CosineAnnealingLR", "eta_min", eta_min);
}
double CosineAnnealingLROptions::next(const Moment& now) const {
  if (now.epoch == 0) return now.lr;
  const double period = static_cast<double>(T_max);
  // From the bottom there is no factor that leads up again.
  if ((now.epoch - 1 - T_max) % (2 * T_max) == 0)
    return now.lr + (now.initial - eta_min) * (1 - std::cos(pi / period)) / 2;
  const auto height = [&](int64_t epoch) {
    return 1 + std::cos(pi * static_cast<double>(epoch) / period);
  };
  return height(now.epoch) / height(now.epoch - 1) * (now.lr - eta_min) + eta_min;
}

void PowerLROptions::check() const {
  check_positive("PowerLR", "decay_steps", decay_steps);
  check_not_negative("PowerLR", "power", power);
}
double PowerLROptions::next(const Moment& now) const {
  return now.initial / std::pow(1 + static_cast<double>(now.epoch) / decay_steps, power);
}

void PiecewiseConstantLROptions::check() const {
  reel::check(factors.size() == boundaries.size() + 1,
              "PiecewiseConstantLR: expected one factor more than {} boundaries, got {}",
              boundaries.size(), factors.size());
  reel::check(std::is_sorted(boundaries.begin(), boundaries.end()),
              "PiecewiseConstantLR: boundaries must ascend");
  for (const double factor : factors) check_not_negative("PiecewiseConstantLR", "factors", factor);
}
double PiecewiseConstantLROptions::next(const Moment& now) const {
  const auto piece = std::upper_bound(boundaries.begin(), boundaries.end(), now.epoch);
  return now.initial * factors[static_cast<size_t>(piece - boundaries.begin())];
}

// ---- restarts --------------------------------------------------------------------------------------------

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer,
                                                         const WarmRestartsOptions& options)
    : LRScheduler(optimizer), options_(options), length_(static_cast<double>(options.T_0)) {
  check_positive("CosineAnnealingWarmRestarts", "T_0", length_);
  check(options.T_mult >= 1, "CosineAnnealingWarmRestarts: T_mult must be at least 1, got {}",
        options.T_mult);
  check_not_negative("CosineAnnealingWarmRestarts", "eta_min", options.eta_min);
  start();
}

void CosineAnnealingWarmRestarts::step() {
  if (++passed_ >= length_) {
    passed_ -= length_;
    length_ *= static_cast<double>(options_.T_mult);
  }
  LRScheduler::step();
}

void CosineAnnealingWarmRestarts::step(double epoch) {
  check(std::isfinite(epoch) && epoch >= 0,
        "CosineAnnealingWarmRestarts: epoch must be finite and not negative, got {}", epoch);
  passed_ = epoch;
  length_ = static_cast<double>(options_.T_0);
  if (options_.T_mult == 1) passed_ = std::fmod(epoch, length_);
  for (; passed_ >= length_; length_ *= static_cast<double>(options_.T_mult)) passed_ -= length_;
  last_epoch_ = static_cast<int64_t>(epoch);
  apply();
}

void CosineAnnealingWarmRestarts::begin() {
  passed_ = 0;
  length_ = static_cast<double>(options_.T_0);
  LRScheduler::begin();
}

double CosineAnnealingWarmRestarts::next_lr(double, size_t group) const {
  return options_.eta_min +
         (initial(group) - options_.eta_min) * (1 + std::cos(pi * passed_ / length_)) / 2;
}

void CosineAnnealingWarmRestarts::each_number(const std::function<void(const char*, double&)>& f) {
  f("T_cur", passed_);
  f("T_i", length_);
}

}  // namespace reel::optim
