#pragma once
// A tensor of a module that is computed from others before every forward.

#include <reel/nn/module.h>

namespace reel::nn::detail {

/// The hook that computes it, and the tensor that the module's member shows.
///
/// A member is a handle, and nobody knows where it stands; so what changes is what stands behind
/// it. It becomes a view of the computed tensor, of another one in each forward. What a graph keeps
/// of a view is a body of its own: graphs of earlier forwards stay as they are.
class Recomputed {
 public:
  /// In a forward in training mode, or else not.
  using Compute = std::function<Tensor(bool training)>;

  /// `kind` tells apart those who use this: "weight_norm". Throws unless the module has a parameter
  /// of this name.
  static Tensor find_parameter(const char* kind, Module& module, const std::string& name);
  /// What it is computed from, to be registered with the module.
  struct Sources {
    std::vector<Named<Tensor>> parameters = {}, buffers = {};
  };
  /// Takes the parameter out of the module's list, puts the sources in, and computes it from now
  /// on.
  static void start(const char* kind, Module& module, const std::string& name,
                    const Sources& sources, Compute compute);
  /// Computes it now, not as in training.
  static Tensor refresh(const char* kind, Module& module, const std::string& name);
  /// The same for all of a module.
  static void refresh_all(const Module& module);
  /// The sources go, and the parameter is a leaf again, with the numbers of `value`, last in the
  /// module's list.
  static void stop(const char* kind, Module& module, const std::string& name, const Tensor& value);

  void operator()(Module& module, std::vector<Tensor>&) const;

 private:
  struct State;
  static const Recomputed* find(const char* kind, const Module& module, const std::string& name);
  // Throws if `kind` does not compute it.
  static const Recomputed& get(const char* kind, const Module& module, const std::string& name);

  std::shared_ptr<State> state_;
};

/// While it is above 0 on this thread, what was computed since it became so is not computed again.
struct RecomputedCache {
  static void enter();
  static void leave();
};

}  // namespace reel::nn::detail
