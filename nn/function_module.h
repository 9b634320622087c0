#pragma once
// Functions with options as modules: activations, losses, distances.

#include <reel/nn/handle.h>

namespace reel::nn {

struct NoOptions {};

/// How options of type O are checked when a module is made (throws what a reader should know), and
/// what stands between the parentheses when it is printed. Specialised where there is something to
/// say.
template <class O>
struct OptionsText {
  static void check(const O&) {}
  static std::string repr(const O&) { return ""; }
};

/// F(tensors..., options), or F(tensors...) if there are no options. Options named weight and
/// pos_weight are buffers, as in PyTorch: to(), state_dict() and the like reach them.
template <class O, auto F>
class FunctionModule : public Module {
 public:
  using Options = O;

  explicit FunctionModule(const O& chosen = {}) : options(own(chosen)) {
    OptionsText<O>::check(options);
    if constexpr (requires { options.weight; }) register_buffer("weight", options.weight);
    if constexpr (requires { options.pos_weight; })
      register_buffer("pos_weight", options.pos_weight);
  }
  /// The first options by their order: nn::LeakyReLU(0.2), nn::Hardtanh(-2, 2), nn::GELU("tanh").
  template <class... A>
  requires(sizeof...(A) > 0 &&
           ((std::is_arithmetic_v<A> || std::is_convertible_v<A, std::string_view>)&&...) &&
           std::is_constructible_v<O, A...>)  //
      explicit FunctionModule(A... values)
      : FunctionModule(O(values...)) {}

  Tensor forward(const Tensor& x) override {
    if constexpr (std::is_invocable_v<decltype(F), const Tensor&, const O&>)
      return F(x, options);
    else if constexpr (std::is_invocable_v<decltype(F), const Tensor&>)
      return F(x);
    else
      return Module::forward(x);
  }
  template <class... More>
  requires(sizeof...(More) > 0 &&
           std::is_invocable_v<decltype(F), const Tensor&, const More&..., const O&>)  //
      Tensor forward(const Tensor& x, const More&... more) {
    return F(x, more..., options);
  }
  std::string extra_repr() const override { return OptionsText<O>::repr(options); }

  const O options;

 private:
  // Weights as tensors of the module's own, so that its to() leaves the given ones alone.
  static O own(O chosen) {
    if constexpr (requires { chosen.weight; }) {
      if (chosen.weight.defined()) chosen.weight = chosen.weight.detach();
    }
    if constexpr (requires { chosen.pos_weight; }) {
      if (chosen.pos_weight.defined()) chosen.pos_weight = chosen.pos_weight.detach();
    }
    return chosen;
  }
};

}  // namespace reel::nn
