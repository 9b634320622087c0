#include <reel/autograd/config.h>
#include <reel/autograd/error.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

namespace reel {
namespace {

int default_threads() {
  const char* wish = std::getenv("REEL_NUM_THREADS");
  if (!wish || !*wish) return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  int count = 0;
  const char* end = wish + std::strlen(wish);
  const auto [stop, error] = std::from_chars(wish, end, count);
  check(error == std::errc() && stop == end && count >= 1,
        "REEL_NUM_THREADS: expected an integer of at least 1, got {}", wish);
  return count;
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{default_threads()};
  return count;
}

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int n) {
  check(n >= 1, "set_num_threads: expected at least 1, got {}", n);
  thread_count().store(n, std::memory_order_relaxed);
}

}  // namespace reel

namespace reel::kernels {
namespace {

// Between two looks at what another thread is to write. Now and then that thread is let go first:
// the system may have put both on one core, where it keeps them for some hundredths of a second.
void pause(int spin) {
  if (spin % 256 == 255) return std::this_thread::yield();
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Some tens of microseconds: kernels of one training step follow each other faster than that, and
// waking a sleeping thread takes longer than many of them.
constexpr int kSpins = 2000;

thread_local bool inside_block = false;

// One call of parallel_for. It lives on the caller's stack: the pool lets no worker touch it after
// the call.
class Job {
 public:
  Job(int64_t blocks, BlockFunction f) : blocks_(blocks), f_(f) {}

  // Takes blocks until none is left: the caller from the front, workers from the back. So in jobs
  // that follow each other a core meets the numbers that it has in its cache: an outer product of
  // 1000 x 784 takes a quarter of the time that it takes if blocks are dealt out in turns.
  void run(bool caller) noexcept {
    inside_block = true;
    try {
      for (int64_t front = 0; taken_.fetch_add(1, std::memory_order_relaxed) < blocks_; ++front)
        f_(caller ? front : blocks_ - 1 - back_.fetch_add(1, std::memory_order_relaxed));
    } catch (...) {
      taken_.store(blocks_, std::memory_order_relaxed);
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
    inside_block = false;
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const int64_t blocks_;
  const BlockFunction f_;
  std::atomic<int64_t> taken_{0}, back_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // read after all workers have left
};

class Pool {
 public:
  // Never destroyed: threads that still use it at exit, or destructors of statics, find it alive.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  // False, with nothing done, if another thread is using the pool.
  bool run(Job& job, int helpers) {
    const std::unique_lock user(user_, std::try_to_lock);
    if (!user.owns_lock()) return false;
    start(helpers);
    open(job, std::min(helpers, workers_));
    job.run(true);
    close();
    return true;
  }

 private:
  void start(int helpers) {
    try {
      for (; workers_ < helpers; ++workers_) std::thread([this] { work(); }).detach();
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are, and the caller, do the work.
    }
  }

  void open(Job& job, int helpers) {
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      seats_ = helpers;
      opened_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
  }

  // A worker that has not come by now is not waited for.
  void close() {
    std::unique_lock lock(mutex_);
    job_ = nullptr;
    seats_ = 0;
    if (working_.load(std::memory_order_acquire) == 0) return;
    lock.unlock();
    for (int spin = 0; spin < kSpins; pause(spin++)) {
      if (working_.load(std::memory_order_acquire) == 0) return;
    }
    lock.lock();
    left_.wait(lock, [&] { return working_.load(std::memory_order_acquire) == 0; });
  }

  void work() {
    uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins && opened_.load(std::memory_order_acquire) == seen; ++spin)
        pause(spin);
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return opened_.load(std::memory_order_relaxed) != seen; });
      seen = opened_.load(std::memory_order_relaxed);
      if (seats_ == 0) continue;
      --seats_;
      working_.fetch_add(1, std::memory_order_relaxed);
      Job& job = *job_;
      lock.unlock();
      job.run(false);
      lock.lock();
      if (working_.fetch_sub(1, std::memory_order_release) == 1) left_.notify_one();
    }
  }

  std::mutex user_;  // held by the thread whose job it is; guards workers_
  int workers_ = 0;

  std::mutex mutex_;  // guards job_ and seats_
  std::condition_variable wake_, left_;
  Job* job_ = nullptr;
  int seats_ = 0;                    // workers that may still join the job
  std::atomic<uint64_t> opened_{0};  // jobs so far
  std::atomic<int> working_{0};      // workers in the job
};

}  // namespace

void parallel_for(int64_t blocks, BlockFunction f) {
  const int64_t threads =
      inside_block || blocks <= 1 ? 1 : std::min<int64_t>(num_threads(), blocks);
  if (threads > 1) {
    Job job(blocks, f);
    if (Pool::instance().run(job, static_cast<int>(threads - 1))) return job.rethrow();
  }
  for (int64_t block = 0; block < blocks; ++block) f(block);
}

}  // namespace reel::kernels
