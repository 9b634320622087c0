#pragma once
// StateDict: tensors under names, in order. What a model's state is outside of the model.

#include <reel/autograd/tensor.h>

#include <map>

namespace reel::nn {

template <class T>
struct Named {
  std::string name;  ///< dotted path from the module that was asked
  T value;
};

/// Tensors by name in the order they were put in, as Python's dict. A std::map, as optimisers give
/// it, converts to it and back.
class StateDict {
 public:
  StateDict() = default;
  StateDict(std::initializer_list<Named<Tensor>> entries);
  StateDict(const std::map<std::string, Tensor>& entries);
  operator std::map<std::string, Tensor>() const;

  /// The tensor of this name; a new name gets an undefined one.
  Tensor& operator[](const std::string& name);
  /// Throws unless there is one.
  const Tensor& at(std::string_view name) const;
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  /// Copies of the numbers: a later change of the model does not show in it.
  StateDict clone() const;

 private:
  std::vector<Named<Tensor>> entries_;
  std::map<std::string, size_t, std::less<>> places_;
};

struct LoadOptions {
  /// Whether missing and unexpected names are errors. Wrong shapes and dtypes always are.
  bool strict = true;
};

/// What load_state_dict did not find, and what it had no use for.
struct IncompatibleKeys {
  std::vector<std::string> missing_keys, unexpected_keys;
};

}  // namespace reel::nn
