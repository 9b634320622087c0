#pragma once
// What record() leaves on the tape: the rules of one operation, stored by their types, and where
// each result goes.

#include <reel/autograd/rule.h>
#include <reel/autograd/sweep.h>

#include <tuple>
#include <type_traits>

namespace reel {

namespace detail {

using G = const Tensor&;
/// How a rule wants the gradient: to look at, or (Tensor&& g) to write its result over it.
template <class Rule>
inline constexpr bool takes_gradient =
    !(std::is_invocable_v<Rule, G> || std::is_invocable_v<Rule, G, G> ||
      std::is_invocable_v<Rule, G, const Shape&> || std::is_invocable_v<Rule, G, G, const Shape&>);
template <class Rule>
using Gradient = std::conditional_t<takes_gradient<Rule>, Tensor&&, G>;
template <class Rule>
inline constexpr bool takes_output = std::is_invocable_v<Rule, Gradient<Rule>, G> ||
                                     std::is_invocable_v<Rule, Gradient<Rule>, G, const Shape&>;

/// A rule without a destructor to run holds no tensor; one that owns other things says so with
/// keeps_no_tensor.
template <class Rule>
inline constexpr bool retains_tensors = !std::is_trivially_destructible_v<Rule> && !requires {
  Rule::keeps_no_tensor;
};

template <class Rule>
Tensor call_rule(const Rule& rule, Tensor& g, G y, const Shape& shape) {
  using Given = Gradient<Rule>;
  if constexpr (std::is_invocable_v<Rule, Given>)
    return rule(static_cast<Given>(g));
  else if constexpr (std::is_invocable_v<Rule, Given, G>)
    return rule(static_cast<Given>(g), y);
  else if constexpr (std::is_invocable_v<Rule, Given, const Shape&>)
    return rule(static_cast<Given>(g), shape);
  else
    return rule(static_cast<Given>(g), y, shape);
}

/// A rule and the edge it serves. The rule is stored only if the input needs a gradient.
template <class Rule>
class Slot {
 public:
  static constexpr bool takes_g = takes_gradient<Rule>;
  static constexpr bool uses_output = takes_output<Rule>;
  static constexpr bool retains = retains_tensors<Rule> || uses_output;

  explicit Slot(Wrt<Rule>&& wrt) : edge_(wrt.input) {
    if (edge_) rule_.emplace(std::move(wrt.rule));
  }
  void call(Tensor& g, G y, Sweep& sweep) const {
    if (edge_ && sweep.wants(edge_)) sweep.give(edge_, call_rule(*rule_, g, y, edge_.shape()));
  }
  void release() noexcept { rule_.reset(); }
  bool live() const { return static_cast<bool>(edge_); }
  template <class F>
  void each_edge(F&& f) const {
    f(edge_);
  }

 private:
  Edge edge_;
  std::optional<Rule> rule_;
};

std::vector<Edge> edges_to(std::span<const Tensor> inputs);

template <class Rule>
class SlotList {
 public:
  static constexpr bool takes_g = false;
  static constexpr bool uses_output = false;
  static constexpr bool retains = retains_tensors<Rule>;

  explicit SlotList(WrtEach<Rule>&& wrt)
      : edges_(edges_to(wrt.inputs)), rule_(std::move(wrt.rule)) {}
  void call(Tensor& g, G, Sweep& sweep) const {
    for (size_t i = 0; i < edges_.size(); ++i) {
      if (edges_[i] && sweep.wants(edges_[i])) sweep.give(edges_[i], (*rule_)(g, i));
    }
  }
  void release() noexcept { rule_.reset(); }
  bool live() const { return true; }
  template <class F>
  void each_edge(F&& f) const {
    for (const Edge& edge : edges_) f(edge);
  }

 private:
  std::vector<Edge> edges_;
  std::optional<Rule> rule_;
};

template <class Rule>
Slot<Rule> slot_of(Wrt<Rule>&& wrt);
template <class Rule>
SlotList<Rule> slot_of(WrtEach<Rule>&& wrt);
template <class W>
using SlotOf = decltype(slot_of(std::declval<W>()));

/// The output as a rule may ask for it: kept without its node, which would be a circle.
struct KeptOutput {
  Array array;
  uint32_t version;
};
struct NoOutput {};

template <class... Slots>
class OpNode final : public Node {
  static constexpr bool keeps_output = (Slots::uses_output || ...);
  static constexpr bool retains = (Slots::retains || ...);
  static_assert((Slots::takes_g + ... + 0) ==
                    std::tuple_element_t<sizeof...(Slots) - 1, std::tuple<Slots...>>::takes_g,
                "only the last rule may take the gradient: those behind it would find it gone");

 public:
  template <class... W>
  OpNode(const char* name, const Array& output, W&&... wrts)
      : Node(name, output, sizeof(OpNode)), slots_(std::forward<W>(wrts)...) {
    each([&](auto& slot) { slot.each_edge([&](const Edge& edge) { number(edge); }); });
    if constexpr (keeps_output) {
      bool asked = false;
      each([&](auto& slot) { asked |= slot.uses_output && slot.live(); });
      if (asked) output_.emplace(KeptOutput{output, output.version()});
    }
  }
  std::vector<const Edge*> edges() const override {
    std::vector<const Edge*> list;
    std::apply(
        [&](auto&... slot) { (slot.each_edge([&](const Edge& e) { list.push_back(&e); }), ...); },
        slots_);
    return list;
  }

 protected:
  void apply(Tensor& g, Sweep& sweep) override {
    Tensor y;
    if constexpr (keeps_output) {
      if (output_) y = output_tensor();
    }
    each([&](auto& slot) { slot.call(g, y, sweep); });
  }
  bool release() noexcept override {
    if constexpr (retains) {
      each([](auto& slot) { slot.release(); });
      output_ = {};
    }
    return retains;
  }

 private:
  template <class F>
  void each(F&& f) {
    std::apply([&](auto&... slot) { (f(slot), ...); }, slots_);
  }
  Tensor output_tensor() {
    Tensor y{Array(output_->array)};
    if (y.array().version() != output_->version) [[unlikely]]
      fail_changed(y, output_->version);
    if (is_grad_enabled()) y.body()->node = Ref<Node>::share(this);
    return y;
  }

  std::tuple<Slots...> slots_;
  [[no_unique_address]] std::conditional_t<keeps_output, std::optional<KeptOutput>, NoOutput>
      output_;
};

/// The node of an operation that gives `y`, made in place in a recycled block; none if this thread
/// does not record or no input needs a gradient.
template <class... W>
Ref<Node> node_of(const char* name, const Array& y, W&&... wrts) {
  if constexpr (sizeof...(W) > 0) {
    if (is_grad_enabled() && (wrts.needed() || ...) && is_floating(y.dtype())) {
      using N = OpNode<SlotOf<W>...>;
      void* block = memory::allocate(sizeof(N), memory::Kind::Node);
      try {
        return Ref<Node>::adopt(new (block) N(name, y, std::move(wrts)...));
      } catch (...) {  // an input may be a view that is no longer of use
        memory::deallocate(block, sizeof(N), memory::Kind::Node);
        throw;
      }
    }
  }
  return {};
}

}  // namespace detail

}  // namespace reel
