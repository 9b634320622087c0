// A chain of ten million recorded operations, and a million evaluations that nobody differentiates:
// neither recurses, and memory comes back. Exits with 1 if a gradient or a count is wrong.
//   chain [ops = 10000000] [evaluations = 1000000]
#include <reel/reel.h>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

using namespace reel;

namespace {

double mebibytes(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// Runs one phase and prints what each op (or evaluation) took, and the most memory that was in use
// meanwhile.
template <class Phase>
void measure(const char* name, int64_t ops, Phase phase) {
  memory::reset_peak();
  const auto start = std::chrono::steady_clock::now();
  phase();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  fmt::print("{:<24}{:>12}{:>10.1f}{:>9.2f}{:>12.1f}\n", name, ops,
             elapsed.count() / static_cast<double>(ops), elapsed.count() / 1e9,
             mebibytes(memory::stats().peak));
}

// What was alive before must be all that is alive after.
bool same(const char* name, const memory::Stats& before) {
  const memory::Stats after = memory::stats();
  if (after.in_use == before.in_use && after.live_nodes == before.live_nodes &&
      after.live_tensors == before.live_tensors && after.live_storages == before.live_storages) {
    return true;
  }
  fmt::print(stderr,
             "{}: {} bytes, {} storages, {} tensors, {} nodes before; {}, {}, {}, {} after\n", name,
             before.in_use, before.live_storages, before.live_tensors, before.live_nodes,
             after.in_use, after.live_storages, after.live_tensors, after.live_nodes);
  return false;
}

// With x = w = 1 and b = 0 every y is 1, so both gradients are the number of steps: float32 counts
// exactly up to 2^24.
bool run_chain(int64_t steps, const char* pass) {
  const memory::Stats before = memory::stats();
  bool correct = true;
  {
    const Tensor x = ones({1});
    const Tensor w = ones({1}, {.requires_grad = true});
    const Tensor b = zeros({1}, {.requires_grad = true});
    Tensor y = x;
    measure(fmt::format("chain{}, recorded", pass).c_str(), 2 * steps, [&] {
      for (int64_t step = 0; step < steps; ++step) y = y * w + b;
    });
    measure("  backward", 2 * steps, [&] { y.backward(); });
    measure("  destruction", 2 * steps, [&] { y = Tensor(); });
    const auto expected = static_cast<float>(std::min<int64_t>(steps, 1 << 24));
    correct = w.grad().item<float>() == expected && b.grad().item<float>() == expected;
    if (!correct) {
      fmt::print(stderr, "chain: expected the gradients {}, got {} and {}\n", expected,
                 w.grad().item<float>(), b.grad().item<float>());
    }
  }
  return same("chain", before) && correct;
}

// The graph of the last evaluation is dropped with its output.
bool run_evaluations(int64_t evaluations) {
  const Tensor x = full({16}, 0.5);
  const Tensor w = full({16}, 0.9, {.requires_grad = true});
  const Tensor b = full({16}, 0.1, {.requires_grad = true});
  const memory::Stats before = memory::stats();
  measure("evaluations of 4 ops", evaluations, [&] {
    for (int64_t i = 0; i < evaluations; ++i) (x * w + b).tanh().sum();
  });
  return same("evaluations", before);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t ops = argc > 1 ? std::atoll(argv[1]) : 10'000'000;
  const int64_t evaluations = argc > 2 ? std::atoll(argv[2]) : 1'000'000;
  if (argc > 3 || ops < 2 || evaluations < 1) {
    fmt::print(stderr, "usage: {} [ops >= 2] [evaluations >= 1]\n", argv[0]);
    return 2;
  }
  set_num_threads(1);
  fmt::print("{}\n{:<24}{:>12}{:>10}{:>9}{:>12}\n", config(), "phase", "count", "ns each", "s",
             "peak MiB");
  // Twice: the first time pays for pages that the system has yet to map.
  const bool correct =
      run_chain(ops / 2, "") && run_chain(ops / 2, " again") && run_evaluations(evaluations);
  const memory::Stats end = memory::stats();
  fmt::print("in use at the end: {:.1f} MiB, cached {:.1f} MiB\n{}\n", mebibytes(end.in_use),
             mebibytes(end.cached), correct ? "ok" : "FAILED");
  return correct ? 0 : 1;
}
