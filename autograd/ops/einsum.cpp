#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/view.h>

#include <algorithm>
#include <array>

namespace reel {
namespace {

// ---- the equation --------------------------------------------------------------------------------------------

// A label is a letter, 0 to 51 in the order A-Z, a-z, or the place 52 + i of a dim that "..."
// stands for, counted so that the last dims of all operands have one place.
constexpr int kLetters = 52;
constexpr int kEllipsis = -1;
constexpr int kLabels = kLetters + kMaxRank;
using Labels = std::vector<int>;

bool contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

std::string name_of_label(int label) {
  if (label >= kLetters) return "...";
  return {static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26)};
}

// One operand's labels, or the output's.
Labels parse_labels(std::string_view equation, std::string_view text) {
  Labels labels;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= 'A' && c <= 'Z') {
      labels.push_back(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      labels.push_back(c - 'a' + 26);
    } else {
      check(text.substr(i, 3) == "...",
            "einsum: letters, \"...\", \",\" and \"->\" are possible, got '{}' in \"{}\"", c,
            equation);
      check(!contains(labels, kEllipsis), "einsum: \"...\" twice for one tensor in \"{}\"",
            equation);
      labels.push_back(kEllipsis);
      i += 2;
    }
  }
  return labels;
}

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
  bool has_output = false;
};

Equation parse(std::string_view equation) {
  std::string text(equation);
  std::erase(text, ' ');
  Equation parsed;
  std::string_view rest = text;
  const size_t arrow = rest.find("->");
  if (arrow != rest.npos) {
    parsed.has_output = true;
    parsed.output = parse_labels(equation, rest.substr(arrow + 2));
    rest = rest.substr(0, arrow);
  }
  for (;;) {
    const size_t comma = rest.find(',');
    parsed.inputs.push_back(parse_labels(equation, rest.substr(0, comma)));
    if (comma == rest.npos) return parsed;
    rest = rest.substr(comma + 1);
  }
}

// Puts `count` labels where "..." stands; the last `own` places are taken.
Labels expand_ellipsis(const Labels& labels, int own, int most) {
  Labels expanded;
  for (int label : labels) {
    if (label != kEllipsis) {
      expanded.push_back(label);
      continue;
    }
    for (int i = most - own; i < most; ++i) expanded.push_back(kLetters + i);
  }
  return expanded;
}

// ---- operands ------------------------------------------------------------------------------------------------

// A tensor whose dims have labels, no label twice.
struct Labelled {
  Tensor x;
  Labels labels;

  int place(int label) const {
    return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
  }
  bool has(int label) const { return contains(labels, label); }
  int64_t size(int label) const { return x.size(place(label)); }
};

// Where a label names two dims, their diagonal takes their place.
Labelled take_diagonals(Tensor x, Labels labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto first = labels.begin() + static_cast<std::ptrdiff_t>(i);
    const auto second = std::find(first + 1, labels.end(), *first);
    if (second == labels.end()) continue;
    const int label = *first, dim1 = static_cast<int>(i),
              dim2 = static_cast<int>(second - labels.begin());
    check(x.size(dim1) == x.size(dim2), "einsum: '{}' names dims of sizes {} and {} of one operand",
          name_of_label(label), x.size(dim1), x.size(dim2));
    x = x.diagonal(0, dim1, dim2);  // the new dim comes last
    labels.erase(second);
    labels.erase(labels.begin() + dim1);
    labels.push_back(label);
    --i;
  }
  return {std::move(x), std::move(labels)};
}

std::vector<Labelled> label_operands(std::string_view equation, Equation& parsed,
                                     std::span<const Tensor> operands) {
  check(parsed.inputs.size() == operands.size(), "einsum: \"{}\" names {} operands, got {}",
        equation, parsed.inputs.size(), operands.size());
  std::vector<int> own;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Labels& labels = parsed.inputs[i];
    const bool ellipsis = contains(labels, kEllipsis);
    const int letters = static_cast<int>(labels.size()) - ellipsis, rank = operands[i].dim();
    check(ellipsis ? letters <= rank : letters == rank,
          "einsum: operand {} of \"{}\" needs {}{} dims, got shape {}", i, equation,
          ellipsis ? "at least " : "", letters, operands[i].shape());
    own.push_back(rank - letters);
  }
  const int most = own.empty() ? 0 : *std::max_element(own.begin(), own.end());
  std::vector<Labelled> list;
  for (size_t i = 0; i < operands.size(); ++i) {
    parsed.inputs[i] = expand_ellipsis(parsed.inputs[i], own[i], most);
    list.push_back(take_diagonals(operands[i], parsed.inputs[i]));
  }
  if (parsed.has_output) parsed.output = expand_ellipsis(parsed.output, most, most);
  for (int i = 0; !parsed.has_output && i < most; ++i) parsed.output.push_back(kLetters + i);
  return list;
}

// The labels of the output, checked, or found: those of letters that occur once.
void settle_output(std::string_view equation, Equation& parsed) {
  std::array<int, kLabels> count{};
  for (const Labels& labels : parsed.inputs) {
    for (int label : labels) ++count[static_cast<size_t>(label)];
  }
  for (int label = 0; !parsed.has_output && label < kLetters; ++label) {
    if (count[static_cast<size_t>(label)] == 1) parsed.output.push_back(label);
  }
  std::array<int, kLabels> given{};
  for (int label : parsed.output) {
    check(count[static_cast<size_t>(label)] > 0 || label >= kLetters,
          "einsum: '{}' of the output is in no operand of \"{}\"", name_of_label(label), equation);
    check(++given[static_cast<size_t>(label)] == 1, "einsum: '{}' is twice in the output of \"{}\"",
          name_of_label(label), equation);
  }
}

void check_sizes(std::string_view equation, const std::vector<Labelled>& operands) {
  std::array<int64_t, kLabels> sizes;
  sizes.fill(1);
  for (const Labelled& operand : operands) {
    for (size_t i = 0; i < operand.labels.size(); ++i) {
      const int label = operand.labels[i];
      int64_t& size = sizes[static_cast<size_t>(label)];
      const int64_t own = operand.x.size(static_cast<int>(i));
      check(own == size || own == 1 || size == 1, "einsum: '{}' has sizes {} and {} in \"{}\"",
            name_of_label(label), size, own, equation);
      if (size == 1) size = own;
    }
  }
}

// ---- contraction ---------------------------------------------------------------------------------------------

// Sums over the labels for which `summed` holds.
template <class F>
Labelled sum_over(const Labelled& operand, F&& summed) {
  Dims dims;
  Labels left;
  for (size_t i = 0; i < operand.labels.size(); ++i) {
    if (summed(operand.labels[i])) {
      dims.push_back(static_cast<int64_t>(i));
    } else {
      left.push_back(operand.labels[i]);
    }
  }
  return dims.empty() ? operand : Labelled{operand.x.sum(dims), left};
}

// The dims in the order of `labels`, with a dim of size 1 for a label that it does not have.
Tensor arrange(const Labelled& operand, const Labels& labels) {
  Dims order;
  for (int label : labels) {
    if (operand.has(label)) order.push_back(operand.place(label));
  }
  Tensor x = std::is_sorted(order.begin(), order.end()) ? operand.x : operand.x.permute(order);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!operand.has(labels[i])) x = x.unsqueeze(static_cast<int>(i));
  }
  return x;
}

// Most operands need no node for it.
Tensor reshaped(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : x.reshape(shape);
}

Labels concatenate(const Labels& a, const Labels& b) {
  Labels all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

int64_t numel_of(const Labelled& operand, const Labels& labels) {
  int64_t count = 1;
  for (int label : labels) count *= operand.size(label);
  return count;
}

// a's dims as [those of `batch` ..., rows, cols].
Tensor as_matrices(const Labelled& a, const Labels& batch, const Labels& rows, const Labels& cols) {
  Shape shape;
  for (int label : batch) shape.push_back(a.size(label));
  shape.push_back(numel_of(a, rows));
  shape.push_back(numel_of(a, cols));
  return reshaped(arrange(a, concatenate(batch, concatenate(rows, cols))), shape);
}

// The product of two operands, summed over the labels that both have and nobody needs later.
template <class F>
Labelled contract(Labelled a, Labelled b, F&& needed) {
  // What only one has, or has in another size than 1, is summed there.
  const auto alone = [&](const Labelled& other) {
    return
        [&](int label) { return !needed(label) && (!other.has(label) || other.size(label) == 1); };
  };
  const Labelled summed_a = sum_over(a, alone(b)), summed_b = sum_over(b, alone(a));
  // A dim of size 1 whose partner was summed is left over.
  a = sum_over(summed_a, [&](int label) { return !needed(label) && !summed_b.has(label); });
  b = sum_over(summed_b, [&](int label) { return !needed(label) && !summed_a.has(label); });
  Labels batch, rows, cols, inner;
  for (int label : a.labels)
    (!b.has(label) ? rows : needed(label) ? batch : inner).push_back(label);
  for (int label : b.labels) {
    if (!a.has(label)) cols.push_back(label);
  }
  Labels all = concatenate(batch, concatenate(rows, cols));
  if (inner.empty()) return {arrange(a, all) * arrange(b, all), std::move(all)};
  const Tensor y = matmul(as_matrices(a, batch, rows, inner), as_matrices(b, batch, inner, cols));
  Shape shape;
  for (size_t i = 0; i < batch.size(); ++i) shape.push_back(y.size(static_cast<int>(i)));
  for (int label : rows) shape.push_back(a.size(label));
  for (int label : cols) shape.push_back(b.size(label));
  return {reshaped(y, shape), std::move(all)};
}

}  // namespace

Tensor einsum(std::string_view equation, std::span<const Tensor> operands) {
  check(!operands.empty(), "einsum: at least one operand is required, got none");
  Equation parsed = parse(equation);
  std::vector<Labelled> list = label_operands(equation, parsed, operands);
  settle_output(equation, parsed);
  check_sizes(equation, list);
  Labelled total = std::move(list[0]);
  for (size_t i = 1; i < list.size(); ++i) {
    total = contract(std::move(total), std::move(list[i]), [&](int label) {
      if (contains(parsed.output, label)) return true;
      return std::any_of(list.begin() + static_cast<std::ptrdiff_t>(i) + 1, list.end(),
                         [label](const Labelled& later) { return later.has(label); });
    });
  }
  total = sum_over(total, [&](int label) { return !contains(parsed.output, label); });
  const Tensor y = arrange(total, parsed.output);
  // A view of the operand, not the operand's own handle.
  return y.body() == operands[0].body() ? y.reshape(y.shape()) : y;
}

Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands) {
  return einsum(equation, std::span<const Tensor>(operands.begin(), operands.size()));
}

}  // namespace reel
