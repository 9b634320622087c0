#pragma once
// Linear algebra: torch.linalg as namespace reel::linalg, and the functions of torch itself. The
// last two dims of a tensor are matrices, any dims before them a batch. Floating dtypes only.
// Numbers that the matrices do not allow throw, with the place in the batch.

#include <reel/autograd/ops/linalg_decompose.h>
#include <reel/autograd/ops/linalg_norm.h>
#include <reel/autograd/ops/linalg_product.h>
#include <reel/autograd/ops/linalg_solve.h>
