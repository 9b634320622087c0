#pragma once
// Sizes, strides and lists of dims: small trivially copied lists that sit inline.

#include <reel/autograd/error.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace reel {

inline constexpr int kMaxRank = 32;

/// An integer that is no bool: GCC 12 would take {.keepdim = true} for the list {1}.
template <class T>
concept WholeNumber = std::is_integral_v<T> && !std::is_same_v<T, bool>;

/// An entry of a braced list of sizes or dims.
struct Size {
  template <WholeNumber T>
  constexpr Size(T size) : value(static_cast<int64_t>(size)) {}
  int64_t value;
};

/// Sizes (or strides) of a tensor, one int64 a dim. Up to six sit inline; more live in a block of
/// their own.
class Shape {
 public:
  static constexpr int kInline = 6;

  Shape() {}
  template <WholeNumber T>
  Shape(T size) : rank_(1) {
    inline_[0] = static_cast<int64_t>(size);
  }
  Shape(std::initializer_list<Size> sizes) {
    static_assert(sizeof(Size) == sizeof(int64_t));
    assign(reinterpret_cast<const int64_t*>(sizes.begin()), static_cast<int>(sizes.size()));
  }
  Shape(std::span<const int64_t> sizes) { assign(sizes.data(), static_cast<int>(sizes.size())); }
  Shape(const std::vector<int64_t>& sizes) { assign(sizes.data(), static_cast<int>(sizes.size())); }
  /// `rank` entries of `value`.
  static Shape filled(int rank, int64_t value);

  Shape(const Shape& other) : rank_(other.rank_) { copy(other); }
  Shape(Shape&& other) noexcept : rank_(other.rank_) { steal(other); }
  Shape& operator=(const Shape& other) {
    if (this != &other) {
      release();
      rank_ = other.rank_;
      copy(other);
    }
    return *this;
  }
  Shape& operator=(Shape&& other) noexcept {
    if (this != &other) {
      release();
      rank_ = other.rank_;
      steal(other);
    }
    return *this;
  }
  ~Shape() { release(); }

  int rank() const { return rank_; }
  size_t size() const { return static_cast<size_t>(rank_); }
  bool empty() const { return rank_ == 0; }
  const int64_t* data() const { return rank_ <= kInline ? inline_ : heap_; }
  int64_t* data() { return rank_ <= kInline ? inline_ : heap_; }
  int64_t operator[](int i) const { return data()[i]; }
  int64_t& operator[](int i) { return data()[i]; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + rank_; }
  int64_t* begin() { return data(); }
  int64_t* end() { return data() + rank_; }
  int64_t back() const { return data()[rank_ - 1]; }

  void push_back(int64_t size) { insert(rank_, size); }
  void insert(int position, int64_t size);
  void erase(int position);

  /// Product of the sizes; 1 for rank 0. Throws if it does not fit, unless one of them is 0.
  int64_t numel() const {
    int64_t count = 1;
    for (int64_t size : *this) {
      if (__builtin_mul_overflow(count, size, &count)) [[unlikely]]
        return numel_with_zero();
    }
    return count;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    const int64_t *x = a.data(), *y = b.data();
    for (int i = 0; i < a.rank_; ++i) {
      if (x[i] != y[i]) return false;
    }
    return true;
  }

 private:
  void assign(const int64_t* sizes, int rank);
  void release() {
    if (rank_ > kInline) [[unlikely]]
      delete[] heap_;
  }
  void copy(const Shape& other) {
    if (rank_ > kInline) [[unlikely]]
      return copy_heap(other);
    // Entry by entry: wider loads would have to wait for the narrow stores that wrote the entries.
    switch (rank_) {
      case 6:
        inline_[5] = other.inline_[5];
        [[fallthrough]];
      case 5:
        inline_[4] = other.inline_[4];
        [[fallthrough]];
      case 4:
        inline_[3] = other.inline_[3];
        [[fallthrough]];
      case 3:
        inline_[2] = other.inline_[2];
        [[fallthrough]];
      case 2:
        inline_[1] = other.inline_[1];
        [[fallthrough]];
      case 1:
        inline_[0] = other.inline_[0];
        [[fallthrough]];
      default:
        break;
    }
  }
  void steal(Shape& other) noexcept {
    if (rank_ > kInline) [[unlikely]] {
      heap_ = other.heap_;
      other.rank_ = 0;
    } else {
      copy(other);
    }
  }
  void copy_heap(const Shape& other);
  int64_t numel_with_zero() const;

  int32_t rank_ = 0;
  union {
    int64_t inline_[kInline];
    int64_t* heap_;
  };
};

using Strides = Shape;

/// Dims to act on: one int or a braced list, negative ones count from the end. Trivially copied, so
/// a rule that captures one retains nothing.
class Dims {
 public:
  Dims() = default;
  template <WholeNumber T>
  Dims(T dim) {
    push_back(static_cast<int64_t>(dim));
  }
  Dims(std::initializer_list<Size> dims) {
    for (const Size dim : dims) push_back(dim.value);
  }
  Dims(std::span<const int> dims);
  Dims(std::span<const int64_t> dims);
  Dims(const std::vector<int>& dims);
  Dims(const std::vector<int64_t>& dims);

  void push_back(int64_t dim) {
    if (size_ == kMaxRank || dim < -kMaxRank || dim >= kMaxRank) [[unlikely]]
      fail_dim(dim);
    dims_[size_++] = static_cast<int8_t>(dim);
  }
  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int operator[](int i) const { return dims_[i]; }
  const int8_t* begin() const { return dims_; }
  const int8_t* end() const { return dims_ + size_; }

 private:
  [[noreturn]] static void fail_dim(int64_t dim);

  int8_t size_ = 0;
  int8_t dims_[kMaxRank] = {};
};

/// `dim` counted from the start, for a tensor of `rank` dims (0-d counts as 1-d); throws
/// IndexError.
int wrap_dim(const char* op, int dim, int rank);
/// Wrapped dims as bits; an empty list means all dims. Throws on repeats.
uint64_t dims_mask(const char* op, const Dims& dims, int rank);

/// a * b without the undefined behaviour of overflow: strides of empty tensors may be of any size.
inline int64_t wrapping_product(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
/// Row-major strides, in elements.
Strides contiguous_strides(const Shape& shape);
/// Where the element lies that is number `index` in row-major order.
int64_t offset_of(int64_t index, const Shape& shape, const Strides& strides);
/// The shape two operands broadcast to (NumPy's rule); throws in the op's name.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);
/// Checks that `from` expands to `to`, and gives the strides with which it does (0 where it
/// repeats).
Strides expand_strides(const char* op, const Shape& from, const Strides& strides, const Shape& to);
/// Replaces one -1 by what makes `numel` elements; throws if that cannot be.
Shape infer_shape(const char* op, const Shape& requested, int64_t numel);
/// Throws unless all sizes are >= 0 and their product fits.
void check_sizes(const char* op, const Shape& shape);
/// "[2, 3]".
std::string to_string(const Shape& shape);

}  // namespace reel

template <>
struct fmt::formatter<reel::Shape> : reel::TextFormatter {
  template <class Context>
  auto format(const reel::Shape& shape, Context& context) const {
    return write(reel::to_string(shape), context);
  }
};
