#pragma once
// Recurrent layers and their cells. The formulas are in ops/recurrent.h.

#include <reel/autograd/ops/recurrent.h>
#include <reel/nn/handle.h>
#include <reel/nn/packed_sequence.h>

namespace reel::nn {

using utils::rnn::PackedSequence;
/// What an LSTM carries on: h and c.
using LSTMState = RecurrentState;

/// What a layer gives: auto [output, h_n] = rnn(x); auto [output, state] = lstm(x), where state has
/// h and c and can be handed to the next call.
template <class Sequence, class State>
struct SequenceAndState {
  Sequence output;
  State state;
};

struct RNNOptions {
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 1;
  std::string nonlinearity = "tanh";  ///< or "relu"
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;  ///< of each layer's output but the last one's, while training
  bool bidirectional = false;
};
struct GRUOptions {
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
};
struct LSTMOptions {
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  int64_t proj_size = 0;  ///< h is projected to so many numbers; 0: it is not
};

/// What RNN, LSTM and GRU share. Parameters are weight_ih_l0 [G H, I], weight_hh_l0 [G H, P],
/// bias_ih_l0, bias_hh_l0 [G H], weight_hr_l0 [P, H], the same with _reverse, then those of l1,
/// which takes what l0 gives, all uniform in +-1/sqrt(hidden_size), drawn in this order as
/// torch.nn does. Inputs are x [T, N, I], with batch_first [N, T, I], or one sequence [T, I];
/// outputs have directions * P in place of I, states are [layers * directions, N, P] (c: H), for
/// one sequence without N; undefined states are 0.
class RNNBase : public Module {
 public:
  /// Those of one layer and direction.
  RecurrentWeights& weights(int64_t layer = 0, bool reverse = false);
  std::string extra_repr() const override;
  /// 0 for packed sequences, which hooks do not see.
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

 protected:
  struct Config {
    std::string name;
    RecurrentCell cell;
    int64_t input_size, hidden_size, num_layers;
    bool bias, batch_first;
    double dropout;
    bool bidirectional;
    int64_t proj_size = 0;
  };
  explicit RNNBase(Config config);

  SequenceAndState<Tensor, RecurrentState> run(const Tensor& x, const RecurrentState& state) const;
  SequenceAndState<PackedSequence, RecurrentState> run(const PackedSequence& x,
                                                       const RecurrentState& state) const;

 private:
  int64_t directions() const { return config_.bidirectional ? 2 : 1; }
  int64_t state_size() const {
    return config_.proj_size > 0 ? config_.proj_size : config_.hidden_size;
  }
  void add_weights(int64_t inputs, const std::string& suffix);
  void check_state(const RecurrentState& state, std::optional<int64_t> batch) const;
  RecurrentResult layers(Tensor x, const RecurrentState& state,
                         const std::vector<int64_t>& batch_sizes) const;

  const Config config_;
  std::vector<RecurrentWeights> weights_;  // layer by layer, forward before reverse
};

/// Elman's network.
class RNNImpl : public RNNBase {
 public:
  using Options = RNNOptions;
  explicit RNNImpl(const RNNOptions& options);
  RNNImpl(int64_t input_size, int64_t hidden_size, int64_t num_layers = 1)
      : RNNImpl(RNNOptions{input_size, hidden_size, num_layers}) {}

  SequenceAndState<Tensor, Tensor> forward(const Tensor& x, const Tensor& h0 = {}) const;
  SequenceAndState<PackedSequence, Tensor> forward(const PackedSequence& x,
                                                   const Tensor& h0 = {}) const;

  const RNNOptions options;
};
using RNN = Handle<RNNImpl>;

class GRUImpl : public RNNBase {
 public:
  using Options = GRUOptions;
  explicit GRUImpl(const GRUOptions& options);
  GRUImpl(int64_t input_size, int64_t hidden_size, int64_t num_layers = 1)
      : GRUImpl(GRUOptions{input_size, hidden_size, num_layers}) {}

  SequenceAndState<Tensor, Tensor> forward(const Tensor& x, const Tensor& h0 = {}) const;
  SequenceAndState<PackedSequence, Tensor> forward(const PackedSequence& x,
                                                   const Tensor& h0 = {}) const;

  const GRUOptions options;
};
using GRU = Handle<GRUImpl>;

class LSTMImpl : public RNNBase {
 public:
  using Options = LSTMOptions;
  using ForwardOptions = LSTMState;
  explicit LSTMImpl(const LSTMOptions& options);
  LSTMImpl(int64_t input_size, int64_t hidden_size, int64_t num_layers = 1)
      : LSTMImpl(LSTMOptions{input_size, hidden_size, num_layers}) {}

  SequenceAndState<Tensor, LSTMState> forward(const Tensor& x, const LSTMState& state = {}) const;
  SequenceAndState<PackedSequence, LSTMState> forward(const PackedSequence& x,
                                                      const LSTMState& state = {}) const;

  const LSTMOptions options;
};

/// lstm(x, {h0, c0}) may be written.
using LSTM = Handle<LSTMImpl>;

// ---- one step ------------------------------------------------------------------------------------------

struct RNNCellOptions {
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  bool bias = true;
  std::string nonlinearity = "tanh";  ///< or "relu"
};
/// Of LSTMCell and GRUCell.
struct GatedCellOptions {
  int64_t input_size = 0;
  int64_t hidden_size = 0;
  bool bias = true;
};

/// What the cells share: parameters weight_ih, weight_hh, bias_ih, bias_hh, drawn as those of the
/// layers. x is [N, I] or [I], the state [N, H] or [H]; undefined it is 0.
class RNNCellBase : public Module {
 public:
  std::string extra_repr() const override;
  int64_t multiply_adds(const std::vector<Tensor>& inputs, const Tensor& output) const override;

 protected:
  RNNCellBase(std::string name, RecurrentCell cell, const GatedCellOptions& options);
  RecurrentState step(const Tensor& x, const RecurrentState& state) const;

 private:
  const std::string name_;
  const RecurrentCell cell_;
  const GatedCellOptions options_;

 public:
  RecurrentWeights weights;
};

class RNNCellImpl : public RNNCellBase {
 public:
  using Options = RNNCellOptions;
  explicit RNNCellImpl(const RNNCellOptions& options);
  RNNCellImpl(int64_t input_size, int64_t hidden_size)
      : RNNCellImpl(RNNCellOptions{input_size, hidden_size}) {}

  Tensor forward(const Tensor& x) override { return forward(x, Tensor()); }
  Tensor forward(const Tensor& x, const Tensor& h) const { return step(x, {h}).h; }
};
using RNNCell = Handle<RNNCellImpl>;

class GRUCellImpl : public RNNCellBase {
 public:
  using Options = GatedCellOptions;
  explicit GRUCellImpl(const GatedCellOptions& options)
      : RNNCellBase("GRUCell", RecurrentCell::Gru, options) {}
  GRUCellImpl(int64_t input_size, int64_t hidden_size)
      : GRUCellImpl(GatedCellOptions{input_size, hidden_size}) {}

  Tensor forward(const Tensor& x) override { return forward(x, Tensor()); }
  Tensor forward(const Tensor& x, const Tensor& h) const { return step(x, {h}).h; }
};
using GRUCell = Handle<GRUCellImpl>;

class LSTMCellImpl : public RNNCellBase {
 public:
  using Options = GatedCellOptions;
  using ForwardOptions = LSTMState;
  explicit LSTMCellImpl(const GatedCellOptions& options)
      : RNNCellBase("LSTMCell", RecurrentCell::Lstm, options) {}
  LSTMCellImpl(int64_t input_size, int64_t hidden_size)
      : LSTMCellImpl(GatedCellOptions{input_size, hidden_size}) {}

  LSTMState forward(const Tensor& x, const LSTMState& state = {}) const { return step(x, state); }
};

/// state = cell(x, state), or auto [h, c] = cell(x, {h0, c0}).
using LSTMCell = Handle<LSTMCellImpl>;

}  // namespace reel::nn
