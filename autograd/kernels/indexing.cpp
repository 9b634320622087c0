#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/indexing.h>
#include <reel/autograd/kernels/map.h>

#include <algorithm>

namespace reel::kernels {
namespace {

void check_index(const char* op, int64_t index, int dim, int64_t size) {
  check<IndexError>(index >= 0 && index < size,
                    "{}: index {} is out of range for dim {} of size {}", op, index, dim, size);
}

void check_indices(const char* op, const Array& index, int dim, int64_t size) {
  const int64_t* at = index.data<int64_t>();
  for (int64_t i = 0; i < index.numel(); ++i) check_index(op, at[i], dim, size);
}

// 0-d arrays count as 1-d.
Array with_dims(const Array& x) { return x.rank() > 0 ? x : x.view({1}, {1}); }

// Strides that stay at the start of `dim`, from where an index leads on.
Strides without_dim(const Array& x, int dim) {
  Strides strides = x.strides();
  strides[dim] = 0;
  return strides;
}

template <class T>
void put(bool accumulate, T& to, T value) {
  to = static_cast<T>(accumulate ? to + value : value);
}

// x as (outer, size of dim, inner).
struct Slices {
  int64_t outer = 1, size = 1, inner = 1;
  Slices(const Shape& shape, int dim) {
    for (int i = 0; i < shape.rank(); ++i) (i < dim ? outer : i == dim ? size : inner) *= shape[i];
  }
};

}  // namespace

Array gather(const Array& given_x, int dim, const Array& given_index) {
  const Array x = with_dims(given_x), index = with_dims(given_index);
  check_indices("gather", contiguous(index), dim, x.size(dim));
  const Array y = Array::empty(index.shape(), x.dtype());
  const int64_t stride = x.strides()[dim];
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      const int64_t* places = index.data<int64_t>() + at[0];
      const T* from = x.data<T>() + at[1];
      T* to = y.data<T>() + at[2];
      for (int64_t i = 0; i < n; ++i)
        to[i * step[2]] = from[i * step[1] + places[i * step[0]] * stride];
    };
    for_each_row<3>(index.shape(), {index.strides(), without_dim(x, dim), y.strides()}, row);
  });
  return y.view(given_index.shape(), contiguous_strides(given_index.shape()));
}

Array scatter(const char* op, const Array& x, int dim, const Array& given_index,
              const Array& given_source, bool accumulate) {
  const Array result = clone(x), y = with_dims(result);
  const Array index = with_dims(given_index), source = with_dims(given_source);
  check_indices(op, contiguous(index), dim, y.size(dim));
  const int64_t stride = y.strides()[dim];
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      const int64_t* places = index.data<int64_t>() + at[0];
      const T* from = source.data<T>() + at[1];
      T* to = y.data<T>() + at[2];
      for (int64_t i = 0; i < n; ++i)
        put(accumulate, to[i * step[2] + places[i * step[0]] * stride], from[i * step[1]]);
    };
    for_each_row<3>(index.shape(), {index.strides(), source.strides(), without_dim(y, dim)}, row);
  });
  return result;
}

Array index_select(const Array& x, int dim, const Array& index) {
  const Array from = contiguous(x), places = contiguous(index);
  Shape shape = x.shape();
  if (shape.rank() > 0) shape[dim] = index.numel();
  const Slices slices(x.shape(), dim);
  check_indices("index_select", places, dim, slices.size);
  Array y = Array::empty(shape, x.dtype());
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    T* to = y.data<T>();
    for (int64_t o = 0; o < slices.outer; ++o) {
      const T* source = from.data<T>() + o * slices.size * slices.inner;
      for (int64_t i = 0; i < places.numel(); ++i, to += slices.inner) {
        std::copy_n(source + places.data<int64_t>()[i] * slices.inner, slices.inner, to);
      }
    }
  });
  return y;
}

Array index_put(const char* op, const Array& x, int dim, const Array& index, const Array& source,
                bool accumulate) {
  Array y = clone(x);
  const Array from = contiguous(source), places = contiguous(index);
  const Slices slices(x.shape(), dim);
  check_indices(op, places, dim, slices.size);
  dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* slice = from.data<T>();
    for (int64_t o = 0; o < slices.outer; ++o) {
      T* target = y.data<T>() + o * slices.size * slices.inner;
      for (int64_t i = 0; i < places.numel(); ++i, slice += slices.inner) {
        T* to = target + places.data<int64_t>()[i] * slices.inner;
        for (int64_t j = 0; j < slices.inner; ++j) put(accumulate, to[j], slice[j]);
      }
    }
  });
  return y;
}

Array nonzero(const Array& given) {
  const Array x = contiguous(given);
  return dispatch_any(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T* values = x.data<T>();
    const int64_t n = x.numel(), count = n - std::count(values, values + n, T{0});
    Array places = Array::empty({count, x.rank()}, kInt64);
    int64_t* to = places.data<int64_t>();
    for (int64_t i = 0; i < n; ++i) {
      if (values[i] == T{0}) continue;
      int64_t rest = i;
      for (int d = x.rank() - 1; d >= 0; rest /= x.size(d--)) to[d] = rest % x.size(d);
      to += x.rank();
    }
    return places;
  });
}

Array linear_index(const char* op, std::span<const Array> indices, std::span<const int64_t> sizes,
                   int first_dim) {
  Shape shape;
  for (const Array& index : indices) shape = broadcast_shapes(op, shape, index.shape());
  Array linear = Array::full(shape, 0, kInt64);
  for (size_t k = 0; k < indices.size(); ++k) {
    const int64_t size = sizes[k];
    const int dim = first_dim + static_cast<int>(k);
    const auto row = [&](int64_t n, const auto& at, const auto& step) {
      const int64_t* from = indices[k].data<int64_t>() + at[0];
      int64_t* to = linear.data<int64_t>() + at[1];
      for (int64_t i = 0; i < n; ++i) {
        const int64_t index = from[i * step[0]];
        check<IndexError>(index >= -size && index < size,
                          "{}: index {} is out of range for dim {} of size {}", op, index, dim,
                          size);
        to[i * step[1]] = to[i * step[1]] * size + (index < 0 ? index + size : index);
      }
    };
    for_each_row<2>(
        shape,
        {expand_strides(op, indices[k].shape(), indices[k].strides(), shape), linear.strides()},
        row);
  }
  return linear;
}

}  // namespace reel::kernels
