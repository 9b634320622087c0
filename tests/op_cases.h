#pragma once
// One row an operation; op_cases_test.cpp derives every check from it.

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
      {};                 // reference of the whole (all others), float64
  std::string note = {};  // tells rows of one name apart
};

const std::vector<OpCase>& op_cases();

/// A float64 tensor whose elements are f(index).
Tensor build(const Shape& shape, const std::function<double(const Index&)>& f);
/// One element, read through the strides.
double at(const Tensor& tensor, const Index& index);

}  // namespace reel::testing
