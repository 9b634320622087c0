#pragma once
// Losses as modules: cost_fn(input, target). See ops/loss.h, ops/loss_margin.h and ops/ctc.h for
// the formulas and options. Class weights are buffers.

#include <reel/autograd/ops/ctc.h>
#include <reel/autograd/ops/loss.h>
#include <reel/autograd/ops/loss_margin.h>
#include <reel/nn/function_module.h>

namespace reel::nn {

// clang-format off
template <> struct OptionsText<SmoothL1LossOptions> { static void check(const SmoothL1LossOptions& options); static std::string repr(const SmoothL1LossOptions&) { return ""; } };
template <> struct OptionsText<HuberLossOptions> { static void check(const HuberLossOptions& options); static std::string repr(const HuberLossOptions&) { return ""; } };
template <> struct OptionsText<CrossEntropyOptions> { static void check(const CrossEntropyOptions& options); static std::string repr(const CrossEntropyOptions&) { return ""; } };
template <> struct OptionsText<MultiMarginLossOptions> { static void check(const MultiMarginLossOptions& options); static std::string repr(const MultiMarginLossOptions&) { return ""; } };
// clang-format on

// ---- (input, target) --------------------------------------------------------------------------------------

struct L1LossImpl : FunctionModule<LossOptions, l1_loss> {
  using FunctionModule::FunctionModule;
};
struct MSELossImpl : FunctionModule<LossOptions, mse_loss> {
  using FunctionModule::FunctionModule;
};
struct SmoothL1LossImpl : FunctionModule<SmoothL1LossOptions, smooth_l1_loss> {
  using FunctionModule::FunctionModule;
};
struct HuberLossImpl : FunctionModule<HuberLossOptions, huber_loss> {
  using FunctionModule::FunctionModule;
};
struct PoissonNLLLossImpl : FunctionModule<PoissonNllLossOptions, poisson_nll_loss> {
  using FunctionModule::FunctionModule;
};
struct KLDivLossImpl : FunctionModule<KlDivOptions, kl_div> {
  using FunctionModule::FunctionModule;
};
struct BCELossImpl : FunctionModule<WeightedLossOptions, binary_cross_entropy> {
  using FunctionModule::FunctionModule;
};
struct BCEWithLogitsLossImpl
    : FunctionModule<BceWithLogitsOptions, binary_cross_entropy_with_logits> {
  using FunctionModule::FunctionModule;
};
struct NLLLossImpl : FunctionModule<NllLossOptions, nll_loss> {
  using FunctionModule::FunctionModule;
};
/// PyTorch's former name of NLLLoss for images.
struct NLLLoss2dImpl : FunctionModule<NllLossOptions, nll_loss> {
  using FunctionModule::FunctionModule;
};
struct CrossEntropyLossImpl : FunctionModule<CrossEntropyOptions, cross_entropy> {
  using FunctionModule::FunctionModule;
};
struct HingeEmbeddingLossImpl : FunctionModule<HingeEmbeddingLossOptions, hinge_embedding_loss> {
  using FunctionModule::FunctionModule;
};
struct SoftMarginLossImpl : FunctionModule<LossOptions, soft_margin_loss> {
  using FunctionModule::FunctionModule;
};
struct MultiMarginLossImpl : FunctionModule<MultiMarginLossOptions, multi_margin_loss> {
  using FunctionModule::FunctionModule;
};
struct MultiLabelMarginLossImpl : FunctionModule<LossOptions, multilabel_margin_loss> {
  using FunctionModule::FunctionModule;
};
struct MultiLabelSoftMarginLossImpl
    : FunctionModule<WeightedLossOptions, multilabel_soft_margin_loss> {
  using FunctionModule::FunctionModule;
};
// ---- of three or four tensors ------------------------------------------------------------------------------

/// (input, target, var).
struct GaussianNLLLossImpl : FunctionModule<GaussianNllLossOptions, gaussian_nll_loss> {
  using FunctionModule::FunctionModule;
};
/// (input1, input2, target), as the next one.
struct MarginRankingLossImpl : FunctionModule<MarginLossOptions, margin_ranking_loss> {
  using FunctionModule::FunctionModule;
};
struct CosineEmbeddingLossImpl : FunctionModule<MarginLossOptions, cosine_embedding_loss> {
  using FunctionModule::FunctionModule;
};
/// (anchor, positive, negative), as the next one.
struct TripletMarginLossImpl : FunctionModule<TripletMarginLossOptions, triplet_margin_loss> {
  using FunctionModule::FunctionModule;
};
struct TripletMarginWithDistanceLossImpl
    : FunctionModule<TripletMarginWithDistanceLossOptions, triplet_margin_with_distance_loss> {
  using FunctionModule::FunctionModule;
};
/// (log_probs, targets, input_lengths, target_lengths).
struct CTCLossImpl : FunctionModule<CtcLossOptions, ctc_loss> {
  using FunctionModule::FunctionModule;
};
using L1Loss = Handle<L1LossImpl>;
using MSELoss = Handle<MSELossImpl>;
using SmoothL1Loss = Handle<SmoothL1LossImpl>;
using HuberLoss = Handle<HuberLossImpl>;
using PoissonNLLLoss = Handle<PoissonNLLLossImpl>;
using KLDivLoss = Handle<KLDivLossImpl>;
using BCELoss = Handle<BCELossImpl>;
using BCEWithLogitsLoss = Handle<BCEWithLogitsLossImpl>;
using NLLLoss = Handle<NLLLossImpl>;
using NLLLoss2d = Handle<NLLLoss2dImpl>;
using CrossEntropyLoss = Handle<CrossEntropyLossImpl>;
using HingeEmbeddingLoss = Handle<HingeEmbeddingLossImpl>;
using SoftMarginLoss = Handle<SoftMarginLossImpl>;
using MultiMarginLoss = Handle<MultiMarginLossImpl>;
using MultiLabelMarginLoss = Handle<MultiLabelMarginLossImpl>;
using MultiLabelSoftMarginLoss = Handle<MultiLabelSoftMarginLossImpl>;
using GaussianNLLLoss = Handle<GaussianNLLLossImpl>;
using MarginRankingLoss = Handle<MarginRankingLossImpl>;
using CosineEmbeddingLoss = Handle<CosineEmbeddingLossImpl>;
using TripletMarginLoss = Handle<TripletMarginLossImpl>;
using TripletMarginWithDistanceLoss = Handle<TripletMarginWithDistanceLossImpl>;
using CTCLoss = Handle<CTCLossImpl>;

}  // namespace reel::nn
