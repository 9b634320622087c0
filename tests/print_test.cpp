// Tensors as text, against what PyTorch prints for the same numbers (its "torch." of dtypes aside).
#include <gtest/gtest.h>

#include <reel/autograd/ops/creation.h>
#include <reel/autograd/ops/elementwise.h>
#include <reel/autograd/ops/view.h>
#include <reel/nn/activation.h>

#include <cmath>
#include <limits>
#include <sstream>

using namespace reel;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor floats(const std::vector<float>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}

Tensor longs(const std::vector<int64_t>& values, const Shape& shape) {
  return from_vector(values, shape);
}

Tensor range(int64_t end, const Shape& shape) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < end; ++i) values.push_back(i);
  return longs(values, shape);
}

}  // namespace

TEST(Print, shows_zero_dim_tensors_without_brackets) {
  EXPECT_EQ(full({}, 3, {.dtype = kInt64}).to_string(), "tensor(3)");
  EXPECT_EQ(full({}, 3.5).to_string(), "tensor(3.5000)");
  EXPECT_EQ(full({}, 2.0).to_string(), "tensor(2.)");
  EXPECT_EQ(full({}, true, {.dtype = kBool}).to_string(), "tensor(True)");
  EXPECT_EQ(full({}, 1e-5).to_string(), "tensor(1.0000e-05)");
}

TEST(Print, shows_undefined_tensors) { EXPECT_EQ(Tensor().to_string(), "tensor(undefined)"); }

TEST(Print, ends_whole_floats_with_a_point) {
  EXPECT_EQ(floats({1, 2}).to_string(), "tensor([1., 2.])");
  EXPECT_EQ(floats({0, -0.0f}).to_string(), "tensor([0., -0.])");
  EXPECT_EQ(floats({1, -20, 300}).to_string(), "tensor([  1., -20., 300.])");
}

TEST(Print, shows_integers_right_aligned) {
  EXPECT_EQ(longs({1, -20, 300}, {3}).to_string(), "tensor([  1, -20, 300])");
  EXPECT_EQ(longs({1, 2, 3, 4}, {2, 2}).to_string(), "tensor([[1, 2],\n        [3, 4]])");
  EXPECT_EQ(longs({std::numeric_limits<int64_t>::max()}, {1}).to_string(),
            "tensor([9223372036854775807])");
}

TEST(Print, shows_four_digits_and_leaves_room_for_the_sign) {
  EXPECT_EQ(
      from_vector(std::vector<float>{1.5410f, -0.2934f, -2.1788f, 0.5684f}, {2, 2}).to_string(),
      "tensor([[ 1.5410, -0.2934],\n        [-2.1788,  0.5684]])");
  EXPECT_EQ(floats({0.5f, 10.25f}).to_string(), "tensor([ 0.5000, 10.2500])");
}

TEST(Print, turns_scientific_by_the_range_of_the_numbers) {
  EXPECT_EQ(floats({1.0f, 1e-8f}).to_string(), "tensor([1.0000e+00, 1.0000e-08])");
  EXPECT_EQ(floats({1, 1000}).to_string(), "tensor([   1., 1000.])");
  EXPECT_EQ(floats({1, 10000}).to_string(), "tensor([1.0000e+00, 1.0000e+04])");
  EXPECT_EQ(floats({2e8f, 4e8f}).to_string(), "tensor([2.0000e+08, 4.0000e+08])");
  EXPECT_EQ(floats({0.00005f}).to_string(), "tensor([5.0000e-05])");
  EXPECT_EQ(floats({-1.5f, 0, 2e5f}).to_string(),
            "tensor([-1.5000e+00,  0.0000e+00,  2.0000e+05])");
}

TEST(Print, ignores_nan_and_infinity_when_it_chooses_the_style) {
  EXPECT_EQ(floats({float(kNan), float(kInfinity), -float(kInfinity)}).to_string(),
            "tensor([nan, inf, -inf])");
  EXPECT_EQ(floats({1.5f, float(kNan), -float(kInfinity)}).to_string(),
            "tensor([1.5000,    nan,   -inf])");
  EXPECT_EQ(floats({1, -std::copysign(float(kNan), 1.0f)}).to_string(), "tensor([1., nan])");
}

TEST(Print, shows_truth_values) {
  EXPECT_EQ((floats({1, 2}) < floats({2, 1})).to_string(), "tensor([ True, False])");
  EXPECT_EQ((floats({1, 2}) < floats({2, 3})).to_string(), "tensor([True, True])");
}

TEST(Print, shows_empty_tensors_with_size_and_dtype) {
  EXPECT_EQ(zeros({0}).to_string(), "tensor([])");
  EXPECT_EQ(zeros({0, 3}).to_string(), "tensor([], size=(0, 3))");
  EXPECT_EQ(zeros({0}, {.dtype = kInt64}).to_string(), "tensor([], dtype=int64)");
  EXPECT_EQ(zeros({2, 0}, {.dtype = kFloat64, .requires_grad = true}).to_string(),
            "tensor([], size=(2, 0), dtype=float64, requires_grad=True)");
}

TEST(Print, shows_dtypes_that_the_numbers_do_not_show) {
  EXPECT_EQ(ones({2}, {.dtype = kFloat64}).to_string(), "tensor([1., 1.], dtype=float64)");
  EXPECT_EQ(ones({2}, {.dtype = kInt32}).to_string(), "tensor([1, 1], dtype=int32)");
  EXPECT_EQ(ones({2}, {.dtype = kUInt8}).to_string(), "tensor([1, 1], dtype=uint8)");
}

TEST(Print, shows_the_place_on_the_tape) {
  const Tensor x = ones({2}, {.dtype = kFloat32, .requires_grad = true});
  EXPECT_EQ(x.to_string(), "tensor([1., 1.], requires_grad=True)");
  EXPECT_EQ((x * x).to_string(), "tensor([1., 1.], grad_fn=<MulBackward0>)");
  EXPECT_EQ((x * x).detach().to_string(), "tensor([1., 1.])");
  const Tensor doubles = ones({1}, {.dtype = kFloat64, .requires_grad = true});
  EXPECT_EQ(doubles.exp().to_string(), "tensor([2.7183], dtype=float64, grad_fn=<ExpBackward0>)");
}

TEST(Print, breaks_lines_at_eighty_columns) {
  EXPECT_EQ(range(30, {30}).to_string(),
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])");
}

TEST(Print, puts_what_does_not_fit_on_a_line_of_its_own) {
  EXPECT_EQ(range(14, {14}).to(kFloat64).to_string(),
            "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.],\n"
            "       dtype=float64)");
}

TEST(Print, separates_blocks_of_more_dims_by_blank_lines) {
  EXPECT_EQ(range(8, {2, 2, 2}).to_string(),
            "tensor([[[0, 1],\n         [2, 3]],\n\n        [[4, 5],\n         [6, 7]]])");
  EXPECT_EQ(range(4, {2, 1, 1, 2}).to_string(), "tensor([[[[0, 1]]],\n\n\n        [[[2, 3]]]])");
}

TEST(Print, summarises_above_a_thousand_elements) {
  EXPECT_EQ(range(10000, {10000}).to_string(),
            "tensor([   0,    1,    2,  ..., 9997, 9998, 9999])");
  const std::string row = "[0., 0., 0.,  ..., 0., 0., 0.]";
  const std::string apart = ",\n        ";
  EXPECT_EQ(zeros({100, 100}).to_string(), "tensor([" + row + apart + row + apart + row + apart +
                                               "..." + apart + row + apart + row + apart + row +
                                               "])");
  EXPECT_EQ(range(1000, {1000}).to_string().find("..."), std::string::npos);
}

TEST(Print, takes_width_and_style_from_what_is_shown_only) {
  std::vector<float> values(2000, 1.0f);
  values[1000] = 1e-8f;
  EXPECT_EQ(floats(values).to_string(), "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
}

TEST(Print, shows_short_dims_whole_when_it_summarises) {
  EXPECT_EQ(range(2000, {2, 1000}).to_string(),
            "tensor([[   0,    1,    2,  ...,  997,  998,  999],\n        [1000, 1001, 1002,  ..., "
            "1997, 1998, 1999]])");
}

TEST(Print, follows_strides) {
  EXPECT_EQ(range(6, {2, 3}).t().to_string(), "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])");
  EXPECT_EQ(range(1, {1}).expand({3}).to_string(), "tensor([0, 0, 0])");
}

TEST(Print, serves_streams_and_format_strings) {
  std::ostringstream stream;
  stream << floats({1, 2});
  EXPECT_EQ(stream.str(), "tensor([1., 2.])");
  EXPECT_EQ(fmt::format("{}", floats({1, 2})), "tensor([1., 2.])");
  std::ostringstream parts;
  parts << zeros({2, 3}).shape() << ' ' << kFloat64 << ' ' << nn::ReLU();
  EXPECT_EQ(parts.str(), "[2, 3] float64 ReLU()");
}
