#pragma once
// Reference-counted handles, and the buffer that tensors share.

#include <reel/autograd/allocate.h>

#include <atomic>
#include <new>
#include <utility>

namespace reel {

/// Counts the handles to an object. Only the last handle sees `drop()` return true.
class RefCount {
 public:
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  bool drop() noexcept {
    // The sole owner needs no atomic read-modify-write: nobody is left who could add.
    if (count_.load(std::memory_order_acquire) == 1) return true;
    return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<int32_t> count_{1};
};

/// An intrusive handle. `T` has a `RefCount refs` and a function `destroy(T*)` found beside it.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  /// Takes over the count the object was made with.
  static Ref adopt(T* object) noexcept {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  /// One handle more.
  static Ref share(T* object) noexcept {
    if (object) object->refs.add();
    return adopt(object);
  }
  Ref(const Ref& other) noexcept : object_(other.object_) {
    if (object_) object_->refs.add();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  /// From a handle to a class derived from T.
  template <class U>
  requires std::is_convertible_v<U*, T*> Ref(Ref<U> other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ && object_->refs.drop()) destroy(object_);
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  T* release() noexcept { return std::exchange(object_, nullptr); }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

/// A buffer and its version, which every change in place raises. The record stands behind the data,
/// so that a number and its record share one cache line.
struct Storage {
  RefCount refs;
  std::atomic<uint32_t> version{0};
  std::byte* data;
  size_t bytes;        // of the data
  size_t block_bytes;  // of data and record

  static Ref<Storage> make(size_t bytes) {
    const size_t padded = (bytes + 31) / 32 * 32;
    const size_t block_bytes = (padded + sizeof(Storage) + 63) / 64 * 64;
    auto* block = static_cast<std::byte*>(memory::allocate(block_bytes, memory::Kind::Storage));
    return Ref<Storage>::adopt(new (block + padded) Storage(block, bytes, block_bytes));
  }
  void bump() {
    version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  friend void destroy(Storage* storage) noexcept {
    memory::deallocate(storage->data, storage->block_bytes, memory::Kind::Storage);
  }

 private:
  Storage(std::byte* start, size_t used, size_t whole)
      : data(start), bytes(used), block_bytes(whole) {}
};

}  // namespace reel
