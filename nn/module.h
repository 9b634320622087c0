#pragma once
// Module: parameters, buffers and modules under names.

#include <reel/nn/hooks.h>
#include <reel/nn/state_dict.h>

#include <typeinfo>

namespace reel::nn {

using reel::operator<<;  // where a stream looks for it

class Cloner;
class Module;
using ModulePtr = std::shared_ptr<Module>;

struct BufferOptions {
  bool persistent = true;  ///< whether state_dict() holds it
};

/// Base of every layer and model. Members are registered where they are declared:
/// nn::Linear fc = register_module("fc", nn::Linear(4, 3));
class Module {
 public:
  Module();
  virtual ~Module();
  // A copy would share parameters by accident; see clone().
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// What the layer computes; throws unless a derived class defines it.
  virtual Tensor forward(const Tensor& x);
  /// forward() between the hooks.
  Tensor operator()(const Tensor& x);
  /// "Linear": the class's name, without namespaces and Impl.
  virtual std::string name() const;
  /// What stands between the parentheses when printed.
  virtual std::string extra_repr() const { return ""; }
  /// How many products forward() adds up when it makes `output` of `inputs` (both as hooks see
  /// them), without those of modules inside that it calls; see summary.h.
  virtual int64_t multiply_adds(const std::vector<Tensor>& /*inputs*/,
                                const Tensor& /*output*/) const {
    return 0;
  }
  /// As Python's PyTorch prints a model.
  virtual std::string to_string() const;

  // ---- registration; names must be new, not empty and without dots; each returns what it
  // registers ----

  /// An undefined one is Python's None: the name is taken, the lists leave it out.
  Tensor register_parameter(const std::string& name, Tensor parameter, bool requires_grad = true);
  Tensor register_buffer(const std::string& name, Tensor buffer, const BufferOptions& options = {});
  template <class M>
  M register_module(const std::string& name, M module) {
    add_child(name, known(module));
    return module;
  }
  /// Another tensor or module under a name there is, in its place in the order; what it was is
  /// forgotten. Returns the new one, for the member: decoder->weight =
  /// decoder->replace_parameter("weight", encoder->weight) ties two weights.
  Tensor replace_parameter(std::string_view name, const Tensor& parameter);
  template <class M>
  M replace_module(std::string_view name, M module) {
    replace_child(name, known(module));
    return module;
  }
  /// Takes a parameter, buffer or module out of this module's lists.
  void unregister(std::string_view name);
  /// A parameter or buffer whose shape only the first input tells (LazyLinear). It is empty, of
  /// shape [0], until materialize() gives it memory, which all handles to it see.
  Tensor register_lazy_parameter(const std::string& name, bool requires_grad = true);
  Tensor register_lazy_buffer(const std::string& name, Dtype dtype = kFloat32);
  /// Uninitialised memory of this shape, of the dtype it has; to be filled without recording.
  Tensor materialize(const std::string& name, const Shape& shape);
  /// Whether one of this module's own tensors still waits for its shape.
  bool has_uninitialized() const;

  // ---- lists: each entry once, in the order of registration, those of the modules inside behind
  // one's own ----

  std::vector<Tensor> parameters(bool recurse = true) const;
  std::vector<Named<Tensor>> named_parameters(bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  std::vector<Named<Tensor>> named_buffers(bool recurse = true) const;
  std::vector<ModulePtr> children() const;
  std::vector<Named<ModulePtr>> named_children() const;
  /// This module, under the name "", and all inside.
  std::vector<Module*> modules();
  std::vector<Named<Module*>> named_modules();
  /// By dotted path; each throws unless there is one. "" is this module.
  Tensor get_parameter(std::string_view path);
  Tensor get_buffer(std::string_view path);
  Module& get_submodule(std::string_view path);

  // ---- all at once ----

  /// Sets what dropout, batch norm and the like do, here and inside.
  virtual Module& train(bool on = true);
  Module& eval() { return train(false); }
  bool is_training() const { return training_; }
  Module& requires_grad_(bool requires_grad = true);
  void zero_grad(bool set_to_none = true);
  /// Converts the floating parameters and buffers in place of the old ones: handles to them see the
  /// change.
  Module& to(Dtype dtype);
  /// Calls f with every module inside, then with this one.
  Module& apply(const std::function<void(Module&)>& f);

  // ---- state ----

  /// Parameters and persistent buffers by dotted name, detached, showing the model's memory as in
  /// PyTorch; state_dict().clone() keeps what is there now.
  StateDict state_dict() const;
  /// Copies the numbers in; handles to the tensors see them. One error names all that is missing,
  /// unexpected, or of another shape or dtype; then nothing is changed.
  IncompatibleKeys load_state_dict(const StateDict& state, const LoadOptions& options = {});
  /// A deep copy; see clone.h.
  ModulePtr clone() const;
  /// For what changes a module's lists after its construction (as parametrizations do): a clone is
  /// made by the constructor, and then `change` is called with it before it takes over the numbers.
  void repeat_on_clone(std::function<void(Module& copy)> change);

  // ---- hooks: run when the module is called, not when forward() is; in order of registration ----

  HookHandle register_forward_pre_hook(ForwardPreHook hook, const HookOptions& options = {});
  HookHandle register_forward_hook(ForwardHook hook, const HookOptions& options = {});
  /// Null if there are none.
  const detail::ForwardHooks* hooks() const {
    return hooks_ && !hooks_->empty() ? hooks_.get() : nullptr;
  }

 protected:
  void add_child(const std::string& name, ModulePtr module);
  void replace_child(std::string_view name, ModulePtr module);
  /// A handle or shared_ptr as what add_child() takes. Here its class is known: it will be
  /// clonable.
  template <class M>
  static ModulePtr known(const M& module);

  /// A tensor of this module.
  struct Entry {
    std::string name;
    Tensor value;
    bool persistent = true;
    bool lazy = false;  // still waits for its shape
  };
  /// With repetitions.
  const std::vector<Named<ModulePtr>>& entries() const { return modules_; }
  const std::vector<Entry>& parameter_entries() const { return parameters_; }
  void insert_child(size_t place, const std::string& name, ModulePtr module);
  void rename_child(size_t place, std::string name);
  /// True of containers: clone() may put clones of their entries in place of what their constructor
  /// made.
  virtual bool holds_anything() const { return false; }

 private:
  friend class Cloner;

  void check_name(const std::string& name) const;
  void check_child(std::string_view name, const ModulePtr& module) const;
  Entry* tensor_entry(std::string_view name);
  // This module and all inside, with repetitions, each under what its tensors' names begin with.
  std::vector<Named<Module*>> prefixes() const;
  void list_prefixes(const std::string& prefix, std::vector<Named<Module*>>& list) const;
  bool reaches(const Module& other) const;
  template <class T>
  HookHandle add_hook(detail::ForwardHooks::List<T> detail::ForwardHooks::*list, T hook,
                      const HookOptions& options);

  std::vector<Entry> parameters_, buffers_;
  std::vector<Named<ModulePtr>> modules_;
  std::shared_ptr<detail::ForwardHooks> hooks_;
  // Known to whoever knew the class: makes the module anew, and calls its forward even where that
  // is no override.
  std::function<ModulePtr(Cloner&)> remake_;
  std::vector<std::function<void(Module&)>> changes_;  // to be repeated on a clone
  Tensor (*call_)(Module& module, const Tensor& x) = nullptr;
  bool training_ = true;
};

namespace detail {
/// "Linear" for reel::nn::LinearImpl.
std::string class_name(const std::type_info& type);
[[noreturn]] void fail_empty_handle(const std::type_info& type);
[[noreturn]] void fail_wrong_class(const Module& module, const std::type_info& wanted);
/// With every line after the first moved to the right.
std::string indented(const std::string& text);
/// Gives a tensor other memory; what was recorded with the former is refused.
void exchange_array(TensorBody& body, Array&& array);
}  // namespace detail

}  // namespace reel::nn

template <class T>
requires std::is_base_of_v<reel::nn::Module, T>
struct fmt::formatter<T> : reel::TextFormatter {
  template <class Context>
  auto format(const T& module, Context& context) const {
    return write(module.to_string(), context);
  }
};

#include <reel/nn/clone.h>
