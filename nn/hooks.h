#pragma once
// Functions that are called before and after forward().

#include <reel/autograd/tensor.h>

#include <memory>
#include <tuple>
#include <utility>

namespace reel::nn {

class Module;

/// Sees the tensors that forward is about to be called with, and may exchange them.
using ForwardPreHook = std::function<void(Module& module, std::vector<Tensor>& inputs)>;
/// Sees what forward was called with and what it returned, and may exchange that. Of a result of
/// several parts `output` is the first: the member `output`, the first element of a tuple, or the h
/// of a recurrent state; undefined if that is no tensor.
using ForwardHook =
    std::function<void(Module& module, const std::vector<Tensor>& inputs, Tensor& output)>;

struct HookOptions {
  /// Whether a clone of the module gets the hook as well. Not if it holds something of this module.
  bool cloned = true;
};

namespace detail {

template <class F>
struct NumberedHook {
  int64_t id;
  F function;
  bool cloned;
};

struct ForwardHooks {
  template <class F>
  using List = std::vector<NumberedHook<F>>;
  List<ForwardPreHook> before;
  List<ForwardHook> after;
  int64_t next_id = 0;

  bool empty() const;
  /// Copies of the lists are run: a hook may remove itself.
  void run_before(Module& module, std::vector<Tensor>& inputs) const;
  void run_after(Module& module, const std::vector<Tensor>& inputs, Tensor& output) const;
};

template <class T>
inline constexpr bool is_tensor = std::is_same_v<std::remove_cvref_t<T>, Tensor>;

/// The tensor of a result that hooks see, or null.
template <class R>
Tensor* first_output(R& result) {
  if constexpr (is_tensor<R>) {
    return &result;
  } else if constexpr (requires { requires is_tensor<decltype(result.output)>; }) {
    return &result.output;
  } else if constexpr (requires { requires is_tensor<decltype(result.h)>; }) {
    return &result.h;
  } else if constexpr (requires { requires is_tensor<decltype(std::get<0>(result))>; }) {
    return &std::get<0>(result);
  } else {
    return nullptr;
  }
}

/// An argument of forward as it is passed on: tensors are what the hooks left of them.
template <class T>
decltype(auto) passed(T&& argument, const std::vector<Tensor>& inputs, size_t& next) {
  if constexpr (is_tensor<T>) {
    return Tensor(inputs[next++]);
  } else {
    return std::forward<T>(argument);
  }
}
template <class T>
using Passed = std::conditional_t<is_tensor<T>, Tensor, T&&>;

/// forward(arguments...) between the hooks.
template <class F, class... Args>
auto call_hooked(const ForwardHooks& hooks, Module& module, F&& forward, Args&&... arguments) {
  std::vector<Tensor> inputs;
  const auto collect = [&](const auto& argument) {
    if constexpr (is_tensor<decltype(argument)>) inputs.push_back(argument);
  };
  (collect(arguments), ...);
  hooks.run_before(module, inputs);
  size_t next = 0;
  // Braces: from left to right.
  std::tuple<Passed<Args>...> all{passed(std::forward<Args>(arguments), inputs, next)...};
  const auto run = [&](auto&... each) { return forward(static_cast<Args&&>(each)...); };
  Tensor none;
  if constexpr (std::is_void_v<decltype(std::apply(run, all))>) {
    std::apply(run, all);
    hooks.run_after(module, inputs, none);
  } else {
    auto result = std::apply(run, all);
    Tensor* output = first_output(result);
    hooks.run_after(module, inputs, output ? *output : none);
    return result;
  }
}

}  // namespace detail
}  // namespace reel::nn
