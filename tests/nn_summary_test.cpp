// nn::summary(): the course's parameter counts, multiply-adds of every kind of layer, the printed
// table, and what is left as it was.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <sstream>

using namespace reel;
using reel::tests::message_of;

namespace {

nn::Sequential mlp(const std::vector<int64_t>& sizes) {
  nn::Sequential model;
  for (size_t i = 1; i < sizes.size(); ++i) {
    if (i > 1) model->push_back(nn::ReLU());
    model->push_back(nn::Linear(sizes[i - 1], sizes[i]));
  }
  return model;
}

// Of the layers that have any.
std::vector<int64_t> counts(const nn::Summary& summary) {
  std::vector<int64_t> list;
  for (const nn::LayerSummary& row : summary.rows) {
    if (row.parameters > 0) list.push_back(row.parameters);
  }
  return list;
}

using Counts = std::vector<int64_t>;

}  // namespace

// ---- the course's counts (B7) ----------------------------------------------------------------------------

TEST(CourseSummary, B7_1_nets_of_the_eckerle4_regression) {
  const nn::Summary best = nn::summary(mlp({1, 128, 128, 64, 1}), {2, 1});
  EXPECT_EQ(counts(best), (Counts{256, 16512, 8256, 65}));
  EXPECT_EQ(best.parameters, 25089);
  const auto total = [](const std::vector<int64_t>& sizes) {
    return nn::summary(mlp(sizes), {2, 1}).parameters;
  };
  EXPECT_EQ(total({1, 128, 64, 64, 1}), 12737);
  EXPECT_EQ(total({1, 128, 64, 64, 64, 1}), 16897);
  EXPECT_EQ(total({1, 128, 64, 1}), 8577);
  EXPECT_EQ(total({1, 128, 128, 128, 1}), 33409);
}

// Keras counts the running statistics: 4 numbers a unit, half of them trained.
TEST(CourseSummary, B7_2_dropout_and_batch_normalisation) {
  const nn::Sequential model(nn::Linear(784, 100), nn::Dropout(0.2), nn::BatchNorm1d(100),
                             nn::Linear(100, 100), nn::Dropout(0.2), nn::BatchNorm1d(100),
                             nn::Linear(100, 10));
  const nn::Summary keras = nn::summary(model, {1, 784}, {.count_buffers = true});
  EXPECT_EQ(counts(keras), (Counts{78500, 400, 10100, 400, 1010}));
  EXPECT_EQ(keras.parameters, 90410);
  EXPECT_EQ(keras.trainable_parameters, 90010);
  EXPECT_EQ(keras.non_trainable_parameters, 400);
  const nn::Summary pytorch = nn::summary(model, {1, 784});
  EXPECT_EQ(pytorch.parameters, 90010);
  EXPECT_EQ(pytorch.non_trainable_parameters, 0);
}

TEST(CourseSummary, B7_3_multilayer_perceptrons_of_mnist) {
  struct Row {
    std::vector<int64_t> hidden;
    int64_t parameters;
  };
  const Row rows[] = {{{50}, 39760},
                      {{100}, 79510},
                      {{200}, 159010},
                      {{300}, 238510},
                      {{500}, 397510},
                      {{750}, 596260},
                      {{1000}, 795010},
                      {{1500}, 1192510},
                      {{100, 100}, 89610},
                      {{100, 100, 100}, 99710},
                      {{100, 100, 100, 100}, 109810},
                      {{12, 12}, 9706},
                      {{}, 7850},
                      {{100, 100, 100, 100, 100, 100}, 130010}};
  for (const auto& [hidden, parameters] : rows) {
    std::vector<int64_t> sizes{784};
    sizes.insert(sizes.end(), hidden.begin(), hidden.end());
    sizes.push_back(10);
    const nn::Summary summary = nn::summary(mlp(sizes), {1, 784});
    EXPECT_EQ(summary.parameters, parameters);
    int64_t biases = 10;
    for (int64_t size : hidden) biases += size;
    EXPECT_EQ(summary.multiply_adds, parameters - biases);  // one a weight: 129,400 of the deepest
  }
}

TEST(CourseSummary, B7_4_convolutional_network) {
  const auto network = [](int64_t channels, int64_t features) {
    return nn::Sequential(nn::Conv2d({.in_channels = channels,
                                      .out_channels = 16,
                                      .kernel_size = 5,
                                      .padding = "same",
                                      .padding_mode = nn::PaddingMode::Reflect}),
                          nn::MaxPool2d(2),
                          nn::Conv2d({.in_channels = 16,
                                      .out_channels = 32,
                                      .kernel_size = 3,
                                      .padding = "same",
                                      .padding_mode = nn::PaddingMode::Reflect}),
                          nn::MaxPool2d(2), nn::Flatten(), nn::Linear(features, 200),
                          nn::Linear(200, 10), nn::Softmax(1));
  };
  const nn::Summary mnist = nn::summary(network(1, 1568), {1, 1, 28, 28});
  EXPECT_EQ(counts(mnist), (Counts{416, 4640, 313800, 2010}));
  EXPECT_EQ(mnist.parameters, 320866);
  const std::vector<Shape> shapes = {{1, 10},         {1, 16, 28, 28}, {1, 16, 14, 14},
                                     {1, 32, 14, 14}, {1, 32, 7, 7},   {1, 1568},
                                     {1, 200},        {1, 10},         {1, 10}};
  for (size_t i = 0; i < shapes.size(); ++i) EXPECT_EQ(mnist.rows[i].output_shape, shapes[i]) << i;
  EXPECT_EQ(mnist.multiply_adds, 28 * 28 * 16 * 25 + 14 * 14 * 32 * 16 * 9 + 1568 * 200 + 200 * 10);
  const nn::Summary cifar = nn::summary(network(3, 2048), {1, 3, 32, 32});
  EXPECT_EQ(counts(cifar), (Counts{1216, 4640, 409800, 2010}));
  EXPECT_EQ(cifar.parameters, 417666);
}

// The table has weights only, and prints 73,7 for 73,728.
TEST(CourseSummary, B7_5_VGG16) {
  nn::Sequential model;
  int64_t channels = 3;
  // 0: halve the image
  for (int64_t wanted :
       {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}) {
    if (wanted == 0) {
      model->push_back(nn::MaxPool2d(2));
      continue;
    }
    model->push_back(nn::Conv2d(
        {.in_channels = channels, .out_channels = wanted, .kernel_size = 3, .padding = 1}));
    model->push_back(nn::ReLU());
    channels = wanted;
  }
  model->push_back(nn::Flatten());
  for (auto [in, out] : {std::pair(7 * 7 * 512, 4096), {4096, 4096}, {4096, 1000}})
    model->push_back(nn::Linear(in, out));
  const nn::Summary vgg = nn::summary(model, {1, 3, 224, 224});

  struct Row {
    int64_t side, weights;
  };
  const Row table[] = {{224, 1728},   {224, 36864},   {112, 73728},  {112, 147456},
                       {56, 294912},  {56, 589824},   {56, 589824},  {28, 1179648},
                       {28, 2359296}, {28, 2359296},  {14, 2359296}, {14, 2359296},
                       {14, 2359296}, {1, 102760448}, {1, 16777216}, {1, 4096000}};
  int64_t weights = 0, dense = 0, biases = 0, multiply_adds = 0;
  std::vector<int64_t> sides;
  size_t next = 0;
  for (const nn::LayerSummary& row : vgg.rows) {
    if (row.type == "MaxPool2d") sides.push_back((*row.output_shape)[2]);
    if (row.parameters == 0) continue;
    const Row& expected = table[next++];
    const int64_t units = (*row.output_shape)[1];
    EXPECT_EQ(row.parameters - units, expected.weights) << row.name;
    EXPECT_EQ(row.multiply_adds, expected.side * expected.side * expected.weights) << row.name;
    biases += units;
    weights += expected.weights;
    if (row.type == "Linear") dense += expected.weights;
    multiply_adds += row.multiply_adds;
  }
  EXPECT_EQ(next, std::size(table));
  EXPECT_EQ(sides, (std::vector<int64_t>{112, 56, 28, 14, 7}));
  EXPECT_EQ(dense, 123633664);
  EXPECT_EQ(weights - dense, 14710464);
  EXPECT_EQ(weights, 138344128);
  EXPECT_EQ(biases, 13416);
  EXPECT_EQ(vgg.parameters, 138357544);
  EXPECT_EQ(vgg.parameter_bytes, 4 * 138357544);
  EXPECT_EQ(vgg.multiply_adds, multiply_adds);
  EXPECT_EQ(vgg.multiply_adds, 15470264320);
}

// 400 x 400 x 3 are 480,000 inputs; each of 1000 units would have as many weights. One has:
TEST(CourseSummary, B7_6_a_dense_layer_of_a_colour_image) {
  const nn::Sequential model(nn::Flatten(),
                             nn::Linear({.in_features = 480000, .out_features = 1, .bias = false}));
  EXPECT_EQ(nn::summary(model, {1, 3, 400, 400}).parameters, 480000);
}

// ---- what counts as a multiply-add -----------------------------------------------------------------------

namespace {

template <class Layer, class... Inputs>
int64_t multiply_adds(const Layer& layer, const Inputs&... inputs) {
  return nn::summary(*layer, [&] { layer(inputs...); }).multiply_adds;
}

}  // namespace

TEST(Summary, counts_the_multiply_adds_of_every_kind_of_layer) {
  EXPECT_EQ(multiply_adds(nn::Linear(3, 4), zeros({2, 5, 3})), 2 * 5 * 4 * 3);
  EXPECT_EQ(multiply_adds(nn::LazyLinear(4), zeros({2, 5, 3})), 2 * 5 * 4 * 3);
  EXPECT_EQ(multiply_adds(nn::Bilinear(3, 4, 5), zeros({2, 3}), zeros({2, 4})), 2 * 5 * 3 * 4);
  EXPECT_EQ(multiply_adds(
                nn::Conv1d({.in_channels = 4, .out_channels = 6, .kernel_size = 3, .groups = 2}),
                zeros({2, 4, 10})),
            2 * 8 * 6 * 2 * 3);
  EXPECT_EQ(multiply_adds(nn::Conv2d({.in_channels = 1,
                                      .out_channels = 2,
                                      .kernel_size = {3, 2},
                                      .stride = 2,
                                      .padding = 1}),
                          zeros({1, 7, 6})),
            (4 * 4) * 2 * 3 * 2);
  EXPECT_EQ(multiply_adds(nn::Conv3d(2, 3, 2), zeros({1, 2, 4, 4, 4})), 27 * 3 * 2 * 8);
  EXPECT_EQ(multiply_adds(nn::LazyConv2d(2, 3), zeros({1, 5, 4, 4})), 4 * 2 * 5 * 9);
  EXPECT_EQ(
      multiply_adds(
          nn::ConvTranspose2d(
              {.in_channels = 4, .out_channels = 6, .kernel_size = 2, .stride = 2, .groups = 2}),
          zeros({1, 4, 5, 5})),
      25 * 4 * 3 * 4);
  for (const nn::ModulePtr& free : std::vector<nn::ModulePtr>{
           nn::BatchNorm1d(6), nn::LayerNorm(6), nn::GELU(), nn::Dropout(0.5), nn::Flatten()})
    EXPECT_EQ(nn::summary(*free, {4, 6}).multiply_adds, 0) << free->to_string();
  EXPECT_EQ(nn::summary(nn::Embedding(10, 3), {4, 6}, {.dtype = kInt64}).multiply_adds, 0);
}

TEST(Summary, counts_the_multiply_adds_of_recurrent_layers) {
  const Tensor x = zeros({5, 2, 3});  // 10 steps
  EXPECT_EQ(multiply_adds(nn::RNN(3, 4), x), 10 * (4 * 3 + 4 * 4));
  EXPECT_EQ(multiply_adds(nn::GRU(3, 4), x, zeros({1, 2, 4})), 10 * 3 * (4 * 3 + 4 * 4));
  const nn::LSTM lstm(
      {.input_size = 3, .hidden_size = 4, .num_layers = 2, .bidirectional = true, .proj_size = 2});
  const int64_t first = 16 * 3 + 16 * 2 + 2 * 4, second = 16 * 4 + 16 * 2 + 2 * 4;
  const nn::Summary summary = nn::summary(lstm, {5, 2, 3});
  EXPECT_EQ(summary.multiply_adds, 10 * 2 * (first + second));
  EXPECT_EQ(summary.rows[0].output_shape, (Shape{5, 2, 4}));
  EXPECT_EQ(multiply_adds(lstm, x), 10 * 2 * (first + second));
  EXPECT_EQ(multiply_adds(nn::RNNCell(3, 4), zeros({3})), 4 * 3 + 4 * 4);
  EXPECT_EQ(multiply_adds(nn::LSTMCell(3, 4), zeros({2, 3})), 2 * 4 * (4 * 3 + 4 * 4));
  // What hooks do not see.
  EXPECT_EQ(multiply_adds(nn::GRU(3, 4), nn::utils::rnn::pack_sequence({zeros({5, 3})}),
                          zeros({1, 1, 4})),
            0);
}

TEST(Summary, counts_the_multiply_adds_of_attention) {
  const auto sequence = [](int64_t length, int64_t width) { return zeros({length, 2, width}); };
  const int64_t query = 5 * 2 * 8 * 8, outer = 5 * 2 * 8 * 8, scores = 2 * 5 * 7 * 8;
  EXPECT_EQ(
      multiply_adds(nn::MultiheadAttention(8, 2), sequence(5, 8), sequence(7, 8), sequence(7, 8)),
      query + 2 * (7 * 2 * 8 * 8) + 2 * scores + outer);
  const nn::MultiheadAttention other({.embed_dim = 8,
                                      .num_heads = 2,
                                      .add_bias_kv = true,
                                      .kdim = 3,
                                      .vdim = 4,
                                      .batch_first = true});
  EXPECT_EQ(multiply_adds(other, zeros({2, 5, 8}), zeros({2, 7, 3}), zeros({2, 7, 4})),
            query + 7 * 2 * 8 * (3 + 4) + 2 * (2 * 5 * 8 * 8) + outer);
  // An encoder layer: attention of 5 to themselves, and the two dense layers.
  const nn::TransformerEncoderLayer layer({.d_model = 8, .nhead = 2, .dim_feedforward = 16});
  EXPECT_EQ(nn::summary(layer, {5, 2, 8}).multiply_adds,
            4 * (10 * 8 * 8) + 2 * (2 * 5 * 5 * 8) + 2 * (10 * 8 * 16));
}

// ---- rows ------------------------------------------------------------------------------------------------

namespace {

// Calls one layer twice, holds another twice, shares a weight, and has one that it does not call.
struct Net : nn::Module {
  nn::Linear first = register_module("first", nn::Linear(4, 4));
  nn::Sequential body = register_module("body", nn::Sequential(nn::Linear(4, 4), nn::ReLU()));
  nn::Linear again = register_module("again", first);
  nn::Linear tied = register_module("tied", nn::Linear(4, 4));
  nn::Linear unused = register_module("unused", nn::Linear(2, 3));
  Tensor scale = register_parameter("scale", ones({1}));

  Net() {
    tied->weight = first->weight;
    tied->unregister("weight");
    tied->register_parameter("weight", tied->weight);
  }
  Tensor forward(Tensor x) { return tied(body(again(first(x)))) * scale; }
};

}  // namespace

TEST(Summary, has_a_row_for_every_module_and_counts_what_is_shared_once) {
  Net net;
  net.first->bias.requires_grad_(false);
  const nn::Summary summary = nn::summary(net, {3, 4});
  struct Row {
    const char *name, *type;
    int64_t parameters, trainable, multiply_adds;
  };
  const Row rows[] = {{"", "Net", 1, 1, 0},
                      {"first", "Linear", 20, 16, 2 * 3 * 16},  // called twice
                      {"body", "Sequential", 0, 0, 0},
                      {"body.0", "Linear", 20, 20, 3 * 16},
                      {"body.1", "ReLU", 0, 0, 0},
                      {"tied", "Linear", 4, 4, 3 * 16},
                      {"unused", "Linear", 9, 9, 0}};
  ASSERT_EQ(summary.rows.size(), std::size(rows));
  for (size_t i = 0; i < std::size(rows); ++i) {
    const nn::LayerSummary& row = summary.rows[i];
    EXPECT_EQ(row.name, rows[i].name);
    EXPECT_EQ(row.type, rows[i].type);
    EXPECT_EQ(row.parameters, rows[i].parameters) << row.name;
    EXPECT_EQ(row.trainable_parameters, rows[i].trainable) << row.name;
    EXPECT_EQ(row.multiply_adds, rows[i].multiply_adds) << row.name;
    const bool called = row.name != "unused";
    EXPECT_EQ(row.output_shape, called ? std::optional<Shape>({3, 4}) : std::nullopt) << row.name;
  }
  int64_t parameters = 0;
  for (const Tensor& parameter : net.parameters()) parameters += parameter.numel();
  EXPECT_EQ(summary.parameters, parameters);
  EXPECT_EQ(summary.non_trainable_parameters, 4);
  EXPECT_EQ(summary.parameter_bytes, 4 * parameters);
  EXPECT_EQ(summary.output_bytes, 5 * 3 * 4 * 4);  // of five calls of layers
}

TEST(Summary, prints_a_table) {
  nn::Sequential model(nn::Conv2d({.in_channels = 1, .out_channels = 16, .kernel_size = 5}),
                       nn::Sequential({{"norm", nn::BatchNorm2d(16)}, {"flat", nn::Flatten()}}),
                       nn::Linear(9216, 10));
  model[2].as<nn::Linear>()->weight.requires_grad_(false);
  const nn::Summary summary = nn::summary(model, {2, 1, 28, 28});
  std::ostringstream stream;
  stream << summary;
  EXPECT_EQ(stream.str(), fmt::format("{}", summary));
  EXPECT_EQ(stream.str(), R"(======================================================================
Layer (type)            Output Shape     Param #  Mult-Adds  Trainable
======================================================================
Sequential              [2, 10]               --         --  --
  0 (Conv2d)            [2, 16, 24, 24]      416    460,800  True
  1 (Sequential)        [2, 9216]             --         --  --
    norm (BatchNorm2d)  [2, 16, 24, 24]       32         --  True
    flat (Flatten)      [2, 9216]             --         --  --
  2 (Linear)            [2, 10]           92,170    184,320  Partial
======================================================================
Total params: 92,618
Trainable params: 458
Non-trainable params: 92,160
Total mult-adds: 645,120
======================================================================
Params size (MB): 0.37
Forward pass size (MB): 0.15
======================================================================)");
}

TEST(Summary, takes_the_dtype_of_the_model) {
  nn::Sequential model(nn::Linear(3, 4));
  model->to(kFloat64);
  EXPECT_EQ(nn::summary(model, {2, 3}).parameter_bytes, 8 * 16);
  const nn::Sequential words(nn::Embedding(10, 3), nn::Linear(3, 2));
  EXPECT_EQ(nn::summary(words, {4, 6}, {.dtype = kInt64}).rows[0].output_shape, (Shape{4, 6, 2}));
}

// ---- what is left as it was ------------------------------------------------------------------------------

namespace {

// Changes what a forward in training mode would change, then fails if asked to.
struct Restless : nn::Module {
  nn::BatchNorm1d norm = register_module("norm", nn::BatchNorm1d(3));
  nn::Sequential frozen =
      register_module("frozen", nn::Sequential(nn::BatchNorm1d(3), nn::Dropout(0.5), nn::RReLU()));
  nn::Sequential sharing = register_module("sharing", nn::Sequential(frozen[0]));
  bool fails = false;

  Tensor forward(const Tensor& x) override {
    const Tensor y = sharing(frozen(norm(x))) + rand({1});
    check(!fails, "restless");
    EXPECT_FALSE(is_training() || y.requires_grad());
    return y;
  }
};

}  // namespace

TEST(Summary, leaves_modes_statistics_and_random_numbers_as_they_were) {
  for (const bool fails : {false, true}) {
    Restless net;
    net.fails = fails;
    net.frozen[0]->eval();  // while the container that shares it is in training mode
    manual_seed(5);
    const Tensor expected = rand({3});
    manual_seed(5);
    const auto call = [&] { nn::summary(net, {4, 3}); };
    if (fails) {
      EXPECT_EQ(message_of(call), "restless");
    } else {
      call();
    }
    EXPECT_TRUE(equal(rand({3}), expected));
    EXPECT_TRUE(is_grad_enabled());
    for (const auto& [name, module] : net.named_modules()) {
      EXPECT_EQ(module->is_training(), name != "frozen.0") << name;
      EXPECT_EQ(module->hooks(), nullptr) << name;
    }
    EXPECT_TRUE(equal(net.norm->running_mean, zeros({3})));
    EXPECT_EQ(net.norm->num_batches_tracked.item<int64_t>(), 0);
  }
}

TEST(Summary, of_a_lazy_model_draws_its_parameters_as_the_first_call_would) {
  manual_seed(3);
  const nn::Linear plain[] = {nn::Linear(4, 2), nn::Linear(2, 5)};
  const Tensor after = rand({1});
  manual_seed(3);
  const nn::Sequential lazy(nn::LazyLinear(2), nn::LazyLinear(5));
  const nn::Summary summary = nn::summary(lazy, {1, 4});
  EXPECT_EQ(summary.rows[1].type, "Linear");
  EXPECT_EQ(summary.parameters, 10 + 15);
  for (int64_t i = 0; i < 2; ++i) {
    const auto layer = lazy[i].as<nn::LazyLinear>();
    EXPECT_TRUE(equal(layer->weight, plain[i]->weight)) << i;
    EXPECT_TRUE(equal(layer->bias, plain[i]->bias)) << i;
  }
  EXPECT_TRUE(equal(rand({1}), after));
}

TEST(Summary, of_an_input_that_does_not_fit_says_what_the_layer_says) {
  EXPECT_EQ(message_of([] {
              nn::summary(nn::Conv2d(1, 2, 3), {1, 3, 8, 8});
            }),
            "Conv2d: an input of 3 or 4 dims with 1 channels is required, got [1, 3, 8, 8]");
}
