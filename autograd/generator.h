#pragma once
// Where random numbers come from: the Mersenne Twister, drawn from as PyTorch's CPU generator
// draws.

#include <cstdint>

namespace reel {

/// mt19937. The same seed gives the same stream as a torch.Generator on the CPU. A copy continues
/// the stream by itself, so a copy also serves to save and restore a state. Not to be shared by
/// threads.
class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;

  explicit Generator(uint64_t seed = kDefaultSeed) { manual_seed(seed); }
  /// Starts the stream of `seed`, whose low 32 bits count. Forgets a second normal that was kept.
  Generator& manual_seed(uint64_t seed);
  /// What it was last seeded with.
  uint64_t initial_seed() const { return seed_; }

  /// 32 random bits.
  uint32_t random() {
    if (next_ == kWords) refill();
    uint32_t bits = words_[next_++];
    bits ^= bits >> 11;
    bits ^= (bits << 7) & 0x9d2c5680u;
    bits ^= (bits << 15) & 0xefc60000u;
    return bits ^ (bits >> 18);
  }
  /// 64 random bits, the high word drawn first.
  uint64_t random64() {
    const uint64_t high = random();
    return high << 32 | random();
  }
  /// Uniform in [0, 1): multiples of 2^-24 from one draw for float, of 2^-53 from two for double.
  template <class T>
  T uniform() {
    if constexpr (sizeof(T) == sizeof(float)) {
      return static_cast<T>(random() & 0xffffffu) * T{0x1p-24f};
    } else {
      return static_cast<T>(random64() & 0x1fffffffffffffu) * T{0x1p-53};
    }
  }
  /// Standard normal (Box-Muller). Numbers come in pairs; the second is kept for the next call.
  double normal();

 private:
  static constexpr int kWords = 624;

  void refill();

  uint32_t words_[kWords];
  int next_ = kWords;
  bool has_normal_ = false;
  double normal_ = 0;
  uint64_t seed_ = 0;
};

/// This thread's generator, which all samplers use unless told otherwise. Every thread's starts
/// with kDefaultSeed.
Generator& default_generator();
/// Seeds this thread's generator (torch.manual_seed) and returns it.
Generator& manual_seed(uint64_t seed);

}  // namespace reel
