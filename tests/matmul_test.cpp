// Products of matrices, and the threads that share them.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/autograd/kernels/parallel.h>
#include <reel/reel.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

using namespace reel;
using reel::tests::message_of;

namespace {

Tensor numbers(std::initializer_list<double> values, const Shape& shape) {
  return from_vector(std::vector<double>(values), shape);
}

// Small integers, so that products are exact in every dtype.
Tensor counting(const Shape& shape, Dtype dtype = kFloat64) {
  std::vector<double> values(static_cast<size_t>(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * 7 % 11) - 5;
  return from_vector(values, shape).to(dtype);
}

Tensor naive(const Tensor& a, const Tensor& b) {
  return (a.unsqueeze(-1) * b.unsqueeze(-3)).sum(-2, {.dtype = a.dtype()});
}

// Restores the number of threads, whatever a test does.
class Threads : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

}  // namespace

TEST(Matmul, multiplies_vectors_and_matrices_of_every_rank) {
  const Tensor u = numbers({1, 2, 3}, {3}), a = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(matmul(u, u).item<double>(), 14);
  EXPECT_TRUE(equal(matmul(a, u), numbers({14, 32}, {2})));
  EXPECT_TRUE(equal(matmul(u, a.t()), numbers({14, 32}, {2})));
  EXPECT_TRUE(equal(matmul(a, a.t()), numbers({14, 32, 32, 77}, {2, 2})));
  EXPECT_TRUE(equal(mm(a, a.t()), matmul(a, a.t())));
  EXPECT_TRUE(equal(mv(a, u), matmul(a, u)));
  EXPECT_TRUE(equal(dot(u, u), matmul(u, u)));
}

TEST(Matmul, broadcasts_batch_dims) {
  const Tensor a = counting({2, 1, 3, 4}), b = counting({5, 4, 2});
  const Tensor y = matmul(a, b);
  EXPECT_EQ(y.shape(), Shape({2, 5, 3, 2}));
  EXPECT_TRUE(equal(y, naive(a, b)));
  EXPECT_TRUE(equal(matmul(counting({2, 3, 4}), counting({4, 2})),
                    naive(counting({2, 3, 4}), counting({4, 2}))));
  EXPECT_EQ(matmul(counting({4}), counting({3, 4, 2})).shape(), Shape({3, 2}));
  EXPECT_EQ(matmul(counting({3, 2, 4}), counting({4})).shape(), Shape({3, 2}));
  EXPECT_TRUE(equal(bmm(counting({2, 3, 4}), counting({2, 4, 5})),
                    naive(counting({2, 3, 4}), counting({2, 4, 5}))));
}

TEST(Matmul, reads_operands_of_any_strides) {
  const Tensor plain = counting({6, 8}), other = counting({8, 6});
  const Tensor views[] = {plain,
                          other.t(),
                          counting({12, 8}).slice(0, 0, 12, 2),
                          counting({6, 16}).slice(1, 0, 16, 2),
                          counting({1, 8}).expand({6, 8}),
                          counting({6, 1}).expand({6, 8}),
                          counting({6, 3, 8}).select(1, 1),
                          counting({8, 3, 6}).select(1, 2).t()};
  for (const Tensor& a : views) {
    for (const Tensor& b : views) {
      EXPECT_TRUE(equal(matmul(a, b.t()), naive(a.contiguous(), b.t().contiguous())));
    }
    const Tensor column = counting({8, 2}).select(1, 1);
    EXPECT_TRUE(equal(matmul(a, column), matmul(a.contiguous(), column.contiguous())));
  }
}

// The products of integers have loops of their own. Sizes that are cut into tiles, also along k, or
// whose transposed right side is turned first.
TEST(Matmul, is_exact_in_tiles_of_every_layout) {
  const int64_t sizes[][3] = {{8, 250, 784},   {100, 784, 20}, {70, 130, 600},  {1, 700, 1900},
                              {700, 1, 1900},  {50, 10, 2100}, {130, 1024, 40}, {33, 1024, 530},
                              {520, 513, 600}, {66, 101, 99},  {17, 35, 19},    {150, 1152, 300}};
  for (const auto& [m, n, k] : sizes) {
    const Tensor a = counting({m, k}, kInt64), b = counting({k, n}, kInt64);
    const Tensor expected = matmul(a, b);
    for (const Dtype dtype : {kFloat32, kFloat64}) {
      const Tensor left = a.to(dtype), right = b.to(dtype), y = expected.to(dtype);
      const Tensor turned_left = left.t().clone().t(), turned_right = right.t().clone().t();
      EXPECT_TRUE(equal(matmul(left, right), y)) << m << ' ' << n << ' ' << k;
      EXPECT_TRUE(equal(matmul(left, turned_right), y)) << m << ' ' << n << ' ' << k;
      EXPECT_TRUE(equal(matmul(turned_left, right), y)) << m << ' ' << n << ' ' << k;
      EXPECT_TRUE(equal(matmul(turned_left, turned_right), y)) << m << ' ' << n << ' ' << k;
      const Tensor bias = counting({n}, dtype);
      EXPECT_TRUE(equal(linear(left, turned_right.t(), bias), y + bias)) << m << ' ' << n;
      EXPECT_TRUE(equal(addmm(bias, left, right, {.beta = 2, .alpha = 3}), y * 3 + bias * 2));
    }
  }
}

TEST(Matmul, multiplies_every_shape_with_sides_of_one) {
  for (const Dtype dtype : {kFloat32, kFloat64, kInt32, kInt64}) {
    for (const int64_t m : {1, 2, 5}) {
      for (const int64_t n : {1, 3, 4}) {
        for (const int64_t k : {1, 2, 7}) {
          const Tensor a = counting({m, k}, dtype), b = counting({k, n}, dtype);
          const Tensor expected = naive(a, b);
          EXPECT_TRUE(equal(matmul(a, b), expected)) << m << " " << n << " " << k;
          EXPECT_TRUE(equal(matmul(a.t().contiguous().t(), b.t().contiguous().t()), expected));
        }
      }
    }
  }
}

TEST(Matmul, gives_zeros_without_inner_elements_and_nothing_without_outer_ones) {
  EXPECT_TRUE(equal(matmul(zeros({2, 0}), zeros({0, 3})), zeros({2, 3})));
  EXPECT_EQ(matmul(zeros({0, 3}), zeros({3, 2})).shape(), Shape({0, 2}));
  EXPECT_EQ(matmul(zeros({0, 2, 3}), zeros({3, 2})).shape(), Shape({0, 2, 2}));
  EXPECT_EQ(matmul(zeros({0}), zeros({0})).item<float>(), 0);
  EXPECT_TRUE(equal(linear(zeros({2, 0}), zeros({3, 0}), ones({3})), ones({2, 3})));
}

TEST(Matmul, keeps_nan_and_infinity_out_of_results_that_they_do_not_belong_to) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor y = matmul(numbers({1, 0, 0, nan}, {2, 2}), numbers({1, 2, 3, 4}, {2, 2}));
  EXPECT_EQ(y[0][0].item<double>(), 1);
  EXPECT_EQ(y[0][1].item<double>(), 2);
  EXPECT_TRUE(std::isnan(y[1][0].item<double>()));
}

TEST(Matmul, multiplies_finished_sums_by_alpha) {
  for (const int64_t n : {2, 64, 128, 520}) {
    const Tensor a = full({n, n}, 1e20f), b = full({n, n}, 1e-30f), zero = zeros({n, n});
    const Tensor expected = full({n, n}, 1e15 * static_cast<double>(n));
    EXPECT_TRUE(allclose(addmm(zero, a, b, {.alpha = 1e25}), expected)) << n;
    EXPECT_TRUE(allclose(addmm(zero, a.t(), b.t(), {.alpha = 1e25}), expected)) << n;
  }
}

TEST(Matmul, computes_integers_exactly_and_wraps_around) {
  const Tensor big = full({1, 1}, int64_t{3037000500}, {.dtype = kInt64});
  EXPECT_EQ(matmul(big, big).item<int64_t>(), -9223372036709301616);
  EXPECT_EQ(matmul(full({1, 2}, 200, {.dtype = kUInt8}), full({2, 1}, 2, {.dtype = kUInt8}))
                .item<uint8_t>(),
            32);
  EXPECT_EQ(
      matmul(full({2}, 3, {.dtype = kInt32}), full({2}, 4, {.dtype = kInt64})).item<int64_t>(), 24);
}

TEST(Matmul, explains_what_does_not_fit) {
  EXPECT_EQ(message_of([] {
              matmul(zeros({2, 3}), zeros({4, 5}));
            }),
            "matmul: inner sizes must match, got [2, 3] and [4, 5]");
  EXPECT_EQ(message_of([] {
              matmul(zeros({}), zeros({4, 5}));
            }),
            "matmul: both operands need at least 1 dim, got [] and [4, 5]");
  EXPECT_EQ(message_of([] {
              mm(zeros({2, 2, 2}), zeros({2, 2}));
            }),
            "mm: tensors of 2 and 2 dims are required, got [2, 2, 2] and [2, 2]");
  EXPECT_EQ(message_of([] {
              bmm(zeros({2, 2, 2}), zeros({1, 2, 2}));
            }),
            "bmm: batch sizes must match, got [2, 2, 2] and [1, 2, 2]");
  EXPECT_EQ(message_of([] {
              linear(zeros({2, 3}), zeros({4, 2}));
            }),
            "linear: input [..., in] and weight [out, in] are required, got [2, 3] and [4, 2]");
  EXPECT_EQ(message_of([] {
              linear(zeros({2, 3}), zeros({4, 3}), zeros({3}));
            }),
            "linear: bias of shape [4] is required, got [3]");
  EXPECT_THROW(matmul(zeros({2, 2}, {.dtype = kBool}), zeros({2, 2}, {.dtype = kBool})), TypeError);
}

TEST(Linear, is_a_product_plus_bias_for_every_rank) {
  const Tensor weight = counting({5, 4}), bias = counting({5});
  for (const Shape& shape : {Shape{4}, Shape{1, 4}, Shape{3, 4}, Shape{2, 3, 4}}) {
    const Tensor x = counting(shape);
    EXPECT_TRUE(equal(linear(x, weight, bias), matmul(x, weight.t()) + bias));
    EXPECT_TRUE(equal(linear(x, weight), matmul(x, weight.t())));
  }
  EXPECT_TRUE(equal(linear(counting({3, 4}), counting({4, 5}).t(), bias),
                    matmul(counting({3, 4}), counting({4, 5})) + bias));
}

TEST(Linear, gives_the_gradients_of_the_composition) {
  const Tensor x = counting({2, 3, 4}).requires_grad_(), w = counting({5, 4}).requires_grad_();
  const Tensor b = counting({5}).requires_grad_(), g = counting({2, 3, 5});
  const auto fused = autograd::grad({linear(x, w, b)}, {x, w, b}, {.grad_outputs = {g}});
  const auto composed = autograd::grad({matmul(x, w.t()) + b}, {x, w, b}, {.grad_outputs = {g}});
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(equal(fused[i], composed[i])) << i;
}

// ---- threads -----------------------------------------------------------------------------------------------------

TEST_F(Threads, give_the_same_bits_for_any_number) {
  manual_seed(1);
  const Tensor a = randn({300, 210}), b = randn({210, 310}), bias = randn({310});
  const Tensor c = randn({40, 64, 64}), d = randn({40, 64, 64}), e = randn({300, 400});
  const Tensor large = randn({550, 520});
  set_num_threads(1);
  const Tensor expected[] = {matmul(a, b),  linear(a, b.t(), bias), matmul(c, d),
                             softmax(e, 1), matmul(b.t(), a.t()),   matmul(large, large.t())};
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    EXPECT_TRUE(equal(matmul(a, b), expected[0])) << threads;
    EXPECT_TRUE(equal(linear(a, b.t(), bias), expected[1])) << threads;
    EXPECT_TRUE(equal(matmul(c, d), expected[2])) << threads;
    EXPECT_TRUE(equal(softmax(e, 1), expected[3])) << threads;
    EXPECT_TRUE(equal(matmul(b.t(), a.t()), expected[4])) << threads;
    EXPECT_TRUE(equal(matmul(large, large.t()), expected[5])) << threads;
  }
  EXPECT_TRUE(allclose(expected[0], matmul(a.to(kFloat64), b.to(kFloat64)).to(kFloat32),
                       {.rtol = 1e-4, .atol = 1e-4}));
}

TEST_F(Threads, call_every_block_once) {
  set_num_threads(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::atomic<int>> calls(17);
    kernels::parallel_for(17, [&](int64_t block) { ++calls[static_cast<size_t>(block)]; });
    for (const auto& count : calls) ASSERT_EQ(count, 1);
  }
}

TEST_F(Threads, run_nested_blocks_one_after_the_other) {
  set_num_threads(4);
  std::atomic<int> total = 0;
  kernels::parallel_for(5, [&](int64_t) {
    const auto self = std::this_thread::get_id();
    kernels::parallel_for(7, [&](int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), self);
      ++total;
    });
  });
  EXPECT_EQ(total, 35);
}

TEST_F(Threads, hand_what_a_block_throws_to_the_caller) {
  set_num_threads(3);
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(kernels::parallel_for(10,
                                       [](int64_t block) {
                                         if (block == 5) throw std::range_error("block 5");
                                       }),
                 std::range_error);
  }
  std::atomic<int> calls = 0;
  kernels::parallel_for(10, [&](int64_t) { ++calls; });
  EXPECT_EQ(calls, 10);
}

TEST_F(Threads, may_be_used_by_several_threads_at_once) {
  set_num_threads(3);
  manual_seed(2);
  const Tensor a = randn({200, 200}), b = randn({200, 200});
  const Tensor expected = matmul(a, b);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> users;
  for (int i = 0; i < 4; ++i) {
    users.emplace_back([&] {
      for (int round = 0; round < 10; ++round) wrong += !equal(matmul(a, b), expected);
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Threads, are_at_least_one) {
  set_num_threads(2);
  EXPECT_EQ(message_of([] { set_num_threads(0); }), "set_num_threads: expected at least 1, got 0");
  EXPECT_EQ(num_threads(), 2);
  EXPECT_NE(config().find("threads: 2"), std::string::npos);
  EXPECT_NE(config().find("OpenBLAS"), std::string::npos);
}
