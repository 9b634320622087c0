// The family "shape": shapes, views, joining and padding.
#include "reference.h"

namespace reel::testing {
namespace {

std::optional<int> maybe_dim(const Args& args) { return args.maybe<int>("dim"); }

Tensor repeat_interleaved(const Tensors& x, const Args& args) {
  if (x.size() > 1) return repeat_interleave(x[0], x[1], maybe_dim(args));
  return repeat_interleave(x[0], args.integer("repeats"), maybe_dim(args));
}

Tensor squeezed(const Tensors& x, const Args& args) {
  return args.has("dim") ? squeeze(x[0], args.dims()) : squeeze(x[0]);
}

Tensors split_up(const Tensors& x, const Args& args) {
  const int dim = args.dim("dim", 0);
  const char* sizes = "split_size_or_sections";
  return args.json(sizes).is_array() ? split(x[0], args.list(sizes), dim)
                                     : split(x[0], args.integer(sizes), dim);
}

Tensors tensor_split_up(const Tensors& x, const Args& args) {
  const int dim = args.dim("dim", 0);
  const char* parts = "indices_or_sections";
  return args.json(parts).is_array() ? tensor_split(x[0], args.list(parts), dim)
                                     : tensor_split(x[0], args.integer(parts), dim);
}

Tensor sliced(const Tensor& x, const Args& args) {
  return slice(x, args.dim("dim", 0), args.maybe<int64_t>("start"), args.maybe<int64_t>("end"),
               args.integer("step", 1));
}

Tensor padded(const Tensors& x, const Args& args) {
  const std::string mode = args.text("mode", "constant");
  return pad(x[0], args.shape("pad"), {.mode = mode, .value = args.number("value", 0)});
}

template <class Constant, class Reflect, class Replicate, class Circular>
Tensors padded_by(const Tensor& x, const Args& args) {
  const std::string mode = args.text("mode", "constant");
  const Shape padding = args.shape("pad");
  if (mode == "constant")
    return {Constant({.padding = padding, .value = args.number("value", 0)})(x)};
  if (mode == "reflect") return {Reflect({.padding = padding})(x)};
  if (mode == "replicate") return {Replicate({.padding = padding})(x)};
  return {Circular({.padding = padding})(x)};
}

Tensors padded_by_module(const Tensors& x, const Args& args) {
  using namespace nn;
  switch (args.shape("pad").rank()) {
    case 2:
      return padded_by<ConstantPad1d, ReflectionPad1d, ReplicationPad1d, CircularPad1d>(x[0], args);
    case 4:
      return padded_by<ConstantPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d>(x[0], args);
    case 6:
      return padded_by<ConstantPad3d, ReflectionPad3d, ReplicationPad3d, CircularPad3d>(x[0], args);
    default:
      return {};
  }
}

Tensor one_step(Tensor x, const Args& step) {
  const std::string op = step.text("op");
  if (op == "transpose") return transpose(x, step.dim("dim0"), step.dim("dim1"));
  if (op == "permute") return permute(x, step.dims("dims"));
  if (op == "slice") return sliced(x, step);
  if (op == "expand") return expand(x, step.shape("size"));
  if (op == "select") return select(x, step.dim(), step.integer("index"));
  if (op == "reshape") return reshape(x, step.shape("shape"));
  if (op == "flatten") return flatten(x);
  check(op == "mul_self_sum", "reference: unknown step {} of a view", op);
  return (x * x).sum(step.dim());
}

Tensor chained(const Tensors& x, const Args& args) {
  Tensor y = x[0];
  for (const auto& step : args.json("steps")) y = one_step(y, Args(step));
  return y;
}

// A call that gives one tensor.
template <class F>
Call to_one(F f) {
  return [f](const Tensors& x, const Args& args) { return Tensors{f(x, args)}; };
}

}  // namespace

// clang-format off
Family shape_family() {
  return {.calls = {
      {"reshape", to_one([](const Tensors& x, const Args& a) { return reshape(x[0], a.shape("shape")); })},
      {"transpose", to_one([](const Tensors& x, const Args& a) { return transpose(x[0], a.dim("dim0"), a.dim("dim1")); })},
      {"permute", to_one([](const Tensors& x, const Args& a) { return permute(x[0], a.dims("dims")); })},
      {"t", one(t)},
      {"squeeze", to_one(squeezed)},
      {"unsqueeze", to_one([](const Tensors& x, const Args& a) { return unsqueeze(x[0], a.dim()); })},
      {"expand", to_one([](const Tensors& x, const Args& a) { return expand(x[0], a.shape("size")); })},
      {"broadcast_to", to_one([](const Tensors& x, const Args& a) { return broadcast_to(x[0], a.shape("size")); })},
      {"repeat", to_one([](const Tensors& x, const Args& a) { return repeat(x[0], a.shape("sizes")); })},
      {"tile", to_one([](const Tensors& x, const Args& a) { return tile(x[0], a.shape("dims")); })},
      {"repeat_interleave", to_one(repeat_interleaved)},
      {"cat", to_one([](const Tensors& x, const Args& a) { return cat(x, a.dim("dim", 0)); })},
      {"stack", to_one([](const Tensors& x, const Args& a) { return stack(x, a.dim("dim", 0)); })},
      {"split", split_up},
      {"chunk", [](const Tensors& x, const Args& a) { return chunk(x[0], a.integer("chunks"), a.dim("dim", 0)); }},
      {"tensor_split", tensor_split_up},
      {"unbind", [](const Tensors& x, const Args& a) { return unbind(x[0], a.dim("dim", 0)); }},
      {"narrow", to_one([](const Tensors& x, const Args& a) { return narrow(x[0], a.dim(), a.integer("start"), a.integer("length")); })},
      {"select", to_one([](const Tensors& x, const Args& a) { return select(x[0], a.dim(), a.integer("index")); })},
      {"slice", to_one([](const Tensors& x, const Args& a) { return sliced(x[0], a); })},
      {"flip", to_one([](const Tensors& x, const Args& a) { return flip(x[0], a.dims("dims")); })},
      {"roll", to_one([](const Tensors& x, const Args& a) { return roll(x[0], a.list("shifts"), a.dims("dims")); })},
      {"tril", to_one([](const Tensors& x, const Args& a) { return tril(x[0], a.integer("diagonal")); })},
      {"triu", to_one([](const Tensors& x, const Args& a) { return triu(x[0], a.integer("diagonal")); })},
      {"diag", to_one([](const Tensors& x, const Args& a) { return diag(x[0], a.integer("diagonal")); })},
      {"diagonal", to_one([](const Tensors& x, const Args& a) { return diagonal(x[0], a.integer("offset"), a.dim("dim1", 0), a.dim("dim2", 1)); })},
      {"diag_embed", to_one([](const Tensors& x, const Args& a) { return diag_embed(x[0], a.integer("offset"), a.dim("dim1", -2), a.dim("dim2", -1)); })},
      {"movedim", to_one([](const Tensors& x, const Args& a) { return movedim(x[0], a.dims("source"), a.dims("destination")); })},
      {"flatten", to_one([](const Tensors& x, const Args& a) { return flatten(x[0], a.dim("start_dim", 0), a.dim("end_dim", -1)); })},
      {"unflatten", to_one([](const Tensors& x, const Args& a) { return unflatten(x[0], a.dim(), a.shape("sizes")); })},
      {"Tensor.unfold", to_one([](const Tensors& x, const Args& a) { return x[0].unfold(a.dim("dimension"), a.integer("size"), a.integer("step")); })},
      {"meshgrid", [](const Tensors& x, const Args& a) { const std::string indexing = a.text("indexing", "ij"); return meshgrid(x, {.indexing = indexing}); }},
      {"pad", to_one(padded)},
      {"view_chain", to_one(chained)},
  },
  .modules = {{"pad", padded_by_module}}};
}
// clang-format on

}  // namespace reel::testing
