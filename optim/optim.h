#pragma once
// Everything of optim/.

#include <reel/optim/adam.h>
#include <reel/optim/adaptive.h>
#include <reel/optim/lbfgs.h>
#include <reel/optim/lr_cycle.h>
#include <reel/optim/lr_scheduler.h>
#include <reel/optim/optimizer_of.h>
#include <reel/optim/second_order.h>
#include <reel/optim/sgd.h>
#include <reel/optim/sign.h>
#include <reel/optim/stopping.h>
#include <reel/optim/weight_average.h>
