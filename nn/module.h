#pragma once
// Module: parameters, buffers and modules under names.

#include <reel/autograd/tensor.h>

#include <memory>

namespace reel::nn {

using reel::operator<<;  // where a stream looks for it

class Module;
using ModulePtr = std::shared_ptr<Module>;

template <class T>
struct Named {
  std::string name;  ///< dotted path from the module that was asked
  T value;
};

/// Base of every layer and model. Members are registered where they are declared:
/// nn::Linear fc = register_module("fc", nn::Linear(4, 3));
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  // A copy would share parameters by accident.
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// What the layer computes; throws unless a derived class defines it.
  virtual Tensor forward(const Tensor& x);
  /// "Linear": the class's name, without namespaces and Impl.
  virtual std::string name() const;
  /// What stands between the parentheses when printed.
  virtual std::string extra_repr() const { return ""; }

  /// All of them, each once, in the order of registration, those of the modules inside behind one's
  /// own.
  std::vector<Tensor> parameters(bool recurse = true) const;
  std::vector<Named<Tensor>> named_parameters(bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  std::vector<Named<Tensor>> named_buffers(bool recurse = true) const;
  std::vector<ModulePtr> children() const;
  const std::vector<Named<ModulePtr>>& named_children() const { return modules_; }

  /// Sets what dropout, batch norm and the like do, here and inside.
  Module& train(bool on = true);
  Module& eval() { return train(false); }
  bool is_training() const { return training_; }
  Module& requires_grad_(bool requires_grad = true);
  void zero_grad(bool set_to_none = true);
  /// Converts the floating parameters and buffers in place of the old ones: handles to them see the
  /// change.
  Module& to(Dtype dtype);
  /// Calls f with every module inside, then with this one.
  Module& apply(const std::function<void(Module&)>& f);

  std::string to_string() const;

 protected:
  /// Each returns what it registers. Names must be new, not empty and without dots.
  Tensor register_parameter(const std::string& name, Tensor parameter, bool requires_grad = true);
  Tensor register_buffer(const std::string& name, Tensor buffer);
  template <class M>
  M register_module(const std::string& name, M module) {
    add_child(name, ModulePtr(module));
    return module;
  }
  void add_child(const std::string& name, ModulePtr module);

 private:
  void check_name(const std::string& name) const;
  template <class F>
  void visit(const std::string& prefix, bool recurse, F&& f) const;

  std::vector<Named<Tensor>> parameters_, buffers_;
  std::vector<Named<ModulePtr>> modules_;
  bool training_ = true;
};

}  // namespace reel::nn

template <class T>
requires std::is_base_of_v<reel::nn::Module, T>
struct fmt::formatter<T> : reel::TextFormatter {
  template <class Context>
  auto format(const T& module, Context& context) const {
    return write(module.to_string(), context);
  }
};
