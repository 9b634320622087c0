// Creation and random numbers. The streams are compared with PyTorch's, recorded in
// data/reference/random.json.
#include "message_of.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/dropout.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/random.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
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

// ---- the recorded calls -------------------------------------------------------------------------------------

// A recorded call is written as "name(arguments)", and a sampler in place as
// "empty([sizes], dtype).name_(arguments)".
struct Recorded {
  std::string name;
  std::vector<std::string> args;
};

// Arguments are parted by commas outside brackets.
Recorded parse(const std::string& text) {
  const size_t open = text.find('(');
  Recorded call{text.substr(0, open), {""}};
  int depth = 0;
  for (size_t i = open + 1; i + 1 < text.size(); ++i) {
    const char c = text[i];
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    if (c == ',' && depth == 0)
      call.args.emplace_back();
    else if (c != ' ' || depth > 0)
      call.args.back() += c;
  }
  return call;
}

std::vector<double> list_of(const std::string& text) { return json::parse(text); }

Shape shape_of(const std::string& text) {
  Shape shape;
  for (double size : list_of(text)) shape.push_back(static_cast<int64_t>(size));
  return shape;
}

TensorOptions options_of(const std::string& dtype) {
  return {.dtype = dtype == "float32" ? kFloat32 : kFloat64};
}

// Serves what tensors do by themselves; undefined for other calls.
Tensor serve(const std::string& text) {
  const size_t dot = text.find(").");
  if (dot != text.npos && text.starts_with("empty(")) {
    const Recorded made = parse(text.substr(0, dot + 1)), filled = parse(text.substr(dot + 2));
    Tensor x = empty(shape_of(made.args.at(0)), options_of(made.args.at(1)));
    const auto number = [&](size_t i) { return std::stod(filled.args.at(i)); };
    if (filled.name == "uniform_") return x.uniform_(number(0), number(1));
    if (filled.name == "normal_") return x.normal_(number(0), number(1));
    if (filled.name == "bernoulli_") return x.bernoulli_(number(0));
    if (filled.name == "exponential_") return x.exponential_(number(0));
    return {};
  }
  const auto [name, args] = parse(text);
  if (name == "rand") return rand(shape_of(args.at(0)), options_of(args.at(1)));
  if (name == "randn") return randn(shape_of(args.at(0)), options_of(args.at(1)));
  if (name == "randperm") return randperm(std::stoll(args.at(0)));
  if (name == "randint")
    return randint(std::stoll(args.at(0)), std::stoll(args.at(1)), shape_of(args.at(2)));
  if (name == "bernoulli") {
    const Recorded p = parse(args.at(0));
    return bernoulli(
        full(shape_of(p.args.at(0)), std::stod(p.args.at(1)), options_of(p.args.at(2))));
  }
  if (name == "multinomial") {
    const bool replacement = args.size() > 2 && args[2] == "replacement";
    return multinomial(tensor(list_of(args.at(0))), std::stoll(args.at(1)), replacement);
  }
  if (name == "dropout") {
    const Recorded ones_of = parse(args.at(0));
    const Tensor x = ones(shape_of(ones_of.args.at(0)), options_of(ones_of.args.at(1)));
    return dropout(x, {.p = std::stod(args.at(1)), .training = args.at(2) == "train"});
  }
  return {};
}

// What modules and loaders draw, which is compared where they are tested.
const char* const kElsewhere[] = {"init", "loader"};

// Uniforms and integers are equal bit by bit; what goes through log and cos is equal to rounding.
double tolerance(const std::string& call, const Tensor& drawn) {
  const bool transcendental = call.find("randn(") == 0 || call.find("normal_") != call.npos ||
                              call.find("exponential_") != call.npos;
  return !transcendental ? 0 : drawn.dtype() == kFloat32 ? 1e-6 : 1e-13;
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

// Of the folder that the other cases come from, where it has some.
json recorded_streams() {
  const char* chosen = std::getenv("REEL_REFERENCE_DIR");
  std::ifstream file(std::string(chosen ? chosen : "") + "/random.json");
  if (file) return json::parse(file);
  std::ifstream own(REEL_TEST_DATA_DIR "/reference/random.json");
  if (!own) fail("random.json is missing in {}", REEL_TEST_DATA_DIR);
  return json::parse(own);
}

}  // namespace

TEST(Random, streams_are_those_of_pytorch) {
  std::map<std::string, int> elsewhere;
  int served = 0;
  const json streams = recorded_streams();
  for (const json& entry : streams["cases"]) {
    const std::string name = entry["name"];
    const auto found = std::find_if(std::begin(kElsewhere), std::end(kElsewhere),
                                    [&](const char* family) { return name.starts_with(family); });
    if (found != std::end(kElsewhere)) {
      ++elsewhere[*found];
      continue;
    }
    manual_seed(entry["seed"].get<uint64_t>());
    for (const json& step : entry["calls"]) {
      const std::string call = step["call"];
      const Tensor drawn = serve(call);
      ASSERT_TRUE(drawn.defined()) << "unknown call: " << call;
      expect_recorded(drawn, step["result"], tolerance(call, drawn), name + ": " + call);
      ++served;
    }
  }
  EXPECT_GT(served, 0);
  for (const auto& [family, cases] : elsewhere)
    fmt::print("random: {} cases of {} belong to its own tests\n", cases, family);
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

// ---- samplers that no stream was recorded of: their moments ------------------------------------------------

double mean_of(const Tensor& x) { return x.to(kFloat64).mean().item<double>(); }

TEST(Random, samplers_have_the_moments_of_their_distributions) {
  manual_seed(11);
  Tensor x = empty(40000, {.dtype = kFloat64});
  EXPECT_NEAR(mean_of(geometric_(x, 0.25)), 4, 0.1);
  EXPECT_EQ(min(x).item<double>(), 1);
  EXPECT_NEAR(mean_of(log_normal_(x, 0.5, 0.25).log()), 0.5, 0.01);
  EXPECT_NEAR(mean_of((cauchy_(x, 2, 3) < 5).to(kFloat64)), 0.75, 0.01);
  EXPECT_NEAR(x.kthvalue(20000).values.item<double>(), 2, 0.1);
  for (double rate : {0.0, 0.5, 4.0, 30.0, 1000.0}) {
    const Tensor counts = poisson(full({40000}, rate, {.dtype = kFloat64}));
    const double spread = 5 * std::sqrt(rate / 40000);
    EXPECT_NEAR(mean_of(counts), rate, spread + 1e-12) << rate;
    EXPECT_NEAR(mean_of((counts - rate).square()), rate, 0.05 * rate) << rate;
  }
}

TEST(Random, normal_takes_a_mean_and_a_deviation_for_each_element) {
  const Tensor mean = tensor({0., 100., 200.}, {.dtype = kFloat64});
  const Tensor std = tensor({{1.}, {0.}}, {.dtype = kFloat64});
  manual_seed(4);
  const Tensor standard = randn({2, 3}, {.dtype = kFloat64});
  manual_seed(4);
  EXPECT_TRUE(equal(normal(mean, std), standard * std + mean));
  manual_seed(4);
  EXPECT_TRUE(equal(normal(mean.expand({2, 3}), 0), mean.expand({2, 3})));
  manual_seed(4);
  EXPECT_TRUE(equal(normal(5, std.expand({2, 3})), standard * std + 5));
  manual_seed(4);
  EXPECT_TRUE(equal(normal(0, 1, {2, 3}, {.dtype = kFloat64}), standard));
  EXPECT_FALSE(normal(mean.clone().requires_grad_(), std).requires_grad());
}

TEST(Random, bernoulli_takes_a_probability_for_each_element) {
  const Tensor p = tensor({0., 1.});
  Tensor x = empty({50, 2}, {.dtype = kInt64});
  bernoulli_(x, p);
  EXPECT_TRUE(equal(x, p.to(kInt64).expand({50, 2})));
  Tensor y = empty({2, 50});
  Tensor z = y.t();
  bernoulli_(z, p);
  EXPECT_TRUE(equal(y.t(), p.expand({50, 2})));
  EXPECT_EQ(numbers(bernoulli(ones(3), 1)), (std::vector<double>{1, 1, 1}));
}

TEST(Random, multinomial_draws_rows) {
  const Tensor weights = tensor({{0., 3., 1., 0.}, {1., 0., 0., 2.}});
  const Tensor pairs = multinomial(weights, 2);
  EXPECT_TRUE(equal(pairs.sort().values, tensor({{1, 2}, {0, 3}})));
  const Tensor many = multinomial(weights, 8000, true);
  EXPECT_EQ(many.shape(), Shape({2, 8000}));
  EXPECT_NEAR(mean_of((many[0] == 1).to(kFloat64)), 0.75, 0.02);
  EXPECT_NEAR(mean_of((many[1] == 3).to(kFloat64)), 2 / 3., 0.02);
  EXPECT_EQ(multinomial(weights[0], 1).shape(), Shape(1));
}

TEST(Random, random_without_bounds_fills_what_the_dtype_holds) {
  Tensor bits = empty(200, {.dtype = kBool}), bytes = empty(4000, {.dtype = kUInt8});
  Tensor wide = empty(200, {.dtype = kInt64}), real = empty(200);
  random_(bits), random_(bytes), random_(wide), random_(real);
  EXPECT_TRUE(any(bits) && !all(bits));
  EXPECT_EQ(max(bytes).item<uint8_t>(), 255);
  EXPECT_GT(max(wide).item<int64_t>(), int64_t{1} << 60);
  EXPECT_GE(min(wide).item<int64_t>(), 0);
  EXPECT_LE(max(real).item<float>(), 0x1p24f);
  EXPECT_TRUE(equal(real, real.to(kInt64).to(kFloat32)));
}

TEST(Random, a_generator_serves_every_maker) {
  Generator first(5), second(5);
  const uint64_t state = Generator(default_generator()).random64();
  const TensorOptions options{.dtype = kFloat64};
  for (const auto& draw : std::vector<std::function<Tensor(Generator&)>>{
           [&](Generator& g) { return rand({3}, options, g); },
           [&](Generator& g) { return randn({3}, options, g); },
           [&](Generator& g) { return randint(9, {3}, options, g); },
           [&](Generator& g) { return randperm(5, options, g); },
           [&](Generator& g) { return multinomial(ones(5), 2, true, g); },
           [&](Generator& g) { return poisson(ones(5) * 20, g); }}) {
    EXPECT_TRUE(equal(draw(first), draw(second)));
  }
  EXPECT_EQ(Generator(default_generator()).random64(), state);
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
