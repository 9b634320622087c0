#pragma once
// Everything: tensors and differentiation, modules, optimisers, datasets.

#include <reel/autograd/autograd.h>
#include <reel/datasets/datasets.h>
#include <reel/nn/nn.h>
#include <reel/optim/optim.h>
