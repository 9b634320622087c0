#pragma once
// Stores past the caches. A store fetches the line that it changes; where the whole line is new,
// that is a third of an addition's traffic for nothing.

#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace reel::kernels {

inline constexpr int64_t kLineBytes = 64;

#if defined(__AVX512F__)
using StreamVector = __m512i;
inline void stream(StreamVector* to, StreamVector value) { _mm512_stream_si512(to, value); }
#elif defined(__AVX__)
using StreamVector = __m256i;
inline void stream(StreamVector* to, StreamVector value) { _mm256_stream_si256(to, value); }
#elif defined(__SSE2__)
using StreamVector = __m128i;
inline void stream(StreamVector* to, StreamVector value) { _mm_stream_si128(to, value); }
#endif

/// Copies bytes past the caches, as far as they are whole lines; both start with one.
inline void stream_bytes(const char* from, char* to, int64_t bytes) {
  int64_t done = 0;
#ifdef __SSE2__
  constexpr int64_t width = sizeof(StreamVector);
  for (; done < bytes / kLineBytes * kLineBytes; done += width)
    stream(reinterpret_cast<StreamVector*>(to + done),
           *reinterpret_cast<const StreamVector*>(from + done));
#endif
  std::memcpy(to + done, from + done, static_cast<size_t>(bytes - done));
}

/// Makes what was streamed visible to other threads, as other stores are.
inline void end_stream() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace reel::kernels
