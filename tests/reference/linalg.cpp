// linalg.json: products, decompositions, norms.
#include "reference.h"

namespace reel::testing {
namespace {

using linalg::NormOrder;

// A number, a name, or nothing.
std::optional<NormOrder> order(const Args& args) {
  if (!args.has("ord")) return {};
  const nlohmann::json& ord = args.json("ord");
  if (!ord.is_string()) return NormOrder(ord.get<double>());
  const std::string text = ord.get<std::string>();
  if (text == "fro") return NormOrder("fro");
  if (text == "nuc") return NormOrder("nuc");
  return NormOrder(args.number("ord"));
}

BetaAlphaOptions factors(const Args& args) {
  BetaAlphaOptions options;
  if (args.has("beta")) options.beta = args.scalar("beta");
  if (args.has("alpha")) options.alpha = args.scalar("alpha");
  return options;
}

template <class F>
Call added(F f) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x.at(0), x.at(1), x.at(2), factors(args))};
  };
}

Tensors tensordot_call(const Tensors& x, const Args& args) {
  const nlohmann::json& dims = args.json("dims");
  if (!dims.is_array()) return {tensordot(x.at(0), x.at(1), dims.get<int>())};
  const auto list = [&](size_t i) { return Dims(dims.at(i).get<std::vector<int>>()); };
  return {tensordot(x.at(0), x.at(1), list(0), list(1))};
}

// Q and R with the signs that make the diagonal of R positive.
Tensors qr_positive(const Tensors& x, const Args&) {
  const linalg::Qr y = linalg::qr(x.at(0));
  const Tensor signs = sign((y.R * eye(y.R.size(-1), {.dtype = y.R.dtype()})).sum(-1)).detach();
  return {y.Q * signs.unsqueeze(-2), y.R * signs.unsqueeze(-1)};
}

}  // namespace

Family linalg_family() {
  Family family;
  family.calls = {
      {"matmul", two(matmul)},
      {"mm", two(mm)},
      {"mv", two(mv)},
      {"dot", two(dot)},
      {"bmm", two(bmm)},
      {"outer", two(outer)},
      {"kron", two(kron)},
      {"trace", one(trace)},
      {"inverse", one(inverse)},
      {"det", one(det)},
      {"matrix_exp", one(matrix_exp)},
      {"slogdet",
       [](const Tensors& x, const Args&) {
         const auto y = slogdet(x.at(0));
         return Tensors{y.sign, y.logabsdet};
       }},
      {"addmm", added(addmm)},
      {"baddbmm", added(baddbmm)},
      {"addbmm", added(addbmm)},
      {"addmv", added(addmv)},
      {"addr", added(addr)},
      {"einsum", [](const Tensors& x,
                    const Args& args) { return Tensors{einsum(args.text("equation"), x)}; }},
      {"tensordot", tensordot_call},
      {"linalg.solve",
       [](const Tensors& x, const Args&) { return Tensors{linalg::solve(x.at(0), x.at(1))}; }},
      {"linalg.cholesky",
       [](const Tensors& x, const Args& args) {
         return Tensors{linalg::cholesky(x.at(0), {.upper = args.flag("upper")})};
       }},
      {"cholesky_solve",
       [](const Tensors& x, const Args& args) {
         return Tensors{cholesky_solve(x.at(0), x.at(1), {.upper = args.flag("upper")})};
       }},
      {"linalg.qr",
       [](const Tensors& x, const Args& args) {
         const linalg::Qr y = linalg::qr(x.at(0), args.text("mode", "reduced"));
         return Tensors{y.Q, y.R};
       }},
      {"qr_positive", qr_positive},
      {"linalg.svdvals", one(linalg::svdvals)},
      {"linalg.eigvalsh",
       [](const Tensors& x, const Args&) { return Tensors{linalg::eigvalsh(x.at(0))}; }},
      {"linalg.matrix_norm",
       [](const Tensors& x, const Args& args) {
         const Dims dims = args.has("dim") ? args.dims() : Dims{-2, -1};
         return Tensors{linalg::matrix_norm(x.at(0), order(args).value_or("fro"), dims,
                                            {.keepdim = args.flag("keepdim")})};
       }},
      {"linalg.vector_norm",
       [](const Tensors& x, const Args& args) {
         return Tensors{linalg::vector_norm(x.at(0), args.number("ord", 2), args.dims(),
                                            {.keepdim = args.flag("keepdim")})};
       }},
      {"linalg.norm",
       [](const Tensors& x, const Args& args) {
         return Tensors{
             linalg::norm(x.at(0), order(args), args.dims(), {.keepdim = args.flag("keepdim")})};
       }},
      {"linalg.solve_triangular",
       [](const Tensors& x, const Args& args) {
         return Tensors{linalg::solve_triangular(x.at(0), x.at(1),
                                                 {.upper = args.flag("upper"),
                                                  .left = args.flag("left", true),
                                                  .unitriangular = args.flag("unitriangular")})};
       }},
      {"triangular_solve",
       [](const Tensors& x, const Args& args) {
         return Tensors{triangular_solve(x.at(0), x.at(1),
                                         {.upper = args.flag("upper", true),
                                          .transpose = args.flag("transpose"),
                                          .unitriangular = args.flag("unitriangular")})
                            .solution};
       }},
      {"linalg.pinv", [](const Tensors& x, const Args&) { return Tensors{linalg::pinv(x.at(0))}; }},
      {"linalg.lstsq",
       [](const Tensors& x, const Args&) {
         return Tensors{linalg::lstsq(x.at(0), x.at(1)).solution};
       }},
      {"linalg.matrix_power",
       [](const Tensors& x, const Args& args) {
         return Tensors{linalg::matrix_power(x.at(0), args.integer("n"))};
       }},
      {"linalg.multi_dot",
       [](const Tensors& x, const Args&) { return Tensors{linalg::multi_dot(x)}; }},
      {"linalg.matrix_rank",
       [](const Tensors& x, const Args&) { return Tensors{linalg::matrix_rank(x.at(0))}; }},
      {"linalg.cross",
       [](const Tensors& x, const Args& args) {
         return Tensors{linalg::cross(x.at(0), x.at(1), args.dim())};
       }},
      {"cdist",
       [](const Tensors& x, const Args& args) {
         return Tensors{cdist(x.at(0), x.at(1), args.number("p", 2))};
       }},
  };
  return family;
}

}  // namespace reel::testing
