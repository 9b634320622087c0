#pragma once
// What an operation says about its gradient: a rule for each input, and what the rule remembers.

#include <reel/autograd/tensor.h>

namespace reel {

// ---- grad mode -----------------------------------------------------------------------------------------

namespace detail {
extern constinit thread_local bool grad_enabled;
bool any_requires_grad(std::span<const Tensor> inputs);
[[noreturn]] void fail_detached();
[[noreturn]] void fail_changed(const Tensor& tensor, uint32_t kept_version);
/// A body for what a view shows, counted as kept, without the view's base: an operation in place
/// may make that depend on what keeps the view.
TensorBody* keep_without_base(const Tensor& view);
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
  explicit Kept(const Tensor& tensor);
  Kept(Kept&& other) noexcept : seen_(other.seen_), tensor_(std::move(other.tensor_)) {}
  Kept& operator=(Kept&&) = delete;
  ~Kept() {
    if (tensor_.body()) let_go();
  }
  const Tensor& operator()() const {
    // In this order: what was given another node may have nothing left in it.
    if (tensor_.body()->refs.rebinds() != rebinds() || tensor_.array().version() != version())
        [[unlikely]] {
      detail::fail_changed(tensor_, version());
    }
    if (recorded() && is_grad_enabled() && !tensor_.body()->needs_grad()) [[unlikely]]
      detail::fail_detached();
    return tensor_;
  }

 private:
  friend Kept keep(const Tensor& tensor);
  Kept() : tensor_() {}
  void let_go() noexcept;
  uint32_t version() const { return static_cast<uint32_t>(seen_); }
  uint32_t rebinds() const { return static_cast<uint32_t>(seen_ >> 32) & 0x7fffffff; }
  /// It had a gradient: detach_() must not take that from a derivative.
  bool recorded() const { return seen_ >> 63; }

  uint64_t seen_ = 0;  // those three in one word, which moves faster than its parts
  union {
    Tensor tensor_;  // counted as kept, not as a handle: see BodyCount
  };
};
inline Kept::Kept(const Tensor& tensor) {
  const uint32_t version = tensor.array().version();
  TensorBody* body = tensor.body();
  if (body->base && !body->requires_grad) [[unlikely]] {
    body = detail::keep_without_base(tensor);
  } else {
    body->refs.keep();
  }
  seen_ = uint64_t{body->needs_grad()} << 63 | uint64_t{body->refs.rebinds()} << 32 | version;
  new (&tensor_) Tensor(Ref<TensorBody>::adopt(body));
}
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
  bool needed() const { return detail::any_requires_grad(inputs); }
};
template <class Rule>
WrtEach<Rule> wrt_each(std::span<const Tensor> inputs, Rule rule) {
  return {inputs, std::move(rule)};
}

}  // namespace reel
