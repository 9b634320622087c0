// The operations of ops/normalization.h and ops/attention.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

namespace {

// Mean and variance of the elements of x whose index has the same group(index).
struct Stats { double mean, variance; };
Stats stats_of(const Tensor& x, const std::function<Index(const Index&)>& group, const Index& of) {
  Values values;
  for (int64_t n = 0; n < x.numel(); ++n) {
    const Index i = unflat(x.shape(), n);
    if (group(i) == group(of)) values.push_back(at(x, i));
  }
  const double mean = sum_of(values) / static_cast<double>(values.size());
  for (double& v : values) v = (v - mean) * (v - mean);
  return {mean, sum_of(values) / static_cast<double>(values.size())};
}

Tensor naive_norm(const Tensor& x, const std::function<Index(const Index&)>& group, double eps) {
  return build(x.shape(), [&](const Index& i) {
    const Stats stats = stats_of(x, group, i);
    return (at(x, i) - stats.mean) / std::sqrt(stats.variance + eps);
  });
}

// y * weight + bias by the channel, or by the last index.
Tensor naive_affine(const Tensor& y, const Tensors& x, size_t dim) {
  return build(y.shape(), [&](const Index& i) { return at(y, i) * at(x[1], {i[dim]}) + at(x[2], {i[dim]}); });
}

Tensor running(double value, const Tensor& like) { return full({3}, value, {.dtype = like.dtype()}); }

}  // namespace

void normalization_rows(Rows& rows) {
  const auto channel = [](const Index& i) { return Index{i[1]}; };
  const auto instance = [](const Index& i) { return Index{i[0], i[1]}; };
  rows.push_back({.name = "batch_norm", .fn = [](const Tensors& x) { return batch_norm(x[0], {}, {}, x[1], x[2], {.training = true, .eps = 0.1}); },
                  .shapes = {{{4, 3}, {3}, {3}}, {{2, 3, 4}, {3}, {3}}, {{1, 3, 2, 3}, {3}, {3}}},
                  .reference = [=](const Tensors& x) { return naive_affine(naive_norm(x[0], channel, 0.1), x, 1); }, .note = "training"});
  rows.push_back({.name = "batch_norm", .fn = [](const Tensors& x) { return batch_norm(x[0], running(0.5, x[0]), running(2, x[0]), x[1], x[2], {.eps = 0.1}); },
                  .shapes = {{{4, 3}, {3}, {3}}, {{2, 3, 4}, {3}, {3}}, {{0, 3}, {3}, {3}}},
                  .reference = [=](const Tensors& x) {
                    return naive_affine(build(x[0].shape(), [&](const Index& i) { return (at(x[0], i) - 0.5) / std::sqrt(2.1); }), x, 1);
                  }, .note = "evaluation"});
  rows.push_back({.name = "instance_norm", .fn = [](const Tensors& x) { return instance_norm(x[0], {}, {}, x[1], x[2], {.eps = 0.1}); },
                  .shapes = {{{2, 3, 4}, {3}, {3}}, {{1, 3, 2, 2}, {3}, {3}}},
                  .reference = [=](const Tensors& x) { return naive_affine(naive_norm(x[0], instance, 0.1), x, 1); }});
  rows.push_back({.name = "layer_norm", .fn = [](const Tensors& x) { return layer_norm(x[0], {5}, x[1], x[2], {.eps = 0.1}); },
                  .shapes = {{{4, 5}, {5}, {5}}, {{5}, {5}, {5}}, {{0, 5}, {5}, {5}}},
                  .reference = [](const Tensors& x) {
                    return naive_affine(naive_norm(x[0], [](const Index& i) { return Index(i.begin(), i.end() - 1); }, 0.1), x, static_cast<size_t>(x[0].dim() - 1));
                  }});
  rows.push_back({.name = "layer_norm", .fn = [](const Tensors& x) { return layer_norm(x[0], {2, 3}, {}, {}, {.eps = 0.1}); }, .shapes = {{{4, 2, 3}}, {{2, 3}}},
                  .reference = [](const Tensors& x) { return naive_norm(x[0], [&](const Index& i) { return i.size() > 2 ? Index{i[0]} : Index{}; }, 0.1); }, .note = "dims"});
  rows.push_back({.name = "group_norm", .fn = [](const Tensors& x) { return group_norm(x[0], 2, x[1], x[2], {.eps = 0.1}); }, .shapes = {{{2, 4, 3}, {4}, {4}}, {{3, 6}, {6}, {6}}},
                  .reference = [](const Tensors& x) {
                    const int64_t size = x[0].size(1) / 2;
                    return naive_affine(naive_norm(x[0], [=](const Index& i) { return Index{i[0], i[1] / size}; }, 0.1), x, 1);
                  }});
  for (const int64_t size : {1, 2, 3}) {
    rows.push_back({.name = "local_response_norm", .fn = [=](const Tensors& x) { return local_response_norm(x[0], size, {.alpha = 0.5, .beta = 0.75, .k = 1.5}); },
                    .shapes = {{{2, 4, 3}}, {{1, 3}}},
                    .reference = [=](const Tensors& x) {
                      return build(x[0].shape(), [&](const Index& i) {
                        double squares = 0;
                        Index j = i;
                        for (j[1] = i[1] - size / 2; j[1] < i[1] - size / 2 + size; ++j[1])
                          if (j[1] >= 0 && j[1] < x[0].size(1)) squares += at(x[0], j) * at(x[0], j);
                        return at(x[0], i) / std::pow(1.5 + 0.5 * squares / static_cast<double>(size), 0.75);
                      });
                    }, .note = "size" + std::to_string(size)});
  }
  for (const double p : {1.0, 2.0, 3.0}) {
    rows.push_back({.name = "normalize", .fn = [=](const Tensors& x) { return normalize(x[0], {.p = p}); }, .shapes = {{{3, 4}}, {{2, 3, 2}}}, .low = 0.2, .high = 2,
                    .reference = [=](const Tensors& x) {
                      return build(x[0].shape(), [&](const Index& i) {
                        double total = 0;
                        for (double v : along(x[0], 1, i, true)) total += std::pow(v, p);
                        return at(x[0], i) / std::pow(total, 1 / p);
                      });
                    }, .note = "p" + std::to_string(static_cast<int>(p))});
  }
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
}

// clang-format on

}  // namespace reel::testing
