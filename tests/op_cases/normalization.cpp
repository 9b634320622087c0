// The operations of ops/normalization.h and ops/attention.h, against means, variances and sums of
// elements that are picked one by one.
#include "op_cases.h"

#include <cmath>
#include <map>

namespace reel::testing {

using std::vector;

namespace {

// Which elements have their statistics in common with the one at an index: a name of their group.
// And where its weight and bias lie.
struct How {
  std::function<Index(const Index&)> group, channel;
  double eps = 1e-5;
};

Tensor naive(const Tensors& x, const How& how) {
  const Shape& shape = x[0].shape();
  std::map<Index, Values> members;
  for (int64_t n = 0; n < x[0].numel(); ++n) {
    const Index index = unflat(shape, n);
    members[how.group(index)].push_back(at(x[0], index));
  }
  return build(shape, [&](const Index& index) {
    const Values& all = members[how.group(index)];
    const double n = static_cast<double>(all.size()), mean = sum_of(all) / n;
    double squares = 0;
    for (double value : all) squares += (value - mean) * (value - mean);
    const double h = (at(x[0], index) - mean) / std::sqrt(squares / n + how.eps);
    const double weight = x.size() > 1 ? at(x[1], how.channel(index)) : 1;
    return h * weight + (x.size() > 2 ? at(x[2], how.channel(index)) : 0);
  });
}

Index channel(const Index& index) { return {index[1]}; }
Index instance(const Index& index) { return {index[0], index[1]}; }
// The last `dims` dims, or all but those.
std::function<Index(const Index&)> behind(int64_t dims) {
  return [dims](const Index& index) { return Index(index.end() - dims, index.end()); };
}
std::function<Index(const Index&)> before(int64_t dims) {
  return [dims](const Index& index) { return Index(index.begin(), index.end() - dims); };
}

Tensor third(const Tensors& x) { return x.size() > 2 ? x[2] : Tensor(); }
Tensor second(const Tensors& x) { return x.size() > 1 ? x[1] : Tensor(); }

// Elements alone, with a weight, and with both weight and bias, which have the shape `own`.
void add(Rows& rows, std::string name, std::string note, std::function<Tensor(const Tensors&)> fn,
         const How& how, const Shape& shape, const Shape& own) {
  const vector<vector<Shape>> sets = {{shape}, {shape, own}, {shape, own, own}};
  rows.push_back({.name = std::move(name),
                  .fn = std::move(fn),
                  .shapes = sets,
                  .reference = [how](const Tensors& x) { return naive(x, how); },
                  .note = std::move(note)});
}

void add_batch_norms(Rows& rows) {
  const auto training = [](const Tensors& x) {
    return batch_norm(x[0], {}, {}, second(x), third(x), {.training = true, .eps = 1e-3});
  };
  const How how{channel, channel, 1e-3};
  add(rows, "batch_norm", "2d", training, how, {5, 3}, 3);
  add(rows, "batch_norm", "short_rows", training, how, {4, 2, 3}, 2);
  add(rows, "batch_norm", "long_rows", training, how, {2, 2, 3, 7}, 2);
  add(rows, "batch_norm", "empty", training, how, {0, 2, 3}, 2);
  const auto instances = [](const Tensors& x) {
    return instance_norm(x[0], {}, {}, second(x), third(x), {.eps = 1e-3});
  };
  add(rows, "instance_norm", "3d", instances, {instance, channel, 1e-3}, {2, 3, 5}, 3);
  add(rows, "instance_norm", "4d", instances, {instance, channel, 1e-3}, {2, 2, 3, 6}, 2);
  const auto running = [](const Tensors& x) {
    return batch_norm(x[0], tensor({0.5, -1}), tensor({0.25, 2.0}), second(x), third(x));
  };
  const auto reference = [](const Tensors& x) {
    return build(x[0].shape(), [&](const Index& i) {
      const double h = i[1] == 0 ? (at(x[0], i) - 0.5) / std::sqrt(0.25 + 1e-5)
                                 : (at(x[0], i) + 1) / std::sqrt(2.0 + 1e-5);
      const double weight = x.size() > 1 ? at(x[1], {i[1]}) : 1;
      return h * weight + (x.size() > 2 ? at(x[2], {i[1]}) : 0);
    });
  };
  const vector<vector<Shape>> sets = {{{3, 2}}, {{2, 2, 3}, {2}}, {{2, 2, 3, 7}, {2}, {2}}};
  rows.push_back({.name = "batch_norm",
                  .fn = running,
                  .shapes = sets,
                  .reference = reference,
                  .note = "running"});
  rows.push_back({.name = "instance_norm",
                  .fn =
                      [](const Tensors& x) {
                        return instance_norm(x[0], tensor({0.5, -1}), tensor({0.25, 2.0}),
                                             second(x), third(x), {.use_input_stats = false});
                      },
                  .shapes = {{{3, 2, 1}}, {{2, 2, 3}, {2}}, {{2, 2, 3, 7}, {2}, {2}}},
                  .reference = reference,
                  .note = "running"});
}

void add_layer_norms(Rows& rows) {
  const auto over = [](int dims) {
    return [dims](const Tensors& x) {
      Shape last;
      for (int d = x[0].dim() - dims; d < x[0].dim(); ++d) last.push_back(x[0].size(d));
      return layer_norm(x[0], last, second(x), third(x), {.eps = 1e-3});
    };
  };
  add(rows, "layer_norm", "1", over(1), {before(1), behind(1), 1e-3}, {3, 5}, 5);
  add(rows, "layer_norm", "1_wide", over(1), {before(1), behind(1), 1e-3}, {2, 70}, 70);
  add(rows, "layer_norm", "2", over(2), {before(2), behind(2), 1e-3}, {2, 2, 3, 4}, {3, 4});
  add(rows, "layer_norm", "all", over(2), {before(2), behind(2), 1e-3}, {3, 4}, {3, 4});
  add(rows, "layer_norm", "no_rows", over(1), {before(1), behind(1), 1e-3}, {0, 3}, 3);
  const auto groups = [](int64_t count) {
    return [count](const Tensors& x) {
      return group_norm(x[0], count, second(x), third(x), {.eps = 1e-3});
    };
  };
  const auto pairs = [](const Index& i) { return Index{i[0], i[1] / 2}; };
  add(rows, "group_norm", "2d", groups(2), {pairs, channel, 1e-3}, {3, 4}, 4);
  add(rows, "group_norm", "3d", groups(2), {pairs, channel, 1e-3}, {2, 4, 3}, 4);
  add(rows, "group_norm", "4d", groups(3), {pairs, channel, 1e-3}, {2, 6, 3, 3}, 6);
  add(rows, "group_norm", "empty", groups(2), {pairs, channel, 1e-3}, {0, 4, 3}, 4);
}

// ---- others ------------------------------------------------------------------------------------------------

void add_response_norm(Rows& rows, int64_t size) {
  rows.push_back(
      {.name = "local_response_norm",
       .fn =
           [size](const Tensors& x) {
             return local_response_norm(x[0], size, {.alpha = 0.3, .beta = 0.6, .k = 1.5});
           },
       .shapes = {{{2, 5, 3}}, {{1, 2, 2, 2}}, {{1, 3}}, {{2, 0, 3}}},
       .reference =
           [size](const Tensors& x) {
             return build(x[0].shape(), [&](const Index& i) {
               double squares = 0;
               for (int64_t c = i[1] - size / 2; c < i[1] - size / 2 + size; ++c) {
                 Index other = i;
                 other[1] = c;
                 if (c >= 0 && c < x[0].size(1)) squares += std::pow(at(x[0], other), 2);
               }
               return at(x[0], i) / std::pow(1.5 + 0.3 / static_cast<double>(size) * squares, 0.6);
             });
           },
       .note = std::to_string(size)});
}

void add_renorm(Rows& rows) {
  for (const double p : {1.0, 2.0, 3.0}) {
    rows.push_back({.name = "renorm", .fn = [=](const Tensors& x) { return renorm(x[0], p, 1, 2.5); }, .shapes = {{{3, 4}}, {{2, 3, 2}}, {{0, 2}}},
                    .reference = [=](const Tensors& x) {
                      Values sums(static_cast<size_t>(x[0].size(1)), 0);
                      build(x[0].shape(), [&](const Index& i) { return sums[static_cast<size_t>(i[1])] += std::pow(std::fabs(at(x[0], i)), p); });
                      return build(x[0].shape(), [&](const Index& i) {
                        const double size = std::pow(sums[static_cast<size_t>(i[1])], 1 / p);
                        return at(x[0], i) * (size > 2.5 ? 2.5 / (size + 1e-7) : 1);
                      });
                    }, .note = fmt::format("p{}", p), .in_place = [=](Tensor& z, const Tensors&) -> Tensor& { return z.renorm_(p, 1, 2.5); }});
  }
}

void add_normalize(Rows& rows, double p, int dim) {
  rows.push_back({.name = "normalize",
                  .fn = [=](const Tensors& x) { return normalize(x[0], {.p = p, .dim = dim}); },
                  .shapes = {{{2, 3}}, {{3, 2, 2}}, {{0, 2}}},
                  .low = 0.2,
                  .reference =
                      [=](const Tensors& x) {
                        return build(x[0].shape(), [&](const Index& i) {
                          double total = 0;
                          for (double value : along(x[0], dim, i, true))
                            total += std::pow(std::fabs(value), p);
                          return at(x[0], i) / std::max(std::pow(total, 1 / p), 1e-12);
                        });
                      },
                  .note = "p" + std::to_string(static_cast<int>(p)) + "dim" + std::to_string(dim)});
}

}  // namespace

void normalization_rows(Rows& rows) {
  add_renorm(rows);
  add_batch_norms(rows);
  add_layer_norms(rows);
  for (const int64_t size : {1, 2, 3, 7}) add_response_norm(rows, size);
  for (const double p : {1.0, 2.0, 3.0}) add_normalize(rows, p, 1);
  add_normalize(rows, 2, 0);

  // clang-format off
  for (const bool causal : {false, true}) {
    rows.push_back({.name = "scaled_dot_product_attention", .fn = [=](const Tensors& x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.is_causal = causal}); },
                    .shapes = {{{3, 2}, {4, 2}, {4, 3}}, {{2, 3, 2}, {2, 4, 2}, {2, 4, 3}}, {{2, 1, 3, 2}, {2, 1, 3, 2}, {2, 1, 3, 1}}},
                    .reference = [=](const Tensors& x) {
                      Shape shape = x[0].shape();
                      shape[shape.rank() - 1] = x[2].size(-1);
                      return build(shape, [&](const Index& i) {
                        const auto place = [&](const Tensor& of, int64_t row, int64_t column) {
                          Index j(i.begin(), i.end());
                          j[j.size() - 2] = row, j[j.size() - 1] = column;
                          return at(of, j);
                        };
                        double total = 0, weighted = 0;
                        const int64_t query = i[i.size() - 2];
                        for (int64_t key = 0; key < x[1].size(-2); ++key) {
                          if (causal && key > query) continue;
                          double score = 0;
                          for (int64_t e = 0; e < x[0].size(-1); ++e) score += place(x[0], query, e) * place(x[1], key, e);
                          const double weight = std::exp(score / std::sqrt(static_cast<double>(x[0].size(-1))));
                          total += weight, weighted += weight * place(x[2], key, i.back());
                        }
                        return weighted / total;
                      });
                    }, .note = causal ? "causal" : ""});
  }
  // clang-format on
}

}  // namespace reel::testing
