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

// By reference: processors without registers of that size pass such values differently.
template <class V, class T>
void load_lanes(const T* from, V& lanes) {
  std::memcpy(&lanes, from, sizeof(V));
}

template <class V, class T>
void store_lanes(const V& lanes, T* to) {
  std::memcpy(to, &lanes, sizeof(V));
}

/// The lanes of even and of odd number of both vectors.
template <class V, int... I>
void deinterleave(V& low, V& high, std::integer_sequence<int, I...>) {
  const V a = low, b = high;
  low = __builtin_shufflevector(a, b, (2 * I)...);
  high = __builtin_shufflevector(a, b, (2 * I + 1)...);
}

/// The inverse.
template <class V, int... I>
void interleave(V& even, V& odd, std::integer_sequence<int, I...>) {
  constexpr int n = sizeof...(I);
  const V a = even, b = odd;
  even = __builtin_shufflevector(a, b, (I / 2 + I % 2 * n)...);
  odd = __builtin_shufflevector(a, b, (n / 2 + I / 2 + I % 2 * n)...);
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
