#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/rearrange.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/inplace.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>

namespace reel {
namespace {

// x itself may be a view of what must be copied.
Tensor own(const Tensor& y, const Tensor& x) {
  return y.array().storage() == x.array().storage() ? y.clone() : y;
}

// ---- reversed ------------------------------------------------------------------------------------------------

Tensor flipped(const char* op, const Tensor& x, const Dims& dims) {
  const uint64_t mask = dims.empty() ? 0 : dims_mask(op, dims, x.dim());
  return record(op, kernels::flip(x.array(), mask),
                wrt(x, [dims](const Tensor& g) { return flip(g, dims); }));
}

}  // namespace

Tensor flip(const Tensor& x, const Dims& dims) { return flipped("flip", x, dims); }

Tensor fliplr(const Tensor& x) {
  check(x.dim() >= 2, "fliplr: expected at least 2 dims, got shape {}", x.shape());
  return flipped("fliplr", x, 1);
}

Tensor flipud(const Tensor& x) {
  check(x.dim() >= 1, "flipud: expected at least 1 dim, got shape {}", x.shape());
  return flipped("flipud", x, 0);
}

Tensor rot90(const Tensor& x, int64_t k, const Dims& dims) {
  check(dims.size() == 2, "rot90: expected 2 dims to turn in, got {}", dims.size());
  check(x.dim() >= 2, "rot90: expected a tensor of at least 2 dims, got shape {}", x.shape());
  dims_mask("rot90", dims, x.dim());
  switch ((k % 4 + 4) % 4) {
    case 1:
      return flip(x, dims[1]).transpose(dims[0], dims[1]);
    case 2:
      return flip(x, dims);
    case 3:
      return flip(x, dims[0]).transpose(dims[0], dims[1]);
    default:
      return x.clone();
  }
}

// ---- moved on ------------------------------------------------------------------------------------------------

namespace {

Tensor rolled(const Tensor& x, int dim, int64_t shift) {
  return record("roll", kernels::roll(x.array(), dim, shift), wrt(x, [dim, shift](const Tensor& g) {
                  return rolled(g, dim, shift == 0 ? 0 : g.size(dim) - shift);
                }));
}

}  // namespace

Tensor roll(const Tensor& x, const std::vector<int64_t>& shifts, const Dims& dims) {
  if (dims.empty() && shifts.size() == 1)
    return roll(x.reshape({x.numel()}), shifts, 0).reshape(x.shape());
  check(!shifts.empty(), "roll: expected at least one shift, got none");
  check(static_cast<int>(shifts.size()) == dims.size(),
        "roll: expected a shift for each of {} dims, got {}", dims.size(), shifts.size());
  for (const int dim : dims) wrap_dim("roll", dim, x.dim());
  if (x.numel() == 0 || x.dim() == 0) return x.clone();
  Tensor y = x;
  for (int i = 0; i < dims.size(); ++i) {
    const int at = wrap_dim("roll", dims[i], x.dim());
    const int64_t size = x.size(at), shift = shifts[static_cast<size_t>(i)] % size;
    y = rolled(y, at, shift < 0 ? shift + size : shift);
  }
  return y;
}

Tensor roll(const Tensor& x, int64_t shift, const Dims& dims) {
  return roll(x, std::vector<int64_t>{shift}, dims);
}

// ---- repeated ------------------------------------------------------------------------------------------------

namespace {

// Sizes are at most 2^60 (check_sizes), so a product that fits says whether it is too large.
int64_t times(const char* op, int64_t size, int64_t repeats) {
  int64_t product = 0;
  check(repeats >= 0, "{}: repeats must not be negative, got {}", op, repeats);
  check(!__builtin_mul_overflow(size, repeats, &product), "{}: {} times {} are too many elements",
        op, repeats, size);
  return product;
}

Tensor repeated(const char* op, const Tensor& x, const Shape& repeats) {
  const int front = repeats.rank() - x.dim();
  check(front >= 0, "{}: expected at least {} repeats for shape {}, got {}", op, x.dim(), x.shape(),
        repeats);
  Shape target, apart, spread;  // the result; x with a dim for each repetition; the same, repeated
  for (int i = 0; i < repeats.rank(); ++i) {
    const int64_t size = i < front ? 1 : x.size(i - front);
    target.push_back(times(op, size, repeats[i]));
    if (repeats[i] != 1) {
      apart.push_back(1);
      spread.push_back(repeats[i]);
    }
    apart.push_back(size);
    spread.push_back(size);
  }
  check_sizes(op, target);
  return own(x.reshape(apart).expand(spread).reshape(target), x);
}

// The index that repeats i repeats[i] times.
Array counted(const Tensor& repeats) {
  check<TypeError>(repeats.dtype() == kInt64 || repeats.dtype() == kInt32,
                   "repeat_interleave: repeats must be int64 or int32, got {}", repeats.dtype());
  const Array counts = kernels::contiguous(kernels::cast(repeats.array(), kInt64));
  const std::span<const int64_t> list(counts.data<int64_t>(), static_cast<size_t>(counts.numel()));
  int64_t total = 0;
  for (const int64_t count : list) {
    check(count >= 0, "repeat_interleave: repeats must not be negative, got {}", count);
    check(!__builtin_add_overflow(total, count, &total),
          "repeat_interleave: repeats sum to too many elements, got {} beside {}", count, total);
  }
  check_sizes("repeat_interleave", {total});
  Array index = Array::empty({total}, kInt64);
  int64_t* to = index.data<int64_t>();
  for (size_t i = 0; i < list.size(); ++i) to = std::fill_n(to, list[i], static_cast<int64_t>(i));
  return index;
}

}  // namespace

Tensor repeat(const Tensor& x, const Shape& repeats) { return repeated("repeat", x, repeats); }

Tensor tile(const Tensor& x, const Shape& repeats) {
  Shape all = repeats;
  while (all.rank() < x.dim()) all.insert(0, 1);
  return repeated("tile", x, all);
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int> dim) {
  const Tensor list = dim && x.dim() > 0 ? x : x.reshape({x.numel()});
  const int at = wrap_dim("repeat_interleave", dim.value_or(0), list.dim());
  Shape target = list.shape();
  target[at] = times("repeat_interleave", target[at], repeats);
  check_sizes("repeat_interleave", target);
  Shape spread = list.shape();
  spread.insert(at + 1, repeats);
  return own(list.unsqueeze(at + 1).expand(spread).reshape(target), x);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<int> dim) {
  const Tensor list = dim && x.dim() > 0 ? x : x.reshape({x.numel()});
  const int at = wrap_dim("repeat_interleave", dim.value_or(0), list.dim());
  check(repeats.dim() <= 1 && (repeats.numel() == 1 || repeats.numel() == list.size(at)),
        "repeat_interleave: repeats must be one number or one for each of {} entries, got shape {}",
        list.size(at), repeats.shape());
  const bool one_for_all = repeats.numel() == 1;
  const Tensor each = one_for_all ? repeats.detach().reshape({1}).expand({list.size(at)}) : repeats;
  return index_select(list, at, Tensor(counted(each)));
}

Tensor repeat_interleave(const Tensor& repeats) {
  check(repeats.dim() == 1, "repeat_interleave: repeats must be 1-d, got shape {}",
        repeats.shape());
  return Tensor(counted(repeats));
}

// ---- triangles -----------------------------------------------------------------------------------------------

namespace {

void check_matrices(const char* op, const Tensor& x) {
  check(x.dim() >= 2, "{}: expected at least 2 dims, got shape {}", op, x.shape());
}

Tensor triangle_indices(const char* op, int64_t rows, int64_t cols, int64_t offset, bool lower,
                        Dtype dtype) {
  check(rows >= 0 && cols >= 0, "{}: sizes must not be negative, got {} and {}", op, rows, cols);
  check<TypeError>(is_integral(dtype), "{}: indices must have an integer dtype, got {}", op, dtype);
  check_sizes(op, {2, rows, cols});
  offset = std::clamp(offset, -rows, cols);
  const auto border = [&](int64_t row) {
    return std::clamp<int64_t>(row + offset + lower, 0, cols);
  };
  int64_t count = 0;
  for (int64_t row = 0; row < rows; ++row) count += lower ? border(row) : cols - border(row);
  const Array places = Array::empty({2, count}, kInt64);
  int64_t *row_at = places.data<int64_t>(), *col_at = row_at + count;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t begin = lower ? 0 : border(row), end = lower ? border(row) : cols;
    for (int64_t col = begin; col < end; ++col) {
      *row_at++ = row;
      *col_at++ = col;
    }
  }
  return Tensor(kernels::cast(places, dtype));
}

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) {
  check_matrices("tril", x);
  return record("tril", kernels::triangle(x.array(), diagonal, true),
                wrt(x, [diagonal](const Tensor& g) { return tril(g, diagonal); }));
}

Tensor triu(const Tensor& x, int64_t diagonal) {
  check_matrices("triu", x);
  return record("triu", kernels::triangle(x.array(), diagonal, false),
                wrt(x, [diagonal](const Tensor& g) { return triu(g, diagonal); }));
}

Tensor tril_indices(int64_t row, int64_t col, int64_t offset, const DtypeOptions& options) {
  return triangle_indices("tril_indices", row, col, offset, true, options.dtype.value_or(kInt64));
}

Tensor triu_indices(int64_t row, int64_t col, int64_t offset, const DtypeOptions& options) {
  return triangle_indices("triu_indices", row, col, offset, false, options.dtype.value_or(kInt64));
}

// ---- diagonals -----------------------------------------------------------------------------------------------

namespace {

Tensor with_diagonal(const char* op, const Tensor& x, int64_t offset, int dim1, int dim2) {
  check<IndexError>(x.dim() > 0, "{}: expected at least 1 dim, got a 0-d tensor", op);
  const int rank = x.dim() + 1, i = wrap_dim(op, dim1, rank), j = wrap_dim(op, dim2, rank);
  check(i != j, "{}: the two dims must differ, got {} and {}", op, dim1, dim2);
  const int64_t length = x.size(-1);
  // The negative of the least offset does not exist.
  int64_t size = 0;
  const int64_t sign = offset < 0 ? -1 : 1;
  check(
      !__builtin_mul_overflow(offset, sign, &size) && !__builtin_add_overflow(size, length, &size),
      "{}: offset {} makes too many elements", op, offset);
  Shape shape = x.shape();
  shape.erase(x.dim() - 1);
  shape.insert(std::min(i, j), size);
  shape.insert(std::max(i, j), size);
  check_sizes(op, shape);
  const Array y = Array::full(shape, 0, x.dtype());
  kernels::copy(x.array(), diagonal(Tensor(y), offset, i, j).array());
  return record(op, Array(y),
                wrt(x, [offset, i, j](const Tensor& g) { return diagonal(g, offset, i, j); }));
}

}  // namespace

Tensor diag_embed(const Tensor& x, int64_t offset, int dim1, int dim2) {
  return with_diagonal("diag_embed", x, offset, dim1, dim2);
}

Tensor diag(const Tensor& x, int64_t offset) {
  check(x.dim() == 1 || x.dim() == 2, "diag: expected a 1-d or 2-d tensor, got shape {}",
        x.shape());
  return x.dim() == 2 ? diagonal(x, offset).clone() : with_diagonal("diag", x, offset, 0, 1);
}

// ---- method forms --------------------------------------------------------------------------------------------

Tensor ShapeMethods::flip(const Dims& dims) const { return reel::flip(self(), dims); }
Tensor ShapeMethods::roll(const std::vector<int64_t>& shifts, const Dims& dims) const {
  return reel::roll(self(), shifts, dims);
}
Tensor ShapeMethods::roll(int64_t shift, const Dims& dims) const {
  return reel::roll(self(), shift, dims);
}
Tensor ShapeMethods::rot90(int64_t k, const Dims& dims) const {
  return reel::rot90(self(), k, dims);
}
Tensor ShapeMethods::repeat(const Shape& repeats) const { return reel::repeat(self(), repeats); }
Tensor ShapeMethods::tile(const Shape& repeats) const { return reel::tile(self(), repeats); }
Tensor ShapeMethods::repeat_interleave(int64_t repeats, std::optional<int> dim) const {
  return reel::repeat_interleave(self(), repeats, dim);
}
Tensor ShapeMethods::repeat_interleave(const Tensor& repeats, std::optional<int> dim) const {
  return reel::repeat_interleave(self(), repeats, dim);
}
Tensor ShapeMethods::tril(int64_t diagonal) const { return reel::tril(self(), diagonal); }
Tensor ShapeMethods::triu(int64_t diagonal) const { return reel::triu(self(), diagonal); }
Tensor ShapeMethods::diag(int64_t diagonal) const { return reel::diag(self(), diagonal); }
Tensor ShapeMethods::diag_embed(int64_t offset, int dim1, int dim2) const {
  return reel::diag_embed(self(), offset, dim1, dim2);
}
Tensor& InPlaceMethods::tril_(int64_t diagonal) {
  return rebind_inplace("tril_", self(), reel::tril(former(self()), diagonal));
}
Tensor& InPlaceMethods::triu_(int64_t diagonal) {
  return rebind_inplace("triu_", self(), reel::triu(former(self()), diagonal));
}

}  // namespace reel
