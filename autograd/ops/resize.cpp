#include <reel/autograd/ops/detail/axis_maps.h>
#include <reel/autograd/ops/pooling.h>
#include <reel/autograd/ops/resize.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

namespace reel {

// ---- linear maps along axes ----------------------------------------------------------------------------------

namespace detail {
namespace {

using kernels::List;
using SharedMaps = std::shared_ptr<const AxisMaps>;

List<kernels::AxisMap> transposed_maps(const List<kernels::AxisMap>& maps) {
  List<kernels::AxisMap> result;
  for (const kernels::AxisMap& map : maps) result.push_back(kernels::transposed(map));
  return result;
}

Tensor map_or_adjoint(const Tensor& x, SharedMaps maps, bool transposed);

struct AdjointRule {
  static constexpr bool keeps_no_tensor = true;
  SharedMaps maps;
  bool transposed;
  Tensor operator()(const Tensor& g) const { return map_or_adjoint(g, maps, transposed); }
};

Tensor map_or_adjoint(const Tensor& x, SharedMaps maps, bool transposed) {
  const char* name = transposed ? maps->backward : maps->op;
  Array y = transposed ? kernels::map_axes(name, x.array(), transposed_maps(maps->maps))
                       : kernels::map_axes(name, x.array(), maps->maps);
  return record(name, std::move(y), wrt(x, AdjointRule{std::move(maps), !transposed}));
}

}  // namespace

Tensor map_axes(const Tensor& x, AxisMaps&& maps) {
  using Allocator = kernels::CacheAllocator<const AxisMaps>;
  return map_or_adjoint(x, std::allocate_shared<const AxisMaps>(Allocator(), std::move(maps)),
                        false);
}

void check_at_most(const char* op, const char* what, const Shape& values) {
  for (int64_t value : values)
    check(value <= kMostOfAxis, "{}: {} of at most {} is required, got {}", op, what, kMostOfAxis,
          values);
}

}  // namespace detail

// ---- interpolation -------------------------------------------------------------------------------------------

namespace {

using kernels::Interpolation;

struct Mode {
  std::string_view name;
  Interpolation kind;
  int rank;  // of the input; 0: 3 to 5
};
constexpr Mode kModes[] = {
    {"nearest", Interpolation::Nearest, 0}, {"nearest-exact", Interpolation::NearestExact, 0},
    {"area", Interpolation::Nearest, 0},    {"linear", Interpolation::Linear, 3},
    {"bilinear", Interpolation::Linear, 4}, {"trilinear", Interpolation::Linear, 5},
    {"bicubic", Interpolation::Cubic, 4},
};

const Mode& mode_of(std::string_view name) {
  for (const Mode& mode : kModes) {
    if (mode.name == name) return mode;
  }
  fail(
      "interpolate: mode must be nearest, nearest-exact, area, linear, bilinear, trilinear or "
      "bicubic, got \"{}\"",
      name);
}

void check_options(const Tensor& x, const Mode& mode, const InterpolateOptions& options) {
  check(mode.rank ? x.dim() == mode.rank : x.dim() >= 3 && x.dim() <= 5,
        "interpolate: mode \"{}\" needs an input of {} dims, got shape {}", mode.name,
        mode.rank ? std::to_string(mode.rank) : "3 to 5", x.shape());
  check<TypeError>(is_floating(x.dtype()), "interpolate: expected a floating dtype, got {}",
                   x.dtype());
  check(options.size.empty() != options.scale_factor.empty(),
        "interpolate: either size or scale_factor is required, got {}",
        options.size.empty() ? "neither" : "both");
  check(mode.rank > 0 || !options.align_corners,
        "interpolate: align_corners goes with linear, bilinear, trilinear or bicubic, got \"{}\"",
        mode.name);
  check(!options.antialias || mode.rank == 4,
        "interpolate: antialias goes with bilinear or bicubic, got \"{}\"", mode.name);
  check(!options.recompute_scale_factor || options.size.empty(),
        "interpolate: recompute_scale_factor goes with scale_factor, got size");
}

// The sizes of the resized dims.
Shape sizes_of_output(const Tensor& x, const InterpolateOptions& options,
                      const std::array<double, kMaxAxes>& factors) {
  const int axes = x.dim() - 2;
  Shape sizes;
  if (!options.size.empty()) sizes = options.size.expand("interpolate", "size", axes, 1);
  for (int i = 0; options.size.empty() && i < axes; ++i) {
    const double size =
        std::floor(static_cast<double>(x.size(i + 2)) * factors[static_cast<size_t>(i)]);
    sizes.push_back(static_cast<int64_t>(std::min(size, 1e18)));
  }
  for (int i = 0; i < axes; ++i)
    check(x.size(i + 2) > 0 && sizes[i] > 0,
          "interpolate: input and output sizes above 0 are required, got shape {} and size {}",
          x.shape(), sizes);
  detail::check_at_most("interpolate", "size", sizes);
  return sizes;
}

Tensor adaptive_average(const Tensor& x, const Shape& sizes) {
  if (sizes.rank() == 1) return adaptive_avg_pool1d(x, sizes[0]);
  if (sizes.rank() == 2) return adaptive_avg_pool2d(x, {sizes[0], sizes[1]});
  return adaptive_avg_pool3d(x, {sizes[0], sizes[1], sizes[2]});
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
  const Mode& mode = mode_of(options.mode);
  check_options(x, mode, options);
  std::array<double, kMaxAxes> factors{};
  if (options.size.empty())
    factors = options.scale_factor.expand("interpolate", "scale_factor", x.dim() - 2);
  const Shape sizes = sizes_of_output(x, options, factors);
  Shape shape{x.size(0), x.size(1)};
  for (int64_t size : sizes) shape.push_back(size);
  check_sizes("interpolate", shape);
  if (mode.name == "area") return adaptive_average(x, sizes);
  if (options.recompute_scale_factor) factors = {};
  detail::AxisMaps maps{"interpolate", "interpolate_backward", {}};
  for (int i = 0; i < sizes.rank(); ++i) {
    maps.maps.push_back(
        kernels::resizing_map({.from = x.size(i + 2),
                               .to = sizes[i],
                               .mode = mode.kind,
                               .align_corners = options.align_corners.value_or(false),
                               .antialias = options.antialias,
                               .scale_factor = factors[static_cast<size_t>(i)]}));
  }
  return detail::map_axes(x, std::move(maps));
}

// ---- channels and places -------------------------------------------------------------------------------------

namespace {

// The dims of x before its last three.
Shape leading(const Tensor& x) { return Shape(std::span(x.shape().data(), x.shape().size() - 3)); }

Shape joined(Shape shape, std::initializer_list<int64_t> more) {
  for (int64_t size : more) shape.push_back(size);
  return shape;
}

// The leading dims as they are, then `order` counted from behind them.
Dims behind(int count, std::initializer_list<int> order) {
  Dims dims;
  for (int i = 0; i < count; ++i) dims.push_back(i);
  for (int i : order) dims.push_back(count + i);
  return dims;
}

}  // namespace

Tensor pixel_shuffle(const Tensor& x, int64_t r) {
  check(x.dim() >= 3, "pixel_shuffle: an input of at least 3 dims is required, got shape {}",
        x.shape());
  check(r >= 1 && r <= detail::kMostOfAxis && x.size(-3) % (r * r) == 0,
        "pixel_shuffle: an upscale_factor whose square divides the channels is required, got {} "
        "for {} channels",
        r, x.size(-3));
  const int64_t channels = x.size(-3) / (r * r), height = x.size(-2), width = x.size(-1);
  return x.reshape(joined(leading(x), {channels, r, r, height, width}))
      .permute(behind(x.dim() - 3, {0, 3, 1, 4, 2}))
      .reshape(joined(leading(x), {channels, height * r, width * r}));
}

Tensor pixel_unshuffle(const Tensor& x, int64_t r) {
  check(x.dim() >= 3, "pixel_unshuffle: an input of at least 3 dims is required, got shape {}",
        x.shape());
  check(r >= 1 && x.size(-2) % r == 0 && x.size(-1) % r == 0,
        "pixel_unshuffle: a downscale_factor that divides height and width is required, got {} "
        "for shape {}",
        r, x.shape());
  const int64_t channels = x.size(-3), height = x.size(-2) / r, width = x.size(-1) / r;
  check_sizes("pixel_unshuffle", joined(leading(x), {channels, r, r}));
  return x.reshape(joined(leading(x), {channels, height, r, width, r}))
      .permute(behind(x.dim() - 3, {0, 2, 4, 1, 3}))
      .reshape(joined(leading(x), {channels * r * r, height, width}));
}

Tensor channel_shuffle(const Tensor& x, int64_t groups) {
  check(x.dim() >= 3, "channel_shuffle: an input of at least 3 dims is required, got shape {}",
        x.shape());
  check(groups >= 1 && x.size(1) % groups == 0,
        "channel_shuffle: groups that divide the channels are required, got {} for {} channels",
        groups, x.size(1));
  Shape parts{x.size(0), groups, x.size(1) / groups};
  for (int i = 2; i < x.dim(); ++i) parts.push_back(x.size(i));
  return x.reshape(parts).transpose(1, 2).reshape(x.shape());
}

}  // namespace reel
