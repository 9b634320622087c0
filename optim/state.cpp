#include <reel/autograd/ops/creation.h>
#include <reel/autograd/rule.h>
#include <reel/optim/state.h>

namespace reel::optim {
namespace {

template <class Entries>
auto* find(Entries& entries, std::string_view name) {
  for (auto& entry : entries) {
    if (entry.name == name) return &entry;
  }
  return static_cast<decltype(&entries[0])>(nullptr);
}

}  // namespace

bool State::has(std::string_view name) const {
  return find(tensors_, name) != nullptr || find(numbers_, name) != nullptr;
}

Tensor State::tensor(std::string_view name, const Tensor& parameter, double first) {
  if (auto* entry = find(tensors_, name)) {
    check_shapes(parameter);
    if (entry->value.dtype() != parameter.dtype()) {
      NoGradGuard no_grad;
      entry->value = entry->value.to(parameter.dtype());
    }
    return entry->value;
  }
  NoGradGuard no_grad;
  tensors_.push_back(
      {std::string(name), full(parameter.shape(), first, {.dtype = parameter.dtype()})});
  return tensors_.back().value;
}

void State::check_shapes(const Tensor& parameter) const {
  for (const auto& [name, value] : tensors_)
    check(value.shape() == parameter.shape(),
          "optim: {} was made for a parameter of shape {}, which is {} now; make a new optimiser",
          name, value.shape(), parameter.shape());
}

double& State::number(std::string_view name, double first) {
  if (auto* entry = find(numbers_, name)) return entry->value;
  numbers_.push_back({std::string(name), first});
  return numbers_.back().value;
}

void State::save(size_t parameter, StateDict& into) const {
  for (const auto& [name, value] : tensors_)
    into[fmt::format("state.{}.{}", parameter, name)] = value.clone();
  for (const auto& [name, value] : numbers_)
    into[fmt::format("numbers.{}.{}", parameter, name)] = full({}, value, {.dtype = kFloat64});
}

State State::load(size_t place, const StateDict& from, const Tensor& parameter) {
  State state;
  const auto each = [&](const std::string& prefix, auto&& f) {
    for (auto at = from.lower_bound(prefix); at != from.end() && at->first.starts_with(prefix);
         ++at)
      f(at->first.substr(prefix.size()), at->second);
  };
  each(fmt::format("numbers.{}.", place), [&](const std::string& name, const Tensor& saved) {
    state.numbers_.push_back({name, saved.item<double>()});
  });
  each(fmt::format("state.{}.", place), [&](const std::string& name, const Tensor& saved) {
    check(saved.shape() == parameter.shape(),
          "load_state_dict: {} of parameter {} must be of shape {}, got {}", name, place,
          parameter.shape(), saved.shape());
    state.tensors_.push_back({name, saved.clone().to(parameter.dtype())});
  });
  return state;
}

}  // namespace reel::optim
