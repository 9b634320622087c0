// LBFGS, Newton, Newton-CG and Levenberg-Marquardt.
#include "variable.h"

#include <cmath>

using namespace reel;
using reel::tests::message_of;
using reel::tests::variable;

namespace {

Tensor rosenbrock(const Tensor& x) {
  return 100 * (x[1] - x[0] * x[0]).square() + (1 - x[0]).square();
}

// NIST's Eckerle4, y = b1 / b2 exp(-((x - b3) / b2)^2 / 2), and its certified parameters.
struct Eckerle {
  Tensor x, y, b;
  explicit Eckerle(std::initializer_list<double> start) : b(variable(start)) {
    const auto [data, target] = datasets::Eckerle4().all();
    x = data.flatten();
    y = target.flatten();
  }
  Tensor residuals() const { return b[0] / b[1] * exp(-0.5 * ((x - b[2]) / b[1]).square()) - y; }
  void expect_certified() const {
    const double certified[] = {1.5543827178, 4.0888321754, 451.54121844};
    for (int i = 0; i < 3; ++i)
      EXPECT_NEAR(b.data<double>()[i], certified[i], 1e-8 * certified[i]) << "b" << i + 1;
  }
};

}  // namespace

TEST(NewtonCG, walks_down_rosenbrocks_valley) {
  Tensor x = variable({-1.2, 1});
  optim::NewtonCG newton({x});
  double before = rosenbrock(x).item<double>();
  for (int i = 0; i < 60; ++i) {
    newton.step([&] { return rosenbrock(x); });
    const double now = rosenbrock(x).item<double>();
    EXPECT_LE(now, before);
    before = now;
  }
  EXPECT_NEAR(x.data<double>()[0], 1, 1e-8);
}

TEST(NewtonCG, leaves_a_saddle_along_its_negative_curvature) {
  Tensor x = variable({0.1, 1e-3});
  optim::NewtonCG newton({x});
  const auto f = [&] { return x[0] * x[0] - x[1] * x[1] + x[1].pow(4); };
  for (int i = 0; i < 40; ++i) newton.step(f);
  EXPECT_NEAR(std::fabs(x.data<double>()[1]), std::sqrt(0.5), 1e-6);
}

TEST(LevenbergMarquardt, finds_nists_certified_parameters_from_both_starts) {
  for (const auto& start : {std::initializer_list<double>{1, 10, 500}, {1.5, 5, 450}}) {
    const Eckerle problem(start);
    optim::LevenbergMarquardt lm({problem.b});
    double before = INFINITY;
    for (int i = 0; i < 200; ++i) {
      const double loss = lm.step([&] { return problem.residuals(); }).item<double>();
      EXPECT_LE(loss, before);
      before = loss;
    }
    problem.expect_certified();
  }
}

TEST(LBFGS, finds_nists_certified_parameters_from_both_starts) {
  for (const auto& start : {std::initializer_list<double>{1, 10, 500}, {1.5, 5, 450}}) {
    const Eckerle problem(start);
    optim::LBFGS lbfgs({problem.b}, {.max_iter = 2000,
                                     .max_eval = 10000,
                                     .tolerance_grad = 1e-13,
                                     .tolerance_change = 0,
                                     .line_search_fn = "strong_wolfe"});
    for (int i = 0; i < 5; ++i) {
      lbfgs.step([&] {
        lbfgs.zero_grad();
        const Tensor loss = problem.residuals().square().sum();
        loss.backward();
        return loss;
      });
    }
    problem.expect_certified();
  }
}

namespace {

// What a closure throws leaves parameters, counters and states as they were.
template <class Optimizer>
void throws_without_a_trace(const typename Optimizer::Options& options, bool backward) {
  Tensor x = variable({1, 3}), y = variable({1, 3});
  Optimizer optimizer({x}, options), other({y}, options);
  SCOPED_TRACE(optimizer.name());
  int calls = 0, fails_at = 0;
  const auto closure = [&](auto& of, const Tensor& at) {
    return [&] {
      if (++calls == fails_at) throw Error("the closure fails");
      of.zero_grad();
      Tensor loss = at.pow(4);
      if (!std::is_same_v<Optimizer, optim::LevenbergMarquardt>) loss = loss.sum();
      if (backward) loss.backward();
      return loss;
    };
  };
  const int last = std::is_same_v<Optimizer, optim::SGD> ? 1 : 2;  // SGD calls it once
  for (const int call : {1, last}) {
    calls = 0;
    fails_at = call;
    EXPECT_NE(message_of([&] { optimizer.step(closure(optimizer, x)); }).find("closure fails"),
              std::string::npos);
    EXPECT_TRUE(equal(x.detach(), y.detach()));
    EXPECT_EQ(optimizer.steps(), other.steps());
    fails_at = 0;
    optimizer.step(closure(optimizer, x));
    other.step(closure(other, y));
    EXPECT_TRUE(equal(x.detach(), y.detach()));
  }
}

}  // namespace

TEST(SecondOrder, keeps_all_as_it_was_when_the_closure_throws) {
  throws_without_a_trace<optim::LBFGS>({}, true);
  throws_without_a_trace<optim::LBFGS>({.line_search_fn = "strong_wolfe"}, true);
  throws_without_a_trace<optim::NewtonCG>({}, false);
  throws_without_a_trace<optim::LevenbergMarquardt>({}, false);
  throws_without_a_trace<optim::SGD>(
      {.lr = 0.01, .momentum = 0.9, .lr_inside = true, .evaluate_ahead = true}, true);
}

TEST(SecondOrder, leaves_frozen_and_empty_parameters_and_those_without_influence_alone) {
  Tensor x = variable({1}), frozen = from_vector(std::vector<double>{2}, {1}),
         unused = variable({5});
  const std::vector<Tensor> some = {x, frozen, zeros({0}, {.requires_grad = true})};
  optim::Newton newton(some);
  newton.step([&] { return (frozen * (x - 3).square()).sum(); });
  EXPECT_NEAR(x.item<double>(), 3, 1e-12);
  optim::NewtonCG({some}).step([&] { return (frozen * (x - 4).square()).sum(); });
  EXPECT_NEAR(x.item<double>(), 4, 1e-12);
  optim::LevenbergMarquardt lm({x, unused, frozen}, {.damping = 0.1});
  for (int i = 0; i < 20; ++i) lm.step([&] { return frozen * (x - 5); });
  EXPECT_NEAR(x.item<double>(), 5, 1e-9);
  EXPECT_EQ(unused.item<double>(), 5);
  EXPECT_EQ(frozen.item<double>(), 2);
  EXPECT_NE(message_of([&] {
              optim::Newton({frozen}).step([&] { return frozen.sum(); });
            }).find("no parameter with elements requires a gradient"),
            std::string::npos);
}

TEST(SecondOrder, stays_where_no_step_helps) {
  Tensor x = variable({1, 3});
  optim::LevenbergMarquardt lm({x}, {.damping = 2});
  lm.step([&] { return x * NAN; });
  EXPECT_EQ(lm.options().damping, 2);
  optim::NewtonCG({x}).step([&] { return (x * NAN).sum(); });
  for (const char* search : {"", "strong_wolfe"}) {
    optim::LBFGS lbfgs({x}, {.line_search_fn = search});
    const Tensor loss = lbfgs.step([&] {
      lbfgs.zero_grad();
      const Tensor y = (x * NAN).sum();
      y.backward();
      return y;
    });
    EXPECT_TRUE(std::isnan(loss.item<double>()));
  }
  EXPECT_TRUE(equal(x.detach(), from_vector(std::vector<double>{1, 3}, {2})));
}

// 50 x - log x is NaN below 0, where the first step of 10 ends; its minimum is at 1 / 50.
TEST(LBFGS, its_line_search_comes_back_from_where_there_is_no_loss) {
  Tensor x = variable({0.5});
  optim::LBFGS lbfgs({x}, {.lr = 10, .line_search_fn = "strong_wolfe"});
  for (int i = 0; i < 5; ++i) {
    lbfgs.step([&] {
      lbfgs.zero_grad();
      const Tensor y = (50 * x - log(x)).sum();
      y.backward();
      return y;
    });
  }
  EXPECT_NEAR(x.item<double>(), 0.02, 1e-7);
}

TEST(LBFGS, saves_its_line_search_and_follows_another_dtype) {
  Tensor single = ones({2}, {.requires_grad = true}), x = variable({1, 1});
  optim::LBFGS from({single}, {.max_iter = 3, .max_eval = 7, .line_search_fn = "strong_wolfe"});
  optim::LBFGS to({x});
  const auto step = [](optim::LBFGS& lbfgs, const Tensor& at) {
    lbfgs.step([&] {
      lbfgs.zero_grad();
      const Tensor y = at.cosh().sum() + at[0] * at[1];
      y.backward();
      return y;
    });
  };
  step(from, single);
  to.load_state_dict(from.state_dict());
  EXPECT_EQ(to.options().line_search_fn, "strong_wolfe");
  EXPECT_EQ(to.options().max_eval, 7);
  {
    NoGradGuard no_grad;
    x.copy_(single);
  }
  for (int i = 0; i < 3; ++i) step(to, x);
  EXPECT_NEAR(x.data<double>()[0], 0, 1e-3);  // cosh' and the product leave one valley, flat in x
}

TEST(SecondOrder, refuses_clipping_and_names_what_is_not_finite) {
  Tensor x = variable({1}), y = variable({2});
  const auto says = [&](auto optimizer, const optim::GradientOptions& options, const char* what) {
    optimizer.set_gradient_options(options);
    const std::string text = message_of([&] {
      optimizer.step([&] {
        optimizer.zero_grad();
        const Tensor loss = (x.square() + y.sqrt().pow(3) * NAN).sum();
        loss.backward({}, {.retain_graph = true, .create_graph = true});
        return loss;
      });
    });
    EXPECT_NE(text.find(what), std::string::npos) << optimizer.name() << ": " << text;
    optimizer.zero_grad();
  };
  for (const auto& options : {optim::GradientOptions{.clip_norm = 1}, {.clip_value = 1}}) {
    says(optim::LBFGS({x, y}), options, "cannot be clipped");
    says(optim::Newton({x, y}), options, "cannot be clipped");
    says(optim::NewtonCG({x, y}), options, "cannot be clipped");
    says(optim::LevenbergMarquardt({x, y}), options, "cannot be clipped");
  }
  says(optim::LBFGS({x, y}), {.check_finite = true}, "gradient of parameter 1 is not finite");
  says(optim::Newton({x, y}), {.check_finite = true}, "gradient of parameter 1 is not finite");
  says(optim::NewtonCG({x, y}), {.check_finite = true}, "gradient of parameter 1 is not finite");
  EXPECT_EQ(x.item<double>(), 1);
}
