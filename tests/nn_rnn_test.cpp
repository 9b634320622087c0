// Recurrent layers, their cells, and packed sequences. Values against PyTorch: reference_test.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using namespace reel::nn::utils::rnn;
using reel::tests::message_of;

namespace {

const TensorOptions kDouble{.dtype = kFloat64};

bool close(const Tensor& a, const Tensor& b) {
  return allclose(a.detach(), b.detach(), {.rtol = 1e-10, .atol = 1e-12});
}

// All numbers that a layer gives, in float64.
Tensor joined(const std::vector<Tensor>& parts) {
  std::vector<Tensor> flat;
  for (const Tensor& each : parts) flat.push_back(each.flatten());
  return cat(flat);
}
template <class Layer, class Sequence>
Tensor all_of(const Layer& layer, const Sequence& x) {
  const auto [output, state] = layer(x);
  Tensor numbers;
  if constexpr (std::is_same_v<Sequence, Tensor>)
    numbers = output;
  else
    numbers = output.data;
  if constexpr (std::is_same_v<Layer, nn::LSTM>)
    return joined({numbers, state.h, state.c});
  else
    return joined({numbers, state});
}

template <class Layer>
void check_gradients(const Layer& layer) {
  layer->to(kFloat64);
  for (const bool training : {true, false}) {
    layer->train(training);
    const auto f = [&](const std::vector<Tensor>& in) {
      manual_seed(5);  // the same elements are dropped each time
      return all_of(layer, in[0]);
    };
    std::vector<Tensor> inputs{randn({3, 2, 2}, kDouble).requires_grad_()};
    for (const Tensor& each : layer->parameters()) inputs.push_back(each);
    EXPECT_TRUE(autograd::gradcheck(f, inputs)) << layer->to_string();
    EXPECT_TRUE(autograd::gradgradcheck(f, inputs)) << layer->to_string();
  }
}

}  // namespace

TEST(RNN, gradients_of_every_layer_and_cell_are_those_of_differences) {
  manual_seed(0);
  check_gradients(nn::RNN(2, 2));
  check_gradients(nn::RNN({.input_size = 2, .hidden_size = 2, .nonlinearity = "relu"}));
  check_gradients(nn::GRU({.input_size = 2, .hidden_size = 2, .bidirectional = true}));
  check_gradients(nn::GRU({.input_size = 2, .hidden_size = 2, .bias = false}));
  check_gradients(nn::LSTM({.input_size = 2,
                            .hidden_size = 2,
                            .num_layers = 2,
                            .batch_first = true,
                            .dropout = 0.5,
                            .proj_size = 1}));
  const auto check_cell = [](const auto& cell, const auto& h_of) {
    cell->to(kFloat64);
    std::vector<Tensor> inputs{randn({2, 3}, kDouble).requires_grad_(),
                               randn({2, 2}, kDouble).requires_grad_()};
    for (const Tensor& each : cell->parameters()) inputs.push_back(each);
    const auto f = [&](const std::vector<Tensor>& in) { return h_of(cell, in[0], in[1]); };
    EXPECT_TRUE(autograd::gradcheck(f, inputs)) << cell->to_string();
    EXPECT_TRUE(autograd::gradgradcheck(f, inputs)) << cell->to_string();
  };
  const auto plain = [](const auto& cell, const Tensor& x, const Tensor& h) { return cell(x, h); };
  check_cell(nn::RNNCell(3, 2), plain);
  check_cell(nn::GRUCell(3, 2), plain);
  check_cell(nn::LSTMCell(3, 2), [](const auto& cell, const Tensor& x, const Tensor& h) {
    const auto [next, c] = cell(x, {h, h});
    return joined({next, c});
  });
}

// Where one input is computed from another, second derivatives count each path once.
TEST(RNN, second_derivatives_see_inputs_that_depend_on_each_other) {
  manual_seed(0);
  const nn::GRU gru(2, 2);
  gru->to(kFloat64);
  const auto f = [&](const std::vector<Tensor>& in) {
    const auto [output, h_n] = gru(in[0], in[0].select(0, 0).unsqueeze(0).tanh());
    return output + h_n;
  };
  const std::vector<Tensor> inputs{randn({3, 2, 2}, kDouble).requires_grad_()};
  EXPECT_TRUE(autograd::gradcheck(f, inputs));
  EXPECT_TRUE(autograd::gradgradcheck(f, inputs));
}

TEST(RNN, starts_with_pytorchs_numbers_in_its_order) {
  manual_seed(3);
  const nn::LSTM lstm(
      {.input_size = 5, .hidden_size = 4, .num_layers = 2, .bidirectional = true, .proj_size = 3});
  const std::vector<std::string> kinds{"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};
  manual_seed(3);
  const auto named = lstm->named_parameters();
  ASSERT_EQ(named.size(), 20u);
  size_t at = 0;
  for (const char* suffix : {"_l0", "_l0_reverse", "_l1", "_l1_reverse"}) {
    const int64_t inputs = at < 10 ? 5 : 6;
    const Shape shapes[] = {{16, inputs}, {16, 3}, {16}, {16}, {3, 4}};
    for (size_t i = 0; i < kinds.size(); ++i, ++at) {
      EXPECT_EQ(named[at].name, kinds[i] + suffix);
      const Tensor expected = rand(shapes[i]) - 0.5;  // +-1/sqrt(4)
      ASSERT_EQ(named[at].value.shape(), shapes[i]);
      EXPECT_TRUE(allclose(named[at].value.detach(), expected, {.atol = 1e-6})) << named[at].name;
    }
  }
  manual_seed(3);
  const nn::GRUCell cell(2, 4);
  manual_seed(3);
  for (const auto& [name, value] : cell->named_parameters())
    EXPECT_TRUE(allclose(value.detach(), rand(value.shape()) - 0.5, {.atol = 1e-6})) << name;
}

TEST(RNN, prints_as_pytorch_does) {
  EXPECT_EQ(
      fmt::format(
          "{}",
          nn::LSTM({.input_size = 64, .hidden_size = 128, .num_layers = 2, .batch_first = true})),
      "LSTM(64, 128, num_layers=2, batch_first=True)");
  EXPECT_EQ(nn::LSTM({.input_size = 3,
                      .hidden_size = 2,
                      .num_layers = 2,
                      .bias = false,
                      .dropout = 0.5,
                      .bidirectional = true,
                      .proj_size = 1})
                ->to_string(),
            "LSTM(3, 2, proj_size=1, num_layers=2, bias=False, dropout=0.5, bidirectional=True)");
  EXPECT_EQ(nn::RNN(3, 2)->to_string(), "RNN(3, 2)");
  EXPECT_EQ(nn::RNNCell({.input_size = 3, .hidden_size = 2, .bias = false, .nonlinearity = "relu"})
                ->to_string(),
            "RNNCell(3, 2, bias=False, nonlinearity=relu)");
}

TEST(RNN, drops_between_layers_only_and_only_while_training) {
  manual_seed(0);
  const nn::GRU gru({.input_size = 3, .hidden_size = 8, .num_layers = 2, .dropout = 0.5});
  const Tensor x = randn({4, 2, 3});
  const auto run = [&](uint64_t seed) {
    manual_seed(seed);
    return gru(x);
  };
  EXPECT_TRUE(equal(run(1).output, run(1).output));
  EXPECT_FALSE(equal(run(1).output, run(2).output));
  EXPECT_TRUE(equal(run(1).state[0], run(2).state[0]));  // the first layer sees no dropout
  // The same by hand: dropout of the first layer's output, nothing behind the second.
  const auto first = recurrent(x, {}, gru->weights(0), {.cell = RecurrentCell::Gru});
  manual_seed(1);
  const auto second = recurrent(dropout(first.output, {.p = 0.5}), {}, gru->weights(1),
                                {.cell = RecurrentCell::Gru});
  EXPECT_TRUE(equal(run(1).output, second.output));
  gru->eval();
  EXPECT_TRUE(equal(run(1).output, run(2).output));
  const nn::GRU one({.input_size = 3, .hidden_size = 8, .dropout = 0.5});
  EXPECT_TRUE(equal(one(x).output, one(x).output));
}

TEST(RNN, layouts_are_one_computation) {
  manual_seed(0);
  const nn::LSTM lstm(3, 4);
  const nn::LSTM first({.input_size = 3, .hidden_size = 4, .batch_first = true});
  first->weights() = lstm->weights();
  const Tensor x = randn({5, 2, 3}), h0 = randn({1, 2, 4}), c0 = randn({1, 2, 4});
  const auto [output, state] = lstm(x, {h0, c0});
  const auto [swapped, same] = first(x.transpose(0, 1), {h0, c0});
  EXPECT_TRUE(equal(output, swapped.transpose(0, 1)));
  EXPECT_TRUE(equal(state.c, same.c));
  const auto [single, end] = lstm(x.select(1, 1), {h0.select(1, 1), c0.select(1, 1)});
  EXPECT_EQ(single.shape(), Shape({5, 4}));
  EXPECT_EQ(end.h.shape(), Shape({1, 4}));
  EXPECT_TRUE(allclose(single, output.select(1, 1), {.atol = 1e-6}));
  EXPECT_TRUE(allclose(end.c, state.c.select(1, 1), {.atol = 1e-6}));
}

TEST(RNN, both_directions_are_two_runs) {
  manual_seed(0);
  const nn::GRU both({.input_size = 3, .hidden_size = 2, .bidirectional = true});
  nn::GRU ahead(3, 2), back(3, 2);
  ahead->weights() = both->weights();
  back->weights() = both->weights(0, true);
  const Tensor x = randn({4, 2, 3});
  const auto [output, h_n] = both(x);
  const auto [forward, h_forward] = ahead(x);
  const auto [reverse, h_reverse] = back(x.flip({0}));
  EXPECT_TRUE(allclose(output, cat({forward, reverse.flip({0})}, -1), {.atol = 1e-6}));
  EXPECT_TRUE(allclose(h_n, cat({h_forward, h_reverse}), {.atol = 1e-6}));
}

TEST(RNN, cells_are_one_step_of_the_layer) {
  manual_seed(0);
  const nn::LSTM lstm(3, 4);
  const nn::LSTMCell cell(3, 4);
  cell->weights = lstm->weights();
  const Tensor x = randn({3, 2, 3});
  const auto [output, last] = lstm(x);
  nn::LSTMState state;
  for (int64_t t = 0; t < 3; ++t) {
    state = cell(x[t], state);
    EXPECT_TRUE(allclose(state.h, output[t], {.atol = 1e-6}));
  }
  EXPECT_TRUE(allclose(state.c, last.c[0], {.atol = 1e-6}));
  EXPECT_EQ(cell(x[0][0]).h.shape(), Shape({4}));
}

// Large enough to be cut into blocks.
TEST(RNN, has_the_same_bits_for_any_number_of_threads) {
  manual_seed(0);
  const nn::LSTM lstm(8, 70);
  const Tensor x = randn({6, 37, 8});
  std::vector<Tensor> results;
  const int before = num_threads();
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    lstm->zero_grad();
    Tensor numbers = all_of(lstm, x);
    numbers.square().sum().backward();
    std::vector<Tensor> parts{numbers.detach()};
    for (const Tensor& each : lstm->parameters()) parts.push_back(each.grad().flatten());
    results.push_back(cat(parts));
  }
  set_num_threads(before);
  EXPECT_TRUE(equal(results[0], results[1]));
  EXPECT_TRUE(equal(results[0], results[2]));
}

TEST(RNN, hooks_see_inputs_and_what_comes_first) {
  const nn::LSTM lstm(3, 4);
  const nn::LSTMCell cell(3, 4);
  std::vector<Shape> seen;
  const auto note = [&](nn::Module&, const std::vector<Tensor>& inputs, Tensor& output) {
    for (const Tensor& each : inputs) seen.push_back(each.shape());
    seen.push_back(output.defined() ? output.shape() : Shape{});
    if (output.defined()) output = output * 2;
  };
  const Tensor x = randn({5, 2, 3}), h = randn({1, 2, 4});
  const Tensor plain = lstm(x, {h, h}).output, one = cell(x[0]).h;
  lstm->register_forward_hook(note);
  cell->register_forward_hook(note);
  EXPECT_TRUE(equal(lstm(x, {h, h}).output, plain * 2));
  const auto [hidden, carried] = cell(x[0]);
  EXPECT_TRUE(equal(hidden, one * 2));
  lstm(pack_sequence({x.select(1, 0)}));
  EXPECT_EQ(seen, (std::vector<Shape>{{5, 2, 3}, {5, 2, 4}, {2, 3}, {2, 4}, {}}));
}

TEST(RNN, saturates_and_keeps_nan) {
  const nn::LSTM lstm(1, 3);
  for (Tensor each : lstm->parameters()) {
    NoGradGuard no_grad;
    each.fill_(1000);
  }
  const auto [output, state] = lstm(tensor({{1.0f}, {-1e4f}}));
  EXPECT_TRUE(isfinite(output).all());
  EXPECT_TRUE(allclose(output[0], full({3}, std::tanh(1.0f)), {.atol = 1e-6}));
  EXPECT_TRUE(allclose(output[1], zeros({3})));
  for (const char* nonlinearity : {"tanh", "relu"}) {
    const nn::RNN rnn({.input_size = 1, .hidden_size = 2, .nonlinearity = nonlinearity});
    EXPECT_TRUE(isnan(rnn(full({2, 1}, std::nanf(""))).output).all());
  }
  EXPECT_TRUE(isnan(nn::GRU(1, 2)(full({2, 1}, std::nanf(""))).output).all());
  EXPECT_TRUE(isnan(lstm(full({2, 1}, std::nanf(""))).output).all());
}

// ---- packed sequences ------------------------------------------------------------------------------------------

TEST(PackedSequence, orders_rows_by_step_and_back) {
  const std::vector<Tensor> list{tensor({1, 2, 3}), tensor({4, 5}), tensor({6})};
  const PackedSequence packed = pack_sequence(list);
  EXPECT_TRUE(equal(packed.data, tensor({1, 4, 6, 2, 5, 3})));
  EXPECT_TRUE(equal(packed.batch_sizes, tensor({3, 2, 1})));
  EXPECT_FALSE(packed.sorted_indices.defined());
  const auto [padded, lengths] = pad_packed_sequence(packed, {.batch_first = true});
  EXPECT_TRUE(equal(padded, tensor({{1, 2, 3}, {4, 5, 0}, {6, 0, 0}})));
  EXPECT_TRUE(equal(lengths, tensor({3, 2, 1})));
  EXPECT_TRUE(equal(pad_packed_sequence(packed, {.padding_value = -1, .total_length = 4}).output,
                    tensor({{1, 4, 6}, {2, 5, -1}, {3, -1, -1}, {-1, -1, -1}})));
  EXPECT_TRUE(equal(pad_sequence(list), tensor({{1, 4, 6}, {2, 5, 0}, {3, 0, 0}})));
  const auto again = unpack_sequence(packed);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(equal(again[i], list[i]));
}

TEST(PackedSequence, sorts_and_restores_the_order) {
  const std::vector<Tensor> list{tensor({6}), tensor({1, 2, 3}), tensor({4, 5})};
  const PackedSequence packed = pack_sequence(list, false);
  EXPECT_TRUE(equal(packed.data, tensor({1, 4, 6, 2, 5, 3})));
  EXPECT_TRUE(equal(packed.sorted_indices, tensor({1, 2, 0})));
  EXPECT_TRUE(equal(packed.unsorted_indices, tensor({2, 0, 1})));
  EXPECT_TRUE(equal(pad_packed_sequence(packed).lengths, tensor({1, 3, 2})));
  const auto again = unpack_sequence(packed);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(equal(again[i], list[i]));
}

// Each sequence by itself, values and gradients, both orders and both directions.
TEST(PackedSequence, runs_as_each_sequence_alone) {
  manual_seed(0);
  const nn::LSTM lstm({.input_size = 2, .hidden_size = 3, .num_layers = 2, .bidirectional = true});
  lstm->to(kFloat64);
  for (const std::vector<int64_t>& lengths :
       {std::vector<int64_t>{4, 2, 1}, std::vector<int64_t>{1, 4, 4, 2}}) {
    std::vector<Tensor> list;
    for (int64_t length : lengths) list.push_back(randn({length, 2}, kDouble).requires_grad_());
    const auto count = static_cast<int64_t>(list.size());
    const Tensor h0 = randn({4, count, 3}, kDouble), c0 = randn({4, count, 3}, kDouble);
    const auto [output, state] = lstm(pack_sequence(list, false), {h0, c0});
    const auto outputs = unpack_sequence(output);
    Tensor together = state.h.square().sum() + state.c.sum(), alone = zeros({}, kDouble);
    for (size_t n = 0; n < list.size(); ++n) {
      const auto at = static_cast<int64_t>(n);
      const auto [one, end] = lstm(list[n], {h0.select(1, at), c0.select(1, at)});
      EXPECT_TRUE(close(outputs[n], one));
      EXPECT_TRUE(close(state.h.select(1, at), end.h));
      EXPECT_TRUE(close(state.c.select(1, at), end.c));
      together = together + outputs[n].exp().sum();
      alone = alone + one.exp().sum() + end.h.square().sum() + end.c.sum();
    }
    std::vector<Tensor> by = lstm->parameters();
    by.insert(by.end(), list.begin(), list.end());
    const auto expected = autograd::grad(alone, by), got = autograd::grad(together, by);
    for (size_t i = 0; i < by.size(); ++i) EXPECT_TRUE(close(got[i], expected[i])) << i;
  }
}

// ---- bad input -------------------------------------------------------------------------------------------------

TEST(RNN, refuses_bad_input) {
  const nn::LSTM lstm(3, 4);
  const nn::GRUCell cell(3, 4);
  const Tensor x = ones({5, 2, 3});
  const std::pair<std::string, std::function<void()>> rows[] = {
      {"LSTM: input_size and hidden_size must be at least 1, got 3 and 0", [] { nn::LSTM(3, 0); }},
      {"GRUCell: input_size and hidden_size must be at least 1, got 0 and 2",
       [] { nn::GRUCell(0, 2); }},
      {"GRU: num_layers must be at least 1, got 0", [] { nn::GRU(3, 2, 0); }},
      {"RNN: dropout must be in [0, 1], got 1.5",
       [] { nn::RNN({.input_size = 3, .hidden_size = 2, .dropout = 1.5}); }},
      {"LSTM: proj_size must be 0 or more and less than hidden_size 2, got 2",
       [] { nn::LSTM({.input_size = 3, .hidden_size = 2, .proj_size = 2}); }},
      {"RNN: nonlinearity must be \"tanh\" or \"relu\", got \"gelu\"",
       [] { nn::RNN({.input_size = 3, .hidden_size = 2, .nonlinearity = "gelu"}); }},
      {"RNNCell: nonlinearity must be",
       [] { nn::RNNCell({.input_size = 3, .hidden_size = 2, .nonlinearity = ""}); }},
      {"LSTM: an input [T, N, 3] or [T, 3] is required, got [5, 2, 4]",
       [&] {
         lstm(ones({5, 2, 4}));
       }},
      {"LSTM: an input [T, N, 3] or [T, 3] is required, got [3]", [&] { lstm(ones({3})); }},
      {"LSTM: an input of at least one step is required, got [0, 2, 3]",
       [&] {
         lstm(ones({0, 2, 3}));
       }},
      {"LSTM: h0 of shape [1, 2, 4] is required, got [2, 4]",
       [&] {
         lstm(x, {ones({2, 4})});
       }},
      {"LSTM: c0 of shape [1, 2, 4] is required, got [1, 3, 4]",
       [&] {
         lstm(x, {ones({1, 2, 4}), ones({1, 3, 4})});
       }},
      {"recurrent: weight_ih of dtype", [&] { lstm(x.to(kFloat64)); }},
      {"LSTM: no weights of layer 1", [&] { lstm->weights(1); }},
      {"GRUCell: an input [N, 3] or [3] is required, got [2, 2, 3]",
       [&] {
         cell(ones({2, 2, 3}));
       }},
      {"GRUCell: a state of shape [2, 4] is required, got [2, 3]",
       [&] {
         cell(ones({2, 3}), ones({2, 3}));
       }},
      {"pack_padded_sequence: lengths must be between 1 and 5, got 0",
       [&] {
         pack_padded_sequence(x, tensor({3, 0}));
       }},
      {"pack_padded_sequence: lengths must be between 1 and 5, got 6",
       [&] {
         pack_padded_sequence(x, tensor({6, 1}));
       }},
      {"pack_padded_sequence: lengths must not grow, got [2, 3]",
       [&] {
         pack_padded_sequence(x, tensor({2, 3}));
       }},
      {"pack_padded_sequence: lengths of shape [2] are required, got [3]",
       [&] {
         pack_padded_sequence(x, tensor({3, 2, 1}));
       }},
      {"pack_padded_sequence: lengths of an integer dtype are required, got float32",
       [&] { pack_padded_sequence(x, ones({2})); }},
      {"pad_packed_sequence: total_length must be at least the longest sequence's 3, got 2",
       [&] {
         pad_packed_sequence(pack_padded_sequence(x, tensor({3, 2})), {.total_length = 2});
       }},
      {"pad_sequence: at least one sequence is required", [] { pad_sequence({}); }},
      {"pad_sequence: sequences that differ in their first size only are required, got [2, 3]",
       [] {
         pad_sequence({ones({2, 3}), ones({2, 4})});
       }},
      {"LSTM: a packed input [rows, 3] is required, got [2, 4]",
       [&] {
         lstm(PackedSequence{ones({2, 4}), tensor({2})});
       }},
      {"recurrent: batch_sizes must be positive and never grow, got 2 at step 1",
       [&] {
         recurrent(ones({3, 3}), {}, lstm->weights(),
                   {.cell = RecurrentCell::Lstm, .batch_sizes = {1, 2}});
       }},
      {"recurrent: batch_sizes must sum to the 4 rows of the input, got 3",
       [&] {
         recurrent(ones({4, 3}), {}, lstm->weights(),
                   {.cell = RecurrentCell::Lstm, .batch_sizes = {2, 1}});
       }},
      {"recurrent: weight_ih [3 H, 3]",
       [&] { recurrent(x, {}, lstm->weights(), {.cell = RecurrentCell::Gru}); }},
      {"recurrent: c is for Lstm only",
       [&] {
         recurrent(x, {{}, ones({2, 4})}, cell->weights, {.cell = RecurrentCell::Gru});
       }},
  };
  const Tensor before = joined(lstm->parameters()).detach();
  for (const auto& [text, call] : rows) {
    const std::string message = message_of(call);
    EXPECT_NE(message.find(text), std::string::npos) << message << "\nwanted " << text;
  }
  EXPECT_TRUE(equal(before, joined(lstm->parameters()).detach()));
  EXPECT_TRUE(equal(x, ones({5, 2, 3})));
}
