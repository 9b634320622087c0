#pragma once
// Recording. An operation is one paragraph:
//
//   Tensor mul(const Tensor& a, const Tensor& b) {
//     return record("mul", kernels::mul(a.array(), b.array()),
//                   wrt(a, [b = keep(b)](const Tensor& g) { return g * b(); }),
//                   wrt(b, [a = keep(a)](const Tensor& g) { return g * a(); }));
//   }
//
// A rule is written with differentiable operations, so derivatives of every order follow. It takes
// the output's gradient g and, if it asks for them, the output y and the input's shape, in this
// order. It returns the input's gradient; what broadcasting or promotion added is removed by the
// sweep. The last rule may take g as Tensor&& and write its result over it.

#include <reel/autograd/op_node.h>

namespace reel {

/// The tensor of a computed array, with a node if this thread records and an input needs a
/// gradient.
template <class... W>
Tensor record(const char* name, Array&& y, W&&... wrts) {
  Tensor out(std::move(y));
  out.body()->node = detail::node_of(name, out.array(), std::move(wrts)...);
  return out;
}

/// The same for a result that compute() puts where the temporary input x stands
/// (detail::gives_memory): x's body becomes that of the result. If something throws, x is as
/// before.
template <class Compute, class... W>
Tensor record_over(const char* name, Tensor&& x, const Compute& compute, W&&... wrts) {
  Ref<Node> node = detail::node_of(name, x.array(), std::move(wrts)...);
  compute();
  x.body()->renew(std::move(node));
  return std::move(x);
}

/// The same for an output that shows the memory of `x`.
template <class... W>
Tensor record_view(const char* name, const Tensor& x, Array&& y, W&&... wrts) {
  Tensor out = record(name, std::move(y), std::move(wrts)...);
  const Ref<TensorBody>& base = x.body()->base;
  out.body()->base = base ? base : x.handle();
  out.body()->base_rebinds = out.body()->base->refs.rebinds();
  return out;
}

}  // namespace reel
