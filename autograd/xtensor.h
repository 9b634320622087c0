#pragma once
// Between tensors and xtensor arrays. Only programs that include this header need xtensor.

#include <reel/autograd/ops/creation.h>
#include <reel/autograd/tensor.h>

#include <xtensor/xadapt.hpp>
#include <xtensor/xexpression.hpp>

namespace reel {

/// The numbers of an xtensor expression as a new tensor of its shape and value type.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression, const TensorOptions& options = {}) {
  using T = std::decay_t<typename E::value_type>;
  const E& source = expression.derived_cast();
  Shape shape;
  for (const auto size : source.shape()) shape.push_back(static_cast<int64_t>(size));
  const Tensor tensor = empty(shape, {.dtype = dtype_of<T>});
  T* to = tensor.template data<T>();
  for (auto it = source.template begin<xt::layout_type::row_major>();
       it != source.template end<xt::layout_type::row_major>(); ++it) {
    *to++ = *it;
  }
  Tensor result = tensor.to(options.dtype.value_or(dtype_of<T>));
  return result.requires_grad_(options.requires_grad);
}

/// The memory of `tensor` as an xtensor array with its shape and strides; writes go through, unseen
/// by the tape. The view must not outlive the tensor. Throws TypeError unless T is the tensor's
/// type.
template <class T>
auto as_xtensor(const Tensor& tensor) {
  check<TypeError>(tensor.dtype() == dtype_of<T>, "as_xtensor: asked for {}, the tensor is {}",
                   dtype_of<T>, tensor.dtype());
  const std::vector<std::size_t> shape(tensor.shape().begin(), tensor.shape().end());
  std::vector<std::ptrdiff_t> strides(tensor.strides().begin(), tensor.strides().end());
  // xtensor wants stride 0 where a dim has size 1.
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) strides[i] = 0;
  }
  std::ptrdiff_t reach = tensor.numel() > 0 ? 1 : 0;
  for (std::size_t i = 0; i < shape.size() && reach > 0; ++i)
    reach += static_cast<std::ptrdiff_t>(shape[i] - 1) * strides[i];
  return xt::adapt(tensor.data<T>(), static_cast<std::size_t>(reach), xt::no_ownership(), shape,
                   strides);
}

}  // namespace reel
