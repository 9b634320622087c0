#include <reel/autograd/kernels/pooling.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/detail/axis_maps.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/pooling.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>

#include <algorithm>

namespace reel {
namespace {

using kernels::List;
using kernels::PoolAxes;
using kernels::PoolAxis;

// ---- windows -------------------------------------------------------------------------------------------------

struct Call {
  const char* op;
  int axes;  // how many of x's last dims the windows move over
  const Tensor& x;

  int64_t size(int axis) const { return x.size(axis - axes); }
};

void check_image(const Call& call) {
  check(call.x.dim() == call.axes + 1 || call.x.dim() == call.axes + 2,
        "{}: an input of {} or {} dims is required, got shape {}", call.op, call.axes + 1,
        call.axes + 2, call.x.shape());
  for (int i = 0; i < call.axes; ++i)
    check(call.size(i) > 0, "{}: an image that is not empty is required, got shape {}", call.op,
          call.x.shape());
}

void check_one_kernel(const Call& call, const IntList& kernel_size, const IntList& option) {
  check(option.empty() || option == kernel_size,
        "{}: kernel_size is an argument and, another one, an option", call.op);
}

Shape expand_list(const Call& call, const IntList& list, const char* what, int64_t least) {
  const Shape values = list.expand(call.op, what, call.axes, least);
  detail::check_at_most(call.op, what, values);
  return values;
}

// Windows at fixed distances, an entry an axis.
struct Sliding {
  Shape kernel, stride, padding, dilation;
  bool ceil_mode;

  int64_t span(int axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
};

Sliding sliding(const Call& call, const IntList& kernel_size, const IntList& stride,
                const IntList& padding, const IntList& dilation, bool ceil_mode) {
  check_image(call);
  const Shape kernel = expand_list(call, kernel_size, "kernel_size", 1);
  Sliding how{kernel, stride.empty() ? kernel : expand_list(call, stride, "stride", 1),
              expand_list(call, padding, "padding", 0), expand_list(call, dilation, "dilation", 1),
              ceil_mode};
  for (int i = 0; i < call.axes; ++i)
    check(how.padding[i] <= how.span(i) / 2,
          "{}: padding of at most half the {} elements that a window spans is required, got {}",
          call.op, how.span(i), how.padding);
  return how;
}

// How many windows an axis has. One that ceil_mode adds must not begin in the padding behind.
int64_t window_count(const Call& call, const Sliding& how, int axis) {
  const int64_t size = call.size(axis), padding = how.padding[axis], stride = how.stride[axis];
  const int64_t room = size + 2 * padding - how.span(axis);
  check(room >= 0 || (how.ceil_mode && room + stride - 1 >= 0),
        "{}: a window of {} elements does not fit dim {} of shape {} with padding {}: the output "
        "would be empty",
        call.op, how.span(axis), call.x.dim() - call.axes + axis, call.x.shape(), padding);
  int64_t count = (room + (how.ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (how.ceil_mode && (count - 1) * stride >= size + padding) --count;
  return count;
}

PoolAxis sliding_axis(const Call& call, const Sliding& how, int axis) {
  const int64_t size = call.size(axis), step = how.dilation[axis];
  PoolAxis result{.size = size,
                  .step = step,
                  .windows = {},
                  .kernel = how.kernel[axis],
                  .stride = how.stride[axis],
                  .padding = how.padding[axis]};
  const int64_t count = window_count(call, how, axis);
  result.windows.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = i * result.stride - how.padding[axis], last = first + how.span(axis);
    const int64_t begin = first >= 0 ? first : first + (step - 1 - first) / step * step;
    const int64_t end = std::min(last, size);
    check(begin < end, "{}: dilation {} makes a window that sees none of shape {}", call.op,
          how.dilation, call.x.shape());
    result.windows.push_back({begin, end});
  }
  return result;
}

// Where windows that make `count` elements of `size` begin; the i-th ends where the next begins, or
// one further.
int64_t adaptive_begin(int64_t i, int64_t size, int64_t count) { return i * size / count; }
int64_t adaptive_end(int64_t i, int64_t size, int64_t count) {
  return ((i + 1) * size + count - 1) / count;
}

Shape adaptive_sizes(const Call& call, const OutputSize& output_size) {
  check_image(call);
  const auto& given = output_size.sizes();
  check(given.size() == 1 || given.size() == static_cast<size_t>(call.axes),
        "{}: one output_size or {} of them are required, got {} of them", call.op, call.axes,
        given.size());
  Shape sizes, shape = call.x.shape();
  for (int i = 0; i < call.axes; ++i) {
    sizes.push_back(given[given.size() == 1 ? 0 : static_cast<size_t>(i)].value_or(call.size(i)));
    check(sizes[i] >= 0, "{}: output_size of at least 0 is required, got {}", call.op, sizes[i]);
    shape[call.x.dim() - call.axes + i] = sizes[i];
  }
  detail::check_at_most(call.op, "output_size", sizes);
  detail::check_at_most(
      call.op, "image",
      Shape(std::span(call.x.shape().end() - call.axes, static_cast<size_t>(call.axes))));
  check_sizes(call.op, shape);
  return sizes;
}

PoolAxis adaptive_axis(int64_t size, int64_t count) {
  PoolAxis result{.size = size, .windows = {}, .kernel = 0};
  for (int64_t i = 0; i < count; ++i)
    result.windows.push_back({adaptive_begin(i, size, count), adaptive_end(i, size, count)});
  return result;
}

size_t place_of_axis(const Call& call, int axis) {
  return static_cast<size_t>(kMaxAxes - call.axes + axis);
}

// ---- maxima and their places ---------------------------------------------------------------------------------

// What lies at the places of `indices`, an image of one to three dims flattened.
Tensor take_places(const Tensor& x, const Tensor& indices, int axes) {
  return gather(flatten(x, -axes), -1, flatten(indices, -axes)).reshape(indices.shape());
}

// An operation of its own: a scatter that knows its places to be right and sums plane by plane.
Tensor put_places(const Tensor& g, const Tensor& places, const Shape& shape, int axes) {
  return record("max_pool_backward",
                kernels::max_pool_backward(g.array(), places.array(), shape, axes),
                wrt(g, [places = keep(places), shape, axes](const Tensor& gg) {
                  const Tensor indices(kernels::indices_of(places().array(), shape));
                  return take_places(gg, indices, axes);
                }));
}

ValuesAndIndices pool_max(const Call& call, const List<PoolAxes>& axes, bool with_indices) {
  using kernels::Places;
  const bool recorded = is_grad_enabled() && call.x.requires_grad();
  const Places kind = with_indices ? Places::kIndices : recorded ? Places::kShort : Places::kNone;
  kernels::PooledMax best = kernels::max_pool(call.op, call.x.array(), call.axes, axes, kind);
  if (kind == Places::kNone) return {Tensor(std::move(best.values)), Tensor()};
  const Tensor places(std::move(best.places));
  Tensor values = record(
      call.op, std::move(best.values),
      wrt(call.x, [places = keep(places), n = call.axes](const Tensor& g, const Shape& shape) {
        return put_places(g, places(), shape, n);
      }));
  return {std::move(values), places};
}

ValuesAndIndices max_pool(const Call& call, const IntList& kernel_size,
                          const MaxPoolOptions& options, bool with_indices) {
  check_one_kernel(call, kernel_size, options.kernel_size);
  const Sliding how = sliding(call, kernel_size, options.stride, options.padding, options.dilation,
                              options.ceil_mode);
  List<PoolAxes> axes(1);
  for (int i = 0; i < call.axes; ++i) axes[0][place_of_axis(call, i)] = sliding_axis(call, how, i);
  return pool_max(call, axes, with_indices);
}

ValuesAndIndices adaptive_max_pool(const Call& call, const OutputSize& output_size,
                                   bool with_indices) {
  const Shape sizes = adaptive_sizes(call, output_size);
  List<PoolAxes> axes(1);
  for (int i = 0; i < call.axes; ++i)
    axes[0][place_of_axis(call, i)] = adaptive_axis(call.size(i), sizes[i]);
  return pool_max(call, axes, with_indices);
}

// ---- fractional maxima ---------------------------------------------------------------------------------------

Shape fractional_sizes(const Call& call, const Shape& kernel,
                       const FractionalMaxPoolOptions& options) {
  check(options.output_size.empty() != options.output_ratio.empty(),
        "{}: either output_size or output_ratio is required, got {}", call.op,
        options.output_size.empty() ? "neither" : "both");
  Shape sizes;
  if (!options.output_size.empty()) {
    sizes = expand_list(call, options.output_size, "output_size", 1);
  } else {
    const auto ratios = options.output_ratio.expand(call.op, "output_ratio", call.axes);
    for (int i = 0; i < call.axes; ++i) {
      const double ratio = ratios[static_cast<size_t>(i)];
      check(ratio < 1, "{}: output_ratio below 1 is required, got {}", call.op, ratio);
      sizes.push_back(static_cast<int64_t>(static_cast<double>(call.size(i)) * ratio));
    }
  }
  for (int i = 0; i < call.axes; ++i)
    check(sizes[i] >= 1 && sizes[i] + kernel[i] - 1 <= call.size(i),
          "{}: windows of {} elements make 1 to size - {} of them of shape {}, got output_size {}",
          call.op, kernel[i], kernel[i] - 1, call.x.shape(), sizes);
  return sizes;
}

// The numbers that a channel's windows are laid by, [channels in all, axes].
Tensor random_samples(const Call& call, const Tensor& given) {
  const Shape& shape = call.x.shape();
  const Shape wanted{call.x.dim() == call.axes + 2 ? shape[0] : 1, call.x.size(-1 - call.axes),
                     call.axes};
  if (!given.defined()) return rand(wanted, {.dtype = call.x.dtype()});
  check(given.shape() == wanted && given.dtype() == call.x.dtype(),
        "{}: random_samples of shape {} and dtype {} are required, got {} and {}", call.op, wanted,
        call.x.dtype(), given.shape(), given.dtype());
  const Tensor samples = given.detach().contiguous();
  const Tensor wide = samples.to(kFloat64);
  for (double sample : wide.span<double>())
    check(sample >= 0 && sample < 1, "{}: random_samples in [0, 1) are required, got {}", call.op,
          sample);
  return samples;
}

// Graham (2014), section 2: begins at a random place of steps of alpha, cut to whole numbers.
template <class T>
PoolAxis fractional_axis(int64_t size, int64_t count, int64_t kernel, T sample) {
  PoolAxis result{.size = size, .windows = {}, .kernel = 0};
  const T alpha = static_cast<T>(size - kernel) / static_cast<T>(std::max<int64_t>(count - 1, 1));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = static_cast<int64_t>(sample * alpha);
    int64_t begin = static_cast<int64_t>((static_cast<T>(i) + sample) * alpha) - first;
    begin = i == count - 1 ? size - kernel : std::min(begin, size - kernel);
    result.windows.push_back({begin, begin + kernel});
  }
  return result;
}

ValuesAndIndices fractional_max_pool(const Call& call, const IntList& kernel_size,
                                     const FractionalMaxPoolOptions& options, bool with_indices) {
  check_image(call);
  check<TypeError>(is_floating(call.x.dtype()), "{}: expected a floating dtype, got {}", call.op,
                   call.x.dtype());
  const Shape kernel = expand_list(call, kernel_size, "kernel_size", 1);
  const Shape sizes = fractional_sizes(call, kernel, options);
  const Tensor samples = random_samples(call, options.random_samples);
  List<PoolAxes> planes(static_cast<size_t>(std::max<int64_t>(samples.numel() / call.axes, 1)));
  dispatch_float(call.x.dtype(), call.op, [&]<class T>(TypeTag<T>) {
    const T* next = samples.data<T>();
    for (PoolAxes& axes : planes) {
      // Of two axes the last has the first sample, of three the first.
      for (int i = 0; i < call.axes; ++i) {
        const int sample = call.axes == 2 ? 1 - i : i;
        axes[place_of_axis(call, i)] = fractional_axis<T>(
            call.size(i), sizes[i], kernel[i], samples.numel() > 0 ? next[sample] : T(0));
      }
      next += call.axes;
    }
  });
  return pool_max(call, planes, with_indices);
}

// ---- back to the places --------------------------------------------------------------------------------------

// output_size as it is asked for, or the smallest image that such windows could have seen.
Shape unpooled_shape(const Call& call, const IntList& kernel_size, const UnpoolOptions& options) {
  check_image(call);
  const Shape kernel = expand_list(call, kernel_size, "kernel_size", 1);
  const Shape stride =
      options.stride.empty() ? kernel : expand_list(call, options.stride, "stride", 1);
  const Shape padding = expand_list(call, options.padding, "padding", 0);
  const Shape& wish = options.output_size;
  const int skipped = wish.rank() - call.axes;
  check(wish.empty() || skipped == 0 || wish.rank() == call.x.dim(),
        "{}: output_size of {} or {} entries is required, got {}", call.op, call.axes, call.x.dim(),
        wish);
  Shape shape = call.x.shape();
  for (int i = 0; i < call.axes; ++i) {
    int64_t& size = shape[call.x.dim() - call.axes + i];
    detail::check_at_most(call.op, "image", size);
    size = (size - 1) * stride[i] - 2 * padding[i] + kernel[i];
    if (!wish.empty()) {
      const int64_t wanted = wish[skipped + i];
      check(wanted > size - stride[i] && wanted < size + stride[i],
            "{}: output_size between {} and {} is required in dim {}, got {}", call.op,
            size - stride[i], size + stride[i], call.x.dim() - call.axes + i, wish);
      size = wanted;
    }
    check(size > 0, "{}: an output that is not empty is required, got size {} in dim {}", call.op,
          size, call.x.dim() - call.axes + i);
  }
  check_sizes(call.op, shape);
  return shape;
}

Tensor max_unpool(const Call& call, const Tensor& given, const IntList& kernel_size,
                  const UnpoolOptions& options) {
  const Shape shape = unpooled_shape(call, kernel_size, options);
  check<TypeError>(given.dtype() == kInt64 || given.dtype() == kInt32,
                   "{}: indices must be int64 or int32, got {}", call.op, given.dtype());
  check(given.shape() == call.x.shape(), "{}: indices of the input's shape {} are required, got {}",
        call.op, call.x.shape(), given.shape());
  const Tensor indices = given.to(kInt64);
  return record(call.op,
                kernels::max_unpool(call.op, call.x.array(), indices.array(), shape, call.axes),
                wrt(call.x, [indices = keep(indices), n = call.axes](const Tensor& g) {
                  return take_places(g, indices(), n);
                }));
}

// ---- means ---------------------------------------------------------------------------------------------------

Tensor avg_pool(const Call& call, const IntList& kernel_size, const AvgPoolOptions& options) {
  check_one_kernel(call, kernel_size, options.kernel_size);
  const Sliding how =
      sliding(call, kernel_size, options.stride, options.padding, 1, options.ceil_mode);
  const int64_t divisor = options.divisor_override.value_or(1);
  check(divisor != 0, "{}: divisor_override other than 0 is required, got 0", call.op);
  detail::AxisMaps maps{call.op, "avg_pool_backward", {}};
  for (int i = 0; i < call.axes; ++i) {
    kernels::AxisMap& map = maps.maps.emplace_back();
    map.size = call.size(i);
    const int64_t count = window_count(call, how, i);
    for (int64_t k = 0; k < count; ++k) {
      const int64_t first = k * how.stride[i] - how.padding[i];
      const int64_t last = std::min(first + how.kernel[i], map.size + how.padding[i]);
      const int64_t begin = std::max<int64_t>(first, 0), end = std::min(last, map.size);
      const int64_t counted = options.count_include_pad ? last - first : end - begin;
      const int64_t own = options.divisor_override ? (i == 0 ? divisor : 1) : counted;
      map.add_sum(begin, end - begin, static_cast<double>(own));
    }
  }
  return detail::map_axes(call.x, std::move(maps));
}

Tensor adaptive_avg_pool(const Call& call, const OutputSize& output_size) {
  const Shape sizes = adaptive_sizes(call, output_size);
  detail::AxisMaps maps{call.op, "avg_pool_backward", {}};
  for (int i = 0; i < call.axes; ++i) {
    kernels::AxisMap& map = maps.maps.emplace_back();
    map.size = call.size(i);
    for (int64_t k = 0; k < sizes[i]; ++k) {
      const int64_t begin = adaptive_begin(k, map.size, sizes[i]);
      const int64_t count = adaptive_end(k, map.size, sizes[i]) - begin;
      map.add_sum(begin, count, static_cast<double>(count));
    }
  }
  return detail::map_axes(call.x, std::move(maps));
}

Tensor lp_pool(const Call& call, double norm_type, const IntList& kernel_size,
               const LpPoolOptions& options) {
  check(norm_type != 0, "{}: norm_type other than 0 is required, got 0", call.op);
  check_image(call);
  check<TypeError>(is_floating(call.x.dtype()), "{}: expected a floating dtype, got {}", call.op,
                   call.x.dtype());
  double volume = 1;
  for (int64_t size : expand_list(call, kernel_size, "kernel_size", 1))
    volume *= static_cast<double>(size);
  const Tensor powers = pow(call.x, norm_type);
  const Tensor mean = avg_pool({call.op, call.axes, powers}, kernel_size,
                               {.stride = options.stride, .ceil_mode = options.ceil_mode});
  return pow(sign(mean) * relu(abs(mean)) * volume, 1 / norm_type);
}

}  // namespace

// ---- public functions ----------------------------------------------------------------------------------------

Tensor max_pool1d(const Tensor& x, const IntList& kernel_size, const MaxPoolOptions& options) {
  return max_pool({"max_pool1d", 1, x}, kernel_size, options, false).values;
}
Tensor max_pool2d(const Tensor& x, const IntList& kernel_size, const MaxPoolOptions& options) {
  return max_pool({"max_pool2d", 2, x}, kernel_size, options, false).values;
}
Tensor max_pool3d(const Tensor& x, const IntList& kernel_size, const MaxPoolOptions& options) {
  return max_pool({"max_pool3d", 3, x}, kernel_size, options, false).values;
}
ValuesAndIndices max_pool1d_with_indices(const Tensor& x, const IntList& kernel_size,
                                         const MaxPoolOptions& options) {
  return max_pool({"max_pool1d_with_indices", 1, x}, kernel_size, options, true);
}
ValuesAndIndices max_pool2d_with_indices(const Tensor& x, const IntList& kernel_size,
                                         const MaxPoolOptions& options) {
  return max_pool({"max_pool2d_with_indices", 2, x}, kernel_size, options, true);
}
ValuesAndIndices max_pool3d_with_indices(const Tensor& x, const IntList& kernel_size,
                                         const MaxPoolOptions& options) {
  return max_pool({"max_pool3d_with_indices", 3, x}, kernel_size, options, true);
}

Tensor avg_pool1d(const Tensor& x, const IntList& kernel_size, const AvgPoolOptions& options) {
  return avg_pool({"avg_pool1d", 1, x}, kernel_size, options);
}
Tensor avg_pool2d(const Tensor& x, const IntList& kernel_size, const AvgPoolOptions& options) {
  return avg_pool({"avg_pool2d", 2, x}, kernel_size, options);
}
Tensor avg_pool3d(const Tensor& x, const IntList& kernel_size, const AvgPoolOptions& options) {
  return avg_pool({"avg_pool3d", 3, x}, kernel_size, options);
}

Tensor lp_pool1d(const Tensor& x, double norm_type, const IntList& kernel_size,
                 const LpPoolOptions& options) {
  return lp_pool({"lp_pool1d", 1, x}, norm_type, kernel_size, options);
}
Tensor lp_pool2d(const Tensor& x, double norm_type, const IntList& kernel_size,
                 const LpPoolOptions& options) {
  return lp_pool({"lp_pool2d", 2, x}, norm_type, kernel_size, options);
}
Tensor lp_pool3d(const Tensor& x, double norm_type, const IntList& kernel_size,
                 const LpPoolOptions& options) {
  return lp_pool({"lp_pool3d", 3, x}, norm_type, kernel_size, options);
}

Tensor adaptive_avg_pool1d(const Tensor& x, const OutputSize& output_size) {
  return adaptive_avg_pool({"adaptive_avg_pool1d", 1, x}, output_size);
}
Tensor adaptive_avg_pool2d(const Tensor& x, const OutputSize& output_size) {
  return adaptive_avg_pool({"adaptive_avg_pool2d", 2, x}, output_size);
}
Tensor adaptive_avg_pool3d(const Tensor& x, const OutputSize& output_size) {
  return adaptive_avg_pool({"adaptive_avg_pool3d", 3, x}, output_size);
}
Tensor adaptive_max_pool1d(const Tensor& x, const OutputSize& output_size) {
  return adaptive_max_pool({"adaptive_max_pool1d", 1, x}, output_size, false).values;
}
Tensor adaptive_max_pool2d(const Tensor& x, const OutputSize& output_size) {
  return adaptive_max_pool({"adaptive_max_pool2d", 2, x}, output_size, false).values;
}
Tensor adaptive_max_pool3d(const Tensor& x, const OutputSize& output_size) {
  return adaptive_max_pool({"adaptive_max_pool3d", 3, x}, output_size, false).values;
}
ValuesAndIndices adaptive_max_pool1d_with_indices(const Tensor& x, const OutputSize& output_size) {
  return adaptive_max_pool({"adaptive_max_pool1d_with_indices", 1, x}, output_size, true);
}
ValuesAndIndices adaptive_max_pool2d_with_indices(const Tensor& x, const OutputSize& output_size) {
  return adaptive_max_pool({"adaptive_max_pool2d_with_indices", 2, x}, output_size, true);
}
ValuesAndIndices adaptive_max_pool3d_with_indices(const Tensor& x, const OutputSize& output_size) {
  return adaptive_max_pool({"adaptive_max_pool3d_with_indices", 3, x}, output_size, true);
}

Tensor fractional_max_pool2d(const Tensor& x, const IntList& kernel_size,
                             const FractionalMaxPoolOptions& options) {
  return fractional_max_pool({"fractional_max_pool2d", 2, x}, kernel_size, options, false).values;
}
Tensor fractional_max_pool3d(const Tensor& x, const IntList& kernel_size,
                             const FractionalMaxPoolOptions& options) {
  return fractional_max_pool({"fractional_max_pool3d", 3, x}, kernel_size, options, false).values;
}
ValuesAndIndices fractional_max_pool2d_with_indices(const Tensor& x, const IntList& kernel_size,
                                                    const FractionalMaxPoolOptions& options) {
  return fractional_max_pool({"fractional_max_pool2d_with_indices", 2, x}, kernel_size, options,
                             true);
}
ValuesAndIndices fractional_max_pool3d_with_indices(const Tensor& x, const IntList& kernel_size,
                                                    const FractionalMaxPoolOptions& options) {
  return fractional_max_pool({"fractional_max_pool3d_with_indices", 3, x}, kernel_size, options,
                             true);
}

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const IntList& kernel_size,
                    const UnpoolOptions& options) {
  return max_unpool({"max_unpool1d", 1, x}, indices, kernel_size, options);
}
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const IntList& kernel_size,
                    const UnpoolOptions& options) {
  return max_unpool({"max_unpool2d", 2, x}, indices, kernel_size, options);
}
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const IntList& kernel_size,
                    const UnpoolOptions& options) {
  return max_unpool({"max_unpool3d", 3, x}, indices, kernel_size, options);
}

}  // namespace reel
