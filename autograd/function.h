#pragma once
// Operations of one's own, with a gradient rule of one's own.
//
//   struct Cube : autograd::Function<Cube> {
//     static Tensor forward(autograd::Context& ctx, const Tensor& x) {
//       ctx.save_for_backward({x});
//       return x * x * x;
//     }
//     static std::vector<Tensor> backward(autograd::Context& ctx, const std::vector<Tensor>& grad)
//     {
//       return {grad[0] * 3 * ctx.saved()[0].square()};
//     }
//   };
//   Tensor y = Cube::apply(x);

#include <reel/autograd/tape.h>

#include <any>
#include <map>
#include <type_traits>
#include <typeinfo>

namespace reel::autograd {

namespace detail {
class FunctionCall;
class FunctionNode;
}  // namespace detail

/// What forward leaves for backward.
class Context {
 public:
  /// Tensors that backward reads with saved(): inputs, outputs, or others. Undefined ones may be
  /// among them.
  void save_for_backward(std::vector<Tensor> tensors) { to_save_ = std::move(tensors); }
  /// The saved tensors; throws if one of them was changed in place since.
  std::vector<Tensor> saved() const;
  /// Numbers, shapes and the like. A tensor belongs into save_for_backward().
  std::map<std::string, std::any> saved_data;
  /// Outputs that no gradient flows through; integer outputs need not be named.
  void mark_non_differentiable(std::vector<Tensor> outputs) {
    non_differentiable_ = std::move(outputs);
  }
  /// Whether backward gets zeros (the default) or undefined tensors for outputs that received no
  /// gradient.
  void set_materialize_grads(bool materialize) { materialize_grads_ = materialize; }
  /// Whether anybody asks for the gradient of the i-th argument of forward (ctx not counted).
  bool needs_input_grad(size_t argument) const { return needs_input_grad_.at(argument); }

 private:
  friend class detail::FunctionCall;
  friend class detail::FunctionNode;

  std::vector<Tensor> to_save_, non_differentiable_;
  std::vector<bool> needs_input_grad_;
  bool materialize_grads_ = true;
  detail::FunctionNode* node_ = nullptr;  // once the call is recorded
};

namespace detail {

/// An argument of forward; undefined unless it is a tensor.
struct Argument {
  Tensor tensor;
  bool is_tensor;
};
template <class T>
Argument argument_of(const T& value) {
  if constexpr (std::is_base_of_v<Tensor, T>)
    return {value, true};
  else
    return {Tensor(), false};
}

using FunctionRule = std::vector<Tensor> (*)(Context& ctx, const std::vector<Tensor>& grad);
std::string function_name(const char* mangled);

/// One call of apply(): what forward is run with, and the recording of what it returned.
class FunctionCall {
 public:
  FunctionCall(const char* name, FunctionRule rule, std::vector<Argument> arguments);
  Context& context() { return context_; }
  /// `outputs` as the caller gets them, with their place on the tape.
  void finish(std::vector<Tensor>& outputs);

 private:
  bool differentiable(const Tensor& output) const;
  void separate(std::vector<Tensor>& outputs) const;

  const char* name_;
  FunctionRule rule_;
  std::vector<Argument> arguments_;
  Context context_;
};

}  // namespace detail

/// Base of a `Derived` with two static functions:
///   forward(Context& ctx, arguments...) returns a Tensor or a vector of them; nothing in it is
///   recorded. backward(Context& ctx, grad) takes one gradient an output and returns one an
///   argument of forward after ctx, undefined for arguments that are no tensors. Written with
///   differentiable operations it can be differentiated again.
/// Same as torch.autograd.Function.
template <class Derived>
struct Function {
  template <class... Args>
  static auto apply(Args&&... arguments) {
    static const std::string name = detail::function_name(typeid(Derived).name());
    const auto rule = [](Context& ctx, const std::vector<Tensor>& grad) -> std::vector<Tensor> {
      return Derived::backward(ctx, grad);
    };
    detail::FunctionCall call(name.c_str(), rule, {detail::argument_of(arguments)...});
    auto result = [&] {
      NoGradGuard no_grad;
      return Derived::forward(call.context(), std::forward<Args>(arguments)...);
    }();
    if constexpr (std::is_same_v<decltype(result), Tensor>) {
      std::vector<Tensor> outputs{std::move(result)};
      call.finish(outputs);
      return Tensor(std::move(outputs[0]));
    } else {
      call.finish(result);
      return result;
    }
  }
};

}  // namespace reel::autograd
