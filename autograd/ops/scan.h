#pragma once
// Scans: each element becomes what a reduction makes of it and those before it along `dim`.

#include <reel/autograd/tensor.h>

namespace reel {

/// y[i] = x[0] + .. + x[i] (or the product). Integers and bool give int64 unless options.dtype says
/// otherwise; x is converted first.
Tensor cumsum(const Tensor& x, int dim, const DtypeOptions& options = {});
Tensor cumprod(const Tensor& x, int dim, const DtypeOptions& options = {});
/// y[i] = log(exp(x[0]) + .. + exp(x[i])) without overflow; floating only.
Tensor logcumsumexp(const Tensor& x, int dim);
/// The largest (smallest) so far and the index of the last of them, which gets the gradient; NaN
/// propagates.
ValuesAndIndices cummax(const Tensor& x, int dim);
ValuesAndIndices cummin(const Tensor& x, int dim);

/// What cumsum() undoes: y[i] = x[i + 1] - x[i] along `dim`, n times; prepend and append, where
/// defined, are first joined to x. Bools differ (x[i + 1] != x[i]).
Tensor diff(const Tensor& x, int64_t n = 1, int dim = -1, const Tensor& prepend = {},
            const Tensor& append = {});

}  // namespace reel
