// Creation: check, make the array, mark the leaf.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/ops/creation.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace reel {
namespace {

// The dtype to make, after everything that can be wrong with shape and options was checked.
Dtype checked_dtype(const char* op, const Shape& shape, const TensorOptions& options,
                    Dtype otherwise) {
  const Dtype dtype = options.dtype.value_or(otherwise);
  check<TypeError>(!options.requires_grad || is_floating(dtype),
                   "{}: only floating tensors can require grad, got {}", op, dtype);
  check_sizes(op, shape);
  return dtype;
}

Tensor leaf(Array array, const TensorOptions& options) {
  Tensor out(std::move(array));
  out.body()->requires_grad = options.requires_grad;
  return out;
}

Tensor filled(const char* op, const Shape& shape, Scalar value, const TensorOptions& options,
              Dtype otherwise) {
  return leaf(Array::full(shape, value, checked_dtype(op, shape, options, otherwise)), options);
}

TensorOptions like(const Tensor& x, const TensorOptions& options) {
  return {.dtype = options.dtype.value_or(x.dtype()), .requires_grad = options.requires_grad};
}

// ---- nested lists ------------------------------------------------------------------------------------------

Shape shape_of(const TensorData& data) {
  Shape shape;
  for (const TensorData* at = &data; at->is_list(); at = at->items().begin()) {
    shape.push_back(static_cast<int64_t>(at->items().size()));
    if (at->items().size() == 0) break;
  }
  return shape;
}

// Appends the numbers below `data` to `values` in order, and checks that the lists at each depth
// are of one length.
void flatten_into(std::vector<Scalar>& values, const TensorData& data, const Shape& shape,
                  int depth) {
  check(data.is_list() == (depth < shape.rank()), "tensor: expected {} at depth {}, got {}",
        depth < shape.rank() ? "a list" : "a number", depth,
        data.is_list() ? "a list" : "a number");
  if (!data.is_list()) return values.push_back(data.value());
  check(static_cast<int64_t>(data.items().size()) == shape[depth],
        "tensor: lists at depth {} must be of one length, got {} and {}", depth, shape[depth],
        data.items().size());
  for (const TensorData& item : data.items()) flatten_into(values, item, shape, depth + 1);
}

Dtype dtype_of_values(const std::vector<Scalar>& values) {
  if (values.empty()) return kFloat32;
  Dtype dtype = kBool;
  for (Scalar value : values) dtype = promote_types(dtype, value.dtype());
  return dtype;
}

}  // namespace

// ---- from values -------------------------------------------------------------------------------------------

Tensor detail::from_memory(const char* op, const void* values, Dtype from, size_t count,
                           const Shape& shape, const TensorOptions& options, Dtype otherwise) {
  const Dtype dtype = checked_dtype(op, shape, options, otherwise);
  check(shape.numel() == static_cast<int64_t>(count), "{}: shape {} does not hold {} values", op,
        shape, count);
  const Array array = Array::empty(shape, from);
  if (count > 0) std::memcpy(array.data<std::byte>(), values, count * size_of(from));
  return leaf(kernels::cast(array, dtype), options);
}

Tensor tensor(const TensorData& data, const TensorOptions& options) {
  const Shape shape = shape_of(data);
  std::vector<Scalar> values;
  flatten_into(values, data, shape, 0);
  const Array array =
      Array::empty(shape, checked_dtype("tensor", shape, options, dtype_of_values(values)));
  dispatch_any(array.dtype(), [&]<class T>(TypeTag<T>) {
    T* y = array.data<T>();
    for (Scalar value : values) *y++ = value.to<T>();
  });
  return leaf(array, options);
}

Tensor detail::from_bits(const char* op, const std::vector<bool>& values, const Shape& shape,
                         const TensorOptions& options) {
  const std::vector<uint8_t> bytes(values.begin(), values.end());
  return from_memory(op, bytes.data(), kBool, bytes.size(), shape, options, kBool);
}

// ---- from sizes --------------------------------------------------------------------------------------------

Tensor zeros(const Shape& shape, const TensorOptions& options) {
  return filled("zeros", shape, 0, options, kFloat32);
}
Tensor ones(const Shape& shape, const TensorOptions& options) {
  return filled("ones", shape, 1, options, kFloat32);
}
Tensor full(const Shape& shape, Scalar value, const TensorOptions& options) {
  return filled("full", shape, value, options, value.dtype());
}

Tensor empty(const Shape& shape, const TensorOptions& options) {
  return leaf(Array::empty(shape, checked_dtype("empty", shape, options, kFloat32)), options);
}

Tensor eye(int64_t n, const TensorOptions& options) { return eye(n, n, options); }

Tensor eye(int64_t n, int64_t m, const TensorOptions& options) {
  const Array array = Array::full({n, m}, 0, checked_dtype("eye", {n, m}, options, kFloat32));
  kernels::fill(array.view(std::min(n, m), m + 1), 1);
  return leaf(array, options);
}

Tensor arange(Scalar end, const TensorOptions& options) { return arange(0, end, 1, options); }
Tensor arange(Scalar start, Scalar end, const TensorOptions& options) {
  return arange(start, end, 1, options);
}

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options) {
  const bool floating = start.is_floating() || end.is_floating() || step.is_floating();
  const Dtype dtype = checked_dtype("arange", {}, options, floating ? kFloat32 : kInt64);
  return dispatch_number(dtype, "arange", [&]<class T>(TypeTag<T>) {
    // Counted and computed as PyTorch does: in int64, or for floating dtypes in double.
    using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    const Wide first = start.to<Wide>(), last = end.to<Wide>(), by = step.to<Wide>();
    check(by != 0, "arange: step must not be 0");
    const double count = std::ceil((static_cast<double>(last) - static_cast<double>(first)) /
                                   static_cast<double>(by));
    check(count >= 0 && count < 0x1p60,
          "arange: step must lead from start to end, got start {}, end {}, step {}", first, last,
          by);
    const Shape shape(static_cast<int64_t>(count));
    check_sizes("arange", shape);
    const Array array = Array::empty(shape, dtype);
    for (int64_t i = 0; i < array.numel(); ++i) {
      array.data<T>()[i] = static_cast<T>(first + by * static_cast<Wide>(i));
    }
    return leaf(array, options);
  });
}

Tensor linspace(Scalar start, Scalar end, int64_t steps, const TensorOptions& options) {
  const Array array = Array::empty(steps, checked_dtype("linspace", steps, options, kFloat32));
  dispatch_number(array.dtype(), "linspace", [&]<class T>(TypeTag<T>) {
    using Real = std::conditional_t<std::is_floating_point_v<T>, T, double>;
    const Real first = start.to<Real>(), last = end.to<Real>();
    const Real step = steps > 1 ? (last - first) / static_cast<Real>(steps - 1) : 0;
    // From both ends towards the middle, so that the last number is `end` itself.
    for (int64_t i = 0; i < steps; ++i) {
      const Real forward = first + step * static_cast<Real>(i),
                 back = last - step * static_cast<Real>(steps - 1 - i);
      array.data<T>()[i] = static_cast<T>(i < steps / 2 || steps == 1 ? forward : back);
    }
  });
  return leaf(array, options);
}

Tensor logspace(Scalar start, Scalar end, int64_t steps, double base,
                const TensorOptions& options) {
  const Dtype dtype = checked_dtype("logspace", steps, options, kFloat32);
  check<TypeError>(dtype != kBool, "logspace: bool is not supported");
  // In double, so that whole powers are exact; integers take what is before the decimal point.
  const Array powers = linspace(start, end, steps, {.dtype = kFloat64}).array();
  for (int64_t i = 0; i < steps; ++i)
    powers.data<double>()[i] = std::pow(base, powers.data<double>()[i]);
  return leaf(kernels::cast(powers, dtype), options);
}

Tensor zeros_like(const Tensor& x, const TensorOptions& options) {
  return zeros(x.shape(), like(x, options));
}
Tensor ones_like(const Tensor& x, const TensorOptions& options) {
  return ones(x.shape(), like(x, options));
}
Tensor empty_like(const Tensor& x, const TensorOptions& options) {
  return empty(x.shape(), like(x, options));
}
Tensor full_like(const Tensor& x, Scalar value, const TensorOptions& options) {
  return full(x.shape(), value, like(x, options));
}

// ---- method forms ------------------------------------------------------------------------------------------

Tensor ShapeMethods::new_zeros(const Shape& shape, const TensorOptions& options) const {
  return zeros(shape, like(self(), options));
}
Tensor ShapeMethods::new_ones(const Shape& shape, const TensorOptions& options) const {
  return ones(shape, like(self(), options));
}
Tensor ShapeMethods::new_empty(const Shape& shape, const TensorOptions& options) const {
  return empty(shape, like(self(), options));
}
Tensor ShapeMethods::new_full(const Shape& shape, Scalar value,
                              const TensorOptions& options) const {
  return full(shape, value, like(self(), options));
}

}  // namespace reel
