// Everything is checked before a random number is drawn.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/random.h>
#include <reel/autograd/kernels/sorting.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/random.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <limits>
#include <utility>

namespace reel {
namespace {

// Integers up to these are exact in the dtype.
template <class T>
constexpr std::pair<int64_t, int64_t> exact_range() {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr int64_t limit = int64_t{1} << std::numeric_limits<T>::digits;
    return {-limit, limit};
  } else {
    return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  }
}

void check_exact(const char* op, int64_t first, int64_t last, Dtype dtype) {
  dispatch_any(dtype, [&]<class T>(TypeTag<T>) {
    constexpr auto range = exact_range<T>();
    check(range.first <= first && last <= range.second,
          "{}: {} holds integers from {} to {}, got {} to {}", op, dtype, range.first, range.second,
          first, last);
  });
}

void check_integers(const char* op, int64_t low, int64_t high, Dtype dtype) {
  check(low < high, "{}: low must be less than high, got {} and {}", op, low, high);
  check_exact(op, low, high - 1, dtype);
}

void check_floating(const char* op, Dtype dtype) {
  check<TypeError>(is_floating(dtype), "{}: expected a floating dtype, got {}", op, dtype);
}

void check_probability(const char* op, double p) {
  check(p >= 0 && p <= 1, "{}: p must be in [0, 1], got {}", op, p);
}

void check_probabilities(const char* op, const Array& p) {
  dispatch_float(p.dtype(), op, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < p.numel(); ++i) {
      const T value = p.data<T>()[i];
      check(value >= 0 && value <= 1, "{}: probabilities must be in [0, 1], got {}", op, value);
    }
  });
}

// A row-major tensor that `fill` fills, after everything about shape and options was checked.
template <class Fill>
Tensor drawn(const char* op, const Shape& shape, Dtype dtype, bool requires_grad, Fill&& fill) {
  check<TypeError>(!requires_grad || is_floating(dtype),
                   "{}: only floating tensors can require grad, got {}", op, dtype);
  check_sizes(op, shape);
  Tensor out(Array::empty(shape, dtype));
  fill(out.array());
  out.body()->requires_grad = requires_grad;
  return out;
}

// Lets `fill` overwrite x under the rules of in-place changes.
template <class Fill>
Tensor& sample(const char* op, Tensor& x, Fill&& fill) {
  check_inplace(op, x);
  for (int dim = 0; dim < x.dim(); ++dim) {
    check(x.array().size(dim) <= 1 || x.strides()[dim] != 0,
          "{}: an expanded tensor cannot be filled, got strides {}", op, x.strides());
  }
  if (records_inplace(x, {})) {
    const Array values = Array::empty(x.shape(), x.dtype());
    fill(values);
    return rebind_inplace(op, x, Tensor(values));
  }
  fill(x.array());
  x.array().storage()->bump();
  return x;
}

TensorOptions like(const Tensor& x, const TensorOptions& options) {
  return {.dtype = options.dtype.value_or(x.dtype()), .requires_grad = options.requires_grad};
}

}  // namespace

// ---- new tensors -----------------------------------------------------------------------------------------------

Tensor rand(const Shape& shape, const TensorOptions& options, Generator& generator) {
  const Dtype dtype = options.dtype.value_or(kFloat32);
  check_floating("rand", dtype);
  return drawn("rand", shape, dtype, options.requires_grad,
               [&](const Array& out) { kernels::uniform(out, 0, 1, generator); });
}

Tensor randn(const Shape& shape, const TensorOptions& options, Generator& generator) {
  const Dtype dtype = options.dtype.value_or(kFloat32);
  check_floating("randn", dtype);
  return drawn("randn", shape, dtype, options.requires_grad,
               [&](const Array& out) { kernels::normal(out, 0, 1, generator); });
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, const TensorOptions& options,
               Generator& generator) {
  const Dtype dtype = options.dtype.value_or(kInt64);
  check_integers("randint", low, high, dtype);
  return drawn("randint", shape, dtype, options.requires_grad,
               [&](const Array& out) { kernels::random(out, low, high, generator); });
}

Tensor randint(int64_t high, const Shape& shape, const TensorOptions& options,
               Generator& generator) {
  return randint(0, high, shape, options, generator);
}

Tensor randperm(int64_t n, const TensorOptions& options, Generator& generator) {
  const Dtype dtype = options.dtype.value_or(kInt64);
  check(n >= 0, "randperm: n must not be negative, got {}", n);
  check_exact("randperm", 0, n - 1, dtype);
  return drawn("randperm", n, dtype, options.requires_grad,
               [&](const Array& out) { kernels::permutation(out, generator); });
}

Tensor rand_like(const Tensor& x, const TensorOptions& options) {
  return rand(x.shape(), like(x, options));
}
Tensor randn_like(const Tensor& x, const TensorOptions& options) {
  return randn(x.shape(), like(x, options));
}
Tensor randint_like(const Tensor& x, int64_t low, int64_t high, const TensorOptions& options) {
  return randint(low, high, x.shape(), like(x, options));
}
Tensor randint_like(const Tensor& x, int64_t high, const TensorOptions& options) {
  return randint(0, high, x.shape(), like(x, options));
}

Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options,
              Generator& generator) {
  const Dtype dtype = options.dtype.value_or(kFloat32);
  check_floating("normal", dtype);
  check(std >= 0, "normal: std must not be negative, got {}", std);
  return drawn("normal", shape, dtype, options.requires_grad,
               [&](const Array& out) { kernels::normal(out, mean, std, generator); });
}

Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator) {
  check_floating("normal", mean.dtype());
  check<TypeError>(mean.dtype() == std.dtype(),
                   "normal: mean and std must have one dtype, got {} and {}", mean.dtype(),
                   std.dtype());
  const double least = std.numel() == 0 ? 0 : min(std).to(kFloat64).item<double>();
  check(least >= 0, "normal: std must not be negative, got {}", least);
  const Shape shape = broadcast_shapes("normal", mean.shape(), std.shape());
  const Array values = Array::empty(shape, mean.dtype());
  kernels::normal(values, 0, 1, generator);
  return Tensor(kernels::add(kernels::mul(values, std.array()), mean.array()));
}

Tensor normal(const Tensor& mean, double std, Generator& generator) {
  const Tensor deviations = normal(0, std, mean.shape(), {.dtype = mean.dtype()}, generator);
  return Tensor(kernels::add(deviations.array(), mean.array()));
}

Tensor normal(double mean, const Tensor& std, Generator& generator) {
  return normal(Tensor(Array::full({}, mean, std.dtype())), std, generator);
}

Tensor bernoulli(const Tensor& p, Generator& generator) {
  check_floating("bernoulli", p.dtype());
  const Array probabilities = kernels::contiguous(p.array());
  check_probabilities("bernoulli", probabilities);
  return drawn("bernoulli", p.shape(), p.dtype(), false,
               [&](const Array& out) { kernels::bernoulli(out, probabilities, generator); });
}

Tensor bernoulli(const Tensor& x, double p, Generator& generator) {
  check_probability("bernoulli", p);
  return drawn("bernoulli", x.shape(), x.dtype(), false,
               [&](const Array& out) { kernels::bernoulli(out, p, generator); });
}

Tensor poisson(const Tensor& x, Generator& generator) {
  check_floating("poisson", x.dtype());
  if (x.numel() > 0) {
    const double least = min(x).to(kFloat64).item<double>();
    const double largest = max(x).to(kFloat64).item<double>();
    check(least >= 0 && std::isfinite(largest),
          "poisson: rates must be finite and not negative, got {} to {}", least, largest);
  }
  return drawn("poisson", x.shape(), x.dtype(), false, [&](const Array& out) {
    kernels::poisson(out, kernels::contiguous(x.array()), generator);
  });
}

namespace {

// Weights as rows, after checks.
Array checked_weights(const Tensor& x, int64_t num_samples, bool replacement) {
  check_floating("multinomial", x.dtype());
  check(x.dim() == 1 || x.dim() == 2, "multinomial: expected 1 or 2 dims, got shape {}", x.shape());
  const int64_t places = x.size(-1), rows = x.dim() == 2 ? x.size(0) : 1;
  check(num_samples > 0, "multinomial: num_samples must be positive, got {}", num_samples);
  check(replacement || num_samples <= places,
        "multinomial: without replacement at most {} samples can be drawn, got {}", places,
        num_samples);
  const Array weights = kernels::contiguous(x.array()).view({rows, places}, {places, 1});
  dispatch_float(x.dtype(), "multinomial", [&]<class T>(TypeTag<T>) {
    for (int64_t row = 0; row < rows; ++row) {
      double sum = 0;
      for (int64_t i = 0; i < places; ++i) {
        const T weight = weights.data<T>()[row * places + i];
        check(weight >= 0 && std::isfinite(weight),
              "multinomial: weights must be finite and not negative, got {}", weight);
        sum += weight;
      }
      check(sum > 0, "multinomial: the weights of a row must have a positive sum, got {}", sum);
    }
  });
  return weights;
}

}  // namespace

Tensor multinomial(const Tensor& x, int64_t num_samples, bool replacement, Generator& generator) {
  const Array weights = checked_weights(x, num_samples, replacement);
  Shape shape = x.shape();
  shape[x.dim() - 1] = num_samples;
  check_sizes("multinomial", shape);
  if (replacement && num_samples > 1) {
    return Tensor(kernels::multinomial(weights, num_samples, generator)
                      .view(shape, contiguous_strides(shape)));
  }
  // Of exponential times with the weights as rates, the k-th to come is the k-th place drawn.
  const Array times = Array::empty(weights.shape(), weights.dtype());
  kernels::exponential(times, 1, generator);
  return Tensor(kernels::topk(kernels::div(weights, times), 1, num_samples, true)
                    .view(shape, contiguous_strides(shape)));
}

// ---- samplers in place -------------------------------------------------------------------------------------

Tensor& uniform_(Tensor& x, double from, double to, Generator& generator) {
  check_floating("uniform_", x.dtype());
  check(from <= to, "uniform_: from must not be more than to, got {} and {}", from, to);
  return sample("uniform_", x,
                [&](const Array& out) { kernels::uniform(out, from, to, generator); });
}

Tensor& normal_(Tensor& x, double mean, double std, Generator& generator) {
  check_floating("normal_", x.dtype());
  check(std >= 0, "normal_: std must not be negative, got {}", std);
  return sample("normal_", x,
                [&](const Array& out) { kernels::normal(out, mean, std, generator); });
}

Tensor& log_normal_(Tensor& x, double mean, double std, Generator& generator) {
  check_floating("log_normal_", x.dtype());
  check(std > 0, "log_normal_: std must be positive, got {}", std);
  return sample("log_normal_", x,
                [&](const Array& out) { kernels::log_normal(out, mean, std, generator); });
}

Tensor& exponential_(Tensor& x, double lambda, Generator& generator) {
  check_floating("exponential_", x.dtype());
  check(lambda > 0, "exponential_: lambda must be positive, got {}", lambda);
  return sample("exponential_", x,
                [&](const Array& out) { kernels::exponential(out, lambda, generator); });
}

Tensor& cauchy_(Tensor& x, double median, double sigma, Generator& generator) {
  check_floating("cauchy_", x.dtype());
  check(sigma > 0, "cauchy_: sigma must be positive, got {}", sigma);
  return sample("cauchy_", x,
                [&](const Array& out) { kernels::cauchy(out, median, sigma, generator); });
}

Tensor& geometric_(Tensor& x, double p, Generator& generator) {
  check<TypeError>(x.dtype() != kBool, "geometric_: expected numbers, got {}", x.dtype());
  check(p > 0 && p < 1, "geometric_: p must be in (0, 1), got {}", p);
  return sample("geometric_", x, [&](const Array& out) { kernels::geometric(out, p, generator); });
}

Tensor& bernoulli_(Tensor& x, double p, Generator& generator) {
  check_probability("bernoulli_", p);
  return sample("bernoulli_", x, [&](const Array& out) { kernels::bernoulli(out, p, generator); });
}

Tensor& bernoulli_(Tensor& x, const Tensor& p, Generator& generator) {
  check_floating("bernoulli_", p.dtype());
  const Array probabilities = kernels::contiguous(p.detach().expand(x.shape()).array());
  check_probabilities("bernoulli_", probabilities);
  return sample("bernoulli_", x, [&](const Array& out) {
    const Array values = out.is_contiguous() ? out : Array::empty(out.shape(), out.dtype());
    kernels::bernoulli(values, probabilities, generator);
    if (!out.is_contiguous()) kernels::copy(values, out);
  });
}

Tensor& random_(Tensor& x, int64_t low, int64_t high, Generator& generator) {
  check_integers("random_", low, high, x.dtype());
  return sample("random_", x,
                [&](const Array& out) { kernels::random(out, low, high, generator); });
}

Tensor& random_(Tensor& x, Generator& generator) {
  return sample("random_", x, [&](const Array& out) { kernels::random(out, generator); });
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor& InPlaceMethods::uniform_(double from, double to) {
  return reel::uniform_(self(), from, to);
}
Tensor& InPlaceMethods::normal_(double mean, double std) {
  return reel::normal_(self(), mean, std);
}
Tensor& InPlaceMethods::exponential_(double lambda) { return reel::exponential_(self(), lambda); }
Tensor& InPlaceMethods::bernoulli_(double p) { return reel::bernoulli_(self(), p); }
Tensor& InPlaceMethods::random_(int64_t low, int64_t high) {
  return reel::random_(self(), low, high);
}

}  // namespace reel
