#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/tape.h>
#include <reel/nn/clip.h>
#include <reel/optim/optimizer_of.h>

#include <cmath>
#include <unordered_set>

namespace reel::optim {

// ---- parameters and options ------------------------------------------------------------------------------

Optimizer::Optimizer(const char* name) : name_(name) {}
Optimizer::~Optimizer() = default;

void Optimizer::check_groups(size_t groups) const {
  check(groups > 0, "{}: got an empty list of groups", name_);
}

void Optimizer::check_parameters(const std::vector<Tensor>& parameters) const {
  check(!parameters.empty(), "{}: got an empty list of parameters", name_);
  std::unordered_set<const TensorBody*> seen;
  for (const Tensor& parameter : this->parameters()) seen.insert(parameter.body());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& parameter = parameters[i];
    check(parameter.defined(), "{}: parameter {} is undefined", name_, i);
    check(parameter.is_leaf(), "{}: parameter {} must be a leaf, got the result of an operation",
          name_, i);
    check<TypeError>(parameter.is_floating_point(), "{}: parameter {} must be floating, got {}",
                     name_, i, parameter.dtype());
    check(seen.insert(parameter.body()).second, "{}: parameter {} appears twice", name_, i);
    for (int axis = 0; axis < parameter.dim(); ++axis)
      check(parameter.size(axis) <= 1 || parameter.strides()[axis] != 0,
            "{}: parameter {} is expanded and cannot be changed; clone() it first", name_, i);
  }
}

void Optimizer::add_parameters(std::vector<Tensor> parameters) {
  states_.resize(states_.size() + parameters.size());
  initial_lr_.push_back(std::nan(""));
  groups_.push_back(std::move(parameters));
}

std::vector<Tensor> Optimizer::parameters() const {
  std::vector<Tensor> all;
  for (const auto& group : groups_) all.insert(all.end(), group.begin(), group.end());
  return all;
}

double& Optimizer::number(std::string_view name, size_t group) {
  check<IndexError>(group < groups_.size(), "{}: group {} is out of range for {} groups", name_,
                    group, groups_.size());
  double* found = option(name, group);
  check(found != nullptr, "{}: there is no number named {} among the options", name_, name);
  return *found;
}

void Optimizer::set_lr(double lr) {
  for (size_t group = 0; group < groups_.size(); ++group) set_lr(lr, group);
}

void Optimizer::set_lr(double lr, size_t group) {
  detail::check_option(name_, "lr", lr, lr >= 0, "not negative");
  number("lr", group) = lr;
}

double Optimizer::initial_lr(size_t group) {
  const double first = initial_lr_.at(group);
  return std::isnan(first) ? lr(group) : first;
}

void Optimizer::set_gradient_options(const GradientOptions& options) {
  check(options.clip_norm.value_or(0) >= 0 && options.clip_value.value_or(0) >= 0,
        "{}: clip_norm and clip_value must not be negative, got {} and {}", name_,
        options.clip_norm.value_or(0), options.clip_value.value_or(0));
  gradients_ = options;
}

void Optimizer::refuse_clipping() const {
  check(!gradients_.clip_norm && !gradients_.clip_value,
        "{}: gradients cannot be clipped, the step's length is searched for", name_);
}

void Optimizer::set_names(std::vector<std::string> names) {
  check(names.size() == states_.size(), "{}: expected a name for each of {} parameters, got {}",
        name_, states_.size(), names.size());
  names_ = std::move(names);
}

std::string Optimizer::name_of_parameter(size_t place) const {
  return place < names_.size() ? names_[place] : fmt::format("parameter {}", place);
}

// ---- the step --------------------------------------------------------------------------------------------

void Optimizer::check_gradients() const {
  size_t place = 0;
  for (const auto& group : groups_) {
    for (const Tensor& parameter : group) {
      const Tensor& g = parameter.grad();
      const size_t here = place++;
      if (!g.defined()) continue;
      check(g.shape() == parameter.shape(), "{}: the gradient of {} must have its shape {}, got {}",
            name_, name_of_parameter(here), parameter.shape(), g.shape());
      states_[here].check_shapes(parameter);
      check_finite(g.detach(), here);
    }
  }
}

void Optimizer::check_finite(const Tensor& g, size_t place) const {
  // A sum of finite numbers may overflow, so a sum that is not finite is looked at closely.
  if (!gradients_.check_finite || std::isfinite(g.to(kFloat64).sum().item<double>())) return;
  check(all(abs(g) < INFINITY), "{}: the gradient of {} is not finite", name_,
        name_of_parameter(place));
}

double Optimizer::clip_factor() const {
  if (!gradients_.clip_norm) return 1;
  std::vector<Tensor> gradients;
  for (const auto& group : groups_) {
    for (const Tensor& parameter : group) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
  }
  const double norm = nn::utils::get_total_norm(gradients).item<double>();
  return nn::utils::clip_coefficient(*gradients_.clip_norm, norm);
}

Tensor Optimizer::prepared(const Tensor& parameter, double factor) const {
  Tensor g = parameter.grad().detach().to(parameter.dtype()).contiguous();
  if (factor != 1) g = g * factor;
  if (const auto limit = gradients_.clip_value) g = g.clamp({.min = -*limit, .max = *limit});
  return g;
}

void Optimizer::step() {
  NoGradGuard no_grad;
  check_gradients();
  const double factor = clip_factor();
  ++steps_;
  each_state([&](Tensor& parameter, State& state, size_t group) {
    if (!parameter.grad().defined()) return;
    const Tensor g = prepared(parameter, factor);
    if (parameter.is_contiguous()) return update(parameter, g, state, group);
    Tensor numbers = parameter.detach().contiguous();
    update(numbers, g, state, group);
    parameter.copy_(numbers);
  });
}

Tensor Optimizer::step(const std::function<Tensor()>& closure) {
  Tensor loss = [&] {
    EnableGradGuard recording;
    return closure();
  }();
  step();
  return loss;
}

void Optimizer::zero_grad(bool set_to_none) {
  NoGradGuard no_grad;
  for (auto& group : groups_) {
    for (Tensor& parameter : group) {
      Tensor& grad = parameter.mutable_grad();
      if (set_to_none || !grad.defined()) {
        grad = Tensor();
      } else {
        grad.detach_().zero_();
      }
    }
  }
}

// ---- saving ----------------------------------------------------------------------------------------------

StateDict Optimizer::state_dict() const {
  NoGradGuard no_grad;
  StateDict state;
  state["steps"] = full({}, steps_);
  for (size_t place = 0; place < states_.size(); ++place) states_[place].save(place, state);
  for (size_t group = 0; group < groups_.size(); ++group) {
    save_options(group, state);
    const std::string prefix = fmt::format("param_groups.{}.", group);
    state[prefix + "params"] = full({}, static_cast<int64_t>(groups_[group].size()));
    state[prefix + "initial_lr"] = full({}, initial_lr_[group], {.dtype = kFloat64});
  }
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  NoGradGuard no_grad;
  const auto find = [&](const std::string& key) -> const Tensor& {
    const auto found = state.find(key);
    check(found != state.end(), "{}: load_state_dict: {} is missing", name_, key);
    return found->second;
  };
  check(!state.contains(fmt::format("param_groups.{}.params", groups_.size())),
        "{}: load_state_dict: expected {} groups, got more", name_, groups_.size());
  std::vector<State> states;
  std::vector<double> initial;
  for (size_t group = 0; group < groups_.size(); ++group) {
    const std::string prefix = fmt::format("param_groups.{}.", group);
    const auto count = find(prefix + "params").item<int64_t>();
    check(count == static_cast<int64_t>(groups_[group].size()),
          "{}: load_state_dict: group {} has {} parameters, got a state of {}", name_, group,
          groups_[group].size(), count);
    initial.push_back(find(prefix + "initial_lr").item<double>());
    for (const Tensor& parameter : groups_[group])
      states.push_back(State::load(states.size(), state, parameter));
  }
  const int64_t steps = find("steps").item<int64_t>();
  const std::function<void()> put_back = options_now();
  try {
    for (size_t group = 0; group < groups_.size(); ++group) load_options(group, state);
  } catch (...) {
    put_back();
    throw;
  }
  states_ = std::move(states);
  initial_lr_ = std::move(initial);
  steps_ = steps;
}

// ---- options as numbers ----------------------------------------------------------------------------------

namespace detail {

void check_option(const char* optimizer, const char* name, double value, bool valid,
                  const char* required) {
  check(std::isfinite(value) && valid, "{}: {} must be finite and {}, got {}", optimizer, name,
        required, value);
}

std::string option_key(size_t group, const char* field) {
  return fmt::format("param_groups.{}.{}", group, field);
}

std::vector<double> numbers_of(double value) { return {value}; }
std::vector<double> numbers_of(bool value) { return {value ? 1.0 : 0.0}; }
std::vector<double> numbers_of(const std::array<double, 2>& value) { return {value[0], value[1]}; }

void from_numbers(const Tensor& numbers, double& value) { value = numbers.data<double>()[0]; }
void from_numbers(const Tensor& numbers, bool& value) { value = numbers.data<double>()[0] != 0; }
void from_numbers(const Tensor& numbers, std::array<double, 2>& value) {
  value = {numbers.data<double>()[0], numbers.data<double>()[1]};
}

const Tensor& saved_option(const StateDict& from, const std::string& key, size_t count) {
  const auto found = from.find(key);
  check(found != from.end(), "load_state_dict: {} is missing", key);
  const Tensor& saved = found->second;
  check(saved.dtype() == kFloat64 && saved.numel() == static_cast<int64_t>(count) &&
            saved.is_contiguous(),
        "load_state_dict: {} must be {} float64 numbers, got {} of shape {}", key, count,
        saved.dtype(), saved.shape());
  return saved;
}

}  // namespace detail

}  // namespace reel::optim
