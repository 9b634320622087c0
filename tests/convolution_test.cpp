// Convolutions of sizes that the kernels cut into parts, and what the table of operations cannot
// show: threads, memory, dtypes, third derivatives.
#include <gtest/gtest.h>

#include <reel/reel.h>

using namespace reel;

namespace {

// Small integers, so that sums are exact in every dtype and in every order.
Tensor counting(const Shape& shape, Dtype dtype = kFloat64) {
  std::vector<double> values(static_cast<size_t>(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * 7 % 11) - 5;
  return from_vector(values, shape).to(dtype);
}

struct Sizes {
  int64_t batch, in, height, width, out, kernel;
  int64_t stride = 1, padding = 0, groups = 1;

  ConvOptions options() const { return {.stride = stride, .padding = padding, .groups = groups}; }
  Shape image() const { return {batch, in, height, width}; }
  Shape weight() const { return {out, in / groups, kernel, kernel}; }
  int64_t places(int64_t size) const { return (size + 2 * padding - kernel) / stride + 1; }
  Shape result() const { return {batch, out, places(height), places(width)}; }
};

// Calls visit(x, weight, y) with the flat indices of each product that y is a sum of.
template <class Visit>
void for_each_product(const Sizes& s, Visit visit) {
  const int64_t depth = s.in / s.groups, rows = s.places(s.height), columns = s.places(s.width);
  for (int64_t y = 0; y < s.result().numel(); ++y) {
    const int64_t column = y % columns, row = y / columns % rows;
    const int64_t out = y / columns / rows % s.out, n = y / columns / rows / s.out;
    for (int64_t k = 0; k < depth * s.kernel * s.kernel; ++k) {
      const int64_t i = row * s.stride - s.padding + k / s.kernel % s.kernel;
      const int64_t j = column * s.stride - s.padding + k % s.kernel;
      if (i < 0 || j < 0 || i >= s.height || j >= s.width) continue;
      const int64_t c = out / (s.out / s.groups) * depth + k / s.kernel / s.kernel;
      visit(((n * s.in + c) * s.height + i) * s.width + j, out * depth * s.kernel * s.kernel + k,
            y);
    }
  }
}

void expect_sums(const Sizes& s) {
  SCOPED_TRACE(fmt::format("input {}, weight {}", s.image(), s.weight()));
  const Tensor x = counting(s.image()), weight = counting(s.weight()), g = counting(s.result());
  const Tensor y = zeros(s.result(), {.dtype = kFloat64}), x_grad = zeros_like(x);
  const Tensor weight_grad = zeros_like(weight);
  const double *from = x.data<double>(), *by = weight.data<double>(), *start = g.data<double>();
  for_each_product(s, [&](int64_t i, int64_t k, int64_t o) {
    y.data<double>()[o] += from[i] * by[k];
    x_grad.data<double>()[i] += start[o] * by[k];
    weight_grad.data<double>()[k] += start[o] * from[i];
  });
  const Tensor bias = counting({s.out}), added = counting({s.in});
  for (const Dtype dtype : {kFloat32, kFloat64}) {
    const Tensor image = counting(s.image(), dtype).requires_grad_();
    const Tensor factors = counting(s.weight(), dtype).requires_grad_();
    const Tensor got = conv2d(image, factors, {}, s.options());
    got.backward(g.to(dtype));
    EXPECT_TRUE(equal(got.detach(), y.to(dtype)));
    EXPECT_TRUE(equal(image.grad(), x_grad.to(dtype)));
    EXPECT_TRUE(equal(factors.grad(), weight_grad.to(dtype)));
    EXPECT_TRUE(equal(conv2d(image.detach(), factors.detach(), bias.to(dtype), s.options()),
                      (y + bias.reshape({-1, 1, 1})).to(dtype)));
    // The image's rows and columns that no window reaches are output_padding here.
    const int64_t rows = (s.height + 2 * s.padding - s.kernel) % s.stride;
    const int64_t columns = (s.width + 2 * s.padding - s.kernel) % s.stride;
    EXPECT_TRUE(equal(conv_transpose2d(g.to(dtype), factors.detach(), added.to(dtype),
                                       {.stride = s.stride,
                                        .padding = s.padding,
                                        .output_padding = {rows, columns},
                                        .groups = s.groups}),
                      (x_grad + added.reshape({-1, 1, 1})).to(dtype)));
  }
}

// Restores the number of threads, whatever a test does.
class Threads : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

std::vector<Tensor> results(const Sizes& s) {
  manual_seed(3);
  const Tensor x = randn(s.image()).requires_grad_(), weight = randn(s.weight()).requires_grad_();
  const Tensor y = conv2d(x, weight, {}, s.options());
  y.backward(randn(s.result()));
  return {y.detach(), x.grad(), weight.grad()};
}

const Sizes kCut[] = {
    {40, 2, 7, 6, 3, 3},               // several images at once, the last time fewer
    {2, 3, 40, 30, 2, 3, 1, 1},        // each image by itself
    {1, 64, 33, 37, 5, 3},             // parts of an image
    {3, 16, 35, 40, 4, 5, 2, 2},       // the same with strides and padding
    {2, 70, 9, 9, 200, 3, 1, 1},       // channels in ranges
    {20, 40, 12, 12, 48, 3, 1, 1, 4},  // groups
    {3, 6, 12, 23, 12, 3, 2, 1, 6},    // groups of a channel
    {4, 48, 10, 11, 32, 1},            // one element, several images at once
    {2, 48, 30, 31, 32, 1},            // one element, where the image lies
    {9, 5, 8, 8, 4, 1, 2},             // one element, with gaps
    {1, 1, 300, 5, 1, 2},
    {3, 9, 20, 31, 17, 5, 1, 3},   // channels and rows that fill no vectors
    {2, 24, 50, 70, 40, 3, 1, 1},  // bands of an image, the last of them shorter
    {40, 1, 9, 20, 16, 2},         // a window with few elements
    {35, 2, 11, 13, 32, 5, 1, 2},  // several images with the same zeros
    {2, 8, 12, 12, 8, 3, 1, 4},    // more zeros around the image than a window reaches
    {2, 8, 3, 40, 16, 3},          // one row of positions, several of the window
    {3, 16, 1, 33, 8, 3, 1, 1},    // the same with rows of zeros
    {3, 8, 30, 3, 9, 3},           // one column
    {5, 8, 3, 3, 16, 3},           // one position
};

}  // namespace

TEST(Convolution, sums_the_same_products_however_the_work_is_cut) {
  for (const Sizes& s : kCut) expect_sums(s);
}

TEST_F(Threads, do_not_change_a_bit_of_a_convolution) {
  for (const Sizes& s : kCut) {
    SCOPED_TRACE(fmt::format("input {}, weight {}", s.image(), s.weight()));
    set_num_threads(1);
    const std::vector<Tensor> alone = results(s);
    set_num_threads(3);
    const std::vector<Tensor> together = results(s);
    for (size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(equal(alone[i], together[i])) << i;
  }
}

TEST_F(Threads, need_little_memory_each_for_what_windows_see) {
  set_num_threads(1);
  NoGradGuard no_grad;
  const Tensor x = zeros({1, 16, 256, 256}), weight = zeros({16, 16, 3, 3});
  memory::reset_peak();
  const int64_t before = memory::stats().in_use;
  const Tensor y = conv2d(x, weight, {}, {.padding = 1});
  // All that the windows see are 36 MiB.
  const int64_t more = memory::stats().peak - before - y.numel() * 4;
  EXPECT_LT(more, int64_t{2} << 20);
}

// Where there is one depth and one row of positions, those of the window are more channels.
TEST(Convolution, of_one_row_is_that_of_more_channels) {
  const Tensor x = counting({3, 8, 2, 3, 40}), weight = counting({9, 8, 2, 3, 5});
  EXPECT_TRUE(equal(conv3d(x, weight).reshape({3, 9, 36}),
                    conv1d(x.reshape({3, 48, 40}), weight.reshape({9, 48, 5}))));
}

// Over three axes: sums of convolutions over two, and adjoints by what makes them adjoints.
TEST(Convolution, over_three_axes_is_made_of_planes) {
  const Tensor x = counting({2, 6, 7, 15, 17}).requires_grad_();
  const Tensor weight = counting({10, 6, 2, 3, 3}).requires_grad_();
  for (const int64_t dilation : {1, 2}) {
    SCOPED_TRACE(dilation);
    const Tensor y = conv3d(x, weight, {}, {.padding = {0, 1, 2}, .dilation = dilation});
    for (int64_t depth = 0; depth < y.size(2); ++depth) {
      const ConvOptions options{.padding = {1, 2}, .dilation = dilation};
      const Tensor plane = conv2d(x.select(2, depth), weight.select(2, 0), {}, options) +
                           conv2d(x.select(2, depth + dilation), weight.select(2, 1), {}, options);
      EXPECT_TRUE(equal(y.select(2, depth), plane));
    }
    const Tensor g = counting(y.shape());
    const std::vector<Tensor> gradients = autograd::grad({y}, {x, weight}, {.grad_outputs = {g}});
    for (const double start : {0, 3, 8}) {
      const Tensor image = remainder(x.detach() + start, 7),
                   factors = remainder(weight.detach() + start, 5);
      const ConvOptions options{.padding = {0, 1, 2}, .dilation = dilation};
      EXPECT_TRUE(equal((conv3d(image, weight.detach(), {}, options) * g).sum(),
                        (image * gradients[0]).sum()));
      EXPECT_TRUE(equal((conv3d(x.detach(), factors, {}, options) * g).sum(),
                        (factors * gradients[1]).sum()));
    }
  }
}

TEST(Convolution, adds_many_float32_products_as_precisely_as_float64_up_to_rounding) {
  manual_seed(5);
  const Tensor x = rand({64, 3, 40, 40});
  for (const int64_t groups : {1, 3}) {
    const Tensor single = rand({6, 3 / groups, 3, 3}).requires_grad_();
    const Tensor twice = single.detach().to(kFloat64).requires_grad_();
    conv2d(x, single, {}, {.groups = groups}).sum().backward();
    conv2d(x.to(kFloat64), twice, {}, {.groups = groups}).sum().backward();
    EXPECT_TRUE(allclose(single.grad().to(kFloat64), twice.grad(), {.rtol = 2e-6, .atol = 0}));
  }
}

TEST(Convolution, promotes_floating_dtypes) {
  const Tensor x = counting({1, 2, 4, 4}, kFloat32).requires_grad_();
  const Tensor weight = counting({3, 2, 2, 2}).requires_grad_();
  const Tensor y = conv2d(x, weight, counting({3}, kFloat32));
  EXPECT_EQ(y.dtype(), kFloat64);
  y.sum().backward();
  EXPECT_EQ(x.grad().dtype(), kFloat32);
  EXPECT_EQ(weight.grad().dtype(), kFloat64);
}

TEST(Convolution, has_third_derivatives) {
  manual_seed(11);
  const auto second = [](const std::vector<Tensor>& in) {
    const ConvOptions options{.stride = 2, .padding = 1, .groups = 2};
    const Tensor y = conv2d(in[0], in[1], in[2], options);
    const Tensor first = autograd::grad({(y * y * y).sum()}, {in[0]}, {.create_graph = true})[0];
    return autograd::grad({(first * first).sum()}, {in[1], in[2]}, {.create_graph = true});
  };
  const auto variable = [](const Shape& shape) {
    return randn(shape, {.dtype = kFloat64, .requires_grad = true});
  };
  EXPECT_TRUE(autograd::gradcheck(second,
                                  {variable({1, 2, 3, 3}), variable({2, 1, 2, 2}), variable({2})},
                                  {.eps = 1e-6, .atol = 1e-5, .rtol = 1e-5}));
}

TEST(Convolution, takes_windows_as_an_int_or_a_list) {
  const Tensor x = counting({1, 1, 6, 7}), weight = counting({2, 1, 3, 3});
  const Tensor y = conv2d(x, weight, {}, {.stride = 2, .padding = {1}, .dilation = {1, 1}});
  const std::vector<int64_t> strides{2, 2};
  EXPECT_TRUE(equal(y, conv2d(x, weight, {}, {.stride = strides, .padding = {1, 1}})));
  EXPECT_TRUE(equal(conv2d(x, weight, {}, {.padding = std::string("valid")}), conv2d(x, weight)));
  EXPECT_TRUE(equal(fold(unfold(x, {.kernel_size = {3, 1}, .stride = {3, 1}}), {6, 7},
                         {.kernel_size = {3, 1}, .stride = {3, 1}}),
                    x));
}

TEST(Convolution, of_nothing_is_nothing_and_its_weight_has_a_gradient_of_zeros) {
  const Tensor weight = counting({3, 2, 2, 2}).requires_grad_();
  const Tensor y = conv2d(zeros({0, 2, 4, 4}, {.dtype = kFloat64}), weight, counting({3}));
  EXPECT_EQ(y.shape(), Shape({0, 3, 3, 3}));
  y.sum().backward();
  EXPECT_TRUE(equal(weight.grad(), zeros_like(weight.detach())));
  // Without input channels only the bias is left.
  const Tensor bias_only = conv2d(zeros({1, 0, 4, 4}), zeros({2, 0, 3, 3}), ones({2}));
  EXPECT_TRUE(equal(bias_only, ones({1, 2, 2, 2})));
  EXPECT_EQ(conv2d(zeros({1, 2, 4, 4}), zeros({0, 2, 3, 3})).shape(), Shape({1, 0, 2, 2}));
}
