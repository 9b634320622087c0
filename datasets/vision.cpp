// Where the image files are, whether they belong together, and what their pixels become.
#include <reel/datasets/vision.h>

#include <reel/autograd/kernels/parallel.h>
#include <reel/datasets/detail/bundled.h>
#include <reel/datasets/idx.h>

#include <filesystem>

namespace reel::datasets {
namespace {

/// What pixel values mean in one data set.
struct Pixels {
  double largest;
  double mean;  // of the training set
  double deviation;
};

constexpr Pixels kDigitsPixels{16, 4.884164579855314, 6.016787548672237};
constexpr Pixels kMnistPixels{255, 33.318421449829934, 78.56748998339799};
constexpr Pixels kFashionPixels{255, 72.94035223214286, 90.02118235130526};

std::vector<std::string> numerals() { return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}; }

double scaled(double value, Scale scale, const Pixels& pixels) {
  switch (scale) {
    case Scale::None:
      return value;
    case Scale::MinMax01:
      return value / pixels.largest;
    case Scale::MinMax11:
      return 2 * value / pixels.largest - 1;
    default:
      return (value - pixels.mean) / pixels.deviation;
  }
}

/// uint8 [N, height, width] to float32 [N, 1, height, width].
Tensor scale_images(const Array& bytes, Scale scale, const Pixels& pixels) {
  std::array<float, 256> table{};
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<float>(scaled(static_cast<double>(i), scale, pixels));
  Shape shape = bytes.shape();
  shape.insert(1, 1);
  const Array images = Array::empty(shape, kFloat32);
  const uint8_t* from = bytes.data<uint8_t>();
  float* to = images.data<float>();
  kernels::for_pieces(bytes.numel(), kernels::kCheapPiece, [=, &table](int64_t first, int64_t n) {
#pragma GCC ivdep
    for (int64_t i = first; i < first + n; ++i) to[i] = table[from[i]];
  });
  return Tensor(images);
}

Tensor widen_labels(const Array& bytes) {
  const Array labels = Array::empty(bytes.shape(), kInt64);
  for (int64_t i = 0; i < bytes.numel(); ++i) labels.data<int64_t>()[i] = bytes.data<uint8_t>()[i];
  return Tensor(labels);
}

Batch convert(const char* op, const Tensor& images, const Tensor& labels, Scale scale,
              const Pixels& pixels) {
  check(images.dim() == 3 && labels.dim() == 1 && images.size(0) == labels.size(0),
        "{}: as many labels as images are required, got images {} and labels {}", op,
        images.shape(), labels.shape());
  return {scale_images(images.array(), scale, pixels), widen_labels(labels.array())};
}

/// `name` or `name`.gz in `root` or, as torchvision stores it, in root/<op>/raw.
std::string find_file(const char* op, const std::string& root, const std::string& name) {
  const std::filesystem::path folders[] = {root, std::filesystem::path(root) / op / "raw"};
  for (const std::filesystem::path& folder : folders) {
    for (const char* ending : {".gz", ""}) {
      const std::filesystem::path path = folder / (name + ending);
      std::error_code ignored;
      if (std::filesystem::exists(path, ignored)) return path.string();
    }
  }
  fail("{}: there is no {} or {}.gz in '{}' or '{}'", op, name, name, root, folders[1].string());
}

Batch read_files(const char* op, const std::string& root, const std::string& part, Scale scale,
                 const Pixels& pixels) {
  const Tensor labels = read_idx(find_file(op, root, part + "-labels-idx1-ubyte"));
  const Tensor images = read_idx(find_file(op, root, part + "-images-idx3-ubyte"));
  return convert(op, images, labels, scale, pixels);
}

Batch read_digits(const DigitsOptions& options) {
  if (!options.root.empty())
    return read_files("Digits", options.root, "digits", options.scale, kDigitsPixels);
  return convert("Digits", decode_idx(bundled::digits_images(), "bundled digits-images"),
                 decode_idx(bundled::digits_labels(), "bundled digits-labels"), options.scale,
                 kDigitsPixels);
}

Batch read_fashion_mnist(const FashionMNISTOptions& options) {
  const char* part = options.train ? "train" : "t10k";
  return read_files("FashionMNIST", options.root, part, options.scale, kFashionPixels);
}

}  // namespace

Digits::Digits(const DigitsOptions& options) : LabelledDataset(read_digits(options), numerals()) {}

MNIST::MNIST(const std::string& root, const MNISTOptions& options)
    : LabelledDataset(
          read_files("MNIST", root, options.train ? "train" : "t10k", options.scale, kMnistPixels),
          numerals()) {}

FashionMNIST::FashionMNIST(const FashionMNISTOptions& options)
    : LabelledDataset(read_fashion_mnist(options),
                      {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                       "Sneaker", "Bag", "Ankle boot"}) {}

}  // namespace reel::datasets
