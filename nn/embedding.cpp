#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/view.h>
#include <reel/nn/embedding.h>
#include <reel/nn/repr.h>

namespace reel::nn {
namespace {

// padding_idx counted from the front; throws on what makes no sense.
template <class O>
O checked(const char* module, O options) {
  check(options.num_embeddings >= 1 && options.embedding_dim >= 1,
        "{}: num_embeddings and embedding_dim must be at least 1, got {} and {}", module,
        options.num_embeddings, options.embedding_dim);
  if (!options.padding_idx) return options;
  int64_t& row = *options.padding_idx;
  check(row >= -options.num_embeddings && row < options.num_embeddings,
        "{}: padding_idx must be one of the {} rows, got {}", module, options.num_embeddings, row);
  if (row < 0) row += options.num_embeddings;
  return options;
}
EmbeddingBagTableOptions checked_bag(const EmbeddingBagTableOptions& options) {
  check(options.mode == "sum" || options.mode == "mean" || options.mode == "max",
        "EmbeddingBag: mode must be \"sum\", \"mean\" or \"max\", got \"{}\"", options.mode);
  check(!options.scale_grad_by_freq || options.mode != "max",
        "EmbeddingBag: scale_grad_by_freq does not go with mode \"max\"");
  return checked("EmbeddingBag", options);
}

template <class O>
Tensor drawn_table(const O& options) {
  Tensor table = empty({options.num_embeddings, options.embedding_dim});
  table.normal_();
  if (options.padding_idx) table[*options.padding_idx].zero_();
  return table;
}

// The sizes of a given table as options.
template <class O>
O sized(const char* module, O options, const Tensor& table) {
  check(table.dim() == 2 && table.is_floating_point(),
        "{}: from_pretrained expects a floating table [V, D], got {} {}", module, table.dtype(),
        table.shape());
  options.num_embeddings = table.size(0);
  options.embedding_dim = table.size(1);
  return options;
}

template <class O>
std::string describe(const O& options) {
  std::string text = fmt::format("{}, {}", options.num_embeddings, options.embedding_dim);
  const auto padding = [&] {
    if (options.padding_idx) text += fmt::format(", padding_idx={}", *options.padding_idx);
  };
  constexpr bool bag = requires { options.mode; };
  if (!bag) padding();
  if (options.max_norm) text += ", max_norm=" + repr(*options.max_norm);
  if (options.norm_type != 2) text += ", norm_type=" + repr(options.norm_type);
  if (options.scale_grad_by_freq) text += ", scale_grad_by_freq=True";
  if constexpr (bag) {
    text += fmt::format(", mode='{}'", options.mode);
    padding();
  }
  return text;
}

}  // namespace

EmbeddingImpl::EmbeddingImpl(const Options& chosen) : options(checked("Embedding", chosen)) {
  weight = register_parameter("weight", drawn_table(options));
}
EmbeddingImpl::EmbeddingImpl(const Options& chosen, const Tensor& table, bool freeze)
    : options(checked("Embedding", sized("Embedding", chosen, table))) {
  weight = register_parameter("weight", table.detach(), !freeze);
}
Embedding EmbeddingImpl::from_pretrained(const Tensor& table, bool freeze, const Options& options) {
  return Embedding(options, table, freeze);
}

Tensor EmbeddingImpl::forward(const Tensor& input) {
  return embedding(input, weight,
                   {.padding_idx = options.padding_idx,
                    .max_norm = options.max_norm,
                    .norm_type = options.norm_type,
                    .scale_grad_by_freq = options.scale_grad_by_freq});
}

std::string EmbeddingImpl::extra_repr() const { return describe(options); }

EmbeddingBagImpl::EmbeddingBagImpl(const Options& chosen) : options(checked_bag(chosen)) {
  weight = register_parameter("weight", drawn_table(options));
}
EmbeddingBagImpl::EmbeddingBagImpl(const Options& chosen, const Tensor& table, bool freeze)
    : options(checked_bag(sized("EmbeddingBag", chosen, table))) {
  weight = register_parameter("weight", table.detach(), !freeze);
}
EmbeddingBag EmbeddingBagImpl::from_pretrained(const Tensor& table, bool freeze,
                                               const Options& options) {
  return EmbeddingBag(options, table, freeze);
}

Tensor EmbeddingBagImpl::forward(const Tensor& input, const Tensor& offsets,
                                 const Tensor& per_sample_weights) {
  return embedding_bag(input, weight, offsets,
                       {.mode = options.mode,
                        .per_sample_weights = per_sample_weights,
                        .include_last_offset = options.include_last_offset,
                        .padding_idx = options.padding_idx,
                        .max_norm = options.max_norm,
                        .norm_type = options.norm_type,
                        .scale_grad_by_freq = options.scale_grad_by_freq});
}

std::string EmbeddingBagImpl::extra_repr() const { return describe(options); }

}  // namespace reel::nn
