#pragma once
// Allocation's quick path: a block from this thread's free list, without a call or a lock.

#include <reel/autograd/memory.h>

#include <array>
#include <atomic>

namespace reel::memory {

enum class Kind : uint8_t { Storage, Tensor, Node };
inline constexpr size_t kKinds = 3;

namespace detail {

// Size classes: every 16 bytes up to 2 KiB, then eight to a doubling.
inline constexpr size_t kFineStep = 16;
inline constexpr size_t kFineLimit = 2048;
inline constexpr int kFineClasses = kFineLimit / kFineStep;
inline constexpr int kClasses = kFineClasses + 8 * 38;

struct Free {
  Free* next;
};

struct Bin {
  Free* head = nullptr;
  int32_t count = 0;
  int32_t capacity = 0;  // of a thread's bin: with more, it hands half of them on

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

// Written by one thread, read by all: plain additions that others may watch.
struct Counters {
  std::atomic<int64_t> in_use{0};
  std::array<std::atomic<int64_t>, kKinds> live{};
  int64_t flushed = 0;  // what of in_use the peak has been told

  static void add(std::atomic<int64_t>& counter, int64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void count(int64_t bytes, Kind kind, int64_t sign) {
    add(live[static_cast<size_t>(kind)], sign);
    add(in_use, bytes);
    const int64_t unflushed = in_use.load(std::memory_order_relaxed) - flushed;
    if (unflushed > kFlush || unflushed < -kFlush) [[unlikely]]
      flush();
  }
  void flush();
  static constexpr int64_t kFlush = 64 * 1024;
};

struct ThreadCache {
  std::array<Bin, kClasses> bins;
  Counters counters;

  ThreadCache();
  void* refill(int cls);
  void hand_on(int cls, int32_t keep);
};

// A pointer, so that the thread-local block stays small. Null before the first use, after the
// thread's end, and under the address sanitizer, which must see every allocation by itself.
extern constinit thread_local ThreadCache* thread_cache;

void* allocate_slowly(size_t bytes, Kind kind);
void deallocate_slowly(void* block, size_t bytes, Kind kind) noexcept;

}  // namespace detail

/// A block of at least `bytes` > 0, aligned to 64 bytes where `bytes` is a multiple of 64, else
/// to 16. Throws std::bad_alloc.
inline void* allocate(size_t bytes, Kind kind) {
  using namespace detail;
  ThreadCache* cache = thread_cache;
  if (cache && bytes <= kFineLimit) [[likely]] {
    const size_t cls = (bytes - 1) / kFineStep;
    if (void* block = cache->bins[cls].pop()) [[likely]] {
      cache->counters.count(static_cast<int64_t>((cls + 1) * kFineStep), kind, 1);
      return block;
    }
  }
  return allocate_slowly(bytes, kind);
}

/// Takes back a block of allocate(bytes, kind); any thread may.
inline void deallocate(void* block, size_t bytes, Kind kind) noexcept {
  using namespace detail;
  ThreadCache* cache = thread_cache;
  if (cache && bytes <= kFineLimit) [[likely]] {
    const size_t cls = (bytes - 1) / kFineStep;
    Bin& bin = cache->bins[cls];
    if (bin.count < bin.capacity) [[likely]] {
      bin.push(block);
      cache->counters.count(-static_cast<int64_t>((cls + 1) * kFineStep), kind, -1);
      return;
    }
  }
  deallocate_slowly(block, bytes, kind);
}

}  // namespace reel::memory
