#pragma once
// Handle: what users hold of a module. Copies share it.

#include <reel/nn/module.h>

namespace reel::nn {

namespace detail {
struct None {};
template <class Impl>
struct OptionsOf {
  using type = None;
};
template <class Impl>
requires requires { typename Impl::Options; }
struct OptionsOf<Impl> {
  using type = typename Impl::Options;
};
}  // namespace detail

/// `using Linear = Handle<LinearImpl>` gives nn::Linear(4, 3), nn::Linear({.in_features = 4,
/// .out_features = 3}), fc(x), fc->weight. An Impl derives from Module; its options, if it has any,
/// are the aggregate Impl::Options; those of a container are the list of what it holds.
template <class Impl>
class Handle {
 public:
  using ImplType = Impl;

  Handle() requires std::is_default_constructible_v<Impl> : impl_(Cloner::make<Impl>()) {}
  /// From options, usually written as a braced list of designated initialisers.
  explicit Handle(const typename detail::OptionsOf<Impl>::type& options) requires requires {
    typename Impl::Options;
  } : impl_(Cloner::make<Impl>(options)) {
  }
  /// From what the Impl's constructor takes. A single handle to an Impl is shared instead, never
  /// wrapped.
  template <class... Args>
  requires(sizeof...(Args) > 0 && std::is_constructible_v<Impl, Args...> &&
           !(sizeof...(Args) == 1 && ((std::is_base_of_v<Handle, std::decay_t<Args>> ||
                                       std::is_same_v<std::decay_t<Args>, std::nullptr_t>) ||
                                      ...))) explicit Handle(Args&&... args)
      : impl_(Cloner::make<Impl>(std::forward<Args>(args)...)) {}
  explicit Handle(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {
    if (impl_) Cloner::know(*impl_);
  }
  /// Empty until a module is assigned, as in LibTorch: nn::Linear fc{nullptr}.
  template <class N>
  requires std::is_same_v<N, std::nullptr_t>
  explicit Handle(N) {}

  /// impl->forward(args...), between the module's hooks if it has any.
  template <class... Args>
  auto operator()(Args&&... args) const {
    Impl& impl = **this;
    if (const detail::ForwardHooks* hooks = impl.hooks()) [[unlikely]] {
      const auto forward = [&impl](auto&&... each) {
        return impl.forward(std::forward<decltype(each)>(each)...);
      };
      return detail::call_hooked(*hooks, impl, forward, std::forward<Args>(args)...);
    }
    return impl.forward(std::forward<Args>(args)...);
  }
  /// The same for a forward() whose last argument is a braced list: attention(q, k, v, {.attn_mask
  /// = mask}), lstm(x, {h, c}).
  template <class X, class I = Impl>
  auto operator()(const X& x, const typename I::ForwardOptions& options) const {
    return this->template operator()<const X&, decltype(options)>(x, options);
  }
  template <class I = Impl>
  auto operator()(const Tensor& x, const Tensor& y,
                  const typename I::ForwardOptions& options) const {
    return this->template operator()<const Tensor&, const Tensor&, decltype(options)>(x, y,
                                                                                      options);
  }
  template <class I = Impl>
  auto operator()(const Tensor& x, const Tensor& y, const Tensor& z,
                  const typename I::ForwardOptions& options) const {
    return this->template
    operator()<const Tensor&, const Tensor&, const Tensor&, decltype(options)>(x, y, z, options);
  }
  Impl* operator->() const { return &**this; }
  Impl& operator*() const {
    if (!impl_) [[unlikely]]
      detail::fail_empty_handle(typeid(Impl));
    return *impl_;
  }
  explicit operator bool() const { return impl_ != nullptr; }
  const std::shared_ptr<Impl>& ptr() const { return impl_; }
  operator ModulePtr() const { return impl_; }
  /// A deep copy; see clone.h.
  Handle clone() const { return Handle(std::static_pointer_cast<Impl>((**this).Module::clone())); }

  // ---- of containers ----

  template <class Key>
  decltype(auto) operator[](const Key& key) const requires requires(Impl& impl) {
    impl[key];
  }
  {
    if constexpr (std::is_integral_v<Key>) {
      return (**this)[static_cast<int64_t>(key)];
    } else {
      return (**this)[key];
    }
  }
  auto begin() const requires requires(Impl& impl) { impl.begin(); }
  { return (**this).begin(); }
  auto end() const requires requires(Impl& impl) { impl.end(); }
  { return (**this).end(); }

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace reel::nn

template <class Impl>
struct fmt::formatter<reel::nn::Handle<Impl>> : reel::TextFormatter {
  template <class Context>
  auto format(const reel::nn::Handle<Impl>& handle, Context& context) const {
    return write(handle->to_string(), context);
  }
};
