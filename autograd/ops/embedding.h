#pragma once
// Rows of a table by number, one by one or in bags.

#include <reel/autograd/tensor.h>

#include <string_view>

namespace reel {

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx = {};  ///< a row that gets no gradient; may be negative
  std::optional<double> max_norm = {};      ///< rows used are first scaled to it, in weight itself
  double norm_type = 2;                     ///< which norm that is
  bool scale_grad_by_freq = false;  ///< a row's gradient is divided by how often it was used
};
/// weight[input]: [*, D] for an input of shape [*] and a weight [V, D].
Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingOptions& options = {});

struct EmbeddingBagOptions {
  std::string_view mode = "mean";           ///< "sum", "mean" or "max"
  Tensor per_sample_weights = {};           ///< of input's shape; only for "sum"
  bool include_last_offset = false;         ///< the last offset is the end of the last bag
  std::optional<int64_t> padding_idx = {};  ///< rows that are left out; may be negative
  std::optional<double> max_norm = {};
  double norm_type = 2;
  bool scale_grad_by_freq = false;  ///< not for "max"
};
/// The rows of weight [V, D] that each bag of an input names, reduced to one: [B, D]. A 2-d input
/// [B, N] has bags of N; a 1-d input needs offsets, where its bags begin. Empty bags give zeros.
Tensor embedding_bag(const Tensor& input, const Tensor& weight, const Tensor& offsets = {},
                     const EmbeddingBagOptions& options = {});

}  // namespace reel
