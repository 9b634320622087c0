#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/matmul.h>
#include <reel/autograd/kernels/packed_matrix.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/recurrent_parts.h>
#include <reel/autograd/kernels/reduce.h>

#include <optional>

namespace reel::kernels {
namespace {

// ---- one row of one step -------------------------------------------------------------------------------------
// g is the gradient of the state that the step made; `slopes` takes that of the sums its gates were
// functions of. The names are those of the forward pass.

template <class T>
void plain_row(int64_t hidden, bool relu, const T* gates, const T* g, T* slopes) {
  for_each_row_batch<T>(hidden, [&](const RowBatch<T>& lanes) {
    using Batch = xsimd::batch<T>;
    const Batch y = lanes.load(gates), given = lanes.load(g);
    lanes.store(slopes,
                relu ? xsimd::select(y <= Batch(0), Batch(0), given) : given * (Batch(1) - y * y));
  });
}

// gc, the gradient of the cell, becomes that of the cell before; `made` takes what the step made
// before its projection, if that is asked for.
template <class T>
void lstm_row(int64_t hidden, const T* gates, const T* c_before, const T* g, T* gc, T* slopes,
              T* made) {
  for_each_row_batch<T>(hidden, [&](const RowBatch<T>& lanes) {
    const xsimd::batch<T> one(1);
    const auto i = lanes.load(gates), f = lanes.load(gates + hidden),
               n = lanes.load(gates + 2 * hidden), o = lanes.load(gates + 3 * hidden);
    const auto before = lanes.load(c_before), given = lanes.load(g);
    const auto cell = xsimd::tanh(f * before + i * n);
    const auto of_cell = lanes.load(gc) + given * o * (one - cell * cell);
    lanes.store(slopes, of_cell * n * i * (one - i));
    lanes.store(slopes + hidden, of_cell * before * f * (one - f));
    lanes.store(slopes + 2 * hidden, of_cell * i * (one - n * n));
    lanes.store(slopes + 3 * hidden, given * cell * o * (one - o));
    lanes.store(gc, of_cell * f);
    if (made) lanes.store(made, o * cell);
  });
}

// g becomes the part that goes to the state before past the gates; `inner` takes the gradient of
// the state's products, which for the last gate is not that of the input's.
template <class T>
void gru_row(int64_t hidden, const T* gates, const T* candidate, const T* h_before, T* g, T* slopes,
             T* inner) {
  for_each_row_batch<T>(hidden, [&](const RowBatch<T>& lanes) {
    const xsimd::batch<T> one(1);
    const auto r = lanes.load(gates), z = lanes.load(gates + hidden),
               n = lanes.load(gates + 2 * hidden);
    const auto given = lanes.load(g);
    const auto of_n = given * (one - z) * (one - n * n);
    const auto of_z = given * (lanes.load(h_before) - n) * z * (one - z);
    const auto of_r = of_n * lanes.load(candidate) * r * (one - r);
    for (T* to : {slopes, inner}) {
      lanes.store(to, of_r);
      lanes.store(to + hidden, of_z);
    }
    lanes.store(slopes + 2 * hidden, of_n);
    lanes.store(inner + 2 * hidden, of_n * r);
    lanes.store(g, given * z);
  });
}

// ---- all steps -------------------------------------------------------------------------------------------------

// Gradients row by row, from which those of the weights are products.
struct Collected {
  Array slopes;        // [rows, G H]: of the input's products
  Array inner;         // of the state's; the same array but for Gru
  Array g_h, g_c;      // [N, P], [N, H]: of the state, in the end of h0 and c0
  Array made, of_out;  // [rows, H], [rows, P] (with weight_hr): its input, its output's gradient
};

template <class T>
class BackwardPass {
 public:
  BackwardPass(const RecurrentForward& g, const RecurrentForward& saved,
               const RecurrentArrays& inputs, const RecurrentSteps& steps,
               const RecurrentLayout& layout, bool wants_h0, const Collected& to)
      : g_(g),
        saved_(saved),
        steps_(steps),
        layout_(layout),
        wants_h0_(wants_h0),
        to_(to),
        weight_(layout.gates, layout.state, inputs.weight_hh.data<T>(), layout.state, 1) {
    if (inputs.weight_hr.defined())
      projection_.emplace(layout.state, layout.hidden, inputs.weight_hr.data<T>(), layout.hidden,
                          1);
  }

  void run(int64_t block) const {
    const int64_t first = block * layout_.block_size(), state = layout_.state;
    T* g_h = to_.g_h.data<T>() + first * state;
    T* g_c = to_.g_c.defined() ? to_.g_c.data<T>() + first * layout_.hidden : nullptr;
    const Array scratch =
        Array::empty({layout_.block_size(), projection_ ? layout_.hidden : 0}, dtype_of<T>);
    const auto steps = static_cast<int64_t>(steps_.batch_sizes.size());
    for_each_step(layout_, steps_, block, true, [&](int64_t i, int64_t row, int64_t count) {
      add_output(row, count, g_h);
      const T* g = g_h;
      if (projection_) {
        std::copy(g_h, g_h + count * state, to_.of_out.data<T>() + row * state);
        projection_->multiply(count, g_h, state, scratch.data<T>(), layout_.hidden, false);
        g = scratch.data<T>();
      }
      cells(row, count, g, g_h, g_c);
      if (i + 1 == steps && !wants_h0_) return;
      weight_.multiply(count, to_.inner.data<T>() + row * layout_.gates, layout_.gates, g_h, state,
                       is(RecurrentCell::Gru));
    });
  }

 private:
  bool is(RecurrentCell cell) const { return steps_.cell == cell; }

  void add_output(int64_t row, int64_t count, T* g_h) const {
    if (!g_.output.defined()) return;
    const T* from = g_.output.data<T>() + row * layout_.state;
    for (int64_t i = 0; i < count * layout_.state; ++i) g_h[i] += from[i];
  }
  void cells(int64_t row, int64_t count, const T* g, T* g_h, T* g_c) const {
    const int64_t hidden = layout_.hidden;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = row + i;
      const T* gates = saved_.gates.data<T>() + at * layout_.gates;
      T* slopes = to_.slopes.data<T>() + at * layout_.gates;
      if (is(RecurrentCell::Lstm)) {
        lstm_row(hidden, gates, saved_.c_before.data<T>() + at * hidden, g + i * hidden,
                 g_c + i * hidden, slopes,
                 projection_ ? to_.made.data<T>() + at * hidden : nullptr);
      } else if (is(RecurrentCell::Gru)) {
        gru_row(hidden, gates, saved_.candidate.data<T>() + at * hidden,
                saved_.h_before.data<T>() + at * hidden, g_h + i * hidden, slopes,
                to_.inner.data<T>() + at * layout_.gates);
      } else {
        plain_row(hidden, is(RecurrentCell::Relu), gates, g + i * hidden, slopes);
      }
    }
  }

  const RecurrentForward &g_, &saved_;
  const RecurrentSteps& steps_;
  const RecurrentLayout& layout_;
  bool wants_h0_;
  const Collected& to_;
  PackedMatrix<T> weight_;
  std::optional<PackedMatrix<T>> projection_;
};

Collected prepare(const RecurrentForward& g, const RecurrentArrays& inputs,
                  const RecurrentSteps& steps, const RecurrentLayout& layout) {
  const Dtype dtype = inputs.x.dtype();
  const auto empty = [&](int64_t cols) { return Array::empty({layout.rows, cols}, dtype); };
  const auto begin = [&](const Array& given, int64_t cols) {
    return given.defined() ? clone(given) : Array::full({layout.batch, cols}, 0, dtype);
  };
  Collected to;
  to.slopes = empty(layout.gates);
  to.inner = steps.cell == RecurrentCell::Gru ? empty(layout.gates) : to.slopes;
  to.g_h = begin(g.h_n, layout.state);
  if (steps.cell == RecurrentCell::Lstm) to.g_c = begin(g.c_n, layout.hidden);
  if (inputs.weight_hr.defined()) {
    to.made = empty(layout.hidden);
    to.of_out = empty(layout.state);
  }
  return to;
}

// a^T b for rows that belong together.
Array product_of_rows(const Array& a, const Array& b) {
  return matmul(a.view({a.size(1), a.size(0)}, {1, a.size(1)}), b);
}

Array sum_of_rows(const Array& a) { return sum(a, 1, {a.size(1)}); }

}  // namespace

RecurrentArrays recurrent_backward(const RecurrentForward& g, const RecurrentForward& saved,
                                   const RecurrentArrays& inputs, const RecurrentSteps& steps,
                                   const std::vector<bool>& wanted) {
  enum { X, H0, C0, WeightIh, WeightHh, BiasIh, BiasHh, WeightHr };
  const RecurrentLayout layout(inputs, steps);
  const Collected to = prepare(g, inputs, steps, layout);
  dispatch_float(inputs.x.dtype(), "recurrent", [&]<class T>(TypeTag<T>) {
    const BackwardPass<T> pass(g, saved, inputs, steps, layout, wanted[H0], to);
    parallel_for(layout.blocks(), [&](int64_t block) { pass.run(block); });
  });
  RecurrentArrays result;
  if (wanted[X]) result.x = matmul(to.slopes, inputs.weight_ih);
  if (wanted[H0]) result.h0 = to.g_h;
  if (wanted[C0]) result.c0 = to.g_c;
  if (wanted[WeightIh]) result.weight_ih = product_of_rows(to.slopes, inputs.x);
  if (wanted[WeightHh]) result.weight_hh = product_of_rows(to.inner, saved.h_before);
  if (wanted[BiasIh]) result.bias_ih = sum_of_rows(to.slopes);
  if (wanted[BiasHh]) {
    const bool shared = result.bias_ih.defined() && steps.cell != RecurrentCell::Gru;
    result.bias_hh = shared ? clone(result.bias_ih) : sum_of_rows(to.inner);
  }
  if (wanted[WeightHr]) result.weight_hr = product_of_rows(to.of_out, to.made);
  return result;
}

}  // namespace reel::kernels
