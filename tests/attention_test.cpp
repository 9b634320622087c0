// scaled_dot_product_attention: PyTorch's values and gradients, masks, and dropout.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <fstream>
#include <nlohmann/json.hpp>

using namespace reel;
using nlohmann::json;

namespace {

Tensor read(const json& entry) {
  std::vector<double> values;
  for (const json& value : entry["data"]) {
    if (value.is_string())
      values.push_back(value == "-inf" ? -INFINITY : INFINITY);
    else
      values.push_back(value.is_boolean() ? value.get<bool>() : value.get<double>());
  }
  const Tensor x = from_vector(values, Shape(entry["shape"].get<std::vector<int64_t>>()));
  return entry["dtype"] == "bool" ? x.to(kBool) : x;
}

}  // namespace

TEST(Attention, gives_pytorchs_values_and_gradients) {
  std::ifstream file(REEL_TEST_DATA_DIR "/scaled_dot_product_attention.json");
  const json cases = json::parse(file)["cases"];
  ASSERT_EQ(cases.size(), 19u);
  for (const json& row : cases) {
    SCOPED_TRACE(row["name"].get<std::string>());
    std::vector<Tensor> x;
    for (size_t i = 0; i < row["inputs"].size(); ++i) {
      x.push_back(read(row["inputs"][i]));
      if (!row["grads"][i].is_null()) x.back().requires_grad_();
    }
    const Tensor y = scaled_dot_product_attention(x[0], x[1], x[2],
                                                  {.attn_mask = x.size() > 3 ? x[3] : Tensor(),
                                                   .is_causal = row["args"].contains("is_causal")});
    EXPECT_TRUE(allclose(y.detach(), read(row["outputs"][0]), {.rtol = 1e-9, .atol = 1e-12}));
    y.backward(read(row["grad_outputs"][0]));
    for (size_t i = 0; i < x.size(); ++i) {
      if (row["grads"][i].is_null()) continue;
      EXPECT_TRUE(allclose(x[i].grad(), read(row["grads"][i]), {.rtol = 1e-9, .atol = 1e-12})) << i;
    }
  }
}

TEST(Attention, dropout_removes_weights_and_scales_the_others) {
  manual_seed(1);
  const Tensor query = zeros({1, 2}), key = zeros({1000, 2}), value = ones({1000, 1});
  const Tensor y = scaled_dot_product_attention(query, key, value, {.dropout_p = 0.25});
  // Each weight is 1 / 1000, and becomes 0 or 1 / 750: the sum counts how many are left.
  const double left = y.item<double>() * 750;
  EXPECT_NEAR(left, std::round(left), 1e-2);
  EXPECT_NEAR(left, 750, 60);
}
