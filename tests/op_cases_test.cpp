// What every operation must satisfy, derived from its row in op_cases/.
#include "op_cases/op_cases.h"

#include <gtest/gtest.h>

namespace reel::testing {

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
  EXPECT_TRUE(allclose(y.to(kFloat64), expected, {.rtol = 1e-12, .atol = 1e-13}))
      << y.to_string() << "\n"
      << expected.to_string();
}

TEST_P(Ops, gradients_of_first_and_second_order_equal_differences) {
  if (!op().differentiable) {
    EXPECT_FALSE(op().fn(variables()).requires_grad());
    return;
  }
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
  if (op().differentiable) {
    EXPECT_EQ(y.dtype(), kFloat32);
  }
  Tensors same;
  for (const Tensor& x : single) same.push_back(x.to(kFloat64));
  EXPECT_TRUE(allclose(y.to(kFloat64), op().fn(same).to(kFloat64), {.rtol = 1e-5, .atol = 1e-5}));
}

TEST_P(Ops, strided_inputs_give_the_same_values_and_gradients) {
  Tensors rows = variables(), gaps;
  for (const Tensor& x : rows) gaps.push_back(scattered(x.detach()).requires_grad_());
  const Tensor y = op().fn(rows), z = op().fn(gaps);
  ASSERT_EQ(y.shape(), z.shape());
  EXPECT_TRUE(allclose(y.detach(), z.detach(), {.rtol = 1e-13, .atol = 1e-14}));
  if (!op().differentiable) return;
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
  EXPECT_EQ(op().fn(x).requires_grad(), op().differentiable);
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

// On a tensor of its own and on a view into a larger one.
TEST_P(Ops, its_form_in_place_gives_the_same_values_and_gradients) {
  if (!op().in_place) return;
  const Tensors x = variables(), own = variables(), viewed = variables();
  const Tensor y = op().fn(x);
  Tensor z = own[0].clone();
  EXPECT_EQ(op().in_place(z, own).body(), z.body());
  Tensor larger = stack({ones_like(viewed[0].detach()), viewed[0]});
  Tensor view = larger[1];
  op().in_place(view, viewed);
  EXPECT_TRUE(equal(z, y.to(z.dtype())));
  EXPECT_TRUE(equal(larger[1], z));
  EXPECT_TRUE(equal(larger[0], ones_like(z)));
  if (!op().differentiable) return;
  const Tensor g = rand(y.shape(), {.dtype = kFloat64});
  y.backward(g);
  z.backward(g);
  larger[1].backward(g);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(allclose(own[i].grad(), x[i].grad(), {.rtol = 1e-12, .atol = 1e-13})) << i;
    EXPECT_TRUE(allclose(viewed[i].grad(), x[i].grad(), {.rtol = 1e-12, .atol = 1e-13})) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Ops, ::testing::ValuesIn(settings()), name_of_setting);

}  // namespace reel::testing
