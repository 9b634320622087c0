// Other shapes of a tensor. Its parts are in view_parts.cpp.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

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

// `shape` with its -1 replaced, for a tensor of this many elements.
Shape wanted_shape(const char* op, const Shape& shape, int64_t numel) {
  const Shape inferred = infer_shape(op, shape, numel);
  check_sizes(op, inferred);  // the other sizes beside a 0 may be anything
  return inferred;
}

Tensor exchanged(const char* op, const Tensor& x, int dim0, int dim1) {
  const int i = wrap_dim(op, dim0, x.dim()), j = wrap_dim(op, dim1, x.dim());
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (i != j) {
    std::swap(shape[i], shape[j]);
    std::swap(strides[i], strides[j]);
  }
  return record_view(op, x, x.array().view(shape, strides),
                     wrt(x, [i, j](const Tensor& g) { return g.transpose(i, j); }));
}

Tensor expanded(const char* op, const Tensor& x, const Shape& shape) {
  Shape wanted = shape;
  for (int i = 0; i < wanted.rank(); ++i) {
    const int from = i - (wanted.rank() - x.dim());
    if (wanted[i] == -1 && from >= 0) wanted[i] = x.size(from);
  }
  check_sizes(op, wanted);
  if (wanted == x.shape()) return x;
  // The sweep sums g over what was repeated.
  return record_view(op, x,
                     x.array().view(wanted, expand_strides(op, x.shape(), x.strides(), wanted)),
                     wrt(x, [](const Tensor& g) { return g; }));
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  const Shape wanted = wanted_shape("reshape", shape, x.numel());
  if (const auto strides = view_strides(x.array(), wanted))
    return reshaped_view("view", x, wanted, *strides);
  return record("reshape", kernels::clone(x.array()).view(wanted, contiguous_strides(wanted)),
                wrt(x, [](const Tensor& g, const Shape& input) { return g.reshape(input); }));
}

Tensor view(const Tensor& x, const Shape& shape) {
  const Shape wanted = wanted_shape("view", shape, x.numel());
  const auto strides = view_strides(x.array(), wanted);
  check(strides.has_value(),
        "view: shape {} does not fit the strides {} of shape {} without a copy; use reshape",
        wanted, x.strides(), x.shape());
  return reshaped_view("view", x, wanted, *strides);
}

Tensor flatten(const Tensor& x, int start_dim, int end_dim) {
  const int start = wrap_dim("flatten", start_dim, x.dim()),
            end = wrap_dim("flatten", end_dim, x.dim());
  check(start <= end, "flatten: start_dim must not come after end_dim, got {} and {}", start_dim,
        end_dim);
  if (x.dim() == 0) return x.reshape({1});
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

Tensor unflatten(const Tensor& x, int dim, const Shape& sizes) {
  check<IndexError>(x.dim() > 0, "unflatten: expected at least 1 dim, got a 0-d tensor");
  const int at = wrap_dim("unflatten", dim, x.dim());
  check(!sizes.empty(), "unflatten: sizes must not be empty, got {}", sizes);
  const Shape inner = wanted_shape("unflatten", sizes, x.size(at));
  Shape shape;
  for (int i = 0; i < x.dim(); ++i) {
    if (i != at) {
      shape.push_back(x.size(i));
    } else {
      for (int64_t size : inner) shape.push_back(size);
    }
  }
  return x.view(shape);
}

Tensor ravel(const Tensor& x) { return x.reshape({x.numel()}); }

// ---- the order of dims -------------------------------------------------------------------------------------

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

Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination) {
  check(source.size() == destination.size(),
        "movedim: source and destination must list as many dims, got {} and {}", source.size(),
        destination.size());
  if (source.empty() || x.dim() == 0) {
    for (const int dim : source) wrap_dim("movedim", dim, x.dim());
    for (const int dim : destination) wrap_dim("movedim", dim, x.dim());
    return x;
  }
  const uint64_t moved = dims_mask("movedim", source, x.dim());
  dims_mask("movedim", destination, x.dim());
  int order[kMaxRank];
  std::fill(order, order + x.dim(), -1);
  for (int i = 0; i < source.size(); ++i) {
    order[wrap_dim("movedim", destination[i], x.dim())] = wrap_dim("movedim", source[i], x.dim());
  }
  int rest = 0;
  for (int i = 0; i < x.dim(); ++i) {
    if (order[i] >= 0) continue;
    while ((moved >> rest & 1) != 0) ++rest;
    order[i] = rest++;
  }
  return permute(x, Dims(std::span<const int>(order, static_cast<size_t>(x.dim()))));
}

Tensor transpose(const Tensor& x, int dim0, int dim1) {
  return exchanged("transpose", x, dim0, dim1);
}
Tensor swapaxes(const Tensor& x, int axis0, int axis1) {
  return exchanged("swapaxes", x, axis0, axis1);
}
Tensor swapdims(const Tensor& x, int dim0, int dim1) {
  return exchanged("swapdims", x, dim0, dim1);
}

Tensor t(const Tensor& x) {
  check(x.dim() <= 2, "t: expected at most 2 dims, got shape {}", x.shape());
  return x.dim() < 2 ? x : x.transpose(0, 1);
}

// ---- dims of size 1 ----------------------------------------------------------------------------------------

namespace {

// Without those dims of the mask whose size is 1.
Tensor squeezed(const Tensor& x, uint64_t mask) {
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.dim(); ++i) {
    if (x.size(i) == 1 && (mask >> i & 1) != 0) continue;
    shape.push_back(x.size(i));
    strides.push_back(x.strides()[i]);
  }
  return reshaped_view("squeeze", x, shape, strides);
}

}  // namespace

Tensor squeeze(const Tensor& x) { return squeezed(x, dims_mask("squeeze", {}, x.dim())); }

Tensor squeeze(const Tensor& x, const Dims& dims) {
  return squeezed(x, dims.empty() ? 0 : dims_mask("squeeze", dims, x.dim()));
}

Tensor unsqueeze(const Tensor& x, int dim) {
  const int at = wrap_dim("unsqueeze", dim, x.dim() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides.insert(at, at < x.dim() ? x.size(at) * x.strides()[at] : 1);
  shape.insert(at, 1);
  return reshaped_view("unsqueeze", x, shape, strides);
}

// ---- repeated by strides of 0 ------------------------------------------------------------------------------

Tensor expand(const Tensor& x, const Shape& shape) { return expanded("expand", x, shape); }
Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return expanded("broadcast_to", x, shape);
}

std::vector<Tensor> broadcast_tensors(std::span<const Tensor> tensors) {
  Shape shape;
  for (const Tensor& x : tensors) shape = broadcast_shapes("broadcast_tensors", shape, x.shape());
  std::vector<Tensor> views;
  for (const Tensor& x : tensors) views.push_back(expanded("broadcast_tensors", x, shape));
  return views;
}

std::vector<Tensor> broadcast_tensors(std::initializer_list<Tensor> tensors) {
  return broadcast_tensors(std::span<const Tensor>(tensors.begin(), tensors.size()));
}

std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, const MeshgridOptions& options) {
  check(!tensors.empty(), "meshgrid: expected at least one tensor, got none");
  const bool xy = options.indexing == "xy";
  check(xy || options.indexing == "ij", "meshgrid: indexing must be \"ij\" or \"xy\", got \"{}\"",
        options.indexing);
  Shape shape;
  for (const Tensor& x : tensors) {
    check(x.dim() <= 1, "meshgrid: expected 0-d or 1-d tensors, got shape {}", x.shape());
    check<TypeError>(x.dtype() == tensors[0].dtype(),
                     "meshgrid: expected tensors of one dtype, got {} and {}", tensors[0].dtype(),
                     x.dtype());
    shape.push_back(x.numel());
  }
  const int rank = shape.rank();
  if (xy && rank > 1) std::swap(shape[0], shape[1]);
  std::vector<Tensor> grids;
  for (int i = 0; i < rank; ++i) {
    const int dim = xy && rank > 1 && i < 2 ? 1 - i : i;
    Shape line = Shape::filled(rank, 1);
    line[dim] = shape[dim];
    grids.push_back(expanded("meshgrid", tensors[static_cast<size_t>(i)].reshape(line), shape));
  }
  return grids;
}

std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors,
                             const MeshgridOptions& options) {
  return meshgrid(std::span<const Tensor>(tensors.begin(), tensors.size()), options);
}

// ---- method forms ------------------------------------------------------------------------------------------

Tensor ShapeMethods::reshape(const Shape& shape) const { return reel::reshape(self(), shape); }
Tensor ShapeMethods::reshape_as(const Tensor& other) const {
  return reel::reshape(self(), other.shape());
}
Tensor ShapeMethods::view(const Shape& shape) const { return reel::view(self(), shape); }
Tensor ShapeMethods::view_as(const Tensor& other) const {
  return reel::view(self(), other.shape());
}
Tensor ShapeMethods::flatten(int start_dim, int end_dim) const {
  return reel::flatten(self(), start_dim, end_dim);
}
Tensor ShapeMethods::unflatten(int dim, const Shape& sizes) const {
  return reel::unflatten(self(), dim, sizes);
}
Tensor ShapeMethods::ravel() const { return reel::ravel(self()); }
Tensor ShapeMethods::transpose(int dim0, int dim1) const {
  return reel::transpose(self(), dim0, dim1);
}
Tensor ShapeMethods::swapaxes(int axis0, int axis1) const {
  return reel::swapaxes(self(), axis0, axis1);
}
Tensor ShapeMethods::t() const { return reel::t(self()); }
Tensor ShapeMethods::T() const { return reel::t(self()); }
Tensor ShapeMethods::mT() const { return exchanged("mT", self(), -2, -1); }
Tensor ShapeMethods::permute(const Dims& dims) const { return reel::permute(self(), dims); }
Tensor ShapeMethods::movedim(const Dims& source, const Dims& destination) const {
  return reel::movedim(self(), source, destination);
}
Tensor ShapeMethods::squeeze() const { return reel::squeeze(self()); }
Tensor ShapeMethods::squeeze(const Dims& dims) const { return reel::squeeze(self(), dims); }
Tensor ShapeMethods::unsqueeze(int dim) const { return reel::unsqueeze(self(), dim); }
Tensor ShapeMethods::expand(const Shape& shape) const { return reel::expand(self(), shape); }
Tensor ShapeMethods::expand_as(const Tensor& other) const {
  return reel::expand(self(), other.shape());
}
Tensor ShapeMethods::broadcast_to(const Shape& shape) const {
  return reel::broadcast_to(self(), shape);
}

}  // namespace reel
