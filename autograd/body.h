#pragma once
// What stands behind the handles: the body of a tensor, and the node of a recorded operation.

#include <reel/autograd/tensor.h>

namespace reel {

class Sweep;
struct Hooks;
void destroy(Node* node) noexcept;

/// Where the gradient of one input goes: to the node that made it, or into a leaf.
struct Edge {
  Ref<Node> node;
  Ref<TensorBody> leaf;

  Edge() = default;
  explicit Edge(const Tensor& input);  ///< empty unless the input needs a gradient
  explicit operator bool() const { return node || leaf; }
  const Shape& shape() const;
  Dtype dtype() const;
};

/// A recorded operation: who fed it, and how a gradient of its output becomes gradients of its
/// inputs.
class Node {
 public:
  Node(const char* name, const Array& output, size_t bytes)
      : name_(name),
        shape_(output.shape()),
        dtype_(output.dtype()),
        bytes_(static_cast<uint32_t>(bytes)) {}
  virtual ~Node();

  /// The operation's name, as in error messages: "mul".
  const char* name() const { return name_; }
  /// Larger than that of every node it depends on, so descending serials are a reverse topological
  /// order.
  uint64_t serial() const { return serial_; }
  const Shape& shape() const { return shape_; }  ///< of the output
  Dtype dtype() const { return dtype_; }
  /// Where its gradients go, one edge an input; empty edges for inputs that need none.
  virtual std::vector<const Edge*> edges() const = 0;

  RefCount refs;

 protected:
  /// Calls the rules with the output's gradient, which it may take, and gives each result to its
  /// edge.
  virtual void apply(Tensor& g, Sweep& sweep) = 0;
  /// Drops what the rules retain. A node that retains nothing returns false and can be swept again.
  virtual bool release() noexcept = 0;
  /// Exchanges the gradients that it holds itself, besides the one that waits for it.
  virtual void swap_held(std::vector<Tensor>&) noexcept {}
  void number(const Edge& edge) {
    if (edge.node && edge.node->serial_ >= serial_) serial_ = edge.node->serial_ + 1;
  }

 private:
  friend class Sweep;
  friend struct TensorBody;
  friend class Tensor;
  friend void destroy(Node* node) noexcept;

  // What a restricted sweep found out about a node.
  struct Marks {
    bool visited = false;
    bool captured = false;  // its gradient is asked for
    bool leads = false;     // to an input that is asked for
    bool needed() const { return captured || leads; }
  };

  bool freed_ = false;
  Marks marks_;
  const char* name_;
  union {
    uint64_t serial_ = 1;
    Node* next_dead_;  // while it waits to be destroyed
  };
  Tensor pending_;  // the sum of the gradients that have arrived in this sweep
  Hooks* hooks_ = nullptr;
  Shape shape_;
  Dtype dtype_;
  uint32_t bytes_;
};

/// Counts who holds a body: handles; values kept for rules; and values that were kept before an
/// operation in place gave the body another node. Those last can never be read again, and that node
/// may depend on what keeps them (x.add_(x * w)): they hold the memory of the body but no longer
/// what is in it, or the circle would never die.
class BodyCount {
 public:
  void add() noexcept { reaching_.fetch_add(kHandle, std::memory_order_relaxed); }
  void keep() noexcept { reaching_.fetch_add(kKept, std::memory_order_relaxed); }
  /// True if nobody is left who can reach what is in the body.
  bool drop() noexcept { return drop(kHandle); }
  bool drop_kept() noexcept { return drop(kKept); }
  bool unique() const noexcept { return reaching_.load(std::memory_order_acquire) == kHandle; }

  /// How often an operation in place gave the body another node. Still there when its contents are
  /// gone: a kept value asks.
  uint32_t rebinds() const noexcept { return rebinds_; }
  void rebind() noexcept {
    rebinds_ = (rebinds_ + 1) & 0x7fffffff;
    const uint64_t kept = reaching_.load(std::memory_order_relaxed) / kKept;
    holding_.fetch_add(kept, std::memory_order_relaxed);
    reaching_.fetch_sub(kept * kKept, std::memory_order_relaxed);
  }
  /// Whether someone holds the memory besides those that reach what is in it.
  bool outlives_contents() const noexcept { return holding_.load(std::memory_order_acquire) != 1; }
  void bury_contents() noexcept { reaching_.store(0, std::memory_order_relaxed); }
  bool has_contents() const noexcept { return reaching_.load(std::memory_order_relaxed) != 0; }
  /// True if the memory can go.
  bool drop_memory() noexcept { return holding_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  static constexpr uint64_t kHandle = 1, kKept = uint64_t{1} << 32;

  bool drop(uint64_t one) noexcept {
    // Alone: nobody to race with.
    if (reaching_.load(std::memory_order_acquire) == one) return true;
    return reaching_.fetch_sub(one, std::memory_order_acq_rel) == one;
  }

  std::atomic<uint64_t> reaching_{kHandle};  // handles and kept values, 32 bits each
  std::atomic<uint64_t> holding_{1};         // outdated kept values; all that reach count as one
  uint32_t rebinds_ = 0;
};

struct TensorBody {
  BodyCount refs;
  bool requires_grad = false;  // of a leaf; a recorded tensor has a node instead
  bool retains_grad = false;   // of a recorded tensor, on the user's wish
  bool of_function = false;    // a view that a Function returned: its node is not the view's own
  uint32_t base_rebinds = 0;   // of the base, when this view was made or last brought up to date
  Array array;
  Ref<Node> node;        // the recorded operation that made it
  Ref<TensorBody> base;  // of a view: the tensor whose memory it shows
  Tensor grad;
  Hooks* hooks = nullptr;  // of a leaf; a recorded tensor's are on its node

  explicit TensorBody(Array&& numbers) : array(std::move(numbers)) {}
  ~TensorBody();

  bool needs_grad() const { return requires_grad || node; }
  /// Takes it off the tape.
  void detach() noexcept;
  /// Its numbers are now those of a new tensor, the output of `to` or none of the tape's: node,
  /// hooks and .grad go. Of a body that is no view.
  void renew(Ref<Node> to) noexcept {
    if (node || hooks || grad.defined()) forget();
    node = std::move(to);
  }
  /// Drops node, hooks and .grad.
  void forget() noexcept;
  /// Lets go of everything in it.
  void clear() noexcept;
  /// Whether this is a view whose base was given another node since.
  bool is_stale() const { return base && base->refs.rebinds() != base_rebinds; }
  /// An operation in place made this tensor another node's output. retain_grad() moves along, as in
  /// PyTorch.
  void rebind(Ref<Node> to);
  static Ref<TensorBody> make(Array&& numbers) {
    void* block = memory::allocate(sizeof(TensorBody), memory::Kind::Tensor);
    return Ref<TensorBody>::adopt(new (block) TensorBody(std::move(numbers)));
  }
};

/// Functions that are called with a complete gradient, and the tensor that retains it.
struct Hooks {
  std::vector<std::pair<int64_t, std::function<Tensor(const Tensor&)>>> functions;
  TensorBody* retaining = nullptr;  // cleared by that tensor's destructor
  int64_t next_id = 0;

  Tensor run(Tensor g) const;
};

[[noreturn]] void fail_undefined();
/// Gives a view whose base was changed in place the node that its numbers now come from.
void refresh_view(TensorBody& view);

inline Tensor::Tensor(Array&& array) : body_(TensorBody::make(std::move(array))) {}
inline const Array& Tensor::array() const {
  if (!body_) [[unlikely]]
    fail_undefined();
  return body_->array;
}
inline bool Tensor::requires_grad() const {
  if (!body_) return false;
  if (body_->is_stale()) [[unlikely]]
    refresh_view(*body_);
  return body_->needs_grad();
}

inline Edge::Edge(const Tensor& input)
    : node(input.requires_grad() ? input.body()->node : Ref<Node>()),
      leaf(!node && input.requires_grad() ? input.handle() : Ref<TensorBody>()) {}
inline const Shape& Edge::shape() const { return node ? node->shape() : leaf->array.shape(); }
inline Dtype Edge::dtype() const { return node ? node->dtype() : leaf->array.dtype(); }

}  // namespace reel
