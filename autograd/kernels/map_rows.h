#pragma once
// Elementwise results row by row, on several threads: what all operations have in common, whatever
// their formula and dtypes.

#include <reel/autograd/array.h>

#include <array>

namespace reel::kernels {

/// Computes rows of the last of N arrays from those of the others: a function of `count` rows that
/// lie `apart` bytes from each other, each of n numbers in steps of so many elements. It is seen
/// through two pointers, so that the walk stands in the library once, and does not own what it
/// refers to.
template <size_t N>
class RowFunction {
 public:
  using Places = std::array<char*, N>;
  using Steps = std::array<int64_t, N>;

  template <class F>
  explicit RowFunction(const F& f)
      : object_(&f),
        call_([](const void* object, int64_t count, const Steps& apart, int64_t n,
                 const Places& places, const Steps& steps) {
          (*static_cast<const F*>(object))(count, apart, n, places, steps);
        }) {}
  void operator()(int64_t count, const Steps& apart, int64_t n, const Places& places,
                  const Steps& steps) const {
    call_(object_, count, apart, n, places, steps);
  }

 private:
  const void* object_;
  void (*call_)(const void*, int64_t, const Steps&, int64_t, const Places&, const Steps&);
};

/// Calls `row` for all rows of arrays that expand to the shape of the last, the result, in any
/// order and long ones in pieces. Throws with the name `op` if one does not expand.
template <size_t N>
void map_rows(const char* op, const std::array<const Array*, N>& arrays, RowFunction<N> row);

extern template void map_rows(const char*, const std::array<const Array*, 2>&, RowFunction<2>);
extern template void map_rows(const char*, const std::array<const Array*, 3>&, RowFunction<3>);
extern template void map_rows(const char*, const std::array<const Array*, 4>&, RowFunction<4>);

}  // namespace reel::kernels
