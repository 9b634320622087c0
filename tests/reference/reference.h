#pragma once
// Cases computed with PyTorch, and how their operations are called here.

#include <reel/reel.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace reel::testing {

using Tensors = std::vector<Tensor>;

/// The named arguments of a case. One that is absent or null has the default that the call names.
class Args {
 public:
  explicit Args(const nlohmann::json& args) : args_(args) {}

  bool has(const char* name) const;
  double number(const char* name,
                double otherwise = 0) const;  // "inf", "-inf" and "nan" are numbers
  int64_t integer(const char* name, int64_t otherwise = 0) const;
  int dim(const char* name = "dim", int otherwise = -1) const;
  bool flag(const char* name, bool otherwise = false) const;
  std::string text(const char* name, const std::string& otherwise = "") const;
  Scalar scalar(const char* name) const;              // an integer stays one
  Dims dims(const char* name = "dim") const;          // an int or a list; absent: all
  Shape shape(const char* name) const;                // an int or a list
  std::vector<int64_t> list(const char* name) const;  // an int or a list
  const nlohmann::json& json(const char* name) const { return args_.at(name); }

  template <class T>
  std::optional<T> maybe(const char* name) const {
    if (!has(name)) return {};
    return static_cast<T>(number(name));
  }

 private:
  const nlohmann::json& args_;
};

using Call = std::function<Tensors(const Tensors& x, const Args& args)>;

/// How far results may be from those of PyTorch, relative; see bound_at() in reference_test.cpp.
struct Bounds {
  double float64 = 1e-9;
  double float32 = 1e-4;
};

/// One family, a file of cases: how its operations are called, and which need other bounds and why.
struct Family {
  std::map<std::string, Call> calls;
  std::map<std::string, Bounds> bounds = {};  // by operation or by case
  std::map<std::string, std::string> double_only =
      {};  // operation or case -> why float32 cannot serve it
  /// The same operations through the modules of nn, built from the arguments and given the recorded
  /// parameters. No outputs mean that no module has the form of that case.
  std::map<std::string, Call> modules = {};
};

Family activation_family();
Family attention_family();
Family binary_family();
Family conv_family();
Family elementwise_family();
Family index_family();
Family linalg_family();
Family loss_family();
Family norm_family();
Family pool_family();
Family reduce_family();
Family rnn_family();
Family shape_family();

/// Calls of functions of one tensor, and of two.
Call one(Tensor (*f)(const Tensor&));
Call two(Tensor (*f)(const Tensor&, const Tensor&));

}  // namespace reel::testing
