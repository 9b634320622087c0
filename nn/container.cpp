#include <reel/nn/container.h>

namespace reel::nn {
namespace {

template <class Entries>
const auto* find(const Entries& entries, std::string_view name) {
  for (const auto& entry : entries) {
    if (entry.name == name) return &entry;
  }
  return static_cast<decltype(&entries[0])>(nullptr);
}

template <class Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  return names;
}

size_t wrapped(int64_t index, size_t end, size_t size, const Module& module) {
  const auto count = static_cast<int64_t>(size);
  const int64_t place = index < 0 ? index + count : index;
  check<IndexError>(place >= 0 && place < static_cast<int64_t>(end),
                    "{}: index {} is out of range for {} entries", module.name(), index, size);
  return static_cast<size_t>(place);
}

}  // namespace

LambdaImpl::LambdaImpl(std::function<Tensor(const Tensor&)> function)
    : function_(std::move(function)) {
  check(static_cast<bool>(function_), "Lambda: the function is empty");
}

// ---- of modules --------------------------------------------------------------------------------------------

bool ModuleContainer::contains(std::string_view name) const { return find(entries(), name); }

AnyModule ModuleSequence::operator[](int64_t index) const {
  return entries()[place_of(index, size())].value;
}

std::vector<std::string> ModuleContainer::keys() const { return names_of(entries()); }

AnyModule ModuleContainer::operator[](std::string_view name) const {
  const auto* entry = find(entries(), name);
  check<IndexError>(entry, "{}: there is no module \"{}\"", this->name(), name);
  return entry->value;
}

size_t ModuleContainer::place_of(int64_t index, size_t end) const {
  return wrapped(index, end, size(), *this);
}

void ModuleContainer::insert_at(int64_t index, ModulePtr module) {
  const size_t place = place_of(index, size() + 1);
  insert_child(place, std::to_string(size()), std::move(module));
  for (size_t i = place; i < size(); ++i) rename_child(i, std::to_string(i));
}

void ModuleSequence::extend(const ModuleSequence& other) {
  // A copy: `other` may be this one.
  for (const auto& entry : std::vector<Item>(other.entries())) push_back(entry.value);
}

SequentialImpl::SequentialImpl(const Options& items) {
  for (const auto& item : items) add_module(item.name, item.value);
}

Tensor SequentialImpl::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& entry : entries()) y = (*entry.value)(y);
  return y;
}

ModuleDictImpl::ModuleDictImpl(const Options& items) {
  for (const auto& item : items) insert(item.name, item.value);
}

std::string ModuleListImpl::to_string() const {
  std::string text = name() + "(";
  for (size_t first = 0, last = 0; first < size(); first = last) {
    const std::string entry = (*this)[static_cast<int64_t>(first)]->to_string();
    for (last = first + 1; last < size(); ++last) {
      if ((*this)[static_cast<int64_t>(last)]->to_string() != entry) break;
    }
    text += last - first == 1 ? fmt::format("\n  ({}): ", first)
                              : fmt::format("\n  ({}-{}): {} x ", first, last - 1, last - first);
    text += detail::indented(entry);
  }
  return text + (size() == 0 ? ")" : "\n)");
}

void detail::fail_wrong_class(const Module& module, const std::type_info& wanted) {
  fail<TypeError>("as: the module is a {}, not a {}", module.name(), class_name(wanted));
}

// ---- of parameters -----------------------------------------------------------------------------------------

namespace {

std::string described(const Tensor& parameter, const std::string& type) {
  std::string size;
  for (int64_t length : parameter.shape())
    size += fmt::format("{}{}", size.empty() ? "" : "x", length);
  return fmt::format("Parameter containing: [{} of size {}]", type, size);
}

}  // namespace

Tensor ParameterListImpl::operator[](int64_t index) const {
  return parameter_entries()[wrapped(index, size(), size(), *this)].value;
}

std::string ParameterListImpl::extra_repr() const {
  std::string text;
  for (const auto& [name, value] : named_parameters(false))
    text += fmt::format("{}  ({}): {}", text.empty() ? "" : "\n", name,
                        described(value, fmt::format("torch.{}", value.dtype())));
  return text;
}

ParameterDictImpl::ParameterDictImpl(const Options& items) {
  for (const auto& item : items) insert(item.name, item.value);
}

bool ParameterDictImpl::contains(std::string_view name) const {
  return find(parameter_entries(), name);
}

std::vector<std::string> ParameterDictImpl::keys() const { return names_of(parameter_entries()); }

Tensor ParameterDictImpl::operator[](std::string_view name) const {
  const auto* entry = find(parameter_entries(), name);
  check<IndexError>(entry, "{}: there is no parameter \"{}\"", this->name(), name);
  return entry->value;
}

std::string ParameterDictImpl::extra_repr() const {
  std::string text;
  for (const auto& [name, value] : named_parameters(false))
    text += fmt::format(
        "{}  ({}): {}", text.empty() ? "" : "\n", name,
        described(value, value.dtype() == kFloat64 ? "torch.DoubleTensor" : "torch.FloatTensor"));
  return text;
}

}  // namespace reel::nn
