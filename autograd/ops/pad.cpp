#include <reel/autograd/kernels/pad.h>
#include <reel/autograd/ops/pad.h>
#include <reel/autograd/tape.h>

#include <algorithm>

namespace reel {
namespace {

using kernels::PadMode;

PadMode mode_of(std::string_view mode) {
  if (mode == "constant") return PadMode::Constant;
  if (mode == "reflect") return PadMode::Reflect;
  if (mode == "replicate") return PadMode::Replicate;
  check(mode == "circular",
        "pad: mode must be \"constant\", \"reflect\", \"replicate\" or \"circular\", got \"{}\"",
        mode);
  return PadMode::Circular;
}

void check_sizes_left(const Tensor& x, const Shape& pads) {
  check(pads.rank() % 2 == 0 && pads.rank() <= 2 * x.dim(),
        "pad: expected two pads for each of at most {} dims, got {}", x.dim(), pads);
  for (int k = 0; k < pads.rank() / 2; ++k) {
    const int64_t size = x.size(-1 - k), before = pads[2 * k], after = pads[2 * k + 1];
    int64_t padded = size;
    const bool fits = !__builtin_add_overflow(padded, before, &padded) && padded >= 0 &&
                      after >= -size && !__builtin_add_overflow(padded, after, &padded);
    check(fits && padded >= 0, "pad: pads {} and {} do not fit the size {} of dim {}", before,
          after, size, x.dim() - 1 - k);
  }
  check_sizes("pad", kernels::padded_shape(x.shape(), pads));
}

// What the edges can be continued with.
void check_edges(const Tensor& x, const Shape& pads, PadMode mode, std::string_view name) {
  const int dims = pads.rank() / 2;
  check(dims >= 1 && dims <= 3 && (x.dim() == dims + 1 || x.dim() == dims + 2),
        "pad: mode \"{}\" pads the last 1 to 3 dims behind one or two others, got pads {} for "
        "shape {}",
        name, pads, x.shape());
  for (int k = 0; k < dims; ++k) {
    const int64_t size = x.size(-1 - k), before = pads[2 * k], after = pads[2 * k + 1];
    const int64_t most = mode == PadMode::Reflect    ? size - 1
                         : mode == PadMode::Circular ? size + std::min<int64_t>({before, after, 0})
                                                     : INT64_MAX;
    check(before <= most && after <= most && size > 0,
          "pad: mode \"{}\" needs pads {} the size {} of dim {}, got {} and {}", name,
          mode == PadMode::Reflect ? "less than" : "of at most", size, x.dim() - 1 - k, before,
          after);
  }
}

Tensor pad_edges_backward(const Tensor& g, const Shape& shape, const Shape& pads, PadMode mode);

// The rules hold no tensors.
struct EdgesRule {
  static constexpr bool keeps_no_tensor = true;
  Shape pads;
  PadMode mode;
  Tensor operator()(const Tensor& g, const Shape& shape) const {
    return pad_edges_backward(g, shape, pads, mode);
  }
};
struct EdgesBackwardRule {
  static constexpr bool keeps_no_tensor = true;
  Shape pads;
  PadMode mode;
  Tensor operator()(const Tensor& g) const;
};
struct ConstantRule {
  static constexpr bool keeps_no_tensor = true;
  Shape pads;
  Tensor operator()(const Tensor& g) const {
    Shape back = pads;
    for (int64_t& each : back) each = -each;
    return pad(g, back);
  }
};

Tensor pad_edges(const Tensor& x, const Shape& pads, PadMode mode) {
  return record("pad", kernels::pad_edges(x.array(), pads, mode), wrt(x, EdgesRule{pads, mode}));
}

Tensor pad_edges_backward(const Tensor& g, const Shape& shape, const Shape& pads, PadMode mode) {
  return record("pad_backward", kernels::pad_edges_backward(g.array(), shape, pads, mode),
                wrt(g, EdgesBackwardRule{pads, mode}));
}

Tensor EdgesBackwardRule::operator()(const Tensor& g) const { return pad_edges(g, pads, mode); }

}  // namespace

Tensor pad(const Tensor& x, const Shape& pads, const PadOptions& options) {
  const PadMode mode = mode_of(options.mode);
  check_sizes_left(x, pads);
  if (mode == PadMode::Constant) {
    return record("pad", kernels::pad_constant(x.array(), pads, options.value),
                  wrt(x, ConstantRule{pads}));
  }
  check_edges(x, pads, mode, options.mode);
  return pad_edges(x, pads, mode);
}

}  // namespace reel
