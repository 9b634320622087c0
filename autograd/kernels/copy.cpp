#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/kernels/rows.h>
#include <reel/autograd/kernels/transposed.h>

#include <algorithm>
#include <cstring>

namespace reel::kernels {
namespace {

// ---- transposed ------------------------------------------------------------------------------------------------

// The dim along which `from` goes number by number while `to` goes along the last; -1 if there is
// none.
int turned_dim(const Rows<2>& rows) {
  if (rows.rank() < 2 || rows.inner()[1] != 1 || rows.inner()[0] == 1) return -1;
  for (int dim = rows.rank() - 2; dim >= 0; --dim) {
    if (rows.step(0, dim) == 1) return dim;
  }
  return -1;
}

template <class T>
void copy_turned(const T* from, T* to, const Rows<2>& rows, int turned) {
  const int last = rows.rank() - 1;
  Shape others;
  Strides from_steps, to_steps;
  for (int dim = 0; dim < last; ++dim) {
    if (dim == turned) continue;
    others.push_back(rows.size(dim));
    from_steps.push_back(rows.step(0, dim));
    to_steps.push_back(rows.step(1, dim));
  }
  // One of many small matrices, or some lines of a large one, is a piece for a thread.
  const int64_t height = rows.size(turned), width = rows.size(last);
  const int64_t lines =
      std::min(height, std::max<int64_t>(kTurned, kCheapPiece / width / kTurned * kTurned));
  others.push_back((height + lines - 1) / lines);
  from_steps.push_back(lines);
  to_steps.push_back(lines * rows.step(1, turned));
  const int64_t part = others.back();
  for_pieces(others.numel(), std::max<int64_t>(1, kCheapPiece / (lines * width)),
             [&](int64_t first, int64_t n) {
               for (int64_t item = first; item < first + n; ++item) {
                 copy_transposed(from + offset_of(item, others, from_steps), rows.step(0, last),
                                 to + offset_of(item, others, to_steps), rows.step(1, turned),
                                 std::min(lines, height - item % part * lines), width);
               }
             });
}

// ---- any copy ----------------------------------------------------------------------------------------------------

template <class T>
void copy_straight(const Array& from, const Array& to) {
  const T* x = from.data<T>();
  T* y = to.data<T>();
  // Parts of one buffer may lie on each other.
  const int64_t piece = from.storage() == to.storage() ? to.numel() : kCheapPiece;
  for_pieces(to.numel(), piece, [&](int64_t i, int64_t n) {
    std::memmove(y + i, x + i, static_cast<size_t>(n) * sizeof(T));
  });
}

template <class From, class To>
void convert(const Array& from, const Array& to) {
  if constexpr (std::is_same_v<From, To>) {
    if (from.shape() == to.shape() && from.is_contiguous() && to.is_contiguous())
      return copy_straight<To>(from, to);
  }
  if constexpr (std::is_same_v<From, To> && sizeof(To) >= 4) {
    const Strides expanded = expand_strides("copy", from.shape(), from.strides(), to.shape());
    const Rows<2> rows(to.shape(), {expanded, to.strides()});
    const int turned = to.numel() > 0 ? turned_dim(rows) : -1;
    if (turned >= 0) return copy_turned(from.data<To>(), to.data<To>(), rows, turned);
  }
  map_arrays<const From, To>("copy", {&from, &to}, [](From x) { return static_cast<To>(x); });
}

}  // namespace

void copy(const Array& from, const Array& to) {
  dispatch_any(from.dtype(), [&]<class From>(TypeTag<From>) {
    dispatch_any(to.dtype(), [&]<class To>(TypeTag<To>) { convert<From, To>(from, to); });
  });
}

Array clone(const Array& x) {
  Array y = Array::empty(x.shape(), x.dtype());
  copy(x, y);
  return y;
}

Array contiguous(const Array& x) { return x.is_contiguous() ? x : clone(x); }

Array cast(const Array& x, Dtype dtype) {
  if (x.dtype() == dtype) return x;
  Array y = Array::empty(x.shape(), dtype);
  copy(x, y);
  return y;
}

void fill(const Array& x, Scalar value) { copy(Array::full({}, value, x.dtype()), x); }

}  // namespace reel::kernels
