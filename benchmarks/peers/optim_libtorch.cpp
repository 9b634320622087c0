// What an optimiser's step costs in LibTorch: the cases of ../optim.h.
#include "../optim.h"

#include <torch/torch.h>

int main(int argc, char** argv) {
  at::set_num_threads(1);
  benchmark::AddCustomContext("library", "LibTorch " TORCH_VERSION);
  const auto make = [] {
    auto parameter = torch::full({optim_cases::kSize}, 0.5, torch::requires_grad());
    parameter.mutable_grad() = torch::full({optim_cases::kSize}, 1e-3);
    return std::vector<torch::Tensor>{parameter};
  };
  const auto add = [](const char* name, auto optimizer) {
    optim_cases::add(name, [optimizer] { optimizer->step(); });
  };
  using namespace torch::optim;
  add("SGD, momentum", std::make_shared<SGD>(make(), SGDOptions(1e-3).momentum(0.9)));
  add("Adam", std::make_shared<Adam>(make(), AdamOptions(1e-3)));
  return optim_cases::run(argc, argv);
}
