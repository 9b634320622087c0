#include <reel/autograd/ops/operators.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/linalg_norm.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/nn/detail/recomputed.h>
#include <reel/nn/parametrize.h>

#include <algorithm>

namespace reel::nn::utils {

using nn::detail::Recomputed;

// ---- weight_norm -----------------------------------------------------------------------------------------

namespace {

// The length of each slice along `dim`, which keeps its place.
Tensor lengths(const Tensor& v, std::optional<int> dim) {
  if (!dim || v.dim() == 0) return linalg::vector_norm(v);
  Dims others;
  for (int i = 0; i < v.dim(); ++i) {
    if (i != *dim) others.push_back(i);
  }
  return others.empty() ? abs(v) : linalg::vector_norm(v, 2, others, {.keepdim = true});
}

std::optional<int> wrapped(const char* name, std::optional<int> dim, const Tensor& weight) {
  return dim ? std::optional(wrap_dim(name, *dim, weight.dim())) : dim;
}

// A new parameter with these numbers.
Tensor leaf(const Tensor& value, const Tensor& like) {
  return value.detach().clone().requires_grad_(like.requires_grad());
}

Tensor normalised(const Tensor& x, double eps) {
  return x / std::max(linalg::vector_norm(x).item<double>(), eps);
}

void remove(const char* kind, Module& module, const std::string& name, const std::string& source) {
  const Tensor weight = Recomputed::refresh(kind, module, name);
  const bool requires_grad = module.get_parameter(source).requires_grad();
  Recomputed::stop(kind, module, name, weight);
  module.get_parameter(name).requires_grad_(requires_grad);
}

}  // namespace

void weight_norm(Module& module, const std::string& name, const WeightNormOptions& options) {
  const char* kind = "weight_norm";
  const Tensor weight = Recomputed::find_parameter(kind, module, name);
  const std::optional<int> dim = wrapped(kind, options.dim, weight);
  const Tensor g = leaf(lengths(weight, dim), weight), v = leaf(weight, weight);
  Recomputed::start(kind, module, name, {.parameters = {{name + "_g", g}, {name + "_v", v}}},
                    [g, v, dim](bool) { return v * (g / lengths(v, dim)); });
  module.repeat_on_clone([name, options](Module& copy) { weight_norm(copy, name, options); });
}

void remove_weight_norm(Module& module, const std::string& name) {
  remove("weight_norm", module, name, name + "_v");
  module.repeat_on_clone([name](Module& copy) { remove_weight_norm(copy, name); });
}

// ---- spectral_norm ---------------------------------------------------------------------------------------

namespace {

// What the parameter is computed from, and how.
struct Spectrum {
  Tensor original, u, v;
  int dim;
  SpectralNormOptions options;

  // [outputs, the rest].
  Tensor matrix() const { return flatten(movedim(original, {dim}, {0}), 1); }

  void iterate() const {
    NoGradGuard no_grad;
    const Tensor w = matrix();
    for (int i = 0; i < options.n_power_iterations; ++i) {
      Tensor(v).copy_(normalised(mv(w.t(), u), options.eps));
      Tensor(u).copy_(normalised(mv(w, v), options.eps));
    }
  }
  Tensor weight(bool training) const {
    if (training) iterate();
    // Copies: the next forward changes these, this one's graph keeps them.
    return original / dot(u.clone(), mv(matrix(), v.clone()));
  }
};

}  // namespace

void spectral_norm(Module& module, const std::string& name, const SpectralNormOptions& options) {
  const char* kind = "spectral_norm";
  const Tensor weight = Recomputed::find_parameter(kind, module, name);
  check(options.n_power_iterations >= 1, "{}: n_power_iterations must be at least 1, got {}", kind,
        options.n_power_iterations);
  check(options.eps > 0, "{}: eps must be positive, got {}", kind, options.eps);
  check(weight.dim() >= 2 && weight.numel() > 0,
        "{}: expected a parameter of at least 2 dims with elements, got shape {}", kind,
        weight.shape());
  const bool transposed = module.name().starts_with("ConvTranspose");
  const int dim = wrap_dim(kind, options.dim.value_or(transposed ? 1 : 0), weight.dim());
  const auto direction = [&](int64_t size) {
    return normalised(randn({size}, {.dtype = weight.dtype()}), options.eps);
  };
  const int64_t outputs = weight.size(dim);
  const Tensor u = direction(outputs), v = direction(weight.numel() / outputs);
  const Spectrum spectrum{leaf(weight, weight), u, v, dim, options};
  Recomputed::start(kind, module, name,
                    {.parameters = {{name + "_orig", spectrum.original}},
                     .buffers = {{name + "_u", u}, {name + "_v", v}}},
                    [spectrum](bool training) { return spectrum.weight(training); });
  module.repeat_on_clone([name, options](Module& copy) { spectral_norm(copy, name, options); });
}

void remove_spectral_norm(Module& module, const std::string& name) {
  remove("spectral_norm", module, name, name + "_orig");
  module.repeat_on_clone([name](Module& copy) { remove_spectral_norm(copy, name); });
}

}  // namespace reel::nn::utils
