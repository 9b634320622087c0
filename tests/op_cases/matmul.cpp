// The operations of ops/matmul.h, a row a line, or as few as it takes.
#include "naive_linalg.h"
#include "op_cases.h"

#include <cmath>

namespace reel::testing {

using std::vector;

namespace {

// beta x + alpha y, x broadcast.
Tensor weighted(const Tensor& x, const Tensor& y, double beta, double alpha) {
  const Tensor whole = x.expand(y.shape());
  return build(y.shape(), [&](const Index& i) { return beta * at(whole, i) + alpha * at(y, i); });
}

double distance(const Tensor& a, const Tensor& b, const Index& at_a, const Index& at_b, double p) {
  double total = 0;
  Index i = at_a, j = at_b;
  i.push_back(0);
  j.push_back(0);
  for (int64_t k = 0; k < a.size(-1); ++k) {
    i.back() = j.back() = k;
    const double size = std::fabs(at(a, i) - at(b, j));
    total = std::isinf(p) ? std::max(total, size) : total + std::pow(size, p);
  }
  return std::isinf(p) ? total : std::pow(total, 1 / p);
}

}  // namespace

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
  // ---- products that are added
  const auto added = [&](std::string name, Tensor (*f)(const Tensor&, const Tensor&, const Tensor&, const BetaAlphaOptions&), Tensor (*product)(const Tensor&, const Tensor&), vector<vector<Shape>> shapes) {
    rows.push_back({.name = name, .fn = [f](const Tensors& x) { return f(x[0], x[1], x[2], {}); }, .shapes = shapes, .reference = [product](const Tensors& x) { return weighted(x[0], product(x[1], x[2]), 1, 1); }});
    rows.push_back({.name = name, .fn = [f](const Tensors& x) { return f(x[0], x[1], x[2], {.beta = 0.5, .alpha = -2}); }, .shapes = shapes,
                    .reference = [product](const Tensors& x) { return weighted(x[0], product(x[1], x[2]), 0.5, -2); }, .note = "weighted"});
    rows.push_back({.name = name, .fn = [f](const Tensors& x) { return f(x[0], x[1], x[2], {.beta = 0, .alpha = 3}); }, .shapes = {shapes[0]},
                    .reference = [product](const Tensors& x) { return weighted(x[0], product(x[1], x[2]), 0, 3); }, .note = "beta 0"});
  };
  const auto outer_product = [](const Tensor& a, const Tensor& b) { return naive_matmul(a.unsqueeze(1), b.unsqueeze(0)); };
  added("addmm", addmm, naive_matmul, {{{2, 4}, {2, 3}, {3, 4}}, {{4}, {2, 3}, {3, 4}}, {{}, {2, 3}, {3, 1}}, {{2, 1}, {2, 0}, {0, 4}}, {{1, 2}, {1, 3}, {3, 2}}, {{0, 2}, {0, 3}, {3, 2}}});
  added("baddbmm", baddbmm, naive_matmul, {{{2, 2, 4}, {2, 2, 3}, {2, 3, 4}}, {{2, 1}, {3, 2, 3}, {3, 3, 2}}, {{3, 1, 2}, {3, 2, 1}, {3, 1, 2}}});
  added("addbmm", addbmm, [](const Tensor& a, const Tensor& b) { return naive_matmul(a, b).sum(0); }, {{{2, 4}, {2, 2, 3}, {2, 3, 4}}, {{4}, {1, 2, 3}, {1, 3, 4}}});
  added("addmv", addmv, naive_matmul, {{{2}, {2, 3}, {3}}, {{}, {2, 3}, {3}}, {{1}, {2, 3}, {3}}});
  added("addr", addr, outer_product, {{{2, 3}, {2}, {3}}, {{3}, {2}, {3}}, {{}, {1}, {3}}});
  rows.push_back({.name = "addmm", .fn = [](const Tensors& x) { return x[0].addmm(x[1], x[2], {.beta = 2, .alpha = 3}); }, .shapes = {{{2, 4}, {2, 3}, {3, 4}}},
                  .reference = [](const Tensors& x) { return weighted(x[0], naive_matmul(x[1], x[2]), 2, 3); }, .note = "method",
                  .in_place = [](Tensor& y, const Tensors& x) -> Tensor& { return y.addmm_(x[1], x[2], {.beta = 2, .alpha = 3}); }});
  rows.push_back({.name = "addbmm", .fn = [](const Tensors& x) { return x[0].addbmm(x[1], x[2]); }, .shapes = {{{2, 4}, {2, 2, 3}, {2, 3, 4}}},
                  .reference = [](const Tensors& x) { return x[0] + naive_matmul(x[1], x[2]).sum(0); }, .note = "in place",
                  .in_place = [](Tensor& y, const Tensors& x) -> Tensor& { return y.addbmm_(x[1], x[2]); }});
  rows.push_back({.name = "addmv", .fn = [](const Tensors& x) { return x[0].addmv(x[1], x[2], {.alpha = 3}); }, .shapes = {{{2}, {2, 3}, {3}}},
                  .reference = [](const Tensors& x) { return x[0] + naive_matmul(x[1], x[2]) * 3; }, .note = "in place",
                  .in_place = [](Tensor& y, const Tensors& x) -> Tensor& { return y.addmv_(x[1], x[2], {.alpha = 3}); }});
  rows.push_back({.name = "addr", .fn = [](const Tensors& x) { return x[0].addr(x[1], x[2], {.beta = 2}); }, .shapes = {{{2, 3}, {2}, {3}}},
                  .reference = [=](const Tensors& x) { return x[0] * 2 + outer_product(x[1], x[2]); }, .note = "in place",
                  .in_place = [](Tensor& y, const Tensors& x) -> Tensor& { return y.addr_(x[1], x[2], {.beta = 2}); }});
  rows.push_back({.name = "baddbmm", .fn = [](const Tensors& x) { return x[0].baddbmm(x[1], x[2]); }, .shapes = {{{2, 2, 4}, {2, 2, 3}, {2, 3, 4}}},
                  .reference = [](const Tensors& x) { return weighted(x[0], naive_matmul(x[1], x[2]), 1, 1); }, .note = "method",
                  .in_place = [](Tensor& y, const Tensors& x) -> Tensor& { return y.baddbmm_(x[1], x[2]); }});
  // ---- products of other kinds
  rows.push_back({.name = "outer", .fn = [](const Tensors& x) { return outer(x[0], x[1]); }, .shapes = {{{3}, {2}}, {{0}, {2}}}, .reference = [=](const Tensors& x) { return outer_product(x[0], x[1]); }});
  rows.push_back({.name = "inner", .fn = [](const Tensors& x) { return inner(x[0], x[1]); }, .shapes = {{{2, 3}, {4, 3}}, {{2, 2, 3}, {4, 3}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1].t()); }});
  rows.push_back({.name = "inner", .fn = [](const Tensors& x) { return inner(x[0], x[1]); }, .shapes = {{{3}, {3}}}, .reference = [](const Tensors& x) { return naive_matmul(x[0], x[1]); }, .note = "vectors"});
  rows.push_back({.name = "inner", .fn = [](const Tensors& x) { return inner(x[0], x[1]); }, .shapes = {{{}, {2, 3}}}, .reference = [](const Tensors& x) { return x[1] * x[0].item<double>(); }, .note = "scalar"});
  const auto einsum_row = [&](std::string equation, vector<vector<Shape>> shapes, std::string plain = "") {
    rows.push_back({.name = "einsum", .fn = [=](const Tensors& x) { return einsum(equation, x); }, .shapes = std::move(shapes),
                    .reference = [=](const Tensors& x) { return naive::einsum(plain.empty() ? equation : plain, x); }, .note = equation});
  };
  einsum_row("ij,jk->ik", {{{2, 3}, {3, 4}}, {{2, 0}, {0, 4}}, {{2, 1}, {3, 4}}, {{2, 3}, {1, 4}}});
  einsum_row("bij,bjk->kib", {{{2, 2, 3}, {2, 3, 2}}, {{1, 2, 3}, {2, 3, 2}}});
  einsum_row("ii->", {{{3, 3}}});
  einsum_row("iij->ji", {{{2, 2, 3}}});
  einsum_row("iii->i", {{{2, 2, 2}}});
  einsum_row("abab->ba", {{{2, 3, 2, 3}}});
  einsum_row("ij->", {{{2, 3}}});
  einsum_row("ijk->kj", {{{2, 3, 2}}});
  einsum_row("->", {{{}}});
  einsum_row(",i->i", {{{}, {3}}});
  einsum_row("i,i->i", {{{3}, {3}}});
  einsum_row("i,j,k->kij", {{{2}, {3}, {2}}});
  einsum_row("ij,kl->jl", {{{2, 3}, {2, 2}}});
  einsum_row("bn,anm,bm->ba", {{{2, 3}, {2, 3, 2}, {2, 2}}});
  einsum_row("ijk,jil,kl->li", {{{2, 3, 2}, {3, 2, 2}, {2, 2}}});
  einsum_row("iij,jk->ik", {{{2, 2, 3}, {3, 2}}});
  einsum_row(" ij , jk -> ik ", {{{2, 3}, {3, 4}}}, "ij,jk->ik");
  einsum_row("ba,cb", {{{2, 3}, {4, 2}}}, "ba,cb->ac");
  einsum_row("aB,Bc", {{{2, 3}, {3, 2}}}, "aB,Bc->ac");
  einsum_row("bA", {{{2, 3}}}, "bA->Ab");
  einsum_row("...ij,...jk->...ik", {{{2, 2, 3}, {2, 3, 2}}, {{1, 2, 3}, {2, 3, 2}}}, "bij,bjk->bik");
  einsum_row("...ij,jk", {{{2, 2, 3}, {3, 2}}}, "bij,jk->bik");
  einsum_row("i...,i...", {{{2, 3}, {2, 3}}}, "ij,ij->j");
  einsum_row("i...->...i", {{{2, 3, 2}}}, "ijk->jki");
  einsum_row("...->", {{{2, 3}}}, "ij->");
  einsum_row("...,...", {{{2, 3}, {3}}}, "ij,j->ij");
  einsum_row("i...i->...i", {{{2, 3, 2}}}, "iji->ji");
  rows.push_back({.name = "tensordot", .fn = [](const Tensors& x) { return tensordot(x[0], x[1]); }, .shapes = {{{2, 3, 2}, {3, 2, 4}}}, .reference = [](const Tensors& x) { return naive::einsum("ijk,jkl->il", x); }});
  rows.push_back({.name = "tensordot", .fn = [](const Tensors& x) { return tensordot(x[0], x[1], 0); }, .shapes = {{{2}, {3, 2}}}, .reference = [](const Tensors& x) { return naive::einsum("i,jk->ijk", x); }, .note = "outer"});
  rows.push_back({.name = "tensordot", .fn = [](const Tensors& x) { return tensordot(x[0], x[1], {-1, 0}, {0, 2}); }, .shapes = {{{2, 3, 4}, {4, 3, 2}}, {{1, 3, 4}, {4, 3, 2}}, {{2, 3, 4}, {1, 3, 2}}},
                  .reference = [](const Tensors& x) { return naive::einsum("iak,kbi->ab", x); }, .note = "lists"});
  const auto kron_row = [&](std::string note, Shape a, Shape b, Shape y, std::function<double(const Tensors&, const Index&)> f) {
    rows.push_back({.name = "kron", .fn = [](const Tensors& x) { return kron(x[0], x[1]); }, .shapes = {{a, b}}, .reference = [=](const Tensors& x) { return build(y, [&](const Index& i) { return f(x, i); }); }, .note = std::move(note)});
  };
  kron_row("matrices", {2, 3}, {3, 2}, {6, 6}, [](const Tensors& x, const Index& i) { return at(x[0], {i[0] / 3, i[1] / 2}) * at(x[1], {i[0] % 3, i[1] % 2}); });
  kron_row("vector", {2}, {2, 3}, {2, 6}, [](const Tensors& x, const Index& i) { return at(x[0], {i[1] / 3}) * at(x[1], {i[0], i[1] % 3}); });
  kron_row("scalar", {}, {2}, {2}, [](const Tensors& x, const Index& i) { return at(x[0], {}) * at(x[1], i); });
  rows.push_back({.name = "trace", .fn = [](const Tensors& x) { return trace(x[0]); }, .shapes = {{{3, 3}}, {{2, 4}}, {{4, 2}}, {{0, 2}}},
                  .reference = [](const Tensors& x) { return build({}, [&](const Index&) { double s = 0; for (int64_t i = 0; i < std::min(x[0].size(0), x[0].size(1)); ++i) s += at(x[0], {i, i}); return s; }); }});
  rows.push_back({.name = "chain_matmul", .fn = [](const Tensors& x) { return chain_matmul(x); }, .shapes = {{{2, 3}, {3, 2}, {2, 4}}}, .reference = [](const Tensors& x) { return naive_matmul(naive_matmul(x[0], x[1]), x[2]); }});
  rows.push_back({.name = "chain_matmul", .fn = [](const Tensors& x) { return chain_matmul(x) * 1; }, .shapes = {{{2, 3}}}, .reference = [](const Tensors& x) { return x[0]; }, .note = "one"});
  for (const double p : {2.0, 1.0, 3.0, 0.5, 1.5, HUGE_VAL}) {
    rows.push_back({.name = "cdist", .fn = [p](const Tensors& x) { return cdist(x[0], x[1], p); }, .shapes = {{{2, 3}, {4, 3}}, {{2, 2, 3}, {2, 1, 3}}, {{1, 20}, {2, 20}}, {{2, 0}, {3, 0}}},
                    .reference = [p](const Tensors& x) {
                      Shape shape = x[0].shape();
                      shape[shape.rank() - 1] = x[1].size(-2);
                      return build(shape, [&](const Index& i) {
                        Index a(i.begin(), i.end() - 1), b(i.begin(), i.end() - 1);
                        b.back() = i.back();
                        return distance(x[0], x[1], a, b, p);
                      });
                    }, .note = "p" + std::to_string(p)});
  }
  rows.push_back({.name = "cdist", .fn = [](const Tensors& x) { return cdist(x[0], x[1]); }, .shapes = {{{3, 1, 2, 3}, {2, 2, 3}}},
                  .reference = [](const Tensors& x) { return build({3, 2, 2, 2}, [&](const Index& i) { return distance(x[0], x[1], {i[0], 0, i[2]}, {i[1], i[3]}, 2); }); }, .note = "batches"});
  rows.push_back({.name = "bilinear", .fn = [](const Tensors& x) { return bilinear(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor()); },
                  .shapes = {{{2, 3}, {2, 2}, {4, 3, 2}, {4}}, {{3}, {2}, {4, 3, 2}}, {{2, 1, 3}, {2, 1, 2}, {1, 3, 2}, {1}}, {{0, 3}, {0, 2}, {4, 3, 2}, {4}}},
                  .reference = [](const Tensors& x) {
                    Shape shape = x[0].shape();
                    shape[shape.rank() - 1] = x[2].size(0);
                    return build(shape, [&](const Index& i) {
                      Index a = i, b = i;
                      double s = x.size() > 3 ? at(x[3], {i.back()}) : 0;
                      for (a.back() = 0; a.back() < x[2].size(1); ++a.back())
                        for (b.back() = 0; b.back() < x[2].size(2); ++b.back()) s += at(x[0], a) * at(x[2], {i.back(), a.back(), b.back()}) * at(x[1], b);
                      return s;
                    });
                  }});
}

// clang-format on

}  // namespace reel::testing
