#pragma once
// Kernels of activation functions, one pass over the elements each. x and g have one floating dtype
// and shape; a ..._backward is g times the slope at x, and where the slope is 0 it is 0 for every
// g.

#include <reel/autograd/array.h>
#include <reel/autograd/generator.h>

namespace reel::kernels {

// ---- smooth ----

Array silu(const Array& x);
Array silu_backward(const Array& g, const Array& x);
/// By the normal distribution, or by its approximation with tanh.
Array gelu(const Array& x, bool tanh);
Array gelu_backward(const Array& g, const Array& x, bool tanh);
Array mish(const Array& x);
Array mish_backward(const Array& g, const Array& x);
Array logsigmoid(const Array& x);
Array logsigmoid_backward(const Array& g, const Array& x);
/// log(1 + exp(beta x)) / beta, x where beta x > threshold.
Array softplus(const Array& x, double beta, double threshold);
Array softplus_backward(const Array& g, const Array& x, double beta, double threshold);
/// scale x above 0, else depth (exp(rate x) - 1).
Array elu(const Array& x, double depth, double scale, double rate);
Array elu_backward(const Array& g, const Array& x, double depth, double scale, double rate);

// ---- made of straight lines ----

Array leaky_relu(const Array& x, double slope);
Array leaky_relu_backward(const Array& g, const Array& x, double slope);
/// Its forward pass is clamp.
Array hardtanh_backward(const Array& g, const Array& x, double min, double max);
Array hardsigmoid(const Array& x);
Array hardsigmoid_backward(const Array& g, const Array& x);
Array hardswish(const Array& x);
Array hardswish_backward(const Array& g, const Array& x);
/// 0 in [-lambd, lambd]; else x, or x moved by lambd towards 0.
Array hardshrink(const Array& x, double lambd);
Array softshrink(const Array& x, double lambd);
Array shrink_backward(const Array& g, const Array& x, double lambd);
/// x above `threshold` and where it is NaN, else `value`; any number dtype.
Array threshold(const Array& x, double threshold, double value);
Array threshold_backward(const Array& g, const Array& x, double threshold);
/// x above 0, else weight * x; the two broadcast.
Array prelu(const Array& x, const Array& weight);

/// A number drawn from [lower, upper) for each x <= 0, in row-major order; 1 for the others.
Array rrelu_slopes(const Array& x, double lower, double upper, Generator& generator);

}  // namespace reel::kernels
