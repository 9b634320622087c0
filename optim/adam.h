#pragma once
// Adam and its family: running means of the gradient and of its square.

#include <reel/optim/optimizer_of.h>

namespace reel::optim {

struct AdamOptions {
  static constexpr const char* name = "Adam";
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;  ///< the largest second moment so far counts
  bool maximize = false;
  /// eps beside the root before its correction: Kingma and Ba, section 2; Keras.
  bool eps_hat = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("amsgrad", o.amsgrad);
    f("maximize", o.maximize);
    f("eps_hat", o.eps_hat);
  }
};

extern template class OptimizerOf<AdamOptions>;

/// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, p = p - lr m^ / (sqrt(v^) + eps)
/// with m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t) (Kingma and Ba 2015, algorithm 1).
/// weight_decay p is added to g. Same as torch.optim.Adam.
class Adam : public OptimizerOf<AdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const AdamOptions& o) override;
};

struct AdamWOptions {
  static constexpr const char* name = "AdamW";
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("amsgrad", o.amsgrad);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<AdamWOptions>;

/// Adam whose decay acts on the parameter, p = p (1 - lr weight_decay), not on the gradient
/// (Loshchilov and Hutter 2019). Same as torch.optim.AdamW.
class AdamW : public OptimizerOf<AdamWOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const AdamWOptions& o) override;
};

struct AdamaxOptions {
  static constexpr const char* name = "Adamax";
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<AdamaxOptions>;

/// Adam with the largest decayed gradient in place of the root: u = max(beta2 u, |g| + eps) (Kingma
/// and Ba 2015, algorithm 2). Same as torch.optim.Adamax.
class Adamax : public OptimizerOf<AdamaxOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const AdamaxOptions& o) override;
};

struct NAdamOptions {
  static constexpr const char* name = "NAdam";
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum_decay = 4e-3;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
    f("momentum_decay", o.momentum_decay);
  }
};

extern template class OptimizerOf<NAdamOptions>;

/// Adam with Nesterov momentum (Dozat 2016). Same as torch.optim.NAdam.
class NAdam : public OptimizerOf<NAdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const NAdamOptions& o) override;
};

struct RAdamOptions {
  static constexpr const char* name = "RAdam";
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("eps", o.eps);
    f("weight_decay", o.weight_decay);
  }
};

extern template class OptimizerOf<RAdamOptions>;

/// Adam without its adaptive step while the variance of that is not known (Liu et al. 2020). Same
/// as torch.optim.RAdam of 1.13.
class RAdam : public OptimizerOf<RAdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const RAdamOptions& o) override;
};

struct SparseAdamOptions {
  static constexpr const char* name = "SparseAdam";
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool maximize = false;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("betas", o.betas);
    f("eps", o.eps);
    f("maximize", o.maximize);
  }
};

extern template class OptimizerOf<SparseAdamOptions>;

/// Adam for gradients of which most rows are zero (embeddings): such rows of the parameter, and of
/// its moments, stay as they are. Same as torch.optim.SparseAdam with the other rows as a sparse
/// gradient.
class SparseAdam : public OptimizerOf<SparseAdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state,
              const SparseAdamOptions& o) override;
};

}  // namespace reel::optim
