#include <reel/autograd/anomaly.h>
#include <reel/autograd/donate.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/rule.h>
#include <reel/autograd/sweep.h>

#include <algorithm>
#include <mutex>

namespace reel {

using detail::owned_alone;

namespace {

constinit thread_local const Node* current_node = nullptr;
constinit thread_local Sweep* current_sweep = nullptr;

bool by_serial(const Node* a, const Node* b) { return a->serial() < b->serial(); }

size_t hash(const TensorBody* body) {
  return reinterpret_cast<uintptr_t>(body) / sizeof(void*) * 0x9E3779B97F4A7C15u >> 20;
}

void check_for_nan(const Tensor& g, const Edge& edge) {
  NoGradGuard no_grad;
  const Node* node = Sweep::current();
  check(!any(isnan(g)),
        "{}: the gradient rule of a {} tensor of shape {} gave nan for an input of shape {}",
        node ? node->name() : "backward", node ? node->dtype() : g.dtype(),
        node ? node->shape() : g.shape(), edge.shape());
}

void check_grad(const TensorBody& body) {
  if (!body.grad.defined()) return;
  check(body.grad.shape() == body.array.shape() && body.grad.dtype() == body.array.dtype(),
        "backward: the .grad of a {} tensor of shape {} must be like it, got {} of shape {}",
        body.array.dtype(), body.array.shape(), body.grad.dtype(), body.grad.shape());
}

void add_to_grad(TensorBody& body, Tensor g, bool create_graph) {
  Tensor& grad = body.grad;
  if (!grad.defined()) {
    // A gradient that others hold too would change under them when .grad is changed in place.
    grad = owned_alone(g) ? std::move(g) : g.clone();
  } else if (create_graph || may_overlap(grad.shape(), grad.strides())) {
    grad = grad + g;
  } else {
    grad.add_(g);
  }
}

}  // namespace

namespace detail {
constinit thread_local bool anomaly_detection = false;
}  // namespace detail

const Node* Sweep::current() { return current_node; }

// Tensors with static storage duration may be swept when the thread's own things are gone.
static constinit thread_local bool spare_ended = false;

struct Sweep::Spare {
  Lists lists;
  ~Spare() { spare_ended = true; }
};
thread_local Sweep::Spare Sweep::spare_;

Sweep::Sweep(Options options)
    : options_(options),
      outer_(std::exchange(current_sweep, this)),
      lists_(spare_ended ? Lists{} : std::move(spare_.lists)) {
  if (outer_) outer_->set_aside();
}

Sweep::~Sweep() {
  // After an exception gradients may still wait.
  for (Node* node : lists_.heap) {
    std::vector<Tensor> dropped;
    node->pending_ = {};
    node->swap_held(dropped);
  }
  for (const Ref<Node>& node : visited_) node->marks_ = {};
  lists_.heap.clear();  // first: what goes with a root may be the user's, and sweep
  lists_.roots.clear();
  lists_.leaves.clear();
  lists_.index.clear();
  if (!spare_ended) spare_.lists = std::move(lists_);
  current_sweep = outer_;
  if (outer_) outer_->take_back();
}

// A hook, or the rule of a Function, may start a sweep over nodes that stand in this one.
void Sweep::set_aside() {
  for (const Ref<Node>& node : visited_)
    aside_.push_back({node, {}, {}, std::exchange(node->marks_, {})});
  for (Node* node : lists_.heap) {
    aside_.push_back({Ref<Node>::share(node), std::move(node->pending_), {}, {}});
    node->pending_ = {};
    node->swap_held(aside_.back().held);
  }
}

void Sweep::take_back() {
  for (size_t i = 0; i < aside_.size(); ++i) {
    Aside& entry = aside_[i];
    if (i < visited_.size()) {
      entry.node->marks_ = entry.marks;
    } else {
      entry.node->pending_ = std::move(entry.pending);
      entry.node->swap_held(entry.held);
    }
  }
  aside_.clear();
}

// ---- what is asked for -----------------------------------------------------------------------------------

void Sweep::restrict_to(std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  restricted_ = true;
  inputs_.assign(inputs.begin(), inputs.end());
  for (const Tensor& input : inputs) {
    const Edge edge(input);
    if (edge.leaf) leaf(edge.leaf);
    if (edge.node) captured_.emplace_back(edge.node, Tensor());
  }
  const auto visit = [&](const Ref<Node>& node) {
    if (!node || node->marks_.visited) return;
    node->marks_.visited = true;
    visited_.push_back(node);
  };
  for (const Tensor& output : outputs) visit(Edge(output).node);
  for (size_t i = 0; i < visited_.size(); ++i) {
    const Ref<Node> node = visited_[i];  // a copy: visiting grows the list
    for (const Edge* edge : node->edges()) visit(edge->node);
  }
  for (auto& [node, _] : captured_) node->marks_.captured = true;
  std::sort(visited_.begin(), visited_.end(),
            [](const Ref<Node>& a, const Ref<Node>& b) { return a->serial() < b->serial(); });
  for (const Ref<Node>& node : visited_) {
    for (const Edge* edge : node->edges()) node->marks_.leads |= wants(*edge);
  }
  // Inputs that no output depends on were not visited; their marks must go too.
  for (auto& [node, _] : captured_) visit(node);
}

Tensor Sweep::gradient_of(size_t input) const {
  const Edge edge(inputs_[input]);
  if (edge.leaf) return find(edge.leaf.get())->pending;
  for (const auto& [node, g] : captured_) {
    if (node == edge.node) return g;
  }
  return {};
}

// ---- the walk --------------------------------------------------------------------------------------------

void Sweep::run(std::span<const Tensor> outputs, std::span<const Tensor> gradients) {
  GradModeGuard mode(options_.create_graph);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Edge edge(outputs[i]);
    if (!wants(edge)) continue;
    if (edge.node) lists_.roots.push_back(edge.node);
    give(edge, gradients[i]);
  }
  while (!lists_.heap.empty()) {
    // Before it leaves the heap: so the destructor finds the gradient that waits there.
    check_rules(lists_.heap.front());
    std::pop_heap(lists_.heap.begin(), lists_.heap.end(), by_serial);
    Node* node = lists_.heap.back();
    lists_.heap.pop_back();
    step(node);
  }
  for (Leaf& leaf : lists_.leaves) {
    if (leaf.pending.defined() && leaf.body->hooks)
      leaf.pending = leaf.body->hooks->run(std::move(leaf.pending));
  }
}

void Sweep::check_rules(const Node* node) const {
  check(!node->freed_ || ends_at(node),
        "{}: Trying to backward through the graph a second time: what its rules had kept was freed "
        "by "
        "the first backward() or autograd::grad(). Call the first with {{.retain_graph = true}}.",
        node->name());
}

void Sweep::step(Node* node) {
  Tensor g = std::move(node->pending_);
  node->pending_ = {};
  if (const Hooks* hooks = node->hooks_) {
    g = hooks->run(std::move(g));
    check_rules(node);  // a hook may have swept this node itself
    if (hooks->retaining) {
      check_grad(*hooks->retaining);
      add_to_grad(*hooks->retaining, g.clone(), options_.create_graph);
    }
  }
  if (node->marks_.captured) {
    for (auto& [captured, gradient] : captured_) {
      if (captured.get() == node) gradient = g;
    }
  }
  if (ends_at(node)) return;  // its rules stay for whoever goes on from here
  const Node* outer = std::exchange(current_node, node);
  struct Restore {
    const Node* outer;
    ~Restore() { current_node = outer; }
  } restore{outer};
  node->apply(g, *this);
  if (!options_.retain_graph) node->freed_ = node->release();
}

void Sweep::give(const Edge& edge, Tensor g) {
  if (!g.defined()) return;
  if (detail::anomaly_detection) [[unlikely]]
    check_for_nan(g, edge);
  if (g.dtype() != edge.dtype()) [[unlikely]]
    g = g.to(edge.dtype());
  if (!(g.shape() == edge.shape())) g = sum_to(g, edge.shape());
  if (edge.node) {
    receive(edge.node.get(), std::move(g));
  } else {
    accumulate(leaf(edge.leaf).pending, std::move(g));
  }
}

void Sweep::receive(Node* node, Tensor g) {
  if (node->pending_.defined()) return accumulate(node->pending_, std::move(g));
  node->pending_ = std::move(g);
  lists_.heap.push_back(node);
  std::push_heap(lists_.heap.begin(), lists_.heap.end(), by_serial);
}

void Sweep::schedule(Node* node) {
  if (std::find(lists_.heap.begin(), lists_.heap.end(), node) != lists_.heap.end()) return;
  lists_.heap.push_back(node);
  std::push_heap(lists_.heap.begin(), lists_.heap.end(), by_serial);
}

void Sweep::accumulate(Tensor& pending, Tensor g) {
  if (!pending.defined()) {
    pending = std::move(g);
  } else if (!is_grad_enabled() && owned_alone(pending)) {
    kernels::add(pending.array(), g.array(), pending.array());
  } else if (!is_grad_enabled() && owned_alone(g)) {
    kernels::add(g.array(), pending.array(), g.array());
    pending = std::move(g);
  } else {
    pending = pending + g;
  }
}

// ---- leaves ----------------------------------------------------------------------------------------------

void Sweep::accumulate_into_leaves() {
  // One lock a sweep: threads that sweep graphs of their own may share the leaves.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  GradModeGuard mode(options_.create_graph);
  for (const Leaf& leaf : lists_.leaves) check_grad(*leaf.body);
  for (Leaf& leaf : lists_.leaves) {
    if (leaf.pending.defined())
      add_to_grad(*leaf.body, std::move(leaf.pending), options_.create_graph);
  }
}

Sweep::Leaf* Sweep::find(const TensorBody* body) const {
  if (lists_.leaves.size() <= 8) {  // a few comparisons are quicker than a table
    for (const Leaf& leaf : lists_.leaves) {
      if (leaf.body.get() == body) return const_cast<Leaf*>(&leaf);
    }
    return nullptr;
  }
  for (size_t at = hash(body);; ++at) {
    const int32_t position = lists_.index[at & (lists_.index.size() - 1)];
    if (position < 0) return nullptr;
    const Leaf& leaf = lists_.leaves[static_cast<size_t>(position)];
    if (leaf.body.get() == body) return const_cast<Leaf*>(&leaf);
  }
}

Sweep::Leaf& Sweep::leaf(const Ref<TensorBody>& body) {
  if (Leaf* found = find(body.get())) return *found;
  lists_.leaves.push_back({body, Tensor()});
  if (lists_.leaves.size() > 8) {
    if (lists_.leaves.size() * 2 > lists_.index.size()) {
      lists_.index.assign(std::max<size_t>(64, lists_.index.size() * 2), -1);
      for (size_t i = 0; i + 1 < lists_.leaves.size(); ++i) index_leaf(i);
    }
    index_leaf(lists_.leaves.size() - 1);
  }
  return lists_.leaves.back();
}

void Sweep::index_leaf(size_t position) {
  size_t at = hash(lists_.leaves[position].body.get());
  while (lists_.index[at & (lists_.index.size() - 1)] >= 0) ++at;
  lists_.index[at & (lists_.index.size() - 1)] = static_cast<int32_t>(position);
}

}  // namespace reel
