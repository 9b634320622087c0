#pragma once
// An optimiser's step in one pass over memory: the optimiser contributes its formula for one
// element.

#include <reel/autograd/array.h>
#include <reel/autograd/kernels/parallel.h>

#include <algorithm>

namespace reel::kernels {

/// Calls f(p, g, s...) for every element of a parameter: its number and its states by reference,
/// its gradient by value. All are row-major and of the parameter's shape and floating dtype. Large
/// ones are shared out among threads.
template <class F, class... States>
void step_elements(const char* op, const Array& parameter, const Array& g, F f,
                   const States&... states) {
  dispatch_float(parameter.dtype(), op, [&]<class T>(TypeTag<T>) {
    constexpr int64_t block = 1 << 15;
    const int64_t count = parameter.numel();
    const auto run = [&](int64_t first, int64_t last) {
      [&](T* p, const T* gradient, auto*... s) {
#pragma GCC ivdep
        for (int64_t i = first; i < last; ++i) f(p[i], gradient[i], s[i]...);
      }(parameter.data<T>(), g.data<T>(), states.template data<T>()...);
    };
    if (count <= block) return run(0, count);
    parallel_for((count + block - 1) / block,
                 [&](int64_t i) { run(i * block, std::min((i + 1) * block, count)); });
  });
  parameter.storage()->bump();
}

}  // namespace reel::kernels
