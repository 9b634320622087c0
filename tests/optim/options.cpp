// What is refused, and an optimiser of one's own.
#include "variable.h"

#include <cmath>

using namespace reel;
using reel::tests::message_of;
using reel::tests::variable;

TEST(Optimizer, refuses_what_cannot_be_optimised) {
  const Tensor x = variable({1});
  EXPECT_THROW(optim::SGD({x * 2}, {.lr = 1}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = std::nan("")}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = 1, .momentum = -0.1}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = 1, .nesterov = true}), Error);
  EXPECT_THROW(optim::SGD({arange(3)}, {.lr = 1}), TypeError);
}

namespace {

void says(const std::function<void()>& call, const char* what) {
  const std::string text = message_of(call);
  EXPECT_NE(text.find(what), std::string::npos) << text;
}

}  // namespace

TEST(Optimizers, refuse_options_that_make_no_sense) {
  const Tensor x = variable({1});
  using namespace optim;
  says([&] { Adam({x}, {.lr = -1}); }, "Adam: lr must be finite and not negative, got -1");
  says([&] { Adam({x}, {.betas = {1, 0.9}}); }, "betas must be finite and in [0, 1), got 1");
  says([&] { AdamW({x}, {.eps = NAN}); }, "eps must be finite");
  says([&] { NAdam({x}, {.momentum_decay = -1}); }, "momentum_decay");
  says([&] { Adagrad({x}, {.lr_decay = -1}); }, "lr_decay");
  says([&] { Adadelta({x}, {.rho = 1.5}); }, "rho");
  says([&] { RMSprop({x}, {.alpha = -1}); }, "alpha");
  says([&] { Rprop({x}, {.etas = {1.5, 1.2}}); }, "etas");
  says([&] { Ftrl({x}, {.lr_power = 1}); }, "lr_power");
  says([&] { Lion({x}, {.betas = {0.9, 1}}); }, "betas");
  says([&] { SGD({x}, {.evaluate_ahead = true}); }, "evaluate_ahead needs lr_inside");
  says([&] { LBFGS({x}, {.line_search_fn = "armijo"}); }, "strong_wolfe");
  says([&] { LBFGS({x}).step(); }, "needs a closure");
  says([&] { Newton({x}).step(); }, "needs a closure");
  says([&] { Adam(std::vector<Adam::Group>{}); }, "empty list of groups");
  says([&] { Adam(std::vector<Tensor>{}); }, "empty list of parameters");
  says([&] { Adam({x, x}); }, "parameter 1 appears twice");
  says([&] { Adam({x * 2}); }, "parameter 0 must be a leaf");
  says([&] { Adam({arange(3)}); }, "must be floating, got int64");
  says([&] { Adam({Tensor()}); }, "is undefined");
  says([&] { Adam({zeros({1}).expand({3})}); }, "is expanded");
  says([&] { Adam({x}, {.lr = INFINITY}); }, "lr must be finite");
  says([&] { ASGD({x}, {.lambd = NAN}); }, "lambd");
  says([&] { SparseAdam({x}, {.betas = {-0.1, 0.9}}); }, "betas");
  says([&] { RAdam({x}, {.weight_decay = -1}); }, "weight_decay");
  says([&] { RMSprop({x}, {.alpha = 1.5}); }, "alpha");
}

TEST(Optimizers, refuse_later_changes_that_make_no_sense) {
  const Tensor x = variable({1});
  optim::Adam adam({x}, {.lr = 0.1});
  says([&] { adam.add_param_group({x}, {}); }, "appears twice");
  says([&] { adam.number("momentum", 0); }, "no number named momentum");
  says([&] { adam.set_lr(-1); }, "lr must be finite and not negative, got -1");
  says([&] { adam.add_param_group({variable({1})}, {.lr = NAN}); }, "lr must be finite");
  says([&] { adam.set_names({"a", "b"}); }, "expected a name for each of 1 parameters, got 2");
  says([&] { adam.set_gradient_options({.clip_norm = -1}); }, "must not be negative, got -1");
  says([&] { adam.set_gradient_options({.clip_value = NAN}); }, "must not be negative");
  EXPECT_EQ(adam.groups(), 1u);
  EXPECT_EQ(adam.lr(), 0.1);
  EXPECT_EQ(adam.parameters().size(), 1u);
}

namespace {

// An optimiser of a user's own.
struct SignOptions {
  static constexpr auto name = "SignDescent";
  double lr = 0.01;
};
struct SignDescent : optim::OptimizerOf<SignOptions> {
  using OptimizerOf::OptimizerOf;
  void update(Tensor& parameter, const Tensor& g, optim::State& state,
              const SignOptions& o) override {
    ++state.number("step");
    parameter.sub_(o.lr * sign(g));
  }
};

}  // namespace

TEST(Optimizer, of_a_users_own_is_its_update_formula) {
  Tensor x = variable({1, -1, 0.5});
  SignDescent descent({x}, {.lr = 0.25});
  (x * x).sum().backward();
  descent.step();
  EXPECT_TRUE(equal(x.detach(), from_vector(std::vector<double>{0.75, -0.75, 0.25}, {3})));
  SignDescent resumed({x});
  resumed.load_state_dict(descent.state_dict());
  EXPECT_EQ(resumed.lr(), 0.25);
  EXPECT_EQ(resumed.steps(), 1);
}
