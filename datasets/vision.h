#pragma once
// Grey images, float32 [N, 1, height, width], with labels, int64 [N].

#include <reel/datasets/dataset.h>

#include <string>

namespace reel::datasets {

/// What becomes of pixel values 0 to max (16 for Digits, 255 elsewhere).
enum class Scale {
  None,      ///< stay as they are
  MinMax01,  ///< 0 to 1
  MinMax11,  ///< -1 to 1
  ZScore,    ///< mean 0 and standard deviation 1 over all pixels of the training set
};

struct DigitsOptions {
  Scale scale = Scale::MinMax01;
  std::string root = {};  ///< a folder with the two files, to be read instead of the bundled ones
};

/// 1797 handwritten digits of 8 x 8 pixels, carried by the library (datasets/data/README.md).
class Digits : public LabelledDataset {
 public:
  explicit Digits(const DigitsOptions& options = {});
};

struct MNISTOptions {
  bool train = true;  ///< the 60,000 training samples, else the 10,000 of the test set
  Scale scale = Scale::MinMax01;
};

/// Handwritten digits of 28 x 28 pixels. `root` holds the four files, gzip'd or not, or has them in
/// MNIST/raw. Throws an Error if they are missing, damaged or do not belong together.
class MNIST : public LabelledDataset {
 public:
  explicit MNIST(const std::string& root, const MNISTOptions& options = {});
};

struct FashionMNISTOptions {
  /// As for MNIST, or in FashionMNIST/raw; the default is where Debian's package
  /// dataset-fashion-mnist puts them.
  std::string root = "/usr/share/datasets/fashion-mnist";
  bool train = true;
  Scale scale = Scale::MinMax01;
};

/// Ten kinds of clothing in 28 x 28 pixels. Throws as MNIST does.
class FashionMNIST : public LabelledDataset {
 public:
  explicit FashionMNIST(const FashionMNISTOptions& options = {});
};

}  // namespace reel::datasets
