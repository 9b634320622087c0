#pragma once
// Reading IDX, the format of MNIST: http://yann.lecun.com/exdb/mnist, "the IDX file format".

#include <reel/autograd/tensor.h>

#include <cstddef>
#include <string>

namespace reel::datasets {

/// The uint8 tensor, 1-d to 4-d, of an IDX file of unsigned bytes, gzip'd or plain. Throws an Error
/// that names the file if it is missing, damaged, too short or too long, or claims more than 4 GiB.
Tensor read_idx(const std::string& path);
/// The same from memory; `name` stands for the path in errors.
Tensor decode_idx(std::span<const std::byte> bytes, const std::string& name);

}  // namespace reel::datasets
