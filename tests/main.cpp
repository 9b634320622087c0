// Runs the tests of one program, then requires that every node, tensor and storage is gone.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <reel/autograd/memory.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const reel::memory::Stats left = reel::memory::stats();
  if (left.live_nodes == 0 && left.live_tensors == 0 && left.live_storages == 0) return result;
  fmt::print(stderr, "after the last test {} nodes, {} tensors and {} storages are still alive\n",
             left.live_nodes, left.live_tensors, left.live_storages);
  return 1;
}
