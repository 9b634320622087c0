// t.index({...}) as NumPy's rules have it, index_put_, gather and scatter, and their gradients.
#include "message_of.h"
#include "numbered.h"

#include <gtest/gtest.h>

#include <functional>

#include <reel/autograd/memory.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/embedding.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

using namespace reel;
using namespace reel::tests;

// ---- views ---------------------------------------------------------------------------------------------------

TEST(Index, of_integers_and_slices_is_a_view) {
  Tensor x = counted({3, 4});
  expect_is(x[1], {4, 5, 6, 7}, {4});
  expect_is(x[-1][-2], {10}, {});
  expect_is(x.index({0, Slice(1, 3)}), {1, 2}, {2});
  expect_is(x.index({Slice(), 2}), {2, 6, 10}, {3});
  expect_is(x.index({Slice(None, None, 2), Slice(-1, None)}), {3, 11}, {2, 1});
  expect_is(x.index({Ellipsis, 0}), {0, 4, 8}, {3});
  expect_is(x.index({None, 2, None, Slice(0, 2)}), {8, 9}, {1, 1, 2});
  expect_is(x.index({places({2}, {}), 1}), {9}, {});
  x.index({Slice(), 0}).fill_(-1);
  expect_is(x.select(1, 0), {-1, -1, -1}, {3});
}

TEST(Index, ellipsis_stands_for_the_dims_that_are_left) {
  const Tensor x = counted({2, 3, 4});
  expect_is(x.index({1, Ellipsis, 2}), {14, 18, 22}, {3});
  expect_is(x.index({1, 2, 3, Ellipsis}), {23}, {});
  expect_is(x.index({Ellipsis, None}).select(0, 0).select(0, 0), {0, 1, 2, 3}, {4, 1});
}

TEST(Index, refuses_what_does_not_fit) {
  const Tensor x = counted({2, 3});
  EXPECT_EQ(message_of([&] {
              x.index({0, 0, 0});
            }),
            "index: too many indices for a tensor of 2 dims, got 3");
  EXPECT_EQ(message_of([&] {
              x.index({Ellipsis, Ellipsis});
            }),
            "index: at most one Ellipsis is allowed, got 2");
  EXPECT_EQ(message_of([&] {
              x.index({Slice(), places({0, 3})});
            }),
            "index: index 3 is out of range for dim 1 of size 3");
  EXPECT_EQ(message_of([&] { x.index({ones({2})}); }),
            "index: an index tensor must be int64, int32 or bool, got float32");
  EXPECT_EQ(message_of([&] { x.index({ones({3}, {.dtype = kBool})}); }),
            "index: a mask of shape [3] must fit the tensor of shape [2, 3] from dim 0 on");
  EXPECT_THROW(x.index({places({0, 1}), places({0, 1, 2})}), Error);
  EXPECT_THROW(x[2], IndexError);
  EXPECT_THROW(x[0][0][0], IndexError);
}

// ---- index tensors -------------------------------------------------------------------------------------------

TEST(Index, by_a_tensor_picks_slices) {
  const Tensor x = counted({3, 2});
  expect_is(x.index({places({2, 0, -1})}), {4, 5, 0, 1, 4, 5}, {3, 2});
  expect_is(x.index({places({0, 2, 1, 1}, {2, 2})}), {0, 1, 4, 5, 2, 3, 2, 3}, {2, 2, 2});
  expect_is(x.index({Slice(), places({1, 1, 0})}), {1, 1, 0, 3, 3, 2, 5, 5, 4}, {3, 3});
  expect_is(x.index({places({}, {0})}), {}, {0, 2});
  expect_is(x.index({places({1}).to(kInt32)}), {2, 3}, {1, 2});
}

TEST(Index, by_several_tensors_broadcasts_them) {
  const Tensor x = counted({3, 4});
  expect_is(x.index({places({0, 1, 2}), places({3, 2, 1})}), {3, 6, 9}, {3});
  expect_is(x.index({places({0, 2}, {2, 1}), places({1, 3})}), {1, 3, 9, 11}, {2, 2});
}

TEST(Index, adjacent_tensors_stay_in_their_place) {
  const Tensor x = counted({2, 3, 4});
  // x[:, [0, 2], [1, 3]]: pairs (0, 1) and (2, 3) of each matrix.
  expect_is(x.index({Slice(), places({0, 2}), places({1, 3})}), {1, 11, 13, 23}, {2, 2});
  // x[1:, [[0], [2]], [1, 3]]: a 2 x 2 block in the place of the two dims.
  expect_is(x.index({Slice(1, None), places({0, 2}, {2, 1}), places({1, 3})}), {13, 15, 21, 23},
            {1, 2, 2});
  // x[[1, 0], [2, 0], :] begins at the front anyway.
  expect_is(x.index({places({1, 0}), places({2, 0})}), {20, 21, 22, 23, 0, 1, 2, 3}, {2, 4});
}

TEST(Index, separated_tensors_go_first) {
  const Tensor x = counted({2, 3, 4});
  // x[[0, 1, 1], :, [0, 2, 3]]: the common dim of 3 comes first, then the sliced one.
  expect_is(x.index({places({0, 1, 1}), Slice(), places({0, 2, 3})}),
            {0, 4, 8, 14, 18, 22, 15, 19, 23}, {3, 3});
  // x[[1, 0], None, :, [3, 3]]: None separates too.
  expect_is(x.index({places({1, 0}), None, Slice(0, 2), places({3, 3})}), {15, 19, 3, 7},
            {2, 1, 2});
  // With 4 dims: x[:, [0, 1], :, [1, 0]] has shape (2 picked, 2, 2).
  const Tensor y = counted({2, 2, 2, 2});
  expect_is(y.index({Slice(), places({0, 1}), Slice(), places({1, 0})}),
            {1, 3, 9, 11, 4, 6, 12, 14}, {2, 2, 2});
}

TEST(Index, an_integer_selects_before_tensors_pick) {
  const Tensor x = counted({2, 3, 4});
  // As in PyTorch (NumPy would move the picked dim to the front).
  expect_is(x.index({1, Slice(), places({0, 3})}), {12, 15, 16, 19, 20, 23}, {3, 2});
}

TEST(Index, by_masks_picks_where_they_hold) {
  const Tensor x = counted({2, 3});
  expect_is(x.index({x > 2}), {3, 4, 5}, {3});
  const Tensor columns = numbers({1, 0, 1}, {3}) > 0;
  expect_is(x.index({Slice(), columns}), {0, 2, 3, 5}, {2, 2});
  expect_is(x.index({places({1, 0}), columns}), {3, 2}, {2});
  expect_is(x.index({x > 9}), {}, {0});
  const Tensor cube = counted({2, 2, 3});
  expect_is(cube.index({Slice(), x.slice(0, 0, 2) == 4}), {4, 10}, {2, 1});
}

TEST(Index, of_a_view_that_is_not_row_major) {
  const Tensor x = counted({3, 4}).t();
  expect_is(x.index({places({3, 0})}), {3, 7, 11, 0, 4, 8}, {2, 3});
  expect_is(x.index({places({3, 0}), places({0, 2})}), {3, 8}, {2});
  expect_is(x.index({x > 9}), {10, 11}, {2});
}

TEST(Index, adds_gradients_of_what_was_picked_twice) {
  Tensor x = counted({2, 3}).requires_grad_();
  x.index({places({0, 1, 0}), places({2, 0, 2})}).backward(numbers({1, 10, 100}, {3}));
  expect_is(x.grad(), {0, 0, 101, 10, 0, 0}, {2, 3});
  x.mutable_grad() = Tensor();
  x.index({Slice(), places({1, 1})}).backward(numbers({1, 2, 3, 4}, {2, 2}));
  expect_is(x.grad(), {0, 3, 0, 0, 7, 0}, {2, 3});
  x.mutable_grad() = Tensor();
  x.index({x > 3}).sum().backward();
  expect_is(x.grad(), {0, 0, 0, 0, 1, 1}, {2, 3});
}

TEST(Index, has_gradients_through_separated_tensors) {
  const Tensor x = counted({2, 2, 2}).requires_grad_();
  x.index({places({0, 1}), Slice(), places({1, 1})}).backward(numbers({1, 2, 3, 4}, {2, 2}));
  expect_is(x.grad(), {0, 1, 0, 2, 0, 3, 0, 4}, {2, 2, 2});
}

// ---- index_put -----------------------------------------------------------------------------------------------

TEST(IndexPut, writes_through_views_and_index_tensors) {
  Tensor x = zeros({2, 3}, {.dtype = kFloat64});
  x.index_put_({0, Slice(1, 3)}, 5);
  x.index_put_({1}, numbers({1, 2, 3}, {3}));
  expect_is(x, {0, 5, 5, 1, 2, 3}, {2, 3});
  x.index_put_({x > 2}, 0);
  expect_is(x, {0, 0, 0, 1, 2, 0}, {2, 3});
  x.index_put_({Slice(), places({2, 0})}, numbers({7, 8}, {2}));
  expect_is(x, {8, 0, 7, 8, 2, 7}, {2, 3});
  x.index_put_({1, places({0, 1})}, -1);
  expect_is(x, {8, 0, 7, -1, -1, 7}, {2, 3});
}

TEST(IndexPut, changes_nothing_where_it_throws) {
  Tensor x = zeros({2, 3});
  EXPECT_THROW(x.index_put_({places({0, 2})}, 1), IndexError);
  EXPECT_THROW(x.index_put_({places({0, 1})}, ones({4})), Error);
  EXPECT_FALSE(x.any());
}

TEST(IndexPut, accumulates_where_a_place_is_named_twice) {
  const Tensor x = ones({3}, {.dtype = kFloat64});
  expect_is(index_put(x, {places({0, 2, 0})}, numbers({1, 2, 3}, {3}), true), {5, 1, 3}, {3});
  expect_is(index_put(x, {places({0, 2, 0})}, numbers({1, 2, 3}, {3})), {3, 1, 2}, {3});
  expect_is(index_put(x, {Slice(0, 2)}, numbers({4}, {}), true), {5, 5, 1}, {3});
  expect_is(x, {1, 1, 1}, {3});
}

TEST(IndexPut, has_gradients_for_the_tensor_and_the_value) {
  const Tensor x = counted({2, 3}).requires_grad_(), v = numbers({1, 2}, {2}).requires_grad_();
  const Tensor weights = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  (index_put(x, {places({0, 1}), places({2, 0})}, v) * weights).sum().backward();
  expect_is(x.grad(), {1, 2, 0, 0, 5, 6}, {2, 3});
  expect_is(v.grad(), {3, 4}, {2});
  Tensor y = x * 1;
  y.index_put_({Slice(), places({0, 1})}, v);
  (y * weights).sum().backward();
  expect_is(x.grad(), {1, 2, 3, 0, 5, 12}, {2, 3});
  expect_is(v.grad(), {8, 11}, {2});
}

// ---- along one dim -------------------------------------------------------------------------------------------

TEST(IndexSelect, picks_slices_along_a_dim) {
  const Tensor x = counted({2, 3}).requires_grad_();
  expect_is(x.index_select(1, places({2, 0, 2})), {2, 0, 2, 5, 3, 5}, {2, 3});
  expect_is(x.index_select(-2, places({1}, {})), {3, 4, 5}, {1, 3});
  x.index_select(1, places({2, 0, 2})).backward(numbers({1, 2, 3, 4, 5, 6}, {2, 3}));
  expect_is(x.grad(), {2, 0, 4, 5, 0, 10}, {2, 3});
  expect_is(counted({}).index_select(0, places({0})), {0}, {});
  EXPECT_EQ(message_of([&] { x.index_select(1, places({-1})); }),
            "index_select: index -1 is out of range for dim 1 of size 3");
  EXPECT_EQ(message_of([&] { x.index_select(1, ones({1})); }),
            "index_select: index must be int64 or int32, got float32");
}

TEST(IndexAdd, adds_slices_and_splits_the_gradient) {
  const Tensor x = counted({2, 3}).requires_grad_(),
               source = ones({2, 2}, {.dtype = kFloat64}).requires_grad_();
  const Tensor y = index_add(x, 1, places({2, 2}), source, {.alpha = 3});
  expect_is(y, {0, 1, 8, 3, 4, 11}, {2, 3});
  y.backward(numbers({1, 2, 3, 4, 5, 6}, {2, 3}));
  expect_is(x.grad(), {1, 2, 3, 4, 5, 6}, {2, 3});
  expect_is(source.grad(), {9, 9, 18, 18}, {2, 2});
  EXPECT_THROW(index_add(x, 1, places({0}), source), Error);
}

TEST(IndexCopy, replaces_slices) {
  const Tensor x = counted({3, 2}).requires_grad_(),
               source = numbers({-1, -2}, {1, 2}).requires_grad_();
  const Tensor y = index_copy(x, 0, places({1}), source);
  expect_is(y, {0, 1, -1, -2, 4, 5}, {3, 2});
  y.sum().backward();
  expect_is(x.grad(), {1, 1, 0, 0, 1, 1}, {3, 2});
  expect_is(source.grad(), {1, 1}, {1, 2});
  expect_is(index_fill(x, 1, places({0}), 9), {9, 1, 9, 3, 9, 5}, {3, 2});
}

TEST(Gather, picks_elements_along_a_dim) {
  const Tensor x = counted({2, 3}).requires_grad_();
  expect_is(x.gather(1, places({2, 0, 1, 1}, {2, 2})), {2, 0, 4, 4}, {2, 2});
  expect_is(x.gather(0, places({1, 0}, {1, 2})), {3, 1}, {1, 2});
  expect_is(x.t().gather(0, places({2, 2}, {1, 2})), {2, 5}, {1, 2});
  x.gather(1, places({2, 0, 1, 1}, {2, 2})).backward(numbers({1, 2, 3, 4}, {2, 2}));
  expect_is(x.grad(), {2, 0, 1, 0, 7, 0}, {2, 3});
  expect_is(counted({}).gather(0, places({0}, {})), {0}, {});
  expect_is(x.gather(1, places({}, {2, 0})), {}, {2, 0});
  EXPECT_EQ(message_of([&] {
              x.gather(1, places({0, 7}, {1, 2}));
            }),
            "gather: index 7 is out of range for dim 1 of size 3");
  EXPECT_THROW(x.gather(1, places({0})), Error);
  EXPECT_THROW(x.gather(2, places({0}, {1, 1})), IndexError);
}

TEST(Scatter, writes_elements_along_a_dim) {
  const Tensor x = counted({2, 3}).requires_grad_(),
               src = numbers({10, 20, 30, 40, 50, 60}, {2, 3}).requires_grad_();
  const Tensor index = places({2, 0, 1, 1}, {2, 2}), weights = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor y = scatter(x, 1, index, src);
  expect_is(y, {20, 1, 10, 3, 50, 5}, {2, 3});
  y.backward(weights);
  expect_is(x.grad(), {0, 2, 0, 4, 0, 6}, {2, 3});
  expect_is(src.grad(), {3, 1, 0, 5, 5, 0}, {2, 3});
  expect_is(scatter(x, 0, places({1, 0, 1}, {1, 3}), -1), {0, -1, 2, -1, 4, -1}, {2, 3});
  expect_is(scatter_add(x, 1, index, src), {20, 1, 12, 3, 94, 5}, {2, 3});
  EXPECT_THROW(scatter(x, 1, index, src.to(kFloat32)), TypeError);
}

TEST(Masks, pick_and_fill) {
  const Tensor x = counted({2, 3}).requires_grad_();
  expect_is(masked_fill(x, x > 3, -1), {0, 1, 2, 3, -1, -1}, {2, 3});
  masked_fill(x, x > 3, -1).sum().backward();
  expect_is(x.grad(), {1, 1, 1, 1, 0, 0}, {2, 3});
  expect_is(masked_select(x, numbers({0, 1, 0}, {3}) > 0), {1, 4}, {2});
  expect_is(nonzero(numbers({0, 1, 2, 0}, {2, 2})), {0, 1, 1, 0}, {2, 2});
  expect_is(nonzero(zeros({2, 2})), {}, {0, 2});
}

TEST(OneHot, marks_the_class) {
  const Tensor y = one_hot(places({2, 0}), 4);
  EXPECT_EQ(y.dtype(), kInt64);
  expect_is(y, {0, 0, 1, 0, 1, 0, 0, 0}, {2, 4});
  expect_is(one_hot(places({1})), {0, 1}, {1, 2});
  EXPECT_THROW(one_hot(places({4}), 4), IndexError);
}

// ---- in place ------------------------------------------------------------------------------------------------

// What `change` needs beside a tensor of 4 MB that it changes.
int64_t bytes_taken_by(const std::function<void(Tensor&)>& change) {
  Tensor x = zeros({1000, 1000}, {.dtype = kFloat32});
  memory::reset_peak();
  const int64_t before = memory::stats().in_use;
  change(x);
  return memory::stats().peak - before;
}

TEST(InPlace, touches_only_the_places_that_are_named) {
  const Tensor few = places({3, 7, 7}), row = ones({3, 1000});
  const Tensor column = zeros({1, 1000}, {.dtype = kInt64}), mask = ones({1000, 1}) > 0;
  for (const std::function<void(Tensor&)>& change : std::vector<std::function<void(Tensor&)>>{
           [&](Tensor& x) { x.index_put_({few}, row); }, [&](Tensor& x) { x.index_put_({few}, 2); },
           [&](Tensor& x) {
             x.index_put_({few, few}, row.select(1, 0), true);
           },
           [&](Tensor& x) {
             x.index_put_({Slice(1, None), few}, 3);
           },
           [&](Tensor& x) { x.t().index_put_({few}, row); },
           [&](Tensor& x) { x.index_add_(0, few, row, {.alpha = 2}); },
           [&](Tensor& x) { x.index_copy_(0, few, row); },
           [&](Tensor& x) { x.index_fill_(1, few, 1); },
           [&](Tensor& x) { x.scatter_(0, column, 5); },
           [&](Tensor& x) { x.scatter_add_(0, column, row); },
           [&](Tensor& x) { x.masked_fill_(mask, 4); }}) {
    EXPECT_LT(bytes_taken_by(change), 400000);
  }
}

TEST(InPlace, reads_what_is_there_before_it_writes) {
  Tensor x = counted({4});
  x.index_put_({places({1, 2, 3})}, x.narrow(0, 0, 3));
  expect_is(x, {0, 0, 1, 2}, {4});
  Tensor n = places({1, 0, 2});
  n.index_put_({n}, places({5, 6, 7}));
  expect_is(n, {6, 5, 7}, {3});
  Tensor s = places({2, 1, 0});
  s.scatter_(0, s, s);
  expect_is(s, {0, 1, 2}, {3});
}

TEST(InPlace, on_a_recorded_view_changes_its_base) {
  const Tensor leaf = counted({2, 3}).requires_grad_(), v = numbers({10}, {1}).requires_grad_();
  Tensor x = leaf * 1;
  Tensor view = x[1];
  view.index_add_(0, places({2}), v);
  view.masked_fill_(view == 3, 0);
  (x * counted({2, 3})).sum().backward();
  expect_is(x, {0, 1, 2, 0, 4, 15}, {2, 3});
  expect_is(leaf.grad(), {0, 1, 2, 0, 4, 5}, {2, 3});
  expect_is(v.grad(), {5}, {1});
}

// ---- corner cases --------------------------------------------------------------------------------------------

TEST(Slices, of_tensors_without_dims) {
  const Tensor x = numbers({5}, {}).requires_grad_();
  const Tensor y = index_select(x, 0, places({0}));
  EXPECT_EQ(y.shape(), Shape());
  index_add(y, 0, places({0}), numbers({2}, {1})).backward();
  expect_is(x.grad(), {1}, {});
  expect_is(index_fill(x.detach(), 0, places({-1}), 7), {7}, {});
  expect_is(take(x.detach(), places({0, -1})), {5, 5}, {2});
  expect_is(masked_select(x.detach(), ones({}) > 0), {5}, {1});
  expect_is(gather(x.detach(), 0, places({0}, {})), {5}, {});
  expect_is(sort(x.detach()).values, {5}, {});
  expect_is(topk(x.detach(), 1).indices, {0}, {});
}

TEST(Slices, of_a_dim_without_elements) {
  const Tensor x = zeros({0, 3}, {.dtype = kFloat64});
  EXPECT_EQ(index_select(x, 1, places({0, 1})).shape(), Shape({0, 2}));
  EXPECT_EQ(sort(x, 0).indices.shape(), Shape({0, 3}));
  EXPECT_EQ(topk(x, 2, 1).values.shape(), Shape({0, 2}));
  EXPECT_EQ(x.index({x > 0}).shape(), Shape(0));
  EXPECT_EQ(unique(x, {.dim = 0}).values.shape(), Shape({0, 3}));
  EXPECT_EQ(embedding(zeros({0}, {.dtype = kInt64}), ones({4, 2})).shape(), Shape({0, 2}));
}

TEST(Scatter, multiplies_with_zeros_and_keeps_their_gradients) {
  const Tensor x = numbers({2, 3, 5}, {3}).requires_grad_();
  const Tensor src = numbers({0, 4, 0, 0, 7}, {5}).requires_grad_();
  const Tensor index = places({0, 0, 1, 1, 2});
  const Tensor y = scatter(x, 0, index, src, {.reduce = "multiply"});
  expect_is(y, {0, 0, 35}, {3});
  y.backward(ones({3}, {.dtype = kFloat64}));
  expect_is(x.grad(), {0, 0, 7}, {3});
  expect_is(src.grad(), {8, 0, 0, 0, 5}, {5});
}
