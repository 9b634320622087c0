#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/random.h>
#include <reel/autograd/ops/detail/check_floating.h>
#include <reel/autograd/ops/dropout.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <cmath>

namespace reel {
namespace {

void check_p(const char* op, double p) {
  check(p >= 0 && p <= 1, "{}: p must be in [0, 1], got {}", op, p);
}

void check_dims(const char* op, const Tensor& x, int least, int most) {
  check(x.dim() == least || x.dim() == most, "{}: expected {} or {} dims, got shape {}", op, least,
        most, x.shape());
}

bool drops(const char* op, const Tensor& x, double p, bool training) {
  if (p == 0 || !training) return false;
  detail::check_floating(op, x);
  return true;
}

// One number for each channel.
Shape of_channels(const Shape& x) {
  Shape shape = x;
  for (int dim = 2; dim < x.rank(); ++dim) shape[dim] = 1;
  return shape;
}

Array number(const Tensor& x, double value) { return Array::full({}, value, x.dtype()); }

// 1 with probability 1 - p, else 0.
Array kept(const Tensor& x, const Shape& shape, double p, Generator& generator) {
  const Array noise = Array::empty(shape, x.dtype());
  kernels::bernoulli(noise, 1 - p, generator);
  return noise;
}

Tensor drop(const Tensor& x, const Shape& shape, double p, Generator& generator) {
  if (p == 1) return x * 0;
  const Array noise = kept(x, shape, p, generator);
  kernels::div(noise, number(x, 1 - p), noise);
  return x * Tensor(noise);
}

Tensor alpha_drop(const Tensor& x, const Shape& shape, double p, Generator& generator) {
  constexpr double alpha = 1.7580993408473766;
  if (p == 1) return x * 0;
  const double scale = 1 / std::sqrt((alpha * alpha * p + 1) * (1 - p));
  const Array noise = kept(x, shape, p, generator);
  const Array dropped = kernels::sub(noise, number(x, 1));  // -1 where it is, else 0
  const Array moved =
      kernels::add(kernels::mul(dropped, number(x, alpha * scale)), number(x, alpha * scale * p));
  kernels::mul(noise, number(x, scale), noise);
  return x * Tensor(noise) + Tensor(moved);
}

Tensor drop_channels(const char* op, const Tensor& x, const DropoutOptions& options,
                     Generator& generator, int batched) {
  check_p(op, options.p);
  if (!drops(op, x, options.p, options.training)) return x;
  if (x.dim() == batched) return drop(x, of_channels(x.shape()), options.p, generator);
  const Tensor y = x.unsqueeze(0);
  return drop(y, of_channels(y.shape()), options.p, generator).squeeze(0);
}

}  // namespace

Tensor dropout(const Tensor& x, const DropoutOptions& options, Generator& generator) {
  check_p("dropout", options.p);
  if (!drops("dropout", x, options.p, options.training)) return x;
  return drop(x, x.shape(), options.p, generator);
}

Tensor dropout1d(const Tensor& x, const DropoutOptions& options, Generator& generator) {
  check_dims("dropout1d", x, 2, 3);
  return drop_channels("dropout1d", x, options, generator, 3);
}

Tensor dropout2d(const Tensor& x, const DropoutOptions& options, Generator& generator) {
  check_dims("dropout2d", x, 3, 4);
  return drop_channels("dropout2d", x, options, generator, x.dim());
}

Tensor dropout3d(const Tensor& x, const DropoutOptions& options, Generator& generator) {
  check_dims("dropout3d", x, 4, 5);
  return drop_channels("dropout3d", x, options, generator, 5);
}

Tensor alpha_dropout(const Tensor& x, const AlphaDropoutOptions& options, Generator& generator) {
  check_p("alpha_dropout", options.p);
  if (!drops("alpha_dropout", x, options.p, options.training)) return x;
  return alpha_drop(x, x.shape(), options.p, generator);
}

Tensor feature_alpha_dropout(const Tensor& x, const AlphaDropoutOptions& options,
                             Generator& generator) {
  const char* op = "feature_alpha_dropout";
  check_p(op, options.p);
  check(x.dim() >= 2, "{}: expected at least 2 dims, got shape {}", op, x.shape());
  if (!drops(op, x, options.p, options.training)) return x;
  return alpha_drop(x, of_channels(x.shape()), options.p, generator);
}

}  // namespace reel
