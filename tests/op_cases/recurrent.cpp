// The operation of ops/recurrent.h, against loops over single numbers.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// What follows is written for one sequence: vectors of one row.
struct Naive {
  const Tensors& in;  // x, h0, (c0,) weight_ih, weight_hh, bias_ih, bias_hh, (weight_hr)
  RecurrentCell cell;
  size_t first() const { return cell == RecurrentCell::Lstm ? 3 : 2; }

  double product(const Values& x, const Tensor& weight, int64_t row) const {
    double total = 0;
    for (size_t i = 0; i < x.size(); ++i)
      total += x[i] * at(weight, {row, static_cast<int64_t>(i)});
    return total;
  }
  void step(const Values& x, Values& h, Values& c) const {
    const size_t w = first(), hidden = cell == RecurrentCell::Lstm ? c.size() : h.size();
    const auto size = static_cast<int64_t>(hidden);
    const auto of_x = [&](int64_t row) { return product(x, in[w], row) + at(in[w + 2], {row}); };
    const Values before = h;
    const auto of_h = [&](int64_t row) {
      return product(before, in[w + 1], row) + at(in[w + 3], {row});
    };
    const auto sum = [&](int64_t row) { return of_x(row) + of_h(row); };
    Values made(hidden);
    for (int64_t j = 0; j < size; ++j) {
      const auto k = static_cast<size_t>(j);
      if (cell == RecurrentCell::Tanh) made[k] = std::tanh(sum(j));
      if (cell == RecurrentCell::Relu) made[k] = std::max(sum(j), 0.0);
      if (cell == RecurrentCell::Lstm) {
        c[k] = logistic(sum(size + j)) * c[k] + logistic(sum(j)) * std::tanh(sum(2 * size + j));
        made[k] = logistic(sum(3 * size + j)) * std::tanh(c[k]);
      }
      if (cell == RecurrentCell::Gru) {
        const double r = logistic(sum(j)), z = logistic(sum(size + j));
        const double n = std::tanh(of_x(2 * size + j) + r * of_h(2 * size + j));
        made[k] = (1 - z) * n + z * before[k];
      }
    }
    if (in.size() <= w + 4) {
      h = made;
    } else {
      for (size_t p = 0; p < h.size(); ++p)
        h[p] = product(made, in[w + 4], static_cast<int64_t>(p));
    }
  }
};

Values row_of(const Tensor& x, const Index& lead, int64_t size) {
  Values values;
  for (int64_t i = 0; i < size; ++i) {
    Index index = lead;
    index.push_back(i);
    values.push_back(at(x, index));
  }
  return values;
}

// Output, last h and (Lstm) last c of x [T, N, I], or of the packed rows, flattened and joined.
Tensor naive(const Tensors& in, const RecurrentOptions& options) {
  const Naive net{in, options.cell};
  const bool lstm = options.cell == RecurrentCell::Lstm, packed = !options.batch_sizes.empty();
  const int64_t steps = packed ? static_cast<int64_t>(options.batch_sizes.size()) : in[0].size(0);
  const int64_t batch = in[1].size(0), size = in[1].size(1);
  std::vector<int64_t> first{0};
  for (int64_t t = 0; t < steps; ++t)
    first.push_back(first.back() + (packed ? options.batch_sizes[static_cast<size_t>(t)] : batch));
  Values outputs(static_cast<size_t>(first.back() * size)), h_n, c_n;
  for (int64_t n = 0; n < batch; ++n) {
    Values h = row_of(in[1], {n}, size);
    Values c = lstm ? row_of(in[2], {n}, in[2].size(1)) : Values();
    for (int64_t s = 0; s < steps; ++s) {
      const int64_t t = options.reverse ? steps - 1 - s : s,
                    row = first[static_cast<size_t>(t)] + n;
      if (row >= first[static_cast<size_t>(t) + 1]) continue;
      net.step(row_of(in[0], packed ? Index{row} : Index{t, n}, in[0].size(-1)), h, c);
      std::copy(h.begin(), h.end(), outputs.begin() + row * size);
    }
    h_n.insert(h_n.end(), h.begin(), h.end());
    c_n.insert(c_n.end(), c.begin(), c.end());
  }
  for (const Values* more : {&h_n, &c_n}) outputs.insert(outputs.end(), more->begin(), more->end());
  return from_vector(outputs, {static_cast<int64_t>(outputs.size())});
}

Tensor joined(const Tensors& in, const RecurrentOptions& options) {
  const bool lstm = options.cell == RecurrentCell::Lstm;
  const size_t w = lstm ? 3 : 2;
  const auto [output, end] = recurrent(
      in[0], {in[1], lstm ? in[2] : Tensor()},
      {in[w], in[w + 1], in[w + 2], in[w + 3], in.size() > w + 4 ? in[w + 4] : Tensor()}, options);
  std::vector<Tensor> parts{output.flatten(), end.h.flatten()};
  if (lstm) parts.push_back(end.c.flatten());
  return cat(parts);
}

std::vector<Shape> shapes(RecurrentCell cell, const Shape& x, int64_t batch, int64_t hidden,
                          int64_t projected) {
  const bool lstm = cell == RecurrentCell::Lstm;
  const int64_t rows = (lstm ? 4 : cell == RecurrentCell::Gru ? 3 : 1) * hidden;
  const int64_t size = projected > 0 ? projected : hidden;
  std::vector<Shape> list{x, {batch, size}};
  if (lstm) list.push_back({batch, hidden});
  for (const Shape& each : {Shape{rows, x.back()}, Shape{rows, size}, Shape{rows}, Shape{rows}})
    list.push_back(each);
  if (projected > 0) list.push_back({projected, hidden});
  return list;
}

}  // namespace

void recurrent_rows(Rows& rows) {
  const std::pair<const char*, RecurrentCell> cells[] = {{"tanh", RecurrentCell::Tanh},
                                                         {"relu", RecurrentCell::Relu},
                                                         {"lstm", RecurrentCell::Lstm},
                                                         {"gru", RecurrentCell::Gru}};
  const auto add = [&](const RecurrentOptions& options, std::vector<std::vector<Shape>> sets,
                       const std::string& note) {
    rows.push_back({.name = "recurrent",
                    .fn = [=](const Tensors& in) { return joined(in, options); },
                    .shapes = std::move(sets),
                    .low = -1,
                    .high = 1,
                    .reference = [=](const Tensors& in) { return naive(in, options); },
                    .note = note});
  };
  for (const auto& [name, cell] : cells) {
    for (const bool reverse : {false, true}) {
      const std::string note = std::string(name) + (reverse ? "_reverse" : "");
      add({.cell = cell, .reverse = reverse},
          {shapes(cell, {2, 2, 2}, 2, 3, 0), shapes(cell, {1, 1, 1}, 1, 1, 0)}, note);
      add({.cell = cell, .reverse = reverse, .batch_sizes = {3, 2, 1}},
          {shapes(cell, {6, 2}, 3, 2, 0)}, note + "_packed");
    }
  }
  add({.cell = RecurrentCell::Lstm}, {shapes(RecurrentCell::Lstm, {2, 2, 2}, 2, 3, 2)},
      "lstm_projected");
  add({.cell = RecurrentCell::Lstm, .reverse = true, .batch_sizes = {2, 1}},
      {shapes(RecurrentCell::Lstm, {3, 2}, 2, 3, 1)}, "lstm_projected_packed");
}

}  // namespace reel::testing
