#pragma once
// Linear maps along single axes. Interpolation, average pooling and the gradients of both are made
// of them.

#include <reel/autograd/kernels/scratch.h>

#include <span>

namespace reel::kernels {

/// Element i of the output is the sum of what run i reaches, each times its weight, divided by the
/// run's divisor. Begins and ends of runs never decrease.
struct AxisMap {
  struct Run {
    int64_t begin, count;
    int64_t weight;  // of its first element, a place in `weights`
    double divisor;
    int64_t end() const { return begin + count; }
  };

  int64_t size = 0;  // of the input
  bool sums = true;  // all weights are 1
  List<Run> runs;
  List<double> weights;

  void add_sum(int64_t begin, int64_t count, double divisor);
  /// Weights of elements that stand beyond the ends go to the elements there.
  void add_clamped(int64_t begin, std::span<const double> given);
  bool is_identity() const;
};

/// The adjoint: as many runs as the map's input has elements.
AxisMap transposed(const AxisMap& map);
/// x, of a floating dtype, with one map applied along each of its last dims.
Array map_axes(const char* op, const Array& x, const List<AxisMap>& maps);

// ---- the maps of interpolation ---------------------------------------------------------------------------

enum class Interpolation : uint8_t { Nearest, NearestExact, Linear, Cubic };

struct Resizing {
  int64_t from, to;
  Interpolation mode;
  bool align_corners;
  bool antialias;
  double scale_factor;  // 0: that of the sizes
};
AxisMap resizing_map(const Resizing& how);

}  // namespace reel::kernels
