#pragma once
// The method of choice for a smooth loss of a full batch: a few pairs of vectors for the Hessian.

#include <reel/optim/optimizer_of.h>

#include <deque>

namespace reel::optim {

struct LBFGSOptions {
  static constexpr const char* name = "LBFGS";
  double lr = 1;
  double max_iter = 20;                 ///< iterations a step
  std::optional<double> max_eval = {};  ///< evaluations a step; 1.25 max_iter where absent
  double tolerance_grad = 1e-7;         ///< stops where no element of the gradient is larger
  double tolerance_change = 1e-9;       ///< stops where neither loss nor parameters move more
  double history_size = 100;
  std::string line_search_fn = {};  ///< "strong_wolfe", or nothing: steps of lr

  void check(const char* optimizer) const;
  static void each(auto& o, auto f) {
    f("lr", o.lr);
    f("max_iter", o.max_iter);
    f("tolerance_grad", o.tolerance_grad);
    f("tolerance_change", o.tolerance_change);
    f("history_size", o.history_size);
  }
};

extern template class OptimizerOf<LBFGSOptions>;

/// Limited-memory BFGS (Nocedal and Wright 2006, algorithm 7.5; line search: algorithms 3.5 and 3.6
/// with cubic interpolation). step(closure) runs up to max_iter iterations; the closure forgets the
/// gradients, computes the loss and its gradients, and returns the loss. Same as torch.optim.LBFGS,
/// but for this: a loss that is not finite ends the step if it is the first, and is too high for
/// the line search; and what a closure throws leaves all as it was.
class LBFGS : public OptimizerOf<LBFGSOptions> {
 public:
  LBFGS(std::vector<Tensor> parameters, const LBFGSOptions& options = {});

  /// Throws: the loss is needed.
  void step() override;
  /// Returns the loss of the first evaluation. Throws if there are several groups, and if gradients
  /// are to be clipped.
  Tensor step(const std::function<Tensor()>& closure) override;

  StateDict state_dict() const override;
  void load_state_dict(const StateDict& state) override;

 protected:
  void update(Tensor& parameter, const Tensor& g, State& state, const LBFGSOptions& o) override;

 private:
  using Closure = std::function<Tensor()>;
  // A place along the direction: how far, the loss there, its gradient, and its slope.
  struct Point {
    double t = 0, loss = 0;
    Tensor g;
    double slope = 0;
  };
  struct Pair {
    Tensor y, s;  // changes of the gradient and of the parameters
    double rho;   // 1 / (y . s)
  };
  // Evaluates the loss at a distance along the direction.
  using Line = std::function<Point(double)>;

  Tensor gradients() const;
  std::vector<Tensor> copies() const;
  void put_back(const std::vector<Tensor>& from);
  void move(double t);
  Point evaluate(const Closure& closure);
  void remember(const Tensor& g);
  Tensor direction_of(const Tensor& g) const;
  bool iterate(Point& here, const Line& line, const std::function<Point()>& evaluated, bool last);
  Point search(const Line& at, const Point& start, double t) const;
  Point zoom(const Line& at, const Point& start, Point a, Point b, int tries) const;

  // What is remembered of the iterations before.
  struct Memory {
    Tensor g, direction;
    double t = 0, scale = 1;
    int64_t iterations = 0;
    std::deque<Pair> history;
    void take_dtype(Dtype dtype);
  };
  void walk(const Closure& closure, Point here);

  Memory memory_;
};

}  // namespace reel::optim
