#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/tape.h>
#include <reel/nn/handle.h>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>
#include <unordered_set>

namespace reel::nn {
namespace {

std::string demangled(const char* mangled) {
  int status = 0;
  char* text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string name = status == 0 ? text : mangled;
  std::free(text);
  return name;
}

}  // namespace

Module::Module() = default;
Module::~Module() = default;

// "reel::nn::LinearImpl" and "reel::nn::PoolImpl<2, &reel::max_pool>" without what surrounds the
// name.
std::string detail::class_name(const std::type_info& type) {
  std::string name = demangled(type.name());
  if (name.ends_with('>')) {
    size_t at = name.size();
    int depth = 0;
    do {
      --at;
      depth += name[at] == '>' ? 1 : name[at] == '<' ? -1 : 0;
    } while (depth > 0 && at > 0);
    name.resize(at);
  }
  const size_t scope = name.rfind("::");
  if (scope != std::string::npos) name = name.substr(scope + 2);
  if (name.size() > 4 && name.ends_with("Impl")) name.resize(name.size() - 4);
  return name;
}

// A version that no graph has seen: one that was recorded before must be refused.
void detail::exchange_array(TensorBody& body, Array&& array) {
  const uint32_t version = body.array.version();
  body.array = std::move(array);
  body.array.storage()->version.store(version + 1, std::memory_order_relaxed);
}

void detail::fail_empty_handle(const std::type_info& type) {
  fail("{}: this handle is empty", class_name(type));
}

std::string Module::name() const { return detail::class_name(typeid(*this)); }

Tensor Module::forward(const Tensor&) { fail("{}: forward(const Tensor&) is not defined", name()); }

Tensor Module::operator()(const Tensor& x) {
  const auto forward = [this](const Tensor& each) {
    return call_ ? call_(*this, each) : this->forward(each);
  };
  const detail::ForwardHooks* called = hooks();
  return called ? detail::call_hooked(*called, *this, forward, x) : forward(x);
}

// ---- registration ------------------------------------------------------------------------------------------

void Module::check_name(const std::string& name) const {
  check(!name.empty(), "{}: a name must not be empty", this->name());
  check(name.find('.') == std::string::npos, "{}: a name must not hold a dot, got \"{}\"",
        this->name(), name);
  const auto taken = [&](const auto& list) {
    for (const auto& entry : list) {
      if (entry.name == name) return true;
    }
    return false;
  };
  check(!taken(parameters_) && !taken(buffers_) && !taken(modules_),
        "{}: \"{}\" is registered already", this->name(), name);
}

Tensor Module::register_parameter(const std::string& name, Tensor parameter, bool requires_grad) {
  check_name(name);
  if (parameter.defined()) {
    check(parameter.is_leaf(),
          "{}: parameter \"{}\" must be a leaf, got the result of an operation", this->name(),
          name);
    parameter.requires_grad_(requires_grad);
  }
  parameters_.push_back({name, parameter});
  return parameter;
}

Tensor Module::register_buffer(const std::string& name, Tensor buffer,
                               const BufferOptions& options) {
  check_name(name);
  buffers_.push_back({name, buffer, options.persistent});
  return buffer;
}

Tensor Module::register_lazy_parameter(const std::string& name, bool requires_grad) {
  const Tensor parameter = register_parameter(name, empty({0}), requires_grad);
  parameters_.back().lazy = true;
  return parameter;
}

Tensor Module::register_lazy_buffer(const std::string& name, Dtype dtype) {
  const Tensor buffer = register_buffer(name, empty({0}, {.dtype = dtype}));
  buffers_.back().lazy = true;
  return buffer;
}

Tensor Module::materialize(const std::string& name, const Shape& shape) {
  Entry* entry = tensor_entry(name);
  check(entry && entry->lazy, "{}: \"{}\" does not wait for its shape", this->name(), name);
  TensorBody& body = *entry->value.body();
  detail::exchange_array(body, Array::empty(shape, body.array.dtype()));
  entry->lazy = false;
  return entry->value;
}

Tensor Module::replace_parameter(std::string_view name, const Tensor& parameter) {
  const auto entry = std::find_if(parameters_.begin(), parameters_.end(),
                                  [&](const Entry& each) { return each.name == name; });
  check(entry != parameters_.end(), "{}: there is no parameter \"{}\"", this->name(), name);
  check(parameter.defined() && parameter.is_leaf(), "{}: parameter \"{}\" must be a leaf, got {}",
        this->name(), name,
        parameter.defined() ? "the result of an operation" : "an undefined tensor");
  entry->value = parameter;
  entry->lazy = false;
  return parameter;
}

void Module::unregister(std::string_view name) {
  const auto named = [&](const auto& entry) { return entry.name == name; };
  const size_t erased = std::erase_if(parameters_, named) + std::erase_if(buffers_, named) +
                        std::erase_if(modules_, named);
  check(erased == 1, "{}: there is no \"{}\"", this->name(), name);
}

bool Module::has_uninitialized() const {
  for (const auto* list : {&parameters_, &buffers_}) {
    for (const Entry& entry : *list) {
      if (entry.lazy) return true;
    }
  }
  return false;
}

Module::Entry* Module::tensor_entry(std::string_view name) {
  for (auto* list : {&parameters_, &buffers_}) {
    for (Entry& entry : *list) {
      if (entry.name == name) return &entry;
    }
  }
  return nullptr;
}

void Module::add_child(const std::string& name, ModulePtr module) {
  insert_child(modules_.size(), name, std::move(module));
}

void Module::insert_child(size_t place, const std::string& name, ModulePtr module) {
  check_name(name);
  check_child(name, module);
  modules_.insert(modules_.begin() + static_cast<std::ptrdiff_t>(place), {name, std::move(module)});
}

void Module::rename_child(size_t place, std::string name) {
  modules_[place].name = std::move(name);
}

void Module::replace_child(std::string_view name, ModulePtr module) {
  const auto entry = std::find_if(modules_.begin(), modules_.end(),
                                  [&](const auto& each) { return each.name == name; });
  check(entry != modules_.end(), "{}: there is no module \"{}\"", this->name(), name);
  check_child(name, module);
  entry->value = std::move(module);
}

void Module::check_child(std::string_view name, const ModulePtr& module) const {
  check(module != nullptr, "{}: module \"{}\" is null", this->name(), name);
  check(!module->reaches(*this), "{}: module \"{}\" holds the one it is put into", this->name(),
        name);
}

// ---- lists -------------------------------------------------------------------------------------------------

bool Module::reaches(const Module& other) const {
  return this == &other || std::any_of(modules_.begin(), modules_.end(), [&](const auto& child) {
           return child.value->reaches(other);
         });
}

void Module::list_prefixes(const std::string& prefix, std::vector<Named<Module*>>& list) const {
  // Of what is seen as constant here only the outermost module might be, and lists do not change
  // it.
  list.push_back({prefix, const_cast<Module*>(this)});
  for (const auto& child : modules_) child.value->list_prefixes(prefix + child.name + ".", list);
}

std::vector<Named<Module*>> Module::prefixes() const {
  std::vector<Named<Module*>> list;
  list_prefixes("", list);
  return list;
}

namespace {

// Drops what was listed before: a tensor that two modules share counts once.
template <class Entries>
void append_new(std::vector<Named<Tensor>>& list, std::unordered_set<const TensorBody*>& seen,
                const std::string& prefix, const Entries& entries) {
  for (const auto& entry : entries) {
    if (entry.value.defined() && seen.insert(entry.value.body()).second)
      list.push_back({prefix + entry.name, entry.value});
  }
}

template <class T>
std::vector<T> values(const std::vector<Named<T>>& entries) {
  std::vector<T> list;
  for (const auto& entry : entries) list.push_back(entry.value);
  return list;
}

}  // namespace

std::vector<Named<Tensor>> Module::named_parameters(bool recurse) const {
  std::vector<Named<Tensor>> list;
  std::unordered_set<const TensorBody*> seen;
  if (!recurse) return append_new(list, seen, "", parameters_), list;
  for (const auto& [prefix, module] : prefixes())
    append_new(list, seen, prefix, module->parameters_);
  return list;
}

std::vector<Named<Tensor>> Module::named_buffers(bool recurse) const {
  std::vector<Named<Tensor>> list;
  std::unordered_set<const TensorBody*> seen;
  if (!recurse) return append_new(list, seen, "", buffers_), list;
  for (const auto& [prefix, module] : prefixes()) append_new(list, seen, prefix, module->buffers_);
  return list;
}

std::vector<Tensor> Module::parameters(bool recurse) const {
  return values(named_parameters(recurse));
}

std::vector<Tensor> Module::buffers(bool recurse) const { return values(named_buffers(recurse)); }

std::vector<Named<ModulePtr>> Module::named_children() const {
  std::vector<Named<ModulePtr>> list;
  std::unordered_set<const Module*> seen;
  for (const auto& child : modules_) {
    if (seen.insert(child.value.get()).second) list.push_back(child);
  }
  return list;
}

std::vector<ModulePtr> Module::children() const { return values(named_children()); }

std::vector<Named<Module*>> Module::named_modules() {
  std::vector<Named<Module*>> list;
  std::unordered_set<const Module*> seen;
  for (auto [prefix, module] : prefixes()) {
    if (!seen.insert(module).second) continue;
    if (!prefix.empty()) prefix.pop_back();
    list.push_back({prefix, module});
  }
  return list;
}

std::vector<Module*> Module::modules() { return values(named_modules()); }

Module& Module::get_submodule(std::string_view path) {
  if (path.empty()) return *this;
  const std::string_view first = path.substr(0, path.find('.'));
  for (const auto& child : modules_) {
    if (child.name != first) continue;
    return first == path ? *child.value : child.value->get_submodule(path.substr(first.size() + 1));
  }
  fail("{}: there is no module \"{}\"", name(), first);
}

namespace {

// "a.b.weight" is the tensor "weight" of the module "a.b".
std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {"", path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

template <class Entries>
Tensor find_defined(const Entries& entries, std::string_view name, const Module& owner,
                    const char* kind) {
  for (const auto& entry : entries) {
    if (entry.name == name && entry.value.defined()) return entry.value;
  }
  fail("{}: there is no {} \"{}\"", owner.name(), kind, name);
}

}  // namespace

Tensor Module::get_parameter(std::string_view path) {
  const auto [owner, name] = split_path(path);
  const Module& module = get_submodule(owner);
  return find_defined(module.parameters_, name, module, "parameter");
}

Tensor Module::get_buffer(std::string_view path) {
  const auto [owner, name] = split_path(path);
  const Module& module = get_submodule(owner);
  return find_defined(module.buffers_, name, module, "buffer");
}

// ---- all at once -------------------------------------------------------------------------------------------

Module& Module::apply(const std::function<void(Module&)>& f) {
  for (const auto& child : named_children()) child.value->apply(f);
  f(*this);
  return *this;
}

Module& Module::train(bool on) {
  training_ = on;
  for (const auto& child : modules_) child.value->train(on);
  return *this;
}

Module& Module::requires_grad_(bool requires_grad) {
  for (Tensor& parameter : parameters()) parameter.requires_grad_(requires_grad);
  return *this;
}

void Module::zero_grad(bool set_to_none) {
  NoGradGuard no_grad;
  for (Tensor& parameter : parameters()) {
    Tensor& grad = parameter.mutable_grad();
    if (set_to_none) {
      grad = Tensor();
    } else if (grad.defined()) {
      grad.detach_().zero_();
    }
  }
}

Module& Module::to(Dtype dtype) {
  check<TypeError>(is_floating(dtype), "{}: to() expects a floating dtype, got {}", name(), dtype);
  std::vector<Named<Tensor>> all = named_parameters();
  for (const auto& buffer : named_buffers()) all.push_back(buffer);
  for (const auto& entry : all) {
    TensorBody& body = *entry.value.body();
    if (!is_floating(body.array.dtype()) || body.array.dtype() == dtype) continue;
    detail::exchange_array(body, kernels::cast(body.array, dtype));
    if (body.grad.defined()) body.grad = body.grad.detach().to(dtype);
  }
  return *this;
}

// ---- hooks -------------------------------------------------------------------------------------------------

template <class T>
HookHandle Module::add_hook(detail::ForwardHooks::List<T> detail::ForwardHooks::*list, T hook,
                            const HookOptions& options) {
  check(static_cast<bool>(hook), "{}: the hook is an empty function", name());
  if (!hooks_) hooks_ = std::make_shared<detail::ForwardHooks>();
  const int64_t id = hooks_->next_id++;
  ((*hooks_).*list).push_back({id, std::move(hook), options.cloned});
  return HookHandle([weak = std::weak_ptr(hooks_), list, id] {
    if (const auto hooks = weak.lock())
      std::erase_if((*hooks).*list, [id](const auto& entry) { return entry.id == id; });
  });
}

HookHandle Module::register_forward_pre_hook(ForwardPreHook hook, const HookOptions& options) {
  return add_hook(&detail::ForwardHooks::before, std::move(hook), options);
}

HookHandle Module::register_forward_hook(ForwardHook hook, const HookOptions& options) {
  return add_hook(&detail::ForwardHooks::after, std::move(hook), options);
}

bool detail::ForwardHooks::empty() const { return before.empty() && after.empty(); }

void detail::ForwardHooks::run_before(Module& module, std::vector<Tensor>& inputs) const {
  const size_t count = inputs.size();
  for (const auto& hook : List<ForwardPreHook>(before)) {
    hook.function(module, inputs);
    check(inputs.size() == count, "{}: a forward pre-hook must leave {} inputs, got {}",
          module.name(), count, inputs.size());
  }
}

void detail::ForwardHooks::run_after(Module& module, const std::vector<Tensor>& inputs,
                                     Tensor& output) const {
  for (const auto& hook : List<ForwardHook>(after)) hook.function(module, inputs, output);
}

// ---- printing ----------------------------------------------------------------------------------------------

std::string Module::to_string() const {
  const std::string extra = extra_repr();
  if (modules_.empty() && extra.find('\n') == std::string::npos) return name() + "(" + extra + ")";
  std::string text = name() + "(";
  if (!extra.empty()) text += "\n  " + detail::indented(extra);
  for (const auto& child : modules_)
    text += "\n  (" + child.name + "): " + detail::indented(child.value->to_string());
  return text + "\n)";
}

std::string detail::indented(const std::string& text) {
  std::string out;
  for (char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace reel::nn
