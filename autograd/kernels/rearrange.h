#pragma once
// Elements in other places, or left out.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// x with the order reversed along the dims whose bit is set.
Array flip(const Array& x, uint64_t mask);
/// x moved on by `shift` places along `dim`, 0 <= shift < its size.
Array roll(const Array& x, int dim, int64_t shift);
/// x with zeros above (`lower`) or below the diagonal that many columns right of the main one, in
/// the last two dims.
Array triangle(const Array& x, int64_t diagonal, bool lower);

}  // namespace reel::kernels
