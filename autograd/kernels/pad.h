#pragma once
// Padding. Pads are counts before and after the last dim, then the dim before it, and so on;
// negative ones cut.

#include <reel/autograd/array.h>

namespace reel::kernels {

enum class PadMode : uint8_t { Constant, Reflect, Replicate, Circular };

/// The shape of x padded; sizes are not checked.
Shape padded_shape(const Shape& shape, const Shape& pads);
/// x in the middle of `value`.
Array pad_constant(const Array& x, const Shape& pads, Scalar value);
/// x continued beyond its edges, in at most three dims.
Array pad_edges(const Array& x, const Shape& pads, PadMode mode);
/// What every element of g came from, in x's shape: the adjoint of pad_edges.
Array pad_edges_backward(const Array& g, const Shape& shape, const Shape& pads, PadMode mode);

}  // namespace reel::kernels
