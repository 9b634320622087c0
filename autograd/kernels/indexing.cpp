// Every kernel here walks rows of the result beside rows of places. A place is an offset from where
// an element's other indices lead, so the strides of the addressed dims are 0 in that walk.
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/kernels/rows.h>

#include <algorithm>

namespace reel::kernels {
namespace {

void check_index(const char* op, int64_t index, int dim, int64_t size) {
  check<IndexError>(index >= 0 && index < size,
                    "{}: index {} is out of range for dim {} of size {}", op, index, dim, size);
}

// 0-d arrays count as 1-d.
Array with_dims(const Array& x) { return x.rank() > 0 ? x : x.view({1}, {1}); }

Strides without_dim(const Array& x, int dim) {
  Strides strides = x.strides();
  strides[dim] = 0;
  return strides;
}

// Places of one row: entries of `at`, `step` apart, times `stride` are offsets of elements.
struct Row {
  int64_t n;
  const int64_t* at;
  int64_t step, stride;
};

template <class T>
void pick_row(const Row& row, const T* from, int64_t from_step, T* to, int64_t to_step) {
  if (row.step != 0) {
    for (int64_t i = 0; i < row.n; ++i)
      to[i * to_step] = from[i * from_step + row.at[i * row.step] * row.stride];
    return;
  }
  from += *row.at * row.stride;
  if (from_step == 1 && to_step == 1) {
    std::copy_n(from, row.n, to);
  } else {
    for (int64_t i = 0; i < row.n; ++i) to[i * to_step] = from[i * from_step];
  }
}

template <class T, class Combine>
void place_row(const Row& row, const T* from, int64_t from_step, T* to, int64_t to_step,
               Combine combine) {
  if (row.step != 0) {
    for (int64_t i = 0; i < row.n; ++i) {
      T& target = to[i * to_step + row.at[i * row.step] * row.stride];
      target = combine(target, from[i * from_step]);
    }
    return;
  }
  to += *row.at * row.stride;
  if (from_step == 1 && to_step == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < row.n; ++i) to[i] = combine(to[i], from[i]);
  } else {
    for (int64_t i = 0; i < row.n; ++i)
      to[i * to_step] = combine(to[i * to_step], from[i * from_step]);
  }
}

// Calls f with the function that `how` stands for.
template <class T, class F>
void with_combine(Put how, F&& f) {
  switch (how) {
    case Put::Set:
      return f([](T, T value) { return value; });
    case Put::Add:
      return f([](T old, T value) { return static_cast<T>(old + value); });
    case Put::Multiply:
      return f([](T old, T value) { return static_cast<T>(old * value); });
  }
}

// An array seen in the shape of what is picked from it.
struct Walk {
  Shape shape;
  Strides x, places;
  Array offsets;       // times `stride`; in elements
  int64_t stride = 0;  // 0 where no dim is addressed
};

Array offsets_of(const Array& x, uint64_t mask, const Array& places) {
  const Array offsets = clone(places);
  int64_t* at = offsets.data<int64_t>();
  for (int64_t i = 0; i < offsets.numel(); ++i) {
    int64_t rest = at[i], offset = 0;
    for (int d = x.rank() - 1; d >= 0; --d) {
      if (!(mask >> d & 1)) continue;
      offset += rest % x.size(d) * x.strides()[d];
      rest /= x.size(d);
    }
    at[i] = offset;
  }
  return offsets;
}

// The stride of the last addressed dim if the others are laid out row-major around it, else -1.
int64_t common_stride(const Array& x, uint64_t mask) {
  int64_t first = 0, expected = 0;
  bool found = false;
  for (int d = x.rank() - 1; d >= 0; --d) {
    if (!(mask >> d & 1) || x.size(d) == 1) continue;
    if (!found) first = expected = x.strides()[d];
    found = true;
    if (x.strides()[d] != expected) return -1;
    expected *= x.size(d);
  }
  return first;
}

Walk walk_of(const Array& x, IndexedDims dims, const Array& places) {
  Walk walk;
  walk.shape = picked_shape(x.shape(), dims, places.shape());
  walk.stride = common_stride(x, dims.mask);
  walk.offsets = walk.stride < 0 ? offsets_of(x, dims.mask, places) : places;
  if (walk.stride < 0) walk.stride = 1;
  int others = 0;
  for (int d = 0; d <= x.rank(); ++d) {
    if (others == dims.at && walk.places.rank() == others) {
      for (int64_t step : walk.offsets.strides()) {
        walk.x.push_back(0);
        walk.places.push_back(step);
      }
    }
    if (d == x.rank() || dims.mask >> d & 1) continue;
    walk.x.push_back(x.strides()[d]);
    walk.places.push_back(0);
    ++others;
  }
  return walk;
}

}  // namespace

Shape picked_shape(const Shape& x, IndexedDims dims, const Shape& places) {
  Shape shape;
  for (int d = 0; d < x.rank(); ++d) {
    if (!(dims.mask >> d & 1)) shape.push_back(x[d]);
  }
  for (int i = 0; i < places.rank(); ++i) shape.insert(dims.at + i, places[i]);
  return shape;
}

Array pick(const Array& x, IndexedDims dims, const Array& places) {
  const Walk walk = walk_of(x, dims, places);
  Array y = Array::empty(walk.shape, x.dtype());
  const int64_t* offsets = walk.offsets.data<int64_t>();
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      pick_row(Row{n, offsets + at[0], step[0], walk.stride}, x.data<T>() + at[1], step[1],
               y.data<T>() + at[2], step[2]);
    };
    for_each_row<3>(walk.shape, {walk.places, walk.x, y.strides()}, row);
  });
  return y;
}

void place(const char* op, const Array& into, IndexedDims dims, const Array& places,
           const Array& source, Put how) {
  const Walk walk = walk_of(into, dims, places);
  const Strides from = expand_strides(op, source.shape(), source.strides(), walk.shape);
  const int64_t* offsets = walk.offsets.data<int64_t>();
  dispatch_any(into.dtype(), [&]<class T>(TypeTag<T>) {
    with_combine<T>(how, [&](auto combine) {
      const auto row = [&](int64_t n, const auto& at, const auto& step) {
        place_row(Row{n, offsets + at[0], step[0], walk.stride}, source.data<T>() + at[1], step[1],
                  into.data<T>() + at[2], step[2], combine);
      };
      for_each_row<3>(walk.shape, {walk.places, from, walk.x}, row);
    });
  });
}

Array gather(const Array& given_x, int dim, const Array& given_index) {
  const Array x = with_dims(given_x), index = with_dims(given_index);
  const Array y = Array::empty(index.shape(), x.dtype());
  const int64_t stride = x.strides()[dim];
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      pick_row(Row{n, index.data<int64_t>() + at[0], step[0], stride}, x.data<T>() + at[1], step[1],
               y.data<T>() + at[2], step[2]);
    };
    for_each_row<3>(index.shape(), {index.strides(), without_dim(x, dim), y.strides()}, row);
  });
  return y.view(given_index.shape(), contiguous_strides(given_index.shape()));
}

void scatter(const Array& given_into, int dim, const Array& given_index, const Array& given_source,
             Put how) {
  const Array into = with_dims(given_into), index = with_dims(given_index);
  const Array source = with_dims(given_source);
  const int64_t stride = into.strides()[dim];
  dispatch_any(into.dtype(), [&]<class T>(TypeTag<T>) {
    with_combine<T>(how, [&](auto combine) {
      const auto row = [&](int64_t n, const auto& at, const auto& step) {
        place_row(Row{n, index.data<int64_t>() + at[0], step[0], stride}, source.data<T>() + at[1],
                  step[1], into.data<T>() + at[2], step[2], combine);
      };
      for_each_row<3>(index.shape(), {index.strides(), source.strides(), without_dim(into, dim)},
                      row);
    });
  });
}

void masked_fill(const char* op, const Array& into, const Array& mask, Scalar value) {
  const Strides strides = expand_strides(op, mask.shape(), mask.strides(), into.shape());
  dispatch_any(into.dtype(), [&]<class T>(TypeTag<T>) {
    const T number = value.to<T>();
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      const uint8_t* holds = mask.data<uint8_t>() + at[0];  // as bool it is not vectorised
      T* to = into.data<T>() + at[1];
      if (step[0] == 1 && step[1] == 1) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) to[i] = holds[i] != 0 ? number : to[i];
      } else {
        for (int64_t i = 0; i < n; ++i)
          to[i * step[1]] = holds[i * step[0]] != 0 ? number : to[i * step[1]];
      }
    };
    for_each_row<2>(into.shape(), {strides, into.strides()}, row);
  });
}

Array nonzero_places(const Array& given) {
  const Array x = contiguous(given);
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* values = x.data<T>();
    const int64_t n = x.numel(), count = n - std::count(values, values + n, T{0});
    // Every place is written and kept or not, without a branch that no one could foretell.
    const Array places = Array::empty(count + 1, kInt64);
    int64_t* to = places.data<int64_t>();
    for (int64_t i = 0; i < n; ++i) {
      *to = i;
      to += values[i] != T{0};
    }
    return places.view({count}, {1});
  });
}

Array nonzero(const Array& x) {
  const Array places = nonzero_places(x);
  Array indices = Array::empty({places.numel(), x.rank()}, kInt64);
  int64_t* to = indices.data<int64_t>();
  for (int64_t i = 0; i < places.numel(); ++i, to += x.rank()) {
    int64_t rest = places.data<int64_t>()[i];
    for (int d = x.rank() - 1; d >= 0; rest /= x.size(d--)) to[d] = rest % x.size(d);
  }
  return indices;
}

Array apart(const Array& x, const Array& changing) {
  return x.storage() == changing.storage() ? clone(x) : x;
}

void check_indices(const char* op, const Array& index, int dim, int64_t size) {
  for_each_row<1>(index.shape(), {index.strides()},
                  [&](int64_t n, const auto& at, const auto& step) {
                    const int64_t* from = index.data<int64_t>() + at[0];
                    for (int64_t i = 0; i < n; ++i) check_index(op, from[i * step[0]], dim, size);
                  });
}

Array linear_index(const char* op, std::span<const Array> indices, const Shape& x, uint64_t mask) {
  Shape shape;
  for (const Array& index : indices) shape = broadcast_shapes(op, shape, index.shape());
  Array linear = Array::full(shape, 0, kInt64);
  int dim = 0;
  for (const Array& index : indices) {
    while (!(mask >> dim & 1)) ++dim;
    const int64_t size = x[dim];
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      const int64_t* from = index.data<int64_t>() + at[0];
      int64_t* to = linear.data<int64_t>() + at[1];
      for (int64_t i = 0; i < n; ++i) {
        const int64_t given = from[i * step[0]], place = given < 0 ? given + size : given;
        check<IndexError>(place >= 0 && place < size,
                          "{}: index {} is out of range for dim {} of size {}", op, given, dim,
                          size);
        to[i * step[1]] = to[i * step[1]] * size + place;
      }
    };
    const Strides strides = expand_strides(op, index.shape(), index.strides(), shape);
    for_each_row<2>(shape, {strides, linear.strides()}, row);
    ++dim;
  }
  return linear;
}

}  // namespace reel::kernels
