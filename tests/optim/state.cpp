// States that are saved, loaded, and follow their parameters.
#include "variable.h"

#include <cmath>
#include <type_traits>

using namespace reel;
using reel::tests::message_of;
using reel::tests::variable;

TEST(Optimizer, its_state_follows_a_module_to_another_dtype) {
  const nn::Linear layer(2, 1);
  optim::SGD sgd(layer->parameters(), {.lr = 0.5, .momentum = 0.5});
  const auto step = [&](Dtype dtype) {
    sgd.zero_grad();
    layer(ones({1, 2}, {.dtype = dtype})).sum().backward();
    sgd.step();
  };
  step(kFloat32);
  layer->to(kFloat64);
  const Tensor before = sgd.parameters()[0].detach().clone();
  step(kFloat64);
  // b = 1, then 0.5 + 1.
  EXPECT_TRUE(
      allclose(before - sgd.parameters()[0].detach(), full({1, 2}, 0.75, {.dtype = kFloat64})));
}

TEST(Optimizer, a_loaded_state_takes_the_parameters_dtype) {
  Tensor single = ones({2}, {.requires_grad = true}), both = variable({1, 1});
  optim::Adam from({single}, {.lr = 0.1}), to({both}, {.lr = 0.2});
  single.mutable_grad() = full({2}, 0.5);
  from.step();
  to.load_state_dict(from.state_dict());
  EXPECT_EQ(to.state_dict().at("state.0.exp_avg").dtype(), kFloat64);
  EXPECT_EQ(to.lr(), 0.1);
  both.mutable_grad() = full({2}, 0.5, {.dtype = kFloat64});
  to.step();  // of a constant gradient every step of Adam is lr
  EXPECT_NEAR(both.data<double>()[0], 0.9, 1e-6);
}

TEST(Optimizer, refuses_a_saved_lr_that_is_none) {
  Tensor x = variable({1});
  optim::SGD sgd({x}, {.lr = 0.1});
  for (const double lr : std::initializer_list<double>{-1, NAN, INFINITY}) {
    optim::StateDict state = sgd.state_dict();
    state["param_groups.0.lr"] = full({1}, lr, {.dtype = kFloat64});
    EXPECT_NE(message_of([&] { sgd.load_state_dict(state); }).find("lr must be finite"),
              std::string::npos);
    EXPECT_EQ(sgd.lr(), 0.1);
  }
}

TEST(Optimizer, refuses_a_state_of_another_model_and_changes_nothing) {
  Tensor x = variable({1, 2}), y = variable({1, 2, 3});
  optim::Adam one({x}, {.lr = 0.1}), other({y}, {.lr = 0.5});
  y.mutable_grad() = from_vector(std::vector<double>{1, 1, 1}, {3});
  other.step();
  EXPECT_NE(message_of([&] { one.load_state_dict(other.state_dict()); }).find("shape [2], got"),
            std::string::npos);
  EXPECT_EQ(one.steps(), 0);
  EXPECT_EQ(one.lr(), 0.1);
  optim::SGD sgd({y}, {.lr = 0.1});
  EXPECT_NE(message_of([&] { sgd.load_state_dict(other.state_dict()); }).find("missing"),
            std::string::npos);
  EXPECT_EQ(sgd.lr(), 0.1);
}

TEST(Optimizer, loads_no_state_of_another_shape_into_a_parameter) {
  Tensor x = variable({1, 2}), y = variable({3});
  optim::SGD sgd({x, y}, {.lr = 0.1, .momentum = 0.5});
  const auto step = [&] {
    x.mutable_grad() = ones({2}, {.dtype = kFloat64});
    y.mutable_grad() = ones({1}, {.dtype = kFloat64});
    sgd.step();
  };
  step();
  const optim::StateDict before = sgd.state_dict();
  for (const Shape& shape : {Shape{}, Shape{2}, Shape{1, 1}}) {
    optim::StateDict state = before;
    state.at("param_groups.0.lr") = full({1}, 0.7, {.dtype = kFloat64});
    // What comes first and fits is not taken, either.
    state.at("state.0.momentum_buffer") = zeros({2}, {.dtype = kFloat64});
    state.at("state.1.momentum_buffer") = zeros(shape, {.dtype = kFloat64});
    EXPECT_NE(message_of([&] {
                sgd.load_state_dict(state);
              }).find("momentum_buffer of parameter 1 must be of shape [1], got"),
              std::string::npos);
  }
  EXPECT_EQ(sgd.lr(), 0.1);
  EXPECT_EQ(sgd.steps(), 1);
  step();  // 0.1 (1, then 0.5 + 1)
  EXPECT_NEAR(x.data<double>()[0], 1 - 0.1 - 0.15, 1e-15);
  EXPECT_NEAR(y.item<double>(), 3 - 0.1 - 0.15, 1e-15);
}

TEST(Optimizer, refuses_to_step_a_parameter_whose_shape_has_changed) {
  Tensor x = variable({1, 2}), y = variable({3});
  optim::SGD sgd({y, x}, {.lr = 0.1, .momentum = 0.5});
  const auto set_gradients = [&] {
    x.mutable_grad() = ones(x.shape(), {.dtype = kFloat64});
    y.mutable_grad() = ones({1}, {.dtype = kFloat64});
  };
  set_gradients();
  sgd.step();
  x.body()->array = zeros({3}, {.dtype = kFloat64}).array();
  set_gradients();
  EXPECT_NE(message_of([&] { sgd.step(); }).find("made for a parameter of shape [2], which is [3]"),
            std::string::npos);
  EXPECT_DOUBLE_EQ(y.item<double>(), 2.9);
  EXPECT_EQ(sgd.steps(), 1);
}

namespace {

// A copy would share its states with the original.
template <class... Optimizers>
constexpr bool kMoveOnly = ((!std::is_copy_constructible_v<Optimizers> &&
                             !std::is_copy_assignable_v<Optimizers> &&
                             std::is_move_constructible_v<Optimizers>)&&...);
static_assert(kMoveOnly<optim::SGD, optim::Adam, optim::Muon, optim::LBFGS, optim::Newton>);
static_assert(!std::is_copy_constructible_v<optim::StepLR>);

}  // namespace

TEST(Optimizer, goes_on_where_it_is_moved) {
  Tensor x = variable({1});
  optim::SGD from({x}, {.lr = 0.1, .momentum = 0.5});
  x.mutable_grad() = ones({1}, {.dtype = kFloat64});
  from.step();
  optim::SGD to = std::move(from);
  to.step();
  EXPECT_NEAR(x.item<double>(), 1 - 0.1 - 0.15, 1e-15);
  EXPECT_EQ(to.steps(), 2);
}
