#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/map.h>
#include <reel/autograd/ops/creation.h>
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
  for (int i = 0; i < shape.rank(); ++i) {
    check(strides[i] >= 0, "{}: strides must not be negative, got {}", op, strides);
    last += std::max<int64_t>(shape[i] - 1, 0) * strides[i];
  }
  check(offset >= 0 && (shape.numel() == 0 || last < available),
        "{}: shape {} with strides {} from {} needs {} elements, got a storage of {}", op, shape,
        strides, offset, last + 1, available);
}

int64_t elements_of(const Array& x) {
  return static_cast<int64_t>(x.storage()->bytes / size_of(x.dtype()));
}

// The region of a row-major array of x's shape that starts `offset` elements into it.
Tensor region(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset) {
  const Tensor row_major = x.contiguous();
  return as_strided(row_major, shape, strides, row_major.array().offset() + offset);
}

// Zeros of `shape` with g added where a view of that geometry lies: the adjoint of region().
Tensor embed(const Tensor& g, const Shape& shape, const Strides& strides, int64_t offset) {
  Array y = Array::full(shape, 0, g.dtype());
  dispatch_float(g.dtype(), "as_strided", [&]<class T>(TypeTag<T>) {
    T* to = y.data<T>() + offset;
    const T* from = g.array().data<T>();
    kernels::for_each_row<2>(g.shape(), {g.strides(), strides},
                             [&](int64_t n, const auto& at, const auto& step) {
                               // One after the other: elements of a view may lie on each other.
                               for (int64_t i = 0; i < n; ++i)
                                 to[at[1] + i * step[1]] += from[at[0] + i * step[0]];
                             });
  });
  return record("as_strided_backward", std::move(y),
                wrt(g, [strides, offset](const Tensor& gg, const Shape& view) {
                  return region(gg, view, strides, offset);
                }));
}

Tensor select_backward(const Tensor& g, const Shape& shape, int dim, int64_t index) {
  Strides strides = contiguous_strides(shape);
  const int64_t offset = index * strides[dim];
  strides.erase(dim);
  return embed(g, shape, strides, offset);
}

Tensor slice_backward(const Tensor& g, const Shape& shape, int dim, int64_t start, int64_t step) {
  Strides strides = contiguous_strides(shape);
  const int64_t offset = start * strides[dim];
  strides[dim] *= step;
  return embed(g, shape, strides, g.numel() > 0 ? offset : 0);
}

// Strides with which x shows itself in another shape without a copy, if there are any.
std::optional<Strides> view_strides(const Array& x, const Shape& shape) {
  if (x.is_contiguous() || x.numel() == 0) return contiguous_strides(shape);
  Strides strides = Shape::filled(shape.rank(), 0);
  int to = shape.rank() - 1;
  int64_t chunk_stride = x.strides().back();
  int64_t from_count = 1, to_count = 1;
  // Runs of x's dims that lie behind each other are cut anew; every new dim must fit into one run.
  for (int from = x.rank() - 1; from >= 0; --from) {
    from_count *= x.size(from);
    const bool run_ends =
        from == 0 || (x.size(from - 1) != 1 && x.strides()[from - 1] != from_count * chunk_stride);
    if (!run_ends) continue;
    while (to >= 0 && (to_count < from_count || shape[to] == 1)) {
      strides[to] = to_count * chunk_stride;
      to_count *= shape[to--];
    }
    if (to_count != from_count) return std::nullopt;
    if (from > 0) {
      chunk_stride = x.strides()[from - 1];
      from_count = to_count = 1;
    }
  }
  return to == -1 ? std::optional(strides) : std::nullopt;
}

// Every view that keeps the order of the elements has the same gradient: g in the input's shape.
Tensor reshaped_view(const char* op, const Tensor& x, const Shape& shape, const Strides& strides) {
  return record_view(op, x, x.array().view(shape, strides),
                     wrt(x, [](const Tensor& g, const Shape& input) { return g.reshape(input); }));
}

}  // namespace

Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset) {
  check_within("as_strided", shape, strides, offset, elements_of(x.array()));
  const int64_t relative = offset - x.array().offset();
  check(!x.requires_grad() || !is_grad_enabled() || x.is_contiguous(),
        "as_strided: a tensor that requires grad must be row-major, got strides {}", x.strides());
  return record_view("as_strided", x, x.array().view(shape, strides, relative),
                     wrt(x, [strides, relative](const Tensor& g, const Shape& input) {
                       return embed(g, input, strides, relative);
                     }));
}

Tensor as_strided_scatter(const Tensor& x, const Tensor& source, const Strides& strides,
                          int64_t offset) {
  check_within("as_strided_scatter", source.shape(), strides, offset, x.numel());
  const Array y = kernels::clone(x.array());
  kernels::copy(source.array(), y.view(source.shape(), strides, offset));
  return record("as_strided_scatter", Array(y),
                wrt(x,
                    [strides, offset, shape = source.shape()](const Tensor& g) {
                      return as_strided_scatter(g, zeros(shape, {.dtype = g.dtype()}), strides,
                                                offset);
                    }),
                wrt(source, [strides, offset](const Tensor& g, const Shape& shape) {
                  return region(g, shape, strides, offset);
                }));
}

// ---- shapes ------------------------------------------------------------------------------------------------

Tensor reshape(const Tensor& x, const Shape& shape) {
  const Shape inferred = infer_shape("reshape", shape, x.numel());
  if (const auto strides = view_strides(x.array(), inferred))
    return reshaped_view("view", x, inferred, *strides);
  return record("reshape", kernels::clone(x.array()).view(inferred, contiguous_strides(inferred)),
                wrt(x, [](const Tensor& g, const Shape& input) { return g.reshape(input); }));
}

Tensor view(const Tensor& x, const Shape& shape) {
  const Shape inferred = infer_shape("view", shape, x.numel());
  const auto strides = view_strides(x.array(), inferred);
  check(strides.has_value(),
        "view: shape {} does not fit the strides {} of shape {} without a copy; use reshape",
        inferred, x.strides(), x.shape());
  return reshaped_view("view", x, inferred, *strides);
}

Tensor flatten(const Tensor& x, int start_dim, int end_dim) {
  if (x.dim() == 0) return x.reshape({1});
  const int start = wrap_dim("flatten", start_dim, x.dim()),
            end = wrap_dim("flatten", end_dim, x.dim());
  check(start <= end, "flatten: start_dim must not come after end_dim, got {} and {}", start_dim,
        end_dim);
  if (start == end) return x;
  Shape shape;
  for (int i = 0; i < x.dim(); ++i) {
    if (i <= start || i > end) {
      shape.push_back(x.size(i));
    } else {
      shape[start] *= x.size(i);
    }
  }
  return x.reshape(shape);
}

Tensor permute(const Tensor& x, const Dims& dims) {
  check(dims.size() == x.dim(), "permute: expected {} dims for shape {}, got {}", x.dim(),
        x.shape(), dims.size());
  dims_mask("permute", dims, x.dim());
  Shape shape = x.shape();
  Strides strides = x.strides();
  int inverse[kMaxRank] = {};
  for (int i = 0; i < dims.size(); ++i) {
    const int from = wrap_dim("permute", dims[i], x.dim());
    shape[i] = x.size(from);
    strides[i] = x.strides()[from];
    inverse[from] = i;
  }
  const Dims back(std::span<const int>(inverse, static_cast<size_t>(x.dim())));
  return record_view("permute", x, x.array().view(shape, strides),
                     wrt(x, [back](const Tensor& g) { return g.permute(back); }));
}

Tensor transpose(const Tensor& x, int dim0, int dim1) {
  const int i = wrap_dim("transpose", dim0, x.dim()), j = wrap_dim("transpose", dim1, x.dim());
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (i != j) {
    std::swap(shape[i], shape[j]);
    std::swap(strides[i], strides[j]);
  }
  return record_view("transpose", x, x.array().view(shape, strides),
                     wrt(x, [i, j](const Tensor& g) { return g.transpose(i, j); }));
}

Tensor t(const Tensor& x) {
  check(x.dim() <= 2, "t: expected at most 2 dims, got shape {}", x.shape());
  return x.dim() < 2 ? x : x.transpose(0, 1);
}

Tensor squeeze(const Tensor& x) {
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.dim(); ++i) {
    if (x.size(i) == 1) continue;
    shape.push_back(x.size(i));
    strides.push_back(x.strides()[i]);
  }
  return reshaped_view("squeeze", x, shape, strides);
}

Tensor squeeze(const Tensor& x, int dim) {
  const int at = wrap_dim("squeeze", dim, x.dim());
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (x.dim() > 0 && x.size(at) == 1) {
    shape.erase(at);
    strides.erase(at);
  }
  return reshaped_view("squeeze", x, shape, strides);
}

Tensor unsqueeze(const Tensor& x, int dim) {
  const int at = wrap_dim("unsqueeze", dim, x.dim() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides.insert(at, at < x.dim() ? x.size(at) * x.strides()[at] : 1);
  shape.insert(at, 1);
  return reshaped_view("unsqueeze", x, shape, strides);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  Shape wanted = shape;
  for (int i = 0; i < wanted.rank(); ++i) {
    const int from = i - (wanted.rank() - x.dim());
    if (wanted[i] == -1 && from >= 0) wanted[i] = x.size(from);
  }
  check_sizes("expand", wanted);
  if (wanted == x.shape()) return x;
  // The sweep sums g over what was repeated.
  return record_view(
      "expand", x, x.array().view(wanted, expand_strides("expand", x.shape(), x.strides(), wanted)),
      wrt(x, [](const Tensor& g) { return g; }));
}

// ---- parts -------------------------------------------------------------------------------------------------

Tensor select(const Tensor& x, int dim, int64_t index) {
  check<IndexError>(x.dim() > 0, "select: cannot pick from a 0-d tensor");
  const int at = wrap_dim("select", dim, x.dim());
  const int64_t size = x.size(at), from = index < 0 ? index + size : index;
  check<IndexError>(from >= 0 && from < size,
                    "select: index {} is out of range for dim {} of size {}", index, at, size);
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(at);
  strides.erase(at);
  return record_view("select", x, x.array().view(shape, strides, from * x.strides()[at]),
                     wrt(x, [at, from](const Tensor& g, const Shape& input) {
                       return select_backward(g, input, at, from);
                     }));
}

Tensor slice(const Tensor& x, int dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  check<IndexError>(x.dim() > 0, "slice: cannot slice a 0-d tensor");
  check(step > 0, "slice: step must be greater than 0, got {}", step);
  const int at = wrap_dim("slice", dim, x.dim());
  const int64_t size = x.size(at);
  const auto bound = [size](int64_t i) {
    return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const int64_t from = bound(start.value_or(0));
  const int64_t to = std::max(from, bound(end.value_or(size)));
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[at] = (to - from + step - 1) / step;
  strides[at] *= step;
  const int64_t offset = shape[at] > 0 ? from * x.strides()[at] : 0;
  return record_view("slice", x, x.array().view(shape, strides, offset),
                     wrt(x, [at, from, step](const Tensor& g, const Shape& input) {
                       return slice_backward(g, input, at, from, step);
                     }));
}

Tensor narrow(const Tensor& x, int dim, int64_t start, int64_t length) {
  check<IndexError>(x.dim() > 0, "narrow: cannot narrow a 0-d tensor");
  const int at = wrap_dim("narrow", dim, x.dim());
  const int64_t size = x.size(at), from = start < 0 ? start + size : start;
  check<IndexError>(from >= 0 && length >= 0 && from <= size - length,
                    "narrow: {} entries from {} are out of range for dim {} of size {}", length,
                    start, at, size);
  return slice(x, at, from, from + length);
}

Tensor diagonal(const Tensor& x, int64_t offset) {
  check(x.dim() == 2, "diagonal: expected a 2-d tensor, got shape {}", x.shape());
  const int64_t row = std::max<int64_t>(-offset, 0), col = std::max<int64_t>(offset, 0);
  const int64_t length = std::max<int64_t>(std::min(x.size(0) - row, x.size(1) - col), 0);
  const int64_t start = length > 0 ? row * x.strides()[0] + col * x.strides()[1] : 0;
  return record_view(
      "diagonal", x, x.array().view({length}, {x.strides()[0] + x.strides()[1]}, start),
      wrt(x, [row, col, length](const Tensor& g, const Shape& input) {
        return embed(g, input, {input[1] + 1}, length > 0 ? row * input[1] + col : 0);
      }));
}

Tensor diag(const Tensor& x, int64_t offset) {
  check(x.dim() == 1 || x.dim() == 2, "diag: expected a 1-d or 2-d tensor, got shape {}",
        x.shape());
  if (x.dim() == 2) return diagonal(x, offset).clone();
  const int64_t row = std::max<int64_t>(-offset, 0), col = std::max<int64_t>(offset, 0);
  const int64_t n = x.numel() + row + col;
  Array y = Array::full({n, n}, 0, x.dtype());
  kernels::copy(x.array(), y.view({x.numel()}, {n + 1}, x.numel() > 0 ? row * n + col : 0));
  return record("diag", std::move(y),
                wrt(x, [offset](const Tensor& g) { return diag(g, offset); }));
}

// ---- joining -----------------------------------------------------------------------------------------------

namespace {

struct CatRule {
  static constexpr bool keeps_no_tensor = true;
  int dim;
  std::vector<int64_t> starts;  // of every tensor along dim, and the end
  Tensor operator()(const Tensor& g, size_t i) const {
    return g.narrow(dim, starts[i], starts[i + 1] - starts[i]);
  }
};

// torch.cat passes over 1-d tensors without elements, whatever the others' rank.
bool passed_over(const Tensor& x) { return x.dim() == 1 && x.numel() == 0; }

void check_joinable(const Tensor& first, const Tensor& x, int dim) {
  bool fits = x.dim() == first.dim();
  for (int i = 0; fits && i < x.dim(); ++i) fits = i == dim || x.size(i) == first.size(i);
  check(fits, "cat: sizes must match except in dim {}, got {} and {}", dim, first.shape(),
        x.shape());
}

}  // namespace

Tensor cat(std::span<const Tensor> tensors, int dim) {
  check(!tensors.empty(), "cat: expected at least one tensor, got none");
  const auto chosen = std::find_if_not(tensors.begin(), tensors.end(), passed_over);
  const Tensor& first = chosen == tensors.end() ? tensors[0] : *chosen;
  check(first.dim() > 0, "cat: 0-d tensors cannot be concatenated; use stack");
  const int at = wrap_dim("cat", dim, first.dim());
  Dtype dtype = first.dtype();
  CatRule rule{at, {0}};
  for (const Tensor& x : tensors) {
    dtype = promote_types(dtype, x.dtype());
    if (!passed_over(x)) check_joinable(first, x, at);
    rule.starts.push_back(rule.starts.back() +
                          (passed_over(x) && first.dim() != 1 ? 0 : x.size(at)));
  }
  Shape shape = first.shape();
  shape[at] = rule.starts.back();
  const Array y = Array::empty(shape, dtype);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (passed_over(tensors[i])) continue;
    Shape part = shape;
    part[at] = tensors[i].size(at);
    kernels::copy(
        tensors[i].array(),
        y.view(part, y.strides(), part.numel() > 0 ? rule.starts[i] * y.strides()[at] : 0));
  }
  return record("cat", Array(y), wrt_each(tensors, std::move(rule)));
}

Tensor cat(std::initializer_list<Tensor> tensors, int dim) {
  return cat(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

Tensor stack(std::span<const Tensor> tensors, int dim) {
  check(!tensors.empty(), "stack: expected at least one tensor, got none");
  std::vector<Tensor> rows;
  for (const Tensor& x : tensors) {
    check(x.shape() == tensors[0].shape(), "stack: every tensor must have shape {}, got {}",
          tensors[0].shape(), x.shape());
    rows.push_back(x.unsqueeze(wrap_dim("stack", dim, x.dim() + 1)));
  }
  return cat(rows, wrap_dim("stack", dim, tensors[0].dim() + 1));
}

Tensor stack(std::initializer_list<Tensor> tensors, int dim) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

// ---- method forms ------------------------------------------------------------------------------------------

Tensor ShapeMethods::reshape(const Shape& shape) const { return reel::reshape(self(), shape); }
Tensor ShapeMethods::view(const Shape& shape) const { return reel::view(self(), shape); }
Tensor ShapeMethods::flatten(int start_dim, int end_dim) const {
  return reel::flatten(self(), start_dim, end_dim);
}
Tensor ShapeMethods::transpose(int dim0, int dim1) const {
  return reel::transpose(self(), dim0, dim1);
}
Tensor ShapeMethods::t() const { return reel::t(self()); }
Tensor ShapeMethods::mT() const { return reel::transpose(self(), -2, -1); }
Tensor ShapeMethods::permute(const Dims& dims) const { return reel::permute(self(), dims); }
Tensor ShapeMethods::squeeze() const { return reel::squeeze(self()); }
Tensor ShapeMethods::squeeze(int dim) const { return reel::squeeze(self(), dim); }
Tensor ShapeMethods::unsqueeze(int dim) const { return reel::unsqueeze(self(), dim); }
Tensor ShapeMethods::expand(const Shape& shape) const { return reel::expand(self(), shape); }
Tensor ShapeMethods::expand_as(const Tensor& other) const {
  return reel::expand(self(), other.shape());
}
Tensor ShapeMethods::view_as(const Tensor& other) const {
  return reel::view(self(), other.shape());
}
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

}  // namespace reel
