#pragma once
// Everything of autograd/ that users need; autograd/xtensor.h is included by itself.

#include <reel/autograd/anomaly.h>
#include <reel/autograd/backward.h>
#include <reel/autograd/config.h>
#include <reel/autograd/function.h>
#include <reel/autograd/generator.h>
#include <reel/autograd/grad.h>
#include <reel/autograd/gradcheck.h>
#include <reel/autograd/index.h>
#include <reel/autograd/memory.h>
#include <reel/autograd/ops/activation.h>
#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/embedding.h>
#include <reel/autograd/ops/indexing.h>
#include <reel/autograd/ops/join.h>
#include <reel/autograd/ops/loss.h>
#include <reel/autograd/ops/matmul.h>
#include <reel/autograd/ops/pad.h>
#include <reel/autograd/ops/rearrange.h>
#include <reel/autograd/ops/random.h>
#include <reel/autograd/ops/reduce.h>
#include <reel/autograd/ops/sorting.h>
#include <reel/autograd/ops/view.h>
#include <reel/autograd/tape.h>
#include <reel/autograd/tensor.h>
