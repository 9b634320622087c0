#pragma once
// Parameters that are functions of others: the module's tensor is computed before every forward,
// and gradients go to what it is computed from. Same as torch.nn.utils.parametrize, weight_norm and
// spectral_norm, with their names in state_dict().
//
// module->weight shows what the last forward computed; an optimiser is made afterwards, of the
// module's new parameters. The module is called (fc(x)): its forward() by itself computes nothing
// anew. A parametrised module cannot be called by two threads at once, and its parameter should not
// be another module's too. A clone is parametrised likewise.

#include <reel/nn/handle.h>

namespace reel::nn::utils {

namespace parametrize {

/// Its forward maps the original to the parameter, of the same shape and dtype.
class Parametrization : public Module {
 public:
  using Module::forward;
  /// Of a value the original that forward maps to it; what the original starts as.
  virtual Tensor right_inverse(const Tensor& value) { return value; }
};

/// From now on `name` of the module is parametrization(original), where the original is the
/// parameter "parametrizations.<name>.original"; of several, what the former ones made goes into
/// the next. Any module will do; a Parametrization may say what the original starts as. Throws
/// unless there is such a parameter and the result has its shape and dtype.
void register_parametrization(Module& module, const std::string& name,
                              const ModulePtr& parametrization);

struct RemoveOptions {
  bool leave_parametrized = true;  ///< what the parameter shows stays, otherwise the original
};
/// The parameter is one of its own again.
void remove_parametrizations(Module& module, const std::string& name,
                             const RemoveOptions& options = {});
/// Whether any parameter of the module itself, or the one of that name, is parametrised.
bool is_parametrized(Module& module, std::string_view name = "");

/// While it lives, a parameter is computed in its first forward on this thread and then used again
/// (by weight_norm and spectral_norm too): for recurrent models, under NoGradGuard, or where one
/// backward() follows. Python's `with parametrize.cached()`.
class Cached {
 public:
  Cached();
  ~Cached();
  Cached(const Cached&) = delete;
  Cached& operator=(const Cached&) = delete;
};

}  // namespace parametrize

struct WeightNormOptions {
  std::optional<int> dim = 0;  ///< each slice along it has a length of its own; none: all one
};
/// weight = g v / |v| with the parameters "<name>_g", the lengths, and "<name>_v" (Salimans and
/// Kingma 2016).
void weight_norm(Module& module, const std::string& name = "weight",
                 const WeightNormOptions& options = {});
void remove_weight_norm(Module& module, const std::string& name = "weight");

struct SpectralNormOptions {
  int n_power_iterations = 1;  ///< in every forward in training mode
  double eps = 1e-12;
  std::optional<int> dim = {};  ///< of the outputs: 1 for transposed convolutions, else 0
};
/// weight = original / sigma, sigma an estimate of the largest singular value of the original
/// [outputs, the rest] by power iteration (Miyato et al. 2018). The parameter is "<name>_orig", the
/// buffers are "<name>_u" and "<name>_v", which start as random directions.
void spectral_norm(Module& module, const std::string& name = "weight",
                   const SpectralNormOptions& options = {});
void remove_spectral_norm(Module& module, const std::string& name = "weight");

/// Of a handle, which is returned: nn::Linear fc = weight_norm(nn::Linear(4, 3)).
template <class Impl>
Handle<Impl> weight_norm(Handle<Impl> module, const std::string& name = "weight",
                         const WeightNormOptions& options = {}) {
  weight_norm(*module, name, options);
  return module;
}
template <class Impl>
Handle<Impl> spectral_norm(Handle<Impl> module, const std::string& name = "weight",
                           const SpectralNormOptions& options = {}) {
  spectral_norm(*module, name, options);
  return module;
}

}  // namespace reel::nn::utils
