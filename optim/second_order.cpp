#include <reel/autograd/grad.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/linalg.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/optim/second_order.h>

#include <algorithm>
#include <cmath>

namespace reel::optim {

template <class O>
void SecondOrder<O>::step() {
  fail("{}: step() needs a closure that computes the loss", this->name());
}
template <class O>
std::vector<Tensor> SecondOrder<O>::free_parameters() const {
  check(this->groups() == 1, "{}: one group of parameters is required, got {}", this->name(),
        this->groups());
  this->refuse_clipping();
  std::vector<Tensor> free;
  for (const Tensor& parameter : this->parameters(0)) {
    if (parameter.requires_grad() && parameter.numel() > 0) free.push_back(parameter);
  }
  check(!free.empty(), "{}: no parameter with elements requires a gradient", this->name());
  return free;
}
template <class O>
void SecondOrder<O>::check_parts(const Tensor& g) const {
  int64_t offset = 0;
  for (size_t place = 0; place < this->parameters(0).size(); ++place) {
    const Tensor& parameter = this->parameters(0)[place];
    if (!parameter.requires_grad()) continue;
    this->check_finite(g.narrow(0, offset, parameter.numel()), place);
    offset += parameter.numel();
  }
}

template class OptimizerOf<NewtonOptions>;
template class SecondOrder<NewtonOptions>;
template class OptimizerOf<NewtonCGOptions>;
template class SecondOrder<NewtonCGOptions>;
template class OptimizerOf<LevenbergMarquardtOptions>;
template class SecondOrder<LevenbergMarquardtOptions>;

using detail::check_option;

void NewtonOptions::check(const char* optimizer) const {
  check_option(optimizer, "damping", damping, damping >= 0, "not negative");
}
void NewtonCGOptions::check(const char* optimizer) const {
  check_option(optimizer, "max_cg", max_cg, max_cg >= 0, "not negative");
  check_option(optimizer, "max_halvings", max_halvings, max_halvings >= 0, "not negative");
}
void LevenbergMarquardtOptions::check(const char* optimizer) const {
  check_option(optimizer, "damping", damping, damping >= 0, "not negative");
  check_option(optimizer, "growth", growth, growth >= 1, "at least 1");
  check_option(optimizer, "max_tries", max_tries, max_tries >= 1, "at least 1");
}

namespace {

using Closure = std::function<Tensor()>;

Tensor recorded(const Closure& closure) {
  EnableGradGuard recording;
  return closure();
}

// Gradients of one number by all parameters, one behind the other; zeros where it does not depend
// on them.
Tensor flat_gradient(const Tensor& y, const std::vector<Tensor>& parameters, bool create_graph) {
  std::vector<Tensor> parts;
  if (y.requires_grad())
    parts = autograd::grad(
        y, parameters, {.retain_graph = true, .create_graph = create_graph, .allow_unused = true});
  parts.resize(parameters.size());
  EnableGradGuard recording;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].defined()) parts[i] = zeros_like(parameters[i].detach());
    parts[i] = parts[i].reshape({-1});
  }
  return cat(parts);
}

// The rows' gradients: the Jacobian of a vector, the Hessian of a gradient.
Tensor jacobian(const Tensor& y, const std::vector<Tensor>& parameters) {
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < y.numel(); ++i) {
    EnableGradGuard recording;
    const Tensor one = y[i];
    rows.push_back(flat_gradient(one, parameters, false).detach());
  }
  return stack(rows);
}

void move(const std::vector<Tensor>& parameters, const Tensor& step) {
  int64_t offset = 0;
  for (Tensor parameter : parameters) {
    parameter.add_(step.narrow(0, offset, parameter.numel()).reshape(parameter.shape()));
    offset += parameter.numel();
  }
}

std::vector<Tensor> copies(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> list;
  for (const Tensor& parameter : parameters) list.push_back(parameter.clone());
  return list;
}

// Puts parameters back where they were, unless the place they have come to is kept.
class Place {
 public:
  explicit Place(const std::vector<Tensor>& parameters)
      : parameters_(parameters), from_(copies(parameters)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (!kept_) put_back();
  }
  void put_back() {
    NoGradGuard no_grad;
    for (size_t i = 0; i < from_.size(); ++i) parameters_[i].copy_(from_[i]);
  }
  void keep() { kept_ = true; }

 private:
  std::vector<Tensor> parameters_, from_;
  bool kept_ = false;
};

double scalar_product(const Tensor& a, const Tensor& b) { return dot(a, b).item<double>(); }
double length(const Tensor& x) { return std::sqrt(scalar_product(x, x)); }

// H^-1 g as far as the curvature is positive; never uphill.
Tensor conjugate_gradients(const Tensor& g, const std::function<Tensor(const Tensor&)>& product,
                           int64_t limit) {
  Tensor x = zeros_like(g), residual = g, direction = -g;
  const double target = std::min(0.1, std::sqrt(length(g))) * length(g);
  double square = scalar_product(residual, residual);
  for (int64_t i = 0; i < limit && std::sqrt(square) > target; ++i) {
    const Tensor along = product(direction);
    const double curvature = scalar_product(direction, along);
    if (curvature <= 0) return i == 0 ? direction : x;
    const double alpha = square / curvature;
    x = x + alpha * direction;
    residual = residual + alpha * along;
    const double next = scalar_product(residual, residual);
    direction = -residual + next / square * direction;
    square = next;
  }
  return x;
}

}  // namespace

Newton::Newton(std::vector<Tensor> parameters, const NewtonOptions& options)
    : SecondOrder(std::move(parameters), options) {}

Tensor Newton::step(const Closure& closure) {
  const std::vector<Tensor> all = free_parameters();
  NoGradGuard no_grad;
  const Tensor loss = recorded(closure);
  const Tensor g = flat_gradient(loss, all, true);
  check_parts(g.detach());
  Tensor hessian = jacobian(g, all);
  hessian = hessian + options().damping * eye(g.numel(), {.dtype = g.dtype()});
  const Tensor step = -options().lr * linalg::solve(hessian, g.detach());
  move(all, step);
  last_step_ = length(step);
  ++steps_;
  return loss.detach();
}

NewtonCG::NewtonCG(std::vector<Tensor> parameters, const NewtonCGOptions& options)
    : SecondOrder(std::move(parameters), options) {}

Tensor NewtonCG::step(const Closure& closure) {
  const std::vector<Tensor> all = free_parameters();
  NoGradGuard no_grad;
  const Tensor loss = recorded(closure);
  const Tensor g = flat_gradient(loss, all, true), slope = g.detach();
  check_parts(slope);
  const auto limit = options().max_cg > 0 ? static_cast<int64_t>(options().max_cg) : 10 * g.numel();
  const Tensor direction = conjugate_gradients(
      slope,
      [&](const Tensor& v) {
        EnableGradGuard recording;
        return flat_gradient(dot(g, v), all, false).detach();
      },
      limit);
  const double before = loss.item<double>(), descent = scalar_product(slope, direction);
  Place start(all);
  double t = options().lr, moved = 0;
  for (int64_t i = 0; i <= static_cast<int64_t>(options().max_halvings); ++i, t /= 2) {
    start.put_back();
    move(all, t * direction);
    if (!(recorded(closure).item<double>() <= before + 1e-4 * t * descent)) continue;
    moved = t * length(direction);
    start.keep();
    break;
  }
  last_step_ = moved;
  ++steps_;
  return loss.detach();
}

LevenbergMarquardt::LevenbergMarquardt(std::vector<Tensor> parameters,
                                       const LevenbergMarquardtOptions& options)
    : SecondOrder(std::move(parameters), options) {}

Tensor LevenbergMarquardt::step(const Closure& closure) {
  const std::vector<Tensor> all = free_parameters();
  NoGradGuard no_grad;
  const Tensor residuals = [&] {
    EnableGradGuard recording;
    return closure().reshape({-1});
  }();
  const Tensor J = jacobian(residuals, all), r = residuals.detach();
  const Tensor normal = matmul(J.t(), J), slope = matmul(J.t(), r);
  check_parts(slope);
  const Tensor sizes = diagonal(normal);
  const Tensor scale = diag(where(sizes == 0, ones_like(sizes), sizes));
  const Tensor loss = 0.5 * dot(r, r);
  Place start(all);
  LevenbergMarquardtOptions& o = options();
  double damping = o.damping, moved = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(o.max_tries); ++i, damping *= o.growth) {
    const Tensor step = -o.lr * linalg::solve(normal + damping * scale, slope);
    start.put_back();
    move(all, step);
    const Tensor after = recorded(closure).detach().reshape({-1});
    const double now = 0.5 * scalar_product(after, after);
    if (!(now <= loss.item<double>()) && o.growth > 1) continue;
    moved = length(step);
    o.damping = damping / o.growth;
    start.keep();
    break;
  }
  last_step_ = moved;
  ++steps_;
  return loss;
}

}  // namespace reel::optim
