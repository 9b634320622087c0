// What an operation costs in LibTorch: the cases of ../overhead.h.
#include "../overhead.h"

#include <torch/torch.h>

namespace {

overhead::Inputs<torch::Tensor> make_inputs(int64_t size) {
  const auto leaf = torch::requires_grad();
  return {torch::full({size}, 0.5), torch::full({size}, 0.9, leaf), torch::full({size}, 0.1, leaf),
          torch::ones({size})};
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  benchmark::AddCustomContext("library", "LibTorch " TORCH_VERSION);
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  overhead::add_cases<torch::Tensor, torch::NoGradGuard>(make_inputs);
  return overhead::run(argc, argv);
}
