#pragma once
// Models in files: safetensors, which Python reads and writes (huggingface.co/docs/safetensors).
// A little-endian 64-bit length, so many bytes of JSON that say where each tensor is, the numbers.

#include <reel/nn/handle.h>

namespace reel::nn {

/// Writes all tensors; one that has several names is written under each. The file is complete or
/// not there: it is written beside `path` and then renamed. Throws if that fails, naming the file.
void save(const StateDict& state, const std::string& path);
/// The tensors of a file, in the order in which they stand there. F16 and BF16 become float32.
/// Throws, naming the file, unless it is as the format demands: a header of at most 100 MB, tensors
/// that fill the rest without gaps or overlaps.
StateDict load_state(const std::string& path);

/// Saves model.state_dict().
void save(const Module& model, const std::string& path);
template <class Impl>
void save(const Handle<Impl>& model, const std::string& path) {
  save(*model, path);
}
/// model.load_state_dict(load_state(path), options). The model is unchanged if that throws.
IncompatibleKeys load(Module& model, const std::string& path, const LoadOptions& options = {});
template <class Impl>
IncompatibleKeys load(const Handle<Impl>& model, const std::string& path,
                      const LoadOptions& options = {}) {
  return load(*model, path, options);
}

}  // namespace reel::nn
