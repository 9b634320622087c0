// Orders, groups and searches, and rows of a table by number.
#include "numbered.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <reel/autograd/gradcheck.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/embedding.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
#include <reel/autograd/ops/view.h>

using namespace reel;
using namespace reel::tests;

TEST(Sort, puts_nan_behind_every_number) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const Tensor x = numbers({2, nan, infinity, 1, nan, 1}, {6});
  expect_is(sort(x).indices, {3, 5, 0, 2, 1, 4}, {6});
  expect_is(sort(x, 0, {.descending = true}).indices, {1, 4, 2, 0, 3, 5}, {6});
  expect_is(topk(x, 3).indices, {1, 4, 2}, {3});
  expect_is(topk(x, 3, 0, {.largest = false}).indices, {3, 5, 0}, {3});
  expect_is(kthvalue(x, 2).indices, {5}, {});
  expect_is(kthvalue(x, 6).indices, {4}, {});
  expect_is(argsort(x > 1, 0, {.descending = true}), {0, 2, 1, 3, 4, 5}, {6});
  EXPECT_EQ(unique(x).values.numel(), 5);
}

TEST(Sort, of_long_slices_keeps_equal_elements_in_order) {
  manual_seed(3);
  for (const Dtype dtype : {kFloat32, kFloat64, kInt32, kInt64, kUInt8, kBool}) {
    Tensor x = (randn({5000}) * 40).to(kInt32).to(dtype);  // equal ones, and zeros of both signs
    if (is_floating(dtype)) x = cat({x * -1, x, x / 3, x * 1e30});
    const Tensor values = x.to(kFloat64);
    const std::span<double> v = values.span<double>();
    for (const bool descending : {false, true}) {
      std::vector<int64_t> order(v.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        const double p = v[static_cast<size_t>(a)], q = v[static_cast<size_t>(b)];
        return descending ? p > q : p < q;
      });
      EXPECT_TRUE(equal(argsort(x, 0, {.descending = descending}), tensor(order)))
          << name_of(dtype);
      EXPECT_TRUE(
          equal(topk(x, 700, 0, {.largest = descending}).indices, tensor(order).narrow(0, 0, 700)));
    }
  }
}

TEST(Sort, of_many_slices_is_the_same_for_any_number_of_threads) {
  const Tensor x = rand({300, 70, 3});
  const Tensor several = argsort(x, 1);
  const Tensor sorted = gather(x, 1, several);
  EXPECT_TRUE(all(sorted.narrow(1, 1, 69) >= sorted.narrow(1, 0, 69)));
  EXPECT_TRUE(equal(topk(x, 70, 1, {.largest = false}).indices, several));
}

TEST(Unique, tells_slices_apart_in_the_order_of_their_elements) {
  const Tensor x = numbers({1, 0, 1, 2, 3, 2, 0, 5, 0}, {3, 3});
  const UniqueValues found = unique(x, {.return_inverse = true, .return_counts = true, .dim = 1});
  expect_is(found.values, {0, 1, 3, 2, 5, 0}, {3, 2});
  expect_is(found.inverse_indices, {1, 0, 1}, {3});
  expect_is(found.counts, {1, 2}, {2});
  const UniqueValues runs =
      unique_consecutive(places({4, 4, 1, 4}), {.return_inverse = true, .return_counts = true});
  expect_is(runs.values, {4, 1, 4}, {3});
  expect_is(runs.inverse_indices, {0, 0, 1, 2}, {4});
  expect_is(runs.counts, {2, 1, 1}, {3});
}

TEST(Searchsorted, takes_a_side_and_an_order) {
  const Tensor sequence = numbers({3, 1, 2}, {3});
  const Tensor order = argsort(sequence), values = numbers({2, std::nan("")}, {2});
  expect_is(searchsorted(sequence, values, {.sorter = order}), {1, 3}, {2});
  expect_is(searchsorted(sequence, values, {.side = "right", .sorter = order}), {2, 3}, {2});
  expect_is(searchsorted(places({1, 3}), 3), {1}, {});
}

TEST(Embedding, passes_the_padding_by) {
  const Tensor weight = counted({3, 2}).requires_grad_(), input = places({0, 2, 2, 1});
  embedding(input, weight, {.padding_idx = -1}).sum().backward();
  expect_is(weight.grad(), {1, 1, 1, 1, 0, 0}, {3, 2});
  EXPECT_TRUE(autograd::gradgradcheck(
      [&](const std::vector<Tensor>& x) {
        return square(embedding(places({0, 1, 0}), x[0], {.padding_idx = 2}));
      },
      {counted({3, 2}).requires_grad_()}));
}

TEST(Embedding, scales_rows_and_gradients_as_asked) {
  Tensor weight = numbers({3, 4, 0, 1, 6, 8}, {3, 2}).requires_grad_();
  const Tensor input = places({0, 0, 1});
  const Tensor y = embedding(input, weight, {.max_norm = 2.5, .scale_grad_by_freq = true});
  EXPECT_NEAR(y.detach()[0][0].item<double>(), 1.5, 1e-6);
  EXPECT_NEAR(weight.detach()[0][1].item<double>(), 2, 1e-6);
  EXPECT_EQ(weight.detach()[1][1].item<double>(), 1);
  EXPECT_EQ(weight.detach()[2][0].item<double>(), 6);
  y.sum().backward();
  expect_is(weight.grad(), {1, 1, 1, 1, 0, 0}, {3, 2});
}

TEST(EmbeddingBag, leaves_the_padding_and_empty_bags_out) {
  const Tensor weight = numbers({1, 2, 3, 4, -5, -6}, {3, 2}).requires_grad_();
  const Tensor input = places({0, 1, 2, 1}), ends = places({0, 2, 2, 4});
  for (const char* mode : {"sum", "mean", "max"}) {
    const Tensor y = embedding_bag(input, weight, ends,
                                   {.mode = mode, .include_last_offset = true, .padding_idx = 1});
    expect_is(y, {1, 2, 0, 0, -5, -6}, {3, 2});
  }
  embedding_bag(input, weight, ends, {.include_last_offset = true, .padding_idx = 1})
      .sum()
      .backward();
  expect_is(weight.grad(), {1, 1, 0, 0, 1, 1}, {3, 2});
  EXPECT_EQ(embedding_bag(places({}, {0}), weight, places({}, {0})).shape(), Shape({0, 2}));
}
