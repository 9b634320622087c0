#pragma once
// All of reel::datasets.

#include <reel/datasets/data_loader.h>
#include <reel/datasets/dataset.h>
#include <reel/datasets/idx.h>
#include <reel/datasets/tabular.h>
#include <reel/datasets/vision.h>
