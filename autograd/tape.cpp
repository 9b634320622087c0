// Grad mode, what is thrown about kept values, and the burial of bodies and nodes.
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {

namespace detail {

constinit thread_local bool grad_enabled = true;

void fail_changed(const Tensor& tensor, uint32_t kept_version) {
  const Node* node = Sweep::current();
  fail(
      "{}: one of the variables needed for gradient computation has been modified by an inplace "
      "operation: "
      "a {} tensor of shape {} is at version {}, expected version {} of when {} was recorded",
      node ? node->name() : "backward", tensor.dtype(), tensor.shape(), tensor.version(),
      kept_version, node ? node->name() : "it");
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
  ++rebinds;
  refs.outdate_kept();
}

// Called when nobody can reach the contents any more. The count outlives them for those that hold
// the memory.
void destroy(TensorBody* body) noexcept {
  BodyCount& count = body->refs;
  body->~TensorBody();
  if (count.drop_outdated()) memory::deallocate(body, sizeof(TensorBody), memory::Kind::Tensor);
}

Kept::~Kept() {
  TensorBody* body = tensor_.body();
  if (!body) return;
  if (body->rebinds == rebinds_) {
    if (body->refs.drop_kept()) destroy(body);
  } else if (body->refs.drop_outdated()) {
    memory::deallocate(body, sizeof(TensorBody), memory::Kind::Tensor);
  }
}

Tensor Hooks::run(Tensor g) const {
  // By index: a hook may register or remove others.
  for (size_t i = 0; i < functions.size(); ++i) {
    const auto function = functions[i].second;
    Tensor replaced = function(g);
    if (!replaced.defined()) continue;
    check(replaced.shape() == g.shape(), "hook: the gradient must keep its shape {}, got {}",
          g.shape(), replaced.shape());
    g = std::move(replaced);
  }
  return g;
}

// The base got another node since this view was made, so the view's numbers come from there now.
void refresh_view(TensorBody& view) {
  TensorBody& base = *view.base;
  view.base_rebinds = base.rebinds;
  if (!base.needs_grad()) return;
  EnableGradGuard recording;
  const Tensor fresh =
      as_strided(Tensor(view.base), view.array.shape(), view.array.strides(), view.array.offset());
  view.rebind(fresh.body()->node);
}

}  // namespace reel
