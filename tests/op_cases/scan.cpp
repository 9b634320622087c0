// The operations of ops/scan.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <algorithm>
#include <cmath>

namespace reel::testing {
namespace {

// clang-format off

// f of the elements up to and with each one along `dim`.
OpCase scanning(std::string name, std::function<Tensor(const Tensor&, int)> fn, double (*f)(const Values&), int dim,
                std::function<double(const Index&)> shift = {}) {
  return {.name = std::move(name), .fn = [=](const Tensors& x) { return fn(shift ? x[0] + build(x[0].shape(), shift).to(x[0].dtype()) : x[0], dim); },
          .shapes = shift ? std::vector<std::vector<Shape>>{{{2, 5}}, {{5, 2}}} : std::vector<std::vector<Shape>>{{{3, 4}}, {{2, 3, 5}}, {{4, 19}}, {{1, 1}}, {{0, 2}}},
          .reference = [=](const Tensors& x) {
            return build(x[0].shape(), [&](const Index& i) {
              const size_t d = static_cast<size_t>(dim < 0 ? dim + x[0].dim() : dim);
              Values before;
              for (Index j = i; (j[d] = static_cast<int64_t>(before.size())) <= i[d];) before.push_back(at(x[0], j) + (shift ? shift(j) : 0));
              return f(before);
            });
          }, .note = "dim" + std::to_string(dim)};
}

double prod_of(const Values& v) {
  double p = 1;
  for (double value : v) p *= value;
  return p;
}
double place_of_max(const Values& v) { return static_cast<double>(std::find(v.begin(), v.end(), max_of(v)) - v.begin()); }
double place_of_min(const Values& v) { return static_cast<double>(std::find(v.begin(), v.end(), min_of(v)) - v.begin()); }

OpCase single(std::string name, std::function<Tensor(const Tensor&)> fn) {
  return {.name = std::move(name), .fn = [fn](const Tensors& x) { return fn(x[0]); }, .shapes = {{{}}}, .scalar = [](const Values& v) { return v[0]; }, .note = "single"};
}

}  // namespace

void scan_rows(Rows& rows) {
  for (const int dim : {0, 1, -1, -2}) {
    rows.push_back(scanning("cumsum", [](const Tensor& x, int d) { return cumsum(x, d); }, sum_of, dim));
    rows.back().in_place = [dim](Tensor& y, const Tensors&) -> Tensor& { return y.cumsum_(dim); };
    rows.push_back(scanning("cumprod", [](const Tensor& x, int d) { return cumprod(x, d); }, prod_of, dim));
    rows.back().in_place = [dim](Tensor& y, const Tensors&) -> Tensor& { return y.cumprod_(dim); };
    rows.push_back(scanning("logcumsumexp", logcumsumexp, log_sum_exp, dim));
    rows.push_back(scanning("cummax", [](const Tensor& x, int d) { return cummax(x, d).values; }, max_of, dim));
    rows.push_back(scanning("cummin", [](const Tensor& x, int d) { return cummin(x, d).values; }, min_of, dim));
    rows.push_back(scanning("cummax", [](const Tensor& x, int d) { return cummax(x, d).indices; }, place_of_max, dim));
    rows.back().differentiable = false;
    rows.push_back(scanning("cummin", [](const Tensor& x, int d) { return cummin(x, d).indices; }, place_of_min, dim));
    rows.back().differentiable = false;
  }
  for (const int dim : {0, -1}) {
    for (const int64_t n : {0, 1, 2}) {
      rows.push_back({.name = "diff", .fn = [=](const Tensors& x) { return diff(x[0], n, dim); }, .shapes = {{{3, 4}}, {{5}}, {{2, 2, 3}}, {{0, 4}}},
                      .reference = [=](const Tensors& x) {
                        const int d = dim < 0 ? x[0].dim() - 1 : dim;
                        Shape shape = x[0].shape();
                        shape[d] = std::max<int64_t>(shape[d] - n, 0);
                        return build(shape, [&](const Index& i) {
                          const auto ahead = [&](int64_t k) { Index j = i; j[static_cast<size_t>(d)] += k; return at(x[0], j); };
                          return n == 0 ? ahead(0) : n == 1 ? ahead(1) - ahead(0) : ahead(2) - 2 * ahead(1) + ahead(0);
                        });
                      }, .note = fmt::format("dim{}_n{}", dim, n)});
    }
  }
  rows.push_back({.name = "diff", .fn = [](const Tensors& x) { return diff(x[0], 1, 0, x[1], x[2]); }, .shapes = {{{3}, {1}, {2}}},
                  .reference = [](const Tensors& x) {
                    const double v[] = {at(x[1], {0}), at(x[0], {0}), at(x[0], {1}), at(x[0], {2}), at(x[2], {0}), at(x[2], {1})};
                    return build({5}, [&](const Index& i) { return v[i[0] + 1] - v[i[0]]; });
                  }, .note = "joined"});
  rows.push_back({.name = "diff", .fn = [](const Tensors& x) { return diff(x[0] > 0, 1, 0); }, .shapes = {{{9}}},
                  .reference = [](const Tensors& x) { return build({8}, [&](const Index& i) { return (at(x[0], i) > 0) != (at(x[0], {i[0] + 1}) > 0); }); }, .note = "bools", .differentiable = false});
  // At zeros, one or two in a line: the inputs are all 0.
  for (const int zeros : {1, 2}) {
    for (const int dim : {0, 1}) {
      rows.push_back(scanning("cumprod", [](const Tensor& x, int d) { return cumprod(x, d); }, prod_of, dim, [=](const Index& i) {
        const int64_t k = i[static_cast<size_t>(dim)];
        return k == 1 || (zeros == 2 && k == 3) ? 0 : 1.5 - static_cast<double>(i[0] + 2 * i[1]);
      }));
      rows.back().low = rows.back().high = 0;
      rows.back().note += "zeros" + std::to_string(zeros);
    }
  }
  rows.push_back(single("cumsum", [](const Tensor& x) { return cumsum(x, 0); }));
  rows.push_back(single("cumprod", [](const Tensor& x) { return cumprod(x, -1); }));
  rows.push_back(single("logcumsumexp", [](const Tensor& x) { return logcumsumexp(x, 0); }));
  rows.push_back(single("cummax", [](const Tensor& x) { return cummax(x, 0).values; }));
}

// clang-format on

}  // namespace reel::testing
