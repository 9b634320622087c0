// Optimisers: every step of PyTorch's trajectories, and what the base class promises.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>

#include <nlohmann/json.hpp>

using namespace reel;
using nlohmann::json;
using reel::tests::message_of;

namespace {

Tensor from_json(const json& entry) {
  std::vector<int64_t> sizes = entry["shape"];
  return from_vector(entry["data"].get<std::vector<double>>(), Shape(sizes));
}

Tensor matrix(const json& rows) {
  std::vector<double> numbers;
  for (const json& row : rows) {
    for (double number : row) numbers.push_back(number);
  }
  return from_vector(numbers,
                     {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
}

Tensor variable(std::initializer_list<double> values) {
  return from_vector(std::vector<double>(values), {static_cast<int64_t>(values.size())})
      .requires_grad_();
}

// Sets the options that the record names; every one must exist.
template <class O>
O options_from(const json& first, const json& second = json::object()) {
  O options;
  json named = first;
  named.update(second);
  const auto take = [&](const char* name, auto& value) {
    if (!named.contains(name)) return;
    named.at(name).get_to(value);
    named.erase(name);
  };
  O::each(options, take);
  if constexpr (std::is_same_v<O, optim::LBFGSOptions>) {
    if (named.contains("max_eval")) options.max_eval = named["max_eval"].get<double>();
    if (named.contains("line_search_fn") && named["line_search_fn"].is_string())
      options.line_search_fn = "strong_wolfe";
    for (const char* name : {"max_eval", "line_search_fn"}) named.erase(name);
  }
  EXPECT_TRUE(named.empty()) << "unknown options " << named;
  return options;
}

template <class Optimizer>
std::unique_ptr<optim::Optimizer> make(const json& args, const Tensor& p, const Tensor& q) {
  using O = typename Optimizer::Options;
  const json& first = args["options"];
  if constexpr (std::is_same_v<Optimizer, optim::LBFGS>)
    return std::make_unique<optim::LBFGS>(std::vector<Tensor>{p, q}, options_from<O>(first));
  else if (args["second_group"].is_null())
    return std::make_unique<Optimizer>(std::vector<Tensor>{p, q}, options_from<O>(first));
  else
    return std::make_unique<Optimizer>(std::vector<optim::ParamGroup<O>>{
        {{p}, options_from<O>(first)}, {{q}, options_from<O>(first, args["second_group"])}});
}

using Maker = std::unique_ptr<optim::Optimizer> (*)(const json&, const Tensor&, const Tensor&);
const std::map<std::string, Maker> kMakers = {
    {"SGD", make<optim::SGD>},           {"ASGD", make<optim::ASGD>},
    {"Adam", make<optim::Adam>},         {"AdamW", make<optim::AdamW>},
    {"Adamax", make<optim::Adamax>},     {"NAdam", make<optim::NAdam>},
    {"RAdam", make<optim::RAdam>},       {"Adagrad", make<optim::Adagrad>},
    {"Adadelta", make<optim::Adadelta>}, {"RMSprop", make<optim::RMSprop>},
    {"Rprop", make<optim::Rprop>},       {"LBFGS", make<optim::LBFGS>}};

// A record's problem: the function it is about, and the optimiser that it names.
struct Problem {
  explicit Problem(const json& record)
      : p(from_json(record["inputs"][0]).requires_grad_()),
        q(from_json(record["inputs"][1]).requires_grad_()),
        A(matrix(record["args"]["A"])),
        b(matrix(record["args"]["b"])),
        optimizer(kMakers.at(record["op"])(record["args"], p, q)) {}

  Tensor cost() const {
    const Tensor head = p.slice(0, 0, 2), next = p.slice(0, 1, 3);
    const Tensor valley = (100 * square(next - head * head) + square(1 - head)).sum() / 50;
    return valley + 0.5 * square(matmul(A, q) - b).sum() + sin(q).sum();
  }
  void step() {
    optimizer->step([&] {
      optimizer->zero_grad();
      const Tensor loss = cost();
      loss.backward();
      return loss;
    });
  }

  Tensor p, q, A, b;
  std::unique_ptr<optim::Optimizer> optimizer;
};

std::vector<const json*> records() {
  const char* chosen = std::getenv("REEL_REFERENCE_DIR");
  const std::string folder = chosen ? chosen : REEL_TEST_DATA_DIR "/reference";
  std::ifstream file(folder + "/optim.json");
  static const json cases = json::parse(file)["cases"];
  std::vector<const json*> list;
  for (const json& record : cases) list.push_back(&record);
  return list;
}

std::string name_of_record(const ::testing::TestParamInfo<const json*>& info) {
  std::string name = (*info.param)["name"];
  for (char& c : name) {
    if (!std::isalnum(c)) c = '_';
  }
  return name + "_" + std::to_string(info.index);
}

bool close(const Tensor& got, const json& wanted) {
  return allclose(got.detach(), from_json(wanted), {.rtol = 1e-10, .atol = 1e-10});
}

class Trajectory : public ::testing::TestWithParam<const json*> {};

}  // namespace

TEST_P(Trajectory, is_pytorchs_at_every_step) {
  Problem problem(*GetParam());
  for (size_t step = 0; step < (*GetParam())["args"]["steps"]; ++step) {
    problem.step();
    ASSERT_TRUE(close(problem.p, (*GetParam())["outputs"][2 * step])) << step;
    ASSERT_TRUE(close(problem.q, (*GetParam())["outputs"][2 * step + 1])) << step;
  }
}

TEST_P(Trajectory, goes_on_bit_for_bit_from_a_saved_state) {
  Problem whole(*GetParam()), resumed(*GetParam());
  for (int i = 0; i < 5; ++i) whole.step();
  {
    NoGradGuard no_grad;
    resumed.p.copy_(whole.p);
    resumed.q.copy_(whole.q);
  }
  resumed.optimizer->load_state_dict(whole.optimizer->state_dict());
  for (int i = 0; i < 5; ++i) {
    whole.step();
    resumed.step();
  }
  EXPECT_TRUE(equal(whole.p.detach(), resumed.p.detach()));
  EXPECT_TRUE(equal(whole.q.detach(), resumed.q.detach()));
  EXPECT_EQ(whole.optimizer->steps(), resumed.optimizer->steps());
}

INSTANTIATE_TEST_SUITE_P(Reference, Trajectory, ::testing::ValuesIn(records()), name_of_record);

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

// Numbers without an axis, of no elements, one part of a larger tensor, float32 beside float64.
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

TEST(Optimizer, refuses_what_cannot_be_optimised) {
  const Tensor x = variable({1});
  EXPECT_THROW(optim::SGD({x * 2}, {.lr = 1}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = std::nan("")}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = 1, .momentum = -0.1}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = 1, .nesterov = true}), Error);
  EXPECT_THROW(optim::SGD({arange(3)}, {.lr = 1}), TypeError);
}

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

}  // namespace

namespace {

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
TEST(Lecture, trajectories_in_the_bowl) {
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

// ---- second order ----------------------------------------------------------------------------------------

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

// ---- averages, clipping, what is refused -----------------------------------------------------------------

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

// ---- those that PyTorch 1.13 does not have: against their formulas, number by number ---------------------

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

// ---- when to stop, and what is refused -------------------------------------------------------------------

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

TEST(Optimizers, refuse_options_that_make_no_sense) {
  const Tensor x = variable({1});
  const auto says = [](const std::function<void()>& call, const char* what) {
    const std::string text = message_of(call);
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
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
  Adam adam({x}, {.lr = 0.1});
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
