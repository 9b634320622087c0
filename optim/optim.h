#pragma once
// Everything of optim/.

#include <reel/optim/optimizer.h>
#include <reel/optim/sgd.h>
