// The handle's own functions: its numbers, its gradient, its place on the tape.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/tape.h>

#include <limits>

namespace reel {

int64_t Tensor::size(int dim) const {
  check<IndexError>(this->dim() > 0, "size: a 0-d tensor has no dims, got dim {}", dim);
  return shape()[wrap_dim("size", dim, this->dim())];
}

int64_t Tensor::stride(int dim) const {
  check<IndexError>(this->dim() > 0, "stride: a 0-d tensor has no dims, got dim {}", dim);
  return strides()[wrap_dim("stride", dim, this->dim())];
}

// ---- numbers -----------------------------------------------------------------------------------------------

template <class T>
T Tensor::item() const {
  check(numel() == 1, "item: expected a tensor of one element, got shape {}", shape());
  return dispatch_any(dtype(), [&]<class S>(TypeTag<S>) {
    const S value = *array().data<S>();
    if constexpr (std::is_floating_point_v<S> && std::is_integral_v<T> &&
                  !std::is_same_v<T, bool>) {
      // Compared as S: the bounds themselves are powers of two, or one below.
      constexpr S end = static_cast<S>(std::numeric_limits<T>::max() / 2 + 1) * 2;
      check(value > static_cast<S>(std::numeric_limits<T>::min()) - 1 && value < end,
            "item: {} cannot be converted to {}", value, dtype_of<T>);
    }
    return static_cast<T>(value);
  });
}

template <class T>
T* Tensor::data() const {
  check<TypeError>(dtype() == dtype_of<T>, "data: asked for {}, the tensor is {}", dtype_of<T>,
                   dtype());
  return array().data<T>();
}

template <class T>
std::span<T> Tensor::span() const {
  check(is_contiguous(), "span: expected a row-major tensor, got shape {} with strides {}", shape(),
        strides());
  return {data<T>(), static_cast<size_t>(numel())};
}

Tensor::operator bool() const {
  check(numel() == 1, "bool: the truth of more than one element is ambiguous, got shape {}",
        shape());
  return item<double>() != 0;
}

template bool Tensor::item<bool>() const;
template uint8_t Tensor::item<uint8_t>() const;
template int32_t Tensor::item<int32_t>() const;
template int64_t Tensor::item<int64_t>() const;
template float Tensor::item<float>() const;
template double Tensor::item<double>() const;
template bool* Tensor::data<bool>() const;
template uint8_t* Tensor::data<uint8_t>() const;
template int32_t* Tensor::data<int32_t>() const;
template int64_t* Tensor::data<int64_t>() const;
template float* Tensor::data<float>() const;
template double* Tensor::data<double>() const;
template std::span<bool> Tensor::span<bool>() const;
template std::span<uint8_t> Tensor::span<uint8_t>() const;
template std::span<int32_t> Tensor::span<int32_t>() const;
template std::span<int64_t> Tensor::span<int64_t>() const;
template std::span<float> Tensor::span<float>() const;
template std::span<double> Tensor::span<double>() const;

// ---- gradient ----------------------------------------------------------------------------------------------

Tensor& Tensor::requires_grad_(bool requires_grad) {
  check<TypeError>(!requires_grad || is_floating(array().dtype()),
                   "requires_grad_: only floating tensors can require grad, got {}", dtype());
  check(is_leaf() || requires_grad,
        "requires_grad_: only leaves can stop requiring grad; use detach()");
  if (is_leaf()) body_->requires_grad = requires_grad;
  return *this;
}

bool Tensor::is_leaf() const { return grad_fn() == nullptr; }

Tensor& Tensor::grad() const {
  array();
  return body_->grad;
}

Node* Tensor::grad_fn() const {
  array();
  if (body_->is_stale()) refresh_view(*body_);
  return body_->node.get();
}

void Tensor::retain_grad() {
  check(requires_grad(), "retain_grad: the tensor must require grad");
  if (is_leaf() || body_->retains_grad) return;
  hooks_of(*this, grad_fn())->retaining = body_.get();
  body_->retains_grad = true;
}

bool Tensor::retains_grad() const { return body_ && body_->retains_grad; }

Hooks*& Tensor::hooks_of(const Tensor& tensor, Node* node) {
  Hooks*& hooks = node ? node->hooks_ : tensor.body_->hooks;
  if (!hooks) hooks = new Hooks;
  return hooks;
}

HookHandle add_hook(const Tensor& tensor, std::function<Tensor(const Tensor&)> hook) {
  check(tensor.requires_grad(), "register_hook: the tensor must require grad");
  Node* node = tensor.grad_fn();
  Hooks* hooks = Tensor::hooks_of(tensor, node);
  const int64_t id = hooks->next_id++;
  hooks->functions.emplace_back(id, std::move(hook));
  // The handle keeps alive what owns the hooks.
  const Ref<TensorBody> leaf = node ? Ref<TensorBody>() : tensor.handle();
  return HookHandle([hooks, id, leaf, node = Ref<Node>::share(node)] {
    std::erase_if(hooks->functions, [id](const auto& entry) { return entry.first == id; });
  });
}

// ---- copies ------------------------------------------------------------------------------------------------

Tensor Tensor::detach() const { return Tensor(Array(array())); }

Tensor& Tensor::detach_() {
  array();
  check(!body_->base, "detach_: a view cannot be detached in place; use detach()");
  body_->detach();
  return *this;
}

Tensor Tensor::clone() const {
  return record("clone", kernels::clone(array()), wrt(*this, [](const Tensor& g) { return g; }));
}

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::to(Dtype dtype) const {
  if (dtype == this->dtype()) return *this;
  // The sweep converts g back.
  return record("to", kernels::cast(array(), dtype), wrt(*this, [](const Tensor& g) { return g; }));
}

}  // namespace reel
