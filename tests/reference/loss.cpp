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

template <class F>
Call call(F f) {
  return [f](const Tensors& x, const Args& args) { return Tensors{f(x, args)}; };
}

// A loss whose only option is the reduction.
Call plain(Tensor (*f)(const Tensor&, const Tensor&, const LossOptions&)) {
  return call([f](const Tensors& x, const Args& args) {
    return f(x.at(0), x.at(1), {.reduction = reduction_of(args)});
  });
}

// One whose third input is a weight.
Call weighted(Tensor (*f)(const Tensor&, const Tensor&, const WeightedLossOptions&)) {
  return call([f](const Tensors& x, const Args& args) {
    return f(x.at(0), x.at(1), {.weight = maybe(x, 2), .reduction = reduction_of(args)});
  });
}

// One of three inputs with a margin.
Call margin(Tensor (*f)(const Tensor&, const Tensor&, const Tensor&, const MarginLossOptions&)) {
  return call([f](const Tensors& x, const Args& args) {
    return f(x.at(0), x.at(1), x.at(2),
             {.margin = args.number("margin"), .reduction = reduction_of(args)});
  });
}

// clang-format off
std::map<std::string, Call> calls() {
  return {
      {"l1_loss", plain(l1_loss)},
      {"mse_loss", plain(mse_loss)},
      {"soft_margin_loss", plain(soft_margin_loss)},
      {"multilabel_margin_loss", plain(multilabel_margin_loss)},
      {"binary_cross_entropy", weighted(binary_cross_entropy)},
      {"multilabel_soft_margin_loss", weighted(multilabel_soft_margin_loss)},
      {"margin_ranking_loss", margin(margin_ranking_loss)},
      {"cosine_embedding_loss", margin(cosine_embedding_loss)},
      {"smooth_l1_loss", call([](const Tensors& x, const Args& args) { return smooth_l1_loss(x.at(0), x.at(1), {.reduction = reduction_of(args), .beta = args.number("beta", 1)}); })},
      {"huber_loss", call([](const Tensors& x, const Args& args) { return huber_loss(x.at(0), x.at(1), {.reduction = reduction_of(args), .delta = args.number("delta", 1)}); })},
      {"cross_entropy", call([](const Tensors& x, const Args& args) { return cross_entropy(x.at(0), x.at(1), {.weight = maybe(x, 2), .ignore_index = args.integer("ignore_index", -100), .reduction = reduction_of(args), .label_smoothing = args.number("label_smoothing")}); })},
      {"nll_loss", call([](const Tensors& x, const Args& args) { return nll_loss(x.at(0), x.at(1), {.weight = maybe(x, 2), .ignore_index = args.integer("ignore_index", -100), .reduction = reduction_of(args)}); })},
      {"binary_cross_entropy_with_logits", call([](const Tensors& x, const Args& args) { return binary_cross_entropy_with_logits(x.at(0), x.at(1), {.weight = extra(x, args, "weight"), .reduction = reduction_of(args), .pos_weight = extra(x, args, "pos_weight")}); })},
      {"kl_div", call([](const Tensors& x, const Args& args) { return kl_div(x.at(0), x.at(1), {.reduction = reduction_of(args), .log_target = args.flag("log_target")}); })},
      {"hinge_embedding_loss", call([](const Tensors& x, const Args& args) { return hinge_embedding_loss(x.at(0), x.at(1), {.margin = args.number("margin", 1), .reduction = reduction_of(args)}); })},
      {"triplet_margin_loss", call([](const Tensors& x, const Args& args) { return triplet_margin_loss(x.at(0), x.at(1), x.at(2), {.margin = args.number("margin", 1), .p = args.number("p", 2), .eps = args.number("eps", 1e-6), .swap = args.flag("swap"), .reduction = reduction_of(args)}); })},
      {"triplet_margin_with_distance_loss", call([](const Tensors& x, const Args& args) { return triplet_margin_with_distance_loss(x.at(0), x.at(1), x.at(2), {.margin = args.number("margin", 1), .swap = args.flag("swap"), .reduction = reduction_of(args)}); })},
      {"poisson_nll_loss", call([](const Tensors& x, const Args& args) { return poisson_nll_loss(x.at(0), x.at(1), {.log_input = args.flag("log_input", true), .full = args.flag("full"), .eps = args.number("eps", 1e-8), .reduction = reduction_of(args)}); })},
      {"gaussian_nll_loss", call([](const Tensors& x, const Args& args) { return gaussian_nll_loss(x.at(0), x.at(1), x.at(2), {.full = args.flag("full"), .eps = args.number("eps", 1e-6), .reduction = reduction_of(args)}); })},
      {"multi_margin_loss", call([](const Tensors& x, const Args& args) { return multi_margin_loss(x.at(0), x.at(1), {.p = static_cast<int>(args.integer("p", 1)), .margin = args.number("margin", 1), .weight = maybe(x, 2), .reduction = reduction_of(args)}); })},
      {"ctc_loss", call([](const Tensors& x, const Args& args) { return ctc_loss(log_softmax(x.at(0), -1), x.at(1), x.at(2), x.at(3), {.blank = args.integer("blank"), .reduction = reduction_of(args), .zero_infinity = args.flag("zero_infinity")}); })},
      {"cosine_similarity", call([](const Tensors& x, const Args& args) { return cosine_similarity(x.at(0), x.at(1), {.dim = args.dim("dim", 1), .eps = args.number("eps", 1e-8)}); })},
      {"pairwise_distance", call([](const Tensors& x, const Args& args) { return pairwise_distance(x.at(0), x.at(1), {.p = args.number("p", 2), .eps = args.number("eps", 1e-6), .keepdim = args.flag("keepdim")}); })},
  };
}
// clang-format on

}  // namespace

Family loss_family() { return {.calls = calls()}; }

}  // namespace reel::testing
