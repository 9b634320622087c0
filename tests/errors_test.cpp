// Bad input, a row each: the call and what its message must contain. Afterwards everything is as
// before.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

using namespace reel;

namespace {

struct Row {
  const char* name;
  std::function<void()> call;
  std::vector<const char*> texts;
};

Tensor doubles(const Shape& shape) { return full(shape, 0.5, {.dtype = kFloat64}); }
Tensor integers(std::initializer_list<int64_t> values) {
  return from_vector(std::vector<int64_t>(values), {static_cast<int64_t>(values.size())});
}
Tensor variable(const Shape& shape) { return doubles(shape).requires_grad_(); }

// Reads these bytes as an IDX file.
void read_bytes(std::initializer_list<int> bytes) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("reel_errors_" + std::to_string(::getpid())))
          .string();
  {
    std::ofstream file(path, std::ios::binary);
    for (int byte : bytes) file.put(static_cast<char>(byte));
  }
  struct Remove {
    const std::string& path;
    ~Remove() { std::filesystem::remove(path); }
  } remove{path};
  datasets::read_idx(path);
}

// clang-format off
std::vector<Row> rows() {
  return {
      // shapes
      {"add_shapes", [] { doubles({2, 3}) + doubles({2, 4}); }, {"add", "[2, 3]", "[2, 4]"}},
      {"where_shapes", [] { where(ones({2}) > 0, doubles({3}), doubles({3})); }, {"where", "[2]", "[3]"}},
      {"matmul_inner", [] { matmul(doubles({2, 3}), doubles({4, 5})); }, {"matmul", "[2, 3]", "[4, 5]"}},
      {"matmul_batch", [] { matmul(doubles({2, 2, 3}), doubles({3, 3, 2})); }, {"matmul", "[2]", "[3]"}},
      {"matmul_scalar", [] { matmul(doubles({}), doubles({3})); }, {"matmul", "[]"}},
      {"linear_shapes", [] { linear(doubles({2, 3}), doubles({4, 5})); }, {"linear", "[2, 3]", "[4, 5]"}},
      {"reshape_count", [] { doubles({2, 3}).reshape({4}); }, {"reshape", "[4]", "6"}},
      {"reshape_two_unknown", [] { doubles({2, 3}).reshape({-1, -1}); }, {"reshape", "-1"}},
      {"view_strides", [] { doubles({2, 3}).t().view({6}); }, {"view", "strides", "reshape"}},
      {"expand_size", [] { doubles({2, 3}).expand({4, 3}); }, {"expand", "[2, 3]", "[4, 3]"}},
      {"cat_sizes", [] { cat({doubles({2, 3}), doubles({3, 3})}, 1); }, {"cat", "[2, 3]", "[3, 3]"}},
      {"cat_nothing", [] { cat(std::initializer_list<Tensor>{}); }, {"cat", "at least one"}},
      {"stack_shapes", [] { stack({doubles({2}), doubles({3})}); }, {"stack", "[2]", "[3]"}},
      {"negative_size", [] { zeros({2, -3}); }, {"zeros", "[2, -3]"}},
      {"huge_size", [] { zeros({int64_t{1} << 40, int64_t{1} << 40}); }, {"zeros", "too many"}},
      {"product_overflows", [] { const Tensor x = doubles({}); x.expand({int64_t{1} << 32, 1}) * x.expand({1, int64_t{1} << 32}); }, {"too many elements"}},
      {"too_much_memory", [] { zeros({int64_t{1} << 46}); }, {"cannot allocate", "bytes"}},
      {"ragged_list", [] { tensor({{1, 2}, {3}}); }, {"tensor"}},
      {"t_of_three_dims", [] { doubles({2, 3, 4}).t(); }, {"t:", "[2, 3, 4]"}},
      {"permute_count", [] { doubles({2, 3}).permute({0}); }, {"permute", "2"}},
      {"permute_twice", [] { doubles({2, 3}).permute({0, 0}); }, {"permute", "twice"}},
      // dims and indices
      {"sum_dim", [] { doubles({2, 3}).sum(2); }, {"sum", "2"}},
      {"sum_dim_twice", [] { doubles({2, 3}).sum({0, -2}); }, {"sum", "twice"}},
      {"softmax_dim", [] { softmax(doubles({2, 3}), 5); }, {"softmax", "5"}},
      {"transpose_dim", [] { doubles({2, 3}).transpose(0, 2); }, {"transpose", "2"}},
      {"select_index", [] { doubles({2, 3})[2]; }, {"select", "2", "size 2"}},
      {"select_scalar", [] { doubles({}).select(0, 0); }, {"select", "0-d"}},
      {"narrow_range", [] { doubles({5}).narrow(0, 3, 4); }, {"narrow", "3", "4", "5"}},
      {"slice_step", [] { doubles({5}).slice(0, 0, 5, 0); }, {"slice", "step", "0"}},
      {"index_select_range", [] { index_select(doubles({2, 3}), 1, integers({0, 3})); }, {"index_select", "3", "size 3"}},
      {"gather_range", [] { gather(doubles({3}), 0, integers({-1})); }, {"gather", "-1"}},
      {"index_too_many", [] { doubles({3}).index({0, 0}); }, {"index"}},
      {"size_dim", [] { doubles({2}).size(1); }, {"size", "1"}},
      // dtypes
      {"integers_require_grad", [] { integers({1}).requires_grad_(); }, {"only floating tensors can require grad", "int64"}},
      {"option_requires_grad", [] { zeros({2}, {.dtype = kInt64, .requires_grad = true}); }, {"require grad", "int64"}},
      {"mean_of_integers", [] { integers({1, 2}).mean(); }, {"mean", "int64"}},
      {"neg_of_bool", [] { -(ones({2}) > 0); }, {"neg", "bool"}},
      {"data_type", [] { doubles({2}).data<float>(); }, {"data", "float32", "float64"}},
      {"where_condition", [] { where(doubles({2}), doubles({2}), doubles({2})); }, {"where", "bool", "float64"}},
      {"gather_index_type", [] { gather(doubles({3}), 0, doubles({1})); }, {"gather", "float64"}},
      {"div_in_place_integers", [] { Tensor x = integers({4}); x /= integers({2}); }, {"div_", "int64"}},
      {"add_in_place_floats", [] { Tensor x = integers({4}); x += doubles({1}); }, {"add_", "float64", "int64"}},
      {"negative_power_of_integers", [] { integers({4}).pow(-1); }, {"pow", "-1"}},
      {"allclose_types", [] { allclose(doubles({1}), ones({1})); }, {"allclose", "float64", "float32"}},
      {"clamp_nothing", [] { clamp(doubles({1}), {}); }, {"clamp", "min"}},
      // values
      {"item_of_many", [] { doubles({2}).item<double>(); }, {"item", "[2]"}},
      {"truth_of_many", [] { (void)static_cast<bool>(doubles({2})); }, {"ambiguous", "[2]"}},
      {"span_of_strided", [] { doubles({2, 3}).t().span<double>(); }, {"span", "row-major"}},
      {"max_of_nothing", [] { doubles({0}).max(); }, {"max", "[0]"}},
      {"undefined", [] { Tensor() + doubles({1}); }, {"undefined"}},
      // gradients
      {"backward_of_many", [] { (variable({3}) * 2).backward(); }, {"backward", "scalar outputs", "[3]"}},
      {"backward_shape", [] { (variable({3}) * 2).backward(doubles({2})); }, {"backward", "[3]", "[2]"}},
      {"backward_without_grad", [] { doubles({1}).backward(); }, {"backward", "require grad"}},
      {"grad_of_constant", [] { autograd::grad(variable({1}) * 2, {doubles({1})}); }, {"grad", "require grad"}},
      {"leaf_in_place", [] { Tensor x = variable({1}); x += 1; }, {"add_", "leaf"}},
      {"leaf_filled", [] { Tensor x = variable({1}); x.zero_(); }, {"fill_", "leaf"}},
      {"kept_value_changed", [] { Tensor y = variable({1}) * 1; Tensor z = y * y; y.fill_(2); z.backward(); }, {"mul", "inplace", "version 1", "version 0"}},
      {"backward_twice", [] { Tensor x = variable({1}); Tensor y = x * x; y.backward(); y.backward(); }, {"mul", "second time", "retain_graph"}},
      {"view_of_leaf_in_place", [] { Tensor x = variable({2}); x[0].fill_(1); }, {"fill_", "view of a leaf"}},
      {"hook_without_grad", [] { doubles({1}).register_hook([](const Tensor&) {}); }, {"register_hook", "require grad"}},
      {"retain_without_grad", [] { doubles({1}).retain_grad(); }, {"retain_grad", "require grad"}},
      {"recorded_stops_requiring", [] { (variable({1}) * 2).requires_grad_(false); }, {"requires_grad_", "detach"}},
      {"hessian_of_many", [] { autograd::hessian([](const Tensor& x) { return x * x; }, doubles({2})); }, {"hessian", "[2]"}},
      {"in_place_shape", [] { Tensor x = doubles({3}); x += doubles({2, 3}); }, {"add_", "[2, 3]", "[3]"}},
      // losses
      {"target_range", [] { cross_entropy(doubles({2, 3}), integers({0, 3})); }, {"cross_entropy", "3"}},
      {"target_count", [] { nll_loss(doubles({2, 3}), integers({0})); }, {"nll_loss", "[2, 3]", "[1]"}},
      {"loss_shapes", [] { mse_loss(doubles({2}), doubles({3})); }, {"[2]", "[3]"}},
      // models, optimisers, data
      {"linear_features", [] { nn::Linear(0, 3); }, {"Linear", "0"}},
      {"negative_lr", [] { optim::SGD({variable({1})}, {.lr = -1}); }, {"SGD", "-1"}},
      {"no_parameters", [] { optim::SGD(std::vector<Tensor>{}, {.lr = 1}); }, {"empty"}},
      {"parameter_twice", [] { Tensor x = variable({1}); optim::SGD({x, x}, {.lr = 1}); }, {"twice"}},
      {"missing_file", [] { datasets::read_idx("/nonexistent/images"); }, {"/nonexistent/images"}},
      {"truncated_header", [] { read_bytes({0, 0, 8, 1, 0, 0}); }, {"read_idx", "truncated", "4 bytes", "2 came"}},
      {"truncated_data", [] { read_bytes({0, 0, 8, 1, 0, 0, 0, 5, 1, 2}); }, {"read_idx", "5", "2"}},
      {"wrong_magic", [] { read_bytes({1, 2, 8, 1, 0, 0, 0, 1, 7}); }, {"read_idx", "magic"}},
      {"idx_of_floats", [] { read_bytes({0, 0, 13, 1, 0, 0, 0, 1, 7}); }, {"read_idx", "magic"}},
      {"sizes_overflow", [] { read_bytes({0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}); }, {"read_idx", "4294967295"}},
      {"dataset_requires_grad", [] { datasets::TensorDataset(variable({2}), doubles({2})); }, {"TensorDataset", "require grad"}},
      {"batch_size", [] { datasets::DataLoader(datasets::Digits(), {.batch_size = 0}); }, {"batch_size", "0"}},
      {"threads", [] { set_num_threads(0); }, {"0"}},
  };
}

// clang-format on

class Errors : public ::testing::TestWithParam<Row> {};

}  // namespace

TEST_P(Errors, name_the_operation_what_is_required_and_what_came) {
  const memory::Stats before = memory::stats();
  std::string text;
  try {
    GetParam().call();
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    text = e.what();
  }
  for (const char* part : GetParam().texts)
    EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
  EXPECT_EQ(memory::stats().live_tensors, before.live_tensors);
  EXPECT_EQ(memory::stats().live_storages, before.live_storages);
  EXPECT_EQ(memory::stats().live_nodes, before.live_nodes);
}

INSTANTIATE_TEST_SUITE_P(Table, Errors, ::testing::ValuesIn(rows()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Errors, an_operation_in_place_that_fails_changes_nothing) {
  Tensor x = doubles({3});
  EXPECT_THROW(x += doubles({2}), Error);
  EXPECT_TRUE(equal(x, doubles({3})));
  EXPECT_EQ(x.version(), 0);
}
