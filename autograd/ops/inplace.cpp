#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
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

// The base of a view becomes: what it was outside the view, and `value` inside it.
void rebind_base(const char* op, TensorBody& view, const Tensor& value) {
  const Tensor base(view.base);
  check(base.is_contiguous(),
        "{}: a recorded change of a view needs a row-major base, got strides {}", op,
        base.strides());
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

// What x holds before it changes, for the rules that need it.
Tensor former(const Tensor& x) { return is_grad_enabled() ? x.clone() : x; }

using BinaryKernel = Array (*)(const Array&, const Array&, const Array*);
using BinaryOp = Tensor (*)(const Tensor&, const Tensor&);

Tensor& arithmetic(const char* op, Tensor& x, const Tensor& other, BinaryKernel kernel,
                   BinaryOp function) {
  check_inplace(op, x);
  if (records_inplace(x, {&other})) return rebind_inplace(op, x, function(former(x), other));
  kernel(x.array(), operand(op, x, other), &x.array());
  x.array().storage()->bump();
  return x;
}

Array divide(const Array& a, const Array& b, const Array* into) { return kernels::div(a, b, into); }

}  // namespace

void check_inplace(const char* op, const Tensor& x) {
  x.array();  // undefined tensors are refused
  if (!is_grad_enabled()) return;
  const TensorBody* body = x.body();
  check(!body->requires_grad,
        "{}: a leaf tensor that requires grad is being used in an in-place operation; "
        "change it under NoGradGuard",
        op);
  check(!body->base || !body->base->requires_grad,
        "{}: a view of a leaf tensor that requires grad is being used in an in-place operation; "
        "change it under NoGradGuard",
        op);
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
  Tensor value = result.to(x.dtype()).expand(x.shape());
  if (!value.requires_grad()) {
    // x no longer depends on anything, but stays a recorded tensor: its former self gets no
    // gradient.
    value = record(op, Array(value.array()), wrt(x, [](const Tensor&) { return Tensor(); }));
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

Tensor& Tensor::add_(const Tensor& other) {
  return arithmetic("add_", *this, other, kernels::add, reel::add);
}
Tensor& Tensor::sub_(const Tensor& other) {
  return arithmetic("sub_", *this, other, kernels::sub, reel::sub);
}
Tensor& Tensor::mul_(const Tensor& other) {
  return arithmetic("mul_", *this, other, kernels::mul, reel::mul);
}
Tensor& Tensor::div_(const Tensor& other) {
  check<TypeError>(is_floating_point(), "div_: a quotient needs a floating tensor, got {}",
                   dtype());
  return arithmetic("div_", *this, other, divide, reel::div);
}
Tensor& Tensor::operator+=(Scalar other) { return add_(scalar_like(*this, other)); }
Tensor& Tensor::operator-=(Scalar other) { return sub_(scalar_like(*this, other)); }
Tensor& Tensor::operator*=(Scalar other) { return mul_(scalar_like(*this, other)); }
Tensor& Tensor::operator/=(Scalar other) { return div_(scalar_like(*this, other)); }

Tensor& Tensor::copy_(const Tensor& source) {
  check_inplace("copy_", *this);
  // An operation of its own: the source's node is the source's alone, and a leaf has none.
  if (records_inplace(*this, {&source})) return rebind_inplace("copy_", *this, source.to(dtype()).clone());
  // copy_ converts any dtype to any other, as PyTorch's does.
  return rebind_inplace("copy_", *this, source.to(dtype()));
}

Tensor& Tensor::fill_(Scalar value) {
  return rebind_inplace("fill_", *this, Tensor(Array::full({}, value, dtype())));
}

Tensor& Tensor::zero_() { return fill_(0); }
Tensor& Tensor::pow_(Scalar exponent) {
  return rebind_inplace("pow_", *this, reel::pow(former(*this), exponent));
}
Tensor& Tensor::neg_() { return rebind_inplace("neg_", *this, reel::neg(former(*this))); }
Tensor& Tensor::exp_() { return rebind_inplace("exp_", *this, reel::exp(former(*this))); }
Tensor& Tensor::log_() { return rebind_inplace("log_", *this, reel::log(former(*this))); }
Tensor& Tensor::sqrt_() { return rebind_inplace("sqrt_", *this, reel::sqrt(former(*this))); }
Tensor& Tensor::tanh_() { return rebind_inplace("tanh_", *this, reel::tanh(former(*this))); }
Tensor& Tensor::sigmoid_() {
  return rebind_inplace("sigmoid_", *this, reel::sigmoid(former(*this)));
}
Tensor& Tensor::relu_() { return rebind_inplace("relu_", *this, reel::relu(former(*this))); }
Tensor& Tensor::abs_() { return rebind_inplace("abs_", *this, reel::abs(former(*this))); }
Tensor& Tensor::clamp_(const ClampOptions& options) {
  return rebind_inplace("clamp_", *this, reel::clamp(former(*this), options));
}

}  // namespace reel
