#pragma once
// What operations that change sizes by factors are told.

#include <reel/autograd/error.h>
#include <reel/autograd/ops/window.h>

#include <array>
#include <initializer_list>
#include <span>
#include <type_traits>

namespace reel {

/// One factor for all axes or one an axis: `.scale_factor = 2`, `.scale_factor = {2, 1.5}`.
/// Trivially copied.
class FactorList {
 public:
  FactorList() = default;  ///< empty: not given
  template <class T>
  requires std::is_arithmetic_v<T> FactorList(T value) : FactorList({static_cast<double>(value)}) {}
  FactorList(std::initializer_list<double> values);
  FactorList(const std::vector<double>& values);
  FactorList(std::span<const double> values);

  bool empty() const { return size_ == 0; }
  /// As given, at most kMaxAxes of them.
  std::span<const double> values() const;
  /// One factor for each of `axes` axes, the rest 0. Throws unless there are one or `axes` of them,
  /// each above 0 and finite; the text names the op and `what` they are.
  std::array<double, kMaxAxes> expand(const char* op, const char* what, int axes) const;

 private:
  int size_ = 0;  // of what was given; more than there are axes never fits
  std::array<double, kMaxAxes> values_{};
};

}  // namespace reel
