// What every operation must satisfy, derived from its row in op_cases.cpp.
#include "op_cases.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace reel::testing {

Tensor build(const Shape& shape, const std::function<double(const Index&)>& f) {
  const Tensor out = zeros(shape, {.dtype = kFloat64});
  double* to = out.data<double>();
  Index index(shape.size(), 0);
  for (int64_t n = 0; n < out.numel(); ++n) {
    to[n] = f(index);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < shape[static_cast<int>(d)]) break;
      index[d] = 0;
    }
  }
  return out;
}

double at(const Tensor& tensor, const Index& index) {
  int64_t offset = 0;
  for (size_t d = 0; d < index.size(); ++d)
    offset += index[d] * tensor.strides()[static_cast<int>(d)];
  return tensor.data<double>()[offset];
}

namespace {

struct Setting {
  const OpCase* op;
  const std::vector<Shape>* shapes;
};

std::vector<Setting> settings() {
  std::vector<Setting> list;
  for (const OpCase& op : op_cases()) {
    for (const auto& shapes : op.shapes) list.push_back({&op, &shapes});
  }
  return list;
}

std::string name_of_setting(const ::testing::TestParamInfo<Setting>& info) {
  std::string name = info.param.op->name + "_" + info.param.op->note;
  for (const Shape& shape : *info.param.shapes) {
    name += "_x";
    for (int64_t size : shape) name += "_" + std::to_string(size);
  }
  std::erase_if(name, [](char c) { return !std::isalnum(c) && c != '_'; });
  return std::to_string(info.index) + "_" + name;
}

class Ops : public ::testing::TestWithParam<Setting> {
 protected:
  Tensors inputs() const {
    manual_seed(7);
    Tensors list;
    for (const Shape& shape : *GetParam().shapes) {
      Tensor x = rand(shape, {.dtype = kFloat64});
      list.push_back(x * (op().high - op().low) + op().low);
    }
    return list;
  }
  Tensors variables() const {
    Tensors list = inputs();
    for (Tensor& x : list) x.requires_grad_();
    return list;
  }
  const OpCase& op() const { return *GetParam().op; }
  bool has_elements() const {
    for (const Shape& shape : *GetParam().shapes) {
      if (shape.numel() == 0) return false;
    }
    return true;
  }
};

// The same numbers with a gap behind each element and the dims stored in reverse order.
Tensor scattered(const Tensor& x) {
  if (x.dim() == 0) return x;
  Shape shape = x.shape();
  for (int i = 0; i < x.dim(); ++i) shape[i] = x.size(x.dim() - 1 - i);
  shape.push_back(2);
  std::vector<int> reversed;
  for (int i = x.dim() - 1; i >= 0; --i) reversed.push_back(i);
  Tensor y = zeros(shape, {.dtype = x.dtype()}).select(-1, 1).permute(Dims(reversed));
  y.copy_(x);
  return y;
}

Tensor elementwise_reference(const OpCase& op, const Tensors& x) {
  Shape shape = x[0].shape();
  for (const Tensor& each : x) shape = broadcast_shapes("reference", shape, each.shape());
  return build(shape, [&](const Index& index) {
    std::vector<double> values;
    for (const Tensor& each : x) {
      Index own(index.end() - each.dim(), index.end());
      for (int d = 0; d < each.dim(); ++d) {
        if (each.size(d) == 1) own[static_cast<size_t>(d)] = 0;
      }
      values.push_back(at(each, own));
    }
    return op.scalar(values);
  });
}

}  // namespace

TEST_P(Ops, forward_equals_an_independent_reference) {
  const Tensors x = inputs();
  const Tensor y = op().fn(x);
  const Tensor expected = op().scalar ? elementwise_reference(op(), x) : op().reference(x);
  ASSERT_EQ(y.shape(), expected.shape());
  EXPECT_TRUE(allclose(y, expected, {.rtol = 1e-12, .atol = 1e-13})) << y.to_string() << "\n"
                                                                     << expected.to_string();
}

TEST_P(Ops, gradients_of_first_and_second_order_equal_differences) {
  if (!has_elements()) {
    const Tensors x = variables();
    const Tensor y = op().fn(x);
    y.backward(ones_like(y.detach()));
    for (const Tensor& each : x) EXPECT_EQ(each.grad().shape(), each.shape());
    return;
  }
  const auto f = [this](const Tensors& x) { return op().fn(x); };
  EXPECT_TRUE(autograd::gradcheck(f, variables(), {.eps = 1e-6, .atol = 1e-7, .rtol = 1e-6}));
  EXPECT_TRUE(autograd::gradgradcheck(f, variables(), {.eps = 1e-6, .atol = 1e-6, .rtol = 1e-5}));
}

TEST_P(Ops, float32_agrees_with_float64) {
  Tensors single;
  for (const Tensor& x : inputs()) single.push_back(x.to(kFloat32));
  const Tensor y = op().fn(single);
  EXPECT_EQ(y.dtype(), kFloat32);
  Tensors same;
  for (const Tensor& x : single) same.push_back(x.to(kFloat64));
  EXPECT_TRUE(allclose(y.to(kFloat64), op().fn(same), {.rtol = 1e-5, .atol = 1e-5}));
}

TEST_P(Ops, strided_inputs_give_the_same_values_and_gradients) {
  Tensors rows = variables(), gaps;
  for (const Tensor& x : rows) gaps.push_back(scattered(x.detach()).requires_grad_());
  const Tensor y = op().fn(rows), z = op().fn(gaps);
  ASSERT_EQ(y.shape(), z.shape());
  EXPECT_TRUE(allclose(y.detach(), z.detach(), {.rtol = 1e-13, .atol = 1e-14}));
  const Tensor g = rand(y.shape(), {.dtype = kFloat64});
  y.backward(g);
  z.backward(scattered(g));
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(allclose(rows[i].grad(), gaps[i].grad(), {.rtol = 1e-12, .atol = 1e-13}))
        << "input " << i;
  }
}

TEST_P(Ops, records_only_where_asked_and_leaves_inputs_alone) {
  const Tensors x = variables();
  Tensors before;
  for (const Tensor& each : x) before.push_back(each.detach().clone());
  EXPECT_TRUE(op().fn(x).requires_grad());
  {
    NoGradGuard no_grad;
    const memory::Stats stats = memory::stats();
    const Tensor y = op().fn(x);
    EXPECT_FALSE(y.requires_grad());
    EXPECT_EQ(memory::stats().live_nodes, stats.live_nodes);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(equal(x[i].detach(), before[i]));
    EXPECT_EQ(x[i].version(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Ops, ::testing::ValuesIn(settings()), name_of_setting);

// Functions of the ops headers that give a Tensor but have no gradient to check by a row.
const std::set<std::string> kNotDifferentiable = {
    "eq",          "ne",          "lt",         "le",      "gt",          "ge",
    "logical_not", "logical_and", "logical_or", "isnan",   "argmax",      "argmin",
    "all",         "any",         "nonzero",    "one_hot", "scalar_like", "sign"};

TEST(OpTable, every_public_operation_has_a_row) {
  std::set<std::string> rows;
  for (const OpCase& op : op_cases()) rows.insert(op.name);
  const std::regex declaration(R"((?:^|\n)(?:Tensor|ValuesAndIndices) ([a-z_0-9]*[a-z0-9])\()");
  for (const char* family :
       {"activation", "elementwise", "indexing", "loss", "matmul", "reduce", "view"}) {
    std::ifstream file(std::string(REEL_SOURCE_DIR) + "/autograd/ops/" + family + ".h");
    ASSERT_TRUE(file) << family;
    std::stringstream text;
    text << file.rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator it(source.begin(), source.end(), declaration), end; it != end; ++it) {
      const std::string name = (*it)[1];
      EXPECT_TRUE(rows.count(name) || kNotDifferentiable.count(name))
          << name << " of ops/" << family << ".h has no row";
    }
  }
}

}  // namespace reel::testing
