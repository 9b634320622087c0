// Tensors as text, laid out as PyTorch prints them: precision 4, lines of 80, summarised above 1000
// elements.
#include <reel/autograd/body.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

namespace reel {
namespace {

constexpr int64_t kThreshold = 1000;  // elements beyond which only the edges are shown
constexpr int64_t kEdgeItems = 3;
constexpr size_t kLineWidth = 80;
constexpr size_t kIndent = 7;  // of "tensor("

// Integers and truth values are Plain; floats are written in one of the other ways.
enum class Style { Plain, Whole, Fixed, Scientific };

std::string number_text(double value, Style style) {
  if (std::isnan(value)) return "nan";  // whatever its sign bit
  switch (style) {
    case Style::Scientific:
      return fmt::format("{:.4e}", value);
    case Style::Fixed:
      return fmt::format("{:.4f}", value);
    default:
      return fmt::format("{:.0f}{}", value, std::isinf(value) ? "" : ".");
  }
}

template <class T>
std::string element_text(T value, Style style) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? "True" : "False";
  else if constexpr (std::is_integral_v<T>)
    return fmt::format("{}", value);
  else
    return number_text(value, style);
}

// How floats are written follows from those that are neither zero nor infinite nor NaN, as in
// PyTorch.
struct Statistics {
  double smallest = std::numeric_limits<double>::infinity();
  double largest = 0;
  bool whole = true;

  void add(double value) {
    if (value == 0 || !std::isfinite(value)) return;
    smallest = std::min(smallest, std::abs(value));
    largest = std::max(largest, std::abs(value));
    whole = whole && value == std::ceil(value);
  }
  Style style() const {
    if (largest == 0) return Style::Whole;
    if (largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4))
      return Style::Scientific;
    return whole ? Style::Whole : Style::Fixed;
  }
};

/// Writes the elements of one array, all in one style and one width.
template <class T>
class ArrayPrinter {
 public:
  explicit ArrayPrinter(const Array& array)
      : array_(array), summarized_(array.numel() > kThreshold) {
    if constexpr (std::is_floating_point_v<T>) {
      Statistics statistics;
      each_shown(0, array_.data<T>(), [&](T value) { statistics.add(value); });
      style_ = statistics.style();
    }
    each_shown(0, array_.data<T>(), [&](T value) {
      if (sets_width(value)) width_ = std::max(width_, element_text(value, style_).size());
    });
  }
  std::string text() const { return block(0, array_.data<T>()); }

 private:
  static bool sets_width(T value) {
    if constexpr (std::is_floating_point_v<T>) return value != 0 && std::isfinite(value);
    return true;
  }
  bool cut(int dim) const { return summarized_ && array_.size(dim) > 2 * kEdgeItems; }

  /// Calls f(index) for what is shown of a dim, and gap() where the rest is left out.
  template <class F, class Gap>
  void each_index(int dim, F&& f, Gap&& gap) const {
    const int64_t size = array_.size(dim);
    for (int64_t i = 0; i < size; ++i) {
      if (cut(dim) && i == kEdgeItems) {
        gap();
        i = size - kEdgeItems;
      }
      f(i);
    }
  }
  template <class F>
  void each_shown(int dim, const T* at, const F& f) const {
    if (dim == array_.rank()) return f(*at);
    each_index(
        dim, [&](int64_t i) { each_shown(dim + 1, at + i * array_.strides()[dim], f); }, [] {});
  }

  std::string padded(T value) const {
    const std::string text = element_text(value, style_);
    return std::string(width_ - std::min(width_, text.size()), ' ') + text;
  }
  std::string row(const T* at, int dim) const {
    const size_t indent = kIndent + static_cast<size_t>(dim);
    const size_t room = kLineWidth - std::min(kLineWidth, indent);
    const size_t per_line = std::max<size_t>(1, room / (width_ + 2));
    std::string line = "[";
    size_t count = 0;
    const auto put = [&](const std::string& text) {
      if (count > 0) line += count % per_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
      line += text;
      ++count;
    };
    each_index(
        dim, [&](int64_t i) { put(padded(at[i * array_.strides()[dim]])); }, [&] { put(" ..."); });
    return line + "]";
  }
  /// The elements below `dim` in brackets; blocks of more dims stand further apart.
  std::string block(int dim, const T* at) const {
    const int below = array_.rank() - dim;
    if (below == 0) return padded(*at);
    if (below == 1) return row(at, dim);
    const std::string apart = "," + std::string(static_cast<size_t>(below - 1), '\n') +
                              std::string(kIndent + static_cast<size_t>(dim) + 1, ' ');
    std::string text = "[";
    const auto put = [&](const std::string& part) {
      text += (text.size() > 1 ? apart : "") + part;
    };
    each_index(
        dim, [&](int64_t i) { put(block(dim + 1, at + i * array_.strides()[dim])); },
        [&] { put("..."); });
    return text + "]";
  }

  const Array& array_;
  bool summarized_;
  Style style_ = Style::Plain;
  size_t width_ = 1;
};

std::string numbers_text(const Array& array) {
  if (array.numel() == 0) return "[]";
  return dispatch_any(array.dtype(),
                      [&]<class T>(TypeTag<T>) { return ArrayPrinter<T>(array).text(); });
}

/// "log_softmax" as "LogSoftmaxBackward0". A Function keeps its name: "Cube" is "CubeBackward".
std::string grad_fn_text(std::string_view name) {
  const bool function = !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
  std::string camel;
  bool upper = true;
  for (const char letter : name) {
    if (letter == '_' && !function) {
      upper = true;
      continue;
    }
    camel +=
        upper && letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    upper = false;
  }
  return fmt::format("grad_fn=<{}Backward{}>", camel, function ? "" : "0");
}

std::string size_text(const Shape& shape) {
  const std::string list = to_string(shape);
  return "size=(" + list.substr(1, list.size() - 2) + ")";
}

/// What stands behind the numbers.
std::vector<std::string> suffixes_of(const Tensor& tensor) {
  std::vector<std::string> suffixes;
  const bool empty = tensor.numel() == 0;
  const Dtype dtype = tensor.dtype();
  if (empty && tensor.dim() != 1) suffixes.push_back(size_text(tensor.shape()));
  // Numbers show that they are integers or truth values; an empty list of them does not.
  const bool shown_by_numbers = !empty && (dtype == kInt64 || dtype == kBool);
  if (dtype != kFloat32 && !shown_by_numbers) suffixes.push_back(fmt::format("dtype={}", dtype));
  if (const Node* node = tensor.grad_fn()) {
    suffixes.push_back(grad_fn_text(node->name()));
  } else if (tensor.requires_grad()) {
    suffixes.push_back("requires_grad=True");
  }
  return suffixes;
}

}  // namespace

std::string Tensor::to_string() const {
  if (!defined()) return "tensor(undefined)";
  std::string text = "tensor(" + numbers_text(array());
  const size_t newline = text.rfind('\n');
  // The odd counts are PyTorch's; they decide where lines break.
  size_t last_line = newline == std::string::npos ? text.size() + 2 : text.size() - newline + 1;
  for (const std::string& suffix : suffixes_of(*this)) {
    if (last_line + suffix.size() + 2 > kLineWidth) {
      text += ",\n" + std::string(kIndent, ' ') + suffix;
      last_line = kIndent + suffix.size();
    } else {
      text += ", " + suffix;
      last_line += suffix.size() + 2;
    }
  }
  return text + ")";
}

}  // namespace reel
