#pragma once
// Splitting work over the library's threads. Blocks are fixed by the problem, never by the number
// of threads, so that a result has the same bits for any of them.

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace reel::kernels {

/// A function that takes the number of a block, seen through two pointers. It does not own what it
/// refers to.
class BlockFunction {
 public:
  template <class F>
  requires std::invocable<F&, int64_t> &&
      (!std::same_as<std::remove_cvref_t<F>, BlockFunction>)BlockFunction(F&& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, int64_t block) {
          (*static_cast<std::remove_reference_t<F>*>(object))(block);
        }) {}
  void operator()(int64_t block) const { call_(object_, block); }

 private:
  void* object_;
  void (*call_)(void*, int64_t);
};

/// Calls f(0) to f(blocks - 1), in any order and on several threads, the caller's among them;
/// returns when all are done. Inside a block, or while another thread uses the pool, the calls are
/// made one after the other. What a block throws is thrown to the caller, and blocks that have not
/// begun are left out.
void parallel_for(int64_t blocks, BlockFunction f);

/// Calls f(first, count) for pieces of [0, n), at most `most` at a time: on several threads if
/// there is more than one. The pieces are an even number, and alike, for the sake of two threads.
template <class F>
void for_pieces(int64_t n, int64_t most, F&& f) {
  if (n <= most) return n > 0 ? f(int64_t{0}, n) : void();
  const int64_t pieces = (n + 2 * most - 1) / (2 * most) * 2;
  constexpr int64_t unit = 64;  // a whole number of any vectors and cache lines
  const int64_t piece = most < unit ? most : ((n + pieces - 1) / pieces + unit - 1) / unit * unit;
  parallel_for((n + piece - 1) / piece, [&](int64_t block) {
    const int64_t first = block * piece;
    f(first, std::min(piece, n - first));
  });
}

/// Elements that a thread takes at once of an operation as cheap as an addition, and of one that
/// evaluates a function: some microseconds. Multiples of every vector's width.
inline constexpr int64_t kCheapPiece = 32768, kCostlyPiece = 8192;

}  // namespace reel::kernels
