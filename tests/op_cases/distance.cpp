// The operations of ops/distance.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

namespace {

// One element of x as if it were expanded to `shape`.
double expanded(const Tensor& x, Index i) {
  i.erase(i.begin(), i.end() - x.dim());
  for (int d = 0; d < x.dim(); ++d) {
    if (x.size(d) == 1) i[static_cast<size_t>(d)] = 0;
  }
  return at(x, i);
}

// f of the vectors of both along `dim` of the shape they broadcast to.
Tensor by_vector(const Tensors& x, int dim, bool keepdim,
                 const std::function<double(const Values&, const Values&)>& f) {
  const Shape whole = broadcast_shapes("reference", x[0].shape(), x[1].shape());
  const int d = dim < 0 ? dim + whole.rank() : dim;
  Shape shape = whole;
  keepdim ? void(shape[d] = 1) : shape.erase(d);
  return build(shape, [&](const Index& i) {
    Index place = i;
    if (!keepdim) place.insert(place.begin() + d, 0);
    Values a, b;
    for (int64_t k = 0; k < whole[d]; ++k) {
      place[static_cast<size_t>(d)] = k;
      a.push_back(expanded(x[0], place));
      b.push_back(expanded(x[1], place));
    }
    return f(a, b);
  });
}

double cosine(const Values& a, const Values& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return ab / std::max(std::sqrt(aa), 1e-8) / std::max(std::sqrt(bb), 1e-8);
}

double distance(const Values& a, const Values& b, double p) {
  Values d;
  for (size_t i = 0; i < a.size(); ++i) d.push_back(std::fabs(a[i] - b[i] + 1e-3));
  if (std::isinf(p)) return p > 0 ? max_of(d) : min_of(d);
  double s = 0;
  for (double each : d) s += p == 0 ? each != 0 : std::pow(each, p);
  return p == 0 ? s : std::pow(s, 1 / p);
}

}  // namespace

// clang-format off

void distance_rows(Rows& rows) {
  const auto similarity = [&](int dim, vector<vector<Shape>> shapes) {
    rows.push_back({.name = "cosine_similarity", .fn = [=](const Tensors& x) { return cosine_similarity(x[0], x[1], {.dim = dim}); }, .shapes = std::move(shapes),
                    .reference = [=](const Tensors& x) { return by_vector(x, dim, false, cosine); }, .note = fmt::format("dim{}", dim)});
  };
  similarity(1, {{{2, 3}, {2, 3}}, {{3, 1, 2}, {2, 2}}, {{2, 3, 2}, {2, 3, 2}}, {{2, 1}, {2, 3}}, {{0, 3}, {0, 3}}});
  similarity(-1, {{{4}, {4}}, {{3, 1, 4}, {2, 4}}, {{2, 4}, {4}}});
  similarity(0, {{{3, 2}, {3, 2}}, {{4}, {1}}});
  for (const double p : {2.0, 1.0, 3.0}) {
    rows.push_back({.name = "dist", .fn = [=](const Tensors& x) { return dist(x[0], x[1], p); }, .shapes = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{}, {}}},
                    .reference = [=](const Tensors& x) {
                      double s = 0;
                      build(broadcast_shapes("reference", x[0].shape(), x[1].shape()), [&](const Index& i) { return s += std::pow(std::fabs(expanded(x[0], i) - expanded(x[1], i)), p); });
                      return build({}, [&](const Index&) { return std::pow(s, 1 / p); });
                    }, .note = fmt::format("p{}", p)});
  }
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double p : {2.0, 1.0, 3.0, 1.5, 0.5, 0.0, infinity, -infinity}) {
    for (const bool keepdim : {false, true}) {
      rows.push_back({.name = "pairwise_distance", .fn = [=](const Tensors& x) { return pairwise_distance(x[0], x[1], {.p = p, .eps = 1e-3, .keepdim = keepdim}); },
                      .shapes = {{{3, 4}, {3, 4}}, {{4}, {4}}, {{2, 4}, {1, 4}}, {{2, 3, 2}, {2}}},
                      .reference = [=](const Tensors& x) { return by_vector(x, -1, keepdim, [p](const Values& a, const Values& b) { return distance(a, b, p); }); },
                      .note = fmt::format("p{}{}", p < 0 ? std::string("negative") : fmt::format("{}", p), keepdim ? "keep" : "")});
    }
  }
}

// clang-format on

}  // namespace reel::testing
