// The nodes behind user-defined operations.
#include <reel/autograd/function.h>
#include <reel/autograd/joint_node.h>
#include <reel/autograd/ops/elementwise.h>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>

namespace reel::autograd::detail {

namespace {

/// A saved tensor. An output is saved without its node, which would be a circle, and gets it back
/// when read.
struct Saved {
  std::optional<Kept> kept;
  int output = -1;
};

/// Whether g can be summed to `shape`, that is, whether `shape` expands to g's.
bool sums_to(const Tensor& g, const Shape& shape) {
  const int shift = g.dim() - shape.rank();
  for (int i = 0; i < shape.rank(); ++i) {
    if (shift < 0 || (shape[i] != 1 && shape[i] != g.shape()[shift + i])) return false;
  }
  return true;
}

}  // namespace

using reel::detail::JointNode;
using reel::detail::make_node;
using reel::detail::OutputNode;

/// With one output it is that output's node itself.
class FunctionNode final : public JointNode {
 public:
  struct Output {
    Shape shape;
    Dtype dtype = kFloat32;
    bool defined = false;
  };

  FunctionNode(const char* name, const Array& output, FunctionRule rule,
               const std::vector<Argument>& arguments, const std::vector<Tensor>& outputs)
      : JointNode(name, output, sizeof(FunctionNode), outputs.size()), rule_(rule) {
    for (const Argument& argument : arguments) {
      edges_.emplace_back(argument.tensor);
      number(edges_.back());
      is_tensor_.push_back(argument.is_tensor);
    }
    for (const Tensor& out : outputs) {
      outputs_.emplace_back();
      if (!out.defined()) continue;
      outputs_.back().shape = out.shape();
      outputs_.back().dtype = out.dtype();
      outputs_.back().defined = true;
    }
  }

  void keep_context(Context&& context, const std::vector<Tensor>& outputs) {
    context_ = std::move(context);
    context_.node_ = this;
    context_.non_differentiable_.clear();
    for (const Tensor& tensor : std::exchange(context_.to_save_, {}))
      saved_.push_back(save(tensor, outputs));
  }
  std::vector<Tensor> saved() {
    std::vector<Tensor> tensors;
    for (const Saved& entry : saved_) tensors.push_back(read(entry));
    return tensors;
  }

  std::vector<const Edge*> edges() const override {
    std::vector<const Edge*> list;
    for (const Edge& edge : edges_) list.push_back(&edge);
    return list;
  }

 protected:
  void apply(Tensor& g, Sweep& sweep) override {
    if (g.defined()) add_gradient(0, g);
    const std::vector<Tensor> arrived = filled_gradients();
    for (size_t i = 0; i < edges_.size(); ++i)
      context_.needs_input_grad_[i] = sweep.wants(edges_[i]);
    const std::vector<Tensor> results = rule_(context_, arrived);
    check_results(results);
    for (size_t i = 0; i < edges_.size(); ++i) {
      if (sweep.wants(edges_[i])) sweep.give(edges_[i], results[i]);
    }
  }
  bool release() noexcept override {
    const bool retains = !saved_.empty();
    saved_.clear();
    return retains;
  }

 private:
  Saved save(const Tensor& tensor, const std::vector<Tensor>& outputs) const;
  Tensor read(const Saved& entry);
  std::vector<Tensor> filled_gradients();
  void check_results(const std::vector<Tensor>& results) const;

  FunctionRule rule_;
  std::vector<Edge> edges_;
  std::vector<bool> is_tensor_;
  std::vector<Output> outputs_;
  std::vector<Saved> saved_;
  Context context_;
};

// ---- saved tensors ---------------------------------------------------------------------------------------

Saved FunctionNode::save(const Tensor& tensor, const std::vector<Tensor>& outputs) const {
  if (!tensor.defined()) return {};
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool recorded = outputs[i].defined() && outputs[i].body()->node;
    if (recorded && outputs[i].body() == tensor.body())
      return {Kept(Tensor(tensor.array())), static_cast<int>(i)};
  }
  // What needs no gradient is kept as an array: as a view of an output it would be a circle.
  return {Kept(tensor.requires_grad() ? tensor : Tensor(tensor.array())), -1};
}

Tensor FunctionNode::read(const Saved& entry) {
  if (!entry.kept) return {};
  const Tensor& kept = (*entry.kept)();
  if (entry.output < 0 || !is_grad_enabled()) return kept;
  Tensor y(kept.array());
  const auto index = static_cast<size_t>(entry.output);
  if (outputs_.size() == 1) {
    y.body()->node = Ref<Node>::share(this);
  } else if (OutputNode* node = output_node(index)) {
    y.body()->node = Ref<Node>::share(node);
  } else {  // the output itself is gone
    const auto self = Ref<JointNode>::share(this);
    y.body()->node = make_node<OutputNode>(name(), y.array(), self, index);
  }
  return y;
}

// ---- backward --------------------------------------------------------------------------------------------

std::vector<Tensor> FunctionNode::filled_gradients() {
  std::vector<Tensor> arrived = take_gradients();
  for (size_t i = 0; context_.materialize_grads_ && i < arrived.size(); ++i) {
    if (!arrived[i].defined() && outputs_[i].defined)
      arrived[i] = Tensor(Array::full(outputs_[i].shape, 0, outputs_[i].dtype));
  }
  return arrived;
}

void FunctionNode::check_results(const std::vector<Tensor>& results) const {
  check(results.size() == edges_.size(),
        "{}: backward must return one gradient for each of {} arguments, got {}", name(),
        edges_.size(), results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].defined()) continue;
    check(is_tensor_[i],
          "{}: backward must return an undefined tensor for argument {}, which is no tensor",
          name(), i);
    check(!edges_[i] || sums_to(results[i], edges_[i].shape()),
          "{}: backward must return a gradient of shape {} for argument {}, got {}", name(),
          edges_[i] ? edges_[i].shape() : Shape(), i, results[i].shape());
  }
}

// ---- forward ---------------------------------------------------------------------------------------------

std::string function_name(const char* mangled) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string name = status == 0 ? demangled : mangled;
  std::free(demangled);
  // Without namespaces and enclosing functions, but with template arguments: those may hold colons
  // too.
  size_t end = name.size();
  for (int depth = 0; end > 0 && (depth > 0 || name[end - 1] == '>'); --end) {
    depth += name[end - 1] == '>' ? 1 : name[end - 1] == '<' ? -1 : 0;
    if (depth == 0) break;
  }
  const size_t colons = name.rfind("::", end);
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

FunctionCall::FunctionCall(const char* name, FunctionRule rule, std::vector<Argument> arguments)
    : name_(name), rule_(rule), arguments_(std::move(arguments)) {
  for (const Argument& argument : arguments_)
    context_.needs_input_grad_.push_back(argument.tensor.requires_grad());
}

bool FunctionCall::differentiable(const Tensor& output) const {
  if (!output.defined() || !output.is_floating_point()) return false;
  const std::vector<Tensor>& marked = context_.non_differentiable_;
  return std::none_of(marked.begin(), marked.end(),
                      [&](const Tensor& t) { return t.body() == output.body(); });
}

// Outputs that are not this call's own (inputs, tensors with a past, the same tensor twice) become
// views, so that nobody else's tensor is given a node.
void FunctionCall::separate(std::vector<Tensor>& outputs) const {
  const auto is_input = [&](const TensorBody* body) {
    return std::any_of(arguments_.begin(), arguments_.end(),
                       [&](const Argument& argument) { return argument.tensor.body() == body; });
  };
  for (size_t i = 0; i < outputs.size(); ++i) {
    TensorBody* body = outputs[i].body();
    if (!body) continue;
    const bool repeated =
        std::any_of(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Tensor& earlier) { return earlier.body() == body; });
    if (is_input(body) || body->needs_grad() || repeated) {
      Tensor alias(body->array);
      alias.body()->base = body->base ? body->base : Ref<TensorBody>::share(body);
      alias.body()->base_rebinds = alias.body()->base->refs.rebinds();
      outputs[i] = std::move(alias);
    } else if (body->base && !is_input(body->base.get())) {
      body->base =
          nullptr;  // a base of forward's own would take the gradients of its other views with it
    }
    outputs[i].body()->of_function = static_cast<bool>(outputs[i].body()->base);
  }
}

void FunctionCall::finish(std::vector<Tensor>& outputs) {
  std::vector<bool> recorded;
  bool any_recorded = false, any_needed = false;
  for (const Tensor& output : outputs) recorded.push_back(differentiable(output));
  for (const bool one : recorded) any_recorded |= one;
  for (const Argument& argument : arguments_) any_needed |= argument.tensor.requires_grad();
  separate(outputs);
  if (!is_grad_enabled() || !any_recorded || !any_needed) return;

  const auto first =
      static_cast<size_t>(std::find(recorded.begin(), recorded.end(), true) - recorded.begin());
  auto node = make_node<FunctionNode>(name_, outputs[first].array(), rule_, arguments_, outputs);
  if (outputs.size() == 1) outputs[0].body()->node = node;
  for (size_t i = 0; outputs.size() > 1 && i < outputs.size(); ++i) {
    if (recorded[i])
      outputs[i].body()->node = make_node<OutputNode>(name_, outputs[i].array(), node, i);
  }
  node->keep_context(std::move(context_), outputs);
}

}  // namespace reel::autograd::detail

namespace reel::autograd {

std::vector<Tensor> Context::saved() const {
  if (!node_) return to_save_;  // still in forward
  return node_->saved();
}

}  // namespace reel::autograd
