#include <reel/autograd/kernels/optimizer.h>
#include <reel/optim/adam.h>

#include <algorithm>
#include <cmath>

namespace reel::optim {

template class OptimizerOf<AdamOptions>;
template class OptimizerOf<AdamWOptions>;
template class OptimizerOf<AdamaxOptions>;
template class OptimizerOf<NAdamOptions>;
template class OptimizerOf<RAdamOptions>;
template class OptimizerOf<SparseAdamOptions>;

using detail::check_option;
using kernels::step_elements;

namespace {

template <class O>
void check_adam(const char* optimizer, const O& o) {
  for (const double beta : o.betas)
    check_option(optimizer, "betas", beta, beta >= 0 && beta < 1, "in [0, 1)");
  check_option(optimizer, "eps", o.eps, o.eps >= 0, "not negative");
  if constexpr (requires { o.weight_decay; })
    check_option(optimizer, "weight_decay", o.weight_decay, o.weight_decay >= 0, "not negative");
}

template <class O>
double sign_of(const O& o) {
  if constexpr (requires { o.maximize; }) return o.maximize ? -1 : 1;
  return 1;
}

// The running means of the gradient and of its square, and 1 - beta^t.
template <class O>
struct Moments {
  Moments(Tensor& parameter, State& state, const O& o)
      : mean(state.tensor("exp_avg", parameter)),
        square(state.tensor("exp_avg_sq", parameter)),
        t(++state.number("step")),
        correction1(1 - std::pow(o.betas[0], t)),
        correction2(1 - std::pow(o.betas[1], t)) {}
  Tensor mean, square;
  double t, correction1, correction2;
};

// Adam and AdamW, which differ in where the decay goes: into the gradient or onto the parameter.
struct AdamStep {
  const char* name;
  double decay_of_gradient, decay_of_parameter, eps;
  bool amsgrad;
};

template <class O>
void adam(Tensor& parameter, const Tensor& g, State& state, const O& o, const AdamStep& step) {
  const Moments moments(parameter, state, o);
  const double b1 = o.betas[0], b2 = o.betas[1], sign = sign_of(o);
  const double size = o.lr / moments.correction1, root = std::sqrt(moments.correction2);
  const auto mean_of = [=](auto& p, auto gradient, auto& m, auto& v) {
    using T = decltype(gradient);
    p *= T(1 - step.decay_of_parameter);
    const T direction = T(sign) * gradient + T(step.decay_of_gradient) * p;
    m = T(b1) * m + T(1 - b1) * direction;
    v = T(b2) * v + T(1 - b2) * direction * direction;
  };
  if (step.amsgrad) {
    const Tensor largest = state.tensor("max_exp_avg_sq", parameter);
    return step_elements(
        step.name, parameter.array(), g.array(),
        [=](auto& p, auto gradient, auto& m, auto& v, auto& top) {
          using T = decltype(gradient);
          mean_of(p, gradient, m, v);
          top = top < v ? v : top;
          p -= T(size) * (m / (std::sqrt(top) / T(root) + T(step.eps)));
        },
        moments.mean.array(), moments.square.array(), largest.array());
  }
  step_elements(
      step.name, parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& m, auto& v) {
        using T = decltype(gradient);
        mean_of(p, gradient, m, v);
        p -= T(size) * (m / (std::sqrt(v) / T(root) + T(step.eps)));
      },
      moments.mean.array(), moments.square.array());
}

}  // namespace

void AdamOptions::check(const char* optimizer) const { check_adam(optimizer, *this); }
void AdamWOptions::check(const char* optimizer) const { check_adam(optimizer, *this); }
void AdamaxOptions::check(const char* optimizer) const { check_adam(optimizer, *this); }
void RAdamOptions::check(const char* optimizer) const { check_adam(optimizer, *this); }
void SparseAdamOptions::check(const char* optimizer) const { check_adam(optimizer, *this); }
void NAdamOptions::check(const char* optimizer) const {
  check_adam(optimizer, *this);
  check_option(optimizer, "momentum_decay", momentum_decay, momentum_decay >= 0, "not negative");
}

void Adam::update(Tensor& parameter, const Tensor& g, State& state, const AdamOptions& o) {
  const double t = state.number("step") + 1;
  const double eps = o.eps_hat ? o.eps / std::sqrt(1 - std::pow(o.betas[1], t)) : o.eps;
  adam(parameter, g, state, o, {"Adam", o.weight_decay, 0, eps, o.amsgrad});
}

void AdamW::update(Tensor& parameter, const Tensor& g, State& state, const AdamWOptions& o) {
  adam(parameter, g, state, o, {"AdamW", 0, o.lr * o.weight_decay, o.eps, o.amsgrad});
}

void Adamax::update(Tensor& parameter, const Tensor& g, State& state, const AdamaxOptions& o) {
  const double t = ++state.number("step"), sign = sign_of(o);
  const double size = o.lr / (1 - std::pow(o.betas[0], t));
  const Tensor mean = state.tensor("exp_avg", parameter);
  const Tensor largest = state.tensor("exp_inf", parameter);
  step_elements(
      "Adamax", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& m, auto& u) {
        using T = decltype(gradient);
        const T direction = T(sign) * gradient + T(o.weight_decay) * p;
        m = T(o.betas[0]) * m + T(1 - o.betas[0]) * direction;
        const T faded = T(o.betas[1]) * u, now = std::fabs(direction) + T(o.eps);
        u = faded < now ? now : faded;
        p -= T(size) * (m / u);
      },
      mean.array(), largest.array());
}

void NAdam::update(Tensor& parameter, const Tensor& g, State& state, const NAdamOptions& o) {
  const Moments moments(parameter, state, o);
  const auto momentum = [&](double t) {
    return o.betas[0] * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
  };
  const double mu = momentum(moments.t), next = momentum(moments.t + 1);
  const double product = state.number("mu_product", 1) *= mu;
  const double of_gradient = o.lr * (1 - mu) / (1 - product);
  // Dozat has product * next here; PyTorch 1.13 counts mu once more.
  const double of_mean = o.lr * next / (1 - product * mu * next);
  const double root = std::sqrt(moments.correction2);
  step_elements(
      "NAdam", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& m, auto& v) {
        using T = decltype(gradient);
        const T direction = gradient + T(o.weight_decay) * p;
        m = T(o.betas[0]) * m + T(1 - o.betas[0]) * direction;
        v = T(o.betas[1]) * v + T(1 - o.betas[1]) * direction * direction;
        const T scale = std::sqrt(v) / T(root) + T(o.eps);
        p -= (T(of_gradient) * direction + T(of_mean) * m) / scale;
      },
      moments.mean.array(), moments.square.array());
}

void RAdam::update(Tensor& parameter, const Tensor& g, State& state, const RAdamOptions& o) {
  const Moments moments(parameter, state, o);
  const double b2t = std::pow(o.betas[1], moments.t), longest = 2 / (1 - o.betas[1]) - 1;
  // The length of the simple moving average that the exponential one amounts to (eq. 4 and 5).
  const double length = longest - 2 * moments.t * b2t / moments.correction2;
  const bool known = length > 5;
  const double rectified = known ? std::sqrt((length - 4) * (length - 2) * longest /
                                             ((longest - 4) * (longest - 2) * length)) *
                                       std::sqrt(moments.correction2)
                                 : 1;
  const double size = o.lr / moments.correction1 * rectified;
  step_elements(
      "RAdam", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& m, auto& v) {
        using T = decltype(gradient);
        const T direction = gradient + T(o.weight_decay) * p;
        m = T(o.betas[0]) * m + T(1 - o.betas[0]) * direction;
        v = T(o.betas[1]) * v + T(1 - o.betas[1]) * direction * direction;
        p -= known ? T(size) * m / (std::sqrt(v) + T(o.eps)) : T(size) * m;
      },
      moments.mean.array(), moments.square.array());
}

void SparseAdam::update(Tensor& parameter, const Tensor& g, State& state,
                        const SparseAdamOptions& o) {
  const Moments moments(parameter, state, o);
  const double size = o.lr * std::sqrt(moments.correction2) / moments.correction1;
  const int64_t rows = parameter.dim() > 0 ? parameter.size(0) : 1;
  const int64_t columns = rows > 0 ? parameter.numel() / rows : 0;
  dispatch_float(parameter.dtype(), "SparseAdam", [&]<class T>(TypeTag<T>) {
    T *p = parameter.data<T>(), *m = moments.mean.data<T>(), *v = moments.square.data<T>();
    const T* gradient = g.data<T>();
    for (int64_t row = 0; row < rows; ++row) {
      const T* first = gradient + row * columns;
      if (std::all_of(first, first + columns, [](T value) { return value == 0; })) continue;
      for (int64_t i = row * columns; i < (row + 1) * columns; ++i) {
        const T direction = T(sign_of(o)) * gradient[i];
        m[i] += T(1 - o.betas[0]) * (direction - m[i]);
        v[i] += T(1 - o.betas[1]) * (direction * direction - v[i]);
        p[i] -= T(size) * m[i] / (std::sqrt(v[i]) + T(o.eps));
      }
    }
  });
  parameter.array().storage()->bump();
}

}  // namespace reel::optim
