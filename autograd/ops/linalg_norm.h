#pragma once
// Norms of vectors and matrices.

#include <reel/autograd/tensor.h>

#include <optional>
#include <string_view>

namespace reel::linalg {

/// Which norm: a number, which may be infinite, "fro" or "nuc".
class NormOrder {
 public:
  NormOrder(int p) : number_(p) {}
  NormOrder(double p) : number_(p) {}
  NormOrder(const char* name) : name_(name) {}

  bool is_number() const { return name_.empty(); }
  double number() const { return number_; }
  std::string_view name() const { return name_; }

 private:
  double number_ = 0;
  std::string_view name_;
};

/// (sum |x|^ord)^(1/ord) over `dims` (none: all); the largest or smallest |x| for infinite orders,
/// the number of elements that are not 0 for order 0. The derivatives at 0 and those of order 0 are
/// 0. Throws for infinite or negative orders of no elements.
Tensor vector_norm(const Tensor& x, double ord = 2, const Dims& dims = {},
                   const ReduceOptions& options = {});
/// A norm of the matrices in two dims: "fro", the 2-norm of all elements; "nuc", the sum of the
/// singular values; 2 and -2, the largest and smallest of them; 1 and -1, the largest and smallest
/// sum of absolute values down a column; infinity and -infinity, along a row.
Tensor matrix_norm(const Tensor& a, NormOrder ord = "fro", const Dims& dims = {-2, -1},
                   const ReduceOptions& options = {});
/// Without an order the 2-norm of all elements in `dims`; with one the vector norm over one dim or
/// of a 1-d x, or the matrix norm over two dims or of a 2-d x.
Tensor norm(const Tensor& x, std::optional<NormOrder> ord = {}, const Dims& dims = {},
            const ReduceOptions& options = {});

}  // namespace reel::linalg
