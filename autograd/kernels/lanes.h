#pragma once
// Vectors whose lanes change places, which xsimd cannot express. GCC and Clang compute with them as
// with numbers.

#include <cstdint>
#include <cstring>
#include <utility>

namespace reel::kernels {

/// N numbers in a register, or in several.
template <class T, int64_t N>
struct LanesOf {
  using Type __attribute__((vector_size(N * sizeof(T)))) = T;
};
template <class T, int64_t N>
using Lanes = typename LanesOf<T, N>::Type;

template <class V, class T>
V load_lanes(const T* from) {
  V lanes;
  std::memcpy(&lanes, from, sizeof(V));
  return lanes;
}

template <class V, class T>
void store_lanes(const V& lanes, T* to) {
  std::memcpy(to, &lanes, sizeof(V));
}

/// Every second lane of both, from the first or from the second on.
template <int First, class V, int... I>
V every_second(V low, V high, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(low, high, (2 * I + First)...);
}

/// Of two rows of a matrix, the off-diagonal blocks of `Step` columns change places.
template <int Step, class V, int... I>
void exchange(V& upper, V& lower, std::integer_sequence<int, I...>) {
  constexpr int n = sizeof...(I);
  const V a = upper, b = lower;
  upper = __builtin_shufflevector(a, b, (I & Step ? n + I - Step : I)...);
  lower = __builtin_shufflevector(a, b, (I & Step ? n + I : I + Step)...);
}

/// Transposes N x N numbers by exchanging blocks of 1, 2, 4, ... columns.
template <int N, int Step = 1, class V>
void transpose(V (&rows)[N]) {
  for (int i = 0; i < N; ++i) {
    if (!(i & Step)) exchange<Step>(rows[i], rows[i + Step], std::make_integer_sequence<int, N>());
  }
  if constexpr (2 * Step < N) transpose<N, 2 * Step>(rows);
}

}  // namespace reel::kernels
