#pragma once
// Pooling as modules, over one to three dims; ops/pooling.h says what each computes. A stride that
// is not given is kernel_size. nn::MaxPool2d(3) and nn::MaxPool2d(3, 2) name kernel and stride;
// kernels with a size for each dim are options: nn::MaxPool2d({.kernel_size = {3, 2}}).

#include <reel/autograd/ops/pooling.h>
#include <reel/nn/handle.h>

namespace reel::nn {

struct LPPoolOptions {
  double norm_type = 0;  ///< must be given
  IntList kernel_size = {};
  IntList stride = {};
  bool ceil_mode = false;
};
struct AdaptiveAvgPoolOptions {
  OutputSize output_size = {};  ///< one for all axes or one an axis; None keeps the input's
};
struct AdaptiveMaxPoolOptions {
  OutputSize output_size = {};
};
struct FractionalPoolOptions {
  IntList kernel_size = {};
  IntList output_size = {};  ///< this or output_ratio, each between 0 and 1, must be given
  FactorList output_ratio = {};
  Tensor random_samples = {};  ///< [N, C, axes] in [0, 1); absent: drawn at each forward
};
struct MaxUnpoolOptions {
  IntList kernel_size = {};
  IntList stride = {};
  IntList padding = 0;
};

namespace detail {
// One of each for every kind of pooling. check_options() throws on options that make no sense.
void check_options(const MaxPoolOptions& options, int axes);
void check_options(const AvgPoolOptions& options, int axes);
void check_options(const LPPoolOptions& options, int axes);
void check_options(const AdaptiveAvgPoolOptions& options, int axes);
void check_options(const AdaptiveMaxPoolOptions& options, int axes);
void check_options(const FractionalPoolOptions& options, int axes);
void check_options(const MaxUnpoolOptions& options, int axes);
std::string describe(const MaxPoolOptions& options, int axes);
std::string describe(const AvgPoolOptions& options, int axes);
std::string describe(const LPPoolOptions& options, int axes);
std::string describe(const AdaptiveAvgPoolOptions& options, int axes);
std::string describe(const AdaptiveMaxPoolOptions& options, int axes);
std::string describe(const FractionalPoolOptions& options, int axes);
std::string describe(const MaxUnpoolOptions& options, int axes);
Tensor pool(const Tensor& x, const MaxPoolOptions& options, int axes);
Tensor pool(const Tensor& x, const AvgPoolOptions& options, int axes);
Tensor pool(const Tensor& x, const LPPoolOptions& options, int axes);
Tensor pool(const Tensor& x, const AdaptiveAvgPoolOptions& options, int axes);
Tensor pool(const Tensor& x, const AdaptiveMaxPoolOptions& options, int axes);
Tensor pool(const Tensor& x, const FractionalPoolOptions& options, int axes);
ValuesAndIndices pool_with_indices(const Tensor& x, const MaxPoolOptions& options, int axes);
ValuesAndIndices pool_with_indices(const Tensor& x, const AdaptiveMaxPoolOptions& options,
                                   int axes);
ValuesAndIndices pool_with_indices(const Tensor& x, const FractionalPoolOptions& options, int axes);
Tensor unpool(const Tensor& x, const Tensor& indices, const Shape& output_size,
              const MaxUnpoolOptions& options, int axes);
}  // namespace detail

/// What all kinds share: options, checked, and how they print.
template <class O, int Axes>
class PoolBase : public Module {
 public:
  using Options = O;
  explicit PoolBase(const O& chosen) : options(chosen) { detail::check_options(options, Axes); }
  explicit PoolBase(const IntList& kernel_size, const IntList& stride = {}) requires requires(O o) {
    o.kernel_size, o.stride, o.padding;
  } : PoolBase(O{.kernel_size = kernel_size, .stride = stride}) {
  }
  std::string extra_repr() const override { return detail::describe(options, Axes); }

  const O options;
};

/// Throws where the op does, and on options that make no sense already when it is made.
template <class O, int Axes>
class PoolNd : public PoolBase<O, Axes> {
 public:
  using PoolBase<O, Axes>::PoolBase;
  Tensor forward(const Tensor& x) override { return detail::pool(x, this->options, Axes); }
  /// What forward(x) gives, and where it was found: what PyTorch calls return_indices.
  ValuesAndIndices forward_with_indices(const Tensor& x) requires requires(O o) {
    detail::pool_with_indices(x, o, Axes);
  }
  { return detail::pool_with_indices(x, this->options, Axes); }
};

/// forward(x, indices, output_size), with the indices that pooling gave.
template <int Axes>
class MaxUnpoolNd : public PoolBase<MaxUnpoolOptions, Axes> {
 public:
  using PoolBase<MaxUnpoolOptions, Axes>::PoolBase;
  using Module::forward;
  Tensor forward(const Tensor& x, const Tensor& indices, const Shape& output_size = {}) {
    return detail::unpool(x, indices, output_size, this->options, Axes);
  }
};

struct MaxPool1dImpl : PoolNd<MaxPoolOptions, 1> {
  using PoolNd::PoolNd;
};
struct MaxPool2dImpl : PoolNd<MaxPoolOptions, 2> {
  using PoolNd::PoolNd;
};
struct MaxPool3dImpl : PoolNd<MaxPoolOptions, 3> {
  using PoolNd::PoolNd;
};
struct AvgPool1dImpl : PoolNd<AvgPoolOptions, 1> {
  using PoolNd::PoolNd;
};
struct AvgPool2dImpl : PoolNd<AvgPoolOptions, 2> {
  using PoolNd::PoolNd;
};
struct AvgPool3dImpl : PoolNd<AvgPoolOptions, 3> {
  using PoolNd::PoolNd;
};
struct LPPool1dImpl : PoolNd<LPPoolOptions, 1> {
  using PoolNd::PoolNd;
  LPPool1dImpl(double norm_type, const IntList& kernel_size, const IntList& stride = {})
      : PoolNd(LPPoolOptions{norm_type, kernel_size, stride}) {}
};
struct LPPool2dImpl : PoolNd<LPPoolOptions, 2> {
  using PoolNd::PoolNd;
  LPPool2dImpl(double norm_type, const IntList& kernel_size, const IntList& stride = {})
      : PoolNd(LPPoolOptions{norm_type, kernel_size, stride}) {}
};
struct LPPool3dImpl : PoolNd<LPPoolOptions, 3> {
  using PoolNd::PoolNd;
  LPPool3dImpl(double norm_type, const IntList& kernel_size, const IntList& stride = {})
      : PoolNd(LPPoolOptions{norm_type, kernel_size, stride}) {}
};
struct AdaptiveAvgPool1dImpl : PoolNd<AdaptiveAvgPoolOptions, 1> {
  using PoolNd::PoolNd;
  explicit AdaptiveAvgPool1dImpl(const OutputSize& output_size)
      : PoolNd(AdaptiveAvgPoolOptions{output_size}) {}
};
struct AdaptiveAvgPool2dImpl : PoolNd<AdaptiveAvgPoolOptions, 2> {
  using PoolNd::PoolNd;
  explicit AdaptiveAvgPool2dImpl(const OutputSize& output_size)
      : PoolNd(AdaptiveAvgPoolOptions{output_size}) {}
};
struct AdaptiveAvgPool3dImpl : PoolNd<AdaptiveAvgPoolOptions, 3> {
  using PoolNd::PoolNd;
  explicit AdaptiveAvgPool3dImpl(const OutputSize& output_size)
      : PoolNd(AdaptiveAvgPoolOptions{output_size}) {}
};
struct AdaptiveMaxPool1dImpl : PoolNd<AdaptiveMaxPoolOptions, 1> {
  using PoolNd::PoolNd;
  explicit AdaptiveMaxPool1dImpl(const OutputSize& output_size)
      : PoolNd(AdaptiveMaxPoolOptions{output_size}) {}
};
struct AdaptiveMaxPool2dImpl : PoolNd<AdaptiveMaxPoolOptions, 2> {
  using PoolNd::PoolNd;
  explicit AdaptiveMaxPool2dImpl(const OutputSize& output_size)
      : PoolNd(AdaptiveMaxPoolOptions{output_size}) {}
};
struct AdaptiveMaxPool3dImpl : PoolNd<AdaptiveMaxPoolOptions, 3> {
  using PoolNd::PoolNd;
  explicit AdaptiveMaxPool3dImpl(const OutputSize& output_size)
      : PoolNd(AdaptiveMaxPoolOptions{output_size}) {}
};
struct FractionalMaxPool2dImpl : PoolNd<FractionalPoolOptions, 2> {
  using PoolNd::PoolNd;
};
struct FractionalMaxPool3dImpl : PoolNd<FractionalPoolOptions, 3> {
  using PoolNd::PoolNd;
};
struct MaxUnpool1dImpl : MaxUnpoolNd<1> {
  using MaxUnpoolNd::MaxUnpoolNd;
};
struct MaxUnpool2dImpl : MaxUnpoolNd<2> {
  using MaxUnpoolNd::MaxUnpoolNd;
};
struct MaxUnpool3dImpl : MaxUnpoolNd<3> {
  using MaxUnpoolNd::MaxUnpoolNd;
};
using MaxPool1d = Handle<MaxPool1dImpl>;
using MaxPool2d = Handle<MaxPool2dImpl>;
using MaxPool3d = Handle<MaxPool3dImpl>;
using AvgPool1d = Handle<AvgPool1dImpl>;
using AvgPool2d = Handle<AvgPool2dImpl>;
using AvgPool3d = Handle<AvgPool3dImpl>;
using LPPool1d = Handle<LPPool1dImpl>;
using LPPool2d = Handle<LPPool2dImpl>;
using LPPool3d = Handle<LPPool3dImpl>;
using AdaptiveAvgPool1d = Handle<AdaptiveAvgPool1dImpl>;
using AdaptiveAvgPool2d = Handle<AdaptiveAvgPool2dImpl>;
using AdaptiveAvgPool3d = Handle<AdaptiveAvgPool3dImpl>;
using AdaptiveMaxPool1d = Handle<AdaptiveMaxPool1dImpl>;
using AdaptiveMaxPool2d = Handle<AdaptiveMaxPool2dImpl>;
using AdaptiveMaxPool3d = Handle<AdaptiveMaxPool3dImpl>;
using FractionalMaxPool2d = Handle<FractionalMaxPool2dImpl>;
using FractionalMaxPool3d = Handle<FractionalMaxPool3dImpl>;
using MaxUnpool1d = Handle<MaxUnpool1dImpl>;
using MaxUnpool2d = Handle<MaxUnpool2dImpl>;
using MaxUnpool3d = Handle<MaxUnpool3dImpl>;

}  // namespace reel::nn
