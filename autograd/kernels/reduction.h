#pragma once
// The loops of reductions, written once: a reduction contributes only how a tile of numbers becomes
// a total, and how totals are put together.

#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/scratch.h>

#include <algorithm>

namespace reel::kernels {

/// An array as row-major (lead, outer, n, inner), to be reduced over lead and n. The results are
/// row-major (outer, inner).
struct Arranged {
  Array x;
  int64_t lead = 1, outer = 1, n = 1, inner = 1;
};
/// Arranges x, which has elements, for a reduction over the dims whose bits are set; copies it only
/// where its dims do not fit. With `places`, lead is 1 and n is counted as in x, row-major.
Arranged arrange(const Array& x, uint64_t dims, bool places = false);

/// How many neighbouring columns a tile has at most.
inline constexpr int64_t kTileColumns = 512;

/// Tiles of rows and columns, small enough for a cache and fixed by the sizes alone.
class Tiles {
 public:
  explicit Tiles(const Arranged& a)
      : n_(a.n),
        inner_(a.inner),
        rows_(std::min(a.n, kElements / std::min(a.inner, kTileColumns))),
        pieces_((a.n + rows_ - 1) / rows_),
        chunks_((a.inner + kTileColumns - 1) / kTileColumns),
        count_(a.lead * a.outer * pieces_ * chunks_),
        per_block_(std::max<int64_t>(1, kElements / (rows_ * std::min(a.inner, kTileColumns)))) {}

  /// Into how many pieces n is cut.
  int64_t pieces() const { return pieces_; }

  /// Calls f(line, piece, first row, rows, first column, columns) for every tile, on the library's
  /// threads.
  template <class F>
  void for_each(const F& f) const {
    parallel_for((count_ + per_block_ - 1) / per_block_, [&](int64_t block) {
      const int64_t from = block * per_block_, to = std::min(count_, from + per_block_);
      int64_t chunk = from % chunks_, piece = from / chunks_ % pieces_,
              line = from / chunks_ / pieces_;
      for (int64_t tile = from; tile < to; ++tile) {
        const int64_t row = piece * rows_, column = chunk * kTileColumns;
        f(line, piece, row, std::min(rows_, n_ - row), column,
          std::min(kTileColumns, inner_ - column));
        if (++chunk < chunks_) continue;
        chunk = 0;
        if (++piece < pieces_) continue;
        piece = 0;
        ++line;
      }
    });
  }

 private:
  static constexpr int64_t kElements = 32768;
  int64_t n_, inner_, rows_, pieces_, chunks_, count_, per_block_;
};

/// Reduces an arranged array of T and calls finish(place in the result, total) once for each. A
/// way has a type Total and
///   Total row(n, x, first)                             of n consecutive numbers,
///   void columns(rows, columns, step, x, first, totals)  of each of some neighbouring columns,
///   void merge(total, later)                           puts a later total to an earlier one;
/// `first` is the number along n of the first element.
template <class T, class Way, class Finish>
void reduce(const Arranged& a, const Way& way, const Finish& finish) {
  using Total = typename Way::Total;
  const Tiles tiles(a);
  const int64_t lines = a.lead * a.outer, pieces = tiles.pieces();
  const bool whole = a.lead == 1 && pieces == 1;  // a tile sees all that its results are made of
  List<Total> parts(whole ? 0 : static_cast<size_t>(lines * pieces * a.inner));
  const T* x = a.x.data<T>();
  tiles.for_each(
      [&](int64_t line, int64_t piece, int64_t row, int64_t rows, int64_t column, int64_t columns) {
        const T* from = x + (line * a.n + row) * a.inner + column;
        Total totals[kTileColumns];
        if (a.inner == 1)
          totals[0] = way.row(rows, from, row);
        else
          way.columns(rows, columns, a.inner, from, row, totals);
        if (whole) {
          for (int64_t j = 0; j < columns; ++j) finish(line * a.inner + column + j, totals[j]);
        } else {
          std::copy_n(totals, columns, parts.data() + (line * pieces + piece) * a.inner + column);
        }
      });
  if (whole) return;
  for (int64_t o = 0; o < a.outer; ++o) {
    for (int64_t column = 0; column < a.inner; column += kTileColumns) {
      const int64_t columns = std::min(kTileColumns, a.inner - column);
      const auto part = [&](int64_t k) {
        const int64_t line = k / pieces * a.outer + o;
        return parts.data() + (line * pieces + k % pieces) * a.inner + column;
      };
      Total* totals = part(0);
      for (int64_t k = 1; k < a.lead * pieces; ++k) {
        const Total* later = part(k);
        for (int64_t j = 0; j < columns; ++j) way.merge(totals[j], later[j]);
      }
      for (int64_t j = 0; j < columns; ++j) finish(o * a.inner + column + j, totals[j]);
    }
  }
}

}  // namespace reel::kernels
