// How the cases of losses and distances are called.
#include "reference.h"

namespace reel::testing {
namespace {

Reduction reduction_of(const Args& args) {
  static const std::map<std::string, Reduction> known = {{"none", Reduction::None},
                                                         {"mean", Reduction::Mean},
                                                         {"sum", Reduction::Sum},
                                                         {"batchmean", Reduction::BatchMean}};
  return known.at(args.text("reduction", "mean"));
}

// The i-th input; undefined if the case has fewer.
Tensor maybe(const Tensors& x, size_t i) { return i < x.size() ? x[i] : Tensor(); }

// The input after the first two that args.extra calls by this name.
Tensor extra(const Tensors& x, const Args& args, const std::string& name) {
  if (!args.has("extra")) return {};
  size_t i = 2;
  for (const auto& each : args.json("extra")) {
    if (each == name) return x.at(i);
    ++i;
  }
  return {};
}

// A loss as a function and as a module, with the same options. `tensors` is how many it takes.
template <class M, int tensors, class F, class O>
void add(Family& family, const char* name, F f, O options) {
  const auto both = [&](auto apply) {
    return [apply, options](const Tensors& x, const Args& args) {
      const auto how = options(x, args);
      if constexpr (tensors == 2)
        return Tensors{apply(how, x.at(0), x.at(1))};
      else if constexpr (tensors == 3)
        return Tensors{apply(how, x.at(0), x.at(1), x.at(2))};
      else
        return Tensors{apply(how, log_softmax(x.at(0), -1), x.at(1), x.at(2), x.at(3))};
    };
  };
  family.calls[name] = both([f](const auto& how, const auto&... x) { return f(x..., how); });
  family.modules[name] = both([](const auto& how, const auto&... x) { return M(how)(x...); });
}

LossOptions plain(const Tensors&, const Args& args) { return {.reduction = reduction_of(args)}; }
WeightedLossOptions weighted(const Tensors& x, const Args& args) {
  return {.weight = maybe(x, 2), .reduction = reduction_of(args)};
}
MarginLossOptions margin(const Tensors&, const Args& args) {
  return {.margin = args.number("margin"), .reduction = reduction_of(args)};
}

}  // namespace

// clang-format off

Family loss_family() {
  Family family;
  add<nn::L1Loss, 2>(family, "l1_loss", l1_loss, plain);
  add<nn::MSELoss, 2>(family, "mse_loss", mse_loss, plain);
  add<nn::SoftMarginLoss, 2>(family, "soft_margin_loss", soft_margin_loss, plain);
  add<nn::MultiLabelMarginLoss, 2>(family, "multilabel_margin_loss", multilabel_margin_loss, plain);
  add<nn::BCELoss, 2>(family, "binary_cross_entropy", binary_cross_entropy, weighted);
  add<nn::MultiLabelSoftMarginLoss, 2>(family, "multilabel_soft_margin_loss", multilabel_soft_margin_loss, weighted);
  add<nn::MarginRankingLoss, 3>(family, "margin_ranking_loss", margin_ranking_loss, margin);
  add<nn::CosineEmbeddingLoss, 3>(family, "cosine_embedding_loss", cosine_embedding_loss, margin);
  add<nn::SmoothL1Loss, 2>(family, "smooth_l1_loss", smooth_l1_loss, [](const Tensors&, const Args& args) { return SmoothL1LossOptions{.reduction = reduction_of(args), .beta = args.number("beta", 1)}; });
  add<nn::HuberLoss, 2>(family, "huber_loss", huber_loss, [](const Tensors&, const Args& args) { return HuberLossOptions{.reduction = reduction_of(args), .delta = args.number("delta", 1)}; });
  add<nn::CrossEntropyLoss, 2>(family, "cross_entropy", cross_entropy, [](const Tensors& x, const Args& args) { return CrossEntropyOptions{.weight = maybe(x, 2), .ignore_index = args.integer("ignore_index", -100), .reduction = reduction_of(args), .label_smoothing = args.number("label_smoothing")}; });
  add<nn::NLLLoss, 2>(family, "nll_loss", nll_loss, [](const Tensors& x, const Args& args) { return NllLossOptions{.weight = maybe(x, 2), .ignore_index = args.integer("ignore_index", -100), .reduction = reduction_of(args)}; });
  add<nn::BCEWithLogitsLoss, 2>(family, "binary_cross_entropy_with_logits", binary_cross_entropy_with_logits, [](const Tensors& x, const Args& args) { return BceWithLogitsOptions{.weight = extra(x, args, "weight"), .reduction = reduction_of(args), .pos_weight = extra(x, args, "pos_weight")}; });
  add<nn::KLDivLoss, 2>(family, "kl_div", kl_div, [](const Tensors&, const Args& args) { return KlDivOptions{.reduction = reduction_of(args), .log_target = args.flag("log_target")}; });
  add<nn::HingeEmbeddingLoss, 2>(family, "hinge_embedding_loss", hinge_embedding_loss, [](const Tensors&, const Args& args) { return HingeEmbeddingLossOptions{.margin = args.number("margin", 1), .reduction = reduction_of(args)}; });
  add<nn::TripletMarginLoss, 3>(family, "triplet_margin_loss", triplet_margin_loss, [](const Tensors&, const Args& args) { return TripletMarginLossOptions{.margin = args.number("margin", 1), .p = args.number("p", 2), .eps = args.number("eps", 1e-6), .swap = args.flag("swap"), .reduction = reduction_of(args)}; });
  add<nn::TripletMarginWithDistanceLoss, 3>(family, "triplet_margin_with_distance_loss", triplet_margin_with_distance_loss, [](const Tensors&, const Args& args) { return TripletMarginWithDistanceLossOptions{.margin = args.number("margin", 1), .swap = args.flag("swap"), .reduction = reduction_of(args)}; });
  add<nn::PoissonNLLLoss, 2>(family, "poisson_nll_loss", poisson_nll_loss, [](const Tensors&, const Args& args) { return PoissonNllLossOptions{.log_input = args.flag("log_input", true), .full = args.flag("full"), .eps = args.number("eps", 1e-8), .reduction = reduction_of(args)}; });
  add<nn::GaussianNLLLoss, 3>(family, "gaussian_nll_loss", gaussian_nll_loss, [](const Tensors&, const Args& args) { return GaussianNllLossOptions{.full = args.flag("full"), .eps = args.number("eps", 1e-6), .reduction = reduction_of(args)}; });
  add<nn::MultiMarginLoss, 2>(family, "multi_margin_loss", multi_margin_loss, [](const Tensors& x, const Args& args) { return MultiMarginLossOptions{.p = static_cast<int>(args.integer("p", 1)), .margin = args.number("margin", 1), .weight = maybe(x, 2), .reduction = reduction_of(args)}; });
  add<nn::CTCLoss, 4>(family, "ctc_loss", ctc_loss, [](const Tensors&, const Args& args) { return CtcLossOptions{.blank = args.integer("blank"), .reduction = reduction_of(args), .zero_infinity = args.flag("zero_infinity")}; });
  family.calls["cosine_similarity"] = [](const Tensors& x, const Args& args) { return Tensors{cosine_similarity(x.at(0), x.at(1), {.dim = args.dim("dim", 1), .eps = args.number("eps", 1e-8)})}; };
  family.calls["pairwise_distance"] = [](const Tensors& x, const Args& args) { return Tensors{pairwise_distance(x.at(0), x.at(1), {.p = args.number("p", 2), .eps = args.number("eps", 1e-6), .keepdim = args.flag("keepdim")})}; };
  return family;
}

// clang-format on

}  // namespace reel::testing
