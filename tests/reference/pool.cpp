// How the operations of pool.json are called.
#include "reference.h"

#include <gtest/gtest.h>

namespace reel::testing {
namespace {

IntList ints(const Args& args, const char* name, const IntList& otherwise = {}) {
  return args.has(name) ? IntList(args.list(name)) : otherwise;
}

MaxPoolOptions max_options(const Args& args) {
  return {.kernel_size = ints(args, "kernel_size"),
          .stride = ints(args, "stride"),
          .padding = ints(args, "padding", 0),
          .dilation = ints(args, "dilation", 1),
          .ceil_mode = args.flag("ceil_mode")};
}
AvgPoolOptions avg_options(const Args& args) {
  return {.kernel_size = ints(args, "kernel_size"),
          .stride = ints(args, "stride"),
          .padding = ints(args, "padding", 0),
          .ceil_mode = args.flag("ceil_mode"),
          .count_include_pad = args.flag("count_include_pad", true),
          .divisor_override = args.maybe<int64_t>("divisor_override")};
}

using MaxPool = ValuesAndIndices (*)(const Tensor&, const IntList&, const MaxPoolOptions&);
Call max_pooled(MaxPool f) {
  return [f](const Tensors& x, const Args& args) {
    const auto [values, indices] = f(x[0], ints(args, "kernel_size"), max_options(args));
    return Tensors{values, indices};
  };
}

using AvgPool = Tensor (*)(const Tensor&, const IntList&, const AvgPoolOptions&);
Call averaged(AvgPool f) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], ints(args, "kernel_size"), avg_options(args))};
  };
}

using LpPool = Tensor (*)(const Tensor&, double, const IntList&, const LpPoolOptions&);
Call lp_pooled(LpPool f) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], args.number("norm_type"), ints(args, "kernel_size"),
                     {.stride = ints(args, "stride"), .ceil_mode = args.flag("ceil_mode")})};
  };
}

OutputSize output_size(const Args& args) {
  const auto& given = args.json("output_size");
  if (!given.is_array()) return given.get<int64_t>();
  std::vector<OptionalSize> sizes;
  for (const auto& size : given)
    sizes.push_back(size.is_null() ? OptionalSize(None) : OptionalSize(size.get<int64_t>()));
  return std::span<const OptionalSize>(sizes);
}

Call adaptive(Tensor (*f)(const Tensor&, const OutputSize&)) {
  return [f](const Tensors& x, const Args& args) { return Tensors{f(x[0], output_size(args))}; };
}
Call adaptive(ValuesAndIndices (*f)(const Tensor&, const OutputSize&)) {
  return [f](const Tensors& x, const Args& args) {
    const auto [values, indices] = f(x[0], output_size(args));
    return Tensors{values, indices};
  };
}

using Unpool = Tensor (*)(const Tensor&, const Tensor&, const IntList&, const UnpoolOptions&);
Call unpooled(Unpool f) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], x[1], ints(args, "kernel_size"),
                     {.stride = ints(args, "stride"),
                      .padding = ints(args, "padding", 0),
                      .output_size = args.shape("output_size")})};
  };
}

FactorList factors(const Args& args, const char* name) {
  if (!args.has(name)) return {};
  if (!args.json(name).is_array()) return args.number(name);
  return args.json(name).get<std::vector<double>>();
}

Tensors interpolated(const Tensors& x, const Args& args) {
  const std::string mode = args.text("mode", "nearest");
  std::optional<bool> align_corners;
  if (args.has("align_corners")) align_corners = args.flag("align_corners");
  return {interpolate(x[0], {.size = ints(args, "size"),
                             .scale_factor = factors(args, "scale_factor"),
                             .mode = mode,
                             .align_corners = align_corners,
                             .recompute_scale_factor = args.flag("recompute_scale_factor"),
                             .antialias = args.flag("antialias")})};
}

Call shuffled(Tensor (*f)(const Tensor&, int64_t), const char* factor) {
  return [f, factor](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], args.integer(factor))};
  };
}

// ---- the same through modules ----------------------------------------------------------------------------

template <class M>
Tensors with_indices(const M& module, const Tensors& x) {
  const auto [values, indices] = module->forward_with_indices(x[0]);
  EXPECT_TRUE(
      allclose(module(x[0]).detach(), values.detach(), {.rtol = 0, .atol = 0, .equal_nan = true}));
  return {values, indices};
}
template <class M>
Call max_module() {
  return [](const Tensors& x, const Args& args) { return with_indices(M(max_options(args)), x); };
}
template <class M>
Call avg_module() {
  return [](const Tensors& x, const Args& args) { return Tensors{M(avg_options(args))(x[0])}; };
}
template <class M>
Call lp_module() {
  return [](const Tensors& x, const Args& args) {
    return Tensors{M({.norm_type = args.number("norm_type"),
                      .kernel_size = ints(args, "kernel_size"),
                      .stride = ints(args, "stride"),
                      .ceil_mode = args.flag("ceil_mode")})(x[0])};
  };
}
template <class M>
Call adaptive_avg_module() {
  return [](const Tensors& x, const Args& args) { return Tensors{M(output_size(args))(x[0])}; };
}
template <class M>
Call adaptive_max_module() {
  return [](const Tensors& x, const Args& args) { return with_indices(M(output_size(args)), x); };
}
template <class M>
Call unpool_module() {
  return [](const Tensors& x, const Args& args) {
    const M module({.kernel_size = ints(args, "kernel_size"),
                    .stride = ints(args, "stride"),
                    .padding = ints(args, "padding", 0)});
    return Tensors{module(x[0], x[1], args.shape("output_size"))};
  };
}
Tensors upsampled(const Tensors& x, const Args& args) {
  if (args.flag("antialias")) return {};  // Upsample has no such option
  std::optional<bool> align_corners;
  if (args.has("align_corners")) align_corners = args.flag("align_corners");
  return {nn::Upsample({.size = ints(args, "size"),
                        .scale_factor = factors(args, "scale_factor"),
                        .mode = args.text("mode", "nearest"),
                        .align_corners = align_corners,
                        .recompute_scale_factor = args.flag("recompute_scale_factor")})(x[0])};
}
template <class M>
Call shuffle_module(const char* factor) {
  return [factor](const Tensors& x, const Args& args) {
    return Tensors{M(args.integer(factor))(x[0])};
  };
}

}  // namespace

// clang-format off
Family pool_family() {
  return {.calls = {
      {"max_pool1d", max_pooled(max_pool1d_with_indices)},
      {"max_pool2d", max_pooled(max_pool2d_with_indices)},
      {"max_pool3d", max_pooled(max_pool3d_with_indices)},
      {"avg_pool1d", averaged(avg_pool1d)},
      {"avg_pool2d", averaged(avg_pool2d)},
      {"avg_pool3d", averaged(avg_pool3d)},
      {"lp_pool1d", lp_pooled(lp_pool1d)},
      {"lp_pool2d", lp_pooled(lp_pool2d)},
      {"adaptive_avg_pool1d", adaptive(adaptive_avg_pool1d)},
      {"adaptive_avg_pool2d", adaptive(adaptive_avg_pool2d)},
      {"adaptive_avg_pool3d", adaptive(adaptive_avg_pool3d)},
      {"adaptive_max_pool1d", adaptive(adaptive_max_pool1d_with_indices)},
      {"adaptive_max_pool2d", adaptive(adaptive_max_pool2d_with_indices)},
      {"adaptive_max_pool3d", adaptive(adaptive_max_pool3d_with_indices)},
      {"max_unpool1d", unpooled(max_unpool1d)},
      {"max_unpool2d", unpooled(max_unpool2d)},
      {"max_unpool3d", unpooled(max_unpool3d)},
      {"interpolate", interpolated},
      {"pixel_shuffle", shuffled(pixel_shuffle, "upscale_factor")},
      {"pixel_unshuffle", shuffled(pixel_unshuffle, "downscale_factor")},
      {"channel_shuffle", shuffled(channel_shuffle, "groups")},
  }, .modules = {
      {"max_pool1d", max_module<nn::MaxPool1d>()},
      {"max_pool2d", max_module<nn::MaxPool2d>()},
      {"max_pool3d", max_module<nn::MaxPool3d>()},
      {"avg_pool1d", avg_module<nn::AvgPool1d>()},
      {"avg_pool2d", avg_module<nn::AvgPool2d>()},
      {"avg_pool3d", avg_module<nn::AvgPool3d>()},
      {"lp_pool1d", lp_module<nn::LPPool1d>()},
      {"lp_pool2d", lp_module<nn::LPPool2d>()},
      {"adaptive_avg_pool1d", adaptive_avg_module<nn::AdaptiveAvgPool1d>()},
      {"adaptive_avg_pool2d", adaptive_avg_module<nn::AdaptiveAvgPool2d>()},
      {"adaptive_avg_pool3d", adaptive_avg_module<nn::AdaptiveAvgPool3d>()},
      {"adaptive_max_pool1d", adaptive_max_module<nn::AdaptiveMaxPool1d>()},
      {"adaptive_max_pool2d", adaptive_max_module<nn::AdaptiveMaxPool2d>()},
      {"adaptive_max_pool3d", adaptive_max_module<nn::AdaptiveMaxPool3d>()},
      {"max_unpool1d", unpool_module<nn::MaxUnpool1d>()},
      {"max_unpool2d", unpool_module<nn::MaxUnpool2d>()},
      {"max_unpool3d", unpool_module<nn::MaxUnpool3d>()},
      {"interpolate", upsampled},
      {"pixel_shuffle", shuffle_module<nn::PixelShuffle>("upscale_factor")},
      {"pixel_unshuffle", shuffle_module<nn::PixelUnshuffle>("downscale_factor")},
      {"channel_shuffle", shuffle_module<nn::ChannelShuffle>("groups")},
  }};
}
// clang-format on

}  // namespace reel::testing
