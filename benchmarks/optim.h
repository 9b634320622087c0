#pragma once
// One step of an optimiser over ten million float32 parameters: cases that reel and its peers
// share.

#include <benchmark/benchmark.h>

namespace optim_cases {

constexpr int64_t kSize = 10'000'000;

template <class Step>
void add(const char* name, Step step) {
  benchmark::RegisterBenchmark(name, [step](benchmark::State& state) {
    step();  // makes the state
    for (auto _ : state) step();
    state.SetItemsProcessed(state.iterations() * kSize);
  })->Unit(benchmark::kMillisecond);
}

inline int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace optim_cases
