// Reads the arguments of a case.
#include "reference.h"

#include <limits>

namespace reel::testing {

bool Args::has(const char* name) const { return args_.contains(name) && !args_[name].is_null(); }

double Args::number(const char* name, double otherwise) const {
  if (!has(name)) return otherwise;
  const auto& value = args_[name];
  if (!value.is_string()) return value.is_boolean() ? value.get<bool>() : value.get<double>();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string text = value.get<std::string>();
  if (text == "inf") return infinity;
  if (text == "-inf") return -infinity;
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  fail("reference: {} must be a number, got {}", name, text);
}

int64_t Args::integer(const char* name, int64_t otherwise) const {
  return has(name) ? args_[name].get<int64_t>() : otherwise;
}

int Args::dim(const char* name, int otherwise) const {
  return static_cast<int>(integer(name, otherwise));
}

bool Args::flag(const char* name, bool otherwise) const {
  return has(name) ? args_[name].get<bool>() : otherwise;
}

std::string Args::text(const char* name, const std::string& otherwise) const {
  return has(name) ? args_[name].get<std::string>() : otherwise;
}

Scalar Args::scalar(const char* name) const {
  const auto& value = args_.at(name);
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<int64_t>();
  return number(name);
}

std::vector<int64_t> Args::list(const char* name) const {
  if (!has(name)) return {};
  const auto& value = args_[name];
  if (value.is_array()) return value.get<std::vector<int64_t>>();
  return {value.get<int64_t>()};
}

Dims Args::dims(const char* name) const {
  Dims dims;
  for (int64_t dim : list(name)) dims.push_back(dim);
  return dims;
}

Shape Args::shape(const char* name) const {
  Shape shape;
  for (int64_t size : list(name)) shape.push_back(size);
  return shape;
}

Call one(Tensor (*f)(const Tensor&)) {
  return [f](const Tensors& x, const Args&) { return Tensors{f(x.at(0))}; };
}

Call two(Tensor (*f)(const Tensor&, const Tensor&)) {
  return [f](const Tensors& x, const Args&) { return Tensors{f(x.at(0), x.at(1))}; };
}

}  // namespace reel::testing
