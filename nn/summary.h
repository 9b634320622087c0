#pragma once
// What a model consists of and what it costs: shapes, parameters, multiply-adds.

#include <reel/nn/handle.h>

#include <optional>

namespace reel::nn {

struct SummaryOptions {
  std::optional<Dtype> dtype = {};  ///< of the input; that of the model's parameters if absent
  /// Floating buffers (running statistics) count as parameters that are not trained, as in Keras.
  bool count_buffers = false;
};

struct LayerSummary {
  std::string name;  ///< dotted path; "" is the model
  std::string type;  ///< "Conv2d"
  /// Of what the first call returned; none if it was not called, or returned no tensor.
  std::optional<Shape> output_shape = {};
  // Of the module itself, without those inside and those that were counted in a row above.
  int64_t parameters = 0;
  int64_t trainable_parameters = 0;
  int64_t parameter_bytes = 0;
  // Of all its calls.
  int64_t multiply_adds = 0;
  int64_t output_bytes = 0;  ///< of layers without others inside that return new memory
};

/// Prints as a table.
struct Summary {
  std::vector<LayerSummary> rows;  ///< of each module once, in the order of named_modules()
  // Sums of the rows.
  int64_t parameters = 0;
  int64_t trainable_parameters = 0;
  int64_t non_trainable_parameters = 0;
  int64_t parameter_bytes = 0;
  int64_t multiply_adds = 0;
  int64_t output_bytes = 0;

  std::string to_string() const;
};

/// What `call`, which calls the model, does with it: for models of several inputs,
/// nn::summary(*model, [&] { model(source, target); }). It is called once, in eval mode and without
/// recording; modes and random numbers are afterwards as they were before, also if it throws. Only
/// a lazy model is changed: it draws its parameters, as in its first call.
///
/// Multiply-adds are the products that are added up, as Module::multiply_adds() tells: those of
/// linear and bilinear layers, convolutions, recurrent layers and attention. Biases, normalisation,
/// activations, pooling and embeddings count 0.
Summary summary(Module& model, const std::function<void()>& call,
                const SummaryOptions& options = {});

namespace detail {
Tensor summary_input(const Module& model, const Shape& shape, const SummaryOptions& options);
}  // namespace detail

/// The same of model(zeros(input_shape)): nn::summary(net, {1, 3, 224, 224}), the batch included,
/// as forward() takes it. Embeddings need {.dtype = kInt64}.
template <class M>
requires std::is_base_of_v<Module, M> Summary summary(M& model, const Shape& input_shape,
                                                      const SummaryOptions& options = {}) {
  const Tensor input = detail::summary_input(model, input_shape, options);
  const auto call = [&] {
    if constexpr (std::is_same_v<M, Module>) {
      model(input);
    } else {
      // A forward of one's own need not be an override.
      const auto forward = [&](const Tensor& x) { return model.forward(x); };
      detail::call_hooked(*model.hooks(), model, forward, input);
    }
  };
  return summary(static_cast<Module&>(model), call, options);
}
template <class Impl>
Summary summary(const Handle<Impl>& model, const Shape& input_shape,
                const SummaryOptions& options = {}) {
  return summary(*model, input_shape, options);
}

}  // namespace reel::nn

template <>
struct fmt::formatter<reel::nn::Summary> : reel::TextFormatter {
  template <class Context>
  auto format(const reel::nn::Summary& summary, Context& context) const {
    return write(summary.to_string(), context);
  }
};
