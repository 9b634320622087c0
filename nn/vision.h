#pragma once
// Images made larger or smaller, taken apart into patches and put together again; see ops/resize.h
// and ops/convolution.h.

#include <reel/autograd/ops/convolution.h>
#include <reel/autograd/ops/resize.h>
#include <reel/nn/handle.h>

namespace reel::nn {

struct UpsampleOptions {
  IntList size = {};  ///< of the output; this or scale_factor must be given
  FactorList scale_factor = {};
  std::string mode = "nearest";  ///< as interpolate() takes it
  std::optional<bool> align_corners = {};
  bool recompute_scale_factor = false;
};
struct UpsamplingOptions {
  IntList size = {};
  FactorList scale_factor = {};
};

/// interpolate() with these options. Throws unless either size or scale_factor is given, and on
/// unknown modes.
class UpsampleImpl : public Module {
 public:
  using Options = UpsampleOptions;
  explicit UpsampleImpl(const UpsampleOptions& chosen);

  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const UpsampleOptions options;
};
/// Upsample of images with mode "nearest".
struct UpsamplingNearest2dImpl : UpsampleImpl {
  using Options = UpsamplingOptions;
  explicit UpsamplingNearest2dImpl(const UpsamplingOptions& chosen)
      : UpsampleImpl(UpsampleOptions{.size = chosen.size, .scale_factor = chosen.scale_factor}) {}
};
/// Upsample of images with mode "bilinear", the outer pixels in their places.
struct UpsamplingBilinear2dImpl : UpsampleImpl {
  using Options = UpsamplingOptions;
  explicit UpsamplingBilinear2dImpl(const UpsamplingOptions& chosen)
      : UpsampleImpl(UpsampleOptions{.size = chosen.size,
                                     .scale_factor = chosen.scale_factor,
                                     .mode = "bilinear",
                                     .align_corners = true}) {}
};
using Upsample = Handle<UpsampleImpl>;
using UpsamplingNearest2d = Handle<UpsamplingNearest2dImpl>;
using UpsamplingBilinear2d = Handle<UpsamplingBilinear2dImpl>;

/// Pixels or channels moved by a function of one number, which must be at least 1.
class Shuffle : public Module {
 public:
  Tensor forward(const Tensor& x) override { return move_(x, number_); }
  std::string extra_repr() const override;

 protected:
  using Move = Tensor (*)(const Tensor& x, int64_t number);
  /// `what` is the number's name.
  Shuffle(Move move, const char* module, const char* what, int64_t number);

 private:
  const Move move_;
  const char* const what_;
  const int64_t number_;
};
struct PixelShuffleImpl : Shuffle {
  explicit PixelShuffleImpl(int64_t upscale_factor)
      : Shuffle(pixel_shuffle, "PixelShuffle", "upscale_factor", upscale_factor) {}
};
struct PixelUnshuffleImpl : Shuffle {
  explicit PixelUnshuffleImpl(int64_t downscale_factor)
      : Shuffle(pixel_unshuffle, "PixelUnshuffle", "downscale_factor", downscale_factor) {}
};
struct ChannelShuffleImpl : Shuffle {
  explicit ChannelShuffleImpl(int64_t groups)
      : Shuffle(channel_shuffle, "ChannelShuffle", "groups", groups) {}
};
using PixelShuffle = Handle<PixelShuffleImpl>;
using PixelUnshuffle = Handle<PixelUnshuffleImpl>;
using ChannelShuffle = Handle<ChannelShuffleImpl>;

/// The patches of an image as columns.
class UnfoldImpl : public Module {
 public:
  using Options = UnfoldOptions;
  explicit UnfoldImpl(const UnfoldOptions& chosen);
  explicit UnfoldImpl(const IntList& kernel_size)
      : UnfoldImpl(UnfoldOptions{.kernel_size = kernel_size}) {}

  Tensor forward(const Tensor& x) override { return unfold(x, options); }
  std::string extra_repr() const override;

  const UnfoldOptions options;
};
using Unfold = Handle<UnfoldImpl>;

struct FoldOptions {
  IntList output_size = {};  ///< of the image
  IntList kernel_size = {};
  IntList dilation = 1;
  IntList padding = 0;
  IntList stride = 1;
};
/// Columns added up to images.
class FoldImpl : public Module {
 public:
  using Options = FoldOptions;
  explicit FoldImpl(const FoldOptions& chosen);

  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const FoldOptions options;
};
using Fold = Handle<FoldImpl>;

struct UnflattenOptions {
  int dim = 1;
  Shape unflattened_size = {};  ///< one may be -1
};
/// One dim becomes several: undoes Flatten.
class UnflattenImpl : public Module {
 public:
  using Options = UnflattenOptions;
  explicit UnflattenImpl(const UnflattenOptions& chosen);
  UnflattenImpl(int dim, const Shape& unflattened_size)
      : UnflattenImpl(UnflattenOptions{dim, unflattened_size}) {}

  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

  const UnflattenOptions options;
};
using Unflatten = Handle<UnflattenImpl>;

}  // namespace reel::nn
