#pragma once
// Element types, numbers of any of them, and PyTorch's rules for which type an operation computes
// in.

#include <reel/autograd/error.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reel {

enum class Dtype : uint8_t { Bool, UInt8, Int32, Int64, Float32, Float64 };

inline constexpr Dtype kBool = Dtype::Bool;
inline constexpr Dtype kUInt8 = Dtype::UInt8;
inline constexpr Dtype kInt32 = Dtype::Int32;
inline constexpr Dtype kInt64 = Dtype::Int64;
inline constexpr Dtype kFloat32 = Dtype::Float32;
inline constexpr Dtype kFloat64 = Dtype::Float64;

std::string_view name_of(Dtype dtype);
/// Bytes of one element.
constexpr size_t size_of(Dtype dtype) {
  constexpr size_t sizes[] = {1, 1, 4, 8, 4, 8};
  return sizes[static_cast<size_t>(dtype)];
}
constexpr bool is_floating(Dtype dtype) { return dtype >= Dtype::Float32; }
/// Integer or bool.
constexpr bool is_integral(Dtype dtype) { return !is_floating(dtype); }

/// The Dtype that stands for a C++ type; the primary template is left undefined on purpose.
template <class T>
struct DtypeOf;
template <>
struct DtypeOf<bool> {
  static constexpr Dtype value = Dtype::Bool;
};
template <>
struct DtypeOf<uint8_t> {
  static constexpr Dtype value = Dtype::UInt8;
};
template <>
struct DtypeOf<int32_t> {
  static constexpr Dtype value = Dtype::Int32;
};
template <>
struct DtypeOf<int64_t> {
  static constexpr Dtype value = Dtype::Int64;
};
template <>
struct DtypeOf<float> {
  static constexpr Dtype value = Dtype::Float32;
};
template <>
struct DtypeOf<double> {
  static constexpr Dtype value = Dtype::Float64;
};
template <>
struct DtypeOf<long long> {
  static constexpr Dtype value = Dtype::Int64;
};
template <class T>
inline constexpr Dtype dtype_of = DtypeOf<T>::value;

/// The smallest type both convert to without changing kind (torch.promote_types).
Dtype promote_types(Dtype a, Dtype b);

/// A number of bool, integer or floating kind; converts from the C++ arithmetic types.
class Scalar {
 public:
  constexpr Scalar(bool value) : kind_(Kind::Bool), integer_(value) {}
  constexpr Scalar(int value) : kind_(Kind::Int), integer_(value) {}
  constexpr Scalar(unsigned value) : kind_(Kind::Int), integer_(value) {}
  constexpr Scalar(long value) : kind_(Kind::Int), integer_(value) {}
  constexpr Scalar(long long value) : kind_(Kind::Int), integer_(value) {}
  constexpr Scalar(unsigned long value) : kind_(Kind::Int), integer_(static_cast<int64_t>(value)) {}
  constexpr Scalar(float value) : kind_(Kind::Float), floating_(value) {}
  constexpr Scalar(double value) : kind_(Kind::Float), floating_(value) {}

  constexpr bool is_bool() const { return kind_ == Kind::Bool; }
  constexpr bool is_integral() const { return kind_ == Kind::Int; }
  constexpr bool is_floating() const { return kind_ == Kind::Float; }
  template <class T>
  constexpr T to() const {
    return is_floating() ? static_cast<T>(floating_) : static_cast<T>(integer_);
  }
  /// The type a tensor made of this number alone has: bool, int64 or the default floating type.
  Dtype dtype() const { return is_bool() ? kBool : is_integral() ? kInt64 : kFloat32; }

 private:
  enum class Kind : uint8_t { Bool, Int, Float } kind_;
  union {
    int64_t integer_;
    double floating_;
  };
};

template <class T>
struct TypeTag {
  using type = T;
};

/// The one dispatch over dtypes: calls f(TypeTag<T>{}) with the C++ type of `dtype`.
template <class F>
decltype(auto) dispatch_any(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::Bool:
      return f(TypeTag<bool>{});
    case Dtype::UInt8:
      return f(TypeTag<uint8_t>{});
    case Dtype::Int32:
      return f(TypeTag<int32_t>{});
    case Dtype::Int64:
      return f(TypeTag<int64_t>{});
    case Dtype::Float32:
      return f(TypeTag<float>{});
    default:
      return f(TypeTag<double>{});
  }
}

/// Throws that `op` requires another kind of dtype.
[[noreturn]] void fail_dtype(const char* op, const char* required, Dtype got);

/// The same for every type but bool, which is refused in the op's name.
template <class F>
decltype(auto) dispatch_number(Dtype dtype, const char* op, F&& f) {
  switch (dtype) {
    case Dtype::UInt8:
      return f(TypeTag<uint8_t>{});
    case Dtype::Int32:
      return f(TypeTag<int32_t>{});
    case Dtype::Int64:
      return f(TypeTag<int64_t>{});
    case Dtype::Float32:
      return f(TypeTag<float>{});
    case Dtype::Float64:
      return f(TypeTag<double>{});
    default:
      fail_dtype(op, "numeric", dtype);
  }
}

/// The same for float32 and float64; others are refused in the op's name.
template <class F>
decltype(auto) dispatch_float(Dtype dtype, const char* op, F&& f) {
  switch (dtype) {
    case Dtype::Float32:
      return f(TypeTag<float>{});
    case Dtype::Float64:
      return f(TypeTag<double>{});
    default:
      fail_dtype(op, "floating", dtype);
  }
}

}  // namespace reel

template <>
struct fmt::formatter<reel::Dtype> : reel::TextFormatter {
  template <class Context>
  auto format(reel::Dtype dtype, Context& context) const {
    return write(reel::name_of(dtype), context);
  }
};
