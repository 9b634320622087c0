// Training steps and inference: the networks of the course, float32, and optimisers by themselves.
#include "cases.h"

#include <cmath>
#include <initializer_list>
#include <vector>

using cases::Case;
using cases::Step;
using library::Tensor;

namespace {

constexpr double kFloat = sizeof(float);

struct Model {
  std::vector<Tensor> parameters;
  std::function<Tensor(const Tensor&)> forward;
};

// Uniform numbers of the size that nn::Linear and nn::Conv2d begin with.
Tensor leaf(const library::Sizes& shape, int64_t fan_in) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  Tensor weight = ((library::rand(shape) - 0.5) * (2 * bound)).detach();
  weight.requires_grad_();
  return weight;
}

// ---- multilayer perceptrons --------------------------------------------------------------------

Model make_mlp(const std::vector<int64_t>& sizes) {
  std::vector<Tensor> parameters;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    parameters.push_back(leaf({sizes[i + 1], sizes[i]}, sizes[i]));
    parameters.push_back(leaf({sizes[i + 1]}, sizes[i]));
  }
  const auto forward = [parameters](Tensor x) {
    for (size_t i = 0; i < parameters.size(); i += 2) {
      x = library::linear(x, parameters[i], parameters[i + 1]);
      if (i + 2 < parameters.size()) x = library::relu(x);
    }
    return x;
  };
  return {parameters, forward};
}

// Six layers of 100, each followed by batch norm and sigmoid.
Model make_batch_norm_mlp() {
  struct Layer {
    Tensor weight, bias, scale, shift, mean, var;
  };
  std::vector<Layer> layers;
  std::vector<Tensor> parameters;
  for (int64_t i = 0; i < 6; ++i) {
    const int64_t in = i == 0 ? 784 : 100;
    layers.push_back({leaf({100, in}, in), leaf({100}, in), leaf({100}, 100), leaf({100}, 100),
                      library::zeros({100}), library::ones({100})});
    const Layer& layer = layers.back();
    parameters.insert(parameters.end(), {layer.weight, layer.bias, layer.scale, layer.shift});
  }
  const Tensor weight = leaf({10, 100}, 100), bias = leaf({10}, 100);
  parameters.insert(parameters.end(), {weight, bias});
  const auto forward = [layers, weight, bias](Tensor x) {
    for (const Layer& layer : layers) {
      x = library::linear(x, layer.weight, layer.bias);
      x = library::batch_norm(x, layer.mean, layer.var, layer.scale, layer.shift);
      x = library::sigmoid(x);
    }
    return library::linear(x, weight, bias);
  };
  return {parameters, forward};
}

double sum_of_products(const std::vector<int64_t>& sizes) {
  double sum = 0;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) sum += static_cast<double>(sizes[i] * sizes[i + 1]);
  return sum;
}

// ---- the network of the lecture on convolutions ------------------------------------------------

Model make_cnn() {
  const std::vector<Tensor> p = {
      leaf({16, 1, 5, 5}, 25),    leaf({16}, 25),       leaf({32, 16, 3, 3}, 144), leaf({32}, 144),
      leaf({200, 1568}, 32 * 49), leaf({200}, 32 * 49), leaf({10, 200}, 200),      leaf({10}, 200)};
  const auto forward = [p](Tensor x) {
    x = library::max_pool2d(library::relu(library::conv2d(x, p[0], p[1], 2)));
    x = library::max_pool2d(library::relu(library::conv2d(x, p[2], p[3], 1)));
    x = library::relu(library::linear(library::flatten(x, 1), p[4], p[5]));
    return library::linear(x, p[6], p[7]);
  };
  return {p, forward};
}

// Products and sums of one image; all of a kernel counts at the border, too.
constexpr double kCnnFirst = 2.0 * 28 * 28 * 16 * 25;
constexpr double kCnnRest = 2.0 * (14 * 14 * 32 * 16 * 9 + 1568 * 200 + 200 * 10);
constexpr double kCnnParameters = 16 * 25 + 16 + 32 * 144 + 32 + 1568 * 200 + 200 + 2000 + 10;

// ---- cases -------------------------------------------------------------------------------------

// forward(), cross entropy, backward(), step(). The first layer needs no gradient of its input.
template <class MakeOptimizer>
void add_training(const Case& row, std::function<Model()> make, MakeOptimizer make_optimizer,
                  std::function<Tensor()> make_input) {
  cases::add(row, [=] {
    const Model model = make();
    const Tensor x = make_input();
    const Tensor target = library::labels(x.size(0));
    const auto optimizer = make_optimizer(model.parameters);
    return Step([=] {
      optimizer->zero_grad();
      library::cross_entropy(model.forward(x), target).backward();
      optimizer->step();
    });
  });
}

std::function<Tensor()> images(int64_t batch) {
  return [batch] { return library::rand({batch, 1, 28, 28}); };
}
std::function<Tensor()> rows(int64_t batch) {
  return [batch] { return library::rand({batch, 784}); };
}
const auto sgd = [](const std::vector<Tensor>& parameters) { return library::sgd(parameters); };
const auto adam = [](const std::vector<Tensor>& parameters) { return library::adam(parameters); };

void add_mlp(const std::string& name, const std::vector<int64_t>& sizes, int64_t batch,
             double goal) {
  const double weights = sum_of_products(sizes), samples = static_cast<double>(batch);
  // Read forward and with the step, which reads the gradients; written: gradients and weights.
  const double read = 3 * kFloat * weights, written = 2 * kFloat * weights;
  const double first = static_cast<double>(sizes[0] * sizes[1]);
  add_training(
      {.name = "MLP " + name + ", SGD step, batch " + std::to_string(batch),
       .goal = goal,
       .flops = 2 * samples * (3 * weights - first),
       .read = read,
       .written = written},
      [sizes] { return make_mlp(sizes); }, sgd, rows(batch));
}

void add_mlps() {
  const std::vector<int64_t> batches = {1, 8, 64, 256};
  const std::vector<double> goals_of_100 = {3, 2.3, 1.8, 1.8}, goals_of_1000 = {1.6, 1.8, 1.8, 1.7};
  for (size_t i = 0; i < batches.size(); ++i) {
    add_mlp("784-100-10", {784, 100, 10}, batches[i], goals_of_100[i]);
  }
  for (size_t i = 0; i < batches.size(); ++i) {
    add_mlp("784-1000-10", {784, 1000, 10}, batches[i], goals_of_1000[i]);
  }
  for (const int64_t batch : batches) add_mlp("784-250-150-10", {784, 250, 150, 10}, batch, 0);
  const double weights = 784 * 100 + 5 * 100 * 100 + 1000;
  add_training({.name = "batch-norm MLP, Adam step, batch 64",
                .goal = 2.5,
                .flops = 2 * 64 * (3 * weights - 784 * 100),
                .read = 5 * kFloat * weights,
                .written = 4 * kFloat * weights},
               make_batch_norm_mlp, adam, rows(64));
}

void add_cnns() {
  for (const auto& [batch, goal] : std::initializer_list<std::pair<int64_t, double>>{
           {1, 2.2}, {16, 2.3}, {64, 2.3}, {256, 3}}) {
    add_training({.name = "CNN, Adam step, batch " + std::to_string(batch),
                  .goal = goal,
                  .flops = static_cast<double>(batch) * (2 * kCnnFirst + 3 * kCnnRest),
                  .read = 5 * kFloat * kCnnParameters,
                  .written = 4 * kFloat * kCnnParameters},
                 make_cnn, adam, images(batch));
  }
  for (const auto& [batch, goal] :
       std::initializer_list<std::pair<int64_t, double>>{{1, 1.5}, {16, 0}, {64, 2.2}}) {
    cases::add_evaluation({.name = "CNN, inference, batch " + std::to_string(batch),
                           .goal = goal,
                           .flops = static_cast<double>(batch) * (kCnnFirst + kCnnRest),
                           .read = kFloat * kCnnParameters},
                          [batch = batch] {
                            return [model = make_cnn(), x = images(batch)()] {
                              return model.forward(x);
                            };
                          });
  }
}

// Forward and backward with a gradient of ones, of a model that may not be there yet.
void add_sequence_model(const Case& row, std::function<library::SequenceModel()> make,
                        std::function<Tensor()> make_input) {
  if (!make().forward) return;
  cases::add(row, [=] {
    const library::SequenceModel model = make();
    const Tensor x = make_input();
    const Tensor gradient = library::ones_like(model.forward(x)).detach();
    return Step([=] {
      for (Tensor parameter : model.parameters) parameter.mutable_grad() = Tensor();
      model.forward(x).backward(gradient);
    });
  });
}

void add_sequence_models() {
  // The weights of the input need no gradient of it: 2, those of the state 3 products.
  add_sequence_model(
      {.name = "LSTM 64->128, 50 x 32, forward + backward",
       .goal = 2,
       .flops = 2.0 * 50 * 32 * 512 * (2 * 64 + 3 * 128)},
      [] { return library::lstm(64, 128); },
      [] {
        return library::randn({50, 32, 64});
      });
  constexpr double kProjections = 2.0 * 128 * 8 * 256 * 4 * 256;
  constexpr double kScores = 2 * 2.0 * 8 * 128 * 128 * 256;
  add_sequence_model(
      {.name = "attention, 128x8x256, 8 heads, forward + backward",
       .goal = 1.8,
       .flops = 3 * (kProjections + kScores)},
      [] { return library::attention(256, 8); },
      [] {
        Tensor x = library::randn({128, 8, 256});
        x.requires_grad_();
        return x;
      });
}

template <class MakeOptimizer>
void add_optimizer(const Case& row, MakeOptimizer make_optimizer) {
  cases::add(row, [make_optimizer] {
    Tensor parameter = library::full({10'000'000}, 0.5);
    parameter.requires_grad_();
    parameter.mutable_grad() = library::full({10'000'000}, 1e-3);
    return Step([optimizer = make_optimizer({parameter})] { optimizer->step(); });
  });
}

void add_optimizers() {
  constexpr double kBytes = kFloat * 10'000'000;
  add_optimizer(
      {.name = "SGD with momentum, 10,000,000", .read = 3 * kBytes, .written = 2 * kBytes},
      [](const std::vector<Tensor>& parameters) { return library::sgd(parameters, 0.9); });
  add_optimizer({.name = "Adam, 10,000,000", .goal = 5, .read = 4 * kBytes, .written = 3 * kBytes},
                adam);
}

}  // namespace

int main(int argc, char** argv) {
  add_mlps();
  add_cnns();
  add_sequence_models();
  add_optimizers();
  return cases::run(argc, argv);
}
