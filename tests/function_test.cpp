// Operations of one's own: arguments, outputs, saved tensors, derivatives of higher order,
// lifetimes, errors.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/autograd/backward.h>
#include <reel/autograd/function.h>
#include <reel/autograd/grad.h>
#include <reel/autograd/gradcheck.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>

using namespace reel;
using autograd::Context;
using autograd::Function;
using reel::tests::message_of;

namespace {

using Tensors = std::vector<Tensor>;

Tensor variable(const std::vector<double>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())}).requires_grad_();
}

void expect_values(const Tensor& actual, const std::vector<double>& expected) {
  ASSERT_TRUE(actual.defined());
  ASSERT_EQ(actual.numel(), static_cast<int64_t>(expected.size()));
  const Tensor flat = actual.detach().contiguous();
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_DOUBLE_EQ(flat.data<double>()[i], expected[i]) << "element " << i;
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

struct Cube : Function<Cube> {
  static Tensor forward(Context& ctx, const Tensor& x) {
    ctx.save_for_backward({x});
    return x * x * x;
  }
  static Tensors backward(Context& ctx, const Tensors& grad) {
    const Tensor x = ctx.saved()[0];
    return {grad[0] * 3 * x * x};
  }
};

// Saves its output.
struct Exponential : Function<Exponential> {
  static Tensor forward(Context& ctx, const Tensor& x) {
    const Tensor y = x.exp();
    ctx.save_for_backward({y});
    return y;
  }
  static Tensors backward(Context& ctx, const Tensors& grad) { return {grad[0] * ctx.saved()[0]}; }
};

// Two outputs of two inputs, both outputs saved: (exp(a) b, b b).
struct Pair : Function<Pair> {
  static inline int calls = 0;
  static Tensors forward(Context& ctx, const Tensor& a, const Tensor& b) {
    Tensors outputs{a.exp() * b, b * b};
    ctx.save_for_backward({a, b, outputs[0], outputs[1]});
    return outputs;
  }
  static Tensors backward(Context& ctx, const Tensors& grad) {
    ++calls;
    const Tensors saved = ctx.saved();
    return {grad[0] * saved[2], grad[0] * saved[0].exp() + grad[1] * 2 * saved[1]};
  }
};

struct Scale : Function<Scale> {
  static Tensor forward(Context& ctx, const Tensor& x, double factor, const std::string& name) {
    ctx.saved_data["factor"] = factor;
    ctx.saved_data["name"] = name;
    return x * factor;
  }
  static Tensors backward(Context& ctx, const Tensors& grad) {
    return {grad[0] * std::any_cast<double>(ctx.saved_data["factor"]), Tensor(), Tensor()};
  }
};

}  // namespace

TEST(Function, has_derivatives_of_every_order) {
  const Tensor x = variable({1, -2, 3});
  const Tensor y = Cube::apply(x);
  expect_values(y, {1, -8, 27});
  const Tensor g = autograd::grad(y.sum(), {x}, {.create_graph = true})[0];
  expect_values(g, {3, 12, 27});
  const Tensor gg = autograd::grad(g.sum(), {x}, {.create_graph = true})[0];
  expect_values(gg, {6, -12, 18});
  expect_values(autograd::grad(gg.sum(), {x})[0], {6, 6, 6});
}

TEST(Function, passes_gradcheck_and_gradgradcheck) {
  const auto cube = [](const Tensors& in) { return Cube::apply(in[0]); };
  const auto exponential = [](const Tensors& in) { return Exponential::apply(in[0]); };
  const auto pair = [](const Tensors& in) { return Pair::apply(in[0], in[1]); };
  const Tensors inputs{variable({1, -2, 3}), variable({0.5, 2, -1})};
  EXPECT_TRUE(autograd::gradcheck(cube, {inputs[0]}));
  EXPECT_TRUE(autograd::gradgradcheck(cube, {inputs[0]}));
  EXPECT_TRUE(autograd::gradcheck(exponential, {inputs[0]}));
  EXPECT_TRUE(autograd::gradgradcheck(exponential, {inputs[0]}));
  EXPECT_TRUE(autograd::gradcheck(pair, inputs));
  EXPECT_TRUE(autograd::gradgradcheck(pair, inputs));
}

TEST(Function, is_named_after_its_struct) {
  const Tensor y = Cube::apply(variable({1}));
  ASSERT_NE(y.grad_fn(), nullptr);
  EXPECT_STREQ(y.grad_fn()->name(), "Cube");
  expect_contains(y.to_string(), "grad_fn=<CubeBackward>");
}

TEST(Function, takes_arguments_that_are_no_tensors) {
  const Tensor x = variable({1, 2});
  const Tensor y = Scale::apply(x, 2.5, "two and a half");
  expect_values(y, {2.5, 5});
  y.sum().backward();
  expect_values(x.grad(), {2.5, 2.5});
}

TEST(Function, calls_backward_once_for_several_outputs) {
  const Tensor a = variable({0, 0}), b = variable({3, 4});
  const Tensors y = Pair::apply(a, b);
  expect_values(y[0], {3, 4});
  expect_values(y[1], {9, 16});
  Pair::calls = 0;
  (y[0] + y[1]).sum().backward();
  EXPECT_EQ(Pair::calls, 1);
  expect_values(a.grad(), {3, 4});
  expect_values(b.grad(), {7, 9});
}

TEST(Function, gives_zeros_for_outputs_that_were_not_used) {
  const Tensor a = variable({0, 0}), b = variable({3, 4});
  Pair::apply(a, b)[1].sum().backward();
  expect_values(a.grad(), {0, 0});
  expect_values(b.grad(), {6, 8});
}

TEST(Function, gives_undefined_gradients_when_told_not_to_materialise) {
  struct Split : Function<Split> {
    static Tensors forward(Context& ctx, const Tensor& x) {
      ctx.set_materialize_grads(false);
      return {x * 2, x * 3};
    }
    static Tensors backward(Context&, const Tensors& grad) {
      EXPECT_FALSE(grad[0].defined());
      return {grad[1] * 3};
    }
  };
  const Tensor x = variable({1, 2});
  Split::apply(x)[1].sum().backward();
  expect_values(x.grad(), {3, 3});
}

TEST(Function, differentiates_by_one_of_its_outputs) {
  const Tensor a = variable({1}), b = variable({3});
  const Tensors y = Pair::apply(a, b);
  const Tensor g =
      autograd::grad(y[0] * y[1], {a}, {.create_graph = true})[0];  // y0 is dy0/da: g = y1 y0
  expect_values(autograd::grad(g, {y[0]})[0], {9});
}

TEST(Function, skips_inputs_that_nobody_asks_for) {
  struct Product : Function<Product> {
    static Tensor forward(Context& ctx, const Tensor& a, const Tensor& b) {
      EXPECT_TRUE(ctx.needs_input_grad(0));
      EXPECT_FALSE(ctx.needs_input_grad(1));
      ctx.save_for_backward({b});
      return a * b;
    }
    static Tensors backward(Context& ctx, const Tensors& grad) {
      EXPECT_FALSE(ctx.needs_input_grad(1));
      return {grad[0] * ctx.saved()[0], Tensor()};
    }
  };
  const Tensor a = variable({1, 2}), b = variable({3, 4}).detach();
  Product::apply(a, b).sum().backward();
  expect_values(a.grad(), {3, 4});
  EXPECT_FALSE(b.grad().defined());
}

TEST(Function, records_nothing_where_nothing_is_asked) {
  EXPECT_FALSE(Cube::apply(variable({1}).detach()).requires_grad());
  NoGradGuard no_grad;
  EXPECT_FALSE(Cube::apply(variable({1})).requires_grad());
}

TEST(Function, leaves_marked_and_integer_outputs_off_the_tape) {
  struct Sorted : Function<Sorted> {
    static Tensors forward(Context& ctx, const Tensor& x) {
      Tensors outputs{x * 2, x * 3, x > 0};
      ctx.mark_non_differentiable({outputs[1]});
      return outputs;
    }
    static Tensors backward(Context&, const Tensors& grad) { return {grad[0] * 2}; }
  };
  const Tensor x = variable({1, 2});
  const Tensors y = Sorted::apply(x);
  EXPECT_TRUE(y[0].requires_grad());
  EXPECT_FALSE(y[1].requires_grad());
  EXPECT_FALSE(y[2].requires_grad());
  y[0].sum().backward();
  expect_values(x.grad(), {2, 2});
}

TEST(Function, does_not_rebind_an_input_that_it_returns) {
  struct Reverse : Function<Reverse> {
    static Tensor forward(Context&, const Tensor& x) { return x; }
    static Tensors backward(Context&, const Tensors& grad) { return {-grad[0]}; }
  };
  const Tensor x = variable({1, 2});
  const Tensor y = Reverse::apply(x);
  EXPECT_TRUE(x.is_leaf());
  EXPECT_FALSE(y.is_leaf());
  EXPECT_EQ(x.data<double>(), y.data<double>());
  (y * 3).sum().backward();
  expect_values(x.grad(), {-3, -3});
}

TEST(Function, frees_its_nodes_when_outputs_were_saved) {
  const int64_t nodes = memory::stats().live_nodes, tensors = memory::stats().live_tensors;
  {
    const Tensor a = variable({1, 2}), b = variable({3, 4});
    const Tensor y = Exponential::apply(a);
    const Tensors pair = Pair::apply(a, b);
    const Tensor g = autograd::grad(y.sum() + pair[0].sum(), {a}, {.create_graph = true})[0];
    EXPECT_GT(memory::stats().live_nodes, nodes);
  }
  EXPECT_EQ(memory::stats().live_nodes, nodes);
  EXPECT_EQ(memory::stats().live_tensors, tensors);
}

TEST(Function, frees_its_nodes_when_a_view_of_an_output_was_saved) {
  struct Viewed : Function<Viewed> {
    static Tensor forward(Context& ctx, const Tensor& x) {
      const Tensor y = x.exp();
      ctx.save_for_backward({y.unsqueeze(0)});
      return y;
    }
    static Tensors backward(Context& ctx, const Tensors& grad) {
      return {grad[0] * ctx.saved()[0].squeeze(0)};
    }
  };
  const int64_t nodes = memory::stats().live_nodes;
  Viewed::apply(variable({0, 0}));
  EXPECT_EQ(memory::stats().live_nodes, nodes);
}

TEST(Function, keeps_saved_outputs_after_the_output_itself_is_gone) {
  const Tensor a = variable({0, 0}), b = variable({3, 4});
  Tensor second;
  {
    const Tensors y = Pair::apply(a, b);
    second = y[1];
  }
  const Tensor g = autograd::grad(second.sum(), {b}, {.create_graph = true})[0];
  expect_values(g, {6, 8});
  expect_values(autograd::grad(g.sum(), {b})[0], {2, 2});
}

TEST(Function, refuses_a_second_backward_through_what_was_freed) {
  const Tensor x = variable({1, 2}), b = variable({3, 4});
  const Tensor y = Cube::apply(x).sum();
  y.backward();
  for (int again = 0; again < 2; ++again) {
    const std::string text = message_of([&] { y.backward(); });
    expect_contains(text, "Trying to backward through the graph a second time");
  }
  const Tensors pair = Pair::apply(x, b);
  pair[0].sum().backward();
  expect_contains(message_of([&] { pair[1].backward(ones_like(b.detach())); }),
                  "Pair: Trying to backward");
}

TEST(Function, forgets_gradients_of_a_walk_that_failed) {
  const Tensor a = variable({0, 0}), b = variable({3, 4});
  Tensors y = Pair::apply(a, b);
  int calls = 0;
  for (Tensor& output : y) {
    output.register_hook(std::function<void(const Tensor&)>([&](const Tensor&) {
      if (++calls == 2) fail("the gradient of the other output has arrived by now");
    }));
  }
  const Tensor sum = (y[0] + y[1]).sum();
  const auto walk = [&] { return autograd::grad(sum, {b}, {.retain_graph = true})[0]; };
  EXPECT_THROW(walk(), Error);
  expect_values(walk(), {7, 9});
}

TEST(Function, refuses_saved_tensors_that_were_changed_in_place) {
  const Tensor x = variable({1, 2});
  Tensor square = x * x;
  const Tensor y = Cube::apply(square);
  {
    NoGradGuard no_grad;
    square.add_(ones_like(x.detach()));
  }
  expect_contains(message_of([&] { y.sum().backward(); }),
                  "Cube: one of the variables needed for gradient");
}

TEST(Function, refuses_a_wrong_number_of_gradients) {
  struct Short : Function<Short> {
    static Tensor forward(Context&, const Tensor& a, const Tensor& b) { return a + b; }
    static Tensors backward(Context&, const Tensors& grad) { return {grad[0]}; }
  };
  const Tensor x = variable({1, 2});
  EXPECT_EQ(message_of([&] { Short::apply(x, x).sum().backward(); }),
            "Short: backward must return one gradient for each of 2 arguments, got 1");
}

TEST(Function, refuses_gradients_of_the_wrong_shape_or_place) {
  struct Misshapen : Function<Misshapen> {
    static Tensor forward(Context&, const Tensor& x) { return x * 2; }
    static Tensors backward(Context&, const Tensors&) { return {ones({5}, {.dtype = kFloat64})}; }
  };
  struct Misplaced : Function<Misplaced> {
    static Tensor forward(Context&, const Tensor& x, double factor) { return x * factor; }
    static Tensors backward(Context&, const Tensors& grad) { return {grad[0], grad[0]}; }
  };
  const Tensor x = variable({1, 2});
  EXPECT_EQ(message_of([&] { Misshapen::apply(x).sum().backward(); }),
            "Misshapen: backward must return a gradient of shape [2] for argument 0, got [5]");
  EXPECT_EQ(
      message_of([&] { Misplaced::apply(x, 2.0).sum().backward(); }),
      "Misplaced: backward must return an undefined tensor for argument 1, which is no tensor");
  EXPECT_FALSE(x.grad().defined());
}

TEST(Function, sums_gradients_that_were_broadcast) {
  struct Broadcast : Function<Broadcast> {
    static Tensor forward(Context&, const Tensor& a, const Tensor& b) { return a + b; }
    static Tensors backward(Context&, const Tensors& grad) { return {grad[0], grad[0]}; }
  };
  const Tensor a = variable({1, 2, 3}), b = variable({1});
  Broadcast::apply(a, b).sum().backward();
  expect_values(b.grad(), {3});
}
