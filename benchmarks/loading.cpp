// Reading images and handing them out in batches.
#include "cases.h"

#include <filesystem>
#include <fstream>

using cases::Step;

namespace {

constexpr int kCount = 10'000, kPixels = 28 * 28;

// A folder with files of the size of MNIST's test set, for as long as it lives.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "reel_benchmark_mnist") {
    std::filesystem::create_directories(path_);
    write("t10k-images-idx3-ubyte", {0, 0, 8, 3, 0, 0, high, low, 0, 0, 0, 28, 0, 0, 0, 28},
          kCount * kPixels);
    write("t10k-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, high, low}, kCount);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path() const { return path_; }

 private:
  static constexpr char high = kCount >> 8, low = kCount & 255;

  void write(const char* name, std::initializer_list<char> header, size_t bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(header.begin(), static_cast<std::streamsize>(header.size()));
    file << std::string(bytes, '\1');
  }

  std::filesystem::path path_;
};

}  // namespace

int main(int argc, char** argv) {
  const Folder folder;
  const std::string root = folder.path();
  cases::add({.name = "reading MNIST's test set"},
             [root] { return Step([root] { library::read_mnist(root); }); });
  cases::add({.name = "MNIST's test set shuffled, batches of 64"},
             [root] { return library::pass_over_mnist(root, 64); });
  if (library::pass_over_digits(64)) {
    cases::add({.name = "bundled digits shuffled, batches of 64"},
               [] { return library::pass_over_digits(64); });
  }
  return cases::run(argc, argv);
}
