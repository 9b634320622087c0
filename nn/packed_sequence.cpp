#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/view.h>
#include <reel/nn/packed_sequence.h>

#include <algorithm>
#include <numeric>

namespace reel::nn::utils::rnn {
namespace {

using Numbers = std::vector<int64_t>;

Tensor tensor_of(const Numbers& numbers) {
  return from_vector(numbers, {static_cast<int64_t>(numbers.size())});
}

Numbers numbers_of(const Tensor& x) {
  const Tensor list = x.detach().to(kInt64).contiguous();
  const auto span = list.span<int64_t>();
  return {span.begin(), span.end()};
}

Numbers checked_lengths(const char* name, const Tensor& lengths, int64_t batch, int64_t steps) {
  check<TypeError>(lengths.defined() && is_integral(lengths.dtype()) && lengths.dtype() != kBool,
                   "{}: lengths of an integer dtype are required, got {}", name,
                   lengths.defined() ? name_of(lengths.dtype()) : "none");
  check(lengths.shape() == Shape(batch), "{}: lengths of shape [{}] are required, got {}", name,
        batch, lengths.shape());
  Numbers numbers = numbers_of(lengths);
  for (int64_t length : numbers)
    check(length >= 1 && length <= steps, "{}: lengths must be between 1 and {}, got {}", name,
          steps, length);
  return numbers;
}

// Where the rows of a packed sequence stand in a padded one whose first two dims are one.
Tensor places(const Numbers& batch_sizes, const Numbers& order, int64_t steps, bool batch_first) {
  const auto batch = static_cast<int64_t>(order.size());
  Numbers rows;
  for (size_t step = 0; step < batch_sizes.size(); ++step) {
    const auto at = static_cast<int64_t>(step);
    for (int64_t i = 0; i < batch_sizes[step]; ++i) {
      const int64_t n = order[static_cast<size_t>(i)];
      rows.push_back(batch_first ? n * steps + at : at * batch + n);
    }
  }
  return tensor_of(rows);
}

Numbers counted(int64_t n) {
  Numbers numbers(static_cast<size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// The shape of x with its first two sizes replaced.
Shape with_rows(const Shape& x, int64_t first, std::optional<int64_t> second, int skip) {
  Shape shape{first};
  if (second) shape.push_back(*second);
  for (int dim = skip; dim < x.rank(); ++dim) shape.push_back(x[dim]);
  return shape;
}

}  // namespace

PackedSequence pack_padded_sequence(const Tensor& x, const Tensor& lengths,
                                    const PackOptions& options) {
  constexpr const char* name = "pack_padded_sequence";
  check(x.dim() >= 2, "{}: an input of at least 2 dims is required, got {}", name, x.shape());
  const int64_t steps = x.size(options.batch_first ? 1 : 0),
                batch = x.size(options.batch_first ? 0 : 1);
  check(batch > 0, "{}: at least one sequence is required, got {}", name, x.shape());
  const Numbers numbers = checked_lengths(name, lengths, batch, steps);
  const auto length = [&](int64_t n) { return numbers[static_cast<size_t>(n)]; };
  Numbers order = counted(batch);
  PackedSequence packed;
  if (options.enforce_sorted) {
    check(std::is_sorted(numbers.rbegin(), numbers.rend()),
          "{}: lengths must not grow, got {}; enforce_sorted = false sorts them", name,
          Shape(std::span<const int64_t>(numbers)));
  } else {
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return length(a) > length(b); });
    Numbers back(order.size());
    for (size_t i = 0; i < order.size(); ++i)
      back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
    packed.sorted_indices = tensor_of(order);
    packed.unsorted_indices = tensor_of(back);
  }
  Numbers sizes(static_cast<size_t>(length(order.front())));
  for (int64_t each : numbers) {
    for (int64_t step = 0; step < each; ++step) ++sizes[static_cast<size_t>(step)];
  }
  packed.data = index_select(x.reshape(with_rows(x.shape(), steps * batch, {}, 2)), 0,
                             places(sizes, order, steps, options.batch_first));
  packed.batch_sizes = tensor_of(sizes);
  return packed;
}

PaddedSequence pad_packed_sequence(const PackedSequence& sequence, const PadOptions& options) {
  const Numbers sizes = numbers_of(sequence.batch_sizes);
  check(!sizes.empty(), "pad_packed_sequence: at least one step is required, got none");
  const auto longest = static_cast<int64_t>(sizes.size());
  const int64_t steps = options.total_length.value_or(longest), batch = sizes[0];
  check(steps >= longest,
        "pad_packed_sequence: total_length must be at least the longest sequence's {}, got {}",
        longest, steps);
  const Numbers order =
      sequence.sorted_indices.defined() ? numbers_of(sequence.sorted_indices) : counted(batch);
  Numbers lengths(order.size());
  for (int64_t size : sizes) {
    for (int64_t i = 0; i < size; ++i)
      ++lengths[static_cast<size_t>(order[static_cast<size_t>(i)])];
  }
  const Tensor& data = sequence.data;
  const Tensor padding = full(with_rows(data.shape(), steps * batch, {}, 1), options.padding_value,
                              {.dtype = data.dtype()});
  const Tensor rows =
      index_copy(padding, 0, places(sizes, order, steps, options.batch_first), data);
  const Shape shape = options.batch_first ? with_rows(data.shape(), batch, steps, 1)
                                          : with_rows(data.shape(), steps, batch, 1);
  return {rows.reshape(shape), tensor_of(lengths)};
}

Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadOptions& options) {
  constexpr const char* name = "pad_sequence";
  check(!sequences.empty(), "{}: at least one sequence is required, got none", name);
  const Tensor& first = sequences.front();
  int64_t longest = 0;
  for (const Tensor& each : sequences) {
    check(each.dim() >= 1 && each.dim() == first.dim() &&
              with_rows(each.shape(), 0, {}, 1) == with_rows(first.shape(), 0, {}, 1),
          "{}: sequences that differ in their first size only are required, got {} and {}", name,
          first.shape(), each.shape());
    longest = std::max(longest, each.size(0));
  }
  const int64_t steps = options.total_length.value_or(longest);
  check(steps >= longest, "{}: total_length must be at least the longest sequence's {}, got {}",
        name, longest, steps);
  std::vector<Tensor> padded;
  for (const Tensor& each : sequences) {
    const Shape rest = with_rows(each.shape(), steps - each.size(0), {}, 1);
    padded.push_back(rest[0] == 0
                         ? each
                         : cat({each, full(rest, options.padding_value, {.dtype = each.dtype()})}));
  }
  return stack(padded, options.batch_first ? 0 : 1);
}

std::vector<Tensor> unpad_sequence(const Tensor& padded, const Tensor& lengths, bool batch_first) {
  check(padded.dim() >= 2, "unpad_sequence: an input of at least 2 dims is required, got {}",
        padded.shape());
  const int batch_dim = batch_first ? 0 : 1;
  const Numbers numbers = checked_lengths("unpad_sequence", lengths, padded.size(batch_dim),
                                          padded.size(1 - batch_dim));
  std::vector<Tensor> sequences;
  for (size_t n = 0; n < numbers.size(); ++n)
    sequences.push_back(padded.select(batch_dim, static_cast<int64_t>(n)).slice(0, 0, numbers[n]));
  return sequences;
}

PackedSequence pack_sequence(const std::vector<Tensor>& sequences, bool enforce_sorted) {
  Numbers lengths;
  const Tensor padded = pad_sequence(sequences);
  for (const Tensor& each : sequences) lengths.push_back(each.size(0));
  return pack_padded_sequence(padded, tensor_of(lengths), {.enforce_sorted = enforce_sorted});
}

std::vector<Tensor> unpack_sequence(const PackedSequence& sequence) {
  const auto [padded, lengths] = pad_packed_sequence(sequence);
  return unpad_sequence(padded, lengths);
}

}  // namespace reel::nn::utils::rnn
