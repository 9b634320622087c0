// Layers whose first input tells their shapes.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

using namespace reel;
using reel::tests::message_of;

namespace {

// A lazy layer against the plain one that it becomes.
struct Row {
  std::string before, after;
  nn::ModulePtr lazy;
  std::function<nn::ModulePtr()> plain;
  Shape input;
  Shape refused;  // an input that has no channels, or too few dims
};

// clang-format off
std::vector<Row> rows() {
  return {
      {"LazyLinear(in_features=0, out_features=2, bias=True)", "Linear(in_features=3, out_features=2, bias=True)", nn::LazyLinear(2), [] { return nn::Linear(3, 2); }, {4, 3}, {4, 0}},
      {"LazyLinear(in_features=0, out_features=2, bias=False)", "Linear(in_features=3, out_features=2, bias=False)", nn::LazyLinear({.out_features = 2, .bias = false}), [] { return nn::Linear({.in_features = 3, .out_features = 2, .bias = false}); }, {3}, {}},
      {"LazyConv1d(0, 2, kernel_size=(3,), stride=(2,))", "Conv1d(3, 2, kernel_size=(3,), stride=(2,))", nn::LazyConv1d({.out_channels = 2, .kernel_size = 3, .stride = 2}), [] { return nn::Conv1d({.in_channels = 3, .out_channels = 2, .kernel_size = 3, .stride = 2}); }, {2, 3, 7}, {7}},
      {"LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, groups=2, padding_mode=reflect)", "Conv2d(6, 4, kernel_size=(3, 3), stride=(1, 1), padding=same, groups=2, padding_mode=reflect)", nn::LazyConv2d({.out_channels = 4, .kernel_size = 3, .padding = "same", .groups = 2, .padding_mode = nn::PaddingMode::Reflect}), [] { return nn::Conv2d({.in_channels = 6, .out_channels = 4, .kernel_size = 3, .padding = "same", .groups = 2, .padding_mode = nn::PaddingMode::Reflect}); }, {2, 6, 4, 5}, {1, 3, 4, 5}},
      {"LazyConv3d(0, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))", "Conv3d(3, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))", nn::LazyConv3d(2, 2), [] { return nn::Conv3d(3, 2, 2); }, {3, 2, 3, 4}, {3, 2, 3}},
      {"LazyConvTranspose1d(0, 2, kernel_size=(3,), stride=(1,))", "ConvTranspose1d(3, 2, kernel_size=(3,), stride=(1,))", nn::LazyConvTranspose1d(2, 3), [] { return nn::ConvTranspose1d(3, 2, 3); }, {1, 3, 2}, {1, 0, 2}},
      {"LazyConvTranspose2d(0, 4, kernel_size=(2, 2), stride=(1, 1), groups=2, bias=False)", "ConvTranspose2d(6, 4, kernel_size=(2, 2), stride=(1, 1), groups=2, bias=False)", nn::LazyConvTranspose2d({.out_channels = 4, .kernel_size = 2, .groups = 2, .bias = false}), [] { return nn::ConvTranspose2d({.in_channels = 6, .out_channels = 4, .kernel_size = 2, .groups = 2, .bias = false}); }, {1, 6, 2, 3}, {1, 3, 2, 3}},
      {"LazyConvTranspose3d(0, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))", "ConvTranspose3d(3, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))", nn::LazyConvTranspose3d(2, 2), [] { return nn::ConvTranspose3d(3, 2, 2); }, {1, 3, 2, 2, 2}, {2}},
      {"LazyBatchNorm1d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", nn::LazyBatchNorm1d(), [] { return nn::BatchNorm1d(3); }, {4, 3}, {1, 3}},
      {"LazyBatchNorm2d(0, eps=0.001, momentum=None, affine=False, track_running_stats=True)", "BatchNorm2d(3, eps=0.001, momentum=None, affine=False, track_running_stats=True)", nn::LazyBatchNorm2d({.eps = 1e-3, .momentum = {}, .affine = false}), [] { return nn::BatchNorm2d({.num_features = 3, .eps = 1e-3, .momentum = {}, .affine = false}); }, {2, 3, 2, 2}, {2, 0, 2, 2}},
      {"LazyBatchNorm3d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)", "BatchNorm3d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)", nn::LazyBatchNorm3d({.track_running_stats = false}), [] { return nn::BatchNorm3d({.num_features = 3, .track_running_stats = false}); }, {2, 3, 2, 1, 2}, {2, 3, 2}},
      {"LazyInstanceNorm1d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", "InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", nn::LazyInstanceNorm1d({.affine = true, .track_running_stats = true}), [] { return nn::InstanceNorm1d({.num_features = 3, .affine = true, .track_running_stats = true}); }, {2, 3, 4}, {2}},
      {"LazyInstanceNorm2d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)", "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)", nn::LazyInstanceNorm2d({.affine = true}), [] { return nn::InstanceNorm2d({.num_features = 3, .affine = true}); }, {3, 2, 4}, {2, 0, 2, 2}},
      {"LazyInstanceNorm3d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)", "InstanceNorm3d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=False)", nn::LazyInstanceNorm3d({.affine = true}), [] { return nn::InstanceNorm3d({.num_features = 3, .affine = true}); }, {2, 3, 2, 1, 2}, {2, 3}},
  };
}
// clang-format on

}  // namespace

TEST(Lazy, becomes_the_plain_layer_with_its_numbers) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.before);
    EXPECT_EQ(row.lazy->to_string(), row.before);
    const std::vector<Tensor> held = row.lazy->parameters();  // as an optimiser does
    const Tensor x = randn(row.input);
    manual_seed(1);
    const Tensor y = row.lazy->forward(x);
    manual_seed(1);
    const nn::ModulePtr plain = row.plain();
    EXPECT_EQ(row.lazy->to_string(), row.after);
    EXPECT_EQ(plain->to_string(), row.after);
    ASSERT_EQ(held.size(), plain->parameters().size());
    for (size_t i = 0; i < held.size(); ++i) {
      EXPECT_TRUE(equal(held[i].detach(), plain->parameters()[i].detach()));
      EXPECT_TRUE(held[i].requires_grad());
    }
    EXPECT_TRUE(equal(y.detach(), plain->forward(x).detach()));
    if (y.requires_grad()) y.sum().backward();
    for (const Tensor& parameter : held) EXPECT_TRUE(parameter.grad().defined());
    // The second input finds the parameters as they are.
    EXPECT_TRUE(equal(row.lazy->forward(x).detach(), y.detach()));
    EXPECT_EQ(row.lazy->buffers().size(), plain->buffers().size());
    plain->forward(x);
    for (size_t i = 0; i < plain->buffers().size(); ++i)
      EXPECT_TRUE(equal(row.lazy->buffers()[i], plain->buffers()[i]));
  }
}

TEST(Lazy, has_the_gradients_of_differences_in_both_modes) {
  manual_seed(2);
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.before);
    row.lazy->to(kFloat64);
    const Tensor x = randn(row.input, {.dtype = kFloat64, .requires_grad = true});
    row.lazy->forward(x.detach());
    std::vector<Tensor> variables = row.lazy->parameters();
    variables.push_back(x);
    const autograd::TensorFunction forward = [&](const std::vector<Tensor>&) {
      return row.lazy->forward(x);
    };
    for (const bool training : {true, false}) {
      row.lazy->train(training);
      EXPECT_TRUE(autograd::gradcheck(forward, variables, {.raise = true}));
    }
  }
}

TEST(Lazy, is_unchanged_by_an_input_that_is_refused) {
  for (const Row& row : rows()) {
    manual_seed(3);
    EXPECT_NE(message_of([&] { row.lazy->forward(zeros(row.refused)); }), "nothing was thrown");
    if (row.lazy->name() != "LazyLinear") {
      EXPECT_NE(message_of([&] {
                  row.lazy->forward(zeros(row.input, {.dtype = kInt64}));
                }).find("a floating input"),
                std::string::npos);
    }
    EXPECT_EQ(row.lazy->to_string(), row.before);
    const double next = rand({1}).item<double>();
    manual_seed(3);
    EXPECT_EQ(next, rand({1}).item<double>());
  }
}

TEST(Lazy, takes_shapes_from_a_state_too) {
  const nn::Conv2d plain(3, 2, 3);
  const nn::LazyConv2d lazy(2, 3);
  lazy->load_state_dict(plain->state_dict());
  const Tensor x = randn({1, 3, 5, 5});
  EXPECT_TRUE(equal(lazy(x).detach(), plain(x).detach()));
  EXPECT_EQ(lazy->to_string(), plain->to_string());
  EXPECT_TRUE(equal(lazy.clone()(x).detach(), plain(x).detach()));
}

TEST(Lazy, norm_without_tensors_takes_any_channels) {
  const nn::LazyInstanceNorm1d norm;
  EXPECT_EQ(norm(randn({2, 3, 4})).shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(norm(randn({2, 5, 4})).shape(), (Shape{2, 5, 4}));
}

TEST(Lazy, makes_the_size_that_is_asked_for) {
  const nn::LazyConvTranspose1d up({.out_channels = 1, .kernel_size = 3, .stride = 2});
  EXPECT_EQ(up(ones({1, 2, 3}), Shape{8}).shape(), (Shape{1, 1, 8}));
}

TEST(Lazy, refuses_options_that_make_no_sense) {
  EXPECT_EQ(message_of([] { nn::LazyLinear(0); }),
            "LazyLinear: out_features must be at least 1, got 0");
  EXPECT_EQ(
      message_of([] { nn::LazyConv2d({.in_channels = 3, .out_channels = 2, .kernel_size = 3}); }),
      "LazyConv2d: in_channels is that of the first input, got 3 beforehand");
  EXPECT_NE(message_of([] { nn::LazyConv2d(2, 0); }).find("kernel_size of at least 1"),
            std::string::npos);
}
