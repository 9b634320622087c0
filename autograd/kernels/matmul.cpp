#include <reel/autograd/kernels/matmul.h>

#include <algorithm>
#include <complex>
#include <limits>
#include <type_traits>

// First: without what it defines the wrappers fall back to slow loops of their own, in silence.
#include <xtensor-blas/xblas_config.hpp>

#include <xflens/cxxblas/cxxblas.cxx>

#include <reel/autograd/kernels/blas.h>
#include <reel/autograd/kernels/copy.h>
#include <reel/autograd/kernels/elementwise.h>
#include <reel/autograd/kernels/gemm.h>
#include <reel/autograd/kernels/packed_matrix.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/scratch.h>

namespace reel::kernels {
namespace {

using BlasInt = xt::blas_index_t;

// ---- matrices as BLAS takes them -----------------------------------------------------------------------------

// rows x cols numbers. They lie row by row, or transposed: column by column; `leading` elements
// from one such line to the next. Integers, which BLAS does not know, have any two strides.
struct Matrix {
  const Array* given;
  int64_t rows, cols;
  int64_t row_stride, col_stride;
  Array copy = {};  // of what BLAS could not read

  const Array& array() const { return copy.defined() ? copy : *given; }
  bool transposed() const { return !(col_stride == 1 || cols <= 1) || !row_lines(); }
  int64_t leading() const {
    if (transposed()) return cols > 1 ? col_stride : std::max<int64_t>(1, rows);
    return rows > 1 ? row_stride : std::max<int64_t>(1, cols);
  }
  bool fits_blas() const {
    return (row_lines() && unit(cols, col_stride)) || (col_lines() && unit(rows, row_stride));
  }

 private:
  static bool unit(int64_t size, int64_t stride) { return size <= 1 || stride == 1; }
  bool row_lines() const { return rows <= 1 || row_stride >= std::max<int64_t>(1, cols); }
  bool col_lines() const { return cols <= 1 || col_stride >= std::max<int64_t>(1, rows); }
};

// The last two dims of `x`, or of a 1-d x taken as a row or a column. Copied if BLAS could not read
// it.
Matrix matrix_of(const Array& x, bool as_row) {
  const auto look = [&](const Array& at) -> Matrix {
    const int rank = at.rank();
    if (rank > 1)
      return {&x, at.size(rank - 2), at.size(rank - 1), at.strides()[rank - 2],
              at.strides()[rank - 1]};
    if (as_row) return {&x, 1, at.size(0), 1, at.strides()[0]};
    return {&x, at.size(0), 1, at.strides()[0], 1};
  };
  Matrix matrix = look(x);
  if (is_integral(x.dtype()) || matrix.fits_blas()) return matrix;
  Array copy = contiguous(x);
  matrix = look(copy);
  matrix.copy = std::move(copy);
  return matrix;
}

Matrix transpose(Matrix matrix) {
  std::swap(matrix.rows, matrix.cols);
  std::swap(matrix.row_stride, matrix.col_stride);
  return matrix;
}

// One product c = alpha a b, or bias + alpha a b, or c + alpha a b: m x k times k x n, into rows of
// c that are `n` elements apart.
template <class T>
struct Product {
  int64_t m, n, k;
  Operand<T> a, b;
  T* c;
  int64_t c_leading;
  const T* bias;
  bool accumulate = false;
  T alpha = 1;
};

// A product of the integer kind has no leading dims but both strides.
template <class T>
struct IntegerProduct {
  int64_t m, n, k;
  const T *a, *b;
  int64_t a_row, a_col, b_row, b_col;
  T* c;
};

// ---- one product ---------------------------------------------------------------------------------------------

BlasInt blas_int(int64_t size) { return static_cast<BlasInt>(size); }

cxxblas::Transpose trans(bool transposed) { return transposed ? cxxblas::Trans : cxxblas::NoTrans; }

template <class T>
void multiply_here(const Product<T>& p) {
  if (turns(p.m, p.n, p.k, p.b)) {
    const Scratch<T> rows(p.k * p.n);
    copy_transposed(p.b.data, p.b.leading, rows.data(), p.n, p.k, p.n);
    Product<T> turned = p;
    turned.b = {rows.data(), p.n, false};
    return multiply_here(turned);
  }
  if (p.bias) {
    for (int64_t i = 0; i < p.m; ++i) std::copy(p.bias, p.bias + p.n, p.c + i * p.c_leading);
  }
  const T beta = p.bias || p.accumulate ? T{1} : T{0};
  const Operand<T>&a = p.a, &b = p.b;
  if (p.n == 1) {
    cxxblas::gemv(cxxblas::RowMajor, trans(a.transposed), blas_int(a.transposed ? p.k : p.m),
                  blas_int(a.transposed ? p.m : p.k), p.alpha, a.data, blas_int(a.leading), b.data,
                  blas_int(b.row_step()), beta, p.c, blas_int(p.c_leading));
  } else if (p.m == 1) {
    cxxblas::gemv(cxxblas::RowMajor, trans(!b.transposed), blas_int(b.transposed ? p.n : p.k),
                  blas_int(b.transposed ? p.k : p.n), p.alpha, b.data, blas_int(b.leading), a.data,
                  blas_int(a.col_step()), beta, p.c, BlasInt{1});
  } else {
    cxxblas::gemm(cxxblas::RowMajor, trans(a.transposed), trans(b.transposed), blas_int(p.m),
                  blas_int(p.n), blas_int(p.k), p.alpha, a.data, blas_int(a.leading), b.data,
                  blas_int(b.leading), beta, p.c, blas_int(p.c_leading));
  }
}

// Where BLAS takes longer to be called than to multiply.
constexpr int64_t kTinyWork = 8;

template <class T>
void multiply_tiny(const Product<T>& p) {
  for (int64_t i = 0; i < p.m; ++i) {
    T* c = p.c + i * p.c_leading;
    for (int64_t j = 0; j < p.n; ++j) c[j] = p.bias ? p.bias[j] : p.accumulate ? c[j] : T{0};
    for (int64_t l = 0; l < p.k; ++l) {
      const T factor = *p.a.at(i, l);
      for (int64_t j = 0; j < p.n; ++j) c[j] += factor * *p.b.at(l, j);
    }
  }
}

template <class T>
void multiply_here(const IntegerProduct<T>& p) {
  // Unsigned and at least 32 bits wide, because overflow wraps around here and is undefined
  // otherwise.
  using Wide = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  for (int64_t i = 0; i < p.m; ++i) {
    T* row = p.c + i * p.n;
    std::fill(row, row + p.n, T{0});
    for (int64_t l = 0; l < p.k; ++l) {
      const Wide factor = static_cast<Wide>(p.a[i * p.a_row + l * p.a_col]);
      const T* b = p.b + l * p.b_row;
      for (int64_t j = 0; j < p.n; ++j) {
        row[j] =
            static_cast<T>(static_cast<Wide>(row[j]) + factor * static_cast<Wide>(b[j * p.b_col]));
      }
    }
  }
}

// ---- splitting over threads ----------------------------------------------------------------------------------

// Small products of a batch are put together to blocks of so many multiplications.
constexpr int64_t kBatchWork = int64_t{1} << 20;

// The rows and columns of a that begin there, laid out for PackedMatrix by all threads.
template <class T>
void lay_out(const Product<T>& p, int64_t row, int64_t rows, int64_t col, int64_t cols, T* to) {
  constexpr int64_t together = 64;  // whole groups
  for_pieces(rows, together, [&](int64_t first, int64_t count) {
    PackedMatrix<T>::group_rows(count, cols, p.a.at(row + first, col), p.a.row_step(),
                                p.a.col_step(), to + first * cols);
  });
}

// b is laid out: by each thread what it multiplies a with next, which stays in its own cache. a
// only if it is transposed, for all threads at once.
template <class T>
void multiply_packed(const Product<T>& p) {
  constexpr int64_t deepest = 512, highest = 2048, together = 64, blocks = 8;
  const int64_t widest = std::clamp<int64_t>(p.n / blocks, PackedMatrix<T>::kPanel, 128);
  const int64_t depth = even_part(p.k, deepest, 1), height = even_part(p.m, highest, together);
  const int64_t width = even_part(p.n, widest, PackedMatrix<T>::kPanel);
  const int64_t strips = (p.n + width - 1) / width;
  const bool grouped = p.a.transposed;
  const Scratch<T> a(grouped ? PackedMatrix<T>::grouped_size(height, depth) : 0);
  for (int64_t top = 0; top < p.m; top += height) {
    const int64_t m = std::min(height, p.m - top);
    // Some blocks for each thread and an even number, if they have rows enough to be worth a
    // layout of b.
    const int64_t most = std::min(m * strips / blocks, strips % 2 ? m / 2 : m);
    const int64_t part = even_part(m, std::max(most, together), together);
    const int64_t parts = (m + part - 1) / part;
    for (int64_t l = 0; l < p.k; l += depth) {
      const int64_t k = std::min(depth, p.k - l);
      if (grouped) lay_out(p, top, m, l, k, a.data());
      parallel_for(strips * parts, [&](int64_t block) {
        const int64_t col = block / parts * width, n = std::min(width, p.n - col);
        const int64_t begin = block % parts * part, end = std::min(begin + part, m);
        const PackedMatrix<T> b(k, n, p.b.at(l, col), p.b.row_step(), p.b.col_step());
        for (int64_t i = begin; i < end; i += together) {
          const int64_t rows = std::min(together, end - i);
          T* c = p.c + (top + i) * p.c_leading + col;
          const bool first = l == 0, add = !first || p.bias || p.accumulate;
          for (int64_t r = 0; first && p.bias && r < rows; ++r)
            std::copy_n(p.bias + col, n, c + r * p.c_leading);
          if (grouped)
            b.multiply_grouped(rows, a.data() + i * k, c, p.c_leading, add);
          else
            b.multiply(rows, p.a.at(top + i, l), p.a.leading, c, p.c_leading, add);
        }
      });
    }
  }
}

// Whether two threads had better share a product in one piece, which takes some microseconds.
template <class T>
bool is_shared(const Product<T>& p, const Tiles& tiles) {
  constexpr int64_t least = int64_t{1} << 19, side = 32;
  return tiles.rows >= p.m && tiles.cols >= p.n && p.m * p.n * p.k >= least &&
         std::min({p.m, p.n, p.k}) >= side;
}

template <class T>
void multiply(const Product<T>& whole) {
  if (whole.alpha == 1) {  // else BLAS, which multiplies the finished sums
    if (whole.m * whole.n * whole.k <= kTinyWork) return multiply_tiny(whole);
    if (packs(whole.m, whole.n, whole.k, whole.a, whole.b)) return multiply_packed(whole);
  }
  Tiles tiles = tiles_of(whole.m, whole.n, whole.k, whole.a, whole.b);
  if (is_shared(whole, tiles)) tiles.rows = even_part(whole.m, (whole.m + 1) / 2, 4);
  const int64_t down = (whole.m + tiles.rows - 1) / tiles.rows;
  const int64_t across = (whole.n + tiles.cols - 1) / tiles.cols;
  if (down * across == 1 && tiles.inner >= whole.k) return multiply_here(whole);
  parallel_for(down * across, [&](int64_t block) {
    // In the order of c in memory; linear's in the order of its weight. So a core meets the same
    // rows of a weight in the product, in its gradient and in the optimiser's step.
    const bool by_rows = whole.b.transposed && whole.m < whole.n;
    const int64_t row = (by_rows ? block % down : block / across) * tiles.rows;
    const int64_t col = (by_rows ? block / down : block % across) * tiles.cols;
    Product<T> part = whole;
    part.m = std::min(tiles.rows, whole.m - row);
    part.n = std::min(tiles.cols, whole.n - col);
    part.c += row * whole.c_leading + col;
    if (whole.bias) part.bias += col;
    for (int64_t l = 0; l < whole.k; l += tiles.inner) {
      part.k = std::min(tiles.inner, whole.k - l);
      part.a.data = whole.a.at(row, l);
      part.b.data = whole.b.at(l, col);
      multiply_here(part);
      part.bias = nullptr;
      part.accumulate = true;
    }
  });
}

template <class T>
void multiply(const IntegerProduct<T>& whole) {
  multiply_here(whole);
}

template <class T>
auto product_of(const Matrix& a, const Matrix& b, const Array& c, const Array* bias = nullptr) {
  const int64_t m = a.rows, n = b.cols, k = a.cols;
  if constexpr (std::is_floating_point_v<T>) {
    constexpr int64_t most = std::numeric_limits<BlasInt>::max();
    check(std::max({m, n, k, a.leading(), b.leading()}) <= most,
          "matmul: sizes up to {} are possible, got {} and {}", most, a.array().shape(),
          b.array().shape());
    const Operand<T> left{a.array().data<T>(), a.leading(), a.transposed()};
    const Operand<T> right{b.array().data<T>(), b.leading(), b.transposed()};
    return Product<T>{m, n, k, left, right, c.data<T>(), n, bias ? bias->data<T>() : nullptr};
  } else {
    return IntegerProduct<T>{m,
                             n,
                             k,
                             a.array().data<T>(),
                             b.array().data<T>(),
                             a.row_stride,
                             a.col_stride,
                             b.row_stride,
                             b.col_stride,
                             c.data<T>()};
  }
}

// ---- batches -------------------------------------------------------------------------------------------------

// Sizes (or strides) without the last two; those of a 1-d or 2-d operand are none.
Shape leading_dims(const Shape& sizes) {
  return Shape(
      std::span<const int64_t>(sizes.data(), static_cast<size_t>(std::max(0, sizes.rank() - 2))));
}

template <class T>
const T*& data_of(Operand<T>& operand) {
  return operand.data;
}
template <class T>
const T*& data_of(const T*& data) {
  return data;
}

template <class P>
void multiply_batch(const P& first, const Matrix& a, const Matrix& b, const Shape& batch) {
  const int64_t items = batch.numel();
  if (items == 1) return multiply(first);
  const Strides a_steps = expand_strides("matmul", leading_dims(a.array().shape()),
                                         leading_dims(a.array().strides()), batch);
  const Strides b_steps = expand_strides("matmul", leading_dims(b.array().shape()),
                                         leading_dims(b.array().strides()), batch);
  const int64_t work = std::max<int64_t>(1, first.m * first.n * first.k);
  const int64_t per_block = std::max<int64_t>(1, kBatchWork / work);
  parallel_for((items + per_block - 1) / per_block, [&](int64_t block) {
    const int64_t end = std::min(items, (block + 1) * per_block);
    for (int64_t item = block * per_block; item < end; ++item) {
      auto product = first;
      data_of(product.a) += offset_of(item, batch, a_steps);
      data_of(product.b) += offset_of(item, batch, b_steps);
      product.c += item * first.m * first.n;
      multiply(product);
    }
  });
}

// What the batches of a and b broadcast to.
Shape batch_of(const Array& a, const Array& b) {
  if (a.rank() <= 2 && b.rank() <= 2) return {};
  return broadcast_shapes("matmul", leading_dims(a.shape()), leading_dims(b.shape()));
}

Shape result_shape(const Array& a, const Array& b, const Shape& batch) {
  if (a.rank() == 2 && b.rank() == 2) return {a.size(0), b.size(1)};
  Shape shape = batch;
  if (a.rank() > 1) shape.push_back(a.size(a.rank() - 2));
  if (b.rank() > 1) shape.push_back(b.size(b.rank() - 1));
  return shape;
}

}  // namespace

Array matmul(const Array& a, const Array& b) {
  check(a.rank() > 0 && b.rank() > 0, "matmul: both operands need at least 1 dim, got {} and {}",
        a.shape(), b.shape());
  const int64_t inner = b.size(std::max(0, b.rank() - 2));
  check(a.shape().back() == inner, "matmul: inner sizes must match, got {} and {}", a.shape(),
        b.shape());
  if (a.rank() > 2 && b.rank() <= 2 && a.is_contiguous() && a.numel() > 0) {
    // All matrices of the batch meet the same b: together they are one tall matrix.
    const int64_t rows = a.numel() / inner;
    const Array tall = matmul(a.view({rows, inner}, {inner, 1}), b);
    const Shape shape = result_shape(a, b, leading_dims(a.shape()));
    return tall.view(shape, contiguous_strides(shape));
  }
  const Shape batch = batch_of(a, b);
  return dispatch_number(a.dtype(), "matmul", [&](auto tag) {
    using T = typename decltype(tag)::type;
    Array y = Array::empty(result_shape(a, b, batch), a.dtype());
    if (y.numel() == 0) return y;
    if (inner == 0) {
      fill(y, 0);
      return y;
    }
    keep_blas_single_threaded();
    const Matrix left = matrix_of(a, true), right = matrix_of(b, false);
    multiply_batch(product_of<T>(left, right, y), left, right, batch);
    return y;
  });
}

Array linear(const Array& x, const Array& weight, const Array& bias) {
  check(x.rank() > 0 && weight.rank() == 2 && x.shape().back() == weight.size(1),
        "linear: input [..., in] and weight [out, in] are required, got {} and {}", x.shape(),
        weight.shape());
  const int64_t out = weight.size(0), in = weight.size(1);
  check(!bias.defined() || bias.shape() == Shape(out),
        "linear: bias of shape [{}] is required, got {}", out, bias.shape());
  if (bias.defined() && !bias.is_contiguous()) return linear(x, weight, contiguous(bias));
  Shape shape = x.shape();
  shape[shape.rank() - 1] = out;
  if (x.rank() > 2 && x.numel() > 0) {
    const Array rows = contiguous(x).view({x.numel() / in, in}, {in, 1});
    return linear(rows, weight, bias).view(shape, contiguous_strides(shape));
  }
  Array y = Array::empty(shape, x.dtype());
  if (y.numel() == 0) return y;
  if (in == 0) {
    bias.defined() ? copy(bias, y) : fill(y, 0);
    return y;
  }
  dispatch_float(x.dtype(), "linear", [&](auto tag) {
    using T = typename decltype(tag)::type;
    keep_blas_single_threaded();
    multiply(product_of<T>(matrix_of(x, true), transpose(matrix_of(weight, false)), y,
                           bias.defined() ? &bias : nullptr));
  });
  return y;
}

Array add_product(const Array& x, const Array& a, const Array& b, double beta, double alpha) {
  const Shape batch = leading_dims(a.shape());
  Array y = Array::empty(result_shape(a, b, batch), a.dtype());
  if (y.numel() == 0) return y;
  dispatch_float(a.dtype(), "addmm", [&](auto tag) {
    using T = typename decltype(tag)::type;
    // By PyTorch's rule x does not matter at all where beta is 0, not even its NaNs.
    if (beta == 0) {
      fill(y, 0);
    } else {
      copy(x, y);
      if (beta != 1) mul(y, Array::full({}, beta, y.dtype()), y);
    }
    if (a.shape().back() == 0 || alpha == 0) return;
    keep_blas_single_threaded();
    const Matrix left = matrix_of(a, true), right = matrix_of(b, false);
    auto product = product_of<T>(left, right, y);
    product.accumulate = beta != 0;
    product.alpha = static_cast<T>(alpha);
    multiply_batch(product, left, right, batch);
  });
  return y;
}

}  // namespace reel::kernels
