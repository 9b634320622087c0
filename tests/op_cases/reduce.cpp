// The operations of ops/reduce.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

void reduce_rows(Rows& rows) {
  const vector<vector<Shape>> some = {{{2, 3}}, {{}}, {{37}}};
  const vector<vector<Shape>> with_dims = {{{3, 4}}, {{2, 3, 5}}, {{4, 19}}};
  const auto mean_of = [](const Values& v) { return sum_of(v) / static_cast<double>(v.size()); };
  rows.push_back(whole("sum", [](const Tensor& x) { return sum(x); }, sum_of, {{{2, 3}}, {{}}, {{37}}, {{0, 2}}}));
  rows.push_back(whole("mean", [](const Tensor& x) { return mean(x); }, mean_of, some));
  rows.push_back(whole("max", [](const Tensor& x) { return max(x); }, max_of, some));
  rows.push_back(whole("min", [](const Tensor& x) { return min(x); }, min_of, some));
  rows.push_back(whole("amax", [](const Tensor& x) { return amax(x); }, max_of, some));
  rows.push_back(whole("amin", [](const Tensor& x) { return amin(x); }, min_of, some));
  for (const int dim : {0, 1, -1}) {
    for (const bool keepdim : {false, true}) {
      const auto with = [&](const char* name, std::function<Tensor(const Tensor&)> fn, double (*f)(const Values&)) {
        rows.push_back(along_dim(name, std::move(fn), f, dim, keepdim, with_dims));
      };
      with("sum", [=](const Tensor& x) { return sum(x, dim, {.keepdim = keepdim}); }, sum_of);
      with("mean", [=](const Tensor& x) { return mean(x, dim, {.keepdim = keepdim}); }, mean_of);
      with("amax", [=](const Tensor& x) { return amax(x, dim, {.keepdim = keepdim}); }, max_of);
      with("amin", [=](const Tensor& x) { return amin(x, dim, {.keepdim = keepdim}); }, min_of);
      with("max", [=](const Tensor& x) { return max(x, dim, {.keepdim = keepdim}).values; }, max_of);
      with("min", [=](const Tensor& x) { return min(x, dim, {.keepdim = keepdim}).values; }, min_of);
    }
  }
  rows.push_back({.name = "sum", .fn = [](const Tensors& x) { return sum(x[0], {0, 2}); }, .shapes = {{{2, 3, 4}}, {{2, 3, 0}}},
                  .reference = [](const Tensors& x) {
                    return build({3}, [&](const Index& j) {
                      double s = 0;
                      for (int64_t i = 0; i < 2; ++i) for (int64_t k = 0; k < x[0].size(2); ++k) s += at(x[0], {i, j[0], k});
                      return s;
                    });
                  }, .note = "dims"});
  rows.push_back({.name = "sum_to", .fn = [](const Tensors& x) { return sum_to(x[0], {3, 1}); }, .shapes = {{{2, 3, 4}}},
                  .reference = [](const Tensors& x) {
                    return build({3, 1}, [&](const Index& j) {
                      double s = 0;
                      for (int64_t i = 0; i < 2; ++i) for (int64_t k = 0; k < 4; ++k) s += at(x[0], {i, j[0], k});
                      return s;
                    });
                  }});
}

// clang-format on

}  // namespace reel::testing
