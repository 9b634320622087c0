#pragma once
// Losses as modules: cost_fn(input, target). See ops/loss.h for the formulas.

#include <reel/autograd/ops/loss.h>
#include <reel/nn/handle.h>

namespace reel::nn {

/// A loss function with its options.
template <class O, Tensor (*F)(const Tensor&, const Tensor&, const O&)>
class LossImpl : public Module {
 public:
  using Options = O;
  explicit LossImpl(const Options& chosen = {}) : options(chosen) {}
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target) { return F(input, target, options); }

  const Options options;
};

struct CrossEntropyLossImpl : LossImpl<CrossEntropyOptions, cross_entropy> {
  using LossImpl::LossImpl;
};
struct NLLLossImpl : LossImpl<NllLossOptions, nll_loss> {
  using LossImpl::LossImpl;
};
struct MSELossImpl : LossImpl<LossOptions, mse_loss> {
  using LossImpl::LossImpl;
};
struct L1LossImpl : LossImpl<LossOptions, l1_loss> {
  using LossImpl::LossImpl;
};
using CrossEntropyLoss = Handle<CrossEntropyLossImpl>;
using NLLLoss = Handle<NLLLossImpl>;
using MSELoss = Handle<MSELossImpl>;
using L1Loss = Handle<L1LossImpl>;

}  // namespace reel::nn
