#pragma once
// The data files that the library carries inside itself (internal: not installed for users).

#include <cstddef>
#include <span>

namespace reel::datasets::bundled {

/// gzip'd IDX, [1797, 8, 8] and [1797].
std::span<const std::byte> digits_images();
std::span<const std::byte> digits_labels();
/// Text.
std::span<const std::byte> iris();
std::span<const std::byte> eckerle4();

}  // namespace reel::datasets::bundled
