#pragma once
// One row an operation, in the file of its family; op_cases_test.cpp derives every check from it.

#include <reel/reel.h>

#include <functional>
#include <string>
#include <vector>

namespace reel::testing {

using Tensors = std::vector<Tensor>;
using Index = std::vector<int64_t>;

struct OpCase {
  std::string name;                          // of the public function
  std::function<Tensor(const Tensors&)> fn;  // of float inputs only
  std::vector<std::vector<Shape>> shapes;    // sets of input shapes; each is checked by itself
  double low = -2, high = 2;                 // inputs are uniform in [low, high)
  std::function<double(const std::vector<double>&)> scalar =
      {};  // reference of one element (elementwise operations)
  std::function<Tensor(const Tensors&)> reference =
      {};                      // reference of the whole (all others), float64
  std::string note = {};       // tells rows of one name apart
  bool differentiable = true;  // or not by its nature: comparisons, indices, counts
  std::function<Tensor&(Tensor&, const Tensors&)> in_place =
      {};  // its form that changes the first input
};
using Rows = std::vector<OpCase>;

/// The whole table.
const Rows& op_cases();

// ---- the families ----------------------------------------------------------------------------------------

void activation_rows(Rows& rows);
void ctc_rows(Rows& rows);
void distance_rows(Rows& rows);
void dropout_rows(Rows& rows);
void binary_rows(Rows& rows);
void comparison_rows(Rows& rows);
void convolution_rows(Rows& rows);
void elementwise_rows(Rows& rows);
void embedding_rows(Rows& rows);
void indexing_rows(Rows& rows);
void join_rows(Rows& rows);
void linalg_rows(Rows& rows);
void loss_rows(Rows& rows);
void loss_class_rows(Rows& rows);
void loss_margin_rows(Rows& rows);
void matmul_rows(Rows& rows);
void pooling_rows(Rows& rows);
void rearrange_rows(Rows& rows);
void normalization_rows(Rows& rows);
void recurrent_rows(Rows& rows);
void reduce_rows(Rows& rows);
void sorting_rows(Rows& rows);
void statistics_rows(Rows& rows);
void scan_rows(Rows& rows);
void special_rows(Rows& rows);
void resize_rows(Rows& rows);
void view_rows(Rows& rows);

// ---- what rows are made of -------------------------------------------------------------------------------

using Values = std::vector<double>;

OpCase unary(std::string name, Tensor (*fn)(const Tensor&), double (*f)(double), double low = -2,
             double high = 2);
OpCase binary(std::string name, Tensor (*fn)(const Tensor&, const Tensor&),
              double (*f)(double, double), double low = -2, double high = 2);
/// An operation that only moves elements: y[index] = x[source(index)].
OpCase moving(std::string name, std::string note, std::function<Tensor(const Tensor&)> fn,
              std::vector<Shape> from, Shape to, std::function<Index(const Index&)> source);
/// A reduction of everything, and one along a dim.
OpCase whole(std::string name, Tensor (*fn)(const Tensor&), double (*f)(const Values&),
             std::vector<std::vector<Shape>> shapes);
OpCase along_dim(std::string name, std::function<Tensor(const Tensor&)> fn,
                 double (*f)(const Values&), int dim, bool keepdim,
                 std::vector<std::vector<Shape>> shapes);

/// Shapes that every operation of one operand, or of two, is checked with.
extern const std::vector<std::vector<Shape>> kUnary, kBinary;

/// A float64 tensor whose elements are f(index).
Tensor build(const Shape& shape, const std::function<double(const Index&)>& f);
/// One element, read through the strides.
double at(const Tensor& tensor, const Index& index);
/// A place in row-major order, as a number and as an index.
int64_t flat(const Shape& shape, const Index& index);
Index unflat(const Shape& shape, int64_t n);
/// All elements of x, and those along `dim` that lie behind one index of the result.
Values all_of(const Tensor& x);
Values along(const Tensor& x, int dim, Index index, bool kept);
double sum_of(const Values& v);
double max_of(const Values& v);
double min_of(const Values& v);
double log_sum_exp(const Values& v);
/// a @ b for matrices in the last two dims; batch dims broadcast.
Tensor naive_matmul(const Tensor& a, const Tensor& b);

}  // namespace reel::testing
