// rnn.json: recurrent layers and cells, through the modules with the recorded weights.
#include "reference.h"

namespace reel::testing {
namespace {

// The inputs of a case: x, states if they are given, and the weights under their names.
struct Inputs {
  Inputs(const Tensors& inputs, const Args& args, size_t states) : x(inputs.at(0)) {
    size_t at = 1;
    if (args.flag("initial_state")) {
      state.h = inputs.at(at++);
      if (states == 2) state.c = inputs.at(at++);
    }
    for (const auto& name : args.json("weights"))
      weights[name.get<std::string>()] = inputs.at(at++);
  }
  RecurrentWeights of(const std::string& suffix) const {
    const auto find = [&](const char* name) {
      const auto found = weights.find(name + suffix);
      return found == weights.end() ? Tensor() : found->second;
    };
    return {find("weight_ih"), find("weight_hh"), find("bias_ih"), find("bias_hh"),
            find("weight_hr")};
  }
  Tensor x;
  RecurrentState state;
  std::map<std::string, Tensor> weights;
};

// The options that all layers have.
template <class Options>
Options layer_options(const Args& args) {
  Options options;
  options.input_size = args.integer("input_size");
  options.hidden_size = args.integer("hidden_size");
  options.num_layers = args.integer("num_layers", 1);
  options.bias = args.flag("bias", true);
  options.batch_first = args.flag("batch_first");
  options.bidirectional = args.flag("bidirectional");
  if constexpr (requires { options.nonlinearity; })
    options.nonlinearity = args.text("nonlinearity", "tanh");
  if constexpr (requires { options.proj_size; }) options.proj_size = args.integer("proj_size");
  return options;
}

template <class Layer>
Tensors layer(const Tensors& inputs, const Args& args) {
  constexpr bool lstm = std::is_same_v<Layer, nn::LSTM>;
  const Inputs in(inputs, args, lstm ? 2 : 1);
  const auto options = layer_options<typename Layer::ImplType::Options>(args);
  const Layer module(options);
  for (int64_t i = 0; i < options.num_layers; ++i) {
    module->weights(i) = in.of(fmt::format("_l{}", i));
    if (options.bidirectional) module->weights(i, true) = in.of(fmt::format("_l{}_reverse", i));
  }
  if constexpr (lstm) {
    const auto [output, state] = module(in.x, in.state);
    return {output, state.h, state.c};
  } else {
    const auto [output, h_n] = module(in.x, in.state.h);
    return {output, h_n};
  }
}

template <class Cell>
Tensors cell(const Tensors& inputs, const Args& args) {
  constexpr bool lstm = std::is_same_v<Cell, nn::LSTMCell>;
  const Inputs in(inputs, args, lstm ? 2 : 1);
  typename Cell::ImplType::Options options;
  options.input_size = args.integer("input_size");
  options.hidden_size = args.integer("hidden_size");
  options.bias = args.flag("bias", true);
  if constexpr (requires { options.nonlinearity; })
    options.nonlinearity = args.text("nonlinearity", "tanh");
  const Cell module(options);
  module->weights = in.of("");
  if constexpr (lstm) {
    const auto [h, c] = module(in.x, in.state);
    return {h, c};
  } else {
    return {module(in.x, in.state.h)};
  }
}

}  // namespace

Family rnn_family() {
  return {.calls = {{"RNN", layer<nn::RNN>},
                    {"LSTM", layer<nn::LSTM>},
                    {"GRU", layer<nn::GRU>},
                    {"RNNCell", cell<nn::RNNCell>},
                    {"LSTMCell", cell<nn::LSTMCell>},
                    {"GRUCell", cell<nn::GRUCell>}}};
}

}  // namespace reel::testing
