#pragma once
// Optimisers that step by the sign, or by the orthogonal part, of their momentum.

#include <reel/optim/optimizer_of.h>

namespace reel::optim {

struct LionOptions {
  static constexpr const char* name = "Lion";
  double lr = 1e-4;
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("weight_decay", o.weight_decay);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<LionOptions>;

/// p = p (1 - lr weight_decay) - lr sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g
/// (Chen et al. 2023, algorithm 2).
class Lion : public OptimizerOf<LionOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const LionOptions& o) override;
};

struct MuonOptions {
  static constexpr const char* name = "Muon";
  double lr = 1e-3;
  double weight_decay = 0.1;
  double momentum = 0.95;
  bool nesterov = true;
  double eps = 1e-7;
  double ns_steps = 5;  ///< Newton-Schulz iterations

  void check(const char* optimizer) const;
  static void check_parameter(const Tensor& parameter);
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("weight_decay", o.weight_decay);
    f("momentum", o.momentum);
    f("nesterov", o.nesterov);
    f("eps", o.eps);
    f("ns_steps", o.ns_steps);
  }
};

extern template class OptimizerOf<MuonOptions>;

/// Momentum of a matrix, made orthogonal by a Newton-Schulz iteration: p = p (1 - lr weight_decay)
/// - lr sqrt(max(1, rows / columns)) orthogonal(m) (Jordan 2024). Same as torch.optim.Muon. Throws
/// for parameters that are not 2-d.
class Muon : public OptimizerOf<MuonOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const MuonOptions& o) override;
};

}  // namespace reel::optim
