#include <reel/autograd/index.h>

namespace reel {

Index::Index(const Tensor& tensor) : kind_(Kind::Tensor), tensor_(tensor) {
  const Dtype dtype = tensor.dtype();
  check<TypeError>(dtype == kBool || dtype == kInt64 || dtype == kInt32,
                   "index: an index tensor must be int64, int32 or bool, got {}", dtype);
  // A single number selects, as the integer it holds does.
  if (tensor.dim() == 0 && dtype != kBool) {
    kind_ = Kind::Integer;
    integer_ = dtype == kInt64 ? *tensor.array().data<int64_t>() : *tensor.array().data<int32_t>();
  }
}

int Index::consumed_dims() const {
  switch (kind_) {
    case Kind::Integer:
    case Kind::Slice:
      return 1;
    case Kind::Tensor:
      return tensor_.dtype() == kBool ? tensor_.dim() : 1;
    default:
      return 0;
  }
}

}  // namespace reel
