#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/matmul.h>
#include <reel/autograd/kernels/packed_matrix.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/recurrent_parts.h>

#include <optional>

namespace reel::kernels {
namespace {

// ---- one row of one step -------------------------------------------------------------------------------------
// `gates` holds the products of the input (and, but for Gru, of the state) and then what the gates
// are; h is overwritten by what comes next.

template <class T>
void plain_row(int64_t hidden, bool relu, T* gates, T* h) {
  for_each_row_batch<T>(hidden, [&](const RowBatch<T>& lanes) {
    const auto x = lanes.load(gates);
    // A NaN stays one: max(NaN, 0) need not.
    const auto y = relu ? xsimd::select(x <= decltype(x)(0), decltype(x)(0), x) : xsimd::tanh(x);
    lanes.store(gates, y);
    lanes.store(h, y);
  });
}

template <class T>
void lstm_row(int64_t hidden, T* gates, T* c, T* h) {
  for_each_row_batch<T>(hidden, [&](const RowBatch<T>& lanes) {
    T *input = gates, *forget = gates + hidden, *cell = forget + hidden, *output = cell + hidden;
    const auto i = logistic(lanes.load(input)), f = logistic(lanes.load(forget));
    const auto g = xsimd::tanh(lanes.load(cell)), o = logistic(lanes.load(output));
    const auto next = f * lanes.load(c) + i * g;
    lanes.store(input, i);
    lanes.store(forget, f);
    lanes.store(cell, g);
    lanes.store(output, o);
    lanes.store(c, next);
    lanes.store(h, o * xsimd::tanh(next));
  });
}

// `products` are those of the state; `candidate` takes the last of them with their bias.
template <class T>
void gru_row(int64_t hidden, T* gates, const T* products, const T* bias, T* candidate, T* h) {
  for_each_row_batch<T>(hidden, [&](const RowBatch<T>& lanes) {
    T *reset = gates, *update = gates + hidden, *fresh = update + hidden;
    const auto r = logistic(lanes.load(reset) + lanes.load(products));
    const auto z = logistic(lanes.load(update) + lanes.load(products + hidden));
    auto u = lanes.load(products + 2 * hidden);
    if (bias) u = u + lanes.load(bias);
    const auto n = xsimd::tanh(lanes.load(fresh) + r * u);
    lanes.store(reset, r);
    lanes.store(update, z);
    lanes.store(fresh, n);
    lanes.store(candidate, u);
    lanes.store(h, n + z * (lanes.load(h) - n));
  });
}

// ---- all steps -------------------------------------------------------------------------------------------------

// What is added to every row of x weight_ih^T: both biases, but for the last part of Gru's second,
// which the reset gate acts on.
Array joint_bias(const RecurrentArrays& inputs, RecurrentCell cell) {
  if (!inputs.bias_ih.defined()) return {};
  Array added = inputs.bias_hh;
  if (cell == RecurrentCell::Gru) {
    added = clone(added);
    const int64_t hidden = added.numel() / 3;
    fill(added.view({hidden}, {1}, 2 * hidden), 0);
  }
  return add(inputs.bias_ih, added);
}

Array begin(const Array& given, int64_t rows, int64_t cols, Dtype dtype) {
  return given.defined() ? clone(given) : Array::full({rows, cols}, 0, dtype);
}

template <class T>
class ForwardPass {
 public:
  ForwardPass(const RecurrentArrays& inputs, const RecurrentSteps& steps,
              const RecurrentLayout& layout, RecurrentForward& out)
      : inputs_(inputs),
        steps_(steps),
        layout_(layout),
        out_(out),
        weight_(layout.state, layout.gates, inputs.weight_hh.data<T>(), 1, layout.state) {
    if (inputs.weight_hr.defined())
      projection_.emplace(layout.hidden, layout.state, inputs.weight_hr.data<T>(), 1,
                          layout.hidden);
  }

  void run(int64_t block) const {
    const int64_t first = block * layout_.block_size(), hidden = layout_.hidden,
                  state = layout_.state;
    T* h = out_.h_n.data<T>() + first * state;
    T* c = is(RecurrentCell::Lstm) ? out_.c_n.data<T>() + first * hidden : nullptr;
    // What a row makes before it is projected, or the state's products (Gru).
    const int64_t space = is(RecurrentCell::Gru) ? layout_.gates : projection_ ? hidden : 0;
    const Array scratch = Array::empty({layout_.block_size(), space}, dtype_of<T>);
    for_each_step(layout_, steps_, block, false, [&](int64_t i, int64_t row, int64_t count) {
      std::copy(h, h + count * state, out_.h_before.data<T>() + row * state);
      if (c) std::copy(c, c + count * hidden, out_.c_before.data<T>() + row * hidden);
      multiply(i == 0 && !inputs_.h0.defined(), row, count, h, scratch.data<T>());
      cells(row, count, h, c, scratch.data<T>());
      if (projection_) projection_->multiply(count, scratch.data<T>(), hidden, h, state, false);
      std::copy(h, h + count * state, out_.output.data<T>() + row * state);
    });
  }

 private:
  bool is(RecurrentCell cell) const { return steps_.cell == cell; }

  // The state's part in the gates, which is nothing where the state is 0.
  void multiply(bool zero, int64_t row, int64_t count, const T* h, T* scratch) const {
    const int64_t gates = layout_.gates;
    if (is(RecurrentCell::Gru)) {
      if (zero) return static_cast<void>(std::fill(scratch, scratch + count * gates, T{0}));
      return weight_.multiply(count, h, layout_.state, scratch, gates, false);
    }
    T* to = out_.gates.data<T>() + row * gates;
    if (!zero) weight_.multiply(count, h, layout_.state, to, gates, true);
  }
  void cells(int64_t row, int64_t count, T* h, T* c, T* scratch) const {
    const int64_t hidden = layout_.hidden;
    const T* bias = inputs_.bias_hh.defined() ? inputs_.bias_hh.data<T>() + 2 * hidden : nullptr;
    for (int64_t i = 0; i < count; ++i) {
      T* gates = out_.gates.data<T>() + (row + i) * layout_.gates;
      if (is(RecurrentCell::Lstm)) {
        lstm_row(hidden, gates, c + i * hidden, (projection_ ? scratch : h) + i * hidden);
      } else if (is(RecurrentCell::Gru)) {
        gru_row(hidden, gates, scratch + i * layout_.gates, bias,
                out_.candidate.data<T>() + (row + i) * hidden, h + i * hidden);
      } else {
        plain_row(hidden, is(RecurrentCell::Relu), gates, h + i * hidden);
      }
    }
  }

  const RecurrentArrays& inputs_;
  const RecurrentSteps& steps_;
  const RecurrentLayout& layout_;
  RecurrentForward& out_;
  PackedMatrix<T> weight_;
  std::optional<PackedMatrix<T>> projection_;
};

}  // namespace

RecurrentForward recurrent(const RecurrentArrays& inputs, const RecurrentSteps& steps) {
  const RecurrentLayout layout(inputs, steps);
  const Dtype dtype = inputs.x.dtype();
  const auto empty = [&](int64_t cols) { return Array::empty({layout.rows, cols}, dtype); };
  RecurrentForward out;
  out.output = empty(layout.state);
  out.h_before = empty(layout.state);
  out.h_n = begin(inputs.h0, layout.batch, layout.state, dtype);
  if (steps.cell == RecurrentCell::Lstm) {
    out.c_before = empty(layout.hidden);
    out.c_n = begin(inputs.c0, layout.batch, layout.hidden, dtype);
  }
  if (steps.cell == RecurrentCell::Gru) out.candidate = empty(layout.hidden);
  out.gates = linear(inputs.x, inputs.weight_ih, joint_bias(inputs, steps.cell));
  dispatch_float(dtype, "recurrent", [&]<class T>(TypeTag<T>) {
    const ForwardPass<T> pass(inputs, steps, layout, out);
    parallel_for(layout.blocks(), [&](int64_t block) { pass.run(block); });
  });
  return out;
}

}  // namespace reel::kernels
