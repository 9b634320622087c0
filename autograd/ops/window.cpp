#include <reel/autograd/ops/factors.h>
#include <reel/autograd/ops/window.h>

namespace reel {

Shape IntList::expand(const char* op, const char* what, int axes, int64_t least) const {
  const Shape given(values());
  check(size_ == 1 || size_ == axes, "{}: one {} or {} of them are required, got {}{}", op, what,
        axes, given, size_ > kMaxAxes ? " and more" : "");
  for (int64_t value : given) {
    check(value >= least && value <= kMost, "{}: {} of at least {} and at most {} is required, got {}",
          op, what, least, kMost, given);
  }
  return size_ == axes ? given : Shape::filled(axes, values_[0]);
}

std::array<double, kMaxAxes> FactorList::expand(const char* op, const char* what, int axes) const {
  check(size_ == 1 || size_ == axes, "{}: one {} or {} of them are required, got {} of them", op,
        what, axes, size_);
  std::array<double, kMaxAxes> factors{};
  for (size_t i = 0; i < static_cast<size_t>(axes); ++i) {
    factors[i] = values_[size_ == 1 ? 0 : i];
    check(factors[i] > 0 && factors[i] < 1e300, "{}: {} above 0 is required, got {}", op, what,
          factors[i]);
  }
  return factors;
}

}  // namespace reel
