#include <reel/autograd/kernels/attention.h>
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/gemm.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/softmax.h>

#include <algorithm>

namespace reel::kernels {
namespace {

// Multiplications that make a block worth handing to a thread.
constexpr int64_t kBlockWork = int64_t{1} << 18;

// The matrix of one head in a view [N, heads, rows, cols].
template <class T>
struct Matrix {
  T* data;
  int64_t rows, cols, leading;

  Matrix(const Array& x, int64_t sample, int64_t head)
      : data(x.data<T>() + sample * x.strides()[0] + head * x.strides()[1]),
        rows(x.size(2)),
        cols(x.size(3)),
        leading(rows > 1 ? x.strides()[2] : x.size(3)) {}
  Matrix(T* scratch, int64_t height, int64_t width)
      : data(scratch), rows(height), cols(width), leading(width) {}

  Operand<T> plain() const { return {data, leading}; }
  Operand<T> transposed() const { return {data, leading, true}; }
};

// c = a b.
template <class T>
void product(const Operand<T>& a, const Operand<T>& b, int64_t inner, const Matrix<T>& c) {
  gemm(c.rows, c.cols, inner, a, b, T{0}, c.data, c.leading);
}

// Calls f(sample, head) for all heads of all samples, several to a block where they are small.
template <class F>
void for_heads(const AttentionOperands& x, F&& f) {
  const int64_t heads = x.query.size(1), items = x.query.size(0) * heads;
  const int64_t work = x.query.size(2) * x.query.size(3) * x.key.size(2);
  const int64_t per_block = std::max<int64_t>(1, kBlockWork / std::max<int64_t>(1, work));
  parallel_for((items + per_block - 1) / per_block, [&](int64_t block) {
    const int64_t end = std::min(items, (block + 1) * per_block);
    for (int64_t item = block * per_block; item < end; ++item) f(item / heads, item % heads);
  });
}

// Adds row `row` of one head of a mask, whose strides are any, 0 among them.
template <class T>
void add_mask_row(const Array& mask, int64_t sample, int64_t head, int64_t row, T* scores) {
  if (!mask.defined()) return;
  const Strides& strides = mask.strides();
  const T* from = mask.data<T>() + sample * strides[0] + head * strides[1] + row * strides[2];
  const int64_t step = strides[3], n = mask.size(3);
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) scores[i] += from[i];
  } else {
    for (int64_t i = 0; i < n; ++i) scores[i] += from[i * step];
  }
}

// weights * noise of one head, in scratch.
template <class T>
Array with_noise(const Matrix<T>& weights, const Matrix<T>& noise, Dtype dtype) {
  const Array result = Array::empty({weights.rows, weights.cols}, dtype);
  T* to = result.data<T>();
  for (int64_t i = 0; i < result.numel(); ++i) to[i] = weights.data[i] * noise.data[i];
  return result;
}

template <class T>
void forward_head(const AttentionOperands& x, int64_t sample, int64_t head,
                  const Array& all_weights, const Array& output) {
  const Matrix<T> query(x.query, sample, head), key(x.key, sample, head),
      value(x.value, sample, head), weights(all_weights, sample, head);
  product(query.plain(), key.transposed(), query.cols, weights);
  const T scale = static_cast<T>(x.scale);
  for (int64_t row = 0; row < weights.rows; ++row) {
    T* scores = weights.data + row * weights.cols;
    for (int64_t i = 0; i < weights.cols; ++i) scores[i] *= scale;
    add_mask_row(x.mask, sample, head, row, scores);
    add_mask_row(x.padding, sample, head, row, scores);
    softmax_row(scores, weights.cols, scores);
  }
  const Matrix<T> to(output, sample, head);
  if (!x.noise.defined()) return product(weights.plain(), value.plain(), weights.cols, to);
  const Array kept = with_noise(weights, Matrix<T>(x.noise, sample, head), x.noise.dtype());
  product(Matrix<T>(kept.data<T>(), weights.rows, weights.cols).plain(), value.plain(),
          weights.cols, to);
}

// The gradient of the scores, in scratch.
template <class T>
void scores_backward(const AttentionOperands& x, const Matrix<T>& weights, const Array& g,
                     const Array& g_weights, int64_t sample, int64_t head, const Matrix<T>& slope) {
  const Matrix<T> value(x.value, sample, head), given(g, sample, head);
  product(given.plain(), value.transposed(), value.cols, slope);
  const int64_t count = slope.rows * slope.cols;
  if (x.noise.defined()) {
    const T* noise = Matrix<T>(x.noise, sample, head).data;
    for (int64_t i = 0; i < count; ++i) slope.data[i] *= noise[i];
  }
  if (g_weights.defined()) {
    const T* more = Matrix<T>(g_weights, sample, head).data;
    for (int64_t i = 0; i < count; ++i) slope.data[i] += more[i];
  }
  for (int64_t row = 0; row < slope.rows; ++row) {
    T* line = slope.data + row * slope.cols;
    softmax_backward_row(line, weights.data + row * slope.cols, slope.cols, line);
  }
}

template <class T>
void backward_head(const AttentionOperands& x, int64_t sample, int64_t head,
                   const Array& all_weights, const Array& g, const Array& g_weights,
                   const AttentionGradients& results) {
  const Matrix<T> weights(all_weights, sample, head), given(g, sample, head);
  if (results.value.defined()) {
    const Matrix<T> to(results.value, sample, head);
    if (x.noise.defined()) {
      const Array kept = with_noise(weights, Matrix<T>(x.noise, sample, head), x.noise.dtype());
      product(Matrix<T>(kept.data<T>(), weights.rows, weights.cols).transposed(), given.plain(),
              weights.rows, to);
    } else {
      product(weights.transposed(), given.plain(), weights.rows, to);
    }
  }
  if (!results.query.defined() && !results.key.defined() && !results.scores.defined()) return;
  const Array scratch = Array::empty({weights.rows, weights.cols}, all_weights.dtype());
  const Matrix<T> slope(scratch.data<T>(), weights.rows, weights.cols);
  scores_backward(x, weights, g, g_weights, sample, head, slope);
  const int64_t count = slope.rows * slope.cols;
  if (results.scores.defined())
    std::copy(slope.data, slope.data + count, Matrix<T>(results.scores, sample, head).data);
  const T scale = static_cast<T>(x.scale);
  for (int64_t i = 0; i < count; ++i) slope.data[i] *= scale;
  if (results.query.defined())
    product(slope.plain(), Matrix<T>(x.key, sample, head).plain(), slope.cols,
            Matrix<T>(results.query, sample, head));
  if (results.key.defined())
    product(slope.transposed(), Matrix<T>(x.query, sample, head).plain(), slope.rows,
            Matrix<T>(results.key, sample, head));
}

}  // namespace

void attention(const AttentionOperands& x, const Array& weights, const Array& output) {
  if (weights.numel() == 0 || output.numel() == 0) return fill(output, 0);
  dispatch_float(weights.dtype(), "attention", [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_heads(x, [&](int64_t sample, int64_t head) {
      forward_head<T>(x, sample, head, weights, output);
    });
  });
}

void attention_backward(const AttentionOperands& x, const Array& weights, const Array& g,
                        const Array& g_weights, const AttentionGradients& results) {
  if (weights.numel() == 0) {
    for (const Array* result : {&results.query, &results.key, &results.value, &results.scores}) {
      if (result->defined()) fill(*result, 0);
    }
    return;
  }
  dispatch_float(weights.dtype(), "attention_backward", [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_heads(x, [&](int64_t sample, int64_t head) {
      backward_head<T>(x, sample, head, weights, g, g_weights, results);
    });
  });
}

}  // namespace reel::kernels
