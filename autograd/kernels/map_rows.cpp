#include <reel/autograd/kernels/map_rows.h>
#include <reel/autograd/kernels/parallel.h>
#include <reel/autograd/kernels/rows.h>
#include <reel/autograd/kernels/stream.h>

#include <algorithm>
#include <utility>

namespace reel::kernels {
namespace {

// Bytes of a result from which on its lines leave the caches before anybody reads them.
constexpr int64_t kStreamed = int64_t{32} << 20;

// Where the arrays lie, in bytes, once they are expanded to the shape of the last.
template <size_t N>
struct Layout {
  using Numbers = std::array<int64_t, N>;
  std::array<Strides, N> strides;
  std::array<char*, N> data;
  Numbers sizes;  // of an element

  Layout(const char* op, const std::array<const Array*, N>& arrays) {
    for (size_t k = 0; k < N; ++k) {
      const Array& x = *arrays[k];
      sizes[k] = static_cast<int64_t>(size_of(x.dtype()));
      strides[k] = expand_strides(op, x.shape(), x.strides(), arrays.back()->shape());
      for (int64_t& stride : strides[k]) stride *= sizes[k];
      data[k] = x.data<char>();
    }
  }
  std::array<char*, N> at(const Numbers& bytes, int64_t times) const {
    std::array<char*, N> places = data;
    for (size_t k = 0; k < N; ++k) places[k] += bytes[k] * times;
    return places;
  }
  Numbers in_elements(Numbers bytes) const {
    for (size_t k = 0; k < N; ++k) bytes[k] /= sizes[k];
    return bytes;
  }
};

// A large result in one row, apart from the operands: in their place its lines are at hand.
template <size_t N>
bool is_streamed(const std::array<const Array*, N>& arrays, const Rows<N>& rows) {
  const Array& y = *arrays.back();
  const int64_t size = size_of(y.dtype());
  const auto in_place = [&](const Array* x) { return x->storage() == y.storage(); };
  return y.numel() * size >= kStreamed && rows.count() == 1 && rows.inner().back() == size &&
         reinterpret_cast<uintptr_t>(y.data<char>()) % kLineBytes == 0 &&
         std::none_of(arrays.begin(), arrays.end() - 1, in_place);
}

// Calls row for some lines at a time and writes them past the caches. Longer blocks wait for memory
// with nothing to compute.
template <size_t N>
void stream_row(RowFunction<N> row, int64_t n, std::array<char*, N> places,
                const std::array<int64_t, N>& bytes, const std::array<int64_t, N>& steps) {
  alignas(kLineBytes) char lines[8 * kLineBytes];
  const int64_t size = bytes.back();
  const int64_t block = static_cast<int64_t>(sizeof lines) / size;
  for (int64_t i = 0; i < n; i += block) {
    const int64_t some = std::min(block, n - i);
    char* to = std::exchange(places.back(), lines);
    row(1, {}, some, places, steps);
    stream_bytes(lines, to, some * size);
    places.back() = to;
    for (size_t k = 0; k < N; ++k) places[k] += some * bytes[k];
  }
  end_stream();
}

}  // namespace

template <size_t N>
void map_rows(const char* op, const std::array<const Array*, N>& arrays, RowFunction<N> row) {
  const Layout<N> layout(op, arrays);
  const Rows<N> rows(arrays.back()->shape(), layout.strides);
  const std::array<int64_t, N>&bytes = rows.inner(), steps = layout.in_elements(bytes);
  if (rows.count() > 1) {
    const int64_t piece = std::max<int64_t>(1, kCheapPiece / std::max<int64_t>(1, rows.length()));
    return for_pieces(rows.count(), piece, [&](int64_t first, int64_t n) {
      rows.each(first, first + n,
                [&](int64_t count, const auto& apart, int64_t length, const auto& offsets,
                    const auto&) { row(count, apart, length, layout.at(offsets, 1), steps); });
    });
  }
  const bool streamed = is_streamed(arrays, rows);
  for_pieces(rows.count() * rows.length(), kCheapPiece, [&](int64_t first, int64_t n) {
    if (streamed)
      stream_row(row, n, layout.at(bytes, first), bytes, steps);
    else
      row(1, {}, n, layout.at(bytes, first), steps);
  });
}

template void map_rows(const char*, const std::array<const Array*, 2>&, RowFunction<2>);
template void map_rows(const char*, const std::array<const Array*, 3>&, RowFunction<3>);
template void map_rows(const char*, const std::array<const Array*, 4>&, RowFunction<4>);

}  // namespace reel::kernels
