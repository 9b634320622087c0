// What an optimiser's step costs: the cases of optim.h, and the machine's copy of as many numbers.
#include "optim.h"

#include <reel/reel.h>

#include <cstring>
#include <memory>

int main(int argc, char** argv) {
  using namespace reel;
  set_num_threads(1);
  benchmark::AddCustomContext("library", "reel");
  const auto make = [] {
    Tensor parameter = full({optim_cases::kSize}, 0.5, {.requires_grad = true});
    parameter.mutable_grad() = full({optim_cases::kSize}, 1e-3);
    return std::vector<Tensor>{parameter};
  };
  const auto add = [](const char* name, auto optimizer) {
    optim_cases::add(name, [optimizer] { optimizer->step(); });
  };
  add("SGD, momentum", std::make_shared<optim::SGD>(make(), optim::SGDOptions{.momentum = 0.9}));
  add("Adam", std::make_shared<optim::Adam>(make()));
  const auto from = std::make_shared<std::vector<float>>(optim_cases::kSize, 1.0f);
  const auto to = std::make_shared<std::vector<float>>(optim_cases::kSize);
  optim_cases::add("memcpy", [from, to] {
    std::memcpy(to->data(), from->data(), from->size() * sizeof(float));
    benchmark::ClobberMemory();
  });
  return optim_cases::run(argc, argv);
}
