// The operations of ops/matmul.h, a row a line, or as few as it takes.
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

// clang-format off

void matmul_rows(Rows& rows) {
  rows.push_back({.name = "matmul", .fn = [](const Tensors& x) { return matmul(x[0], x[1]); },
                  .shapes = {{{3}, {3}}, {{2, 3}, {3}}, {{3}, {3, 2}}, {{2, 3}, {3, 4}}, {{2, 2, 3}, {3, 2}}, {{2, 3}, {2, 3, 2}},
                             {{2, 1, 2, 3}, {3, 3, 2}}, {{3}, {2, 3, 2}}, {{2, 2, 3}, {3}}, {{0, 3}, {3, 2}}, {{2, 0}, {0, 2}}},
                  .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "matmul", .fn = [](const Tensors& x) { return matmul(x[0].t(), x[1].t()); }, .shapes = {{{3, 2}, {4, 3}}},
                  .reference = [](const Tensors& x) { return naive_matmul(x[0].t(), x[1].t()); }, .note = "transposed"});
  rows.push_back({.name = "linear", .fn = [](const Tensors& x) { return linear(x[0], x[1], x[2]); }, .shapes = {{{2, 3}, {4, 3}, {4}}, {{3}, {4, 3}, {4}}, {{2, 2, 3}, {1, 3}, {1}}},
                  .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1].t()) + x[2]; }});
  rows.push_back({.name = "mm", .fn = [](const Tensors& x) { return mm(x[0], x[1]); }, .shapes = {{{2, 3}, {3, 4}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "mv", .fn = [](const Tensors& x) { return mv(x[0], x[1]); }, .shapes = {{{2, 3}, {3}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "dot", .fn = [](const Tensors& x) { return dot(x[0], x[1]); }, .shapes = {{{3}, {3}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
  rows.push_back({.name = "bmm", .fn = [](const Tensors& x) { return bmm(x[0], x[1]); }, .shapes = {{{2, 2, 3}, {2, 3, 2}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }});
}

// clang-format on

}  // namespace reel::testing
