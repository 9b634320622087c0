// Schedules: every lr and momentum of PyTorch's, what is remembered, and what is refused.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

using namespace reel;
using namespace reel::optim;
using nlohmann::json;
using reel::tests::message_of;

namespace {

using Scheduler = std::shared_ptr<LRScheduler>;

std::vector<const json*> records() {
  const char* chosen = std::getenv("REEL_REFERENCE_DIR");
  const std::string folder = chosen ? chosen : REEL_TEST_DATA_DIR "/reference";
  std::ifstream file(folder + "/schedule.json");
  static const json cases = json::parse(file)["cases"];
  std::vector<const json*> list;
  for (const json& record : cases) list.push_back(&record);
  return list;
}

double number(const json& args, const char* name, double otherwise) {
  return args.contains(name) && !args[name].is_null() ? args[name].get<double>() : otherwise;
}
int64_t integer(const json& args, const char* name, int64_t otherwise) {
  return args.contains(name) && !args[name].is_null() ? args[name].get<int64_t>() : otherwise;
}
bool flag(const json& args, const char* name, bool otherwise) {
  return args.contains(name) ? args[name].get<bool>() : otherwise;
}
std::string_view text(const json& args, const char* name, std::string_view otherwise) {
  return args.contains(name) ? args[name].get_ref<const std::string&>() : otherwise;
}
PerGroup per_group(const json& args, const char* name, PerGroup otherwise) {
  if (!args.contains(name)) return otherwise;
  if (args[name].is_array()) return args[name].get<std::vector<double>>();
  return args[name].get<double>();
}

LambdaList functions(const json& factors) {
  LambdaList list;
  for (const json& factor : factors.is_array() ? factors : json::array({factors})) {
    const std::string name = factor;
    list.push_back([name](int64_t epoch) {
      const double e = static_cast<double>(epoch);
      if (name == "0.95**epoch") return std::pow(0.95, e);
      if (name == "1/(1+0.1*epoch)") return 1 / (1 + 0.1 * e);
      if (name == "0.9") return 0.9;
      if (name == "0.9+0.05*(epoch%2)") return 0.9 + 0.05 * static_cast<double>(epoch % 2);
      throw Error("unknown factor " + name);
    });
  }
  return list;
}

Scheduler cyclic(Optimizer& o, const json& args) {
  return std::make_shared<CyclicLR>(
      o, CyclicLROptions{.base_lr = per_group(args, "base_lr", 0.0),
                         .max_lr = per_group(args, "max_lr", 0.0),
                         .step_size_up = integer(args, "step_size_up", 2000),
                         .step_size_down = integer(args, "step_size_down", 0),
                         .mode = text(args, "mode", "triangular"),
                         .gamma = number(args, "gamma", 1),
                         .cycle_momentum = flag(args, "cycle_momentum", true),
                         .base_momentum = per_group(args, "base_momentum", 0.8),
                         .max_momentum = per_group(args, "max_momentum", 0.9)});
}

Scheduler one_cycle(Optimizer& o, const json& args) {
  return std::make_shared<OneCycleLR>(
      o, OneCycleLROptions{.max_lr = per_group(args, "max_lr", 0.0),
                           .total_steps = integer(args, "total_steps", 0),
                           .pct_start = number(args, "pct_start", 0.3),
                           .anneal_strategy = text(args, "anneal_strategy", "cos"),
                           .cycle_momentum = flag(args, "cycle_momentum", true),
                           .base_momentum = per_group(args, "base_momentum", 0.85),
                           .max_momentum = per_group(args, "max_momentum", 0.95),
                           .div_factor = number(args, "div_factor", 25),
                           .final_div_factor = number(args, "final_div_factor", 1e4),
                           .three_phase = flag(args, "three_phase", false)});
}

Scheduler plateau(Optimizer& o, const json& args) {
  return std::make_shared<ReduceLROnPlateau>(
      o, ReduceLROnPlateauOptions{.mode = text(args, "mode", "min"),
                                  .factor = number(args, "factor", 0.1),
                                  .patience = integer(args, "patience", 10),
                                  .threshold = number(args, "threshold", 1e-4),
                                  .threshold_mode = text(args, "threshold_mode", "rel"),
                                  .cooldown = integer(args, "cooldown", 0),
                                  .min_lr = per_group(args, "min_lr", 0.0),
                                  .eps = number(args, "eps", 1e-8)});
}

Scheduler make(const std::string& name, Optimizer& o, const json& args);

SchedulerList make_list(Optimizer& o, const json& list) {
  SchedulerList schedulers;
  for (const json& entry : list) schedulers.push_back(make(entry[0], o, entry[1]));
  return schedulers;
}

Scheduler formula(const std::string& name, Optimizer& o, const json& args) {
  const int64_t total = integer(args, "total_iters", 5);
  if (name == "StepLR")
    return std::make_shared<StepLR>(
        o, StepLROptions{integer(args, "step_size", 1), number(args, "gamma", 0.1)});
  if (name == "MultiStepLR")
    return std::make_shared<MultiStepLR>(
        o, MultiStepLROptions{args["milestones"].get<std::vector<int64_t>>(),
                              number(args, "gamma", 0.1)});
  if (name == "ConstantLR")
    return std::make_shared<ConstantLR>(o,
                                        ConstantLROptions{number(args, "factor", 1.0 / 3), total});
  if (name == "LinearLR")
    return std::make_shared<LinearLR>(o, LinearLROptions{number(args, "start_factor", 1.0 / 3),
                                                         number(args, "end_factor", 1), total});
  if (name == "ExponentialLR")
    return std::make_shared<ExponentialLR>(o, ExponentialLROptions{number(args, "gamma", 0.1)});
  if (name == "PolynomialLR")
    return std::make_shared<PolynomialLR>(o, PolynomialLROptions{total, number(args, "power", 1)});
  if (name == "CosineAnnealingLR")
    return std::make_shared<CosineAnnealingLR>(
        o, CosineAnnealingLROptions{integer(args, "T_max", 1), number(args, "eta_min", 0)});
  return nullptr;
}

Scheduler make(const std::string& name, Optimizer& o, const json& args) {
  if (name == "LambdaLR") return std::make_shared<LambdaLR>(o, functions(args["factor"]));
  if (name == "MultiplicativeLR")
    return std::make_shared<MultiplicativeLR>(o, functions(args["factor"]));
  if (name == "CosineAnnealingWarmRestarts")
    return std::make_shared<CosineAnnealingWarmRestarts>(
        o, WarmRestartsOptions{integer(args, "T_0", 1), integer(args, "T_mult", 1),
                               number(args, "eta_min", 0)});
  if (name == "CyclicLR") return cyclic(o, args);
  if (name == "OneCycleLR") return one_cycle(o, args);
  if (name == "ReduceLROnPlateau") return plateau(o, args);
  if (name == "SequentialLR")
    return std::make_shared<SequentialLR>(o, make_list(o, args["schedulers"]),
                                          args["milestones"].get<std::vector<int64_t>>());
  if (name == "ChainedScheduler")
    return std::make_shared<ChainedScheduler>(o, make_list(o, args["schedulers"]));
  if (const Scheduler made = formula(name, o, args)) return made;
  throw Error("unknown schedule " + name);
}

// An optimiser with two groups of one parameter each, and the schedule of a record.
struct Setting {
  explicit Setting(const json& record)
      : args(record["args"]),
        optimizer(made_for(args)),
        scheduler(make(record["op"], *optimizer, args)) {}

  static std::unique_ptr<Optimizer> made_for(const json& args) {
    const auto parameter = [] { return zeros({1}, {.requires_grad = true}); };
    const double first = args["initial"][0], second = args["initial"][1];
    if (args.contains("optimizer"))
      return std::make_unique<Adam>(std::vector<Adam::Group>{{{parameter()}, {.lr = first}},
                                                             {{parameter()}, {.lr = second}}});
    return std::make_unique<SGD>(
        std::vector<SGD::Group>{{{parameter()}, {.lr = first, .momentum = 0.9}},
                                {{parameter()}, {.lr = second, .momentum = 0.9}}});
  }
  void step(size_t epoch) {
    if (auto* by_metric = dynamic_cast<ReduceLROnPlateau*>(scheduler.get()))
      by_metric->step(args["metric"][epoch].get<double>());
    else
      scheduler->step();
  }
  // lr of both groups, then momentum.
  double value(size_t output) const {
    if (output < 2) return optimizer->lr(output);
    return optimizer->number(optimizer->has_number("momentum") ? "momentum" : "betas", output - 2);
  }

  const json& args;
  std::unique_ptr<Optimizer> optimizer;
  Scheduler scheduler;
};

class Schedule : public ::testing::TestWithParam<const json*> {};

std::string name_of_record(const ::testing::TestParamInfo<const json*>& info) {
  std::string name = (*info.param)["name"];
  for (char& c : name) {
    if (!std::isalnum(c)) c = '_';
  }
  return name + "_" + std::to_string(info.index);
}

}  // namespace

TEST_P(Schedule, is_pytorchs_in_every_epoch) {
  Setting setting(*GetParam());
  const json& outputs = (*GetParam())["outputs"];
  const size_t epochs = (*GetParam())["args"]["epochs"];
  for (size_t epoch = 0; epoch < epochs; ++epoch) {
    for (size_t output = 0; output < outputs.size(); ++output) {
      const double wanted = outputs[output]["data"][epoch];
      ASSERT_NEAR(setting.value(output), wanted, 1e-10 * std::max(1e-3, std::fabs(wanted)))
          << "epoch " << epoch << ", output " << output;
    }
    if (epoch + 1 < epochs) setting.step(epoch);
  }
}

TEST_P(Schedule, goes_on_bit_for_bit_from_a_saved_state) {
  Setting whole(*GetParam()), resumed(*GetParam());
  for (size_t epoch = 0; epoch < 7; ++epoch) whole.step(epoch);
  resumed.optimizer->load_state_dict(whole.optimizer->state_dict());
  resumed.scheduler->load_state_dict(whole.scheduler->state_dict());
  for (size_t epoch = 7; epoch < 14; ++epoch) {
    whole.step(epoch);
    resumed.step(epoch);
  }
  for (size_t output = 0; output < (*GetParam())["outputs"].size(); ++output)
    EXPECT_EQ(whole.value(output), resumed.value(output));
}

INSTANTIATE_TEST_SUITE_P(Reference, Schedule, ::testing::ValuesIn(records()), name_of_record);

// ---- the course's own ------------------------------------------------------------------------------------

TEST(PowerLR, divides_by_a_power_of_the_epoch) {
  SGD sgd({zeros({1}, {.requires_grad = true})}, {.lr = 0.1});
  PowerLR schedule(sgd, {.decay_steps = 20, .power = 2});
  for (int i = 0; i < 10; ++i) schedule.step();
  EXPECT_DOUBLE_EQ(sgd.lr(), 0.1 / std::pow(1.5, 2));
}

// The course's numbers: lr of 0.1 and T = 10 (A8.3 and A8.4).
TEST(Lecture, exponential_and_power_schedule) {
  SGD one = SGD({zeros({1}, {.requires_grad = true})}, {.lr = 0.1});
  SGD other = SGD({zeros({1}, {.requires_grad = true})}, {.lr = 0.1});
  ExponentialLR exponential(one, {.gamma = std::pow(10, -1.0 / 10)});
  PowerLR power(other, {.decay_steps = 10});
  const std::map<int, std::array<double, 2>> expected = {{0, {0.1, 0.1}},
                                                         {5, {0.0316227766, 0.0666666667}},
                                                         {10, {0.01, 0.05}},
                                                         {20, {0.001, 0.0333333333}}};
  for (int t = 0; t <= 20; ++t, exponential.step(), power.step()) {
    if (!expected.contains(t)) continue;
    EXPECT_NEAR(one.lr(), expected.at(t)[0], 1e-10) << t;
    EXPECT_NEAR(other.lr(), expected.at(t)[1], 1e-10) << t;
  }
}

TEST(PiecewiseConstantLR, jumps_at_its_boundaries) {
  SGD sgd({zeros({1}, {.requires_grad = true})}, {.lr = 1});
  PiecewiseConstantLR schedule(sgd, {.boundaries = {2, 4}, .factors = {1, 0.5, 0.1}});
  std::vector<double> seen;
  for (int i = 0; i < 5; ++i, schedule.step()) seen.push_back(sgd.lr());
  EXPECT_EQ(seen, (std::vector<double>{1, 1, 0.5, 0.5, 0.1}));
}

// ---- bad input -------------------------------------------------------------------------------------------

TEST(Schedules, refuse_what_makes_no_sense) {
  SGD sgd({zeros({1}, {.requires_grad = true})}, {.lr = 0.1});
  const auto says = [](const std::function<void()>& call, const char* what) {
    const std::string text = message_of(call);
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
  SGD other({zeros({1}, {.requires_grad = true})}, {.lr = 0.1});
  says([&] { StepLR(sgd, {.step_size = 0}); }, "step_size must be positive, got 0");
  says([&] { CosineAnnealingLR(sgd, {.T_max = 0}); }, "T_max");
  says([&] { LinearLR(sgd, {.start_factor = 2}); }, "got 2 and 1");
  says([&] { CyclicLR(sgd, {.mode = "square"}); }, "mode must be triangular");
  says([&] { CyclicLR(sgd, {.base_lr = {1, 2, 3}}); }, "base_lr must be one number");
  says([&] { OneCycleLR(sgd, {.max_lr = 1}); }, "total_steps");
  says([&] { ReduceLROnPlateau(sgd, {.factor = 1}); }, "factor must be in [0, 1)");
  says(
      [&] {
        ReduceLROnPlateau schedule(sgd);
        schedule.step();
      },
      "needs the metric");
  says([&] { ReduceLROnPlateau(sgd, {.patience = -1}); }, "patience and cooldown must not");
  says([&] { ReduceLROnPlateau(sgd, {.threshold = NAN}); }, "threshold and eps must not");
  says([&] { ReduceLROnPlateau(sgd, {.min_lr = -1.0}); }, "min_lr must be finite");
  says([&] { CyclicLR(sgd, {.base_lr = NAN}); }, "base_lr must be finite and not negative");
  says([&] { CyclicLR(sgd, {.max_momentum = 5.0}); }, "must be below 1, got 0.8 and 5");
  says([&] { CyclicLR(sgd, {.gamma = NAN}); }, "gamma must be positive");
  says([&] { OneCycleLR(sgd, {.max_lr = 1, .total_steps = 5, .div_factor = 0}); }, "div_factor");
  says([&] { CosineAnnealingLR(sgd, {.T_max = 4, .eta_min = NAN}); }, "eta_min must be finite");
  says([&] { PolynomialLR(sgd, {.power = NAN}); }, "power must be finite");
  says([&] { CosineAnnealingWarmRestarts(other, {.T_0 = 2}).step(-1.0); }, "epoch must be finite");
  says([&] { SequentialLR(sgd, {}, {}); }, "empty list");
  says([&] { LambdaLR(sgd, LambdaList{}); }, "expected one function");
  Adagrad adagrad({zeros({1}, {.requires_grad = true})}, {.lr = 0.1});
  says([&] { OneCycleLR(adagrad, {.max_lr = 1, .total_steps = 5}); }, "momentum or betas");
  // None of these has left a trace.
  EXPECT_EQ(sgd.lr(), 0.1);
  EXPECT_EQ(sgd.number("momentum", 0), 0);
  sgd.set_lr(0.2);
  EXPECT_EQ(sgd.initial_lr(0), 0.2);
  OneCycleLR cycle(sgd, {.max_lr = 1, .total_steps = 1});
  cycle.step();
  says([&] { cycle.step(); }, "has 1 steps");
}

// ---- what they do together, and when a step is refused ---------------------------------------------------

namespace {

SGD one_parameter(double lr) { return SGD({zeros({1}, {.requires_grad = true})}, {.lr = lr}); }
template <class S, class... Args>
Scheduler shared(Optimizer& optimizer, const Args&... args) {
  return std::make_shared<S>(optimizer, args...);
}

}  // namespace

TEST(Schedules, change_nothing_when_a_step_is_refused) {
  const auto parameter = [] { return zeros({1}, {.requires_grad = true}); };
  SGD sgd({{{parameter()}, {.lr = 1}}, {{parameter()}, {.lr = 1}}});
  bool fails = true;
  LambdaLR schedule(sgd, LambdaList{[](int64_t epoch) { return 1.0 / double(epoch + 1); },
                                    [&](int64_t epoch) {
                                      if (epoch == 2) throw Error("no factor");
                                      return epoch == 1 && fails ? NAN : 1;
                                    }});
  EXPECT_THROW(schedule.step(), Error);
  EXPECT_EQ(schedule.last_epoch(), 0);
  EXPECT_EQ(sgd.lr(0), 1);
  fails = false;
  schedule.step();
  EXPECT_THROW(schedule.step(), Error);
  EXPECT_EQ(schedule.last_epoch(), 1);
  EXPECT_EQ(schedule.get_last_lr(), (std::vector<double>{0.5, 1}));
}

TEST(ChainedScheduler, steps_all_or_none) {
  SGD sgd = one_parameter(1);
  const Scheduler halves = shared<ExponentialLR>(sgd, ExponentialLROptions{0.5});
  const Scheduler ends = shared<LambdaLR>(sgd, [](int64_t epoch) -> double {
    if (epoch == 2) throw Error("no factor");
    return 1;
  });
  ChainedScheduler both(SchedulerList{halves, ends});
  both.step();
  EXPECT_THROW(both.step(), Error);
  EXPECT_EQ(both.last_epoch(), 1);
  EXPECT_EQ(halves->last_epoch(), 1);
}

TEST(ChainedScheduler, puts_lr_and_momentum_back_when_a_step_is_refused) {
  for (const bool has_betas : {false, true}) {
    std::unique_ptr<Optimizer> optimizer = std::make_unique<SGD>(
        std::vector<Tensor>{zeros({1}, {.requires_grad = true})}, SGDOptions{.momentum = 0.5});
    if (has_betas) optimizer = std::make_unique<Adam>(optimizer->parameters());
    const char* momentum = has_betas ? "betas" : "momentum";
    const Scheduler cycle =
        shared<OneCycleLR>(*optimizer, OneCycleLROptions{.max_lr = 1, .total_steps = 10});
    const Scheduler ends = shared<MultiplicativeLR>(
        *optimizer, [](int64_t epoch) { return epoch == 2 ? throw Error("no factor") : 1.0; });
    ChainedScheduler both(SchedulerList{cycle, ends});
    both.step();
    const double lr = optimizer->lr(), first = optimizer->number(momentum, 0);
    EXPECT_NE(first, 0.95);  // the cycle has left its start
    EXPECT_NE(message_of([&] { both.step(); }).find("no factor"), std::string::npos);
    EXPECT_EQ(optimizer->lr(), lr);
    EXPECT_EQ(optimizer->number(momentum, 0), first);
    EXPECT_EQ(cycle->last_epoch(), 1);
  }
}

TEST(SequentialLR, stays_when_the_next_schedule_cannot_begin) {
  SGD sgd = one_parameter(1);
  bool fails = false;
  const Scheduler next = shared<LambdaLR>(sgd, [&](int64_t) { return fails ? NAN : 0.25; });
  const Scheduler halves = shared<ExponentialLR>(sgd, ExponentialLROptions{0.5});
  next->step();
  SequentialLR schedule(sgd, {halves, next}, {2});
  schedule.step();
  fails = true;
  EXPECT_THROW(schedule.step(), Error);
  EXPECT_EQ(sgd.lr(), 0.5);
  EXPECT_EQ(schedule.last_epoch(), 1);
  EXPECT_EQ(next->last_epoch(), 1);
}

TEST(ReduceLROnPlateau, forgets_a_metric_whose_step_is_refused) {
  SGD sgd = one_parameter(1);
  ReduceLROnPlateau plateau(sgd, {.patience = 0});
  plateau.step(1);
  sgd.options().lr = NAN;
  EXPECT_THROW(plateau.step(2), Error);
  EXPECT_EQ(plateau.last_epoch(), 1);
  EXPECT_EQ(plateau.state_dict().at("num_bad_epochs").item<double>(), 0);
}

TEST(SequentialLR, refuses_what_it_cannot_step) {
  SGD sgd = one_parameter(1), other = one_parameter(1);
  const Scheduler step = shared<StepLR>(sgd, StepLROptions{}),
                  strange = shared<StepLR>(other, StepLROptions{}),
                  plateau = shared<ReduceLROnPlateau>(sgd);
  const auto says = [](const std::function<void()>& call, const char* what) {
    const std::string text = message_of(call);
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
  says([&] { SequentialLR(sgd, {step, strange}, {3}); }, "the same optimiser, schedule 1 does not");
  says([&] { ChainedScheduler(sgd, {step, strange}); }, "the same optimiser, schedule 1 does not");
  says([&] { SequentialLR(sgd, {step, plateau}, {3}); }, "schedule 1 needs a metric");
  says([&] { ChainedScheduler(SchedulerList{step, plateau}); }, "schedule 1 needs a metric");
  says([&] { ChainedScheduler(SchedulerList{}); }, "empty list");
  says([&] { SequentialLR(sgd, {step, nullptr}, {3}); }, "schedule 1 is null");
  says([&] { SequentialLR(sgd, {step, step}, {}); }, "one milestone less");
  says([&] { SequentialLR(sgd, {step, step, step}, {5, 3}); }, "must ascend");
  EXPECT_EQ(sgd.lr(), 1);
}

// The second schedule starts from its own beginning: lr and momentum of a cycle, all of a chain.
TEST(SequentialLR, begins_schedules_of_every_kind) {
  SGD sgd({zeros({1}, {.requires_grad = true})}, {.lr = 1, .momentum = 0.9});
  const Scheduler flat = shared<ConstantLR>(sgd, ConstantLROptions{1, 100});
  const Scheduler chain = std::make_shared<ChainedScheduler>(
      SchedulerList{shared<ConstantLR>(sgd, ConstantLROptions{0.5, 2}),
                    shared<ExponentialLR>(sgd, ExponentialLROptions{0.1})});
  SequentialLR first(sgd, {flat, chain}, {2});
  first.step();
  EXPECT_EQ(sgd.lr(), 1);
  first.step();
  EXPECT_DOUBLE_EQ(sgd.lr(), 0.5);
  first.step();
  EXPECT_DOUBLE_EQ(sgd.lr(), 0.05);
  first.step();
  EXPECT_DOUBLE_EQ(sgd.lr(), 0.01);

  const Scheduler cycle = shared<OneCycleLR>(sgd, OneCycleLROptions{.max_lr = 2, .total_steps = 9});
  sgd.number("momentum", 0) = 0.5;
  SequentialLR second(sgd, {flat, cycle}, {1});
  second.step();
  EXPECT_NEAR(sgd.lr(), 2.0 / 25, 1e-15);
  EXPECT_DOUBLE_EQ(sgd.number("momentum", 0), 0.95);
}

// Whole epochs are those of step(); between them the cosine of T_cur = epoch - start of its cycle.
TEST(CosineAnnealingWarmRestarts, steps_to_a_place_between_epochs) {
  for (const int64_t growth : {1, 2}) {
    SGD sgd = one_parameter(1), other = one_parameter(1);
    CosineAnnealingWarmRestarts by_one(sgd, {.T_0 = 3, .T_mult = growth});
    CosineAnnealingWarmRestarts by_place(other, {.T_0 = 3, .T_mult = growth});
    for (int epoch = 1; epoch < 25; ++epoch) {
      by_one.step();
      by_place.step(epoch - 0.25);
      EXPECT_EQ(by_place.last_epoch(), epoch - 1);
      by_place.step(epoch);
      EXPECT_DOUBLE_EQ(sgd.lr(), other.lr()) << epoch;
    }
    by_place.step(3.5);  // half an epoch into the second cycle
    EXPECT_NEAR(other.lr(), (1 + std::cos(M_PI * 0.5 / double(3 * growth))) / 2, 1e-15);
    for (int epoch = 4; epoch < 8; ++epoch) by_place.step();
  }
}

TEST(OneCycleLR, survives_a_rise_of_one_step) {
  SGD sgd({zeros({1}, {.requires_grad = true})}, {.lr = 1, .momentum = 0.9});
  OneCycleLR cycle(sgd, {.max_lr = 1, .total_steps = 10, .pct_start = 0.1});
  EXPECT_EQ(sgd.lr(), 1);  // there at once
  for (int i = 0; i < 9; ++i) cycle.step();
  EXPECT_NEAR(sgd.lr(), 1.0 / 25 / 1e4, 1e-15);
}
