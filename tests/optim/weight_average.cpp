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

namespace {

// Two groups, of which the first has an lr of 1 and the second of 0.4.
optim::SGD two_groups() {
  return optim::SGD({{{variable({0})}, {.lr = 1}}, {{variable({0})}, {.lr = 0.4}}});
}

}  // namespace

TEST(SWALR, anneals_each_group_from_its_lr_to_the_lr_of_averaging) {
  for (const char* strategy : {"cos", "linear"}) {
    optim::SGD sgd = two_groups();
    optim::SWALR schedule(sgd,
                          {.swa_lr = {0.05, 0.8}, .anneal_epochs = 8, .anneal_strategy = strategy});
    for (int epoch = 0; epoch < 14; ++epoch, schedule.step()) {
      const double t = std::min(1.0, epoch / 8.0);
      const double share = strategy[0] == 'c' ? (1 - std::cos(M_PI * t)) / 2 : t;
      EXPECT_NEAR(sgd.lr(0), 0.05 * share + 1 * (1 - share), 1e-14) << strategy << epoch;
      EXPECT_NEAR(sgd.lr(1), 0.8 * share + 0.4 * (1 - share), 1e-14) << strategy << epoch;
    }
    EXPECT_EQ(sgd.lr(0), 0.05);
    EXPECT_EQ(sgd.lr(1), 0.8);
  }
}

// By hand: from the 0.5 that the first schedule leaves, in four equal parts to 0.1.
TEST(SWALR, starts_from_what_another_schedule_has_left) {
  optim::SGD sgd({variable({0})}, {.lr = 1});
  optim::StepLR before(sgd, {.step_size = 2, .gamma = 0.5});
  optim::SWALR schedule(sgd, {.swa_lr = 0.1, .anneal_epochs = 4, .anneal_strategy = "linear"});
  EXPECT_EQ(sgd.lr(), 1);
  for (int i = 0; i < 3; ++i) before.step();
  for (const double lr : {0.4, 0.3, 0.2, 0.1, 0.1}) {
    schedule.step();
    EXPECT_NEAR(sgd.lr(), lr, 1e-15);
  }
}

TEST(SWALR, without_epochs_is_there_at_once) {
  optim::SGD sgd = two_groups();
  optim::SWALR schedule(sgd, {.swa_lr = 0.25, .anneal_epochs = 0});
  for (int i = 0; i < 3; ++i, schedule.step())
    EXPECT_EQ(schedule.get_last_lr(), (std::vector<double>{0.25, 0.25}));
}

TEST(SWALR, goes_on_bit_for_bit_from_a_saved_state) {
  optim::SGD one = two_groups(), other = two_groups();
  const optim::SWALROptions options = {.swa_lr = {0.05, 0.8}, .anneal_epochs = 7};
  optim::SWALR whole(one, options), resumed(other, options);
  for (int i = 0; i < 3; ++i) whole.step();
  other.load_state_dict(one.state_dict());
  resumed.load_state_dict(whole.state_dict());
  for (int i = 0; i < 6; ++i) {
    whole.step();
    resumed.step();
    EXPECT_EQ(whole.get_last_lr(), resumed.get_last_lr());
  }
  EXPECT_EQ(resumed.last_epoch(), 9);
}

TEST(SWALR, refuses_options_that_make_no_sense) {
  optim::SGD sgd = two_groups();
  const auto says = [&](const optim::SWALROptions& options, const char* what) {
    const std::string text = message_of([&] { optim::SWALR(sgd, options); });
    EXPECT_NE(text.find(what), std::string::npos) << text;
    EXPECT_EQ(sgd.lr(0), 1);
    EXPECT_EQ(sgd.lr(1), 0.4);
  };
  says({}, "SWALR: swa_lr must be one number, or one for each of 2 groups, got 0");
  says({.swa_lr = {1, 2, 3}}, "for each of 2 groups, got 3");
  says({.swa_lr = NAN}, "swa_lr must be finite and not negative, got nan");
  says({.swa_lr = 1, .anneal_epochs = -1}, "anneal_epochs must not be negative, got -1");
  says({.swa_lr = 1, .anneal_strategy = "step"}, "anneal_strategy must be cos or linear, got step");
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
