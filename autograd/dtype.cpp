#include <reel/autograd/dtype.h>

#include <algorithm>

namespace reel {

std::string_view name_of(Dtype dtype) {
  constexpr std::string_view names[] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
  return names[static_cast<size_t>(dtype)];
}

void fail_dtype(const char* op, const char* required, Dtype got) {
  fail<TypeError>("{}: expected a {} dtype, got {}", op, required, got);
}

// The enumeration is ordered so that each type holds every value kind of those before it.
Dtype promote_types(Dtype a, Dtype b) { return std::max(a, b); }

}  // namespace reel
