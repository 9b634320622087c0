#pragma once
// Sequences of different lengths as one batch without padding, as in torch.nn.utils.rnn.

#include <reel/autograd/tensor.h>

#include <optional>

namespace reel::nn::utils::rnn {

/// First the first rows of all sequences, longest sequence first, then their second rows, ...
struct PackedSequence {
  Tensor data;                   ///< [rows, *]
  Tensor batch_sizes;            ///< int64, one a step: how many sequences reach it
  Tensor sorted_indices = {};    ///< place among the longest first -> place in the batch
  Tensor unsorted_indices = {};  ///< the other way round; both undefined where nothing was sorted
};

struct PackOptions {
  bool batch_first = false;
  bool enforce_sorted = true;  ///< refuses lengths that grow; else they are sorted
};
struct PadOptions {
  bool batch_first = false;
  double padding_value = 0;
  std::optional<int64_t> total_length = {};  ///< steps of the result, the longest where absent
};
struct PaddedSequence {
  Tensor output;   ///< [T, N, *], with batch_first [N, T, *]
  Tensor lengths;  ///< [N], int64
};

/// Of x [T, N, *] (or [N, T, *]) the first lengths[n] steps of each sequence n. Throws unless
/// lengths is an integer tensor [N] of numbers in 1 .. T.
PackedSequence pack_padded_sequence(const Tensor& x, const Tensor& lengths,
                                    const PackOptions& options = {});
/// The inverse, padded behind the end of each sequence. Throws if total_length is too short.
PaddedSequence pad_packed_sequence(const PackedSequence& sequence, const PadOptions& options = {});
/// Sequences [length, *] as one tensor. Throws if there are none or if other sizes differ.
Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadOptions& options = {});
/// The inverse: the first lengths[n] steps of each.
std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths,
                                   bool batch_first = false);
/// Sequences [length, *], packed, and back.
PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted = true);
std::vector<Tensor> unpack_sequence(const PackedSequence& sequence);

}  // namespace reel::nn::utils::rnn
