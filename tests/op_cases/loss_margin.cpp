// The operations of ops/loss_margin.h, a row a line, or as few as it takes.
#include "losses.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

namespace {

double positive(double x) { return std::max(x, 0.0); }
double label(int64_t n) { return n % 3 == 1 ? -1 : 1; }

// 1, -1, 1, 1, -1, ... in x's dtype.
Tensor labels(const Tensor& x, const Shape& shape) {
  Values values;
  for (int64_t n = 0; n < shape.numel(); ++n) values.push_back(label(n));
  return like(x, values, shape);
}

double distance(const Values& a, const Values& b, double p, double eps) {
  double s = 0;
  for (size_t i = 0; i < a.size(); ++i) s += std::pow(std::fabs(a[i] - b[i] + eps), p);
  return std::pow(s, 1 / p);
}

double manhattan(const Values& a, const Values& b) {
  double s = 0;
  for (size_t i = 0; i < a.size(); ++i) s += std::fabs(a[i] - b[i]);
  return s;
}

// One loss for each vector along the last dim of all inputs.
Tensor by_vector(const Tensors& x, Reduction reduction, const std::function<double(const vector<Values>&, int64_t)>& f) {
  Shape shape = x[0].shape();
  shape.erase(shape.rank() - 1);
  return reduced(build(shape, [&](const Index& i) {
    vector<Values> v;
    for (const Tensor& each : x) v.push_back(along(each, each.dim() - 1, i, false));
    return f(v, flat(shape, i));
  }), reduction);
}

void by_vector_row(Rows& rows, const char* name, const std::string& note, std::function<Tensor(const Tensors&, Reduction)> fn, vector<vector<Shape>> shapes,
                   std::function<double(const vector<Values>&, int64_t)> f) {
  for (const Reduction reduction : kReductions) {
    rows.push_back({.name = name, .fn = [=](const Tensors& x) { return fn(x, reduction); }, .shapes = shapes,
                    .reference = [=](const Tensors& x) { return by_vector(x, reduction, f); }, .note = note + name_of(reduction)});
  }
}

double cosine(const Values& a, const Values& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return ab / std::sqrt((aa + 1e-12) * (bb + 1e-12));
}

void pair_rows(Rows& rows) {
  const vector<vector<Shape>> one = {{{2, 3}}, {{5}}, {{}}, {{0, 2}}}, two = {{{2, 3}, {2, 3}}, {{5}, {5}}, {{}, {}}, {{0, 2}, {0, 2}}};
  by_element(rows, "hinge_embedding_loss", "", [](const Tensors& x, Reduction r) { return hinge_embedding_loss(x[0], labels(x[0], x[0].shape()), {.reduction = r}); }, one,
             [](const Values& v, int64_t n) { return label(n) == 1 ? v[0] : positive(1 - v[0]); });
  by_element(rows, "hinge_embedding_loss", "margin", [](const Tensors& x, Reduction r) { return hinge_embedding_loss(x[0], labels(x[0], x[0].shape()), {.margin = 0.4, .reduction = r}); }, one,
             [](const Values& v, int64_t n) { return label(n) == 1 ? v[0] : positive(0.4 - v[0]); });
  by_element(rows, "margin_ranking_loss", "", [](const Tensors& x, Reduction r) { return margin_ranking_loss(x[0], x[1], labels(x[0], x[0].shape()), {.reduction = r}); }, two,
             [](const Values& v, int64_t n) { return positive(-label(n) * (v[0] - v[1])); });
  by_element(rows, "margin_ranking_loss", "margin", [](const Tensors& x, Reduction r) { return margin_ranking_loss(x[0], x[1], labels(x[0], x[0].shape()), {.margin = 0.5, .reduction = r}); }, two,
             [](const Values& v, int64_t n) { return positive(-label(n) * (v[0] - v[1]) + 0.5); });
  by_element(rows, "soft_margin_loss", "", [](const Tensors& x, Reduction r) { return soft_margin_loss(x[0], labels(x[0], x[0].shape()), {.reduction = r}); }, one,
             [](const Values& v, int64_t n) { return std::log(1 + std::exp(-label(n) * v[0])); });
  by_element(rows, "soft_margin_loss", "target", [](const Tensors& x, Reduction r) { return soft_margin_loss(x[0], x[1], {.reduction = r}); }, two,
             [](const Values& v, int64_t) { return std::log(1 + std::exp(-v[0] * v[1])); });

  const vector<vector<Shape>> vectors = {{{4, 3}, {4, 3}}, {{3}, {3}}};
  by_vector_row(rows, "cosine_embedding_loss", "", [](const Tensors& x, Reduction r) { return cosine_embedding_loss(x[0], x[1], x[0].dim() == 1 ? labels(x[0], {}) : labels(x[0], x[0].size(0)), {.reduction = r}); }, vectors,
                [](const vector<Values>& v, int64_t n) { return label(n) == 1 ? 1 - cosine(v[0], v[1]) : positive(cosine(v[0], v[1])); });
  by_vector_row(rows, "cosine_embedding_loss", "margin", [](const Tensors& x, Reduction r) { return cosine_embedding_loss(x[0], x[1], labels(x[0], x[0].size(0)), {.margin = -0.5, .reduction = r}); }, {{{4, 3}, {4, 3}}},
                [](const vector<Values>& v, int64_t n) { return label(n) == 1 ? 1 - cosine(v[0], v[1]) : positive(cosine(v[0], v[1]) + 0.5); });

  const vector<vector<Shape>> triplets = {{{4, 3}, {4, 3}, {4, 3}}, {{3}, {3}, {3}}, {{2, 2, 3}, {2, 2, 3}, {2, 2, 3}}};
  for (const double p : {1.0, 2.0, 3.0}) {
    for (const bool swap : {false, true}) {
      by_vector_row(rows, "triplet_margin_loss", fmt::format("p{}{}", p, swap), [=](const Tensors& x, Reduction r) { return triplet_margin_loss(x[0], x[1], x[2], {.margin = 1.5, .p = p, .eps = 1e-3, .swap = swap, .reduction = r}); }, triplets,
                    [=](const vector<Values>& v, int64_t) {
                      const double far = distance(v[0], v[2], p, 1e-3), other = distance(v[1], v[2], p, 1e-3);
                      return positive(distance(v[0], v[1], p, 1e-3) - (swap ? std::min(far, other) : far) + 1.5);
                    });
    }
  }
  by_vector_row(rows, "triplet_margin_with_distance_loss", "", [](const Tensors& x, Reduction r) { return triplet_margin_with_distance_loss(x[0], x[1], x[2], {.reduction = r}); }, triplets,
                [](const vector<Values>& v, int64_t) { return positive(distance(v[0], v[1], 2, 1e-6) - distance(v[0], v[2], 2, 1e-6) + 1); });
  by_vector_row(rows, "triplet_margin_with_distance_loss", "own", [](const Tensors& x, Reduction r) {
                  return triplet_margin_with_distance_loss(x[0], x[1], x[2], {.distance_function = [](const Tensor& a, const Tensor& b) { return abs(a - b).sum(-1); }, .margin = 2, .swap = true, .reduction = r});
                }, triplets, [](const vector<Values>& v, int64_t) { return positive(manhattan(v[0], v[1]) - std::min(manhattan(v[0], v[2]), manhattan(v[1], v[2])) + 2); });
}

void class_rows(Rows& rows) {
  const int64_t target[] = {2, 0, 3};
  for (const int p : {1, 2}) {
    by_vector_row(rows, "multi_margin_loss", fmt::format("p{}", p), [=](const Tensors& x, Reduction r) { return multi_margin_loss(x[0], x[0].dim() == 1 ? integers({2}, {}) : integers({2, 0, 3}, {3}), {.p = p, .margin = 0.7, .reduction = r}); }, {{{3, 4}}, {{4}}},
                  [=](const vector<Values>& v, int64_t n) {
                    const auto y = static_cast<size_t>(target[n]);
                    double s = 0;
                    for (size_t i = 0; i < 4; ++i) s += i == y ? 0 : std::pow(positive(0.7 - v[0][y] + v[0][i]), p);
                    return s / 4;
                  });
    for (const Reduction reduction : kReductions) {
      rows.push_back({.name = "multi_margin_loss", .fn = [=](const Tensors& x) { return multi_margin_loss(x[0], integers({2, 0, 3}, {3}), {.p = p, .weight = x[1], .reduction = reduction}); }, .shapes = {{{3, 4}, {4}}},
                      .reference = [=](const Tensors& x) {
                        return reduced(build({3}, [&](const Index& n) {
                          const int64_t y = target[n[0]];
                          double s = 0;
                          for (int64_t i = 0; i < 4; ++i) s += i == y ? 0 : at(x[1], {y}) * std::pow(positive(1 - at(x[0], {n[0], y}) + at(x[0], {n[0], i})), p);
                          return s / 4;
                        }), reduction);
                      }, .note = fmt::format("weight_p{}{}", p, name_of(reduction))});
    }
  }
  // Nothing named, two classes, all of them, one of them twice; what stands behind -1 counts for nothing.
  const vector<vector<size_t>> named = {{}, {3, 1}, {0, 1, 2, 3}, {2, 2}};
  const auto lists = [] { return integers({-1, 2, 0, 1, 3, 1, -1, 2, 0, 1, 2, 3, 2, 2, -1, -1}, {4, 4}); };
  by_vector_row(rows, "multilabel_margin_loss", "", [=](const Tensors& x, Reduction r) { return multilabel_margin_loss(x[0], lists(), {.reduction = r}); }, {{{4, 4}}},
                [=](const vector<Values>& v, int64_t n) {
                  const vector<size_t>& own = named[static_cast<size_t>(n)];
                  double s = 0;
                  for (size_t y : own) {
                    for (size_t i = 0; i < 4; ++i) if (std::find(own.begin(), own.end(), i) == own.end()) s += positive(1 - v[0][y] + v[0][i]);
                  }
                  return s / 4;
                });
  by_vector_row(rows, "multilabel_margin_loss", "single", [=](const Tensors& x, Reduction r) { return multilabel_margin_loss(x[0], lists()[1], {.reduction = r}); }, {{{4}}},
                [](const vector<Values>& v, int64_t) {
                  double s = 0;
                  for (size_t y : {3, 1}) for (size_t i : {0, 2}) s += positive(1 - v[0][y] + v[0][i]);
                  return s / 4;
                });
  const auto soft = [](double x, double t) { return t * std::log(1 + std::exp(-x)) + (1 - t) * std::log(1 + std::exp(x)); };
  by_vector_row(rows, "multilabel_soft_margin_loss", "", [](const Tensors& x, Reduction r) { return multilabel_soft_margin_loss(x[0], x[1], {.reduction = r}); }, {{{3, 4}, {3, 4}}, {{4}, {4}}, {{2, 2, 3}, {2, 2, 3}}},
                [=](const vector<Values>& v, int64_t) {
                  double s = 0;
                  for (size_t i = 0; i < v[0].size(); ++i) s += soft(v[0][i], v[1][i]);
                  return s / static_cast<double>(v[0].size());
                });
  rows.push_back({.name = "multilabel_soft_margin_loss", .fn = [](const Tensors& x) { return multilabel_soft_margin_loss(x[0], x[1], {.weight = x[2], .reduction = Reduction::None}); }, .shapes = {{{3, 4}, {3, 4}, {4}}},
                  .reference = [=](const Tensors& x) {
                    return build({3}, [&](const Index& n) {
                      double s = 0;
                      for (int64_t i = 0; i < 4; ++i) s += soft(at(x[0], {n[0], i}), at(x[1], {n[0], i})) * at(x[2], {i});
                      return s / 4;
                    });
                  }, .note = "weight"});
}

}  // namespace

void loss_margin_rows(Rows& rows) {
  pair_rows(rows);
  class_rows(rows);
}

// clang-format on

}  // namespace reel::testing
