// Names for what bundled.S puts into the library.
#include <reel/datasets/detail/bundled.h>

extern "C" {
extern const std::byte reel_bundled_digits_images[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_digits_images_end[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_digits_labels[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_digits_labels_end[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_iris[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_iris_end[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_eckerle4[] __attribute__((visibility("hidden")));
extern const std::byte reel_bundled_eckerle4_end[] __attribute__((visibility("hidden")));
}

namespace reel::datasets::bundled {

std::span<const std::byte> digits_images() {
  return {reel_bundled_digits_images, reel_bundled_digits_images_end};
}

std::span<const std::byte> digits_labels() {
  return {reel_bundled_digits_labels, reel_bundled_digits_labels_end};
}

std::span<const std::byte> iris() { return {reel_bundled_iris, reel_bundled_iris_end}; }

std::span<const std::byte> eckerle4() { return {reel_bundled_eckerle4, reel_bundled_eckerle4_end}; }

}  // namespace reel::datasets::bundled
