#include <reel/autograd/kernels/optimizer.h>
#include <reel/optim/adaptive.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace reel::optim {

template class OptimizerOf<AdagradOptions>;
template class OptimizerOf<AdadeltaOptions>;
template class OptimizerOf<RMSpropOptions>;
template class OptimizerOf<RpropOptions>;
template class OptimizerOf<FtrlOptions>;

using detail::check_option;
using kernels::step_elements;

namespace {

void not_negative(const char* optimizer, const char* name, double value) {
  check_option(optimizer, name, value, value >= 0, "not negative");
}

// What the gradient is divided by.
template <class T>
T root(T squares, double eps, bool inside) {
  return inside ? std::sqrt(squares + T(eps)) : std::sqrt(squares) + T(eps);
}

}  // namespace

// ---- Adagrad ---------------------------------------------------------------------------------------------

void AdagradOptions::check(const char* optimizer) const {
  not_negative(optimizer, "lr_decay", lr_decay);
  not_negative(optimizer, "weight_decay", weight_decay);
  not_negative(optimizer, "initial_accumulator_value", initial_accumulator_value);
  not_negative(optimizer, "eps", eps);
}

void Adagrad::update(Tensor& parameter, const Tensor& g, State& state, const AdagradOptions& o) {
  const double t = ++state.number("step");
  const double lr = o.lr / (1 + (t - 1) * o.lr_decay), sign = o.maximize ? -1 : 1;
  const Tensor sum = state.tensor("sum", parameter, o.initial_accumulator_value);
  step_elements(
      "Adagrad", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& s) {
        using T = decltype(gradient);
        const T direction = T(sign) * gradient + T(o.weight_decay) * p;
        s += direction * direction;
        p -= T(lr) * (direction / root(s, o.eps, o.eps_inside_root));
      },
      sum.array());
}

// ---- Adadelta --------------------------------------------------------------------------------------------

void AdadeltaOptions::check(const char* optimizer) const {
  check_option(optimizer, "rho", rho, rho >= 0 && rho <= 1, "in [0, 1]");
  not_negative(optimizer, "eps", eps);
  not_negative(optimizer, "weight_decay", weight_decay);
}

void Adadelta::update(Tensor& parameter, const Tensor& g, State& state, const AdadeltaOptions& o) {
  const double sign = o.maximize ? -1 : 1;
  const Tensor squares = state.tensor("square_avg", parameter);
  const Tensor steps = state.tensor("acc_delta", parameter);
  step_elements(
      "Adadelta", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& s, auto& a) {
        using T = decltype(gradient);
        const T direction = T(sign) * gradient + T(o.weight_decay) * p;
        s = T(o.rho) * s + T(1 - o.rho) * direction * direction;
        const T delta = std::sqrt(a + T(o.eps)) / std::sqrt(s + T(o.eps)) * direction;
        a = T(o.rho) * a + T(1 - o.rho) * delta * delta;
        p -= T(o.lr) * delta;
      },
      squares.array(), steps.array());
}

// ---- RMSprop ---------------------------------------------------------------------------------------------

void RMSpropOptions::check(const char* optimizer) const {
  check_option(optimizer, "alpha", alpha, alpha >= 0 && alpha <= 1, "in [0, 1]");
  not_negative(optimizer, "eps", eps);
  not_negative(optimizer, "weight_decay", weight_decay);
  not_negative(optimizer, "momentum", momentum);
}

void RMSprop::update(Tensor& parameter, const Tensor& g, State& state, const RMSpropOptions& o) {
  const double sign = o.maximize ? -1 : 1;
  // The states that the options ask for, after the squares: the mean, the momentum.
  const auto step = [&](const auto&... states) {
    step_elements(
        "RMSprop", parameter.array(), g.array(),
        [=](auto& p, auto gradient, auto& s, auto&... more) {
          using T = decltype(gradient);
          const T direction = T(sign) * gradient + T(o.weight_decay) * p;
          s = T(o.alpha) * s + T(1 - o.alpha) * direction * direction;
          T variance = s;
          if constexpr (sizeof...(more) > 0) {
            auto& mean = std::get<0>(std::tie(more...));
            if (o.centered) mean = T(o.alpha) * mean + T(1 - o.alpha) * direction;
            if (o.centered) variance -= mean * mean;
          }
          T move = direction / root(variance, o.eps, o.eps_inside_root);
          if constexpr (sizeof...(more) > 0) {
            auto& buffer = std::get<sizeof...(more) - 1>(std::tie(more...));
            if (o.momentum > 0) move = buffer = T(o.momentum) * buffer + move;
          }
          p -= T(o.lr) * move;
        },
        states.array()...);
  };
  const Tensor squares = state.tensor("square_avg", parameter);
  const auto mean = [&] { return state.tensor("grad_avg", parameter); };
  const auto buffer = [&] { return state.tensor("momentum_buffer", parameter); };
  if (o.centered && o.momentum > 0) return step(squares, mean(), buffer());
  if (o.centered) return step(squares, mean());
  if (o.momentum > 0) return step(squares, buffer());
  step(squares);
}

// ---- Rprop -----------------------------------------------------------------------------------------------

void RpropOptions::check(const char* optimizer) const {
  check_option(optimizer, "etas", etas[0], etas[0] > 0 && etas[0] < 1, "a shrinking factor first");
  check_option(optimizer, "etas", etas[1], etas[1] > 1, "a growing factor second");
  check_option(optimizer, "step_sizes", step_sizes[0], step_sizes[0] >= 0, "not negative");
  check_option(optimizer, "step_sizes", step_sizes[1], step_sizes[1] >= step_sizes[0],
               "at least the smaller one");
}

void Rprop::update(Tensor& parameter, const Tensor& g, State& state, const RpropOptions& o) {
  const double sign = o.maximize ? -1 : 1;
  const Tensor previous = state.tensor("prev", parameter);
  const Tensor sizes = state.tensor("step_size", parameter, o.lr);
  step_elements(
      "Rprop", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& before, auto& size) {
        using T = decltype(gradient);
        T direction = T(sign) * gradient;
        const T agreement = direction * before;
        if (agreement > 0) size *= T(o.etas[1]);
        if (agreement < 0) size *= T(o.etas[0]);
        size = std::clamp(size, T(o.step_sizes[0]), T(o.step_sizes[1]));
        if (agreement < 0) direction = 0;
        p -= T((direction > 0) - (direction < 0)) * size;
        before = direction;
      },
      previous.array(), sizes.array());
}

// ---- Ftrl ------------------------------------------------------------------------------------------------

void FtrlOptions::check(const char* optimizer) const {
  check_option(optimizer, "lr", lr, lr > 0, "positive");
  check_option(optimizer, "lr_power", lr_power, lr_power <= 0, "not positive");
  not_negative(optimizer, "initial_accumulator_value", initial_accumulator_value);
  not_negative(optimizer, "l1", l1);
  not_negative(optimizer, "l2", l2);
  not_negative(optimizer, "beta", beta);
}

void Ftrl::update(Tensor& parameter, const Tensor& g, State& state, const FtrlOptions& o) {
  if (o.lr == 0) return;  // a schedule may end there; the formula divides by lr
  const Tensor squares = state.tensor("accumulator", parameter, o.initial_accumulator_value);
  const Tensor linear = state.tensor("linear", parameter);
  step_elements(
      "Ftrl", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& n, auto& z) {
        using T = decltype(gradient);
        const T before = std::pow(n, T(-o.lr_power));
        n += gradient * gradient;
        const T now = std::pow(n, T(-o.lr_power));
        z += gradient - (now - before) / T(o.lr) * p;
        const T curvature = (T(o.beta) + now) / T(o.lr) + 2 * T(o.l2);
        p = (std::clamp(z, T(-o.l1), T(o.l1)) - z) / curvature;
      },
      squares.array(), linear.array());
}

}  // namespace reel::optim
