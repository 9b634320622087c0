// The tables of docs/from_pytorch.md and docs/nn.md, run line by line.
#include <gtest/gtest.h>

#include <fmt/core.h>
#include <reel/reel.h>

using namespace reel;

namespace {

// What the lines of docs/from_pytorch.md find.
struct from_pytorch : testing::Test {
  Tensor x = randn({3, 4}), y = randn({3, 4}), target = tensor({1, 0, 3});
  nn::Sequential model{nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 10)};
  optim::SGD optimizer{model->parameters(), {.lr = 0.1}};
};

// Their variables are there to be seen.
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#include "documents.inc"

}  // namespace
