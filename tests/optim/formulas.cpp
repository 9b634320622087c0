// Those that PyTorch 1.13 does not have, against their formulas number by number.
#include "variable.h"

#include <cmath>

using namespace reel;
using reel::tests::message_of;
using reel::tests::variable;

namespace {

// Three steps with the gradients 0.5, -2 and 1 for a parameter of 1.5, by the class and by hand.
template <class Optimizer>
double after_three_steps(const typename Optimizer::Options& options) {
  Tensor x = from_vector(std::vector<double>{1.5}, {1, 1}).requires_grad_();
  Optimizer optimizer({x}, options);
  for (double g : {0.5, -2.0, 1.0}) {
    x.mutable_grad() = full({1, 1}, g, {.dtype = kFloat64});
    optimizer.step();
  }
  return x.item<double>();
}

}  // namespace

TEST(Lion, steps_by_the_sign_of_a_blend) {
  double p = 1.5, m = 0;
  for (double g : {0.5, -2.0, 1.0}) {
    p = p * (1 - 0.1 * 0.01) - 0.1 * ((0.9 * m + 0.1 * g > 0) ? 1 : -1);
    m = 0.99 * m + 0.01 * g;
  }
  EXPECT_NEAR(after_three_steps<optim::Lion>({.lr = 0.1, .weight_decay = 0.01}), p, 1e-14);
}

TEST(Ftrl, is_the_proximal_leader) {
  double p = 1.5, n = 0.1, z = 0;
  for (double g : {0.5, -2.0, 1.0}) {
    const double now = n + g * g;
    z += g - (std::sqrt(now) - std::sqrt(n)) / 0.5 * p;
    n = now;
    p = std::fabs(z) <= 0.3 ? 0 : ((z > 0 ? 0.3 : -0.3) - z) / (std::sqrt(n) / 0.5 + 2 * 0.2);
  }
  EXPECT_NEAR(after_three_steps<optim::Ftrl>({.lr = 0.5, .l1 = 0.3, .l2 = 0.2}), p, 1e-14);
  EXPECT_EQ(after_three_steps<optim::Ftrl>({.lr = 0.5, .l1 = 100}), 0);
}

TEST(Ftrl, stays_where_a_schedule_has_ended) {
  EXPECT_EQ(after_three_steps<optim::Adam>({.lr = 0}), 1.5);
  Tensor x = variable({1.5});
  optim::Ftrl ftrl({x}, {.lr = 0.5});
  ftrl.set_lr(0);
  x.mutable_grad() = ones({1}, {.dtype = kFloat64});
  ftrl.step();
  EXPECT_EQ(x.item<double>(), 1.5);
}

TEST(SparseAdam, leaves_rows_without_a_gradient_alone) {
  Tensor x = ones({3, 2}, {.dtype = kFloat64, .requires_grad = true}), y = x.detach().clone();
  y.requires_grad_();
  optim::SparseAdam sparse({x}, {.lr = 0.1});
  optim::Adam dense({y}, {.lr = 0.1});
  const auto row = [](double a) {
    return tensor({{a, -a}, {0.0, 0.0}, {2 * a, 1.0}}, {.dtype = kFloat64});
  };
  for (double a : {1.0, -0.5}) {
    x.mutable_grad() = y.mutable_grad() = row(a);
    sparse.step();
    dense.step();
  }
  EXPECT_TRUE(allclose(x.detach()[0], y.detach()[0], {.rtol = 1e-7}));
  EXPECT_TRUE(equal(x.detach()[1], ones({2}, {.dtype = kFloat64})));
}

// The iteration is made to push singular values into [0.7, 1.2], not to 1.
TEST(Muon, steps_by_a_nearly_orthogonal_matrix) {
  manual_seed(5);
  Tensor x = zeros({4, 6}, {.dtype = kFloat64, .requires_grad = true});
  x.mutable_grad() = randn({4, 6}, {.dtype = kFloat64});
  optim::Muon({x}, {.lr = 1, .weight_decay = 0}).step();
  const Tensor values = linalg::svdvals(x.detach());
  EXPECT_GT(values.min().item<double>(), 0.5);
  EXPECT_LT(values.max().item<double>(), 1.3);
  // Downhill.
  EXPECT_LT((x.detach() * x.grad()).sum().item<double>(), 0);
  EXPECT_NE(message_of([&] {
              optim::Muon({x.detach(), variable({1, 2})});
            }).find("must be 2-d, got shape [2]"),
            std::string::npos);
}

TEST(Adam, with_eps_hat_is_keras_form) {
  double p = 1.5, m = 0, v = 0, t = 0;
  for (double g : {0.5, -2.0, 1.0}) {
    ++t;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double lr = 0.1 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t));
    p -= lr * m / (std::sqrt(v) + 1e-3);
  }
  EXPECT_NEAR(after_three_steps<optim::Adam>({.lr = 0.1, .eps = 1e-3, .eps_hat = true}), p, 1e-13);
}

TEST(SGD, with_decay_is_keras_form) {
  double p = 1.5, m = 0;
  int i = 0;
  for (double g : {0.5, -2.0, 1.0}) {
    m = 0.9 * m - 0.1 / (1 + 0.5 * i++) * g;
    p += m;
  }
  EXPECT_NEAR((after_three_steps<optim::SGD>(
                  {.lr = 0.1, .momentum = 0.9, .decay = 0.5, .lr_inside = true})),
              p, 1e-14);
}
