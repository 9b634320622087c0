#pragma once
// Tensors made from sizes and values. Random ones are in ops/random.h, which comes along.

#include <reel/autograd/ops/random.h>
#include <reel/autograd/tensor.h>

#include <type_traits>

namespace reel {

/// Numbers in nested braces, as tensor() takes them: {{1, 2}, {3, 4}}. It refers to the braces it
/// was made from, so use it as an argument only.
class TensorData {
 public:
  TensorData(Scalar value) : value_(value) {}
  template <class T>
  requires std::is_arithmetic_v<T> TensorData(T value) : value_(value) {}
  TensorData(std::initializer_list<TensorData> items)
      : value_(false), items_(items), is_list_(true) {}

  bool is_list() const { return is_list_; }
  Scalar value() const { return value_; }
  std::initializer_list<TensorData> items() const { return items_; }

 private:
  Scalar value_;
  std::initializer_list<TensorData> items_;
  bool is_list_ = false;
};

namespace detail {
/// A tensor of `count` values of type `from` at `values`, of `options.dtype` or else of dtype
/// `otherwise`.
Tensor from_memory(const char* op, const void* values, Dtype from, size_t count, const Shape& shape,
                   const TensorOptions& options, Dtype otherwise);
Tensor from_bits(const char* op, const std::vector<bool>& values, const Shape& shape,
                 const TensorOptions& options);
/// What torch.tensor makes of numbers of this type.
constexpr Dtype tensor_dtype(Dtype from) {
  return from == kBool ? kBool : is_integral(from) ? kInt64 : kFloat32;
}
}  // namespace detail

// All of these throw for negative sizes, and TypeError if `requires_grad` is asked of a dtype that
// is not floating.

// ---- from values -----------------------------------------------------------------------------------------

/// A copy of a number (0-d) or of nested lists: tensor({{1, 2}, {3, 4}}). Any floating number makes
/// it float32, otherwise any integer int64, otherwise bool. Throws on lists of unequal length.
Tensor tensor(const TensorData& data, const TensorOptions& options = {});
/// A 1-d copy with the same rule for the dtype.
template <class T>
Tensor tensor(std::span<T> values, const TensorOptions& options = {}) {
  constexpr Dtype from = dtype_of<std::remove_const_t<T>>;
  return detail::from_memory("tensor", values.data(), from, values.size(),
                             Shape(static_cast<int64_t>(values.size())), options,
                             detail::tensor_dtype(from));
}
template <class T>
Tensor tensor(const std::vector<T>& values, const TensorOptions& options = {}) {
  // A vector<bool> packs its bits and has no span.
  if constexpr (std::is_same_v<T, bool>) {
    return detail::from_bits("tensor", values, Shape(static_cast<int64_t>(values.size())), options);
  } else {
    return tensor(std::span<const T>(values), options);
  }
}
/// A row-major copy of `shape`, whose dtype is that of T: double stays float64.
template <class T>
Tensor from_vector(std::span<T> values, const Shape& shape, const TensorOptions& options = {}) {
  constexpr Dtype from = dtype_of<std::remove_const_t<T>>;
  return detail::from_memory("from_vector", values.data(), from, values.size(), shape, options,
                             from);
}
template <class T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape,
                   const TensorOptions& options = {}) {
  if constexpr (std::is_same_v<T, bool>) {
    return detail::from_bits("from_vector", values, shape, options);
  } else {
    return from_vector(std::span<const T>(values), shape, options);
  }
}

// ---- from sizes ------------------------------------------------------------------------------------------

Tensor zeros(const Shape& shape, const TensorOptions& options = {});
Tensor ones(const Shape& shape, const TensorOptions& options = {});
/// Uninitialised.
Tensor empty(const Shape& shape, const TensorOptions& options = {});
/// The dtype is the number's where it is not given: bool, int64 or float32.
Tensor full(const Shape& shape, Scalar value, const TensorOptions& options = {});
/// Ones on the diagonal, [n, n] or [n, m].
Tensor eye(int64_t n, const TensorOptions& options = {});
Tensor eye(int64_t n, int64_t m, const TensorOptions& options = {});
/// start, start + step, ... before `end`; int64 where all numbers are integers, else float32.
Tensor arange(Scalar end, const TensorOptions& options = {});
Tensor arange(Scalar start, Scalar end, const TensorOptions& options = {});
Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options = {});
/// `steps` numbers evenly from `start` to `end`, both included.
Tensor linspace(Scalar start, Scalar end, int64_t steps, const TensorOptions& options = {});
/// base to the powers linspace(start, end, steps).
Tensor logspace(Scalar start, Scalar end, int64_t steps, double base = 10,
                const TensorOptions& options = {});

/// Row-major, of x's shape, and of its dtype where none is given.
Tensor zeros_like(const Tensor& x, const TensorOptions& options = {});
Tensor ones_like(const Tensor& x, const TensorOptions& options = {});
Tensor empty_like(const Tensor& x, const TensorOptions& options = {});
Tensor full_like(const Tensor& x, Scalar value, const TensorOptions& options = {});

}  // namespace reel
