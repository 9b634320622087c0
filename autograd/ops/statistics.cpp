// All made of other operations, whose rules they have.
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/check_floating.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
#include <reel/autograd/ops/statistics.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <string>

namespace reel {

using detail::check_floating;

// ---- quantiles -----------------------------------------------------------------------------------------------

namespace {

void check_quantiles(const char* op, const Tensor& x, const Tensor& q) {
  check_floating(op, x);
  check<TypeError>(q.dtype() == x.dtype(), "{}: q must have the dtype of the tensor, {}, got {}",
                   op, x.dtype(), q.dtype());
  check(q.dim() <= 1, "{}: q must be a number or 1-d, got shape {}", op, q.shape());
  check(x.numel() > 0, "{}: expected at least one element, got shape {}", op, x.shape());
  check(all((q >= 0) & (q <= 1)), "{}: q must be in [0, 1], got {}", op, q);
}

// Elements of sorted lines at `ranks`, between two where these are no whole numbers.
Tensor at_ranks(const char* op, const Tensor& sorted, const Tensor& ranks,
                std::string_view interpolation) {
  const auto pick = [&](const Tensor& places) { return gather(sorted, -1, places.to(kInt64)); };
  if (interpolation == "lower") return pick(floor(ranks));
  if (interpolation == "higher") return pick(ceil(ranks));
  if (interpolation == "nearest") return pick(round(ranks));
  check(interpolation == "linear" || interpolation == "midpoint",
        "{}: interpolation must be \"linear\", \"lower\", \"higher\", \"nearest\" or \"midpoint\", "
        "got \"{}\"",
        op, std::string(interpolation).c_str());
  const Tensor below = pick(floor(ranks)), above = pick(ceil(ranks));
  if (interpolation == "midpoint") return lerp(below, above, 0.5);
  return lerp(below, above, ranks - floor(ranks));
}

Tensor quantiles(const char* op, const Tensor& x, const Tensor& q, std::optional<int> dim,
                 const QuantileOptions& options, bool ignore_nan) {
  check_quantiles(op, x, q);
  const int wrapped = dim ? wrap_dim(op, *dim, x.dim()) : 0;
  const bool along = dim && x.dim() > 0;
  const Tensor lines = along ? movedim(x, wrapped, -1) : x.reshape({-1});
  const Tensor sorted = sort(lines).values;  // NaN is behind the numbers
  const Tensor nan = isnan(sorted.detach());
  const int64_t last = sorted.size(-1) - 1;
  // One rank for each line and each q.
  Tensor ranks = q.reshape({-1});
  if (ignore_nan) {
    const Tensor numbers = sum(!nan, -1, {.keepdim = true});
    ranks = ranks * clamp_min(numbers - 1, 0).to(x.dtype());
  } else {
    ranks = where(any(nan, -1, {.keepdim = true}), last, ranks * last);
  }
  Tensor y = at_ranks(op, sorted, ranks, options.interpolation);
  if (options.keepdim && !along) {
    Shape shape = Shape::filled(x.dim(), 1);
    shape.push_back(q.numel());
    y = y.reshape(shape);
  } else if (options.keepdim) {
    y = y.unsqueeze(wrapped);
  }
  return q.dim() == 0 ? y.squeeze(-1) : movedim(y, -1, 0);
}

Tensor number_like(const Tensor& x, double value) {
  return Tensor(Array::full({}, value, x.dtype()));
}

}  // namespace

Tensor quantile(const Tensor& x, const Tensor& q, std::optional<int> dim,
                const QuantileOptions& options) {
  return quantiles("quantile", x, q, dim, options, false);
}
Tensor quantile(const Tensor& x, double q, std::optional<int> dim, const QuantileOptions& options) {
  return quantile(x, number_like(x, q), dim, options);
}

Tensor nanquantile(const Tensor& x, const Tensor& q, std::optional<int> dim,
                   const QuantileOptions& options) {
  return quantiles("nanquantile", x, q, dim, options, true);
}
Tensor nanquantile(const Tensor& x, double q, std::optional<int> dim,
                   const QuantileOptions& options) {
  return nanquantile(x, number_like(x, q), dim, options);
}

// ---- covariances ---------------------------------------------------------------------------------------------

namespace {

// Weights of the observations in x's dtype; undefined where there are none.
Tensor observation_weights(const Tensor& x, const CovOptions& options) {
  const auto checked = [&](const char* name, const Tensor& weights) {
    check(weights.shape() == Shape(x.size(1)),
          "cov: {} must have one number for each of {} observations, got shape {}", name, x.size(1),
          weights.shape());
    check(all(weights >= 0), "cov: {} must not be negative, got {}", name, weights);
    return weights.to(x.dtype());
  };
  const Tensor &f = options.fweights, &a = options.aweights;
  Tensor weights;
  if (f.defined()) {
    check<TypeError>(!f.is_floating_point() && f.dtype() != kBool,
                     "cov: fweights must be integers, got {}", f.dtype());
    weights = checked("fweights", f);
  }
  if (a.defined()) {
    check_floating("cov: aweights", a);
    const Tensor importance = checked("aweights", a);
    weights = weights.defined() ? weights * importance : importance;
  }
  return weights;
}

}  // namespace

Tensor cov(const Tensor& given, const CovOptions& options) {
  check(given.dim() <= 2, "cov: expected at most 2 dims, got shape {}", given.shape());
  const Tensor numbers = as_floating(given);
  const Tensor x = numbers.dim() < 2 ? numbers.reshape({1, numbers.numel()}) : numbers;
  const Tensor weights = observation_weights(x, options);
  const Tensor w = weights.defined() ? weights : ones_like(x[0].detach());
  const Tensor total = sum(w);
  const Tensor centred = x - matmul(x, w).unsqueeze(1) / total;
  Tensor divisor = total - options.correction;
  if (options.aweights.defined() && options.correction != 0)
    divisor = total - options.correction * sum(w * options.aweights.to(x.dtype())) / total;
  return (matmul(centred, (centred * w).t()) / clamp_min(divisor, 0)).squeeze();
}

Tensor corrcoef(const Tensor& x) {
  check(x.dim() <= 2, "corrcoef: expected at most 2 dims, got shape {}", x.shape());
  const Tensor c = cov(x);
  if (c.dim() == 0) return c / c;
  const Tensor deviation = sqrt(diagonal(c));
  return clamp(c / deviation.unsqueeze(1) / deviation, -1, 1);
}

// ---- histograms ----------------------------------------------------------------------------------------------

Tensor histc(const Tensor& given, int64_t bins, Scalar min, Scalar max) {
  check_floating("histc", given);
  check(bins > 0, "histc: bins must be positive, got {}", bins);
  const Tensor x = given.detach();
  double low = min.to<double>(), high = max.to<double>();
  if (low == high && x.numel() > 0) {
    low = reel::min(x).to(kFloat64).item<double>();
    high = reel::max(x).to(kFloat64).item<double>();
  }
  check(std::isfinite(low) && std::isfinite(high),
        "histc: the range from min to max must be finite, got {} to {}", low, high);
  check(low <= high, "histc: max must not be less than min, got {} and {}", low, high);
  if (low == high) low -= 1, high += 1;
  const Tensor inside = x[(x >= low) & (x <= high)];
  const Tensor places = ((inside - low) * bins / (high - low)).to(kInt64);
  return bincount(clamp_max(places, bins - 1), bins).to(x.dtype());
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor MathMethods::quantile(const Tensor& q, std::optional<int> dim,
                             const QuantileOptions& options) const {
  return reel::quantile(self(), q, dim, options);
}
Tensor MathMethods::quantile(double q, std::optional<int> dim,
                             const QuantileOptions& options) const {
  return reel::quantile(self(), q, dim, options);
}
Tensor MathMethods::nanquantile(const Tensor& q, std::optional<int> dim,
                                const QuantileOptions& options) const {
  return reel::nanquantile(self(), q, dim, options);
}
Tensor MathMethods::nanquantile(double q, std::optional<int> dim,
                                const QuantileOptions& options) const {
  return reel::nanquantile(self(), q, dim, options);
}
Tensor MathMethods::cov() const { return reel::cov(self()); }
Tensor MathMethods::cov(const CovOptions& options) const { return reel::cov(self(), options); }
Tensor MathMethods::corrcoef() const { return reel::corrcoef(self()); }
Tensor MathMethods::histc(int64_t bins, Scalar min, Scalar max) const {
  return reel::histc(self(), bins, min, max);
}

}  // namespace reel
