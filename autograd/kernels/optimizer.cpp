#include <reel/autograd/kernels/optimizer.h>

namespace reel::kernels {
namespace {

template <class T>
void plain(int64_t n, T* parameter, const T* g, T lr, T sign, T decay) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) parameter[i] -= lr * (sign * g[i] + decay * parameter[i]);
}

template <class T>
void with_momentum(int64_t n, T* parameter, const T* g, T* buffer, const SgdStep& step) {
  const T lr = static_cast<T>(step.lr), decay = static_cast<T>(step.weight_decay);
  const T sign = step.maximize ? T{-1} : T{1};
  // The first gradient enters the buffer whole (torch.optim.SGD); later ones are dampened.
  const T keep = step.first ? T{0} : static_cast<T>(step.momentum);
  const T take = step.first ? T{1} : static_cast<T>(1 - step.dampening);
  const T ahead = step.nesterov ? static_cast<T>(step.momentum) : T{1};
  const T now = step.nesterov ? T{1} : T{0};
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T direction = sign * g[i] + decay * parameter[i];
    const T moving = keep * buffer[i] + take * direction;
    buffer[i] = moving;
    parameter[i] -= lr * (now * direction + ahead * moving);
  }
}

}  // namespace

void sgd_step(const Array& parameter, const Array& g, const Array& buffer, const SgdStep& step) {
  dispatch_float(parameter.dtype(), "SGD", [&]<class T>(TypeTag<T>) {
    if (step.momentum == 0) {
      plain<T>(parameter.numel(), parameter.data<T>(), g.data<T>(), static_cast<T>(step.lr),
               step.maximize ? T{-1} : T{1}, static_cast<T>(step.weight_decay));
    } else {
      with_momentum<T>(parameter.numel(), parameter.data<T>(), g.data<T>(), buffer.data<T>(), step);
    }
  });
}

}  // namespace reel::kernels
