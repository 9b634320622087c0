#include <reel/nn/container.h>

namespace reel::nn {

Tensor SequentialImpl::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& child : named_children()) y = child.value->forward(y);
  return y;
}

AnyModule SequentialImpl::operator[](size_t index) const {
  check<IndexError>(index < size(), "Sequential: index {} is out of range for {} modules", index,
                    size());
  return named_children()[index].value;
}

}  // namespace reel::nn
