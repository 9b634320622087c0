#pragma once
// Rows of a table by number. Numbers are int64 and in range; tables are [V, D].

#include <reel/autograd/array.h>

namespace reel::kernels {

/// Adds row i of `rows` [n, D] to row index[i] of the row-major `table`, unless that is `skip`.
void add_rows(const Array& table, const Array& index, const Array& rows, int64_t skip);
/// Scales the rows that index names to a norm of at most max_norm, in place.
void renorm_rows(const Array& table, const Array& index, double max_norm, double norm_type);
/// Where the largest row entries of each bag are: [B, D] places in the table's first dim, or -1
/// where a bag is empty. Rows `skip` do not count. Bag b has the entries of index from ends[b - 1]
/// to ends[b].
Array largest_rows(const Array& table, const Array& index, const Array& ends, int64_t skip);

}  // namespace reel::kernels
