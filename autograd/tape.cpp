// Grad mode, what is thrown about kept values, and the burial of bodies and nodes.
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {

namespace detail {

constinit thread_local bool grad_enabled = true;

bool any_requires_grad(std::span<const Tensor> inputs) {
  for (const Tensor& input : inputs) {
    if (input.requires_grad()) return true;
  }
  return false;
}

std::vector<Edge> edges_to(std::span<const Tensor> inputs) {
  std::vector<Edge> edges;
  edges.reserve(inputs.size());
  for (const Tensor& input : inputs) edges.emplace_back(input);
  return edges;
}

void fail_changed(const Tensor& tensor, uint32_t kept_version) {
  const Node* node = Sweep::current();
  const std::string what = tensor.body()->refs.has_contents()
                               ? fmt::format("a {} tensor of shape {} is at version {}",
                                             tensor.dtype(), tensor.shape(), tensor.version())
                               : "a tensor that is gone was changed";
  fail(
      "{}: one of the variables needed for gradient computation has been modified by an inplace "
      "operation: {}, expected version {} of when {} was recorded",
      node ? node->name() : "backward", what, kept_version, node ? node->name() : "it");
}

void fail_detached() {
  const Node* node = Sweep::current();
  fail(
      "{}: a derivative of a value is needed that detach_() has taken from the graph; use detach()",
      node ? node->name() : "backward");
}

TensorBody* keep_without_base(const Tensor& view) {
  if (view.body()->is_stale()) refresh_view(*view.body());
  Ref<TensorBody> own = TensorBody::make(Array(view.array()));
  own->node = view.body()->node;
  own->refs.keep();
  own->refs.drop();
  return own.release();
}

}  // namespace detail

void fail_undefined() {
  fail("tensor: the operation needs a defined tensor, got an undefined one");
}

Node::~Node() { delete hooks_; }

// What dies hands its node over here instead of destroying it in place: a chain of any length is
// taken down by one loop, not by recursion.
void destroy(Node* node) noexcept {
  constinit static thread_local Node* graveyard = nullptr;
  constinit static thread_local bool burying = false;
  node->next_dead_ = graveyard;
  graveyard = node;
  if (burying) return;
  burying = true;
  while (Node* dead = graveyard) {
    graveyard = dead->next_dead_;
    const size_t bytes = dead->bytes_;
    dead->~Node();
    memory::deallocate(dead, bytes, memory::Kind::Node);
  }
  burying = false;
}

TensorBody::~TensorBody() {
  if (retains_grad && node) node->hooks_->retaining = nullptr;
  delete hooks;
}

void TensorBody::rebind(Ref<Node> to) {
  if (retains_grad) {
    node->hooks_->retaining = nullptr;
    if (!to->hooks_) to->hooks_ = new Hooks;
    to->hooks_->retaining = this;
  }
  node = std::move(to);
  requires_grad = false;
  refs.rebind();
}

static void free_body(TensorBody* body) noexcept {
  body->~TensorBody();
  memory::deallocate(body, sizeof(TensorBody), memory::Kind::Tensor);
}

void TensorBody::detach() noexcept {
  if (retains_grad && node) node->hooks_->retaining = nullptr;
  retains_grad = requires_grad = false;
  node = nullptr;
}

void TensorBody::forget() noexcept {
  detach();
  delete std::exchange(hooks, nullptr);
  grad = Tensor();
}

void TensorBody::clear() noexcept {
  forget();
  array = Array();
  base = nullptr;
}

// Called when nobody can reach the contents any more. The count outlives them for those that hold
// the memory.
void destroy(TensorBody* body) noexcept {
  if (!body->refs.outlives_contents()) return free_body(body);
  body->refs.bury_contents();
  body->clear();
  if (body->refs.drop_memory()) free_body(body);
}

void Kept::let_go() noexcept {
  TensorBody* body = tensor_.body();
  if (body->refs.rebinds() == rebinds()) {
    if (body->refs.drop_kept()) destroy(body);
  } else if (body->refs.drop_memory()) {
    free_body(body);
  }
}

Tensor Hooks::run(Tensor g) const {
  const auto now = functions;  // a hook may register or remove others, or itself
  for (const auto& [_, function] : now) {
    Tensor replaced = function(g);
    if (!replaced.defined()) continue;
    check(replaced.shape() == g.shape(), "hook: the gradient must keep its shape {}, got {}",
          g.shape(), replaced.shape());
    check<TypeError>(replaced.dtype() == g.dtype(), "hook: the gradient must stay {}, got {}",
                     g.dtype(), replaced.dtype());
    g = std::move(replaced);
  }
  return g;
}

// The base got another node since this view was made, so the view's numbers come from there now.
void refresh_view(TensorBody& view) {
  TensorBody& base = *view.base;
  check(!view.of_function,
        "Function: a view that it returned cannot follow a change in place of what it shows; "
        "return a "
        "clone() from forward");
  if (base.needs_grad()) {
    EnableGradGuard recording;
    const Tensor fresh = as_strided(Tensor(view.base), view.array.shape(), view.array.strides(),
                                    view.array.offset());
    view.rebind(fresh.body()->node);
  } else if (view.node) {  // the base was detached after the change
    view.detach();
  }
  view.base_rebinds = base.refs.rebinds();
}

}  // namespace reel
