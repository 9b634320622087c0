#include <reel/autograd/generator.h>
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/tape.h>
#include <reel/nn/clone.h>
#include <reel/nn/detail/recomputed.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace reel::nn {
namespace {

// Constructors draw initial values that a clone does not keep.
class GeneratorGuard {
 public:
  GeneratorGuard() : saved_(default_generator()) {}
  ~GeneratorGuard() { default_generator() = saved_; }
  GeneratorGuard(const GeneratorGuard&) = delete;
  GeneratorGuard& operator=(const GeneratorGuard&) = delete;

 private:
  const Generator saved_;
};

// The tensors' names, and where they cannot be taken over: their shapes.
template <class Entries>
std::string list_of(const Entries& tensors, const Entries& other) {
  std::string text;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& entry = tensors[i];
    text += " " + entry.name;
    if (!entry.value.defined()) {
      text += " (undefined)";
    } else if (i < other.size() && !entry.lazy && !other[i].lazy) {
      text += fmt::format(" {}", entry.value.shape());
    }
  }
  return text;
}

}  // namespace

// What became of each original.
struct Cloner::Copies {
  std::unordered_map<const Module*, ModulePtr> modules;
  std::unordered_map<const TensorBody*, Tensor> tensors;
  std::unordered_set<const void*> all;  // the copies of both
};

ModulePtr Module::clone() const {
  GeneratorGuard generator;
  Cloner::Copies copies;
  return Cloner(copies).clone(*this);
}

void Module::repeat_on_clone(std::function<void(Module& copy)> change) {
  changes_.push_back(std::move(change));
}

ModulePtr Cloner::clone(const Module& module) {
  if (const auto known = copies_.modules.find(&module); known != copies_.modules.end())
    return known->second;
  check(static_cast<bool>(module.remake_),
        "clone: how the {} was made is not known: make it by a handle, or give it a default "
        "constructor and call nn::clone() with it",
        module.name());
  ModulePtr copy = module.remake_(*this);
  // A constructor may have drawn new numbers for what it was handed, as Transformer's does.
  for (const auto& [original, tensor] : copies_.tensors)
    detail::exchange_array(*tensor.body(), kernels::clone(original->array));
  take_over(module, copy);
  return copy;
}

Tensor Cloner::clone(const Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  auto& copy = copies_.tensors[tensor.body()];
  if (!copy.defined()) {
    copy = Tensor(kernels::clone(tensor.array()));
    if (tensor.requires_grad()) copy.requires_grad_();
    copies_.all.insert(copy.body());
  }
  return copy;
}

std::string Cloner::parts_of(const Module& module, const Module& other) {
  std::string text = "parameters" + list_of(module.parameters_, other.parameters_) + ", buffers";
  for (const auto& entry : module.buffers_)
    text += " " + entry.name + (entry.value.defined() ? "" : " (undefined)");
  text += ", modules";
  for (const auto& child : module.modules_) {
    const Module& inside = *child.value;
    // Not name(): a lazy module has another once it knows its shapes.
    text += fmt::format(" {} ({})", child.name, detail::class_name(typeid(inside)));
  }
  return text;
}

void Cloner::take_over(const Module& from, const ModulePtr& copy) {
  Module& to = *copy;
  copies_.modules[&from] = copy;
  copies_.all.insert(&to);
  check(typeid(from) == typeid(to), "clone: a {} was remade as a {}", from.name(), to.name());
  // A change may note itself on the copy; one that the constructor made is there already.
  for (size_t i = to.changes_.size(); i < from.changes_.size(); ++i) {
    from.changes_[i](to);
    if (to.changes_.size() == i) to.changes_.push_back(from.changes_[i]);
  }
  const std::string is = parts_of(to, from), was = parts_of(from, to);
  if (is != was) {
    check(from.holds_anything(),
          "clone: {} was changed since it was constructed: it has {}; made anew it has {}",
          from.name(), was, is);
    rebuild(from, to);
  }
  take_tensors(from.parameters_, to.parameters_, from);
  take_tensors(from.buffers_, to.buffers_, from);
  take_children(from, to);
  to.training_ = from.training_;
  detail::Recomputed::refresh_all(to);
  if (!from.hooks_) return;
  if (!to.hooks_) to.hooks_ = std::make_shared<detail::ForwardHooks>();
  const auto append = [](const auto& hooks, auto& own) {
    // Those that the constructor registered are there already.
    const auto cloned = [](const auto& hook) { return hook.cloned; };
    auto there = std::count_if(own.begin(), own.end(), cloned);
    for (const auto& hook : hooks) {
      if (hook.cloned && --there < 0) own.push_back(hook);
    }
  };
  append(from.hooks_->before, to.hooks_->before);
  append(from.hooks_->after, to.hooks_->after);
  to.hooks_->next_id = std::max(to.hooks_->next_id, from.hooks_->next_id);
}

// In place of what the constructor of a container made, clones of what the original holds.
void Cloner::rebuild(const Module& from, Module& to) {
  to.parameters_ = from.parameters_;
  to.buffers_ = from.buffers_;
  to.modules_ = from.modules_;
  for (auto* list : {&to.parameters_, &to.buffers_}) {
    for (auto& entry : *list) entry.value = clone(entry.value);
  }
  for (auto& child : to.modules_) child.value = clone(*child.value);
}

void Cloner::take_children(const Module& from, Module& to) {
  for (size_t i = 0; i < from.modules_.size(); ++i) {
    const Module* original = from.modules_[i].value.get();
    const ModulePtr& copy = to.modules_[i].value;
    const auto known = copies_.modules.find(original);
    check(copy.get() != original &&
              (known == copies_.modules.end() ? !copies_.all.contains(copy.get())
                                              : known->second == copy),
          "clone: the modules of {} that are one and the same are others when it is made anew: {}",
          from.name(), from.modules_[i].name);
    if (known == copies_.modules.end()) take_over(*original, copy);
  }
}

void Cloner::take_tensors(const std::vector<Module::Entry>& from, std::vector<Module::Entry>& to,
                          const Module& owner) {
  for (size_t i = 0; i < from.size(); ++i) {
    const Tensor& original = from[i].value;
    Tensor& copy = to[i].value;
    if (!original.defined()) continue;
    check(copy.body() != original.body(),
          "clone: the constructor of {} gives a second one the very same {}; hand it over as an "
          "argument, of which a clone gets a copy",
          owner.name(), from[i].name);
    const auto known = copies_.tensors.find(original.body());
    check(known == copies_.tensors.end() ? !copies_.all.contains(copy.body())
                                         : known->second.body() == copy.body(),
          "clone: the tensors of {} that are one and the same are others when it is made anew: {}",
          owner.name(), from[i].name);
    to[i].lazy = from[i].lazy;
    if (known != copies_.tensors.end()) continue;
    detail::exchange_array(*copy.body(), kernels::clone(original.array()));
    if (copy.is_leaf() && original.is_leaf()) copy.requires_grad_(original.requires_grad());
    copies_.tensors[original.body()] = copy;
    copies_.all.insert(copy.body());
  }
}

}  // namespace reel::nn
