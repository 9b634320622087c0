#include <reel/autograd/shape.h>

#include <algorithm>
#include <utility>

namespace reel {

void Shape::assign(const int64_t* sizes, int rank) {
  check(rank <= kMaxRank, "shape: at most {} dims are supported, got {}", kMaxRank, rank);
  if (rank > kInline) heap_ = new int64_t[static_cast<size_t>(rank)];
  rank_ = rank;
  std::copy(sizes, sizes + rank, data());
}

void Shape::copy_heap(const Shape& other) {
  const int rank = std::exchange(rank_, 0);
  assign(other.heap_, rank);
}

Shape Shape::filled(int rank, int64_t value) {
  int64_t values[kMaxRank];
  check(rank <= kMaxRank, "shape: at most {} dims are supported, got {}", kMaxRank, rank);
  std::fill(values, values + rank, value);
  return Shape(std::span<const int64_t>(values, static_cast<size_t>(rank)));
}

void Shape::insert(int position, int64_t size) {
  int64_t values[kMaxRank + 1];
  std::copy(begin(), begin() + position, values);
  values[position] = size;
  std::copy(begin() + position, end(), values + position + 1);
  *this = Shape(std::span<const int64_t>(values, static_cast<size_t>(rank_ + 1)));
}

void Shape::erase(int position) {
  int64_t values[kMaxRank];
  std::copy(begin(), begin() + position, values);
  std::copy(begin() + position + 1, end(), values + position);
  *this = Shape(std::span<const int64_t>(values, static_cast<size_t>(rank_ - 1)));
}

// An empty shape has no elements however large its other sizes are.
int64_t Shape::numel_with_zero() const {
  check(std::find(begin(), end(), 0) != end(), "shape: {} has too many elements", *this);
  return 0;
}

Dims::Dims(std::span<const int> dims) {
  for (int dim : dims) push_back(dim);
}
Dims::Dims(std::span<const int64_t> dims) {
  for (int64_t dim : dims) push_back(dim);
}
Dims::Dims(const std::vector<int>& dims) : Dims(std::span<const int>(dims)) {}
Dims::Dims(const std::vector<int64_t>& dims) : Dims(std::span<const int64_t>(dims)) {}

void Dims::fail_dim(int64_t dim) {
  fail<IndexError>("dims: at most {} dims between -{} and {}, got {}", kMaxRank, kMaxRank,
                   kMaxRank - 1, dim);
}

int wrap_dim(const char* op, int dim, int rank) {
  const int effective = std::max(rank, 1);
  check<IndexError>(dim >= -effective && dim < effective, "{}: dim must be in [{}, {}], got {}", op,
                    -effective, effective - 1, dim);
  return dim < 0 ? dim + effective : dim;
}

uint64_t dims_mask(const char* op, const Dims& dims, int rank) {
  if (dims.empty()) return (uint64_t{1} << rank) - 1;
  uint64_t mask = 0;
  for (int dim : dims) {
    const uint64_t bit = uint64_t{1} << wrap_dim(op, dim, rank);
    check((mask & bit) == 0, "{}: dim {} appears twice in the list of dims", op, dim);
    mask |= bit;
  }
  return mask;
}

int64_t offset_of(int64_t index, const Shape& shape, const Strides& strides) {
  int64_t offset = 0;
  for (int dim = shape.rank() - 1; dim >= 0; --dim) {
    offset += index % shape[dim] * strides[dim];
    index /= shape[dim];
  }
  return offset;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step = wrapping_product(step, std::max<int64_t>(shape[i], 1));
  }
  return strides;
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  const bool a_longer = a.rank() >= b.rank();
  Shape out = a_longer ? a : b;
  const Shape& other = a_longer ? b : a;
  const int shift = out.rank() - other.rank();
  for (int i = 0; i < other.rank(); ++i) {
    int64_t& size = out[shift + i];
    if (size == 1) {
      size = other[i];
    } else {
      check(other[i] == 1 || other[i] == size, "{}: shapes must broadcast, got {} and {}", op, a,
            b);
    }
  }
  return out;
}

Strides expand_strides(const char* op, const Shape& from, const Strides& strides, const Shape& to) {
  const int shift = to.rank() - from.rank();
  bool fits = shift >= 0;
  Strides out = Shape::filled(to.rank(), 0);
  for (int i = 0; fits && i < from.rank(); ++i) {
    if (from[i] == to[shift + i]) {
      out[shift + i] = strides[i];
    } else {
      fits = from[i] == 1;
    }
  }
  check(fits, "{}: shape {} does not expand to {}", op, from, to);
  return out;
}

Shape infer_shape(const char* op, const Shape& requested, int64_t numel) {
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < requested.rank(); ++i) {
    if (requested[i] == -1) {
      check(unknown < 0, "{}: only one size can be -1, got {}", op, requested);
      unknown = i;
    } else {
      check(requested[i] >= 0, "{}: sizes must not be negative, got {}", op, requested);
      check(!__builtin_mul_overflow(known, requested[i], &known), "{}: too many elements in {}", op,
            requested);
    }
  }
  Shape shape = requested;
  if (unknown >= 0) {
    check(known != 0, "{}: cannot infer the -1 of {} when the other sizes have no elements", op,
          requested);
    shape[unknown] = numel / known;
    known *= shape[unknown];
  }
  check(known == numel, "{}: shape {} does not hold {} elements", op, requested, numel);
  return shape;
}

void check_sizes(const char* op, const Shape& shape) {
  int64_t bytes = 8;
  for (int64_t size : shape) {
    check(size >= 0, "{}: sizes must not be negative, got {}", op, shape);
    check(!__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes),
          "{}: too many elements in {}", op, shape);
  }
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace reel
