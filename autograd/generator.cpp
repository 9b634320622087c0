// The twister itself, and the pairs of normals. Matsumoto and Nishimura, "Mersenne Twister", ACM
// TOMACS 8 (1998).
#include <reel/autograd/generator.h>

#include <cmath>
#include <numbers>
#include <utility>

namespace reel {
namespace {

constexpr uint32_t twist(uint32_t high, uint32_t low) {
  const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (mixed >> 1) ^ ((low & 1u) ? 0x9908b0dfu : 0u);
}

}  // namespace

Generator& Generator::manual_seed(uint64_t seed) {
  seed_ = seed;
  words_[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < kWords; ++i)
    words_[i] = 1812433253u * (words_[i - 1] ^ (words_[i - 1] >> 30)) + i;
  next_ = kWords;
  has_normal_ = false;
  return *this;
}

void Generator::refill() {
  constexpr int kShift = 397;
  for (int i = 0; i < kWords - kShift; ++i)
    words_[i] = words_[i + kShift] ^ twist(words_[i], words_[i + 1]);
  for (int i = kWords - kShift; i < kWords - 1; ++i) {
    words_[i] = words_[i + kShift - kWords] ^ twist(words_[i], words_[i + 1]);
  }
  words_[kWords - 1] = words_[kShift - 1] ^ twist(words_[kWords - 1], words_[0]);
  next_ = 0;
}

double Generator::normal() {
  if (std::exchange(has_normal_, false)) return normal_;
  const double angle = 2 * std::numbers::pi * uniform<double>();
  const double radius = std::sqrt(-2 * std::log1p(-uniform<double>()));
  normal_ = radius * std::sin(angle);
  has_normal_ = true;
  return radius * std::cos(angle);
}

Generator& default_generator() {
  thread_local Generator generator;
  return generator;
}

Generator& manual_seed(uint64_t seed) { return default_generator().manual_seed(seed); }

}  // namespace reel
