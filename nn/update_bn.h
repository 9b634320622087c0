#pragma once
// Running statistics anew, as after averaging weights. Same as torch.optim.swa_utils.update_bn.

#include <reel/autograd/tape.h>
#include <reel/nn/module.h>

namespace reel::nn {
class BatchNormBase;
}

namespace reel::nn::utils {

namespace detail {

/// What update_bn does before and after the forwards. Unless finish() is called, everything is
/// then as it was.
class RunningStatsUpdate {
 public:
  explicit RunningStatsUpdate(Module& model);
  ~RunningStatsUpdate();
  RunningStatsUpdate(const RunningStatsUpdate&) = delete;
  RunningStatsUpdate& operator=(const RunningStatsUpdate&) = delete;
  bool is_needed() const;
  void finish();

 private:
  NoGradGuard no_grad_;
  std::vector<std::pair<Module*, bool>> modes_;
  std::vector<std::pair<BatchNormBase*, std::optional<double>>> norms_;  // and their momenta
  std::vector<std::pair<Tensor, Tensor>> kept_;  // buffers and what they held
};

/// The input of a batch: itself, or the first part of a pair or struct {input, ...}.
template <class Batch>
const Tensor& input_of(const Batch& batch) {
  if constexpr (std::is_same_v<Batch, Tensor>) {
    return batch;
  } else {
    const auto& [input, target] = batch;
    return input;
  }
}

}  // namespace detail

/// Sets the running statistics of every batch normalisation inside to the means over these
/// batches, each a Tensor or a pair {input, target}, of what goes through the model in training
/// mode. If a forward throws, they are as before; modes and momenta are so in any case.
template <class Batches, class M>
void update_bn(const Batches& batches, M& model) {
  Cloner::know(model);  // its forward may be no override
  detail::RunningStatsUpdate update(model);
  if (!update.is_needed()) return;
  for (const auto& batch : batches) static_cast<Module&>(model)(detail::input_of(batch));
  update.finish();
}

}  // namespace reel::nn::utils
