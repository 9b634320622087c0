#include <reel/autograd/kernels/embedding.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/embedding.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/detail/indices.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <utility>

namespace reel {
namespace {

constexpr int64_t kNone = -1;

Tensor checked_rows(const char* op, const Tensor& input, const Tensor& weight) {
  check(weight.dim() == 2, "{}: weight must be 2-d, got shape {}", op, weight.shape());
  const Tensor index = detail::as_places(op, input);
  kernels::check_indices(op, index.array(), 0, weight.size(0));
  return index;
}

int64_t wrapped_padding(const char* op, std::optional<int64_t> padding, const Tensor& weight) {
  if (!padding) return kNone;
  const int64_t rows = weight.size(0);
  check<IndexError>(*padding >= -rows && *padding < rows,
                    "{}: padding_idx {} is out of range for dim 0 of size {}", op, *padding, rows);
  return *padding < 0 ? *padding + rows : *padding;
}

void renorm(const char* op, const Tensor& index, const Tensor& weight,
            std::optional<double> max_norm, double norm_type) {
  if (!max_norm) return;
  check(*max_norm >= 0 && norm_type > 0,
        "{}: max_norm and norm_type must be positive, got {} and {}", op, *max_norm, norm_type);
  kernels::renorm_rows(weight.array(), index.array(), *max_norm, norm_type);
  weight.array().storage()->bump();
}

// 1 / (how often index names the row that it names there), in g's shape but for the last dim.
Tensor frequency_weights(const Tensor& index, int64_t rows, Dtype dtype) {
  const Tensor flat = reshape(index, {-1});
  const Tensor counts = index_select(bincount(flat, rows), 0, flat);
  return unsqueeze(reshape(1 / counts.to(dtype), index.shape()), -1);
}

Tensor rows_of(const Tensor& index, const Tensor& weight, int64_t padding);

// Zeros [rows, D] with the rows of g added where the index says, the padding's left out.
Tensor embedding_backward(const Tensor& g, const Tensor& index, int64_t rows, int64_t padding) {
  Array y = Array::full({rows, g.size(-1)}, 0, g.dtype());
  kernels::add_rows(y, index.array(), g.array(), padding);
  return record("embedding_backward", std::move(y),
                wrt(g, [index = keep(index), padding](const Tensor& h) {
                  const Tensor picked = rows_of(index(), h, padding);
                  if (padding == kNone) return picked;
                  return masked_fill(picked, unsqueeze(index() == padding, -1), 0);
                }));
}

// weight[index], whose gradient passes the padding's row by.
Tensor rows_of(const Tensor& index, const Tensor& weight, int64_t padding) {
  return record("embedding", kernels::pick(weight.array(), {1, 0}, index.array()),
                wrt(weight, [index = keep(index), padding](const Tensor& g, const Shape& shape) {
                  return embedding_backward(g, index(), shape[0], padding);
                }));
}

// The same numbers; gradients are multiplied by `weights`.
Tensor scale_gradient(const Tensor& x, const Tensor& weights) {
  return record("scale_gradient", Array(x.array()),
                wrt(x, [weights = keep(weights)](const Tensor& g) { return g * weights(); }));
}

}  // namespace

Tensor embedding(const Tensor& input, const Tensor& weight, const EmbeddingOptions& options) {
  const Tensor index = checked_rows("embedding", input, weight);
  const int64_t padding = wrapped_padding("embedding", options.padding_idx, weight);
  renorm("embedding", index, weight, options.max_norm, options.norm_type);
  const Tensor rows = rows_of(index, weight, padding);
  if (!options.scale_grad_by_freq) return rows;
  return scale_gradient(rows, frequency_weights(index, weight.size(0), rows.dtype()));
}

// ---- bags ----------------------------------------------------------------------------------------------------

namespace {

// The entries of a flat index that belong together.
struct Bags {
  Tensor index;  // [N]
  Tensor ends;   // [B]: where each bag ends in it
};

Bags bags_of(const Tensor& given, const Tensor& offsets, bool include_last) {
  const Tensor index = reshape(given, {-1});
  if (given.dim() == 2) {
    check(!offsets.defined(), "embedding_bag: a 2-d input has its bags in rows; offsets came too");
    return {index, (arange(given.size(0)) + 1) * given.size(1)};
  }
  check(given.dim() == 1, "embedding_bag: input must be 1-d or 2-d, got shape {}", given.shape());
  check(offsets.defined() && offsets.dim() == 1,
        "embedding_bag: a 1-d input needs 1-d offsets, got {}",
        offsets.defined() ? to_string(offsets.shape()) : std::string("none"));
  const Tensor begins = detail::as_places("embedding_bag", offsets).contiguous();
  const int64_t count = begins.size(0), n = index.numel();
  check(!include_last || count > 0,
        "embedding_bag: include_last_offset needs an offset at least, got none");
  int64_t last = 0;
  for (int64_t begin : begins.span<int64_t>()) {
    check(begin >= last && begin <= n, "embedding_bag: offsets must rise to at most {}, got {}", n,
          begin);
    last = begin;
  }
  check(count == 0 || begins.span<int64_t>()[0] == 0,
        "embedding_bag: the first offset must be 0, got {}",
        count == 0 ? 0 : begins.span<int64_t>()[0]);
  const Tensor end = full({1}, include_last ? last : n);
  if (include_last) return {index, begins.narrow(0, 1, count - 1)};
  return {index, count == 0 ? begins : cat({begins.narrow(0, 1, count - 1), end}, 0)};
}

Tensor largest(const Bags& bags, const Tensor& weight, int64_t padding) {
  const Tensor places(
      kernels::largest_rows(weight.array(), bags.index.array(), bags.ends.array(), padding));
  const Tensor empty_bag = places < 0;
  return masked_fill(gather(weight, 0, masked_fill(places, empty_bag, 0)), empty_bag, 0);
}

}  // namespace

Tensor embedding_bag(const Tensor& input, const Tensor& weight, const Tensor& offsets,
                     const EmbeddingBagOptions& options) {
  const bool mean = options.mode == "mean", max = options.mode == "max";
  check(mean || max || options.mode == "sum",
        "embedding_bag: mode must be \"sum\", \"mean\" or \"max\", got \"{}\"",
        std::string(options.mode).c_str());
  const Tensor& weights = options.per_sample_weights;
  check(!weights.defined() || (!mean && !max && weights.shape() == input.shape()),
        "embedding_bag: per_sample_weights must have input's shape {} and mode \"sum\", got \"{}\"",
        input.shape(), std::string(options.mode).c_str());
  check(!(max && options.scale_grad_by_freq),
        "embedding_bag: scale_grad_by_freq must be off for mode \"max\"");
  const Tensor index = checked_rows("embedding_bag", input, weight);
  const int64_t padding = wrapped_padding("embedding_bag", options.padding_idx, weight);
  const Bags bags = bags_of(index, offsets, options.include_last_offset);
  renorm("embedding_bag", index, weight, options.max_norm, options.norm_type);
  if (max) return largest(bags, weight, padding);
  const int64_t count = bags.ends.size(0);
  // Entry i is of the first bag that ends behind it; what no bag holds is cut off.
  const int64_t used = count == 0 ? 0 : bags.ends[count - 1].item<int64_t>();
  const Tensor part = bags.index.narrow(0, 0, used);
  const Tensor bag = searchsorted(bags.ends, arange(used), {.right = true});
  Tensor rows = embedding(part, weight, {.scale_grad_by_freq = options.scale_grad_by_freq});
  if (weights.defined()) rows = rows * unsqueeze(reshape(weights, {-1}).narrow(0, 0, used), -1);
  const Tensor skipped = part == padding;
  if (padding != kNone) rows = masked_fill(rows, unsqueeze(skipped, -1), 0);
  const Tensor sums =
      index_add(zeros({count, weight.size(1)}, {.dtype = weight.dtype()}), 0, bag, rows);
  if (!mean) return sums;
  const Tensor counted = logical_not(skipped).to(weight.dtype());
  const Tensor sizes = bincount(bag, counted, count).to(weight.dtype());
  return sums / unsqueeze(clamp(sizes, {.min = 1}), -1);
}

}  // namespace reel
