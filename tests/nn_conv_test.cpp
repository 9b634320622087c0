// Convolutions, pooling, padding and what else changes images, as modules.
#include "message_of.h"

#include <gtest/gtest.h>

#include <reel/reel.h>

#include <cmath>

using namespace reel;
using reel::tests::message_of;

namespace {

// The next numbers of default_generator(), uniform in +-bound.
Tensor uniform(const Shape& shape, double bound) { return empty(shape).uniform_(-bound, bound); }

// Computed before the modules' first line runs: what PyTorch draws, weight before bias.
template <class M>
void expect_uniform_start(const M& make, const Shape& weight, const Shape& bias, int64_t fan_in) {
  manual_seed(7);
  const auto module = make();
  manual_seed(7);
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  EXPECT_TRUE(equal(module->weight.detach(), uniform(weight, bound)));
  EXPECT_TRUE(equal(module->bias.detach(), uniform(bias, bound)));
}

}  // namespace

TEST(Conv, starts_with_pytorchs_numbers) {
  expect_uniform_start([] { return nn::Conv1d(4, 6, 3); }, {6, 4, 3}, {6}, 12);
  expect_uniform_start([] { return nn::Conv2d({.in_channels = 4, .out_channels = 6, .kernel_size = {3, 2}, .groups = 2}); },
                       {6, 2, 3, 2}, {6}, 12);
  expect_uniform_start([] { return nn::Conv3d(1, 2, 2); }, {2, 1, 2, 2, 2}, {2}, 8);
  // PyTorch takes size(1) of the weight for the fan of transposed ones too.
  expect_uniform_start([] { return nn::ConvTranspose2d({.in_channels = 4, .out_channels = 6, .kernel_size = 3, .groups = 2}); },
                       {4, 3, 3, 3}, {6}, 27);
}

TEST(Conv, prints) {
  EXPECT_EQ(fmt::format("{}", nn::Conv2d({.in_channels = 1, .out_channels = 16, .kernel_size = 5, .padding = "same", .padding_mode = nn::PaddingMode::Reflect})),
            "Conv2d(1, 16, kernel_size=(5, 5), stride=(1, 1), padding=same, padding_mode=reflect)");
}
