// How the operations of conv.json are called.
#include "reference.h"

namespace reel::testing {
namespace {

Tensor third(const Tensors& x) { return x.size() > 2 ? x[2] : Tensor(); }

IntList ints(const Args& args, const char* name, int64_t otherwise) {
  return args.has(name) ? IntList(args.list(name)) : IntList(otherwise);
}

Padding padding(const Args& args) {
  if (args.has("padding") && args.json("padding").is_string()) return args.text("padding");
  return ints(args, "padding", 0);
}

Call conv(Tensor (*f)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&)) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], x[1], third(x),
                     {.stride = ints(args, "stride", 1),
                      .padding = padding(args),
                      .dilation = ints(args, "dilation", 1),
                      .groups = args.integer("groups", 1)})};
  };
}

Call transpose(Tensor (*f)(const Tensor&, const Tensor&, const Tensor&,
                           const ConvTransposeOptions&)) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], x[1], third(x),
                     {.stride = ints(args, "stride", 1),
                      .padding = ints(args, "padding", 0),
                      .output_padding = ints(args, "output_padding", 0),
                      .groups = args.integer("groups", 1),
                      .dilation = ints(args, "dilation", 1)})};
  };
}

UnfoldOptions patches(const Args& args) {
  return {.kernel_size = ints(args, "kernel_size", 0),
          .dilation = ints(args, "dilation", 1),
          .padding = ints(args, "padding", 0),
          .stride = ints(args, "stride", 1)};
}

// ---- the same through modules, whose parameters become the recorded ones ------------------------------------

// What both kinds of convolution are told.
template <class O>
O conv_options(const Tensors& x, const Args& args, int64_t in_channels, int64_t out_channels) {
  O options;
  options.in_channels = in_channels;
  options.out_channels = out_channels;
  const Shape& weight = x[1].shape();
  options.kernel_size = IntList(std::span(weight.begin(), weight.size()).subspan(2));
  options.stride = ints(args, "stride", 1);
  options.dilation = ints(args, "dilation", 1);
  options.groups = args.integer("groups", 1);
  options.bias = x.size() > 2;
  return options;
}

template <class M>
Tensors with_parameters(const M& module, const Tensors& x) {
  module->weight = x[1];
  module->bias = third(x);
  return {module(x[0])};
}

template <class M>
Call conv_module() {
  return [](const Tensors& x, const Args& args) {
    auto options = conv_options<nn::ConvNdOptions>(
        x, args, x[1].size(1) * args.integer("groups", 1), x[1].size(0));
    options.padding = padding(args);
    return with_parameters(M(options), x);
  };
}

template <class M>
Call transpose_module() {
  return [](const Tensors& x, const Args& args) {
    auto options = conv_options<nn::ConvTransposeNdOptions>(
        x, args, x[1].size(0), x[1].size(1) * args.integer("groups", 1));
    options.padding = ints(args, "padding", 0);
    options.output_padding = ints(args, "output_padding", 0);
    return with_parameters(M(options), x);
  };
}

// A weight that is a vector has no module.
Tensors linear_module(const Tensors& x, const Args&) {
  if (x[1].dim() != 2) return {};
  return with_parameters(
      nn::Linear({.in_features = x[1].size(1), .out_features = x[1].size(0), .bias = x.size() > 2}),
      x);
}

Tensors bilinear_module(const Tensors& x, const Args&) {
  const nn::Bilinear module({.in1_features = x[2].size(1),
                             .in2_features = x[2].size(2),
                             .out_features = x[2].size(0),
                             .bias = x.size() > 3});
  module->weight = x[2];
  module->bias = x.size() > 3 ? x[3] : Tensor();
  return {module(x[0], x[1])};
}

Tensors fold_module(const Tensors& x, const Args& args) {
  const UnfoldOptions how = patches(args);
  return {nn::Fold({.output_size = args.list("output_size"),
                    .kernel_size = how.kernel_size,
                    .dilation = how.dilation,
                    .padding = how.padding,
                    .stride = how.stride})(x[0])};
}

}  // namespace

Family conv_family() {
  Family family;
  family.calls = {{"linear", [](const Tensors& x,
                                const Args&) { return Tensors{linear(x[0], x[1], third(x))}; }},
                  {"bilinear",
                   [](const Tensors& x, const Args&) {
                     return Tensors{bilinear(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor())};
                   }},
                  {"conv1d", conv(conv1d)},
                  {"conv2d", conv(conv2d)},
                  {"conv3d", conv(conv3d)},
                  {"conv_transpose1d", transpose(conv_transpose1d)},
                  {"conv_transpose2d", transpose(conv_transpose2d)},
                  {"conv_transpose3d", transpose(conv_transpose3d)},
                  {"unfold", [](const Tensors& x,
                                const Args& args) { return Tensors{unfold(x[0], patches(args))}; }},
                  {"fold", [](const Tensors& x, const Args& args) {
                     return Tensors{fold(x[0], args.list("output_size"), patches(args))};
                   }}};
  family.modules = {
      {"linear", linear_module},
      {"bilinear", bilinear_module},
      {"conv1d", conv_module<nn::Conv1d>()},
      {"conv2d", conv_module<nn::Conv2d>()},
      {"conv3d", conv_module<nn::Conv3d>()},
      {"conv_transpose1d", transpose_module<nn::ConvTranspose1d>()},
      {"conv_transpose2d", transpose_module<nn::ConvTranspose2d>()},
      {"conv_transpose3d", transpose_module<nn::ConvTranspose3d>()},
      {"unfold",
       [](const Tensors& x, const Args& args) { return Tensors{nn::Unfold(patches(args))(x[0])}; }},
      {"fold", fold_module}};
  return family;
}

}  // namespace reel::testing
