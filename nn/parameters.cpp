#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/nn/parameters.h>

namespace reel::nn {
namespace utils {

Tensor parameters_to_vector(const std::vector<Tensor>& parameters) {
  check(!parameters.empty(), "parameters_to_vector: got an empty list of parameters");
  std::vector<Tensor> flat;
  for (const Tensor& parameter : parameters) {
    check(parameter.defined(), "parameters_to_vector: a parameter is undefined");
    check<TypeError>(parameter.dtype() == parameters.front().dtype(),
                     "parameters_to_vector: parameters must have one dtype, got {} and {}",
                     parameters.front().dtype(), parameter.dtype());
    flat.push_back(ravel(parameter));
  }
  return cat(flat);
}

void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters) {
  int64_t numel = 0;
  for (const Tensor& parameter : parameters) {
    check(parameter.defined(), "vector_to_parameters: a parameter is undefined");
    numel += parameter.numel();
  }
  check(vector.dim() == 1 && vector.numel() == numel,
        "vector_to_parameters: expected a vector of {} numbers, got shape {}", numel,
        vector.shape());
  NoGradGuard no_grad;
  // The vector may show the parameters' own memory.
  const Tensor numbers = vector.clone();
  int64_t start = 0;
  for (Tensor parameter : parameters) {
    parameter.copy_(narrow(numbers, 0, start, parameter.numel()).reshape(parameter.shape()));
    start += parameter.numel();
  }
}

}  // namespace utils

namespace {

std::vector<Tensor> named_with(const char* function, const Module& module,
                               std::string_view prefix) {
  std::vector<Tensor> found;
  for (const auto& [name, parameter] : module.named_parameters()) {
    const bool inside =
        name.starts_with(prefix) &&
        (prefix.empty() || name.size() == prefix.size() || name[prefix.size()] == '.');
    if (inside) found.push_back(parameter);
  }
  check(!found.empty(), "{}: {} has no parameters named \"{}\"", function, module.name(), prefix);
  return found;
}

}  // namespace

void freeze(Module& module, std::string_view prefix) {
  for (Tensor& parameter : named_with("freeze", module, prefix)) {
    parameter.requires_grad_(false);
    parameter.mutable_grad() = Tensor();
  }
}

void unfreeze(Module& module, std::string_view prefix) {
  for (Tensor& parameter : named_with("unfreeze", module, prefix)) parameter.requires_grad_();
}

std::vector<Tensor> weights_only(const Module& module) {
  std::vector<Tensor> weights;
  for (const auto& [name, parameter] : module.named_parameters()) {
    const std::string own = name.substr(name.rfind('.') + 1);
    if (parameter.dim() >= 2 && own.find("bias") == std::string::npos) weights.push_back(parameter);
  }
  return weights;
}

}  // namespace reel::nn
