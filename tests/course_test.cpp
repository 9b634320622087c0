// Numbers that the documents of the course work out by hand, under the names that its list of
// requirements gives them. Others are where their subject is tested: B1, B3 and B12 in optim_test,
// B7 in nn_summary_test, B8.3 and B9.9 in nn_utils_test, B9.6, B9.12 and B10 in nn_layers_test, B11
// in nn_conv_test, A5 in nn_init_test.
#include "numbers.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <map>

using namespace reel;
using reel::tests::expect_is;
using reel::tests::numbers;
using reel::tests::variable;

namespace {

constexpr TensorOptions kDouble{.dtype = kFloat64};

void set(const nn::Linear& layer, const Tensor& weight, const Tensor& bias) {
  NoGradGuard no_grad;
  layer->weight.copy_(weight);
  layer->bias.copy_(bias);
}

void expect_near(const Tensor& actual, const Tensor& expected, double bound = 1e-12) {
  EXPECT_TRUE(allclose(actual.detach(), expected.detach(), {.rtol = 0, .atol = bound}))
      << actual.detach() << " and " << expected.detach();
}

double item(const Tensor& x) { return x.item<double>(); }

}  // namespace

// ---- B4: a worked backpropagation ------------------------------------------------------------------------

namespace {

// A network 2-4-1 with ReLU, and two samples.
struct Worked {
  nn::Linear first{2, 4}, second{4, 1};
  Tensor x = numbers({-1, 1, 2, -1}, {2, 2}), y = numbers({1, -1}, {2, 1});
  Tensor z, a, out;

  Worked() {
    first->to(kFloat64);
    second->to(kFloat64);
    set(first, numbers({1, 2, 0, -1, -1, -3, -2, 2}, {4, 2}), numbers({-2, 2, 0, -2}, {4}));
    set(second, numbers({1, 0, -1, 2}, {1, 4}), numbers({-2}, {1}));
  }
  Tensor forward() {
    z = first(x);
    a = relu(z);
    out = second(a);
    return out;
  }
  Tensor sse() { return 0.5 * nn::MSELoss({.reduction = Reduction::Sum})(forward(), y); }
  void step() {
    std::vector<Tensor> parameters = first->parameters();
    for (const Tensor& parameter : second->parameters()) parameters.push_back(parameter);
    optim::SGD(parameters, {.lr = 0.5}).step();
  }
};

}  // namespace

// The sheet once shows the difference (0, 0, 2, 0) for the first sample; it is (0, 0, 0, 2).
TEST(Course, B4_differences_of_each_sample) {
  Worked net;
  const Tensor loss = net.sse();
  net.z.retain_grad();
  net.out.retain_grad();
  loss.backward();
  EXPECT_EQ(item(loss), 2.5);
  expect_is(net.z, {-1, 1, -2, 2, -2, 3, 1, -8}, {2, 4});
  expect_is(net.a, {0, 1, 0, 2, 0, 3, 1, 0}, {2, 4});
  expect_is(net.out, {2, -3}, {2, 1});
  expect_is(net.out.grad(), {1, -2}, {2, 1});
  expect_is(net.z.grad(), {0, 0, 0, 2, 0, 0, 2, 0}, {2, 4});
}

// The sheet steps along the gradient of (1/2m) sum, which it calls that of the SSE. Its derivation
// ends with b1 = (-2, 2, 0, -2.5); its table has the right one.
TEST(Course, B4_step_along_the_mean) {
  Worked net;
  (0.5 * nn::MSELoss()(net.forward(), net.y)).backward();
  expect_is(net.second->weight.grad(), {0, -2.5, -1, 1}, {1, 4});
  expect_is(net.second->bias.grad(), {-0.5}, {1});
  expect_is(net.first->weight.grad(), {0, 0, 0, 0, 2, -1, -1, 1}, {4, 2});
  expect_is(net.first->bias.grad(), {0, 0, 1, 1}, {4});
  net.step();
  expect_is(net.first->weight, {1, 2, 0, -1, -2, -2.5, -1.5, 1.5}, {4, 2});
  expect_is(net.first->bias, {-2, 2, -0.5, -2.5}, {4});
  expect_is(net.second->weight, {1, 1.25, -0.5, 1.5}, {1, 4});
  expect_is(net.second->bias, {-1.75}, {1});
  EXPECT_EQ(item(net.sse()), 4.78125);  // the step was too long
  expect_is(net.out, {0.25, 2}, {2, 1});
}

TEST(Course, B4_step_along_the_sum_is_another) {
  Worked net;
  net.sse().backward();
  net.step();
  expect_is(net.first->weight, {1, 2, 0, -1, -3, -2, -1, 1}, {4, 2});
  expect_is(net.first->bias, {-2, 2, -1, -3}, {4});
  expect_is(net.second->weight, {1, 2.5, 0, 1}, {1, 4});
  expect_is(net.second->bias, {-1.5}, {1});
}

// ---- B5: derivatives the lecture derives -----------------------------------------------------------------

// a = (w x + b)^2, node by node.
TEST(Course, B5_square_of_a_line) {
  const Tensor w = variable({2}, {}), x = variable({3}, {}), b = variable({1}, {});
  Tensor q = w * x, z = q + b;
  const Tensor a = z.square();
  q.retain_grad();
  z.retain_grad();
  a.backward();
  expect_is(q, {6}, {});
  expect_is(z, {7}, {});
  expect_is(a, {49}, {});
  expect_is(z.grad(), {14}, {});
  expect_is(q.grad(), {14}, {});
  expect_is(b.grad(), {14}, {});
  expect_is(w.grad(), {42}, {});
  expect_is(x.grad(), {28}, {});
}

// cost = a' a, a = W x + b; a second backward() adds.
TEST(Course, B5_squared_length_of_a_layer) {
  const Tensor W = variable({1, -2, 3, 0.5, 4, -1}, {2, 3}), b = variable({2, -3}, {2, 1});
  const Tensor x = numbers({3, 1, -2}, {3, 1});
  const auto a = [&] { return matmul(W, x) + b; };
  expect_is(a(), {-3, 4.5}, {2, 1});
  for (int times = 1; times <= 2; ++times) {
    matmul(a().t(), a()).sum().backward();
    expect_is(b.grad(), {-6. * times, 9. * times}, {2, 1});
    expect_is(W.grad(),
              {-18. * times, -6. * times, 12. * times, 27. * times, 9. * times, -18. * times},
              {2, 3});
  }
}

namespace {

// What is true of a layer w of one or more units on 7 samples of 5 features.
struct Batch {
  static constexpr int64_t m = 7;
  Tensor x, w, b;
  explicit Batch(int64_t units) {
    manual_seed(5);
    x = randn({m, 5}, kDouble);
    w = randn({units, 5}, kDouble).requires_grad_();
    b = randn({units}, kDouble).requires_grad_();
  }
  Tensor z() const { return linear(x, w, b); }
  // `delta` [m, units] is what each sample gives.
  void expect_gradients(const Tensor& delta) const {
    expect_near(w.grad(), matmul(delta.t(), x) / m);
    expect_near(b.grad(), delta.sum(0) / m);
  }
};

}  // namespace

TEST(Course, B5_sigmoid_with_half_the_mean_squared_error) {
  const Batch batch(1);
  const Tensor y = numbers({0, 1, 1, 0, 1, 0, 0}, {7, 1}), h = sigmoid(batch.z());
  (0.5 * nn::MSELoss()(h, y)).backward();
  const Tensor out = h.detach();
  batch.expect_gradients(out * (1 - out) * (out - y));
}

// The lecture's list once divides by 2m; (1/m) it is.
TEST(Course, B5_sigmoid_with_cross_entropy) {
  const Tensor y = numbers({0, 1, 1, 0, 1, 0, 0}, {7, 1});
  const std::function<Tensor(const Tensor&)> losses[] = {
      [&](const Tensor& z) { return nn::BCELoss()(sigmoid(z), y); },
      [&](const Tensor& z) { return nn::BCEWithLogitsLoss()(z, y); }};
  for (const auto& loss : losses) {
    const Batch batch(1);
    Tensor z = batch.z();
    z.retain_grad();
    loss(z).backward();
    const Tensor delta = sigmoid(z.detach()) - y;
    expect_near(z.grad(), delta / 7);
    batch.expect_gradients(delta);
  }
}

TEST(Course, B5_softmax_with_cross_entropy) {
  const Tensor labels = tensor({2, 0, 1, 3, 3, 1, 0});
  const Tensor target = one_hot(labels, 4).to(kFloat64);
  const std::function<Tensor(const Tensor&)> losses[] = {
      [&](const Tensor& z) { return nn::CrossEntropyLoss()(z, labels); },
      [&](const Tensor& z) { return nn::CrossEntropyLoss()(z, target); },
      [&](const Tensor& z) { return nn::NLLLoss()(log_softmax(z, 1), labels); },
      [&](const Tensor& z) { return -(target * log(softmax(z, 1))).sum() / 7; }};
  for (const auto& loss : losses) {
    const Batch batch(4);
    Tensor z = batch.z();
    z.retain_grad();
    loss(z).backward();
    const Tensor delta = softmax(z.detach(), 1) - target;
    expect_near(z.grad(), delta / 7);
    batch.expect_gradients(delta);
  }
}

// Equation 10, where columns are samples. With A [inputs, m] the shapes are dW [units, inputs], db
// [units, 1], dA [inputs, m], dZ [units, m]; the lecture's list of them is wrong.
TEST(Course, B5_backpropagation_through_a_layer_of_columns) {
  manual_seed(6);
  const int64_t m = 4;
  const Tensor A = randn({3, m}, kDouble).requires_grad_();
  const Tensor W = randn({2, 3}, kDouble).requires_grad_();
  const Tensor b = randn({2, 1}, kDouble).requires_grad_();
  Tensor Z = matmul(W, A) + b;
  const Tensor out = tanh(Z);
  Z.retain_grad();
  const Tensor dA = randn({2, m}, kDouble);  // of each sample's own loss
  out.backward(dA / m);
  const Tensor dZ = dA * (1 - out.detach().square());
  expect_near(Z.grad(), dZ / m);
  expect_near(W.grad(), matmul(dZ, A.detach().t()) / m);
  expect_near(b.grad(), dZ.sum(1, {.keepdim = true}) / m);
  expect_near(A.grad(), matmul(W.detach().t(), dZ) / m);
}

// ---- B6: small chains ------------------------------------------------------------------------------------

// 0.3 * 1 * 2.5 * 1 * 4.2 * 1 * 0.2 along the one active path of a network 3-2-3-2. The report
// says that the loss then grows by about 0.063 when the weight grows by 0.1. That is its part of
// first order; the loss is a parabola and grows by 0.0496 more.
TEST(Course, B6_derivative_along_a_path) {
  const Tensor x = numbers({0.3, 0, 0}, {3}), y = numbers({440.8, 0}, {2});
  const auto single = [](double value, const Shape& shape) {
    Tensor weight = zeros(shape, kDouble);
    weight[0][0].fill_(value);
    return weight;
  };
  const Tensor third = single(2.5, {3, 2}), fourth = single(4.2, {2, 3});
  const auto loss = [&](const Tensor& second) {
    const Tensor out = relu(linear(relu(linear(relu(linear(x, second)), third)), fourth));
    return 0.5 * (out - y).square().sum();
  };
  const Tensor second = single(140, {2, 3}).requires_grad_();
  const Tensor before = loss(second);
  before.backward();
  expect_near(second.grad(), single(0.63, {2, 3}), 1e-10);
  const auto growth = [&](double by) { return item(loss(single(140 + by, {2, 3})) - before); };
  EXPECT_NEAR(growth(1e-6) / 1e-6, 0.63, 1e-4);
  EXPECT_NEAR(growth(0.1), 0.063 + 0.5 * 0.315 * 0.315, 1e-10);
}

// loss = |y - (x w + b)| of the slides; x = 2, w = 3, b = 1 and y = 4 fit what they show.
TEST(Course, B6_graph_of_an_absolute_error) {
  const Tensor w = variable({3}, {}), b = variable({1}, {});
  Tensor x1 = w * 2, x2 = x1 + b;
  const Tensor loss = abs(4 - x2);
  x1.retain_grad();
  x2.retain_grad();
  loss.backward();
  expect_is(x1, {6}, {});
  expect_is(x2, {7}, {});
  expect_is(loss, {3}, {});
  expect_is(x2.grad(), {1}, {});
  expect_is(x1.grad(), {1}, {});
  expect_is(b.grad(), {1}, {});
  expect_is(w.grad(), {2}, {});
}

// ---- B8.2: means and deviations of four runs -------------------------------------------------------------

TEST(Course, B8_2_deviations_divide_by_one_less_than_the_runs) {
  struct Row {
    std::initializer_list<double> runs;
    double mean, deviation;
  };
  const Row rows[] = {{{.00093958, .00833894, .00165187, .00326627}, .003549, .003338},
                      {{.00161392, .00906388, .00456719, .00360921}, .004714, .003150},
                      {{.00646319, .02903142, .07766966, .0176913}, .032714, .031355},
                      {{.00122455542, .0000020034106, .0416077748, .00879973825}, .012909, .019525},
                      {{.04243932, .04302144, .04062312, .04262973}, .042178, .001065},
                      {{.08768415, .01324433, .02053881, .00976548}, .032808, .036858}};
  for (const Row& row : rows) {
    const Tensor runs = numbers(row.runs, {4});
    EXPECT_NEAR(item(runs.mean()), row.mean, 1e-6);
    EXPECT_NEAR(item(runs.std()), row.deviation, 1e-6);
  }
}

// ---- B9: small exact items -------------------------------------------------------------------------------

TEST(Course, B9_1_a_perceptron_and_its_line) {
  nn::Linear unit(2, 1);
  unit->to(kFloat64);
  set(unit, numbers({0.5, 1}, {1, 2}), numbers({-0.3}, {1}));
  EXPECT_NEAR(item(unit(numbers({-0.5, -0.5}, {2}))), -1.05, 1e-15);
  EXPECT_NEAR(0.3 / item(norm(unit->weight.detach())), 0.268328, 5e-7);
}

// w -= alpha (out - y) x is gradient descent on what that product stands for.
TEST(Course, B9_2_one_step_of_the_perceptrons_rule) {
  nn::Linear unit(2, 1);
  unit->to(kFloat64);
  set(unit, numbers({1, 0.5}, {1, 2}), numbers({0.5}, {1}));
  const nn::Heaviside heaviside;
  const Tensor x = numbers({0, -0.5}, {2}), y = numbers({0}, {1});
  const Tensor net = unit(x), out = heaviside(net);
  expect_is(net, {0.25}, {1});
  expect_is(out, {1}, {1});
  net.backward((out - y).detach());
  optim::SGD(unit->parameters(), {.lr = 0.5}).step();
  expect_is(unit->weight, {1, 0.75}, {1, 2});
  expect_is(unit->bias, {0}, {1});
  expect_is(unit(x), {-0.375}, {1});
  expect_is(heaviside(unit(x)), {0}, {1});
}

TEST(Course, B9_3_neurons_of_mcculloch_and_pitts) {
  const Tensor x1 = numbers({0, 0, 1, 1}, {4}), x2 = numbers({0, 1, 0, 1}, {4});
  const nn::Heaviside H;
  expect_is(x1 + x2 - 2, {-2, -1, -1, 0}, {4});
  expect_is(H(x1 + x2 - 2), {0, 0, 0, 1}, {4});
  expect_is(H(x1 + x2 - 1), {0, 1, 1, 1}, {4});
  expect_is(H(H(x1 + x2 - 1) + H(1 - x1 - x2) - 2), {0, 1, 1, 0}, {4});
}

// m_n = alpha (1 - beta^n) / (1 - beta) g; the lecture leaves alpha out.
TEST(Course, B9_4_momentum_under_a_constant_gradient) {
  const double lr = 0.01, g = 3;
  const std::map<int, double> printed = {{1, 1}, {2, 1.9}, {3, 2.71}, {10, 6.5132}, {50, 9.9485}};
  Tensor theta = variable({0}, {1});
  for (const bool inside : {false, true}) {
    optim::SGD sgd({theta}, {.lr = lr, .momentum = 0.9, .lr_inside = inside});
    double factor = 0;
    for (int n = 1; n <= 200; ++n) {
      sgd.zero_grad();
      const double before = item(theta);
      (theta * g).sum().backward();
      sgd.step();
      factor = (before - item(theta)) / (lr * g);
      EXPECT_NEAR(factor, (1 - std::pow(0.9, n)) / 0.1, 1e-11);
      if (printed.contains(n)) {
        EXPECT_NEAR(factor, printed.at(n), 5e-5);
      }
    }
    EXPECT_NEAR(factor, 10, 1e-7);
  }
}

// a (sigma(w (x - s + D / 2)) - sigma(w (x - s - D / 2))) with a = 3, w = 100, D = 0.2
TEST(Course, B9_5_a_peak_of_two_sigmoids) {
  const double s = 0.4;
  const Tensor x = numbers({s, s + 0.2}, {2});
  const nn::Sigmoid sigma;
  const Tensor peak = 3 * (sigma(100 * (x - s + 0.1)) - sigma(100 * (x - s - 0.1)));
  EXPECT_NEAR(item(peak[0]), 2.999727612787786, 1e-12);
  EXPECT_NEAR(item(peak[1]), 0.000136193606, 1e-12);
}

// Table 5. It is the spacing 2 / n^(1/d) that the lecture tabulates, not 2 / sqrt(d).
TEST(Course, B9_7_the_curse_of_784_dimensions) {
  const Tensor d = numbers({784}, {});
  EXPECT_NEAR(item(2 / pow(numbers({70000}, {}), 1 / d)), 1.971742, 5e-7);
  EXPECT_NEAR(item(pow(numbers({0.99}, {}), d)), 0.000378436, 5e-10);
  EXPECT_NEAR(item(d * log10(numbers({2}, {}))), 236.0, 0.05);
  EXPECT_NEAR(item(d * log10(numbers({256}, {}))), 1888.06, 0.005);
  EXPECT_EQ(item(prod(numbers({86400, 365, 1e10}, {3}))), 3.1536e17);
}

// sigma' <= 1/4 (the lecture's < leaves out 0), and so a chain of L units multiplies by at most
// 0.25^L prod |w|. The gradient of its first bias is sigma'(z1) w2 sigma'(z2) ... dC/da.
TEST(Course, B9_8_gradient_through_a_chain_of_units) {
  const Tensor zero = variable({0}, {1});
  sigmoid(zero).backward();
  EXPECT_EQ(item(zero.grad()), 0.25);

  manual_seed(4);
  const Tensor b1 = variable({0.3}, {1});
  Tensor a = sigmoid(b1);
  const auto slope = [](const Tensor& out) { return item(out) * (1 - item(out)); };
  double expected = slope(a), bound = 0.25;
  for (int layer = 2; layer <= 4; ++layer) {
    const Tensor w = randn({1}, kDouble), b = randn({1}, kDouble);
    a = sigmoid(w * a + b);
    expected *= item(w) * slope(a);
    bound *= 0.25 * std::abs(item(w));
  }
  (0.5 * (a - 1).square()).backward();
  EXPECT_NEAR(item(b1.grad()), expected * (item(a) - 1), 1e-12);
  EXPECT_LE(std::abs(expected), bound);
}

// Pixels 0 to 255 with mean and deviation 128: the upper value is not 1.
TEST(Course, B9_10_pixels_normalised_without_scaling) {
  const Tensor pixels = arange(0, 256).to(kUInt8);
  const Tensor normalised = (pixels.to(kFloat32) - 128) / 128;
  EXPECT_EQ(normalised.min().item<float>(), -1);
  EXPECT_EQ(normalised.max().item<float>(), 0.9921875f);
  const Tensor scaled = (pixels.to(kFloat32) / 255 - 0.5) / 0.5;
  EXPECT_EQ(scaled.min().item<float>(), -1);
  EXPECT_EQ(scaled.max().item<float>(), 1);
}

TEST(Course, B9_11_batches_of_an_epoch) {
  const datasets::TensorDataset mnist(zeros({60000, 1}), zeros({60000}));
  datasets::DataLoader loader(mnist, {.batch_size = 256});
  EXPECT_EQ(loader.size(), 235);
  int64_t batches = 0, last = 0;
  for (const auto& [images, labels] : loader) {
    ++batches;
    last = images.size(0);
    EXPECT_EQ(labels.size(0), last);
  }
  EXPECT_EQ(batches, 235);
  EXPECT_EQ(last, 96);
}

// Of two classes, before the first step.
TEST(Course, B9_13_a_perceptron_that_starts_with_zeros) {
  nn::Sequential perceptron(nn::Linear(4, 1), nn::Sigmoid());
  perceptron->to(kFloat64);
  for (Tensor& parameter : perceptron->parameters()) nn::init::zeros_(parameter);
  manual_seed(8);
  const Tensor out = perceptron(randn({6, 4}, kDouble)), y = numbers({0, 1, 1, 0, 0, 1}, {6, 1});
  EXPECT_NEAR(item(nn::BCELoss()(out, y)), std::log(2.0), 1e-15);
  EXPECT_NEAR(item(nn::BCELoss()(out, y)), 0.693147, 5e-7);
  EXPECT_EQ(item(0.5 * nn::MSELoss()(out, y)), 0.125);
}
