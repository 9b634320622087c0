#pragma once
// Recurrent layers in one operation for all of their steps.

#include <reel/autograd/options.h>
#include <reel/autograd/tensor.h>

namespace reel {

/// What a cell carries from step to step. c is the LSTM's.
struct RecurrentState {
  Tensor h, c = {};
};
/// Of one layer and direction, as PyTorch names and stacks them: with G = 1 (Tanh, Relu), 3 (Gru:
/// r, z, n) or 4 (Lstm: i, f, g, o) weight_ih is [G H, I], weight_hh [G H, P], the biases, which
/// may be undefined, [G H]. P is H, or with weight_hr [P, H] (Lstm only) its first size.
struct RecurrentWeights {
  Tensor weight_ih, weight_hh, bias_ih = {}, bias_hh = {}, weight_hr = {};
};
struct RecurrentOptions {
  RecurrentCell cell = RecurrentCell::Tanh;
  bool reverse = false;                   ///< from the last step to the first
  std::vector<int64_t> batch_sizes = {};  ///< of a packed sequence: how many rows each step has
};
struct RecurrentResult {
  Tensor output;  ///< h after every step, where its x lies
  RecurrentState state;
};

/// One direction of a layer over x [T, N, I], from a state [N, P] (and c [N, H]), which may be
/// undefined for zeros: an output [T, N, P] and the last state. Packed, x is [rows, I] and the
/// output [rows, P]; batch_sizes must sum to the rows and never grow, and a sequence that ends
/// early keeps its state. The LSTM is that of Hochreiter and Schmidhuber (1997) with the forget
/// gate of Gers et al. (2000) and, with weight_hr, the projection of Sak et al. (2014); the GRU is
/// that of Cho et al. (2014), whose reset gate acts on the product of U and h. All floating, of one
/// dtype.
RecurrentResult recurrent(const Tensor& x, const RecurrentState& state,
                          const RecurrentWeights& weights, const RecurrentOptions& options = {});

}  // namespace reel
