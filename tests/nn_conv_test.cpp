// Convolutions, pooling, padding and what else changes images, as modules. Their values are
// compared with PyTorch's in reference_test.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using reel::tests::message_of;
using Tensors = std::vector<Tensor>;

// ---- how they print, and their gradients ---------------------------------------------------------------------

namespace {

struct Row {
  std::string printed;  // by PyTorch
  nn::ModulePtr module;
  std::vector<Shape> shapes;  // of the inputs
  std::function<Tensor(const Tensors&)> forward;
};

template <class M>
Row row(const char* printed, const M& module, const Shape& shape) {
  return {printed, module, {shape}, [module](const Tensors& x) { return module(x[0]); }};
}
// Where the module has no derivative by other numbers.
Row of_positive(Row row) {
  row.forward = [inner = row.forward](const Tensors& x) { return inner({x[0].exp()}); };
  return row;
}
template <class M>
Row row_of_two(const char* printed, const M& module, const Shape& first, const Shape& second) {
  return {
      printed, module, {first, second}, [module](const Tensors& x) { return module(x[0], x[1]); }};
}
template <class M>
Row unpool_row(const char* printed, const M& module, const Shape& shape) {
  Tensor indices = (arange(shape.numel()) * 2).view(shape);
  return {printed, module, {shape}, [=](const Tensors& x) { return module(x[0], indices); }};
}

// clang-format off
std::vector<Row> rows() {
  using Mode = nn::PaddingMode;
  return {
      row("Conv1d(2, 3, kernel_size=(3,), stride=(2,), padding=(1,))", nn::Conv1d({.in_channels = 2, .out_channels = 3, .kernel_size = 3, .stride = 2, .padding = 1}), {2, 2, 5}),
      row("Conv1d(2, 2, kernel_size=(2,), stride=(1,), padding=same, padding_mode=circular)", nn::Conv1d({.in_channels = 2, .out_channels = 2, .kernel_size = 2, .padding = "same", .padding_mode = Mode::Circular}), {2, 4}),
      row("Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))", nn::Conv2d(1, 2, 3), {1, 1, 4, 3}),
      row("Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=valid)", nn::Conv2d({.in_channels = 1, .out_channels = 2, .kernel_size = 3, .padding = "valid", .padding_mode = Mode::Zeros}), {1, 4, 3}),
      row("Conv2d(1, 2, kernel_size=(4, 2), stride=(1, 1), padding=same, padding_mode=reflect)", nn::Conv2d({.in_channels = 1, .out_channels = 2, .kernel_size = {4, 2}, .padding = "same", .padding_mode = Mode::Reflect}), {1, 1, 4, 3}),
      row("Conv2d(2, 4, kernel_size=(2, 2), stride=(1, 2), padding=(1, 0), dilation=(2, 1), groups=2, bias=False)", nn::Conv2d({.in_channels = 2, .out_channels = 4, .kernel_size = 2, .stride = {1, 2}, .padding = {1, 0}, .dilation = {2, 1}, .groups = 2, .bias = false}), {1, 2, 3, 4}),
      row("Conv2d(1, 1, kernel_size=(2, 2), stride=(2, 2), padding=(1, 2), padding_mode=replicate)", nn::Conv2d({.in_channels = 1, .out_channels = 1, .kernel_size = 2, .stride = 2, .padding = {1, 2}, .padding_mode = Mode::Replicate}), {1, 1, 3, 4}),
      row("Conv3d(1, 2, kernel_size=(2, 1, 2), stride=(1, 1, 1), padding=same, padding_mode=circular)", nn::Conv3d({.in_channels = 1, .out_channels = 2, .kernel_size = {2, 1, 2}, .padding = "same", .padding_mode = Mode::Circular}), {1, 1, 2, 2, 3}),
      row("ConvTranspose1d(2, 1, kernel_size=(3,), stride=(2,), padding=(1,), output_padding=(1,))", nn::ConvTranspose1d({.in_channels = 2, .out_channels = 1, .kernel_size = 3, .stride = 2, .padding = 1, .output_padding = 1}), {2, 2, 3}),
      row("ConvTranspose2d(2, 4, kernel_size=(2, 3), stride=(1, 1), dilation=(2, 1), groups=2, bias=False)", nn::ConvTranspose2d({.in_channels = 2, .out_channels = 4, .kernel_size = {2, 3}, .groups = 2, .bias = false, .dilation = {2, 1}}), {1, 2, 2, 2}),
      row("ConvTranspose3d(1, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1))", nn::ConvTranspose3d(1, 2, 2), {1, 1, 2, 1, 2}),

      row("MaxPool1d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)", nn::MaxPool1d({.kernel_size = 3, .stride = 2, .padding = 1}), {1, 2, 7}),
      row("MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)", nn::MaxPool2d(2), {1, 2, 4, 5}),
      row("MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=(0, 1), dilation=1, ceil_mode=True)", nn::MaxPool2d({.kernel_size = {3, 2}, .stride = {2, 1}, .padding = {0, 1}, .ceil_mode = true}), {1, 1, 4, 5}),
      row("MaxPool3d(kernel_size=2, stride=1, padding=0, dilation=2, ceil_mode=False)", nn::MaxPool3d({.kernel_size = 2, .stride = 1, .dilation = 2}), {1, 1, 3, 4, 3}),
      row("AvgPool1d(kernel_size=(3,), stride=(3,), padding=(1,))", nn::AvgPool1d({.kernel_size = 3, .padding = 1}), {1, 2, 7}),
      row("AvgPool2d(kernel_size=3, stride=2, padding=0)", nn::AvgPool2d(3, 2), {1, 2, 5, 5}),
      row("AvgPool3d(kernel_size=(1, 2, 2), stride=(1, 2, 2), padding=0)", nn::AvgPool3d({.kernel_size = {1, 2, 2}}), {1, 1, 2, 4, 3}),
      row("LPPool1d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)", nn::LPPool1d(2, 3), {1, 2, 7}),
      of_positive(row("LPPool2d(norm_type=1.5, kernel_size=2, stride=(2, 1), ceil_mode=True)", nn::LPPool2d({.norm_type = 1.5, .kernel_size = 2, .stride = {2, 1}, .ceil_mode = true}), {1, 1, 3, 3})),
      row("AdaptiveAvgPool1d(output_size=3)", nn::AdaptiveAvgPool1d(3), {1, 2, 7}),
      row("AdaptiveAvgPool2d(output_size=(None, 2))", nn::AdaptiveAvgPool2d({.output_size = {None, 2}}), {1, 2, 3, 5}),
      row("AdaptiveAvgPool3d(output_size=(1, 2, 2))", nn::AdaptiveAvgPool3d({.output_size = {1, 2, 2}}), {1, 1, 3, 3, 2}),
      row("AdaptiveMaxPool1d(output_size=4)", nn::AdaptiveMaxPool1d(4), {1, 2, 7}),
      row("AdaptiveMaxPool2d(output_size=(3, None))", nn::AdaptiveMaxPool2d({.output_size = {3, None}}), {1, 2, 5, 2}),
      row("AdaptiveMaxPool3d(output_size=2)", nn::AdaptiveMaxPool3d(2), {1, 1, 3, 3, 2}),
      row("FractionalMaxPool2d()", nn::FractionalMaxPool2d({.kernel_size = 2, .output_size = {3, 2}, .random_samples = full({2, 1, 2}, 0.3, {.dtype = kFloat64})}), {2, 1, 5, 4}),
      row("FractionalMaxPool3d()", nn::FractionalMaxPool3d({.kernel_size = 2, .output_ratio = 0.5, .random_samples = full({1, 2, 3}, 0.6, {.dtype = kFloat64})}), {1, 2, 4, 4, 4}),
      unpool_row("MaxUnpool1d(kernel_size=(2,), stride=(2,), padding=(0,))", nn::MaxUnpool1d(2), {1, 1, 3}),
      unpool_row("MaxUnpool2d(kernel_size=(2, 2), stride=(2, 3), padding=(0, 0))", nn::MaxUnpool2d({.kernel_size = 2, .stride = {2, 3}}), {1, 1, 2, 2}),
      unpool_row("MaxUnpool3d(kernel_size=(2, 2, 2), stride=(2, 2, 2), padding=(0, 0, 0))", nn::MaxUnpool3d(2), {1, 1, 1, 2, 2}),

      row("ReflectionPad1d((2, 2))", nn::ReflectionPad1d(2), {1, 2, 4}),
      row("ReflectionPad2d((1, 0, 2, 1))", nn::ReflectionPad2d({.padding = {1, 0, 2, 1}}), {1, 1, 3, 3}),
      row("ReflectionPad3d((1, 1, 1, 1, 1, 1))", nn::ReflectionPad3d(1), {1, 1, 2, 2, 2}),
      row("ReplicationPad1d((3, 1))", nn::ReplicationPad1d({.padding = {3, 1}}), {2, 3}),
      row("ReplicationPad2d((1, 1, 1, 1))", nn::ReplicationPad2d(1), {1, 1, 2, 2}),
      row("ReplicationPad3d((1, 0, 0, 1, 2, 0))", nn::ReplicationPad3d({.padding = {1, 0, 0, 1, 2, 0}}), {1, 1, 2, 2, 2}),
      row("CircularPad1d((1, 2))", nn::CircularPad1d({.padding = {1, 2}}), {1, 1, 3}),
      row("CircularPad2d((1, 1, 1, 1))", nn::CircularPad2d(1), {1, 1, 3, 2}),
      row("CircularPad3d((1, 1, 1, 1, 1, 1))", nn::CircularPad3d(1), {1, 1, 2, 1, 2}),
      row("ConstantPad1d(padding=(2, 2), value=3.5)", nn::ConstantPad1d(2, 3.5), {2, 3}),
      row("ConstantPad2d(padding=(1, -1, 0, 2), value=2)", nn::ConstantPad2d({.padding = {1, -1, 0, 2}, .value = 2}), {1, 2, 3}),
      row("ConstantPad3d(padding=(1, 1, 1, 1, 1, 1), value=0.1)", nn::ConstantPad3d(1, 0.1), {1, 1, 2, 1}),
      row("ZeroPad2d(padding=(1, 1, 1, 1), value=0.0)", nn::ZeroPad2d(1), {1, 2, 2}),

      row("Upsample(scale_factor=2.0, mode=nearest)", nn::Upsample({.scale_factor = 2}), {1, 1, 2, 3}),
      row("Upsample(scale_factor=(2.0, 1.5), mode=bicubic)", nn::Upsample({.scale_factor = {2, 1.5}, .mode = "bicubic"}), {1, 1, 2, 4}),
      row("Upsample(size=5, mode=linear)", nn::Upsample({.size = 5, .mode = "linear", .align_corners = true}), {1, 2, 3}),
      row("UpsamplingNearest2d(size=(3, 4), mode=nearest)", nn::UpsamplingNearest2d({.size = {3, 4}}), {1, 1, 2, 2}),
      row("UpsamplingBilinear2d(scale_factor=2.0, mode=bilinear)", nn::UpsamplingBilinear2d({.scale_factor = 2}), {1, 1, 2, 3}),
      row("PixelShuffle(upscale_factor=2)", nn::PixelShuffle(2), {1, 4, 1, 2}),
      row("PixelUnshuffle(downscale_factor=2)", nn::PixelUnshuffle(2), {1, 1, 2, 4}),
      row("ChannelShuffle(groups=2)", nn::ChannelShuffle(2), {1, 4, 2}),
      row("Unfold(kernel_size=(2, 3), dilation=1, padding=0, stride=1)", nn::Unfold({.kernel_size = {2, 3}}), {1, 2, 3, 4}),
      row("Unfold(kernel_size=2, dilation=1, padding=0, stride=1)", nn::Unfold(2), {1, 3, 3}),
      row("Fold(output_size=(3, 4), kernel_size=2, dilation=1, padding=0, stride=1)", nn::Fold({.output_size = {3, 4}, .kernel_size = 2}), {1, 4, 6}),
      row("Unflatten(dim=1, unflattened_size=(2, -1))", nn::Unflatten(1, Shape{2, -1}), {2, 4}),

      row_of_two("Bilinear(in1_features=2, in2_features=3, out_features=2, bias=True)", nn::Bilinear(2, 3, 2), {4, 2}, {4, 3}),
      row_of_two("Bilinear(in1_features=2, in2_features=1, out_features=2, bias=False)", nn::Bilinear({.in1_features = 2, .in2_features = 1, .out_features = 2, .bias = false}), {2}, {1}),
      row_of_two("CosineSimilarity()", nn::CosineSimilarity({.dim = 0}), {3, 2}, {3, 2}),
      row_of_two("PairwiseDistance()", nn::PairwiseDistance(), {3, 2}, {3, 2}),
  };
}
// clang-format on

}  // namespace

TEST(ImageModules, print_as_pytorch_does) {
  for (const Row& row : rows()) EXPECT_EQ(row.module->to_string(), row.printed);
}

TEST(ImageModules, have_the_gradients_of_differences_in_both_modes) {
  manual_seed(1);
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.printed);
    row.module->to(kFloat64);
    Tensors variables;
    for (const Shape& shape : row.shapes)
      variables.push_back(randn(shape, {.dtype = kFloat64}).requires_grad_());
    for (const Tensor& parameter : row.module->parameters()) variables.push_back(parameter);
    for (const bool training : {true, false}) {
      row.module->train(training);
      EXPECT_TRUE(autograd::gradcheck(row.forward, variables, {.raise = true}));
    }
  }
}

// ---- initial numbers -----------------------------------------------------------------------------------------

namespace {

// What PyTorch draws: both uniform in +-1/sqrt(fan_in), weight before bias.
template <class F>
void expect_uniform_start(F make, const Shape& weight, const Shape& bias, int64_t fan_in) {
  manual_seed(7);
  const auto module = make();
  manual_seed(7);
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  EXPECT_TRUE(equal(module->weight.detach(), empty(weight).uniform_(-bound, bound)));
  EXPECT_TRUE(equal(module->bias.detach(), empty(bias).uniform_(-bound, bound)));
}

}  // namespace

// clang-format off
TEST(Conv, starts_with_pytorchs_numbers) {
  expect_uniform_start([] { return nn::Conv1d(4, 6, 3); }, {6, 4, 3}, {6}, 12);
  expect_uniform_start([] { return nn::Conv2d({.in_channels = 4, .out_channels = 6, .kernel_size = {3, 2}, .groups = 2}); }, {6, 2, 3, 2}, {6}, 12);
  expect_uniform_start([] { return nn::Conv3d(1, 2, 2); }, {2, 1, 2, 2, 2}, {2}, 8);
  // PyTorch takes size(1) of the weight for the fan of transposed ones too.
  expect_uniform_start([] { return nn::ConvTranspose2d({.in_channels = 4, .out_channels = 6, .kernel_size = 3, .groups = 2}); }, {4, 3, 3, 3}, {6}, 27);
  expect_uniform_start([] { return nn::Bilinear(3, 4, 2); }, {2, 3, 4}, {2}, 3);
}
// clang-format on

TEST(Conv, starts_with_the_numbers_of_seed_0) {
  // torch.manual_seed(0); torch.rand(10)
  const double drawn[] = {0.4963, 0.7682, 0.0885, 0.1320, 0.3074,
                          0.6341, 0.4901, 0.8964, 0.4556, 0.6323};
  manual_seed(0);
  const nn::Conv2d conv(1, 1, 3);
  const Tensor weight = conv->weight.detach().flatten();
  for (int i = 0; i < 9; ++i)
    EXPECT_NEAR(weight[i].item<double>(), (2 * drawn[i] - 1) / 3, 1e-4) << i;
  EXPECT_NEAR(conv->bias.item<double>(), (2 * drawn[9] - 1) / 3, 1e-4);
}

// ---- what the course computes --------------------------------------------------------------------------------

namespace {

nn::Conv2d with_kernel(const Tensor& kernel, nn::PaddingMode mode) {
  nn::Conv2d conv({.in_channels = 1,
                   .out_channels = 1,
                   .kernel_size = 3,
                   .padding = "same",
                   .bias = false,
                   .padding_mode = mode});
  NoGradGuard no_grad;
  conv->weight.copy_(kernel.view({1, 1, 3, 3}));
  return conv;
}

// A convolution [1, 1, rows, columns] as the double loop that defines it.
Tensor naive(const Tensor& image, const Tensor& kernel) {
  const int64_t rows = image.size(0) - kernel.size(0) + 1;
  const int64_t columns = image.size(1) - kernel.size(1) + 1;
  Tensor result = zeros({rows, columns}, {.dtype = image.dtype()});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      const Tensor seen = image.slice(0, i, i + kernel.size(0)).slice(1, j, j + kernel.size(1));
      result[i][j].copy_((seen * kernel).sum());
    }
  }
  return result;
}

Shape sizes(const nn::Conv2d& conv, const Shape& image) {
  return conv(zeros({1, 1, image[0], image[1]})).shape();
}

}  // namespace

TEST(CourseConvolution, makes_images_of_these_sizes) {
  const auto conv = [](const IntList& kernel, const IntList& stride, int padding) {
    return nn::Conv2d({.in_channels = 1,
                       .out_channels = 1,
                       .kernel_size = kernel,
                       .stride = stride,
                       .padding = padding});
  };
  EXPECT_EQ(sizes(conv(3, 1, 1), {10, 10}), (Shape{1, 1, 10, 10}));
  EXPECT_EQ(sizes(conv(3, 2, 1), {10, 10}), (Shape{1, 1, 5, 5}));
  EXPECT_EQ(sizes(conv(3, 1, 0), {14, 11}), (Shape{1, 1, 12, 9}));
  EXPECT_EQ(sizes(conv(7, 1, 0), {14, 11}), (Shape{1, 1, 8, 5}));
  const nn::Conv2d whole = conv({14, 11}, 1, 0);
  EXPECT_EQ(sizes(whole, {14, 11}), (Shape{1, 1, 1, 1}));
  EXPECT_EQ(whole->weight.numel(), 154);
}

TEST(CourseConvolution, filters_edges) {
  const Tensor image = arange(1, 10).to(kFloat32).view({1, 1, 3, 3});
  struct Filter {
    Tensor kernel, zeros, reflect;
  };
  const Filter filters[] = {
      {tensor({{0, 1, 0}, {1, -4, 1}, {0, 1, 0}}),
       tensor({{2, 1, -4}, {-3, 0, -7}, {-16, -11, -22}}),
       tensor({{8, 6, 4}, {2, 0, -2}, {-4, -6, -8}})},
      {tensor({{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}),
       tensor({{9, 6, -9}, {20, 8, -20}, {21, 6, -21}}), tensor({{0, 8, 0}, {0, 8, 0}, {0, 8, 0}})},
      {tensor({{-1, -2, -1}, {0, 0, 0}, {1, 2, 1}}),
       tensor({{13, 20, 17}, {18, 24, 18}, {-13, -20, -17}}),
       tensor({{0, 0, 0}, {24, 24, 24}, {0, 0, 0}})}};
  const auto filtered = [&](const Filter& filter, nn::PaddingMode mode) {
    return with_kernel(filter.kernel, mode)(image).detach().view({3, 3}).to(kInt64);
  };
  for (const Filter& filter : filters) {
    EXPECT_TRUE(equal(filtered(filter, nn::PaddingMode::Zeros), filter.zeros));
    EXPECT_TRUE(equal(filtered(filter, nn::PaddingMode::Reflect), filter.reflect));
  }
}

TEST(CourseConvolution, has_the_gradients_of_the_lecture) {
  manual_seed(2);
  nn::Conv2d conv(1, 1, 3);
  conv->to(kFloat64);
  const Tensor a = randn({5, 4}, {.dtype = kFloat64}).requires_grad_();
  const Tensor z = conv(a.view({1, 1, 5, 4}));
  const Tensor delta = randn({3, 2}, {.dtype = kFloat64});
  z.backward(delta.view(z.shape()));
  const Tensor weight = conv->weight.detach().view({3, 3}), values = a.detach();
  EXPECT_TRUE(allclose(z.detach().view({3, 2}), naive(values, weight) + conv->bias.detach()));
  EXPECT_TRUE(allclose(conv->bias.grad(), delta.sum().view({1})));
  EXPECT_TRUE(allclose(conv->weight.grad().view({3, 3}), naive(values, delta)));
  // Every delta spreads the kernel: a convolution with the kernel flipped over a border of zeros.
  EXPECT_TRUE(allclose(a.grad(), naive(pad(delta, {2, 2, 2, 2}), weight.flip({0, 1}))));
}

TEST(CourseConvolution, with_a_kernel_as_large_as_the_image_is_a_dense_layer) {
  manual_seed(3);
  nn::Conv2d conv(1, 4, 28);
  nn::Linear dense(784, 4);
  {
    NoGradGuard no_grad;
    dense->weight.copy_(conv->weight.view({4, 784}));
    dense->bias.copy_(conv->bias);
  }
  Tensor images = randn({3, 1, 28, 28}), again = images.clone();
  const Tensor x = images.requires_grad_(), same = again.requires_grad_();
  const Tensor seen = conv(x).view({3, 4}), wanted = dense(same.flatten(1));
  EXPECT_TRUE(allclose(seen.detach(), wanted.detach(), {.atol = 1e-6}));
  seen.square().sum().backward();
  wanted.square().sum().backward();
  EXPECT_TRUE(allclose(conv->weight.grad().view({4, 784}), dense->weight.grad(), {.atol = 1e-5}));
  EXPECT_TRUE(allclose(conv->bias.grad(), dense->bias.grad(), {.atol = 1e-5}));
  EXPECT_TRUE(allclose(x.grad(), same.grad(), {.atol = 1e-6}));
}

TEST(CoursePooling, halves_a_patch_and_sends_gradients_to_the_largest) {
  const Tensor patch =
      tensor({{1, 2, 3, 4, 5, 6}, {9, 8, 7, 0, 1, 2}, {0, 1, 0, 1, 0, 1}, {3, 0, 2, 0, 1, 0}});
  const Tensor x = patch.to(kFloat64).view({1, 4, 6}).requires_grad_();
  const Tensor y = nn::MaxPool2d(2)(x);
  EXPECT_TRUE(equal(y.detach().to(kInt64), tensor({{9, 7, 6}, {3, 2, 1}}).view({1, 2, 3})));
  y.backward(tensor({{1, 2, 3}, {4, 5, 6}}).to(kFloat64).view({1, 2, 3}));
  // Among equals, the first gets it.
  EXPECT_TRUE(equal(
      x.grad().to(kInt64).view({4, 6}),
      tensor({{0, 0, 0, 0, 0, 3}, {1, 0, 2, 0, 0, 0}, {0, 0, 0, 0, 0, 6}, {4, 0, 5, 0, 0, 0}})));
  EXPECT_EQ(nn::AvgPool2d({.kernel_size = {2, 3}})(x).shape(), (Shape{1, 2, 2}));
}

// ---- forms of their own --------------------------------------------------------------------------------------

TEST(Conv, with_a_padding_mode_pads_first) {
  manual_seed(4);
  const nn::Conv2d conv({.in_channels = 2,
                         .out_channels = 3,
                         .kernel_size = {4, 3},
                         .padding = "same",
                         .dilation = {1, 2},
                         .padding_mode = nn::PaddingMode::Circular});
  const Tensor x = randn({1, 2, 5, 6});
  // An odd number of pads: the further one is at the end.
  const Tensor padded = pad(x, {2, 2, 1, 2}, {.mode = "circular"});
  EXPECT_TRUE(equal(conv(x).detach(),
                    conv2d(padded, conv->weight, conv->bias, {.dilation = {1, 2}}).detach()));
  EXPECT_EQ(conv(x).size(-1), 6);
}

TEST(ConvTranspose, makes_the_size_that_is_asked_for) {
  manual_seed(5);
  const nn::Conv2d down(
      {.in_channels = 1, .out_channels = 2, .kernel_size = 3, .stride = {2, 3}, .padding = 1});
  const nn::ConvTranspose2d up(
      {.in_channels = 2, .out_channels = 1, .kernel_size = 3, .stride = {2, 3}, .padding = 1});
  for (const int64_t rows : {7, 8}) {
    for (const int64_t columns : {7, 8, 9}) {
      const Tensor x = randn({1, 1, rows, columns}), y = down(x);
      EXPECT_EQ(up(y, Shape{rows, columns}).shape(), x.shape());
      EXPECT_EQ(up(y, x.shape()).shape(), x.shape());
      const IntList added{(rows - 1) % 2, (columns - 1) % 3};
      EXPECT_TRUE(equal(up(y, x.shape()).detach(),
                        conv_transpose2d(y, up->weight, up->bias,
                                         {.stride = {2, 3}, .padding = 1, .output_padding = added})
                            .detach()));
    }
  }
}

TEST(Pooling, can_be_undone_where_nothing_was_dropped) {
  manual_seed(6);
  const nn::MaxPool2d pool(2);
  const nn::MaxUnpool2d unpool(2);
  const Tensor x = randn({1, 2, 5, 4});
  const auto [values, indices] = pool->forward_with_indices(x);
  const Tensor back = unpool(values, indices, x.shape());
  EXPECT_EQ(back.shape(), x.shape());
  EXPECT_TRUE(equal(gather(back.flatten(2), 2, indices.flatten(2)), values.flatten(2)));
  EXPECT_EQ(back.count_nonzero().item<int64_t>(), values.numel());
}

TEST(Pooling, draws_the_numbers_of_its_windows) {
  const Tensor x = randn({2, 3, 9, 9});
  const nn::FractionalMaxPool2d pool({.kernel_size = 2, .output_ratio = {0.6, 0.5}});
  manual_seed(8);
  const auto [values, indices] = pool->forward_with_indices(x);
  manual_seed(8);
  const Tensor samples = rand({2, 3, 2});
  EXPECT_TRUE(equal(
      values, fractional_max_pool2d(x, 2, {.output_size = {5, 4}, .random_samples = samples})));
  EXPECT_TRUE(equal(gather(x.flatten(2), 2, indices.flatten(2)), values.flatten(2)));
}

TEST(Pooling, takes_kernel_size_as_an_option_of_the_function_too) {
  const Tensor x = randn({1, 6, 6});
  EXPECT_TRUE(
      equal(max_pool2d(x, {.kernel_size = 3, .stride = 2}), max_pool2d(x, 3, {.stride = 2})));
  EXPECT_TRUE(equal(avg_pool2d(x, {.kernel_size = {3, 2}}), avg_pool2d(x, {3, 2})));
  EXPECT_TRUE(equal(max_pool1d(x[0], {.kernel_size = 3}), max_pool1d(x[0], 3)));
  EXPECT_NE(
      message_of([&] { max_pool2d(x, 3, {.kernel_size = 2}); }).find("max_pool2d: kernel_size"),
      std::string::npos);
}

TEST(Padding, is_that_of_the_function) {
  const Tensor x = randn({1, 2, 4, 5});
  const Shape pads{1, 2, 3, 0};
  EXPECT_TRUE(equal(nn::ReflectionPad2d({.padding = pads})(x), pad(x, pads, {.mode = "reflect"})));
  EXPECT_TRUE(
      equal(nn::ReplicationPad2d({.padding = pads})(x), pad(x, pads, {.mode = "replicate"})));
  EXPECT_TRUE(equal(nn::CircularPad2d({.padding = pads})(x), pad(x, pads, {.mode = "circular"})));
  EXPECT_TRUE(
      equal(nn::ConstantPad2d({.padding = pads, .value = 2.5})(x), pad(x, pads, {.value = 2.5})));
  EXPECT_TRUE(equal(nn::ZeroPad2d(1)(x), pad(x, {1, 1, 1, 1})));
}

TEST(Distance, is_that_of_the_function) {
  const Tensor a = randn({3, 4}), b = randn({3, 4});
  EXPECT_TRUE(equal(nn::CosineSimilarity({.dim = 1})(a, b), cosine_similarity(a, b)));
  EXPECT_TRUE(equal(nn::PairwiseDistance({.p = 1, .keepdim = true})(a, b),
                    pairwise_distance(a, b, {.p = 1, .keepdim = true})));
}

TEST(Unflatten, undoes_flatten) {
  const Tensor x = randn({2, 3, 4});
  EXPECT_TRUE(equal(nn::Unflatten(1, Shape{3, -1})(nn::Flatten()(x)), x));
}

// ---- what is refused -----------------------------------------------------------------------------------------

namespace {

struct Refused {
  const char* text;  // what the message holds
  std::function<void()> call;
};

// clang-format off
std::vector<Refused> refused() {
  const auto conv = [](const nn::ConvNdOptions& options) { return [=] { nn::Conv2d{options}; }; };
  const auto transpose = [](const nn::ConvTransposeNdOptions& options) { return [=] { nn::ConvTranspose2d{options}; }; };
  const nn::Conv2d reflecting({.in_channels = 1, .out_channels = 1, .kernel_size = 7, .padding = 3, .padding_mode = nn::PaddingMode::Reflect});
  const nn::Conv2d plain(3, 2, 3);
  const nn::ConvTranspose1d up({.in_channels = 2, .out_channels = 1, .kernel_size = 3, .stride = 2});
  return {
      {"Conv2d: kernel_size of at least 1", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 0})},
      {"Conv2d: one kernel_size or 2 of them are required, got []", conv({.in_channels = 1, .out_channels = 1})},
      {"Conv2d: one kernel_size or 2 of them are required, got [3, 3, 3]", conv({.in_channels = 1, .out_channels = 1, .kernel_size = {3, 3, 3}})},
      {"Conv2d: in_channels and out_channels must be at least 1, got 0 and 4", conv({.out_channels = 4, .kernel_size = 3})},
      {"Conv2d: groups must divide in_channels and out_channels, got 2 for 3 and 4", conv({.in_channels = 3, .out_channels = 4, .kernel_size = 3, .groups = 2})},
      {"Conv2d: groups must divide in_channels and out_channels, got 2 for 4 and 3", conv({.in_channels = 4, .out_channels = 3, .kernel_size = 3, .groups = 2})},
      {"Conv2d: groups must be at least 1, got 0", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .groups = 0})},
      {"Conv2d: padding \"same\" requires a stride of 1, got [2, 1]", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .stride = {2, 1}, .padding = "same"})},
      {"Conv2d: padding must be numbers, \"same\" or \"valid\", got \"full\"", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .padding = "full"})},
      {"Conv2d: padding of at least 0", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .padding = -1})},
      {"Conv2d: stride of at least 1", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .stride = 0})},
      {"Conv2d: dilation of at least 1", conv({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .dilation = 0})},
      {"pad: mode \"reflect\" needs pads less than the size 3", [=] { reflecting(ones({1, 1, 8, 3})); }},
      {"Conv2d: an input of 3 or 4 dims with 3 channels is required, got [3, 8]", [=] { plain(ones({3, 8})); }},
      {"Conv2d: an input of 3 or 4 dims with 3 channels is required, got [1, 2, 8, 8]", [=] { plain(ones({1, 2, 8, 8})); }},
      {"conv2d: a window of 3 elements does not fit", [=] { plain(ones({1, 3, 8, 2})); }},
      {"ConvTranspose2d: output_padding must be less than the stride or the dilation, got [1, 1]", transpose({.in_channels = 1, .out_channels = 1, .kernel_size = 3, .output_padding = 1})},
      {"ConvTranspose2d: groups must divide", transpose({.in_channels = 2, .out_channels = 3, .kernel_size = 3, .groups = 2})},
      {"ConvTranspose1d: an output_size at least [7] and less than a stride of [2] larger is required for an input [1, 2, 3], got [9]", [=] { up(ones({1, 2, 3}), Shape{9}); }},
      {"ConvTranspose1d: an output_size of 1 numbers is required, got [1, 2, 7, 1]", [=] { up(ones({1, 2, 3}), Shape{1, 2, 7, 1}); }},
      {"ConvTranspose1d: an input of 2 or 3 dims with 2 channels", [=] { up(ones({1, 3, 3})); }},
      {"MaxPool2d: kernel_size of at least 1", [] { nn::MaxPool2d(0); }},
      {"MaxPool2d: stride of at least 1", [] { nn::MaxPool2d(2, 0); }},
      {"MaxPool2d: padding must be at most half", [] { nn::MaxPool2d({.kernel_size = 2, .padding = 2}); }},
      {"MaxPool1d: dilation of at least 1", [] { nn::MaxPool1d({.kernel_size = 2, .dilation = 0}); }},
      {"max_pool2d: ", [] { nn::MaxPool2d(2)(ones({4, 4})); }},
      {"AvgPool3d: one kernel_size or 3 of them", [] { nn::AvgPool3d({.kernel_size = {2, 2}}); }},
      {"AvgPool2d: divisor_override must not be 0", [] { nn::AvgPool2d({.kernel_size = 2, .divisor_override = 0}); }},
      {"LPPool1d: norm_type must not be 0", [] { nn::LPPool1d({.kernel_size = 2}); }},
      {"AdaptiveAvgPool2d: output_size must be one number (or None) or 2 of them, got 3", [] { nn::AdaptiveAvgPool2d({.output_size = {1, 2, 3}}); }},
      {"AdaptiveMaxPool1d: output_size must be at least 1, got 0", [] { nn::AdaptiveMaxPool1d(0); }},
      {"FractionalMaxPool2d: output_size or output_ratio must be given, got neither", [] { nn::FractionalMaxPool2d({.kernel_size = 2}); }},
      {"FractionalMaxPool2d: output_size or output_ratio must be given, got both", [] { nn::FractionalMaxPool2d({.kernel_size = 2, .output_size = 2, .output_ratio = 0.5}); }},
      {"FractionalMaxPool3d: output_ratio must be between 0 and 1, got 1.5", [] { nn::FractionalMaxPool3d({.kernel_size = 2, .output_ratio = 1.5}); }},
      {"MaxUnpool1d: kernel_size of at least 1", [] { nn::MaxUnpool1d(0); }},
      {"MaxUnpool1d: forward(", [] { nn::ModulePtr(nn::MaxUnpool1d(2))->forward(ones({1, 1, 2})); }},
      {"ReflectionPad2d: padding must be one number or 4 of them, got [1, 2]", [] { nn::ReflectionPad2d({.padding = {1, 2}}); }},
      {"ZeroPad2d: padding must be one number or 4 of them, got []", [] { nn::ZeroPad2d(nn::PadNdOptions{}); }},
      {"pad: mode \"reflect\"", [] { nn::ReflectionPad1d(4)(ones({1, 3})); }},
      {"Upsample: size or scale_factor must be given, got neither", [] { nn::Upsample(nn::UpsampleOptions{}); }},
      {"Upsample: size or scale_factor must be given, got both", [] { nn::Upsample({.size = 4, .scale_factor = 2}); }},
      {"Upsample: mode must be", [] { nn::Upsample({.size = 4, .mode = "cubic"}); }},
      {"PixelShuffle: upscale_factor must be at least 1, got 0", [] { nn::PixelShuffle(0); }},
      {"pixel_shuffle: ", [] { nn::PixelShuffle(2)(ones({1, 3, 2, 2})); }},
      {"ChannelShuffle: groups must be at least 1, got -2", [] { nn::ChannelShuffle(-2); }},
      {"Unfold: kernel_size of at least 1", [] { nn::Unfold(0); }},
      {"Fold: one output_size or 2 of them", [] { nn::Fold({.kernel_size = 2}); }},
      {"Unflatten: unflattened_size must hold sizes, at most one of them -1, got [-1, -1]", [] { nn::Unflatten(1, Shape{-1, -1}); }},
      {"Bilinear: in1_features, in2_features and out_features must be at least 1, got 2, 0 and 1", [] { nn::Bilinear(2, 0, 1); }},
      {"bilinear: ", [] { nn::Bilinear(2, 3, 1)(ones({4, 2}), ones({4, 2})); }},
  };
}
// clang-format on

}  // namespace

TEST(ImageModules, refuse_what_makes_no_sense) {
  for (const Refused& each : refused()) {
    const std::string message = message_of(each.call);
    EXPECT_NE(message.find(each.text), std::string::npos) << each.text << "\n" << message;
  }
}

TEST(ImageModules, draw_nothing_when_they_are_refused) {
  for (const Refused& each : refused()) {
    if (std::string(each.text).find("bilinear: ") == 0) continue;  // the module itself is made
    manual_seed(9);
    message_of(each.call);
    const double next = rand({1}).item<double>();
    manual_seed(9);
    EXPECT_EQ(next, rand({1}).item<double>()) << each.text;
  }
}
