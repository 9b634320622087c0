#pragma once
// Picking elements by index, and putting them back. Index arrays are int64.

#include <reel/autograd/array.h>

#include <span>

namespace reel::kernels {

/// How a number that is put somewhere meets the one that is there.
enum class Put : uint8_t { Set, Add, Multiply };

/// Dims of an array (bits of `mask`) that one index array addresses together: its entries are
/// row-major places in them. In what is picked its shape stands for them, before the `at`-th of the
/// other dims. Arrays of rank 0 have no dims to address: mask 0 and places of shape [].
struct IndexedDims {
  uint64_t mask;
  int at;
};

/// Shape of what pick() takes from an array of this shape.
Shape picked_shape(const Shape& x, IndexedDims dims, const Shape& places);
/// x at the places, which must be in range.
Array pick(const Array& x, IndexedDims dims, const Array& places);
/// Puts `source`, which broadcasts to what pick() would take, into `into`, in row-major order of
/// the places. The memory of `into` must be apart from that of the others.
void place(const char* op, const Array& into, IndexedDims dims, const Array& places,
           const Array& source, Put how);

/// y[.., i, ..] = x[.., index[.., i, ..], ..] along `dim`, in index's shape; sizes of x elsewhere
/// are >= index's.
Array gather(const Array& x, int dim, const Array& index);
/// into[.., index[.., i, ..], ..] = source[.., i, ..] (or added, multiplied) for every element of
/// index, row-major; the same of sizes and of memory. `source` has index's shape.
void scatter(const Array& into, int dim, const Array& index, const Array& source, Put how);
/// Sets the elements of `into` where the bool mask, which broadcasts, holds.
void masked_fill(const char* op, const Array& into, const Array& mask, Scalar value);

/// Places of the nonzero elements, row-major: [count, rank]; or as one number each: [count].
Array nonzero(const Array& x);
Array nonzero_places(const Array& x);

/// `x`, or a copy where it shares memory with what is about to change.
Array apart(const Array& x, const Array& changing);
/// Throws IndexError unless all indices count from 0 to size - 1; `dim` is what the error calls it.
void check_indices(const char* op, const Array& index, int dim, int64_t size);
/// Row-major places in the dims of `mask` from one index array a dim, which broadcast. Negative
/// indices count from the end. Throws IndexError.
Array linear_index(const char* op, std::span<const Array> indices, const Shape& x, uint64_t mask);

}  // namespace reel::kernels
