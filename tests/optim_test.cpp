// Optimisers: every step of PyTorch's trajectories, and what the base class promises.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

using namespace reel;
using reel::tests::message_of;
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

Tensor variable(std::initializer_list<double> values) {
  return from_vector(std::vector<double>(values), {static_cast<int64_t>(values.size())})
      .requires_grad_();
}

optim::SGDOptions sgd_options(const json& options) {
  optim::SGDOptions result;
  for (const auto& [name, value] : options.items()) {
    if (name == "lr")
      result.lr = value;
    else if (name == "momentum")
      result.momentum = value;
    else if (name == "dampening")
      result.dampening = value;
    else if (name == "weight_decay")
      result.weight_decay = value;
    else if (name == "nesterov")
      result.nesterov = value;
    else if (name == "maximize")
      result.maximize = value;
    else
      ADD_FAILURE() << "unknown option " << name;
  }
  return result;
}

}  // namespace

TEST(SGD, takes_every_step_that_pytorch_takes) {
  std::ifstream file(std::string(REEL_TEST_DATA_DIR) + "/reference/optim_sgd.json");
  ASSERT_TRUE(file);
  const json cases = json::parse(file)["cases"];
  ASSERT_EQ(cases.size(), 12u);
  for (const json& row : cases) {
    SCOPED_TRACE(row["name"].get<std::string>());
    Tensor p = from_json(row["inputs"][0]).requires_grad_(),
           q = from_json(row["inputs"][1]).requires_grad_();
    const Tensor A = matrix(row["args"]["A"]), b = matrix(row["args"]["b"]);
    optim::SGD sgd({p, q}, sgd_options(row["args"]["options"]));
    for (size_t step = 0; step < row["args"]["steps"]; ++step) {
      sgd.zero_grad();
      const Tensor head = p.slice(0, 0, 2), next = p.slice(0, 1, 3);
      const Tensor valley = (100 * square(next - head * head) + square(1 - head)).sum() / 50;
      (valley + 0.5 * square(matmul(A, q) - b).sum()).backward();
      for (int64_t i = 0; i < 4; ++i)
        q.grad().data<double>()[i] += std::cos(q.data<double>()[i]);  // d sum(sin q)
      sgd.step();
      EXPECT_TRUE(
          allclose(p.detach(), from_json(row["outputs"][2 * step]), {.rtol = 1e-10, .atol = 1e-10}))
          << step;
      EXPECT_TRUE(allclose(q.detach(), from_json(row["outputs"][2 * step + 1]),
                           {.rtol = 1e-10, .atol = 1e-10}))
          << step;
    }
  }
}

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

TEST(Optimizer, allocates_nothing_in_steady_state) {
  Tensor x = variable({1, 2, 3});
  x.mutable_grad() = from_vector(std::vector<double>{1, 1, 1}, {3});
  optim::SGD sgd({x}, {.lr = 0.1, .momentum = 0.9});
  sgd.step();
  const memory::Stats before = memory::stats();
  for (int i = 0; i < 10; ++i) sgd.step();
  EXPECT_EQ(memory::stats().in_use, before.in_use);
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

TEST(Optimizer, state_of_another_dtype_is_refused) {
  const nn::Linear layer(2, 1);
  optim::SGD sgd(layer->parameters(), {.lr = 0.1, .momentum = 0.9});
  layer(ones({1, 2})).sum().backward();
  sgd.step();
  layer->to(kFloat64);
  EXPECT_NE(message_of([&] { sgd.step(); }).find("was float32 of shape [1, 2]"), std::string::npos);
}

TEST(Optimizer, refuses_what_cannot_be_optimised) {
  const Tensor x = variable({1});
  EXPECT_THROW(optim::SGD({x * 2}, {.lr = 1}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = std::nan("")}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = 1, .momentum = -0.1}), Error);
  EXPECT_THROW(optim::SGD({x}, {.lr = 1, .nesterov = true}), Error);
  EXPECT_THROW(optim::SGD({arange(3)}, {.lr = 1}), TypeError);
}
