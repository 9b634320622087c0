// How the operations of index.json are called here.
#include "reference.h"

namespace reel::testing {
namespace {

using Indices = std::vector<Index>;

// slots: null takes the next index tensor, ":" is a whole slice.
Tensors index_slots(const Tensors& x, const Args& args) {
  Indices indices;
  size_t next = 1;
  for (const auto& slot : args.json("slots")) {
    if (slot.is_null())
      indices.emplace_back(x.at(next++));
    else
      indices.emplace_back(Slice());
  }
  return {index(x[0], indices)};
}

Tensors put(const Tensors& x, const Args& args) {
  return {index_put(x.at(0), Indices(x.begin() + 2, x.end()), x.at(1), args.flag("accumulate"))};
}

Tensors scatter_either(const Tensors& x, const Args& args) {
  const std::string reduce = args.text("reduce");
  if (args.has("value"))
    return {scatter(x[0], args.dim(), x[1], args.scalar("value"), {.reduce = reduce})};
  return {scatter(x[0], args.dim(), x[1], x.at(2), {.reduce = reduce})};
}

Tensors fill_where(const Tensors& x, const Args& args) {
  if (args.has("value")) return {masked_fill(x[0], x[1], args.scalar("value"))};
  return {masked_fill(x[0], x[1], x.at(2))};
}

Tensors both(const ValuesAndIndices& found) { return {found.values, found.indices}; }

Tensors unique_asked(const Tensors& x, const Args& args) {
  const UniqueValues found = unique(x[0], {.return_inverse = args.flag("return_inverse"),
                                           .return_counts = args.flag("return_counts"),
                                           .dim = args.maybe<int>("dim")});
  Tensors outputs{found.values};
  if (found.inverse_indices.defined()) outputs.push_back(found.inverse_indices);
  if (found.counts.defined()) outputs.push_back(found.counts);
  return outputs;
}

Tensors count(const Tensors& x, const Args& args) {
  const int64_t minlength = args.integer("minlength");
  return {x.size() > 1 ? bincount(x[0], x[1], minlength) : bincount(x[0], minlength)};
}

std::map<std::string, Call> calls_by_dim() {
  return {
      {"index_select",
       [](const Tensors& x, const Args& args) {
         return Tensors{index_select(x[0], args.dim(), x[1])};
       }},
      {"index_add",
       [](const Tensors& x, const Args& args) {
         const Scalar alpha = args.has("alpha") ? args.scalar("alpha") : Scalar(1);
         return Tensors{index_add(x[0], args.dim(), x[1], x.at(2), {.alpha = alpha})};
       }},
      {"index_copy",
       [](const Tensors& x, const Args& args) {
         return Tensors{index_copy(x[0], args.dim(), x[1], x.at(2))};
       }},
      {"index_fill",
       [](const Tensors& x, const Args& args) {
         return Tensors{index_fill(x[0], args.dim(), x[1], args.scalar("value"))};
       }},
      {"gather",
       [](const Tensors& x, const Args& args) { return Tensors{gather(x[0], args.dim(), x[1])}; }},
      {"take_along_dim",
       [](const Tensors& x, const Args& args) {
         return Tensors{take_along_dim(x[0], x[1], args.maybe<int>("dim"))};
       }},
      {"scatter", scatter_either},
      {"scatter_add",
       [](const Tensors& x, const Args& args) {
         return Tensors{scatter_add(x[0], args.dim(), x[1], x.at(2))};
       }},
  };
}

std::map<std::string, Call> calls_of_orders() {
  return {
      {"sort",
       [](const Tensors& x, const Args& args) {
         return both(sort(x[0], args.dim(), {.descending = args.flag("descending")}));
       }},
      {"argsort",
       [](const Tensors& x, const Args& args) {
         return Tensors{argsort(x[0], args.dim(), {.descending = args.flag("descending")})};
       }},
      {"topk",
       [](const Tensors& x, const Args& args) {
         return both(
             topk(x[0], args.integer("k"), args.dim(), {.largest = args.flag("largest", true)}));
       }},
      {"kthvalue",
       [](const Tensors& x, const Args& args) {
         return both(
             kthvalue(x[0], args.integer("k"), args.dim(), {.keepdim = args.flag("keepdim")}));
       }},
  };
}

}  // namespace

Family index_family() {
  std::map<std::string, Call> calls = {
      {"index", index_slots},
      {"index_put", put},
      {"masked_fill", fill_where},
      {"masked_select", two(masked_select)},
      {"take", two(take)},
      {"nonzero", one(nonzero)},
      {"one_hot",
       [](const Tensors& x, const Args& args) {
         return Tensors{one_hot(x[0], args.integer("num_classes", -1))};
       }},
      {"embedding",
       [](const Tensors& x, const Args& args) {
         return Tensors{embedding(x[0], x[1], {.padding_idx = args.maybe<int64_t>("padding_idx")})};
       }},
      {"unique", unique_asked},
      {"bincount", count},
      {"searchsorted",
       [](const Tensors& x, const Args& args) {
         return Tensors{searchsorted(x[0], x[1], {.right = args.flag("right")})};
       }},
      {"bucketize",
       [](const Tensors& x, const Args& args) {
         return Tensors{bucketize(x[0], x[1], {.right = args.flag("right")})};
       }},
  };
  calls.merge(calls_by_dim());
  calls.merge(calls_of_orders());
  return {.calls = std::move(calls)};
}

}  // namespace reel::testing
