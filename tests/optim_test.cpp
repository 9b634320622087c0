// Optimisers: every step of PyTorch's trajectories. The other tests stand in optim/.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>

#include <nlohmann/json.hpp>

using namespace reel;
using nlohmann::json;

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
