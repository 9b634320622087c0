#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/dropout.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/view.h>
#include <reel/nn/rnn.h>

#include <cmath>

namespace reel::nn {
namespace {

RecurrentCell cell_of(const char* name, const std::string& nonlinearity) {
  check(nonlinearity == "tanh" || nonlinearity == "relu",
        "{}: nonlinearity must be \"tanh\" or \"relu\", got \"{}\"", name, nonlinearity);
  return nonlinearity == "tanh" ? RecurrentCell::Tanh : RecurrentCell::Relu;
}

int64_t gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::Lstm ? 4 : cell == RecurrentCell::Gru ? 3 : 1;
}

void check_sizes(const std::string& name, int64_t input_size, int64_t hidden_size) {
  check(input_size >= 1 && hidden_size >= 1,
        "{}: input_size and hidden_size must be at least 1, got {} and {}", name, input_size,
        hidden_size);
}

Tensor drawn(const Shape& shape, int64_t hidden_size) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  Tensor parameter = empty(shape);
  parameter.uniform_(-bound, bound);
  return parameter;
}

// Each is multiplied by a number in every step of a sequence.
int64_t matrix_numbers(const RecurrentWeights& weights) {
  return weights.weight_ih.numel() + weights.weight_hh.numel() +
         (weights.weight_hr.defined() ? weights.weight_hr.numel() : 0);
}

const char* truth(bool value) { return value ? "True" : "False"; }

// f of both, where defined.
template <class F>
RecurrentState each(const RecurrentState& state, F&& f) {
  return {state.h.defined() ? f(state.h) : Tensor(), state.c.defined() ? f(state.c) : Tensor()};
}

Tensor stacked(const std::vector<Tensor>& states) {
  return states.size() == 1 ? states[0].unsqueeze(0) : stack(states);
}

}  // namespace

// ---- layers --------------------------------------------------------------------------------------------------

RNNBase::RNNBase(Config config) : config_(std::move(config)) {
  const Config& c = config_;
  check_sizes(c.name, c.input_size, c.hidden_size);
  check(c.num_layers >= 1, "{}: num_layers must be at least 1, got {}", c.name, c.num_layers);
  check(c.dropout >= 0 && c.dropout <= 1, "{}: dropout must be in [0, 1], got {}", c.name,
        c.dropout);
  check(c.proj_size >= 0 && c.proj_size < c.hidden_size,
        "{}: proj_size must be 0 or more and less than hidden_size {}, got {}", c.name,
        c.hidden_size, c.proj_size);
  for (int64_t layer = 0; layer < c.num_layers; ++layer) {
    for (int64_t direction = 0; direction < directions(); ++direction)
      add_weights(layer == 0 ? c.input_size : directions() * state_size(),
                  fmt::format("_l{}{}", layer, direction == 1 ? "_reverse" : ""));
  }
}

void RNNBase::add_weights(int64_t inputs, const std::string& suffix) {
  const int64_t hidden = config_.hidden_size, rows = gates_of(config_.cell) * hidden;
  const auto add = [&](const char* name, const Shape& shape) {
    return register_parameter(name + suffix, drawn(shape, hidden));
  };
  RecurrentWeights weights;
  weights.weight_ih = add("weight_ih", {rows, inputs});
  weights.weight_hh = add("weight_hh", {rows, state_size()});
  if (config_.bias) {
    weights.bias_ih = add("bias_ih", {rows});
    weights.bias_hh = add("bias_hh", {rows});
  }
  if (config_.proj_size > 0) weights.weight_hr = add("weight_hr", {config_.proj_size, hidden});
  weights_.push_back(std::move(weights));
}

RecurrentWeights& RNNBase::weights(int64_t layer, bool reverse) {
  check<IndexError>(layer >= 0 && layer < config_.num_layers && (!reverse || directions() == 2),
                    "{}: no weights of layer {}{}", config_.name, layer,
                    reverse ? " in reverse" : "");
  return weights_[static_cast<size_t>(layer * directions() + (reverse ? 1 : 0))];
}

void RNNBase::check_state(const RecurrentState& state, std::optional<int64_t> batch) const {
  const auto check_one = [&](const char* name, const Tensor& given, int64_t size) {
    if (!given.defined()) return;
    Shape shape{config_.num_layers * directions()};
    if (batch) shape.push_back(*batch);
    shape.push_back(size);
    check(given.shape() == shape, "{}: {} of shape {} is required, got {}", config_.name, name,
          shape, given.shape());
  };
  check_one("h0", state.h, state_size());
  check_one("c0", state.c, config_.hidden_size);
}

RecurrentResult RNNBase::layers(Tensor x, const RecurrentState& state,
                                const std::vector<int64_t>& batch_sizes) const {
  std::vector<Tensor> h, c;
  for (int64_t layer = 0; layer < config_.num_layers; ++layer) {
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const auto at = static_cast<int64_t>(h.size());
      const RecurrentState begin = each(state, [&](const Tensor& t) { return t.select(0, at); });
      auto [output, end] =
          recurrent(x, begin, weights_[h.size()],
                    {.cell = config_.cell, .reverse = direction == 1, .batch_sizes = batch_sizes});
      outputs.push_back(std::move(output));
      h.push_back(std::move(end.h));
      c.push_back(std::move(end.c));
    }
    x = outputs.size() == 1 ? outputs[0] : cat(outputs, -1);
    if (layer + 1 < config_.num_layers)
      x = dropout(x, {.p = config_.dropout, .training = is_training()});
  }
  return {x, {stacked(h), config_.cell == RecurrentCell::Lstm ? stacked(c) : Tensor()}};
}

SequenceAndState<Tensor, RecurrentState> RNNBase::run(const Tensor& x,
                                                      const RecurrentState& state) const {
  const char* layout = config_.batch_first ? "N, T" : "T, N";
  check((x.dim() == 3 || x.dim() == 2) && x.size(-1) == config_.input_size,
        "{}: an input [{}, {}] or [T, {}] is required, got {}", config_.name, layout,
        config_.input_size, config_.input_size, x.shape());
  const bool single = x.dim() == 2, swapped = config_.batch_first && !single;
  check(x.size(swapped ? 1 : 0) > 0, "{}: an input of at least one step is required, got {}",
        config_.name, x.shape());
  const Tensor steps = single ? x.unsqueeze(1) : swapped ? x.transpose(0, 1) : x;
  check_state(state, single ? std::optional<int64_t>() : steps.size(1));
  const auto with_batch = [](const Tensor& t) { return t.unsqueeze(1); };
  auto [output, end] = layers(steps, single ? each(state, with_batch) : state, {});
  if (swapped) output = output.transpose(0, 1);
  if (!single) return {output, end};
  return {output.squeeze(1), each(end, [](const Tensor& t) { return t.squeeze(1); })};
}

SequenceAndState<PackedSequence, RecurrentState> RNNBase::run(const PackedSequence& x,
                                                              const RecurrentState& state) const {
  check(x.data.dim() == 2 && x.data.size(1) == config_.input_size,
        "{}: a packed input [rows, {}] is required, got {}", config_.name, config_.input_size,
        x.data.shape());
  const auto sizes = x.batch_sizes.span<int64_t>();
  check(!sizes.empty(), "{}: a packed input of at least one step is required, got none",
        config_.name);
  check_state(state, sizes[0]);
  const auto reordered = [](const RecurrentState& from, const Tensor& order) {
    if (!order.defined()) return from;
    return each(from, [&](const Tensor& t) { return index_select(t, 1, order); });
  };
  auto [output, end] = layers(x.data, reordered(state, x.sorted_indices),
                              std::vector<int64_t>(sizes.begin(), sizes.end()));
  return {{output, x.batch_sizes, x.sorted_indices, x.unsorted_indices},
          reordered(end, x.unsorted_indices)};
}

int64_t RNNBase::multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const {
  if (!output.defined()) return 0;
  int64_t of_a_step = 0;
  for (const RecurrentWeights& each : weights_) of_a_step += matrix_numbers(each);
  return inputs[0].numel() / config_.input_size * of_a_step;
}

std::string RNNBase::extra_repr() const {
  const Config& c = config_;
  std::string text = fmt::format("{}, {}", c.input_size, c.hidden_size);
  if (c.proj_size != 0) text += fmt::format(", proj_size={}", c.proj_size);
  if (c.num_layers != 1) text += fmt::format(", num_layers={}", c.num_layers);
  if (!c.bias) text += fmt::format(", bias={}", truth(c.bias));
  if (c.batch_first) text += fmt::format(", batch_first={}", truth(c.batch_first));
  if (c.dropout != 0) text += fmt::format(", dropout={}", c.dropout);
  if (c.bidirectional) text += fmt::format(", bidirectional={}", truth(c.bidirectional));
  return text;
}

// The base must be told before `options` exists.
RNNImpl::RNNImpl(const RNNOptions& o)
    : RNNBase({"RNN", cell_of("RNN", o.nonlinearity), o.input_size, o.hidden_size, o.num_layers,
               o.bias, o.batch_first, o.dropout, o.bidirectional}),
      options(o) {}
GRUImpl::GRUImpl(const GRUOptions& o)
    : RNNBase({"GRU", RecurrentCell::Gru, o.input_size, o.hidden_size, o.num_layers, o.bias,
               o.batch_first, o.dropout, o.bidirectional}),
      options(o) {}
LSTMImpl::LSTMImpl(const LSTMOptions& o)
    : RNNBase({"LSTM", RecurrentCell::Lstm, o.input_size, o.hidden_size, o.num_layers, o.bias,
               o.batch_first, o.dropout, o.bidirectional, o.proj_size}),
      options(o) {}

namespace {

// Without c, for layers that have none.
template <class Sequence>
SequenceAndState<Sequence, Tensor> with_h(SequenceAndState<Sequence, RecurrentState> result) {
  return {std::move(result.output), std::move(result.state.h)};
}

}  // namespace

SequenceAndState<Tensor, Tensor> RNNImpl::forward(const Tensor& x, const Tensor& h0) const {
  return with_h(run(x, {h0}));
}
SequenceAndState<PackedSequence, Tensor> RNNImpl::forward(const PackedSequence& x,
                                                          const Tensor& h0) const {
  return with_h(run(x, {h0}));
}
SequenceAndState<Tensor, Tensor> GRUImpl::forward(const Tensor& x, const Tensor& h0) const {
  return with_h(run(x, {h0}));
}
SequenceAndState<PackedSequence, Tensor> GRUImpl::forward(const PackedSequence& x,
                                                          const Tensor& h0) const {
  return with_h(run(x, {h0}));
}
SequenceAndState<Tensor, LSTMState> LSTMImpl::forward(const Tensor& x,
                                                      const LSTMState& state) const {
  return run(x, state);
}
SequenceAndState<PackedSequence, LSTMState> LSTMImpl::forward(const PackedSequence& x,
                                                              const LSTMState& state) const {
  return run(x, state);
}

// ---- cells ---------------------------------------------------------------------------------------------------

RNNCellBase::RNNCellBase(std::string name, RecurrentCell cell, const GatedCellOptions& options)
    : name_(std::move(name)), cell_(cell), options_(options) {
  check_sizes(name_, options.input_size, options.hidden_size);
  const int64_t hidden = options.hidden_size, rows = gates_of(cell) * hidden;
  const auto add = [&](const char* parameter, const Shape& shape) {
    return register_parameter(parameter, drawn(shape, hidden));
  };
  weights.weight_ih = add("weight_ih", {rows, options.input_size});
  weights.weight_hh = add("weight_hh", {rows, hidden});
  if (!options.bias) return;
  weights.bias_ih = add("bias_ih", {rows});
  weights.bias_hh = add("bias_hh", {rows});
}

RecurrentState RNNCellBase::step(const Tensor& x, const RecurrentState& state) const {
  check((x.dim() == 2 || x.dim() == 1) && x.size(-1) == options_.input_size,
        "{}: an input [N, {}] or [{}] is required, got {}", name_, options_.input_size,
        options_.input_size, x.shape());
  const bool single = x.dim() == 1;
  each(state, [&](const Tensor& given) {
    const Shape shape =
        single ? Shape{options_.hidden_size} : Shape{x.size(0), options_.hidden_size};
    check(given.shape() == shape, "{}: a state of shape {} is required, got {}", name_, shape,
          given.shape());
    return given;
  });
  const auto with_batch = [&](const Tensor& t) { return single ? t.unsqueeze(0) : t; };
  const RecurrentState end =
      recurrent(with_batch(x).unsqueeze(0), each(state, with_batch), weights, {.cell = cell_})
          .state;
  return each(end, [&](const Tensor& t) { return single ? t.squeeze(0) : t; });
}

int64_t RNNCellBase::multiply_adds(const std::vector<Tensor>& inputs, const Tensor&) const {
  return inputs[0].numel() / options_.input_size * matrix_numbers(weights);
}

std::string RNNCellBase::extra_repr() const {
  return fmt::format("{}, {}{}{}", options_.input_size, options_.hidden_size,
                     options_.bias ? "" : ", bias=False",
                     cell_ == RecurrentCell::Relu ? ", nonlinearity=relu" : "");
}

RNNCellImpl::RNNCellImpl(const RNNCellOptions& o)
    : RNNCellBase("RNNCell", cell_of("RNNCell", o.nonlinearity),
                  {o.input_size, o.hidden_size, o.bias}) {}

}  // namespace reel::nn
