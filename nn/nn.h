#pragma once
// Everything of nn/.

#include <reel/nn/activation.h>
#include <reel/nn/clip.h>
#include <reel/nn/container.h>
#include <reel/nn/fuse.h>
#include <reel/nn/conv.h>
#include <reel/nn/distance.h>
#include <reel/nn/dropout.h>
#include <reel/nn/embedding.h>
#include <reel/nn/function_module.h>
#include <reel/nn/handle.h>
#include <reel/nn/init.h>
#include <reel/nn/lazy.h>
#include <reel/nn/linear.h>
#include <reel/nn/loss.h>
#include <reel/nn/module.h>
#include <reel/nn/parameters.h>
#include <reel/nn/parametrize.h>
#include <reel/nn/regularization.h>
#include <reel/nn/padding.h>
#include <reel/nn/pooling.h>
#include <reel/nn/repr.h>
#include <reel/nn/state.h>
#include <reel/nn/vision.h>
#include <reel/nn/normalization.h>
