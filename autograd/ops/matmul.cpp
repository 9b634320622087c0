#include <reel/autograd/kernels/matmul.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

void check_ranks(const char* op, const Tensor& a, int a_rank, const Tensor& b, int b_rank) {
  check(a.dim() == a_rank && b.dim() == b_rank,
        "{}: tensors of {} and {} dims are required, got {} and {}", op, a_rank, b_rank, a.shape(),
        b.shape());
}

// x [..., in] as the rows of one matrix.
Tensor rows_of(const Tensor& x) {
  if (x.dim() == 2) return x;
  int64_t rows = 1;
  for (int dim = 0; dim < x.dim() - 1; ++dim) rows *= x.size(dim);
  return x.reshape({rows, x.size(-1)});
}

}  // namespace

// 1-d operands become matrices, so that the rules below need to know matrices only.
Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    const Dtype dtype = promote_types(a.dtype(), b.dtype());
    return matmul(a.to(dtype), b.to(dtype));
  }
  Array y = kernels::matmul(a.array(), b.array());
  const bool row = a.dim() == 1, column = b.dim() == 1;
  const bool one_matrix = a.dim() > 2 && b.dim() == 2;
  return record("matmul", std::move(y),
                wrt(a,
                    [b = keep(b), row, column](const Tensor& g) {
                      if (row && column) return g * b();
                      if (column) return g.unsqueeze(-1) * b();
                      if (row) return matmul(b(), g.unsqueeze(-1)).squeeze(-1);
                      return matmul(g, b().mT());
                    }),
                wrt(b, [a = keep(a), row, column, one_matrix](const Tensor& g) {
                  if (row && column) return g * a();
                  if (column) return matmul(g.unsqueeze(-2), a()).squeeze(-2);
                  if (row) return a().unsqueeze(-1) * g.unsqueeze(-2);
                  // Not a().mT() with g: that would first make a [batch, k, n].
                  if (one_matrix) return matmul(rows_of(a()).t(), rows_of(g));
                  return matmul(a().mT(), g);
                }));
}

Tensor mm(const Tensor& a, const Tensor& b) {
  check_ranks("mm", a, 2, b, 2);
  return matmul(a, b);
}

Tensor mv(const Tensor& a, const Tensor& x) {
  check_ranks("mv", a, 2, x, 1);
  return matmul(a, x);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_ranks("dot", a, 1, b, 1);
  return matmul(a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_ranks("bmm", a, 3, b, 3);
  check(a.size(0) == b.size(0), "bmm: batch sizes must match, got {} and {}", a.shape(), b.shape());
  return matmul(a, b);
}

// Fused because the bias is written where the product is then added: one pass over memory and one
// node less.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  if (weight.dim() != 2 || is_integral(input.dtype()) || (bias.defined() && bias.dim() != 1)) {
    const Tensor product = matmul(input, weight.dim() > 1 ? weight.mT() : weight);
    return bias.defined() ? product + bias : product;
  }
  const Dtype dtype = promote_types(input.dtype(), weight.dtype());
  if (input.dtype() != dtype || weight.dtype() != dtype ||
      (bias.defined() && bias.dtype() != dtype)) {
    return linear(input.to(dtype), weight.to(dtype), bias.defined() ? bias.to(dtype) : bias);
  }
  Array y = kernels::linear(input.array(), weight.array(), bias.defined() ? bias.array() : Array());
  return record(
      "linear", std::move(y),
      wrt(input, [weight = keep(weight)](const Tensor& g) { return matmul(g, weight()); }),
      wrt(weight,
          [input = keep(input)](const Tensor& g) {
            // 1-d: the outer product, again as a product of matrices.
            return matmul(rows_of(g).t(), rows_of(input()));
          }),
      wrt(bias, [](const Tensor& g) { return rows_of(g).sum(0); }));
}

Tensor MathMethods::matmul(const Tensor& other) const { return reel::matmul(self(), other); }

}  // namespace reel
