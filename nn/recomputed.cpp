#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/tape.h>
#include <reel/nn/detail/recomputed.h>

#include <atomic>

namespace reel::nn::detail {

struct Recomputed::State {
  const char* kind;
  std::string name;
  Tensor shown;
  Compute compute;
  std::vector<std::string> sources = {};  // names
  HookHandle hook{nullptr};
  uint64_t computed_in = 0;  // which cache
  bool recorded = false;     // as it was computed then
};

namespace {

std::atomic<uint64_t> caches{0};
thread_local uint64_t cache = 0;  // this thread's, 0 if there is none
thread_local int cache_depth = 0;

// The body of `tensor` becomes a view of y.
void show(const Tensor& tensor, const Tensor& y) {
  // By an operation of its own: y may be a leaf, and a view of that is none.
  const Tensor view =
      record_view("parametrized", y, Array(y.array()), wrt(y, [](const Tensor& g) { return g; }));
  TensorBody &body = *tensor.body(), &source = *view.body();
  body.detach();
  body.array = source.array;
  body.node = source.node;
  body.base = source.base;
  body.base_rebinds = source.base_rebinds;
}

}  // namespace

void RecomputedCache::enter() {
  if (cache_depth++ == 0) cache = ++caches;
}

void RecomputedCache::leave() {
  if (--cache_depth == 0) cache = 0;
}

void Recomputed::operator()(Module& module, std::vector<Tensor>&) const {
  const bool recording = is_grad_enabled();
  if (cache != 0 && state_->computed_in == cache && state_->recorded == recording) return;
  show(state_->shown, state_->compute(module.is_training()));
  state_->computed_in = cache;
  state_->recorded = recording;
}

const Recomputed* Recomputed::find(const char* kind, const Module& module,
                                   const std::string& name) {
  if (!module.hooks()) return nullptr;
  for (const auto& hook : module.hooks()->before) {
    const Recomputed* found = hook.function.target<Recomputed>();
    if (found && found->state_->name == name && std::string_view(found->state_->kind) == kind)
      return found;
  }
  return nullptr;
}

const Recomputed& Recomputed::get(const char* kind, const Module& module, const std::string& name) {
  const Recomputed* found = find(kind, module, name);
  check(found != nullptr, "{}: \"{}\" of {} has none", kind, name, module.name());
  return *found;
}

Tensor Recomputed::find_parameter(const char* kind, Module& module, const std::string& name) {
  check(find(kind, module, name) == nullptr, "{}: \"{}\" of {} has one already", kind, name,
        module.name());
  for (const auto& [own, parameter] : module.named_parameters(false)) {
    if (own != name) continue;
    check(!module.has_uninitialized(), "{}: \"{}\" of {} has no shape yet; call the module first",
          kind, name, module.name());
    return parameter;
  }
  fail("{}: {} has no parameter \"{}\"", kind, module.name(), name);
}

void Recomputed::start(const char* kind, Module& module, const std::string& name,
                       const Sources& sources, Compute compute) {
  const Tensor shown = find_parameter(kind, module, name);
  const auto state = std::make_shared<State>(State{kind, name, shown, std::move(compute)});
  const Tensor first = state->compute(false);
  // All names or, if one is taken, none.
  try {
    for (const auto& [own, parameter] : sources.parameters) {
      module.register_parameter(own, parameter, shown.requires_grad());
      state->sources.push_back(own);
    }
    for (const auto& [own, buffer] : sources.buffers) {
      module.register_buffer(own, buffer);
      state->sources.push_back(own);
    }
  } catch (const Error&) {
    for (const std::string& own : state->sources) module.unregister(own);
    throw;
  }
  module.unregister(name);
  shown.mutable_grad() = Tensor();
  // What graphs kept of the parameter may not be read any more.
  shown.body()->refs.rebind();
  show(shown, first);
  Recomputed hook;
  hook.state_ = state;
  state->hook = module.register_forward_pre_hook(hook, {.cloned = false});
}

void Recomputed::stop(const char* kind, Module& module, const std::string& name,
                      const Tensor& value) {
  const std::shared_ptr<State> state = get(kind, module, name).state_;
  TensorBody& body = *state->shown.body();
  Array numbers = kernels::clone(value.array());
  state->hook.remove();
  for (const std::string& own : state->sources) module.unregister(own);
  body.detach();
  body.base = nullptr;
  body.base_rebinds = 0;
  body.array = std::move(numbers);
  module.register_parameter(name, state->shown);
}

Tensor Recomputed::refresh(const char* kind, Module& module, const std::string& name) {
  const State& state = *get(kind, module, name).state_;
  show(state.shown, state.compute(false));
  return state.shown;
}

void Recomputed::refresh_all(const Module& module) {
  if (!module.hooks()) return;
  for (const auto& hook : module.hooks()->before) {
    if (const Recomputed* found = hook.function.target<Recomputed>())
      show(found->state_->shown, found->state_->compute(false));
  }
}

}  // namespace reel::nn::detail
