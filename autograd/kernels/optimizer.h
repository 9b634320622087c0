#pragma once
// Optimiser steps in one pass over memory.

#include <reel/autograd/array.h>

namespace reel::kernels {

struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  bool first;  ///< the momentum buffer holds nothing yet
};

/// torch.optim.SGD's update of `parameter` (and of `buffer`, if momentum is not 0). All are
/// row-major and of one floating dtype.
void sgd_step(const Array& parameter, const Array& g, const Array& buffer, const SgdStep& step);

}  // namespace reel::kernels
