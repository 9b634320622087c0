#include <reel/autograd/kernels/optimizer.h>
#include <reel/optim/sgd.h>

#include <cmath>

namespace reel::optim {

SGD::SGD(std::vector<Tensor> parameters, const SGDOptions& options)
    : Optimizer("SGD", std::move(parameters)),
      options_(options),
      momentum_(this->parameters().size()) {
  checked_lr("SGD", options.lr);
  const auto not_negative = [](const char* name, double value) {
    check(std::isfinite(value) && value >= 0, "SGD: {} must be finite and not negative, got {}",
          name, value);
  };
  not_negative("momentum", options.momentum);
  not_negative("weight_decay", options.weight_decay);
  check(std::isfinite(options.dampening), "SGD: dampening must be finite, got {}",
        options.dampening);
  check(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
        "SGD: nesterov needs a momentum above 0 and no dampening, got {} and {}", options.momentum,
        options.dampening);
}

void SGD::update(size_t i, const Array& parameter, const Array& g) {
  Array& buffer = momentum_[i];
  const bool first = !buffer.defined();
  if (first && options_.momentum != 0)
    buffer = Array::full(parameter.shape(), 0, parameter.dtype());
  kernels::sgd_step(parameter, g, buffer,
                    {.lr = options_.lr,
                     .momentum = options_.momentum,
                     .dampening = options_.dampening,
                     .weight_decay = options_.weight_decay,
                     .nesterov = options_.nesterov,
                     .maximize = options_.maximize,
                     .first = first});
}

}  // namespace reel::optim
