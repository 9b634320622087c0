#pragma once
// What an optimiser remembers between steps, and how that is saved.

#include <reel/autograd/tensor.h>

#include <deque>
#include <map>
#include <string_view>

namespace reel::optim {

/// Saved state: tensors by flat names ("state.3.exp_avg"), numbers as 0-d float64
/// ("numbers.3.step", "param_groups.0.lr").
using StateDict = std::map<std::string, Tensor>;

/// What is remembered of one parameter: tensors and numbers by name.
class State {
 public:
  bool has(std::string_view name) const;
  /// The tensor of this name; at first made like `parameter` and filled with `first`. Follows the
  /// parameter to another dtype; throws if its shape has changed since.
  Tensor tensor(std::string_view name, const Tensor& parameter, double first = 0);
  /// The number of this name; `first` at first. The reference stays good.
  double& number(std::string_view name, double first = 0);

  /// Throws if a tensor is not of the parameter's shape.
  void check_shapes(const Tensor& parameter) const;

  void save(size_t parameter, StateDict& into) const;
  /// What stands in `from` for the parameter of this place, in its dtype. Throws unless it is of
  /// its shape.
  static State load(size_t place, const StateDict& from, const Tensor& parameter);

 private:
  template <class T>
  struct Entry {
    std::string name;
    T value;
  };
  std::vector<Entry<Tensor>> tensors_;
  std::deque<Entry<double>> numbers_;
};

}  // namespace reel::optim
