// The tables of docs/from_pytorch.md and docs/nn.md, run line by line.
#include <gtest/gtest.h>

#include <fmt/core.h>
#include <reel/reel.h>

#include <filesystem>

using namespace reel;

namespace {

// What the lines of docs/from_pytorch.md find.
struct from_pytorch : testing::Test {
  from_pytorch() { std::filesystem::current_path(testing::TempDir()); }  // lines write files
  Tensor x = randn({3, 4}), y = randn({3, 4}), target = tensor({1, 0, 3});
  nn::Sequential model{nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 10)};
  optim::SGD optimizer{model->parameters(), {.lr = 0.1}};
};

// Those of docs/nn.md.
struct nn_ : testing::Test {
  Tensor features = randn({8, 6}), others = randn({8, 6});
  Tensor signal = randn({8, 6, 20}), image = randn({8, 6, 12, 12}), volume = randn({8, 6, 4, 6, 6});
  Tensor sequence = randn({20, 8, 6});
  Tensor labels = randint(0, 6, {8}), tokens = randint(0, 10, {8, 5});
  ValuesAndIndices pooled = nn::MaxPool1d(2)->forward_with_indices(signal);
};

// Their variables are there to be seen.
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#include "documents.inc"

}  // namespace
