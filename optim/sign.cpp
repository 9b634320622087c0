#include <reel/autograd/kernels/optimizer.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/optim/sign.h>

#include <cmath>

namespace reel::optim {

template class OptimizerOf<LionOptions>;
template class OptimizerOf<MuonOptions>;

using detail::check_option;
using kernels::step_elements;

void LionOptions::check(const char* optimizer) const {
  for (const double beta : betas)
    check_option(optimizer, "betas", beta, beta >= 0 && beta < 1, "in [0, 1)");
  check_option(optimizer, "weight_decay", weight_decay, weight_decay >= 0, "not negative");
}

void Lion::update(Tensor& parameter, const Tensor& g, State& state, const LionOptions& o) {
  const Tensor mean = state.tensor("exp_avg", parameter);
  const double upward = o.maximize ? -1 : 1;
  step_elements(
      "Lion", parameter.array(), g.array(),
      [=](auto& p, auto gradient, auto& m) {
        using T = decltype(gradient);
        const T direction = T(upward) * gradient;
        const T blend = T(o.betas[0]) * m + T(1 - o.betas[0]) * direction;
        p = p * T(1 - o.lr * o.weight_decay) - T(o.lr) * T((blend > 0) - (blend < 0));
        m = T(o.betas[1]) * m + T(1 - o.betas[1]) * direction;
      },
      mean.array());
}

void MuonOptions::check(const char* optimizer) const {
  check_option(optimizer, "weight_decay", weight_decay, weight_decay >= 0, "not negative");
  check_option(optimizer, "momentum", momentum, momentum >= 0 && momentum < 1, "in [0, 1)");
  check_option(optimizer, "eps", eps, eps >= 0, "not negative");
  check_option(optimizer, "ns_steps", ns_steps, ns_steps >= 0 && ns_steps < 100, "in [0, 100)");
}

void MuonOptions::check_parameter(const Tensor& parameter) {
  reel::check(parameter.dim() == 2, "Muon: parameters must be 2-d, got shape {}",
              parameter.shape());
}

// Pushes the singular values of x towards 1: a quintic iteration whose coefficients make it quick
// rather than exact (Jordan 2024).
static Tensor orthogonal_part(const Tensor& x, double eps, int iterations) {
  const bool tall = x.size(0) > x.size(1);
  Tensor y = tall ? x.t() : x;
  const double norm = std::sqrt(y.to(kFloat64).square().sum().item<double>());
  y = y / std::max(norm, eps);
  for (int i = 0; i < iterations; ++i) {
    const Tensor gram = matmul(y, y.t());
    y = 3.4445 * y + matmul(-4.7750 * gram + 2.0315 * matmul(gram, gram), y);
  }
  return tall ? y.t() : y;
}

void Muon::update(Tensor& parameter, const Tensor& g, State& state, const MuonOptions& o) {
  Tensor buffer = state.tensor("momentum_buffer", parameter);
  buffer.mul_(o.momentum).add_((1 - o.momentum) * g);
  const Tensor direction = o.nesterov ? (1 - o.momentum) * g + o.momentum * buffer : buffer;
  const double rows = static_cast<double>(parameter.size(0));
  const double columns = static_cast<double>(parameter.size(1));
  const double size = o.lr * std::sqrt(std::max(1.0, rows / columns));
  parameter.mul_(1 - o.lr * o.weight_decay);
  parameter.sub_(size * orthogonal_part(direction, o.eps, static_cast<int>(o.ns_steps)));
}

}  // namespace reel::optim
