#include <reel/autograd/allocate.h>
#include <reel/autograd/error.h>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

// The sanitizer must see every allocation by itself: reuse would hide what it looks for.
#if defined(__SANITIZE_ADDRESS__)
#define REEL_MEMORY_CACHES false
#else
#define REEL_MEMORY_CACHES true
#endif

namespace reel::memory {

using namespace detail;

namespace {

constexpr bool kCaches = REEL_MEMORY_CACHES;

constexpr size_t kSlabLimit = 4096;          // smaller blocks are carved from slabs
constexpr int64_t kThreadLimit = 64 * 1024;  // larger blocks go straight to the shared cache
constexpr size_t kSlabBytes = 64 * 1024;
constexpr size_t kSlabHeader = 64;

[[noreturn]] void fail_to_allocate(size_t bytes) {
  fail("memory: cannot allocate {} bytes", bytes);
}

int class_of(size_t bytes) {
  if (bytes <= kFineLimit) return static_cast<int>((std::max<size_t>(bytes, 1) - 1) / kFineStep);
  const int doubling = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // bytes in (2^d, 2^(d+1)]
  const size_t eighth = size_t{1} << (doubling - 3);
  const size_t step = (bytes - (size_t{1} << doubling) + eighth - 1) / eighth;  // 1..8
  return kFineClasses + 8 * (doubling - 11) + static_cast<int>(step) - 1;
}

size_t bytes_of(int cls) {
  if (cls < kFineClasses) return static_cast<size_t>(cls + 1) * kFineStep;
  const int doubling = (cls - kFineClasses) / 8 + 11;
  const size_t step = static_cast<size_t>((cls - kFineClasses) % 8 + 1);
  return (size_t{1} << doubling) + step * (size_t{1} << (doubling - 3));
}

int32_t thread_capacity(size_t bytes) {
  return static_cast<int32_t>(std::clamp<size_t>((512 * 1024) / bytes, 8, 1024));
}

// ---- the shared cache ----------------------------------------------------------------------------------

struct Central {
  std::mutex mutex;
  std::array<Bin, kClasses> bins;
  std::vector<char*> free_slabs;
  std::vector<ThreadCache*> threads;
  Counters departed;  // sums of threads that ended, and of frees after a thread's end
  std::atomic<int64_t> in_use{0}, peak{0};
  std::atomic<int64_t> obtained{0};  // bytes of blocks in use or cached
  char* chunk = nullptr;
  size_t chunk_left = 0, next_chunk = 256 * 1024;

  void* take_slab();
  void carve(int cls, Bin& into);
  int64_t release_locked();
};

// Never destroyed: tensors with static storage duration may be freed after any destructor of ours.
Central& central() {
  static Central* instance = new Central;
  return *instance;
}

void raise_peak(int64_t in_use) {
  auto& peak = central().peak;
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (in_use > seen && !peak.compare_exchange_weak(seen, in_use, std::memory_order_relaxed)) {
  }
}

void* Central::take_slab() {
  if (!free_slabs.empty()) {
    void* slab = free_slabs.back();
    free_slabs.pop_back();
    return slab;
  }
  if (chunk_left < kSlabBytes) {
    const size_t alignment = next_chunk >= (2u << 20) ? (2u << 20) : kSlabBytes;
    chunk = static_cast<char*>(std::aligned_alloc(alignment, next_chunk));
    if (!chunk) fail_to_allocate(next_chunk);
    // Page faults dominate the first use of memory here; huge pages make 512 times fewer.
    if (next_chunk >= (2u << 20)) madvise(chunk, next_chunk, MADV_HUGEPAGE);
    chunk_left = next_chunk;
    next_chunk = std::min<size_t>(next_chunk * 2, 32u << 20);
  }
  char* slab = chunk;
  chunk += kSlabBytes;
  chunk_left -= kSlabBytes;
  return slab;
}

// A slab starts with its class and, while the cache is released, the number of its free blocks.
struct SlabHeader {
  int cls;
  int64_t free_blocks;
};

size_t blocks_in_slab(int cls) { return (kSlabBytes - kSlabHeader) / bytes_of(cls); }

void Central::carve(int cls, Bin& into) {
  char* slab = static_cast<char*>(take_slab());
  new (slab) SlabHeader{cls, 0};
  const size_t bytes = bytes_of(cls), blocks = blocks_in_slab(cls);
  for (size_t i = blocks; i-- > 0;) into.push(slab + kSlabHeader + i * bytes);
  obtained += static_cast<int64_t>(blocks * bytes);
}

SlabHeader* slab_of(void* block) {
  return reinterpret_cast<SlabHeader*>(reinterpret_cast<uintptr_t>(block) & ~(kSlabBytes - 1));
}

// Returns the bytes given back. Slabs of which every block is free are emptied and kept for any
// class.
int64_t Central::release_locked() {
  int64_t released = 0;
  for (int cls = 0; cls < kClasses; ++cls) {
    Bin& bin = bins[static_cast<size_t>(cls)];
    const int64_t bytes = static_cast<int64_t>(bytes_of(cls));
    if (bytes > static_cast<int64_t>(kSlabLimit)) {
      while (void* block = bin.pop()) {
        std::free(block);
        released += bytes;
      }
      continue;
    }
    const int64_t all = static_cast<int64_t>(blocks_in_slab(cls));
    for (Free* block = bin.head; block; block = block->next) slab_of(block)->free_blocks++;
    Bin kept;
    std::vector<char*> emptied;
    while (void* block = bin.pop()) {
      SlabHeader* slab = slab_of(block);
      if (slab->free_blocks < all) {
        kept.push(block);
      } else if (reinterpret_cast<char*>(slab) + kSlabHeader == block) {
        emptied.push_back(reinterpret_cast<char*>(slab));
      }
    }
    for (Free* block = kept.head; block; block = block->next) slab_of(block)->free_blocks = 0;
    bin = kept;
    for (char* slab : emptied) {
      madvise(slab, kSlabBytes, MADV_DONTNEED);
      free_slabs.push_back(slab);
      released += all * bytes;
    }
  }
  return released;
}

// ---- the threads' caches -------------------------------------------------------------------------------

constinit thread_local bool thread_ended = false;

struct ThreadEnd {
  ~ThreadEnd() {
    ThreadCache* cache = std::exchange(thread_cache, nullptr);
    thread_ended = true;
    if (!cache) return;
    for (int cls = 0; cls < kClasses; ++cls) cache->hand_on(cls, 0);
    Central& shared = central();
    std::lock_guard lock(shared.mutex);
    std::erase(shared.threads, cache);
    shared.departed.in_use += cache->counters.in_use;
    for (size_t kind = 0; kind < kKinds; ++kind)
      shared.departed.live[kind] += cache->counters.live[kind];
    shared.in_use += cache->counters.in_use - cache->counters.flushed;
    delete cache;
  }
};

ThreadCache* start_cache() {
  if (thread_ended) return nullptr;
  static thread_local ThreadEnd at_end;
  (void)at_end;
  auto* cache = new ThreadCache;
  std::lock_guard lock(central().mutex);
  central().threads.push_back(cache);
  return thread_cache = cache;
}

// Null where no cache is to be used.
ThreadCache* cache_of_thread() { return thread_cache || !kCaches ? thread_cache : start_cache(); }

void* new_block(int cls) {
  const size_t bytes = bytes_of(cls);
  const bool large = bytes >= (2u << 20);
  const size_t alignment = large ? (2u << 20) : 64;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(alignment, rounded);
  if (!block) fail_to_allocate(bytes);
  if (large) madvise(block, rounded, MADV_HUGEPAGE);
  central().obtained += static_cast<int64_t>(bytes);
  return block;
}

// For blocks that pass no thread's cache: atomic additions.
void count_without_cache(int64_t bytes, Kind kind, int64_t sign) {
  Central& shared = central();
  shared.departed.in_use += bytes;
  shared.departed.live[static_cast<size_t>(kind)] += sign;
  raise_peak(shared.in_use.fetch_add(bytes) + bytes);
}

// A block for a thread without a cache, or one too large for the threads' caches.
void* allocate_shared(int cls) {
  Central& shared = central();
  {
    std::lock_guard lock(shared.mutex);
    Bin& bin = shared.bins[static_cast<size_t>(cls)];
    if (!bin.head && bytes_of(cls) <= kSlabLimit) shared.carve(cls, bin);
    if (void* block = bin.pop()) return block;
  }
  return new_block(cls);
}

void deallocate_shared(void* block, int cls) {
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  shared.bins[static_cast<size_t>(cls)].push(block);
}

void* allocate_uncached(size_t bytes) {
  void* block = std::aligned_alloc(64, (std::max<size_t>(bytes, 1) + 63) / 64 * 64);
  if (!block) fail_to_allocate(bytes);
  return block;
}

}  // namespace

namespace detail {

constinit thread_local ThreadCache* thread_cache = nullptr;

ThreadCache::ThreadCache() {
  for (int cls = 0; cls < kClasses; ++cls)
    bins[static_cast<size_t>(cls)].capacity = thread_capacity(bytes_of(cls));
}

// Fills an empty bin of this thread from the shared cache or a new slab and returns one block of
// it.
void* ThreadCache::refill(int cls) {
  Bin& mine = bins[static_cast<size_t>(cls)];
  const size_t bytes = bytes_of(cls);
  Central& shared = central();
  {
    std::lock_guard lock(shared.mutex);
    Bin& theirs = shared.bins[static_cast<size_t>(cls)];
    for (int n = mine.capacity / 2; n > 0 && theirs.head; --n) mine.push(theirs.pop());
    if (!mine.head && bytes <= kSlabLimit) shared.carve(cls, mine);
  }
  void* block = mine.pop();
  return block ? block : new_block(cls);
}

// Moves all but `keep` blocks of a class to the shared cache.
void ThreadCache::hand_on(int cls, int32_t keep) {
  Bin& mine = bins[static_cast<size_t>(cls)];
  if (mine.count <= keep) return;
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  while (mine.count > keep) shared.bins[static_cast<size_t>(cls)].push(mine.pop());
}

void Counters::flush() {
  const int64_t now = in_use.load(std::memory_order_relaxed);
  const int64_t change = now - std::exchange(flushed, now);
  raise_peak(central().in_use.fetch_add(change) + change);
}

void* allocate_slowly(size_t bytes, Kind kind) {
  const int cls = class_of(bytes);
  if (cls >= kClasses) fail_to_allocate(bytes);
  const int64_t rounded = static_cast<int64_t>(bytes_of(cls));
  ThreadCache* cache = cache_of_thread();
  void* block = nullptr;
  if (!kCaches) {
    block = allocate_uncached(bytes);
  } else if (cache && rounded <= kThreadLimit) {
    block = cache->bins[static_cast<size_t>(cls)].pop();
    if (!block) block = cache->refill(cls);
  } else {
    block = allocate_shared(cls);
  }
  if (cache) {
    cache->counters.count(rounded, kind, 1);
  } else {
    count_without_cache(rounded, kind, 1);
  }
  return block;
}

void deallocate_slowly(void* block, size_t bytes, Kind kind) noexcept {
  const int cls = class_of(bytes);
  const int64_t rounded = static_cast<int64_t>(bytes_of(cls));
  ThreadCache* cache = cache_of_thread();
  if (!kCaches) {
    std::free(block);
  } else if (cache && rounded <= kThreadLimit) {
    Bin& bin = cache->bins[static_cast<size_t>(cls)];
    bin.push(block);
    if (bin.count > bin.capacity) cache->hand_on(cls, bin.capacity / 2);
  } else {
    deallocate_shared(block, cls);
  }
  if (cache) {
    cache->counters.count(-rounded, kind, -1);
  } else {
    count_without_cache(-rounded, kind, -1);
  }
}

}  // namespace detail

Stats stats() {
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  Stats sum;
  const auto take = [&](const Counters& counters) {
    sum.in_use += counters.in_use;
    sum.live_storages += counters.live[static_cast<size_t>(Kind::Storage)];
    sum.live_tensors += counters.live[static_cast<size_t>(Kind::Tensor)];
    sum.live_nodes += counters.live[static_cast<size_t>(Kind::Node)];
  };
  take(shared.departed);
  for (const ThreadCache* cache : shared.threads) take(cache->counters);
  sum.cached = kCaches ? std::max<int64_t>(shared.obtained - sum.in_use, 0) : 0;
  raise_peak(sum.in_use);
  sum.peak = shared.peak;
  return sum;
}

void reset_peak() {
  central().peak = 0;
  stats();
}

void release_cache() {
  if (ThreadCache* cache = cache_of_thread()) {
    for (int cls = 0; cls < kClasses; ++cls) cache->hand_on(cls, 0);
  }
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  shared.obtained -= shared.release_locked();
}

}  // namespace reel::memory
