#pragma once
// Padding as modules; ops/pad.h says what each mode continues an image with.

#include <reel/autograd/ops/pad.h>
#include <reel/nn/handle.h>

namespace reel::nn {

/// What an image goes on with beyond its border.
enum class PaddingMode { Zeros, Reflect, Replicate, Circular };
/// "zeros" ... "circular".
const char* name_of(PaddingMode mode);

struct PadNdOptions {
  Shape padding = {};  ///< one number for all sides, or two for each axis, the last axis first
};
struct ConstantPadNdOptions {
  Shape padding = {};
  Scalar value = 0;
};

/// Pads the last `axes` dims; forward throws on less of them, and where a mode requires it on other
/// ranks and on pads that are too large.
class PadNd : public Module {
 public:
  Tensor forward(const Tensor& x) override {
    return pad(x, pads_, {.mode = mode_, .value = value_});
  }
  std::string extra_repr() const override;

  const PadNdOptions options;

 protected:
  PadNd(const char* kind, const char* mode, int axes, const Shape& padding, Scalar value = 0);

 private:
  const char* const mode_;  // as pad() takes it
  const Scalar value_;
  Shape pads_;  // two for each axis
};

/// Throws unless there are one or 2 * Axes pads.
template <PaddingMode Mode, int Axes>
class EdgePad : public PadNd {
 public:
  using Options = PadNdOptions;
  explicit EdgePad(const PadNdOptions& chosen)
      : PadNd(kind(), name_of(Mode), Axes, chosen.padding) {}
  explicit EdgePad(int64_t all_sides) : EdgePad(PadNdOptions{all_sides}) {}

 private:
  static const char* kind() {
    return Mode == PaddingMode::Reflect     ? "ReflectionPad"
           : Mode == PaddingMode::Replicate ? "ReplicationPad"
                                            : "CircularPad";
  }
};
/// The same with `value`.
template <int Axes>
class ConstantPad : public PadNd {
 public:
  using Options = ConstantPadNdOptions;
  explicit ConstantPad(const ConstantPadNdOptions& chosen, const char* kind = "ConstantPad")
      : PadNd(kind, "constant", Axes, chosen.padding, chosen.value) {}
  ConstantPad(int64_t all_sides, Scalar value)
      : ConstantPad(ConstantPadNdOptions{all_sides, value}) {}
};

struct ReflectionPad1dImpl : EdgePad<PaddingMode::Reflect, 1> {
  using EdgePad::EdgePad;
};
struct ReflectionPad2dImpl : EdgePad<PaddingMode::Reflect, 2> {
  using EdgePad::EdgePad;
};
struct ReflectionPad3dImpl : EdgePad<PaddingMode::Reflect, 3> {
  using EdgePad::EdgePad;
};
struct ReplicationPad1dImpl : EdgePad<PaddingMode::Replicate, 1> {
  using EdgePad::EdgePad;
};
struct ReplicationPad2dImpl : EdgePad<PaddingMode::Replicate, 2> {
  using EdgePad::EdgePad;
};
struct ReplicationPad3dImpl : EdgePad<PaddingMode::Replicate, 3> {
  using EdgePad::EdgePad;
};
struct CircularPad1dImpl : EdgePad<PaddingMode::Circular, 1> {
  using EdgePad::EdgePad;
};
struct CircularPad2dImpl : EdgePad<PaddingMode::Circular, 2> {
  using EdgePad::EdgePad;
};
struct CircularPad3dImpl : EdgePad<PaddingMode::Circular, 3> {
  using EdgePad::EdgePad;
};
struct ConstantPad1dImpl : ConstantPad<1> {
  using ConstantPad::ConstantPad;
};
struct ConstantPad2dImpl : ConstantPad<2> {
  using ConstantPad::ConstantPad;
};
struct ConstantPad3dImpl : ConstantPad<3> {
  using ConstantPad::ConstantPad;
};
/// ConstantPad2d with 0.
struct ZeroPad2dImpl : ConstantPad<2> {
  using Options = PadNdOptions;
  explicit ZeroPad2dImpl(const PadNdOptions& chosen)
      : ConstantPad(ConstantPadNdOptions{chosen.padding, 0.0}, "ZeroPad") {}
  explicit ZeroPad2dImpl(int64_t all_sides) : ConstantPad(all_sides, 0.0) {}
};
using ReflectionPad1d = Handle<ReflectionPad1dImpl>;
using ReflectionPad2d = Handle<ReflectionPad2dImpl>;
using ReflectionPad3d = Handle<ReflectionPad3dImpl>;
using ReplicationPad1d = Handle<ReplicationPad1dImpl>;
using ReplicationPad2d = Handle<ReplicationPad2dImpl>;
using ReplicationPad3d = Handle<ReplicationPad3dImpl>;
using CircularPad1d = Handle<CircularPad1dImpl>;
using CircularPad2d = Handle<CircularPad2dImpl>;
using CircularPad3d = Handle<CircularPad3dImpl>;
using ConstantPad1d = Handle<ConstantPad1dImpl>;
using ConstantPad2d = Handle<ConstantPad2dImpl>;
using ConstantPad3d = Handle<ConstantPad3dImpl>;
using ZeroPad2d = Handle<ZeroPad2dImpl>;

}  // namespace reel::nn
