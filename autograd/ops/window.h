#pragma once
// What operations that move a window over the last 1 to 3 dims of a tensor are told.

#include <reel/autograd/shape.h>

#include <concepts>

namespace reel {

inline constexpr int kMaxAxes = 3;

/// One int for all axes or one an axis: `.stride = 2`, `.stride = {2, 1}`. Trivially copied.
class IntList {
 public:
  IntList() = default;  ///< empty: not given
  template <std::integral T>
  IntList(T value) : IntList({static_cast<int64_t>(value)}) {}
  IntList(std::initializer_list<int64_t> values);
  IntList(std::span<const int64_t> values);
  IntList(const std::vector<int64_t>& values);
  IntList(const Shape& values);

  friend bool operator==(const IntList&, const IntList&) = default;
  bool empty() const { return size_ == 0; }
  /// As given, at most kMaxAxes of them.
  std::span<const int64_t> values() const {
    return {values_, static_cast<size_t>(size_ < kMaxAxes ? size_ : kMaxAxes)};
  }
  /// One value for each of `axes` axes. Throws unless there are one or `axes` of them, each at
  /// least `least`; the text names the op and `what` they are.
  Shape expand(const char* op, const char* what, int axes, int64_t least) const;

 private:
  // Products of two such numbers, and some more of them, fit.
  static constexpr int64_t kMost = (int64_t{1} << 31) - 1;

  int size_ = 0;  // of what was given; more than there are axes never fits
  int64_t values_[kMaxAxes] = {};
};

}  // namespace reel
