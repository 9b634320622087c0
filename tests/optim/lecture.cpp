// The course: its exact numbers and its two surfaces.
#include "variable.h"

#include <array>
#include <cmath>
#include <functional>
#include <memory>

using namespace reel;
using reel::tests::variable;

// ---- exact numbers of the course -------------------------------------------------------------------------

namespace {

// f(x) = x1^2 + 10 x2^2 from (1, 1).
std::vector<std::array<double, 2>> bowl(
    const std::function<std::unique_ptr<optim::Optimizer>(Tensor)>& make) {
  Tensor x = variable({1, 1});
  const auto optimizer = make(x);
  const Tensor weights = from_vector(std::vector<double>{1, 10}, {2});
  std::vector<std::array<double, 2>> path;
  for (int i = 0; i < 3; ++i) {
    optimizer->step([&] {
      optimizer->zero_grad();
      const Tensor loss = (weights * x * x).sum();
      loss.backward();
      return loss;
    });
    path.push_back({x.data<double>()[0], x.data<double>()[1]});
  }
  return path;
}

template <class Optimizer>
std::vector<std::array<double, 2>> bowl(const typename Optimizer::Options& options) {
  return bowl([&](Tensor x) -> std::unique_ptr<optim::Optimizer> {
    return std::make_unique<Optimizer>(std::vector<Tensor>{x}, options);
  });
}

using Path = std::vector<std::array<double, 2>>;
void expect_path(const Path& path, const Path& expected, double bound) {
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(path[i][0], expected[i][0], bound) << "step " << i + 1;
    EXPECT_NEAR(path[i][1], expected[i][1], bound) << "step " << i + 1;
  }
}

// The lecture's Adam as printed: m / (1 - beta1), s / (1 - beta2).
struct PrintedOptions {
  static constexpr auto name = "PrintedAdam";
  double lr = 0.01;
};
struct PrintedAdam : optim::OptimizerOf<PrintedOptions> {
  using OptimizerOf::OptimizerOf;
  void update(Tensor& parameter, const Tensor& g, optim::State& state,
              const PrintedOptions& o) override {
    Tensor m = state.tensor("m", parameter), s = state.tensor("s", parameter);
    m.mul_(0.9).add_(0.1 * g);
    s.mul_(0.999).add_(0.001 * g * g);
    parameter.sub_(o.lr * (m / 0.1) / (sqrt(s / 0.001) + 1e-8));
  }
};

}  // namespace

// The last printed digit decides the bound.
TEST(Lecture, trajectories_of_descent_and_momentum_in_the_bowl) {
  using namespace optim;
  expect_path(bowl<SGD>({.lr = 0.01}), {{0.98, 0.8}, {0.9604, 0.64}, {0.941192, 0.512}}, 1e-10);
  const Path momentum = {{0.98, 0.8}, {0.9424, 0.46}, {0.889712, 0.062}};
  expect_path(bowl<SGD>({.lr = 0.01, .momentum = 0.9}), momentum, 1e-10);
  expect_path(bowl<SGD>({.lr = 0.01, .momentum = 0.9, .lr_inside = true}), momentum, 1e-10);
  expect_path(bowl<SGD>({.lr = 0.01, .momentum = 0.9, .lr_inside = true, .evaluate_ahead = true}),
              {{0.98, 0.8}, {0.94276, 0.496}, {0.89105912, 0.17792}}, 1e-10);
  const Path keras = {{0.962, 0.62}, {0.909244, 0.2224}, {0.844528328, -0.108352}};
  expect_path(bowl<SGD>({.lr = 0.01, .momentum = 0.9, .nesterov = true}), keras, 1e-10);
  expect_path(bowl<SGD>({.lr = 0.01, .momentum = 0.9, .nesterov = true, .lr_inside = true}), keras,
              1e-10);
}

TEST(Lecture, trajectories_of_adaptive_methods_in_the_bowl) {
  using namespace optim;
  expect_path(
      bowl<Adagrad>({.lr = 0.01, .eps = 1e-8, .eps_inside_root = true}),
      {{0.990000000012, 0.99}, {0.982964554038, 0.982964554021}, {0.977237939509, 0.977237939490}},
      1e-10);
  expect_path(
      bowl<Adagrad>({.lr = 0.01}),
      {{0.990000000001, 0.99}, {0.982964554022, 0.982964554021}, {0.977237939491, 0.977237939490}},
      1e-12);
  expect_path(bowl<RMSprop>({.lr = 0.01, .alpha = 0.9, .eps = 1e-8, .eps_inside_root = true}),
              {{0.968377223794, 0.968377223402},
               {0.945788025275, 0.945788024736},
               {0.927053098417, 0.927053097791}},
              1e-12);
  expect_path(bowl<RMSprop>({.lr = 0.01, .alpha = 0.9, .eps = 1e-8}),
              {{0.968377223898, 0.968377223448},
               {0.945788025488, 0.945788024806},
               {0.927053098722, 0.927053097879}},
              1e-12);
  expect_path(bowl<RMSprop>({.lr = 0.01}),
              {{0.900000005, 0.9000000005},
               {0.832917967970, 0.832917961405},
               {0.779982273244, 0.779982265379}},
              1e-12);
  const Path adam = bowl<Adam>({.lr = 0.01});
  expect_path(adam,
              {{0.990000000050, 0.990000000005},
               {0.980002745996, 0.980002745906},
               {0.970010099378, 0.970010099243}},
              1e-12);
  // As the lecture prints it, without the power t of the correction: another trajectory.
  const Path printed = bowl<PrintedAdam>({});
  expect_path(printed,
              {{0.990000000050, 0.990000000005},
               {0.976565301280, 0.976565301192},
               {0.960924934706, 0.960924934577}},
              1e-12);
  EXPECT_GT(std::fabs(adam[1][0] - 0.976565301280), 1e-3);
  EXPECT_GT(std::fabs(adam[2][1] - 0.960924934577), 1e-3);
}

// J = theta1 theta2 from (2, 2) (the notebook gd_rmsprop).
TEST(Lecture, gradient_descent_and_rmsprop_on_a_product) {
  const auto losses = [](auto make) {
    Tensor theta = variable({2, 2});
    auto optimizer = make(theta);
    std::vector<double> list;
    for (int i = 0; i < 5; ++i) {
      optimizer.zero_grad();
      (theta[0] * theta[1]).backward();
      optimizer.step();
      list.push_back((theta[0] * theta[1]).template item<double>());
    }
    return list;
  };
  EXPECT_EQ(losses([](Tensor x) { return optim::SGD({x}, {.lr = 0.5}); }),
            (std::vector<double>{1, 0.25, 0.0625, 0.015625, 0.00390625}));
  const std::vector<double> outside = {0.17544677397202935, 0.006086804167495761,
                                       0.00012448839791948842, 1.1634232222190242e-06,
                                       2.6593314747211394e-09};
  const std::vector<double> inside = {0.17544469622018277, 0.006086631598903565,
                                      0.00012448188567163785, 1.1633168915554998e-06,
                                      2.6588567524256487e-09};
  const auto out =
      losses([](Tensor x) { return optim::RMSprop({x}, {.lr = 0.5, .alpha = 0.9, .eps = 1e-6}); });
  const auto in = losses([](Tensor x) {
    return optim::RMSprop({x}, {.lr = 0.5, .alpha = 0.9, .eps = 1e-8, .eps_inside_root = true});
  });
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(out[i], outside[i], 1e-12 * outside[i]);
    EXPECT_NEAR(in[i], inside[i], 1e-12 * inside[i]);
  }
}

// quad_f = 5 + sum 3 x^2 (the notebook taylor_newton): one step ends at the minimum, and the
// stopping rule by the length of the step sees it after the second.
TEST(Lecture, newton_takes_a_quadratic_in_one_step) {
  Tensor x = variable({5, 3});
  optim::Newton newton({x});
  const auto f = [&] { return 5 + (3 * x * x).sum(); };
  int steps = 0;
  do {
    newton.step(f);
    ++steps;
  } while (newton.last_step() >= 0.1);
  EXPECT_EQ(steps, 2);
  EXPECT_NEAR(x.data<double>()[0], 0, 1e-15);
  EXPECT_DOUBLE_EQ(f().item<double>(), 5);
}

// lin_f = 5 + sum 3 x and quad_f = 5 + sum 3 x^2 from (2, 3) to (3, 4), with derivatives by the
// tape.
TEST(Lecture, taylor_expansions_of_first_and_second_order) {
  const Tensor x = from_vector(std::vector<double>{2, 3}, {2}), d = ones({2}, {.dtype = kFloat64});
  const auto linear = [](const Tensor& v) { return 5 + (3 * v).sum(); };
  const auto quadratic = [](const Tensor& v) { return 5 + (3 * v * v).sum(); };
  const auto estimate = [&](const auto& f, int order) {
    const Tensor gradient = autograd::vjp(f, x, full({}, 1.0, {.dtype = kFloat64}));
    double y = f(x).template item<double>() + dot(gradient, d).template item<double>();
    if (order == 2) y += 0.5 * dot(d, autograd::hvp(f, x, d)).template item<double>();
    return y;
  };
  EXPECT_EQ(estimate(linear, 1), 26);
  EXPECT_EQ(estimate(quadratic, 1), 74);
  EXPECT_EQ(estimate(quadratic, 2), 80);
  EXPECT_TRUE(equal(autograd::hessian(quadratic, x), 6 * eye(2, {.dtype = kFloat64})));
}

// ---- the lecture's two surfaces (its qualitative table) --------------------------------------------------

namespace {

Path walk(const std::function<Tensor(const Tensor&)>& f, std::initializer_list<double> start,
          int steps, const std::function<std::unique_ptr<optim::Optimizer>(Tensor)>& make) {
  Tensor x = variable(start);
  const auto optimizer = make(x);
  Path path{{x.data<double>()[0], x.data<double>()[1]}};
  for (int i = 0; i < steps; ++i) {
    optimizer->zero_grad();
    f(x).backward();
    optimizer->step();
    path.push_back({x.data<double>()[0], x.data<double>()[1]});
  }
  return path;
}

template <class Optimizer>
auto with(const typename Optimizer::Options& options) {
  return [options](const Tensor& x) -> std::unique_ptr<optim::Optimizer> {
    return std::make_unique<Optimizer>(std::vector<Tensor>{x}, options);
  };
}

// The first step at which the second coordinate has reached 1.
int escape(const Path& path) {
  for (size_t i = 0; i < path.size(); ++i) {
    if (std::fabs(path[i][1]) >= 1) return static_cast<int>(i);
  }
  return static_cast<int>(path.size());
}

double lowest(const Path& path) {
  double low = path[0][1];
  for (const auto& place : path) low = std::min(low, place[1]);
  return low;
}

}  // namespace

TEST(Lecture, adaptive_methods_leave_a_saddle_long_before_gradient_descent) {
  using namespace optim;
  const auto saddle = [](const Tensor& x) { return x[0] * x[0] - x[1] * x[1]; };
  const auto time = [&](const auto& make) { return escape(walk(saddle, {1, 1e-8}, 1000, make)); };
  const int plain = time(with<SGD>({.lr = 0.01}));
  EXPECT_GE(plain, 10 * time(with<Adagrad>({.lr = 0.3})));
  EXPECT_GE(plain, 10 * time(with<RMSprop>({.lr = 0.05, .alpha = 0.9})));
  EXPECT_GE(plain, 10 * time(with<Adam>({.lr = 0.05})));
  // Momentum swings across the steep axis on its way.
  const Path swings = walk(saddle, {1, 1e-8}, 100, with<SGD>({.lr = 0.05, .momentum = 0.9}));
  int crossings = 0;
  for (size_t i = 1; i < swings.size(); ++i) crossings += swings[i - 1][0] * swings[i][0] < 0;
  EXPECT_GE(crossings, 3);
}

TEST(Lecture, momentum_overshoots_in_an_elongated_bowl_and_adaptive_methods_do_not) {
  using namespace optim;
  const auto valley = [](const Tensor& x) { return x[0] * x[0] + 20 * x[1] * x[1]; };
  const auto depth = [&](const auto& make) { return lowest(walk(valley, {-1.5, 1}, 60, make)); };
  EXPECT_LT(depth(with<SGD>({.lr = 0.004, .momentum = 0.9})), -0.3);
  EXPECT_LT(depth(with<SGD>({.lr = 0.004, .momentum = 0.9, .nesterov = true})), -0.3);
  EXPECT_GT(depth(with<SGD>({.lr = 0.004})), 0);
  EXPECT_GT(depth(with<Adagrad>({.lr = 0.3})), -1e-6);
  EXPECT_GT(depth(with<RMSprop>({.lr = 0.05, .alpha = 0.9})), -1e-6);
  EXPECT_GT(depth(with<Adam>({.lr = 0.05})), -0.2);  // it has momentum, too, but a bounded step
}
