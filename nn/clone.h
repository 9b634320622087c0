#pragma once
// Deep copies. C++ cannot list the members of a class, so a clone is made as the original was: by
// its constructor with the same arguments (which a Handle remembers), and then takes over the
// tensors, mode and hooks. What else was changed in a module after its construction is not copied.

#include <reel/nn/module.h>

#include <typeinfo>

namespace reel::nn {

template <class Impl>
class Handle;

/// One deep copy in progress: what became of each module and tensor, so that what is shared in the
/// original is shared in the same way in the copy.
class Cloner {
 public:
  ModulePtr clone(const Module& module);
  Tensor clone(const Tensor& tensor);

  /// An argument of a constructor: modules and tensors in it are cloned, all else is copied.
  /// Options that hold some have a member `O cloned(Cloner&) const`.
  template <class T>
  T argument(const T& value) {
    if constexpr (std::is_same_v<T, Tensor>) {
      return clone(value);
    } else if constexpr (requires { typename T::ImplType; }) {
      return T(std::static_pointer_cast<typename T::ImplType>(clone(*ModulePtr(value))));
    } else if constexpr (std::is_convertible_v<T, ModulePtr>) {
      return std::static_pointer_cast<typename T::element_type>(clone(*ModulePtr(value)));
    } else if constexpr (requires {
                           { value.cloned(*this) } -> std::same_as<T>;
                         }) {
      return value.cloned(*this);
    } else {
      return value;
    }
  }
  template <class T>
  Named<T> argument(const Named<T>& entry) {
    return {entry.name, argument(entry.value)};
  }
  template <class T>
  std::optional<T> argument(const std::optional<T>& value) {
    return value ? std::optional<T>(argument(*value)) : std::nullopt;
  }
  template <class T>
  std::vector<T> argument(const std::vector<T>& values) {
    std::vector<T> list;
    for (const T& value : values) list.push_back(argument(value));
    return list;
  }

  /// make_shared<Impl>(arguments...), remembering them.
  template <class Impl, class... Args>
  static std::shared_ptr<Impl> make(Args&&... arguments);
  /// For a module that was not made by a handle: it is remade without arguments, or from its
  /// options.
  template <class Impl>
  static void know(Impl& impl);

 private:
  friend class Module;
  template <class Impl>
  static Tensor call(Module& module, const Tensor& x) {
    return static_cast<Impl&>(module).forward(x);
  }
  template <class Impl>
  static void know_forward(Module& module) {
    if constexpr (requires(Impl & impl, const Tensor& x) {
                    { impl.forward(x) } -> std::convertible_to<Tensor>;
                  }) {
      module.call_ = call<Impl>;
    }
  }
  struct Copies;
  explicit Cloner(Copies& copies) : copies_(copies) {}
  // Makes `to`, fresh from its constructor, what `from` is.
  void take_over(const Module& from, const ModulePtr& to);
  static std::string parts_of(const Module& module, const Module& other);
  void rebuild(const Module& from, Module& to);
  void take_children(const Module& from, Module& to);
  void take_tensors(const std::vector<Module::Entry>& from, std::vector<Module::Entry>& to,
                    const Module& owner);

  Copies& copies_;
};

template <class Impl, class... Args>
std::shared_ptr<Impl> Cloner::make(Args&&... arguments) {
  constexpr bool repeatable = (std::is_copy_constructible_v<std::decay_t<Args>> && ...) &&
                              std::is_constructible_v<Impl, std::decay_t<Args>...>;
  const auto made = [](std::shared_ptr<Impl> impl) {
    know_forward<Impl>(*impl);
    return impl;
  };
  if constexpr (requires { requires std::is_same_v<typename Impl::Rebuilt, Impl>; }) {
    auto impl = made(std::make_shared<Impl>(std::forward<Args>(arguments)...));
    impl->remake_ = [](Cloner&) -> ModulePtr { return make<Impl>(); };
    return impl;
  } else if constexpr (repeatable) {
    std::tuple<std::decay_t<Args>...> kept(arguments...);
    auto impl = made(std::make_shared<Impl>(std::forward<Args>(arguments)...));
    Module& module = *impl;
    module.remake_ = [kept = std::move(kept)](Cloner& cloner) -> ModulePtr {
      return std::apply([&](const auto&... each) { return make<Impl>(cloner.argument(each)...); },
                        kept);
    };
    return impl;
  } else {
    return made(std::make_shared<Impl>(std::forward<Args>(arguments)...));
  }
}

template <class Impl>
void Cloner::know(Impl& impl) {
  Module& module = impl;
  if (typeid(module) != typeid(Impl) || module.remake_) return;
  know_forward<Impl>(module);
  if constexpr (std::is_default_constructible_v<Impl>) {
    module.remake_ = [](Cloner&) -> ModulePtr { return make<Impl>(); };
  } else if constexpr (requires { Impl(impl.options); }) {
    module.remake_ = [options = impl.options](Cloner& cloner) -> ModulePtr {
      return make<Impl>(cloner.argument(options));
    };
  }
}

template <class M>
ModulePtr Module::known(const M& module) {
  if constexpr (requires { typename M::element_type; }) {
    if (module) Cloner::know(*module);
  }
  return module;
}

/// A deep copy of a model: no parameter or buffer is shared with the original. A struct of one's
/// own is remade by its default constructor, or from its member `options`. Throws if the copy's
/// parts are not those of the original. No random numbers are used up.
template <class M>
requires std::is_base_of_v<Module, M> std::shared_ptr<M> clone(const M& module) {
  Cloner::know(const_cast<M&>(module));  // only notes how it was made
  return std::static_pointer_cast<M>(module.Module::clone());
}
template <class Impl>
Handle<Impl> clone(const Handle<Impl>& module) {
  return module.clone();
}

}  // namespace reel::nn
