#pragma once
// Images made larger or smaller, by interpolation or by moving channels into places.

#include <reel/autograd/ops/factors.h>
#include <reel/autograd/ops/window.h>
#include <reel/autograd/tensor.h>

#include <optional>
#include <string_view>

namespace reel {

struct InterpolateOptions {
  IntList size = {};  ///< of the output; this or scale_factor must be given
  FactorList scale_factor = {};
  /// "nearest", "nearest-exact", "linear" (3-d input), "bilinear" (4-d), "trilinear" (5-d),
  /// "bicubic" (4-d) or "area".
  std::string_view mode = "nearest";
  /// Linear and cubic modes: the outer elements keep their places, not the outer edges.
  std::optional<bool> align_corners = {};
  /// Coordinates use the ratio of the sizes, not the given scale_factor.
  bool recompute_scale_factor = false;
  bool antialias = false;  ///< bilinear and bicubic: a wider filter where the output is smaller
};
/// x [N, C, ...] with its last one to three dims resized to `size`, or to the floor of size times
/// scale_factor. Floating dtypes. Throws on unknown modes, on ranks that do not fit the mode and on
/// empty outputs. Same as torch.nn.functional.interpolate.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

/// [..., C r^2, H, W] to [..., C, H r, W r]: r * r channels become the pixels of one. Throws unless
/// r^2 divides the channels.
Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor);
/// The inverse: [..., C, H r, W r] to [..., C r^2, H, W]. Throws unless r divides both sizes.
Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor);
/// x [N, C, ...] whose channel k of group g (of C / groups channels) moves to k * groups + g.
/// Throws unless `groups` divides C.
Tensor channel_shuffle(const Tensor& x, int64_t groups);

}  // namespace reel
