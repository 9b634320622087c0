#pragma once
// What the benchmark programs share. Each is compiled twice: with reel/library.h, and as a peer
// with peers/library.h, so that both libraries run the same cases.

#include <benchmark/benchmark.h>

#include <library.h>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace cases {

using library::Tensor;
using Step = std::function<void()>;

/// One row of the table of `compare`.
struct Case {
  std::string name;
  double goal = 0;               ///< LibTorch's time over reel's at least; 0: none
  double goal_nanoseconds = 0;   ///< and reel's time at most; 0: none
  double flops = 0;              ///< unavoidable, a product and a sum being two
  double read = 0, written = 0;  ///< unavoidable bytes
  double ops = 1;                ///< the time is divided by
};

/// "name/size".
inline std::string sized(std::string name, int64_t size) {
  name += '/';
  return name += std::to_string(size);
}

/// What the last case has prepared: benchmark calls a case several times, and inputs are large.
struct Prepared {
  const void* owner = nullptr;
  Step step;
};
inline Prepared prepared;

inline void measure(benchmark::State& state, const std::string& name, const Step& step) {
  step();  // makes gradients and the state of optimisers
  step();
  int64_t before = library::bytes_held();
  library::reset_peak();
  for (auto _ : state) step();
  state.counters["peak"] = static_cast<double>(library::peak_bytes());
  int64_t grown = library::bytes_held() - before;
  // Threads may need all of their scratch memory at once for the first time; no other round grows.
  for (int round = 0; grown != 0 && round < 3; ++round) {
    before = library::bytes_held();
    for (benchmark::IterationCount i = 0; i < state.iterations(); ++i) step();
    grown = library::bytes_held() - before;
  }
  if (grown != 0) {
    state.SkipWithError(
        (name + ": a repeated step takes " + std::to_string(grown) + " bytes from the system")
            .c_str());
  }
}

/// Registers a case. `prepare()` makes the inputs and returns one step.
template <class Prepare>
void add(const Case& row, Prepare prepare) {
  const auto owner = std::make_shared<int>();  // its address tells cases apart
  const auto run = [row, prepare, owner](benchmark::State& state) {
    if (prepared.owner != owner.get()) {
      prepared.step = nullptr;
      prepared = {owner.get(), prepare()};
    }
    measure(state, row.name, prepared.step);
    state.counters["goal"] = row.goal;
    state.counters["goal_nanoseconds"] = row.goal_nanoseconds;
    state.counters["flops"] = row.flops;
    state.counters["read"] = row.read;
    state.counters["written"] = row.written;
    state.counters["ops"] = row.ops;
  };
  benchmark::RegisterBenchmark(row.name.c_str(), run)->UseRealTime();
}

/// A case that evaluates f() without recording and drops the result.
template <class Make>
void add_evaluation(const Case& row, Make make) {
  add(row, [make] {
    return Step([f = make()] {
      library::NoGradGuard no_grad;
      benchmark::DoNotOptimize(f());
    });
  });
}

/// The program, once the cases are registered. REEL_NUM_THREADS, or OMP_NUM_THREADS and
/// OPENBLAS_NUM_THREADS for the peer, say how many threads run.
inline int run(int argc, char** argv) {
  library::add_context();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  prepared.step = nullptr;
  benchmark::Shutdown();
  return 0;
}

}  // namespace cases
