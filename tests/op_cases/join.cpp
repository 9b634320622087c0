// The operations of ops/join.h, a row a line, or as few as it takes.
#include "op_cases.h"

namespace reel::testing {
namespace {

// The pieces put together again, each times its number: what a piece is shows in all of them.
Tensor weighed(const Tensors& pieces, int dim) {
  Tensors products;
  for (size_t i = 0; i < pieces.size(); ++i)
    products.push_back(pieces[i] * static_cast<double>(i + 1));
  return cat(products, dim);
}

// What that gives for pieces of these sizes.
std::function<Tensor(const Tensors&)> weighed_reference(int dim, std::vector<int64_t> sizes) {
  return [dim, sizes](const Tensors& x) {
    return build(x[0].shape(), [&](const Index& i) {
      int64_t piece = 0;
      for (int64_t left = i[static_cast<size_t>(dim)]; left >= sizes[static_cast<size_t>(piece)];
           ++piece)
        left -= sizes[static_cast<size_t>(piece)];
      return at(x[0], i) * static_cast<double>(piece + 1);
    });
  };
}

}  // namespace

// clang-format off

void join_rows(Rows& rows) {
  rows.push_back({.name = "cat", .fn = [](const Tensors& x) { return cat(x, 1); }, .shapes = {{{2, 3}, {2, 1}}, {{2, 0}, {2, 2}}},
                  .reference = [](const Tensors& x) {
                    const int64_t n = x[0].size(1);
                    return build({2, n + x[1].size(1)}, [&](const Index& i) { return i[1] < n ? at(x[0], i) : at(x[1], {i[0], i[1] - n}); });
                  }});
  rows.push_back({.name = "cat", .fn = [](const Tensors& x) { return cat(x, -2); }, .shapes = {{{2, 3}, {0}, {1, 3}}},
                  .reference = [](const Tensors& x) { return build({3, 3}, [&](const Index& i) { return i[0] < 2 ? at(x[0], i) : at(x[2], {0, i[1]}); }); }, .note = "passed over"});
  rows.push_back({.name = "concat", .fn = [](const Tensors& x) { return concat({x[0], x[1]}, -1); }, .shapes = {{{3}, {2}}},
                  .reference = [](const Tensors& x) { return build({5}, [&](const Index& i) { return i[0] < 3 ? at(x[0], i) : at(x[1], {i[0] - 3}); }); }});
  rows.push_back({.name = "block_diag", .fn = [](const Tensors& x) { return block_diag(x); }, .shapes = {{{2, 3}, {2}, {}}},
                  .reference = [](const Tensors& x) {
                    return build({4, 6}, [&](const Index& i) {
                      if (i[0] < 2) return i[1] < 3 ? at(x[0], i) : 0;
                      if (i[0] == 2) return i[1] == 3 || i[1] == 4 ? at(x[1], {i[1] - 3}) : 0;
                      return i[1] == 5 ? at(x[2], {}) : 0;
                    });
                  }});
  rows.push_back({.name = "block_diag", .fn = [](const Tensors& x) { return block_diag(x); }, .shapes = {{{0, 2}, {1, 1}}},
                  .reference = [](const Tensors& x) { return build({1, 3}, [&](const Index& i) { return i[1] == 2 ? at(x[1], {0, 0}) : 0; }); }, .note = "no rows"});
  rows.push_back({.name = "cartesian_prod", .fn = [](const Tensors& x) { return cartesian_prod(x); }, .shapes = {{{2}, {3}, {2}}, {{2}, {0}, {3}}},
                  .reference = [](const Tensors& x) {
                    return build({x[0].numel() * x[1].numel() * x[2].numel(), 3}, [&](const Index& i) {
                      const Index places = unflat({x[0].numel(), x[1].numel(), x[2].numel()}, i[0]);
                      const auto k = static_cast<size_t>(i[1]);
                      return at(x[k], {places[k]});
                    });
                  }});
  rows.push_back({.name = "stack", .fn = [](const Tensors& x) { return stack(x, -1); }, .shapes = {{{2, 3}, {2, 3}}, {{}, {}}},
                  .reference = [](const Tensors& x) {
                    Shape shape = x[0].shape();
                    shape.push_back(2);
                    return build(shape, [&](Index i) { const auto k = static_cast<size_t>(i.back()); i.pop_back(); return at(x[k], i); });
                  }});
  rows.push_back({.name = "hstack", .fn = [](const Tensors& x) { return hstack(x); }, .shapes = {{{3}, {2}}, {{}, {2}}},
                  .reference = [](const Tensors& x) { const int64_t n = x[0].numel(); return build({n + 2}, [&](const Index& i) { return i[0] < n ? x[0].data<double>()[i[0]] : at(x[1], {i[0] - n}); }); }, .note = "rows"});
  rows.push_back({.name = "hstack", .fn = [](const Tensors& x) { return hstack(x); }, .shapes = {{{2, 3}, {2, 1}}},
                  .reference = [](const Tensors& x) { return build({2, 4}, [&](const Index& i) { return i[1] < 3 ? at(x[0], i) : at(x[1], {i[0], i[1] - 3}); }); }});
  rows.push_back({.name = "vstack", .fn = [](const Tensors& x) { return vstack(x); }, .shapes = {{{3}, {2, 3}}},
                  .reference = [](const Tensors& x) { return build({3, 3}, [&](const Index& i) { return i[0] == 0 ? at(x[0], {i[1]}) : at(x[1], {i[0] - 1, i[1]}); }); }});
  rows.push_back({.name = "dstack", .fn = [](const Tensors& x) { return dstack(x); }, .shapes = {{{2, 3}, {2, 3, 2}}},
                  .reference = [](const Tensors& x) { return build({2, 3, 3}, [&](const Index& i) { return i[2] == 0 ? at(x[0], {i[0], i[1]}) : at(x[1], {i[0], i[1], i[2] - 1}); }); }});
  rows.push_back({.name = "dstack", .fn = [](const Tensors& x) { return dstack(x); }, .shapes = {{{3}, {3}}},
                  .reference = [](const Tensors& x) { return build({1, 3, 2}, [&](const Index& i) { return at(x[static_cast<size_t>(i[2])], {i[1]}); }); }, .note = "rows"});

  rows.push_back({.name = "split", .fn = [](const Tensors& x) { return weighed(split(x[0], 2, 1), 1); }, .shapes = {{{2, 5}}, {{0, 5}}}, .reference = weighed_reference(1, {2, 2, 1})});
  rows.push_back({.name = "split", .fn = [](const Tensors& x) { return weighed(split(x[0], {1, 0, 3}, 0), 0); }, .shapes = {{{4, 2}}, {{4}}}, .reference = weighed_reference(0, {1, 0, 3}), .note = "sizes"});
  rows.push_back({.name = "split", .fn = [](const Tensors& x) { const auto y = split(x[0], 2); return y[1] * y[1]; }, .shapes = {{{5, 2}}},
                  .reference = [](const Tensors& x) { return build({2, 2}, [&](const Index& i) { const double v = at(x[0], {i[0] + 2, i[1]}); return v * v; }); }, .note = "one of them"});
  rows.push_back({.name = "chunk", .fn = [](const Tensors& x) { return weighed(chunk(x[0], 4, -1), -1); }, .shapes = {{{2, 6}}, {{1, 6}}}, .reference = weighed_reference(1, {2, 2, 2})});
  rows.push_back({.name = "chunk", .fn = [](const Tensors& x) { return weighed(chunk(x[0], 3), 0); }, .shapes = {{{0, 2}}}, .reference = weighed_reference(0, {0}), .note = "nothing"});
  rows.push_back({.name = "tensor_split", .fn = [](const Tensors& x) { return weighed(tensor_split(x[0], 4), 0); }, .shapes = {{{6, 2}}}, .reference = weighed_reference(0, {2, 2, 1, 1})});
  rows.push_back({.name = "tensor_split", .fn = [](const Tensors& x) { return weighed(tensor_split(x[0], {1, -2, 9}, 1), 1); }, .shapes = {{{2, 6}}}, .reference = weighed_reference(1, {1, 3, 2, 0}), .note = "indices"});
  rows.push_back({.name = "tensor_split", .fn = [](const Tensors& x) { return cat(tensor_split(x[0], {3, 1})); }, .shapes = {{{4, 2}}},
                  .reference = [](const Tensors& x) { return build({6, 2}, [&](const Index& i) { return at(x[0], {i[0] < 3 ? i[0] : i[0] - 2, i[1]}); }); }, .note = "overlapping"});
  rows.push_back({.name = "unbind", .fn = [](const Tensors& x) { const auto y = unbind(x[0], -1); return y[0] * y[2] - y[1]; }, .shapes = {{{2, 3}}, {{3}}, {{0, 3}}},
                  .reference = [](const Tensors& x) {
                    Shape shape = x[0].shape();
                    shape.erase(shape.rank() - 1);
                    return build(shape, [&](const Index& i) { const auto v = along(x[0], x[0].dim() - 1, i, false); return v[0] * v[2] - v[1]; });
                  }});
}

// clang-format on

}  // namespace reel::testing
