// Jacobians by backward, one output element at a time, and by differences, one input element at a
// time; compared.
#include <reel/autograd/grad.h>
#include <reel/autograd/gradcheck.h>
#include <reel/autograd/tape.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

namespace reel::autograd {
namespace {

double element(const Tensor& tensor, int64_t index) {
  const Array& array = tensor.array();
  return dispatch_float(array.dtype(), "gradcheck", [&]<class T>(TypeTag<T>) {
    return static_cast<double>(array.data<T>()[offset_of(index, array.shape(), array.strides())]);
  });
}

/// "[1, 2]" for a row-major index.
Shape position_of(const Tensor& tensor, int64_t index) {
  Shape position = tensor.shape();
  for (int dim = tensor.dim() - 1; dim >= 0; --dim) {
    position[dim] = index % tensor.shape()[dim];
    index /= tensor.shape()[dim];
  }
  return position;
}

bool differentiable(const Tensor& output) { return output.defined() && output.is_floating_point(); }

/// d output / d input: a row for each element of the output.
struct Jacobian {
  explicit Jacobian(const Tensor& output, const Tensor& input)
      : columns(input.numel()), values(static_cast<size_t>(output.numel() * input.numel()), 0.0) {}
  double& at(int64_t row, int64_t column) {
    return values[static_cast<size_t>(row * columns + column)];
  }

  int64_t columns;
  std::vector<double> values;
};

/// One check: the function, the inputs to differentiate by, and what it gives at them.
class Check {
 public:
  Check(const char* op, const TensorsFunction& f, const std::vector<Tensor>& inputs,
        const GradcheckOptions& options);
  bool run();

 private:
  std::vector<Jacobian> by_backward(size_t output) const;
  std::vector<std::vector<Jacobian>> by_differences() const;
  /// All elements of all outputs with one element of one input moved by `step`.
  std::vector<double> moved(size_t variable, int64_t index, double step) const;
  std::vector<double> column(size_t variable, int64_t index) const;
  bool compare(size_t output, size_t variable, Jacobian& analytic, Jacobian& numeric) const;
  bool report(const std::string& text) const;
  const char* name_of_output(size_t output) const;

  const char* op_;
  const TensorsFunction& f_;
  const std::vector<Tensor>& inputs_;
  const GradcheckOptions& options_;
  std::vector<size_t> variables_;  // positions of the inputs that require grad
  std::vector<Tensor> outputs_;
};

void check_variable(const char* op, const Tensor& input, size_t position) {
  reel::check<TypeError>(
      input.dtype() == kFloat64,
      "{}: inputs that require grad must be float64, since differences need its precision; got {} "
      "for input {}",
      op, input.dtype(), position);
  for (int dim = 0; dim < input.dim(); ++dim) {
    const bool overlaps = input.shape()[dim] > 1 && input.strides()[dim] == 0;
    reel::check(
        !overlaps,
        "{}: inputs must not overlap in memory, got an expanded one of shape {} for input {}", op,
        input.shape(), position);
  }
}

/// The positions of the inputs that require grad, which are checked.
std::vector<size_t> check_inputs(const char* op, const std::vector<Tensor>& inputs) {
  std::vector<size_t> variables;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    check_variable(op, inputs[i], i);
    variables.push_back(i);
  }
  reel::check(!variables.empty(),
              "{}: at least one input must require grad, none of the {} given does", op,
              inputs.size());
  return variables;
}

Check::Check(const char* op, const TensorsFunction& f, const std::vector<Tensor>& inputs,
             const GradcheckOptions& options)
    : op_(op), f_(f), inputs_(inputs), options_(options), variables_(check_inputs(op, inputs)) {
  reel::check(options.eps > 0, "{}: eps must be positive, got {}", op, options.eps);
  outputs_ = f(inputs);
}

// ---- the two Jacobians -----------------------------------------------------------------------------------

std::vector<Jacobian> Check::by_backward(size_t output) const {
  const Tensor& y = outputs_[output];
  std::vector<Tensor> variables;
  std::vector<Jacobian> jacobians;
  for (const size_t i : variables_) {
    variables.push_back(inputs_[i]);
    jacobians.emplace_back(y, inputs_[i]);
  }
  for (int64_t row = 0; y.requires_grad() && row < y.numel(); ++row) {
    const Array one = Array::full(y.shape(), 0, y.dtype());
    dispatch_float(y.dtype(), op_, [&]<class T>(TypeTag<T>) { one.data<T>()[row] = 1; });
    const std::vector<Tensor> g =
        grad({y}, variables,
             {.grad_outputs = {Tensor(one)}, .retain_graph = true, .allow_unused = true});
    for (size_t i = 0; i < g.size(); ++i) {
      for (int64_t k = 0; g[i].defined() && k < jacobians[i].columns; ++k)
        jacobians[i].at(row, k) = element(g[i], k);
    }
  }
  return jacobians;
}

std::vector<double> Check::moved(size_t variable, int64_t index, double step) const {
  const Array& array = inputs_[variables_[variable]].array();
  double& value = array.data<double>()[offset_of(index, array.shape(), array.strides())];
  struct Restore {
    double& value;
    const double before;
    ~Restore() { value = before; }
  } restore{value, value};
  value += step;
  const std::vector<Tensor> outputs = f_(inputs_);
  reel::check(outputs.size() == outputs_.size(),
              "{}: the function must give as many outputs each time, got {} and {}", op_,
              outputs_.size(), outputs.size());
  std::vector<double> values;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!differentiable(outputs_[i])) continue;
    reel::check(outputs[i].defined() && outputs[i].shape() == outputs_[i].shape(),
                "{}: output {} must have the same shape each time, got {} first", op_, i,
                outputs_[i].shape());
    for (int64_t k = 0; k < outputs[i].numel(); ++k) values.push_back(element(outputs[i], k));
  }
  return values;
}

std::vector<double> Check::column(size_t variable, int64_t index) const {
  const double eps = options_.eps;
  std::vector<double> values = moved(variable, index, eps);
  const std::vector<double> below = moved(variable, index, options_.central ? -eps : 0.0);
  const double distance = options_.central ? 2 * eps : eps;
  for (size_t i = 0; i < values.size(); ++i) values[i] = (values[i] - below[i]) / distance;
  return values;
}

// Every evaluation serves all outputs. [output][variable], empty for outputs without derivatives.
std::vector<std::vector<Jacobian>> Check::by_differences() const {
  std::vector<std::vector<Jacobian>> jacobians(outputs_.size());
  for (size_t output = 0; output < outputs_.size(); ++output) {
    if (!differentiable(outputs_[output])) continue;
    for (const size_t i : variables_) jacobians[output].emplace_back(outputs_[output], inputs_[i]);
  }
  for (size_t i = 0; i < variables_.size(); ++i) {
    for (int64_t k = 0; k < inputs_[variables_[i]].numel(); ++k) {
      const std::vector<double> values = column(i, k);
      auto value = values.begin();
      for (size_t output = 0; output < outputs_.size(); ++output) {
        if (jacobians[output].empty()) continue;
        for (int64_t row = 0; row < outputs_[output].numel(); ++row)
          jacobians[output][i].at(row, k) = *value++;
      }
    }
  }
  return jacobians;
}

// ---- the comparison --------------------------------------------------------------------------------------

bool same_bits(const std::vector<Jacobian>& a, const std::vector<Jacobian>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t bytes = a[i].values.size() * sizeof(double);
    if (bytes > 0 && std::memcmp(a[i].values.data(), b[i].values.data(), bytes) != 0) return false;
  }
  return true;
}

const char* Check::name_of_output(size_t output) const {
  const Node* node = outputs_[output].grad_fn();
  return node ? node->name() : "the function";
}

bool Check::report(const std::string& text) const {
  if (options_.raise) throw Error(text);
  fmt::print(stderr, "{}\n", text);
  return false;
}

bool Check::compare(size_t output, size_t variable, Jacobian& analytic, Jacobian& numeric) const {
  const Tensor& y = outputs_[output];
  const Tensor& x = inputs_[variables_[variable]];
  int64_t wrong = 0, first = 0;
  const auto entries = static_cast<int64_t>(analytic.values.size());
  for (int64_t i = entries - 1; i >= 0; --i) {
    const double a = analytic.values[static_cast<size_t>(i)],
                 n = numeric.values[static_cast<size_t>(i)];
    if (std::abs(a - n) <= options_.atol + options_.rtol * std::abs(n)) continue;  // false for NaN
    ++wrong;
    first = i;
  }
  if (wrong == 0) return true;
  const int64_t row = first / analytic.columns, column = first % analytic.columns;
  return report(
      fmt::format("{}: {}: the derivative of output {}, element {}, by input {}, element {}, is {} "
                  "by backward and {} by "
                  "differences; {} of {} entries of this Jacobian differ (atol {}, rtol {})",
                  op_, name_of_output(output), output, position_of(y, row), variables_[variable],
                  position_of(x, column), analytic.at(row, column), numeric.at(row, column), wrong,
                  entries, options_.atol, options_.rtol));
}

bool Check::run() {
  std::vector<std::vector<Jacobian>> analytic(outputs_.size());
  for (size_t output = 0; output < outputs_.size(); ++output) {
    if (!differentiable(outputs_[output])) continue;
    analytic[output] = by_backward(output);
    // Sums in another order each time would be a race, or an address that decides.
    if (!same_bits(analytic[output], by_backward(output))) {
      return report(fmt::format("{}: {}: two walks back from output {} give different gradients",
                                op_, name_of_output(output), output));
    }
  }
  std::vector<std::vector<Jacobian>> numeric = by_differences();
  for (size_t output = 0; output < outputs_.size(); ++output) {
    for (size_t i = 0; i < analytic[output].size(); ++i) {
      if (!compare(output, i, analytic[output][i], numeric[output][i])) return false;
    }
  }
  return true;
}

// ---- the gradient as a function --------------------------------------------------------------------------

/// Random numbers in the shape and dtype of `output`, with a place on the tape.
Tensor random_gradient(const Tensor& output, std::mt19937_64& generator) {
  Tensor g(Array::empty(output.shape(), kFloat64));
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int64_t i = 0; i < g.numel(); ++i) g.array().data<double>()[i] = uniform(generator);
  return g.requires_grad_();
}

/// Those outputs of f that a gradient can flow into.
std::vector<Tensor> recorded_outputs(const TensorsFunction& f, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> recorded;
  for (Tensor& output : f(inputs)) {
    if (output.defined() && output.requires_grad()) recorded.push_back(std::move(output));
  }
  return recorded;
}

bool check_gradient(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                    const GradcheckOptions& options) {
  const size_t count = inputs.size();
  // Takes the inputs of f and the gradients of its outputs, gives the gradients of the inputs that
  // require grad.
  const TensorsFunction gradient = [&](const std::vector<Tensor>& all) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(count);
    const std::vector<Tensor> at(all.begin(), middle), grad_outputs(middle, all.end());
    std::vector<Tensor> variables;
    for (const Tensor& input : at) {
      if (input.requires_grad()) variables.push_back(input);
    }
    return grad(recorded_outputs(f, at), variables,
                {.grad_outputs = grad_outputs,
                 .retain_graph = true,
                 .create_graph = true,
                 .allow_unused = true});
  };
  std::vector<Tensor> all = inputs;
  std::mt19937_64 generator(0);
  for (const Tensor& output : recorded_outputs(f, inputs))
    all.push_back(random_gradient(output, generator));
  reel::check(all.size() > count, "gradgradcheck: no output of the function requires grad");
  return Check("gradgradcheck", gradient, all, options).run();
}

/// f as a function of several outputs.
TensorsFunction listed(const Function1& f) {
  return [&f](const std::vector<Tensor>& inputs) { return std::vector<Tensor>{f(inputs[0])}; };
}

TensorsFunction listed(const TensorFunction& f) {
  return [&f](const std::vector<Tensor>& inputs) { return std::vector<Tensor>{f(inputs)}; };
}

}  // namespace

bool gradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
               const GradcheckOptions& options) {
  EnableGradGuard recording;
  return Check("gradcheck", f, inputs, options).run();
}

bool gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
               const GradcheckOptions& options) {
  return gradcheck(listed(f), inputs, options);
}

bool gradcheck(const Function1& f, const Tensor& input, const GradcheckOptions& options) {
  return gradcheck(listed(f), {input}, options);
}

bool gradgradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                   const GradcheckOptions& options) {
  EnableGradGuard recording;
  check_inputs("gradgradcheck", inputs);
  return check_gradient(f, inputs, options);
}

bool gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                   const GradcheckOptions& options) {
  return gradgradcheck(listed(f), inputs, options);
}

bool gradgradcheck(const Function1& f, const Tensor& input, const GradcheckOptions& options) {
  return gradgradcheck(listed(f), {input}, options);
}

}  // namespace reel::autograd
