#pragma once
// Normalisation: what batch, layer, group and instance normalisation share. They differ only in
// which elements have a mean and a variance in common, and which have a weight in common.

#include <reel/autograd/array.h>

namespace reel::kernels {

/// x in row-major order is [outer, groups, inner]: statistics are those of a group, over outer and
/// inner. A weight serves `run` elements in a row, the next weight the next ones, and after
/// `channels` weights the first one again. `inner` is a multiple of `run`; where outer > 1, `run`
/// is `inner` and `channels` is `groups`.
struct Groups {
  int64_t outer, groups, inner, run, channels;
  double eps;  // added to a variance before its root is taken
};

struct Normalized {
  Array y;
  Array statistics;  // float64 [2, groups]: means, and variances that are divided by N
};
/// (x - mean) / sqrt(variance + eps) * weight + bias, floating; weight and bias have
/// groups.channels elements of x's dtype or are undefined (1 and 0).
Normalized normalize(const Array& x, const Array& weight, const Array& bias, const Groups& groups);
/// The same with statistics that are given.
Array normalize_by(const Array& statistics, const Array& x, const Array& weight, const Array& bias,
                   const Groups& groups);

/// The gradient of normalize with respect to x, of statistics too as functions of x.
Array normalize_input_gradient(const Array& g, const Array& x, const Array& weight,
                               const Array& statistics, const Groups& groups);
/// That with respect to the weight, [channels].
Array normalize_weight_gradient(const Array& g, const Array& x, const Array& statistics,
                                const Groups& groups);

}  // namespace reel::kernels
