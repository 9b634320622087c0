// What an operation costs in reel: no-grad, recorded, and recorded with backward(). The cases are
// in overhead.h; `compare` runs this beside LibTorch.
#include "overhead.h"

#include <reel/reel.h>

#include <sstream>

namespace {

overhead::Inputs<reel::Tensor> make_inputs(int64_t size) {
  return {.x = reel::full({size}, 0.5),
          .w = reel::full({size}, 0.9, {.requires_grad = true}),
          .b = reel::full({size}, 0.1, {.requires_grad = true}),
          .gradient = reel::ones({size})};
}

// One entry for each line of config(), "BLAS: OpenBLAS ..." under its name, for the JSON's reader.
void add_context() {
  std::istringstream lines(reel::config());
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) {
      benchmark::AddCustomContext("library", line);
    } else {
      benchmark::AddCustomContext(line.substr(0, colon), line.substr(colon + 2));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  reel::set_num_threads(1);
  add_context();
  overhead::add_cases<reel::Tensor, reel::NoGradGuard>(make_inputs);
  return overhead::run(argc, argv);
}
