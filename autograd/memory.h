#pragma once
// Where all buffers, tensors and nodes live: per-thread free lists over a shared cache.

#include <cstddef>
#include <cstdint>

namespace reel::memory {

struct Stats {
  int64_t in_use = 0;  ///< bytes held by live storages, tensors and nodes
  int64_t cached = 0;  ///< bytes kept for reuse
  int64_t peak = 0;    ///< largest in_use since start or reset_peak(), within 64 KiB a thread
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

}  // namespace reel::memory
