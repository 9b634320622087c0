#pragma once
// Recurrent layers: all steps of one direction, forward and backward.

#include <reel/autograd/array.h>
#include <reel/autograd/options.h>

#include <vector>

namespace reel::kernels {

/// How many numbers a cell makes of its input for each hidden one.
constexpr int64_t gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::Lstm ? 4 : cell == RecurrentCell::Gru ? 3 : 1;
}

/// The rows of a packed sequence belong to steps: first batch_sizes[0] of them to step 0, and so
/// on. Sizes never grow, so row i of every step belongs to sequence i.
struct RecurrentSteps {
  RecurrentCell cell;
  std::vector<int64_t> batch_sizes;
  bool reverse = false;  ///< from the last step to the first
};

/// Inputs, or their gradients, of one floating dtype and row-major; G = gates_of(cell), P = H
/// unless weight_hr is there. States, biases and weight_hr may be undefined.
struct RecurrentArrays {
  Array x;                     ///< [rows, I]
  Array h0, c0;                ///< [N, P], [N, H]: undefined is 0
  Array weight_ih, weight_hh;  ///< [G H, I], [G H, P]
  Array bias_ih, bias_hh;      ///< [G H]
  Array weight_hr;             ///< [P, H]
};

struct RecurrentForward {
  Array output = {}, h_n = {}, c_n = {};  ///< [rows, P], [N, P], [N, H] (Lstm)
  // What backward reads.
  Array gates = {};  ///< [rows, G H], behind their functions
  Array h_before = {},
        c_before = {};   ///< [rows, P], [rows, H] (Lstm): the states each step began with
  Array candidate = {};  ///< [rows, H] (Gru): what the reset gate is multiplied with
};

RecurrentForward recurrent(const RecurrentArrays& inputs, const RecurrentSteps& steps);

/// The gradients of those inputs that `wanted` holds true for, in the order of RecurrentArrays.
/// `g` holds gradients of output, h_n and c_n; undefined is 0.
RecurrentArrays recurrent_backward(const RecurrentForward& g, const RecurrentForward& saved,
                                   const RecurrentArrays& inputs, const RecurrentSteps& steps,
                                   const std::vector<bool>& wanted);

}  // namespace reel::kernels
