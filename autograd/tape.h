#pragma once
// Recording. An operation is one paragraph:
//
//   Tensor mul(const Tensor& a, const Tensor& b) {
//     return record("mul", kernels::mul(a.array(), b.array()),
//                   wrt(a, [b = keep(b)](const Tensor& g) { return g * b(); }),
//                   wrt(b, [a = keep(a)](const Tensor& g) { return g * a(); }));
//   }
//
// A rule is written with differentiable operations, so derivatives of every order follow. It takes the output's
// gradient g and, if it asks for them, the output y and the input's shape, in this order. It returns the input's
// gradient; what broadcasting or promotion added is removed by the sweep.

#include <reel/autograd/tensor.h>

#include <tuple>
#include <type_traits>

namespace reel {

// ---- grad mode -----------------------------------------------------------------------------------------

namespace detail {
extern constinit thread_local bool grad_enabled;
[[noreturn]] void fail_changed(const Tensor& tensor, uint32_t kept_version);
}  // namespace detail

/// Whether this thread records operations.
inline bool is_grad_enabled() { return detail::grad_enabled; }

/// Sets grad mode for its lifetime, on this thread.
class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : before_(std::exchange(detail::grad_enabled, enabled)) {}
  ~GradModeGuard() { detail::grad_enabled = before_; }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool before_;
};
struct NoGradGuard : GradModeGuard {
  NoGradGuard() : GradModeGuard(false) {}
};
struct EnableGradGuard : GradModeGuard {
  EnableGradGuard() : GradModeGuard(true) {}
};

// ---- what rules remember -------------------------------------------------------------------------------

/// A tensor remembered for a rule. Reading it after its memory changed in place throws.
class Kept {
 public:
  explicit Kept(const Tensor& tensor)
      : version_(tensor.array().version()), rebinds_(tensor.body()->rebinds), tensor_(Ref<TensorBody>::adopt(tensor.body())) {
    tensor.body()->refs.keep();
  }
  Kept(Kept&& other) noexcept : version_(other.version_), rebinds_(other.rebinds_), tensor_(std::move(other.tensor_)) {}
  Kept& operator=(Kept&&) = delete;
  ~Kept();
  const Tensor& operator()() const {
    if (tensor_.array().version() != version_) [[unlikely]] detail::fail_changed(tensor_, version_);
    return tensor_;
  }

 private:
  friend Kept keep(const Tensor& tensor);
  Kept() : tensor_() {}
  uint32_t version_ = 0;
  uint32_t rebinds_ = 0;
  union {
    Tensor tensor_;  // counted as kept, not as a handle: see BodyCount
  };
};
/// Remembers `tensor` and its version for a rule; remembers nothing where nothing is recorded.
inline Kept keep(const Tensor& tensor) { return is_grad_enabled() ? Kept(tensor) : Kept(); }

/// The rule of one input.
template <class Rule>
struct Wrt {
  const Tensor& input;
  Rule rule;
  bool needed() const { return input.requires_grad(); }
};
template <class Rule>
Wrt<Rule> wrt(const Tensor& input, Rule rule) {
  return {input, std::move(rule)};
}

/// One rule for each of a list of inputs; it is told which: rule(g, i).
template <class Rule>
struct WrtEach {
  std::span<const Tensor> inputs;
  Rule rule;
  bool needed() const {
    for (const Tensor& input : inputs) {
      if (input.requires_grad()) return true;
    }
    return false;
  }
};
template <class Rule>
WrtEach<Rule> wrt_each(std::span<const Tensor> inputs, Rule rule) {
  return {inputs, std::move(rule)};
}

// ---- the node of an operation --------------------------------------------------------------------------

namespace detail {

using G = const Tensor&;
template <class Rule>
inline constexpr bool takes_output = std::is_invocable_v<Rule, G, G> || std::is_invocable_v<Rule, G, G, const Shape&>;

/// A rule without a destructor to run holds no tensor; one that owns other things says so with keeps_no_tensor.
template <class Rule>
inline constexpr bool retains_tensors = !std::is_trivially_destructible_v<Rule> && !requires { Rule::keeps_no_tensor; };

template <class Rule>
Tensor call_rule(const Rule& rule, G g, G y, const Shape& shape) {
  if constexpr (std::is_invocable_v<Rule, G>) return rule(g);
  else if constexpr (std::is_invocable_v<Rule, G, G>) return rule(g, y);
  else if constexpr (std::is_invocable_v<Rule, G, const Shape&>) return rule(g, shape);
  else return rule(g, y, shape);
}

/// A rule and the edge it serves. The rule is stored only if the input needs a gradient.
template <class Rule>
class Slot {
 public:
  static constexpr bool uses_output = takes_output<Rule>;
  static constexpr bool retains = retains_tensors<Rule> || uses_output;

  explicit Slot(Wrt<Rule>&& wrt) : edge_(wrt.input) {
    if (edge_) rule_.emplace(std::move(wrt.rule));
  }
  void call(G g, G y, Sweep& sweep) const;
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

template <class Rule>
class SlotList {
 public:
  static constexpr bool uses_output = false;
  static constexpr bool retains = retains_tensors<Rule>;

  explicit SlotList(WrtEach<Rule>&& wrt) : rule_(std::move(wrt.rule)) {
    edges_.reserve(wrt.inputs.size());
    for (const Tensor& input : wrt.inputs) edges_.emplace_back(input);
  }
  void call(G g, G y, Sweep& sweep) const;
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
    std::apply([&](auto&... slot) { (slot.each_edge([&](const Edge& e) { list.push_back(&e); }), ...); }, slots_);
    return list;
  }

 protected:
  void apply(const Tensor& g, Sweep& sweep) override {
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
    if (y.array().version() != output_->version) [[unlikely]] fail_changed(y, output_->version);
    if (is_grad_enabled()) y.body()->node = Ref<Node>::share(this);
    return y;
  }

  std::tuple<Slots...> slots_;
  [[no_unique_address]] std::conditional_t<keeps_output, std::optional<KeptOutput>, NoOutput> output_;
};

/// Gives `out` the node `N`, made in place in a recycled block.
template <class N, class... Args>
void attach(const Tensor& out, const char* name, Args&&... args) {
  void* block = memory::allocate(sizeof(N), memory::Kind::Node);
  out.body()->node = Ref<Node>::adopt(new (block) N(name, out.array(), std::forward<Args>(args)...));
}

}  // namespace detail

/// The tensor of a computed array, with a node if this thread records and an input needs a gradient.
template <class... W>
Tensor record(const char* name, Array&& y, W&&... wrts) {
  Tensor out(std::move(y));
  if constexpr (sizeof...(W) > 0) {
    if (is_grad_enabled() && (wrts.needed() || ...) && is_floating(out.dtype())) {
      detail::attach<detail::OpNode<detail::SlotOf<W>...>>(out, name, std::move(wrts)...);
    }
  }
  return out;
}

/// The same for an output that shows the memory of `x`.
template <class... W>
Tensor record_view(const char* name, const Tensor& x, Array&& y, W&&... wrts) {
  Tensor out = record(name, std::move(y), std::move(wrts)...);
  const Ref<TensorBody>& base = x.body()->base;
  out.body()->base = base ? base : x.handle();
  out.body()->base_rebinds = out.body()->base->rebinds;
  return out;
}

}  // namespace reel

#include <reel/autograd/sweep.h>
