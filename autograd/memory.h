#pragma once
// Where all buffers, tensors and nodes live: per-thread free lists over a shared cache.

#include <cstddef>
#include <cstdint>

namespace reel::memory {

struct Stats {
  int64_t in_use = 0;         ///< bytes held by live storages, tensors and nodes
  int64_t cached = 0;         ///< bytes kept for reuse
  int64_t peak = 0;           ///< largest in_use since start or reset_peak(), within 64 KiB a thread
  int64_t live_storages = 0;  ///< buffers alive
  int64_t live_tensors = 0;   ///< tensor bodies alive
  int64_t live_nodes = 0;     ///< recorded operations alive
};

/// The counts of all threads together.
Stats stats();
/// Makes the present in_use the peak.
void reset_peak();
/// Gives what this thread and the shared cache hold for reuse back to the system.
void release_cache();

enum class Kind : uint8_t { Storage, Tensor, Node };
inline constexpr int kKinds = 3;

/// A block of at least `bytes`, aligned to 64 bytes where `bytes` is a multiple of 64, else to 16.
/// Throws std::bad_alloc. Blocks of a size that was freed before are reused without a lock.
void* allocate(size_t bytes, Kind kind);
/// Takes back a block of allocate(bytes, kind); any thread may.
void deallocate(void* block, size_t bytes, Kind kind) noexcept;

}  // namespace reel::memory
