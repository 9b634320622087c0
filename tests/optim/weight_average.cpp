// Averages of weights, gradients over several batches, and when to stop.
#include "variable.h"

#include <cmath>

using namespace reel;
using reel::tests::message_of;
using reel::tests::variable;

TEST(WeightAverage, is_the_mean_or_fades) {
  Tensor x = variable({1});
  optim::WeightAverage mean({x}), fading({x}, {.decay = 0.9});
  for (double value : {2.0, 4.0, 6.0}) {
    NoGradGuard no_grad;
    x.fill_(value);
    mean.update();
    fading.update();
  }
  EXPECT_DOUBLE_EQ(mean.averages()[0].item<double>(), 4);
  EXPECT_NEAR(fading.averages()[0].item<double>(), (2 * 0.9 + 4 * 0.1) * 0.9 + 6 * 0.1, 1e-15);
  mean.swap();
  EXPECT_DOUBLE_EQ(x.item<double>(), 4);
  mean.swap();
  EXPECT_DOUBLE_EQ(x.item<double>(), 6);
  EXPECT_THROW(optim::WeightAverage({x}, {.decay = 2}), Error);
  EXPECT_THROW(optim::WeightAverage({}), Error);
}

TEST(WeightAverage, goes_on_from_a_saved_state) {
  Tensor x = variable({1});
  optim::WeightAverage whole({x}), resumed({x});
  const auto take = [&](optim::WeightAverage& average, double value) {
    NoGradGuard no_grad;
    x.fill_(value);
    average.update();
  };
  take(whole, 2);
  take(whole, 4);
  resumed.load_state_dict(whole.state_dict());
  take(resumed, 9);
  EXPECT_DOUBLE_EQ(resumed.averages()[0].item<double>(), 5);
  EXPECT_EQ(resumed.updates(), 3);
  Tensor pair = variable({1, 2});
  optim::WeightAverage other({pair});
  EXPECT_NE(
      message_of([&] { other.load_state_dict(whole.state_dict()); }).find("shape [2], got [1]"),
      std::string::npos);
  EXPECT_EQ(other.updates(), 0);
}

TEST(GradientAccumulation, keeps_the_gradients_of_a_step_that_is_refused) {
  Tensor x = variable({0});
  optim::SGD sgd({x}, {.lr = 1});
  sgd.set_gradient_options({.check_finite = true});
  optim::GradientAccumulation accumulation(sgd, 2);
  accumulation.step();
  x.mutable_grad() = full({1}, INFINITY, {.dtype = kFloat64});
  EXPECT_THROW(accumulation.step(), Error);
  EXPECT_TRUE(std::isinf(x.grad().item<double>()));
  x.mutable_grad() = full({1}, 6.0, {.dtype = kFloat64});
  EXPECT_TRUE(accumulation.step());
  EXPECT_DOUBLE_EQ(x.item<double>(), -3);
}

TEST(GradientAccumulation, steps_with_the_mean_of_several_batches) {
  Tensor x = variable({0});
  optim::SGD sgd({x}, {.lr = 1});
  optim::GradientAccumulation accumulation(sgd, 2);
  (x * 2).sum().backward();
  EXPECT_FALSE(accumulation.step());
  (x * 4).sum().backward();
  EXPECT_TRUE(accumulation.step());
  EXPECT_DOUBLE_EQ(x.item<double>(), -3);
  EXPECT_FALSE(x.grad().defined());
}

TEST(Stopping, ends_by_count_by_the_length_of_a_step_or_by_patience) {
  const auto run = [](const optim::StoppingOptions& options) {
    Tensor x = variable({1});
    optim::SGD sgd({x}, {.lr = 0.25});
    optim::Stopping stopping(sgd, options);
    double loss = 0;
    while (stopping.goes_on(loss)) {
      sgd.zero_grad();
      const Tensor y = (x * x).sum();
      y.backward();
      sgd.step();  // x halves
      loss = y.item<double>();
    }
    return stopping.iterations();
  };
  EXPECT_EQ(run({.max_iterations = 7}), 7);
  EXPECT_EQ(run({.precision = 0.1}), 4);                 // steps of 1/2, 1/4, 1/8, 1/16
  EXPECT_EQ(run({.patience = 2, .min_delta = 0.1}), 5);  // losses 1, 1/4, 1/16, 1/64, 1/256
}
