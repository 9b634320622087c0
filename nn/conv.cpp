#include <reel/autograd/ops/creation.h>
#include <reel/autograd/tape.h>
#include <reel/nn/conv.h>
#include <reel/nn/repr.h>

#include <algorithm>
#include <cmath>

namespace reel::nn {
namespace {

constexpr const char* kConvs[] = {"Conv1d", "Conv2d", "Conv3d"};
constexpr const char* kTransposes[] = {"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"};

constexpr auto conv(int axes) { return axes == 1 ? conv1d : axes == 2 ? conv2d : conv3d; }
constexpr auto conv_transpose(int axes) {
  return axes == 1 ? conv_transpose1d : axes == 2 ? conv_transpose2d : conv_transpose3d;
}

bool all_are(const Shape& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [&](int64_t each) { return each == value; });
}

Shape with_kernel(int64_t rows, int64_t columns, const Shape& kernel) {
  Shape shape{rows, columns};
  for (int64_t size : kernel) shape.push_back(size);
  return shape;
}

// Pads before and behind each axis, the last axis first.
Shape pads_of(const Shape& before, const Shape& behind) {
  Shape pads;
  for (int axis = before.rank() - 1; axis >= 0; --axis) {
    pads.push_back(before[axis]);
    pads.push_back(behind[axis]);
  }
  return pads;
}

// What padding, spelled in numbers or by name, comes to.
Shape pads_of(const char* module, const Padding& padding, const Shape& kernel,
              const Shape& dilation) {
  const int axes = kernel.rank();
  if (padding.text() == "valid") return Shape::filled(2 * axes, 0);
  if (padding.text() != "same") {
    const Shape both = padding.ints().expand(module, "padding", axes, 0);
    return pads_of(both, both);
  }
  Shape before, behind;
  for (int axis = 0; axis < axes; ++axis) {
    const int64_t total = dilation[axis] * (kernel[axis] - 1);
    before.push_back(total / 2);
    behind.push_back(total - total / 2);
  }
  return pads_of(before, behind);
}

std::string repr(const Padding& padding, int axes) {
  return padding.text().empty() ? nn::repr(padding.ints().expand("", "padding", axes, 0))
                                : padding.text();
}
std::string repr(const IntList& padding, int axes) {
  return nn::repr(padding.expand("", "padding", axes, 0));
}

}  // namespace

// ---- what both kinds share ---------------------------------------------------------------------------------

template <class O>
ConvBase<O>::ConvBase(const char* module, int axes, const O& chosen, bool lazy)
    : options(chosen),
      module_(module),
      axes_(axes),
      kernel_(chosen.kernel_size.expand(module, "kernel_size", axes, 1)),
      stride_(chosen.stride.expand(module, "stride", axes, 1)),
      dilation_(chosen.dilation.expand(module, "dilation", axes, 1)) {
  check((lazy || options.in_channels >= 1) && options.out_channels >= 1,
        "{}: in_channels and out_channels must be at least 1, got {} and {}", module,
        options.in_channels, options.out_channels);
  check(!lazy || options.in_channels == 0,
        "Lazy{}: in_channels is that of the first input, got {} beforehand", module,
        options.in_channels);
  check(options.groups >= 1, "{}: groups must be at least 1, got {}", module, options.groups);
  check_groups(options.in_channels);
}

template <class O>
void ConvBase<O>::check_groups(int64_t in_channels) const {
  check(in_channels % options.groups == 0 && options.out_channels % options.groups == 0,
        "{}: groups must divide in_channels and out_channels, got {} for {} and {}", module_,
        options.groups, in_channels, options.out_channels);
}

template <class O>
void ConvBase<O>::register_parameters(bool lazy) {
  if (lazy) {
    weight = this->register_lazy_parameter("weight");
    bias = options.bias ? this->register_lazy_parameter("bias") : bias;
  } else {
    weight = this->register_parameter("weight", empty(weight_shape(options.in_channels)));
    if (options.bias) bias = this->register_parameter("bias", empty({options.out_channels}));
    draw();
  }
  if (!options.bias) this->register_parameter("bias", Tensor());
}

template <class O>
void ConvBase<O>::draw() {
  NoGradGuard no_grad;
  // kaiming_uniform_(a = sqrt(5)) comes to this bound.
  const double bound = 1 / std::sqrt(static_cast<double>(weight.numel() / weight.size(0)));
  weight.uniform_(-bound, bound);
  if (bias.defined()) bias.uniform_(-bound, bound);
}

template <class O>
void ConvBase<O>::settle(const Tensor& x) {
  if (!this->has_uninitialized()) return;
  const int rank = x.dim();
  check(
      (rank == axes_ + 1 || rank == axes_ + 2) && x.size(-1 - axes_) >= 1 && x.is_floating_point(),
      "Lazy{}: a floating input of {} or {} dims with channels is required, got {} {}", module_,
      axes_ + 1, axes_ + 2, x.dtype(), x.shape());
  const int64_t channels = x.size(-1 - axes_);
  check_groups(channels);
  this->materialize("weight", weight_shape(channels));
  if (options.bias) this->materialize("bias", {options.out_channels});
  draw();
}

template <class O>
void ConvBase<O>::check_input(const Tensor& x) const {
  const int rank = x.dim();
  check((rank == axes_ + 1 || rank == axes_ + 2) && x.size(-1 - axes_) == in_channels(),
        "{}: an input of {} or {} dims with {} channels is required, got {}", module_, axes_ + 1,
        axes_ + 2, in_channels(), x.shape());
}

template <class O>
std::string ConvBase<O>::extra_repr() const {
  std::string text = fmt::format("{}, {}, kernel_size={}, stride={}", in_channels(),
                                 options.out_channels, nn::repr(kernel_), nn::repr(stride_));
  const auto add_unless = [&](const char* name, const std::string& value,
                              const std::string& usual) {
    if (value != usual) text += fmt::format(", {}={}", name, value);
  };
  const std::string zeros = nn::repr(Shape::filled(axes_, 0));
  add_unless("padding", repr(options.padding, axes_), zeros);
  add_unless("dilation", nn::repr(dilation_), nn::repr(Shape::filled(axes_, 1)));
  if constexpr (requires { options.output_padding; })
    add_unless("output_padding", repr(options.output_padding, axes_), zeros);
  add_unless("groups", std::to_string(options.groups), "1");
  add_unless("bias", nn::repr(options.bias), "True");
  if constexpr (requires { options.padding_mode; })
    add_unless("padding_mode", name_of(options.padding_mode), "zeros");
  return text;
}

// ---- convolutions ------------------------------------------------------------------------------------------

template <int Axes>
ConvNd<Axes>::ConvNd(const ConvNdOptions& chosen, bool lazy)
    : ConvBase(kConvs[Axes - 1], Axes, chosen, lazy),
      how_{chosen.stride, chosen.padding, chosen.dilation, chosen.groups} {
  const std::string& text = options.padding.text();
  check(text.empty() || text == "valid" || text == "same",
        "{}: padding must be numbers, \"same\" or \"valid\", got \"{}\"", module_, text);
  check(text != "same" || all_are(stride_, 1),
        "{}: padding \"same\" requires a stride of 1, got {}", module_, stride_);
  const Shape pads = pads_of(module_, options.padding, kernel_, dilation_);
  if (options.padding_mode != PaddingMode::Zeros && !all_are(pads, 0)) {
    pads_ = pads;
    how_.padding = 0;
  }
  register_parameters(lazy);
}

template <int Axes>
Shape ConvNd<Axes>::weight_shape(int64_t in_channels) const {
  return with_kernel(options.out_channels, in_channels / options.groups, kernel_);
}

template <int Axes>
int64_t ConvNd<Axes>::in_channels() const {
  return weight.dim() == 1 ? 0 : weight.size(1) * options.groups;
}

template <int Axes>
Tensor ConvNd<Axes>::forward(const Tensor& x) {
  check_input(x);
  if (pads_.empty()) return conv(Axes)(x, weight, bias, how_);
  const Tensor padded = pad(x, pads_, {.mode = name_of(options.padding_mode)});
  return conv(Axes)(padded, weight, bias, how_);
}

template <int Axes>
int64_t ConvNd<Axes>::multiply_adds(const std::vector<Tensor>&, const Tensor& output) const {
  return output.numel() * (weight.numel() / weight.size(0));
}

// ---- transposed ones ---------------------------------------------------------------------------------------

template <int Axes>
ConvTransposeNd<Axes>::ConvTransposeNd(const ConvTransposeNdOptions& chosen, bool lazy)
    : ConvBase(kTransposes[Axes - 1], Axes, chosen, lazy),
      how_{chosen.stride, chosen.padding, chosen.output_padding, chosen.groups, chosen.dilation} {
  options.padding.expand(module_, "padding", Axes, 0);
  const Shape added = options.output_padding.expand(module_, "output_padding", Axes, 0);
  for (int axis = 0; axis < Axes; ++axis) {
    check(added[axis] < std::max(stride_[axis], dilation_[axis]),
          "{}: output_padding must be less than the stride or the dilation, got {} for {} and {}",
          module_, added, stride_, dilation_);
  }
  register_parameters(lazy);
}

template <int Axes>
Shape ConvTransposeNd<Axes>::weight_shape(int64_t in_channels) const {
  return with_kernel(in_channels, options.out_channels / options.groups, kernel_);
}

template <int Axes>
int64_t ConvTransposeNd<Axes>::in_channels() const {
  return weight.size(0);
}

template <int Axes>
Shape ConvTransposeNd<Axes>::output_padding(const Tensor& x, const Shape& output_size) const {
  const int before = output_size.rank() - Axes;
  check(before == 0 || output_size.rank() == x.dim(),
        "{}: an output_size of {} numbers is required, got {}", module_, Axes, output_size);
  const Shape padding = options.padding.expand(module_, "padding", Axes, 0);
  Shape least, added;
  for (int axis = 0; axis < Axes; ++axis) {
    least.push_back((x.size(axis - Axes) - 1) * stride_[axis] - 2 * padding[axis] +
                    dilation_[axis] * (kernel_[axis] - 1) + 1);
    added.push_back(output_size[before + axis] - least[axis]);
  }
  for (int axis = 0; axis < Axes; ++axis) {
    check(added[axis] >= 0 && added[axis] < stride_[axis],
          "{}: an output_size at least {} and less than a stride of {} larger is required for an "
          "input {}, got {}",
          module_, least, stride_, x.shape(), output_size);
  }
  return added;
}

template <int Axes>
Tensor ConvTransposeNd<Axes>::forward(const Tensor& x, const Shape& output_size) {
  check_input(x);
  if (output_size.empty()) return conv_transpose(Axes)(x, weight, bias, how_);
  ConvTransposeOptions how = how_;
  how.output_padding = output_padding(x, output_size);
  return conv_transpose(Axes)(x, weight, bias, how);
}

// Each input is multiplied by a kernel for every output channel of its group.
template <int Axes>
int64_t ConvTransposeNd<Axes>::multiply_adds(const std::vector<Tensor>& inputs,
                                             const Tensor&) const {
  return inputs[0].numel() * (weight.numel() / weight.size(0));
}

template class ConvBase<ConvNdOptions>;
template class ConvBase<ConvTransposeNdOptions>;
template class ConvNd<1>;
template class ConvNd<2>;
template class ConvNd<3>;
template class ConvTransposeNd<1>;
template class ConvTransposeNd<2>;
template class ConvTransposeNd<3>;

}  // namespace reel::nn
