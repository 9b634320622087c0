// Parts of a tensor, seen through strides, and tensors with a part replaced.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/rows.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>

namespace reel {
namespace {

// ---- any geometry: a view, what fills it, and what its gradient is -----------------------------------------

void check_within(const char* op, const Shape& shape, const Strides& strides, int64_t offset,
                  int64_t available) {
  check(shape.rank() == strides.rank(), "{}: shape and strides must have one length, got {} and {}",
        op, shape, strides);
  check_sizes(op, shape);
  int64_t last = offset;
  bool fits = offset >= 0;
  for (int i = 0; i < shape.rank(); ++i) {
    check(strides[i] >= 0, "{}: strides must not be negative, got {}", op, strides);
    int64_t reach = 0;
    fits = fits &&
           !__builtin_mul_overflow(std::max<int64_t>(shape[i] - 1, 0), strides[i], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  check(fits && (shape.numel() == 0 || last < available),
        "{}: shape {} with strides {} from {} must lie within the {} elements of the storage", op,
        shape, strides, offset, available);
}

int64_t elements_of(const Array& x) {
  return static_cast<int64_t>(x.storage()->bytes / size_of(x.dtype()));
}

// The region of a row-major array of x's shape that starts `offset` elements into it.
Tensor region(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset) {
  const Tensor row_major = x.contiguous();
  return as_strided(row_major, shape, strides, row_major.array().offset() + offset);
}

// Innermost goes the densest dim that is worth a loop: windows are short.
void add_to_view(const Array& from, const Array& to) {
  Shape shape = from.shape();
  Strides x_strides = from.strides(), y_strides = to.strides();
  const int last = shape.rank() - 1;
  int inner = last;
  for (int i = 0; i < last; ++i) {
    if (shape[i] >= 16 && (shape[inner] < 16 || y_strides[i] < y_strides[inner])) inner = i;
  }
  for (Shape* each : {&shape, &x_strides, &y_strides}) std::swap((*each)[inner], (*each)[last]);
  dispatch_float(from.dtype(), "as_strided", [&]<class T>(TypeTag<T>) {
    kernels::for_each_row<2>(shape, {x_strides, y_strides},
                             [&](int64_t n, const auto& at, const auto& step) {
                               const T* x = from.data<T>() + at[0];
                               T* y = to.data<T>() + at[1];
                               // One after the other: they may lie on each other.
                               for (int64_t i = 0; i < n; ++i) y[i * step[1]] += x[i * step[0]];
                             });
  });
}

Tensor embed(const Tensor& g, const Shape& shape, const Strides& strides, int64_t offset);

// Where a view lies in a row-major array. The rules of views hold no tensors, so that they can run
// twice.
struct Geometry {
  static constexpr bool keeps_no_tensor = true;
  Strides strides;
  int64_t offset;
};
struct RegionRule : Geometry {
  Tensor operator()(const Tensor& g, const Shape& shape) const {
    return region(g, shape, strides, offset);
  }
};
struct EmbedRule : Geometry {
  Tensor operator()(const Tensor& g, const Shape& shape) const {
    return embed(g, shape, strides, offset);
  }
};

struct ClearRule : Geometry {
  Shape part;
  Tensor operator()(const Tensor& g) const {
    const Tensor zero(Array::full({}, 0, g.dtype()));
    return as_strided_scatter(g, zero.expand(part), strides, offset);
  }
};

// Zeros of `shape` with g added where a view of that geometry lies: the adjoint of region().
Tensor embed(const Tensor& g, const Shape& shape, const Strides& strides, int64_t offset) {
  Array y = Array::full(shape, 0, g.dtype());
  if (g.numel() > 0) {
    const Array part = y.view(g.shape(), strides, offset);
    if (may_overlap(g.shape(), strides)) {
      add_to_view(g.array(), part);
    } else {
      kernels::copy(g.array(), part);
    }
  }
  return record("as_strided_backward", std::move(y),
                wrt(g, RegionRule{{strides, g.numel() > 0 ? offset : 0}}));
}

// ---- what a part is ----------------------------------------------------------------------------------------

// One part of a tensor of some shape and strides.
struct Part {
  Shape shape;
  Strides strides;
  int64_t offset = 0;
};

Part select_part(const Shape& shape, const Strides& strides, int dim, int64_t index) {
  Part part{shape, strides, 0};
  part.shape.erase(dim);
  part.strides.erase(dim);
  if (part.shape.numel() > 0) part.offset = index * strides[dim];
  return part;
}

// From `start` in steps, `count` entries; less than two have no step.
Part slice_part(const Shape& shape, const Strides& strides, int dim, int64_t start, int64_t count,
                int64_t step) {
  Part part{shape, strides, 0};
  part.shape[dim] = count;
  if (count > 1) part.strides[dim] *= step;
  if (part.shape.numel() > 0) part.offset = start * strides[dim];
  return part;
}

Part diagonal_part(const Shape& shape, const Strides& strides, int dim1, int dim2, int64_t offset) {
  // An offset that leaves nothing leaves nothing, however large: its negative must exist.
  offset = std::clamp(offset, -shape[dim1], shape[dim2]);
  const int64_t row = std::max<int64_t>(-offset, 0), col = std::max<int64_t>(offset, 0);
  const int64_t length = std::max<int64_t>(std::min(shape[dim1] - row, shape[dim2] - col), 0);
  Part part{shape, strides, 0};
  for (const int dim : {std::max(dim1, dim2), std::min(dim1, dim2)}) {
    part.shape.erase(dim);
    part.strides.erase(dim);
  }
  part.shape.push_back(length);
  part.strides.push_back(strides[dim1] + strides[dim2]);
  if (part.shape.numel() > 0) part.offset = row * strides[dim1] + col * strides[dim2];
  return part;
}

Array part_of(const Array& x, const Part& part) {
  return x.view(part.shape, part.strides, part.offset);
}

Tensor embed_part(const Tensor& g, const Shape& shape, const Part& part) {
  return embed(g, shape, part.strides, part.offset);
}

// ---- what is asked for, checked ----------------------------------------------------------------------------

struct Place {
  int dim;
  int64_t index;
};

Place checked_select(const char* op, const Tensor& x, int dim, int64_t index) {
  check<IndexError>(x.dim() > 0, "{}: cannot pick from a 0-d tensor", op);
  const int at = wrap_dim(op, dim, x.dim());
  const int64_t size = x.size(at), from = index < 0 ? index + size : index;
  check<IndexError>(from >= 0 && from < size, "{}: index {} is out of range for dim {} of size {}",
                    op, index, at, size);
  return {at, from};
}

struct Range {
  int dim;
  int64_t start, count, step;
};

Range checked_slice(const char* op, const Tensor& x, int dim, std::optional<int64_t> start,
                    std::optional<int64_t> end, int64_t step) {
  check<IndexError>(x.dim() > 0, "{}: cannot slice a 0-d tensor", op);
  check(step > 0, "{}: step must be greater than 0, got {}", op, step);
  const int at = wrap_dim(op, dim, x.dim());
  const int64_t size = x.size(at);
  const auto bound = [size](int64_t i) {
    return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const int64_t from = bound(start.value_or(0)), to = bound(end.value_or(size));
  return {at, from, to > from ? (to - from - 1) / step + 1 : 0, step};
}

struct Pair {
  int dim1, dim2;
};

Pair checked_diagonal(const char* op, const Tensor& x, int dim1, int dim2) {
  check(x.dim() >= 2, "{}: expected at least 2 dims, got shape {}", op, x.shape());
  const Pair dims{wrap_dim(op, dim1, x.dim()), wrap_dim(op, dim2, x.dim())};
  check(dims.dim1 != dims.dim2, "{}: the two dims must differ, got {} and {}", op, dim1, dim2);
  return dims;
}

}  // namespace

// ---- views -------------------------------------------------------------------------------------------------

Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides,
                  std::optional<int64_t> offset) {
  const int64_t start = offset.value_or(x.array().offset());
  check_within("as_strided", shape, strides, start, elements_of(x.array()));
  const int64_t relative = start - x.array().offset();
  if (x.requires_grad() && is_grad_enabled()) {
    check(x.is_contiguous(),
          "as_strided: a tensor that requires grad must be row-major, got strides {}", x.strides());
    // The gradient has x's elements only, not all of the memory that x shows a part of.
    check_within("as_strided", shape, strides, relative, x.numel());
  }
  return record_view("as_strided", x, x.array().view(shape, strides, relative),
                     wrt(x, EmbedRule{{strides, relative}}));
}

Tensor select(const Tensor& x, int dim, int64_t index) {
  const Place place = checked_select("select", x, dim, index);
  const Part part = select_part(x.shape(), x.strides(), place.dim, place.index);
  return record_view(
      "select", x, part_of(x.array(), part), wrt(x, [place](const Tensor& g, const Shape& input) {
        return embed_part(g, input,
                          select_part(input, contiguous_strides(input), place.dim, place.index));
      }));
}

namespace {

Tensor slice_view(const Tensor& x, const Range& range) {
  const auto part_in = [range](const Shape& shape, const Strides& strides) {
    return slice_part(shape, strides, range.dim, range.start, range.count, range.step);
  };
  return record_view("slice", x, part_of(x.array(), part_in(x.shape(), x.strides())),
                     wrt(x, [part_in](const Tensor& g, const Shape& input) {
                       return embed_part(g, input, part_in(input, contiguous_strides(input)));
                     }));
}

}  // namespace

Tensor slice(const Tensor& x, int dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  return slice_view(x, checked_slice("slice", x, dim, start, end, step));
}

Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length) {
  check<IndexError>(x.dim() > 0, "narrow: cannot narrow a 0-d tensor");
  const int at = wrap_dim("narrow", dim, x.dim());
  const int64_t size = x.size(at), from = start < 0 ? start + size : start;
  check<IndexError>(from >= 0 && length >= 0 && from <= size - length,
                    "narrow: {} entries from {} are out of range for dim {} of size {}", length,
                    start, at, size);
  return slice_view(x, {at, from, length, 1});
}

Tensor diagonal(const Tensor& x, int64_t offset, int dim1, int dim2) {
  const Pair dims = checked_diagonal("diagonal", x, dim1, dim2);
  const Part part = diagonal_part(x.shape(), x.strides(), dims.dim1, dims.dim2, offset);
  return record_view("diagonal", x, part_of(x.array(), part),
                     wrt(x, [dims, offset](const Tensor& g, const Shape& input) {
                       return embed_part(g, input,
                                         diagonal_part(input, contiguous_strides(input), dims.dim1,
                                                       dims.dim2, offset));
                     }));
}

namespace {

// All runs of `size` entries along `dim` whose starts are `step` apart, as a last dim.
Tensor windows(const Tensor& x, int dim, int64_t size, int64_t step) {
  const int at = wrap_dim("unfold", dim, x.dim());
  const int64_t available = x.dim() > 0 ? x.size(at) : 1;
  check(size >= 0 && size <= available,
        "unfold: size must be between 0 and the size {} of dim {}, got {}", available, at, size);
  check(step > 0, "unfold: step must be greater than 0, got {}", step);
  const int64_t count = (available - size) / step + 1;
  const auto part_in = [at, size, step, count](const Shape& shape, const Strides& strides) {
    if (shape.empty()) return Part{{size}, {1}, 0};
    Part part = slice_part(shape, strides, at, 0, count, step);
    part.shape.push_back(size);
    part.strides.push_back(strides[at]);
    return part;
  };
  return record_view("unfold", x, part_of(x.array(), part_in(x.shape(), x.strides())),
                     wrt(x, [part_in](const Tensor& g, const Shape& input) {
                       return embed_part(g, input, part_in(input, contiguous_strides(input)));
                     }));
}

// x with `source` in place of a part of a row-major tensor of its shape.
Tensor with_part(const char* op, const Tensor& x, const Tensor& source, const Part& part) {
  check(source.shape() == part.shape, "{}: source must have the shape of that part, {}, got {}", op,
        part.shape, source.shape());
  return as_strided_scatter(x, source, part.strides, part.offset);
}

}  // namespace

// ---- parts replaced ----------------------------------------------------------------------------------------

Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Strides& strides,
                          int64_t offset) {
  check_within("as_strided_scatter", source.shape(), strides, offset, x.numel());
  const Array y = kernels::clone(x.array());
  if (source.numel() > 0) kernels::copy(source.array(), y.view(source.shape(), strides, offset));
  return record("as_strided_scatter", Array(y),
                wrt(x, ClearRule{{strides, offset}, source.shape()}),
                wrt(source, RegionRule{{strides, offset}}));
}

Tensor select_scatter(const Tensor& x, const Tensor& source, int dim, int64_t index) {
  const Place place = checked_select("select_scatter", x, dim, index);
  return with_part("select_scatter", x, source,
                   select_part(x.shape(), contiguous_strides(x.shape()), place.dim, place.index));
}

Tensor slice_scatter(const Tensor& x, const Tensor& source, int dim, std::optional<int64_t> start,
                     std::optional<int64_t> end, int64_t step) {
  const Range range = checked_slice("slice_scatter", x, dim, start, end, step);
  return with_part("slice_scatter", x, source,
                   slice_part(x.shape(), contiguous_strides(x.shape()), range.dim, range.start,
                              range.count, range.step));
}

Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset, int dim1, int dim2) {
  const Pair dims = checked_diagonal("diagonal_scatter", x, dim1, dim2);
  return with_part(
      "diagonal_scatter", x, source,
      diagonal_part(x.shape(), contiguous_strides(x.shape()), dims.dim1, dims.dim2, offset));
}

// ---- method forms ------------------------------------------------------------------------------------------

Tensor ShapeMethods::select(int dim, int64_t index) const {
  return reel::select(self(), dim, index);
}
Tensor ShapeMethods::slice(int dim, std::optional<int64_t> start, std::optional<int64_t> end,
                           int64_t step) const {
  return reel::slice(self(), dim, start, end, step);
}
Tensor ShapeMethods::narrow(int dim, int64_t start, int64_t length) const {
  return reel::narrow(self(), dim, start, length);
}
Tensor ShapeMethods::diagonal(int64_t offset, int dim1, int dim2) const {
  return reel::diagonal(self(), offset, dim1, dim2);
}
Tensor ShapeMethods::unfold(int dim, int64_t size, int64_t step) const {
  return windows(self(), dim, size, step);
}
Tensor ShapeMethods::as_strided(const Shape& shape, const Strides& strides,
                                std::optional<int64_t> offset) const {
  return reel::as_strided(self(), shape, strides, offset);
}

// The diagonal of all dims: of a matrix as far as its shorter side goes, else of a cube.
Tensor& InPlaceMethods::fill_diagonal_(Scalar value) {
  const Tensor& x = self();
  check(x.dim() >= 2, "fill_diagonal_: expected at least 2 dims, got shape {}", x.shape());
  const int64_t length = *std::min_element(x.shape().begin(), x.shape().end());
  const int64_t longest = *std::max_element(x.shape().begin(), x.shape().end());
  check(x.dim() == 2 || length == longest,
        "fill_diagonal_: all dims of a tensor of more than 2 must be of one size, got {}",
        x.shape());
  int64_t stride = 0;
  for (const int64_t each : contiguous_strides(x.shape())) stride += each;
  const Tensor values = Tensor(Array::full({}, value, x.dtype())).expand({length});
  return rebind_inplace("fill_diagonal_", self(),
                        as_strided_scatter(former(x), values, {stride}, 0));
}

}  // namespace reel
