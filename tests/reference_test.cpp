// Values and gradients of every operation, compared with those that PyTorch computed. The cases lie
// in data/reference, or where the environment variable REEL_REFERENCE_DIR says. A family is served
// whole or not at all: an operation of a served family that is unknown here fails.
#include "reference/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

namespace reel::testing {
namespace {

using nlohmann::json;

struct Case {
  std::string family;
  const Family* serves;
  const json* record;  // name, op, args, inputs, outputs, grad_outputs, grads
  Dtype dtype;         // of the floating tensors
  bool through_module = false;
};

const std::map<std::string, Family>& families() {
  static const std::map<std::string, Family> served = {
      // A line a family, as it is served.
      {"activation", activation_family()},
      {"attention", attention_family()},
      {"pool", pool_family()},
      {"shape", shape_family()},
      {"index", index_family()},
      {"reduce", reduce_family()},
      {"loss", loss_family()},
      {"norm", norm_family()},
      {"linalg", linalg_family()},
      {"binary", binary_family()},
      {"elementwise", elementwise_family()},
      {"conv", conv_family()},
      {"rnn", rnn_family()},
  };
  return served;
}

std::filesystem::path folder() {
  const char* chosen = std::getenv("REEL_REFERENCE_DIR");
  return chosen && *chosen ? chosen : REEL_TEST_DATA_DIR "/reference";
}

const std::map<std::string, json>& files() {
  static const std::map<std::string, json> read = [] {
    std::map<std::string, json> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
      if (entry.path().extension() != ".json") continue;
      std::ifstream file(entry.path());
      result[entry.path().stem()] = json::parse(file);
    }
    return result;
  }();
  return read;
}

double number(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (!value.is_string()) return value.get<double>();
  const std::string text = value.get<std::string>();
  const double infinity = std::numeric_limits<double>::infinity();
  return text == "nan" ? std::nan("") : text == "inf" ? infinity : -infinity;
}

// A number that float32 turns into an infinity, or into none of its own digits, tests something
// else there.
bool fits_float32(const json& tensor) {
  if (tensor.is_null() || tensor.at("dtype") != "float64") return true;
  for (const json& value : tensor.at("data")) {
    const double v = std::fabs(number(value));
    if (std::isfinite(v) && (v > std::numeric_limits<float>::max() ||
                             (v != 0 && v < std::numeric_limits<float>::min()))) {
      return false;
    }
  }
  return true;
}

// What is said of a case, or else of its operation.
template <class T>
const T* said(const std::map<std::string, T>& about, const json& record) {
  for (const char* key : {"name", "op"}) {
    if (const auto found = about.find(record.at(key)); found != about.end()) return &found->second;
  }
  return nullptr;
}

// Whether a run in float32 tests the same thing.
bool served_by_float32(const Family& family, const json& record) {
  if (said(family.double_only, record)) return false;
  for (const char* part : {"inputs", "outputs", "grad_outputs", "grads"}) {
    for (const json& tensor : record.at(part)) {
      if (!fits_float32(tensor)) return false;
    }
  }
  return true;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const auto& [name, content] : files()) {
    const auto family = families().find(name);
    if (family == families().end()) continue;
    for (const json& record : content.at("cases")) {
      for (const bool through_module : {false, true}) {
        if (through_module && !family->second.modules.count(record.at("op"))) continue;
        list.push_back({name, &family->second, &record, kFloat64, through_module});
        if (served_by_float32(family->second, record))
          list.push_back({name, &family->second, &record, kFloat32, through_module});
      }
    }
  }
  return list;
}

std::string name_of_case(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.family + "_" + info.param.record->at("name").get<std::string>();
  for (char& c : name) {
    if (!std::isalnum(c)) c = '_';
  }
  return fmt::format("{}_{}{}_{}", name, info.param.dtype,
                     info.param.through_module ? "_module" : "", info.index);
}

Shape shape_of(const json& tensor) {
  Shape shape;
  for (const json& size : tensor.at("shape")) shape.push_back(size.get<int64_t>());
  return shape;
}

// In its own dtype; floating ones in float64.
Tensor read(const json& tensor) {
  const std::string dtype = tensor.at("dtype");
  if (dtype == "int64")
    return from_vector(tensor.at("data").get<std::vector<int64_t>>(), shape_of(tensor));
  std::vector<double> values;
  for (const json& value : tensor.at("data")) values.push_back(number(value));
  const Tensor x = from_vector(values, shape_of(tensor));
  return dtype == "bool" ? x.to(kBool) : x;
}

Tensor convert(const Tensor& x, Dtype dtype) { return x.is_floating_point() ? x.to(dtype) : x; }

// The view of a recorded tensor that the operation sees.
Tensor seen(Tensor x, const json& steps) {
  if (steps.is_null()) return x;
  for (const json& step : steps) {
    const Args args(step);
    const std::string op = args.text("op");
    if (op == "transpose") {
      x = x.transpose(args.dim("dim0"), args.dim("dim1"));
    } else if (op == "permute") {
      x = x.permute(args.dims("dims"));
    } else if (op == "slice") {
      x = x.slice(args.dim(), args.maybe<int64_t>("start"), args.maybe<int64_t>("end"),
                  args.integer("step", 1));
    } else if (op == "expand") {
      x = x.expand(args.shape("size"));
    } else if (op == "select") {
      x = x.select(args.dim(), args.integer("index"));
    } else {
      fail("reference: unknown step {} of a view", op);
    }
  }
  return x;
}

class Reference : public ::testing::TestWithParam<Case> {
 protected:
  const json& record() const { return *GetParam().record; }
  const json* args() const {
    static const json none = json::object();
    return record().contains("args") ? &record().at("args") : &none;
  }
  std::string op() const { return record().at("op"); }

  void expect_close(const Tensor& got, const json& wanted, const std::string& what) const {
    const Tensor expected = read(wanted);
    ASSERT_EQ(got.shape(), expected.shape()) << what;
    ASSERT_EQ(got.dtype(), convert(expected, GetParam().dtype).dtype()) << what;
    const Tensor values = got.detach().to(kFloat64).contiguous(), numbers = expected.to(kFloat64);
    for (int64_t i = 0; i < values.numel(); ++i) {
      const double a = values.data<double>()[i], b = numbers.data<double>()[i];
      if (a == b || (std::isnan(a) && std::isnan(b))) continue;
      ASSERT_LE(std::fabs(a - b), bound_at(b))
          << what << ", element " << i << ": got " << a << ", PyTorch has " << b;
    }
  }

  // Relative; a number near zero is compared by the size of what it was computed from, 1e-3 or,
  // with the few digits of float32, 0.1.
  double bound_at(double expected) const {
    const Bounds* special = said(GetParam().serves->bounds, record());
    const Bounds bounds = special ? *special : Bounds{};
    if (GetParam().dtype == kFloat64) return bounds.float64 * std::max(std::fabs(expected), 1e-3);
    return bounds.float32 * std::max(std::fabs(expected), 0.1);
  }
};

}  // namespace

TEST_P(Reference, values_and_gradients_are_those_of_pytorch) {
  const Family& family = *GetParam().serves;
  const auto& calls = GetParam().through_module ? family.modules : family.calls;
  const auto call = calls.find(op());
  ASSERT_NE(call, calls.end()) << "unknown operation " << op();
  const json& views = args()->contains("input_views") ? args()->at("input_views") : json();
  Tensors leaves, inputs;
  for (size_t i = 0; i < record().at("inputs").size(); ++i) {
    Tensor leaf = convert(read(record().at("inputs")[i]), GetParam().dtype);
    if (i < record().at("grads").size() && !record().at("grads")[i].is_null())
      leaf.requires_grad_();
    leaves.push_back(leaf);
    inputs.push_back(views.is_null() ? leaf : seen(leaf, views[i]));
  }
  const Tensors outputs = call->second(inputs, Args(*args()));
  if (GetParam().through_module && outputs.empty()) GTEST_SKIP() << "no module has this form";
  const json& wanted = record().at("outputs");
  ASSERT_GE(outputs.size(), wanted.size());
  Tensors given, starts;
  for (size_t i = 0; i < wanted.size(); ++i) {
    expect_close(outputs[i], wanted[i], fmt::format("output {}", i));
    if (HasFatalFailure()) return;
    const json& start = record().at("grad_outputs")[i];
    if (start.is_null() || !outputs[i].requires_grad()) continue;
    given.push_back(outputs[i]);
    starts.push_back(convert(read(start), GetParam().dtype));
  }
  if (!given.empty()) backward(given, starts);
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!leaves[i].requires_grad()) continue;
    const Tensor& grad = leaves[i].grad();
    expect_close(grad.defined() ? grad : zeros_like(leaves[i].detach()), record().at("grads")[i],
                 fmt::format("the gradient of input {}", i));
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Reference);
INSTANTIATE_TEST_SUITE_P(Cases, Reference, ::testing::ValuesIn(cases()), name_of_case);

// Families that other tests compare, in steps that one operation cannot show.
const std::map<std::string, std::string> kElsewhere = {
    {"random", "random_test"}, {"optim", "optim_test"}, {"schedule", "schedule_test"}};

TEST(ReferenceFamilies, are_all_there_and_those_not_served_are_named) {
  for (const auto& [name, family] : families())
    EXPECT_TRUE(files().count(name)) << "no cases of " << name << " in " << folder();
  for (const auto& [name, content] : files()) {
    if (families().count(name)) continue;
    const auto elsewhere = kElsewhere.find(name);
    fmt::print("family {}: {}\n", name,
               elsewhere == kElsewhere.end() ? "not served yet" : "in " + elsewhere->second);
  }
}

}  // namespace reel::testing
