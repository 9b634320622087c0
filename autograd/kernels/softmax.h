#pragma once
// Softmax and what is computed with it, in numerically safe form.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// exp(x) divided by its sum along `dim` (0 <= dim < rank), or its logarithm; floating dtypes. As
/// in PyTorch, -inf counts as probability 0, and NaN, +inf or nothing but -inf along `dim` give
/// NaN.
Array softmax(const Array& x, int dim);
Array log_softmax(const Array& x, int dim);
/// What gradients g of these results y become for x: y (g - sum of g y) and g - exp(y) sum of g,
/// with sums along `dim`.
Array softmax_backward(const Array& g, const Array& y, int dim);
Array log_softmax_backward(const Array& g, const Array& y, int dim);

/// softmax and softmax_backward of one row of n numbers, float or double, which may be the result's
/// own memory.
template <class T>
void softmax_row(const T* x, int64_t n, T* y);
template <class T>
void softmax_backward_row(const T* g, const T* y, int64_t n, T* x);

/// -log softmax(x)[i, target[i]] for each row i of x [rows, classes]; 0 where the target is
/// `ignore_index`. target [rows], int64, must have been checked.
Array cross_entropy(const Array& x, const Array& target, int64_t ignore_index);
/// Its gradient with respect to x: g[i] * (softmax(x)[i, c] - [c is target[i]]); 0 in rows that are
/// ignored.
Array cross_entropy_backward(const Array& g, const Array& x, const Array& target,
                             int64_t ignore_index);

/// Throws IndexError unless all of target (int64, any shape) are `ignore_index` or in [0, classes).
/// Returns how many are ignored.
int64_t check_targets(const char* op, const Array& target, int64_t classes, int64_t ignore_index);

}  // namespace reel::kernels
