#pragma once
// What a refused call says.

#include <reel/autograd/error.h>

#include <functional>
#include <string>

namespace reel::tests {

/// The message of the Error that `call` throws, or a text that says there was none.
inline std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace reel::tests
