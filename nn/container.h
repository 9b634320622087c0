#pragma once
// Modules made of modules, and of parameters.

#include <reel/nn/handle.h>

namespace reel::nn {

/// A function of one tensor as a module.
class LambdaImpl : public Module {
 public:
  explicit LambdaImpl(std::function<Tensor(const Tensor&)> function);
  Tensor forward(const Tensor& x) override { return function_(x); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};
using Lambda = Handle<LambdaImpl>;

/// A module of any class, callable: what indexing a container gives.
class AnyModule {
 public:
  AnyModule(ModulePtr module) : module_(std::move(module)) {}
  Tensor operator()(const Tensor& x) const { return (*module_)(x); }
  Module* operator->() const { return module_.get(); }
  Module& operator*() const { return *module_; }
  operator ModulePtr() const { return module_; }
  /// The module as the class it is: model[0].as<nn::Linear>()->weight, or as<Net>() for a class of
  /// one's own, a shared_ptr. Throws TypeError if it is another.
  template <class M>
  auto as() const {
    if constexpr (requires { typename M::ImplType; }) {
      return M(cast<typename M::ImplType>());
    } else {
      return cast<M>();
    }
  }
  template <class M>
  bool is() const {
    if constexpr (requires { typename M::ImplType; }) {
      return dynamic_cast<typename M::ImplType*>(module_.get()) != nullptr;
    } else {
      return dynamic_cast<M*>(module_.get()) != nullptr;
    }
  }

 private:
  template <class Impl>
  std::shared_ptr<Impl> cast() const {
    auto impl = std::dynamic_pointer_cast<Impl>(module_);
    if (!impl) detail::fail_wrong_class(*module_, typeid(Impl));
    return impl;
  }
  ModulePtr module_;
};

/// What the containers of modules share: entries by name, in order. nn::Sequential and
/// nn::ModuleDict can be made of a braced list of pairs: nn::Sequential({{"fc", nn::Linear(4,
/// 3)}}).
class ModuleContainer : public Module {
 public:
  /// {"fc", nn::Linear(4, 3)}
  using Item = Named<ModulePtr>;
  using Options = std::vector<Item>;

  size_t size() const { return entries().size(); }
  bool empty() const { return entries().empty(); }
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  /// Throws IndexError.
  AnyModule operator[](std::string_view name) const;
  /// A handle, a shared_ptr to a module, or a function of one tensor.
  template <class M>
  void add_module(const std::string& name, const M& module) {
    add_child(name, child_of(module));
  }

 protected:
  bool holds_anything() const override { return true; }
  /// Negative indices count from the end. Throws IndexError.
  size_t place_of(int64_t index, size_t end) const;
  void insert_at(int64_t index, ModulePtr module);
  template <class M>
  static ModulePtr child_of(const M& module) {
    if constexpr (std::is_convertible_v<M, ModulePtr>) {
      return known(module);
    } else {
      return Lambda(module);
    }
  }
};

/// What Sequential and ModuleList share: entries by position. Range-for gives AnyModules.
class ModuleSequence : public ModuleContainer {
 public:
  using ModuleContainer::operator[];
  AnyModule operator[](int64_t index) const;
  /// Registered under its position.
  template <class M>
  void push_back(const M& module) {
    add_module(std::to_string(size()), module);
  }
  /// {"name", module}
  template <class Name, class M>
  void push_back(const std::pair<Name, M>& named) {
    add_module(named.first, named.second);
  }
  /// Before the entry of this index; those behind it are renamed to their new positions.
  template <class M>
  void insert(int64_t index, const M& module) {
    insert_at(index, child_of(module));
  }
  void extend(const ModuleSequence& other);

  class Iterator {
   public:
    explicit Iterator(std::vector<Item>::const_iterator at) : at_(at) {}
    AnyModule operator*() const { return at_->value; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator==(const Iterator&) const = default;

   private:
    std::vector<Item>::const_iterator at_;
  };
  Iterator begin() const { return Iterator(entries().begin()); }
  Iterator end() const { return Iterator(entries().end()); }
};

/// Modules one after the other. They may be handles, lambdas or pairs {"name", handle}.
class SequentialImpl : public ModuleSequence {
 public:
  using Rebuilt = SequentialImpl;
  SequentialImpl() = default;
  template <class First, class... Rest>
  requires(!std::is_base_of_v<SequentialImpl, First> &&
           !std::is_same_v<Options, First>) explicit SequentialImpl(const First& first,
                                                                    const Rest&... rest) {
    push_back(first);
    (push_back(rest), ...);
  }
  explicit SequentialImpl(const Options& items);

  Tensor forward(const Tensor& x) override;
};
using Sequential = Handle<SequentialImpl>;

/// Modules by position, for a model that calls them itself.
class ModuleListImpl : public ModuleSequence {
 public:
  using Rebuilt = ModuleListImpl;
  ModuleListImpl() = default;
  template <class First, class... Rest>
  requires std::is_convertible_v<First, ModulePtr>
  explicit ModuleListImpl(const First& first, const Rest&... rest) {
    push_back(first);
    (push_back(rest), ...);
  }
  /// Repetitions are printed once, as in PyTorch.
  std::string to_string() const override;
};
using ModuleList = Handle<ModuleListImpl>;

/// Modules by name: nn::ModuleDict({{"conv", nn::Linear(4, 3)}, {"pool", nn::ReLU()}}).
class ModuleDictImpl : public ModuleContainer {
 public:
  using Rebuilt = ModuleDictImpl;
  ModuleDictImpl() = default;
  explicit ModuleDictImpl(const Options& items);
  template <class M>
  void insert(const std::string& name, const M& module) {
    add_module(name, module);
  }
  auto begin() const { return entries().begin(); }
  auto end() const { return entries().end(); }
};
using ModuleDict = Handle<ModuleDictImpl>;

/// Parameters by position.
class ParameterListImpl : public Module {
 public:
  using Rebuilt = ParameterListImpl;
  ParameterListImpl() = default;
  template <class... Rest>
  requires(std::is_same_v<Rest, Tensor>&&...) explicit ParameterListImpl(const Tensor& first,
                                                                         const Rest&... rest) {
    push_back(first);
    (push_back(rest), ...);
  }
  void push_back(const Tensor& parameter) { register_parameter(std::to_string(size()), parameter); }
  size_t size() const { return parameter_entries().size(); }
  /// Negative indices count from the end. Throws IndexError.
  Tensor operator[](int64_t index) const;
  std::string extra_repr() const override;

 protected:
  bool holds_anything() const override { return true; }
};
using ParameterList = Handle<ParameterListImpl>;

/// Parameters by name.
class ParameterDictImpl : public Module {
 public:
  using Options = std::vector<Named<Tensor>>;
  using Rebuilt = ParameterDictImpl;
  ParameterDictImpl() = default;
  explicit ParameterDictImpl(const Options& items);
  void insert(const std::string& name, const Tensor& parameter) {
    register_parameter(name, parameter);
  }
  size_t size() const { return parameter_entries().size(); }
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  /// Throws IndexError.
  Tensor operator[](std::string_view name) const;
  std::string extra_repr() const override;

 protected:
  bool holds_anything() const override { return true; }
};
using ParameterDict = Handle<ParameterDictImpl>;

}  // namespace reel::nn
