#include <reel/autograd/ops/promotion.h>

namespace reel {
namespace {

int kind(Dtype dtype) { return dtype == kBool ? 0 : is_integral(dtype) ? 1 : 2; }

}  // namespace

Dtype result_type(std::initializer_list<const Tensor*> operands) {
  std::optional<Dtype> with_dims, single;
  for (const Tensor* operand : operands) {
    std::optional<Dtype>& so_far = operand->dim() > 0 ? with_dims : single;
    so_far = so_far ? promote_types(*so_far, operand->dtype()) : operand->dtype();
  }
  if (!with_dims) return *single;
  if (!single || kind(*single) <= kind(*with_dims)) return *with_dims;
  return promote_types(*with_dims, *single);
}

Dtype result_type(const Tensor& a, const Tensor& b) { return result_type({&a, &b}); }

Tensor scalar_like(const Tensor& x, Scalar value) {
  const int needed = value.is_bool() ? 0 : value.is_integral() ? 1 : 2;
  return Tensor(Array::full({}, value, kind(x.dtype()) >= needed ? x.dtype() : value.dtype()));
}

Tensor promoted(Tensor (*op)(const Tensor&, const Tensor&), const Tensor& a, const Tensor& b) {
  const Dtype dtype = result_type(a, b);
  return op(a.to(dtype), b.to(dtype));
}

Tensor as_floating(const Tensor& x) { return x.is_floating_point() ? x : x.to(kFloat32); }

}  // namespace reel
