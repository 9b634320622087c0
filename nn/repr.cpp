#include <reel/nn/repr.h>

#include <fmt/ranges.h>

#include <cmath>

namespace reel::nn {
namespace {

std::string joined(std::span<const int64_t> values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

}  // namespace

std::string repr(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string repr(const Shape& values) {
  return fmt::format("({}{})", joined(values), values.rank() == 1 ? "," : "");
}

std::string repr(const IntList& values) {
  const std::span<const int64_t> given = values.values();
  return given.size() == 1 ? joined(given) : fmt::format("({})", joined(given));
}

}  // namespace reel::nn
