#include <reel/autograd/kernels/copy.h>
#include <reel/nn/state.h>

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace reel::nn {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr uint64_t kHeaderLimit = 100'000'000;
constexpr int kMaxRank = 32;

// ---- element types -----------------------------------------------------------------------------------------

struct FileType {
  const char* name;
  size_t size;
  Dtype dtype;  // what its numbers are read as
};

// In the order in which tensors are written: as the reference implementation does, so that large
// elements come first and everything is aligned.
constexpr FileType kFileTypes[] = {
    {"I64", 8, kInt64},    {"F64", 8, kFloat64}, {"F32", 4, kFloat32}, {"I32", 4, kInt32},
    {"BF16", 2, kFloat32}, {"F16", 2, kFloat32}, {"U8", 1, kUInt8},    {"BOOL", 1, kBool},
};

const FileType* file_type(std::string_view name) {
  for (const FileType& type : kFileTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

const FileType* file_type(Dtype dtype) {
  for (const FileType& type : kFileTypes) {
    if (type.dtype == dtype && type.size == size_of(dtype)) return &type;
  }
  return nullptr;
}

float from_bfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
float from_float16(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t biased = exponent == 31 ? 255 : exponent + 127 - 15;
  return std::bit_cast<float>(sign | biased << 23 | fraction << 13);
}

// ---- reading -----------------------------------------------------------------------------------------------

struct FileTensor {
  std::string name;
  const FileType* type;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
    std::error_code error;
    size_ = fs::file_size(path, error);
    require(file_.is_open() && !error, "it cannot be read");
  }

  StateDict read() {
    uint64_t header_size = 0;
    require(size_ >= sizeof header_size, "it has {} bytes, too few for a header", size_);
    read_bytes(&header_size, sizeof header_size);
    require(header_size <= kHeaderLimit, "its header of {} bytes is over the limit of {}",
            header_size, kHeaderLimit);
    require(header_size <= size_ - sizeof header_size,
            "its header of {} bytes is truncated: the file has {}", header_size, size_);
    std::string header(header_size, '\0');
    read_bytes(header.data(), header.size());
    const std::vector<FileTensor> tensors = layout(parse(header));
    check_ranges(tensors, size_ - sizeof header_size - header_size);

    StateDict state;
    for (const FileTensor& tensor : tensors) state[tensor.name] = read_tensor(tensor);
    return state;
  }

 private:
  template <class... Args>
  void require(bool condition, fmt::format_string<Args...> text, const Args&... args) const {
    if (!condition)
      fail("load: {} is no valid safetensors file: {}", path_,
           fmt::vformat(text, fmt::make_format_args(args...)));
  }

  void read_bytes(void* to, size_t count) {
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
    require(!file_.fail(), "it cannot be read to its end");
  }

  // nlohmann's parser lets the last of equal keys win; the format forbids them. Nothing in a header
  // is deeper than an array in a tensor's entry.
  Json parse(const std::string& text) const {
    require(text.starts_with('{'), "its header does not begin with {{");
    std::vector<std::set<std::string>> keys;
    const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
      require(depth < 4, "its header is nested too deeply");
      if (event == Json::parse_event_t::object_start) keys.emplace_back();
      if (event == Json::parse_event_t::object_end) keys.pop_back();
      if (event == Json::parse_event_t::key) {
        const auto& key = value.get_ref<const std::string&>();
        require(keys.back().insert(key).second, "its header has \"{}\" twice", key);
      }
      return true;
    };
    try {
      return Json::parse(text, look);
    } catch (const Json::exception& error) {
      fail("load: {} is no valid safetensors file: its header is not JSON: {}", path_,
           error.what());
    }
  }

  std::vector<FileTensor> layout(const Json& header) const {
    std::vector<FileTensor> tensors;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        require(
            entry.is_object() && std::all_of(entry.begin(), entry.end(),
                                             [](const Json& value) { return value.is_string(); }),
            "__metadata__ must hold texts only");
      } else {
        tensors.push_back(described(name, entry));
      }
    }
    std::sort(tensors.begin(), tensors.end(), [](const FileTensor& a, const FileTensor& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    return tensors;
  }

  FileTensor described(const std::string& name, const Json& entry) const {
    const auto numbers = [&](const char* key) {
      require(entry.contains(key) && entry[key].is_array(), "\"{}\" has no list {}", name, key);
      std::vector<int64_t> list;
      for (const Json& number : entry[key]) {
        require(number.is_number_unsigned() &&
                    number.get<uint64_t>() <= std::numeric_limits<int64_t>::max(),
                "{} of \"{}\" must hold whole numbers that are not negative, got {}", key, name,
                number.dump());
        list.push_back(number.get<int64_t>());
      }
      return list;
    };
    require(entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string(),
            "\"{}\" has no dtype", name);
    FileTensor tensor;
    tensor.name = name;
    const auto& dtype = entry["dtype"].get_ref<const std::string&>();
    tensor.type = file_type(dtype);
    require(tensor.type, "the dtype {} of \"{}\" is none that reel has", dtype, name);
    tensor.shape = numbers("shape");
    require(tensor.shape.size() <= kMaxRank, "\"{}\" has {} dims, more than {}", name,
            tensor.shape.size(), kMaxRank);
    const std::vector<int64_t> offsets = numbers("data_offsets");
    require(offsets.size() == 2 && offsets[0] <= offsets[1],
            "data_offsets of \"{}\" must be a begin and an end", name);
    tensor.begin = static_cast<uint64_t>(offsets[0]);
    tensor.end = static_cast<uint64_t>(offsets[1]);
    return tensor;
  }

  void check_ranges(const std::vector<FileTensor>& tensors, uint64_t data_size) const {
    uint64_t end = 0;
    for (const FileTensor& tensor : tensors) {
      check_size(tensor);
      require(tensor.begin >= end, "\"{}\" overlaps the tensor before it", tensor.name);
      require(tensor.begin == end, "there is a gap before \"{}\"", tensor.name);
      require(tensor.end <= data_size, "\"{}\" ends at byte {} of {}: the data is truncated",
              tensor.name, tensor.end, data_size);
      end = tensor.end;
    }
    require(end == data_size, "{} of its {} bytes of data belong to no tensor", data_size - end,
            data_size);
  }

  void check_size(const FileTensor& tensor) const {
    // Sizes of 0 do not save the others from overflowing: strides are products of some of them.
    int64_t bytes = static_cast<int64_t>(tensor.type->size);
    bool empty = false, overflow = false;
    for (int64_t size : tensor.shape) {
      empty |= size == 0;
      overflow |= size != 0 && __builtin_mul_overflow(bytes, size, &bytes);
    }
    require(!overflow, "the shape of \"{}\" is too large", tensor.name);
    const uint64_t needed = empty ? 0 : static_cast<uint64_t>(bytes);
    require(tensor.end - tensor.begin == needed, "\"{}\" needs {} bytes, its range has {}",
            tensor.name, needed, tensor.end - tensor.begin);
  }

  Tensor read_tensor(const FileTensor& tensor) {
    const Array array = Array::empty(tensor.shape, tensor.type->dtype);
    const auto count = static_cast<size_t>(array.numel());
    if (tensor.type->size == size_of(tensor.type->dtype)) {
      read_bytes(array.data<std::byte>(), count * tensor.type->size);
      // Any byte may stand for true; a bool in memory is 0 or 1.
      if (tensor.type->dtype == kBool)
        std::transform(array.data<uint8_t>(), array.data<uint8_t>() + count, array.data<uint8_t>(),
                       [](uint8_t byte) { return uint8_t{byte != 0}; });
    } else {
      std::vector<uint16_t> halves(count);
      read_bytes(halves.data(), count * sizeof(uint16_t));
      const auto convert = tensor.type == file_type("F16") ? from_float16 : from_bfloat16;
      std::transform(halves.begin(), halves.end(), array.data<float>(), convert);
    }
    return Tensor(array);
  }

  std::string path_;
  std::ifstream file_;
  uint64_t size_ = 0;
};

// ---- writing -----------------------------------------------------------------------------------------------

using Entry = const Named<Tensor>*;

std::vector<Entry> in_file_order(const StateDict& state, const std::string& path) {
  std::vector<Entry> entries;
  for (const auto& entry : state) {
    check(entry.value.defined(), "save: {}: \"{}\" is undefined", path, entry.name);
    check(entry.name != "__metadata__", "save: {}: a tensor cannot be named __metadata__", path);
    entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(), [](Entry a, Entry b) {
    return std::pair(file_type(a->value.dtype()), std::string_view(a->name)) <
           std::pair(file_type(b->value.dtype()), std::string_view(b->name));
  });
  return entries;
}

std::string header_of(const std::vector<Entry>& entries, const std::string& path) {
  nlohmann::ordered_json header;
  // What PyTorch's own files have; some readers look for it.
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t end = 0;
  for (Entry entry : entries) {
    const FileType& type = *file_type(entry->value.dtype());
    const uint64_t begin = end;
    end += static_cast<uint64_t>(entry->value.numel()) * type.size;
    nlohmann::ordered_json shape = nlohmann::ordered_json::array();
    for (int64_t size : entry->value.shape()) shape.push_back(size);
    header[entry->name] = {{"dtype", type.name}, {"shape", shape}, {"data_offsets", {begin, end}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    fail("save: {}: a tensor's name is not UTF-8", path);
  }
  // The data begins at a multiple of 8.
  text.append((8 - text.size() % 8) % 8, ' ');
  check(text.size() <= kHeaderLimit, "save: {}: the header of {} bytes is over the limit of {}",
        path, text.size(), kHeaderLimit);
  return text;
}

// A file that takes its name only when it is complete.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path),
        part_(fmt::format("{}.{}.part", path, getpid())),
        file_(part_, std::ios::binary | std::ios::trunc) {
    check(file_.is_open(), "save: {} cannot be written: {}", path_, std::strerror(errno));
  }
  ~NewFile() {
    if (!part_.empty()) std::remove(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const void* from, size_t count) {
    file_.write(static_cast<const char*>(from), static_cast<std::streamsize>(count));
  }
  void finish() {
    file_.close();
    check(!file_.fail() && std::rename(part_.c_str(), path_.c_str()) == 0,
          "save: {} cannot be written: {}", path_, std::strerror(errno));
    part_.clear();
  }

 private:
  std::string path_, part_;
  std::ofstream file_;
};

}  // namespace

void save(const StateDict& state, const std::string& path) {
  const std::vector<Entry> entries = in_file_order(state, path);
  const std::string header = header_of(entries, path);
  NewFile file(path);
  const uint64_t size = header.size();
  file.write(&size, sizeof size);
  file.write(header.data(), header.size());
  for (Entry entry : entries) {
    const Array array = kernels::contiguous(entry->value.array());
    file.write(array.data<std::byte>(),
               static_cast<size_t>(array.numel()) * size_of(array.dtype()));
  }
  file.finish();
}

StateDict load_state(const std::string& path) { return Reader(path).read(); }

void save(const Module& model, const std::string& path) { save(model.state_dict(), path); }

IncompatibleKeys load(Module& model, const std::string& path, const LoadOptions& options) {
  return model.load_state_dict(load_state(path), options);
}

}  // namespace reel::nn
