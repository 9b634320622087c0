// Modules: registration, lists, printing, the layers of the foundation.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using reel::tests::message_of;

namespace {

struct Net : nn::Module {
  nn::Linear first = register_module("first", nn::Linear(4, 3));
  nn::Linear second = register_module("second", nn::Linear(3, 2));
  Tensor scale = register_parameter("scale", ones({1}));
  Tensor seen = register_buffer("seen", zeros({2}));

  Tensor forward(const Tensor& x) override { return second(relu(first(x))) * scale; }
};

std::vector<std::string> names(const std::vector<nn::Named<Tensor>>& entries) {
  std::vector<std::string> list;
  for (const auto& [name, _] : entries) list.push_back(name);
  return list;
}

// Gives the protected registration functions to a test.
struct Open : nn::Module {
  using Module::add_child;
  using Module::register_parameter;
};

}  // namespace

TEST(Module, lists_parameters_and_buffers_by_dotted_name) {
  Net net;
  EXPECT_EQ(names(net.named_parameters()),
            (std::vector<std::string>{"scale", "first.weight", "first.bias", "second.weight",
                                      "second.bias"}));
  EXPECT_EQ(names(net.named_parameters(false)), std::vector<std::string>{"scale"});
  EXPECT_EQ(names(net.named_buffers()), std::vector<std::string>{"seen"});
  EXPECT_EQ(net.children().size(), 2u);
  EXPECT_EQ(net.parameters().size(), 5u);
  for (const Tensor& parameter : net.parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(Module, counts_a_shared_module_once) {
  nn::Linear shared(2, 2);
  nn::Sequential model(shared, nn::ReLU(), shared);
  EXPECT_EQ(model->parameters().size(), 2u);
}

TEST(Module, refuses_bad_names) {
  Open module;
  module.register_parameter("weight", ones({1}));
  EXPECT_NE(message_of([&] {
              module.register_parameter("weight", ones({1}));
            }).find("registered already"),
            std::string::npos);
  EXPECT_NE(message_of([&] { module.register_parameter("", ones({1})); }).find("must not be empty"),
            std::string::npos);
  EXPECT_NE(message_of([&] { module.add_child("a.b", nn::ReLU()); }).find("\"a.b\""),
            std::string::npos);
  EXPECT_NE(message_of([&] { module.register_parameter("count", arange(3)); }).find("int64"),
            std::string::npos);
  EXPECT_EQ(module.parameters().size(), 1u);
}

TEST(Module, says_that_forward_is_missing) {
  EXPECT_EQ(message_of([] { Open().forward(ones({1})); }),
            "Open: forward(const Tensor&) is not defined");
}

TEST(Module, switches_modes_everywhere) {
  Net net;
  EXPECT_TRUE(net.first->is_training());
  net.eval();
  EXPECT_FALSE(net.is_training());
  EXPECT_FALSE(net.second->is_training());
  net.train().requires_grad_(false);
  EXPECT_TRUE(net.second->is_training());
  EXPECT_FALSE(net.forward(ones({1, 4})).requires_grad());
}

TEST(Module, converts_in_place_of_the_old_numbers) {
  Net net;
  const Tensor weight = net.first->weight;
  net.to(kFloat64);
  EXPECT_EQ(weight.dtype(), kFloat64);
  EXPECT_EQ(net.forward(ones({1, 4}, {.dtype = kFloat64})).dtype(), kFloat64);
}

TEST(Module, zeroes_gradients) {
  Net net;
  net.forward(ones({1, 4})).sum().backward();
  EXPECT_TRUE(net.first->weight.grad().defined());
  net.zero_grad(false);
  EXPECT_TRUE(equal(net.scale.grad(), zeros({1})));
  net.zero_grad();
  EXPECT_FALSE(net.scale.grad().defined());
}

TEST(Linear, starts_with_pytorchs_numbers) {
  // torch.manual_seed(0); torch.nn.Linear(3, 2): uniform in +-1/sqrt(3), weight before bias.
  manual_seed(0);
  const nn::Linear linear(3, 2);
  manual_seed(0);
  const Tensor weight = rand({2, 3}), bias = rand({2});
  const double bound = 1 / std::sqrt(3.0);
  EXPECT_TRUE(allclose(linear->weight.detach(), weight * (2 * bound) - bound, {.atol = 1e-6}));
  EXPECT_TRUE(allclose(linear->bias.detach(), bias * (2 * bound) - bound, {.atol = 1e-6}));
  EXPECT_NEAR(linear->weight.detach()[0][0].item<double>(), -0.0043, 5e-5);
  EXPECT_NEAR(linear->weight.detach()[0][1].item<double>(), 0.3097, 5e-5);
}

TEST(Linear, maps_the_last_dim) {
  manual_seed(1);
  const nn::Linear linear({.in_features = 3, .out_features = 2, .bias = false});
  const Tensor x = randn({4, 5, 3});
  EXPECT_EQ(linear->parameters().size(), 1u);
  EXPECT_TRUE(allclose(linear(x), matmul(x, linear->weight.t()), {.atol = 1e-6}));
}

TEST(Sequential, runs_indexes_and_grows) {
  nn::Sequential model(nn::Flatten(), nn::Linear(4, 3), [](const Tensor& x) { return x * 2; });
  model->push_back(nn::ReLU());
  model->add_module("head", nn::Linear(3, 1));
  const Tensor x = ones({2, 2, 2});
  Tensor y = x;
  for (size_t i = 0; i < model->size(); ++i) y = model[i](y);
  EXPECT_TRUE(equal(model(x), y));
  EXPECT_EQ(model[1].as<nn::Linear>()->options.out_features, 3);
  EXPECT_EQ(message_of([&] { model[0].as<nn::Linear>(); }),
            "as: the module is a Flatten, not a Linear");
  EXPECT_THROW(model[9], IndexError);
  const nn::Sequential same = model;
  EXPECT_EQ(same->size(), 5u);
  EXPECT_EQ(names(model->named_parameters()).back(), "head.bias");
}

TEST(Sequential, prints_as_pytorch_does) {
  const nn::Sequential model(nn::Flatten(), nn::Linear(4, 3),
                             nn::Sequential(nn::ReLU(), nn::Softmax(1)));
  EXPECT_EQ(fmt::format("{}", model),
            "Sequential(\n"
            "  (0): Flatten(start_dim=1, end_dim=-1)\n"
            "  (1): Linear(in_features=4, out_features=3, bias=True)\n"
            "  (2): Sequential(\n"
            "    (0): ReLU()\n"
            "    (1): Softmax(dim=1)\n"
            "  )\n"
            ")");
}

// B4: one step of gradient descent that the course works out by hand. All numbers are exact.
TEST(Course, one_step_of_backpropagation) {
  const auto fill = [](const Tensor& parameter, const Tensor& numbers) {
    NoGradGuard no_grad;
    Tensor(parameter).copy_(numbers);
  };
  const nn::Linear first(2, 4), second(4, 1);
  const nn::Sequential model(first, nn::ReLU(), second);
  fill(first->weight, tensor({{1., 2.}, {0., -1.}, {-1., -3.}, {-2., 2.}}));
  fill(first->bias, tensor({-2., 2., 0., -2.}));
  fill(second->weight, tensor({{1., 0., -1., 2.}}));
  fill(second->bias, tensor({-2.}));
  const Tensor x = tensor({{-1.f, 1.f}, {2.f, -1.f}}), y = tensor({{1.f}, {-1.f}});
  EXPECT_TRUE(equal(model(x).detach(), tensor({{2.f}, {-3.f}})));
  EXPECT_EQ(0.5 * nn::MSELoss({.reduction = Reduction::Sum})(model(x), y).item<double>(), 2.5);

  optim::SGD optimizer(model->parameters(), {.lr = 0.5});
  (0.5 * nn::MSELoss()(model(x), y)).backward();
  optimizer.step();
  EXPECT_TRUE(equal(first->weight.detach(),
                    tensor({{1.f, 2.f}, {0.f, -1.f}, {-2.f, -2.5f}, {-1.5f, 1.5f}})));
  EXPECT_TRUE(equal(first->bias.detach(), tensor({-2.f, 2.f, -0.5f, -2.5f})));
  EXPECT_TRUE(equal(second->weight.detach(), tensor({{1.f, 1.25f, -0.5f, 1.5f}})));
  EXPECT_TRUE(equal(second->bias.detach(), tensor({-1.75f})));
  EXPECT_TRUE(equal(model(x).detach(), tensor({{0.25f}, {2.f}})));
  EXPECT_EQ(0.5 * nn::MSELoss({.reduction = Reduction::Sum})(model(x), y).item<double>(), 4.78125);
}

TEST(Losses, are_their_functions) {
  const Tensor scores = tensor({{1.0, 2.0}, {0.5, -1.0}}), target = tensor({1, 0});
  EXPECT_TRUE(equal(nn::CrossEntropyLoss({.reduction = Reduction::Sum})(scores, target),
                    cross_entropy(scores, target, {.reduction = Reduction::Sum})));
  EXPECT_TRUE(equal(nn::MSELoss()(scores, scores * 2), mse_loss(scores, scores * 2)));
}
