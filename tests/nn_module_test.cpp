// Modules: lists by path, hooks, deep copies, lazy parameters, containers, printing.
#include "message_of.h"
#include "numbers.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <sstream>

using namespace reel;
using reel::tests::expect_is;
using reel::tests::message_of;

namespace {

template <class Entries>
std::vector<std::string> names(const Entries& entries) {
  std::vector<std::string> list;
  for (const auto& entry : entries) list.push_back(entry.name);
  return list;
}

using Names = std::vector<std::string>;

/// A model of one's own, with everything a clone must see to.
struct Net : nn::Module {
  nn::Linear first = register_module("first", nn::Linear(3, 4));
  nn::Sequential body = register_module("body", nn::Sequential(nn::Linear(4, 4), nn::ReLU()));
  nn::Linear again = register_module("again", first);
  Tensor scale = register_parameter("scale", ones({1}));
  Tensor none = register_parameter("none", Tensor());
  Tensor seen = register_buffer("seen", zeros({2}));
  Tensor cache = register_buffer("cache", zeros({2}), {.persistent = false});

  Tensor forward(Tensor x) { return body(first(x)) * scale; }
};

/// What is known of a module from outside.
std::string picture(nn::Module& module) {
  std::string text = fmt::format("{} {}", module, module.is_training());
  for (const auto& [name, value] : module.named_parameters())
    text += fmt::format("\n{} {} {}", name, value.requires_grad(), value.detach());
  for (const auto& [name, value] : module.named_buffers())
    text += fmt::format("\n{} {}", name, value);
  return text;
}

/// Learns its weight's shape from its first input, as LazyLinear does.
class LazyScaleImpl : public nn::Module {
 public:
  Tensor forward(const Tensor& x) override {
    if (has_uninitialized()) {
      NoGradGuard no_grad;
      materialize("weight", {x.size(-1)}).fill_(2);
      materialize("mean", {x.size(-1)}).fill_(1);
    }
    return x * weight - mean;
  }
  std::string name() const override { return has_uninitialized() ? "LazyScale" : "Scale"; }
  Tensor weight = register_lazy_parameter("weight");
  Tensor mean = register_lazy_buffer("mean");
};
using LazyScale = nn::Handle<LazyScaleImpl>;

struct Pair {
  Tensor output, state;
};
class TwoInputsImpl : public nn::Module {
 public:
  using Module::forward;
  Pair forward(const Tensor& x, const Tensor& y, double factor) {
    return {x * factor + y, x.detach()};
  }
  std::tuple<Tensor, int> forward(const Tensor& x, int count) { return {x * count, count}; }
};
using TwoInputs = nn::Handle<TwoInputsImpl>;

}  // namespace

// ---- lists -------------------------------------------------------------------------------------------------

TEST(Lists, hold_shared_modules_once_and_nothing_undefined) {
  Net net;
  EXPECT_EQ(names(net.named_modules()), (Names{"", "first", "body", "body.0", "body.1"}));
  EXPECT_EQ(names(net.named_children()), (Names{"first", "body"}));
  EXPECT_EQ(net.modules().front(), &net);
  EXPECT_EQ(names(net.named_parameters()),
            (Names{"scale", "first.weight", "first.bias", "body.0.weight", "body.0.bias"}));
  EXPECT_EQ(names(net.named_parameters(false)), Names{"scale"});
  EXPECT_EQ(names(net.named_buffers()), (Names{"seen", "cache"}));
  EXPECT_TRUE(net.buffers(false).size() == 2 && net.children().size() == 2);
  int visited = 0;
  net.apply([&](nn::Module&) { ++visited; });
  EXPECT_EQ(visited, 5);
}

TEST(Lists, give_parts_by_path) {
  Net net;
  EXPECT_EQ(net.get_parameter("body.0.weight").body(), net.body[0].as<nn::Linear>()->weight.body());
  EXPECT_EQ(net.get_buffer("seen").body(), net.seen.body());
  EXPECT_EQ(&net.get_submodule(""), &net);
  EXPECT_EQ(net.get_submodule("body.1").name(), "ReLU");
  EXPECT_EQ(message_of([&] { net.get_submodule("body.7.x"); }),
            "Sequential: there is no module \"7\"");
  EXPECT_EQ(message_of([&] { net.get_parameter("none"); }), "Net: there is no parameter \"none\"");
  EXPECT_EQ(message_of([&] { net.get_parameter("first.gain"); }),
            "Linear: there is no parameter \"gain\"");
  EXPECT_EQ(message_of([&] { net.get_buffer("scale"); }), "Net: there is no buffer \"scale\"");
}

TEST(Lists, refuse_what_cannot_be_registered) {
  Net net;
  const std::string before = picture(net);
  const struct {
    const char* says;
    std::function<void()> call;
  } rows[] = {
      {"Net: \"first\" is registered already", [&] { net.register_parameter("first", ones({1})); }},
      {"Net: \"none\" is registered already", [&] { net.register_buffer("none", ones({1})); }},
      {"Net: \"seen\" is registered already", [&] { net.register_module("seen", nn::ReLU()); }},
      {"Net: a name must not be empty", [&] { net.register_module("", nn::ReLU()); }},
      {"Net: a name must not hold a dot, got \"a.b\"",
       [&] { net.register_buffer("a.b", ones({1})); }},
      {"Net: module \"null\" is null",
       [&] { net.register_module("null", std::shared_ptr<Net>()); }},
      {"Net: parameter \"sum\" must be a leaf, got the result of an operation",
       [&] { net.register_parameter("sum", net.scale + 1); }},
      {"requires_grad_: only floating tensors can require grad, got int64",
       [&] { net.register_parameter("count", arange(3)); }},
      {"Net: there is no \"last\"", [&] { net.unregister("last"); }},
      {"Sequential: module \"2\" holds the one it is put into",
       [&] { net.body->push_back(nn::Sequential(nn::ReLU(), net.body)); }},
      {"Linear: this handle is empty", [] { nn::Linear(nullptr)(ones({1})); }},
      {"Linear: this handle is empty", [] { nn::Linear(nullptr)->eval(); }},
      {"to() expects a floating dtype, got int64", [&] { net.to(kInt64); }},
  };
  for (const auto& row : rows) {
    EXPECT_NE(message_of(row.call).find(row.says), std::string::npos) << message_of(row.call);
    EXPECT_EQ(picture(net), before) << row.says;
  }
}

TEST(Lists, take_others_in_place) {
  manual_seed(4);
  // A decoder that has the weight of the encoder.
  struct Tied : nn::Module {
    nn::Embedding encoder = register_module("encoder", nn::Embedding(10, 4));
    nn::Linear decoder = register_module("decoder", nn::Linear(4, 10));
    Tied() { decoder->weight = decoder->replace_parameter("weight", encoder->weight); }
    Tensor forward(const Tensor& x) override { return decoder(encoder(x)); }
  };
  Tied net;
  EXPECT_EQ(net.parameters().size(), 2u);
  EXPECT_EQ(net.state_dict().keys(),
            (std::vector<std::string>{"encoder.weight", "decoder.weight", "decoder.bias"}));
  const auto copy = nn::clone(net);
  EXPECT_EQ(copy->parameters().size(), 2u);
  const Tensor tokens = from_vector(std::vector<int64_t>{3, 1}, {2});
  EXPECT_TRUE(equal(copy->forward(tokens).detach(), net.forward(tokens).detach()));
  EXPECT_EQ(copy->decoder->weight.body(), copy->encoder->weight.body());
  net.forward(tokens).sum().backward();
  EXPECT_TRUE(net.encoder->weight.grad().defined());

  net.decoder = net.replace_module("decoder", nn::Linear(4, 2));
  EXPECT_EQ(net.forward(tokens).shape(), (Shape{2, 2}));
  EXPECT_EQ(net.children()[1], nn::ModulePtr(net.decoder));

  const std::string before = picture(net);
  EXPECT_EQ(message_of([&] { net.replace_module("head", nn::Linear(1, 1)); }),
            "Tied: there is no module \"head\"");
  EXPECT_EQ(message_of([&] { net.replace_module("decoder", nn::ModulePtr()); }),
            "Tied: module \"decoder\" is null");
  EXPECT_EQ(message_of([&] { net.decoder->replace_parameter("w", ones({1})); }),
            "Linear: there is no parameter \"w\"");
  EXPECT_EQ(message_of([&] { net.decoder->replace_parameter("weight", Tensor()); }),
            "Linear: parameter \"weight\" must be a leaf, got an undefined tensor");
  EXPECT_EQ(message_of([&] { net.decoder->replace_parameter("weight", net.decoder->weight * 2); }),
            "Linear: parameter \"weight\" must be a leaf, got the result of an operation");
  EXPECT_EQ(picture(net), before);
}

TEST(Lists, lose_what_is_unregistered) {
  Net net;
  net.unregister("scale");
  net.unregister("again");
  EXPECT_EQ(names(net.named_parameters(false)), Names{});
  net.register_parameter("scale", zeros({2}));
  EXPECT_EQ(net.get_parameter("scale").numel(), 2);
}

// ---- hooks -------------------------------------------------------------------------------------------------

TEST(Hooks, run_around_calls_in_order) {
  const nn::Lambda twice([](const Tensor& x) { return x * 2; });
  std::string order;
  auto before = twice->register_forward_pre_hook([&](nn::Module& module, auto& inputs) {
    order += module.name() + " before;";
    inputs[0] = inputs[0] + 1;
  });
  auto after = twice->register_forward_hook(
      [&](nn::Module&, const std::vector<Tensor>& inputs, Tensor& output) {
        order += fmt::format("after {} {};", inputs[0].item<int>(), output.item<int>());
        output = output + 100;
      });
  twice->register_forward_hook([&](nn::Module&, const auto&, Tensor& output) {
    order += fmt::format("last {};", output.item<int>());
  });
  EXPECT_EQ(twice(tensor(3.0)).item<int>(), 108);
  EXPECT_EQ(order, "Lambda before;after 4 8;last 108;");
  EXPECT_EQ(twice->forward(tensor(3.0)).item<int>(), 6);
  before.remove();
  after.remove();
  after.remove();
  EXPECT_EQ(twice(tensor(3.0)).item<int>(), 6);
}

TEST(Hooks, run_for_modules_inside_containers_and_called_as_base) {
  Net net;
  int calls = 0;
  net.apply([&](nn::Module& module) {
    module.register_forward_hook([&](nn::Module&, const auto&, Tensor&) { ++calls; });
  });
  net.forward(ones({2, 3}));  // not the hook of the net itself, which is not called
  EXPECT_EQ(calls, 4);
  nn::Sequential model(nn::ReLU(), [](const Tensor& x) { return x + 1; });
  for (const auto layer : model)
    layer->register_forward_hook([&](nn::Module&, const auto&, Tensor&) { ++calls; });
  (*model)(ones({1}));
  EXPECT_EQ(calls, 6);
  model[1](ones({1}));
  EXPECT_EQ(calls, 7);
}

TEST(Hooks, see_all_tensors_and_the_first_of_several_results) {
  const TwoInputs module;
  const auto hook = module->register_forward_pre_hook([](nn::Module&, auto& inputs) {
    if (inputs.size() == 2) std::swap(inputs[0], inputs[1]);
  });
  module->register_forward_hook([](nn::Module&, const std::vector<Tensor>& inputs, Tensor& output) {
    output = output + 10 * static_cast<double>(inputs.size());
  });
  const Pair pair = module(tensor(1.0), tensor(2.0), 4.0);
  EXPECT_EQ(pair.output.item<int>(), 2 * 4 + 1 + 20);
  EXPECT_EQ(pair.state.item<int>(), 2);
  const auto [y, count] = module(tensor(3.0), 2);
  EXPECT_EQ(y.item<int>(), 3 * 2 + 10);
  EXPECT_EQ(count, 2);
}

TEST(Hooks, may_remove_themselves_and_outlive_their_module) {
  int calls = 0;
  HookHandle handle([] {});
  {
    const nn::ReLU relu;
    handle = relu->register_forward_hook([&](nn::Module&, const auto&, Tensor&) {
      ++calls;
      handle.remove();
    });
    relu(ones({1}));
    relu(ones({1}));
  }
  EXPECT_EQ(calls, 1);
  handle.remove();
}

TEST(Hooks, must_be_functions) {
  nn::Sequential model{nn::ReLU()};
  EXPECT_EQ(message_of([&] { model->register_forward_hook({}); }),
            "Sequential: the hook is an empty function");
  EXPECT_EQ(message_of([&] { model->register_forward_pre_hook(nullptr); }),
            "Sequential: the hook is an empty function");
  EXPECT_EQ(message_of([&] { model->push_back(std::function<Tensor(const Tensor&)>()); }),
            "Lambda: the function is empty");
  EXPECT_EQ(model->size(), 1u);
}

TEST(Hooks, that_throw_leave_everything_as_it_was) {
  nn::Sequential model(nn::Linear(2, 2), nn::ReLU());
  const std::string before = picture(*model);
  const HookHandle handle = model[1]->register_forward_hook(
      [](nn::Module&, const auto&, Tensor&) { throw std::runtime_error("of the hook"); });
  EXPECT_THROW(model(ones({1, 2})), std::runtime_error);
  EXPECT_TRUE(is_grad_enabled());
  EXPECT_EQ(picture(*model), before);
}

TEST(Hooks, may_add_hooks_and_call_the_module_again) {
  nn::Linear fc(2, 2);
  int calls = 0;
  fc->register_forward_hook([&](nn::Module& module, const auto&, Tensor&) {
    if (++calls < 3) module(ones({1, 2}));
    for (int i = 0; i < 20; ++i)
      module.register_forward_hook([](nn::Module&, const auto&, Tensor&) {});
  });
  fc(ones({1, 2}));
  EXPECT_EQ(calls, 3);
}

TEST(Module, may_be_nested_deeply) {
  nn::Sequential model{nn::Linear(2, 2)};
  for (int i = 0; i < 300; ++i) model = nn::Sequential({{"inner", model}});
  model(ones({1, 2})).sum().backward();
  EXPECT_EQ(model->modules().size(), 302u);
  const nn::Sequential copy = model.clone();
  EXPECT_EQ(copy->state_dict().keys(), model->state_dict().keys());
  EXPECT_EQ(copy->to_string(), model->to_string());
  EXPECT_FALSE(copy->parameters()[0].grad().defined());
}

TEST(Module, converted_between_forward_and_backward) {
  nn::Sequential model(nn::Linear(2, 3), nn::Linear(3, 1));
  const Tensor once = model(ones({1, 2})).sum();
  model->to(kFloat64);
  // The second layer's weight is needed, and is not what it was.
  EXPECT_NE(message_of([&] { once.backward(); }), "nothing was thrown");
  nn::Linear last(2, 1);
  const Tensor y = last(ones({1, 2})).sum();
  last->to(kFloat64);
  y.backward();
  EXPECT_EQ(last->weight.grad().dtype(), kFloat64);
}

TEST(Hooks, must_leave_as_many_inputs) {
  const nn::ReLU relu;
  relu->register_forward_pre_hook([](nn::Module&, auto& inputs) { inputs.clear(); });
  EXPECT_EQ(message_of([&] { relu(ones({1})); }),
            "ReLU: a forward pre-hook must leave 1 inputs, got 0");
}

TEST(Hooks, pass_gradients) {
  const nn::Linear linear(2, 1);
  linear->register_forward_hook([](nn::Module&, const auto&, Tensor& y) { y = y * 3; });
  linear(ones({1, 2})).sum().backward();
  expect_is(linear->weight.grad(), {3, 3}, {1, 2});
}

// ---- clones ------------------------------------------------------------------------------------------------

namespace {

/// The clone is the same model, and nothing of one is in the other.
void expect_deep_copy(nn::Module& original, nn::Module& copy) {
  EXPECT_EQ(picture(copy), picture(original));
  std::vector<Tensor> all = original.parameters(), others = copy.parameters();
  for (const Tensor& buffer : original.buffers()) all.push_back(buffer);
  for (const Tensor& buffer : copy.buffers()) others.push_back(buffer);
  for (const Tensor& a : all) {
    for (const Tensor& b : others) EXPECT_NE(a.array().storage(), b.array().storage());
  }
  const auto modules = copy.modules();
  for (nn::Module* module : original.modules())
    EXPECT_EQ(std::count(modules.begin(), modules.end(), module), 0);
}

}  // namespace

TEST(Clone, copies_a_model_of_ones_own) {
  manual_seed(5);
  Net net;
  net.to(kFloat64).eval();
  net.first->train();
  net.first->bias.requires_grad_(false);
  {
    NoGradGuard no_grad;
    net.seen.fill_(7);
    net.scale.fill_(2);
  }
  const Generator before = default_generator();
  Generator drawn = before;
  const auto copy = nn::clone(net);
  EXPECT_EQ(default_generator().random(), drawn.random());
  expect_deep_copy(net, *copy);
  EXPECT_TRUE(copy->first->is_training());
  EXPECT_EQ(copy->first.ptr(), copy->again.ptr());
  const Tensor x = randn({5, 3}, {.dtype = kFloat64});
  EXPECT_TRUE(equal(net.forward(x), copy->forward(x)));
  {
    NoGradGuard no_grad;
    copy->scale.fill_(0);
  }
  EXPECT_EQ(net.scale.item<double>(), 2);
  EXPECT_FALSE(copy->none.defined());
}

TEST(Clone, copies_what_handles_made) {
  manual_seed(1);
  const nn::Linear shared(3, 3);
  nn::Sequential inner(nn::Linear({.in_features = 3, .out_features = 3, .bias = false}), shared);
  nn::Sequential model(inner, shared, [](const Tensor& x) { return x * 2; });
  model->add_module("late", nn::ModuleList(nn::ReLU(), inner));
  model->push_back(nn::Flatten({.start_dim = 0}));
  const nn::Sequential copy = model.clone();
  expect_deep_copy(*model, *copy);
  EXPECT_EQ(&*copy[0].as<nn::Sequential>()[1], &*copy[1]);
  EXPECT_EQ(&*copy["late"].as<nn::ModuleList>()[1], &*copy[0]);
  EXPECT_TRUE(equal(model[2](ones({2})), copy[2](ones({2}))));
  expect_deep_copy(*copy, *nn::clone(copy));
  expect_deep_copy(*model, *std::dynamic_pointer_cast<nn::SequentialImpl>(model->clone()));
}

TEST(Clone, takes_hooks_and_parameter_containers) {
  nn::Sequential model{nn::ReLU()};
  model->add_module("list", nn::ParameterList(ones({2}), zeros({3})));
  model->add_module("dict", nn::ParameterDict({{"a", ones({1})}}));
  int calls = 0, own = 0;
  model[0]->register_forward_hook([&](nn::Module&, const auto&, Tensor&) { ++calls; });
  model[0]->register_forward_hook([&](nn::Module&, const auto&, Tensor&) { ++own; },
                                  {.cloned = false});
  const nn::Sequential copy = model.clone();
  expect_deep_copy(*model, *copy);
  copy[0](ones({1}));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(own, 0);
}

namespace {

/// Made from a tensor and a module that others hold, too.
class TiedImpl : public nn::Module {
 public:
  TiedImpl(const Tensor& table, nn::Linear top, std::vector<nn::Linear> rest)
      : weight(register_parameter("weight", table)), head(register_module("head", top)) {
    for (size_t i = 0; i < rest.size(); ++i) register_module("rest" + std::to_string(i), rest[i]);
  }
  Tensor weight;
  nn::Linear head;
};
using Tied = nn::Handle<TiedImpl>;

struct Changing : nn::Module {
  nn::Linear layer = register_module("layer", nn::Linear(2, 2));
};
struct Sharing : nn::Module {
  static Tensor& common() {
    static thread_local Tensor tensor;
    return tensor;
  }
  Tensor weight = register_parameter("weight", common());
};
/// Ties two parameters, or modules, that another one made of it does not.
struct Ties : nn::Module {
  static bool& tied() {
    static thread_local bool value = true;
    return value;
  }
  Tensor a = register_parameter("a", ones({1}));
  Tensor b = register_parameter("b", tied() ? a : ones({1}));
};
struct NeedsArgument : nn::Module {
  explicit NeedsArgument(int) {}
};
struct FromOptions : nn::Module {
  struct Options {
    int64_t width = 1;
  };
  explicit FromOptions(const Options& chosen) : options(chosen) {}
  Tensor forward(const Tensor& x) override { return fc(x); }
  Options options;
  nn::Linear fc = register_module("fc", nn::Linear(2, options.width));
};

}  // namespace

TEST(Clone, keeps_ties_between_arguments) {
  const Tensor table = randn({2, 2});
  const nn::Linear head(2, 2);
  nn::Sequential model(Tied(table, head, std::vector{head, nn::Linear(1, 1)}),
                       Tied(table, nn::Linear(1, 1), std::vector<nn::Linear>{}));
  const nn::Sequential copy = model.clone();
  expect_deep_copy(*model, *copy);
  const auto first = copy[0].as<Tied>(), second = copy[1].as<Tied>();
  EXPECT_EQ(first->weight.body(), second->weight.body());
  EXPECT_EQ(&first->get_submodule("rest0"), first->head.ptr().get());
  EXPECT_EQ(copy->parameters().size(), model->parameters().size());
}

TEST(Clone, remakes_from_options) {
  FromOptions net({.width = 5});
  expect_deep_copy(net, *nn::clone(net));
  const nn::Sequential model(std::make_shared<FromOptions>(FromOptions::Options{.width = 3}));
  expect_deep_copy(*model, *model.clone());
}

TEST(Clone, repeats_changes_of_a_modules_lists) {
  nn::Linear linear(2, 2);
  const auto change = [](nn::Module& module) {
    module.register_parameter("gain", ones({2}));
    module.register_forward_hook(
        [&module](nn::Module&, const auto&, Tensor& y) { y = y * module.get_parameter("gain"); },
        {.cloned = false});
  };
  change(*linear);
  linear->repeat_on_clone(change);
  {
    NoGradGuard no_grad;
    linear->get_parameter("gain").fill_(3);
  }
  const nn::Linear copy = linear.clone().clone();
  expect_deep_copy(*linear, *copy);
  const Tensor x = randn({4, 2});
  EXPECT_TRUE(equal(linear(x), copy(x)));
}

TEST(Clone, refuses_what_it_cannot_remake) {
  Changing changed;
  changed.register_parameter("extra", ones({2}));
  EXPECT_EQ(message_of([&] { nn::clone(changed); }),
            "clone: Changing was changed since it was constructed: it has parameters extra, "
            "buffers, modules layer (Linear); made anew it has parameters, buffers, modules layer "
            "(Linear)");
  Changing replaced;
  replaced.unregister("layer");
  replaced.register_module("layer", nn::Linear(2, 3));
  EXPECT_NE(message_of([&] { nn::clone(replaced); }).find("weight [3, 2]"), std::string::npos);

  Sharing::common() = ones({1});
  Sharing sharing;
  EXPECT_EQ(message_of([&] { nn::clone(sharing); }),
            "clone: the constructor of Sharing gives a second one the very same weight; hand it "
            "over as an argument, of which a clone gets a copy");
  Sharing::common() = Tensor();
  for (bool tied : {true, false}) {
    Ties::tied() = tied;
    Ties ties;
    Ties::tied() = !tied;
    EXPECT_EQ(message_of([&] { nn::clone(ties); }),
              "clone: the tensors of Ties that are one and the same are others when it is made "
              "anew: b");
  }
  const nn::Sequential model(std::make_shared<NeedsArgument>(1));
  EXPECT_EQ(message_of([&] { model.clone(); }),
            "clone: how the NeedsArgument was made is not known: make it by a handle, or give it a "
            "default constructor and call nn::clone() with it");
}

// ---- lazy parameters ---------------------------------------------------------------------------------------

TEST(Lazy, modules_inside_a_model_are_cloned_before_and_after) {
  struct Model : nn::Module {
    LazyScale scale = register_module("scale", LazyScale());
    nn::Sequential rest = register_module("rest", nn::Sequential(LazyScale(), nn::Linear(3, 1)));
    Tensor forward(const Tensor& x) override { return rest(scale(x)); }
  } model;
  const auto before = nn::clone(model);
  const Tensor y = model.forward(ones({2, 3}));
  EXPECT_TRUE(before->scale->has_uninitialized());
  EXPECT_TRUE(equal(before->forward(ones({2, 3})), y));
  const auto after = nn::clone(model);
  EXPECT_EQ(after->get_parameter("rest.0.weight").numel(), 3);
  expect_deep_copy(model, *after);
}

TEST(Lazy, parameters_take_their_shape_from_the_first_input) {
  const LazyScale module;
  const Tensor held = module->parameters().at(0);
  EXPECT_EQ(held.shape(), Shape{0});
  EXPECT_TRUE(held.requires_grad() && module->has_uninitialized());
  EXPECT_EQ(message_of([&] { module->state_dict(); }),
            "LazyScale: weight has no shape yet; it waits for the first input");
  EXPECT_NE(message_of([&] { nn::save(module, "never.safetensors"); }).find("no shape yet"),
            std::string::npos);
  module->to(kFloat64);
  const LazyScale before = module.clone();
  const Tensor x = ones({2, 3}, {.dtype = kFloat64});
  module(x).sum().backward();
  expect_is(held, {2, 2, 2}, {3});
  expect_is(held.grad(), {2, 2, 2}, {3});
  EXPECT_FALSE(module->has_uninitialized());
  EXPECT_TRUE(before->has_uninitialized());
  EXPECT_EQ(message_of([&] { module->materialize("weight", {1}); }),
            "Scale: \"weight\" does not wait for its shape");

  const LazyScale after = module.clone();
  EXPECT_TRUE(equal(after(x), module(x)));
  before->load_state_dict(module->state_dict());
  EXPECT_FALSE(before->has_uninitialized());
  EXPECT_TRUE(equal(before(x), module(x)));
}

// ---- containers --------------------------------------------------------------------------------------------

TEST(Sequential, is_made_of_names_lambdas_and_modules_of_ones_own) {
  nn::Sequential pairs(std::pair("fc", nn::Linear(3, 2)),
                       std::pair(std::string("act"), nn::ReLU()));
  nn::Sequential list({{"fc", pairs["fc"]}, {"act", nn::Tanh()}});
  EXPECT_EQ(pairs->keys(), (Names{"fc", "act"}));
  EXPECT_EQ(list->keys(), (Names{"fc", "act"}));
  EXPECT_EQ(&*list[-2], &*pairs[0]);
  const nn::Sequential model(std::make_shared<Net>(), list["act"]);
  const Tensor x = ones({1, 3});
  EXPECT_TRUE(equal(model(x), model[0].as<Net>()->forward(x).tanh()));
}

TEST(Sequential, indexes_iterates_and_inserts) {
  nn::Sequential model{nn::ReLU(), nn::Tanh()};
  model->insert(1, nn::Linear(2, 2, false));
  model->insert(-1, [](const Tensor& x) { return x; });
  model->extend(*nn::Sequential(nn::Sigmoid()));
  Names classes;
  for (const auto layer : model) classes.push_back(layer->name());
  EXPECT_EQ(classes, (Names{"ReLU", "Linear", "Lambda", "Tanh", "Sigmoid"}));
  EXPECT_EQ(model->keys(), (Names{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(model[-1]->name(), "Sigmoid");
  EXPECT_TRUE(model[1].is<nn::Linear>() && !model[1].is<nn::ReLU>());
  EXPECT_FALSE(model[1].as<nn::Linear>()->bias.defined());
  EXPECT_EQ(message_of([&] { model[5]; }), "Sequential: index 5 is out of range for 5 entries");
  EXPECT_EQ(message_of([&] { model[-6]; }), "Sequential: index -6 is out of range for 5 entries");
  EXPECT_THROW(model->insert(7, nn::ReLU()), IndexError);
  EXPECT_EQ(message_of([&] { model["five"]; }), "Sequential: there is no module \"five\"");
  EXPECT_EQ(message_of([&] { model[0].as<Net>(); }), "as: the module is a ReLU, not a Net");
  EXPECT_THROW(model[0].as<nn::Tanh>(), TypeError);
  EXPECT_THROW(model->add_module("3", nn::ReLU()), Error);
  EXPECT_EQ(model->size(), 5u);
}

TEST(ModuleDict, finds_by_name) {
  const nn::ModuleDict modules({{"fc", nn::Linear(2, 1)}, {"act", nn::ReLU()}});
  modules->insert("more", nn::Tanh());
  EXPECT_EQ(modules->keys(), (Names{"fc", "act", "more"}));
  EXPECT_TRUE(modules->contains("act") && !modules->contains("0"));
  EXPECT_EQ(modules["fc"](ones({1, 2})).shape(), (Shape{1, 1}));
  for (const auto& [name, module] : modules) EXPECT_EQ(modules[name].operator->(), module.get());
  EXPECT_THROW(modules["none"], IndexError);
  EXPECT_EQ(names(modules->named_parameters()), (Names{"fc.weight", "fc.bias"}));
}

TEST(ParameterContainers, register_what_they_hold) {
  const nn::ParameterList list(ones({2}), zeros({1, 3}));
  list->push_back(ones({}));
  EXPECT_EQ(names(list->named_parameters()), (Names{"0", "1", "2"}));
  EXPECT_EQ(list[-2].shape(), (Shape{1, 3}));
  EXPECT_TRUE(list[0].requires_grad());
  EXPECT_EQ(message_of([&] { list[3]; }), "ParameterList: index 3 is out of range for 3 entries");
  const nn::ParameterDict dict({{"left", ones({2})}});
  dict->insert("right", zeros({1}));
  EXPECT_EQ(dict->keys(), (Names{"left", "right"}));
  EXPECT_EQ(dict["right"].numel(), 1);
  EXPECT_TRUE(dict->contains("left") && dict->size() == 2);
  EXPECT_EQ(message_of([&] { dict["up"]; }), "ParameterDict: there is no parameter \"up\"");
}

// ---- printing ----------------------------------------------------------------------------------------------

TEST(Printing, is_pytorchs) {
  struct Model : nn::Module {
    nn::ModuleList blocks =
        register_module("blocks", nn::ModuleList(nn::Linear(2, 2), nn::Linear(2, 2),
                                                 nn::Sequential(nn::ReLU()), nn::Linear(2, 2)));
    nn::ModuleDict heads = register_module("heads", nn::ModuleDict({{"a", nn::Tanh()}}));
    nn::Sequential nothing = register_module("nothing", nn::Sequential());
    std::string extra_repr() const override { return "width=2"; }
  };
  std::ostringstream stream;
  stream << Model() << '\n' << nn::ModuleList() << nn::Linear(2, 1, false);
  EXPECT_EQ(stream.str(),
            "Model(\n"
            "  width=2\n"
            "  (blocks): ModuleList(\n"
            "    (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)\n"
            "    (2): Sequential(\n"
            "      (0): ReLU()\n"
            "    )\n"
            "    (3): Linear(in_features=2, out_features=2, bias=True)\n"
            "  )\n"
            "  (heads): ModuleDict(\n"
            "    (a): Tanh()\n"
            "  )\n"
            "  (nothing): Sequential()\n"
            ")\n"
            "ModuleList()Linear(in_features=2, out_features=1, bias=False)");
  EXPECT_EQ(fmt::format("{}", nn::ParameterList(ones({2, 3}), ones({4}, {.dtype = kFloat64}))),
            "ParameterList(\n"
            "    (0): Parameter containing: [torch.float32 of size 2x3]\n"
            "    (1): Parameter containing: [torch.float64 of size 4]\n"
            ")");
  EXPECT_EQ(fmt::format("{}", nn::ParameterDict({{"w", ones({2})}})),
            "ParameterDict(  (w): Parameter containing: [torch.FloatTensor of size 2])");
}
