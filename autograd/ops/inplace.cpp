#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

void check_result(const char* op, const Tensor& x, const Shape& shape, Dtype dtype) {
  check<TypeError>(
      !(is_floating(dtype) && !x.is_floating_point()) && !(dtype != kBool && x.dtype() == kBool),
      "{}: a result of dtype {} does not fit a tensor of dtype {}", op, dtype, x.dtype());
  check(broadcast_shapes(op, x.shape(), shape) == x.shape(),
        "{}: a result of shape {} does not fit a tensor of shape {}", op, shape, x.shape());
}

void check_base(const char* op, const TensorBody& view) {
  check(view.base->array.is_contiguous(),
        "{}: a recorded change of a view needs a row-major base, got strides {}", op,
        view.base->array.strides());
}

// The base of a view becomes: what it was outside the view, and `value` inside it.
void rebind_base(const char* op, TensorBody& view, const Tensor& value) {
  const Tensor base(view.base);
  const Strides strides = view.array.strides();
  const int64_t offset = view.array.offset() - base.array().offset();
  const Tensor changed =
      record(op, Array(base.array()),
             wrt(base,
                 [shape = view.array.shape(), strides, offset](const Tensor& g) {
                   const Tensor nothing(Array::full(shape, 0, g.dtype()));
                   return as_strided_scatter(g, nothing, strides, offset);
                 }),
             wrt(value, [strides, offset](const Tensor& g, const Shape& shape) {
               const Tensor row_major = g.contiguous();
               return as_strided(row_major, shape, strides, row_major.array().offset() + offset);
             }));
  base.body()->rebind(changed.body()->node);
  refresh_view(view);
}

// Throws if the change would have to be recorded and cannot be.
void check_recording(const char* op, const Tensor& x) {
  if (!is_grad_enabled()) return;
  TensorBody* body = x.body();
  if (body->is_stale()) refresh_view(*body);
  const char* leaf = body->requires_grad                       ? "a leaf tensor"
                     : body->base && body->base->requires_grad ? "a view of a leaf tensor"
                                                               : nullptr;
  check(!leaf,
        "{}: {} that requires grad is being used in an in-place operation; change it under "
        "NoGradGuard",
        op, leaf ? leaf : "");
  check(!body->base || !body->base->node || body->node,
        "{}: a view that was made under NoGradGuard is being used in an in-place operation that is "
        "recorded; make the view while recording",
        op);
}

// What a change needs that is not recorded: both operands in x's dtype, and no memory shared in
// another order.
Array operand(const char* op, const Tensor& x, const Tensor& other) {
  if (other.dtype() == x.dtype() && other.array().storage() != x.array().storage() &&
      other.shape() == x.shape()) {
    return other.array();
  }
  const bool floating = other.is_floating_point() && other.dim() == 0;
  check_result(op, x, other.shape(), floating && x.is_floating_point() ? x.dtype() : other.dtype());
  const Array& array = other.array();
  const bool shares = array.storage() == x.array().storage();
  const bool same = array.shape() == x.shape() && array.strides() == x.strides() &&
                    array.offset() == x.array().offset();
  return kernels::cast(shares && !same ? kernels::clone(array) : array, x.dtype());
}

// In x's dtype where that is floating: an integer times 0.1 would else be a float32.
Tensor scaled(const Tensor& x, const Tensor& other, Scalar alpha) {
  if (alpha.to<double>() == 1) return other;
  return (x.is_floating_point() && !other.is_floating_point() ? other.to(x.dtype()) : other) *
         alpha;
}

using BinaryKernel = void (*)(const Array&, const Array&, const Array& into);
using BinaryOp = Tensor (*)(const Tensor&, const Tensor&);

Tensor& arithmetic(const char* op, Tensor& x, const Tensor& other, BinaryKernel kernel,
                   BinaryOp function) {
  check_inplace(op, x);
  // A wider operand is computed with, not rounded to x's dtype first.
  const bool wider = other.dtype() != x.dtype() && other.dim() > 0;
  if (wider || records_inplace(x, {&other}))
    return rebind_inplace(op, x, function(former(x), other));
  kernel(x.array(), operand(op, x, other), x.array());
  x.array().storage()->bump();
  return x;
}

}  // namespace

Tensor former(const Tensor& x) { return is_grad_enabled() ? x.clone() : x; }

void check_inplace(const char* op, const Tensor& x) {
  check(
      x.is_contiguous() || !may_overlap(x.shape(), x.strides()),
      "{}: an expanded tensor shows one number in many places and cannot be changed, got shape {} "
      "with strides {}; clone() it first",
      op, x.shape(), x.strides());
  check_recording(op, x);
}

bool records_inplace(const Tensor& x, std::initializer_list<const Tensor*> others) {
  if (!is_grad_enabled()) return false;
  bool needed = x.requires_grad() || (x.body()->base && x.body()->base->needs_grad());
  for (const Tensor* other : others) needed |= other->requires_grad();
  return needed;
}

Tensor& rebind_inplace(const char* op, Tensor& x, const Tensor& result) {
  check_inplace(op, x);
  check_result(op, x, result.shape(), result.dtype());
  if (!records_inplace(x, {&result})) {
    kernels::copy(result.array().storage() == x.array().storage() ? kernels::clone(result.array())
                                                                  : result.array(),
                  x.array());
    x.array().storage()->bump();
    return x;
  }
  if (x.body()->base) check_base(op, *x.body());
  Tensor value = result.to(x.dtype()).expand(x.shape());
  if (!value.requires_grad()) {
    // x no longer depends on anything, but stays a recorded tensor.
    value = record(op, Array(value.array()), wrt(x, [](const Tensor& g) { return zeros_like(g); }));
  }
  kernels::copy(value.array().storage() == x.array().storage() ? kernels::clone(value.array())
                                                               : value.array(),
                x.array());
  x.array().storage()->bump();
  if (x.body()->base) {
    rebind_base(op, *x.body(), value);
  } else {
    x.body()->rebind(value.body()->node);
  }
  return x;
}

Tensor& InPlaceMethods::add_(const Tensor& other, const AlphaOptions& options) {
  return arithmetic("add_", self(), scaled(self(), other, options.alpha), kernels::add, reel::add);
}
Tensor& InPlaceMethods::sub_(const Tensor& other, const AlphaOptions& options) {
  return arithmetic("sub_", self(), scaled(self(), other, options.alpha), kernels::sub, reel::sub);
}
Tensor& InPlaceMethods::mul_(const Tensor& other) {
  return arithmetic("mul_", self(), other, kernels::mul, reel::mul);
}
Tensor& InPlaceMethods::div_(const Tensor& other, const DivOptions& options) {
  if (!options.rounding_mode.empty())
    return rebind_inplace("div_", self(), reel::div(former(self()), other, options));
  check<TypeError>(self().is_floating_point(), "div_: a quotient needs a floating tensor, got {}",
                   self().dtype());
  return arithmetic("div_", self(), other, kernels::div, reel::div);
}
Tensor& InPlaceMethods::add_(Scalar other, const AlphaOptions& options) {
  return add_(scalar_like(self(), other), options);
}
Tensor& InPlaceMethods::sub_(Scalar other, const AlphaOptions& options) {
  return sub_(scalar_like(self(), other), options);
}
Tensor& InPlaceMethods::mul_(Scalar other) { return mul_(scalar_like(self(), other)); }
Tensor& InPlaceMethods::div_(Scalar other, const DivOptions& options) {
  return div_(scalar_like(self(), other), options);
}
Tensor& InPlaceMethods::operator+=(const Tensor& other) { return add_(other); }
Tensor& InPlaceMethods::operator-=(const Tensor& other) { return sub_(other); }
Tensor& InPlaceMethods::operator*=(const Tensor& other) { return mul_(other); }
Tensor& InPlaceMethods::operator/=(const Tensor& other) { return div_(other); }
Tensor& InPlaceMethods::operator+=(Scalar other) { return add_(other); }
Tensor& InPlaceMethods::operator-=(Scalar other) { return sub_(other); }
Tensor& InPlaceMethods::operator*=(Scalar other) { return mul_(other); }
Tensor& InPlaceMethods::operator/=(Scalar other) { return div_(other); }

Tensor& InPlaceMethods::copy_(const Tensor& source) {
  check_inplace("copy_", self());
  // An operation of its own: the source's node is the source's alone, and a leaf has none.
  if (records_inplace(self(), {&source}))
    return rebind_inplace("copy_", self(), source.to(self().dtype()).clone());
  // copy_ converts any dtype to any other, as PyTorch's does.
  return rebind_inplace("copy_", self(), source.to(self().dtype()));
}

Tensor& InPlaceMethods::fill_(Scalar value) {
  const Tensor number(Array::full({}, value, self().dtype()));
  check_recording("fill_", self());
  if (!records_inplace(self(), {})) {
    // Every element becomes the same, so an expanded tensor may be filled.
    kernels::copy(number.array(), self().array());
    self().array().storage()->bump();
    return self();
  }
  return rebind_inplace("fill_", self(), number);
}

Tensor& InPlaceMethods::zero_() { return fill_(0); }

}  // namespace reel
