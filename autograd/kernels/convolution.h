#pragma once
// Convolutions over one to three axes: the map itself and its two adjoints. All of PyTorch's
// convolutions, the transposed ones and the gradients of every order are made of these three. N is
// the batch, C and O are the channels of the image and of the positions, K are the window's sizes.

#include <reel/autograd/kernels/im2col.h>

namespace reel::kernels {

struct Convolution {
  Window window;
  int64_t groups = 1;  // divides C and O: a group's channels see only each other
};

/// y [N, O, positions] of x [N, C, image] and weight [O, C / groups, K], plus bias [O] if defined.
Array convolution(const Array& x, const Array& weight, const Array& bias, const Convolution& how);
/// The adjoint by x: g [N, O, positions] and weight give [N, C, image], plus bias [C] if defined.
Array convolution_input(const Array& g, const Array& weight, const Array& bias,
                        const Convolution& how);
/// The adjoint by weight: g [N, O, positions] and x [N, C, image] give [O, C / groups, K].
Array convolution_weight(const Array& g, const Array& x, const Convolution& how);

}  // namespace reel::kernels
