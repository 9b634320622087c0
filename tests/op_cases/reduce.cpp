// The operations of ops/reduce.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {

using std::vector;

namespace {

using Reduce = std::function<Tensor(const Tensor& x, const Dims& dims, bool keepdim)>;
using OfValues = std::function<double(const Values&)>;

const double kInf = std::numeric_limits<double>::infinity(), kNan = std::nan("");

// f of the elements over `dims` (none: all), in row-major order.
OpCase over(std::string name, Reduce fn, OfValues f, Dims dims, bool keepdim, vector<vector<Shape>> shapes) {
  const auto reference = [f, dims, keepdim](const Tensors& x) {
    const Shape& full = x[0].shape();
    vector<bool> reduced(full.size(), dims.empty());
    for (int d : dims) reduced.at(static_cast<size_t>(d < 0 ? d + full.rank() : d)) = true;
    Shape kept, result;
    for (int d = 0; d < full.rank(); ++d) {
      const bool gone = reduced[static_cast<size_t>(d)];
      kept.push_back(gone ? 1 : full[d]);
      if (!gone || keepdim) result.push_back(gone ? 1 : full[d]);
    }
    vector<Values> groups(static_cast<size_t>(kept.numel()));
    for (int64_t n = 0; n < full.numel(); ++n) {
      Index index = unflat(full, n), group = index;
      for (size_t d = 0; d < group.size(); ++d) group[d] = reduced[d] ? 0 : group[d];
      groups.at(static_cast<size_t>(flat(kept, group))).push_back(at(x[0], index));
    }
    return build(result, [&](const Index& i) { return f(groups[static_cast<size_t>(flat(result, i))]); });
  };
  std::string note = "over" + std::string(keepdim ? "keep" : "");
  for (int d : dims) note += "_" + std::to_string(d);
  return {.name = std::move(name), .fn = [fn, dims, keepdim](const Tensors& x) { return fn(x[0], dims, keepdim); },
          .shapes = std::move(shapes), .reference = reference, .note = std::move(note)};
}

double mean_of(const Values& v) { return sum_of(v) / static_cast<double>(v.size()); }
double prod_of(const Values& v) {
  double p = 1;
  for (double value : v) p *= value;
  return p;
}
double squares_of(const Values& v) {
  double s = 0;
  for (double value : v) s += (value - mean_of(v)) * (value - mean_of(v));
  return s;
}
double var_of(const Values& v) { return squares_of(v) / (static_cast<double>(v.size()) - 1); }
double biased_of(const Values& v) { return squares_of(v) / static_cast<double>(v.size()); }
double median_of(Values v) {
  std::sort(v.begin(), v.end());
  return v[(v.size() - 1) / 2];
}
double place_of(const Values& v, double value) { return static_cast<double>(std::find(v.begin(), v.end(), value) - v.begin()); }
double norm_of(const Values& v, double p) {
  double s = 0, most = 0, least = kInf;
  for (double value : v) {
    s += p == 0 ? value != 0 : std::pow(std::fabs(value), p);
    most = std::max(most, std::fabs(value));
    least = std::min(least, std::fabs(value));
  }
  return p == kInf ? most : p == -kInf ? least : p == 0 ? s : std::pow(s, 1 / p);
}
Values below_one(const Values& v) {
  Values few;
  std::copy_if(v.begin(), v.end(), std::back_inserter(few), [](double value) { return value < 1; });
  return few;
}
Tensor holes(const Tensor& x) { return where(x < 1, x, kNan); }
Tensor unlike(const Tensor& x) { return (x * 2).to(kInt64); }  // with equal elements and zeros

// clang-format off

const vector<vector<Shape>> kSome = {{{2, 3}}, {{37}}, {{4, 19}}, {{2, 3, 5}}};
const vector<vector<Shape>> kTwo = {{{3, 4}}, {{2, 3, 5}}, {{4, 19}}};
const vector<vector<Shape>> kThree = {{{2, 3, 4}}, {{3, 1, 2}}};

// Rows of a reduction over all dims, one dim, and several.
void reducing(Rows& rows, const char* name, const Reduce& fn, const OfValues& f, const std::function<void(OpCase&)>& with = {}) {
  const size_t before = rows.size();
  rows.push_back(over(name, fn, f, {}, false, kSome));
  rows.push_back(over(name, fn, f, {}, true, {{{2, 3}}}));
  for (const int dim : {0, 1, -1}) rows.push_back(over(name, fn, f, dim, dim == 1, kTwo));
  for (const Dims& dims : {Dims{0, 2}, Dims{-1, -2}, Dims{0, 1, 2}}) rows.push_back(over(name, fn, f, dims, dims.size() == 3, kThree));
  for (size_t i = before; with && i < rows.size(); ++i) with(rows[i]);
}

// The same of those that take all or one dim.
void reducing_one(Rows& rows, const char* name, const std::function<Tensor(const Tensor&)>& whole, const std::function<Tensor(const Tensor&, int, bool)>& along,
                  const OfValues& f, bool differentiable = true) {
  const size_t before = rows.size();
  const auto fn = [=](const Tensor& x, const Dims& dims, bool keepdim) { return dims.empty() ? whole(x) : along(x, dims[0], keepdim); };
  if (whole) rows.push_back(over(name, fn, f, {}, false, {{{2, 3}}, {{37}}, {{}}, {{4, 19}}}));
  for (const int dim : {0, 1, -1}) {
    for (const bool keepdim : {false, true}) rows.push_back(over(name, fn, f, dim, keepdim, kTwo));
  }
  for (size_t i = before; i < rows.size(); ++i) rows[i].differentiable = differentiable;
}

void sum_rows(Rows& rows) {
  reducing(rows, "sum", [](auto& x, auto& d, bool k) { return sum(x, d, {.keepdim = k}); }, sum_of);
  reducing(rows, "mean", [](auto& x, auto& d, bool k) { return mean(x, d, {.keepdim = k}); }, mean_of);
  reducing(rows, "nansum", [](auto& x, auto& d, bool k) { return nansum(holes(x), d, {.keepdim = k}); }, [](const Values& v) { return sum_of(below_one(v)); });
  reducing(rows, "nanmean", [](auto& x, auto& d, bool k) { return nanmean(holes(x), d, {.keepdim = k}); }, [](const Values& v) { return mean_of(below_one(v)); },
           [](OpCase& row) { row.high = 1.1; });
  rows.push_back(over("sum", [](auto& x, auto& d, bool) { return sum(x, d); }, sum_of, 1, false, {{{2, 0}}, {{0, 2}}}));
  rows.push_back(over("sum", [](auto& x, auto& d, bool) { return sum(x, d); }, sum_of, {}, false, {{{}}, {{0, 2}}}));
  rows.push_back(over("sum", [](auto& x, auto&, bool) { return x.transpose(0, 1).sum({0, 2}); }, sum_of, {1, 2}, false, {{{2, 3, 4}}}));
  rows.push_back(over("mean", [](auto& x, auto&, bool) { return mean(x, 0); }, sum_of, {}, false, {{{}}}));
  rows.push_back(over("sum_to", [](auto& x, auto&, bool) { return sum_to(x, {3, 1}); }, sum_of, {0, 2}, true, {{{2, 3, 4}}}));
  rows.back().reference = [](const Tensors& x) {
    return build({3, 1}, [&](const Index& j) {
      double s = 0;
      for (int64_t i = 0; i < 2; ++i) for (int64_t k = 0; k < 4; ++k) s += at(x[0], {i, j[0], k});
      return s;
    });
  };
}

void prod_rows(Rows& rows) {
  reducing_one(rows, "prod", [](auto& x) { return prod(x); }, [](auto& x, int d, bool k) { return prod(x, d, {.keepdim = k}); }, prod_of);
  rows.push_back(over("prod", [](auto& x, auto& d, bool) { return prod(x, d[0]); }, prod_of, 1, false, {{{2, 0}}, {{0, 2}}, {{3, 1}}}));
  // At one zero, and at two: the inputs are all 0.
  for (const vector<double>& at : {vector<double>{1.5, 0, -2, 3}, vector<double>{1.5, 0, 0, 3}, vector<double>{0, 2, 3, 0}, vector<double>{0, 0, 0, 1}}) {
    const auto moved = [at](const Tensor& x) { return x + from_vector(at, {4}).to(x.dtype()); };
    const auto f = [at](const Values& v) {
      double p = 1;
      for (size_t i = 0; i < 4; ++i) p *= at[i] + v[i];
      return p;
    };
    const auto all_zero = [](OpCase row, std::string note) {
      row.low = row.high = 0;
      row.note += note;
      return row;
    };
    rows.push_back(all_zero(over("prod", [=](auto& x, auto&, bool) { return prod(moved(x)); }, f, {}, false, {{{4}}}), "zeros"));
    rows.push_back(all_zero(over("prod", [=](auto& x, auto&, bool) { return prod(moved(x), -1, {.keepdim = true}); }, f, 1, true, {{{2, 4}}}), "zeros"));
  }
}

void moment_rows(Rows& rows) {
  const auto root = [](OfValues f) { return [f](const Values& v) { return std::sqrt(f(v)); }; };
  const auto and_mean = [](OfValues f) { return [f](const Values& v) { return f(v) + 3 * mean_of(v); }; };
  for (const bool unbiased : {true, false}) {
    const OfValues f = unbiased ? var_of : biased_of;
    // One element has no spread: PyTorch's NaN is in reduce_test.
    const auto with = [](OpCase& row) { row.shapes.erase(std::remove(row.shapes.begin(), row.shapes.end(), vector<Shape>{{3, 1, 2}}), row.shapes.end()); };
    reducing(rows, "var", [=](auto& x, auto& d, bool k) { return var(x, d, {.unbiased = unbiased, .keepdim = k}); }, f, with);
    reducing(rows, "std", [=](auto& x, auto& d, bool k) { return reel::std(x, d, {.unbiased = unbiased, .keepdim = k}); }, root(f), with);
    reducing(rows, "var_mean", [=](auto& x, auto& d, bool k) {
      const auto [var, mean] = var_mean(x, d, {.unbiased = unbiased, .keepdim = k});
      return var + mean * 3;
    }, and_mean(f), with);
    reducing(rows, "std_mean", [=](auto& x, auto& d, bool k) {
      const auto [deviation, mean] = std_mean(x, d, {.unbiased = unbiased, .keepdim = k});
      return deviation + mean * 3;
    }, and_mean(root(f)), with);
  }
  rows.push_back(over("var", [](auto& x, auto&, bool) { return var(x, {}, {.unbiased = false}); }, biased_of, {}, false, {{{}}, {{1}}}));
  const auto by_n_less_2 = [](const Values& v) { return biased_of(v) * static_cast<double>(v.size()) / static_cast<double>(v.size() - 2); };
  for (const bool keepdim : {false, true}) {
    rows.push_back(over("var", [](auto& x, auto& d, bool k) { return var(x, d, {.correction = 2, .keepdim = k}); }, by_n_less_2, 1, keepdim, {{{2, 5}}}));
    rows.back().note += "correction";
    rows.push_back(over("std", [](auto& x, auto& d, bool k) { return reel::std(x, d, {.correction = 2, .keepdim = k}); }, root(by_n_less_2), 1, keepdim, {{{2, 5}}}));
    rows.back().note += "correction";
  }
  for (const int dim : {0, 1}) {
    const auto integral = [=](const Tensors& x, const std::function<double(Index, Index)>& step) {
      Shape shape = x[0].shape();
      shape.erase(dim);
      return build(shape, [&](Index i) {
        i.insert(i.begin() + dim, 0);
        double s = 0;
        for (int64_t k = 0; k + 1 < x[0].size(dim); ++k) {
          Index j = i;
          i[static_cast<size_t>(dim)] = k, j[static_cast<size_t>(dim)] = k + 1;
          s += (at(x[0], i) + at(x[0], j)) / 2 * step(i, j);
        }
        return s;
      });
    };
    const std::string note = "dim" + std::to_string(dim);
    rows.push_back({.name = "trapezoid", .fn = [=](const Tensors& x) { return trapezoid(x[0], 0.25, dim); }, .shapes = {{{3, 4}}, {{1, 1}}, {{0, 4}}},
                    .reference = [=](const Tensors& x) { return integral(x, [](const Index&, const Index&) { return 0.25; }); }, .note = note});
    rows.push_back({.name = "trapezoid", .fn = [=](const Tensors& x) { return trapezoid(x[0], x[1], dim); }, .shapes = {{{3, 3}, {3}}},
                    .reference = [=](const Tensors& x) {
                      const auto d = static_cast<size_t>(dim);
                      return integral(x, [&](const Index& i, const Index& j) { return at(x[1], {j[d]}) - at(x[1], {i[d]}); });
                    }, .note = note + "places"});
    rows.push_back({.name = "trapezoid", .fn = [=](const Tensors& x) { return trapezoid(x[0], x[1], dim - 2); }, .shapes = {{{3, 4}, {3, 4}}},
                    .reference = [=](const Tensors& x) { return integral(x, [&](const Index& i, const Index& j) { return at(x[1], j) - at(x[1], i); }); }, .note = note + "grid"});
  }
}

void norm_rows(Rows& rows) {
  reducing(rows, "logsumexp", [](auto& x, auto& d, bool k) { return logsumexp(x, d, {.keepdim = k}); }, log_sum_exp);
  for (const double p : {0., 1., 2., 3., 4., 2.5, 1.5, 0.5, -1., -2., kInf, -kInf}) {
    reducing(rows, "norm", [p](auto& x, auto& d, bool k) { return norm(x, p, d, {.keepdim = k}); }, [p](const Values& v) { return norm_of(v, p); },
             [p](OpCase& row) {
               row.note += "_p" + std::to_string(p);
               if (p < 2) row.low = 0.5;
             });
  }
  rows.push_back(over("norm", [](auto& x, auto&, bool) { return norm(x); }, [](const Values& v) { return norm_of(v, 2); }, {}, false, {{{}}, {{3, 5}}}));
}

void extremum_rows(Rows& rows) {
  const OfValues place_of_max = [](const Values& v) { return place_of(v, max_of(v)); }, place_of_min = [](const Values& v) { return place_of(v, min_of(v)); };
  reducing(rows, "amax", [](auto& x, auto& d, bool k) { return amax(x, d, {.keepdim = k}); }, max_of);
  reducing(rows, "amin", [](auto& x, auto& d, bool k) { return amin(x, d, {.keepdim = k}); }, min_of);
  const auto both = [](const MinAndMax& v) { return v.min + v.max * 3; };
  reducing_one(rows, "aminmax", [=](auto& x) { return both(aminmax(x)); }, [=](auto& x, int d, bool k) { return both(aminmax(x, d, {.keepdim = k})); },
               [](const Values& v) { return min_of(v) + 3 * max_of(v); });
  rows.push_back(over("aminmax", [=](auto& x, auto&, bool) { return both(aminmax(x, {.keepdim = true})); }, [](const Values& v) { return min_of(v) + 3 * max_of(v); }, {}, true, {{{2, 3}}}));
  reducing_one(rows, "max", [](auto& x) { return max(x); }, [](auto& x, int d, bool k) { return max(x, d, {.keepdim = k}).values; }, max_of);
  reducing_one(rows, "min", [](auto& x) { return min(x); }, [](auto& x, int d, bool k) { return min(x, d, {.keepdim = k}).values; }, min_of);
  reducing_one(rows, "max", {}, [](auto& x, int d, bool k) { return max(x, d, {.keepdim = k}).indices; }, place_of_max, false);
  reducing_one(rows, "min", {}, [](auto& x, int d, bool k) { return min(x, d, {.keepdim = k}).indices; }, place_of_min, false);
  reducing_one(rows, "argmax", [](auto& x) { return argmax(x); }, [](auto& x, int d, bool k) { return argmax(x, d, {.keepdim = k}); }, place_of_max, false);
  reducing_one(rows, "argmin", [](auto& x) { return argmin(x); }, [](auto& x, int d, bool k) { return argmin(x, d, {.keepdim = k}); }, place_of_min, false);
  rows.push_back(over("argmax", [](auto& x, auto&, bool) { return argmax(x, {.keepdim = true}); }, place_of_max, {}, true, {{{2, 3}}, {{}}}));
  rows.back().differentiable = false;
  rows.push_back(over("argmin", [](auto& x, auto&, bool) { return argmin(x, {.keepdim = true}); }, place_of_min, {}, true, {{{2, 3}}, {{}}}));
  rows.back().differentiable = false;
}

void order_rows(Rows& rows) {
  const auto place_of_median = [](const Values& v) { return place_of(v, median_of(v)); };
  const auto nanmedian_of = [](const Values& v) { return median_of(below_one(v)); };
  reducing_one(rows, "median", [](auto& x) { return median(x); }, [](auto& x, int d, bool k) { return median(x, d, {.keepdim = k}).values; }, median_of);
  reducing_one(rows, "median", {}, [](auto& x, int d, bool k) { return median(x, d, {.keepdim = k}).indices; }, place_of_median, false);
  const auto few = [](const Tensor& x) { return holes(x - 0.7); };  // below 1 where x is below 1.7
  const auto few_of = [=](const Values& v) {
    Values less = v;
    for (double& value : less) value -= 0.7;
    return nanmedian_of(less);
  };
  reducing_one(rows, "nanmedian", [=](auto& x) { return nanmedian(x - 0.7); }, [=](auto& x, int d, bool k) { return nanmedian(x - 0.7, d, {.keepdim = k}).values; },
               [](const Values& v) { return median_of(v) - 0.7; });
  rows.push_back(over("nanmedian", [=](auto& x, auto&, bool) { return nanmedian(few(x)); }, few_of, {}, false, {{{4, 19}}, {{37}}}));
  rows.push_back(over("nanmedian", [=](auto& x, auto&, bool) { return nanmedian(few(x), 1).values; }, few_of, 1, false, {{{4, 19}}}));
  // Of different elements each occurs once: the smallest is the mode.
  reducing_one(rows, "mode", {}, [](auto& x, int d, bool k) { return mode(x, d, {.keepdim = k}).values; }, min_of);
  const auto mode_of = [](const Values& v) {
    double best = 0;
    int64_t most = 0;
    for (int value = -4; value <= 4; ++value) {
      const auto count = std::count_if(v.begin(), v.end(), [&](double x) { return static_cast<int>(x * 2) == value; });
      if (count > most) most = count, best = value;
    }
    return best;
  };
  reducing_one(rows, "mode", {}, [](auto& x, int d, bool k) { return mode(unlike(x), d, {.keepdim = k}).values; }, mode_of, false);
}

void truth_rows(Rows& rows) {
  const auto zero = [](double v) { return static_cast<int>(v * 2) == 0; };
  const auto plain = [](OpCase& row) { row.differentiable = false; };
  reducing(rows, "all", [](auto& x, auto& d, bool k) { return all(unlike(x), d, {.keepdim = k}); },
           [=](const Values& v) -> double { return std::none_of(v.begin(), v.end(), zero); }, plain);
  reducing(rows, "any", [](auto& x, auto& d, bool k) { return any(unlike(x), d, {.keepdim = k}); },
           [=](const Values& v) -> double { return !std::all_of(v.begin(), v.end(), zero); }, [=](OpCase& row) { plain(row), row.low = -0.6, row.high = 0.6; });
  for (const Dims& dims : {Dims{}, Dims{0}, Dims{-1}}) {
    rows.push_back(over("count_nonzero", [](auto& x, auto& d, bool) { return count_nonzero(unlike(x), d); },
                        [=](const Values& v) { return static_cast<double>(v.size()) - static_cast<double>(std::count_if(v.begin(), v.end(), zero)); }, dims, false,
                        {{{2, 3}}, {{4, 19}}, {{2, 0}}, {{2, 3, 5}}}));
    rows.back().differentiable = false;
  }
}

}  // namespace

void reduce_rows(Rows& rows) {
  sum_rows(rows);
  prod_rows(rows);
  moment_rows(rows);
  norm_rows(rows);
  extremum_rows(rows);
  order_rows(rows);
  truth_rows(rows);
}

// clang-format on

}  // namespace reel::testing
