// State: state_dict and load_state_dict, safetensors files, those of another implementation and bad
// ones.
#include "message_of.h"
#include "numbers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <reel/reel.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

using namespace reel;
using reel::tests::expect_is;
using reel::tests::message_of;
using reel::tests::numbers;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

/// A folder that is gone after the test.
class StateFile : public testing::Test {
 protected:
  StateFile() : folder(fs::temp_directory_path() / fmt::format("nn_state_test.{}", getpid())) {
    fs::create_directory(folder);
  }
  ~StateFile() override { fs::remove_all(folder); }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  const fs::path folder;
};

class CountingImpl : public nn::Module {
 public:
  Tensor forward(const Tensor& x) override { return x * weight; }
  Tensor weight = register_parameter("weight", ones({2}));
  Tensor mean = register_buffer("running_mean", zeros({2}));
  Tensor batches = register_buffer("num_batches_tracked", tensor(int64_t{0}));
  Tensor cache = register_buffer("cache", zeros({2}), {.persistent = false});
  Tensor none = register_buffer("none", Tensor());
};
using Counting = nn::Handle<CountingImpl>;

struct Net : nn::Module {
  nn::Linear fc = register_module("fc", nn::Linear(3, 2));
  nn::Sequential body =
      register_module("body", nn::Sequential(Counting(), nn::Linear(2, 1, false)));
  nn::Linear tied = register_module("tied", fc);
  Tensor scale = register_parameter("scale", ones({1}));

  Tensor forward(const Tensor& x) override { return body(fc(x)) * scale; }
};

const Names kNetKeys = {"scale",         "fc.weight",           "fc.bias",
                        "body.0.weight", "body.0.running_mean", "body.0.num_batches_tracked",
                        "body.1.weight", "tied.weight",         "tied.bias"};

/// All numbers of a state, to see whether something changed.
std::string picture(const nn::StateDict& state) {
  std::string text;
  for (const auto& [name, value] : state) text += fmt::format("{} {}\n", name, value);
  return text;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string length_of(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> 8 * i & 255);
  return bytes;
}

std::string file_of(const std::string& header, size_t data) {
  return length_of(header.size()) + header + std::string(data, '\1');
}

}  // namespace

// ---- state_dict --------------------------------------------------------------------------------------------

TEST(StateDict, has_pytorchs_names_in_its_order) {
  Net net;
  const nn::StateDict state = net.state_dict();
  EXPECT_EQ(state.keys(), kNetKeys);
  EXPECT_EQ(state.size(), kNetKeys.size());
  EXPECT_FALSE(state.at("scale").requires_grad());
  EXPECT_EQ(state.at("body.0.num_batches_tracked").dtype(), kInt64);
  EXPECT_TRUE(state.contains("tied.bias") && !state.contains("body.0.cache"));
  EXPECT_EQ(message_of([&] { state.at("gain"); }), "StateDict: there is no \"gain\"");
}

TEST(StateDict, shows_the_model_and_its_clone_does_not) {
  Net net;
  const nn::StateDict state = net.state_dict(), kept = state.clone();
  {
    NoGradGuard no_grad;
    net.scale.fill_(5);
  }
  EXPECT_EQ(state.at("scale").item<int>(), 5);
  EXPECT_EQ(kept.at("scale").item<int>(), 1);
}

TEST(StateDict, loads_into_what_handles_see) {
  manual_seed(1);
  Net net, other;
  const Tensor weight = other.fc->weight;
  const nn::IncompatibleKeys keys = other.load_state_dict(net.state_dict());
  EXPECT_TRUE(keys.missing_keys.empty() && keys.unexpected_keys.empty());
  EXPECT_TRUE(equal(weight, net.fc->weight));
  EXPECT_TRUE(weight.requires_grad() && weight.is_leaf());
  EXPECT_NE(weight.array().storage(), net.fc->weight.array().storage());
  const Tensor x = randn({4, 3});
  EXPECT_TRUE(equal(net.forward(x), other.forward(x)));
  net.load_state_dict(net.state_dict());
  EXPECT_TRUE(equal(net.forward(x), other.forward(x)));
}

TEST(StateDict, reports_everything_at_once_and_changes_nothing) {
  Net net;
  const std::string before = picture(net.state_dict());
  nn::StateDict state = {{"scale", numbers({9}, {1}).to(kFloat32)},
                         {"fc.weight", ones({2, 4})},
                         {"fc.bias", ones({2}, {.dtype = kFloat64})},
                         {"fc.gain", ones({1})},
                         {"body.0.weight", Tensor()},
                         {"body.1.weight", ones({1, 2})},
                         {"tied.weight", ones({2, 3})},
                         {"tied.bias", ones({2})},
                         {"head", ones({1})}};
  EXPECT_EQ(
      message_of([&] { net.load_state_dict(state); }),
      "Error(s) in loading state_dict for Net:\n"
      "\tMissing key(s) in state_dict: \"body.0.running_mean\", "
      "\"body.0.num_batches_tracked\".\n"
      "\tUnexpected key(s) in state_dict: \"fc.gain\", \"head\".\n"
      "\tsize mismatch for fc.weight: the shape in state_dict is [2, 4], in the current model "
      "[2, 3].\n"
      "\tdtype mismatch for fc.bias: the dtype in state_dict is float64, in the current model "
      "float32.\n"
      "\tbody.0.weight is undefined in state_dict.");
  EXPECT_NE(message_of([&] {
              net.load_state_dict(state, {.strict = false});
            }).find("Net:\n\tsize mismatch for fc.weight"),
            std::string::npos);
  EXPECT_EQ(picture(net.state_dict()), before);

  state["fc.weight"] = ones({2, 3});
  state["fc.bias"] = ones({2});
  state["body.0.weight"] = ones({2});
  const nn::IncompatibleKeys keys = net.load_state_dict(state, {.strict = false});
  EXPECT_EQ(keys.missing_keys, (Names{"body.0.running_mean", "body.0.num_batches_tracked"}));
  EXPECT_EQ(keys.unexpected_keys, (Names{"fc.gain", "head"}));
  EXPECT_EQ(net.scale.item<int>(), 9);
}

TEST(StateDict, loading_is_seen_by_a_graph_of_before) {
  Net net;
  const Tensor loss = net.forward(ones({1, 3})).sum();
  net.load_state_dict(Net().state_dict());
  EXPECT_THROW(loss.backward(), Error);
}

// ---- files -------------------------------------------------------------------------------------------------

TEST_F(StateFile, carries_a_model) {
  manual_seed(2);
  Net net, other;
  net.body[0].as<Counting>()->batches.fill_(12);
  nn::save(net, path("net.safetensors"));
  nn::load(other, path("net.safetensors"));
  EXPECT_EQ(picture(net.state_dict()), picture(other.state_dict()));
  EXPECT_EQ(other.body[0].as<Counting>()->batches.item<int>(), 12);
  const nn::Linear from(2, 2), to(2, 2);
  nn::save(from, path("linear"));
  nn::load(to, path("linear"));
  EXPECT_TRUE(equal(from->weight, to->weight));
  const nn::IncompatibleKeys keys =
      nn::load(nn::Linear(2, 2, false), path("linear"), {.strict = false});
  EXPECT_EQ(keys.unexpected_keys, Names{"bias"});
}

TEST_F(StateFile, carries_an_optimisers_state) {
  const nn::Linear linear(2, 2);
  optim::Adam optimizer(linear->parameters(), {.lr = 0.1}), other(linear->parameters());
  linear(ones({1, 2})).sum().backward();
  optimizer.step();
  nn::save(optimizer.state_dict(), path("adam"));
  other.load_state_dict(nn::load_state(path("adam")));
  EXPECT_EQ(other.lr(), 0.1);
  EXPECT_EQ(picture(other.state_dict()), picture(optimizer.state_dict()));
}

TEST_F(StateFile, keeps_numbers_of_views_and_every_bit) {
  const Tensor matrix = arange(6).reshape({2, 3});
  const Tensor bits = numbers({0.1, -0.0, 5e-324, INFINITY, NAN}, {5});
  nn::save({{"t", matrix.t()}, {"bits", bits}, {"same", matrix}}, path("views"));
  const nn::StateDict state = nn::load_state(path("views"));
  EXPECT_EQ(state.keys(), (Names{"same", "t", "bits"}));
  expect_is(state.at("t"), {0, 3, 1, 4, 2, 5}, {3, 2});
  EXPECT_EQ(std::memcmp(state.at("bits").data<double>(), bits.data<double>(), 40), 0);
}

TEST_F(StateFile, is_written_whole_or_not_at_all) {
  nn::save({{"x", ones({2})}}, path("file"));
  const std::string before = bytes_of(path("file"));
  const struct {
    nn::StateDict state;
    std::string path, says;
  } rows[] = {
      {{{"x", Tensor()}}, path("file"), "\"x\" is undefined"},
      {{{"__metadata__", ones({1})}}, path("file"), "cannot be named __metadata__"},
      {{{"\xff", ones({1})}}, path("file"), "a tensor's name is not UTF-8"},
      {{{"x", ones({1})}}, path("none/file"), "No such file or directory"},
      {{{"x", ones({1})}}, folder.string(), "cannot be written"},
  };
  for (const auto& row : rows) {
    const std::string message = message_of([&] { nn::save(row.state, row.path); });
    EXPECT_NE(message.find(row.says), std::string::npos) << message;
    EXPECT_EQ(message.find("save: " + row.path), 0u) << message;
    EXPECT_EQ(bytes_of(path("file")), before);
  }
  nn::save({{"x", zeros({2})}}, path("file"));
  EXPECT_NE(bytes_of(path("file")), before);
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) files += entry.is_regular_file();
  EXPECT_EQ(files, 1u) << "temporary files are left";
}

// What tests/data/make_safetensors.py, which shares no code with reel, wrote.
TEST(OtherFiles, are_read) {
  const std::string folder = REEL_TEST_DATA_DIR "/safetensors/";
  const nn::StateDict all = nn::load_state(folder + "all.safetensors");
  EXPECT_EQ(all.size(), 8u);
  expect_is(all.at("fc.weight"), {0.5, -1.25, 3.0, 1e-30f, 65504.0, -0.0}, {2, 3});
  expect_is(all.at("fc.bias"), {1, -2}, {2});
  expect_is(all.at("double"), {0.1, -1e300, 5e-324}, {3});
  EXPECT_EQ(all.at("num_batches_tracked").item<int64_t>(), (int64_t{1} << 62) + 1);
  expect_is(all.at("ids"), {1, -2, 2147483647.0, -2147483648.0}, {2, 2});
  expect_is(all.at("bytes"), {0, 128, 255}, {3});
  expect_is(all.at("mask"), {1, 0, 1, 1, 0}, {5});
  EXPECT_EQ(all.at("nothing").shape(), (Shape{0, 4}));
  const Dtype dtypes[] = {kFloat32, kFloat64, kInt64, kInt32, kUInt8, kBool};
  const char* of[] = {"fc.weight", "double", "num_batches_tracked", "ids", "bytes", "mask"};
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(all.at(of[i]).dtype(), dtypes[i]) << of[i];
  EXPECT_TRUE(std::signbit(all.at("fc.weight")[1][2].item<float>()));

  const nn::StateDict halves = nn::load_state(folder + "halves.safetensors");
  expect_is(halves.at("half"), {1, -2.5, 65504, 0x1p-24, -0x1p-14, 1023 * 0x1p-24, -INFINITY, -0.0},
            {2, 4});
  EXPECT_TRUE(std::signbit(halves.at("half")[1][3].item<float>()));
  expect_is(halves.at("brain"), {1, -3.140625, 0x1p127, 0x1p-133, INFINITY}, {5});
  EXPECT_EQ(halves.at("half").dtype(), kFloat32);
  EXPECT_TRUE(nn::load_state(folder + "empty.safetensors").empty());
}

TEST_F(StateFile, is_read_by_python) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "there is no python3";
  nn::StateDict state = nn::load_state(REEL_TEST_DATA_DIR "/safetensors/all.safetensors");
  nn::save(state, path("all"));
  const std::string check = "python3 " REEL_TEST_DATA_DIR "/make_safetensors.py --check ";
  EXPECT_EQ(std::system((check + path("all")).c_str()), 0);
  state["fc.bias"] = state["fc.bias"] + 1;
  nn::save(state, path("wrong"));
  EXPECT_NE(std::system((check + path("wrong") + " 2>/dev/null").c_str()), 0);
}

TEST_F(StateFile, with_any_bytes_changed_never_changes_a_model_halfway) {
  manual_seed(0);
  const std::string where = path("changed");
  const nn::Sequential model(nn::Linear(3, 2), nn::BatchNorm1d(2));
  nn::save(*model, where);
  std::ifstream file(where, std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(file), {});
  const nn::StateDict before = model->state_dict().clone();
  const std::string_view telling("{}[]\",:-90\\e.\0\xff", 16);
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (unsigned change = random() % 4 + 1; change > 0; --change) {
      const size_t at =
          random() % (random() % 4 > 0 ? std::min<size_t>(400, bytes.size()) : bytes.size());
      const char byte = telling[random() % telling.size()];
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = byte;
          break;
        case 2:
          bytes.erase(at, random() % 5 + 1);
          break;
        case 3:
          bytes.insert(at, random() % 3 + 1, byte);
          break;
      }
    }
    std::ofstream(where, std::ios::binary | std::ios::trunc) << bytes;
    try {
      nn::load(*model, where);
      model->load_state_dict(before);
    } catch (const Error&) {
      ++refused;
      for (const auto& [name, value] : model->state_dict())
        ASSERT_TRUE(equal(value, before.at(name))) << "round " << round;
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST_F(StateFile, that_is_bad_is_refused) {
  const auto entry = [](const std::string& dtype, const std::string& shape,
                        const std::string& range) {
    return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + range + "}";
  };
  const std::string x = R"({"x":)" + entry("F32", "[2]", "[0,8]"), good = x + "}";
  const auto with = [&](const std::string& more) { return x + ",\"y\":" + more + "}"; };
  const auto only = [](const std::string& text) { return R"({"x":)" + text + "}"; };
  const auto f32 = [&](const std::string& shape, const std::string& range) {
    return only(entry("F32", shape, range));
  };
  const struct {
    std::string bytes, says;
  } rows[] = {
      // ---- lengths ----
      {"", "it has 0 bytes, too few for a header"},
      {"\1\2\3", "it has 3 bytes, too few for a header"},
      {length_of(good.size()) + good.substr(0, 20), "is truncated: the file has 28"},
      {length_of(100'000'001) + good, "its header of 100000001 bytes is over the limit"},
      {length_of(~uint64_t{0}) + good, "over the limit of 100000000"},
      {file_of(good, 7), "\"x\" ends at byte 8 of 7: the data is truncated"},
      {file_of(good, 9), "1 of its 9 bytes of data belong to no tensor"},
      {file_of(good, 0), "the data is truncated"},
      {file_of("{}", 4), "4 of its 4 bytes of data belong to no tensor"},
      // ---- JSON ----
      {file_of(x, 8), "its header is not JSON"},
      {file_of("[]", 0), "its header does not begin with {"},
      {file_of(" " + good, 8), "its header does not begin with {"},
      {file_of(good + "x", 8), "its header is not JSON"},
      {file_of("{\"\xff\":1}", 0), "its header is not JSON"},
      {file_of("{\"x\":" + std::string(100000, '['), 0), "nested too deeply"},
      {file_of(x + ",\"x\":" + entry("F32", "[2]", "[8,16]") + "}", 16), "has \"x\" twice"},
      {file_of(only(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), 8),
       "has \"dtype\" twice"},
      {file_of(R"({"__metadata__":{"epoch":3}})", 0), "__metadata__ must hold texts only"},
      {file_of(R"({"__metadata__":"text"})", 0), "__metadata__ must hold texts only"},
      // ---- entries ----
      {file_of(only("3"), 0), "\"x\" has no dtype"},
      {file_of(only(R"({"shape":[2],"data_offsets":[0,8]})"), 8), "\"x\" has no dtype"},
      {file_of(only(R"({"dtype":"F32","data_offsets":[0,8]})"), 8), "\"x\" has no list shape"},
      {file_of(only(R"({"dtype":"F32","shape":[2]})"), 8), "\"x\" has no list data_offsets"},
      {file_of(only(entry("C64", "[1]", "[0,8]")), 8), "the dtype C64 of \"x\" is none"},
      {file_of(only(entry("f32", "[2]", "[0,8]")), 8), "the dtype f32 of \"x\" is none"},
      {file_of(f32("[-2]", "[0,8]"), 8), "shape of \"x\" must hold whole numbers"},
      {file_of(f32("[2.0]", "[0,8]"), 8), "not negative, got 2.0"},
      {file_of(f32("[\"2\"]", "[0,8]"), 8), "not negative, got \"2\""},
      {file_of(f32("[18446744073709551615]", "[0,8]"), 8), "must hold whole numbers"},
      {file_of(f32("[2]", "[0]"), 8), "must be a begin and an end"},
      {file_of(f32("[2]", "[0,8,8]"), 8), "must be a begin and an end"},
      {file_of(f32("[2]", "[8,0]"), 8), "must be a begin and an end"},
      // ---- sizes ----
      {file_of(f32("[3]", "[0,8]"), 8), "\"x\" needs 12 bytes, its range has 8"},
      {file_of(f32("[]", "[0,8]"), 8), "\"x\" needs 4 bytes, its range has 8"},
      {file_of(f32("[0]", "[0,8]"), 8), "\"x\" needs 0 bytes, its range has 8"},
      {file_of(f32("[4294967296,4294967296]", "[0,0]"), 0), "the shape of \"x\" is too large"},
      {file_of(f32("[0,4294967296,4294967296]", "[0,0]"), 0), "the shape of \"x\" is too large"},
      {file_of(f32("[4611686018427387905]", "[0,4]"), 4), "the shape of \"x\" is too large"},
      {file_of(f32(
                   "[1" +
                       [] {
                         std::string ones;
                         for (int i = 0; i < 32; ++i) ones += ",1";
                         return ones;
                       }() +
                       "]",
                   "[0,4]"),
               4),
       "\"x\" has 33 dims, more than 32"},
      {file_of(f32("[1000000000000]", "[0,4000000000000]"), 8), "the data is truncated"},
      // ---- ranges ----
      {file_of(with(entry("F32", "[2]", "[4,12]")), 12), "\"y\" overlaps the tensor before it"},
      {file_of(with(entry("F32", "[2]", "[0,8]")), 8), "overlaps the tensor before it"},
      {file_of(with(entry("F32", "[1]", "[12,16]")), 16), "there is a gap before \"y\""},
      {file_of(f32("[2]", "[4,12]"), 12), "there is a gap before \"x\""},
      {file_of(f32("[2]", "[9223372036854775800,9223372036854775807]"), 8), "its range has 7"},
  };
  struct Model : nn::Module {
    Tensor x = register_parameter("x", zeros({2}));
  } model;
  for (const auto& row : rows) {
    write_bytes(path("bad"), row.bytes);
    const std::string message = message_of([&] { nn::load(model, path("bad")); });
    EXPECT_NE(message.find(row.says), std::string::npos) << message << "\nnot: " << row.says;
    EXPECT_EQ(message.find("load: " + path("bad") + " is no valid safetensors file: "), 0u)
        << message;
    expect_is(model.x, {0, 0}, {2});
  }
  EXPECT_NE(message_of([&] { nn::load_state(path("none")); }).find("it cannot be read"),
            std::string::npos);
  EXPECT_NE(message_of([&] { nn::load_state(folder.string()); }).find("it cannot be read"),
            std::string::npos);
  write_bytes(path("good"), file_of(good + "   ", 8));
  nn::load(model, path("good"));
  EXPECT_NE(model.x[0].item<float>(), 0);
  write_bytes(path("other"), file_of(only(entry("I32", "[2]", "[0,8]")), 8));
  EXPECT_NE(message_of([&] { nn::load(model, path("other")); }).find("dtype mismatch for x"),
            std::string::npos);
}
