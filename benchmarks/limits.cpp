// What the machine can do with a number of threads: products and sums a second in registers, and
// bytes a second through arrays of several sizes, read only and as a = b + c. Prints JSON.
//   limits threads
#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

typedef float Vector __attribute__((vector_size(64)));
constexpr size_t kLanes = sizeof(Vector) / sizeof(float);

void keep(Vector& x) { asm volatile("" : "+m"(x) : : "memory"); }

// Of this thread's processor time, so that what else the machine does matters less.
double seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

// The sum over threads of amount / time, each running a work of its own; the best of several tries.
double best_rate(int threads, double amount, const std::function<std::function<void()>()>& make) {
  constexpr int kTries = 20;  // each short, so that some are not interrupted
  std::vector<double> rates(static_cast<size_t>(threads));
  double best = 0;
  std::barrier together(threads, [&]() noexcept {
    double sum = 0;
    for (const double rate : rates) sum += rate;
    best = std::max(best, sum);
  });
  std::vector<std::thread> running;
  for (double& rate : rates) {
    running.emplace_back([&] {
      const std::function<void()> work = make();
      work();
      for (int i = 0; i <= kTries; ++i) {
        together.arrive_and_wait();
        rate = amount / seconds(work);
      }
      together.arrive_and_wait();
    });
  }
  for (std::thread& thread : running) thread.join();
  return best;
}

// Twelve sums at once hide the latency of each. They have names because an array stays in memory.
void multiply_add(int64_t rounds) {
  Vector x = {1}, y = {2};
  keep(x);
  keep(y);
  Vector a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
  for (int64_t round = 0; round < rounds; ++round) {
    a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y;
    e = e * x + y, f = f * x + y, g = g * x + y, h = h * x + y;
    i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;
    // Twelve equal sums would be computed once.
    asm volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f));
    asm volatile("" : "+x"(g), "+x"(h), "+x"(i), "+x"(j), "+x"(k), "+x"(l));
  }
  Vector sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l));
  keep(sum);
}

double flops(int threads) {
  constexpr int64_t kRounds = 300'000;
  return best_rate(threads, 2.0 * 12 * kLanes * kRounds,
                   [] { return [] { multiply_add(kRounds); }; });
}

void read(const std::vector<Vector>& x) {
  Vector a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {};
  for (const Vector *p = x.data(), *end = p + x.size() / 8 * 8; p != end; p += 8) {
    a += p[0], b += p[1], c += p[2], d += p[3];
    e += p[4], f += p[5], g += p[6], h += p[7];
  }
  Vector sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
  keep(sum);
}

void add(const std::vector<Vector>& a, const std::vector<Vector>& b, std::vector<Vector>& c) {
  for (size_t i = 0; i < a.size(); ++i) c[i] = a[i] + b[i];
}

// Past the caches, so that c need not be read first.
void add_past(const std::vector<Vector>& a, const std::vector<Vector>& b, std::vector<Vector>& c) {
#ifdef __AVX512F__
  for (size_t i = 0; i < a.size(); ++i) {
    _mm512_stream_ps(reinterpret_cast<float*>(&c[i]), reinterpret_cast<__m512>(a[i] + b[i]));
  }
  _mm_sfence();
#else
  add(a, b, c);
#endif
}

// Passes enough for half a millisecond or more.
int passes(double bytes) { return std::max(1, static_cast<int>(5e7 / bytes)); }

double read_rate(int threads, double bytes) {
  const double share = bytes / threads;
  const int count = passes(share);
  return best_rate(threads, share * count, [=] {
    const auto x =
        std::make_shared<std::vector<Vector>>(static_cast<size_t>(share) / sizeof(Vector));
    return [=] {
      for (int i = 0; i < count; ++i) read(*x);
    };
  });
}

double add_rate(int threads, double bytes) {
  const double share = bytes / threads;
  const int count = passes(share);
  const auto rate_of = [&](auto kernel) {
    return best_rate(threads, share * count, [=] {
      using Array = std::vector<Vector>;
      const size_t size = static_cast<size_t>(share) / 3 / sizeof(Vector);
      const auto arrays = std::make_shared<std::vector<Array>>(3, Array(size));
      return [=] {
        for (int i = 0; i < count; ++i) kernel((*arrays)[0], (*arrays)[1], (*arrays)[2]);
      };
    });
  };
  return std::max(rate_of(add), rate_of(add_past));
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: %s threads\n", argv[0]);
    return 2;
  }
  std::printf("{\"flops\": %.4g, \"bandwidth\": [", flops(threads));
  const char* separator = "";
  for (double bytes = 12 * 1024; bytes < 3e8; bytes *= 2) {
    std::printf("%s\n  {\"bytes\": %.0f, \"read\": %.4g, \"add\": %.4g}", separator, bytes,
                read_rate(threads, bytes), add_rate(threads, bytes));
    separator = ",";
  }
  std::printf("\n]}\n");
  return 0;
}
