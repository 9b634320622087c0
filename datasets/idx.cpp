// IDX files, read as a stream: nothing is allocated before the header is known to be sound.
#include <reel/datasets/idx.h>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace reel::datasets {
namespace {

using Byte = unsigned char;

constexpr uint64_t kMaxBytes = uint64_t{1} << 32;
// Deflate cannot pack tighter than this, so a shorter input cannot hold what its header claims.
constexpr uint64_t kMaxCompression = 1032;
constexpr size_t kChunk = size_t{1} << 16;

/// Bytes as they are stored: from memory, or from a file.
class Source {
 public:
  Source(std::span<const std::byte> bytes, std::string name)
      : name_(std::move(name)), rest_(bytes), stored_(bytes.size()) {}

  explicit Source(const std::string& path) : name_(path), file_(std::fopen(path.c_str(), "rb")) {
    check(file_ != nullptr, "read_idx: cannot open {}: {}", path, std::strerror(errno));
    buffer_.resize(kChunk);
    if (std::fseek(file_.get(), 0, SEEK_END) != 0) return;
    if (const long end = std::ftell(file_.get()); end >= 0) stored_ = static_cast<uint64_t>(end);
    std::rewind(file_.get());
  }

  const std::string& name() const { return name_; }
  /// Bytes in all; the largest number where that is not known.
  uint64_t stored() const { return stored_; }

  /// The next bytes; none at the end.
  std::span<const std::byte> next() {
    if (!file_) return std::exchange(rest_, {});
    return {buffer_.data(), read(buffer_.data(), buffer_.size())};
  }
  /// Puts the next bytes of a file there; gives their number, less at the end.
  size_t read(std::byte* to, size_t bytes) {
    const size_t count = file_ ? std::fread(to, 1, bytes, file_.get()) : 0;
    check(!file_ || std::ferror(file_.get()) == 0, "read_idx: cannot read {}: {}", name_,
          std::strerror(errno));
    return count;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string name_;
  std::span<const std::byte> rest_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::byte> buffer_;
  uint64_t stored_ = std::numeric_limits<uint64_t>::max();
};

/// What a source holds once it is unpacked; plain bytes pass through.
class Reader {
 public:
  explicit Reader(Source source) : source_(std::move(source)) {
    refill();
    compressed_ = stream_.avail_in >= 2 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
    constexpr int kGzip = 16 + MAX_WBITS;
    if (compressed_) check(inflateInit2(&stream_, kGzip) == Z_OK, "read_idx: zlib does not start");
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    if (compressed_) inflateEnd(&stream_);
  }

  const std::string& name() const { return source_.name(); }

  /// Whether `bytes` can come out of what is stored at all.
  bool can_hold(uint64_t bytes) const {
    return bytes / (compressed_ ? kMaxCompression : 1) <= source_.stored();
  }

  /// Fills `out` as far as the input reaches; gives the number of bytes.
  uint64_t read(Byte* out, uint64_t bytes) {
    uint64_t done = 0;
    while (done < bytes) {
      if (!compressed_ && stream_.avail_in == 0)
        return done + source_.read(reinterpret_cast<std::byte*>(out + done), bytes - done);
      if (!refill()) break;
      const uint64_t room = std::min<uint64_t>(bytes - done, std::numeric_limits<uInt>::max());
      stream_.next_out = out + done;
      stream_.avail_out = static_cast<uInt>(room);
      compressed_ ? unpack() : pass();
      done += room - stream_.avail_out;
    }
    return done;
  }

  /// Reads to the end, or to a little above `limit`; gives the number of bytes.
  uint64_t count_rest(uint64_t limit) {
    std::vector<Byte> scratch(kChunk);
    uint64_t total = 0;
    while (total <= limit) {
      const uint64_t count = read(scratch.data(), scratch.size());
      if (count == 0) break;
      total += count;
    }
    return total;
  }

  /// Throws if a gzip stream was cut before its checksum.
  void check_complete() const {
    check(!compressed_ || ended_, "read_idx: {} is truncated: its gzip stream has no end", name());
  }

 private:
  /// Whether there is input.
  bool refill() {
    if (stream_.avail_in > 0) return true;
    const std::span<const std::byte> bytes = source_.next();
    // zlib's interface lacks a const; it only reads.
    stream_.next_in = const_cast<Byte*>(reinterpret_cast<const Byte*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    return !bytes.empty();
  }

  void unpack() {
    // A gzip file may be several streams one behind the other.
    if (ended_) inflateReset(&stream_);
    const int state = inflate(&stream_, Z_NO_FLUSH);
    check(state == Z_OK || state == Z_STREAM_END || state == Z_BUF_ERROR,
          "read_idx: {} is damaged: {}", name(), stream_.msg ? stream_.msg : "bad gzip stream");
    ended_ = state == Z_STREAM_END;
  }

  void pass() {
    const uInt count = std::min(stream_.avail_in, stream_.avail_out);
    std::memcpy(stream_.next_out, stream_.next_in, count);
    stream_.next_in += count;
    stream_.avail_in -= count;
    stream_.avail_out -= count;
  }

  Source source_;
  z_stream stream_{};
  bool compressed_ = false;
  bool ended_ = false;
};

uint32_t big_endian(const Byte* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

int read_rank(Reader& reader) {
  std::array<Byte, 4> magic{};
  const uint64_t came = reader.read(magic.data(), magic.size());
  check(came == magic.size(), "read_idx: {} is truncated: the magic number takes 4 bytes, {} came",
        reader.name(), came);
  const uint32_t value = big_endian(magic.data());
  check(value >= 0x0801 && value <= 0x0804,
        "read_idx: {} has a wrong magic number: expected 0x00000801 to 0x00000804 (unsigned bytes, "
        "1 to 4 dims), "
        "got {:#010x}",
        reader.name(), value);
  return static_cast<int>(value & 0xff);
}

Shape read_shape(Reader& reader, int rank) {
  std::array<Byte, 16> sizes{};
  const auto required = static_cast<uint64_t>(rank) * 4;
  const uint64_t came = reader.read(sizes.data(), required);
  check(came == required, "read_idx: {} is truncated: the sizes of {} dims take {} bytes, {} came",
        reader.name(), rank, required, came);
  Shape shape;
  uint64_t total = 1;
  for (int i = 0; i < rank; ++i) {
    const uint32_t size = big_endian(&sizes[static_cast<size_t>(i) * 4]);
    shape.push_back(size);
    check(size == 0 || total <= kMaxBytes / size,
          "read_idx: {} is too large: at most {} bytes are read, its first {} sizes are {}",
          reader.name(), kMaxBytes, i + 1, shape);
    total *= size;
  }
  return shape;
}

Tensor decode(Source source) {
  Reader reader(std::move(source));
  const Shape shape = read_shape(reader, read_rank(reader));
  const auto required = static_cast<uint64_t>(shape.numel());
  constexpr const char* kTruncated =
      "read_idx: {} is truncated: its sizes {} require {} bytes, {} came";
  if (!reader.can_hold(required)) {
    fail(kTruncated, reader.name(), shape, required, reader.count_rest(required));
  }
  const Array array = Array::empty(shape, kUInt8);
  const uint64_t came = reader.read(array.data<Byte>(), required);
  check(came == required, kTruncated, reader.name(), shape, required, came);
  const uint64_t rest = reader.count_rest(0);
  check(rest == 0, "read_idx: {} is too long: its sizes {} require {} bytes, more follow",
        reader.name(), shape, required);
  reader.check_complete();
  return Tensor(array);
}

}  // namespace

Tensor read_idx(const std::string& path) { return decode(Source(path)); }

Tensor decode_idx(std::span<const std::byte> bytes, const std::string& name) {
  return decode(Source(bytes, name));
}

}  // namespace reel::datasets
