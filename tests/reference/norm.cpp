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
          }};
}

}  // namespace reel::testing
