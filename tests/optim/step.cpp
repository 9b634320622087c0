// What a step does with parameters and their gradients.
#include "variable.h"

#include <cmath>

using namespace reel;
using reel::tests::message_of;
using reel::tests::variable;

TEST(Optimizer, skips_parameters_without_a_gradient) {
  Tensor used = variable({1}), unused = variable({2});
  optim::SGD sgd({used, unused}, {.lr = 0.5});
  (used * 3).sum().backward();
  sgd.step();
  EXPECT_DOUBLE_EQ(used.item<double>(), -0.5);
  EXPECT_DOUBLE_EQ(unused.item<double>(), 2);
  EXPECT_EQ(unused.version(), 0);
  EXPECT_EQ(sgd.steps(), 1);
}

TEST(Optimizer, raises_the_version_so_that_an_old_graph_is_refused) {
  Tensor x = variable({2});
  const Tensor y = (x * x).sum();
  y.backward({}, {.retain_graph = true});
  optim::SGD({x}, {.lr = 0.1}).step();
  EXPECT_THROW(y.backward(), Error);
}

TEST(Optimizer, steps_with_a_closure_even_under_no_grad) {
  Tensor x = variable({3});
  optim::SGD sgd({x}, {.lr = 0.1});
  NoGradGuard no_grad;
  const Tensor loss = sgd.step([&] {
    sgd.zero_grad();
    const Tensor cost = (x * x).sum();
    cost.backward();
    return cost;
  });
  EXPECT_DOUBLE_EQ(loss.item<double>(), 9);
  EXPECT_NEAR(x.item<double>(), 2.4, 1e-12);
}

TEST(Optimizer, forgets_or_zeroes_gradients) {
  Tensor x = variable({3});
  optim::SGD sgd({x}, {.lr = 0.1});
  (x * x).sum().backward();
  sgd.zero_grad(false);
  EXPECT_DOUBLE_EQ(x.grad().item<double>(), 0);
  sgd.zero_grad();
  EXPECT_FALSE(x.grad().defined());
}

TEST(Optimizer, updates_strided_parameters_and_takes_strided_gradients) {
  Tensor x = zeros({3, 2}, {.dtype = kFloat64}).t().requires_grad_();
  x.mutable_grad() = from_vector(std::vector<double>{1, 2, 3, 4, 5, 6}, {3, 2}).t();
  optim::SGD({x}, {.lr = 1}).step();
  EXPECT_TRUE(equal(x.detach().contiguous(),
                    from_vector(std::vector<double>{-1, -3, -5, -2, -4, -6}, {2, 3})));
}

// Neither what stays nor what comes and goes within a step: half a megabyte would show in the peak.
TEST(Optimizer, allocates_nothing_in_steady_state) {
  const auto check = [](auto optimizer) {
    SCOPED_TRACE(optimizer.name());
    optimizer.parameters()[0].mutable_grad() = ones({256, 256}, {.dtype = kFloat64});
    optimizer.step();
    const memory::Stats before = memory::stats();
    memory::reset_peak();
    for (int i = 0; i < 3; ++i) optimizer.step();
    EXPECT_EQ(memory::stats().in_use, before.in_use);
    EXPECT_EQ(memory::stats().live_storages, before.live_storages);
    EXPECT_LE(memory::stats().peak - before.in_use, 2 << 16);
  };
  const auto x = [] {
    return std::vector<Tensor>{zeros({256, 256}, {.dtype = kFloat64, .requires_grad = true})};
  };
  using namespace optim;
  check(SGD(x()));
  check(SGD(x(), {.momentum = 0.9, .weight_decay = 0.1, .nesterov = true}));
  check(ASGD(x()));
  check(Adagrad(x()));
  check(Adadelta(x()));
  check(RMSprop(x()));
  check(RMSprop(x(), {.momentum = 0.9, .centered = true}));
  check(Rprop(x()));
  check(Adam(x()));
  check(Adam(x(), {.amsgrad = true}));
  check(AdamW(x()));
  check(Adamax(x()));
  check(NAdam(x()));
  check(RAdam(x()));
  check(SparseAdam(x()));
  check(Ftrl(x()));
  check(Lion(x()));
}

TEST(Optimizer, a_step_that_is_refused_changes_nothing) {
  Tensor a = variable({1}), b = variable({1, 2});
  optim::SGD sgd({a, b}, {.lr = 0.1, .momentum = 0.9});
  a.mutable_grad() = from_vector(std::vector<double>{1}, {1});
  b.mutable_grad() = from_vector(std::vector<double>{1, 1, 1}, {3});
  EXPECT_NE(message_of([&] { sgd.step(); }).find("shape [2], got [3]"), std::string::npos);
  EXPECT_DOUBLE_EQ(a.item<double>(), 1);
  EXPECT_EQ(sgd.steps(), 0);
}

TEST(Optimizer, steps_parameters_of_every_kind) {
  Tensor scalar = full({}, 2.0, {.dtype = kFloat64, .requires_grad = true});
  Tensor none = zeros({0, 3}, {.requires_grad = true});
  Tensor whole = zeros({2, 2}), column = whole.select(1, 1).requires_grad_();
  Tensor frozen = ones({1});
  const std::vector<Tensor> all = {scalar, none, column, frozen};
  const auto check = [&](auto optimizer) {
    SCOPED_TRACE(optimizer.name());
    const Tensor before = scalar.detach().clone();
    scalar.mutable_grad() = full({}, 1.0, {.dtype = kFloat64});
    none.mutable_grad() = zeros({0, 3});
    column.mutable_grad() = ones({2});
    optimizer.step();
    optimizer.load_state_dict(optimizer.state_dict());
    EXPECT_LT(scalar.item<double>(), before.item<double>());
    EXPECT_EQ(whole.data<float>()[0], 0);
    EXPECT_LT(whole.data<float>()[1], 0);
    EXPECT_EQ(frozen.item<float>(), 1);
    whole.zero_();
  };
  using namespace optim;
  check(SGD(all));
  check(ASGD(all));
  check(Adagrad(all));
  check(Adadelta(all));
  check(RMSprop(all));
  check(Rprop(all));
  check(Adam(all));
  check(AdamW(all));
  check(Adamax(all));
  check(NAdam(all));
  check(RAdam(all));
  check(SparseAdam(all));
  check(Lion(all));
}

TEST(Optimizer, is_deterministic_for_any_number_of_threads) {
  const auto run = [](int threads) {
    set_num_threads(threads);
    manual_seed(3);
    Tensor x = randn({100001}, {.requires_grad = true});
    optim::Adam adam({x}, {.weight_decay = 0.1, .amsgrad = true});
    adam.set_gradient_options({.clip_norm = 1});
    for (int i = 0; i < 3; ++i) {
      x.mutable_grad() = randn({100001});
      adam.step();
    }
    return x.detach();
  };
  const int before = get_num_threads();
  const Tensor one = run(1), two = run(2);
  set_num_threads(before);
  EXPECT_TRUE(equal(one, two));
}

TEST(Optimizer, clips_what_the_update_sees_and_leaves_the_gradients) {
  Tensor x = variable({0, 0});
  optim::SGD sgd({x}, {.lr = 1});
  x.mutable_grad() = from_vector(std::vector<double>{3, 4}, {2});
  sgd.set_gradient_options({.clip_norm = 1});
  sgd.step();
  EXPECT_NEAR(x.data<double>()[0], -0.6, 1e-6);
  EXPECT_EQ(x.grad().data<double>()[1], 4);
  sgd.set_gradient_options({.clip_value = 0.5});
  sgd.step();
  EXPECT_NEAR(x.data<double>()[1], -0.8 - 0.5, 1e-6);
}

TEST(Optimizer, names_the_parameter_whose_gradient_is_not_finite) {
  Tensor x = variable({0}), y = variable({0});
  optim::SGD sgd({x, y}, {.lr = 1});
  sgd.set_gradient_options({.check_finite = true});
  sgd.set_names({"fc1.weight", "fc2.weight"});
  x.mutable_grad() = from_vector(std::vector<double>{1}, {1});
  y.mutable_grad() = from_vector(std::vector<double>{std::nan("")}, {1});
  EXPECT_NE(message_of([&] { sgd.step(); }).find("fc2.weight is not finite"), std::string::npos);
  EXPECT_DOUBLE_EQ(x.item<double>(), 0);
}
