#pragma once
// Derivatives as values: gradients, Jacobians, Hessians and products with them.

#include <reel/autograd/tensor.h>

namespace reel::autograd {

struct GradOptions {
  std::vector<Tensor> grad_outputs =
      {};  ///< one per output; may be absent where an output has one element
  std::optional<bool> retain_graph = {};  ///< create_graph where absent
  bool create_graph =
      false;  ///< record the walk, so that the gradients can be differentiated again
  bool allow_unused =
      false;  ///< undefined gradients for inputs that no output depends on, not an error
};

/// The sum over outputs of d(output * grad_output)/d(input) for every input; touches no .grad.
/// Same as torch.autograd.grad.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options = {});
std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs,
                         const GradOptions& options = {});
std::vector<Tensor> grad(const Tensor& output, const Tensor& input,
                         const GradOptions& options = {});

using Function1 = std::function<Tensor(const Tensor&)>;

/// d f(x)_i / d x_j, shape f(x).shape() + x.shape(). Same as torch.autograd.functional.jacobian.
Tensor jacobian(const Function1& f, const Tensor& x);
/// d^2 f / d x_i d x_j of a one-element f, shape x.shape() + x.shape().
Tensor hessian(const Function1& f, const Tensor& x);
/// The Hessian of a one-element f times v (x's shape), without building it.
Tensor hvp(const Function1& f, const Tensor& x, const Tensor& v);
/// v (f(x)'s shape) times the Jacobian of f.
Tensor vjp(const Function1& f, const Tensor& x, const Tensor& v);
/// The Jacobian of f times v (x's shape), by differentiating vjp.
Tensor jvp(const Function1& f, const Tensor& x, const Tensor& v);

}  // namespace reel::autograd
