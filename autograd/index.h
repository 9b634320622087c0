#pragma once
// What may stand between the brackets of t.index({...}): integers, slices, None, Ellipsis, masks
// and index tensors.

#include <reel/autograd/tensor.h>

namespace reel {

/// A new dim of size 1 in t.index(); as a bound of a Slice: from the start, or to the end.
struct NoneType {
  constexpr operator std::optional<int64_t>() const { return std::nullopt; }
};
inline constexpr NoneType None;

/// As many whole dims as the other indices leave.
struct EllipsisType {};
inline constexpr EllipsisType Ellipsis;

/// start:end:step. Negative bounds count from the end, bounds beyond it are cut; step > 0.
struct Slice {
  std::optional<int64_t> start, end;
  int64_t step = 1;

  Slice() = default;
  Slice(std::optional<int64_t> first, std::optional<int64_t> last, int64_t every = 1)
      : start(first), end(last), step(every) {}
};

/// One entry of an index list.
class Index {
 public:
  enum class Kind : uint8_t { NewDim, Rest, Integer, Slice, Tensor };

  Index(NoneType) : kind_(Kind::NewDim) {}
  Index(EllipsisType) : kind_(Kind::Rest) {}
  Index(int64_t index) : kind_(Kind::Integer), integer_(index) {}
  Index(int index) : Index(static_cast<int64_t>(index)) {}
  Index(long long index) : Index(static_cast<int64_t>(index)) {}
  Index(bool) = delete;
  Index(const Slice& slice) : kind_(Kind::Slice), slice_(slice) {}
  /// A bool mask, or places of an integer dtype; negative ones count from the end.
  Index(const Tensor& tensor);

  Kind kind() const { return kind_; }
  int64_t integer() const { return integer_; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }
  /// How many dims of the indexed tensor it stands for; an Ellipsis counts as none.
  int consumed_dims() const;

 private:
  Kind kind_;
  int64_t integer_ = 0;
  Slice slice_;
  Tensor tensor_;
};

}  // namespace reel
