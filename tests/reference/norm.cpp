// norm.json: normalisation.
#include "reference.h"

namespace reel::testing {
namespace {

// The inputs after x, by the names that args.extra lists.
struct Extra {
  Extra(const Tensors& x, const Args& args) {
    if (!args.has("extra")) return;
    size_t i = 1;
    for (const auto& name : args.json("extra")) named[name.get<std::string>()] = x.at(i++);
  }
  Tensor operator[](const char* name) const {
    const auto found = named.find(name);
    return found == named.end() ? Tensor() : found->second;
  }
  // What the recorded call gave: the result, and the running statistics as they are now.
  Tensors with_statistics(const Tensor& y) const {
    Tensors outputs{y};
    for (const char* name : {"running_mean", "running_var"}) {
      if (named.contains(name)) outputs.push_back(named.at(name));
    }
    return outputs;
  }
  std::map<std::string, Tensor> named;
};

Tensors batch(const Tensors& x, const Args& args) {
  const Extra extra(x, args);
  return extra.with_statistics(batch_norm(x[0], extra["running_mean"], extra["running_var"],
                                          extra["weight"], extra["bias"],
                                          {.training = args.flag("training"),
                                           .momentum = args.number("momentum", 0.1),
                                           .eps = args.number("eps", 1e-5)}));
}

Tensors instance(const Tensors& x, const Args& args) {
  const Extra extra(x, args);
  return extra.with_statistics(instance_norm(x[0], extra["running_mean"], extra["running_var"],
                                             extra["weight"], extra["bias"],
                                             {.use_input_stats = args.flag("use_input_stats", true),
                                              .momentum = args.number("momentum", 0.1),
                                              .eps = args.number("eps", 1e-5)}));
}

Tensor maybe(const Tensors& x, size_t i) { return i < x.size() ? x[i] : Tensor(); }

// ---- through modules: made without parameters, then given the recorded ones ----

// No outputs where a running statistic is given alone, which no module has.
template <class M>
Tensors through(const typename M::ImplType::Options& options, bool training, const Tensor& x,
                const Extra& extra) {
  M module(options);
  if (extra["running_mean"].defined() != extra["running_var"].defined()) return {};
  module->weight = extra["weight"];
  module->bias = extra["bias"];
  module->running_mean = extra["running_mean"];
  module->running_var = extra["running_var"];
  module->train(training);
  return extra.with_statistics(module(x));
}

Tensors batch_module(const Tensors& x, const Args& args) {
  const Extra extra(x, args);
  const nn::BatchNormNdOptions options{
      .num_features = x[0].size(1),
      .eps = args.number("eps", 1e-5),
      .momentum = args.number("momentum", 0.1),
      .affine = false,
      .track_running_stats = extra["running_mean"].defined()};
  const bool training = args.flag("training");
  if (x[0].dim() == 5) return through<nn::BatchNorm3d>(options, training, x[0], extra);
  if (x[0].dim() == 4) return through<nn::BatchNorm2d>(options, training, x[0], extra);
  return through<nn::BatchNorm1d>(options, training, x[0], extra);
}

Tensors instance_module(const Tensors& x, const Args& args) {
  const Extra extra(x, args);
  const nn::InstanceNormNdOptions options{
      .num_features = x[0].size(1),
      .eps = args.number("eps", 1e-5),
      .momentum = args.number("momentum", 0.1),
      .track_running_stats = extra["running_mean"].defined()};
  const bool training = args.flag("use_input_stats", true);
  if (x[0].dim() == 5) return through<nn::InstanceNorm3d>(options, training, x[0], extra);
  if (x[0].dim() == 4) return through<nn::InstanceNorm2d>(options, training, x[0], extra);
  return through<nn::InstanceNorm1d>(options, training, x[0], extra);
}

Tensors layer_module(const Tensors& x, const Args& args) {
  nn::LayerNorm module({.normalized_shape = args.shape("normalized_shape"),
                        .eps = args.number("eps", 1e-5),
                        .elementwise_affine = false});
  module->weight = maybe(x, 1);
  module->bias = maybe(x, 2);
  return {module(x[0])};
}

Tensors group_module(const Tensors& x, const Args& args) {
  nn::GroupNorm module({.num_groups = args.integer("num_groups"),
                        .num_channels = x[0].size(1),
                        .eps = args.number("eps", 1e-5),
                        .affine = false});
  module->weight = maybe(x, 1);
  module->bias = maybe(x, 2);
  return {module(x[0])};
}

Tensors response_module(const Tensors& x, const Args& args) {
  return {nn::LocalResponseNorm({.size = args.integer("size"),
                                 .alpha = args.number("alpha", 1e-4),
                                 .beta = args.number("beta", 0.75),
                                 .k = args.number("k", 1)})(x[0])};
}

}  // namespace

Family norm_family() {
  return {.calls = {
              {"batch_norm", batch},
              {"instance_norm", instance},
              {"layer_norm",
               [](const Tensors& x, const Args& args) {
                 return Tensors{layer_norm(x[0], args.shape("normalized_shape"), maybe(x, 1),
                                           maybe(x, 2), {.eps = args.number("eps", 1e-5)})};
               }},
              {"group_norm",
               [](const Tensors& x, const Args& args) {
                 return Tensors{group_norm(x[0], args.integer("num_groups"), maybe(x, 1),
                                           maybe(x, 2), {.eps = args.number("eps", 1e-5)})};
               }},
              {"local_response_norm",
               [](const Tensors& x, const Args& args) {
                 return Tensors{local_response_norm(x[0], args.integer("size"),
                                                    {.alpha = args.number("alpha", 1e-4),
                                                     .beta = args.number("beta", 0.75),
                                                     .k = args.number("k", 1)})};
               }},
              {"normalize",
               [](const Tensors& x, const Args& args) {
                 return Tensors{normalize(x[0], {.p = args.number("p", 2),
                                                 .dim = args.dim("dim", 1),
                                                 .eps = args.number("eps", 1e-12)})};
               }},
          },
          .modules = {{"batch_norm", batch_module},
                      {"instance_norm", instance_module},
                      {"layer_norm", layer_module},
                      {"group_norm", group_module},
                      {"local_response_norm", response_module}}};
}

}  // namespace reel::testing
