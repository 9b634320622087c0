#include <reel/autograd/memory.h>

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
namespace {

constexpr bool kCaches = REEL_MEMORY_CACHES;

// ---- size classes: every 16 bytes up to 1 KiB, then eight to a doubling --------------------------------

constexpr size_t kFineStep = 16;
constexpr size_t kFineLimit = 1024;
constexpr int kFineClasses = kFineLimit / kFineStep;
constexpr int kClasses = kFineClasses + 8 * 38;
constexpr size_t kSlabLimit = 4096;         // smaller blocks are carved from slabs
constexpr size_t kThreadLimit = 64 * 1024;  // larger blocks go straight to the shared cache
constexpr size_t kSlabBytes = 64 * 1024;
constexpr size_t kSlabHeader = 64;

int class_of(size_t bytes) {
  if (bytes <= kFineLimit) return static_cast<int>((std::max<size_t>(bytes, 1) - 1) / kFineStep);
  const int doubling = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // bytes in (2^d, 2^(d+1)]
  const size_t eighth = size_t{1} << (doubling - 3);
  const size_t step = (bytes - (size_t{1} << doubling) + eighth - 1) / eighth;  // 1..8
  return kFineClasses + 8 * (doubling - 10) + static_cast<int>(step) - 1;
}

size_t bytes_of(int cls) {
  if (cls < kFineClasses) return static_cast<size_t>(cls + 1) * kFineStep;
  const int doubling = (cls - kFineClasses) / 8 + 10;
  const size_t step = static_cast<size_t>((cls - kFineClasses) % 8 + 1);
  return (size_t{1} << doubling) + step * (size_t{1} << (doubling - 3));
}

struct Free {
  Free* next;
};
struct Bin {
  Free* head = nullptr;
  int64_t count = 0;
  void push(void* block) {
    head = new (block) Free{head};
    ++count;
  }
  void* pop() {
    Free* block = head;
    if (block) {
      head = block->next;
      --count;
    }
    return block;
  }
};

// How many blocks of a class a thread keeps before it hands half of them on.
int64_t thread_capacity(size_t bytes) { return std::clamp<int64_t>(static_cast<int64_t>((512 * 1024) / bytes), 8, 1024); }

// ---- the shared cache ----------------------------------------------------------------------------------

struct Counters {
  std::atomic<int64_t> in_use{0}, cached{0};
  std::array<std::atomic<int64_t>, kKinds> live{};
  std::atomic<int64_t> unflushed{0};  // part of in_use not yet in Central::in_use
};

// Only the owning thread writes: a plain addition that other threads may read.
void add(std::atomic<int64_t>& counter, int64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

struct ThreadCache;

struct Central {
  std::mutex mutex;
  std::array<Bin, kClasses> bins;
  std::vector<char*> free_slabs;
  std::vector<ThreadCache*> threads;
  Counters departed;                   // sums of threads that ended, and of frees after a thread's end
  std::atomic<int64_t> in_use{0}, peak{0};
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
    if (!chunk) throw std::bad_alloc();
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
  const size_t bytes = bytes_of(cls);
  for (size_t i = blocks_in_slab(cls); i-- > 0;) into.push(slab + kSlabHeader + i * bytes);
}

SlabHeader* slab_of(void* block) {
  return reinterpret_cast<SlabHeader*>(reinterpret_cast<uintptr_t>(block) & ~(kSlabBytes - 1));
}

// Returns the bytes given back. Slabs of which every block is free are emptied and kept for any class.
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

struct ThreadCache {
  std::array<Bin, kClasses> bins;
  Counters counters;

  void* refill(int cls);
  void hand_on(int cls, int64_t keep);
};

// A pointer, so that the thread-local block stays small and access needs no call.
constinit thread_local ThreadCache* tls_cache = nullptr;
constinit thread_local bool tls_ended = false;

struct ThreadEnd {
  ~ThreadEnd() {
    ThreadCache* cache = std::exchange(tls_cache, nullptr);
    tls_ended = true;
    if (!cache) return;
    for (int cls = 0; cls < kClasses; ++cls) cache->hand_on(cls, 0);
    Central& shared = central();
    std::lock_guard lock(shared.mutex);
    std::erase(shared.threads, cache);
    shared.departed.in_use += cache->counters.in_use;
    shared.departed.cached += cache->counters.cached;
    for (size_t kind = 0; kind < kKinds; ++kind) shared.departed.live[kind] += cache->counters.live[kind];
    shared.in_use += cache->counters.unflushed;
    delete cache;
  }
};

ThreadCache* start_cache() {
  if (tls_ended) return nullptr;
  static thread_local ThreadEnd at_end;
  (void)at_end;
  auto* cache = new ThreadCache;
  std::lock_guard lock(central().mutex);
  central().threads.push_back(cache);
  return tls_cache = cache;
}

ThreadCache* thread_cache() { return tls_cache ? tls_cache : start_cache(); }

void* new_block(int cls) {
  const size_t bytes = bytes_of(cls);
  const bool large = bytes >= (2u << 20);
  const size_t alignment = large ? (2u << 20) : 64;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(alignment, rounded);
  if (!block) throw std::bad_alloc();
  if (large) madvise(block, rounded, MADV_HUGEPAGE);
  return block;
}

// Fills an empty bin of this thread from the shared cache or a new slab and returns one block of it.
void* ThreadCache::refill(int cls) {
  Bin& mine = bins[static_cast<size_t>(cls)];
  const size_t bytes = bytes_of(cls);
  Central& shared = central();
  {
    std::lock_guard lock(shared.mutex);
    Bin& theirs = shared.bins[static_cast<size_t>(cls)];
    for (int64_t n = std::max<int64_t>(thread_capacity(bytes) / 2, 1); n > 0 && theirs.head; --n) mine.push(theirs.pop());
    if (!mine.head && bytes <= kSlabLimit) {
      shared.carve(cls, mine);
      add(counters.cached, mine.count * static_cast<int64_t>(bytes));
    }
  }
  if (void* block = mine.pop()) return block;
  add(counters.cached, static_cast<int64_t>(bytes));
  return new_block(cls);
}

// Moves all but `keep` blocks of a class to the shared cache.
void ThreadCache::hand_on(int cls, int64_t keep) {
  Bin& mine = bins[static_cast<size_t>(cls)];
  if (mine.count <= keep) return;
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  while (mine.count > keep) shared.bins[static_cast<size_t>(cls)].push(mine.pop());
}

void* take_large(int cls) {
  Central& shared = central();
  {
    std::lock_guard lock(shared.mutex);
    if (void* block = shared.bins[static_cast<size_t>(cls)].pop()) return block;
  }
  return nullptr;
}

constexpr int64_t kFlush = 64 * 1024;

void count(ThreadCache* cache, int64_t bytes, Kind kind, int64_t sign, bool from_cache) {
  Counters& counters = cache ? cache->counters : central().departed;
  if (!cache) {  // after the thread's end: rare, so atomic additions
    counters.in_use += sign * bytes;
    if (from_cache) counters.cached -= sign * bytes;
    counters.live[static_cast<size_t>(kind)] += sign;
    central().in_use += sign * bytes;
    return;
  }
  add(counters.in_use, sign * bytes);
  if (from_cache) add(counters.cached, -sign * bytes);
  add(counters.live[static_cast<size_t>(kind)], sign);
  add(counters.unflushed, sign * bytes);
  const int64_t unflushed = counters.unflushed.load(std::memory_order_relaxed);
  if (unflushed > kFlush || unflushed < -kFlush) [[unlikely]] {
    counters.unflushed.store(0, std::memory_order_relaxed);
    raise_peak(central().in_use.fetch_add(unflushed) + unflushed);
  }
}

}  // namespace

void* allocate(size_t bytes, Kind kind) {
  ThreadCache* cache = thread_cache();
  if (!kCaches) {
    void* block = std::aligned_alloc(64, (std::max<size_t>(bytes, 1) + 63) / 64 * 64);
    if (!block) throw std::bad_alloc();
    count(cache, static_cast<int64_t>(bytes), kind, 1, false);
    return block;
  }
  const int cls = class_of(bytes);
  if (cls >= kClasses) throw std::bad_alloc();
  const int64_t rounded = static_cast<int64_t>(bytes_of(cls));
  void* block = nullptr;
  bool from_cache = true;
  if (cache && rounded <= static_cast<int64_t>(kThreadLimit)) {
    block = cache->bins[static_cast<size_t>(cls)].pop();
    if (!block) [[unlikely]] block = cache->refill(cls);
  } else {
    block = take_large(cls);
    if (!block) {
      // Without a cache of its own (its thread is ending) a small block must still come from a slab.
      if (rounded <= static_cast<int64_t>(kSlabLimit)) {
        std::lock_guard lock(central().mutex);
        Bin& bin = central().bins[static_cast<size_t>(cls)];
        central().carve(cls, bin);
        central().departed.cached += bin.count * rounded;
        block = bin.pop();
      } else {
        block = new_block(cls);
        from_cache = false;
      }
    }
  }
  count(cache, rounded, kind, 1, from_cache);
  return block;
}

void deallocate(void* block, size_t bytes, Kind kind) noexcept {
  ThreadCache* cache = thread_cache();
  if (!kCaches) {
    count(cache, static_cast<int64_t>(bytes), kind, -1, false);
    std::free(block);
    return;
  }
  const int cls = class_of(bytes);
  const int64_t rounded = static_cast<int64_t>(bytes_of(cls));
  count(cache, rounded, kind, -1, true);
  if (cache && rounded <= static_cast<int64_t>(kThreadLimit)) {
    Bin& bin = cache->bins[static_cast<size_t>(cls)];
    bin.push(block);
    const int64_t capacity = thread_capacity(static_cast<size_t>(rounded));
    if (bin.count > capacity) [[unlikely]] cache->hand_on(cls, capacity / 2);
    return;
  }
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  shared.bins[static_cast<size_t>(cls)].push(block);
}

Stats stats() {
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  Stats sum;
  const auto take = [&](const Counters& counters) {
    sum.in_use += counters.in_use;
    sum.cached += counters.cached;
    sum.live_storages += counters.live[static_cast<size_t>(Kind::Storage)];
    sum.live_tensors += counters.live[static_cast<size_t>(Kind::Tensor)];
    sum.live_nodes += counters.live[static_cast<size_t>(Kind::Node)];
  };
  take(shared.departed);
  for (const ThreadCache* cache : shared.threads) take(cache->counters);
  raise_peak(sum.in_use);
  sum.peak = shared.peak;
  return sum;
}

void reset_peak() {
  central().peak = 0;
  stats();
}

void release_cache() {
  if (ThreadCache* cache = thread_cache()) {
    for (int cls = 0; cls < kClasses; ++cls) cache->hand_on(cls, 0);
  }
  Central& shared = central();
  std::lock_guard lock(shared.mutex);
  shared.departed.cached -= shared.release_locked();
}

}  // namespace reel::memory
