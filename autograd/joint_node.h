#pragma once
// Operations with several outputs whose gradients are wanted together: one node for all of them,
// called once, and above it a node an output, which hands its gradient down.

#include <reel/autograd/ops/operators.h>
#include <reel/autograd/sweep.h>

namespace reel::detail {

class OutputNode;

/// Base of the node for all. Its own pending gradient is that of its first output where that has no
/// node of its own.
class JointNode : public Node {
 public:
  JointNode(const char* name, const Array& output, size_t bytes, size_t outputs)
      : Node(name, output, bytes), gradients_(outputs), nodes_(outputs) {}

  /// The node of an output; null where none was made or it has died.
  OutputNode* output_node(size_t output) const { return nodes_[output]; }

 protected:
  /// Adds to what has arrived for an output.
  void add_gradient(size_t output, const Tensor& g) {
    Tensor& gradient = gradients_[output];
    gradient = gradient.defined() ? gradient + g : g;
  }
  /// What has arrived in this sweep, one an output, undefined where nothing has.
  std::vector<Tensor> take_gradients() {
    return std::exchange(gradients_, std::vector<Tensor>(gradients_.size()));
  }
  void swap_held(std::vector<Tensor>& held) noexcept override {
    held.resize(gradients_.size());
    std::swap(gradients_, held);
  }

 private:
  friend class OutputNode;
  std::vector<Tensor> gradients_;
  std::vector<OutputNode*> nodes_;
};

/// The node of one output.
class OutputNode final : public Node {
 public:
  OutputNode(const char* name, const Array& output, const Ref<JointNode>& joint, size_t index)
      : Node(name, output, sizeof(OutputNode)), index_(index) {
    edge_.node = Ref<Node>::share(joint.get());
    number(edge_);
    joint->nodes_[index] = this;
  }
  ~OutputNode() override { joint().nodes_[index_] = nullptr; }
  std::vector<const Edge*> edges() const override { return {&edge_}; }

 protected:
  void apply(Tensor& g, Sweep& sweep) override {
    if (!sweep.wants(edge_)) return;
    joint().add_gradient(index_, g);
    sweep.schedule(edge_.node.get());
  }
  bool release() noexcept override { return false; }

 private:
  JointNode& joint() const { return static_cast<JointNode&>(*edge_.node); }

  Edge edge_;
  size_t index_;
};

/// A node in a recycled block.
template <class N, class... Args>
Ref<N> make_node(Args&&... args) {
  void* block = memory::allocate(sizeof(N), memory::Kind::Node);
  return Ref<N>::adopt(new (block) N(std::forward<Args>(args)...));
}

}  // namespace reel::detail
