#pragma once
// Parameters as one vector, and parameters that stay as they are.

#include <reel/nn/module.h>

namespace reel::nn {

namespace utils {

/// All parameters row by row, one after the other: 1-d. They must have one dtype. Differentiable.
Tensor parameters_to_vector(const std::vector<Tensor>& parameters);
/// Gives the parameters the numbers of a 1-d `vector`, in place and without recording. Throws
/// unless it has as many as they have.
void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters);

}  // namespace utils

/// Turns gradients off (on) for the parameters whose dotted name is `prefix` or begins with it and
/// a dot: freeze(*model, "encoder"), freeze(*model, "head.0.weight"); all if it is empty. Gradients
/// that frozen parameters have are forgotten, so that no optimiser uses them. Throws if there are
/// none.
void freeze(Module& module, std::string_view prefix = "");
void unfreeze(Module& module, std::string_view prefix = "");

/// The parameters that regularisation is usually meant for: those with two dims or more and without
/// "bias" in their name.
std::vector<Tensor> weights_only(const Module& module);

}  // namespace reel::nn
