#pragma once
// Tables of rows as modules; see ops/embedding.h. Gradients are dense: there is no option `sparse`.

#include <reel/autograd/ops/embedding.h>
#include <reel/nn/handle.h>

namespace reel::nn {

struct EmbeddingTableOptions {
  int64_t num_embeddings = 0;
  int64_t embedding_dim = 0;
  std::optional<int64_t> padding_idx = {};  ///< a row of zeros without gradient; may be negative
  std::optional<double> max_norm = {};
  double norm_type = 2;
  bool scale_grad_by_freq = false;
};
struct EmbeddingBagTableOptions {
  int64_t num_embeddings = 0;
  int64_t embedding_dim = 0;
  std::optional<double> max_norm = {};
  double norm_type = 2;
  bool scale_grad_by_freq = false;
  std::string mode = "mean";  ///< "sum", "mean" or "max"
  bool include_last_offset = false;
  std::optional<int64_t> padding_idx = {};  ///< a row that bags leave out; may be negative
};

/// weight [num_embeddings, embedding_dim] is drawn from the standard normal distribution, its row
/// padding_idx then set to 0. forward() takes integers of any shape. Throws unless both sizes are
/// at least 1 and padding_idx names a row.
class EmbeddingImpl : public Module {
 public:
  using Options = EmbeddingTableOptions;
  explicit EmbeddingImpl(const Options& chosen);
  EmbeddingImpl(int64_t num_embeddings, int64_t embedding_dim)
      : EmbeddingImpl(Options{num_embeddings, embedding_dim}) {}
  EmbeddingImpl(const Options& chosen, const Tensor& table, bool freeze);
  /// With this table [V, D] as the weight (its memory, not a copy), which is not trained if
  /// `freeze`. Sizes in `options` count for nothing.
  static Handle<EmbeddingImpl> from_pretrained(const Tensor& table, bool freeze = true,
                                               const Options& options = {});

  Tensor forward(const Tensor& input) override;
  std::string extra_repr() const override;

  const Options options;  // padding_idx counted from the front
  Tensor weight;
};
using Embedding = Handle<EmbeddingImpl>;

/// The same table; forward() reduces the rows of a bag to one. max with scale_grad_by_freq, and an
/// unknown mode, are refused.
class EmbeddingBagImpl : public Module {
 public:
  using Options = EmbeddingBagTableOptions;
  explicit EmbeddingBagImpl(const Options& chosen);
  EmbeddingBagImpl(int64_t num_embeddings, int64_t embedding_dim)
      : EmbeddingBagImpl(Options{num_embeddings, embedding_dim}) {}
  EmbeddingBagImpl(const Options& chosen, const Tensor& table, bool freeze);
  static Handle<EmbeddingBagImpl> from_pretrained(const Tensor& table, bool freeze = true,
                                                  const Options& options = {});

  Tensor forward(const Tensor& input) override { return forward(input, {}); }
  Tensor forward(const Tensor& input, const Tensor& offsets, const Tensor& per_sample_weights = {});
  std::string extra_repr() const override;

  const Options options;
  Tensor weight;
};
using EmbeddingBag = Handle<EmbeddingBagImpl>;

}  // namespace reel::nn
