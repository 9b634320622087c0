#pragma once
// Optimisers that divide by what gradients have been: a step size for every number.

#include <reel/optim/optimizer_of.h>

namespace reel::optim {

struct AdagradOptions {
  static constexpr const char* name = "Adagrad";
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;
  double initial_accumulator_value = 0;
  double eps = 1e-10;
  bool maximize = false;
  bool eps_inside_root = false;  ///< sqrt(s + eps), as the lecture has it

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("lr_decay", o.lr_decay);
    f("weight_decay", o.weight_decay);
    f("initial_accumulator_value", o.initial_accumulator_value);
    f("eps", o.eps);
    f("maximize", o.maximize);
    f("eps_inside_root", o.eps_inside_root);
  }
};

extern template class OptimizerOf<AdagradOptions>;

/// s = s + g^2, p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) (Duchi, Hazan and Singer
/// 2011). Same as torch.optim.Adagrad.
class Adagrad : public OptimizerOf<AdagradOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const AdagradOptions& o) override;
};

struct AdadeltaOptions {
  static constexpr const char* name = "Adadelta";
  double lr = 1;
  double rho = 0.9;
  double eps = 1e-6;
  double weight_decay = 0;
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("rho", o.rho);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<AdadeltaOptions>;

/// s = rho s + (1 - rho) g^2, d = sqrt(a + eps) / sqrt(s + eps) g, a = rho a + (1 - rho) d^2,
/// p = p - lr d (Zeiler 2012, algorithm 1). Same as torch.optim.Adadelta.
class Adadelta : public OptimizerOf<AdadeltaOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const AdadeltaOptions& o) override;
};

struct RMSpropOptions {
  static constexpr const char* name = "RMSprop";
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;  ///< divides by the standard deviation
  bool maximize = false;
  bool eps_inside_root = false;  ///< sqrt(s + eps), as the lecture has it

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("alpha", o.alpha);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("momentum", o.momentum);
    f("centered", o.centered);
    f("maximize", o.maximize);
    f("eps_inside_root", o.eps_inside_root);
  }
};

extern template class OptimizerOf<RMSpropOptions>;

/// s = alpha s + (1 - alpha) g^2, p = p - lr g / (sqrt(s) + eps) (Tieleman and Hinton 2012;
/// centered: Graves 2013, eq. 38 to 45). Same as torch.optim.RMSprop.
class RMSprop : public OptimizerOf<RMSpropOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const RMSpropOptions& o) override;
};

struct RpropOptions {
  static constexpr const char* name = "Rprop";
  double lr = 1e-2;                               ///< the first step size
  std::array<double, 2> etas = {0.5, 1.2};        ///< factors of the step size
  std::array<double, 2> step_sizes = {1e-6, 50};  ///< its limits
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("etas", o.etas);
    f("step_sizes", o.step_sizes);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<RpropOptions>;

/// A step against the sign of the gradient; its size grows while the sign stays and shrinks where
/// it changes (Riedmiller and Braun 1993). Same as torch.optim.Rprop.
class Rprop : public OptimizerOf<RpropOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const RpropOptions& o) override;
};

struct FtrlOptions {
  static constexpr const char* name = "Ftrl";
  double lr = 1e-3;
  double lr_power = -0.5;
  double initial_accumulator_value = 0.1;
  double l1 = 0;
  double l2 = 0;
  double beta = 0;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("lr_power", o.lr_power);
    f("initial_accumulator_value", o.initial_accumulator_value);
    f("l1", o.l1);
    f("l2", o.l2);
    f("beta", o.beta);
  }
};

extern template class OptimizerOf<FtrlOptions>;

/// Follow the regularised leader, proximal (McMahan et al. 2013, algorithm 1), with l1 that makes
/// zeros: n' = n + g^2, z = z + g - (n'^-lr_power - n^-lr_power) / lr p,
/// p = (clamp(z, -l1, l1) - z) / ((beta + n'^-lr_power) / lr + 2 l2).
/// Same as tf.keras.optimizers.Ftrl.
class Ftrl : public OptimizerOf<FtrlOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const FtrlOptions& o) override;
};

}  // namespace reel::optim
