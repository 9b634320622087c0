#pragma once
// An optimiser's step in one pass over memory: the optimiser contributes its formula for one
// element.

#include <reel/autograd/array.h>
#include <reel/autograd/kernels/parallel.h>

namespace reel::kernels {

/// Calls f(p, g, s...) for every element of a parameter: its number and its states by reference,
/// its gradient by value. All are row-major and of the parameter's shape and floating dtype. Large
/// ones are shared out among threads.
template <class F, class... States>
void step_elements(const char* op, const Array& parameter, const Array& g, F f,
                   const States&... states) {
  dispatch_float(parameter.dtype(), op, [&]<class T>(TypeTag<T>) {
    // SGD's step is split where the products of a few rows are that made the gradients, from
    // 125,000 on (kernels/gemm.cpp: cost): a core that meets the same rows in both has them in its
    // cache. Fetching the half of 200,000 from the other takes three times as long as the step.
    constexpr int64_t most = (int64_t{1} << 17) / (1 + 2 * static_cast<int64_t>(sizeof...(States)));
    for_pieces(parameter.numel(), most, [&](int64_t first, int64_t count) {
      [&](T* p, const T* gradient, auto*... s) {
#pragma GCC ivdep
        for (int64_t i = first; i < first + count; ++i) f(p[i], gradient[i], s[i]...);
      }(parameter.data<T>(), g.data<T>(), states.template data<T>()...);
    });
  });
  parameter.storage()->bump();
}

}  // namespace reel::kernels
