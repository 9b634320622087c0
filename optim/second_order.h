#pragma once
// Methods that use second derivatives, for problems whose Hessian or Jacobian fits into memory, or,
// with products only, for larger ones. Their closures return what they minimise; nothing needs
// backward().

#include <reel/optim/optimizer_of.h>

namespace reel::optim {

/// Base of the methods below: the parameters as one vector. Those that do not require a gradient
/// stay as they are. What a closure throws leaves all as it was.
template <class O>
class SecondOrder : public OptimizerOf<O> {
 public:
  using OptimizerOf<O>::OptimizerOf;
  /// Throws: a closure is needed.
  void step() override;
  /// The 2-norm of the last step, for stopping where it falls below a precision.
  double last_step() const { return last_step_; }

 protected:
  void update(Tensor&, const Tensor&, State&, const O&) override { step(); }
  /// The parameters to change. Throws unless there are some, in one group.
  std::vector<Tensor> free_parameters() const;
  /// With check_finite, names the parameter whose part of the gradient is not.
  void check_parts(const Tensor& g) const;
  double last_step_ = 0;
};

struct NewtonOptions {
  static constexpr const char* name = "Newton";
  double lr = 1;
  double damping = 0;  ///< is added to the Hessian's diagonal

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("damping", o.damping);
  }
};

extern template class OptimizerOf<NewtonOptions>;
extern template class SecondOrder<NewtonOptions>;

/// p = p - lr (H + damping I)^-1 g with the dense Hessian H. Throws if that matrix is singular.
class Newton : public SecondOrder<NewtonOptions> {
 public:
  Newton(std::vector<Tensor> parameters, const NewtonOptions& options = {});
  using SecondOrder::step;
  /// The closure returns the loss, recorded. Returns that loss.
  Tensor step(const std::function<Tensor()>& closure) override;
};

struct NewtonCGOptions {
  static constexpr const char* name = "NewtonCG";
  double lr = 1;      ///< the first step that the line search tries
  double max_cg = 0;  ///< products with the Hessian a step; 0: ten times the parameters
  double max_halvings = 30;

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("max_cg", o.max_cg);
    f("max_halvings", o.max_halvings);
  }
};

extern template class OptimizerOf<NewtonCGOptions>;
extern template class SecondOrder<NewtonCGOptions>;

/// Newton's direction by conjugate gradients on products with the Hessian, which end where the
/// curvature is not positive, and a line search by halving until the loss decreases enough (Nocedal
/// and Wright 2006, algorithm 7.1).
class NewtonCG : public SecondOrder<NewtonCGOptions> {
 public:
  NewtonCG(std::vector<Tensor> parameters, const NewtonCGOptions& options = {});
  using SecondOrder::step;
  /// The closure returns the loss, recorded, and is called once for each step length that is tried.
  /// Returns the loss before the step.
  Tensor step(const std::function<Tensor()>& closure) override;
};

struct LevenbergMarquardtOptions {
  static constexpr const char* name = "LevenbergMarquardt";
  double lr = 1;
  double damping = 1;  ///< the first; more is more cautious, 0 with a growth of 1 is Gauss-Newton
  /// Of the damping after a step that does not help; its inverse after one that does.
  double growth = 10;
  double max_tries = 30;  ///< lengths of a step, until one helps

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("damping", o.damping);
    f("growth", o.growth);
    f("max_tries", o.max_tries);
  }
};

extern template class OptimizerOf<LevenbergMarquardtOptions>;
extern template class SecondOrder<LevenbergMarquardtOptions>;

/// Least squares: p = p - lr (J'J + damping diag(J'J))^-1 J'r for residuals r with Jacobian J
/// (Marquardt 1963), with 1 on the diagonal for what the residuals do not depend on. The damping
/// adapts, so that the sum of squares never grows; where no step helps, all stays as it was.
class LevenbergMarquardt : public SecondOrder<LevenbergMarquardtOptions> {
 public:
  LevenbergMarquardt(std::vector<Tensor> parameters, const LevenbergMarquardtOptions& options = {});
  using SecondOrder::step;
  /// The closure returns the residuals, recorded, of any shape. Returns half the sum of their
  /// squares before the step.
  Tensor step(const std::function<Tensor()>& closure) override;
};

}  // namespace reel::optim
