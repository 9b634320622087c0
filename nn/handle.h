#pragma once
// Handle: what users hold of a module. Copies share it.

#include <reel/nn/module.h>

namespace reel::nn {

/// `using Linear = Handle<LinearImpl>` gives nn::Linear(4, 3), nn::Linear({.in_features = 4,
/// .out_features = 3}), fc(x), fc->weight. An Impl derives from Module; its options, if it has any,
/// are the aggregate Impl::Options.
template <class Impl>
class Handle {
  template <class I>
  struct OptionsOf {
    struct None {};
    using type = None;
  };
  template <class I>
  requires requires { typename I::Options; }
  struct OptionsOf<I> {
    using type = typename I::Options;
  };

 public:
  using ImplType = Impl;

  Handle() requires std::is_default_constructible_v<Impl> : impl_(std::make_shared<Impl>()) {}
  /// From options, usually written as a braced list of designated initialisers.
  explicit Handle(const typename OptionsOf<Impl>::type& options) requires requires {
    typename Impl::Options;
  } : impl_(std::make_shared<Impl>(options)) {
  }
  /// From what the Impl's constructor takes. A single handle to an Impl is shared instead, never
  /// wrapped.
  template <class... Args>
  requires(sizeof...(Args) > 0 && std::is_constructible_v<Impl, Args...> &&
           !(sizeof...(Args) == 1 && (std::is_base_of_v<Handle, std::decay_t<Args>> ||
                                      ...))) explicit Handle(Args&&... args)
      : impl_(std::make_shared<Impl>(std::forward<Args>(args)...)) {}
  explicit Handle(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  /// impl->forward(args...).
  template <class... Args>
  auto operator()(Args&&... args) const {
    return impl_->forward(std::forward<Args>(args)...);
  }
  Impl* operator->() const { return impl_.get(); }
  Impl& operator*() const { return *impl_; }
  const std::shared_ptr<Impl>& ptr() const { return impl_; }
  operator ModulePtr() const { return impl_; }

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
