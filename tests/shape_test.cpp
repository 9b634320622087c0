// What the table of operations cannot say of views, pieces and padding: memory, versions, walks.
#include <gtest/gtest.h>

#include <reel/reel.h>

using namespace reel;

namespace {

Tensor numbers(const Shape& shape) {
  return arange(shape.numel(), {.dtype = kFloat64}).reshape(shape);
}

}  // namespace

TEST(Pieces, share_memory_and_version_with_what_they_were_cut_from) {
  const Tensor x = numbers({4, 3});
  std::vector<Tensor> pieces = split(x, 2);
  pieces[1].fill_(7);
  EXPECT_EQ(x[3][2].item<double>(), 7);
  EXPECT_EQ(x[1][2].item<double>(), 5);
  EXPECT_EQ(pieces[0].version(), x.version());
  EXPECT_EQ(unbind(x, 1)[2].data<double>(), x.data<double>() + 2);
}

TEST(Pieces, that_no_gradient_reached_count_as_zeros) {
  const Tensor x = numbers({5}).requires_grad_();
  const std::vector<Tensor> pieces = x.split({1, 3, 1});
  (pieces[1] * pieces[1]).sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({0, 2, 4, 6, 0}, {.dtype = kFloat64})));
}

TEST(Pieces, can_be_walked_again_and_one_after_the_other) {
  const Tensor x = numbers({4}).requires_grad_();
  const std::vector<Tensor> pieces = chunk(x, 2);
  pieces[0].sum().backward();
  pieces[0].sum().backward();
  pieces[1].sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({2, 2, 1, 1}, {.dtype = kFloat64})));
}

TEST(Pieces, give_their_own_gradients_to_grad_and_to_hooks) {
  const Tensor x = numbers({4}).requires_grad_();
  std::vector<Tensor> pieces = chunk(x, 2);
  pieces[0].register_hook([](const Tensor& g) { return g * 10; });
  const Tensor y = (pieces[0] * 3).sum() + pieces[1].square().sum();
  const auto grads = autograd::grad(y, {pieces[1], x}, {.retain_graph = true});
  EXPECT_TRUE(equal(grads[0], tensor({4, 6}, {.dtype = kFloat64})));
  EXPECT_TRUE(equal(grads[1], tensor({30, 30, 4, 6}, {.dtype = kFloat64})));
  pieces[1].retain_grad();
  y.backward();
  EXPECT_TRUE(equal(pieces[1].grad(), grads[0]));
  EXPECT_TRUE(equal(x.grad(), grads[1]));
}

TEST(Pieces, changed_in_place_pass_the_change_to_their_source) {
  const Tensor leaf = numbers({2, 2}).requires_grad_();
  const Tensor x = leaf * 1;
  std::vector<Tensor> rows = unbind(x);
  rows[0].mul_(rows[1].detach().clone());
  (x * x).sum().backward();
  // x is ((0, 1) * (2, 3), (2, 3)).
  EXPECT_TRUE(equal(leaf.grad(), tensor({{0, 18}, {4, 6}}, {.dtype = kFloat64})));
}

TEST(Pieces, of_pieces_and_of_views_have_gradients_of_every_order) {
  const auto f = [](const std::vector<Tensor>& x) {
    const std::vector<Tensor> outer = chunk(x[0].t(), 2), inner = unbind(outer[1], 1);
    return outer[0] * inner[0].unsqueeze(1) * inner[2].unsqueeze(1);
  };
  const std::vector<Tensor> x{(numbers({3, 4}) + 1).requires_grad_()};
  EXPECT_TRUE(autograd::gradcheck(f, x));
  EXPECT_TRUE(autograd::gradgradcheck(f, x));
}

TEST(Pieces, that_throw_on_the_way_leave_no_gradient_behind) {
  const Tensor x = numbers({4}).requires_grad_();
  const std::vector<Tensor> pieces = chunk(x, 2);
  bool fails = true;
  const Tensor first = pieces[0] * 1;
  first.register_hook([&](const Tensor&) { check(!fails, "hook: {}", "fails"); });
  const Tensor y = first.sum() + (pieces[1] * 1).sum();
  EXPECT_THROW(y.backward(), Error);
  fails = false;
  (chunk(x, 2)[0] * 1).sum().backward();
  pieces[1].sum().backward();
  EXPECT_TRUE(equal(x.grad(), ones({4}, {.dtype = kFloat64})));
}

TEST(Pieces, are_as_many_as_in_pytorch) {
  EXPECT_EQ(chunk(zeros({5}), 4).size(), 3u);
  EXPECT_EQ(chunk(zeros({0}), 4).size(), 4u);
  EXPECT_EQ(split(zeros({0}), 0).size(), 1u);
  EXPECT_EQ(split(zeros({0}), 3).size(), 1u);
  EXPECT_EQ(tensor_split(zeros({2}), 4).size(), 4u);
  EXPECT_EQ(unbind(zeros({0, 2})).size(), 0u);
}

TEST(Copies, own_their_memory_even_if_nothing_moved) {
  const Tensor x = numbers({2, 2});
  for (const Tensor& y : {repeat(x, {1, 1}), tile(x, {1}), repeat_interleave(x, 1, 0), rot90(x, 0),
                          roll(x, 0, 0), flip(x, Dims{}), diag(x), pad(x, {})})
    EXPECT_NE(y.array().storage(), x.array().storage());
}

TEST(Views, keep_the_dtype_and_serve_every_dtype) {
  for (const Dtype dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    const Tensor x = numbers({2, 2}).to(dtype);
    for (const Tensor& y : {flip(x, 0), roll(x, 1), tril(x), triu(x), diag(x), diag_embed(x),
                            pad(x, {1, 1}), pad(x, {1, 1}, {.mode = "reflect"}), repeat(x, {2, 2}),
                            repeat_interleave(x, 2), unbind(x)[0], x.unfold(0, 1, 1)})
      EXPECT_EQ(y.dtype(), dtype);
  }
  EXPECT_EQ(pad(tensor({1}), {0, 1}, {.value = 2.5})[1].item<int64_t>(), 2);
}

TEST(AsStrided, starts_where_the_view_starts_unless_told) {
  const Tensor x = numbers({6}), y = x.slice(0, 2);
  EXPECT_EQ(y.as_strided({2}, {2})[1].item<double>(), 4);
  EXPECT_EQ(y.as_strided({2}, {2}, 0)[1].item<double>(), 2);
}

TEST(FillDiagonal, goes_through_all_dims_of_a_cube) {
  Tensor x = zeros({2, 2, 2});
  x.fill_diagonal_(1);
  EXPECT_EQ(x.sum().item<float>(), 2);
  EXPECT_EQ(x[1][1][1].item<float>(), 1);
}

TEST(Methods, about_shapes_are_their_functions) {
  const Tensor x = numbers({2, 3, 4});
  EXPECT_TRUE(equal(x.reshape_as(zeros({6, 4})), reshape(x, {6, 4})));
  EXPECT_TRUE(equal(x.view_as(zeros({6, 4})), view(x, {6, 4})));
  EXPECT_TRUE(equal(x.ravel(), ravel(x)));
  EXPECT_TRUE(equal(x.unflatten(2, {2, 2}), unflatten(x, 2, {2, 2})));
  EXPECT_TRUE(equal(x.swapaxes(0, 1), swapaxes(x, 0, 1)));
  EXPECT_TRUE(equal(x.mT(), transpose(x, 1, 2)));
  EXPECT_TRUE(equal(x.movedim(0, 1), movedim(x, 0, 1)));
  EXPECT_TRUE(equal(x.select(0, 1).unsqueeze(0).squeeze({0, 1}), select(x, 0, 1)));
  EXPECT_TRUE(equal(x[0][0].broadcast_to({2, 4}), expand(x[0][0], {2, 4})));
  EXPECT_TRUE(equal(x[0][0].expand_as(zeros({2, 4})), expand(x[0][0], {2, 4})));
  EXPECT_TRUE(equal(x.repeat({2, 1, 1}), repeat(x, {2, 1, 1})));
  EXPECT_TRUE(equal(x.tile(2), tile(x, 2)));
  EXPECT_TRUE(equal(x.repeat_interleave(2, 1), repeat_interleave(x, 2, 1)));
  EXPECT_TRUE(
      equal(x.repeat_interleave(tensor({1, 2}), 0), repeat_interleave(x, tensor({1, 2}), 0)));
  EXPECT_TRUE(equal(x.tensor_split(2, 1)[1], tensor_split(x, 2, 1)[1]));
  EXPECT_TRUE(equal(x.tensor_split({1, 2}, 1)[1], tensor_split(x, {1, 2}, 1)[1]));
  // One number in braces is a list, not a count.
  EXPECT_EQ(x.tensor_split({1}, 1)[0].size(1), 1);
  EXPECT_EQ(tensor_split(x, {1}, 1).size(), 2u);
  EXPECT_EQ(split(x, {x.size(1)}, 1).size(), 1u);
  EXPECT_THROW(x.split({1}, 1), Error);
  EXPECT_TRUE(equal(x.unbind(1)[1], select(x, 1, 1)));
  EXPECT_TRUE(equal(x.chunk(2, 2)[1], chunk(x, 2, 2)[1]));
  EXPECT_TRUE(equal(x.flip({0, 1}), flip(x, {0, 1})));
  EXPECT_TRUE(equal(x.roll(1), roll(x, 1)));
  EXPECT_TRUE(equal(x.roll({1, 2}, {0, 1}), roll(x, {1, 2}, {0, 1})));
  EXPECT_TRUE(equal(x.rot90(), rot90(x)));
  EXPECT_TRUE(equal(x.tril(1), tril(x, 1)));
  EXPECT_TRUE(equal(x.triu(1), triu(x, 1)));
  EXPECT_TRUE(equal(x[0].diag(1), diag(x[0], 1)));
  EXPECT_TRUE(equal(x.diagonal(1, 0, 2), diagonal(x, 1, 0, 2)));
  EXPECT_TRUE(equal(x.diag_embed(1), diag_embed(x, 1)));
}

TEST(Methods, tell_where_a_view_lies) {
  const Tensor x = numbers({2, 3, 4}), y = x[1].t();
  EXPECT_EQ(x.stride(0), 12);
  EXPECT_EQ(y.stride(-1), 4);
  EXPECT_EQ(y.storage_offset(), 12);
  EXPECT_EQ(x.element_size(), 8);
  EXPECT_EQ((x > 1).element_size(), 1);
}

TEST(Methods, make_new_tensors_of_the_same_dtype) {
  const Tensor x = numbers({2, 3});
  EXPECT_TRUE(equal(x.new_zeros({2}), zeros({2}, {.dtype = kFloat64})));
  EXPECT_TRUE(equal(x.new_ones({2}, {.dtype = kInt64}), ones({2}, {.dtype = kInt64})));
  EXPECT_TRUE(equal(x.new_full({1, 2}, 7), full({1, 2}, 7, {.dtype = kFloat64})));
  EXPECT_EQ(x.new_empty({4, 1}).shape(), Shape({4, 1}));
  EXPECT_EQ(x.new_empty(3).dtype(), kFloat64);
  EXPECT_TRUE(x.new_zeros({2}, {.requires_grad = true}).requires_grad());
  EXPECT_EQ(ones({2}).type_as(x).dtype(), kFloat64);
  EXPECT_TRUE(equal(x.T(), transpose(x, 0, 1)));
}

TEST(Methods, of_everyday_functions_are_these) {
  const Tensor x = numbers({2, 3}) - 2.5;
  EXPECT_TRUE(equal(x.quantile(0.3, 1), quantile(x, 0.3, 1)));
  EXPECT_TRUE(equal(x.nanquantile(0.3), nanquantile(x, 0.3)));
  EXPECT_TRUE(equal(x.quantile(numbers({2})), quantile(x, numbers({2}))));
  EXPECT_TRUE(equal(x.cov(), cov(x)));
  EXPECT_TRUE(equal(x.cov({.correction = 0}), cov(x, {.correction = 0})));
  EXPECT_TRUE(equal(x.corrcoef(), corrcoef(x)));
  EXPECT_TRUE(equal(x.histc(3), histc(x, 3)));
  EXPECT_TRUE(equal(x.dist(x * 2), dist(x, x * 2)));
  EXPECT_TRUE(equal(x.diff(1, 0), diff(x, 1, 0)));
  EXPECT_TRUE(equal(x.msort(), msort(x)));
  EXPECT_TRUE(equal(x.signbit(), x < 0));
  EXPECT_TRUE(equal(x.floor_divide(2), floor(x / 2)));
  EXPECT_TRUE(equal(x.float_power(2), x * x));
  EXPECT_TRUE(equal(x.renorm(2, 0, 1), renorm(x, 2, 0, 1)));
  EXPECT_TRUE(equal(x.masked_scatter(x > 0, -x), masked_scatter(x, x > 0, -x)));
  EXPECT_TRUE(equal(x[x > 0], x.index({x > 0})));
  EXPECT_EQ(float_power(ones({2}, {.dtype = kInt64}), 2).dtype(), kFloat64);
  EXPECT_TRUE(equal(tensor({-7, 7}) % 3, tensor({2, 1})));
}

// x[mask] = 5 would change a copy; it does not compile.
static_assert(!std::is_assignable_v<decltype(std::declval<Tensor>()[Tensor()]), int>);
static_assert(std::is_assignable_v<decltype(std::declval<Tensor>()[0]), int>);

TEST(Shifts, in_place_are_their_functions) {
  Tensor x = tensor({1, 5, -9});
  x.bitwise_left_shift_(tensor({3, 1, 0}));
  EXPECT_TRUE(equal(x, tensor({8, 10, -9})));
  x.bitwise_right_shift_(tensor(1));
  EXPECT_TRUE(equal(x, tensor({4, 5, -5})));
}

TEST(Logspace, has_whole_powers) {
  EXPECT_TRUE(equal(logspace(0, 3, 4), tensor({1.0, 10.0, 100.0, 1000.0})));
  EXPECT_TRUE(equal(logspace(1, 4, 4, 2, {.dtype = kInt64}), tensor({2, 4, 8, 16})));
  EXPECT_TRUE(equal(logspace(2, 5, 1), tensor({100.0})));
  EXPECT_EQ(logspace(0, 1, 0).numel(), 0);
}
