// Reductions and scans.
#include "reference.h"

namespace reel::testing {
namespace {

ReduceOptions kept(const Args& args) { return {.keepdim = args.flag("keepdim")}; }
DimOptions kept_dim(const Args& args) { return {.keepdim = args.flag("keepdim")}; }
VarOptions spread(const Args& args) {
  return {.unbiased = args.flag("unbiased", true), .keepdim = args.flag("keepdim")};
}

// Of any dims.
Call dims(Tensor (*f)(const Tensor&, const Dims&, const ReduceOptions&)) {
  return
      [f](const Tensors& x, const Args& args) { return Tensors{f(x[0], args.dims(), kept(args))}; };
}
Call dims(Tensor (*f)(const Tensor&, const Dims&, const DimOptions&)) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], args.dims(), kept_dim(args))};
  };
}
Call dims(Tensor (*f)(const Tensor&, const Dims&, const VarOptions&)) {
  return [f](const Tensors& x, const Args& args) {
    return Tensors{f(x[0], args.dims(), spread(args))};
  };
}

// Of all elements, or along a dim with indices.
using Along = ValuesAndIndices (*)(const Tensor&, int, const DimOptions&);
Call choice(Tensor (*whole)(const Tensor&), Along along) {
  return [=](const Tensors& x, const Args& args) -> Tensors {
    if (!args.has("dim")) return {whole(x[0])};
    const auto [values, indices] = along(x[0], args.dim(), kept_dim(args));
    return {values, indices};
  };
}

Call place(Tensor (*whole)(const Tensor&, const DimOptions&),
           Tensor (*along)(const Tensor&, int, const DimOptions&)) {
  return [=](const Tensors& x, const Args& args) -> Tensors {
    if (!args.has("dim")) return {whole(x[0], kept_dim(args))};
    return {along(x[0], args.dim(), kept_dim(args))};
  };
}

Call scan(ValuesAndIndices (*f)(const Tensor&, int)) {
  return [f](const Tensors& x, const Args& args) -> Tensors {
    const auto [values, indices] = f(x[0], args.dim());
    return {values, indices};
  };
}

Call scan(Tensor (*f)(const Tensor&, int, const DtypeOptions&)) {
  return [f](const Tensors& x, const Args& args) { return Tensors{f(x[0], args.dim(), {})}; };
}

Tensors prod_of(const Tensors& x, const Args& args) {
  if (!args.has("dim")) return {prod(x[0], kept(args))};
  return {prod(x[0], args.dim(), kept(args))};
}

Tensors var_mean_of(const Tensors& x, const Args& args) {
  const auto [var, mean] = var_mean(x[0], args.dims(), spread(args));
  return {var, mean};
}

Tensors std_mean_of(const Tensors& x, const Args& args) {
  const auto [deviation, mean] = std_mean(x[0], args.dims(), spread(args));
  return {deviation, mean};
}

Tensors aminmax_of(const Tensors& x, const Args& args) {
  const auto [min, max] =
      args.has("dim") ? aminmax(x[0], args.dim(), kept_dim(args)) : aminmax(x[0], kept_dim(args));
  return {min, max};
}

Tensors mode_of(const Tensors& x, const Args& args) {
  const auto [values, indices] = mode(x[0], args.dim(), kept_dim(args));
  return {values, indices};
}

Tensors norm_of(const Tensors& x, const Args& args) {
  return {norm(x[0], args.number("p", 2), args.dims(), kept_dim(args))};
}

Tensors logcumsumexp_of(const Tensors& x, const Args& args) {
  return {logcumsumexp(x[0], args.dim())};
}

Tensors count_nonzero_of(const Tensors& x, const Args& args) {
  return {count_nonzero(x[0], args.dims())};
}

}  // namespace

Family reduce_family() {
  return {.calls = {
              {"sum", dims(sum)},
              {"mean", dims(mean)},
              {"nansum", dims(nansum)},
              {"nanmean", dims(nanmean)},
              {"amax", dims(amax)},
              {"amin", dims(amin)},
              {"aminmax", aminmax_of},
              {"logsumexp", dims(logsumexp)},
              {"prod", prod_of},
              {"var", dims(var)},
              {"std", dims(reel::std)},
              {"var_mean", var_mean_of},
              {"std_mean", std_mean_of},
              {"max", choice(max, max)},
              {"min", choice(min, min)},
              {"median", choice(median, median)},
              {"nanmedian", choice(nanmedian, nanmedian)},
              {"mode", mode_of},
              {"argmax", place(argmax, argmax)},
              {"argmin", place(argmin, argmin)},
              {"norm", norm_of},
              {"cumsum", scan(cumsum)},
              {"cumprod", scan(cumprod)},
              {"logcumsumexp", logcumsumexp_of},
              {"cummax", scan(cummax)},
              {"cummin", scan(cummin)},
              {"any", dims(any)},
              {"all", dims(all)},
              {"count_nonzero", count_nonzero_of},
          }};
}

}  // namespace reel::testing
