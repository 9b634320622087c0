#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

namespace reel {
namespace {

Tensor zeros_of(const Shape& shape, Dtype dtype) { return Tensor(Array::full(shape, 0, dtype)); }

// An index tensor as the int64 that kernels take.
Tensor places(const char* op, const Tensor& index) {
  check<TypeError>(index.dtype() == kInt64 || index.dtype() == kInt32,
                   "{}: index must be int64 or int32, got {}", op, index.dtype());
  return index.to(kInt64);
}

void check_same_dtype(const char* op, const Tensor& x, const Tensor& source) {
  check<TypeError>(x.dtype() == source.dtype(),
                   "{}: source must have the dtype of the tensor, {}, got {}", op, x.dtype(),
                   source.dtype());
}

// ---- whole slices --------------------------------------------------------------------------------------------

int check_slices(const char* op, const Tensor& x, int dim, const Tensor& index) {
  check<IndexError>(index.dim() <= 1, "{}: index must have at most 1 dim, got shape {}", op,
                    index.shape());
  check<IndexError>(x.dim() > 0 || index.numel() == 1,
                    "{}: index of a 0-d tensor must have 1 element, got shape {}", op,
                    index.shape());
  return wrap_dim(op, dim, x.dim());
}

// Source must be what index_select(x, dim, index) would give; a 0-d source counts as 1-d.
int check_source(const char* op, const Tensor& x, int dim, const Tensor& index,
                 const Tensor& source) {
  const int wrapped = check_slices(op, x, dim, index);
  check_same_dtype(op, x, source);
  Shape expected = x.shape();
  if (expected.rank() > 0) expected[wrapped] = index.numel();
  check(source.shape() == expected ||
            (x.dim() <= 1 && source.dim() <= 1 && source.numel() == index.numel()),
        "{}: source must have shape {}, got {}", op, expected, source.shape());
  return wrapped;
}

// ---- single elements -----------------------------------------------------------------------------------------

// Index must have the rank of x (0-d counts as 1-d) and fit into it, dim aside.
int check_elements(const char* op, const Tensor& x, int dim, const Tensor& index) {
  const int wrapped = wrap_dim(op, dim, x.dim());
  check(std::max(x.dim(), 1) == std::max(index.dim(), 1),
        "{}: index must have as many dims as the tensor, {}, got {}", op, x.dim(), index.dim());
  bool fits = true;
  for (int i = 0; i < x.dim() && i < index.dim(); ++i)
    fits &= i == wrapped || index.size(i) <= x.size(i);
  check(fits || index.numel() == 0, "{}: index of shape {} must fit into {} except in dim {}", op,
        index.shape(), x.shape(), wrapped);
  return wrapped;
}

// The corner of src that the index reaches.
Tensor trim(const char* op, const Tensor& src, const Tensor& index) {
  check(std::max(src.dim(), 1) == std::max(index.dim(), 1),
        "{}: src must have as many dims as index, {}, got {}", op, index.dim(), src.dim());
  Tensor corner = src;
  for (int i = 0; i < src.dim() && i < index.dim(); ++i) {
    check(index.size(i) <= src.size(i), "{}: index of shape {} must fit into src, got {}", op,
          index.shape(), src.shape());
    if (index.size(i) < src.size(i)) corner = corner.narrow(i, 0, index.size(i));
  }
  return corner;
}

}  // namespace

Tensor index_select(const Tensor& x, int dim, const Tensor& given) {
  const int wrapped = check_slices("index_select", x, dim, given);
  const Tensor index = places("index_select", given);
  return record("index_select", kernels::index_select(x.array(), wrapped, index.array()),
                wrt(x, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
                  return index_add(zeros_of(shape, g.dtype()), wrapped, index(), g);
                }));
}

Tensor index_add(const Tensor& x, int dim, const Tensor& given, const Tensor& source,
                 const AlphaOptions& options) {
  const bool scaled = options.alpha.to<double>() != 1;
  if (scaled) return index_add(x, dim, given, (source * options.alpha).to(source.dtype()));
  const int wrapped = check_source("index_add", x, dim, given, source);
  const Tensor index = places("index_add", given);
  return record(
      "index_add",
      kernels::index_put("index_add", x.array(), wrapped, index.array(), source.array(), true),
      wrt(x, [](const Tensor& g) { return g; }),
      wrt(source, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
        return index_select(g, wrapped, index()).reshape(shape);
      }));
}

Tensor index_copy(const Tensor& x, int dim, const Tensor& given, const Tensor& source) {
  const int wrapped = check_source("index_copy", x, dim, given, source);
  const Tensor index = places("index_copy", given);
  return record(
      "index_copy",
      kernels::index_put("index_copy", x.array(), wrapped, index.array(), source.array(), false),
      wrt(x, [index = keep(index),
              wrapped](const Tensor& g) { return index_fill(g, wrapped, index(), 0); }),
      wrt(source, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
        return index_select(g, wrapped, index()).reshape(shape);
      }));
}

Tensor index_fill(const Tensor& x, int dim, const Tensor& index, Scalar value) {
  Shape shape = x.shape();
  if (shape.rank() > 0) shape[wrap_dim("index_fill", dim, x.dim())] = index.numel();
  return index_copy(x, dim, index, Tensor(Array::full(shape, value, x.dtype())));
}

Tensor gather(const Tensor& x, int dim, const Tensor& given) {
  const int wrapped = check_elements("gather", x, dim, given);
  const Tensor index = places("gather", given);
  return record("gather", kernels::gather(x.array(), wrapped, index.array()),
                wrt(x, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
                  return scatter_add(zeros_of(shape, g.dtype()), wrapped, index(), g);
                }));
}

Tensor scatter(const Tensor& x, int dim, const Tensor& given, const Tensor& whole_src) {
  const int wrapped = check_elements("scatter", x, dim, given);
  check_same_dtype("scatter", x, whole_src);
  const Tensor index = places("scatter", given), src = trim("scatter", whole_src, index);
  return record("scatter",
                kernels::scatter("scatter", x.array(), wrapped, index.array(), src.array(), false),
                wrt(x, [index = keep(index),
                        wrapped](const Tensor& g) { return scatter(g, wrapped, index(), 0); }),
                wrt(src, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
                  return gather(g, wrapped, index()).reshape(shape);
                }));
}

Tensor scatter(const Tensor& x, int dim, const Tensor& index, Scalar value) {
  return scatter(x, dim, index, Tensor(Array::full({}, value, x.dtype())).expand(index.shape()));
}

Tensor scatter_add(const Tensor& x, int dim, const Tensor& given, const Tensor& whole_src) {
  const int wrapped = check_elements("scatter_add", x, dim, given);
  check_same_dtype("scatter_add", x, whole_src);
  const Tensor index = places("scatter_add", given), src = trim("scatter_add", whole_src, index);
  return record(
      "scatter_add",
      kernels::scatter("scatter_add", x.array(), wrapped, index.array(), src.array(), true),
      wrt(x, [](const Tensor& g) { return g; }),
      wrt(src, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
        return gather(g, wrapped, index()).reshape(shape);
      }));
}

// ---- t.index({...}) ------------------------------------------------------------------------------------------

namespace {

// What remains of an index list after its integers, slices, None and Ellipsis became a view of x:
// one index tensor for some dims of that view (undefined for the others).
struct Selection {
  Tensor view;
  std::vector<Tensor> tensors;
};

void add_mask(Selection& selection, int& dim, const Tensor& mask) {
  const Shape& shape = selection.view.shape();
  bool fits = true;
  for (int i = 0; i < mask.dim(); ++i) fits &= shape[dim + i] == mask.size(i);
  check<IndexError>(fits,
                    "index: a mask of shape {} must fit the tensor of shape {} from dim {} on",
                    mask.shape(), shape, dim);
  const Tensor found = nonzero(mask);
  if (mask.dim() == 0) {
    selection.view = unsqueeze(selection.view, dim++);
    selection.tensors.push_back(zeros_of({found.size(0)}, kInt64));
  }
  for (int i = 0; i < mask.dim(); ++i, ++dim) selection.tensors.push_back(found.select(1, i));
}

Selection select_all(const Tensor& x, std::span<const Index> indices) {
  int consumed = 0, ellipses = 0;
  for (const Index& index : indices) {
    consumed += index.consumed_dims();
    ellipses += index.kind() == Index::Kind::Rest;
  }
  check<IndexError>(consumed <= x.dim(), "index: too many indices for a tensor of {} dims, got {}",
                    x.dim(), consumed);
  check<IndexError>(ellipses <= 1, "index: at most one Ellipsis is allowed, got {}", ellipses);
  Selection selection{x, {}};
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
          add_mask(selection, dim, index.tensor());
        } else {
          selection.tensors.push_back(places("index", index.tensor()));
          ++dim;
        }
    }
  }
  return selection;
}

// A selection by index tensors, seen as a selection of slices: with the indexed dims side by side
// (moved to the front if others stand between them) and made one, x[indices] is index_select(x,
// dim, linear).
struct Plan {
  Dims order;    // of the dims of x, the indexed ones side by side; empty where they are so already
  int dim = 0;   // of the first of them, in that order
  Shape moved;   // shape of x in that order
  Shape merged;  // the same with the indexed dims made one
  Shape result;  // shape of x[indices]
  Tensor linear;  // 1-d

  Tensor merge(const Tensor& x) const {
    return reshape(order.empty() ? x : permute(x, order), merged);
  }
  Tensor unmerge(const Tensor& y) const {
    const Tensor split = reshape(y, moved);
    if (order.empty()) return split;
    int inverse[kMaxRank] = {};
    for (int i = 0; i < order.size(); ++i) inverse[order[i]] = i;
    return permute(split, Dims(std::span<const int>(inverse, static_cast<size_t>(order.size()))));
  }
};

Plan plan_of(const Selection& selection) {
  Plan plan;
  std::vector<Array> indices;
  Dims indexed, others;
  for (int i = 0; i < selection.view.dim(); ++i) {
    const bool is_indexed = static_cast<size_t>(i) < selection.tensors.size() &&
                            selection.tensors[static_cast<size_t>(i)].defined();
    (is_indexed ? indexed : others).push_back(i);
    if (is_indexed) indices.push_back(selection.tensors[static_cast<size_t>(i)].array());
  }
  const int first = indexed[0], count = indexed.size();
  const bool adjacent = indexed[count - 1] == first + count - 1;
  if (!adjacent) {
    plan.order = indexed;
    for (int dim : others) plan.order.push_back(dim);
  }
  plan.dim = adjacent ? first : 0;
  for (int i = 0; i < selection.view.dim(); ++i) {
    plan.moved.push_back(selection.view.size(adjacent ? i : plan.order[i]));
  }
  const std::span<const int64_t> sizes(plan.moved.begin() + plan.dim, static_cast<size_t>(count));
  const Array linear = kernels::linear_index("index", indices, sizes, first);
  plan.linear = Tensor(linear.view({linear.numel()}, {1}));
  int64_t merged_size = 1;
  for (int64_t size : sizes) merged_size *= size;
  for (int i = 0; i < plan.moved.rank(); ++i) {
    if (i == plan.dim) {
      plan.merged.push_back(merged_size);
      for (int64_t size : linear.shape()) plan.result.push_back(size);
    }
    if (i >= plan.dim && i < plan.dim + count) continue;
    plan.merged.push_back(plan.moved[i]);
    plan.result.push_back(plan.moved[i]);
  }
  return plan;
}

// A copy of selection.view with `value` put where its index tensors say.
Tensor put_selected(const Selection& selection, const Tensor& value, bool accumulate) {
  const Plan plan = plan_of(selection);
  Shape slices = plan.merged;
  slices[plan.dim] = plan.linear.numel();
  const Tensor source = value.to(selection.view.dtype()).expand(plan.result).reshape(slices);
  const Tensor merged = plan.merge(selection.view);
  return plan.unmerge(accumulate ? index_add(merged, plan.dim, plan.linear, source)
                                 : index_copy(merged, plan.dim, plan.linear, source));
}

std::span<const Index> span_of(const std::initializer_list<Index>& list) {
  return {list.begin(), list.size()};
}

}  // namespace

Tensor index(const Tensor& x, std::span<const Index> indices) {
  const Selection selection = select_all(x, indices);
  bool views_only = true;
  for (const Tensor& tensor : selection.tensors) views_only &= !tensor.defined();
  if (views_only) return selection.view;
  const Plan plan = plan_of(selection);
  return reshape(index_select(plan.merge(selection.view), plan.dim, plan.linear), plan.result);
}

Tensor& index_put_(Tensor& x, std::span<const Index> indices, const Tensor& value,
                   bool accumulate) {
  Selection selection = select_all(x, indices);
  bool views_only = true;
  for (const Tensor& tensor : selection.tensors) views_only &= !tensor.defined();
  Tensor& target = selection.view.body() == x.body() ? x : selection.view;
  if (!views_only) {
    check_inplace("index_put_", target);
    rebind_inplace("index_put_", target, put_selected(selection, value, accumulate));
  } else if (accumulate) {
    target.add_(value);
  } else {
    target.copy_(value);
  }
  return x;
}

Tensor index_put(const Tensor& x, std::span<const Index> indices, const Tensor& value,
                 bool accumulate) {
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

// ---- masks and classes ---------------------------------------------------------------------------------------

Tensor nonzero(const Tensor& x) { return Tensor(kernels::nonzero(x.array())); }

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check<TypeError>(mask.dtype() == kBool, "masked_select: the mask must be bool, got {}",
                   mask.dtype());
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return index(x.expand(shape), {mask.expand(shape)});
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  check<TypeError>(mask.dtype() == kBool, "masked_fill: the mask must be bool, got {}",
                   mask.dtype());
  const Tensor number = scalar_like(x, value);
  check<TypeError>(number.dtype() == x.dtype(),
                   "masked_fill: a value of dtype {} does not fit a tensor of dtype {}",
                   number.dtype(), x.dtype());
  return where(mask, number, x);
}

Tensor one_hot(const Tensor& given, int64_t num_classes) {
  const Tensor index = places("one_hot", given);
  check(num_classes > 0 || (num_classes == -1 && index.numel() > 0),
        "one_hot: num_classes must be positive, or -1 with at least one index, got {}",
        num_classes);
  Shape shape = index.shape();
  shape.push_back(num_classes > 0 ? num_classes : max(index).item<int64_t>() + 1);
  return scatter(zeros_of(shape, kInt64), -1, unsqueeze(index, -1), 1);
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor ShapeMethods::operator[](int64_t index) const { return reel::index(self(), {Index(index)}); }
Tensor ShapeMethods::index(std::initializer_list<Index> indices) const {
  return reel::index(self(), span_of(indices));
}
Tensor ShapeMethods::index(std::span<const Index> indices) const {
  return reel::index(self(), indices);
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
Tensor ShapeMethods::gather(int dim, const Tensor& index) const {
  return reel::gather(self(), dim, index);
}

}  // namespace reel
