// The tape: recording, sweeping, accumulation, views and in-place changes, lifetimes.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <thread>

using namespace reel;
using reel::tests::message_of;

namespace {

constexpr TensorOptions kVariable = {.dtype = kFloat64, .requires_grad = true};

Tensor vector(std::initializer_list<double> values) {
  return from_vector(std::vector<double>(values), {static_cast<int64_t>(values.size())});
}

Tensor variable(std::initializer_list<double> values) { return vector(values).requires_grad_(); }

void expect_values(const Tensor& actual, std::initializer_list<double> expected) {
  ASSERT_TRUE(actual.defined());
  const Tensor flat = actual.detach().to(kFloat64).reshape({-1});
  ASSERT_EQ(flat.numel(), static_cast<int64_t>(expected.size()));
  int64_t i = 0;
  for (double value : expected)
    EXPECT_DOUBLE_EQ(flat[i++].item<double>(), value) << "element " << i - 1;
}

}  // namespace

TEST(Backward, gives_the_gradient_of_every_leaf) {
  const Tensor a = variable({1, 2, 3}), b = variable({4, 5, 6});
  (a * b + a).sum().backward();
  expect_values(a.grad(), {5, 6, 7});
  expect_values(b.grad(), {1, 2, 3});
}

TEST(Backward, accumulates_into_existing_grad) {
  const Tensor x = variable({1, 2});
  (x * x).sum().backward();
  const Tensor alias = x.grad();
  (x * x).sum().backward();
  expect_values(x.grad(), {4, 8});
  expect_values(alias, {4, 8});  // in place, as in PyTorch
}

TEST(Backward, sums_what_arrives_over_many_paths) {
  const Tensor x = variable({3});
  const Tensor y = x * x;
  (y * y + y + x).sum().backward();
  expect_values(x.grad(), {4 * 27 + 2 * 3 + 1});
}

TEST(Backward, doubling_thirty_times_visits_each_node_once) {
  const Tensor x = variable({1});
  Tensor y = x;
  for (int i = 0; i < 30; ++i) y = y + y;
  y.sum().backward();
  expect_values(x.grad(), {1073741824.0});
}

TEST(Backward, takes_a_gradient_for_outputs_of_many_elements) {
  const Tensor x = variable({1, 2, 3});
  (x * 2).backward(vector({1, 10, 100}));
  expect_values(x.grad(), {2, 20, 200});
}

TEST(Backward, does_not_give_two_leaves_the_same_buffer) {
  const Tensor a = variable({1}), b = variable({2});
  (a + b).sum().backward();
  NoGradGuard no_grad;
  Tensor g = a.grad();
  g += 1;
  expect_values(b.grad(), {1});
}

TEST(Backward, refuses_a_second_walk_through_freed_rules) {
  const Tensor x = variable({2});
  const Tensor y = (x * x).sum();
  y.backward();
  EXPECT_NE(message_of([&] { y.backward(); }).find("backward through the graph a second time"),
            std::string::npos);
  expect_values(x.grad(), {4});
}

TEST(Backward, walks_again_where_the_graph_is_retained_or_nothing_was_kept) {
  const Tensor x = variable({2});
  const Tensor y = (x * x).sum();
  y.backward({}, {.retain_graph = true});
  y.backward();
  expect_values(x.grad(), {8});
  const Tensor z = variable({5});
  const Tensor trunk = z + 1;
  trunk.sum().backward();
  trunk.sum().backward();
  expect_values(z.grad(), {2});
}

TEST(Backward, restricts_accumulation_to_chosen_inputs) {
  const Tensor a = variable({2}), b = variable({3});
  (a * b).sum().backward({}, {.inputs = {a}});
  expect_values(a.grad(), {3});
  EXPECT_FALSE(b.grad().defined());
}

TEST(Backward, unbroadcasts_and_casts_to_the_leaf) {
  const Tensor row = ones({3}, {.requires_grad = true});
  const Tensor matrix = ones({2, 3}, kVariable);
  (row * matrix).sum().backward();
  EXPECT_EQ(row.grad().dtype(), kFloat32);
  EXPECT_EQ(row.grad().shape(), (Shape{3}));
  expect_values(row.grad(), {2, 2, 2});
}

TEST(Grad, leaves_dot_grad_alone_and_differentiates_twice) {
  const Tensor x = variable({2});
  const Tensor g = autograd::grad((x * x * x).sum(), {x}, {.create_graph = true})[0];
  expect_values(g, {12});
  expect_values(autograd::grad(g.sum(), {x})[0], {12});
  EXPECT_FALSE(x.grad().defined());
}

TEST(Grad, of_intermediate_tensors) {
  const Tensor x = variable({2});
  const Tensor y = x * x;
  const Tensor z = (y * y).sum();
  const auto g = autograd::grad(z, {y, x});
  expect_values(g[0], {8});
  expect_values(g[1], {32});
}

TEST(Grad, says_which_input_is_unused) {
  const Tensor x = variable({2}), unused = variable({1});
  EXPECT_NE(message_of([&] {
              autograd::grad((x * x).sum(), {x, unused});
            }).find("input 1 was not used"),
            std::string::npos);
  EXPECT_FALSE(autograd::grad((x * x).sum(), {unused}, {.allow_unused = true})[0].defined());
}

TEST(Grad, jacobian_hessian_and_products_agree) {
  const auto f = [](const Tensor& x) { return (x * x * x).sum(); };
  const Tensor x = vector({1, -2}), v = vector({1, 1});
  expect_values(autograd::hessian(f, x), {6, 0, 0, -12});
  expect_values(autograd::hvp(f, x, v), {6, -12});
  const auto square = [](const Tensor& in) { return in * in; };
  expect_values(autograd::jacobian(square, x), {2, 0, 0, -4});
  expect_values(autograd::jvp(square, x, vector({1, 10})), {2, -40});
  expect_values(autograd::vjp(square, x, vector({1, 10})), {2, -40});
}

TEST(GradMode, guards_nest_and_recording_stops) {
  const Tensor x = variable({1});
  {
    NoGradGuard off;
    EXPECT_FALSE((x * 2).requires_grad());
    {
      EnableGradGuard on;
      EXPECT_TRUE((x * 2).requires_grad());
    }
    EXPECT_FALSE(is_grad_enabled());
  }
  EXPECT_TRUE((x * 2).requires_grad());
  EXPECT_FALSE(x.detach().requires_grad());
}

TEST(Anomaly, names_the_operation_whose_rule_gives_nan) {
  const Tensor x = variable({0});
  const auto backward = [&] { (sqrt(x) * 0).sum().backward(); };  // 0 / (2 sqrt 0)
  EXPECT_NO_THROW(backward());
  EXPECT_TRUE(std::isnan(x.grad().item<double>()));
  DetectAnomalyGuard guard;
  EXPECT_NE(message_of(backward).find("sqrt: the gradient rule"), std::string::npos);
}

TEST(Hooks, see_and_replace_the_complete_gradient) {
  const Tensor x = variable({1, 2});
  Tensor y = x * 3;
  Tensor seen;
  HookHandle watch = y.register_hook([&](const Tensor& g) { seen = g; });
  y.register_hook([](const Tensor& g) { return g * 10; });
  HookHandle leaf = x.register_hook([](const Tensor& g) { return g + 1; });
  (y + y).sum().backward();
  expect_values(seen, {2, 2});
  expect_values(x.grad(), {61, 61});
  watch.remove();
  leaf.remove();
  x.mutable_grad() = {};
  seen = {};
  (x * 3).sum().backward();
  EXPECT_FALSE(seen.defined());
  expect_values(x.grad(), {3, 3});
}

TEST(RetainGrad, keeps_the_gradient_of_a_recorded_tensor) {
  const Tensor x = variable({3});
  Tensor y = x * x;
  y.retain_grad();
  (y * y).sum().backward();
  expect_values(y.grad(), {18});
  EXPECT_FALSE(y.is_leaf());
}

TEST(InPlace, a_change_of_a_kept_value_is_noticed_in_the_ops_name) {
  const Tensor x = variable({2});
  Tensor y = x * 1;
  const Tensor z = (y * y).sum();
  y.add_(vector({1}));
  const std::string text = message_of([&] { z.backward(); });
  EXPECT_NE(text.find("mul: one of the variables needed for gradient computation has been modified "
                      "by an inplace"),
            std::string::npos)
      << text;
}

TEST(InPlace, leaves_that_require_grad_are_refused_while_recording) {
  Tensor x = variable({2});
  EXPECT_NE(message_of([&] { x += 1; }).find("add_: a leaf tensor that requires grad"),
            std::string::npos);
  expect_values(x, {2});
  Tensor view = x.reshape({1, 1});
  EXPECT_NE(message_of([&] { view.mul_(view); }).find("mul_: a view of a leaf tensor"),
            std::string::npos);
  NoGradGuard no_grad;
  x += 1;
  expect_values(x, {3});
  EXPECT_EQ(x.version(), 1);
}

TEST(InPlace, rebinds_a_recorded_tensor) {
  const Tensor x = variable({1, 2});
  Tensor y = x * 2;
  y.exp_();
  y *= x;
  y.sum().backward();
  const double e2 = std::exp(2.0), e4 = std::exp(4.0);
  expect_values(x.grad(), {e2 + 2 * e2, e4 + 4 * e4});
}

TEST(InPlace, a_change_of_a_view_reaches_its_base_and_its_other_views) {
  const Tensor x = variable({1, 2, 3}), w = variable({5});
  Tensor y = x * 1;
  const Tensor last = y.slice(0, 1, 3);
  Tensor middle = y[1];
  middle.mul_(w[0]);
  expect_values(y, {1, 10, 3});
  expect_values(last, {10, 3});
  (y * vector({1, 10, 100})).sum().backward({}, {.retain_graph = true});
  expect_values(x.grad(), {1, 50, 100});
  expect_values(w.grad(), {20});
  last.sum().backward();
  expect_values(x.grad(), {1, 55, 101});
  expect_values(w.grad(), {22});
}

TEST(InPlace, a_plain_tensor_that_takes_in_a_recorded_one_becomes_recorded) {
  const Tensor w = variable({5, 7});
  Tensor buffer = zeros({3}, {.dtype = kFloat64});
  buffer.slice(0, 0, 2).copy_(w);
  EXPECT_TRUE(buffer.requires_grad());
  (buffer * buffer).sum().backward();
  expect_values(w.grad(), {10, 14});
}

TEST(InPlace, overwriting_cuts_the_former_dependence) {
  const Tensor x = variable({1, 2});
  Tensor y = x * x;
  y[0].fill_(9);
  y.sum().backward();
  expect_values(y, {9, 4});
  expect_values(x.grad(), {0, 4});
}

TEST(InPlace, overlapping_operands_are_read_before_they_are_written) {
  Tensor x = from_vector(std::vector<double>{1, 2, 3, 4}, {2, 2});
  x.add_(x.t());
  expect_values(x, {2, 5, 5, 8});
  Tensor row = vector({1, 2, 3});
  row.slice(0, 1, 3).copy_(row.slice(0, 0, 2));
  expect_values(row, {1, 1, 2});
}

TEST(InPlace, a_kept_value_that_is_gone_is_refused) {
  const Tensor w = variable({2});
  Tensor p;
  {
    Tensor y = w * 3;
    p = y * w;
    y += 1;
  }
  EXPECT_NE(message_of([&] { p.sum().backward(); }).find("modified by an inplace operation"),
            std::string::npos);
  EXPECT_FALSE(w.grad().defined());
}

TEST(InPlace, a_view_made_before_its_base_was_recorded_follows_it) {
  const Tensor w = variable({2, 3});
  Tensor base = vector({1, 1});
  const Tensor view = base[1];
  EXPECT_FALSE(view.requires_grad());
  base.mul_(w * 2);
  EXPECT_TRUE(view.requires_grad());
  view.backward();
  expect_values(w.grad(), {0, 2});
}

TEST(InPlace, a_view_made_under_no_grad_is_refused_while_recording) {
  const Tensor x = variable({1, 2});
  Tensor y = x * 1;
  Tensor view = [&] {
    NoGradGuard no_grad;
    return y[0];
  }();
  EXPECT_NE(message_of([&] { view.mul_(view); }).find("made under NoGradGuard"), std::string::npos);
  expect_values(y, {1, 2});
  NoGradGuard no_grad;
  view.fill_(5);
  expect_values(y, {5, 2});
}

TEST(InPlace, expanded_tensors_are_refused_except_by_fill) {
  Tensor x = vector({1}).expand({3});
  EXPECT_NE(message_of([&] {
              x.add_(vector({1, 2, 3}));
            }).find("add_: an expanded tensor"),
            std::string::npos);
  EXPECT_THROW(x.uniform_(), Error);
  expect_values(x, {1, 1, 1});
  x.fill_(4);
  expect_values(x, {4, 4, 4});
}

TEST(InPlace, filling_gives_the_former_self_a_zero_gradient) {
  const Tensor x = variable({1, 2});
  Tensor y = x * 1;
  y.zero_();
  expect_values(autograd::grad(y.sum(), {x})[0], {0, 0});
}

TEST(InPlace, a_refused_change_of_a_view_changes_nothing) {
  const Tensor w = variable({2});
  Tensor base = zeros({2, 3}, {.dtype = kFloat64}).t();
  Tensor view = base[0];
  // The base of both is row-major in memory but the view's own base is its transpose's storage.
  Tensor scattered = Tensor(base.array());
  Tensor row = scattered[0];
  EXPECT_THROW(row.mul_(w), Error);
  EXPECT_EQ(row.version(), 0);
  expect_values(row, {0, 0});
}

TEST(InPlace, copying_records_the_copy_and_leaves_the_source_its_own) {
  const Tensor w = variable({3});
  Tensor x = vector({1});
  x.copy_(w);
  EXPECT_FALSE(x.is_leaf());
  (x * x).sum().backward();
  expect_values(w.grad(), {6});
  Tensor y = vector({1});
  const Tensor source = w * 2;
  y.copy_(source);
  EXPECT_NE(y.grad_fn(), source.grad_fn());
}

TEST(Backward, gradients_of_leaves_share_no_memory) {
  const Tensor a = variable({1}), b = variable({2});
  const Tensor g = vector({1});
  (a + b).backward(g);
  Tensor first = a.grad();
  NoGradGuard no_grad;
  first.fill_(9);
  expect_values(b.grad(), {1});
  expect_values(g, {1});
}

TEST(Backward, accumulates_into_the_inputs_that_are_named_only) {
  const Tensor x = variable({3}), w = variable({2});
  const Tensor h = x * w, y = h * h;
  y.backward({}, {.inputs = {h, w}});
  expect_values(h.grad(), {12});
  expect_values(w.grad(), {36});
  EXPECT_FALSE(x.grad().defined());
}

TEST(Backward, a_grad_of_another_form_is_refused_before_anything_changes) {
  const Tensor a = variable({1, 2}), b = variable({3});
  b.mutable_grad() = vector({1, 2, 3});
  EXPECT_NE(message_of([&] { (a.sum() * b).sum().backward(); }).find("got float64 of shape [3]"),
            std::string::npos);
  EXPECT_FALSE(a.grad().defined());
}

TEST(Grad, leaves_the_rules_of_what_it_stops_at) {
  const Tensor x = variable({3});
  const Tensor h = x * x, loss = h * h;
  const Tensor g = autograd::grad(loss, {h})[0];
  expect_values(g, {18});
  h.backward(g);
  expect_values(x.grad(), {108});
}

TEST(Hooks, may_detach_the_tensor_they_hang_on) {
  const Tensor x = variable({3});
  Tensor loss = x * x;
  loss.register_hook([&](const Tensor&) { loss.detach_(); });
  loss.backward();
  expect_values(x.grad(), {6});
}

TEST(Hooks, that_remove_themselves_do_not_silence_others) {
  const Tensor x = variable({3});
  const Tensor y = x * 2;
  std::vector<int> calls;
  HookHandle first = y.register_hook([&](const Tensor&) {
    calls.push_back(1);
    first.remove();
  });
  y.register_hook([&](const Tensor&) { calls.push_back(2); });
  y.backward({}, {.retain_graph = true});
  y.backward();
  EXPECT_EQ(calls, (std::vector<int>{1, 2, 2}));
}

TEST(Hooks, must_keep_shape_and_dtype) {
  const Tensor x = variable({3});
  const Tensor y = x * 2;
  y.register_hook([](const Tensor& g) { return g.to(kFloat32); });
  EXPECT_NE(message_of([&] { y.backward(); }).find("hook: the gradient must stay float64"),
            std::string::npos);
}

TEST(Hooks, may_sweep_the_same_graph) {
  const Tensor x = variable({3});
  const Tensor a = x * x, b = a * 2, c = a * 5;
  const Tensor y = b * c, z = c * b;  // 10 x^4
  Tensor inner;
  bool within = false;  // the inner sweep calls the hook, too
  b.register_hook([&](const Tensor&) {
    if (std::exchange(within, true)) return;
    inner = autograd::grad(z, {x}, {.retain_graph = true})[0];
  });
  y.backward();
  expect_values(x.grad(), {40 * 27});
  expect_values(inner, {40 * 27});
}

TEST(InPlace, windows_that_overlap_are_refused) {
  Tensor x = vector({1, 1, 1, 1});
  EXPECT_THROW(x.unfold(0, 2, 1).mul_(vector({2})), Error);
  expect_values(x, {1, 1, 1, 1});
}

TEST(InPlace, a_wider_operand_is_not_rounded_first) {
  Tensor x = full({2}, 1e-30);
  x.mul_(full({2}, 1e40, {.dtype = kFloat64}));
  EXPECT_NEAR(x[0].item<double>(), 1e10, 1e4);
}

TEST(InPlace, a_view_that_a_function_returned_refuses_to_follow_its_base) {
  struct Flat : autograd::Function<Flat> {
    static Tensor forward(autograd::Context&, const Tensor& x) { return x.view({-1}); }
    static std::vector<Tensor> backward(autograd::Context&, const std::vector<Tensor>& grad) {
      return {grad[0].reshape({2, 2}) * 10};
    }
  };
  const Tensor a = ones({2, 2}, {.dtype = kFloat64, .requires_grad = true});
  Tensor x = a * 1;
  const Tensor v = Flat::apply(x);
  x.select(0, 0).zero_();
  EXPECT_NE(message_of([&] { v.sum().backward(); }).find("a view that it returned"),
            std::string::npos);
}

TEST(AsStrided, of_a_recorded_tensor_stays_within_it) {
  const Tensor memory = zeros({1000}, {.dtype = kFloat64});
  const Tensor x = memory.narrow(0, 500, 5).detach().requires_grad_();
  EXPECT_THROW(x.as_strided({400}, {1}, 0), Error);
  EXPECT_THROW(x.as_strided({6}, {1}), Error);
  x.as_strided({2, 2}, {2, 1}).sum().backward();
  expect_values(x.grad(), {1, 1, 1, 1, 0});
}

TEST(RetainGrad, shares_no_memory_and_accepts_only_its_own_form) {
  const Tensor a = variable({1, 2});
  Tensor x = a * 1, y = a * 2;
  x.retain_grad();
  y.retain_grad();
  (x + y).sum().backward();
  x.mutable_grad().zero_();
  expect_values(y.grad(), {1, 1});
  Tensor z = a * 3;
  z.retain_grad();
  z.mutable_grad() = zeros({2});
  EXPECT_NE(message_of([&] { z.sum().backward(); }).find("must be like it, got float32"),
            std::string::npos);
}

TEST(Hooks, that_free_the_graph_are_found_out) {
  const Tensor a = variable({1, 2});
  Tensor x = (a + 1) * (a + 2);
  bool within = false;
  x.register_hook([&](const Tensor& g) {
    if (!std::exchange(within, true)) autograd::grad({x}, {a}, {.grad_outputs = {g}});
  });
  EXPECT_NE(message_of([&] { (x * 2).sum().backward(); }).find("second time"), std::string::npos);
  EXPECT_FALSE(a.grad().defined());
}

TEST(Detach, in_place_does_not_silently_shorten_a_second_derivative) {
  const Tensor a = variable({3});
  Tensor y = a * 1;
  const Tensor z = y * y * a;
  y.detach_();
  expect_values(autograd::grad(z, {a}, {.retain_graph = true})[0], {27});
  EXPECT_NE(message_of([&] { autograd::grad(z, {a}, {.create_graph = true}); }).find("detach_()"),
            std::string::npos);
}

TEST(Detach, of_a_changed_base_reaches_its_views) {
  const Tensor a = variable({1, 2});
  Tensor x = a * 1;
  const Tensor v = x.select(0, 0);
  x.mul_(vector({5, 5}));
  x.detach_();
  EXPECT_FALSE(v.requires_grad());
}

TEST(Item, refuses_what_the_type_cannot_hold) {
  EXPECT_THROW(full({}, NAN).item<int64_t>(), Error);
  EXPECT_THROW(full({}, 3e9).item<int32_t>(), Error);
  EXPECT_THROW(full({}, -1.5).item<uint8_t>(), Error);
  EXPECT_EQ(full({}, 255.5).item<uint8_t>(), 255);
  EXPECT_EQ(full({}, -2147483648.0, {.dtype = kFloat64}).item<int32_t>(), INT32_MIN);
}

TEST(Detach, shares_memory_and_versions) {
  const Tensor x = variable({2});
  const Tensor y = (x * x).sum();
  Tensor same = x.detach();
  same.fill_(7);
  expect_values(x, {7});
  EXPECT_NE(message_of([&] { y.backward(); }).find("modified by an inplace operation"),
            std::string::npos);
}

TEST(Lifetimes, a_long_chain_neither_recurses_nor_leaks) {
  const memory::Stats before = memory::stats();
  {
    const Tensor x = variable({1});
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y + 1;
    y.sum().backward();
    expect_values(x.grad(), {1});
  }
  EXPECT_EQ(memory::stats().live_nodes, before.live_nodes);
  EXPECT_EQ(memory::stats().live_storages, before.live_storages);
}

TEST(Lifetimes, evaluation_without_backward_does_not_grow) {
  const Tensor w = variable({2}), b = variable({3});
  int64_t in_use = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Tensor cost = (w * w + b).sum();
    if (i == 100) in_use = memory::stats().in_use;
  }
  EXPECT_LE(memory::stats().in_use, in_use);
}

TEST(Lifetimes, a_tensor_changed_by_what_was_computed_from_it_makes_no_circle) {
  const Tensor w = variable({2, 3});
  const memory::Stats before = memory::stats();
  for (int i = 0; i < 10; ++i) {
    Tensor x = w * 2;
    x.add_(x * w);  // x's new node depends on what keeps x
    x.mul_(x * w);
    Tensor buffer = zeros({2}, {.dtype = kFloat64});
    Tensor row = buffer.slice(0, 0, 1);
    row.add_(w.slice(0, 1, 2) * row);
    row.mul_(row * w.slice(0, 0, 1));
  }
  EXPECT_EQ(memory::stats().live_nodes, before.live_nodes);
  EXPECT_EQ(memory::stats().live_tensors, before.live_tensors);
  EXPECT_EQ(memory::stats().live_storages, before.live_storages);
}

TEST(Lifetimes, kept_views_of_a_changed_base_make_no_circle) {
  const Tensor w = variable({2, 3});
  const memory::Stats before = memory::stats();
  {
    Tensor x = w * 2;
    x.mul_(x.select(0, 0));
    Tensor z = zeros({5, 2}, {.dtype = kFloat64});
    for (int t = 1; t < 5; ++t) z.select(0, t).copy_(z.select(0, t - 1) * w);
  }
  EXPECT_EQ(memory::stats().live_nodes, before.live_nodes);
  EXPECT_EQ(memory::stats().live_tensors, before.live_tensors);
}

// A count of 20 or 24 bits would wrap.
TEST(Lifetimes, a_tensor_may_be_kept_and_held_millions_of_times) {
  const Tensor w = variable({1});
  Tensor kept = w * 1;
  {
    std::vector<Tensor> handles(size_t{1} << 24, kept);
    std::vector<Kept> values;
    values.reserve(size_t{1} << 20);
    for (int i = 0; i < 1 << 20; ++i) values.push_back(keep(kept));
  }
  expect_values(kept, {1});
  kept.add_(kept);
  kept.backward();
  expect_values(w.grad(), {2});
}

TEST(Lifetimes, a_failed_backward_changes_no_grad) {
  const Tensor a = variable({2}), b = variable({3});
  Tensor kept = b * 1;
  const Tensor y = (a * 2).sum() + (kept * kept).sum();
  kept.fill_(0);
  EXPECT_THROW(y.backward(), Error);
  EXPECT_FALSE(a.grad().defined());
  EXPECT_FALSE(b.grad().defined());
}

TEST(Threads, record_and_sweep_graphs_of_their_own_over_shared_leaves) {
  const Tensor w = variable({2, 3});
  std::vector<std::thread> threads;
  std::vector<double> results(4);
  for (size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 200; ++round) {
        const Tensor y = (w * w * static_cast<double>(i + 1)).sum();
        results[i] = autograd::grad(y, {w})[0].sum().item<double>();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_DOUBLE_EQ(results[i], 10.0 * static_cast<double>(i + 1));
}

TEST(Threads, lose_no_gradient_of_a_leaf_that_they_share) {
  const Tensor w = variable({1});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) (w * 1).backward();
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect_values(w.grad(), {2000});
}

TEST(Memory, counts_and_releases_what_is_cached) {
  const memory::Stats before = memory::stats();
  {
    const Tensor big = zeros({1 << 20});
    EXPECT_GE(memory::stats().in_use, before.in_use + (4 << 20));
  }
  EXPECT_EQ(memory::stats().in_use, before.in_use);
  EXPECT_GE(memory::stats().peak, before.in_use + (4 << 20));
  memory::release_cache();
  EXPECT_LT(memory::stats().cached, 4 << 20);
}
