#pragma once
// Dropout, as in torch.nn.functional: with the same seed the same elements are dropped as by
// PyTorch on the CPU. Nothing is drawn, and x itself is returned, where not training or p is 0.

#include <reel/autograd/generator.h>
#include <reel/autograd/tensor.h>

namespace reel {

struct DropoutOptions {
  double p = 0.5;  ///< how likely it is to be dropped, in [0, 1]
  bool training = true;
};
struct AlphaDropoutOptions {
  double p = 0.5;
  bool training = false;  ///< PyTorch's default, unlike dropout's
};

/// Each element becomes 0 with probability p; the others are divided by 1 - p. Floating dtypes.
Tensor dropout(const Tensor& x, const DropoutOptions& options = {},
               Generator& generator = default_generator());
/// The same for whole channels: x is [N, C, L] or [C, L].
Tensor dropout1d(const Tensor& x, const DropoutOptions& options = {},
                 Generator& generator = default_generator());
/// x is [N, C, H, W], or, as in PyTorch, [N, C, L].
Tensor dropout2d(const Tensor& x, const DropoutOptions& options = {},
                 Generator& generator = default_generator());
/// x is [N, C, D, H, W] or [C, D, H, W].
Tensor dropout3d(const Tensor& x, const DropoutOptions& options = {},
                 Generator& generator = default_generator());
/// Dropped elements become what selu has at -inf, and all are scaled and moved so that mean 0 and
/// variance 1 stay (Klambauer et al., "Self-normalizing neural networks", 2017).
Tensor alpha_dropout(const Tensor& x, const AlphaDropoutOptions& options = {},
                     Generator& generator = default_generator());
/// The same for whole channels: x is [N, C, ...].
Tensor feature_alpha_dropout(const Tensor& x, const AlphaDropoutOptions& options = {},
                             Generator& generator = default_generator());

}  // namespace reel
