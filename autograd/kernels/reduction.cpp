#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/reduction.h>

namespace reel::kernels {
namespace {

bool is_reduced(uint64_t dims, int dim) { return (dims >> dim & 1) != 0; }

// A view of the same numbers whose dims come in some order, and which of them are reduced.
struct Ordered {
  Array x;
  uint64_t dims = 0;
};

Ordered in_order(const Array& x, uint64_t dims, const int* order) {
  Ordered out;
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.rank(); ++i) {
    shape.push_back(x.size(order[i]));
    strides.push_back(x.strides()[order[i]]);
    if (is_reduced(dims, order[i])) out.dims |= uint64_t{1} << i;
  }
  out.x = x.view(shape, strides);
  return out;
}

// Reads the sizes of a row-major array as (lead, outer, n, inner); false if the reduced dims lie in
// more groups than that.
bool split(const Array& x, uint64_t dims, bool places, Arranged& out) {
  int64_t groups[5] = {1, 1, 1, 1, 1};  // kept, reduced, kept, reduced, kept
  int last = 0;
  for (int i = 0; i < x.rank(); ++i) {
    if (x.size(i) == 1) continue;
    if (is_reduced(dims, i) != (last % 2 == 1) && ++last == 5) return false;
    groups[last] *= x.size(i);
  }
  const auto [before, lead, outer, n, inner] = groups;
  if (last == 0)
    out = {.x = x, .inner = before};
  else if (last <= 2)
    out = {.x = x, .outer = before, .n = lead, .inner = outer};
  else if (before == 1 && !places)
    out = {.x = x, .lead = lead, .outer = outer, .n = n, .inner = inner};
  else
    return false;
  return true;
}

// The order in which the dims of a transposed array lie in memory, or else their own order where
// results (or places) would come in another than asked for.
void memory_order(const Array& x, uint64_t dims, bool places, int* order) {
  for (int i = 0; i < x.rank(); ++i) {
    int at = i;
    for (; at > 0 && x.strides()[order[at - 1]] < x.strides()[i]; --at) order[at] = order[at - 1];
    order[at] = i;
  }
  int last_kept = -1, last_reduced = -1;
  bool fits = true;
  for (int i = 0; i < x.rank(); ++i) {
    if (x.size(order[i]) == 1) continue;
    int& last = is_reduced(dims, order[i]) ? last_reduced : last_kept;
    fits &= last < order[i] || (&last == &last_reduced && !places);
    last = order[i];
  }
  for (int i = 0; i < x.rank() && !fits; ++i) order[i] = i;
}

}  // namespace

Arranged arrange(const Array& x, uint64_t dims, bool places) {
  Arranged out;
  if (x.is_contiguous() && split(x, dims, places, out)) return out;
  int order[kMaxRank];
  memory_order(x, dims, places, order);
  const Ordered near = in_order(x, dims, order);
  if (split(near.x, near.dims, places, out)) {
    out.x = contiguous(out.x);
    return out;
  }
  int next = 0;
  for (const bool reduced : {false, true}) {
    for (int i = 0; i < x.rank(); ++i) {
      if (is_reduced(dims, i) == reduced) order[next++] = i;
    }
  }
  const Ordered apart = in_order(x, dims, order);
  split(contiguous(apart.x), apart.dims, places, out);
  return out;
}

}  // namespace reel::kernels
