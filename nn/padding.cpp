#include <reel/nn/padding.h>
#include <reel/nn/repr.h>

namespace reel::nn {
namespace {

Shape expanded(const char* kind, int axes, const Shape& padding) {
  check(padding.rank() == 1 || padding.rank() == 2 * axes,
        "{}{}d: padding must be one number or {} of them, got {}", kind, axes, 2 * axes, padding);
  return padding.rank() == 1 ? Shape::filled(2 * axes, padding[0]) : padding;
}

std::string repr_scalar(Scalar value) {
  if (value.is_bool()) return repr(value.to<bool>());
  return value.is_integral() ? std::to_string(value.to<int64_t>()) : repr(value.to<double>());
}

}  // namespace

const char* name_of(PaddingMode mode) {
  constexpr const char* names[] = {"zeros", "reflect", "replicate", "circular"};
  return names[static_cast<size_t>(mode)];
}

PadNd::PadNd(const char* kind, const char* mode, int axes, const Shape& padding, Scalar value)
    : options{padding}, mode_(mode), value_(value), pads_(expanded(kind, axes, padding)) {}

std::string PadNd::extra_repr() const {
  if (mode_ != std::string_view("constant")) return repr(pads_);
  return fmt::format("padding={}, value={}", repr(pads_), repr_scalar(value_));
}

}  // namespace reel::nn
