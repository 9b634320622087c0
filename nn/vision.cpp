#include <reel/autograd/ops/view.h>
#include <reel/nn/repr.h>
#include <reel/nn/vision.h>

#include <algorithm>

namespace reel::nn {
namespace {

std::string repr_factors(std::span<const double> factors) {
  if (factors.size() == 1) return repr(factors[0]);
  std::string text;
  for (double factor : factors) text += (text.empty() ? "" : ", ") + repr(factor);
  return "(" + text + ")";
}

void check_patches(const char* module, const UnfoldOptions& options) {
  options.kernel_size.expand(module, "kernel_size", 2, 1);
  options.dilation.expand(module, "dilation", 2, 1);
  options.padding.expand(module, "padding", 2, 0);
  options.stride.expand(module, "stride", 2, 1);
}

UnfoldOptions patches_of(const FoldOptions& options) {
  return {options.kernel_size, options.dilation, options.padding, options.stride};
}

}  // namespace

UpsampleImpl::UpsampleImpl(const UpsampleOptions& chosen) : options(chosen) {
  check(options.size.empty() != options.scale_factor.empty(),
        "Upsample: size or scale_factor must be given, got {}",
        options.size.empty() ? "neither" : "both");
  constexpr std::string_view modes[] = {"nearest",   "nearest-exact", "linear", "bilinear",
                                        "trilinear", "bicubic",       "area"};
  check(std::find(std::begin(modes), std::end(modes), options.mode) != std::end(modes),
        "Upsample: mode must be \"nearest\", \"nearest-exact\", \"linear\", \"bilinear\", "
        "\"trilinear\", \"bicubic\" or \"area\", got \"{}\"",
        options.mode);
}

Tensor UpsampleImpl::forward(const Tensor& x) {
  return interpolate(x, {.size = options.size,
                         .scale_factor = options.scale_factor,
                         .mode = options.mode,
                         .align_corners = options.align_corners,
                         .recompute_scale_factor = options.recompute_scale_factor});
}

std::string UpsampleImpl::extra_repr() const {
  return (options.size.empty() ? "scale_factor=" + repr_factors(options.scale_factor.values())
                               : "size=" + repr(options.size)) +
         ", mode=" + options.mode;
}

Shuffle::Shuffle(Move move, const char* module, const char* what, int64_t number)
    : move_(move), what_(what), number_(number) {
  check(number >= 1, "{}: {} must be at least 1, got {}", module, what, number);
}
std::string Shuffle::extra_repr() const { return fmt::format("{}={}", what_, number_); }

UnfoldImpl::UnfoldImpl(const UnfoldOptions& chosen) : options(chosen) {
  check_patches("Unfold", options);
}

std::string UnfoldImpl::extra_repr() const {
  return fmt::format("kernel_size={}, dilation={}, padding={}, stride={}",
                     repr(options.kernel_size), repr(options.dilation), repr(options.padding),
                     repr(options.stride));
}

FoldImpl::FoldImpl(const FoldOptions& chosen) : options(chosen) {
  options.output_size.expand("Fold", "output_size", 2, 1);
  check_patches("Fold", patches_of(options));
}

Tensor FoldImpl::forward(const Tensor& x) {
  return fold(x, options.output_size, patches_of(options));
}

std::string FoldImpl::extra_repr() const {
  return fmt::format("output_size={}, kernel_size={}, dilation={}, padding={}, stride={}",
                     repr(options.output_size), repr(options.kernel_size), repr(options.dilation),
                     repr(options.padding), repr(options.stride));
}

UnflattenImpl::UnflattenImpl(const UnflattenOptions& chosen) : options(chosen) {
  const Shape& sizes = options.unflattened_size;
  check(!sizes.empty() && std::count(sizes.begin(), sizes.end(), -1) <= 1 &&
            std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size >= -1; }),
        "Unflatten: unflattened_size must hold sizes, at most one of them -1, got {}", sizes);
}

Tensor UnflattenImpl::forward(const Tensor& x) {
  return unflatten(x, options.dim, options.unflattened_size);
}

std::string UnflattenImpl::extra_repr() const {
  return fmt::format("dim={}, unflattened_size={}", options.dim, repr(options.unflattened_size));
}

}  // namespace reel::nn
