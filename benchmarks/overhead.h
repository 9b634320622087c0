#pragma once
// What an operation costs beside its arithmetic: the cases of overhead.cpp and of its peer, written
// once so that both libraries do the same. The including file brings the library's Tensor.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <initializer_list>
#include <string>

namespace overhead {

inline constexpr int kSteps = 64;        ///< of y = y * w + b in one chain
inline constexpr int kOps = 2 * kSteps;  ///< a product and a sum each

/// All float32 and of one size; w and b require grad, the others do not.
template <class Tensor>
struct Inputs {
  Tensor x, w, b, gradient;
};

template <class Tensor>
Tensor chain(const Inputs<Tensor>& inputs) {
  Tensor y = inputs.x;
  for (int step = 0; step < kSteps; ++step) y = y * inputs.w + inputs.b;
  return y;
}

/// The time is that of one op, whichever the chain's length.
inline void report(benchmark::State& state) {
  using benchmark::Counter;
  state.counters["ops"] = kOps;
  state.counters["per_op"] = Counter(kOps, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

template <class Tensor, class NoGradGuard>
void no_grad(benchmark::State& state, const Inputs<Tensor>& inputs) {
  NoGradGuard guard;
  for (auto _ : state) benchmark::DoNotOptimize(chain(inputs));
  report(state);
}

/// Recording and dropping what was recorded.
template <class Tensor>
void forward(benchmark::State& state, const Inputs<Tensor>& inputs) {
  for (auto _ : state) benchmark::DoNotOptimize(chain(inputs));
  report(state);
}

/// A gradient is passed at every size, so that no reduction is measured.
template <class Tensor>
void forward_backward(benchmark::State& state, const Inputs<Tensor>& inputs) {
  for (auto _ : state) {
    inputs.w.mutable_grad() = Tensor();
    inputs.b.mutable_grad() = Tensor();
    chain(inputs).backward(inputs.gradient);
  }
  report(state);
}

/// Registers all cases; `make(size)` gives the inputs.
template <class Tensor, class NoGradGuard, class Make>
void add_cases(Make make) {
  for (const int64_t size : {1, 16, 256}) {
    const Inputs<Tensor> inputs = make(size);
    const auto add = [&](const char* name, auto run) {
      const std::string label = std::string(name) + "/" + std::to_string(size);
      benchmark::RegisterBenchmark(label.c_str(), run, inputs)->UseRealTime();
    };
    add("no_grad", no_grad<Tensor, NoGradGuard>);
    add("forward", forward<Tensor>);
    add("forward_backward", forward_backward<Tensor>);
  }
}

/// What both programs do after registering their cases.
inline int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace overhead
