// Normalisation: running statistics, numbers far from zero, threads, third derivatives.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;

namespace {

// Restores the number of threads, whatever a test does.
class Threads : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

using Tensors = std::vector<Tensor>;

// One call for each way in which elements share statistics and weights.
struct Way {
  const char* name;
  Shape shape;
  Shape own;  // of weight and bias
  Tensor (*call)(const Tensor& x, const Tensor& weight, const Tensor& bias);
};
Tensor batch(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return batch_norm(x, {}, {}, weight, bias, {.training = true});
}
const Way kWays[] = {
    {"batch, [N, C]", {300, 70}, 70, batch},
    {"batch, short rows", {50, 33, 5}, 33, batch},
    {"batch, images", {6, 8, 33, 35}, 8, batch},
    {"instance",
     {6, 8, 33, 35},
     8,
     [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
       return instance_norm(x, {}, {}, weight, bias);
     }},
    {"layer",
     {90, 333},
     333,
     [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
       return layer_norm(x, {333}, weight, bias);
     }},
    {"group, [N, C]",
     {90, 333},
     333,
     [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
       return group_norm(x, 3, weight, bias);
     }},
    {"group, images",
     {6, 8, 33, 35},
     8,
     [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
       return group_norm(x, 2, weight, bias);
     }},
};

// y and the gradients of x, weight and bias, for numbers around `offset`.
Tensors results(const Way& way, Dtype dtype, double offset = 0) {
  manual_seed(3);
  const auto variable = [&](const Shape& shape, double from) {
    return (randn(shape) + from).to(dtype).requires_grad_();
  };
  const Tensor x = variable(way.shape, offset), weight = variable(way.own, 1);
  const Tensor bias = variable(way.own, 0);
  const Tensor y = way.call(x, weight, bias);
  y.backward(randn(way.shape).to(dtype));
  return {y.detach(), x.grad(), weight.grad(), bias.grad()};
}

}  // namespace

TEST(Normalization, float32_has_its_digits_also_far_from_zero) {
  for (const Way& way : kWays) {
    for (const double offset : {0.0, 1000.0}) {
      SCOPED_TRACE(fmt::format("{} at {}", way.name, offset));
      const Tensors single = results(way, kFloat32, offset), twice = results(way, kFloat64, offset);
      for (size_t i = 0; i < single.size(); ++i) {
        const double size = abs(twice[i]).max().item<double>();
        EXPECT_TRUE(allclose(single[i].to(kFloat64), twice[i], {.rtol = 1e-5, .atol = 3e-6 * size}))
            << i;
      }
    }
  }
}

TEST_F(Threads, do_not_change_a_bit_of_a_normalisation) {
  for (const Way& way : kWays) {
    SCOPED_TRACE(way.name);
    set_num_threads(1);
    const Tensors alone = results(way, kFloat32);
    set_num_threads(3);
    const Tensors together = results(way, kFloat32);
    for (size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(equal(alone[i], together[i])) << i;
  }
}

TEST(Normalization, running_statistics_move_in_training_only) {
  const Tensor x = tensor({{1.0, 10.0}, {3.0, 10.0}, {5.0, 16.0}}, {.dtype = kFloat64});
  const Tensor mean = zeros({2}), var = ones({2});
  batch_norm(x, mean, var);
  EXPECT_TRUE(equal(mean, zeros({2})));
  batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 0.5});
  EXPECT_TRUE(allclose(mean, tensor({1.5f, 6.0f})));
  EXPECT_TRUE(allclose(var, tensor({0.5f + 2.0f, 0.5f + 6.0f})));
  batch_norm(x, {}, var, {}, {}, {.training = true, .momentum = 1});
  EXPECT_TRUE(allclose(var, tensor({4.0f, 12.0f})));
  EXPECT_EQ(mean.version(), 1);
}

TEST(Normalization, running_statistics_that_are_refused_leave_both_as_they_were) {
  const Tensor x = rand({3, 2, 4}), mean = zeros({2}), var = ones({2});
  for (const Tensor& wrong : {ones({3}), ones({2}, {.dtype = kInt64}), ones({1}).expand({2})}) {
    EXPECT_THROW(batch_norm(x, mean, wrong, {}, {}, {.training = true}), Error);
    EXPECT_THROW(batch_norm(x, wrong, var, {}, {}, {.training = true}), Error);
    EXPECT_THROW(instance_norm(x, mean, wrong), Error);
    EXPECT_THROW(instance_norm(x, wrong, var), Error);
  }
  EXPECT_THROW(batch_norm(x[0], mean, var, ones({3}), {}, {.training = true}), Error);
  EXPECT_EQ(mean.version(), 0);
  EXPECT_EQ(var.version(), 0);
}

TEST(Normalization, an_empty_batch_leaves_the_running_statistics_alone) {
  const Tensor mean = zeros({2}), var = ones({2});
  const Tensor y = batch_norm(zeros({0, 2, 3}), mean, var, {}, {}, {.training = true});
  EXPECT_EQ(y.shape(), Shape({0, 2, 3}));
  EXPECT_TRUE(equal(mean, zeros({2})));
}

TEST(Normalization, a_group_of_equal_numbers_becomes_zero) {
  const Tensor x = full({2, 4}, 3e7).requires_grad_();
  const Tensor y = layer_norm(x, {4});
  EXPECT_TRUE(equal(y.detach(), zeros({2, 4})));
  y.backward(ones({2, 4}));
  EXPECT_TRUE(equal(x.grad(), zeros({2, 4})));
}

TEST(Normalization, nan_stays_within_its_group) {
  Tensor x = rand({2, 4});
  x.index_put_({0, 1}, full({}, NAN));
  const Tensor y = layer_norm(x, {4});
  EXPECT_TRUE(isnan(y[0]).all());
  EXPECT_FALSE(isnan(y[1]).any());
}

TEST(Normalization, has_third_derivatives) {
  manual_seed(1);
  for (const Shape& shape : {Shape{3, 2}, Shape{2, 2, 3}}) {
    const Tensor x = rand(shape, {.dtype = kFloat64}).requires_grad_();
    const Tensor weight = rand({2}, {.dtype = kFloat64}).requires_grad_();
    const auto gradient = [](const Tensors& in) {
      const Tensor y = batch_norm(in[0], {}, {}, in[1], {}, {.training = true, .eps = 0.1});
      return autograd::grad({pow(y, 3).sum()}, {in[0], in[1]}, {.create_graph = true});
    };
    EXPECT_TRUE(autograd::gradgradcheck(gradient, {x, weight}, {.atol = 1e-5, .rtol = 1e-4}));
  }
}
