#include <reel/autograd/kernels/optimizer.h>
#include <reel/autograd/tape.h>
#include <reel/optim/sgd.h>

#include <algorithm>
#include <cmath>

namespace reel::optim {

template class OptimizerOf<SGDOptions>;
template class OptimizerOf<ASGDOptions>;

using detail::check_option;
using kernels::step_elements;

// ---- SGD -------------------------------------------------------------------------------------------------

void SGDOptions::check(const char* optimizer) const {
  check_option(optimizer, "momentum", momentum, momentum >= 0, "not negative");
  check_option(optimizer, "weight_decay", weight_decay, weight_decay >= 0, "not negative");
  check_option(optimizer, "dampening", dampening, true, "a number");
  check_option(optimizer, "decay", decay, decay >= 0, "not negative");
  reel::check(!nesterov || (momentum > 0 && dampening == 0),
              "{}: nesterov needs a momentum above 0 and no dampening, got {} and {}", optimizer,
              momentum, dampening);
  reel::check(!evaluate_ahead || (lr_inside && !nesterov),
              "{}: evaluate_ahead needs lr_inside and excludes nesterov", optimizer);
}

void SGD::update(Tensor& parameter, const Tensor& g, State& state, const SGDOptions& o) {
  double& taken = state.number("step");
  const double lr = o.lr / (1 + o.decay * taken++);
  const double sign = o.maximize ? -1 : 1;
  if (o.momentum == 0) {
    step_elements("SGD", parameter.array(), g.array(), [=](auto& p, auto gradient) {
      using T = decltype(gradient);
      p -= T(lr) * (T(sign) * gradient + T(o.weight_decay) * p);
    });
    return;
  }
  // The first gradient enters the buffer whole (torch.optim.SGD); later ones are dampened.
  const bool first = !state.has("momentum_buffer");
  const Tensor buffer = state.tensor("momentum_buffer", parameter);
  const double keep = first ? 0 : o.momentum, take = first ? 1 : 1 - o.dampening;
  const double inside = o.lr_inside ? lr : 1, outside = o.lr_inside ? 1 : lr;
  const double ahead = o.nesterov ? o.momentum : 1, now = o.nesterov ? inside : 0;
  step_elements(
      "SGD", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& b) {
        using T = decltype(gradient);
        const T direction = T(sign) * gradient + T(o.weight_decay) * p;
        b = T(keep) * b + T(take * inside) * direction;
        p -= T(outside) * (T(now) * direction + T(ahead) * b);
      },
      buffer.array());
}

Tensor SGD::step(const std::function<Tensor()>& closure) {
  // Where each parameter looks from: ahead along its buffer.
  std::vector<std::pair<Tensor, Tensor>> before;
  {
    NoGradGuard no_grad;
    each_state([&](Tensor& parameter, State& state, size_t) { state.check_shapes(parameter); });
    each_state([&](Tensor& parameter, State& state, size_t group) {
      if (!options(group).evaluate_ahead || !state.has("momentum_buffer")) return;
      before.emplace_back(parameter, parameter.clone());
      parameter.sub_(options(group).momentum * state.tensor("momentum_buffer", parameter));
    });
  }
  const auto go_back = [&] {
    NoGradGuard no_grad;
    for (auto& [parameter, from] : before) parameter.copy_(from);
  };
  Tensor loss;
  try {
    EnableGradGuard recording;
    loss = closure();
  } catch (...) {
    go_back();
    throw;
  }
  go_back();
  step();
  return loss;
}

// ---- ASGD ------------------------------------------------------------------------------------------------

void ASGDOptions::check(const char* optimizer) const {
  check_option(optimizer, "weight_decay", weight_decay, weight_decay >= 0, "not negative");
  check_option(optimizer, "lambd", lambd, true, "a number");
  check_option(optimizer, "alpha", alpha, true, "a number");
  check_option(optimizer, "t0", t0, true, "a number");
}

void ASGD::update(Tensor& parameter, const Tensor& g, State& state, const ASGDOptions& o) {
  double &step = state.number("step"), &eta = state.number("eta", o.lr),
         &mu = state.number("mu", 1);
  const Tensor average = state.tensor("ax", parameter);
  ++step;
  step_elements(
      "ASGD", parameter.array(), g.array(),
      [=, eta = eta, mu = mu, sign = o.maximize ? -1.0 : 1.0](auto& p, auto gradient, auto& ax) {
        using T = decltype(gradient);
        const T direction = T(sign) * gradient + T(o.weight_decay) * p;
        p = p * T(1 - o.lambd * eta) - T(eta) * direction;
        ax = mu == 1 ? p : ax + (p - ax) * T(mu);
      },
      average.array());
  eta = o.lr / std::pow(1 + o.lambd * o.lr * step, o.alpha);
  mu = 1 / std::max(1.0, step - o.t0);
}

}  // namespace reel::optim
