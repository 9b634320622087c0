#include <reel/autograd/kernels/lapack.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/linalg_product.h>
#include <reel/autograd/ops/linalg_solve.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace linalg {

// ---- chains --------------------------------------------------------------------------------------------------

namespace {

// Where to cut each part i to j of a chain, whose matrix i is [sizes[i], sizes[i + 1]] (Cormen and
// others, Introduction to Algorithms, section 15.2).
class Chain {
 public:
  explicit Chain(std::vector<double> sizes) : count_(sizes.size() - 1) {
    std::vector<double> cost(count_ * count_, 0);
    cut_.resize(count_ * count_);
    for (size_t length = 1; length < count_; ++length) {
      for (size_t i = 0; i + length < count_; ++i) {
        const size_t j = i + length;
        double best = -1;
        for (size_t k = i; k < j; ++k) {
          const double total = cost[i * count_ + k] + cost[(k + 1) * count_ + j] +
                               sizes[i] * sizes[k + 1] * sizes[j + 1];
          if (best >= 0 && total >= best) continue;
          best = total;
          cut_[i * count_ + j] = k;
        }
        cost[i * count_ + j] = best;
      }
    }
  }

  Tensor product(const std::vector<Tensor>& matrices, size_t i, size_t j) const {
    if (i == j) return matrices[i];
    const size_t k = cut_[i * count_ + j];
    return matmul(product(matrices, i, k), product(matrices, k + 1, j));
  }

 private:
  size_t count_;
  std::vector<size_t> cut_;
};

}  // namespace

Tensor multi_dot(std::span<const Tensor> tensors) {
  const char* op = "linalg::multi_dot";
  check(tensors.size() >= 2, "{}: at least two tensors are required, got {}", op, tensors.size());
  std::vector<Tensor> matrices(tensors.begin(), tensors.end());
  const bool row = tensors.front().dim() == 1, column = tensors.back().dim() == 1;
  if (row) matrices.front() = matrices.front().unsqueeze(0);
  if (column) matrices.back() = matrices.back().unsqueeze(1);
  std::vector<double> sizes;
  for (size_t i = 0; i < matrices.size(); ++i) {
    check(matrices[i].dim() == 2,
          "{}: matrices, or vectors at the ends, are required, got {} at {}", op,
          tensors[i].shape(), i);
    check(i == 0 || matrices[i].size(0) == matrices[i - 1].size(1),
          "{}: tensors {} and {} cannot be multiplied, got {} and {}", op, i - 1, i,
          i == 0 ? Shape{} : tensors[i - 1].shape(), tensors[i].shape());
    sizes.push_back(static_cast<double>(matrices[i].size(0)));
  }
  sizes.push_back(static_cast<double>(matrices.back().size(1)));
  Tensor y = Chain(std::move(sizes)).product(matrices, 0, matrices.size() - 1);
  if (column) y = y.squeeze(-1);
  return row ? y.squeeze(0) : y;
}

Tensor multi_dot(std::initializer_list<Tensor> tensors) {
  return multi_dot(std::span<const Tensor>(tensors.begin(), tensors.size()));
}

// ---- powers --------------------------------------------------------------------------------------------------

Tensor matrix_power(const Tensor& a, int64_t n) {
  kernels::check_square("linalg::matrix_power", a.array());
  if (n == 0) return eye(a.size(-1), {.dtype = a.dtype()}).expand(a.shape()).clone();
  Tensor power = n < 0 ? inv(a) : a, y;
  // By the binary digits of the exponent: power is a^(2^i).
  for (uint64_t rest = n < 0 ? -static_cast<uint64_t>(n) : static_cast<uint64_t>(n);;) {
    if (rest & 1) y = y.defined() ? matmul(y, power) : power;
    if ((rest >>= 1) == 0) break;
    power = matmul(power, power);
  }
  return n == 1 ? y.clone() : y;
}

// The derivative in the direction g stands in a corner of the exponential of a block matrix
// (Higham, Functions of Matrices, 2008, eq. 3.16).
Tensor matrix_exp(const Tensor& a) {
  kernels::check_square("linalg::matrix_exp", a.array());
  return record(
      "matrix_exp", kernels::matrix_exp(a.array()), wrt(a, [a = keep(a)](const Tensor& g) {
        const int64_t n = g.size(-1);
        const Tensor at = a().mT(), upper = cat({at, g}, -1);
        const Tensor lower = cat({zeros_like(g), at}, -1);
        return linalg::matrix_exp(cat({upper, lower}, -2)).narrow(-2, 0, n).narrow(-1, n, n);
      }));
}

// ---- cross products ------------------------------------------------------------------------------------------

namespace {

// Components 1, 2, 0 for one step, 2, 0, 1 for two.
Tensor rotate(const Tensor& x, int dim, int64_t steps) {
  return cat({x.narrow(dim, steps, 3 - steps), x.narrow(dim, 0, steps)}, dim);
}

}  // namespace

Tensor cross(const Tensor& a, const Tensor& b, int dim) {
  const char* op = "linalg::cross";
  check(a.dim() == b.dim(), "{}: tensors of equal rank are required, got {} and {}", op, a.shape(),
        b.shape());
  const int at = wrap_dim(op, dim, a.dim());
  check(a.dim() > 0 && a.size(at) == 3 && b.size(at) == 3,
        "{}: size 3 is required in dim {}, got {} and {}", op, at, a.shape(), b.shape());
  broadcast_shapes(op, a.shape(), b.shape());
  return rotate(a, at, 1) * rotate(b, at, 2) - rotate(a, at, 2) * rotate(b, at, 1);
}

}  // namespace linalg

// ---- the functions of torch itself ---------------------------------------------------------------------------

Tensor matrix_power(const Tensor& a, int64_t n) { return linalg::matrix_power(a, n); }

Tensor matrix_exp(const Tensor& a) { return linalg::matrix_exp(a); }

Tensor cross(const Tensor& a, const Tensor& b, std::optional<int> dim) {
  if (dim) return linalg::cross(a, b, *dim);
  const Shape shape = broadcast_shapes("cross", a.shape(), b.shape());
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 3) return linalg::cross(a, b, i);
  }
  fail("cross: a dim of size 3 is required, got {} and {}", a.shape(), b.shape());
}

}  // namespace reel
