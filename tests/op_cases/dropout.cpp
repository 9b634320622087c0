// The operations of ops/dropout.h: with a generator of their own, so that each call draws the same.
#include "op_cases.h"

#include <cmath>
#include <map>

namespace reel::testing {
namespace {

using std::vector;
using Dropout = Tensor (*)(const Tensor&, const DropoutOptions&, Generator&);
using AlphaDropout = Tensor (*)(const Tensor&, const AlphaDropoutOptions&, Generator&);

constexpr double kP = 0.4, kAlpha = 1.7580993408473766;

// y = f(x, kept) where a draw below 1 - p, one for each element or each channel in row-major order,
// keeps it. `channels` is the number of leading dims that one draw is made for, 0 for all.
Tensor dropped(const Tensor& x, size_t channels, double (*f)(double x, bool kept)) {
  Generator own(3);
  std::map<Index, bool> kept;
  return build(x.shape(), [&](const Index& i) {
    Index channel = i;
    if (channels > 0) channel.resize(channels);
    if (!kept.count(channel)) kept[channel] = own.uniform<double>() < 1 - kP;
    return f(at(x, i), kept[channel]);
  });
}

double plain(double x, bool kept) { return kept ? x / (1 - kP) : 0; }

// Mean 0 and variance 1 stay: a (kept ? x : -alpha) + b.
double alpha(double x, bool kept) {
  const double a = 1 / std::sqrt((1 - kP) * (1 + kP * kAlpha * kAlpha));
  return a * (kept ? x : -kAlpha) + a * kP * kAlpha;
}

// clang-format off

OpCase row_of(const char* name, Dropout fn, vector<vector<Shape>> shapes, size_t channels, const char* note = "") {
  return {.name = name, .fn = [fn](const Tensors& x) { Generator own(3); return fn(x[0], {.p = kP}, own); }, .shapes = std::move(shapes),
          .reference = [channels](const Tensors& x) { return dropped(x[0], channels, plain); }, .note = note};
}

OpCase row_of(const char* name, AlphaDropout fn, vector<vector<Shape>> shapes, size_t channels) {
  return {.name = name, .fn = [fn](const Tensors& x) { Generator own(3); return fn(x[0], {.p = kP, .training = true}, own); }, .shapes = std::move(shapes),
          .reference = [channels](const Tensors& x) { return dropped(x[0], channels, alpha); }};
}

}  // namespace

void dropout_rows(Rows& rows) {
  rows.push_back(row_of("dropout", dropout, {{{4, 5}}, {{}}, {{0, 2}}, {{2, 3, 2}}}, 0));
  rows.push_back(row_of("dropout1d", dropout1d, {{{3, 4, 2}}, {{2, 0, 3}}}, 2));
  rows.push_back(row_of("dropout1d", dropout1d, {{{6, 2}}}, 1, "unbatched"));
  rows.push_back(row_of("dropout2d", dropout2d, {{{3, 4, 2, 2}}, {{3, 4, 2}}}, 2));
  rows.push_back(row_of("dropout3d", dropout3d, {{{3, 4, 2, 1, 2}}}, 2));
  rows.push_back(row_of("dropout3d", dropout3d, {{{6, 2, 1, 2}}}, 1, "unbatched"));
  rows.push_back(row_of("alpha_dropout", alpha_dropout, {{{4, 5}}, {{}}, {{0, 2}}, {{2, 3, 2}}}, 0));
  rows.push_back(row_of("feature_alpha_dropout", feature_alpha_dropout, {{{3, 4, 2}}, {{3, 4}}, {{2, 0, 3}}}, 2));
}

// clang-format on

}  // namespace reel::testing
