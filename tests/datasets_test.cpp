// Data sets: the bundled ones, IDX files good and bad, splits and loaders.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>

using namespace reel;
using namespace reel::datasets;

namespace {

/// A file that goes when the test ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    static int count = 0;
    const std::string name =
        "reel_datasets_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    path_ = (std::filesystem::temp_directory_path() / name).string();
    std::ofstream(path_, std::ios::binary) << content;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string big_endian(std::initializer_list<uint32_t> words) {
  std::string bytes;
  for (uint32_t word : words) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift & 0xff);
  }
  return bytes;
}

std::string little_endian(size_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

uint32_t crc32(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// A gzip stream of one block that is not compressed (RFC 1951, 3.2.4; RFC 1952).
std::string gzip(const std::string& bytes) {
  const std::string header("\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11);
  return header + little_endian(bytes.size(), 2) + little_endian(~bytes.size(), 2) + bytes +
         little_endian(crc32(bytes), 4) + little_endian(bytes.size(), 4);
}

const std::string kSixBytes =
    big_endian({0x0802, 2, 3}) + std::string("\x01\x02\x03\x04\x05\xff", 6);

template <class E = Error>
std::string message_of(const std::function<void()>& call) {
  const int64_t before = memory::stats().live_storages;
  try {
    call();
  } catch (const E& error) {
    EXPECT_EQ(memory::stats().live_storages, before) << "leaked by: " << error.what();
    return error.what();
  }
  return "nothing was thrown";
}

std::string idx_error(const std::string& content) {
  const TemporaryFile file(content);
  std::string message = message_of([&] { read_idx(file.path()); });
  EXPECT_NE(message.find(file.path()), std::string::npos) << message;
  return message;
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

std::vector<int64_t> numbers(const Tensor& tensor) {
  const std::span<int64_t> values = tensor.span<int64_t>();
  return {values.begin(), values.end()};
}

/// Sample i is (10 i, 10 i + 1) with target i.
TensorDataset counting(int64_t size) {
  std::vector<float> data;
  std::vector<int64_t> target;
  for (int64_t i = 0; i < size; ++i) {
    data.push_back(static_cast<float>(10 * i));
    data.push_back(static_cast<float>(10 * i + 1));
    target.push_back(i);
  }
  return TensorDataset(from_vector(data, {size, 2}), from_vector(target, {size}));
}

/// A data set of one's own: only what must be written.
struct Squares : Dataset {
  int64_t size() const override { return 5; }
  Example get(int64_t index) const override {
    check<IndexError>(index >= 0 && index < 5, "Squares: no sample {}", index);
    return {full({2}, static_cast<double>(index)), full({}, index * index, {.dtype = kInt64})};
  }
};

std::vector<int64_t> targets_of_epoch(DataLoader& loader) {
  std::vector<int64_t> targets;
  for (auto& [data, target] : loader) {
    EXPECT_EQ(data.size(0), target.size(0));
    for (int64_t i = 0; i < data.size(0); ++i) {
      EXPECT_EQ(data.span<float>()[static_cast<size_t>(2 * i + 1)],
                static_cast<float>(10 * target.span<int64_t>()[static_cast<size_t>(i)] + 1));
    }
    const std::vector<int64_t> more = numbers(target);
    targets.insert(targets.end(), more.begin(), more.end());
  }
  return targets;
}

void expect_permutation(std::vector<int64_t> values, int64_t size) {
  std::sort(values.begin(), values.end());
  std::vector<int64_t> expected(static_cast<size_t>(size));
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(values, expected);
}

/// A folder with the files of a data set that is not bundled; empty if there is none.
std::string find_folder(const std::string& name) {
  std::vector<std::string> folders{"/usr/share/datasets/" + name};
  if (const char* base = std::getenv("REEL_DATA_DIR"))
    folders.push_back(std::string(base) + "/" + name);
  for (const std::string& folder : folders) {
    if (std::filesystem::exists(folder + "/t10k-labels-idx1-ubyte.gz")) return folder;
  }
  return {};
}

std::vector<int64_t> class_counts(const LabelledDataset& dataset) {
  std::vector<int64_t> counts(static_cast<size_t>(dataset.num_classes()));
  for (const int64_t label : dataset.all().target.span<int64_t>())
    ++counts[static_cast<size_t>(label)];
  return counts;
}

double sum_of(const Tensor& tensor) {
  const std::span<float> values = tensor.span<float>();
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

// ---- IDX ----------------------------------------------------------------------------------------

TEST(ReadIdx, reads_plain_and_gzip_alike) {
  for (const std::string& content :
       {kSixBytes, gzip(kSixBytes), gzip(kSixBytes.substr(0, 7)) + gzip(kSixBytes.substr(7))}) {
    const TemporaryFile file(content);
    const Tensor tensor = read_idx(file.path());
    EXPECT_EQ(tensor.dtype(), kUInt8);
    EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
    const std::span<uint8_t> values = tensor.span<uint8_t>();
    EXPECT_EQ(std::vector<uint8_t>(values.begin(), values.end()),
              (std::vector<uint8_t>{1, 2, 3, 4, 5, 255}));
  }
}

TEST(ReadIdx, reads_one_to_four_dims_and_none_of_a_size) {
  EXPECT_EQ(read_idx(TemporaryFile(big_endian({0x0801, 2}) + "ab").path()).shape(), Shape{2});
  EXPECT_EQ(read_idx(TemporaryFile(big_endian({0x0804, 1, 2, 1, 1}) + "ab").path()).shape(),
            (Shape{1, 2, 1, 1}));
  EXPECT_EQ(read_idx(TemporaryFile(big_endian({0x0803, 0, 28, 28})).path()).shape(),
            (Shape{0, 28, 28}));
}

TEST(ReadIdx, names_a_file_that_is_missing_or_a_folder) {
  expect_contains(message_of([] { read_idx("/no/such/file.gz"); }),
                  "/no/such/file.gz: No such file");
  expect_contains(message_of([] { read_idx("/tmp"); }), "/tmp: Is a directory");
}

TEST(ReadIdx, says_what_a_truncated_file_requires_and_what_came) {
  expect_contains(idx_error(""), "the magic number takes 4 bytes, 0 came");
  expect_contains(idx_error(kSixBytes.substr(0, 3)), "the magic number takes 4 bytes, 3 came");
  expect_contains(idx_error(kSixBytes.substr(0, 9)), "the sizes of 2 dims take 8 bytes, 5 came");
  expect_contains(idx_error(kSixBytes.substr(0, 16)), "its sizes [2, 3] require 6 bytes, 4 came");
  expect_contains(idx_error(gzip(kSixBytes.substr(0, 16))),
                  "its sizes [2, 3] require 6 bytes, 4 came");
}

TEST(ReadIdx, refuses_a_truncated_or_damaged_gzip_stream_wherever_it_is_cut) {
  const std::string packed = gzip(kSixBytes);
  for (size_t size = 2; size < packed.size(); ++size)
    expect_contains(idx_error(packed.substr(0, size)), "is truncated");
  std::string damaged = packed;
  damaged[packed.size() - 6] ^= 1;  // in the checksum
  expect_contains(idx_error(damaged), "is damaged");
  expect_contains(idx_error(packed + "tail"), "is damaged");
}

TEST(ReadIdx, says_which_magic_number_came) {
  expect_contains(idx_error(big_endian({0x0D03, 1, 1, 1})), "got 0x00000d03");  // floats
  expect_contains(idx_error(big_endian({0x0805, 1, 1, 1, 1, 1})), "got 0x00000805");
  expect_contains(idx_error(big_endian({0x0800})), "got 0x00000800");
  expect_contains(idx_error("P5 28 28 255"), "got 0x50352032");
}

TEST(ReadIdx, refuses_sizes_that_overflow_before_it_allocates) {
  memory::release_cache();
  memory::reset_peak();
  const int64_t before = memory::stats().peak;
  const uint32_t most = 0xffffffff;
  expect_contains(idx_error(big_endian({0x0804, most, most, most, most})), "too large");
  expect_contains(idx_error(big_endian({0x0802, 0x80000000, 0x00000004})), "too large");
  expect_contains(idx_error(big_endian({0x0801, 0x7fffffff}) + "abc"),
                  "require 2147483647 bytes, 3 came");
  expect_contains(idx_error(gzip(big_endian({0x0801, 0x7fffffff}) + "abc")),
                  "require 2147483647 bytes, 3 came");
  EXPECT_LT(memory::stats().peak - before, 1 << 20);
}

TEST(ReadIdx, refuses_bytes_after_the_data) {
  expect_contains(idx_error(kSixBytes + "x"), "too long");
  expect_contains(idx_error(gzip(kSixBytes + "x")), "too long");
}

// ---- bundled data -------------------------------------------------------------------------------

TEST(Digits, has_the_known_counts_and_sum) {
  const Digits digits({.scale = Scale::None});
  EXPECT_EQ(digits.size(), 1797);
  EXPECT_EQ(digits.num_classes(), 10);
  EXPECT_EQ(digits.classes()[9], "9");
  EXPECT_EQ(class_counts(digits),
            (std::vector<int64_t>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}));
  const auto [images, labels] = digits.all();
  EXPECT_EQ(images.shape(), (Shape{1797, 1, 8, 8}));
  EXPECT_EQ(images.dtype(), kFloat32);
  EXPECT_EQ(labels.shape(), Shape{1797});
  EXPECT_EQ(labels.dtype(), kInt64);
  EXPECT_EQ(sum_of(images), 561718);
}

TEST(Digits, scales_its_pixels) {
  const auto range = [](Scale scale) {
    const Tensor images = Digits({.scale = scale}).all().data;
    const auto [low, high] = std::ranges::minmax_element(images.span<float>());
    return std::pair(*low, *high);
  };
  EXPECT_EQ(range(Scale::None), std::pair(0.0f, 16.0f));
  EXPECT_EQ(range(Scale::MinMax01), std::pair(0.0f, 1.0f));
  EXPECT_EQ(range(Scale::MinMax11), std::pair(-1.0f, 1.0f));
  const Tensor standard = Digits({.scale = Scale::ZScore}).all().data;
  double squares = 0;
  for (const float value : standard.span<float>())
    squares += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(sum_of(standard) / 115008, 0, 1e-6);
  EXPECT_NEAR(squares / 115008, 1, 1e-6);
}

TEST(Iris, has_the_known_means) {
  const Iris iris;
  EXPECT_EQ(class_counts(iris), (std::vector<int64_t>{50, 50, 50}));
  EXPECT_EQ(iris.classes(), (std::vector<std::string>{"setosa", "versicolor", "virginica"}));
  const Tensor features = iris.all().data;
  ASSERT_EQ(features.shape(), (Shape{150, 4}));
  const double means[] = {5.843333, 3.057333, 3.758, 1.199333};
  for (size_t column = 0; column < 4; ++column) {
    double sum = 0;
    for (size_t row = 0; row < 150; ++row)
      sum += static_cast<double>(features.span<float>()[4 * row + column]);
    EXPECT_NEAR(sum / 150, means[column], 1e-6);
  }
}

TEST(Eckerle4, certified_solution_gives_the_certified_residual) {
  const auto [x, y] = Eckerle4().all();
  ASSERT_EQ(x.shape(), (Shape{35, 1}));
  double residual = 0;
  for (size_t i = 0; i < 35; ++i) {
    const double b1 = 1.5543827178, b2 = 4.0888321754, b3 = 451.54121844;
    const double z = (x.span<double>()[i] - b3) / b2;
    const double error = y.span<double>()[i] - b1 / b2 * std::exp(-0.5 * z * z);
    residual += error * error;
  }
  EXPECT_NEAR(residual, 1.4635887487e-03, 1e-12);
}

// ---- files that may be there --------------------------------------------------------------------

TEST(MNIST, has_the_known_counts) {
  const std::string folder = find_folder("mnist");
  if (folder.empty())
    GTEST_SKIP() << "no MNIST files: set REEL_DATA_DIR to a folder that has mnist/";
  const MNIST train(folder), test(folder, {.train = false});
  EXPECT_EQ(train.all().data.shape(), (Shape{60000, 1, 28, 28}));
  EXPECT_EQ(class_counts(train),
            (std::vector<int64_t>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  EXPECT_EQ(class_counts(test),
            (std::vector<int64_t>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  EXPECT_NEAR(sum_of(train.all().data) / 47040000, 0.1307, 5e-5);
}

TEST(FashionMNIST, has_the_known_counts) {
  const std::string folder = find_folder("fashion-mnist");
  if (folder.empty())
    GTEST_SKIP() << "no Fashion-MNIST files: install dataset-fashion-mnist or set REEL_DATA_DIR";
  const FashionMNIST test({.root = folder, .train = false, .scale = Scale::ZScore});
  EXPECT_EQ(test.size(), 10000);
  EXPECT_EQ(test.classes()[9], "Ankle boot");
  EXPECT_EQ(class_counts(test), std::vector<int64_t>(10, 1000));
}

TEST(MNIST, refuses_a_folder_without_its_files) {
  const std::string message = message_of([] { MNIST("/no/such/folder"); });
  expect_contains(message, "MNIST: there is no train-labels-idx1-ubyte");
  expect_contains(message, "/no/such/folder");
}

TEST(MNIST, refuses_files_that_do_not_belong_together) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("reel_mnist_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "MNIST" / "raw");
  const auto write = [&](const char* name, const std::string& content) {
    std::ofstream(folder / "MNIST" / "raw" / name, std::ios::binary) << content;
  };
  write("train-images-idx3-ubyte", big_endian({0x0803, 2, 1, 2}) + "abcd");
  write("train-labels-idx1-ubyte", big_endian({0x0801, 3}) + std::string("\x01\x02\x03", 3));
  expect_contains(message_of([&] { MNIST(folder.string()); }),
                  "got images [2, 1, 2] and labels [3]");
  write("train-labels-idx1-ubyte", big_endian({0x0801, 2}) + std::string("\x01\x0a", 2));
  expect_contains(message_of([&] { MNIST(folder.string()); }), "below 10, sample 1 has 10");
  write("train-labels-idx1-ubyte", big_endian({0x0801, 2}) + std::string("\x01\x09", 2));
  EXPECT_EQ(MNIST(folder.string()).all().data.shape(), (Shape{2, 1, 1, 2}));
  std::filesystem::remove_all(folder);
}

// ---- fetching -----------------------------------------------------------------------------------

TEST(TensorDataset, fetches_rows_in_the_order_asked_for) {
  const TensorDataset dataset = counting(6);
  const auto [data, target] = dataset.get_batch(std::vector<int64_t>{4, 0, 4});
  EXPECT_EQ(numbers(target), (std::vector<int64_t>{4, 0, 4}));
  EXPECT_EQ(data.shape(), (Shape{3, 2}));
  EXPECT_EQ(data.span<float>()[0], 40);
  EXPECT_EQ(data.span<float>()[3], 1);
  EXPECT_EQ(dataset.get(5).target.item<int64_t>(), 5);
  EXPECT_EQ(dataset.get(5).data.shape(), Shape{2});
}

TEST(TensorDataset, takes_tensors_of_any_strides) {
  const Tensor columns = from_vector(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3});
  const TensorDataset dataset(columns.t(), columns.t());
  EXPECT_EQ(dataset.get_batch(std::vector<int64_t>{2}).data.span<float>()[1], 5);
}

TEST(TensorDataset, refuses_what_does_not_fit) {
  expect_contains(message_of([] {
                    TensorDataset(zeros({3, 2}), zeros({4}));
                  }),
                  "got [3, 2] and [4]");
  expect_contains(message_of([] { TensorDataset(zeros({}), zeros({})); }), "first dim");
  const TensorDataset dataset = counting(3);
  expect_contains(message_of<IndexError>([&] { dataset.get(3); }), "below 3, got 3");
  expect_contains(message_of<IndexError>([&] { dataset.get(-1); }), "got -1");
  expect_contains(message_of<IndexError>([&] {
                    dataset.get_batch(std::vector<int64_t>{0, 7});
                  }),
                  "got 7");
  expect_contains(message_of([&] { dataset.get_batch({}); }), "at least one index");
}

TEST(Dataset, of_ones_own_is_stacked_split_and_loaded) {
  const auto [data, target] = Squares().all();
  EXPECT_EQ(data.shape(), (Shape{5, 2}));
  EXPECT_EQ(numbers(target), (std::vector<int64_t>{0, 1, 4, 9, 16}));
  const auto [first, second] = random_split(Squares(), {3, 2});
  EXPECT_EQ(first.size() + second.size(), 5);
  DataLoader loader(Squares(), {.batch_size = 2});
  std::vector<int64_t> sizes;
  for (auto& batch : loader) sizes.push_back(batch.data.size(0));
  EXPECT_EQ(sizes, (std::vector<int64_t>{2, 2, 1}));
}

TEST(Subset, keeps_its_data_set_alive) {
  const Subset subset = [] { return Subset(Subset(counting(5), {4, 3, 2, 1}), {3, 0}); }();
  EXPECT_EQ(numbers(subset.all().target), (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(subset.get(1).target.item<int64_t>(), 4);
  expect_contains(message_of<IndexError>([&] { subset.get(2); }), "below 2, got 2");
  expect_contains(message_of<IndexError>([] { Subset(counting(5), {0, 5}); }), "below 5, got 5");
}

// ---- splits -------------------------------------------------------------------------------------

TEST(RandomSplit, is_disjoint_complete_and_seeded) {
  const Digits digits;
  manual_seed(3);
  const auto [train, test] = random_split(digits, {0.8, 0.2});
  EXPECT_EQ(train.size(), 1438);
  EXPECT_EQ(test.size(), 359);
  std::vector<int64_t> all(train.indices().begin(), train.indices().end());
  all.insert(all.end(), test.indices().begin(), test.indices().end());
  expect_permutation(all, 1797);
  manual_seed(3);
  const auto [again, rest] = random_split(digits, {0.8, 0.2});
  EXPECT_TRUE(std::ranges::equal(again.indices(), train.indices()));
  const auto [other, others] = random_split(digits, {0.8, 0.2});
  EXPECT_FALSE(std::ranges::equal(other.indices(), train.indices()));
  const auto [own, owns] = random_split(digits, {0.8, 0.2}, {.seed = 3});
  EXPECT_TRUE(std::ranges::equal(own.indices(), train.indices()));
  const auto [a, b, c] = random_split(digits, {0.5, 0.25, 0.25});
  EXPECT_EQ(a.size() + b.size() + c.size(), 1797);
}

TEST(RandomSplit, hands_out_what_rounding_leaves) {
  EXPECT_EQ(split_lengths(10, std::vector<Scalar>{0.33, 0.33, 0.34}),
            (std::vector<int64_t>{4, 3, 3}));
  EXPECT_EQ(split_lengths(5, std::vector<Scalar>{0.5, 0.5}), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(split_lengths(4, std::vector<Scalar>{1.0, 0.0}), (std::vector<int64_t>{4, 0}));
  const Digits digits;
  const auto [train, test] = random_split(digits, {1500, digits.size() - 1500});
  EXPECT_EQ(test.size(), digits.size() - 1500);
  EXPECT_THROW(random_split(digits, {1500, 0.5}), Error);
}

TEST(RandomSplit, refuses_parts_that_do_not_sum_up) {
  const TensorDataset dataset = counting(10);
  expect_contains(message_of([&] { random_split(dataset, {0.8, 0.3}); }), "must sum to 1, got 1.1");
  expect_contains(message_of([&] {
                    random_split(dataset, {1.5, -0.5});
                  }),
                  "between 0 and 1, got 1.5");
  expect_contains(message_of([&] { random_split(dataset, {7, 2}); }), "size 10, got 9");
  expect_contains(message_of([&] { random_split(dataset, {7, 4}); }), "size 10");
  expect_contains(message_of([&] { random_split(counting(0), {0.5, 0.5}); }), "with samples");
}

// ---- loaders ------------------------------------------------------------------------------------

TEST(DataLoader, gives_batches_in_order_and_a_smaller_last_one) {
  DataLoader loader(counting(10), {.batch_size = 4});
  EXPECT_EQ(loader.size(), 3);
  std::vector<Shape> shapes;
  for (auto& [data, target] : loader) shapes.push_back(data.shape());
  EXPECT_EQ(shapes, (std::vector<Shape>{{4, 2}, {4, 2}, {2, 2}}));
  expect_permutation(targets_of_epoch(loader), 10);
  EXPECT_TRUE(std::ranges::is_sorted(targets_of_epoch(loader)));
}

TEST(DataLoader, drops_the_last_batch_if_asked) {
  DataLoader loader(counting(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(loader.size(), 2);
  EXPECT_EQ(targets_of_epoch(loader).size(), 8u);
  DataLoader larger(counting(10), {.batch_size = 16, .drop_last = true});
  EXPECT_EQ(larger.size(), 0);
  EXPECT_TRUE(targets_of_epoch(larger).empty());
}

TEST(DataLoader, shuffles_anew_each_epoch_and_gives_each_sample_once) {
  DataLoader loader(counting(53), {.batch_size = 8, .shuffle = true});
  const std::vector<int64_t> first = targets_of_epoch(loader), second = targets_of_epoch(loader);
  expect_permutation(first, 53);
  expect_permutation(second, 53);
  EXPECT_NE(first, second);
}

TEST(DataLoader, repeats_its_orders_after_the_same_seed) {
  DataLoader one(counting(20), {.shuffle = true, .seed = 5}),
      two(counting(20), {.shuffle = true, .seed = 5});
  const std::vector<int64_t> first = targets_of_epoch(one);
  EXPECT_EQ(first, targets_of_epoch(two));
  EXPECT_EQ(targets_of_epoch(one), targets_of_epoch(two));
  EXPECT_NE(first, targets_of_epoch(one));
}

// As torch 1.13.1 has it after manual_seed(0): two epochs, then a split.
TEST(DataLoader, draws_as_pytorch_does_and_so_does_the_split_after_it) {
  manual_seed(0);
  DataLoader loader(counting(20), {.shuffle = true});
  EXPECT_EQ(targets_of_epoch(loader), (std::vector<int64_t>{6, 15, 11, 13, 9,  2,  1,  17, 16, 8,
                                                            5, 12, 18, 3,  19, 10, 14, 4,  7,  0}));
  EXPECT_EQ(targets_of_epoch(loader), (std::vector<int64_t>{12, 1,  13, 14, 10, 19, 9, 18, 15, 11,
                                                            16, 17, 4,  2,  5,  0,  8, 6,  7,  3}));
  const auto [first, second] = random_split(counting(10), {7, 3});
  EXPECT_EQ(numbers(first.all().target), (std::vector<int64_t>{7, 1, 0, 3, 4, 9, 8}));
  EXPECT_EQ(numbers(second.all().target), (std::vector<int64_t>{5, 6, 2}));
}

TEST(DataLoader, hands_over_batches_that_stay_valid) {
  DataLoader loader(counting(4), {.batch_size = 2});
  std::vector<Batch> kept;
  for (auto& batch : loader) kept.push_back(batch);
  EXPECT_EQ(numbers(kept[0].target), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(numbers(kept[1].target), (std::vector<int64_t>{2, 3}));
}

TEST(DataLoader, refuses_a_batch_size_below_one_and_nothing_to_shuffle) {
  expect_contains(message_of([] { DataLoader(counting(3), {.batch_size = 0}); }),
                  "at least 1, got 0");
  expect_contains(message_of([] { DataLoader(counting(3), {.batch_size = -2}); }), "got -2");
  expect_contains(message_of([] { DataLoader(counting(0), {.shuffle = true}); }),
                  "requires samples");
  DataLoader empty(counting(0));
  EXPECT_TRUE(targets_of_epoch(empty).empty());
}
