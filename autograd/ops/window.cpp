#include <reel/autograd/ops/factors.h>
#include <reel/autograd/ops/pooling.h>
#include <reel/autograd/ops/window.h>

namespace reel {

IntList::IntList(std::initializer_list<int64_t> values)
    : IntList(std::span<const int64_t>(values)) {}
IntList::IntList(const std::vector<int64_t>& values) : IntList(std::span<const int64_t>(values)) {}
IntList::IntList(const Shape& values) : IntList(std::span<const int64_t>(values)) {}
IntList::IntList(std::span<const int64_t> values) {
  for (int64_t value : values) {
    if (size_ < kMaxAxes) values_[size_] = value;
    ++size_;
  }
}

Shape IntList::expand(const char* op, const char* what, int axes, int64_t least) const {
  const Shape given(values());
  check(size_ == 1 || size_ == axes, "{}: one {} or {} of them are required, got {}{}", op, what,
        axes, given, size_ > kMaxAxes ? " and more" : "");
  for (int64_t value : given) {
    check(value >= least && value <= kMost,
          "{}: {} of at least {} and at most {} is required, got {}", op, what, least, kMost,
          given);
  }
  return size_ == axes ? given : Shape::filled(axes, values_[0]);
}

FactorList::FactorList(std::initializer_list<double> values)
    : FactorList(std::span<const double>(values)) {}
FactorList::FactorList(const std::vector<double>& values)
    : FactorList(std::span<const double>(values)) {}
FactorList::FactorList(std::span<const double> values) {
  for (double value : values) {
    if (size_ < kMaxAxes) values_[static_cast<size_t>(size_)] = value;
    ++size_;
  }
}

std::span<const double> FactorList::values() const {
  return std::span(values_).first(static_cast<size_t>(size_ < kMaxAxes ? size_ : kMaxAxes));
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

OutputSize::OutputSize(std::initializer_list<OptionalSize> sizes)
    : OutputSize(std::span<const OptionalSize>(sizes)) {}
OutputSize::OutputSize(std::span<const OptionalSize> sizes) {
  for (const OptionalSize& size : sizes) sizes_.push_back(size.value);
}

}  // namespace reel
