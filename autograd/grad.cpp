// Jacobians, Hessians and products with them, composed from grad().
#include <reel/autograd/grad.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/tape.h>

namespace reel::autograd {
namespace {

// A leaf of its own, so that the caller's tensor and its graph stay out of it.
Tensor variable(const Tensor& x) { return x.detach().clone().requires_grad_(); }

Tensor evaluate(const char* op, const Function1& f, const Tensor& x, bool one_element) {
  const Tensor y = f(x);
  check(y.defined() && (!one_element || y.numel() == 1),
        "{}: the function must give one element, got shape {}", op,
        y.defined() ? y.shape() : Shape{0});
  return y;
}

void check_like(const char* op, const Tensor& v, const Tensor& x) {
  check(v.shape() == x.shape(), "{}: v must have shape {}, got {}", op, x.shape(), v.shape());
}

// The gradient of y at x in direction v; zeros where y does not depend on x.
Tensor gradient(const Tensor& y, const Tensor& x, const Tensor& v, bool create_graph) {
  if (!y.requires_grad()) return zeros_like(x.detach());
  const Tensor g = grad({y}, {x},
                        {.grad_outputs = {v},
                         .retain_graph = true,
                         .create_graph = create_graph,
                         .allow_unused = true})[0];
  return g.defined() ? g : zeros_like(x.detach());
}

// One row a function value; rows are x's shape.
Tensor rows(const Tensor& y, const Tensor& x) {
  std::vector<Tensor> list;
  Tensor one = zeros({y.numel()}, {.dtype = y.dtype()});
  for (int64_t i = 0; i < y.numel(); ++i) {
    NoGradGuard no_grad;
    one.zero_();
    one.select(0, i).fill_(1);
    list.push_back(gradient(y, x, one.clone().reshape(y.shape()), false));
  }
  Shape shape = y.shape();
  for (int64_t size : x.shape()) shape.push_back(size);
  return list.empty() ? zeros(shape, {.dtype = x.dtype()}) : stack(list).reshape(shape);
}

}  // namespace

Tensor jacobian(const Function1& f, const Tensor& x) {
  EnableGradGuard recording;
  const Tensor at = variable(x);
  return rows(evaluate("jacobian", f, at, false), at);
}

Tensor hessian(const Function1& f, const Tensor& x) {
  EnableGradGuard recording;
  const Tensor at = variable(x);
  const Tensor y = evaluate("hessian", f, at, true);
  return rows(gradient(y, at, ones_like(y.detach()), true), at);
}

Tensor hvp(const Function1& f, const Tensor& x, const Tensor& v) {
  check_like("hvp", v, x);
  EnableGradGuard recording;
  const Tensor at = variable(x);
  const Tensor y = evaluate("hvp", f, at, true);
  return gradient(gradient(y, at, ones_like(y.detach()), true), at, v, false);
}

Tensor vjp(const Function1& f, const Tensor& x, const Tensor& v) {
  EnableGradGuard recording;
  const Tensor at = variable(x);
  const Tensor y = evaluate("vjp", f, at, false);
  check_like("vjp", v, y);
  return gradient(y, at, v, false);
}

// u -> u^T J is linear, so its derivative in direction v is J v (the double-backward trick).
Tensor jvp(const Function1& f, const Tensor& x, const Tensor& v) {
  check_like("jvp", v, x);
  EnableGradGuard recording;
  const Tensor at = variable(x);
  const Tensor y = evaluate("jvp", f, at, false);
  const Tensor u = zeros_like(y.detach()).requires_grad_();
  return gradient(gradient(y, at, u, true), u, v, false);
}

}  // namespace reel::autograd
