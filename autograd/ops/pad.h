#pragma once
// Padding.

#include <reel/autograd/tensor.h>

#include <string_view>

namespace reel {

struct PadOptions {
  std::string_view mode = "constant";  ///< "constant", "reflect", "replicate" or "circular"
  Scalar value = 0;                    ///< of "constant"
};
/// x with pad[0] elements before and pad[1] after those of the last dim, pad[2] and pad[3] for the
/// dim before it, and so on; negative ones cut. "reflect" mirrors at the outermost element without
/// repeating it (pads less than the size), "replicate" repeats that element, "circular" goes on at
/// the other end (pads up to the size); these three pad the last 1 to 3 dims behind one or two
/// others.
Tensor pad(const Tensor& x, const Shape& pads, const PadOptions& options = {});

}  // namespace reel
