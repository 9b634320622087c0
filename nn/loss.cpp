#include <reel/nn/loss.h>

namespace reel::nn {

void OptionsText<SmoothL1LossOptions>::check(const SmoothL1LossOptions& options) {
  reel::check(options.beta >= 0, "SmoothL1Loss: beta must not be negative, got {}", options.beta);
}
void OptionsText<HuberLossOptions>::check(const HuberLossOptions& options) {
  reel::check(options.delta > 0, "HuberLoss: delta must be positive, got {}", options.delta);
}
void OptionsText<CrossEntropyOptions>::check(const CrossEntropyOptions& options) {
  reel::check(options.label_smoothing >= 0 && options.label_smoothing <= 1,
              "CrossEntropyLoss: label_smoothing must be in [0, 1], got {}",
              options.label_smoothing);
}
void OptionsText<MultiMarginLossOptions>::check(const MultiMarginLossOptions& options) {
  reel::check(options.p == 1 || options.p == 2, "MultiMarginLoss: p must be 1 or 2, got {}",
              options.p);
}

}  // namespace reel::nn
