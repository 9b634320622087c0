#pragma once
// What is thrown when a call cannot be carried out. The text names the op, what it requires and
// what it got.

#include <fmt/core.h>

#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace reel {

/// Base of everything reel throws. After a throw every object is as it was before the call.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// An index or a dim is out of range.
struct IndexError : Error {
  using Error::Error;
};
/// A dtype does not fit.
struct TypeError : Error {
  using Error::Error;
};

/// Throws `E` with the formatted text unless `condition` holds:
/// check(n > 0, "arange: step must not be 0, got {}", step). The text is built only when it is
/// thrown.
template <class E = Error, class... Args>
void check(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]]
    throw E(fmt::vformat(text, fmt::make_format_args(args...)));
}

template <class E = Error, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw E(fmt::vformat(text, fmt::make_format_args(args...)));
}

/// Base of the library's fmt::formatters: prints a text where "{}" stands. (fmt's own formatter of
/// strings needs <fmt/format.h>, which costs every user half a second of compile time.)
struct TextFormatter {
  template <class Context>
  constexpr auto parse(Context& context) {
    return context.begin();
  }
  template <class Context>
  static auto write(std::string_view text, Context& context) {
    auto out = context.out();
    for (char c : text) *out++ = c;
    return out;
  }
};

/// Prints what has one of these formatters.
template <class T>
requires std::is_base_of_v<TextFormatter, fmt::formatter<T>> std::ostream& operator<<(
    std::ostream& stream, const T& value) {
  return stream << fmt::format("{}", value);
}

}  // namespace reel
