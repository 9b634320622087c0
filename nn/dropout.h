#pragma once
// Dropout as modules: see ops/dropout.h. In evaluation they return x itself.

#include <reel/autograd/ops/dropout.h>
#include <reel/nn/handle.h>

namespace reel::nn {

struct DropoutNdOptions {
  double p = 0.5;  ///< how likely it is to be dropped
};

namespace detail {
/// Throws unless p is in [0, 1].
void check_options(const DropoutNdOptions& options, const std::type_info& module);
std::string describe(const DropoutNdOptions& options);
}  // namespace detail

/// Throws unless p is in [0, 1].
template <class Impl, class O, Tensor (*F)(const Tensor&, const O&, Generator&)>
class DropoutNd : public Module {
 public:
  using Options = DropoutNdOptions;
  explicit DropoutNd(const Options& chosen = {}) : options(chosen) {
    detail::check_options(options, typeid(Impl));
  }
  explicit DropoutNd(double p) : DropoutNd(Options{p}) {}

  Tensor forward(const Tensor& x) override {
    return F(x, {.p = options.p, .training = is_training()}, default_generator());
  }
  std::string extra_repr() const override { return detail::describe(options); }

  const Options options;
};

struct DropoutImpl : DropoutNd<DropoutImpl, reel::DropoutOptions, reel::dropout> {
  using DropoutNd::DropoutNd;
};
struct Dropout1dImpl : DropoutNd<Dropout1dImpl, reel::DropoutOptions, reel::dropout1d> {
  using DropoutNd::DropoutNd;
};
struct Dropout2dImpl : DropoutNd<Dropout2dImpl, reel::DropoutOptions, reel::dropout2d> {
  using DropoutNd::DropoutNd;
};
struct Dropout3dImpl : DropoutNd<Dropout3dImpl, reel::DropoutOptions, reel::dropout3d> {
  using DropoutNd::DropoutNd;
};
struct AlphaDropoutImpl
    : DropoutNd<AlphaDropoutImpl, reel::AlphaDropoutOptions, reel::alpha_dropout> {
  using DropoutNd::DropoutNd;
};
struct FeatureAlphaDropoutImpl
    : DropoutNd<FeatureAlphaDropoutImpl, reel::AlphaDropoutOptions, reel::feature_alpha_dropout> {
  using DropoutNd::DropoutNd;
};
using Dropout = Handle<DropoutImpl>;
using Dropout1d = Handle<Dropout1dImpl>;
using Dropout2d = Handle<Dropout2dImpl>;
using Dropout3d = Handle<Dropout3dImpl>;
using AlphaDropout = Handle<AlphaDropoutImpl>;
using FeatureAlphaDropout = Handle<FeatureAlphaDropoutImpl>;

}  // namespace reel::nn
