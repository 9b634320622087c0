#pragma once
// Optional arguments that functions and methods share. Each op's header tells what they mean there.

#include <reel/autograd/dtype.h>

#include <optional>
#include <string_view>

namespace reel {

struct TensorOptions {
  std::optional<Dtype> dtype = {};  ///< float32 where absent, or what the values say
  bool requires_grad = false;
};
struct ReduceOptions {
  bool keepdim = false;
  std::optional<Dtype> dtype = {};
};
struct DimOptions {
  bool keepdim = false;
};
struct VarOptions {
  bool unbiased = true;                   ///< divides by N - 1, otherwise by N
  std::optional<double> correction = {};  ///< where given: divides by N - correction
  bool keepdim = false;
};
struct QuantileOptions {
  bool keepdim = false;
  /// Between two elements: "linear", "lower", "higher", "nearest" (halves to even) or "midpoint".
  std::string_view interpolation = "linear";
};
struct DtypeOptions {
  std::optional<Dtype> dtype = {};
};
struct ClampOptions {
  std::optional<Scalar> min = {}, max = {};
};
struct AlphaOptions {
  Scalar alpha = 1;  ///< a factor of the second operand
};
struct ValueOptions {
  Scalar value = 1;  ///< a factor of the product or quotient
};
struct BetaAlphaOptions {
  Scalar beta = 1;   ///< a factor of what is added to
  Scalar alpha = 1;  ///< a factor of the product
};
struct DivOptions {
  std::string_view rounding_mode = {};  ///< "floor", "trunc", or nothing: true division
};
struct RoundOptions {
  int decimals = 0;
};
struct LogitOptions {
  std::optional<double> eps = {};  ///< x is clamped to [eps, 1 - eps]
};
struct NanToNumOptions {
  double nan = 0;
  std::optional<double> posinf = {}, neginf = {};  ///< the dtype's largest and lowest where absent
};
struct CloseOptions {
  double rtol = 1e-5;
  double atol = 1e-8;
  bool equal_nan = false;
};
struct SortOptions {
  bool descending = false;
  bool stable = false;  ///< it is always stable; accepted as in PyTorch
};
struct TopkOptions {
  bool largest = true;
  bool sorted = true;  ///< the result is always sorted; accepted as in PyTorch
};
/// Tanh and Relu are Elman's h' = f(W x + U h).
enum class RecurrentCell { Tanh, Relu, Lstm, Gru };

}  // namespace reel
