#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/tape.h>
#include <reel/optim/optimizer.h>

#include <cmath>
#include <unordered_set>

namespace reel::optim {

Optimizer::Optimizer(const char* name, std::vector<Tensor> parameters)
    : name_(name), parameters_(std::move(parameters)), forms_(parameters_.size()) {
  check(!parameters_.empty(), "{}: got an empty list of parameters", name);
  std::unordered_set<const TensorBody*> seen;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& parameter = parameters_[i];
    check(parameter.defined(), "{}: parameter {} is undefined", name, i);
    check(parameter.is_leaf(), "{}: parameter {} must be a leaf, got the result of an operation",
          name, i);
    check<TypeError>(parameter.is_floating_point(), "{}: parameter {} must be floating, got {}",
                     name, i, parameter.dtype());
    check(seen.insert(parameter.body()).second, "{}: parameter {} appears twice", name, i);
  }
}

double Optimizer::checked_lr(const char* name, double lr) {
  check(std::isfinite(lr) && lr >= 0, "{}: lr must be finite and not negative, got {}", name, lr);
  return lr;
}

void Optimizer::check_step() const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor &parameter = parameters_[i], &g = parameter.grad();
    if (!g.defined()) continue;
    check(g.shape() == parameter.shape(),
          "{}: the gradient of parameter {} must have its shape {}, got {}", name_, i,
          parameter.shape(), g.shape());
    const Form& form = forms_[i];
    check(!form.updated || (form.shape == parameter.shape() && form.dtype == parameter.dtype()),
          "{}: parameter {} was {} of shape {} when its state was made, and is {} of shape {} now; "
          "make a new optimiser for it",
          name_, i, form.dtype, form.shape, parameter.dtype(), parameter.shape());
  }
}

void Optimizer::step() {
  NoGradGuard no_grad;
  check_step();
  ++steps_;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& parameter = parameters_[i];
    if (!parameter.grad().defined()) continue;
    const Array g = kernels::contiguous(kernels::cast(parameter.grad().array(), parameter.dtype()));
    const Array numbers = kernels::contiguous(parameter.array());
    update(i, numbers, g);
    if (!parameter.is_contiguous()) kernels::copy(numbers, parameter.array());
    parameter.array().storage()->bump();
    if (!forms_[i].updated) forms_[i] = {true, parameter.shape(), parameter.dtype()};
  }
}

Tensor Optimizer::step(const std::function<Tensor()>& closure) {
  EnableGradGuard recording;
  Tensor loss = closure();
  step();
  return loss;
}

void Optimizer::zero_grad(bool set_to_none) {
  NoGradGuard no_grad;
  for (Tensor& parameter : parameters_) {
    Tensor& grad = parameter.mutable_grad();
    if (set_to_none || !grad.defined()) {
      grad = Tensor();
    } else {
      grad.detach_().zero_();
    }
  }
}

}  // namespace reel::optim
