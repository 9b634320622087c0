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
  return family;
}

}  // namespace reel::testing
