#pragma once
// A module as a function of its parameters too, for comparisons of gradients.

#include <reel/autograd/ops/operators.h>
#include <reel/nn/module.h>

#include <string>
#include <vector>

namespace reel::tests {

/// Lets `module` compute with `values` in place of the parameters of these names, so that gradients
/// flow on to what the values were computed from. Throws unless the names are all it has.
inline void compute_with(nn::Module& module, const std::vector<std::string>& names,
                         const std::vector<Tensor>& values) {
  const auto parameters = module.named_parameters();
  check(names.size() == values.size() && names.size() == parameters.size(),
        "compute_with: {} parameters are required, got {} names and {} values", parameters.size(),
        names.size(), values.size());
  for (size_t i = 0; i < names.size(); ++i) {
    TensorBody* body = nullptr;
    for (const auto& entry : parameters) {
      if (entry.name == names[i]) body = entry.value.body();
    }
    check(body != nullptr, "compute_with: there is no parameter {}", names[i]);
    check(body->array.shape() == values[i].shape(), "compute_with: {} of shape {}, got {}",
          names[i], body->array.shape(), values[i].shape());
    const Tensor value = values[i] * 1;
    body->array = value.array();
    body->node = value.body()->node;
    body->requires_grad = false;
  }
}

}  // namespace reel::tests
