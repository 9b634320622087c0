#pragma once
// Modules made of modules.

#include <reel/nn/handle.h>

namespace reel::nn {

/// A function of one tensor as a module.
class LambdaImpl : public Module {
 public:
  explicit LambdaImpl(std::function<Tensor(const Tensor&)> function)
      : function_(std::move(function)) {}
  Tensor forward(const Tensor& x) override { return function_(x); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};
using Lambda = Handle<LambdaImpl>;

/// A module of any class, callable: what indexing a container gives.
class AnyModule {
 public:
  AnyModule(ModulePtr module) : module_(std::move(module)) {}
  Tensor operator()(const Tensor& x) const { return module_->forward(x); }
  Module* operator->() const { return module_.get(); }
  operator ModulePtr() const { return module_; }
  /// The module as the class it is; null if it is another.
  template <class Impl>
  std::shared_ptr<Impl> as() const {
    return std::dynamic_pointer_cast<Impl>(module_);
  }

 private:
  ModulePtr module_;
};

/// Modules one after the other. They may be handles, lambdas or pairs {"name", handle}.
class SequentialImpl : public Module {
 public:
  SequentialImpl() = default;
  template <class First, class... Rest>
  requires(!std::is_same_v<std::decay_t<First>, SequentialImpl>) explicit SequentialImpl(
      First first, Rest... rest) {
    push_back(std::move(first));
    (push_back(std::move(rest)), ...);
  }

  Tensor forward(const Tensor& x) override;

  /// Registered under its position.
  template <class M>
  void push_back(M module) {
    add_module(std::to_string(size()), std::move(module));
  }
  template <class M>
  void push_back(std::pair<const char*, M> named) {
    add_module(named.first, std::move(named.second));
  }
  template <class M>
  void add_module(const std::string& name, M module) {
    if constexpr (std::is_convertible_v<M, ModulePtr>) {
      add_child(name, ModulePtr(module));
    } else {
      add_child(name, ModulePtr(Lambda(std::move(module))));
    }
  }
  size_t size() const { return named_children().size(); }
  /// Throws IndexError.
  AnyModule operator[](size_t index) const;
};

/// The handle of a SequentialImpl; model[i] is callable too.
class Sequential : public Handle<SequentialImpl> {
 public:
  using Handle::Handle;
  AnyModule operator[](size_t index) const { return (**this)[index]; }
};

}  // namespace reel::nn

template <>
struct fmt::formatter<reel::nn::Sequential>
    : fmt::formatter<reel::nn::Handle<reel::nn::SequentialImpl>> {};
