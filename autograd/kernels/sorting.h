#pragma once
// Orders, groups and searches. Places are int64. NaN counts as larger than every number.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// For each slice along `dim` the places of its elements in ascending (or descending) order; equal
/// ones stay in the order of their places.
Array argsort(const Array& x, int dim, bool descending);
/// The first k of argsort(), 0 <= k <= the size of `dim`.
Array topk(const Array& x, int dim, int64_t k, bool largest);
/// The k-th of argsort(x, dim, false), counted from 0, as a dim of size 1.
Array kth(const Array& x, int dim, int64_t k);

/// Rows [n, m] in groups of equal ones that follow each other in the order given: [n].
struct Groups {
  Array first;    // the row that stands for each group
  Array inverse;  // the group of each row: [n]
  Array counts;   // rows in each group
};
Groups group_rows(const Array& rows, const Array& order);
/// The order that puts rows [n, m] in ascending lexicographic order; equal ones stay as they are.
Array argsort_rows(const Array& rows);

/// How many elements of a sorted sequence come before each value: those less than it, or with
/// `right` those not greater. `sequence` is 1-d or has the leading dims of `values`; both are of
/// one dtype.
Array searchsorted(const Array& sequence, const Array& values, bool right);

}  // namespace reel::kernels
