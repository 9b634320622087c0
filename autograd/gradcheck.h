#pragma once
// Gradients by backward against gradients by finite differences.

#include <reel/autograd/grad.h>

namespace reel::autograd {

struct GradcheckOptions {
  double eps = 1e-6;  ///< by how much each element is moved
  double atol =
      1e-5;  ///< two entries agree if |backward - differences| <= atol + rtol * |differences|
  double rtol = 1e-3;
  bool raise =
      false;  ///< throw an Error that names operation, input and element; else print it to stderr
  bool central = true;  ///< (f(x + eps) - f(x - eps)) / 2 eps; else (f(x + eps) - f(x)) / eps
};

using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;
using TensorsFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// Whether backward gives the derivative of every floating output element by every element of every
/// input that requires grad, and the same bits twice. These inputs are float64; any layout without
/// overlaps; unchanged afterwards. Others are passed on. Throws TypeError for other dtypes and
/// Error if no input requires grad. Same as torch.autograd.gradcheck.
bool gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
               const GradcheckOptions& options = {});
bool gradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
               const GradcheckOptions& options = {});
bool gradcheck(const Function1& f, const Tensor& input, const GradcheckOptions& options = {});

/// The same for the gradient of f, by the inputs and by the gradients of the outputs, for which
/// random numbers are taken (always the same, not from the default generator). Same as
/// torch.autograd.gradgradcheck.
bool gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                   const GradcheckOptions& options = {});
bool gradgradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                   const GradcheckOptions& options = {});
bool gradgradcheck(const Function1& f, const Tensor& input, const GradcheckOptions& options = {});

}  // namespace reel::autograd
