#include <reel/autograd/kernels/matmul.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/linalg_product.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>

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

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias) {
  const Shape a = input1.shape(), b = input2.shape();
  bool fits = weight.dim() == 3 && a.rank() > 0 && a.rank() == b.rank() &&
              a.back() == weight.size(1) && b.back() == weight.size(2);
  for (int dim = 0; fits && dim < a.rank() - 1; ++dim) fits = a[dim] == b[dim];
  check(fits,
        "bilinear: inputs [..., in1] and [..., in2] and weight [out, in1, in2] are required, got "
        "{}, {} and {}",
        a, b, weight.shape());
  const int64_t out = weight.size(0), in1 = weight.size(1), in2 = weight.size(2);
  check(!bias.defined() || bias.shape() == Shape(out),
        "bilinear: bias of shape [{}] is required, got {}", out,
        bias.defined() ? bias.shape() : Shape());
  Shape forms = a, result = a;
  forms[a.rank() - 1] = out;
  forms.push_back(in2);
  result[a.rank() - 1] = out;
  // One product with all of the weight, then a sum for every row of it.
  const Tensor factors = weight.permute({1, 0, 2}).reshape({in1, out * in2});
  const Tensor rows = matmul(input1, factors).reshape(forms);
  const Tensor y = matmul(rows, input2.unsqueeze(-1)).reshape(result);
  return bias.defined() ? y + bias : y;
}

// ---- products that are added ---------------------------------------------------------------------------------

namespace {

Tensor scaled(const Tensor& x, double factor) { return factor == 1 ? x : x * factor; }

// Integers: as the formula says.
Tensor add_integer_product(const char* op, const Tensor& x, const Tensor& a, const Tensor& b,
                           const BetaAlphaOptions& options) {
  check<TypeError>(!options.beta.is_floating() && !options.alpha.is_floating(),
                   "{}: integers take integer factors beta and alpha only, got {} tensors", op,
                   a.dtype());
  const Tensor product = matmul(a, b) * options.alpha;
  return options.beta.to<int64_t>() == 0 ? product : x * options.beta + product;
}

Tensor add_product(const char* op, const Tensor& x, const Tensor& a, const Tensor& b, int rank,
                   const BetaAlphaOptions& options) {
  check_ranks(op, a, rank, b, rank);
  check(a.size(-1) == b.size(-2) && a.size(0) == (rank == 3 ? b.size(0) : a.size(0)),
        "{}: matrices that can be multiplied are required, got {} and {}", op, a.shape(),
        b.shape());
  Shape shape = a.shape();
  shape[rank - 1] = b.size(-1);
  check(x.dim() <= rank && broadcast_shapes(op, x.shape(), shape) == shape,
        "{}: a tensor that broadcasts to {} is required, got {}", op, shape, x.shape());
  const Dtype dtype = promote_types(x.dtype(), promote_types(a.dtype(), b.dtype()));
  if (x.dtype() != dtype || a.dtype() != dtype || b.dtype() != dtype)
    return add_product(op, x.to(dtype), a.to(dtype), b.to(dtype), rank, options);
  if (is_integral(dtype)) return add_integer_product(op, x, a, b, options);
  const double beta = options.beta.to<double>(), alpha = options.alpha.to<double>();
  return record(
      op, kernels::add_product(x.array(), a.array(), b.array(), beta, alpha),
      wrt(x, [beta](const Tensor& g) { return scaled(g, beta); }),
      wrt(a, [b = keep(b), alpha](const Tensor& g) { return scaled(matmul(g, b().mT()), alpha); }),
      wrt(b, [a = keep(a), alpha](const Tensor& g) { return scaled(matmul(a().mT(), g), alpha); }));
}

}  // namespace

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  return add_product("addmm", x, a, b, 2, options);
}

Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  return add_product("baddbmm", x, a, b, 3, options);
}

Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  check_ranks("addbmm", a, 3, b, 3);
  check(a.size(0) == b.size(0) && a.size(2) == b.size(1),
        "addbmm: batches of matrices that can be multiplied are required, got {} and {}", a.shape(),
        b.shape());
  // The sum over the batch is part of the sum over the inner dim.
  return add_product("addbmm", x, a.permute({1, 0, 2}).reshape({a.size(1), a.size(0) * a.size(2)}),
                     b.reshape({b.size(0) * b.size(1), b.size(2)}), 2, options);
}

Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& vector,
             const BetaAlphaOptions& options) {
  check_ranks("addmv", a, 2, vector, 1);
  check(x.dim() <= 1, "addmv: a tensor of at most 1 dim is required, got {}", x.shape());
  return add_product("addmv", x.dim() == 1 ? x.unsqueeze(1) : x, a, vector.unsqueeze(1), 2, options)
      .squeeze(1);
}

Tensor addr(const Tensor& x, const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  check_ranks("addr", a, 1, b, 1);
  return add_product("addr", x, a.unsqueeze(1), b.unsqueeze(0), 2, options);
}

// ---- products of other kinds ---------------------------------------------------------------------------------

Tensor outer(const Tensor& a, const Tensor& b) {
  check_ranks("outer", a, 1, b, 1);
  return a.unsqueeze(1) * b;
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) return a * b;
  check(a.size(-1) == b.size(-1), "inner: the last sizes must match, got {} and {}", a.shape(),
        b.shape());
  return tensordot(a, b, Dims(-1), Dims(-1));
}

Tensor tensordot(const Tensor& a, const Tensor& b, int dims) {
  check(dims >= 0 && dims <= a.dim() && dims <= b.dim(),
        "tensordot: between 0 and {} dims can be summed over, got {}", std::min(a.dim(), b.dim()),
        dims);
  Dims a_dims, b_dims;
  for (int i = 0; i < dims; ++i) {
    a_dims.push_back(a.dim() - dims + i);
    b_dims.push_back(i);
  }
  return tensordot(a, b, a_dims, b_dims);
}

namespace {

// x with `dims` behind (or before) the others, as a matrix; `shape` takes the sizes of the others.
Tensor as_matrix(const Tensor& x, const Dims& dims, bool behind, Shape& shape) {
  const uint64_t mask = dims.empty() ? 0 : dims_mask("tensordot", dims, x.dim());
  Dims order;
  int64_t others = 1, summed = 1;
  for (int dim : dims) summed *= x.size(dim);
  if (!behind) order = dims;
  for (int i = 0; i < x.dim(); ++i) {
    if (mask >> i & 1) continue;
    order.push_back(i);
    shape.push_back(x.size(i));
    others *= x.size(i);
  }
  for (int i = 0; behind && i < dims.size(); ++i) order.push_back(dims[i]);
  return x.permute(order).reshape(behind ? Shape{others, summed} : Shape{summed, others});
}

}  // namespace

Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& a_dims, const Dims& b_dims) {
  check(a_dims.size() == b_dims.size(),
        "tensordot: as many dims of a as of b are required, got {} and {}", a_dims.size(),
        b_dims.size());
  Tensor left = a, right = b;
  for (int i = 0; i < a_dims.size(); ++i) {
    const int m = wrap_dim("tensordot", a_dims[i], a.dim()),
              n = wrap_dim("tensordot", b_dims[i], b.dim());
    const int64_t a_size = a.size(m), b_size = b.size(n);
    check(a_size == b_size || a_size == 1 || b_size == 1,
          "tensordot: the sizes {} of dim {} and {} of dim {} do not match, got shapes {} and {}",
          a_size, m, b_size, n, a.shape(), b.shape());
    if (a_size == 1 && b_size != 1) right = right.sum(n, {.keepdim = true});
    if (b_size == 1 && a_size != 1) left = left.sum(m, {.keepdim = true});
  }
  Shape shape;
  left = as_matrix(left, a_dims, true, shape);
  right = as_matrix(right, b_dims, false, shape);
  return matmul(left, right).reshape(shape);
}

Tensor kron(const Tensor& a, const Tensor& b) {
  const int rank = std::max(a.dim(), b.dim());
  Shape a_shape, b_shape, shape;
  for (int i = 0; i < rank; ++i) {
    const int of_a = i - rank + a.dim(), of_b = i - rank + b.dim();
    const int64_t m = of_a >= 0 ? a.size(of_a) : 1, n = of_b >= 0 ? b.size(of_b) : 1;
    a_shape.push_back(m);
    a_shape.push_back(1);
    b_shape.push_back(1);
    b_shape.push_back(n);
    shape.push_back(m * n);
  }
  return (a.reshape(a_shape) * b.reshape(b_shape)).reshape(shape);
}

Tensor trace(const Tensor& x) {
  check(x.dim() == 2, "trace: a matrix is required, got {}", x.shape());
  return x.diagonal().sum();
}

Tensor chain_matmul(std::span<const Tensor> matrices) {
  check(!matrices.empty(), "chain_matmul: at least one matrix is required, got none");
  for (const Tensor& each : matrices)
    check(each.dim() == 2, "chain_matmul: matrices are required, got {}", each.shape());
  return matrices.size() == 1 ? matrices[0] : linalg::multi_dot(matrices);
}

Tensor chain_matmul(std::initializer_list<Tensor> matrices) {
  return chain_matmul(std::span<const Tensor>(matrices.begin(), matrices.size()));
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::matmul(const Tensor& other) const { return reel::matmul(self(), other); }
Tensor MathMethods::mm(const Tensor& other) const { return reel::mm(self(), other); }
Tensor MathMethods::mv(const Tensor& vector) const { return reel::mv(self(), vector); }
Tensor MathMethods::bmm(const Tensor& other) const { return reel::bmm(self(), other); }
Tensor MathMethods::dot(const Tensor& other) const { return reel::dot(self(), other); }
Tensor MathMethods::outer(const Tensor& other) const { return reel::outer(self(), other); }
Tensor MathMethods::addmm(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) const {
  return reel::addmm(self(), a, b, options);
}
Tensor MathMethods::baddbmm(const Tensor& a, const Tensor& b,
                            const BetaAlphaOptions& options) const {
  return reel::baddbmm(self(), a, b, options);
}
Tensor MathMethods::addbmm(const Tensor& a, const Tensor& b,
                           const BetaAlphaOptions& options) const {
  return reel::addbmm(self(), a, b, options);
}
Tensor MathMethods::addmv(const Tensor& a, const Tensor& vector,
                          const BetaAlphaOptions& options) const {
  return reel::addmv(self(), a, vector, options);
}
Tensor MathMethods::addr(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) const {
  return reel::addr(self(), a, b, options);
}
Tensor MathMethods::trace() const { return reel::trace(self()); }
Tensor& InPlaceMethods::addmm_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  return rebind_inplace("addmm_", self(), reel::addmm(former(self()), a, b, options));
}
Tensor& InPlaceMethods::addbmm_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  return rebind_inplace("addbmm_", self(), reel::addbmm(former(self()), a, b, options));
}
Tensor& InPlaceMethods::addmv_(const Tensor& a, const Tensor& vector,
                               const BetaAlphaOptions& options) {
  return rebind_inplace("addmv_", self(), reel::addmv(former(self()), a, vector, options));
}
Tensor& InPlaceMethods::addr_(const Tensor& a, const Tensor& b, const BetaAlphaOptions& options) {
  return rebind_inplace("addr_", self(), reel::addr(former(self()), a, b, options));
}
Tensor& InPlaceMethods::baddbmm_(const Tensor& a, const Tensor& b,
                                 const BetaAlphaOptions& options) {
  return rebind_inplace("baddbmm_", self(), reel::baddbmm(former(self()), a, b, options));
}

}  // namespace reel
