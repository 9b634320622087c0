// Creation and random numbers. The streams are compared with PyTorch's, recorded in
// data/reference/random.json.
#include "message_of.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

using namespace reel;
using nlohmann::json;
using reel::tests::message_of;

namespace {

std::vector<double> numbers(const Tensor& x) {
  const Tensor values = x.detach().to(kFloat64).contiguous();
  const std::span<double> span = values.span<double>();
  return {span.begin(), span.end()};
}

Tensor in_place(const Shape& shape, Dtype dtype, const std::function<void(Tensor&)>& fill) {
  Tensor x = empty(shape, {.dtype = dtype});
  fill(x);
  return x;
}

// The calls of random.json that tensors serve by themselves; modules and loaders are compared in
// their own tests.
std::map<std::string, std::function<Tensor()>> calls_of(Dtype dtype, const std::string& name) {
  std::map<std::string, std::function<Tensor()>> calls;
  const TensorOptions options{.dtype = dtype};
  for (const auto& [text, shape] : std::map<std::string, Shape>{{"[3, 4]", {3, 4}},
                                                                {"[5]", {5}},
                                                                {"[2, 3]", {2, 3}},
                                                                {"[1]", {1}},
                                                                {"[16]", {16}},
                                                                {"[37]", {37}},
                                                                {"[4, 9]", {4, 9}}}) {
    calls["rand(" + text + ", " + name + ")"] = [=, shape = shape] { return rand(shape, options); };
    calls["randn(" + text + ", " + name + ")"] = [=, shape = shape] {
      return randn(shape, options);
    };
  }
  const auto fills = [&](const std::string& size, const std::string& call,
                         std::function<void(Tensor&)> fill) {
    calls["empty([" + size + "], " + name + ")." + call] = [=] {
      return in_place(std::stoi(size), dtype, fill);
    };
  };
  fills("7", "uniform_(-2, 3)", [](Tensor& x) { x.uniform_(-2, 3); });
  fills("20", "normal_(1, 0.5)", [](Tensor& x) { x.normal_(1, 0.5); });
  fills("3", "normal_(1, 0.5)", [](Tensor& x) { x.normal_(1, 0.5); });
  fills("40", "bernoulli_(0.3)", [](Tensor& x) { bernoulli_(x, 0.3); });
  fills("9", "exponential_(1.5)", [](Tensor& x) { exponential_(x, 1.5); });
  calls["bernoulli(full([9], 0.5, " + name + "))"] = [=] {
    return bernoulli(full(9, 0.5, options));
  };
  calls["randint(0, 10, [12])"] = [] { return randint(0, 10, 12); };
  calls["randint(-5, 1000000, [6])"] = [] { return randint(-5, 1000000, 6); };
  calls["randperm(10)"] = [] { return randperm(10); };
  calls["randperm(1797)"] = [] { return randperm(1797); };
  return calls;
}

// Uniforms and integers are equal bit by bit; what goes through log and cos is equal to rounding.
double tolerance(const std::string& call, Dtype dtype) {
  const bool transcendental = call.find("randn") == 0 || call.find("normal_") != call.npos ||
                              call.find("exponential_") != call.npos;
  return !transcendental ? 0 : dtype == kFloat32 ? 1e-6 : 1e-13;
}

void expect_recorded(const Tensor& actual, const json& result, double relative,
                     const std::string& where) {
  EXPECT_EQ(actual.shape(), Shape(result["shape"].get<std::vector<int64_t>>())) << where;
  EXPECT_EQ(name_of(actual.dtype()), result["dtype"].get<std::string>()) << where;
  const std::vector<double> values = numbers(actual),
                            expected = result["data"].get<std::vector<double>>();
  ASSERT_EQ(values.size(), expected.size()) << where;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], relative * std::abs(expected[i]))
        << where << ", element " << i;
  }
}

const char* const kElsewhere[] = {"multinomial", "dropout", "init", "loader"};

}  // namespace

TEST(Random, streams_are_those_of_pytorch) {
  std::ifstream file(REEL_TEST_DATA_DIR "/reference/random.json");
  ASSERT_TRUE(file) << "random.json is missing in " << REEL_TEST_DATA_DIR;
  const json recorded = json::parse(file);
  int served = 0;
  for (const json& entry : recorded["cases"]) {
    const std::string name = entry["name"];
    if (std::any_of(std::begin(kElsewhere), std::end(kElsewhere),
                    [&](auto* family) { return name.find(family) == 0; }))
      continue;
    const Dtype dtype = name.find("float32") != name.npos ? kFloat32 : kFloat64;
    const auto calls = calls_of(dtype, std::string(name_of(dtype)));
    manual_seed(entry["seed"].get<uint64_t>());
    for (const json& step : entry["calls"]) {
      const std::string call = step["call"];
      ASSERT_TRUE(calls.contains(call)) << "unknown call: " << call;
      expect_recorded(calls.at(call)(), step["result"], tolerance(call, dtype), name + ": " + call);
      ++served;
    }
  }
  EXPECT_EQ(served, 128);
}

TEST(Random, same_seed_gives_the_same_bits) {
  manual_seed(0);
  const std::vector<double> first = numbers(randn({2, 3}));
  const double expected[] = {1.5410, -0.2934, -2.1788, 0.5684, -1.0845, -1.3986};
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(first[i], expected[i], 5e-5);
  manual_seed(0);
  EXPECT_EQ(numbers(randn({2, 3})), first);
}

TEST(Random, seeding_forgets_the_kept_normal) {
  manual_seed(3);
  const std::vector<double> first = numbers(randn(1));
  manual_seed(3);
  EXPECT_EQ(numbers(randn(1)), first);
}

TEST(Random, a_generator_of_ones_own_leaves_the_default_one_alone) {
  Generator generator(7);
  const Generator saved = generator;
  Tensor x = empty(20), y = empty(20);
  manual_seed(1);
  const std::vector<double> expected = numbers(rand(4));
  manual_seed(1);
  normal_(x, 0, 1, generator);
  EXPECT_EQ(numbers(rand(4)), expected);
  generator = saved;
  normal_(y, 0, 1, generator);
  EXPECT_EQ(numbers(x), numbers(y));
}

TEST(Random, a_transposed_tensor_is_filled_in_the_order_of_its_memory) {
  Tensor x = empty({3, 2}), y = empty({3, 2});
  manual_seed(5);
  x.uniform_();
  manual_seed(5);
  y.t().uniform_();
  EXPECT_EQ(numbers(x), numbers(y));
}

TEST(Random, wide_ranges_draw_64_bits) {
  Generator generator(2);
  const uint64_t bits = generator.random64();
  manual_seed(2);
  EXPECT_EQ(randint(0, int64_t{1} << 40, {}).item<int64_t>(),
            static_cast<int64_t>(bits % (uint64_t{1} << 40)));
}

TEST(Random, samplers_obey_the_rules_of_changes_in_place) {
  Tensor weight = ones(3).requires_grad_();
  EXPECT_THROW(weight.uniform_(), Error);
  EXPECT_EQ(numbers(weight), (std::vector<double>{1, 1, 1}));
  const int64_t before = weight.version();
  {
    NoGradGuard guard;
    weight.normal_();
  }
  EXPECT_EQ(weight.version(), before + 1);
  Tensor expanded = ones(1).expand({3});
  EXPECT_THROW(expanded.uniform_(), Error);
}

TEST(Random, says_what_is_wrong) {
  EXPECT_EQ(message_of([] { rand(2, {.dtype = kInt64}); }),
            "rand: expected a floating dtype, got int64");
  EXPECT_EQ(message_of([] { randint(3, 3, 2); }),
            "randint: low must be less than high, got 3 and 3");
  EXPECT_EQ(message_of([] { randint(0, 300, 2, {.dtype = kUInt8}); }),
            "randint: uint8 holds integers from 0 to 255, got 0 to 299");
  EXPECT_EQ(message_of([] {
              bernoulli(tensor({0.5, 1.5}));
            }),
            "bernoulli: probabilities must be in [0, 1], got 1.5");
  EXPECT_EQ(message_of([] { empty(2).uniform_(1, 0); }),
            "uniform_: from must not be more than to, got 1 and 0");
  EXPECT_THROW(rand({2, -1}), Error);
}

TEST(Creation, nested_braces_give_shape_and_dtype) {
  const Tensor x = tensor({{1, 2}, {3, 4}});
  EXPECT_EQ(x.shape(), Shape({2, 2}));
  EXPECT_EQ(x.dtype(), kInt64);
  EXPECT_EQ(numbers(x), (std::vector<double>{1, 2, 3, 4}));
  const Tensor y = tensor({1.0, -2.0, 3.0}, {.dtype = kFloat64, .requires_grad = true});
  EXPECT_EQ(y.dtype(), kFloat64);
  EXPECT_TRUE(y.requires_grad() && y.is_leaf());
  EXPECT_EQ(tensor({{{{1.5f, 2}}}}).shape(), Shape({1, 1, 1, 2}));
  EXPECT_EQ(tensor({1, 2.5}).dtype(), kFloat32);
  EXPECT_EQ(tensor({true, false}).dtype(), kBool);
  EXPECT_EQ(tensor({true, 2}).dtype(), kInt64);
  EXPECT_EQ(tensor({5}).shape(), Shape({1}));
  EXPECT_EQ(tensor({}).shape(), Shape({0}));
  EXPECT_EQ(tensor(2.5).shape(), Shape());
  EXPECT_EQ(tensor(3).dtype(), kInt64);
  EXPECT_EQ(tensor(3).item<int64_t>(), 3);
}

TEST(Creation, vectors_are_copied) {
  const std::vector<double> values{1, 2, 3, 4};
  EXPECT_EQ(tensor(values).dtype(), kFloat32);
  EXPECT_EQ(from_vector(values, {2, 2}).dtype(), kFloat64);
  EXPECT_EQ(numbers(from_vector(values, {2, 2})), values);
  EXPECT_EQ(from_vector(std::vector<int>{1, 2}, 2).dtype(), kInt32);
  EXPECT_EQ(tensor(std::vector<int>{1, 2}).dtype(), kInt64);
  EXPECT_EQ(numbers(tensor(std::vector<bool>{true, false})), (std::vector<double>{1, 0}));
  EXPECT_EQ(numbers(tensor(std::span<const double>(values))), values);
  EXPECT_EQ(message_of([&] { from_vector(values, {3}); }),
            "from_vector: shape [3] does not hold 4 values");
}

TEST(Creation, fills_as_asked) {
  EXPECT_EQ(numbers(zeros({2, 1})), (std::vector<double>{0, 0}));
  EXPECT_EQ(ones({}).item<float>(), 1);
  EXPECT_EQ(full({2}, 3).dtype(), kInt64);
  EXPECT_EQ(full({2}, true).dtype(), kBool);
  EXPECT_EQ(full({2}, 0.5).dtype(), kFloat32);
  EXPECT_EQ(numbers(eye(2, 3)), (std::vector<double>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(eye(0).shape(), Shape({0, 0}));
  const Tensor x = full_like(tensor({1, 2}), 7);
  EXPECT_EQ(x.dtype(), kInt64);
  EXPECT_EQ(numbers(x), (std::vector<double>{7, 7}));
  EXPECT_EQ(zeros_like(x, {.dtype = kFloat64}).dtype(), kFloat64);
}

TEST(Creation, ranges_follow_torch) {
  EXPECT_EQ(arange(3).dtype(), kInt64);
  EXPECT_EQ(numbers(arange(3)), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(arange(2.5).dtype(), kFloat32);
  EXPECT_EQ(numbers(arange(1, 2, 0.25)), (std::vector<double>{1, 1.25, 1.5, 1.75}));
  EXPECT_EQ(numbers(arange(5, 0, -2)), (std::vector<double>{5, 3, 1}));
  EXPECT_EQ(arange(0, 4, {.dtype = kFloat64}).dtype(), kFloat64);
  EXPECT_EQ(numbers(linspace(0, 1, 5)), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(numbers(linspace(2, 9, 1)), (std::vector<double>{2}));
  EXPECT_EQ(linspace(2, 9, 0).numel(), 0);
}

TEST(Creation, says_what_is_wrong) {
  EXPECT_EQ(message_of([] { zeros(2, {.dtype = kInt64, .requires_grad = true}); }),
            "zeros: only floating tensors can require grad, got int64");
  EXPECT_EQ(message_of([] {
              tensor({{1, 2}, {3}});
            }),
            "tensor: lists at depth 1 must be of one length, got 2 and 1");
  EXPECT_EQ(message_of([] {
              tensor({{1, 2}, 3});
            }),
            "tensor: expected a list at depth 1, got a number");
  EXPECT_EQ(message_of([] { ones({2, -3}); }), "ones: sizes must not be negative, got [2, -3]");
  EXPECT_EQ(message_of([] { arange(0, 5, -1); }),
            "arange: step must lead from start to end, got start 0, end 5, step -1");
  EXPECT_EQ(message_of([] { arange(0, 5, 0); }), "arange: step must not be 0");
}
