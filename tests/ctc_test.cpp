// ctc_loss where a row of the table does not reach: infinite losses, long sequences, both ways to
// its gradient.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>
#include <limits>

using namespace reel;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor integers(std::initializer_list<int64_t> values, const Shape& shape) {
  return from_vector(std::vector<int64_t>(values), shape);
}

// A batch with a target that fits, one that is empty, one that does not fit (a repetition needs a
// blank between) and one without frames.
struct Batch {
  Tensor x = log_softmax(randn({5, 4, 3}, {.dtype = kFloat64}), 2).detach();
  Tensor targets = integers({1, 2, 0, 0, 0, 0, 1, 1, 2, 1, 0, 0}, {4, 3});
  Tensor frames = integers({5, 4, 3, 0}, {4}), lengths = integers({2, 0, 3, 1}, {4});

  Tensor loss(const Tensor& log_probs, bool zero_infinity) const {
    return ctc_loss(log_probs, targets, frames, lengths,
                    {.reduction = Reduction::None, .zero_infinity = zero_infinity});
  }
  Tensor gradient(bool create_graph, bool zero_infinity) const {
    const Tensor log_probs = x.detach().requires_grad_();
    const Tensor y = loss(log_probs, zero_infinity);
    const Tensor g = from_vector(std::vector<double>{1, -2, 0.5, 3}, {4});
    return autograd::grad({y}, {log_probs}, {.grad_outputs = {g}, .create_graph = create_graph})[0]
        .detach();
  }
};

}  // namespace

TEST(CtcLoss, is_infinite_where_a_target_does_not_fit) {
  manual_seed(1);
  const Batch batch;
  const Tensor y = batch.loss(batch.x, false), zeroed = batch.loss(batch.x, true);
  EXPECT_TRUE(std::isfinite(y[0].item<double>()));
  EXPECT_NEAR(y[1].item<double>(),
              -batch.x.slice(0, 0, 4).select(1, 1).select(1, 0).sum().item<double>(), 1e-14);
  EXPECT_EQ(y[2].item<double>(), kInfinity);
  EXPECT_EQ(y[3].item<double>(), kInfinity);
  EXPECT_TRUE(equal(zeroed.slice(0, 0, 2), y.slice(0, 0, 2)));
  EXPECT_TRUE(equal(zeroed.slice(0, 2), zeros({2}, {.dtype = kFloat64})));
}

TEST(CtcLoss, has_one_gradient_in_the_kernel_and_in_recorded_operations) {
  manual_seed(2);
  const Batch batch;
  for (const bool zero_infinity : {false, true}) {
    const Tensor kernel = batch.gradient(false, zero_infinity);
    const Tensor recorded = batch.gradient(true, zero_infinity);
    EXPECT_TRUE(allclose(kernel, recorded, {.rtol = 1e-12, .atol = 1e-14, .equal_nan = true}));
    // In each frame of a sample the shares of all classes sum to 1.
    const Tensor sums = kernel.sum(2);
    EXPECT_TRUE(allclose(sums.select(1, 0), full({5}, -1.0, {.dtype = kFloat64})));
    EXPECT_TRUE(allclose(sums.select(1, 1).slice(0, 0, 4), full({4}, 2.0, {.dtype = kFloat64})));
    EXPECT_EQ(sums[4][1].item<double>(), 0);
    EXPECT_EQ(any(isnan(kernel)), !zero_infinity);
  }
}

TEST(CtcLoss, has_finite_second_derivatives_beside_infinite_losses) {
  manual_seed(3);
  const Batch batch;
  const Tensor x = batch.x.detach().requires_grad_();
  const Tensor y = batch.loss(x, true).sum();
  const Tensor g = autograd::grad(y, {x}, {.create_graph = true})[0];
  const Tensor second = autograd::grad(square(g).sum(), {x})[0];
  EXPECT_FALSE(any(isnan(second)));
  EXPECT_TRUE(any(second != 0));
}

TEST(CtcLoss, differentiates_through_log_softmax) {
  manual_seed(4);
  const Tensor x = randn({4, 2, 3}, {.dtype = kFloat64, .requires_grad = true});
  const auto f = [](const std::vector<Tensor>& in) {
    return ctc_loss(log_softmax(in[0], 2), integers({1, 2, 1}, {3}).to(kInt32),
                    integers({4, 3}, {2}), integers({2, 1}, {2}));
  };
  EXPECT_TRUE(autograd::gradcheck(f, {x}));
  EXPECT_TRUE(autograd::gradgradcheck(f, {x}));
}

TEST(CtcLoss, keeps_float32_accurate_over_long_sequences) {
  manual_seed(5);
  const Tensor wide = log_softmax(randn({400, 2, 20}, {.dtype = kFloat64}) * 3, 2);
  const Tensor targets = randint(1, 20, {2, 60});
  const Tensor frames = integers({400, 350}, {2}), lengths = integers({60, 50}, {2});
  Tensor grads[2];
  for (const Dtype dtype : {kFloat64, kFloat32}) {
    const Tensor x = wide.to(dtype).detach().requires_grad_();
    ctc_loss(x, targets, frames, lengths, {.reduction = Reduction::Sum}).backward();
    grads[dtype == kFloat32] = x.grad().to(kFloat64);
  }
  EXPECT_TRUE(allclose(grads[0], grads[1], {.rtol = 1e-4, .atol = 1e-5}));
}

TEST(CtcLoss, takes_impossible_labels_and_passes_nan_on) {
  Tensor x = full({3, 1, 3}, std::log(1.0 / 3), {.dtype = kFloat64});
  x[1][0][1].fill_(-kInfinity);
  const auto loss = [&] {
    return ctc_loss(x, integers({1}, {1, 1}), integers({3}, {1}), integers({1}, {1}),
                    {.reduction = Reduction::Sum})
        .item<double>();
  };
  // Of the paths 100, 110, 111, 010, 011, 001 those without a 1 in the middle remain.
  EXPECT_NEAR(loss(), -std::log(2.0 / 27), 1e-14);
  x[1][0][0].fill_(NAN);
  EXPECT_TRUE(std::isnan(loss()));
}

TEST(CtcLoss, takes_no_frames_and_no_samples) {
  const Tensor none = zeros({0, 2, 3}, {.dtype = kFloat64}).requires_grad_();
  const Tensor y = ctc_loss(none, integers({1}, {1}), integers({0, 0}, {2}), integers({0, 1}, {2}),
                            {.reduction = Reduction::None, .zero_infinity = true});
  EXPECT_TRUE(equal(y.detach(), zeros({2}, {.dtype = kFloat64})));
  EXPECT_EQ(autograd::grad(y.sum(), {none}, {.create_graph = true})[0].shape(), none.shape());
  const Tensor nobody = zeros({4, 0, 3}), list = zeros({0}, {.dtype = kInt64});
  EXPECT_TRUE(std::isnan(ctc_loss(nobody, list, list, list).item<float>()));
}
