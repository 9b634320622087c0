// Bad input, a row each: the call and what its message must contain. Afterwards everything is as
// before.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <unistd.h>

#include <cmath>
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
      // reductions and scans
      {"prod_dim", [] { prod(doubles({2, 3}), 2); }, {"prod", "2"}},
      {"var_dim", [] { var(doubles({2, 3}), -3); }, {"var", "-3"}},
      {"var_dtype", [] { var(integers({1, 2})); }, {"var", "floating", "int64"}},
      {"std_dtype", [] { reel::std(integers({1, 2})); }, {"std", "floating", "int64"}},
      {"var_mean_dtype", [] { var_mean(integers({1, 2})); }, {"var_mean", "floating", "int64"}},
      {"std_mean_dims", [] { std_mean(doubles({2, 3}), {1, 1}); }, {"std_mean", "twice"}},
      {"nanmean_dtype", [] { nanmean(integers({1, 2})); }, {"nanmean", "floating", "int64"}},
      {"nansum_dim", [] { nansum(doubles({2, 3}), 2); }, {"sum", "2"}},
      {"logsumexp_dim", [] { logsumexp(doubles({2, 3}), 2); }, {"logsumexp", "2"}},
      {"norm_dtype", [] { norm(integers({1, 2})); }, {"norm", "floating", "int64"}},
      {"norm_dim", [] { norm(doubles({2, 3}), 2, 5); }, {"norm", "5"}},
      {"norm_nan", [] { norm(doubles({2}), NAN); }, {"norm", "p", "nan"}},
      {"norm_of_nothing", [] { norm(doubles({0, 2}), INFINITY, 0); }, {"norm", "at least one", "inf", "[0, 2]"}},
      {"aminmax_of_nothing", [] { aminmax(doubles({2, 0}), 1); }, {"aminmax", "at least one", "[2, 0]"}},
      {"argmin_dim", [] { argmin(doubles({2}), 1); }, {"argmin", "1"}},
      {"median_dim", [] { median(doubles({2}), 1); }, {"median", "1"}},
      {"median_dtype", [] { median(doubles({2}) > 0); }, {"median", "numeric", "bool"}},
      {"median_of_nothing", [] { median(doubles({2, 0}), 1); }, {"median", "at least one", "[2, 0]"}},
      {"median_of_no_integers", [] { median(integers({})); }, {"median", "at least one", "[0]"}},
      {"nanmedian_dtype", [] { nanmedian(doubles({2}) > 0, 0); }, {"nanmedian", "numeric", "bool"}},
      {"mode_dim", [] { mode(doubles({2, 3}), 2); }, {"mode", "2"}},
      {"mode_of_nothing", [] { mode(doubles({0})); }, {"mode", "at least one", "[0]"}},
      {"all_dim", [] { all(doubles({2}), 1); }, {"all", "1"}},
      {"any_dim", [] { any(doubles({2}), 1); }, {"any", "1"}},
      {"count_nonzero_dim", [] { count_nonzero(doubles({2}), 1); }, {"count_nonzero", "1"}},
      {"cumsum_dim", [] { cumsum(doubles({2, 3}), 2); }, {"cumsum", "2"}},
      {"cumprod_dim", [] { cumprod(doubles({2, 3}), -3); }, {"cumprod", "-3"}},
      {"logcumsumexp_dtype", [] { logcumsumexp(integers({1, 2}), 0); }, {"logcumsumexp", "floating", "int64"}},
      {"cummax_dim", [] { cummax(doubles({2, 3}), 2); }, {"cummax", "2"}},
      {"cummin_dim", [] { cummin(doubles({2, 3}), 2); }, {"cummin", "2"}},
      {"cumsum_leaf", [] { variable({2}).cumsum_(0); }, {"cumsum_", "leaf"}},
      {"cumprod_leaf", [] { variable({2}).cumprod_(0); }, {"cumprod_", "leaf"}},
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
      // shapes, joining, cutting, rearranging, padding
      {"diag_size", [] { diag(doubles({1}), (int64_t{1} << 32) - 1); }, {"diag", "too many", "4294967296"}},
      {"diag_least_offset", [] { diag(doubles({1}), INT64_MIN); }, {"diag", "-9223372036854775808"}},
      {"diag_largest_offset", [] { diag(doubles({1}), INT64_MAX); }, {"diag", "9223372036854775807"}},
      {"diag_rank", [] { diag(doubles({2, 2, 2})); }, {"diag:", "[2, 2, 2]"}},
      {"diag_embed_scalar", [] { diag_embed(doubles({})); }, {"diag_embed", "0-d"}},
      {"diag_embed_dims", [] { diag_embed(doubles({2}), 0, 1, -1); }, {"diag_embed", "differ", "1", "-1"}},
      {"diag_embed_dim", [] { diag_embed(doubles({2}), 0, 0, 2); }, {"diag_embed", "2"}},
      {"diagonal_rank", [] { diagonal(doubles({3})); }, {"diagonal", "2 dims", "[3]"}},
      {"diagonal_dims", [] { diagonal(doubles({2, 3}), 0, 1, 1); }, {"diagonal", "differ", "1"}},
      {"diagonal_dim", [] { diagonal(doubles({2, 3}), 0, 0, 2); }, {"diagonal", "2"}},
      {"diagonal_scatter_shape", [] { diagonal_scatter(doubles({2, 3}), doubles({3})); }, {"diagonal_scatter", "[2]", "[3]"}},
      {"select_scatter_index", [] { select_scatter(doubles({2, 3}), doubles({2}), 1, 3); }, {"select_scatter", "3", "size 3"}},
      {"slice_scatter_shape", [] { slice_scatter(doubles({4}), doubles({3}), 0, 1, 3); }, {"slice_scatter", "[2]", "[3]"}},
      {"expand_overflow", [] { doubles({1}).expand({int64_t{1} << 40, int64_t{1} << 40}); }, {"expand", "too many"}},
      {"expand_new_unknown", [] { doubles({1}).expand({-1, 1}); }, {"expand", "negative", "[-1, 1]"}},
      {"broadcast_to_size", [] { broadcast_to(doubles({2}), {3}); }, {"broadcast_to", "[2]", "[3]"}},
      {"broadcast_tensors_sizes", [] { broadcast_tensors({doubles({2}), doubles({3})}); }, {"broadcast_tensors", "[2]", "[3]"}},
      {"meshgrid_nothing", [] { meshgrid(std::initializer_list<Tensor>{}); }, {"meshgrid", "at least one"}},
      {"meshgrid_rank", [] { meshgrid({doubles({2, 3})}); }, {"meshgrid", "1-d", "[2, 3]"}},
      {"meshgrid_dtypes", [] { meshgrid({doubles({2}), integers({1})}); }, {"meshgrid", "float64", "int64"}},
      {"meshgrid_indexing", [] { meshgrid({doubles({2})}, {.indexing = "yx"}); }, {"meshgrid", "ij", "yx"}},
      {"reshape_overflow", [] { doubles({0}).reshape({0, int64_t{1} << 40, int64_t{1} << 40}); }, {"reshape", "too many"}},
      {"unflatten_sizes", [] { unflatten(doubles({2, 6}), 1, {4, -1}); }, {"unflatten", "[4, -1]", "6"}},
      {"unflatten_nothing", [] { unflatten(doubles({2, 6}), 1, Shape{}); }, {"unflatten", "empty"}},
      {"unflatten_dim", [] { unflatten(doubles({2, 6}), 2, {6}); }, {"unflatten", "2"}},
      {"flatten_dims", [] { flatten(doubles({2, 3}), 1, 0); }, {"flatten", "1", "0"}},
      {"movedim_counts", [] { movedim(doubles({2, 3}), {0, 1}, {0}); }, {"movedim", "2", "1"}},
      {"movedim_twice", [] { movedim(doubles({2, 3}), {0, 0}, {0, 1}); }, {"movedim", "twice"}},
      {"swapaxes_dim", [] { swapaxes(doubles({2, 3}), 0, 2); }, {"swapaxes", "2"}},
      {"swapdims_dim", [] { swapdims(doubles({2, 3}), -3, 0); }, {"swapdims", "-3"}},
      {"mT_of_vector", [] { doubles({2}).mT(); }, {"mT", "-2"}},
      {"squeeze_dim", [] { squeeze(doubles({1, 2}), {0, 3}); }, {"squeeze", "3"}},
      {"squeeze_twice", [] { squeeze(doubles({1, 2}), {0, -2}); }, {"squeeze", "twice"}},
      {"unsqueeze_dim", [] { unsqueeze(doubles({2}), 2); }, {"unsqueeze", "2"}},
      {"unfold_size", [] { doubles({5}).unfold(0, 6, 1); }, {"unfold", "5", "6"}},
      {"unfold_step", [] { doubles({5}).unfold(0, 2, 0); }, {"unfold", "step", "0"}},
      {"as_strided_storage", [] { as_strided(doubles({4}), {3}, {2}); }, {"as_strided", "[3]", "[2]", "4"}},
      {"as_strided_overflow", [] { as_strided(doubles({4}), {3, 3}, {INT64_MAX / 2, INT64_MAX / 2}); }, {"as_strided", "[3, 3]"}},
      {"as_strided_negative", [] { as_strided(doubles({4}), {2}, {-1}, 3); }, {"as_strided", "negative", "[-1]"}},
      {"as_strided_ranks", [] { as_strided(doubles({4}), {2, 2}, {1}); }, {"as_strided", "[2, 2]", "[1]"}},
      {"cat_scalars", [] { cat({doubles({}), doubles({})}); }, {"cat", "0-d", "stack"}},
      {"cat_dim", [] { cat({doubles({2})}, 1); }, {"cat", "1"}},
      {"stack_nothing", [] { stack(std::initializer_list<Tensor>{}); }, {"stack", "at least one"}},
      {"stack_dim", [] { stack({doubles({2})}, 2); }, {"stack", "2"}},
      {"hstack_sizes", [] { hstack({doubles({2, 3}), doubles({3, 3})}); }, {"hstack", "[2, 3]", "[3, 3]"}},
      {"vstack_sizes", [] { vstack({doubles({3}), doubles({4})}); }, {"vstack", "[1, 3]", "[1, 4]"}},
      {"dstack_nothing", [] { dstack(std::initializer_list<Tensor>{}); }, {"dstack", "at least one"}},
      {"split_size", [] { split(doubles({4}), 0); }, {"split", "0", "4"}},
      {"split_sum", [] { split(doubles({4}), {1, 2}); }, {"split", "4", "[1, 2]"}},
      {"split_too_much", [] { split(doubles({4}), {3, INT64_MAX}); }, {"split", "4"}},
      {"split_negative", [] { split(doubles({4}), {5, -1}); }, {"split", "4"}},
      {"split_scalar", [] { split(doubles({}), 1); }, {"split", "0-d"}},
      {"chunk_count", [] { chunk(doubles({4}), 0); }, {"chunk", "0"}},
      {"tensor_split_count", [] { tensor_split(doubles({4}), 0); }, {"tensor_split", "0"}},
      {"tensor_split_scalar", [] { tensor_split(doubles({}), {1, 2}); }, {"tensor_split", "0-d"}},
      {"unbind_scalar", [] { unbind(doubles({})); }, {"unbind", "0-d"}},
      {"unbind_dim", [] { unbind(doubles({2}), 1); }, {"unbind", "1"}},
      {"flip_twice", [] { flip(doubles({2, 3}), {0, -2}); }, {"flip", "twice"}},
      {"flip_dim", [] { flip(doubles({2, 3}), 2); }, {"flip", "2"}},
      {"fliplr_rank", [] { fliplr(doubles({2})); }, {"fliplr", "[2]"}},
      {"flipud_rank", [] { flipud(doubles({})); }, {"flipud", "[]"}},
      {"roll_counts", [] { roll(doubles({2, 3}), {1, 2}, 0); }, {"roll", "1", "2"}},
      {"roll_nothing", [] { roll(doubles({2, 3}), std::vector<int64_t>{}); }, {"roll", "at least one"}},
      {"roll_dim", [] { roll(doubles({2, 3}), 1, 2); }, {"roll", "2"}},
      {"rot90_dims", [] { rot90(doubles({2, 3}), 1, 0); }, {"rot90", "2 dims", "1"}},
      {"rot90_twice", [] { rot90(doubles({2, 3}), 1, {0, -2}); }, {"rot90", "twice"}},
      {"rot90_rank", [] { rot90(doubles({2})); }, {"rot90", "[2]"}},
      {"repeat_count", [] { repeat(doubles({2, 3}), {2}); }, {"repeat", "[2, 3]", "[2]"}},
      {"repeat_negative", [] { repeat(doubles({2}), {-1}); }, {"repeat", "negative", "-1"}},
      {"repeat_overflow", [] { repeat(doubles({2}), {INT64_MAX}); }, {"repeat", "too many", "9223372036854775807"}},
      {"tile_negative", [] { tile(doubles({2}), {-1}); }, {"tile", "negative", "-1"}},
      {"repeat_interleave_negative", [] { repeat_interleave(doubles({2}), -1); }, {"repeat_interleave", "negative", "-1"}},
      {"repeat_interleave_counts", [] { repeat_interleave(doubles({3}), integers({1, 2})); }, {"repeat_interleave", "3", "[2]"}},
      {"repeat_interleave_negative_count", [] { repeat_interleave(doubles({2}), integers({1, -2})); }, {"repeat_interleave", "negative", "-2"}},
      {"repeat_interleave_overflow", [] { repeat_interleave(integers({INT64_MAX, 1})); }, {"repeat_interleave", "too many"}},
      {"repeat_interleave_dtype", [] { repeat_interleave(doubles({2}), doubles({2})); }, {"repeat_interleave", "int64", "float64"}},
      {"repeat_interleave_dim", [] { repeat_interleave(doubles({2}), 2, 1); }, {"repeat_interleave", "1"}},
      {"tril_rank", [] { tril(doubles({2})); }, {"tril", "2 dims", "[2]"}},
      {"triu_rank", [] { triu(doubles({})); }, {"triu", "2 dims", "[]"}},
      {"tril_indices_sizes", [] { tril_indices(-1, 2); }, {"tril_indices", "-1"}},
      {"triu_indices_dtype", [] { triu_indices(2, 2, 0, {.dtype = kFloat32}); }, {"triu_indices", "float32"}},
      {"fill_diagonal_rank", [] { Tensor x = doubles({2}); x.fill_diagonal_(1); }, {"fill_diagonal_", "[2]"}},
      {"fill_diagonal_cube", [] { Tensor x = doubles({2, 2, 3}); x.fill_diagonal_(1); }, {"fill_diagonal_", "[2, 2, 3]"}},
      {"tril_in_place_leaf", [] { Tensor x = variable({2, 2}); x.tril_(); }, {"tril_", "leaf"}},
      {"pad_odd", [] { pad(doubles({3}), {1}); }, {"pad", "[1]"}},
      {"pad_too_many", [] { pad(doubles({3}), {1, 1, 1, 1}); }, {"pad", "1 dims", "[1, 1, 1, 1]"}},
      {"pad_cuts_too_much", [] { pad(doubles({3}), {-2, -2}); }, {"pad", "-2", "size 3"}},
      {"pad_overflow", [] { pad(doubles({3}), {INT64_MAX, INT64_MAX}); }, {"pad", "9223372036854775807"}},
      {"pad_least", [] { pad(doubles({3}), {INT64_MIN, INT64_MAX}); }, {"pad", "-9223372036854775808"}},
      {"pad_huge", [] { pad(doubles({2, 2}), {0, int64_t{1} << 40, 0, int64_t{1} << 40}); }, {"pad", "too many"}},
      {"pad_mode", [] { pad(doubles({3}), {1, 1}, {.mode = "mirror"}); }, {"pad", "reflect", "mirror"}},
      {"pad_reflect_size", [] { pad(doubles({1, 3}), {3, 0}, {.mode = "reflect"}); }, {"pad", "reflect", "less than", "3"}},
      {"pad_circular_size", [] { pad(doubles({1, 1, 3}), {0, 4}, {.mode = "circular"}); }, {"pad", "circular", "3", "4"}},
      {"pad_replicate_nothing", [] { pad(doubles({1, 0}), {1, 0}, {.mode = "replicate"}); }, {"pad", "replicate", "0"}},
      {"pad_reflect_rank", [] { pad(doubles({3}), {1, 1}, {.mode = "reflect"}); }, {"pad", "reflect", "[3]"}},
      // losses
      {"target_range", [] { cross_entropy(doubles({2, 3}), integers({0, 3})); }, {"cross_entropy", "3"}},
      {"target_count", [] { nll_loss(doubles({2, 3}), integers({0})); }, {"nll_loss", "[2, 3]", "[1]"}},
      {"loss_shapes", [] { mse_loss(doubles({2}), doubles({3})); }, {"[2]", "[3]"}},
      // picking and placing
      {"index_type", [] { doubles({3}).index({doubles({1})}); }, {"index", "int64", "float64"}},
      {"index_mask", [] { doubles({2, 3}).index({ones({3}) > 0}); }, {"index", "mask", "[3]", "[2, 3]"}},
      {"index_broadcast", [] { doubles({4, 4}).index({integers({0, 1}), integers({0, 1, 2})}); }, {"index", "[2]", "[3]"}},
      {"index_tensor_range", [] { doubles({2, 3}).index({Slice(), integers({-4})}); }, {"index", "-4", "dim 1", "size 3"}},
      {"index_put_range", [] { Tensor x = doubles({3}); x.index_put_({integers({0, 3})}, 1); }, {"index", "3", "size 3"}},
      {"index_put_shape", [] { Tensor x = doubles({3}); x.index_put_({integers({0, 1})}, doubles({4})); }, {"index_put_", "[4]", "[2]"}},
      {"index_put_leaf", [] { Tensor x = variable({3}); x.index_put_({integers({0})}, 1); }, {"index_put_", "leaf"}},
      {"index_select_rank", [] { index_select(doubles({3}), 0, integers({0}).unsqueeze(0)); }, {"index_select", "1 dim", "[1, 1]"}},
      {"index_select_dim", [] { index_select(doubles({3}), 1, integers({0})); }, {"index_select", "1"}},
      {"index_select_negative", [] { index_select(doubles({3}), 0, integers({-1})); }, {"index_select", "-1", "size 3"}},
      {"index_add_shape", [] { index_add(doubles({3, 2}), 0, integers({0}), doubles({2, 2})); }, {"index_add", "[1, 2]", "[2, 2]"}},
      {"index_add_type", [] { index_add(doubles({3}), 0, integers({0}), ones({1})); }, {"index_add", "float64", "float32"}},
      {"index_add_range_in_place", [] { Tensor x = doubles({3}); x.index_add_(0, integers({0, 5}), doubles({2})); }, {"index_add_", "5", "size 3"}},
      {"index_copy_shape", [] { index_copy(doubles({3}), 0, integers({0}), doubles({2})); }, {"index_copy", "[1]", "[2]"}},
      {"index_fill_range", [] { index_fill(doubles({3}), 0, integers({-4}), 1); }, {"index_fill", "-4", "size 3"}},
      {"index_fill_value", [] { index_fill(doubles({3}), 0, integers({0}), doubles({1})); }, {"index_fill", "0-d", "[1]"}},
      {"index_fill_type", [] { index_fill(integers({3}), 0, integers({0}), 0.5); }, {"index_fill", "float32", "int64"}},
      {"gather_rank", [] { gather(doubles({2, 3}), 0, integers({0})); }, {"gather", "2", "1"}},
      {"gather_shape", [] { gather(doubles({2, 3}), 0, zeros({1, 4}, {.dtype = kInt64})); }, {"gather", "[1, 4]", "[2, 3]"}},
      {"scatter_range", [] { scatter(doubles({3}), 0, integers({3}), 1); }, {"scatter", "3", "size 3"}},
      {"scatter_src", [] { scatter(doubles({3}), 0, integers({0, 1}), doubles({1})); }, {"scatter", "[2]", "[1]"}},
      {"scatter_type", [] { scatter(doubles({3}), 0, integers({0}), ones({1})); }, {"scatter", "float64", "float32"}},
      {"scatter_reduce", [] { scatter(doubles({3}), 0, integers({0}), 1, {.reduce = "mean"}); }, {"scatter", "add", "mean"}},
      {"scatter_add_rank", [] { scatter_add(doubles({3}), 0, integers({0}), doubles({1, 1})); }, {"scatter_add", "1", "2"}},
      {"take_range", [] { take(doubles({2, 3}), integers({6})); }, {"take", "6"}},
      {"take_type", [] { take(doubles({3}), doubles({1})); }, {"take", "float64"}},
      {"take_along_dim_rank", [] { take_along_dim(doubles({2, 3}), integers({0}), 0); }, {"take_along_dim", "2", "1"}},
      {"take_along_dim_shape", [] { take_along_dim(doubles({2, 3}), zeros({3, 2}, {.dtype = kInt64}), 1); }, {"take_along_dim", "[2, 1]", "[3, 1]"}},
      {"masked_select_mask", [] { masked_select(doubles({3}), doubles({3})); }, {"masked_select", "bool", "float64"}},
      {"masked_select_shape", [] { masked_select(doubles({3}), ones({2}) > 0); }, {"masked_select", "[3]", "[2]"}},
      {"masked_fill_mask", [] { masked_fill(doubles({3}), doubles({3}), 1); }, {"masked_fill", "bool", "float64"}},
      {"masked_fill_value", [] { masked_fill(doubles({3}), ones({3}) > 0, doubles({1})); }, {"masked_fill", "0-d", "[1]"}},
      {"masked_fill_type", [] { masked_fill(integers({3}), ones({1}) > 0, 0.5); }, {"masked_fill", "float32", "int64"}},
      {"masked_fill_shape_in_place", [] { Tensor x = doubles({3}); x.masked_fill_(ones({2, 3}) > 0, 1); }, {"masked_fill_", "[2, 3]", "[3]"}},
      {"one_hot_size", [] { one_hot(integers({0, 1}), 1LL << 62); }, {"one_hot", "too many", "4611686018427387904"}},
      {"one_hot_class", [] { one_hot(integers({0, 3}), 3); }, {"one_hot", "2", "3"}},
      {"one_hot_negative", [] { one_hot(integers({-1})); }, {"one_hot", "-1"}},
      {"one_hot_nothing", [] { one_hot(zeros({0}, {.dtype = kInt64})); }, {"one_hot", "num_classes", "-1"}},
      {"one_hot_type", [] { one_hot(doubles({2})); }, {"one_hot", "float64"}},
      // orders, groups, searches
      {"sort_dim", [] { sort(doubles({3}), 1); }, {"sort", "1"}},
      {"topk_k", [] { topk(doubles({2, 3}), 4); }, {"topk", "3", "4"}},
      {"kthvalue_k", [] { kthvalue(doubles({3}), 0); }, {"kthvalue", "1 to 3", "0"}},
      {"unique_dim", [] { unique(doubles({3}), {.dim = 1}); }, {"unique", "1"}},
      {"unique_no_elements", [] { unique(doubles({3, 0}), {.dim = 0}); }, {"unique", "[3, 0]"}},
      {"bincount_type", [] { bincount(doubles({3})); }, {"bincount", "float64"}},
      {"bincount_rank", [] { bincount(zeros({2, 2}, {.dtype = kInt64})); }, {"bincount", "1-d", "[2, 2]"}},
      {"bincount_negative", [] { bincount(integers({1, -2})); }, {"bincount", "-2"}},
      {"bincount_minlength", [] { bincount(integers({1}), -1); }, {"bincount", "minlength", "-1"}},
      {"bincount_weights", [] { bincount(integers({1}), doubles({2})); }, {"bincount", "[1]", "[2]"}},
      {"bincount_size", [] { bincount(integers({INT64_MAX})); }, {"bincount", "9223372036854775807"}},
      {"searchsorted_type", [] { searchsorted(integers({1}), doubles({1})); }, {"searchsorted", "int64", "float64"}},
      {"searchsorted_shape", [] { searchsorted(doubles({2, 3}), doubles({3, 3})); }, {"searchsorted", "[3, 3]", "[2, 3]"}},
      {"searchsorted_side", [] { searchsorted(doubles({2}), doubles({1}), {.right = true, .side = "left"}); }, {"searchsorted", "side", "right"}},
      {"bucketize_rank", [] { bucketize(doubles({2}), doubles({1, 1})); }, {"bucketize", "1-d", "[1, 1]"}},
      // embeddings
      {"embedding_range", [] { embedding(integers({5}), doubles({5, 2})); }, {"embedding", "5", "size 5"}},
      {"embedding_type", [] { embedding(doubles({1}), doubles({5, 2})); }, {"embedding", "float64"}},
      {"embedding_weight", [] { embedding(integers({0}), doubles({5})); }, {"embedding", "2-d", "[5]"}},
      {"embedding_padding", [] { embedding(integers({0}), doubles({5, 2}), {.padding_idx = -6}); }, {"embedding", "padding_idx", "-6", "5"}},
      {"embedding_bag_mode", [] { embedding_bag(integers({0}), doubles({5, 2}), integers({0}), {.mode = "prod"}); }, {"embedding_bag", "prod"}},
      {"embedding_bag_no_offsets", [] { embedding_bag(integers({0}), doubles({5, 2})); }, {"embedding_bag", "offsets", "none"}},
      {"embedding_bag_offsets", [] { embedding_bag(integers({0}), doubles({5, 2}), integers({0, 2})); }, {"embedding_bag", "offsets", "1", "2"}},
      {"embedding_bag_first_offset", [] { embedding_bag(integers({0, 1}), doubles({5, 2}), integers({1})); }, {"embedding_bag", "first offset", "1"}},
      {"embedding_bag_weights", [] { embedding_bag(integers({0}), doubles({5, 2}), integers({0}), {.per_sample_weights = doubles({1})}); }, {"embedding_bag", "per_sample_weights", "mean"}},
      // random numbers
      {"rand_type", [] { rand({2}, {.dtype = kInt64}); }, {"rand", "floating", "int64"}},
      {"randint_bounds", [] { randint(3, 3, {2}); }, {"randint", "low", "3"}},
      {"randint_holds", [] { randint(0, 300, {2}, {.dtype = kUInt8}); }, {"randint", "uint8", "299"}},
      {"randperm_negative", [] { randperm(-1); }, {"randperm", "-1"}},
      {"bernoulli_range", [] { bernoulli(doubles({2}) + 1); }, {"bernoulli", "[0, 1]", "1.5"}},
      {"bernoulli_in_place_range", [] { doubles({2}).bernoulli_(1.5); }, {"bernoulli_", "[0, 1]", "1.5"}},
      {"normal_deviation", [] { normal(doubles({2}), -doubles({2})); }, {"normal", "std", "-0.5"}},
      {"normal_types", [] { normal(doubles({2}), ones({2})); }, {"normal", "float64", "float32"}},
      {"uniform_bounds", [] { doubles({2}).uniform_(1, 0); }, {"uniform_", "1", "0"}},
      {"exponential_rate", [] { doubles({2}).exponential_(0); }, {"exponential_", "positive", "0"}},
      {"geometric_probability", [] { Tensor x = doubles({2}); geometric_(x, 1); }, {"geometric_", "(0, 1)", "1"}},
      {"cauchy_sigma", [] { Tensor x = doubles({2}); cauchy_(x, 0, -1); }, {"cauchy_", "sigma", "-1"}},
      {"log_normal_deviation", [] { Tensor x = doubles({2}); log_normal_(x, 0, 0); }, {"log_normal_", "std", "0"}},
      {"poisson_rate", [] { poisson(-doubles({2})); }, {"poisson", "-0.5"}},
      {"multinomial_samples", [] { multinomial(doubles({3}), 4); }, {"multinomial", "3", "4"}},
      {"multinomial_rank", [] { multinomial(doubles({1, 1, 1}), 1); }, {"multinomial", "[1, 1, 1]"}},
      {"multinomial_weights", [] { multinomial(-doubles({3}), 1); }, {"multinomial", "-0.5"}},
      {"multinomial_zero", [] { multinomial(zeros({3}), 1); }, {"multinomial", "positive sum"}},
      {"random_expanded", [] { doubles({1}).expand({3}).uniform_(); }, {"uniform_", "expanded"}},
      // losses and distances
      {"l1_loss_shapes", [] { l1_loss(doubles({2}), doubles({3})); }, {"l1_loss", "[2]", "[3]"}},
      {"smooth_l1_loss_shapes", [] { smooth_l1_loss(doubles({2}), doubles({3})); }, {"smooth_l1_loss", "[2]", "[3]"}},
      {"smooth_l1_loss_beta", [] { smooth_l1_loss(doubles({2}), doubles({2}), {.beta = -1}); }, {"smooth_l1_loss", "beta", "-1"}},
      {"huber_loss_shapes", [] { huber_loss(doubles({2}), doubles({3})); }, {"huber_loss", "[2]", "[3]"}},
      {"huber_loss_delta", [] { huber_loss(doubles({2}), doubles({2}), {.delta = 0}); }, {"huber_loss", "delta", "0"}},
      {"huber_loss_dtype", [] { huber_loss(integers({2}), integers({1})); }, {"huber_loss", "floating", "int64"}},
      {"smooth_l1_loss_dtype", [] { smooth_l1_loss(integers({2}), integers({1})); }, {"smooth_l1_loss", "floating", "int64"}},
      {"loss_batchmean", [] { mse_loss(doubles({2}), doubles({2}), {.reduction = Reduction::BatchMean}); }, {"mse_loss", "BatchMean"}},
      {"loss_of_integers", [] { l1_loss(integers({2}), integers({1})); }, {"l1_loss", "floating", "int64"}},
      {"poisson_nll_loss_shapes", [] { poisson_nll_loss(doubles({2}), doubles({3})); }, {"poisson_nll_loss", "[2]", "[3]"}},
      {"gaussian_nll_loss_shapes", [] { gaussian_nll_loss(doubles({2}), doubles({3}), doubles({2})); }, {"gaussian_nll_loss", "[2]", "[3]"}},
      {"gaussian_nll_loss_variance_shape", [] { gaussian_nll_loss(doubles({4, 2}), doubles({4, 2}), doubles({2})); }, {"gaussian_nll_loss", "[4, 2]", "[4, 1]", "[4]", "got [2]"}},
      {"gaussian_nll_loss_negative", [] { gaussian_nll_loss(doubles({2}), doubles({2}), -doubles({2})); }, {"gaussian_nll_loss", "at least 0", "-0.5"}},
      {"gaussian_nll_loss_dtype", [] { gaussian_nll_loss(doubles({2}), doubles({2}), integers({1, 2})); }, {"gaussian_nll_loss", "variance", "int64"}},
      {"kl_div_shapes", [] { kl_div(doubles({2}), doubles({3})); }, {"kl_div", "[2]", "[3]"}},
      {"kl_div_batch", [] { kl_div(doubles({}), doubles({}), {.reduction = Reduction::BatchMean}); }, {"kl_div", "BatchMean", "[]"}},
      {"binary_cross_entropy_shapes", [] { binary_cross_entropy(doubles({2, 1}), doubles({2})); }, {"binary_cross_entropy", "[2, 1]", "[2]"}},
      {"binary_cross_entropy_range", [] { binary_cross_entropy(doubles({2}) * 3, doubles({2})); }, {"binary_cross_entropy", "between 0 and 1", "1.5"}},
      {"binary_cross_entropy_dtype", [] { binary_cross_entropy(integers({1}), doubles({1})); }, {"binary_cross_entropy", "floating", "int64"}},
      {"binary_cross_entropy_weight", [] { binary_cross_entropy(doubles({2}), doubles({2}), {.weight = doubles({3})}); }, {"binary_cross_entropy", "[2]", "[3]"}},
      {"logits_shapes", [] { binary_cross_entropy_with_logits(doubles({2, 1}), doubles({2})); }, {"binary_cross_entropy_with_logits", "[2, 1]", "[2]"}},
      {"logits_dtype", [] { binary_cross_entropy_with_logits(integers({1}), doubles({1})); }, {"binary_cross_entropy_with_logits", "floating", "int64"}},
      {"logits_weight", [] { binary_cross_entropy_with_logits(doubles({2}), doubles({2}), {.weight = doubles({3})}); }, {"binary_cross_entropy_with_logits", "[2]", "[3]"}},
      {"logits_pos_weight", [] { binary_cross_entropy_with_logits(doubles({2}), doubles({2}), {.pos_weight = doubles({3})}); }, {"binary_cross_entropy_with_logits", "[2]", "[3]"}},
      {"hinge_embedding_loss_shapes", [] { hinge_embedding_loss(doubles({2}), doubles({3})); }, {"hinge_embedding_loss", "[2]", "[3]"}},
      {"margin_ranking_loss_dims", [] { margin_ranking_loss(doubles({2}), doubles({2}), doubles({})); }, {"margin_ranking_loss", "[2]", "[]"}},
      {"margin_ranking_loss_shapes", [] { margin_ranking_loss(doubles({2}), doubles({3}), doubles({2})); }, {"margin_ranking_loss", "[2]", "[3]"}},
      {"cosine_embedding_loss_dims", [] { cosine_embedding_loss(doubles({2}), doubles({2}), doubles({2})); }, {"cosine_embedding_loss", "[N, D]", "[2]"}},
      {"cosine_embedding_loss_shapes", [] { cosine_embedding_loss(doubles({2, 3}), doubles({2, 3}), doubles({3})); }, {"cosine_embedding_loss", "[2]", "[3]"}},
      {"triplet_margin_loss_dims", [] { triplet_margin_loss(doubles({2, 3}), doubles({3}), doubles({2, 3})); }, {"triplet_margin_loss", "[2, 3]", "[3]"}},
      {"triplet_distance_dims", [] { triplet_margin_with_distance_loss(doubles({2, 3}), doubles({3}), doubles({2, 3})); }, {"triplet_margin_with_distance_loss", "[2, 3]", "[3]"}},
      {"multi_margin_loss_range", [] { multi_margin_loss(doubles({2, 3}), integers({0, 3})); }, {"multi_margin_loss", "below 3", "got 3"}},
      {"multi_margin_loss_negative", [] { multi_margin_loss(doubles({2, 3}), integers({0, -1})); }, {"multi_margin_loss", "at least 0", "got -1"}},
      {"multi_margin_loss_target", [] { multi_margin_loss(doubles({2, 3}), integers({0})); }, {"multi_margin_loss", "[2]", "[2, 3]", "[1]"}},
      {"multi_margin_loss_rank", [] { multi_margin_loss(doubles({2, 3, 4}), integers({0, 1})); }, {"multi_margin_loss", "[N, C]", "[2, 3, 4]"}},
      {"multi_margin_loss_power", [] { multi_margin_loss(doubles({1, 3}), integers({0}), {.p = 3}); }, {"multi_margin_loss", "1 or 2", "3"}},
      {"multi_margin_loss_weight", [] { multi_margin_loss(doubles({1, 3}), integers({0}), {.weight = doubles({2})}); }, {"multi_margin_loss", "weight", "[3]", "[2]"}},
      {"multi_margin_loss_dtype", [] { multi_margin_loss(doubles({1, 3}), doubles({1})); }, {"multi_margin_loss", "integer", "float64"}},
      {"multilabel_margin_loss_range", [] { multilabel_margin_loss(doubles({2}), integers({0, 2})); }, {"multilabel_margin_loss", "below 2", "got 2"}},
      {"multilabel_margin_loss_shapes", [] { multilabel_margin_loss(doubles({3}), integers({0, 2})); }, {"multilabel_margin_loss", "[3]", "[2]"}},
      {"multilabel_margin_loss_dtype", [] { multilabel_margin_loss(doubles({2}), doubles({2})); }, {"multilabel_margin_loss", "integer", "float64"}},
      {"multilabel_soft_margin_loss_shapes", [] { multilabel_soft_margin_loss(doubles({2, 3}), doubles({3})); }, {"multilabel_soft_margin_loss", "[2, 3]", "[3]"}},
      {"multilabel_soft_margin_loss_weight", [] { multilabel_soft_margin_loss(doubles({2, 3}), doubles({2, 3}), {.weight = doubles({2})}); }, {"multilabel_soft_margin_loss", "[2, 3]", "[2]"}},
      {"multilabel_soft_margin_loss_dtype", [] { multilabel_soft_margin_loss(integers({2}), integers({1})); }, {"multilabel_soft_margin_loss", "floating", "int64"}},
      {"soft_margin_loss_shapes", [] { soft_margin_loss(doubles({2}), doubles({3})); }, {"soft_margin_loss", "[2]", "[3]"}},
      {"soft_margin_loss_dtype", [] { soft_margin_loss(integers({2}), integers({1})); }, {"soft_margin_loss", "floating", "int64"}},
      {"ctc_loss_rank", [] { ctc_loss(doubles({2}), integers({1}), integers({1}), integers({1})); }, {"ctc_loss", "[T, N, C]", "[2]"}},
      {"ctc_loss_dtype", [] { ctc_loss(integers({1}).reshape({1, 1, 1}), integers({1}), integers({1}), integers({1})); }, {"ctc_loss", "floating", "int64"}},
      {"ctc_loss_target_dtype", [] { ctc_loss(doubles({4, 1, 3}), doubles({1}), integers({4}), integers({1})); }, {"ctc_loss", "integer", "float64"}},
      {"ctc_loss_length_dtype", [] { ctc_loss(doubles({4, 1, 3}), integers({1}), doubles({1}), integers({1})); }, {"ctc_loss", "input_lengths", "float64"}},
      {"ctc_loss_label", [] { ctc_loss(doubles({4, 1, 3}), integers({3}), integers({4}), integers({1})); }, {"ctc_loss", "below 3", "got 3"}},
      {"ctc_loss_blank", [] { ctc_loss(doubles({4, 1, 3}), integers({1}), integers({4}), integers({1}), {.blank = 3}); }, {"ctc_loss", "blank", "below 3", "got 3"}},
      {"ctc_loss_targets", [] { ctc_loss(doubles({4, 2, 3}), integers({1, 2, 1}).reshape({3, 1}), integers({4, 4}), integers({1, 1})); }, {"ctc_loss", "[2, S]", "[3, 1]"}},
      {"ctc_loss_frames", [] { ctc_loss(doubles({4, 1, 3}), integers({1}), integers({5}), integers({1})); }, {"ctc_loss", "input_lengths", "4", "5"}},
      {"ctc_loss_lengths", [] { ctc_loss(doubles({4, 1, 3}), integers({1}).reshape({1, 1}), integers({4}), integers({2})); }, {"ctc_loss", "target_lengths", "1", "2"}},
      {"ctc_loss_length_count", [] { ctc_loss(doubles({4, 2, 3}), integers({1, 2}), integers({4}), integers({1, 1})); }, {"ctc_loss", "input_lengths", "[2]", "[1]"}},
      {"ctc_loss_label_count", [] { ctc_loss(doubles({4, 2, 3}), integers({1, 2, 1}), integers({4, 4}), integers({1, 1})); }, {"ctc_loss", "2 targets", "got 3"}},
      {"cosine_similarity_dim", [] { cosine_similarity(doubles({3}), doubles({3})); }, {"cosine_similarity", "1"}},
      {"cosine_similarity_shapes", [] { cosine_similarity(doubles({2, 3}), doubles({2, 2})); }, {"cosine_similarity", "[2, 3]", "[2, 2]"}},
      {"cosine_similarity_dtype", [] { cosine_similarity(integers({1}), integers({1}), {.dim = 0}); }, {"cosine_similarity", "floating", "int64"}},
      {"pairwise_distance_shapes", [] { pairwise_distance(doubles({2, 3}), doubles({2, 2})); }, {"pairwise_distance", "[2, 3]", "[2, 2]"}},
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
