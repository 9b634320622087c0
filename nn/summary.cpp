#include <reel/autograd/generator.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/tape.h>
#include <reel/nn/summary.h>

#include <algorithm>
#include <array>
#include <unordered_set>

namespace reel::nn {
namespace {

// ---- the one pass ------------------------------------------------------------------------------------------

// Eval mode and the random numbers, until it dies.
class EvalPass {
 public:
  explicit EvalPass(Module& model) : generator_(default_generator()) {
    std::unordered_set<Module*> seen;
    model.apply([&](Module& module) {
      lazy_ = lazy_ || module.has_uninitialized();
      if (seen.insert(&module).second) modes_.push_back({&module, module.is_training()});
    });
    model.eval();
  }
  ~EvalPass() {
    // apply() tells what is inside first, train() reaches it from outside: so from the end.
    for (auto at = modes_.rbegin(); at != modes_.rend(); ++at) {
      if (at->first->is_training() != at->second) at->first->train(at->second);
    }
    // What a lazy module drew is not to be drawn again.
    if (!lazy_) default_generator() = generator_;
  }
  EvalPass(const EvalPass&) = delete;
  EvalPass& operator=(const EvalPass&) = delete;

 private:
  const Generator generator_;
  std::vector<std::pair<Module*, bool>> modes_;
  bool lazy_ = false;
  NoGradGuard no_grad_;
};

int64_t bytes_of(const Tensor& x) { return x.numel() * static_cast<int64_t>(size_of(x.dtype())); }

// Hooks that note each call in the row of its module, until it dies.
class Watch {
 public:
  explicit Watch(const std::vector<Named<Module*>>& modules, std::vector<LayerSummary>& rows) {
    for (size_t i = 0; i < modules.size(); ++i) {
      const auto note = [&row = rows[i]](const Module& module, const std::vector<Tensor>& inputs,
                                         const Tensor& output) {
        row.multiply_adds += module.multiply_adds(inputs, output);
        if (!output.defined()) return;
        if (!row.output_shape) row.output_shape = output.shape();
        const bool view = std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& input) {
          return input.defined() && input.array().storage() == output.array().storage();
        });
        if (!view && module.children().empty()) row.output_bytes += bytes_of(output);
      };
      handles_.push_back(modules[i].value->register_forward_hook(note, {.cloned = false}));
    }
  }
  ~Watch() {
    for (HookHandle& handle : handles_) handle.remove();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  std::vector<HookHandle> handles_;
};

void count_parameters(const Module& module, const SummaryOptions& options, LayerSummary& row,
                      std::unordered_set<const TensorBody*>& seen) {
  const auto count = [&](const Tensor& x, bool trained) {
    if (!seen.insert(x.body()).second) return;
    row.parameters += x.numel();
    row.trainable_parameters += trained ? x.numel() : 0;
    row.parameter_bytes += bytes_of(x);
  };
  for (const Tensor& x : module.parameters(false)) count(x, x.requires_grad());
  if (!options.count_buffers) return;
  for (const Tensor& x : module.buffers(false)) {
    if (is_floating(x.dtype())) count(x, false);
  }
}

// ---- the table ---------------------------------------------------------------------------------------------

// "1,234,567"
std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string megabytes(int64_t bytes) {
  return fmt::format("{:.2f}", static_cast<double>(bytes) / 1e6);
}

using Line = std::array<std::string, 5>;

Line line_of(const LayerSummary& row) {
  const auto number = [](int64_t value) { return value == 0 ? "--" : grouped(value); };
  const size_t dot = row.name.rfind('.');
  const auto dots = std::count(row.name.begin(), row.name.end(), '.');
  std::string title = row.type;
  if (!row.name.empty()) {
    title = std::string(2 * static_cast<size_t>(dots) + 2, ' ') +
            row.name.substr(dot == std::string::npos ? 0 : dot + 1) + " (" + row.type + ")";
  }
  const char* trainable = row.parameters == 0                          ? "--"
                          : row.trainable_parameters == row.parameters ? "True"
                          : row.trainable_parameters == 0              ? "False"
                                                                       : "Partial";
  return {title, row.output_shape ? reel::to_string(*row.output_shape) : "--",
          number(row.parameters), number(row.multiply_adds), trainable};
}

}  // namespace

std::string Summary::to_string() const {
  std::vector<Line> lines{{"Layer (type)", "Output Shape", "Param #", "Mult-Adds", "Trainable"}};
  for (const LayerSummary& row : rows) lines.push_back(line_of(row));
  std::array<size_t, 5> widths{};
  for (const Line& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  size_t width = 2 * (widths.size() - 1);
  for (size_t each : widths) width += each;
  const std::string rule = std::string(width, '=') + "\n";
  std::string text = rule;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    // Numbers stand to the right. The last column, so that no line ends in spaces, is not filled.
    text += fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>{}}  {}\n", line[0], widths[0], line[1],
                        widths[1], line[2], widths[2], line[3], widths[3], line[4]);
    if (i == 0) text += rule;
  }
  text += rule;
  text += "Total params: " + grouped(parameters) + "\n";
  text += "Trainable params: " + grouped(trainable_parameters) + "\n";
  text += "Non-trainable params: " + grouped(non_trainable_parameters) + "\n";
  text += "Total mult-adds: " + grouped(multiply_adds) + "\n";
  text += rule;
  text += "Params size (MB): " + megabytes(parameter_bytes) + "\n";
  text += "Forward pass size (MB): " + megabytes(output_bytes) + "\n";
  return text + std::string(width, '=');
}

Tensor detail::summary_input(const Module& model, const Shape& shape,
                             const SummaryOptions& options) {
  Dtype dtype = options.dtype.value_or(kFloat32);
  if (!options.dtype) {
    const std::vector<Tensor> parameters = model.parameters();
    const auto floating = std::find_if(parameters.begin(), parameters.end(),
                                       [](const Tensor& x) { return is_floating(x.dtype()); });
    if (floating != parameters.end()) dtype = floating->dtype();
  }
  return zeros(shape, {.dtype = dtype});
}

Summary summary(Module& model, const std::function<void()>& call, const SummaryOptions& options) {
  const std::vector<Named<Module*>> modules = model.named_modules();
  Summary result;
  for (const auto& [name, module] : modules) result.rows.push_back({.name = name, .type = {}});
  {
    const EvalPass pass(model);
    const Watch watch(modules, result.rows);
    call();
  }
  std::unordered_set<const TensorBody*> seen;
  for (size_t i = 0; i < modules.size(); ++i) {
    LayerSummary& row = result.rows[i];
    row.type = modules[i].value->name();  // a lazy layer's is another now
    count_parameters(*modules[i].value, options, row, seen);
    result.parameters += row.parameters;
    result.trainable_parameters += row.trainable_parameters;
    result.parameter_bytes += row.parameter_bytes;
    result.multiply_adds += row.multiply_adds;
    result.output_bytes += row.output_bytes;
  }
  result.non_trainable_parameters = result.parameters - result.trainable_parameters;
  return result;
}

}  // namespace reel::nn
