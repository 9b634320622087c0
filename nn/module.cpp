#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/tape.h>
#include <reel/nn/module.h>

#include <cxxabi.h>

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

std::string indented(const std::string& text) {
  std::string out;
  for (char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace

Tensor Module::forward(const Tensor&) { fail("{}: forward(Tensor) is not defined", name()); }

std::string Module::name() const {
  std::string name = demangled(typeid(*this).name());
  const size_t scope = name.rfind("::");
  if (scope != std::string::npos) name = name.substr(scope + 2);
  if (name.size() > 4 && name.ends_with("Impl")) name.resize(name.size() - 4);
  return name;
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
  check(parameter.defined(), "{}: parameter \"{}\" is undefined", this->name(), name);
  check(parameter.is_leaf(), "{}: parameter \"{}\" must be a leaf, got the result of an operation",
        this->name(), name);
  parameter.requires_grad_(requires_grad);
  parameters_.push_back({name, parameter});
  return parameter;
}

Tensor Module::register_buffer(const std::string& name, Tensor buffer) {
  check_name(name);
  buffers_.push_back({name, buffer});
  return buffer;
}

void Module::add_child(const std::string& name, ModulePtr module) {
  check_name(name);
  check(module != nullptr, "{}: module \"{}\" is null", this->name(), name);
  modules_.push_back({name, std::move(module)});
}

// ---- lists -------------------------------------------------------------------------------------------------

// Calls f(module, prefix) for this module and, if asked, for those inside, in order of
// registration.
template <class F>
void Module::visit(const std::string& prefix, bool recurse, F&& f) const {
  f(*this, prefix);
  if (!recurse) return;
  for (const auto& child : modules_) child.value->visit(prefix + child.name + ".", true, f);
}

namespace {

// Drops what was listed before: a tensor that two modules share counts once.
void append_new(std::vector<Named<Tensor>>& list, std::unordered_set<const TensorBody*>& seen,
                const std::string& prefix, const std::vector<Named<Tensor>>& entries) {
  for (const auto& entry : entries) {
    if (entry.value.defined() && seen.insert(entry.value.body()).second)
      list.push_back({prefix + entry.name, entry.value});
  }
}

std::vector<Tensor> values(const std::vector<Named<Tensor>>& entries) {
  std::vector<Tensor> list;
  for (const auto& entry : entries) list.push_back(entry.value);
  return list;
}

}  // namespace

std::vector<Named<Tensor>> Module::named_parameters(bool recurse) const {
  std::vector<Named<Tensor>> list;
  std::unordered_set<const TensorBody*> seen;
  visit("", recurse, [&](const Module& module, const std::string& prefix) {
    append_new(list, seen, prefix, module.parameters_);
  });
  return list;
}

std::vector<Named<Tensor>> Module::named_buffers(bool recurse) const {
  std::vector<Named<Tensor>> list;
  std::unordered_set<const TensorBody*> seen;
  visit("", recurse, [&](const Module& module, const std::string& prefix) {
    append_new(list, seen, prefix, module.buffers_);
  });
  return list;
}

std::vector<Tensor> Module::parameters(bool recurse) const {
  return values(named_parameters(recurse));
}

std::vector<Tensor> Module::buffers(bool recurse) const { return values(named_buffers(recurse)); }

std::vector<ModulePtr> Module::children() const {
  std::vector<ModulePtr> list;
  for (const auto& child : modules_) list.push_back(child.value);
  return list;
}

// ---- all at once -------------------------------------------------------------------------------------------

Module& Module::apply(const std::function<void(Module&)>& f) {
  for (const auto& child : modules_) child.value->apply(f);
  f(*this);
  return *this;
}

Module& Module::train(bool on) {
  return apply([on](Module& module) { module.training_ = on; });
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
    // A version that no graph has seen: one that was recorded before must be refused.
    const uint32_t version = body.array.version();
    body.array = kernels::cast(body.array, dtype);
    body.array.storage()->version.store(version + 1, std::memory_order_relaxed);
    if (body.grad.defined()) body.grad = body.grad.detach().to(dtype);
  }
  return *this;
}

std::string Module::to_string() const {
  if (modules_.empty()) return name() + "(" + extra_repr() + ")";
  std::string text = name() + "(";
  if (const std::string extra = extra_repr(); !extra.empty()) text += "\n  " + extra;
  for (const auto& child : modules_)
    text += "\n  (" + child.name + "): " + indented(child.value->to_string());
  return text + "\n)";
}

}  // namespace reel::nn
