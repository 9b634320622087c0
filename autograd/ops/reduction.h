#pragma once
// What becomes of the losses of the single elements.

#include <reel/autograd/tensor.h>

namespace reel {

// GCC warns of reel::None (index.h), which a scoped name cannot hide.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/// All losses, their mean or their sum; BatchMean, their sum divided by the number of samples, is
/// for kl_div only.
enum class Reduction { None, Mean, Sum, BatchMean };
#pragma GCC diagnostic pop

struct LossOptions {
  Reduction reduction = Reduction::Mean;
};
struct WeightedLossOptions {
  Tensor weight = {};  ///< factors of the losses; undefined: all 1
  Reduction reduction = Reduction::Mean;
};

namespace detail {

/// The losses reduced, in the name of `op`. The mean of no losses is NaN.
Tensor reduce_losses(const char* op, const Tensor& losses, Reduction reduction);

}  // namespace detail

}  // namespace reel
