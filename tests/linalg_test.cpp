// Linear algebra where one row of a table does not say it all: singular matrices, batches,
// repeated values, memory.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using autograd::gradcheck;
using autograd::gradgradcheck;
using reel::tests::message_of;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor matrix(const TensorData& rows) { return tensor(rows, {.dtype = kFloat64}); }

using Tensors = std::vector<Tensor>;

bool passes(Tensor (*f)(const Tensor&), const Tensor& x) {
  const auto call = [f](const Tensors& inputs) { return f(inputs[0]); };
  const Tensor variable = x.clone().requires_grad_();
  return gradcheck(call, {variable}, {.eps = 1e-6, .atol = 1e-6, .rtol = 1e-5}) &&
         gradgradcheck(call, {variable}, {.eps = 1e-6, .atol = 1e-5, .rtol = 1e-4});
}

Tensor gradient(Tensor (*f)(const Tensor&), const Tensor& x) {
  const Tensor variable = x.clone().requires_grad_();
  return autograd::grad(f(variable), {variable})[0];
}

}  // namespace

// ---- determinants --------------------------------------------------------------------------------------------

TEST(Det, has_the_cofactors_of_a_singular_matrix_as_its_gradient) {
  const Tensor a = matrix({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}, {7.0, 8.0, 9.0}});
  const Tensor cofactors = matrix({{-3.0, 6.0, -3.0}, {6.0, -12.0, 6.0}, {-3.0, 6.0, -3.0}});
  EXPECT_TRUE(allclose(gradient(linalg::det, a), cofactors, {.atol = 1e-12}));
  EXPECT_TRUE(passes(linalg::det, a));
}

TEST(Det, has_no_gradient_where_two_ranks_are_missing) {
  const Tensor a = matrix({{1.0, 2.0, 3.0}, {2.0, 4.0, 6.0}, {3.0, 6.0, 9.0}});
  EXPECT_TRUE(allclose(gradient(linalg::det, a), zeros_like(a), {.atol = 1e-13}));
  EXPECT_TRUE(equal(gradient(linalg::det, zeros({2, 2})), zeros({2, 2})));
  EXPECT_TRUE(equal(gradient(linalg::det, zeros({1, 1})), ones({1, 1})));
}

TEST(Det, tells_singular_from_regular_matrices_in_a_batch) {
  const Tensor a = stack({matrix({{1.0, 2.0}, {2.0, 4.0}}), matrix({{2.0, 1.0}, {1.0, 3.0}}),
                          matrix({{1.0, 0.0}, {0.0, 1.0}})});
  const auto total = [](const Tensor& x) { return linalg::det(x).sum(); };
  const Tensor expected =
      stack({matrix({{4.0, -2.0}, {-2.0, 1.0}}), matrix({{3.0, -1.0}, {-1.0, 2.0}}),
             matrix({{1.0, 0.0}, {0.0, 1.0}})});
  EXPECT_TRUE(allclose(gradient(total, a), expected, {.atol = 1e-13}));
  EXPECT_TRUE(passes(total, a));
}

TEST(Det, does_not_take_small_matrices_for_singular_ones) {
  const Tensor a = eye(6, {.dtype = kFloat64}) * 1e-3;
  EXPECT_TRUE(allclose(gradient(linalg::det, a), eye(6, {.dtype = kFloat64}) * 1e-15,
                       {.rtol = 1e-12, .atol = 0}));
}

TEST(Slogdet, does_not_overflow_and_knows_singular_matrices) {
  const auto large = linalg::slogdet(eye(400, {.dtype = kFloat64}) * -10);
  EXPECT_EQ(large.sign.item<double>(), 1);
  EXPECT_NEAR(large.logabsdet.item<double>(), 400 * std::log(10), 1e-9);
  const auto singular = linalg::slogdet(zeros({2, 2}));
  EXPECT_EQ(singular.sign.item<float>(), 0);
  EXPECT_EQ(singular.logabsdet.item<float>(), -kInfinity);
  EXPECT_TRUE(std::isnan(logdet(-eye(1)).item<float>()));
  EXPECT_EQ(linalg::slogdet(zeros({0, 0})).sign.item<float>(), 1);
}

// ---- solutions -----------------------------------------------------------------------------------------------

TEST(Solve, is_exact_to_the_last_digits_in_both_dtypes) {
  manual_seed(3);
  for (const Dtype dtype : {kFloat32, kFloat64}) {
    const Tensor a = randn({5, 40, 40}, {.dtype = dtype}) + eye(40, {.dtype = dtype}) * 20;
    const Tensor x = randn({5, 40, 3}, {.dtype = dtype});
    const double digits = dtype == kFloat32 ? 1e-5 : 1e-13;
    EXPECT_TRUE(allclose(linalg::solve(a, matmul(a, x)), x, {.rtol = digits, .atol = digits}));
    EXPECT_TRUE(allclose(matmul(linalg::inv(a), a), eye(40, {.dtype = dtype}).expand(a.shape()),
                         {.rtol = digits, .atol = digits}));
  }
}

TEST(Solve, gives_row_major_results) {
  const Tensor a = matrix({{2.0, 1.0}, {0.0, 4.0}});
  EXPECT_TRUE(linalg::inv(a).is_contiguous());
  EXPECT_TRUE(linalg::solve(a, a).is_contiguous());
  EXPECT_TRUE(linalg::eigh(a).eigenvectors.is_contiguous());
  EXPECT_TRUE(linalg::svd(a).U.is_contiguous());
  EXPECT_TRUE(linalg::qr(a).R.is_contiguous());
}

TEST(SolveTriangular, reads_one_triangle_only_and_is_infinite_where_it_is_singular) {
  const double nan = std::nan("");
  const Tensor lower = matrix({{2.0, nan}, {1.0, 4.0}}), b = matrix({{2.0}, {9.0}});
  EXPECT_TRUE(equal(linalg::solve_triangular(lower, b, {.upper = false}), matrix({{1.0}, {2.0}})));
  EXPECT_TRUE(equal(linalg::solve_triangular(lower.mT(), b.mT(), {.upper = true, .left = false}),
                    matrix({{1.0, 2.0}})));
  const Tensor x = linalg::solve_triangular(matrix({{0.0}}), matrix({{1.0}}), {.upper = true});
  EXPECT_EQ(x.item<double>(), kInfinity);
}

TEST(Lstsq, gives_the_smallest_solution_where_the_rank_is_deficient) {
  const Tensor a = matrix({{1.0, 1.0}, {1.0, 1.0}, {1.0, 1.0}}), b = matrix({{2.0}, {2.0}, {2.0}});
  const auto y = linalg::lstsq(a, b);
  EXPECT_TRUE(allclose(y.solution, matrix({{1.0}, {1.0}})));
  EXPECT_EQ(y.rank.item<int64_t>(), 1);
  EXPECT_EQ(y.residuals.shape(), Shape({0}));
  EXPECT_EQ(y.singular_values.shape(), Shape({2}));
  const auto full = linalg::lstsq(matrix({{1.0}, {1.0}}), matrix({{0.0}, {2.0}}));
  EXPECT_TRUE(allclose(full.residuals, tensor({2.0}, {.dtype = kFloat64})));
  EXPECT_EQ(linalg::lstsq(zeros({3, 0}), zeros({3, 2})).solution.shape(), Shape({0, 2}));
  EXPECT_TRUE(equal(linalg::lstsq(zeros({0, 3}), zeros({0, 2})).solution, zeros({3, 2})));
}

TEST(Pinv, obeys_the_limits_that_it_is_given) {
  const Tensor a = matrix({{4.0, 0.0}, {0.0, 0.5}});
  EXPECT_TRUE(allclose(linalg::pinv(a, {.atol = 1}), matrix({{0.25, 0.0}, {0.0, 0.0}})));
  EXPECT_TRUE(allclose(linalg::pinv(a, {.rtol = 0.2}), matrix({{0.25, 0.0}, {0.0, 0.0}})));
  EXPECT_TRUE(allclose(linalg::pinv(a), matrix({{0.25, 0.0}, {0.0, 2.0}})));
  EXPECT_EQ(linalg::matrix_rank(a, {.atol = 1}).item<int64_t>(), 1);
  EXPECT_EQ(linalg::matrix_rank(-a, {.hermitian = true}).item<int64_t>(), 2);
  EXPECT_EQ(linalg::pinv(zeros({0, 3})).shape(), Shape({3, 0}));
}

// ---- factorisations ------------------------------------------------------------------------------------------

TEST(Svd, is_square_where_asked_and_rebuilds_the_matrix) {
  manual_seed(5);
  for (const Shape& shape : {Shape{5, 3}, Shape{3, 5}, Shape{2, 4, 4}}) {
    const Tensor a = randn(shape, {.dtype = kFloat64});
    const auto full = linalg::svd(a), reduced = linalg::svd(a, {.full_matrices = false});
    EXPECT_EQ(full.U.size(-1), a.size(-2));
    EXPECT_EQ(full.Vh.size(-2), a.size(-1));
    EXPECT_TRUE(allclose(matmul(full.U.mT(), full.U),
                         eye(a.size(-2), {.dtype = kFloat64}).expand(full.U.shape()),
                         {.atol = 1e-13}));
    EXPECT_TRUE(
        allclose(matmul(reduced.U * reduced.S.unsqueeze(-2), reduced.Vh), a, {.atol = 1e-13}));
    EXPECT_TRUE(allclose(linalg::svdvals(a), full.S));
  }
  const auto empty = linalg::svd(zeros({3, 0}));
  EXPECT_TRUE(equal(empty.U, eye(3)));
  EXPECT_EQ(empty.S.shape(), Shape({0}));
  EXPECT_EQ(empty.Vh.shape(), Shape({0, 0}));
}

TEST(Svd, has_values_with_gradients_and_vectors_without_where_values_are_equal) {
  const Tensor a = eye(2, {.dtype = kFloat64});
  const auto values = [](const Tensor& x) { return linalg::svdvals(x).sum(); };
  const auto vectors = [](const Tensor& x) {
    return (linalg::svd(x).U * tensor({{1.0, 2.0}, {3.0, 4.0}}, {.dtype = kFloat64})).sum();
  };
  EXPECT_TRUE(allclose(gradient(values, a), a));
  const Tensor g = gradient(vectors, a);
  EXPECT_FALSE(std::isfinite(g[0][1].item<double>()));
  EXPECT_TRUE(
      allclose(gradient([](const Tensor& x) { return linalg::matrix_norm(x, "nuc"); }, a), a));
}

TEST(Qr, is_complete_where_asked) {
  const Tensor a = matrix({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
  const auto y = linalg::qr(a, "complete");
  EXPECT_EQ(y.Q.shape(), Shape({3, 3}));
  EXPECT_EQ(y.R.shape(), Shape({3, 2}));
  EXPECT_TRUE(allclose(matmul(y.Q, y.R), a, {.atol = 1e-14}));
  EXPECT_TRUE(allclose(matmul(y.Q.t(), y.Q), eye(3, {.dtype = kFloat64}), {.atol = 1e-14}));
  EXPECT_EQ(linalg::qr(a, "r").Q.numel(), 0);
  EXPECT_TRUE(equal(linalg::qr(zeros({3, 0}), "complete").Q, eye(3)));
  EXPECT_EQ(linalg::qr(zeros({0, 3})).R.shape(), Shape({0, 3}));
}

TEST(Decompositions, hold_nothing_once_their_results_are_gone) {
  const memory::Stats before = memory::stats();
  {
    const Tensor x = rand({4, 4}, {.dtype = kFloat64}).requires_grad_();
    const Tensor a = matmul(x, x.mT()) + eye(4, {.dtype = kFloat64});
    const auto s = linalg::svd(a);
    const auto e = linalg::eigh(a);
    const auto q = linalg::qr(a);
    const Tensor y = s.U.sum() + e.eigenvectors.sum() + q.R.sum() + linalg::cholesky(a).sum() +
                     linalg::det(a) + linalg::inv(a).sum();
    autograd::grad(y, {x}, {.create_graph = true})[0].sum().backward();
  }
  EXPECT_EQ(memory::stats().live_tensors, before.live_tensors);
  EXPECT_EQ(memory::stats().live_storages, before.live_storages);
  EXPECT_EQ(memory::stats().live_nodes, before.live_nodes);
}

TEST(Decompositions, notice_that_a_result_was_changed_before_its_gradient_was_asked_for) {
  const Tensor a = rand({3, 3}, {.dtype = kFloat64}).requires_grad_();
  auto y = linalg::svd(a);
  y.S.mul_(2);
  EXPECT_NE(message_of([&] { y.U.sum().backward(); }).find("inplace"), std::string::npos);
}

// ---- functions -----------------------------------------------------------------------------------------------

TEST(MatrixExp, is_exact_for_small_and_large_matrices_of_one_batch) {
  const Tensor a = stack({matrix({{0.0, -50.0}, {50.0, 0.0}}), matrix({{1e-9, 0.0}, {0.0, 1e-9}}),
                          matrix({{-30.0, 0.0}, {0.0, 3.0}})});
  const Tensor expected =
      stack({matrix({{std::cos(50), -std::sin(50)}, {std::sin(50), std::cos(50)}}),
             matrix({{std::exp(1e-9), 0.0}, {0.0, std::exp(1e-9)}}),
             matrix({{std::exp(-30), 0.0}, {0.0, std::exp(3)}})});
  EXPECT_TRUE(allclose(matrix_exp(a), expected, {.rtol = 1e-12, .atol = 1e-12}));
  EXPECT_TRUE(
      allclose(matrix_exp(a.to(kFloat32)).to(kFloat64), expected, {.rtol = 1e-4, .atol = 1e-4}));
  EXPECT_TRUE(isnan(matrix_exp(full({2, 2}, NAN))).all());
}

TEST(MatrixPower, of_zero_is_the_identity) {
  EXPECT_TRUE(equal(matrix_power(ones({2, 3, 3}), 0), eye(3).expand({2, 3, 3})));
  EXPECT_TRUE(equal(matrix_power(eye(2) * 2, 10), eye(2) * 1024));
  EXPECT_TRUE(equal(matrix_power(eye(2) * 2, -3), eye(2) * 0.125));
}

TEST(MultiDot, multiplies_in_the_cheapest_order) {
  manual_seed(1);
  const Tensor a = randn({2, 50}), b = randn({50, 3}), c = randn({3, 60}), d = randn({60, 1});
  EXPECT_TRUE(allclose(linalg::multi_dot({a, b, c, d}), matmul(matmul(a, b), matmul(c, d)),
                       {.rtol = 1e-4}));
}

TEST(Norms, have_derivative_zero_at_zero) {
  const Tensor zero = zeros({3}, {.dtype = kFloat64});
  for (const double p : {2.0, 3.0, 1.5, 1.0}) {
    const Tensor x = zero.clone().requires_grad_();
    const Tensor g = autograd::grad(linalg::vector_norm(x, p), {x}, {.create_graph = true})[0];
    EXPECT_TRUE(equal(g.detach(), zero)) << p;
  }
  const Tensor x = ones({2, 3}, {.dtype = kFloat64}).requires_grad_();
  for (const double p : {2.0, 1.0, 3.0, kInfinity}) {
    EXPECT_TRUE(
        equal(autograd::grad(cdist(x, x.detach(), p).sum() * 0 + cdist(x, x, p).sum(), {x})[0],
              zeros_like(x.detach())))
        << p;
  }
  EXPECT_EQ(linalg::vector_norm(tensor({3, 0, 4}, {.dtype = kFloat32}), 2, {}, {.dtype = kFloat64})
                .item<double>(),
            5);
}

TEST(Norms, share_the_gradient_between_equal_largest_numbers) {
  const auto largest = [](const Tensor& x) { return linalg::vector_norm(x, kInfinity); };
  EXPECT_TRUE(equal(gradient(largest, tensor({2, -2, 1}, {.dtype = kFloat64})),
                    tensor({0.5, -0.5, 0.0}, {.dtype = kFloat64})));
}

TEST(Cond, is_infinite_for_singular_matrices) {
  const Tensor a = stack({ones({2, 2}), eye(2)});
  EXPECT_TRUE(equal(linalg::cond(a, 1), tensor({kInfinity, 1.0})));
  EXPECT_TRUE(equal(linalg::cond(a, "fro").slice(0, 0, 1), tensor({kInfinity})));
}

TEST(Cdist, loses_no_digits_of_close_points_far_from_zero) {
  const Tensor a = full({1, 3}, 1000, {.dtype = kFloat32}), b = a + 0.0625f;
  EXPECT_FLOAT_EQ(cdist(a, b).item<float>(), std::sqrt(3.0f) * 0.0625f);
}

TEST(Cdist, has_the_same_gradient_written_out_as_in_one_pass) {
  manual_seed(2);
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, kInfinity}) {
    const Tensor x = randn({2, 5, 20}, {.dtype = kFloat64}).requires_grad_();
    const Tensor y = randn({2, 4, 20}, {.dtype = kFloat64}).requires_grad_();
    const Tensor g = rand({2, 5, 4}, {.dtype = kFloat64});
    const auto fused = autograd::grad({cdist(x, y, p)}, {x, y}, {.grad_outputs = {g}});
    const auto written =
        autograd::grad({cdist(x, y, p)}, {x, y}, {.grad_outputs = {g}, .create_graph = true});
    for (size_t i = 0; i < 2; ++i)
      EXPECT_TRUE(allclose(fused[i], written[i].detach(), {.rtol = 1e-12, .atol = 1e-13})) << p;
  }
}

// ---- products ------------------------------------------------------------------------------------------------

TEST(Addmm, does_not_read_what_is_multiplied_by_zero) {
  const Tensor nan = full({2, 2}, NAN);
  EXPECT_TRUE(equal(addmm(nan, eye(2), eye(2), {.beta = 0}), eye(2)));
  EXPECT_TRUE(equal(addmm(eye(2), nan, nan, {.alpha = 0}), eye(2)));
  EXPECT_TRUE(equal(addmm(nan, zeros({2, 0}), zeros({0, 2}), {.beta = 0}), zeros({2, 2})));
}

TEST(Addmm, computes_integers_exactly) {
  const Tensor x = ones({2, 2}, {.dtype = kInt64}), a = full({2, 2}, 3, {.dtype = kInt64});
  EXPECT_TRUE(
      equal(addmm(x, a, a, {.beta = 2, .alpha = -1}), full({2, 2}, -16, {.dtype = kInt64})));
  EXPECT_EQ(addmm(x, a, ones({2, 2})).dtype(), kFloat32);
}

TEST(Einsum, keeps_dtypes_and_takes_views_where_it_can) {
  const Tensor a = arange(6).reshape({2, 3});
  EXPECT_EQ(einsum("ij,kj->ik", {a, a}).dtype(), kInt64);
  EXPECT_TRUE(equal(einsum("ij,kj->ik", {a, a}), matmul(a, a.t())));
  EXPECT_EQ(einsum("ij->ji", {a}).data<int64_t>(), a.data<int64_t>());
  EXPECT_EQ(einsum("ii->i", {eye(3)}).numel(), 3);
  EXPECT_EQ(einsum("b...,b...->b...", {zeros({2, 0, 3}), zeros({2, 0, 3})}).shape(),
            Shape({2, 0, 3}));
}

TEST(Batches, of_no_matrices_give_no_results) {
  const Tensor none = zeros({0, 3, 3});
  EXPECT_EQ(linalg::inv(none).shape(), Shape({0, 3, 3}));
  EXPECT_EQ(linalg::det(none).shape(), Shape({0}));
  EXPECT_EQ(linalg::solve(none, zeros({0, 3, 2})).shape(), Shape({0, 3, 2}));
  EXPECT_EQ(linalg::svd(none).S.shape(), Shape({0, 3}));
  EXPECT_EQ(linalg::eigvalsh(none).shape(), Shape({0, 3}));
  EXPECT_EQ(linalg::qr(none).Q.shape(), Shape({0, 3, 3}));
  EXPECT_EQ(linalg::cholesky(none).shape(), Shape({0, 3, 3}));
  EXPECT_EQ(linalg::lstsq(none, none).solution.shape(), Shape({0, 3, 3}));
  EXPECT_EQ(linalg::pinv(none).shape(), Shape({0, 3, 3}));
  EXPECT_EQ(linalg::matrix_rank(none).shape(), Shape({0}));
  EXPECT_EQ(matrix_exp(none).shape(), Shape({0, 3, 3}));
  EXPECT_EQ(matrix_power(none, -2).shape(), Shape({0, 3, 3}));
}

TEST(Batches, give_the_same_bits_for_any_number_of_threads) {
  manual_seed(4);
  const Tensor a = randn({60, 16, 16}) + eye(16) * 4;
  const int before = num_threads();
  set_num_threads(1);
  const Tensor one[] = {linalg::inv(a), linalg::svd(a).U, linalg::eigh(a).eigenvectors,
                        matrix_exp(a * 0.1), cdist(a, a)};
  set_num_threads(4);
  const Tensor four[] = {linalg::inv(a), linalg::svd(a).U, linalg::eigh(a).eigenvectors,
                         matrix_exp(a * 0.1), cdist(a, a)};
  set_num_threads(before);
  for (size_t i = 0; i < 5; ++i) EXPECT_TRUE(equal(one[i], four[i])) << i;
}
