// Methods that the family of views brings; weak, so that its definitions win. This file goes when
// they are there.
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/view.h>

namespace reel {
namespace {

Tensor lower_mask(const Tensor& x, int64_t diagonal) {
  return arange(x.size(-1)) - arange(x.size(-2)).unsqueeze(-1) <= diagonal;
}

}  // namespace

__attribute__((weak)) Tensor ShapeMethods::tril(int64_t diagonal) const {
  return reel::where(lower_mask(self(), diagonal), self(), 0);
}

__attribute__((weak)) Tensor ShapeMethods::triu(int64_t diagonal) const {
  return reel::where(lower_mask(self(), diagonal - 1), 0, self());
}

__attribute__((weak)) Tensor ShapeMethods::diagonal(int64_t offset, int dim1, int dim2) const {
  check(offset == 0, "diagonal: only the main one, got {}", offset);
  const int first = wrap_dim("diagonal", dim1, self().dim()),
            second = wrap_dim("diagonal", dim2, self().dim());
  Dims order;
  Shape shape;
  for (int i = 0; i < self().dim(); ++i) {
    if (i == first || i == second) continue;
    order.push_back(i);
    shape.push_back(self().size(i));
  }
  order.push_back(first);
  order.push_back(second);
  const int64_t rows = self().size(first), cols = self().size(second);
  shape.push_back(rows * cols);
  return self()
      .permute(order)
      .reshape(shape)
      .slice(-1, 0, std::min(rows, cols) * (cols + 1), cols + 1)
      .narrow(-1, 0, std::min(rows, cols));
}

__attribute__((weak)) Tensor ShapeMethods::diag_embed(int64_t offset, int dim1, int dim2) const {
  check(offset == 0 && dim1 == -2 && dim2 == -1, "diag_embed: only the main one, got {}", offset);
  return reel::where(eye(self().size(-1)) == 1, self().unsqueeze(-1), 0);
}

}  // namespace reel
