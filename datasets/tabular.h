#pragma once
// Small tables that the library carries with it (datasets/data/README.md).

#include <reel/datasets/dataset.h>

namespace reel::datasets {

/// Fisher's iris: float32 [150, 4] sepal length, sepal width, petal length, petal width in cm;
/// labels int64 [150]. Sorted by class: shuffle before splitting.
class Iris : public LabelledDataset {
 public:
  Iris();
};

/// NIST's non-linear regression problem Eckerle4: float64 wavelength [35, 1] in nm, transmittance
/// [35, 1].
class Eckerle4 : public TensorDataset {
 public:
  Eckerle4();
};

}  // namespace reel::datasets
