#include <reel/autograd/kernels/normalization.h>
#include <reel/autograd/ops/binary.h>
#include <reel/autograd/ops/detail/check_floating.h>
#include <reel/autograd/ops/detail/reduced_dims.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/normalization.h>
#include <reel/autograd/ops/pad.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {

using detail::check_floating;
using kernels::Groups;

namespace {

Array array_or_none(const Tensor& x) { return x.defined() ? x.array() : Array(); }

std::optional<Kept> keep_defined(const Tensor& x) {
  return x.defined() ? std::optional<Kept>(keep(x)) : std::nullopt;
}
Tensor read(const std::optional<Kept>& x) { return x ? (*x)() : Tensor(); }

// ---- channels and groups ---------------------------------------------------------------------------------------

// x as [repetitions, channels, elements that share a weight].
Tensor by_channel(const Tensor& x, const Groups& groups) {
  const int64_t once = groups.channels * groups.run;
  return x.reshape({once == 0 ? 0 : x.numel() / once, groups.channels, groups.run});
}

Tensor sum_of_channels(const Tensor& x, const Groups& groups) {
  return by_channel(x, groups).sum({0, 2});
}

// x, each element multiplied by its weight.
Tensor weighted(const Tensor& x, const Tensor& weight, const Groups& groups) {
  if (!weight.defined()) return x;
  return (by_channel(x, groups) * weight.reshape({groups.channels, 1})).reshape(x.shape());
}

// ---- normalisation and its gradients ---------------------------------------------------------------------------
// h is the normalised x without weight and bias, r what it was multiplied by, M a group's mean. The
// statistics passed along are those of x; they are numbers computed once, and what they do to a
// gradient is in the rules.

struct Normal {
  Tensor y;
  Tensor statistics;  // float64 [2, groups]
};
Normal normal(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Groups& groups);
Tensor input_gradient(const Tensor& g, const Tensor& x, const Tensor& weight,
                      const Tensor& statistics, const Groups& groups);
Tensor weight_gradient(const Tensor& g, const Tensor& x, const Tensor& statistics,
                       const Groups& groups);

Normal normal(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Groups& groups) {
  kernels::Normalized computed =
      kernels::normalize(x.array(), array_or_none(weight), array_or_none(bias), groups);
  const Tensor statistics(computed.statistics);
  Tensor y = record(op, std::move(computed.y),
                    wrt(x,
                        [x = keep(x), weight = keep_defined(weight), statistics = keep(statistics),
                         groups](const Tensor& g) {
                          return input_gradient(g, x(), read(weight), statistics(), groups);
                        }),
                    wrt(weight,
                        [x = keep(x), statistics = keep(statistics), groups](const Tensor& g,
                                                                             const Shape& shape) {
                          return weight_gradient(g, x(), statistics(), groups).reshape(shape);
                        }),
                    wrt(bias, [groups](const Tensor& g, const Shape& shape) {
                      return sum_of_channels(g, groups).reshape(shape);
                    }));
  return {y, statistics};
}

Tensor weight_gradient(const Tensor& g, const Tensor& x, const Tensor& statistics,
                       const Groups& groups) {
  return record(
      "normalize_weight_gradient",
      kernels::normalize_weight_gradient(g.array(), x.array(), statistics.array(), groups),
      wrt(g, [x = keep(x),
              groups](const Tensor& v) { return normal("normalize", x(), v, {}, groups).y; }),
      wrt(x, [g = keep(g), x = keep(x), statistics = keep(statistics), groups](const Tensor& v) {
        return input_gradient(g(), x(), v, statistics(), groups);
      }));
}

// With q = g * weight and P(q) = r (q - M(q) - h M(q h)), which is the gradient: that of
// sum(v P(q)) with respect to x. P is symmetric, h changes with x by P and r by -r^2 h / N, so it
// is -r^2 h (M(v q) - M(v) M(q) - M(v h) M(q h)) - r (M(q h) P(v) + M(v h) P(q)).
Tensor second_gradient(const Tensor& v, const Tensor& g, const Tensor& x, const Tensor& weight,
                       const Tensor& statistics, const Groups& groups) {
  const Shape shape{groups.outer, groups.groups, groups.inner};
  const auto mean_of = [](const Tensor& t) { return t.mean({0, 2}, {.keepdim = true}); };
  const Tensor h = normal("normalize", x, {}, {}, groups).y.reshape(shape);
  const Tensor variance = x.reshape(shape).var({0, 2}, {.unbiased = false, .keepdim = true});
  const Tensor r = rsqrt(variance + groups.eps);
  const Tensor u = v.reshape(shape), q = weighted(g, weight, groups).reshape(shape);
  const Tensor uh = mean_of(u * h), qh = mean_of(q * h);
  const Tensor common = mean_of(u * q) - mean_of(u) * mean_of(q) - uh * qh;
  const Tensor of_u = input_gradient(v, x, {}, statistics, groups).reshape(shape);
  const Tensor of_q = input_gradient(g, x, weight, statistics, groups).reshape(shape);
  return (-(square(r) * common * h) - r * (qh * of_u + uh * of_q)).reshape(x.shape());
}

Tensor input_gradient(const Tensor& g, const Tensor& x, const Tensor& weight,
                      const Tensor& statistics, const Groups& groups) {
  return record(
      "normalize_input_gradient",
      kernels::normalize_input_gradient(g.array(), x.array(), array_or_none(weight),
                                        statistics.array(), groups),
      wrt(g,
          [x = keep(x), weight = keep_defined(weight), statistics = keep(statistics),
           groups](const Tensor& v) {
            return weighted(input_gradient(v, x(), {}, statistics(), groups), read(weight), groups);
          }),
      wrt(x,
          [g = keep(g), x = keep(x), weight = keep_defined(weight), statistics = keep(statistics),
           groups](const Tensor& v) {
            return second_gradient(v, g(), x(), read(weight), statistics(), groups);
          }),
      wrt(weight, [g = keep(g), x = keep(x), statistics = keep(statistics), groups](
                      const Tensor& v, const Shape& shape) {
        const Tensor each = input_gradient(v, x(), {}, statistics(), groups) * g();
        return sum_of_channels(each, groups).reshape(shape);
      }));
}

// With statistics that do not depend on x: a line for each channel.
Tensor normal_by(const char* op, const Tensor& statistics, const Tensor& x, const Tensor& weight,
                 const Tensor& bias, const Groups& groups) {
  return record(
      op,
      kernels::normalize_by(statistics.array(), x.array(), array_or_none(weight),
                            array_or_none(bias), groups),
      wrt(x,
          [weight = keep_defined(weight), statistics = keep(statistics), groups](const Tensor& g) {
            const Tensor scale = rsqrt(statistics().select(0, 1) + groups.eps).to(g.dtype());
            return weighted(g, weight ? (*weight)() * scale : scale, groups);
          }),
      wrt(weight,
          [x = keep(x), statistics = keep(statistics), groups](const Tensor& g) {
            return sum_of_channels(g * normal_by("normalize", statistics(), x(), {}, {}, groups),
                                   groups);
          }),
      wrt(bias, [groups](const Tensor& g) { return sum_of_channels(g, groups); }));
}

// ---- operands --------------------------------------------------------------------------------------------------

void check_eps(const char* op, double eps) {
  check(eps >= 0, "{}: eps must not be negative, got {}", op, eps);
}

void check_shape(const char* op, const char* what, const Tensor& x, const Shape& shape) {
  check(!x.defined() || x.shape() == shape, "{}: a {} of shape {} is required, got {}", op, what,
        shape, x.defined() ? x.shape() : Shape());
}

void check_channels(const char* op, const Tensor& x, double eps) {
  check_floating(op, x);
  check(x.dim() >= 2, "{}: an input [N, C, ...] is required, got {}", op, x.shape());
  check_eps(op, eps);
}

// x, weight and bias in one dtype.
struct Operands {
  Tensor x, weight, bias;
  Operands(const char* op, const Tensor& input, const Tensor& factor, const Tensor& summand,
           const Shape& shape) {
    check_shape(op, "weight", factor, shape);
    check_shape(op, "bias", summand, shape);
    Dtype dtype = input.dtype();
    for (const Tensor* each : {&factor, &summand}) {
      if (each->defined()) dtype = promote_types(dtype, each->dtype());
    }
    x = input.to(dtype);
    weight = factor.defined() ? factor.to(dtype) : factor;
    bias = summand.defined() ? summand.to(dtype) : summand;
  }
};

int64_t elements_behind(const Shape& shape, int dim) {
  int64_t count = 1;
  for (int i = dim; i < shape.rank(); ++i) count *= shape[i];
  return count;
}

// ---- running statistics ----------------------------------------------------------------------------------------

struct Running {
  const Tensor &mean, &variance;

  // Both, before either is read or moved: a refused call changes nothing.
  void check_all(const char* op, int64_t channels, bool moved) const {
    const NoGradGuard guard;
    for (const auto& [name, x] : {std::pair("running_mean", &mean), {"running_var", &variance}}) {
      check(moved || x->defined(), "{}: {} is required where the input's statistics do not count",
            op, name);
      check_shape(op, name, *x, channels);
      if (!x->defined()) continue;
      check_floating(op, *x);
      if (moved) check_inplace(op, *x);
    }
  }
  // float64 [2, channels]
  Tensor as_statistics() const {
    return stack({mean.detach().to(kFloat64), variance.detach().to(kFloat64)}, 0);
  }
  // Moves towards statistics [2, samples * channels] of `count` elements each, or rather towards
  // the mean of the samples.
  void move(const Tensor& statistics, int64_t channels, int64_t count, double momentum) const {
    const NoGradGuard guard;
    const Tensor found = statistics.reshape({2, statistics.size(1) / channels, channels}).mean(1);
    const double n = static_cast<double>(count);
    move_one(mean, found.select(0, 0), momentum);
    move_one(variance, found.select(0, 1) * (n / (n - 1)), momentum);
  }

 private:
  static void move_one(Tensor running, const Tensor& found, double momentum) {
    if (running.defined()) running.copy_(running.to(kFloat64) * (1 - momentum) + found * momentum);
  }
};

}  // namespace

// ---- the operations --------------------------------------------------------------------------------------------

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
  check_channels("batch_norm", x, options.eps);
  const int64_t channels = x.size(1), inner = elements_behind(x.shape(), 2);
  const int64_t count = x.size(0) * inner;
  const Running running{running_mean, running_var};
  running.check_all("batch_norm", channels, options.training);
  const Operands in("batch_norm", x, weight, bias, channels);
  const Groups groups{x.size(0), channels, inner, inner, channels, options.eps};
  if (!options.training)
    return normal_by("batch_norm", running.as_statistics(), in.x, in.weight, in.bias, groups);
  check(count != 1,
        "batch_norm: expected more than 1 value per channel when training, got input size {}",
        x.shape());
  const Normal result = normal("batch_norm", in.x, in.weight, in.bias, groups);
  if (x.numel() > 0) running.move(result.statistics, channels, count, options.momentum);
  return result.y;
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& options) {
  check_channels("instance_norm", x, options.eps);
  check(x.dim() >= 3, "instance_norm: an input [N, C, d1, ...] is required, got {}", x.shape());
  const int64_t channels = x.size(1), inner = elements_behind(x.shape(), 2);
  const Running running{running_mean, running_var};
  running.check_all("instance_norm", channels, options.use_input_stats);
  const Operands in("instance_norm", x, weight, bias, channels);
  if (!options.use_input_stats) {
    return normal_by("instance_norm", running.as_statistics(), in.x, in.weight, in.bias,
                     {x.size(0), channels, inner, inner, channels, options.eps});
  }
  check(inner != 1,
        "instance_norm: expected more than 1 spatial element when training, got input size {}",
        x.shape());
  const Normal result = normal("instance_norm", in.x, in.weight, in.bias,
                               {1, x.size(0) * channels, inner, inner, channels, options.eps});
  if (x.numel() > 0) running.move(result.statistics, channels, inner, options.momentum);
  return result.y;
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, const NormalizationOptions& options) {
  check_floating("layer_norm", x);
  check_eps("layer_norm", options.eps);
  const int first = x.dim() - normalized_shape.rank();
  check(normalized_shape.rank() > 0, "layer_norm: normalized_shape must have at least one dim");
  bool fits = first >= 0;
  for (int i = 0; fits && i < normalized_shape.rank(); ++i)
    fits = x.shape()[first + i] == normalized_shape[i];
  check(fits, "layer_norm: the input's last dims must be normalized_shape {}, got {}",
        normalized_shape, x.shape());
  const Operands in("layer_norm", x, weight, bias, normalized_shape);
  const int64_t inner = elements_behind(x.shape(), first);
  const int64_t rows = inner == 0 ? 0 : x.numel() / inner;
  return normal("layer_norm", in.x, in.weight, in.bias, {1, rows, inner, 1, inner, options.eps}).y;
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  const NormalizationOptions& options) {
  check_channels("group_norm", x, options.eps);
  const int64_t channels = x.size(1), run = elements_behind(x.shape(), 2);
  check(num_groups > 0 && channels % num_groups == 0,
        "group_norm: num_groups must divide the {} channels, got {}", channels, num_groups);
  const Operands in("group_norm", x, weight, bias, channels);
  const int64_t inner = channels / num_groups * run;
  check(x.size(0) * inner != 1,
        "group_norm: expected more than 1 value per group, got input size {} for {} groups",
        x.shape(), num_groups);
  return normal("group_norm", in.x, in.weight, in.bias,
                {1, x.size(0) * num_groups, inner, run, channels, options.eps})
      .y;
}

Tensor local_response_norm(const Tensor& x, int64_t size, const LocalResponseNormOptions& options) {
  check_floating("local_response_norm", x);
  check(x.dim() >= 2, "local_response_norm: an input [N, C, ...] is required, got {}", x.shape());
  check(size >= 1, "local_response_norm: size must be at least 1, got {}", size);
  if (x.numel() == 0) return x.clone();
  Shape pads = Shape::filled(2 * (x.dim() - 1), 0);
  pads[2 * (x.dim() - 2)] = size / 2;
  pads[2 * (x.dim() - 2) + 1] = (size - 1) / 2;
  const Tensor squares = pad(square(x), pads).unfold(1, size, 1).sum(-1);
  return x / pow(squares * (options.alpha / static_cast<double>(size)) + options.k, options.beta);
}

Tensor normalize(const Tensor& x, const NormalizeOptions& options) {
  check_floating("normalize", x);
  check_eps("normalize", options.eps);
  const ReducedDims dims("normalize", options.dim, x.dim());
  if (x.numel() == 0) return x.clone();
  return x / clamp_min(norm(x, options.p, options.dim, {.keepdim = true}), options.eps);
}

Tensor renorm(const Tensor& x, double p, int dim, double maxnorm) {
  check_floating("renorm", x);
  check(x.dim() >= 2, "renorm: expected at least 2 dims, got shape {}", x.shape());
  check(p > 0, "renorm: p must be positive, got {}", p);
  check(maxnorm >= 0, "renorm: maxnorm must not be negative, got {}", maxnorm);
  const int wrapped = wrap_dim("renorm", dim, x.dim());
  if (x.numel() == 0) return x.clone();
  Dims others;
  for (int i = 0; i < x.dim(); ++i) {
    if (i != wrapped) others.push_back(i);
  }
  const Tensor size = norm(x, p, others, {.keepdim = true});
  // The small number is PyTorch's.
  return x * where(size > maxnorm, maxnorm / (size + 1e-7), 1);
}

Tensor MathMethods::renorm(double p, int dim, double maxnorm) const {
  return reel::renorm(self(), p, dim, maxnorm);
}
Tensor& InPlaceMethods::renorm_(double p, int dim, double maxnorm) {
  return rebind_inplace("renorm_", self(), reel::renorm(former(self()), p, dim, maxnorm));
}

}  // namespace reel
