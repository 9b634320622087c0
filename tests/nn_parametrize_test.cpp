// Parameters that are functions of others: weight_norm, spectral_norm, parametrize.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using autograd::gradcheck;
using reel::tests::message_of;
namespace parametrize = nn::utils::parametrize;

namespace {

nn::Linear linear_of(int64_t in, int64_t out) {
  manual_seed(in * 10 + out);
  nn::Linear fc(in, out);
  fc->to(kFloat64);
  return fc;
}

Tensor input(const Shape& shape) { return randn(shape, {.dtype = kFloat64}); }

bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-12) {
  return a.shape() == b.shape() && allclose(a.detach(), b.detach(), {.rtol = 0, .atol = tolerance});
}

std::vector<std::string> names(const std::vector<nn::Named<Tensor>>& entries) {
  std::vector<std::string> list;
  for (const auto& [name, _] : entries) list.push_back(name);
  return list;
}

using Names = std::vector<std::string>;

// exp(original): positive weights.
struct Exp : parametrize::Parametrization {
  Tensor forward(const Tensor& x) override { return exp(x); }
  Tensor right_inverse(const Tensor& value) override { return log(value); }
};

struct Symmetric : parametrize::Parametrization {
  Tensor forward(const Tensor& x) override { return x.triu() + x.triu(1).t(); }
};

double sigma(const Tensor& weight) {
  return linalg::svdvals(weight.detach().reshape({weight.size(0), -1}))[0].item<double>();
}

}  // namespace

// ---- weight_norm -----------------------------------------------------------------------------------------

TEST(WeightNorm, is_the_formula_and_changes_no_output) {
  nn::Linear fc = linear_of(4, 3);
  const Tensor x = input({2, 4}), before = fc(x).detach(), weight = fc->weight.detach().clone();
  nn::utils::weight_norm(fc);
  EXPECT_EQ(names(fc->named_parameters()), (Names{"bias", "weight_g", "weight_v"}));
  EXPECT_TRUE(near(fc(x), before));
  const Tensor g = fc->get_parameter("weight_g"), v = fc->get_parameter("weight_v");
  EXPECT_EQ(g.shape(), Shape({3, 1}));
  EXPECT_TRUE(near(g.squeeze(), weight.square().sum(1).sqrt()));
  EXPECT_TRUE(equal(v, weight));
  {
    NoGradGuard no_grad;
    v.narrow(0, 1, 1).mul_(5);  // lengths are g's alone
    g.narrow(0, 2, 1).mul_(-2);
  }
  const Tensor expected = weight.clone();
  expected.narrow(0, 2, 1).mul_(-2);
  EXPECT_TRUE(near(fc(x), linear(x, expected, fc->bias)));
  EXPECT_TRUE(near(fc->weight, expected));
  EXPECT_FALSE(fc->weight.is_leaf());
}

TEST(WeightNorm, of_other_dims) {
  nn::Linear columns = nn::utils::weight_norm(linear_of(4, 3), "weight", {.dim = -1});
  EXPECT_EQ(columns->get_parameter("weight_g").shape(), Shape({1, 4}));
  nn::Linear whole = nn::utils::weight_norm(linear_of(4, 3), "weight", {.dim = std::nullopt});
  EXPECT_EQ(whole->get_parameter("weight_g").shape(), Shape());
  nn::Linear bias = nn::utils::weight_norm(linear_of(4, 3), "bias");
  EXPECT_EQ(bias->get_parameter("bias_g").shape(), Shape(3));
  for (const nn::Linear& fc : {columns, whole, bias}) {
    const Tensor x = input({2, 4});
    EXPECT_TRUE(near(fc(x), linear_of(4, 3)(x)));
  }
}

TEST(WeightNorm, gradients_go_to_its_sources) {
  nn::Linear fc = nn::utils::weight_norm(linear_of(3, 2));
  std::vector<Tensor> inputs{input({2, 3}).requires_grad_()};
  for (const Tensor& parameter : fc->parameters()) inputs.push_back(parameter);
  const auto call = [&](const std::vector<Tensor>& x) { return fc(x[0]).tanh(); };
  EXPECT_TRUE(gradcheck(call, inputs));
  EXPECT_TRUE(autograd::gradgradcheck(call, inputs));
}

// Graphs of several forwards at once, each swept by itself: what the first keeps stays its own.
TEST(WeightNorm, forwards_before_backwards) {
  nn::Linear fc = nn::utils::weight_norm(linear_of(3, 2));
  const Tensor a = input({2, 3}).requires_grad_(), b = input({4, 3});
  const Tensor g = fc->get_parameter("weight_g");
  const auto gradient = [&](const std::vector<Tensor>& xs) {
    fc->zero_grad();
    for (const Tensor& x : xs) fc(x).square().sum().backward();
    return g.grad().clone();
  };
  const Tensor expected = gradient({a, b}), of_a = a.grad().clone();
  fc->zero_grad();
  a.mutable_grad() = Tensor();
  const Tensor first = fc(a).square().sum(), second = fc(b).square().sum();
  {
    NoGradGuard no_grad;
    fc(b);
  }
  first.backward();
  second.backward();
  EXPECT_TRUE(near(g.grad(), expected));
  EXPECT_TRUE(near(a.grad(), of_a));
  fc->zero_grad();
  (fc(a).square().sum() + fc(b).square().sum()).backward();
  EXPECT_TRUE(near(g.grad(), expected));
  EXPECT_TRUE(fc(a).requires_grad());
}

TEST(WeightNorm, trains_and_can_be_removed) {
  nn::Linear fc = nn::utils::weight_norm(linear_of(3, 2));
  const Tensor x = input({8, 3}), target = input({8, 2});
  optim::SGD sgd(fc->parameters(), {.lr = 0.1});
  double first = 0, last = 0;
  for (int i = 0; i < 20; ++i) {
    sgd.zero_grad();
    const Tensor loss = mse_loss(fc(x), target);
    loss.backward();
    sgd.step();
    (i == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, first);
  const Tensor y = fc(x).detach();
  nn::utils::remove_weight_norm(*fc);
  EXPECT_EQ(names(fc->named_parameters()), (Names{"bias", "weight"}));
  EXPECT_TRUE(fc->weight.is_leaf() && fc->weight.requires_grad());
  EXPECT_TRUE(near(fc(x), y));
  fc(x).sum().backward();
  EXPECT_TRUE(fc->weight.grad().defined());
  nn::utils::weight_norm(fc);
  EXPECT_TRUE(near(fc(x), y));
}

// After a step the sources have moved on: what is left behind is of them, not of the last forward.
TEST(WeightNorm, removal_computes_anew) {
  nn::Linear fc = nn::utils::weight_norm(linear_of(3, 2));
  const Tensor before = fc->weight.detach().clone();
  {
    NoGradGuard no_grad;
    fc->get_parameter("weight_g").mul_(3);
  }
  nn::utils::remove_weight_norm(*fc);
  EXPECT_TRUE(near(fc->weight, before * 3));
}

TEST(WeightNorm, state_and_dtype_travel) {
  nn::Linear a = nn::utils::weight_norm(linear_of(3, 2)),
             b = nn::utils::weight_norm(linear_of(3, 2));
  {
    NoGradGuard no_grad;
    for (Tensor parameter : b->parameters()) parameter.mul_(2);
  }
  const Tensor x = input({2, 3});
  a->load_state_dict(b->state_dict());
  EXPECT_TRUE(near(a(x), b(x)));
  a->to(kFloat32);
  const Tensor y = a(x.to(kFloat32));
  EXPECT_EQ(y.dtype(), kFloat32);
  EXPECT_EQ(a->weight.dtype(), kFloat32);
  EXPECT_TRUE(near(y.to(kFloat64), b(x), 1e-5));
}

// A graph that kept the plain parameter must not be told another's numbers.
TEST(WeightNorm, refuses_what_was_recorded_with_the_parameter) {
  nn::Linear fc = linear_of(3, 2);
  const Tensor y = fc(input({2, 3}).requires_grad_()).sum();
  nn::utils::weight_norm(fc);
  EXPECT_THROW(y.backward(), Error);
}

TEST(WeightNorm, says_what_is_wrong_and_changes_nothing) {
  nn::Linear fc = linear_of(4, 3);
  struct Taken : nn::Module {
    Tensor weight = register_parameter("weight", ones({2, 2}));
    Tensor v = register_buffer("weight_v", ones(1));
  } taken;
  EXPECT_EQ(message_of([&] { nn::utils::weight_norm(*fc, "weigth"); }),
            "weight_norm: Linear has no parameter \"weigth\"");
  EXPECT_EQ(message_of([&] { nn::utils::weight_norm(*fc, "weight", {.dim = 2}); }),
            "weight_norm: dim must be in [-2, 1], got 2");
  struct Lazy : nn::Module {
    Tensor weight = register_lazy_parameter("weight");
  } lazy;
  EXPECT_EQ(message_of([&] { nn::utils::weight_norm(lazy); }),
            "weight_norm: \"weight\" of Lazy has no shape yet; call the module first");
  EXPECT_EQ(message_of([&] { nn::utils::remove_weight_norm(*fc); }),
            "weight_norm: \"weight\" of Linear has none");
  EXPECT_EQ(message_of([&] { nn::utils::weight_norm(taken); }),
            "Taken: \"weight_v\" is registered already");
  EXPECT_EQ(names(taken.named_parameters()), Names{"weight"});
  EXPECT_EQ(names(fc->named_parameters()), (Names{"weight", "bias"}));
  EXPECT_TRUE(fc->weight.is_leaf());
  nn::utils::weight_norm(fc);
  EXPECT_EQ(message_of([&] { nn::utils::weight_norm(fc); }),
            "weight_norm: \"weight\" of Linear has one already");
}

// ---- spectral_norm ---------------------------------------------------------------------------------------

TEST(SpectralNorm, converges_to_the_largest_singular_value) {
  nn::Linear fc = linear_of(5, 4);
  const Tensor original = fc->weight.detach().clone(), x = input({2, 5});
  nn::utils::spectral_norm(fc);
  EXPECT_EQ(names(fc->named_parameters()), (Names{"bias", "weight_orig"}));
  EXPECT_EQ(names(fc->named_buffers()), (Names{"weight_u", "weight_v"}));
  EXPECT_TRUE(equal(fc->get_parameter("weight_orig"), original));
  for (int i = 0; i < 300; ++i) fc(x);
  EXPECT_NEAR(sigma(fc->weight), 1, 1e-12);
  EXPECT_TRUE(near(fc->weight, original / sigma(original)));
  EXPECT_TRUE(near(fc(x), linear(x, original / sigma(original), fc->bias)));
}

// One iteration a forward while training, none in eval mode.
TEST(SpectralNorm, iterates_in_training_only) {
  manual_seed(7);
  nn::Linear fc = linear_of(5, 4);
  nn::utils::spectral_norm(fc, "weight", {.n_power_iterations = 2});
  const Tensor w = fc->get_parameter("weight_orig").detach();
  Tensor u = fc->get_buffer("weight_u").clone(), v = fc->get_buffer("weight_v").clone();
  EXPECT_NEAR(linalg::vector_norm(u).item<double>(), 1, 1e-12);
  const Tensor x = input({2, 5});
  const auto expected = [&] { return w / dot(u, mv(w, v)); };
  fc->eval();
  fc(x);
  EXPECT_TRUE(equal(fc->get_buffer("weight_u"), u));
  EXPECT_TRUE(near(fc->weight, expected()));
  fc->train();
  fc(x);
  for (int i = 0; i < 2; ++i) {
    v = mv(w.t(), u) / linalg::vector_norm(mv(w.t(), u));
    u = mv(w, v) / linalg::vector_norm(mv(w, v));
  }
  EXPECT_TRUE(near(fc->get_buffer("weight_u"), u));
  EXPECT_TRUE(near(fc->get_buffer("weight_v"), v));
  EXPECT_TRUE(near(fc->weight, expected()));
}

TEST(SpectralNorm, draws_u_before_v) {
  nn::Linear fc = linear_of(5, 4);
  manual_seed(3);
  nn::utils::spectral_norm(fc);
  manual_seed(3);
  const Tensor u = input({4}), v = input({5});
  EXPECT_TRUE(near(fc->get_buffer("weight_u"), u / linalg::vector_norm(u)));
  EXPECT_TRUE(near(fc->get_buffer("weight_v"), v / linalg::vector_norm(v)));
}

TEST(SpectralNorm, gradients_go_to_the_original) {
  nn::Linear fc = nn::utils::spectral_norm(linear_of(3, 2));
  fc->eval();
  const std::vector<Tensor> inputs{input({2, 3}).requires_grad_(),
                                   fc->get_parameter("weight_orig")};
  const auto call = [&](const std::vector<Tensor>& x) { return fc(x[0]).tanh(); };
  EXPECT_TRUE(gradcheck(call, inputs));
  EXPECT_TRUE(autograd::gradgradcheck(call, inputs));
}

TEST(SpectralNorm, two_forwards_in_training_before_one_backward) {
  nn::Linear fc = nn::utils::spectral_norm(linear_of(3, 2));
  const Tensor x = input({2, 3}).requires_grad_();
  (fc(x).sum() - fc(x * 2).square().sum()).backward();
  EXPECT_TRUE(fc->get_parameter("weight_orig").grad().defined());
  EXPECT_TRUE(x.grad().defined());
}

TEST(SpectralNorm, of_another_dim_and_removal) {
  nn::Linear fc = linear_of(5, 4);
  const Tensor original = fc->weight.detach().clone(), x = input({2, 5});
  nn::utils::spectral_norm(fc, "weight", {.n_power_iterations = 200, .dim = 1});
  EXPECT_EQ(fc->get_buffer("weight_u").shape(), Shape(5));
  fc(x);
  EXPECT_TRUE(near(fc->weight, original / sigma(original)));
  nn::utils::remove_spectral_norm(*fc);
  EXPECT_EQ(names(fc->named_parameters()), (Names{"bias", "weight"}));
  EXPECT_TRUE(fc->buffers().empty());
  EXPECT_TRUE(near(fc->weight, original / sigma(original)));
  EXPECT_TRUE(fc->weight.is_leaf() && fc->weight.requires_grad());
}

TEST(SpectralNorm, says_what_is_wrong_and_changes_nothing) {
  nn::Linear fc = linear_of(4, 3);
  EXPECT_EQ(message_of([&] { nn::utils::spectral_norm(fc, "w"); }),
            "spectral_norm: Linear has no parameter \"w\"");
  EXPECT_EQ(message_of([&] { nn::utils::spectral_norm(fc, "bias"); }),
            "spectral_norm: expected a parameter of at least 2 dims with elements, got shape [3]");
  EXPECT_EQ(message_of([&] { nn::utils::spectral_norm(fc, "weight", {.n_power_iterations = 0}); }),
            "spectral_norm: n_power_iterations must be at least 1, got 0");
  EXPECT_EQ(message_of([&] { nn::utils::spectral_norm(fc, "weight", {.eps = 0}); }),
            "spectral_norm: eps must be positive, got 0");
  EXPECT_EQ(message_of([&] { nn::utils::spectral_norm(fc, "weight", {.dim = 2}); }),
            "spectral_norm: dim must be in [-2, 1], got 2");
  EXPECT_EQ(message_of([&] { nn::utils::remove_spectral_norm(*fc); }),
            "spectral_norm: \"weight\" of Linear has none");
  EXPECT_EQ(names(fc->named_parameters()), (Names{"weight", "bias"}));
}

// ---- parametrize -----------------------------------------------------------------------------------------

TEST(Parametrize, a_chain_of_functions) {
  nn::Linear fc = linear_of(3, 3);
  const Tensor original = fc->weight.detach().clone(), x = input({2, 3});
  EXPECT_FALSE(parametrize::is_parametrized(*fc));
  parametrize::register_parametrization(*fc, "weight", std::make_shared<Symmetric>());
  EXPECT_EQ(names(fc->named_parameters()), (Names{"bias", "parametrizations.weight.original"}));
  EXPECT_TRUE(parametrize::is_parametrized(*fc));
  EXPECT_TRUE(parametrize::is_parametrized(*fc, "weight"));
  EXPECT_FALSE(parametrize::is_parametrized(*fc, "bias"));
  const Tensor symmetric = original.triu() + original.triu(1).t();
  EXPECT_TRUE(near(fc->weight, symmetric));
  EXPECT_TRUE(near(fc(x), linear(x, symmetric, fc->bias)));
  parametrize::register_parametrization(*fc, "weight",
                                        nn::Lambda([](const Tensor& w) { return w * w; }));
  fc(x);
  EXPECT_EQ(fc->parameters().size(), 2u);
  std::vector<Tensor> inputs = fc->parameters();
  const auto call = [&](const std::vector<Tensor>&) { return fc(x).tanh(); };
  EXPECT_TRUE(gradcheck(call, inputs) && autograd::gradgradcheck(call, inputs));
}

TEST(Parametrize, right_inverse_keeps_the_value) {
  nn::Linear fc = linear_of(3, 2);
  {
    NoGradGuard no_grad;
    fc->weight.abs_().add_(0.1);
  }
  const Tensor weight = fc->weight.detach().clone(), x = input({2, 3}), y = fc(x).detach();
  parametrize::register_parametrization(*fc, "weight", std::make_shared<Exp>());
  EXPECT_TRUE(near(fc->get_parameter("parametrizations.weight.original"), log(weight)));
  EXPECT_TRUE(near(fc(x), y));
  // An optimiser that holds the original moves the weight, which stays positive.
  optim::SGD sgd(fc->parameters(), {.lr = 10});
  for (int i = 0; i < 5; ++i) {
    sgd.zero_grad();
    fc(x).square().sum().backward();
    sgd.step();
  }
  fc(x);
  EXPECT_FALSE(near(fc->weight, weight, 1e-3));
  EXPECT_GE(min(fc->weight.detach()).item<double>(), 0);
}

// A parametrization that returns its input: the original itself gets the gradient.
TEST(Parametrize, identity_and_frozen_originals) {
  nn::Linear fc = linear_of(3, 2);
  parametrize::register_parametrization(*fc, "weight", nn::Identity());
  const Tensor original = fc->get_parameter("parametrizations.weight.original");
  fc(input({2, 3})).sum().backward();
  EXPECT_TRUE(original.grad().defined());
  nn::freeze(*fc);
  EXPECT_FALSE(fc(input({2, 3})).requires_grad());
}

TEST(Parametrize, eval_without_recording_sees_new_originals) {
  nn::Linear fc = nn::utils::weight_norm(linear_of(3, 2));
  parametrize::register_parametrization(*fc, "bias", std::make_shared<Exp>());
  const Tensor x = input({2, 3});
  NoGradGuard no_grad;
  const Tensor y = fc->eval()(x);
  for (Tensor parameter : fc->parameters()) parameter.mul_(2);
  EXPECT_FALSE(near(fc(x), y, 1e-3));
  EXPECT_FALSE(fc(x).requires_grad());
}

TEST(Parametrize, cached_computes_once) {
  struct Counted : nn::Module {
    int count = 0;
    Tensor forward(const Tensor& x) override { return ++count, x * 2; }
  };
  const auto counted = std::make_shared<Counted>();
  nn::Linear fc = linear_of(3, 2);
  parametrize::register_parametrization(*fc, "weight", counted);
  counted->count = 0;
  const Tensor x = input({2, 3});
  {
    parametrize::Cached cached;
    const Tensor y = fc(x);
    {
      parametrize::Cached inner;
      (y + fc(x) + fc(x)).sum().backward();
    }
    fc(x);
  }
  EXPECT_EQ(counted->count, 1);
  fc(x);
  fc(x);
  EXPECT_EQ(counted->count, 3);
  {
    parametrize::Cached cached;
    {
      NoGradGuard no_grad;
      fc(x);
    }
    EXPECT_TRUE(fc(x.clone()).requires_grad());
    fc->zero_grad();
    fc(x).sum().backward();
    EXPECT_TRUE(fc->get_parameter("parametrizations.weight.original").grad().defined());
  }
  EXPECT_EQ(counted->count, 5);
  counted->count = 3;
  {
    parametrize::Cached cached;
    fc(x);
  }
  EXPECT_EQ(counted->count, 4);
}

TEST(Parametrize, removal) {
  for (const bool leave : {true, false}) {
    nn::Linear fc = linear_of(3, 3);
    const Tensor original = fc->weight.detach().clone();
    parametrize::register_parametrization(*fc, "weight", std::make_shared<Symmetric>());
    parametrize::register_parametrization(*fc, "bias", nn::Identity());
    parametrize::remove_parametrizations(*fc, "weight", {.leave_parametrized = leave});
    EXPECT_EQ(names(fc->named_parameters()), (Names{"weight", "parametrizations.bias.original"}));
    EXPECT_EQ(equal(fc->weight, original), !leave);
    EXPECT_EQ(equal(fc->weight, fc->weight.t()), leave);
    EXPECT_TRUE(fc->weight.is_leaf() && fc->weight.requires_grad());
    EXPECT_FALSE(parametrize::is_parametrized(*fc, "weight"));
    parametrize::remove_parametrizations(*fc, "bias");
    EXPECT_FALSE(parametrize::is_parametrized(*fc));
    EXPECT_EQ(names(fc->named_parameters()), (Names{"weight", "bias"}));
  }
}

TEST(Parametrize, works_inside_a_sequential_and_through_files) {
  nn::Linear fc = linear_of(3, 2);
  nn::Sequential model(fc, nn::Tanh());
  parametrize::register_parametrization(*fc, "weight",
                                        nn::Lambda([](const Tensor& w) { return w * 3; }));
  EXPECT_EQ(names(model->named_parameters()),
            (Names{"0.bias", "0.parametrizations.weight.original"}));
  const Tensor x = input({2, 3});
  const Tensor original = fc->get_parameter("parametrizations.weight.original");
  EXPECT_TRUE(near(model(x), tanh(linear(x, original * 3, fc->bias))));
  nn::StateDict state = model->state_dict().clone();
  {
    NoGradGuard no_grad;
    Tensor(original).mul_(2);
  }
  EXPECT_TRUE(near(model(x), tanh(linear(x, original * 3, fc->bias))));
  model->load_state_dict(state);
  EXPECT_TRUE(near(model(x), tanh(linear(x, original * 3, fc->bias))));
  EXPECT_EQ(parametrize::is_parametrized(*model), false);
}

TEST(Parametrize, says_what_is_wrong_and_changes_nothing) {
  nn::Linear fc = linear_of(3, 2);
  const Tensor weight = fc->weight.detach().clone();
  const auto add = [&](const std::string& name, const nn::ModulePtr& parametrization) {
    return message_of([&] { parametrize::register_parametrization(*fc, name, parametrization); });
  };
  EXPECT_EQ(add("w", nn::Identity()), "register_parametrization: Linear has no parameter \"w\"");
  EXPECT_EQ(add("weight", nullptr), "register_parametrization: the parametrization is null");
  EXPECT_EQ(add("weight", nn::Lambda([](const Tensor& w) { return w.t(); })),
            "register_parametrization: forward() of Lambda must have shape [2, 3] and dtype "
            "float64, got [3, 2] and float64");
  EXPECT_EQ(add("weight", nn::Lambda([](const Tensor& w) { return w.to(kFloat32); })),
            "register_parametrization: forward() of Lambda must have shape [2, 3] and dtype "
            "float64, got [2, 3] and float32");
  struct Shrinking : parametrize::Parametrization {
    Tensor forward(const Tensor& x) override { return x; }
    Tensor right_inverse(const Tensor& value) override { return value[0]; }
  };
  EXPECT_EQ(add("weight", std::make_shared<Shrinking>()),
            "register_parametrization: right_inverse() of Shrinking must have shape [2, 3] and "
            "dtype float64, got [3] and float64");
  EXPECT_EQ(message_of([&] { parametrize::remove_parametrizations(*fc, "weight"); }),
            "remove_parametrizations: \"weight\" of Linear is not parametrised");
  EXPECT_EQ(names(fc->named_parameters()), (Names{"weight", "bias"}));
  EXPECT_TRUE(equal(fc->weight, weight) && fc->weight.is_leaf());
  EXPECT_TRUE(fc->children().empty());
}

TEST(Parametrize, nothing_leaks) {
  const auto live = [] { return memory::stats().live_tensors; };
  const int64_t before = live();
  {
    nn::Linear fc = nn::utils::spectral_norm(nn::Linear(3, 2));
    parametrize::register_parametrization(*fc, "bias", std::make_shared<Exp>());
    for (int i = 0; i < 3; ++i) fc(randn({2, 3})).sum().backward();
    nn::utils::remove_spectral_norm(*fc);
    fc(randn({2, 3})).sum().backward();
  }
  EXPECT_EQ(live(), before);
}
