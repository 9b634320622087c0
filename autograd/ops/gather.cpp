// gather, scatter and what is like them: one index for every element.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/indices.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace reel {
namespace {

using detail::as_places;
using detail::zeros_of;
using kernels::Put;

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

Tensor checked_index(const char* op, const Tensor& x, int wrapped, const Tensor& given) {
  const Tensor index = as_places(op, given);
  kernels::check_indices(op, index.array(), wrapped, x.dim() == 0 ? 1 : x.size(wrapped));
  return index;
}

// What scatter and its relatives put where.
struct Scattering {
  int dim;
  Tensor index, src;  // of one shape
  Put how;
};

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
  return corner.shape() == index.shape() ? corner : reshape(corner, index.shape());
}

Put put_of(const char* op, std::string_view reduce) {
  check(reduce.empty() || reduce == "add" || reduce == "multiply",
        "{}: reduce must be \"add\" or \"multiply\", got \"{}\"", op, std::string(reduce).c_str());
  return reduce.empty() ? Put::Set : reduce == "add" ? Put::Add : Put::Multiply;
}

Scattering scattering(const char* op, const Tensor& x, int dim, const Tensor& given,
                      const Tensor& src, Put how) {
  const int wrapped = check_elements(op, x, dim, given);
  check<TypeError>(x.dtype() == src.dtype(),
                   "{}: src must have the dtype of the tensor, {}, got {}", op, x.dtype(),
                   src.dtype());
  const Tensor index = checked_index(op, x, wrapped, given);
  return {wrapped, index, trim(op, src, index), how};
}

// The same with one number everywhere.
Scattering scattering(const char* op, const Tensor& x, int dim, const Tensor& index, Scalar value,
                      Put how) {
  const Tensor number(Array::full({}, value, x.dtype()));
  return scattering(op, x, dim, index, number.expand(index.shape()), how);
}

// Of the elements of index where `of` holds, one for each place that any of them names.
Tensor one_each(const Tensor& x, int dim, const Tensor& index, const Tensor& of) {
  Shape shape = x.dim() == 0 ? Shape(1) : x.shape(), line = Shape::filled(index.dim(), 1);
  // The others write into a row of their own behind the last.
  const int64_t rest = shape[dim]++;
  if (index.dim() > 0) line[dim] = index.size(dim);
  const Tensor own = arange(line.numel()).reshape(line).expand(index.shape());
  const Tensor target = where(of, index, rest);
  const Tensor last = scatter(zeros_of(shape, kInt64), dim, target, own);
  return of & (gather(last, dim, target) == own);
}

// Gradient by src of products: the product of everything else at the place. That is y / src, but
// for zeros the product without them, for one zero of each place at a time. Where several meet, all
// these products are 0, so the second zero and so on matter only to derivatives.
Tensor product_backward(const Tensor& g, const Tensor& y, const Tensor& x, int dim,
                        const Tensor& index, const Tensor& src) {
  const Tensor zero = src == 0;
  Tensor result = gather(g * y, dim, index) / masked_fill(src, zero, 1);
  for (Tensor left = zero; any(left);) {
    const Tensor one = one_each(x, dim, index, left);
    const Tensor others = scatter(x, dim, index, masked_fill(src, one, 1), {.reduce = "multiply"});
    result = where(one, gather(g * others, dim, index), result);
    if (!is_grad_enabled()) break;
    left = left & !one;
  }
  return result;
}

Tensor scattered(const char* op, const Tensor& x, const Scattering& s) {
  Array out = kernels::clone(x.array());
  kernels::scatter(out, s.dim, s.index.array(), s.src.array(), s.how);
  if (s.how == Put::Multiply) {
    return record(op, std::move(out),
                  wrt(x,
                      [index = keep(s.index), src = keep(s.src), dim = s.dim](const Tensor& g) {
                        return scatter(g, dim, index(), src(), {.reduce = "multiply"});
                      }),
                  wrt(s.src, [x = keep(x), index = keep(s.index), src = keep(s.src), dim = s.dim](
                                 const Tensor& g, const Tensor& y) {
                    return product_backward(g, y, x(), dim, index(), src());
                  }));
  }
  return record(
      op, std::move(out),
      wrt(x, [index = keep(s.index), dim = s.dim, how = s.how](
                 const Tensor& g) { return how == Put::Add ? g : scatter(g, dim, index(), 0); }),
      wrt(s.src, [index = keep(s.index), dim = s.dim](const Tensor& g) {
        return gather(g, dim, index());
      }));
}

// The same with x itself. Where nothing is recorded, nothing but the places is touched.
Tensor& scatter_into(const char* op, Tensor& x, const Scattering& s) {
  check_inplace(op, x);
  if (records_inplace(x, {&s.src})) return rebind_inplace(op, x, scattered(op, x, s));
  kernels::scatter(x.array(), s.dim, kernels::apart(s.index.array(), x.array()),
                   kernels::apart(s.src.array(), x.array()), s.how);
  x.array().storage()->bump();
  return x;
}

// Zeros of `shape` with g added where gather() took from.
Tensor gather_backward(const Tensor& g, int dim, const Tensor& index, const Shape& shape) {
  Array y = Array::full(shape, 0, g.dtype());
  kernels::scatter(y, dim, index.array(), g.array(), Put::Add);
  return record(
      "gather_backward", std::move(y),
      wrt(g, [index = keep(index), dim](const Tensor& h) { return gather(h, dim, index()); }));
}

}  // namespace

Tensor gather(const Tensor& x, int dim, const Tensor& given) {
  const int wrapped = check_elements("gather", x, dim, given);
  const Tensor index = checked_index("gather", x, wrapped, given);
  return record("gather", kernels::gather(x.array(), wrapped, index.array()),
                wrt(x, [index = keep(index), wrapped](const Tensor& g, const Shape& shape) {
                  return gather_backward(g, wrapped, index(), shape);
                }));
}

Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& src,
               const ScatterOptions& options) {
  const Put how = put_of("scatter", options.reduce);
  return scattered("scatter", x, scattering("scatter", x, dim, index, src, how));
}

Tensor scatter(const Tensor& x, int dim, const Tensor& index, Scalar value,
               const ScatterOptions& options) {
  const Put how = put_of("scatter", options.reduce);
  return scattered("scatter", x, scattering("scatter", x, dim, index, value, how));
}

Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src) {
  return scattered("scatter_add", x, scattering("scatter_add", x, dim, index, src, Put::Add));
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int> dim) {
  if (!dim) return gather(reshape(x, {-1}), 0, reshape(indices, {-1}));
  check(x.dim() == indices.dim(),
        "take_along_dim: indices must have as many dims as the tensor, {}, got {}", x.dim(),
        indices.dim());
  const int wrapped = wrap_dim("take_along_dim", *dim, x.dim());
  if (x.dim() == 0) return gather(x, 0, indices);
  Shape from = x.shape(), to = indices.shape();
  from[wrapped] = to[wrapped] = 1;
  from = to = broadcast_shapes("take_along_dim", from, to);
  from[wrapped] = x.size(wrapped);
  to[wrapped] = indices.size(wrapped);
  return gather(x.expand(from), wrapped, indices.expand(to));
}

Tensor one_hot(const Tensor& given, int64_t num_classes) {
  const Tensor index = as_places("one_hot", given);
  check(num_classes > 0 || (num_classes == -1 && index.numel() > 0),
        "one_hot: num_classes must be positive, or -1 with at least one index, got {}",
        num_classes);
  const bool any = index.numel() > 0;
  const int64_t least = any ? min(index).item<int64_t>() : 0;
  const int64_t largest = any ? max(index).item<int64_t>() : 0;
  check(largest < std::numeric_limits<int64_t>::max(), "one_hot: too many elements for class {}",
        largest);
  const int64_t count = num_classes > 0 ? num_classes : std::max<int64_t>(largest, 0) + 1;
  check<IndexError>(least >= 0 && largest < count,
                    "one_hot: classes must be from 0 to {}, got {} to {}", count - 1, least,
                    largest);
  Shape shape = index.shape();
  shape.push_back(count);
  check_sizes("one_hot", shape);
  const Array y = Array::full(shape, 0, kInt64), one = Array::full({}, 1, kInt64);
  const Array places = unsqueeze(index, -1).array();
  kernels::scatter(y, shape.rank() - 1, places,
                   one.view(places.shape(), Shape::filled(places.rank(), 0)), Put::Set);
  return Tensor(y);
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor ShapeMethods::gather(int dim, const Tensor& index) const {
  return reel::gather(self(), dim, index);
}
Tensor ShapeMethods::scatter(int dim, const Tensor& index, const Tensor& src) const {
  return reel::scatter(self(), dim, index, src);
}
Tensor ShapeMethods::scatter(int dim, const Tensor& index, Scalar value) const {
  return reel::scatter(self(), dim, index, value);
}
Tensor ShapeMethods::scatter_add(int dim, const Tensor& index, const Tensor& src) const {
  return reel::scatter_add(self(), dim, index, src);
}
Tensor ShapeMethods::take_along_dim(const Tensor& indices, std::optional<int> dim) const {
  return reel::take_along_dim(self(), indices, dim);
}
Tensor& InPlaceMethods::scatter_(int dim, const Tensor& index, const Tensor& src) {
  return scatter_into("scatter_", self(),
                      scattering("scatter_", self(), dim, index, src, Put::Set));
}
Tensor& InPlaceMethods::scatter_(int dim, const Tensor& index, Scalar value) {
  return scatter_into("scatter_", self(),
                      scattering("scatter_", self(), dim, index, value, Put::Set));
}
Tensor& InPlaceMethods::scatter_add_(int dim, const Tensor& index, const Tensor& src) {
  return scatter_into("scatter_add_", self(),
                      scattering("scatter_add_", self(), dim, index, src, Put::Add));
}

}  // namespace reel
