// The gradient checker itself: that it accepts right rules, finds wrong ones and leaves its inputs
// as they were.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/autograd/function.h>
#include <reel/autograd/generator.h>
#include <reel/autograd/gradcheck.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>

#include <cstring>

using namespace reel;
using autograd::gradcheck;
using autograd::gradgradcheck;
using reel::tests::message_of;

namespace {

using Tensors = std::vector<Tensor>;

Tensor matrix(const std::vector<double>& values, const Shape& shape) {
  return from_vector(values, shape).requires_grad_();
}
Tensor example() { return matrix({0.5, -1.25, 2, 0.75, 1.5, -0.5}, {2, 3}); }

Tensor cubed(const Tensors& in) { return in[0] * in[0] * in[0]; }

// The derivative is 2 x, not 3 x.
struct WrongSquare : autograd::Function<WrongSquare> {
  static Tensor forward(autograd::Context& ctx, const Tensor& x) {
    ctx.save_for_backward({x});
    return x * x;
  }
  static Tensors backward(autograd::Context& ctx, const Tensors& grad) {
    return {grad[0] * 3 * ctx.saved()[0]};
  }
};

// Right once; but its gradient is cut from the tape, so it has no second derivative.
struct CutSquare : autograd::Function<CutSquare> {
  static Tensor forward(autograd::Context& ctx, const Tensor& x) {
    ctx.save_for_backward({x});
    return x * x;
  }
  static Tensors backward(autograd::Context& ctx, const Tensors& grad) {
    return {grad[0] * 2 * ctx.saved()[0].detach()};
  }
};

struct Drifting : autograd::Function<Drifting> {
  static inline int calls = 0;
  static Tensor forward(autograd::Context&, const Tensor& x) { return x * 2; }
  static Tensors backward(autograd::Context&, const Tensors& grad) {
    return {grad[0] * (2 + 1e-12 * ++calls)};
  }
};

// Wrong at one element of the second argument only.
struct WrongAt : autograd::Function<WrongAt> {
  static Tensor forward(autograd::Context&, const Tensor& a, const Tensor& b) { return a + b; }
  static Tensors backward(autograd::Context&, const Tensors& grad) {
    Tensor wrong = grad[0].clone();
    wrong.select(0, 1).select(0, 2).mul_(full({}, 5.0, {.dtype = kFloat64}));
    return {grad[0], wrong};
  }
};

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

}  // namespace

TEST(Gradcheck, accepts_right_rules) {
  EXPECT_TRUE(gradcheck(cubed, {example()}));
  EXPECT_TRUE(gradgradcheck(cubed, {example()}));
  const auto quotient = [](const Tensors& in) { return in[0] / in[1].exp(); };
  EXPECT_TRUE(gradcheck(quotient, {example(), matrix({1, 2, 3}, {3})}));
  EXPECT_TRUE(gradgradcheck(quotient, {example(), matrix({1, 2, 3}, {3})}));
}

TEST(Gradcheck, accepts_several_outputs) {
  const auto both = [](const Tensors& in) {
    return Tensors{in[0] * in[1], in[0].exp(), (in[1] > 0)};
  };
  EXPECT_TRUE(gradcheck(both, {example(), example()}));
  EXPECT_TRUE(gradgradcheck(both, {example(), example()}));
}

TEST(Gradcheck, finds_a_wrong_rule_and_prints_where) {
  testing::internal::CaptureStderr();
  const bool right =
      gradcheck([](const Tensors& in) { return WrongSquare::apply(in[0]); }, {matrix({2, 3}, {2})});
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_FALSE(right);
  expect_contains(printed, "WrongSquare");
  expect_contains(printed, "output 0, element [0]");
  expect_contains(printed, "input 0, element [0]");
  expect_contains(printed, "is 6 by backward and 4.0");
}

TEST(Gradcheck, names_input_and_element_when_it_raises) {
  const auto wrong = [](const Tensors& in) { return WrongAt::apply(in[0], in[1]); };
  const std::string text = message_of([&] {
    gradcheck(wrong, {example(), example()}, {.raise = true});
  });
  expect_contains(
      text,
      "gradcheck: WrongAt: the derivative of output 0, element [1, 2], by input 1, element [1, 2], "
      "is 5 by backward");
  expect_contains(text, "1 of 36 entries");
}

TEST(Gradcheck, finds_a_missing_second_derivative) {
  const auto cut = [](const Tensors& in) { return CutSquare::apply(in[0]); };
  EXPECT_TRUE(gradcheck(cut, {example()}));
  EXPECT_THROW(gradgradcheck(cut, {example()}, {.raise = true}), Error);
}

TEST(Gradcheck, finds_a_gradient_where_the_tape_was_cut) {
  const auto cut = [](const Tensors& in) { return in[0].detach() * 2; };
  EXPECT_THROW(gradcheck(cut, {example()}, {.raise = true}), Error);
}

TEST(Gradcheck, finds_walks_that_give_other_bits_each_time) {
  const auto drifting = [](const Tensors& in) { return Drifting::apply(in[0]); };
  expect_contains(message_of([&] { gradcheck(drifting, {example()}, {.raise = true}); }),
                  "different gradients");
}

TEST(Gradcheck, differentiates_by_forward_differences_on_request) {
  EXPECT_TRUE(gradcheck(cubed, {example()}, {.central = false}));
  EXPECT_FALSE([] {
    testing::internal::CaptureStderr();
    const bool right = gradcheck(cubed, {example()}, {.eps = 0.1, .central = false});
    testing::internal::GetCapturedStderr();
    return right;
  }());
}

TEST(Gradcheck, handles_strided_inputs) {
  const Tensor transposed = example().detach().t().requires_grad_();
  const Tensor stepped = example().detach().slice(1, 0, 3, 2).requires_grad_();
  ASSERT_FALSE(transposed.is_contiguous());
  ASSERT_FALSE(stepped.is_contiguous());
  EXPECT_TRUE(gradcheck(cubed, {transposed}, {.raise = true}));
  EXPECT_TRUE(gradgradcheck(cubed, {stepped}, {.raise = true}));
}

TEST(Gradcheck, handles_zero_dim_and_empty_inputs) {
  EXPECT_TRUE(gradcheck(cubed, {full({}, 1.5, {.dtype = kFloat64, .requires_grad = true})},
                        {.raise = true}));
  EXPECT_TRUE(gradcheck(cubed, {zeros({0, 3}, {.dtype = kFloat64, .requires_grad = true})},
                        {.raise = true}));
}

TEST(Gradcheck, leaves_inputs_as_they_were) {
  const Tensor x = matrix({0.1, 1e300, -0.0, 3}, {4});
  const Tensor before = x.detach().clone();
  const int64_t version = x.version();
  EXPECT_TRUE(gradcheck([](const Tensors& in) { return in[0] * 2; }, {x}, {.atol = 1e300}));
  EXPECT_EQ(std::memcmp(x.data<double>(), before.data<double>(), 4 * sizeof(double)), 0);
  EXPECT_EQ(x.version(), version);
  EXPECT_FALSE(x.grad().defined());
}

TEST(Gradcheck, restores_inputs_when_the_function_throws) {
  const Tensor x = matrix({1, 2}, {2});
  int calls = 0;
  const auto throws_later = [&](const Tensors& in) {
    if (++calls == 3) fail("enough");
    return in[0] * 2;
  };
  EXPECT_THROW(gradcheck(throws_later, {x}), Error);
  EXPECT_EQ(x.data<double>()[0], 1);
  EXPECT_EQ(x.data<double>()[1], 2);
}

TEST(Gradcheck, skips_inputs_that_need_no_gradient) {
  const auto scaled = [](const Tensors& in) { return in[0] * in[1]; };
  EXPECT_TRUE(gradcheck(scaled, {example(), full({3}, 2, {.dtype = kInt64})}, {.raise = true}));
  EXPECT_TRUE(gradgradcheck(scaled, {example(), full({3}, 2, {.dtype = kInt64})}, {.raise = true}));
}

TEST(Gradcheck, refuses_inputs_it_cannot_check) {
  const Tensor single = ones({2}, {.dtype = kFloat32, .requires_grad = true});
  EXPECT_THROW(gradcheck(cubed, {single}), TypeError);
  EXPECT_THROW(gradgradcheck(cubed, {single}), TypeError);
  expect_contains(message_of([&] { gradcheck(cubed, {single}); }), "float32");
  expect_contains(message_of([&] { gradcheck(cubed, {example().detach()}); }),
                  "at least one input must require grad");
  const Tensor expanded = example().detach().slice(1, 0, 1).expand({2, 3}).requires_grad_();
  expect_contains(message_of([&] { gradcheck(cubed, {expanded}); }), "must not overlap");
}

TEST(Gradcheck, records_under_no_grad) {
  NoGradGuard no_grad;
  EXPECT_TRUE(gradcheck(cubed, {example()}));
  EXPECT_TRUE(gradgradcheck(cubed, {example()}));
  EXPECT_FALSE(is_grad_enabled());
}

TEST(Gradcheck, takes_a_function_of_one_tensor) {
  const Tensor x = rand({3}, {.dtype = kFloat64, .requires_grad = true});
  EXPECT_TRUE(autograd::gradcheck([](const Tensor& a) { return a.tanh(); }, x));
  EXPECT_TRUE(autograd::gradgradcheck([](const Tensor& a) { return a.tanh(); }, x));
  EXPECT_FALSE(autograd::gradcheck([](const Tensor& a) { return a * a.detach(); }, x));
}

TEST(Gradcheck, leaves_the_default_generator_alone) {
  manual_seed(7);
  const Tensor expected = rand({4});
  manual_seed(7);
  EXPECT_TRUE(gradgradcheck(cubed, {example()}));
  EXPECT_TRUE(equal(rand({4}), expected));
}
