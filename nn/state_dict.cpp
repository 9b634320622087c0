#include <reel/autograd/tape.h>
#include <reel/nn/module.h>

#include <unordered_set>

namespace reel::nn {

StateDict::StateDict(std::initializer_list<Named<Tensor>> entries) {
  for (const auto& [name, value] : entries) (*this)[name] = value;
}

StateDict::StateDict(const std::map<std::string, Tensor>& entries) {
  for (const auto& [name, value] : entries) (*this)[name] = value;
}

StateDict::operator std::map<std::string, Tensor>() const {
  std::map<std::string, Tensor> map;
  for (const auto& [name, value] : entries_) map.emplace(name, value);
  return map;
}

Tensor& StateDict::operator[](const std::string& name) {
  const auto [place, is_new] = places_.try_emplace(name, entries_.size());
  if (is_new) entries_.push_back({name, Tensor()});
  return entries_[place->second].value;
}

const Tensor& StateDict::at(std::string_view name) const {
  const auto place = places_.find(name);
  check(place != places_.end(), "StateDict: there is no \"{}\"", name);
  return entries_[place->second].value;
}

bool StateDict::contains(std::string_view name) const {
  return places_.find(name) != places_.end();
}

std::vector<std::string> StateDict::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.name);
  return names;
}

StateDict StateDict::clone() const {
  NoGradGuard no_grad;
  StateDict copy;
  for (const auto& [name, value] : entries_)
    copy[name] = value.defined() ? value.detach().clone() : Tensor();
  return copy;
}

// ---- of a module -------------------------------------------------------------------------------------------

StateDict Module::state_dict() const {
  StateDict state;
  for (const auto& [prefix, module] : prefixes()) {
    for (const auto* list : {&module->parameters_, &module->buffers_}) {
      for (const Entry& entry : *list) {
        if (!entry.value.defined() || !entry.persistent) continue;
        check(!entry.lazy, "{}: {}{} has no shape yet; it waits for the first input", name(),
              prefix, entry.name);
        state[prefix + entry.name] = entry.value.detach();
      }
    }
  }
  return state;
}

namespace {

std::string quoted(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text;
}

// What keeps `from` out of `to`; empty if nothing does.
std::string mismatch(const std::string& name, const Tensor& from, const Tensor& to,
                     bool any_shape) {
  if (!from.defined()) return fmt::format("\n\t{} is undefined in state_dict.", name);
  if (!any_shape && from.shape() != to.shape())
    return fmt::format(
        "\n\tsize mismatch for {}: the shape in state_dict is {}, in the current model {}.", name,
        from.shape(), to.shape());
  if (from.dtype() != to.dtype())
    return fmt::format(
        "\n\tdtype mismatch for {}: the dtype in state_dict is {}, in the current model {}.", name,
        from.dtype(), to.dtype());
  return "";
}

}  // namespace

IncompatibleKeys Module::load_state_dict(const StateDict& state, const LoadOptions& options) {
  struct Target {
    Module* owner;
    Entry* to;
    const Tensor* from;
  };
  std::vector<Target> targets;
  IncompatibleKeys keys;
  std::unordered_set<std::string> known;
  std::string problems;
  for (const auto& [prefix, module] : prefixes()) {
    for (auto* list : {&module->parameters_, &module->buffers_}) {
      for (Entry& entry : *list) {
        if (!entry.value.defined() || !entry.persistent) continue;
        const std::string name = prefix + entry.name;
        known.insert(name);
        if (!state.contains(name)) {
          keys.missing_keys.push_back(name);
          continue;
        }
        problems += mismatch(name, state.at(name), entry.value, entry.lazy);
        targets.push_back({module, &entry, &state.at(name)});
      }
    }
  }
  for (const auto& entry : state) {
    if (!known.contains(entry.name)) keys.unexpected_keys.push_back(entry.name);
  }
  if (options.strict && !keys.unexpected_keys.empty())
    problems =
        "\n\tUnexpected key(s) in state_dict: " + quoted(keys.unexpected_keys) + "." + problems;
  if (options.strict && !keys.missing_keys.empty())
    problems = "\n\tMissing key(s) in state_dict: " + quoted(keys.missing_keys) + "." + problems;
  check(problems.empty(), "Error(s) in loading state_dict for {}:{}", name(), problems);

  NoGradGuard no_grad;
  for (const Target& target : targets) {
    if (target.to->lazy) target.owner->materialize(target.to->name, target.from->shape());
    target.to->value.copy_(*target.from);
  }
  return keys;
}

}  // namespace reel::nn
