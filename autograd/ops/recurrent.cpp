#include <reel/autograd/function.h>
#include <reel/autograd/grad.h>
#include <reel/autograd/kernels/recurrent.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/check_floating.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/recurrent.h>
#include <reel/autograd/ops/view.h>

#include <algorithm>

namespace reel {
namespace {

constexpr const char* kOp = "recurrent";

using kernels::RecurrentArrays;
using kernels::RecurrentForward;
using kernels::RecurrentSteps;

enum Input : size_t { X, H0, C0, WeightIh, WeightHh, BiasIh, BiasHh, WeightHr, kInputs };

Array array_of(const Tensor& x) { return x.defined() ? x.contiguous().array() : Array(); }
Tensor tensor_of(Array x) { return x.defined() ? Tensor(std::move(x)) : Tensor(); }

RecurrentArrays arrays_of(const std::vector<Tensor>& in) {
  return {array_of(in[X]),        array_of(in[H0]),       array_of(in[C0]),
          array_of(in[WeightIh]), array_of(in[WeightHh]), array_of(in[BiasIh]),
          array_of(in[BiasHh]),   array_of(in[WeightHr])};
}

// ---- in operations that are differentiable themselves, for derivatives of higher order -----------------------

// `x` is the input's part of the gates for one step.
RecurrentState composed_step(const Tensor& x, const RecurrentState& state,
                             const std::vector<Tensor>& in, RecurrentCell cell) {
  const Tensor products = linear(state.h, in[WeightHh], in[BiasHh]);
  if (cell == RecurrentCell::Tanh) return {tanh(x + products)};
  if (cell == RecurrentCell::Relu) return {relu(x + products)};
  if (cell == RecurrentCell::Lstm) {
    const std::vector<Tensor> gates = chunk(x + products, 4, 1);
    const Tensor c = sigmoid(gates[1]) * state.c + sigmoid(gates[0]) * tanh(gates[2]);
    const Tensor made = sigmoid(gates[3]) * tanh(c);
    return {in[WeightHr].defined() ? linear(made, in[WeightHr]) : made, c};
  }
  const std::vector<Tensor> ours = chunk(x, 3, 1), theirs = chunk(products, 3, 1);
  const Tensor r = sigmoid(ours[0] + theirs[0]), z = sigmoid(ours[1] + theirs[1]);
  const Tensor n = tanh(ours[2] + r * theirs[2]);
  return {n + z * (state.h - n)};
}

// The rows that a step has, and behind them those of the sequences that it has none of.
Tensor with_others(const Tensor& rows, const Tensor& all) {
  if (!all.defined() || rows.size(0) == all.size(0)) return rows;
  return cat({rows, all.slice(0, rows.size(0))});
}

std::vector<Tensor> composed(const std::vector<Tensor>& in, const RecurrentSteps& steps) {
  const Tensor gates = linear(in[X], in[WeightIh], in[BiasIh]);
  const int64_t batch = steps.batch_sizes[0], size = in[WeightHh].size(1),
                hidden = in[WeightHh].size(0) / kernels::gates_of(steps.cell);
  const auto begin = [&](const Tensor& given, int64_t cols) {
    return given.defined() ? given : zeros({batch, cols}, {.dtype = gates.dtype()});
  };
  RecurrentState state{begin(in[H0], size)};
  if (steps.cell == RecurrentCell::Lstm) state.c = begin(in[C0], hidden);
  std::vector<Tensor> outputs(steps.batch_sizes.size());
  int64_t row = steps.reverse ? gates.size(0) : 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const size_t step = steps.reverse ? outputs.size() - 1 - i : i;
    const int64_t count = steps.batch_sizes[step];
    if (steps.reverse) row -= count;
    const RecurrentState before{state.h.slice(0, 0, count),
                                state.c.defined() ? state.c.slice(0, 0, count) : Tensor()};
    const RecurrentState after =
        composed_step(gates.slice(0, row, row + count), before, in, steps.cell);
    outputs[step] = after.h;
    state = {with_others(after.h, state.h),
             after.c.defined() ? with_others(after.c, state.c) : Tensor()};
    if (!steps.reverse) row += count;
  }
  return {cat(outputs), state.h, state.c};
}

std::vector<Tensor> composed_backward(const std::vector<Tensor>& g, const std::vector<Tensor>& in,
                                      const RecurrentSteps& steps,
                                      const std::vector<bool>& wanted) {
  // Aliases: where one input was computed from another, each must get its own share only.
  std::vector<Tensor> seen, by;
  for (size_t i = 0; i < kInputs; ++i) {
    seen.push_back(wanted[i] ? in[i].view(in[i].shape()) : in[i]);
    if (wanted[i]) by.push_back(seen.back());
  }
  std::vector<Tensor> outputs, gradients;
  const std::vector<Tensor> all = composed(seen, steps);
  for (size_t i = 0; i < all.size(); ++i) {
    if (!g[i].defined()) continue;
    outputs.push_back(all[i]);
    gradients.push_back(g[i]);
  }
  const std::vector<Tensor> found = autograd::grad(
      outputs, by, {.grad_outputs = gradients, .create_graph = true, .allow_unused = true});
  std::vector<Tensor> result(kInputs);
  for (size_t i = 0, next = 0; i < kInputs; ++i) {
    if (wanted[i]) result[i] = found[next++];
  }
  return result;
}

// ---- the operation ---------------------------------------------------------------------------------------------

// One node for three outputs and eight inputs, whose gradients are found together.
struct Recurrent : autograd::Function<Recurrent> {
  static std::vector<Tensor> forward(autograd::Context& ctx, const Tensor& x, const Tensor& h0,
                                     const Tensor& c0, const Tensor& weight_ih,
                                     const Tensor& weight_hh, const Tensor& bias_ih,
                                     const Tensor& bias_hh, const Tensor& weight_hr,
                                     const RecurrentSteps& steps) {
    std::vector<Tensor> in{x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr};
    RecurrentForward made = kernels::recurrent(arrays_of(in), steps);
    for (Array* each : {&made.gates, &made.h_before, &made.c_before, &made.candidate})
      in.push_back(tensor_of(std::move(*each)));
    ctx.save_for_backward(std::move(in));
    ctx.saved_data["steps"] = steps;
    ctx.set_materialize_grads(false);
    return {tensor_of(std::move(made.output)), tensor_of(std::move(made.h_n)),
            tensor_of(std::move(made.c_n))};
  }
  static std::vector<Tensor> backward(autograd::Context& ctx, const std::vector<Tensor>& g) {
    const std::vector<Tensor> saved = ctx.saved();
    const auto& steps = std::any_cast<const RecurrentSteps&>(ctx.saved_data.at("steps"));
    std::vector<bool> wanted;
    for (size_t i = 0; i < kInputs; ++i) wanted.push_back(ctx.needs_input_grad(i));
    std::vector<Tensor> result(kInputs);
    const bool given = std::any_of(g.begin(), g.end(), [](const Tensor& t) { return t.defined(); });
    if (given && is_grad_enabled()) {
      result = composed_backward(g, saved, steps, wanted);
    } else if (given) {
      RecurrentArrays found = kernels::recurrent_backward(
          {.output = array_of(g[0]), .h_n = array_of(g[1]), .c_n = array_of(g[2])},
          {.gates = saved[kInputs].array(),
           .h_before = saved[kInputs + 1].array(),
           .c_before = array_of(saved[kInputs + 2]),
           .candidate = array_of(saved[kInputs + 3])},
          arrays_of(saved), steps, wanted);
      result = {tensor_of(std::move(found.x)),         tensor_of(std::move(found.h0)),
                tensor_of(std::move(found.c0)),        tensor_of(std::move(found.weight_ih)),
                tensor_of(std::move(found.weight_hh)), tensor_of(std::move(found.bias_ih)),
                tensor_of(std::move(found.bias_hh)),   tensor_of(std::move(found.weight_hr))};
    }
    result.emplace_back();  // of the steps
    return result;
  }
};

// ---- checks ------------------------------------------------------------------------------------------------------

void check_shape(const char* name, const Tensor& x, const Shape& shape, Dtype dtype) {
  if (!x.defined()) return;
  check(x.shape() == shape, "{}: {} of shape {} is required, got {}", kOp, name, shape, x.shape());
  check<TypeError>(x.dtype() == dtype, "{}: {} of dtype {} is required, as the input, got {}", kOp,
                   name, dtype, x.dtype());
}

RecurrentSteps steps_of(const Tensor& x, const RecurrentOptions& options) {
  const std::vector<int64_t>& sizes = options.batch_sizes;
  if (sizes.empty()) {
    check(x.dim() == 3 && x.size(0) > 0,
          "{}: an input [T, N, I] of at least one step is required, got {}", kOp, x.shape());
    const auto count = static_cast<size_t>(x.size(0));
    return {options.cell, std::vector<int64_t>(count, x.size(1)), options.reverse};
  }
  check(x.dim() == 2, "{}: a packed input [rows, I] is required, got {}", kOp, x.shape());
  int64_t rows = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    check(sizes[i] > 0 && (i == 0 || sizes[i] <= sizes[i - 1]),
          "{}: batch_sizes must be positive and never grow, got {} at step {}", kOp, sizes[i], i);
    rows += sizes[i];
  }
  check(rows == x.size(0), "{}: batch_sizes must sum to the {} rows of the input, got {}", kOp,
        x.size(0), rows);
  return {options.cell, sizes, options.reverse};
}

void check_weights(const RecurrentWeights& weights, RecurrentCell cell, int64_t input,
                   Dtype dtype) {
  const Tensor &ih = weights.weight_ih, &hh = weights.weight_hh, &hr = weights.weight_hr;
  const int64_t gates = kernels::gates_of(cell);
  check(ih.dim() == 2 && hh.dim() == 2 && ih.size(0) == hh.size(0) && ih.size(0) > 0 &&
            ih.size(0) % gates == 0 && ih.size(1) == input,
        "{}: weight_ih [{} H, {}] and weight_hh [{} H, P] are required, got {} and {}", kOp, gates,
        input, gates, ih.shape(), hh.shape());
  const int64_t hidden = ih.size(0) / gates;
  check(!hr.defined() || cell == RecurrentCell::Lstm, "{}: weight_hr is for Lstm only", kOp);
  check(hr.defined() || hh.size(1) == hidden, "{}: weight_hh [{}, {}] is required, got {}", kOp,
        ih.size(0), hidden, hh.shape());
  check(weights.bias_ih.defined() == weights.bias_hh.defined(),
        "{}: both biases or none are required", kOp);
  check_shape("weight_ih", ih, ih.shape(), dtype);
  check_shape("weight_hh", hh, hh.shape(), dtype);
  check_shape("bias_ih", weights.bias_ih, {ih.size(0)}, dtype);
  check_shape("bias_hh", weights.bias_hh, {ih.size(0)}, dtype);
  check_shape("weight_hr", hr, {hh.size(1), hidden}, dtype);
}

}  // namespace

RecurrentResult recurrent(const Tensor& x, const RecurrentState& state,
                          const RecurrentWeights& weights, const RecurrentOptions& options) {
  detail::check_floating(kOp, x);
  const bool packed = !options.batch_sizes.empty();
  const RecurrentSteps steps = steps_of(x, options);
  check_weights(weights, options.cell, x.size(-1), x.dtype());
  const int64_t batch = steps.batch_sizes[0], size = weights.weight_hh.size(1);
  check_shape("h", state.h, {batch, size}, x.dtype());
  check_shape("c", state.c, {batch, weights.weight_hh.size(0) / kernels::gates_of(options.cell)},
              x.dtype());
  check(options.cell == RecurrentCell::Lstm || !state.c.defined(), "{}: c is for Lstm only", kOp);
  const Tensor rows = packed ? x : x.reshape({x.size(0) * batch, x.size(2)});
  std::vector<Tensor> out =
      Recurrent::apply(rows, state.h, state.c, weights.weight_ih, weights.weight_hh,
                       weights.bias_ih, weights.bias_hh, weights.weight_hr, steps);
  return {packed ? out[0] : out[0].view({x.size(0), batch, size}), {out[1], out[2]}};
}

}  // namespace reel
