#include <reel/nn/normalization.h>
#include <reel/nn/update_bn.h>

namespace reel::nn::utils::detail {

RunningStatsUpdate::RunningStatsUpdate(Module& model) {
  for (Module* module : model.modules()) {
    modes_.emplace_back(module, module->is_training());
    auto* norm = dynamic_cast<BatchNormBase*>(module);
    if (!norm || !norm->options.track_running_stats) continue;
    check(!norm->has_uninitialized(), "update_bn: a {} waits for its first input", norm->name());
    norms_.emplace_back(norm, norm->momentum);
    for (const Tensor& buffer : norm->buffers(false)) kept_.emplace_back(buffer, buffer.clone());
  }
  for (auto& [norm, momentum] : norms_) {
    norm->reset_running_stats();
    norm->momentum = std::nullopt;
  }
  if (is_needed()) model.train();
}

RunningStatsUpdate::~RunningStatsUpdate() {
  for (auto& [buffer, numbers] : kept_) buffer.copy_(numbers);
  for (const auto& [norm, momentum] : norms_) norm->momentum = momentum;
  // train() goes to all inside; those come later in the list.
  for (const auto& [module, training] : modes_) module->train(training);
}

bool RunningStatsUpdate::is_needed() const { return !norms_.empty(); }
void RunningStatsUpdate::finish() { kept_.clear(); }

}  // namespace reel::nn::utils::detail
