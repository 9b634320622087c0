// backward() and autograd::grad(): what they check, and the sweep they start.
#include <reel/autograd/backward.h>
#include <reel/autograd/grad.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/sweep.h>

namespace reel {
namespace {

// The gradient to start from at `output`, checked: what was given, or 1 where that is meaningful.
Tensor start_gradient(const char* op, const Tensor& output, const Tensor& g) {
  check(output.requires_grad(),
        "{}: the tensor must require grad; nothing that it was computed from does", op);
  if (!g.defined()) {
    check(output.numel() == 1,
          "{}: grad can be implicitly created only for scalar outputs, got shape {}", op,
          output.shape());
    return ones_like(output.detach());
  }
  check(g.shape() == output.shape(), "{}: the gradient must have the output's shape {}, got {}", op,
        output.shape(), g.shape());
  check<TypeError>(g.is_floating_point(), "{}: the gradient must be floating, got {}", op,
                   g.dtype());
  return g;
}

std::vector<Tensor> start_gradients(const char* op, std::span<const Tensor> outputs,
                                    std::span<const Tensor> given) {
  check(given.empty() || given.size() == outputs.size(),
        "{}: expected one gradient for each of {} outputs, got {}", op, outputs.size(),
        given.size());
  std::vector<Tensor> gradients;
  gradients.reserve(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i)
    gradients.push_back(start_gradient(op, outputs[i], i < given.size() ? given[i] : Tensor()));
  return gradients;
}

Sweep::Options sweep_options(std::optional<bool> retain_graph, bool create_graph) {
  return {.retain_graph = retain_graph.value_or(create_graph), .create_graph = create_graph};
}

void sweep_back(std::span<const Tensor> outputs, std::span<const Tensor> start,
                const BackwardOptions& options) {
  Sweep sweep(sweep_options(options.retain_graph, options.create_graph));
  if (!options.inputs.empty()) {
    for (const Tensor& input : options.inputs) {
      check(input.requires_grad(),
            "backward: every input must require grad, got one of shape {} that does not",
            input.shape());
    }
    for (Tensor input : options.inputs) input.retain_grad();  // of those that are no leaves
    sweep.restrict_to(options.inputs, outputs);
  }
  sweep.run(outputs, start);
  sweep.accumulate_into_leaves();
}

}  // namespace

void backward(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients,
              const BackwardOptions& options) {
  sweep_back(outputs, start_gradients("backward", outputs, gradients), options);
}

void Tensor::backward(const Tensor& gradient, const BackwardOptions& options) const {
  const Tensor start = start_gradient("backward", *this, gradient);
  sweep_back({this, 1}, {&start, 1}, options);
}
void Tensor::backward() const { backward(Tensor(), BackwardOptions{}); }
void Tensor::backward(const BackwardOptions& options) const { backward(Tensor(), options); }
void Tensor::backward(const Tensor& gradient) const { backward(gradient, BackwardOptions{}); }

namespace autograd {

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options) {
  const std::vector<Tensor> start = start_gradients("grad", outputs, options.grad_outputs);
  for (const Tensor& input : inputs) {
    check(input.requires_grad(),
          "grad: every input must require grad, got one of shape {} that does not", input.shape());
  }
  Sweep sweep(sweep_options(options.retain_graph, options.create_graph));
  sweep.restrict_to(inputs, outputs);
  sweep.run(outputs, start);
  std::vector<Tensor> gradients;
  for (size_t i = 0; i < inputs.size(); ++i) {
    gradients.push_back(sweep.gradient_of(i));
    check(gradients.back().defined() || options.allow_unused,
          "grad: input {} was not used to compute the outputs; set .allow_unused to get an "
          "undefined gradient",
          i);
  }
  return gradients;
}

std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs,
                         const GradOptions& options) {
  return grad(std::vector<Tensor>{output}, inputs, options);
}

std::vector<Tensor> grad(const Tensor& output, const Tensor& input, const GradOptions& options) {
  return grad(std::vector<Tensor>{output}, std::vector<Tensor>{input}, options);
}

}  // namespace autograd
}  // namespace reel
