#pragma once
// Tensor: the users' type. A handle to an array and to its place on the tape; copies share both.
// Its methods that are operations come from methods/.

#include <reel/autograd/array.h>
#include <reel/autograd/methods/inplace.h>
#include <reel/autograd/methods/math.h>
#include <reel/autograd/methods/shape.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace reel {

class Node;
class Index;
struct TensorBody;
struct Hooks;
void destroy(TensorBody* body) noexcept;

struct BackwardOptions;

/// Removes a hook that was registered.
class HookHandle {
 public:
  explicit HookHandle(std::function<void()> remove) : remove_(std::move(remove)) {}
  void remove() {
    if (remove_) std::exchange(remove_, nullptr)();
  }

 private:
  std::function<void()> remove_;
};

class Tensor : public ShapeMethods, public MathMethods, public InPlaceMethods {
 public:
  Tensor() = default;  ///< undefined: no array
  explicit Tensor(Array&& array);
  explicit Tensor(const Array& array) : Tensor(Array(array)) {}
  explicit Tensor(Ref<TensorBody> body) : body_(std::move(body)) {}
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  /// Into what a view shows, as in Python: x[0] = y is x[0].copy_(y), x[0] = 5 is x[0].fill_(5).
  Tensor& operator=(const Tensor& source) && { return copy_(source); }
  template <class T>
  requires std::is_arithmetic_v<T> Tensor& operator=(T value) && { return fill_(value); }
  ~Tensor() = default;

  // ---- what it is ----
  bool defined() const { return static_cast<bool>(body_); }
  const Array& array() const;
  const Shape& shape() const { return array().shape(); }
  const Strides& strides() const { return array().strides(); }
  int64_t size(int dim) const;
  int64_t stride(int dim) const;
  /// Elements from the start of the memory to the first one.
  int64_t storage_offset() const { return array().offset(); }
  /// Bytes of one element.
  int64_t element_size() const { return static_cast<int64_t>(size_of(dtype())); }
  int dim() const { return array().rank(); }
  int64_t numel() const { return array().numel(); }
  Dtype dtype() const { return array().dtype(); }
  bool is_contiguous() const { return array().is_contiguous(); }
  bool is_floating_point() const { return is_floating(dtype()); }
  /// How often the memory was changed in place.
  int64_t version() const { return array().version(); }
  TensorBody* body() const { return body_.get(); }
  const Ref<TensorBody>& handle() const { return body_; }

  // ---- its numbers ----
  /// The only element as a T; throws unless there is exactly one.
  template <class T>
  T item() const;
  /// The first element's address; T must be the dtype's type. Element order is that of strides().
  template <class T>
  T* data() const;
  /// All elements in order; throws unless contiguous and of type T.
  template <class T>
  std::span<T> span() const;
  /// The only element, compared with zero.
  explicit operator bool() const;
  std::string to_string() const;

  // ---- its place on the tape ----
  bool requires_grad() const;
  Tensor& requires_grad_(bool requires_grad = true);
  bool is_leaf() const;
  /// The gradient that backward() has accumulated, undefined before; x.grad().zero_() changes it in
  /// place.
  Tensor& grad() const;
  Tensor& mutable_grad() const { return grad(); }
  /// The operation that made this tensor; null for leaves.
  Node* grad_fn() const;
  /// Keeps .grad of a tensor that is no leaf.
  void retain_grad();
  bool retains_grad() const;
  /// Called with the gradient of this tensor once it is complete; a defined result replaces it.
  template <class F>
  HookHandle register_hook(F hook) const;
  /// Adds the gradient of every leaf into its .grad; see backward.h.
  void backward() const;
  void backward(const Tensor& gradient) const;
  void backward(const Tensor& gradient, const BackwardOptions& options) const;
  void backward(const BackwardOptions& options) const;
  Tensor detach() const;
  Tensor& detach_();
  Tensor clone() const;
  Tensor contiguous() const;
  Tensor to(Dtype dtype) const;
  Tensor type_as(const Tensor& other) const { return to(other.dtype()); }

 private:
  friend HookHandle add_hook(const Tensor& tensor, std::function<Tensor(const Tensor&)> hook);
  static Hooks*& hooks_of(const Tensor& tensor, Node* node);
  Ref<TensorBody> body_;
};

HookHandle add_hook(const Tensor& tensor, std::function<Tensor(const Tensor&)> hook);

template <class F>
HookHandle Tensor::register_hook(F hook) const {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, const Tensor&>>) {
    return add_hook(
        *this, [hook = std::move(hook)](const Tensor& g) mutable { return hook(g), Tensor(); });
  } else {
    return add_hook(*this, std::move(hook));
  }
}

/// What a reduction over one dim gives when it also says where.
struct ValuesAndIndices {
  Tensor values;   ///< of the input's dtype
  Tensor indices;  ///< int64
};

inline const Tensor& ShapeMethods::self() const { return static_cast<const Tensor&>(*this); }
inline const Tensor& MathMethods::self() const { return static_cast<const Tensor&>(*this); }
inline Tensor& InPlaceMethods::self() { return static_cast<Tensor&>(*this); }

}  // namespace reel

template <>
struct fmt::formatter<reel::Tensor> : reel::TextFormatter {
  template <class Context>
  auto format(const reel::Tensor& tensor, Context& context) const {
    return write(tensor.to_string(), context);
  }
};

#include <reel/autograd/body.h>
