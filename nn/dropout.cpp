#include <reel/nn/dropout.h>
#include <reel/nn/repr.h>

namespace reel::nn::detail {

void check_options(const DropoutNdOptions& options, const std::type_info& module) {
  check(options.p >= 0 && options.p <= 1, "{}: the probability p must be between 0 and 1, got {}",
        class_name(module), options.p);
}

// There is no variant in place: "inplace=False" is what PyTorch prints.
std::string describe(const DropoutNdOptions& options) {
  return fmt::format("p={}, inplace=False", repr(options.p));
}

}  // namespace reel::nn::detail
