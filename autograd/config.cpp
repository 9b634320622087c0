#include <reel/autograd/config.h>
#include <reel/autograd/kernels/blas.h>

#include <fmt/format.h>

#include <cstdlib>
#include <xsimd/xsimd.hpp>

#ifndef REEL_VERSION
#define REEL_VERSION "0.1.0"
#endif

namespace reel {

std::string config() {
  std::string text = fmt::format(
      "reel {}\nvector instructions: {}, {} floats at once\nBLAS: {}, core {}\nthreads: {}\n",
      REEL_VERSION, xsimd::default_arch::name(), xsimd::batch<float>::size, openblas_get_config(),
      openblas_get_corename(), num_threads());
  if (const char* core = std::getenv("OPENBLAS_CORETYPE"); core && *core) {
    text += fmt::format(
        "warning: OPENBLAS_CORETYPE={} forces a core, which may not be this machine's fastest\n",
        core);
  }
  return text;
}

}  // namespace reel
