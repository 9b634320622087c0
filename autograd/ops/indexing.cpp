// x[indices] and what is like it: whole dims are addressed by one tensor of places, and the numbers
// there are picked, set or added to. gather and scatter are in gather.cpp.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/ops/detail/indices.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <utility>

namespace reel {
namespace {

using detail::as_places;
using detail::zeros_of;
using kernels::IndexedDims;
using kernels::Put;

// ---- picking and placing -------------------------------------------------------------------------------------

// Which elements an index means: places in some dims of a tensor.
struct Spot {
  IndexedDims dims;
  Tensor places;
};

Tensor pick(const char* op, const Tensor& x, const Spot& spot);

// Zeros of `shape` with g added at the places: what turns a gradient of pick() back.
Tensor pick_backward(const Tensor& g, const Spot& spot, const Shape& shape) {
  Array y = Array::full(shape, 0, g.dtype());
  kernels::place("index", y, spot.dims, spot.places.array(), g.array(), Put::Add);
  return record("index_backward", std::move(y),
                wrt(g, [dims = spot.dims, places = keep(spot.places)](const Tensor& h) {
                  return pick("index", h, {dims, places()});
                }));
}

Tensor pick(const char* op, const Tensor& x, const Spot& spot) {
  return record(
      op, kernels::pick(x.array(), spot.dims, spot.places.array()),
      wrt(x, [dims = spot.dims, places = keep(spot.places)](const Tensor& g, const Shape& shape) {
        return pick_backward(g, {dims, places()}, shape);
      }));
}

Array in_dtype_of(const Tensor& x, const Tensor& source) {
  return kernels::cast(source.array(), x.dtype());
}

// A copy of x with `source`, which broadcasts, put or added at the places.
Tensor placed(const char* op, const Tensor& x, const Spot& spot, const Tensor& source, Put how) {
  Array y = kernels::clone(x.array());
  kernels::place(op, y, spot.dims, spot.places.array(), in_dtype_of(x, source), how);
  return record(
      op, std::move(y),
      wrt(x,
          [dims = spot.dims, places = keep(spot.places), how](const Tensor& g) {
            if (how == Put::Add) return g;
            return placed("index_fill", g, {dims, places()}, zeros_of({}, g.dtype()), Put::Set);
          }),
      wrt(source, [dims = spot.dims, places = keep(spot.places)](const Tensor& g) {
        return pick("index", g, {dims, places()});
      }));
}

// The same with x itself. Where nothing is recorded, nothing but the places is touched.
Tensor& place(const char* op, Tensor& x, const Spot& spot, const Tensor& source, Put how) {
  check_inplace(op, x);
  if (records_inplace(x, {&source})) return rebind_inplace(op, x, placed(op, x, spot, source, how));
  kernels::place(op, x.array(), spot.dims, kernels::apart(spot.places.array(), x.array()),
                 kernels::apart(in_dtype_of(x, source), x.array()), how);
  x.array().storage()->bump();
  return x;
}

// ---- whole slices --------------------------------------------------------------------------------------------

// What index_select(x, dim, index) picks.
Spot slices(const char* op, const Tensor& x, int dim, const Tensor& index,
            bool counts_from_end = false) {
  check<IndexError>(index.dim() <= 1, "{}: index must have at most 1 dim, got shape {}", op,
                    index.shape());
  check<IndexError>(x.dim() > 0 || index.numel() == 1,
                    "{}: index of a 0-d tensor must have 1 element, got shape {}", op,
                    index.shape());
  const int wrapped = wrap_dim(op, dim, x.dim());
  const uint64_t mask = uint64_t{1} << wrapped;
  const Shape shape = x.dim() == 0 ? Shape(1) : x.shape();
  Tensor places = as_places(op, index);
  if (counts_from_end)
    places = Tensor(kernels::linear_index(op, {&places.array(), 1}, shape, mask));
  else
    kernels::check_indices(op, places.array(), wrapped, shape[wrapped]);
  if (x.dim() == 0) return {{0, 0}, Tensor(places.array().view({}, {}))};
  if (index.dim() == 0) places = Tensor(places.array().view({1}, {1}));
  return {{mask, wrapped}, std::move(places)};
}

// Source must be what index_select(x, dim, index) would give; a 0-d source counts as 1-d.
Tensor checked_source(const char* op, const Tensor& x, const Spot& spot, const Tensor& source) {
  check<TypeError>(x.dtype() == source.dtype(),
                   "{}: source must have the dtype of the tensor, {}, got {}", op, x.dtype(),
                   source.dtype());
  const Shape expected = kernels::picked_shape(x.shape(), spot.dims, spot.places.shape());
  check(source.shape() == expected ||
            (x.dim() <= 1 && source.dim() <= 1 && source.numel() == spot.places.numel()),
        "{}: source must have shape {}, got {}", op, expected, source.shape());
  return source.shape() == expected ? source : reshape(source, expected);
}

Tensor scaled(const Tensor& source, Scalar alpha) {
  return alpha.to<double>() == 1 ? source : (source * alpha).to(source.dtype());
}

// A number to fill with must be of x's kind or a lower one.
void check_filling(const char* op, const Tensor& x, const Tensor& value) {
  check(value.dim() == 0, "{}: value must be a number or 0-d, got shape {}", op, value.shape());
  check<TypeError>(promote_types(x.dtype(), value.dtype()) == x.dtype() ||
                       (is_floating(x.dtype()) && is_floating(value.dtype())),
                   "{}: a value of dtype {} does not fit a tensor of dtype {}", op, value.dtype(),
                   x.dtype());
}

// Of index_fill, whose indices may be negative.
Spot filled_slices(const char* op, const Tensor& x, int dim, const Tensor& index,
                   const Tensor& value) {
  check_filling(op, x, value);
  return slices(op, x, dim, index, true);
}

}  // namespace

Tensor index_select(const Tensor& x, int dim, const Tensor& index) {
  return pick("index_select", x, slices("index_select", x, dim, index));
}

Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source,
                 const AlphaOptions& options) {
  const Spot spot = slices("index_add", x, dim, index);
  const Tensor checked = checked_source("index_add", x, spot, source);
  return placed("index_add", x, spot, scaled(checked, options.alpha), Put::Add);
}

Tensor index_copy(const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  const Spot spot = slices("index_copy", x, dim, index);
  return placed("index_copy", x, spot, checked_source("index_copy", x, spot, source), Put::Set);
}

Tensor index_fill(const Tensor& x, int dim, const Tensor& index, const Tensor& value) {
  return placed("index_fill", x, filled_slices("index_fill", x, dim, index, value), value,
                Put::Set);
}

Tensor index_fill(const Tensor& x, int dim, const Tensor& index, Scalar value) {
  return index_fill(x, dim, index, scalar_like(x, value));
}

Tensor take(const Tensor& x, const Tensor& index) {
  const Array places = as_places("take", index).array();
  const uint64_t all = (uint64_t{1} << x.dim()) - 1;
  const Array wrapped = kernels::linear_index("take", {&places, 1}, x.numel(), 1);
  if (x.dim() > 0) return pick("take", x, {{all, 0}, Tensor(wrapped)});
  return pick("take", x.expand({1}), {{1, 0}, Tensor(wrapped)});
}

// ---- t.index({...}) ------------------------------------------------------------------------------------------

namespace {

// What remains of an index list after its integers, slices, None and Ellipsis became a view of x:
// one index tensor for some dims of that view (undefined for the others).
struct Selection {
  Tensor view;
  std::vector<Tensor> tensors;
  Tensor places;  // what they mean together, where that is known

  bool is_view() const {
    for (const Tensor& tensor : tensors) {
      if (tensor.defined()) return false;
    }
    return true;
  }
};

void add_mask(Selection& selection, int& dim, const Tensor& mask, bool alone) {
  const Shape& shape = selection.view.shape();
  bool fits = true;
  for (int i = 0; i < mask.dim(); ++i) fits &= shape[dim + i] == mask.size(i);
  check<IndexError>(fits,
                    "index: a mask of shape {} must fit the tensor of shape {} from dim {} on",
                    mask.shape(), shape, dim);
  if (alone && mask.dim() > 0) {
    selection.places = Tensor(kernels::nonzero_places(mask.array()));
    for (int i = 0; i < mask.dim(); ++i, ++dim) selection.tensors.push_back(selection.places);
    return;
  }
  const Tensor found = nonzero(mask);
  if (mask.dim() == 0) {
    selection.view = unsqueeze(selection.view, dim++);
    selection.tensors.push_back(zeros_of({found.size(0)}, kInt64));
  }
  for (int i = 0; i < mask.dim(); ++i, ++dim) selection.tensors.push_back(found.select(1, i));
}

Selection select_all(const Tensor& x, std::span<const Index> indices) {
  int consumed = 0, ellipses = 0, tensors = 0;
  for (const Index& index : indices) {
    tensors += index.kind() == Index::Kind::Tensor;
    consumed += index.consumed_dims();
    ellipses += index.kind() == Index::Kind::Rest;
  }
  check<IndexError>(consumed <= x.dim(), "index: too many indices for a tensor of {} dims, got {}",
                    x.dim(), consumed);
  check<IndexError>(ellipses <= 1, "index: at most one Ellipsis is allowed, got {}", ellipses);
  Selection selection{x, {}, {}};
  Tensor& view = selection.view;
  int dim = 0;
  for (const Index& index : indices) {
    if (index.kind() == Index::Kind::Rest) dim += x.dim() - consumed;
    selection.tensors.resize(static_cast<size_t>(dim));
    switch (index.kind()) {
      case Index::Kind::NewDim:
        view = unsqueeze(view, dim++);
        break;
      case Index::Kind::Rest:
        break;
      case Index::Kind::Integer:
        view = select(view, dim, index.integer());
        break;
      case Index::Kind::Slice:
        view = slice(view, dim, index.slice().start, index.slice().end, index.slice().step);
        ++dim;
        break;
      case Index::Kind::Tensor:
        if (index.tensor().dtype() == kBool) {
          add_mask(selection, dim, index.tensor(), tensors == 1);
        } else {
          selection.tensors.push_back(as_places("index", index.tensor()));
          ++dim;
        }
    }
  }
  return selection;
}

// Where the index tensors stand side by side, their shape takes the place of their dims; where
// others stand between them, it goes first.
Spot spot_of(const Selection& selection) {
  IndexedDims dims{0, 0};
  std::vector<Array> indices;
  int first = -1, last = -1;
  for (size_t i = 0; i < selection.tensors.size(); ++i) {
    if (!selection.tensors[i].defined()) continue;
    indices.push_back(selection.tensors[i].array());
    last = static_cast<int>(i);
    if (first < 0) first = last;
    dims.mask |= uint64_t{1} << last;
  }
  const bool adjacent = last - first + 1 == static_cast<int>(indices.size());
  dims.at = adjacent ? first : 0;
  if (selection.places.defined()) return {dims, selection.places};
  return {dims, Tensor(kernels::linear_index("index", indices, selection.view.shape(), dims.mask))};
}

std::span<const Index> span_of(const std::initializer_list<Index>& list) {
  return {list.begin(), list.size()};
}

}  // namespace

Tensor index(const Tensor& x, std::span<const Index> indices) {
  const Selection selection = select_all(x, indices);
  return selection.is_view() ? selection.view : pick("index", selection.view, spot_of(selection));
}

Tensor& index_put_(Tensor& x, std::span<const Index> indices, const Tensor& value,
                   bool accumulate) {
  Selection selection = select_all(x, indices);
  Tensor& target = selection.view.body() == x.body() ? x : selection.view;
  if (!selection.is_view()) {
    place("index_put_", target, spot_of(selection), value, accumulate ? Put::Add : Put::Set);
  } else if (accumulate) {
    target.add_(value);
  } else {
    target.copy_(value);
  }
  return x;
}

Tensor index_put(const Tensor& x, std::span<const Index> indices, const Tensor& value,
                 bool accumulate) {
  const Selection selection = select_all(x, indices);
  if (!selection.is_view() && selection.view.body() == x.body())
    return placed("index_put", x, spot_of(selection), value, accumulate ? Put::Add : Put::Set);
  Tensor y = x.clone();
  return index_put_(y, indices, value, accumulate);
}

Tensor index(const Tensor& x, std::initializer_list<Index> indices) {
  return index(x, span_of(indices));
}

Tensor index_put(const Tensor& x, std::initializer_list<Index> indices, const Tensor& value,
                 bool accumulate) {
  return index_put(x, span_of(indices), value, accumulate);
}

// ---- masks ---------------------------------------------------------------------------------------------------

namespace {

void check_mask(const char* op, const Tensor& mask) {
  check<TypeError>(mask.dtype() == kBool, "{}: the mask must be bool, got {}", op, mask.dtype());
}

Tensor filling(const char* op, const Tensor& x, const Tensor& mask, const Tensor& value) {
  check_mask(op, mask);
  check_filling(op, x, value);
  return value.to(x.dtype());
}

Scalar number_of(const Tensor& x) {
  if (x.is_floating_point()) return x.to(kFloat64).item<double>();
  return x.to(kInt64).item<int64_t>();
}

}  // namespace

Tensor nonzero(const Tensor& x) { return Tensor(kernels::nonzero(x.array())); }

std::vector<Tensor> where(const Tensor& condition) {
  return unbind(nonzero(condition.dim() == 0 ? condition.reshape({1}) : condition), 1);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_mask("masked_select", mask);
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  const Tensor places(kernels::nonzero_places(mask.expand(shape).array()));
  if (shape.rank() == 0) return pick("masked_select", x.expand({1}), {{1, 0}, places});
  const uint64_t all = (uint64_t{1} << shape.rank()) - 1;
  return pick("masked_select", x.expand(shape), {{all, 0}, places});
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  const char* op = "masked_scatter";
  check_mask(op, mask);
  check<TypeError>(x.dtype() == source.dtype(),
                   "{}: source must have the dtype of the tensor, {}, got {}", op, x.dtype(),
                   source.dtype());
  const Shape shape = broadcast_shapes(op, x.shape(), mask.shape());
  const Tensor places(kernels::nonzero_places(mask.expand(shape).array()));
  check(places.numel() <= source.numel(), "{}: source must have at least {} elements, got {}", op,
        places.numel(), source.numel());
  // A 0-d tensor counts as 1-d.
  const int rank = std::max(shape.rank(), 1);
  const uint64_t all = (uint64_t{1} << rank) - 1;
  const Tensor whole = x.expand(shape.empty() ? Shape(1) : shape);
  const Tensor values = source.reshape({-1}).narrow(0, 0, places.numel());
  return placed(op, whole, {{all, 0}, places}, values, Put::Set).reshape(shape);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  const Tensor number = filling("masked_fill", x, mask, value);
  const Shape shape = broadcast_shapes("masked_fill", x.shape(), mask.shape());
  const Tensor whole = x.shape() == shape ? x : x.expand(shape);
  Array y = kernels::clone(whole.array());
  kernels::masked_fill("masked_fill", y, mask.array(), number_of(number));
  return record(
      "masked_fill", std::move(y),
      wrt(whole, [mask = keep(mask)](const Tensor& g) { return masked_fill(g, mask(), 0); }),
      wrt(number,
          [mask = keep(mask)](const Tensor& g) { return where(mask(), g, scalar_like(g, 0)); }));
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  return masked_fill(x, mask, scalar_like(x, value));
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor ShapeMethods::operator[](int64_t index) const { return reel::index(self(), {Index(index)}); }
const Tensor ShapeMethods::operator[](const Tensor& index) const {
  return reel::index(self(), {Index(index)});
}
Tensor ShapeMethods::index(std::initializer_list<Index> indices) const {
  return reel::index(self(), span_of(indices));
}
Tensor ShapeMethods::index(std::span<const Index> indices) const {
  return reel::index(self(), indices);
}
Tensor ShapeMethods::index_put(std::initializer_list<Index> indices, const Tensor& value,
                               bool accumulate) const {
  return reel::index_put(self(), span_of(indices), value, accumulate);
}
Tensor& InPlaceMethods::index_put_(std::initializer_list<Index> indices, const Tensor& value,
                                   bool accumulate) {
  return reel::index_put_(self(), span_of(indices), value, accumulate);
}
Tensor& InPlaceMethods::index_put_(std::initializer_list<Index> indices, Scalar value) {
  return reel::index_put_(self(), span_of(indices), Tensor(Array::full({}, value, self().dtype())));
}
Tensor ShapeMethods::index_select(int dim, const Tensor& index) const {
  return reel::index_select(self(), dim, index);
}
Tensor ShapeMethods::index_add(int dim, const Tensor& index, const Tensor& source,
                               const AlphaOptions& options) const {
  return reel::index_add(self(), dim, index, source, options);
}
Tensor ShapeMethods::index_copy(int dim, const Tensor& index, const Tensor& source) const {
  return reel::index_copy(self(), dim, index, source);
}
Tensor ShapeMethods::index_fill(int dim, const Tensor& index, Scalar value) const {
  return reel::index_fill(self(), dim, index, value);
}
Tensor& InPlaceMethods::index_add_(int dim, const Tensor& index, const Tensor& source,
                                   const AlphaOptions& options) {
  const Spot spot = slices("index_add_", self(), dim, index);
  const Tensor checked = checked_source("index_add_", self(), spot, source);
  return place("index_add_", self(), spot, scaled(checked, options.alpha), Put::Add);
}
Tensor& InPlaceMethods::index_copy_(int dim, const Tensor& index, const Tensor& source) {
  const Spot spot = slices("index_copy_", self(), dim, index);
  return place("index_copy_", self(), spot, checked_source("index_copy_", self(), spot, source),
               Put::Set);
}
Tensor& InPlaceMethods::index_fill_(int dim, const Tensor& index, Scalar value) {
  const Tensor number = scalar_like(self(), value);
  return place("index_fill_", self(), filled_slices("index_fill_", self(), dim, index, number),
               number, Put::Set);
}
Tensor ShapeMethods::take(const Tensor& index) const { return reel::take(self(), index); }
Tensor ShapeMethods::nonzero() const { return reel::nonzero(self()); }
Tensor ShapeMethods::masked_select(const Tensor& mask) const {
  return reel::masked_select(self(), mask);
}
Tensor ShapeMethods::masked_fill(const Tensor& mask, Scalar value) const {
  return reel::masked_fill(self(), mask, value);
}
Tensor ShapeMethods::masked_fill(const Tensor& mask, const Tensor& value) const {
  return reel::masked_fill(self(), mask, value);
}
Tensor ShapeMethods::masked_scatter(const Tensor& mask, const Tensor& source) const {
  return reel::masked_scatter(self(), mask, source);
}
Tensor& InPlaceMethods::masked_scatter_(const Tensor& mask, const Tensor& source) {
  return rebind_inplace("masked_scatter_", self(),
                        reel::masked_scatter(former(self()), mask, source));
}
Tensor& InPlaceMethods::masked_fill_(const Tensor& mask, Scalar value) {
  return masked_fill_(mask, scalar_like(self(), value));
}
Tensor& InPlaceMethods::masked_fill_(const Tensor& mask, const Tensor& value) {
  Tensor& x = self();
  check_inplace("masked_fill_", x);
  const Tensor number = filling("masked_fill_", x, mask, value);
  if (records_inplace(x, {&value}))
    return rebind_inplace("masked_fill_", x, masked_fill(x, mask, number));
  kernels::masked_fill("masked_fill_", x.array(), kernels::apart(mask.array(), x.array()),
                       number_of(number));
  x.array().storage()->bump();
  return x;
}

}  // namespace reel
