#pragma once
// One walk over the tape, from outputs to leaves. Users call backward() or autograd::grad().

#include <reel/autograd/tensor.h>

namespace reel {

class Sweep {
 public:
  struct Options {
    bool retain_graph = false;
    bool create_graph = false;
  };
  explicit Sweep(Options options);
  ~Sweep();
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  /// Restricts the walk to what leads to `inputs`, seen from `outputs`.
  void restrict_to(std::span<const Tensor> inputs, std::span<const Tensor> outputs);
  /// Walks, starting with these gradients of these outputs.
  void run(std::span<const Tensor> outputs, std::span<const Tensor> gradients);
  /// Adds what has arrived at the leaves into their .grad.
  /// Throws before that if one of them has a .grad of another shape or dtype.
  void accumulate_into_leaves();
  /// What has arrived at the i-th of the inputs of restrict_to(); undefined if nothing.
  Tensor gradient_of(size_t input) const;

  /// Whether anybody asks for the gradient behind this edge.
  bool wants(const Edge& edge) const {
    if (!restricted_) return static_cast<bool>(edge);
    return edge.node ? edge.node->marks_.needed() : edge.leaf && find(edge.leaf.get()) != nullptr;
  }
  /// A gradient for the input behind this edge, in any shape that broadcasting may have given it.
  void give(const Edge& edge, Tensor g);
  /// The node whose rules are being called on this thread, or null.
  static const Node* current();
  /// Has `node` called in its turn although nothing was given to it.
  void schedule(Node* node);

 private:
  struct Leaf {
    Ref<TensorBody> body;
    Tensor pending;
  };

  // What a node holds for this sweep while another one runs inside it.
  struct Aside {
    Ref<Node> node;
    Tensor pending;
    std::vector<Tensor> held;
    Node::Marks marks;
  };

  // What grows in every sweep; the thread keeps it in Spare for its next one, so that a repeated
  // step allocates nothing.
  struct Lists {
    std::vector<Ref<Node>> roots;  // a hook may let go of the tensors that had them
    std::vector<Node*> heap;       // nodes with a pending gradient, largest serial first
    std::vector<Leaf> leaves;      // in order of arrival
    std::vector<int32_t> index;    // leaves by address: open addressing, -1 where free
  };
  struct Spare;
  static thread_local Spare spare_;

  bool ends_at(const Node* node) const { return restricted_ && !node->marks_.leads; }
  void check_rules(const Node* node) const;
  void step(Node* node);
  void receive(Node* node, Tensor g);
  void accumulate(Tensor& pending, Tensor g);
  void set_aside();
  void take_back();
  Leaf* find(const TensorBody* body) const;
  Leaf& leaf(const Ref<TensorBody>& body);
  void index_leaf(size_t position);

  Options options_;
  bool restricted_ = false;
  Sweep* outer_;  // the one that is under way on this thread, if there is one
  Lists lists_;
  std::vector<Tensor> inputs_;  // of restrict_to()
  std::vector<Ref<Node>> visited_;
  std::vector<Aside> aside_;
  std::vector<std::pair<Ref<Node>, Tensor>> captured_;  // inputs that are no leaves
};

}  // namespace reel
