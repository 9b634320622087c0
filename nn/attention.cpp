#include <reel/autograd/function.h>
#include <reel/autograd/kernels/attention.h>
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/dropout.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/pad.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/nn/attention.h>
#include <reel/nn/init.h>

#include <cmath>
#include <limits>

namespace reel::nn {
namespace {

// ---- attention between projected sequences ---------------------------------------------------------------------

// How heads lie in a sequence [length, N, width], or [N, length, width] if batch_first.
struct Layout {
  int64_t heads;
  bool batch_first;

  int64_t batch(const Tensor& x) const { return x.size(batch_first ? 0 : 1); }
  int64_t length(const Tensor& x) const { return x.size(batch_first ? 1 : 0); }
  // Columns [first, first + width) of a row-major sequence as [N, heads, length, width / heads].
  Array view(const Array& x, int64_t first, int64_t width) const {
    const int64_t columns = x.size(2), rows = x.size(1), part = width / heads;
    const Shape shape{x.size(batch_first ? 0 : 1), heads, x.size(batch_first ? 1 : 0), part};
    const Strides strides = batch_first ? Strides{rows * columns, part, columns, 1}
                                        : Strides{columns, part, rows * columns, 1};
    return x.view(shape, strides, first);
  }
  // The same of a tensor of `width` columns, recorded.
  Tensor split(const Tensor& x) const {
    const Tensor parts = x.unflatten(-1, {heads, x.size(-1) / heads});
    return batch_first ? parts.permute({0, 2, 1, 3}) : parts.permute({1, 2, 0, 3});
  }
  Tensor join(const Tensor& x) const {
    const Tensor sequence = batch_first ? x.permute({0, 2, 1, 3}) : x.permute({2, 0, 1, 3});
    return sequence.flatten(2, 3);
  }
};

Array expanded(const Tensor& mask, const Shape& shape) {
  if (!mask.defined()) return {};
  return mask.array().view(
      shape, expand_strides("MultiheadAttention", mask.shape(), mask.array().strides(), shape));
}

// softmax(q k' / sqrt(width) + mask + padding) noise v for each head: the output and the weights
// before the noise. One operation, so that what belongs to one head is computed, forward and back,
// while it is in the cache, and reads and writes its columns where they are. Where its gradient is
// itself recorded, that is put together from other operations.
struct HeadsAttention : autograd::Function<HeadsAttention> {
  // Without key and value, all three stand side by side in the columns of query.
  static std::vector<Tensor> forward(autograd::Context& ctx, const Tensor& query, const Tensor& key,
                                     const Tensor& value, const Tensor& mask, const Tensor& padding,
                                     const Tensor& noise, const Layout& layout) {
    const Call call{query, key, value, mask, padding, noise, layout};
    const kernels::AttentionOperands operands = call.operands();
    const Array weights = Array::empty(call.scores_shape(), query.dtype());
    Shape shape = query.shape();
    shape[2] = call.width();
    const Array output = Array::empty(shape, query.dtype());
    kernels::attention(operands, weights, layout.view(output, 0, call.width()));
    const Tensor y{Array(output)}, kept{Array(weights)};
    ctx.save_for_backward({query, key, value, mask, padding, noise, kept});
    ctx.saved_data["layout"] = layout;
    ctx.set_materialize_grads(false);
    return {y, kept};
  }

  static std::vector<Tensor> backward(autograd::Context& ctx, const std::vector<Tensor>& grad) {
    const std::vector<Tensor> saved = ctx.saved();
    const Call call{saved[0],
                    saved[1],
                    saved[2],
                    saved[3],
                    saved[4],
                    saved[5],
                    std::any_cast<Layout>(ctx.saved_data.at("layout"))};
    const Tensor g = grad[0].defined() ? grad[0].contiguous() : call.zero_output();
    std::vector<Tensor> results(7);
    if (is_grad_enabled()) {
      call.record_gradients(saved[6], g, grad[1], results);
    } else {
      call.compute_gradients(ctx, saved[6], g, grad[1], results);
    }
    return results;
  }

 private:
  struct Call {
    const Tensor &query, &key, &value, &mask, &padding, &noise;
    Layout layout;

    bool packed() const { return !key.defined(); }
    int64_t width() const { return packed() ? query.size(2) / 3 : query.size(2); }
    double scale() const {
      return 1 / std::sqrt(static_cast<double>(width()) / static_cast<double>(layout.heads));
    }
    Shape scores_shape() const {
      return {layout.batch(query), layout.heads, layout.length(query),
              layout.length(packed() ? query : key)};
    }
    Tensor zero_output() const {
      Shape shape = query.shape();
      shape[2] = width();
      return Tensor(Array::full(shape, 0, query.dtype()));
    }
    // Part 0, 1 or 2 of `whole`, which is laid out as the inputs are.
    Array part(const Array& whole, int index) const {
      return layout.view(whole, packed() ? index * width() : 0, width());
    }
    kernels::AttentionOperands operands() const {
      const Shape shape = scores_shape();
      return {part(query.array(), 0),
              part((packed() ? query : key).array(), 1),
              part((packed() ? query : value).array(), 2),
              expanded(mask, shape),
              expanded(padding, shape),
              noise.defined() ? noise.array() : Array(),
              scale()};
    }

    void compute_gradients(const autograd::Context& ctx, const Tensor& weights, const Tensor& g,
                           const Tensor& g_weights, std::vector<Tensor>& results) const {
      kernels::AttentionGradients to;
      Array* const parts[] = {&to.query, &to.key, &to.value};
      const Tensor* const inputs[] = {&query, &key, &value};
      for (int i = 0; i < 3; ++i) {
        const size_t input = packed() ? 0 : static_cast<size_t>(i);
        if (!ctx.needs_input_grad(input)) continue;
        if (!results[input].defined())
          results[input] = Tensor(Array::empty(inputs[input]->shape(), query.dtype()));
        *parts[i] = part(results[input].array(), i);
      }
      if (ctx.needs_input_grad(3) || ctx.needs_input_grad(4))
        to.scores = Array::empty(weights.shape(), weights.dtype());
      kernels::attention_backward(
          operands(), weights.array(), layout.view(g.array(), 0, width()),
          g_weights.defined() ? kernels::contiguous(g_weights.array()) : Array(), to);
      if (ctx.needs_input_grad(3)) results[3] = Tensor(Array(to.scores));
      if (ctx.needs_input_grad(4)) results[4] = Tensor(Array(to.scores));
    }

    void record_gradients(const Tensor& weights, const Tensor& g, const Tensor& g_weights,
                          std::vector<Tensor>& results) const {
      const std::vector<Tensor> inputs =
          packed() ? query.chunk(3, -1) : std::vector<Tensor>{query, key, value};
      const Tensor q = layout.split(inputs[0]), k = layout.split(inputs[1]),
                   v = layout.split(inputs[2]), given = layout.split(g);
      const Tensor kept = noise.defined() ? weights * noise : weights;
      Tensor slope = matmul(given, v.mT());
      if (noise.defined()) slope = slope * noise;
      if (g_weights.defined()) slope = slope + g_weights;
      slope = weights * (slope - (slope * weights).sum(-1, {.keepdim = true}));
      results[0] = layout.join(matmul(slope, k)) * scale();
      results[1] = layout.join(matmul(slope.mT(), q)) * scale();
      results[2] = layout.join(matmul(kept.mT(), given));
      if (packed()) {
        results[0] = cat({results[0], results[1], results[2]}, -1);
        results[1] = results[2] = Tensor();
      }
      if (mask.defined()) results[3] = slope;
      if (padding.defined()) results[4] = slope;
    }
  };
};

// ---- masks -----------------------------------------------------------------------------------------------------

// What is added to the scores.
Tensor additive(const Tensor& mask, Dtype dtype) {
  if (mask.dtype() != kBool) return mask.to(dtype);
  return zeros(mask.shape(), {.dtype = dtype})
      .masked_fill(mask, -std::numeric_limits<double>::infinity());
}

void check_mask(const char* name, const Tensor& mask, const Shape& shape) {
  check<TypeError>(mask.dtype() == kBool || mask.is_floating_point(),
                   "MultiheadAttention: {} must be bool or floating, got {}", name, mask.dtype());
  check(mask.shape() == shape, "MultiheadAttention: {} of shape {} is required, got {}", name,
        shape, mask.shape());
}

Tensor attention_mask(const Tensor& mask, int64_t samples, int64_t heads, int64_t targets,
                      int64_t sources, Dtype dtype) {
  if (!mask.defined()) return mask;
  if (mask.dim() == 3) {
    check_mask("attn_mask", mask, {samples * heads, targets, sources});
    return additive(mask, dtype).reshape({samples, heads, targets, sources});
  }
  check_mask("attn_mask", mask, {targets, sources});
  return additive(mask, dtype).reshape({1, 1, targets, sources});
}

Tensor padding_mask(const Tensor& mask, int64_t samples, int64_t sources, Dtype dtype) {
  if (!mask.defined()) return mask;
  check_mask("key_padding_mask", mask, {samples, sources});
  return additive(mask, dtype).reshape({samples, 1, 1, sources});
}

// ---- parameters ------------------------------------------------------------------------------------------------

MultiheadAttentionOptions checked(const MultiheadAttentionOptions& options) {
  const int64_t width = options.embed_dim, heads = options.num_heads;
  const int64_t key = options.kdim.value_or(width), value = options.vdim.value_or(width);
  check(width >= 1 && heads >= 1 && key >= 1 && value >= 1,
        "MultiheadAttention: embed_dim, num_heads, kdim and vdim must be at least 1, got {}, {}, "
        "{} and {}",
        width, heads, key, value);
  check(width % heads == 0, "MultiheadAttention: num_heads must divide embed_dim, got {} and {}",
        heads, width);
  check(options.dropout >= 0 && options.dropout <= 1,
        "MultiheadAttention: dropout must be in [0, 1], got {}", options.dropout);
  return options;
}

}  // namespace

// The numbers are drawn in PyTorch's order: out_proj, weights, bias_k, bias_v.
MultiheadAttentionImpl::MultiheadAttentionImpl(const MultiheadAttentionOptions& chosen)
    : options(checked(chosen)),
      out_proj(register_module("out_proj",
                               NonDynamicallyQuantizableLinear({.in_features = options.embed_dim,
                                                                .out_features = options.embed_dim,
                                                                .bias = options.bias}))) {
  const int64_t width = options.embed_dim;
  const int64_t key = options.kdim.value_or(width), value = options.vdim.value_or(width);
  if (key == width && value == width) {
    in_proj_weight =
        register_parameter("in_proj_weight", init::xavier_uniform_(empty({3 * width, width})));
  } else {
    q_proj_weight =
        register_parameter("q_proj_weight", init::xavier_uniform_(empty({width, width})));
    k_proj_weight = register_parameter("k_proj_weight", init::xavier_uniform_(empty({width, key})));
    v_proj_weight =
        register_parameter("v_proj_weight", init::xavier_uniform_(empty({width, value})));
  }
  if (options.bias) {
    in_proj_bias = register_parameter("in_proj_bias", zeros({3 * width}));
    NoGradGuard no_grad;
    out_proj->bias.zero_();
  }
  if (!options.add_bias_kv) return;
  bias_k = register_parameter("bias_k", init::xavier_normal_(empty({1, 1, width})));
  bias_v = register_parameter("bias_v", init::xavier_normal_(empty({1, 1, width})));
}

void MultiheadAttentionImpl::check_inputs(const Tensor& query, const Tensor& key,
                                          const Tensor& value) const {
  check((query.dim() == 2 || query.dim() == 3) && key.dim() == query.dim() &&
            value.dim() == query.dim(),
        "MultiheadAttention: query, key and value of 3 dims, or unbatched of 2, are required, got "
        "{}, {} and {}",
        query.shape(), key.shape(), value.shape());
  const int64_t width = options.embed_dim;
  const Shape wanted{width, options.kdim.value_or(width), options.vdim.value_or(width)};
  check(query.size(-1) == wanted[0] && key.size(-1) == wanted[1] && value.size(-1) == wanted[2],
        "MultiheadAttention: query, key and value of {}, {} and {} features are required, got {}, "
        "{} and {}",
        wanted[0], wanted[1], wanted[2], query.shape(), key.shape(), value.shape());
  const int batch = options.batch_first ? 0 : 1;
  bool fits = key.size(0) == value.size(0);
  if (query.dim() == 3)
    fits = fits && key.size(1) == value.size(1) && key.size(batch) == query.size(batch);
  check(fits,
        "MultiheadAttention: key and value of one length, and batches of one size, are required, "
        "got query {}, key {} and value {}",
        query.shape(), key.shape(), value.shape());
}

// One product where all three are the same.
std::vector<Tensor> MultiheadAttentionImpl::projected(const Tensor& query, const Tensor& key,
                                                      const Tensor& value) const {
  const bool one = in_proj_weight.defined() && query.body() == key.body() &&
                   key.body() == value.body() && !options.add_bias_kv && !options.add_zero_attn;
  if (one) return {linear(query, in_proj_weight, in_proj_bias), Tensor(), Tensor()};
  std::vector<Tensor> weights{q_proj_weight, k_proj_weight, v_proj_weight}, biases(3);
  if (in_proj_weight.defined()) weights = in_proj_weight.chunk(3);
  if (in_proj_bias.defined()) biases = in_proj_bias.chunk(3);
  return {linear(query, weights[0], biases[0]).contiguous(),
          linear(key, weights[1], biases[1]).contiguous(),
          linear(value, weights[2], biases[2]).contiguous()};
}

// Puts bias_k and bias_v, and zeros, behind the keys and values; no mask hides them.
void MultiheadAttentionImpl::extend(std::vector<Tensor>& sequences, Tensor& mask,
                                    Tensor& padding) const {
  const int dim = options.batch_first ? 1 : 0;
  const auto lengthen = [&](const Tensor& key, const Tensor& value) {
    Shape shape = sequences[1].shape();
    shape[dim] = 1;
    sequences[1] = cat({sequences[1], key.expand(shape)}, dim);
    sequences[2] = cat({sequences[2], value.expand(shape)}, dim);
    if (mask.defined()) mask = pad(mask, {0, 1});
    if (padding.defined()) padding = pad(padding, {0, 1});
  };
  if (options.add_bias_kv) lengthen(bias_k, bias_v);
  if (options.add_zero_attn) {
    const Tensor zero = zeros({1, 1, 1}, {.dtype = sequences[1].dtype()});
    lengthen(zero, zero);
  }
}

// As a batch of one.
MultiheadAttentionOutput MultiheadAttentionImpl::unbatched(
    const Tensor& query, const Tensor& key, const Tensor& value,
    MultiheadAttentionForwardOptions chosen) {
  const int dim = options.batch_first ? 0 : 1;
  const Tensor one = query.unsqueeze(dim);
  // What is one tensor stays one.
  const Tensor keys = key.body() == query.body() ? one : key.unsqueeze(dim);
  const Tensor values = value.body() == key.body() ? keys : value.unsqueeze(dim);
  if (Tensor& padding = chosen.key_padding_mask; padding.defined()) {
    check(padding.shape() == Shape(key.size(0)),
          "MultiheadAttention: unbatched inputs take a key_padding_mask of shape [{}], got {}",
          key.size(0), padding.shape());
    padding = padding.unsqueeze(0);
  }
  MultiheadAttentionOutput result = forward(one, keys, values, chosen);
  result.output = result.output.squeeze(dim);
  if (result.weights.defined()) result.weights = result.weights.squeeze(0);
  return result;
}

MultiheadAttentionOutput MultiheadAttentionImpl::forward(
    const Tensor& query, const Tensor& key, const Tensor& value,
    const MultiheadAttentionForwardOptions& chosen) {
  check_inputs(query, key, value);
  if (query.dim() == 2) return unbatched(query, key, value, chosen);
  const Layout layout{options.num_heads, options.batch_first};
  const int64_t samples = layout.batch(query), targets = layout.length(query),
                sources = layout.length(key);
  Tensor mask =
      attention_mask(chosen.attn_mask, samples, options.num_heads, targets, sources, query.dtype());
  Tensor padding = padding_mask(chosen.key_padding_mask, samples, sources, query.dtype());
  std::vector<Tensor> sequences = projected(query, key, value);
  extend(sequences, mask, padding);
  const Tensor noise = noise_for({samples, options.num_heads, targets,
                                  layout.length(sequences[sequences[1].defined() ? 1 : 0])},
                                 sequences[0].dtype());
  const std::vector<Tensor> result =
      HeadsAttention::apply(sequences[0], sequences[1], sequences[2], mask, padding, noise, layout);
  Tensor weights;
  if (chosen.need_weights) {
    weights = noise.defined() ? result[1] * noise : result[1];
    if (chosen.average_attn_weights) weights = weights.mean(1);
  }
  return {out_proj(result[0]), weights};
}

// Projections, scores and weighted sums; out_proj is called as the module it is.
int64_t MultiheadAttentionImpl::multiply_adds(const std::vector<Tensor>& inputs,
                                              const Tensor&) const {
  const Tensor &query = inputs[0], &key = inputs[1], &value = inputs[2];
  const int64_t width = options.embed_dim;
  const int64_t length = key.size(options.batch_first && key.dim() == 3 ? 1 : 0) +
                         options.add_bias_kv + options.add_zero_attn;
  return (query.numel() + key.numel() + value.numel()) * width + 2 * query.numel() * length;
}

// What dropout multiplies the weights by; undefined where it does nothing.
Tensor MultiheadAttentionImpl::noise_for(const Shape& shape, Dtype dtype) const {
  if (!is_training() || options.dropout == 0) return {};
  return dropout(ones(shape, {.dtype = dtype}), {.p = options.dropout});
}

}  // namespace reel::nn
