#pragma once
// Values as Python prints them, for extra_repr().

#include <reel/autograd/ops/window.h>

#include <concepts>
#include <string>

namespace reel::nn {

/// "True" or "False".
template <std::same_as<bool> B>
std::string repr(B value) {
  return value ? "True" : "False";
}
/// A float: "0.1", "2.0", "1e-05", "inf".
std::string repr(double value);
/// A tuple: "(5,)", "(5, 3)".
std::string repr(const Shape& values);
/// As it was given: "5" or "(5, 3)".
std::string repr(const IntList& values);

}  // namespace reel::nn
