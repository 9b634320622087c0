#pragma once
// What rows of losses are made of.

#include "op_cases.h"

namespace reel::testing {

inline constexpr Reduction kReductions[] = {Reduction::None, Reduction::Sum, Reduction::Mean};

inline std::string name_of(Reduction reduction) {
  const char* names[] = {"none", "mean", "sum", "batchmean"};
  return names[static_cast<int>(reduction)];
}

/// The reference of a reduction.
inline Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::None) return losses;
  const Values all = all_of(losses);
  const double n = reduction == Reduction::Mean ? static_cast<double>(all.size()) : 1;
  return build({}, [&](const Index&) { return sum_of(all) / n; });
}

/// Constants in the dtype of x.
inline Tensor like(const Tensor& x, const Values& values, const Shape& shape) {
  return from_vector(values, shape).to(x.dtype());
}
inline Tensor integers(std::initializer_list<int64_t> values, const Shape& shape) {
  return from_vector(std::vector<int64_t>(values), shape);
}

/// A row for each reduction: a loss of elements, f(their values, their place in row-major order),
/// for inputs of one shape.
inline void by_element(Rows& rows, const std::string& name, const std::string& note,
                       std::function<Tensor(const Tensors&, Reduction)> fn,
                       std::vector<std::vector<Shape>> shapes,
                       std::function<double(const Values&, int64_t)> f, double low = -2,
                       double high = 2) {
  for (const Reduction reduction : kReductions) {
    // NaN equals nothing: loss_test sees to means of nothing.
    if (reduction == Reduction::Mean)
      std::erase_if(shapes, [](const auto& each) { return each[0].numel() == 0; });
    const auto reference = [=](const Tensors& x) {
      const auto loss = [&](const Index& i) {
        Values values;
        for (const Tensor& each : x) values.push_back(at(each, i));
        return f(values, flat(x[0].shape(), i));
      };
      return reduced(build(x[0].shape(), loss), reduction);
    };
    rows.push_back({.name = name,
                    .fn = [=](const Tensors& x) { return fn(x, reduction); },
                    .shapes = shapes,
                    .low = low,
                    .high = high,
                    .reference = reference,
                    .note = note + name_of(reduction)});
  }
}

}  // namespace reel::testing
