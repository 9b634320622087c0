// The operations of ops/activation.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

void activation_rows(Rows& rows) {
  for (const int dim : {1, 0, -1}) {
    const auto reference = [dim](const Tensors& x, bool log) {
      const int d = dim < 0 ? dim + x[0].dim() : dim;
      return build(x[0].shape(), [&](const Index& i) {
        const double y = at(x[0], i) - log_sum_exp(along(x[0], d, i, true));
        return log ? y : std::exp(y);
      });
    };
    const vector<vector<Shape>> shapes = {{{3, 5}}, {{2, 3, 4}}, {{2, 19}}, {{2, 0}}};
    rows.push_back({.name = "softmax", .fn = [dim](const Tensors& x) { return softmax(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, false); }, .note = fmt::format("dim{}", dim)});
    rows.push_back({.name = "log_softmax", .fn = [dim](const Tensors& x) { return log_softmax(x[0], dim); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return reference(x, true); }, .note = fmt::format("dim{}", dim)});
  }
}

// clang-format on

}  // namespace reel::testing
